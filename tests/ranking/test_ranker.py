import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.memory import bytes_of
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.schema import Schema, SchemaError

ROWS = 3_000
SCHEMA = Schema.from_dict(
    {
        "name": "planted",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [
            {"name": "strong", "kind": "categorical"},
            {"name": "text", "kind": "categorical"},
            {"name": "id", "kind": "categorical"},
            {"name": "noise", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "tags", "kind": "categorical", "max_length": 4},
        ],
    }
)


def planted():
    random = np.random.default_rng(8)
    strong, price = random.integers(0, 6, ROWS), random.normal(size=ROWS)
    click = random.random(ROWS) < 1 / (1 + np.exp(1.0 - 0.5 * (strong - 2.5) - 0.6 * price))
    return pl.DataFrame(
        {
            "strong": strong,
            "text": [f"t{v}" for v in np.where(random.random(ROWS) < 0.8, strong, 9)],
            "id": np.arange(ROWS) * 10**12,
            "noise": random.integers(0, 700, ROWS),
            "price": pl.Series(np.where(np.arange(ROWS) % 9, price, np.nan)).fill_nan(None),
            "tags": [[int(v), 7] if v % 2 else [] for v in strong],
            "click": click.astype(int),
            "buy": [int(v) if i % 3 else None for i, v in enumerate(random.integers(0, 2, ROWS))],
        }
    )


@pytest.fixture(scope="module")
def rows():
    return planted()


@pytest.fixture(scope="module")
def ranking(rows):
    ranker = Ranker(SCHEMA)
    ranker.add(rows)
    return ranker.result()


def test_signals_are_above_noise_and_noise_is_not(ranking):
    click = ranking.filter(task="click")

    assert set(click.filter("above_noise")["feature"]) == {"strong", "text", "price", "tags"}
    assert click["feature"][0] in ("strong", "price")
    assert not ranking.filter(task="buy")["above_noise"].any()


def test_unique_id_scores_nothing(ranking):
    found = ranking.filter(task="click", feature="id").row(0, named=True)

    assert found["score"] == pytest.approx(0)
    assert found["p_value"] == 1
    assert found["mi"] > 0.5
    assert found["cardinality"] == ROWS


def test_rows_without_a_label_do_not_count(ranking):
    assert ranking.filter(task="buy")["rows"].unique().to_list() == [ROWS * 2 // 3]
    assert ranking.filter(task="click", feature="price")["coverage"][0] == pytest.approx(
        8 / 9, 0.01
    )


def test_every_score_has_an_error_and_a_p_value(ranking):
    price = ranking.filter(task="click", feature="price").row(0, named=True)

    for name in ("ami", "auc", "corrected_mi", "max_value_coverage", "mi", "pearson", "spearman"):
        assert price[name] is not None
        assert price[f"{name}_std"] > 0
        assert 0 <= price[f"{name}_p_value"] <= 1


@pytest.mark.parametrize(("chunk", "threads"), [(ROWS, 1), (101, 3)])
def test_same_result_whatever_the_chunks_and_threads(rows, ranking, chunk, threads):
    ranker = Ranker(SCHEMA, threads=threads)

    for start in range(0, ROWS, chunk):
        ranker.add(rows[start : start + chunk], first_row=start)

    assert ranker.result().equals(ranking)


def test_merged_rankers_are_the_ranker_of_all_rows(rows, ranking):
    first, second = Ranker(SCHEMA), Ranker(SCHEMA)
    first.add(rows[2_000:], first_row=2_000)
    second.add(rows[:2_000])

    first.merge(second)

    assert first.result().equals(ranking)


def test_shift_is_a_value_a_chunk(rows):
    ranker = Ranker(SCHEMA, null="shift")
    for start in range(0, ROWS, 1_000):
        ranker.add(rows[start : start + 1_000], first_row=start)

    ranking = ranker.result()

    scores = dict(ranking.filter(task="click").select("feature", "score").iter_rows())
    assert scores["strong"] > 0.03
    assert scores["id"] == 0
    assert scores["tags"] is None


def test_halves_of_large_seeds_differ(rows):
    """A date is a seed like any other."""
    found = []
    for seed in (20_261_122, 20_261_122 + (1 << 24), 0):
        ranker = Ranker(SCHEMA, seed=seed)
        ranker.add(rows)
        found.append(ranker.counts("strong", "click").rows.tolist())

    assert found[0] != found[1] != found[2]


def test_memory_decides_how_many_values_are_counted():
    ranker = Ranker(SCHEMA, memory=64 << 20)

    assert ranker.max_values == 65_536
    assert ranker.memory == bytes_of(12, 65_536) <= 64 << 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "mutual"}, "`score` must be one of ami, auc"),
        ({"null": "permutaton"}, "`null` must be one of .*Did you mean `permutation`"),
        ({"fdr": 1.0}, "`fdr` must lie between 0 and 1. Received: 1.0"),
        ({"memory": 1000}, "`memory` must be at least 0.001 GiB for 12 tables. Received: 0.0001 G"),
        ({"seed": -1}, "`seed` must lie between 0 and 2147483647. Received: -1."),
        ({"seed": 1 << 31}, "`seed` must lie between 0 and 2147483647. Received: 2147483648."),
        ({"repeats": -1}, "`repeats` must be 0, or at least 2. Received: repeats=-1"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(SchemaError, match=message):
        Ranker(SCHEMA, **options)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (pl.lit(None, pl.Int8), "`click` must be 0 or 1 in some rows. Received: no value in any"),
        (pl.lit(1), "must be 0 in some rows and 1 in others. Received: 1 in all of them"),
        (pl.lit(2), "Label `click` must be 0 or 1. Received: 2 in the table, row 1"),
    ],
)
def test_labels_that_say_nothing(rows, label, message):
    ranker = Ranker(SCHEMA)

    with pytest.raises(SchemaError, match=message):
        ranker.add(rows.with_columns(click=label))
        ranker.result()


def test_feature_of_nulls_is_named_and_ranked_as_noise(rows, caplog):
    ranker = Ranker(SCHEMA)
    ranker.add(rows.with_columns(noise=None))

    ranking = ranker.result()

    assert caplog.messages == ["Feature `noise` has no value in any row: it is ranked as noise."]
    assert ranking.filter(feature="noise")["p_value"].to_list() == [1, 1]


def test_no_rows_at_all():
    with pytest.raises(SchemaError, match="The table must have rows"):
        Ranker(SCHEMA).result()
