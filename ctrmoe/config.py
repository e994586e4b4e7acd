"""The configuration of one run: frozen dataclasses read from strict TOML."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ctrmoe import strict
from ctrmoe.embedding_config import EmbeddingConfig

SEARCH = "search"
"""Table of a config file that only `ctrmoe tune` reads."""


class ConfigError(ValueError):
    """A configuration that breaks a rule; the message names the key and the mend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """Where the data lies and how it is sampled.

    Args:
        prepared: A folder that `ctrmoe prepare` wrote.
        negative_rate: Share of the rows kept that are negative for every task; the exported
            probability is corrected for it.
        domain_temperature: At 1 an epoch takes the rows as they are; above, a domain with the share
            `p` of them is drawn in proportion to `p^(1 / domain_temperature)`, its rows repeated
            or left out, so that small domains count for more.
        shuffle_rows: Rows shuffled together in memory; row groups are shuffled across the file.
    """

    prepared: str = ""
    negative_rate: float = 1.0
    domain_temperature: float = 1.0
    shuffle_rows: int = 262_144


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """The parts of the model; a part's table goes to the constructor of its class.

    Args:
        embedding: The field tokens.
        interaction: `kind` and options of the interaction; empty for none.
        second_embedding: Whether the interaction also gets tokens of tables of its own, from which
            FGCNN generates features in the paper.
        pooling: `kind` and options of what makes a token of a sequence; empty for the mean.
        classifier: `kind` and options of what makes one vector of the interaction's tokens; empty
            for the tokens side by side.
        fm: Whether the products of all pairs of tokens are added to the logit, as in FM.
        deep: Options of an MLP over the flattened tokens whose logit is added (`units` …).
        wide: Whether a linear term of every feature is added to the logit.
        chains: Tasks that can only follow another, such as `{ conversion = "click" }`: their
            probability is the product of the other's and of their own given the other (ESMM).
        auxiliary: Options of an MLP over the tokens and a vector of the domain (`embedding_dim`)
            whose logit is added (`units` …), as STAR's auxiliary network.
        domain_normalization: Whether what follows the interaction is normalised by domain (STAR).
        domain_network: `kind` and options of a network of several domains; empty for none.
        router: `kind` and options of the scorer of a mixture's routers, `adjusts` and `selector`.
        experts: `kind` and options of the experts; empty for no mixture.
        mixture: Other options of the mixture: `shared_experts`, `balance`, `dispatch`, `by_task`
            for a router a task, `num_layers` for several mixtures one after the other and
            `residual` where each adds to what it reads.
        towers: `shared` for one tower a task, `domain` for one a task and domain, `experts` where
            each expert of the mixture is a tower itself.
        tower: Options of each task's tower (`units` …).
        domain_dropout: Share of the training rows whose domain is hidden, so that the part of the
            model for unknown domains learns.
        compile: `xla` or `none` for what follows the lookup, `auto` for the measured default.
        block_size: Rows that the interaction computes at a time, 0 for the whole batch, `auto` for
            the measured default.
    """

    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    interaction: Mapping[str, Any] = field(default_factory=dict)
    second_embedding: bool = False
    pooling: Mapping[str, Any] = field(default_factory=dict)
    classifier: Mapping[str, Any] = field(default_factory=dict)
    fm: bool = False
    deep: Mapping[str, Any] = field(default_factory=dict)
    wide: bool = False
    chains: Mapping[str, str] = field(default_factory=dict)
    auxiliary: Mapping[str, Any] = field(default_factory=dict)
    domain_normalization: bool = False
    domain_network: Mapping[str, Any] = field(default_factory=dict)
    router: Mapping[str, Any] = field(default_factory=dict)
    experts: Mapping[str, Any] = field(default_factory=dict)
    mixture: Mapping[str, Any] = field(default_factory=dict)
    towers: Literal["shared", "domain", "experts"] = "shared"
    tower: Mapping[str, Any] = field(default_factory=dict)
    domain_dropout: float = 0.05
    compile: Literal["auto", "xla", "none"] = "auto"
    block_size: int | Literal["auto"] = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """How the model is trained.

    Args:
        epochs: Passes over the training part.
        batch_size: Rows of a step; the rest of an epoch that fills no batch waits for the next.
        learning_rate: Of the optimizer; the peak of a schedule.
        schedule: `constant`, or `cosine`: the learning rate rises over the first twentieth of all
            `epochs`, then falls to 0.
        optimizer: `kind` and options of an entry of `ctrmoe.optimizers.OPTIMIZERS`.
        dense_optimizer: The same for everything but the embedding tables; empty for one optimizer
            of all weights. `ftrl` is for tables: a deep network hardly learns with it.
        monitor: What early stopping and the best weights follow on the validation part: `auc` or
            `logloss`, the mean weighted by task, or that of one task, such as `click_auc`.
        patience: Epochs without improvement before training stops; 0 never stops.
        positive_weight: Weight of positive rows in the loss; the exported probability is
            corrected for it.
        task_weighting: How several tasks add up: `fixed` by the schema's weights, `uncertainty`
            (divided by trained noise levels) or `gradient_norm` (GradNorm) times them.
        gradient_norm_alpha: How strongly `gradient_norm` prefers tasks that train slower.
        checkpoint_steps: Steps between checkpoints within an epoch; 0 writes one an epoch.
        steps_per_execution: Steps per call into the compiled graph.
        precision: Keras's dtype policy.
        strategy: `mirrored` trains on every visible device.
        deterministic: Two runs of the same config give the same bits.
        warm_start: A finished run whose weights the training starts from; see
            `ctrmoe.training.warm_start`. Its values and domains are kept beside the new ones.
    """

    epochs: int = 5
    batch_size: int = 1024
    learning_rate: float = 0.003
    schedule: Literal["constant", "cosine"] = "constant"
    optimizer: Mapping[str, Any] = field(default_factory=lambda: {"kind": "lazy_adam"})
    dense_optimizer: Mapping[str, Any] = field(default_factory=dict)
    monitor: str = "auc"
    patience: int = 2
    positive_weight: float = 1.0
    task_weighting: Literal["fixed", "uncertainty", "gradient_norm"] = "fixed"
    gradient_norm_alpha: float = 1.5
    checkpoint_steps: int = 0
    steps_per_execution: int = 1
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    strategy: Literal["none", "mirrored"] = "none"
    deterministic: bool = True
    warm_start: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """One run.

    Args:
        seed: Of the initial weights, the shuffling, the dropout and the down-sampling.
        data: Where the data lies.
        model: The parts of the model.
        train: How it is trained.
    """

    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        data, train = self.data, self.train
        for rule, value, holds in (
            ("`data.negative_rate` must lie in (0, 1]", data.negative_rate,
             0 < data.negative_rate <= 1),
            ("`data.domain_temperature` must be at least 1 and finite", data.domain_temperature,
             1 <= data.domain_temperature < math.inf),
            ("`data.shuffle_rows` must be at least 1", data.shuffle_rows, data.shuffle_rows >= 1),
            ("`model.embedding.dim` must be at least 1", self.model.embedding.dim,
             self.model.embedding.dim >= 1),
            ("`model.block_size` must not be negative", self.model.block_size,
             self.model.block_size == "auto" or self.model.block_size >= 0),
            ("`model.domain_dropout` must lie in [0, 1)", self.model.domain_dropout,
             0 <= self.model.domain_dropout < 1),
            ("`train.epochs` must be at least 1", train.epochs, train.epochs >= 1),
            ("`train.batch_size` must be at least 1", train.batch_size, train.batch_size >= 1),
            ("`train.learning_rate` must be positive", train.learning_rate,
             train.learning_rate > 0),
            ("`train.monitor` must be `auc`, `logloss` or `<task>_` before one of them",
             train.monitor, f"_{train.monitor}".endswith(("_auc", "_logloss"))),
            ("`train.patience` must not be negative", train.patience, train.patience >= 0),
            ("`train.positive_weight` must be positive", train.positive_weight,
             train.positive_weight > 0),
            ("`train.gradient_norm_alpha` must not be negative", train.gradient_norm_alpha,
             train.gradient_norm_alpha >= 0),
            ("`train.strategy` must be none for `train.task_weighting` gradient_norm",
             train.strategy,
             train.strategy == "none" or train.task_weighting != "gradient_norm"),
            ("`train.checkpoint_steps` must not be negative", train.checkpoint_steps,
             train.checkpoint_steps >= 0),
            ("`train.steps_per_execution` must be at least 1", train.steps_per_execution,
             train.steps_per_execution >= 1),
        ):  # fmt: skip
            if not holds:
                raise ConfigError(f"{rule}. Received: {value}.")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Config:
        """Builds a config from its TOML table."""
        return strict.build(cls, table, "", ConfigError)

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Config:
        """Reads a config file.

        Its table `[search]`, the ranges that `ctrmoe tune` varies keys in, is left alone: the file
        is a whole config without it.

        Args:
            path: A TOML or, from a run folder, JSON file.
            overrides: `a.b=c` with `c` in TOML's syntax; bare text is taken as a string.

        Raises:
            ConfigError: For an unknown key, a wrong type or a value outside its range.
        """
        if Path(path).suffix == ".json":
            table = json.loads(Path(path).read_text(encoding="utf-8"))
        else:
            table = strict.read_toml(path, ConfigError)
        table.pop(SEARCH, None)
        for override in overrides:
            _override(table, override)
        return cls.from_dict(table)

    def to_dict(self) -> dict[str, Any]:
        """Returns the whole table, defaults included."""
        return dataclasses.asdict(self)


def _override(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"`--set` must have the form a.b=c. Received: {override!r}.")
    *parents, last = key.strip().split(".")
    for parent in parents:
        inner = table.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"`--set {key}`: `{parent}` is a value, not a table.")
        table = inner
    table[last] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
