"""Joins the parts: features ─► embedding ─► interaction ─► mixture ─► towers ─► logits."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from ctrmoe.config import Config, ConfigError, ModelConfig
from ctrmoe.layers import (
    CLASSIFIERS,
    FM,
    INTERACTIONS,
    MLP,
    ChainedLogit,
    FeatureEmbedding,
    Field,
    RowBlocks,
    Tower,
    create,
)
from ctrmoe.layers.registry import constructor_parameters
from ctrmoe.model_fields import bottom_token
from ctrmoe.model_mixture import MixtureParts
from ctrmoe.model_tokens import create_embedding, join_tokens, layer_name
from ctrmoe.schema import Schema

logger = logging.getLogger(__name__)


def build_model(
    schema: Schema,
    config: Config,
    *,
    fields: Sequence[Mapping[str, Any]],
    num_domains: int = 0,
) -> keras.Model:
    """Builds the model of a config as a functional `keras.Model`.

    The model reads the packed matrices of `ctrmoe.data.packed.Encoded` by name (`ids`,
    `sequences`, `values`, those that the schema needs, and `domain` where a part reads it) and
    returns a dict of logits, one `[B]` for each task.

    Args:
        schema: Features and tasks.
        config: The parts and their options; the seed of the initial weights.
        fields: One a feature, as `Encoder.fields()` describes them.
        num_domains: `Encoder.num_domains`; at 0 all rows are of one domain.

    Raises:
        ConfigError: If a part does not take one of its options.
    """
    keras.utils.set_random_seed(config.seed)
    with _precision(config.train.precision):
        try:
            found = [Field(**field) for field in fields]
            return _build(schema, config.model, found, num_domains)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"[model] can't be built: {error}") from error


def _build(
    schema: Schema, config: ModelConfig, fields: Sequence[Field], num_domains: int
) -> keras.Model:
    inputs = _inputs(schema)
    tasks = [task.name for task in schema.tasks]
    embedding = create_embedding(
        fields, config, pool=not (config.pooling or _reads_sequences(config))
    )
    interaction = _interaction(config, len(tasks), embedding)
    tokens, apart = join_tokens(embedding, config, inputs)
    parts = MixtureParts(config, tasks, num_domains)
    terms = []  # each has a logit for every task
    others = config.deep or config.wide or config.fm
    if interaction or config.classifier or parts.are_asked_for or not others:
        hidden = tokens
        if config.second_embedding:
            hidden = (tokens, _second_embedding(fields, config, interaction)(inputs))
        if interaction:
            hidden = _interact(interaction, hidden, apart, config)
        own = hasattr(interaction, "num_tasks") and not config.classifier
        terms.append(parts.logits(_classified(hidden, config), by_task=own))
    if config.auxiliary:
        terms.append(parts.auxiliary(tokens))
    if config.fm:
        terms.append([_SumOfEntries(name="fm")(FM(name="products")(tokens))] * len(tasks))
    if config.deep:
        hidden = MLP(**config.deep, name="deep")(keras.layers.Flatten()(tokens))
        terms.append([Tower(name=f"{task}_deep_tower")(hidden) for task in tasks])
    if config.wide:
        linear = FeatureEmbedding(fields, len(tasks), name="wide")(inputs)
        terms.append(
            [_LinearTerm(i, name=f"{task}_linear")(linear) for i, task in enumerate(tasks)]
        )
    if parts.lacks_domain:
        logger.warning(
            "The model has parts for several domains, and the schema names no `domain`: all rows "
            "are of one. Name its column and prepare the data again, or take another model."
        )
    totals = [list(own) for own in zip(*terms, strict=True)]
    logits = _outputs(dict(zip(tasks, totals, strict=True)), config.chains)
    return keras.Model(inputs | parts.inputs, logits, name=layer_name(schema.name))


def _inputs(schema: Schema) -> dict[str, Any]:
    return {
        name: keras.Input((width,), dtype=dtype, name=name)
        for name, (width, dtype) in schema.input_widths.items()
    }


def _second_embedding(
    fields: Sequence[Field], config: ModelConfig, interaction: Any
) -> FeatureEmbedding:
    if not getattr(interaction, "reads_second_embedding", False):
        raise ValueError(
            "`second_embedding` must be false for an interaction that reads one embedding. "
            f"Received: second_embedding=True, interaction={dict(config.interaction)}."
        )
    return create_embedding(fields, config, pool=True, name="second_embedding")


def _interaction(config: ModelConfig, num_tasks: int, embedding: FeatureEmbedding) -> Any:
    """The interaction, or None; the builder knows the number of tasks and which token is whose."""
    options = dict(config.interaction)
    if not options:
        return None
    kind = options.pop("kind", "")
    known = constructor_parameters(INTERACTIONS[kind]) if kind in INTERACTIONS else ()
    for name, value in (("num_tasks", num_tasks), ("kept_token", bottom_token(embedding))):
        if name in known:
            options.setdefault(name, value)
    return create(INTERACTIONS, kind, **options, name=kind)


def _reads_sequences(config: ModelConfig) -> bool:
    interaction = INTERACTIONS.get(config.interaction.get("kind", ""))
    return interaction is not None and "sequences" in inspect.signature(interaction.call).parameters


def _interact(interaction: Any, tokens: Any, apart: Mapping[str, Any], config: ModelConfig) -> Any:
    if not _reads_sequences(config):
        blocks = RowBlocks(
            interaction,
            block_size=config.block_size,
            compile=config.compile,
            name="interaction",
        )
        return blocks(tokens)
    sequences = {name: apart[name] for name in ("sequences", "sequences_mask") if name in apart}
    return interaction(apart["tokens"], **sequences)


def _classified(hidden: Any, config: ModelConfig) -> Any:
    if not config.classifier:
        return hidden
    options = dict(config.classifier)
    kind = options.pop("kind", "")
    return create(CLASSIFIERS, kind, **options, name="classifier")(hidden)


def _outputs(terms: Mapping[str, list[Any]], chains: Mapping[str, str]) -> dict[str, Any]:
    """The logit of each task, in layers named after them; a chained task follows another."""
    logits: dict[str, Any] = {}
    waiting = list(terms)
    while waiting:
        ready = [task for task in waiting if chains.get(task) in (None, *logits)]
        if not ready or set(chains) - set(terms):
            raise ValueError(
                f"`chains` must lead from task to task of {', '.join(terms)}, in no circle. "
                f"Received: chains={dict(chains)}."
            )
        for task in ready:
            own, *others = terms[task]
            if others:
                name = f"{task}_given_{chains[task]}" if task in chains else task
                own = keras.layers.Add(name=name, dtype="float32")([own, *others])
            if task in chains:
                own = ChainedLogit(name=task)([logits[chains[task]], own])
            elif not others:
                own = keras.layers.Identity(name=task, dtype="float32")(own)
            logits[task] = own
            waiting.remove(task)
    return {task: logits[task] for task in terms}


@keras.saving.register_keras_serializable(package="ctrmoe")
class _SumOfEntries(keras.layers.Layer):
    """Sums the entries of one token: `[B, 1, D] → [B]`."""

    def call(self, token: Any) -> Any:
        return keras.ops.sum(keras.ops.cast(token, "float32"), axis=(1, 2))


@keras.saving.register_keras_serializable(package="ctrmoe")
class _LinearTerm(keras.layers.Layer):
    """Sums one column of one-dimensional tokens over the fields: `[B, F, T] → [B]`."""

    def __init__(self, index: int, **kwargs: Any) -> None:
        super().__init__(**kwargs, dtype="float32")
        self.index = index

    def call(self, tokens: Any) -> Any:
        return keras.ops.sum(tokens[:, :, self.index], axis=1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {**config, "index": self.index}


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
