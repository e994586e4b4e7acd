"""P18: a weak signal ranks above noise of a million values, whose interval covers 0."""

import numpy as np
import polars as pl

from ctrmoe.ranking import rank
from ctrmoe.schema import Schema

SEEDS, ROWS = 20, 40_000
SCHEMA = Schema.from_dict(
    {
        "name": "biased",
        "tasks": [{"name": "click"}],
        "features": [{"name": n, "kind": "categorical"} for n in ("noise", "signal", "user")],
    }
)


def test_weak_signal_ranks_above_noise_of_a_million_values():
    first = covered = 0
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        signal = random.integers(0, 5, ROWS)
        table = pl.DataFrame(
            {
                "noise": random.integers(0, 1_000_000, ROWS),
                "signal": signal,
                "user": (random.pareto(0.8, ROWS) * 20).astype(np.int64) % 1_000_000,
                "click": (random.random(ROWS) < 0.1 + 0.008 * signal).astype(int),
            }
        )

        ranking = rank(SCHEMA, table)

        assert ranking["mi"].arg_max() != 0  # plain mutual information prefers noise
        noise = ranking.filter(pl.col("feature") != "signal")
        first += ranking["feature"][0] == "signal"
        covered += (noise["score"].abs() <= 1.96 * noise["score_std"]).sum()

    assert first >= 19
    assert covered >= 0.9 * 2 * SEEDS
