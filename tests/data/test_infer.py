import datetime
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ctrmoe
from ctrmoe.data.infer import infer_schema
from ctrmoe.schema import Schema, SchemaError

ROWS = 1000
SAMPLE = Path(ctrmoe.__file__).parent / "sample" / "census_income"


def table(**columns):
    rng = np.random.default_rng(7)
    base = {"city": rng.choice(["Rome", "Paris", "Oslo"], ROWS), "click": rng.integers(0, 2, ROWS)}
    return pl.DataFrame(base | columns)


def schema_of(frame, **options):
    return Schema.from_dict(tomllib.loads(infer_schema(frame, **options)))


def codes(values, seed=0):
    return np.random.default_rng(seed).integers(0, values, ROWS)


def repeat(values):
    return [values[i % len(values)] for i in range(ROWS)]


def test_census_sample_gives_a_schema_near_the_hand_written_one():
    text = infer_schema(SAMPLE / "train.parquet", name="census-income")
    inferred = Schema.from_dict(tomllib.loads(text))
    written = Schema.load(SAMPLE / "schema.toml")

    assert inferred.name == "census-income"
    assert [t.name for t in inferred.tasks] == ["income_over_50k", "never_married"]
    names = {feature.name for feature in inferred.features}
    assert {feature.name for feature in written.features} <= names
    assert "marital_stat: alone it predicts never_married with AUC 1.000" in text
    assert not names & {"marital_stat", "det_hh_fam_stat", "instance_weight"}
    kinds = {f.name: f.kind for f in inferred.features}
    differ = {f.name for f in written.features if kinds[f.name] != f.kind}
    assert differ == set()


def test_odd_headers_of_a_csv_file_load(tmp_path):
    headers = [
        "user id",
        "price/€ (net)",
        'the "quoted" one',
        "città",
        "a\\b",
        "emoji 🛒",
        "Clicked?",
    ]
    sizes = [40, 700, 3, 4, 5, 6, 2]
    rows = np.stack([codes(size, seed) for seed, size in enumerate(sizes)], axis=1)
    pl.DataFrame(rows, schema=headers, orient="row").write_csv(tmp_path / "my data.csv")

    schema = schema_of(tmp_path / "my data.csv")

    assert schema.name == "my data"
    assert [feature.name for feature in schema.features] == headers[:-1]
    assert [(task.name, task.label) for task in schema.tasks] == [("Clicked", "Clicked?")]
    assert schema.group == "user id"
    assert schema["price/€ (net)"].kind == "numeric"


def test_texts_of_a_csv_file_are_typed_by_what_they_hold(tmp_path):
    frame = table(
        count=codes(900), share=codes(900, 1) / 7, plz=[f"0{c}" for c in codes(900, 2)],
        mixed=["n/a", *map(str, codes(900)[1:])],
    )  # fmt: skip
    frame.write_csv(tmp_path / "t.csv.gz", compression="gzip")

    schema = schema_of(tmp_path / "t.csv.gz")

    kinds = {feature.name: feature.kind for feature in schema.features}
    assert kinds == {
        "city": "categorical", "count": "numeric", "share": "numeric", "plz": "categorical",
        "mixed": "categorical",
    }  # fmt: skip
    assert schema_of(frame.cast({"count": pl.String}))["count"].kind == "categorical"


def test_columns_that_are_text_in_some_files_count_as_numbers_where_all_texts_are(tmp_path):
    frame = table(user_id=codes(30))
    frame.write_parquet(tmp_path / "a.parquet")
    frame.cast({"click": pl.String, "user_id": pl.String}).write_parquet(tmp_path / "b.parquet")

    schema = schema_of(tmp_path)

    assert [task.name for task in schema.tasks] == ["click"]
    assert schema["user_id"].kind == "categorical"
    assert schema.group == "user_id"


def test_column_of_later_files_is_left_out_with_the_reason(tmp_path):
    frame = table(age=codes(90))
    frame.write_parquet(tmp_path / "1.parquet")
    for name in ("2.parquet", "3.parquet"):
        frame.select("age", pl.lit(1).alias("new"), "click", "city").write_parquet(tmp_path / name)

    text = infer_schema(tmp_path)

    assert "# - new: only in 2 of 3 files" in text
    assert {f.name for f in Schema.from_dict(tomllib.loads(text)).features} == {"age", "city"}


def test_text_file_without_a_header_line_takes_the_names_given(tmp_path):
    table(age=codes(90)).write_csv(tmp_path / "a.csv", include_header=False)

    schema = schema_of(tmp_path / "a.csv", columns=["town", "click", "age"])

    assert schema.columns == ("town", "click", "age")
    assert [(f.name, f.kind) for f in schema.features] == [
        ("town", "categorical"),
        ("age", "numeric"),
    ]


