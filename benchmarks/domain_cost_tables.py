"""The tables of `domain_cost.py`, and what they say of what is asked."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import clocks
from domain_cost_models import BATCH_SIZE, DOMAINS, MODELS, OURS, PEER, PEER_STEPS, Runs


def median(runs: Runs, key: tuple[str, str, int], figure: str) -> float | None:
    values = [run[figure] for run in runs.get(key, ())]
    return statistics.median(values) if values else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; numbers in all columns but the first."""
    lines = [f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def figure_table(runs: Runs, package: str, figure: str, form: str) -> str:
    """Medians with their range by model and number of domains, and the growth over all of them."""
    rows = []
    counts = [c for c in DOMAINS if any((package, name, c) in runs for name in MODELS)]
    for name in MODELS:
        cells = [_cell(runs.get((package, name, count), ()), figure, form) for count in counts]
        if any(cells):
            rows.append([name, *cells, ratio(runs, (package, name), counts, figure)])
    header = ["", *(f"{count} domains" for count in counts), f"{counts[-1]} / {counts[0]}"]
    return table(header, rows)


def ratio(runs: Runs, key: tuple[str, str], counts: Sequence[int], figure: str) -> str:
    least, most = (median(runs, (*key, count), figure) for count in (counts[0], counts[-1]))
    return f"{most / least:.2f}" if least and most else ""


def _cell(runs: Sequence[Mapping[str, Any]], figure: str, form: str) -> str:
    if not runs:
        return ""
    values = [run[figure] for run in runs]
    low, high = (f"{extreme(values):{form}}" for extreme in (min, max))
    spread = f" [{low}–{high}]" if low != high else ""
    return f"{statistics.median(values):{form}}{spread}"


def beside(runs: Runs) -> str:
    """Rows per CPU second, wall time and memory of ours beside the peer's."""
    rows = []
    for name, model in MODELS.items():
        for count in DOMAINS:
            keys = ((OURS, name, count), (PEER, name, count))
            if not all(key in runs for key in keys):
                continue
            cells = []
            for figure, form in (
                ("train_rows_cpu_s", ",.0f"), ("step_ms", ",.0f"), ("peak_gb", ".2f"),
            ):  # fmt: skip
                cells += [f"{median(runs, key, figure):{form}}" for key in keys]
            faster = median(runs, keys[0], "train_rows_cpu_s") / median(
                runs, keys[1], "train_rows_cpu_s"
            )
            rows.append([f"{name} ({model.peer})", str(count), *cells, f"{faster:.1f}"])
    header = ["ours (peer's)", "domains"]
    for title in ("rows per CPU s", "step, ms", "peak, GB"):
        header += [f"{title}: ours", "peer"]
    return table([*header, "rows per CPU s, ratio"], rows)


def demands(runs: Runs) -> str:
    """What is asked of the figures, and whether they have it."""
    lines = []
    for name in (name for name, model in MODELS.items() if model.config == "adaptdhm"):
        lines += [*_growth_demands(runs, name), *_rate_demands(runs, name)]
    if any(package == PEER for package, *_ in runs):
        below = _below_the_peer(runs)
        lines.append(
            "- Rows per CPU second over the peer's (asked: at least 3 for each): "
            + (f"below 3 are {', '.join(below)}." if below else "met by all.")
        )
    return "\n".join(lines)


def _growth_demands(runs: Runs, name: str) -> Iterator[str]:
    for figure, title in (("step_cpu_ms", "CPU time of a step"), ("peak_gb", "peak memory")):
        growth = ratio(runs, (OURS, name), (DOMAINS[0], DOMAINS[-1]), figure)
        if growth:
            yield (
                f"- {name}: {title} from {DOMAINS[0]} to {DOMAINS[-1]} domains × {growth} (asked: "
                f"at most 1.10; {_verdict(float(growth) <= 1.10)})."
            )


def _rate_demands(runs: Runs, name: str) -> Iterator[str]:
    rate = median(runs, (OURS, name, 30), "train_rows_cpu_s")
    for other in ("star", "ple"):
        slower = median(runs, (OURS, other, 30), "train_rows_cpu_s")
        if rate and slower:
            yield (
                f"- {name}: rows per CPU second over those of {other} at 30 domains "
                f"{rate / slower:.2f} (asked: at least 2; {_verdict(rate / slower >= 2)})."
            )


def _below_the_peer(runs: Runs) -> list[str]:
    below = []
    for name in MODELS:
        for count in PEER_STEPS:
            ours, peer = (
                median(runs, (package, name, count), "train_rows_cpu_s") for package in (OURS, PEER)
            )
            if ours and peer and ours / peer < 3:
                below.append(f"{name} at {count} ({ours / peer:.2f})")
    return below


def _verdict(holds: bool) -> str:
    return "met" if holds else "not met"


def document(runs: Runs, args: argparse.Namespace) -> str:
    """All tables as Markdown."""
    figures = (
        ("CPU milliseconds of a step", "step_cpu_ms", ",.0f"),
        ("Milliseconds of a step", "step_ms", ",.0f"),
        ("Rows per CPU second", "train_rows_cpu_s", ",.0f"),
        ("Peak memory, GB", "peak_gb", ".2f"),
        ("Parameters, embeddings included, in millions", "millions", ",.1f"),
    )
    runs = {
        key: [{**run, "millions": run["parameters"] / 1e6} for run in own]
        for key, own in runs.items()
    }
    sections = [f"## {title}\n\n{figure_table(runs, OURS, f, form)}" for title, f, form in figures]
    if any(package == PEER for package, *_ in runs):
        sections.append(f"## Beside {PEER}\n\n{beside(runs)}")
    used = {package: own[0]["versions"] for (package, *_), own in runs.items()}
    versions = "; ".join(
        f"{package} with " + ", ".join(f"{name} {version}" for name, version in names.items())
        for package, names in used.items()
    )
    loads = [run["load"] for own in runs.values() for run in own]
    counts = sorted({len(own) for own in runs.values()})
    return "\n\n".join(
        [
            "# Training against the number of domains",
            f"Median [range] of {' or '.join(map(str, counts))} runs; {args.rows:,} rows, batches "
            f"of {BATCH_SIZE:,}, 39 fields and the domain, seed {args.seed}; load of the machine "
            f"at the end of a run {min(loads):.1f}–{max(loads):.1f}.",
            f"## What was asked\n\n{demands(runs)}",
            *sections,
            f"Machine: {clocks.machine()}; {clocks.THREADS} threads for each.",
            f"Versions: {versions}.",
            "Command: `python benchmarks/domain_cost.py --out OUT --peer-python PYTHON --peer-repo "
            f"REPO --rows {args.rows} --largest {args.largest} --seed {args.seed} --record`",
        ]
    )
