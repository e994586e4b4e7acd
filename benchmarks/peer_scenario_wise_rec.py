"""Worker of `domain_cost.py`: steps of Scenario-Wise-Rec's models by its own trainer.

Its data generator makes a Python object of each row; it is left out, and the trainer gets batches
that lie in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clocks
import numpy as np
import pyarrow.parquet as pq
import torch

DIM = 16
UNITS = [256, 128, 64]
EXPERT_UNITS, TOWER_UNITS = UNITS[:2], UNITS[2:]
SKIPPED_STEPS = 2
"""Nothing is compiled: the first step makes the optimizer's state."""
DOMAIN = "domain_indicator"
"""The name under which its models look for the domain."""


def build(name: str, sizes: dict[str, int], num_domains: int) -> Any:
    """The model in the sizes of `domain_cost.py`; the domain is a feature besides."""
    from scenario_wise_rec.basic.features import SparseFeature
    from scenario_wise_rec.models import multi_domain as models

    others = [SparseFeature(column, size, DIM) for column, size in sizes.items()]
    domain = SparseFeature(DOMAIN, num_domains, DIM)
    fields = [*others, domain]
    experts = {"expert_params": {"dims": EXPERT_UNITS}, "tower_params": {"dims": TOWER_UNITS}}
    bottom = {"bottom_params": {"dims": EXPERT_UNITS}, "tower_params": {"dims": TOWER_UNITS}}
    mlp = {"dims": UNITS, "activation": "relu", "dropout": 0.0}
    shares = dict.fromkeys(("exp_d", "exp_t", "bal_d", "bal_t"), 0.5)
    builders = {
        "AdaptDHM": lambda: models.AdaptDHM(fields, UNITS, cluster_num=4, beta=0.9, device="cpu"),
        "AdaSparse": lambda: models.AdaSparse([domain], others, mlp, form="Fusion"),
        "EPNet": lambda: models.EPNet([domain], others, UNITS),
        "M3oE": lambda: models.M3oE(fields, num_domains, [256, 128, 128, 64], 4, **shares),
        "MMOE": lambda: models.MMOE(fields, num_domains, n_expert=4, **experts),
        "PLE": lambda: models.PLE(
            fields, num_domains, n_level=1, n_expert_specific=1, n_expert_shared=1, **experts
        ),
        "Sarnet": lambda: models.Sarnet(fields, num_domains),
        "SharedBottom": lambda: models.SharedBottom(fields, num_domains, **bottom),
        "Star": lambda: models.Star(fields, num_domains, UNITS, [32]),
    }
    return builders[name]()


def read(folder: Path, domain: str, columns: list[str], rows: int) -> dict[str, torch.Tensor]:
    """The first rows; the domain's codes start at 0."""
    file = pq.ParquetFile(min(folder.glob("*.parquet")))
    table = next(file.iter_batches(batch_size=rows, columns=[*columns, domain, "label"]))
    arrays = {name: table[name].to_numpy() for name in table.schema.names}
    arrays[DOMAIN] = arrays.pop(domain) - 1
    return {name: torch.from_numpy(a.copy()) for name, a in arrays.items()}


class Batches:
    """Slices of the rows, with a tick of the clock before each."""

    def __init__(self, rows: dict[str, torch.Tensor], clock: clocks.StepClock, steps: int) -> None:
        size = clock.batch_size
        self.clock = clock
        self.batches = []
        for start in range(0, steps * size, size):
            batch = {name: column[start : start + size].clone() for name, column in rows.items()}
            self.batches.append((batch, batch.pop("label")))

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            self.clock.tick()
            yield batch
        self.clock.tick()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("repo", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--domains", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    args = parser.parse_args()
    sys.path.insert(0, str(args.repo))
    os.environ["TQDM_DISABLE"] = "1"  # is read when the trainer is imported
    from scenario_wise_rec.trainers import CTRTrainer

    torch.set_num_threads(clocks.THREADS)
    sizes = json.loads((args.data / "sizes.json").read_text())
    rows = args.steps * args.batch_size
    clock = clocks.StepClock(args.batch_size)
    columns = read(args.data / "train", f"domain_{args.domains}", list(sizes), rows)
    batches = Batches(columns, clock, args.steps)
    torch.manual_seed(0)
    model = build(args.model, sizes, args.domains)
    with tempfile.TemporaryDirectory() as folder:
        optimizer = {"lr": 1e-3, "weight_decay": 0.0}
        trainer = CTRTrainer(model, "rows", optimizer_params=optimizer, model_path=folder)
        trainer.train_one_epoch(batches)
    figures = {
        **clock.figures(SKIPPED_STEPS),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "domains": args.domains,
    }
    clocks.report(figures, {"torch": torch.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main()
