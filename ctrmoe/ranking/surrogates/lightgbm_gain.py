"""Gain of LightGBM's splits."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.special import stdtr

from ctrmoe.ranking.estimate import UNDEFINED, Estimate
from ctrmoe.ranking.surrogates.base import SAMPLE_ROWS, Surrogate
from ctrmoe.ranking.surrogates.categories import Categories

TREES, LEAVES = 50, 15
MOST_CATEGORIES = 255
DEFAULT_REPEATS = 10


class LightGBMGain(Surrogate):
    """Gain of the splits at a feature, of trees on all features, less that with shuffled labels.

    Trees are grown on random halves of the rows, `repeats` times with their labels and as often
    with the labels in a random order; gains are in nats per row. The score is the difference of the
    means, its standard error the deviation over the halves (the delete-half jackknife), joined with
    that under shuffled labels; the p-value is that of the t-test of the mean gain as one more draw
    from the shuffled ones, one-sided. Features that shuffled labels hardly ever split have the
    median deviation of all.

    Numbers are bins of equal counts, categories LightGBM's own, of which the 254 most frequent are
    told apart. Not defined for lists.

    Args:
        repeats: How often trees are grown with each.
        rows: Most rows of the sample.
        seed: Of the halves, the orders and the trees.
        threads: Over the runs.

    Reference:
        Altmann, Toloşi, Sander, Lengauer, 2010, "Permutation importance: a corrected feature
        importance measure", Bioinformatics 26: the null by shuffled labels, normal instead of
        Student's t there. OutRank 0.97.5 has no such score.

    Raises:
        ConfigError: When LightGBM is not installed.
        ValueError: When there are fewer than 2 repeats, or no rows.
    """

    def __init__(
        self,
        repeats: int = DEFAULT_REPEATS,
        rows: int = SAMPLE_ROWS,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        super().__init__(rows)
        if repeats < 2:
            raise ValueError(f"`repeats` must be at least 2. Received: repeats={repeats}.")
        self._repeats = repeats
        self._seed = seed
        self._threads = threads

    def __call__(
        self, features: Mapping[str, Categories], labels: np.ndarray
    ) -> dict[str, Estimate]:
        """Returns the gain of each feature."""
        known = {name: feature for name, feature in features.items() if feature.rows is None}
        result = dict.fromkeys(features, UNDEFINED)
        if not known:
            return result
        table = np.stack([_codes(feature) for feature in known.values()], axis=1)
        categorical = [i for i, feature in enumerate(known.values()) if not feature.is_ordered]

        def grown(run: int) -> np.ndarray:
            random = np.random.default_rng([self._seed, run])
            half = random.permutation(len(labels))[: max(len(labels) // 2, 1)]
            drawn = random.permutation(labels[half]) if run >= self._repeats else labels[half]
            return self._gains(table[half], drawn, categorical, self._seed + run)

        # A thread a run: LightGBM's own wait for each other at every split.
        with ThreadPoolExecutor(self._threads) as pool:
            runs = np.stack(list(pool.map(grown, range(2 * self._repeats))))
        gains = runs.reshape(2, self._repeats, len(known))
        spreads = gains[1].std(axis=0, ddof=1)
        spreads = np.maximum(spreads, np.median(spreads))
        estimates = (
            self._estimate(gains[0, :, place], gains[1, :, place], float(spread))
            for place, spread in enumerate(spreads)
        )
        return result | dict(zip(known, estimates, strict=True))

    def _gains(
        self, table: np.ndarray, labels: np.ndarray, categorical: list[int], seed: int
    ) -> np.ndarray:
        import lightgbm

        options = {
            "objective": "binary",
            "num_leaves": LEAVES,
            "num_threads": 1,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        data = lightgbm.Dataset(table, labels, categorical_feature=categorical)
        booster = lightgbm.train(options, data, num_boost_round=TREES)
        # A split's gain is twice what it takes off the loss, as LightGBM leaves the half out.
        gains: np.ndarray = booster.feature_importance("gain") / (2 * len(labels))
        return gains

    def _estimate(self, gains: np.ndarray, chance: np.ndarray, spread: float) -> Estimate:
        value = float(gains.mean() - chance.mean())
        std = float(np.hypot(gains.std(ddof=1), spread / self._repeats**0.5))
        if spread <= 0:
            return Estimate(value, std, 1 / (1 + self._repeats) if value > 0 else 1.0)
        z = value / (spread * (1 + 1 / self._repeats) ** 0.5)
        return Estimate(value, std, float(stdtr(self._repeats - 1, -z)))


def _codes(feature: Categories) -> np.ndarray:
    if feature.is_ordered:
        return feature.codes.astype(np.float32)
    return feature.frequent(MOST_CATEGORIES).astype(np.float32)
