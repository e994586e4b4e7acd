"""Gain in log loss of a logistic regression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import xlogy

from ctrmoe.ranking.estimate import Estimate, one_sided
from ctrmoe.ranking.surrogates.base import SAMPLE_ROWS, Surrogate
from ctrmoe.ranking.surrogates.categories import Categories

FOLDS = 3
PENALTY = 1e-4
MIN_EPOCHS, MIN_STEPS = 10, 500_000
LEAST = 1e-7


class OneHotLogistic(Surrogate):
    """Mean log loss that the one-hot feature takes off held-out rows, in nats.

    Two logistic regressions learn by averaged stochastic gradient descent, one from the reference
    features alone (without any, the rate of the label), one from these and the feature; each row's
    loss is that of the fold that did not learn from it. The score is the mean of the differences,
    the standard error theirs / √n, the p-value that of a gain above 0, one-sided and normal. A
    feature that tells nothing costs a little: its score is below 0.

    Args:
        reference: Names of the features that the gain is on top of.
        projection: Above 0, the one-hot columns are multiplied by a sparse random matrix of so
            many columns, a reference and the feature each by its own.
        rows: Most rows of the sample.
        seed: Of the folds, of the descent and of the projection.
        threads: Over the features.

    Raises:
        ConfigError: When scikit-learn is not installed.
        ValueError: When the projection is negative, or there are too few rows.

    Reference:
        OutRank 0.97.5, heuristics `surrogate-SGD` and `surrogate-SGD-RP`, which have 2 folds, no
        averaging, no error and no p-value; Li, Hastie, Church, 2006, "Very sparse random
        projections" (the projection, scikit-learn's `SparseRandomProjection`).
    """

    def __init__(
        self,
        reference: Iterable[str] = (),
        projection: int = 0,
        rows: int = SAMPLE_ROWS,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        super().__init__(rows)
        if projection < 0:
            raise ValueError(
                f"`projection` must be 0 or a number of columns. Received: projection={projection}."
            )
        self.reference = tuple(reference)
        self._projection = projection
        self._seed = seed
        self._threads = threads

    def __call__(
        self, features: Mapping[str, Categories], labels: np.ndarray
    ) -> dict[str, Estimate]:
        """Returns the gain of each feature; that of a reference feature is about 0."""
        folds = np.random.default_rng(self._seed).permutation(len(labels)) % FOLDS
        base = [self._columns(features[name], len(labels)) for name in self.reference]
        without = self._losses(base, labels, folds)

        def estimate(feature: Categories) -> Estimate:
            columns = [*base, self._columns(feature, len(labels))]
            gains = without - self._losses(columns, labels, folds)
            std = float(gains.std(ddof=1)) / len(gains) ** 0.5
            value = float(gains.mean())
            return Estimate(value, std, one_sided(value / std) if std > 0 else 1.0)

        with ThreadPoolExecutor(self._threads) as pool:
            return dict(zip(features, pool.map(estimate, features.values()), strict=True))

    def _columns(self, feature: Categories, length: int) -> csr_matrix:
        from sklearn.random_projection import SparseRandomProjection

        columns = feature.one_hot(length)
        if not 0 < self._projection < feature.count:
            return columns
        projection = SparseRandomProjection(self._projection, random_state=self._seed)
        return csr_matrix(projection.fit_transform(columns))

    def _losses(
        self, columns: list[csr_matrix], labels: np.ndarray, folds: np.ndarray
    ) -> np.ndarray:
        """Returns the log loss of each row by a model of the other folds."""
        losses = np.empty(len(labels))
        # A column of ones: scikit-learn's own intercept learns a hundredth as fast on sparse rows.
        joined = hstack([csr_matrix(np.ones((len(labels), 1))), *columns], format="csr")
        for fold in range(FOLDS):
            learned, held = folds != fold, folds == fold
            rates = self._rates(joined, labels, learned, held, is_constant=not columns)
            rates = np.clip(rates, LEAST, 1 - LEAST)
            losses[held] = -xlogy(labels[held], rates) - xlogy(1 - labels[held], 1 - rates)
        return losses

    def _rates(
        self,
        columns: csr_matrix,
        labels: np.ndarray,
        learned: np.ndarray,
        held: np.ndarray,
        is_constant: bool,
    ) -> np.ndarray:
        from sklearn.linear_model import SGDClassifier

        classes, rows = np.unique(labels[learned]), int(learned.sum())
        if is_constant or len(classes) < 2:
            return np.full(int(held.sum()), labels[learned].mean())
        model = SGDClassifier(
            loss="log_loss",
            alpha=PENALTY,
            average=True,
            fit_intercept=False,
            max_iter=max(MIN_EPOCHS, -(-MIN_STEPS // rows)),
            tol=None,
            random_state=self._seed,
        )
        model.fit(columns[learned], labels[learned])
        rates: np.ndarray = model.predict_proba(columns[held])[:, 1]
        return rates
