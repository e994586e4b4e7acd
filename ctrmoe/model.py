"""Joins the parts: features ─► embedding ─► interaction ─► towers ─► logits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from ctrmoe.config import Config, ConfigError, ModelConfig
from ctrmoe.layers import INTERACTIONS, MLP, FeatureEmbedding, Field, RowBlocks, Tower, create
from ctrmoe.schema import Schema


def build_model(
    schema: Schema, config: Config, *, fields: Sequence[Mapping[str, Any]]
) -> keras.Model:
    """Builds the model of a config as a functional `keras.Model`.

    The model reads the packed matrices of `ctrmoe.data.encode.Encoded` by name (`ids`,
    `sequences`, `values`, those that the schema needs) and returns a dict of logits, one `[B]`
    for each task.

    Args:
        schema: Features and tasks.
        config: The parts and their options; the seed of the initial weights.
        fields: One a feature, as `Encoder.fields()` describes them.

    Raises:
        ConfigError: If a part does not take one of its options.
    """
    keras.utils.set_random_seed(config.seed)
    with _precision(config.train.precision):
        try:
            return _build(schema, config.model, [Field(**field) for field in fields])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"[model] can't be built: {error}") from error


def _build(schema: Schema, config: ModelConfig, fields: Sequence[Field]) -> keras.Model:
    inputs = _inputs(schema)
    tokens = _embedding(fields, config)(inputs)
    tasks = [task.name for task in schema.tasks]
    terms: dict[str, list[Any]] = {task: [] for task in tasks}
    if config.interaction or not (config.deep or config.wide):
        hidden = _interaction(config)(tokens) if config.interaction else tokens
        for task in tasks:
            terms[task].append(Tower(**config.tower, name=f"{task}_tower")(hidden))
    if config.deep:
        hidden = MLP(**config.deep, name="deep")(keras.layers.Flatten()(tokens))
        for task in tasks:
            terms[task].append(Tower(name=f"{task}_deep_tower")(hidden))
    if config.wide:
        linear = FeatureEmbedding(fields, len(tasks), name="wide")(inputs)
        for index, task in enumerate(tasks):
            terms[task].append(_LinearTerm(index, name=f"{task}_linear")(linear))
    logits = {task: _total(terms[task], task) for task in tasks}
    return keras.Model(inputs, logits, name=schema.name.replace("-", "_"))


def _inputs(schema: Schema) -> dict[str, Any]:
    return {
        name: keras.Input((width,), dtype=dtype, name=name)
        for name, (width, dtype) in schema.input_widths.items()
    }


def _embedding(fields: Sequence[Field], config: ModelConfig) -> FeatureEmbedding:
    options = config.embedding
    names = {field.name for field in fields}
    unknown = set(options.dims) - names
    if unknown:
        raise ValueError(f"`embedding.dims` must name features. Received: {sorted(unknown)}.")
    fields = [
        Field(**(field.to_dict() | {"embedding_dim": options.dims.get(field.name, 0)}))
        for field in fields
    ]
    return FeatureEmbedding(
        fields,
        options.dim,
        embeddings_l2=options.l2,
        dropout=options.dropout,
        name="embedding",
    )


def _interaction(config: ModelConfig) -> keras.layers.Layer:
    options = dict(config.interaction)
    kind = options.pop("kind", "")
    return RowBlocks(
        create(INTERACTIONS, kind, **options, name=kind),
        block_size=config.block_size,
        compile=config.compile,
        name="interaction",
    )


def _total(terms: Sequence[Any], task: str) -> Any:
    if len(terms) == 1:
        return keras.layers.Identity(name=task, dtype="float32")(terms[0])
    return keras.layers.Add(name=task, dtype="float32")(list(terms))


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
