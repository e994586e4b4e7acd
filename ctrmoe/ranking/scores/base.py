"""What a score is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import Estimate


class Score(ABC):
    """A number that says how much a feature tells about a task.

    Attributes:
        chance: Value of a feature that tells nothing.
        signed: Whether values below `chance` tell as much as those above.
        is_information: Whether it is in nats, and so grows with p(1 - p), p the rate of the label.
    """

    chance: ClassVar[float] = 0.0
    signed: ClassVar[bool] = False
    is_information: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, table: ContingencyTable) -> Estimate:
        """Returns the score; NaN where it is not defined for this kind of feature."""
