import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoded import read_encoded
from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Feature, Schema, SchemaError, Task

SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"), Task(name="buy", column="bought")),
    features=(
        Feature(name="user", kind="categorical", min_count=2),
        Feature(name="item", kind="categorical", oov_buckets=2),
        Feature(name="history", kind="sequence", max_length=3, vocabulary="item"),
        Feature(name="price", kind="numeric", transform="standard"),
        Feature(name="age", kind="numeric", transform="quantile", buckets=4),
    ),
    domain="country",
    timestamp="time",
)
ONE_TASK = SCHEMA.replace(tasks=SCHEMA.tasks[:1])


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    items = rng.zipf(1.3, count).clip(max=50)
    return pl.DataFrame(
        {
            "user": [f"u{n}" for n in rng.zipf(1.3, count).clip(max=200)],
            "item": items,
            "history": [rng.integers(1, 60, n).tolist() for n in rng.integers(0, 6, count)],
            "price": rng.lognormal(size=count),
            "age": np.where(rng.random(count) < 0.1, np.nan, rng.integers(18, 80, count)),
            "country": rng.choice(["de", "fr", "nl"], count),
            "time": np.arange(count),
            "click": (items < 5).astype(np.int8),
            "bought": rng.integers(0, 2, count, dtype=np.int8),
        }
    )


def read_part(folder, part):
    schema = Encoder.load(folder).schema
    chunks = list(read_encoded(Path(folder, part), schema))
    labels = {t: np.concatenate([lab[t] for _, lab in chunks]) for t in chunks[0][1]}
    names = ("ids", "sequences", "values", "domain")
    return {n: np.concatenate([getattr(chunk, n) for chunk, _ in chunks]) for n in names} | labels


def digest(folder):
    paths = sorted(Path(folder).rglob("*.*"))
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def test_parts_are_encoded_with_the_vocabularies_of_training(tmp_path):
    parts = {"train": rows(500), "valid": rows(200, 1), "test": rows(100, 2)}

    summary = prepare(SCHEMA, **parts, out=tmp_path / "out")

    encoder = Encoder.fit(SCHEMA, parts["train"])
    assert Encoder.load(tmp_path / "out").schema == encoder.schema
    for part, frame in parts.items():
        expected = encoder.encode(frame)
        result = read_part(tmp_path / "out", part)
        for name in ("ids", "sequences", "values", "domain"):
            np.testing.assert_array_equal(result[name], getattr(expected, name))
        np.testing.assert_array_equal(result["click"], frame["click"])
        np.testing.assert_array_equal(result["buy"], frame["bought"])
        assert summary.rows[part] == len(frame)
        assert summary.positives[part] == {
            "click": frame["click"].sum(),
            "buy": frame["bought"].sum(),
        }
    assert summary.vocabulary_sizes["item"] == summary.vocabulary_sizes["history"]
    unseen = ~parts["valid"]["item"].is_in(parts["train"]["item"].to_list())
    assert 0 < summary.unknown_rates["valid"]["user"] < 1
    assert summary.unknown_rates["train"]["item"] == 0
    assert summary.unknown_rates["valid"]["item"] <= unseen.mean()
    assert summary.seconds > 0


