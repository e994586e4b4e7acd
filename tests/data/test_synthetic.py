"""The synthetic click log: the same rows however they are drawn, and a truth that is reached."""

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from ctrmoe.data.synthetic import BLOCK_ROWS, SyntheticClicks
from ctrmoe.metrics import auc, auc_interval, expected_calibration_error
from ctrmoe.schema import Schema, SchemaError

CLICKS = SyntheticClicks(seed=3)


@pytest.fixture(scope="module")
def frame():
    return CLICKS.frame(2 * BLOCK_ROWS)


def test_frame_of_the_same_seed_is_the_same(frame):
    assert_frame_equal(SyntheticClicks(seed=3).frame(1_000), frame.head(1_000))


def test_frame_of_another_seed_differs(frame):
    other = SyntheticClicks(seed=4).frame(1_000)

    assert not other["item_id"].equals(frame["item_id"].head(1_000))
    assert not other["click"].equals(frame["click"].head(1_000))


@pytest.mark.parametrize("chunk_rows", [700, 65_536, 100_000])
def test_chunks_of_any_size_hold_the_rows_of_the_frame(frame, chunk_rows):
    chunks = list(CLICKS.chunks(101_000, chunk_rows))

    assert_frame_equal(pl.concat(chunks), frame.head(101_000))
    assert {chunk.height for chunk in chunks[:-1]} == {chunk_rows}


def test_frame_from_a_later_row_continues_the_first(frame):
    assert_frame_equal(CLICKS.frame(70_000, start=1_000), frame.slice(1_000, 70_000))


def test_write_gives_the_rows_in_files_and_row_groups(frame, tmp_path):
    folder = tmp_path / "new" / "train"

    CLICKS.write(folder, 25_000, start=500, rows_per_file=10_000, row_group_rows=4_000)

    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"part-0000{i}.parquet" for i in range(3)]
    metadata = pq.read_metadata(files[0])
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [4_000, 4_000, 2_000]
    assert_frame_equal(pl.read_parquet(folder), frame.slice(500, 25_000))


def test_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="`chunk_rows` must be at least 1. Received: chunk_rows=0"):
        CLICKS.write(tmp_path / "train", 1_000, row_group_rows=0)

    assert list(tmp_path.iterdir()) == []


