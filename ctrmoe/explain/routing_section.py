"""What the routers of a run do with its rows: loads, coactivation and centres."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ctrmoe.explain.plots import bars, heatmap, heatmap_grid
from ctrmoe.explain.routing_tables import (
    centres_table,
    coactivation_table,
    load_table,
    summary_table,
)
from ctrmoe.explain.sample import Sample
from ctrmoe.metrics import RoutingFigures, cosines
from ctrmoe.report.section import Plot, Section
from ctrmoe.routing_trace import RoutingTrace, centre_findings
from ctrmoe.run import Run

MAX_DOMAINS, MAX_PANELS = 30, 4
LOADS = (
    "router",
    "rows",
    "experts",
    "experts_per_row",
    "smallest_load",
    "largest_load",
    "dead_experts",
)
TEXT = (
    "A router gives each row its experts and their gates. An expert's load is its share of the "
    "gates, those of a row divided by their sum; experts are numbered from 0. The entropies are "
    "means over rows divided by log E: that of the gates is 0 where every row has one expert, "
    "that of the probabilities, from which the experts are chosen, where the router is always "
    "sure. Where a mixture has a router for each task, they are in the order of the tasks.",
    "The domain information says how far the domain decides: 0 bits if the loads are the same in "
    "all domains; its share is of the experts' entropy, 1 where the domain alone decides. Chance "
    "is what so many rows would show without any dependence, if each had one expert.",
    "Centres of clusters that are nearly parallel, cosine 1, part the rows by what little tells "
    "them apart: the probabilities are then nearly alike, even where the loads look well.",
)

Figures = Mapping[str, RoutingFigures]


def routing_section(run: Run, sample: Sample, progress: Any = None) -> Section | None:
    """Explains a run by its routers; None if it has none."""
    trace = RoutingTrace(run.model)
    if not trace.routers:
        return None
    domains, numbers = _domains(sample)
    done = (lambda rows: progress("routing", rows, len(sample))) if progress else None
    figures = trace.figures([(sample.encoded, numbers)], len(domains), progress=done)
    centres = trace.centres
    load = load_table(figures, domains if sample.domains is not None else [])
    tables = {
        "routing": summary_table(figures),
        "routing_load": load,
        "routing_coactivation": coactivation_table(figures),
        "routing_centres": centres_table(centres),
    }
    overall = load.filter(load["domain"].is_null()).drop("domain")
    return Section(
        name="routing",
        title="Routing",
        text=(*TEXT, *_findings(figures, centres)),
        plots=tuple(_plots(figures, domains, sample.domains is not None, centres)),
        tables={name: table for name, table in tables.items() if table.height},
        excerpts={
            "Loads of each router": tables["routing"].select(LOADS),
            "Entropies, and the domain's information on the expert": tables["routing"].drop(
                LOADS[1:]
            ),
            "Load of each expert": overall,
        },
    )


def _domains(sample: Sample) -> tuple[list[str], np.ndarray | None]:
    """The domains by falling number of rows, and the place of each row's domain among them."""
    if sample.domains is None:
        return ["all"], None
    names, numbers, counts = np.unique(
        sample.domains.astype(str), return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    return [str(name) for name in names[order]], np.argsort(order)[numbers]


def _findings(figures: Figures, centres: Mapping[str, np.ndarray]) -> list[str]:
    """A sentence or two for each router: what is wrong with it, or that nothing is."""
    found = []
    for name, own in figures.items():
        sentences = own.findings()
        if not own.decides:
            sentences = ["Each row has a single expert to choose, by its domain."]
        elif not sentences and not own.rows_suffice:
            sentences = [f"{own.rows:,} rows are too few to tell whether an expert is dead."]
        elif not sentences:
            low, high = own.load.min(), own.load.max()
            sentences = [f"No expert is dead, none has nearly all; loads {low:.1%} to {high:.1%}."]
        sentences += centre_findings(centres[name]) if name in centres else []
        found += [f"{name}: {sentence}" for sentence in sentences]
    return found


def _plots(
    figures: Figures, domains: list[str], by_domain: bool, centres: Mapping[str, np.ndarray]
) -> list[Plot]:
    """Pictures of the routers that decide, those of a mixture side by side."""
    plots = []
    for layer in dict.fromkeys(name.partition("/")[0] for name in figures):
        own = {
            name.partition("/")[2]: found
            for name, found in figures.items()
            if name.startswith(f"{layer}/") and found.decides
        }
        own = dict(list(own.items())[:MAX_PANELS])
        if own:
            plots += [_loads(layer, own)]
            plots += [_by_domain(layer, own, domains)] if by_domain else []
            plots += _together(layer, own)
    return plots + [_centres(name, vectors) for name, vectors in centres.items()]


def _loads(layer: str, figures: Figures) -> Plot:
    panels = []
    for name, own in figures.items():
        margin = 1.96 * own.load_error
        limits = own.load - margin, own.load + margin
        values = own.load.tolist(), *(limit.tolist() for limit in limits)
        panels.append((f"load by {name}, 95 % interval", *values))
    title = f"{layer}: load of each expert"
    png = bars(_experts(next(iter(figures.values()))), panels, title)
    return Plot(f"routing_{layer}_load", title, png)


def _by_domain(layer: str, figures: Figures, domains: list[str]) -> Plot:
    first = next(iter(figures.values()))
    shown = domains[:MAX_DOMAINS]
    rows = [f"{name} ({count:,})" for name, count in zip(shown, first.rows_by_domain, strict=False)]
    more = f", the {len(shown)} largest of {len(domains)}" if len(domains) > len(shown) else ""
    return _maps(
        f"routing_{layer}_load_by_domain",
        f"{layer}: load of each expert by domain (rows){more}; white is the mean, 1/E",
        {name: own.load_by_domain[: len(shown)] for name, own in figures.items()},
        (rows, _experts(first)),
        1 / first.num_experts,
    )


def _together(layer: str, figures: Figures) -> list[Plot]:
    several = {name: own for name, own in figures.items() if own.experts_per_row > 1}
    if not several:
        return []
    first = next(iter(several.values()))
    what = "mean product of their gates" if first.weighs_all else "share of rows with both"
    plot = _maps(
        f"routing_{layer}_coactivation",
        f"{layer}: coactivation of experts, {what}",
        {name: own.coactivation for name, own in several.items()},
        (_experts(first), _experts(first)),
    )
    return [plot]


def _maps(
    name: str,
    title: str,
    matrices: Mapping[str, np.ndarray],
    names: tuple[list[str], list[str]],
    centre: float | None = None,
) -> Plot:
    draw: Callable[..., bytes] = heatmap_grid
    panels: Any = list(matrices.items())
    if len(matrices) == 1:
        draw, panels = heatmap, panels[0][1]
    return Plot(name, title, draw(panels, *names, title, centre))


def _centres(name: str, vectors: np.ndarray) -> Plot:
    names = [f"centre {number}" for number in range(len(vectors))]
    title = f"{name}: cosines between centres"
    png = heatmap(cosines(vectors), names, names, title, 0.0)
    return Plot(f"routing_{name.replace('/', '_')}_centres", title, png)


def _experts(figures: RoutingFigures) -> list[str]:
    return [f"expert {number}" for number in range(figures.num_experts)]
