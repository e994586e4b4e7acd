"""The feed of a run's training part."""

from __future__ import annotations

from pathlib import Path

from ctrmoe.config import Config
from ctrmoe.data.dataset import TrainingFeed
from ctrmoe.schema import Schema


def training_feed(
    config: Config, prepared: str | Path, schema: Schema, *, reads_domain: bool = False
) -> TrainingFeed:
    """Returns the feed of a config's training part."""
    return TrainingFeed(
        Path(prepared) / "train",
        schema,
        batch_size=config.train.batch_size,
        seed=config.seed,
        shuffle_rows=config.data.shuffle_rows,
        negative_rate=config.data.negative_rate,
        domain_temperature=config.data.domain_temperature,
        positive_weight=config.train.positive_weight,
        reads_domain=reads_domain,
    )