def test_chunks_do_not_change_a_byte(tmp_path):
    prepare(SCHEMA, rows(500), valid=rows(50, 1), out=tmp_path / "a")
    prepare(SCHEMA, rows(500), valid=rows(50, 1), out=tmp_path / "b", chunk_rows=37)

    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_vocabulary_bytes_do_not_depend_on_order_of_files_rows_or_threads(tmp_path):
    frame = rows(20_000)
    for name, seed in (("a", None), ("b", 1)):
        order = (
            np.arange(len(frame))
            if seed is None
            else np.random.default_rng(seed).permutation(len(frame))
        )
        for number, start in enumerate(range(0, len(frame), 7000)):
            path = tmp_path / name / f"{9 - number if seed else number}.parquet"
            path.parent.mkdir(exist_ok=True)
            frame[order[start : start + 7000]].write_parquet(path)
    script = (
        "import sys\n"
        "from ctrmoe.data.prepare import prepare\n"
        "from ctrmoe.schema import Schema\n"
        "prepare(Schema.load(sys.argv[1]), sys.argv[2], out=sys.argv[3], chunk_rows=9000)\n"
    )
    (tmp_path / "schema.toml").write_text(SCHEMA.dumps())
    digests = []
    for threads, source in ((1, "a"), (4, "a"), (4, "b")):
        out = tmp_path / f"{source}{threads}"
        subprocess.run(
            [sys.executable, "-c", script, tmp_path / "schema.toml", tmp_path / source, out],
            env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
            check=True,
        )
        digests.append(digest(out / "vocabularies"))

    assert digests[0] == digests[1] == digests[2]
    assert len(digests[0]) == 4


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows_of_a_file(tmp_path):
    names = [f"x{n}" for n in range(30)]
    schema = Schema(
        name="wide",
        tasks=(Task(name="click"),),
        features=tuple(Feature(name=name, kind="categorical") for name in names),
    )
    (tmp_path / "schema.toml").write_text(schema.dumps())
    script = (
        "import sys\n"
        "from ctrmoe.data.prepare import prepare\n"
        "from ctrmoe.schema import Schema\n"
        "prepare(Schema.load(sys.argv[1]), sys.argv[2], out=sys.argv[3], chunk_rows=50_000)\n"
        "status = open('/proc/self/status').read()\n"
        "print(status.split('VmHWM:')[1].split()[0])\n"
    )
    peaks = []
    for count in (100_000, 1_600_000):
        rng = np.random.default_rng(0)
        text = pl.Series([f"a value of thirty characters {n}" for n in range(1000)])
        frame = pl.DataFrame({name: text[rng.integers(0, 1000, count)] for name in names})
        frame = frame.with_columns(click=pl.Series(rng.integers(0, 2, count, dtype=np.int8)))
        # One row group: the least that a reader of whole groups would hold is all of it.
        frame.write_parquet(tmp_path / f"{count}.parquet", row_group_size=count)
        command = [sys.executable, "-c", script, tmp_path / "schema.toml"]
        result = subprocess.run(
            [*command, tmp_path / f"{count}.parquet", tmp_path / f"out-{count}"],
            stdout=subprocess.PIPE,
            check=True,
        )
        peaks.append(int(result.stdout) / 2**10)

    # The larger table takes 770 MB as pointers to its texts alone.
    assert peaks[1] - peaks[0] < 200


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "pandas", "folder"])
def test_every_source_gives_the_same_rows(tmp_path, kind):
    schema = ONE_TASK.replace(
        features=tuple(
            Feature(name=f.name, kind=f.kind, dtype="string") if f.kind == "categorical" else f
            for f in SCHEMA.features
            if f.name != "history"
        )
    )
    frame = rows(300).drop("history")
    if kind == "pandas":
        source = frame.to_pandas()
        assert isinstance(source, pd.DataFrame)
    elif kind == "folder":
        for country, part in frame.partition_by("country", as_dict=True, include_key=False).items():
            path = tmp_path / "data" / f"country={country[0]}" / "part.parquet"
            path.parent.mkdir(parents=True)
            part.write_parquet(path)
        source = tmp_path / "data"
        frame = frame.sort("country", maintain_order=True)
    else:
        source = tmp_path / f"data.{kind}"
        frame.write_csv(
            source, separator=";", compression="gzip" if kind.endswith("gz") else "uncompressed"
        )

    prepare(schema, source, out=tmp_path / "a")
    prepare(schema, frame, out=tmp_path / "b")

    expected, result = read_part(tmp_path / "b", "train"), read_part(tmp_path / "a", "train")
    for name, array in expected.items():
        np.testing.assert_array_equal(result[name], array, err_msg=name)


