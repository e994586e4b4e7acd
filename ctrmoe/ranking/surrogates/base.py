"""What a score by a model is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ctrmoe.extras import check_extra
from ctrmoe.ranking.estimate import Estimate
from ctrmoe.ranking.surrogates.categories import Categories

SAMPLE_ROWS, MIN_ROWS = 100_000, 10


class Surrogate(ABC):
    """Says by a model how much each feature tells about a task.

    Attributes:
        chance: Value of a feature that tells nothing, or less.
        signed: Whether values below `chance` tell as much as those above.
        reference: Names of the features that the score is on top of.

    Args:
        rows: Most rows of the sample that the model learns from.

    Raises:
        ConfigError: When the packages of the extra `ranking` are not installed.
        ValueError: When there are too few rows.
    """

    chance: ClassVar[float] = 0.0
    signed: ClassVar[bool] = False
    reference: tuple[str, ...] = ()

    def __init__(self, rows: int) -> None:
        if rows < MIN_ROWS:
            raise ValueError(f"`rows` must be at least {MIN_ROWS}. Received: rows={rows}.")
        check_extra("ranking", "`ctrmoe rank` with a score by a model")
        self.rows = rows

    @abstractmethod
    def __call__(
        self, features: Mapping[str, Categories], labels: np.ndarray
    ) -> dict[str, Estimate]:
        """Returns a score for each feature; NaN where it is not defined for one.

        Args:
            features: Their values in the rows of a sample.
            labels: 0 or 1 by row; both come.
        """
