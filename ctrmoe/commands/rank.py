"""`ctrmoe rank`: its options, and what it prints."""

# Modules that read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctrmoe.schema import Schema, SchemaError
from ctrmoe.terminal import Data, error_console, names, out_console, say

if TYPE_CHECKING:
    import polars as pl

    from ctrmoe.ranking.ranker import Ranker

_Scoring = partial(typer.Option, rich_help_panel="How features are scored")
_More = partial(typer.Option, rich_help_panel="What else is looked at")
_Together = partial(typer.Option, rich_help_panel="Features together")
_Selection = partial(typer.Option, rich_help_panel="A schema of the best")


def rank(  # noqa: PLR0913 - its options
    data: Data,
    schema: Annotated[Path, typer.Option(help="The schema file.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the tables and report.html.", file_okay=False)
    ],
    score: Annotated[str, _Scoring(help="What to rank by.")] = "corrected_mi",
    reference: Annotated[
        str, _Scoring(help="Of the score surrogate: on top of which features: a,b,c.")
    ] = "",
    projection: Annotated[
        int, _Scoring(help="Of the score surrogate: random columns; 0 for one-hot.")
    ] = 0,
    sample_rows: Annotated[
        int, _Scoring(help="Most rows that a score by a model learns from.")
    ] = 100_000,
    null: Annotated[
        str, _Scoring(help="Of corrected_mi: permutation, analytic or shift (OutRank's).")
    ] = "permutation",
    repeats: Annotated[int, _Scoring(help="Permutations drawn; 0 for the exact mean.")] = 0,
    fdr: Annotated[float, typer.Option(help="Level of what counts as above noise.")] = 0.05,
    memory: Annotated[float, typer.Option(help="Most GiB of counts.")] = 2.0,
    batch_rows: Annotated[int, _Scoring(help="Rows of a mini-batch of --null shift.")] = 16_384,
    controls: Annotated[
        bool, _More("--controls", help="Rank noise and the label itself beside the rest.")
    ] = False,
    by: Annotated[
        str | None, _More(help="domain: rank within each domain of the schema too.")
    ] = None,
    time_slices: Annotated[
        int, _More(help="Rank within so many slices of time too; 0 for none.")
    ] = 0,
    engine: Annotated[
        str, typer.Option(help="local, or ray: a cluster counts the files.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(help="Of Ray: files counted at once; one a node.", min=1)
    ] = None,
    check: Annotated[
        bool, _More("--check", help="Look for what is wrong with the data too.")
    ] = False,
    order: Annotated[int, _Together(help="2 ranks pairs of features too, 3 all of three, …")] = 1,
    combinations: Annotated[
        int, _Together(help="Most combinations that a row counts for.")
    ] = 32_768,
    choose: Annotated[
        str, _Together(help="Of more: guided, least_evaluated or random.")
    ] = "guided",
    redundancy: Annotated[
        bool | None, _Together(help="How much features tell of each other; on at order 2.")
    ] = None,
    three_mr: Annotated[
        bool, _Together("--three-mr", help="Order features by what each adds; at order 2.")
    ] = False,
    given: Annotated[str, _Together(help="Score what features add to these: a,b,c.")] = "",
    forward: Annotated[
        int | None,
        _Together(help="Add so many features to these, the best each time; else as --select."),
    ] = None,
    strata: Annotated[
        int,
        _Together(help="Of --given and --forward: most strata, rare ones shared; 0 for all."),
    ] = 0,
    transformers: Annotated[
        str,
        _Selection(
            help="Rank numbers by formulas too (OutRank's): minimal, default, extended, fw, …"
        ),
    ] = "",
    explode: Annotated[
        int,
        _Selection(help="Rank so many values of each list too, held or not; 0 for none."),
    ] = 0,
    select: Annotated[
        str, _Selection(help="Features to keep in --out-schema: a number, or auto.")
    ] = "",
    out_schema: Annotated[
        Path | None, _Selection(help="Schema file to write, of the features kept.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of halves, permutations, controls and choices.")] = 0,
) -> None:
    """Rank features by what they tell about each task, on all rows."""
    from ctrmoe.console import ranking_progress
    from ctrmoe.ranking import rank_combinations, ranking_page, write_selection, write_tables
    from ctrmoe.ranking.combinations.summary import combination_announcement
    from ctrmoe.ranking.memory import bytes_in
    from ctrmoe.ranking.presence import with_presence
    from ctrmoe.ranking.selection import parse_count
    from ctrmoe.ranking.summary import announcement
    from ctrmoe.ranking.surrogates.build import build_score
    from ctrmoe.ranking.transformed import with_candidates

    if by not in (None, "domain"):
        raise SchemaError(f"`by` must be domain. Received: {by!r}.")
    most = bytes_in(memory)
    chosen = build_score(
        score,
        reference=names(reference),
        projection=projection,
        rows=sample_rows,
        repeats=repeats,
        seed=seed,
    )
    loaded = Schema.load(schema)
    if explode:
        loaded = with_presence(loaded, data, explode)
    tried = with_candidates(loaded, transformers) if transformers else loaded
    count = parse_count(select, tried, out_schema)
    if forward is None:
        # What each adds to those before it is known of plain features only, by the default score.
        comparable = not any(feature.is_list for feature in tried.features) and not transformers
        plain = score == "corrected_mi" and not (three_mr or given)
        forward = count if isinstance(count, int) and comparable and plain else 0

    def announce(ranker: Ranker) -> None:
        error_console.print(announcement(ranker), markup=False, highlight=False)
        if order > 1:
            wanted = (ranker.schema, order, combinations, most)
            announced = combination_announcement(*wanted)
            error_console.print(announced, markup=False, highlight=False)

    with ranking_progress() as (on_rows, on_combinations):
        tables = rank_combinations(
            loaded,
            data,
            values=True,
            check=check,
            order=order,
            combinations=combinations,
            choose=choose,
            redundancy=redundancy,
            three_mr=three_mr,
            given=names(given),
            forward=forward,
            strata=strata,
            engine=engine,
            workers=workers,
            by_domain=by == "domain",
            time_slices=time_slices,
            score=chosen,
            null=null,
            repeats=repeats,
            fdr=fdr,
            memory=most,
            batch_rows=batch_rows,
            controls=controls,
            transformers=transformers,
            seed=seed,
            on_start=announce,
            on_rows=on_rows,
            on_combinations=on_combinations,
        )
    write_tables(tables, out, ranking_page(tables, loaded.name, score=score, level=fdr))
    _show(tables, fdr)
    say(f"Wrote {', '.join(tables)} as .parquet and .csv: open {out / 'report.html'}.")
    if out_schema:
        kept = write_selection(tried, tables, count, out_schema)
        say(f"Wrote {out_schema}: {kept}.")


def _show(tables: Mapping[str, pl.DataFrame], level: float) -> None:
    """Prints the first rows of the tables, and what is found in them."""
    from ctrmoe.ranking.combinations.summary import addition_lines, combination_summary
    from ctrmoe.ranking.summary import differences, summary

    out_console.print(summary(tables["ranking"], level))
    for line in differences(tables, level):
        out_console.print(line, markup=False, highlight=False)
    if "pairs" in tables:
        out_console.print(combination_summary(tables["pairs"], level))
    for line in addition_lines(tables):
        out_console.print(line, markup=False, highlight=False)