@pytest.mark.parametrize("split", ["random:0.5,0.3,0.2", "time:0.5,0.3,0.2"])
def test_split_divides_the_rows_and_fits_on_training_alone(tmp_path, split):
    frame = rows(1000)
    frame.head(400).write_parquet(tmp_path / "a.parquet")
    frame.tail(600).write_parquet(tmp_path / "b.parquet")

    summary = prepare(
        SCHEMA, tmp_path / "*.parquet", split=split, seed=3, out=tmp_path / "out", chunk_rows=130
    )

    assert sum(summary.rows.values()) == 1000
    assert summary.rows["train"] == pytest.approx(500, abs=60)
    assert summary.unknown_rates["train"]["item"] == 0
    train = read_part(tmp_path / "out", "train")
    if split.startswith("time"):
        assert summary.rows == {"train": 500, "valid": 300, "test": 200}
        encoded = Encoder.fit(SCHEMA, frame.head(500)).encode(frame.head(500))
        np.testing.assert_array_equal(train["ids"], encoded.ids)


def test_split_of_two_keeps_the_test_files_given(tmp_path):
    summary = prepare(
        ONE_TASK, rows(300), test=rows(70, 1), split="random:0.8,0.2", out=tmp_path / "out"
    )

    assert summary.rows["train"] + summary.rows["valid"] == 300
    assert summary.rows["test"] == 70


def test_progress_counts_rows_of_each_stage(tmp_path):
    calls = []

    prepare(
        SCHEMA,
        rows(250),
        valid=rows(80, 1),
        out=tmp_path / "out",
        chunk_rows=100,
        progress=lambda *call: calls.append(call),
    )

    assert calls == [
        *[("fit", n, 250) for n in (100, 200, 250)],
        *[("encode train", n, 250) for n in (100, 200, 250)],
        ("encode valid", 80, 80),
    ]


def test_values_with_line_breaks_are_reported_and_unknown(tmp_path):
    frame = rows(20).with_columns(user=pl.lit("two\nlines"))

    summary = prepare(SCHEMA, frame, out=tmp_path / "out")

    assert summary.line_breaks == {"user": 1}
    assert summary.unknown_rates["train"]["user"] == 1


def test_warnings_name_what_is_seldom_meant(tmp_path):
    summary = prepare(
        SCHEMA,
        rows(200),
        test=rows(80, 1).with_columns(user="x" + pl.col("user")),
        out=tmp_path / "out",
    )

    unknown, no_valid = summary.warnings()
    assert unknown.startswith("`user`: 100% of the values in the test part are unknown to the")
    assert no_valid.startswith("There is no valid part: training can't stop early")
    summary = prepare(SCHEMA, rows(400), valid=rows(400, 1), out=tmp_path / "good")
    assert summary.warnings() == []


def test_rare_values_and_few_positives_are_warned_of(tmp_path):
    rare = SCHEMA.replace(features=(Feature(name="user", kind="categorical", min_count=999),))

    summary = prepare(rare, rows(200), valid=rows(30, 1), out=tmp_path / "out")

    train, valid, click, buy = summary.warnings()
    assert "in the train part are unknown, as they come fewer than `min_count` times" in train
    assert "in the valid part are unknown to the training part" in valid
    for task, warning in (("click", click), ("buy", buy)):
        assert f"The valid part has few rows with label 1 of task `{task}`, " in warning


def test_prepared_folder_holds_what_readers_expect(tmp_path):
    prepare(SCHEMA, rows(100), valid=rows(50, 1), out=tmp_path / "out")

    assert set(digest(tmp_path / "out")) == {
        "schema.toml",
        "train/part-00000.parquet",
        "valid/part-00000.parquet",
        "vocabularies/@domain.txt",
        "vocabularies/encoder.json",
        "vocabularies/item.txt",
        "vocabularies/user.txt",
    }
    assert json.loads((tmp_path / "out/vocabularies/encoder.json").read_text())["format"] == 1
    assert Schema.load(tmp_path / "out/schema.toml")["item"].dtype == "integer"


def bad(**changes):
    return rows(50).with_columns(**changes)


