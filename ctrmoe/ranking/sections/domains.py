"""Features that tell more in some domains than in others."""

from __future__ import annotations

import polars as pl

from ctrmoe.ranking.sections.matrix import matrix_of
from ctrmoe.report.heatmap import heatmap
from ctrmoe.report.section import Drawing, Section

MAX_FEATURES, MAX_DOMAINS = 20, 30
EFFECT_TEXT = (
    "The effect of a feature is its score in the rows of one {kind}, where that is a mutual "
    "information divided by p(1 - p), p the label rate there, as it grows with it. Blue is above "
    "0, and each line of the heatmap has colours of its own: from 0 to the feature's effect "
    "furthest from 0."
)
DIFFERS_TEXT = (
    "A feature differs where its effects lie further apart than their errors say (Cochran's Q, at "
    "the level of --fdr after Benjamini-Hochberg); spread is the standard deviation between "
    "{kind}s, errors taken off. Those that differ come first, by their spread.{more}"
)
COLUMNS_TEXT = (
    "Columns of what differs: effect, the mean over the {kind}s weighted by its certainty, with "
    "its standard error; q statistic and p value, Cochran's Q and the probability of one as high "
    "where nothing differs; lowest and highest, the {kind}s of the least and the largest effect. "
    "Other columns are those of the ranking, within the rows of a {kind}."
)
FORMATS = {
    "effect": ".3g",
    "effect_std": ".2g",
    "spread": ".3g",
    "q_statistic": ".3g",
    "p_value": ".2g",
    "q_value": ".2g",
    "score": ".3g",
    "score_std": ".2g",
    "coverage": ".1%",
    "lowest_effect": ".3g",
    "highest_effect": ".3g",
}


def domains_section(by_domain: pl.DataFrame, heterogeneity: pl.DataFrame) -> Section:
    """Draws the effects of features by domain.

    Args:
        by_domain: The ranking by domain, the largest domains first.
        heterogeneity: What differs between them.
    """
    number = by_domain["domain"].n_unique()
    more = f" Drawn are the {MAX_DOMAINS} largest domains." if number > MAX_DOMAINS else ""
    return Section(
        name="domains",
        title="Domains",
        text=(
            EFFECT_TEXT.format(kind="domain"),
            DIFFERS_TEXT.format(kind="domain", more=" A router should see these." + more),
            COLUMNS_TEXT.format(kind="domain"),
        ),
        drawings=tuple(
            effects_drawing(rows, heterogeneity, "domain", "domains")
            for rows in by_domain.partition_by("task", maintain_order=True)
        ),
        tables={"by_domain": by_domain, "heterogeneity": heterogeneity},
        excerpts={"Features that differ": heterogeneity, "Ranking by domain": by_domain},
        formats=FORMATS,
    )


def effects_drawing(
    by_part: pl.DataFrame, differences: pl.DataFrame, name: str, what: str
) -> Drawing:
    """Draws the effects of the features of one task that differ most, by part.

    Args:
        by_part: The ranking of one task by part.
        differences: Features in the order of how much they differ.
        name: The column that names a part.
        what: Parts are called.
    """
    task = by_part["task"][0]
    ordered = differences.filter(task=task)
    features = ordered["feature"].head(MAX_FEATURES).to_list()
    parts = by_part[name].unique(maintain_order=True).head(MAX_DOMAINS).to_list()
    cells = by_part.select("feature", name, "effect").iter_rows()
    matrix = matrix_of(cells, features, parts)
    title = (
        f"{task}: {ordered['differs'].sum():,} of {len(ordered):,} features differ between {what}"
    )
    names = [str(part) for part in parts]
    return Drawing(title, heatmap(matrix, features, names, "effect", by_row=True))