def test_write_into_a_used_folder_raises_and_keeps_it(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")

    with pytest.raises(SchemaError, match="must be empty or not exist"):
        CLICKS.write(tmp_path, 1_000)

    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_columns_have_the_types_of_a_raw_log(frame):
    assert dict(frame.schema) == {
        "timestamp": pl.Int64,
        "placement": pl.String,
        "user_id": pl.Int64,
        "item_id": pl.String,
        "advertiser_id": pl.Int64,
        "category": pl.String,
        "city_id": pl.Int64,
        "device": pl.String,
        "number_0": pl.Float64,
        "number_1": pl.Float64,
        "number_2": pl.Float64,
        "tags": pl.List(pl.String),
        "history": pl.List(pl.String),
        "click": pl.Int8,
        "conversion": pl.Int8,
        "click_true_probability": pl.Float64,
        "conversion_true_probability": pl.Float64,
    }
    assert frame["timestamp"].diff().drop_nulls().unique().to_list() == [1]
    assert (frame["number_1"].drop_nulls() % 1 == 0).all()


def test_missing_values_and_empty_lists_have_their_share(frame):
    shares = frame.select(
        pl.col("user_id", "item_id", "placement", "category", "number_0").is_null().mean(),
        pl.col("history", "tags").list.len().eq(0).mean(),
        longest=pl.col("history").list.len().max(),
    ).to_dicts()[0]

    assert shares["user_id"] == shares["item_id"] == shares["placement"] == 0
    assert shares["category"] == pytest.approx(0.05, abs=0.005)
    assert shares["number_0"] == pytest.approx(0.05, abs=0.005)
    assert shares["history"] == pytest.approx(0.1, abs=0.005)
    assert shares["tags"] == pytest.approx(0.2, abs=0.005)
    assert shares["longest"] == CLICKS.max_history


@pytest.mark.parametrize("column", ["user_id", "item_id", "advertiser_id"])
def test_values_follow_zipf_law(frame, column):
    counts = frame[column].drop_nulls().value_counts(sort=True)["count"].to_numpy()

    size = CLICKS.vocabulary_sizes[column]
    law = np.arange(1, size + 1) ** -1.1
    expected = counts.sum() * law / law.sum()
    # Counts are binomial: five standard deviations, over the ranks that counting rarely swaps.
    assert np.abs(counts - expected[: counts.size])[:20].max() < 5 * expected[0] ** 0.5
    slope = np.polyfit(np.log(np.arange(1, 51)), np.log(counts[:50]), 1)[0]
    assert slope == pytest.approx(-1.1, abs=0.05)
    assert frame[column].n_unique() <= size + 1


def test_history_holds_items_of_the_item_vocabulary(frame):
    items = frame["history"].explode(empty_as_null=False, keep_nulls=False)

    assert items.null_count() == 0
    share = items.is_in(frame["item_id"].unique().implode()).mean()
    assert share > 0.99


@pytest.mark.parametrize("task", ["click", "conversion"])
def test_labels_are_drawn_from_their_true_probability(frame, task):
    labels = frame[task].to_numpy()
    probabilities = frame[f"{task}_true_probability"].to_numpy()

    rate = CLICKS.tasks[task]
    assert probabilities.mean() == pytest.approx(rate, rel=0.02)
    deviation = (probabilities * (1 - probabilities)).sum() ** 0.5
    assert abs(labels.sum() - probabilities.sum()) < 4 * deviation
    logits = np.log(probabilities / (1 - probabilities))
    assert expected_calibration_error(labels, logits) < 0.006


@pytest.mark.parametrize("task", ["click", "conversion"])
def test_true_probability_reaches_the_bayes_auc(frame, task):
    probabilities = frame[f"{task}_true_probability"].to_numpy()

    # Expected area of the probabilities as scores: every row is a positive with weight p and a
    # negative with weight 1 - p.
    p = np.sort(probabilities)
    below = np.cumsum(1 - p) - (1 - p) / 2
    bayes = (p @ below) / (p.sum() * (1 - p).sum())

    low, high = auc_interval(frame[task], probabilities, level=0.999)
    assert low < bayes < high
    assert 0.7 < bayes < 0.85


def _fitted_auc(train, test, features):
    """The test AUC of logistic regression on one-hot features."""
    encoder = OneHotEncoder(handle_unknown="ignore")
    rows = [part.select(features).to_numpy() for part in (train, test)]
    model = LogisticRegression(max_iter=300).fit(encoder.fit_transform(rows[0]), train["click"])
    return auc(test["click"], model.decision_function(encoder.transform(rows[1])))


SMALL = {"user_id": 20, "item_id": 15, "category": 10, "device": 4}


def _halves(**options):
    clicks = SyntheticClicks(
        seed=5, num_domains=1, num_clusters=1, vocabulary_sizes=SMALL, num_numeric=0, **options
    )
    return clicks.frame(30_000), clicks.frame(30_000, start=30_000)


def test_main_effects_alone_stay_clearly_below_the_bayes_auc():
    pairs = [("user_id", "item_id"), ("item_id", "category"), ("category", "device")]
    train, test = (
        part.with_columns(
            pl.concat_str(pair, separator="/", ignore_nulls=True).alias("/".join(pair))
            for pair in pairs
        )
        for part in _halves(second_order=1.0)
    )

    mains = _fitted_auc(train, test, list(SMALL))
    crosses = _fitted_auc(train, test, [*SMALL, *("/".join(pair) for pair in pairs)])

    bayes = auc(test["click"], test["click_true_probability"])
    assert 0.6 < mains < bayes - 0.05
    assert mains + 0.03 < crosses < bayes


def test_without_second_order_main_effects_come_close_to_the_bayes_auc():
    train, test = _halves(second_order=0.0)

    mains = _fitted_auc(train, test, list(SMALL))

    # What is left is the mean of the tags and of the history, and the noise of the fit.
    bayes = auc(test["click"], test["click_true_probability"])
    assert bayes - 0.03 < mains < bayes


def test_domains_differ_in_rate_and_clusters_in_effects():
    clicks = SyntheticClicks(seed=6, num_domains=4, num_clusters=2, vocabulary_sizes=SMALL)
    frame = clicks.frame(200_000)

    rates = frame.group_by("placement").agg(pl.col("click_true_probability").mean(), pl.len())
    assert rates["click_true_probability"].max() > 1.1 * rates["click_true_probability"].min()
    assert rates["len"].max() > 2 * rates["len"].min()

    logit = (pl.col("click_true_probability") / (1 - pl.col("click_true_probability"))).log()
    effects = [
        frame.drop_nulls(name)
        .with_columns(logit - logit.mean().over("placement"))
        .group_by("placement", name)
        .agg(pl.col("click_true_probability").mean())
        .pivot("placement", index=name, values="click_true_probability", sort_columns=True)
        .drop(name)
        for name in SMALL
    ]
    alike = np.corrcoef(pl.concat(effects).to_numpy().T)[np.triu_indices(4, 1)]
    # Two clusters of two domains: two pairs share their effects, four do not.
    assert (alike > 0.97).sum() == 2
    assert (alike < 0.9).sum() == 4


def test_tasks_share_some_of_their_truth(frame):
    logits = [
        np.log(frame[f"{t}_true_probability"] / (1 - frame[f"{t}_true_probability"]))
        for t in CLICKS.tasks
    ]

    assert 0.1 < np.corrcoef(*logits)[0, 1] < 0.9


def test_schema_names_the_columns_and_loads_again(frame, tmp_path):
    path = tmp_path / "schema.toml"
    path.write_text(CLICKS.schema().dumps(), encoding="utf-8")

    schema = Schema.load(path)

    assert schema == CLICKS.schema()
    assert (schema.domain, schema.group, schema.timestamp) == ("placement", "user_id", "timestamp")
    named = {feature.name for feature in schema.features} | {task.label for task in schema.tasks}
    truth = {f"{task}_true_probability" for task in CLICKS.tasks}
    assert named == set(frame.columns) - truth - {"timestamp"}
    assert schema["history"].table == "item_id"
    assert frame["tags"].list.len().max() == schema["tags"].max_length


def test_frame_of_one_feature_kind_and_many_tasks_is_drawn():
    clicks = SyntheticClicks(
        tasks={"a": 0.5, "b": 0.001, "c": 0.9},
        vocabulary_sizes={"user_id": 2, "item_id": 2},
        num_numeric=0,
        num_domains=1,
        num_clusters=1,
        missing_rate=0.0,
        max_history=1,
    )

    frame = clicks.frame(BLOCK_ROWS)

    assert frame.select(pl.col("a", "b", "c").mean()).row(0) == (
        pytest.approx(0.5, abs=0.02),
        pytest.approx(0.001, abs=0.0005),
        pytest.approx(0.9, abs=0.02),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_clusters": 5}, "`num_clusters` must lie between 1 and `num_domains`. .*=5"),
        ({"num_domains": 0}, "`num_clusters` must lie between 1 and `num_domains`"),
        ({"tasks": {}}, "`tasks` must give one or more tasks a share between 0 and 1"),
        ({"tasks": {"click": 1.0}}, "`tasks` must give one or more tasks a share .*'click': 1.0"),
        ({"vocabulary_sizes": {"user_id": 5}}, "`vocabulary_sizes` must hold `user_id` and"),
        ({"vocabulary_sizes": {"user_id": 5, "item_id": 1}}, "2 values or more"),
        ({"num_numeric": -1}, "`num_numeric` must not be negative. Received: num_numeric=-1"),
        ({"max_history": 0}, "`max_history` must be at least 1. Received: max_history=0"),
        ({"missing_rate": 1.0}, "`missing_rate` must lie between 0 and 1. .*=1.0"),
        ({"tasks": {"tags": 0.5}}, "`tasks` must not repeat a column. The columns are"),
    ],
)
def test_arguments_that_break_a_rule_raise(options, message):
    with pytest.raises(ValueError, match=message):
        SyntheticClicks(**options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CLICKS.frame(0), "`rows` must be at least 1. Received: rows=0"),
        (lambda: CLICKS.frame(1, start=-1), "`start` must not be negative. Received: start=-1"),
        (lambda: CLICKS.write("unused", 0), "`rows` must be at least 1. Received: rows=0"),
        (lambda: CLICKS.write("unused", 1, rows_per_file=0), "`rows_per_file` must be at least 1"),
    ],
)
def test_calls_for_no_rows_raise(call, message):
    with pytest.raises(ValueError, match=message):
        call()