@pytest.mark.parametrize(
    ("train", "valid", "message"),
    [
        (rows(50).drop("item"), rows(20), "Column `item` is missing in frame-0"),
        (
            rows(50).rename({"click": "clicks"}),
            rows(20),
            "`click` must be a column .* Did you mean `clicks`",
        ),
        (bad(click=pl.lit(2)), rows(20), "`click` must be 0 or 1. Received: 2 in frame-0, row 1"),
        (bad(click=None), rows(20), "train part must have labels of task `click`. .* all of 50"),
        (
            rows(50),
            bad(bought=None),
            "valid part must have labels of task `buy`. .* Leave the task out",
        ),
        (
            bad(click=pl.when(pl.int_range(50) != 7).then(0)).with_columns(bought=pl.col("click")),
            rows(20),
            "must have the label of one task at least. Received: null in click, bought in frame-0, "
            "row 8",
        ),
        (bad(item=pl.lit(0.5)), rows(20), "`item` must be a whole number. .* frame-0, row 1"),
        (bad(price=pl.date(2024, 1, 1)), rows(20), "`price` must be a column of numbers"),
        (rows(50).clear(), rows(20), "The train part must have rows"),
        (rows(50), rows(20).clear(), "The valid part must have rows"),
        (
            rows(50),
            rows(20).with_columns(click=pl.lit(0)),
            "valid part must have a positive row .*`click`",
        ),
        (
            rows(50),
            rows(20).with_columns(bought=pl.lit(1)),
            "valid part must have a negative row .*`buy`",
        ),
        (rows(50), rows(20).with_columns(item=pl.lit("x")), None),
        (rows(50), rows(20).with_columns(country=pl.lit("unseen")), None),
    ],
)
def test_bad_tables_are_refused_and_leave_nothing(tmp_path, train, valid, message):
    if message is None:
        prepare(SCHEMA, train, valid=valid, out=tmp_path / "out")
        return

    with pytest.raises(SchemaError, match=message):
        prepare(SCHEMA, train, valid=valid, out=tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_a_row_counts_for_the_tasks_that_it_has_labels_of(tmp_path):
    frame = rows(60).with_columns(bought=pl.when(pl.int_range(60) % 3 == 0).then("bought"))

    summary = prepare(SCHEMA, frame, out=tmp_path / "out")

    (_, labels), *_ = read_encoded(
        tmp_path / "out/train", Schema.load(tmp_path / "out/schema.toml")
    )
    given = np.arange(60) % 3 == 0
    np.testing.assert_array_equal(labels["buy"], np.where(given, frame["bought"].fill_null(-1), -1))
    assert summary.positives["train"]["buy"] == frame["bought"].sum()
    np.testing.assert_array_equal(labels["click"], frame["click"])


def test_wrong_label_names_its_row_behind_other_chunks_and_files(tmp_path):
    rows(50).write_parquet(tmp_path / "a.parquet")
    labels = [0] * 33 + [7] + [0] * 16
    rows(50).with_columns(click=pl.Series(labels)).write_parquet(tmp_path / "b.parquet")

    with pytest.raises(SchemaError, match="Received: 7 in .*b.parquet, row 34"):
        prepare(SCHEMA, tmp_path, out=tmp_path / "out", chunk_rows=20)


def test_missing_column_of_a_later_part_is_refused_before_reading_rows(tmp_path):
    calls = []

    with pytest.raises(SchemaError, match="Column `user` is missing in frame-0"):
        prepare(
            SCHEMA,
            rows(50),
            valid=rows(20),
            test=rows(20).drop("user"),
            out=tmp_path / "out",
            progress=lambda *call: calls.append(call),
        )

    assert calls == []


def test_split_by_time_asks_other_parts_for_no_timestamp(tmp_path):
    summary = prepare(
        SCHEMA, rows(90), test=rows(20).drop("time"), split="time:0.7,0.3", out=tmp_path / "out"
    )

    assert summary.rows == {"train": 63, "valid": 27, "test": 20}


def test_part_given_and_split_off_is_refused(tmp_path):
    with pytest.raises(
        SchemaError, match="`valid` must not be given where `split` makes that part"
    ):
        prepare(SCHEMA, rows(50), valid=rows(9), split="random:0.5,0.5", out=tmp_path / "out")


def test_output_that_holds_something_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SchemaError, match="must be empty or not exist"):
        prepare(SCHEMA, rows(50), out=tmp_path)


def test_full_disk_is_a_sentence_and_leaves_nothing(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        with pytest.raises(SchemaError, match="The disk is full: .*out was not written"):
            prepare(SCHEMA, rows(20_000), out=place / "out")
        assert list(place.iterdir()) == []
    finally:
        subprocess.run(["umount", place], check=True)