def test_empty_text_is_missing_and_true_is_1(tmp_path):
    frame = table(note=repeat(["x", "", "y", ""])).cast({"click": pl.Boolean})
    frame.write_csv(tmp_path / "a.csv")

    for source in (frame, frame.cast({"note": pl.Categorical}), tmp_path / "a.csv"):
        text = infer_schema(source)
        assert "# texts, 2 values, 50.0% missing" in text
        assert [task.name for task in Schema.from_dict(tomllib.loads(text)).tasks] == ["click"]


@pytest.mark.parametrize(
    ("path", "name"), [("ads/part.0.parquet", "part"), ("ads", "ads"), ("ads/*.parquet", "ads")]
)
def test_name_comes_from_the_path(tmp_path, path, name):
    (tmp_path / "ads").mkdir()
    table().write_parquet(tmp_path / "ads" / "part.0.parquet")

    assert schema_of(str(tmp_path / path)).name == name


def test_header_with_a_line_break_stays_inside_its_comment():
    text = infer_schema(table(**{"two\nlines": ["x"] * ROWS}))

    assert "two\\nlines: constant" in text
    assert "two\nlines" not in {f.name for f in Schema.from_dict(tomllib.loads(text)).features}


def test_pandas_frame_gives_the_same_text():
    frame = table(price=np.arange(ROWS) / 7)

    assert infer_schema(frame.to_pandas()) == infer_schema(frame)


def test_label_without_ascii_gets_a_name_of_its_own():
    schema = schema_of(table(**{"клик": codes(2)}), labels=["клик", "click"])

    assert [(t.name, t.label) for t in schema.tasks] == [("label", "клик"), ("click", "click")]


def test_named_labels_win_over_other_flags():
    schema = schema_of(table(owns_car=codes(2), purchase=codes(2, 1)))

    assert [task.name for task in schema.tasks] == ["click", "purchase"]
    assert schema["owns_car"].kind == "categorical"


def test_label_of_the_past_is_a_feature():
    schema = schema_of(table(clicked_before=codes(2)))

    assert [task.name for task in schema.tasks] == ["click"]
    assert schema["clicked_before"].kind == "categorical"


def test_labels_without_a_name_are_taken_from_the_end():
    frame = table(is_weekend=codes(2), over_50k=codes(2, 1), married=codes(2, 2)).drop("click")

    assert [task.name for task in schema_of(frame).tasks] == ["over_50k", "married"]


def test_label_without_a_name_is_taken_from_the_front():
    frame = table(C1=codes(2)).select("C1", "city")

    assert [task.name for task in schema_of(frame).tasks] == ["C1"]


@pytest.mark.parametrize(
    "frame",
    [
        table(is_weekend=codes(2)).drop("click"),
        table(over_50k=codes(2)).select("city", "over_50k", pl.col("city").alias("town")),
        table(rating=codes(5)).drop("click"),
        table(click=[None, *codes(2)[1:].tolist()]),
        table(click=codes(3)),
    ],
    ids=["flag", "in-the-middle", "rating", "null", "three-values"],
)
def test_no_label_says_what_to_do(frame):
    with pytest.raises(SchemaError, match=r"No label was found.* `--label COLUMN`"):
        infer_schema(frame)


def test_given_label_is_used_and_other_outcomes_are_left_out():
    frame = table(owns_car=codes(2), purchase=codes(2, 1))

    text = infer_schema(frame, labels=["owns_car"])

    schema = Schema.from_dict(tomllib.loads(text))
    assert [task.name for task in schema.tasks] == ["owns_car"]
    assert [feature.name for feature in schema.features] == ["city"]
    assert "click: 0 and 1 with the name of an outcome" in text


def test_outcome_with_missing_values_is_left_out():
    text = infer_schema(table(purchase=[None, *codes(2)[1:].tolist()]))

    assert "purchase: 0 and 1 with the name of an outcome, but no label here (1 values" in text
    assert [t.name for t in Schema.from_dict(tomllib.loads(text)).tasks] == ["click"]


def test_given_label_that_is_unknown_is_refused():
    with pytest.raises(SchemaError, match=r"Received: 'clik'\. Did you mean `click`\?"):
        infer_schema(table(), labels=["clik"])


def test_given_label_that_is_not_binary_is_refused():
    with pytest.raises(SchemaError, match=r"Label `city` must hold 0 and 1, .*'Oslo', 'Paris'"):
        infer_schema(table(), labels=["city"])


def test_given_label_with_a_missing_value_is_refused():
    with pytest.raises(SchemaError, match=r"Label `click` must hold 0 and 1, .* 1 missing"):
        infer_schema(table(click=[None, *codes(2)[1:].tolist()]), labels=["click"])


def test_empty_table_is_refused():
    with pytest.raises(SchemaError, match="at least one row"):
        infer_schema(table().head(0))


