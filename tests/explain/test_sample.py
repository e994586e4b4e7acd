import numpy as np
import polars as pl
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.data.dataset import pack
from ctrmoe.explain import read_sample, sample
from ctrmoe.schema import SchemaError


@pytest.fixture
def run(make_run):
    return make_run("fm")


def same(one, other):
    columns = [*pack(one.encoded).items(), *one.labels.items(), ("domains", one.domains)]
    others = [*pack(other.encoded).items(), *other.labels.items(), ("domains", other.domains)]
    return all(
        np.array_equal(a, b, equal_nan=name == "values")
        for (name, a), (_, b) in zip(columns, others, strict=True)
    )


def test_all_rows_in_their_order_if_there_are_less_than_asked_for(run, test_rows):
    found = read_sample(run, test_rows, rows=10_000)

    assert len(found) == test_rows.height
    assert found.labels["click"].tolist() == test_rows["click"].to_list()
    assert found.domains.tolist() == test_rows["placement"].to_list()
    encoded = run.encoder.encode(test_rows)
    for name, matrix in pack(encoded).items():
        np.testing.assert_array_equal(pack(found.encoded)[name], matrix)
    np.testing.assert_array_equal(found.encoded.domain, encoded.domain)


def test_rows_drawn_depend_on_the_seed_alone(run, test_rows, tmp_path, monkeypatch):
    whole = read_sample(run, test_rows, rows=40, seed=5)
    test_rows[:123].write_parquet(tmp_path / "a.parquet")
    test_rows[123:].write_parquet(tmp_path / "b.parquet")
    # Chunks so small that rows drawn early give way to later ones.
    monkeypatch.setattr(sample, "CHUNK_ROWS", 30)

    seen = []
    parts = read_sample(
        run, [tmp_path / "a.parquet", tmp_path / "b.parquet"], rows=40, seed=5,
        on_rows=lambda stage, rows, total: seen.append((stage, rows)),
    )  # fmt: skip

    assert len(whole) == 40
    assert same(whole, parts)
    assert not same(whole, read_sample(run, test_rows, rows=40, seed=6))
    assert seen[-1] == ("read", test_rows.height)


def test_every_row_has_the_same_chance(run, test_rows):
    rows = test_rows[:60].with_columns(number_0=pl.Series(range(1, 61), dtype=pl.Float64))
    drawn = np.zeros(60)
    column = [f.name for f in run.schema.values].index("number_0")
    places = read_sample(run, rows).encoded.values[:, column]

    for seed in range(120):
        values = read_sample(run, rows, rows=20, seed=seed).encoded.values[:, column]
        drawn += np.isin(places, values)

    assert len(set(places)) == 60
    # 120 draws with a chance of one third: mean 40, deviation 5.2.
    assert drawn.sum() == 120 * 20
    assert drawn.min() > 40 - 4 * 5.2 and drawn.max() < 40 + 4 * 5.2


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a", None, ""], ["a", "missing", ""]),
        ([7, None, 8], ["7", "missing", "8"]),
        ([7.0, float("nan"), None], ["7", "missing", "missing"]),
    ],
)
def test_domains_by_their_text(run, test_rows, values, names):
    rows = test_rows[:3].with_columns(placement=pl.Series(values))

    assert read_sample(run, rows).domains.tolist() == names


def test_no_row_asked_for(run, test_rows):
    with pytest.raises(ConfigError, match="`rows` must be at least 1. Received: rows=0"):
        read_sample(run, test_rows, rows=0)


def test_a_label_that_is_absent(run, test_rows):
    unlabelled = test_rows.drop("conversion")

    with pytest.raises(SchemaError, match=r"Column `conversion` is missing in .*`--repeats 0`"):
        read_sample(run, unlabelled)
    found = read_sample(run, unlabelled, labels=False)
    assert found.labels == {}
    assert len(found) == test_rows.height


def test_no_rows(run, test_rows):
    with pytest.raises(SchemaError, match="must have rows to explain. Received: 0 rows in frame-0"):
        read_sample(run, test_rows[:0])


def test_a_feature_that_is_absent(run, test_rows):
    with pytest.raises(SchemaError, match="Column `category` is missing"):
        read_sample(run, test_rows.drop("category"))


def test_labelled_rows_are_those_with_a_label(run, test_rows):
    rows = test_rows[:4].with_columns(conversion=pl.Series([1, None, 0, None]))

    found = read_sample(run, rows)

    assert found.labelled("conversion").tolist() == [True, False, True, False]
    assert found.labelled("click").all()
