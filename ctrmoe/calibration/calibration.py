"""The calibration of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrmoe.calibration.logit_map import Floats, LogitMap
from ctrmoe.files import write_text

FILE = "calibration.json"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One map a task, and one more for each domain that has its own.

    Args:
        method: What fitted the maps, a key of `METHODS`.
        maps: Of each task; serves every row whose domain has none.
        domains: Of each task those of domains, by the domain's value as text.
        fitted: On what: `rows`, `data`, `min_clicks`, and `tasks` with the figures `before` and
            `after` on those rows.
    """

    method: str
    maps: Mapping[str, LogitMap]
    domains: Mapping[str, Mapping[str, LogitMap]] = field(default_factory=dict)
    fitted: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Calibration | None:
        """Reads the calibration of a run folder; None where there is none."""
        if not (folder / FILE).is_file():
            return None
        table = json.loads((folder / FILE).read_text(encoding="utf-8"))
        tasks = table["maps"]
        return cls(
            method=table["method"],
            maps={task: LogitMap.from_dict(maps["all"]) for task, maps in tasks.items()},
            domains={
                task: {value: LogitMap.from_dict(each) for value, each in maps["domains"].items()}
                for task, maps in tasks.items()
            },
            fitted=table["fitted"],
        )

    def save(self, folder: Path) -> None:
        """Writes `calibration.json` into a run folder, whole or not at all."""
        maps = {
            task: {
                "all": each.to_dict(),
                "domains": {v: m.to_dict() for v, m in self.domains.get(task, {}).items()},
            }
            for task, each in self.maps.items()
        }
        table = {"format": FORMAT, "method": self.method, "fitted": dict(self.fitted), "maps": maps}
        write_text(folder / FILE, json.dumps(table, indent=2))

    @property
    def by_domain(self) -> bool:
        """Whether a domain has a map of its own."""
        return any(self.domains.values())

    def summary(self) -> dict[str, Any]:
        """Returns what a model's manifest tells of it."""
        own = {task: sorted(maps) for task, maps in self.domains.items()}
        return {"method": self.method, "domains": own, **self.fitted}

    def of_task(
        self, task: str, domains: Sequence[str | None]
    ) -> tuple[list[LogitMap], NDArray[np.intp]]:
        """Returns the maps of a task, and which of them serves each domain id.

        Args:
            task: Its name.
            domains: The value of each id, None where it stands for no value.
        """
        own = self.domains.get(task, {})
        places = {value: place for place, value in enumerate(own, start=1)}
        served = [places.get(value, 0) if value is not None else 0 for value in domains]
        return [self.maps[task], *own.values()], np.array(served, np.intp)

    def logits(
        self,
        task: str,
        logits: NDArray[np.floating],
        ids: NDArray[np.int32] | None,
        domains: Sequence[str | None],
    ) -> Floats:
        """Returns calibrated logits `[B]`.

        Args:
            task: Its name.
            logits: Of the model, corrected for sampling and weights, `[B]`.
            ids: Of the rows' domains, `[B]`; None where there are none.
            domains: The value of each id, None where it stands for no value.
        """
        maps, serving = self.of_task(task, domains)
        if ids is None or len(maps) == 1:
            return maps[0](logits)
        result = np.empty(logits.shape)
        for place, each in enumerate(maps):
            rows = serving[ids] == place
            result[rows] = each(logits[rows])
        return result
