"""A table of categorical features whose part in the label is known, for the ranking benchmark.

Of the features a tenth have a main effect (2 to 20,000 values), a tenth are noisy copies of those
(nine rows in ten), a tenth matter in pairs only, without an effect of their own, and the others are
noise of 2 to a million values. Frequencies are power laws. An effect is drawn by value: where a
feature has two of them it may come out as next to nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

BLOCK = 50_000
COPIED = 0.9
PAIR_VALUES = (4, 10, 20, 50, 100)


class PlantedFeatures:
    """The features of a seed; `role[name]` is `main`, `pair`, `copy` or `noise`."""

    def __init__(self, seed: int, features: int = 100, most_values: int = 1_000_000) -> None:
        self._seed, self._tenth = seed, features // 10
        tenth = self._tenth
        random = self._random(999)
        main = np.resize(np.unique(np.geomspace(2, 20_000, tenth).astype(int)), tenth)
        pair = [PAIR_VALUES[(j // 2) % len(PAIR_VALUES)] for j in range(tenth)]
        noise = np.geomspace(2, most_values, features - 3 * tenth).astype(int)
        self._values = [*main.tolist(), *pair, *main.tolist(), *noise.tolist()]
        places = random.permutation(features)
        self._names = [""] * features
        for place, feature in enumerate(places):
            self._names[feature] = f"f{place:03d}"
        self._exponents = random.uniform(1.02, 1.3, features)
        sizes = np.linspace(0.55, 0.2, tenth)
        self._effects = [s * random.standard_normal(v) for s, v in zip(sizes, main, strict=True)]
        self._signs = [random.permutation(np.resize([-1.0, 1.0], v)) for v in pair]
        roles = ["main"] * tenth + ["pair"] * tenth + ["copy"] * tenth
        roles += ["noise"] * (features - 3 * tenth)
        self.role = dict(zip(self._names, roles, strict=True))

    def write(self, rows: int, folder: Path) -> None:
        """Writes `data.parquet` and `data.csv`, the form that OutRank reads."""
        blocks = [self.block(block) for block in range(-(-rows // BLOCK))]
        table = pl.concat(blocks)[:rows].select(*sorted(self._names), "label")
        folder.mkdir(parents=True, exist_ok=True)
        table.write_parquet(folder / "data.parquet", row_group_size=BLOCK, compression="snappy")
        table.write_csv(folder / "data.csv")

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, *key])))

    def block(self, block: int) -> pl.DataFrame:
        """Returns the rows of a block, of which there are as many as wanted."""
        random, tenth = self._random(3, block), self._tenth
        columns: dict[int, np.ndarray] = {}
        for j, values in enumerate(self._values):
            if tenth <= j < 2 * tenth:
                columns[j] = random.integers(0, values, BLOCK)
            elif not 2 * tenth <= j < 3 * tenth:
                columns[j] = _power_law(random, values, self._exponents[j])
        for j in range(tenth):
            kept = random.random(BLOCK) < COPIED
            copy = 2 * tenth + j
            other = _power_law(random, self._values[j], self._exponents[j])
            columns[copy] = np.where(kept, columns[j], other)
        logit = -1.6 + sum(self._effects[j][columns[j]] for j in range(tenth))
        for j in range(0, tenth - 1, 2):
            first, second = columns[tenth + j], columns[tenth + j + 1]
            logit += 0.5 * self._signs[j][first] * self._signs[j + 1][second]
        label = random.random(BLOCK) < 1 / (1 + np.exp(-logit))
        named = {self._names[j]: column.astype(np.int32) for j, column in columns.items()}
        return pl.DataFrame({**named, "label": label.astype(np.int32)})


def _power_law(random: np.random.Generator, values: int, exponent: float) -> np.ndarray:
    """Draws a block; the frequent values are scattered over the range."""
    power = 1 - exponent
    draws = ((values + 1.0) ** power - 1) * random.random(BLOCK) + 1
    ranks = np.clip(np.floor(draws ** (1 / power)).astype(np.int64) - 1, 0, values - 1)
    step = 2654435761 % values
    while np.gcd(step, values) != 1:
        step += 1
    return (ranks * step + 12345) % values