def test_table_without_a_feature_is_refused():
    with pytest.raises(SchemaError, match=r"fit for a feature. Received: `row` \(.*a row id"):
        infer_schema(table(row=np.arange(ROWS)).drop("city"))


def test_domain_is_the_likeliest_name():
    schema = schema_of(table(country=codes(5), campaign_id=codes(3), device_type=codes(2)))

    assert schema.domain == "campaign_id"
    assert schema["campaign_id"].kind == "categorical"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("campaign", codes(200)),
        ("campaign", np.where(codes(9) > 0, codes(3).astype(object), None)),
        ("campaign_budget", codes(3)),
        ("campaign", codes(3) / 2),
        ("hour", codes(24)),
    ],
    ids=["many", "missing", "other-name", "fractions", "no-hint"],
)
def test_other_columns_are_no_domain(name, values):
    values = pl.Series(values.tolist())

    assert schema_of(table(**{name: values})).domain == ""


def test_group_is_the_user():
    schema = schema_of(table(device_id=codes(60, 3), user_feature_0=codes(60), userId=codes(50, 1)))

    assert schema.group == "userId"


@pytest.mark.parametrize("users", [5, 900], ids=["few", "hardly-repeated"])
def test_other_columns_are_no_group(users):
    assert schema_of(table(user_id=np.arange(ROWS) % users)).group == ""


def test_timestamp_is_the_finest_moment_and_no_feature():
    start = datetime.datetime(2024, 1, 1)
    moments = [start + datetime.timedelta(minutes=7 * i) for i in range(ROWS)]
    text = infer_schema(table(day=[m.date() for m in moments], seen=moments))

    schema = Schema.from_dict(tomllib.loads(text))
    assert schema.timestamp == "seen"
    assert [feature.name for feature in schema.features] == ["city"]
    assert "day: a moment in time" in text


def test_hour_of_the_day_is_no_timestamp():
    schema = schema_of(table(hour=codes(24)))

    assert schema.timestamp == ""
    assert schema["hour"].kind == "categorical"


@pytest.mark.parametrize(
    ("flipped", "left_out"), [(0.0, True), (0.01, True), (0.1, False)], ids=["copy", "near", "weak"]
)
@pytest.mark.parametrize("numeric", [True, False])
def test_column_that_gives_the_label_away_is_left_out(flipped, left_out, numeric):
    rng = np.random.default_rng(0)
    frame = table()
    outcome = frame["click"].to_numpy() ^ (rng.random(ROWS) < flipped)
    dwell = outcome * 10.0 + rng.random(ROWS) if numeric else np.where(outcome, "long", "short")

    text = infer_schema(frame.with_columns(dwell=dwell))

    assert ("dwell: alone it predicts click" in text) == left_out


def test_rare_codes_do_not_look_like_a_leak():
    # 600 values over 1000 rows: most predict their own row's label.
    assert schema_of(table(item_id=codes(600)))["item_id"].kind == "categorical"


def test_many_codes_of_repeated_rows_do_not_look_like_a_leak():
    # 1,100 rows written 40 times: every code is seen often, always with the same label.
    rows = pl.DataFrame({"ad": [f"a{i}" for i in range(1100)], "click": (np.arange(1100) % 7 == 0)})

    assert schema_of(pl.concat([rows] * 40))["ad"].kind == "categorical"


def sequences(values, offset=0):
    rng = np.random.default_rng(3)
    return [(rng.integers(0, values, 8) + offset).tolist() for _ in range(ROWS)]


def test_sequence_shares_the_vocabulary_of_the_same_values():
    frame = table(
        item_id=codes(100), brand_id=codes(90) + 500, last_brand_id=sequences(90, 500),
        history=sequences(100),
    )  # fmt: skip

    schema = schema_of(frame)

    assert schema["history"].vocabulary == "item_id"
    assert schema["last_brand_id"].vocabulary == "brand_id"


def test_separated_sequence_shares_the_vocabulary():
    history = ["|".join(f"i{v}" for v in row[: 1 + i % 8]) for i, row in enumerate(sequences(90))]
    frame = table(item_id=[f"i{v}" for v in codes(90)], item_history=history)

    feature = schema_of(frame)["item_history"]

    assert (feature.separator, feature.vocabulary) == ("|", "item_id")


def test_sequence_of_other_values_has_its_own_vocabulary():
    schema = schema_of(table(item_id=codes(100), history=sequences(100, 70), position=codes(5)))

    assert schema["history"].vocabulary == ""


def test_many_chunks_give_the_same_text(tmp_path):
    frame = table(item_id=codes(300), price=np.random.default_rng(0).lognormal(0, 2, ROWS))
    frame.write_parquet(tmp_path / "table.parquet", row_group_size=10)

    assert infer_schema(tmp_path / "table.parquet") == infer_schema(frame, name="table")
