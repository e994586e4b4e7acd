import hashlib
import json
import logging
import shutil

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.evaluation import labelled_chunks
from ctrmoe.schema import SchemaError
from ctrmoe.scoring import score


def contents(out):
    """The bytes of every file of a folder, hidden ones too."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def test_files_rows_and_columns_are_kept(scorer, folder, test_rows, tmp_path):
    summary = score(scorer, [folder], tmp_path / "out", keep=["user_id"])

    assert (summary.rows, summary.files, summary.skipped) == (700, 2, 0)
    assert list(contents(tmp_path / "out")) == ["b.parquet", "day=1/a.parquet"]
    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")
    assert scored.columns == ["user_id", "click_probability", "conversion_probability"]
    assert scored["user_id"].to_list() == test_rows.tail(600)["user_id"].to_list()
    assert scored["click_probability"].dtype == pl.Float32
    assert scored["click_probability"].is_between(0, 1, closed="none").all()


def test_scores_are_those_of_the_rows_one_by_one(scorer, folder, test_rows, tmp_path):
    score(scorer, [folder / "b.parquet"], tmp_path / "out")
    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")

    for row in (0, 299, 599):
        alone = scorer.score(test_rows.tail(600).slice(row, 1))
        for name in scored.columns:
            assert alone[name][0] == pytest.approx(scored[name][row], abs=1e-6)


def test_run_folder_scores_as_its_export(run, exported, folder, tmp_path):
    score(run.folder, [folder], tmp_path / "a")
    score(exported.parent, [folder], tmp_path / "b")

    a, b = (pl.read_parquet(tmp_path / name / "b.parquet") for name in "ab")
    for name in a.columns:
        np.testing.assert_allclose(a[name], b[name], atol=1e-6)


def test_kept_column_called_like_a_task(scorer, folder, tmp_path):
    score(scorer, [folder / "b.parquet"], tmp_path / "out", keep=["click"])

    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")
    assert scored.columns == ["click", "click_probability", "conversion_probability"]
    assert set(scored["click"].unique()) == {0, 1}


def test_column_that_is_kept_twice_is_kept_once(scorer, folder, tmp_path):
    score(scorer, [folder / "b.parquet"], tmp_path / "out", keep=["click", "user_id", "click"])

    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")
    assert scored.columns == ["click", "user_id", "click_probability", "conversion_probability"]


def test_file_without_rows_gives_a_file_without_rows(scorer, test_rows, tmp_path):
    test_rows.clear().write_parquet(tmp_path / "none.parquet")

    score(scorer, [tmp_path / "none.parquet"], tmp_path / "out", keep=["user_id"])

    scored = pl.read_parquet(tmp_path / "out" / "none.parquet")
    assert scored.height == 0
    assert scored.columns == ["user_id", "click_probability", "conversion_probability"]


def test_output_that_exists(scorer, folder, tmp_path):
    score(scorer, [folder], tmp_path / "out")

    with pytest.raises(SchemaError, match=r"parquet exists already\. Add `--resume`"):
        score(scorer, [folder], tmp_path / "out")
    summary = score(scorer, [folder], tmp_path / "out", resume=True)
    assert (summary.files, summary.skipped) == (0, 2)


def test_resuming_with_other_columns(scorer, folder, tmp_path):
    score(scorer, [folder], tmp_path / "out")

    with pytest.raises(SchemaError, match="holds scores of another model or other columns"):
        score(scorer, [folder], tmp_path / "out", keep=["user_id"], resume=True)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (["absent"], "Column `absent` is missing in .*parquet"),
        (["click_probability"], "`--keep` must not name an output column"),
    ],
)
def test_column_that_cannot_be_kept(scorer, folder, tmp_path, keep, message):
    with pytest.raises(SchemaError, match=message):
        score(scorer, [folder], tmp_path / "out", keep=keep)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_output_onto_the_input(scorer, folder, tmp_path):
    with pytest.raises(SchemaError, match="is an input file"):
        score(scorer, [folder], folder)


def test_folder_that_is_no_model(folder, tmp_path):
    with pytest.raises(ConfigError, match="must be an exported model"):
        score(folder, [folder], tmp_path / "out")


def test_model_in_a_folder_of_which_tensorflow_makes_a_pattern(exported, folder, tmp_path):
    model = shutil.copytree(exported, tmp_path / "models [old]" / "1")

    with pytest.raises(ConfigError, match=r"makes a pattern. Received: \[ in .*Choose another"):
        score(model, [folder], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "harm",
    [
        lambda model: (model / "saved_model.pb").write_bytes(b"\x0a\xff\xff"),
        lambda model: shutil.rmtree(model / "variables"),
        lambda model: next(model.glob("variables/*.data*")).write_bytes(b""),
    ],
)
def test_model_that_is_damaged(exported, folder, tmp_path, harm):
    model = shutil.copytree(exported, tmp_path / "1")
    harm(model)

    with pytest.raises(ConfigError, match=r"1 must hold a whole SavedModel\. .* Export the run"):
        score(model, [folder], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_scores_are_those_that_evaluate_measures(scorer, run, folder, tmp_path):
    score(scorer, [folder], tmp_path / "out", keep=["click", "timestamp"])
    measured = {task: [] for task in run.tasks}
    for _, encoded, _ in labelled_chunks(run.encoder, [folder]):
        for task, logits in run.logits(encoded).items():
            measured[task].append(1 / (1 + np.exp(-logits.astype(float))))

    names = ["b.parquet", "day=1/a.parquet"]
    raw, scored = (
        pl.concat([pl.read_parquet(place / name, hive_partitioning=False) for name in names])
        for place in (folder, tmp_path / "out")
    )
    assert scored.select("click", "timestamp").equals(raw.select("click", "timestamp"))
    for task in run.tasks:
        np.testing.assert_allclose(
            scored[f"{task}_probability"], np.concatenate(measured[task]), rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("keep", [[], ["item_id", "tags"]])
def test_text_read_as_codes_is_scored_as_text(scorer, test_rows, tmp_path, keep):
    rows = pl.concat([test_rows] * 10).to_arrow(compat_level=pl.CompatLevel.oldest())
    pq.write_table(rows, tmp_path / "codes.parquet")
    pq.write_table(rows, tmp_path / "texts.parquet", use_dictionary=False)

    score(
        scorer,
        [tmp_path / "codes.parquet", tmp_path / "texts.parquet"],
        tmp_path / "out",
        keep=keep,
    )

    written = contents(tmp_path / "out")
    assert written["codes.parquet"] == written["texts.parquet"]


def test_partition_of_a_folder_is_kept(scorer, folder, tmp_path):
    score(scorer, [folder / "day=*"], tmp_path / "out", keep=["day", "item_id"])

    assert pl.read_parquet(tmp_path / "out" / "day=1" / "a.parquet")["day"].to_list() == ["1"] * 100


@pytest.mark.parametrize("workers", [1, 3])
def test_bytes_do_not_depend_on_the_workers(scorer, folder, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("ctrmoe.scoring.file.CHUNK_ROWS", 50)
    score(scorer, [folder], tmp_path / "out", keep=["timestamp"], workers=2)

    score(scorer, [folder], tmp_path / "other", keep=["timestamp"], workers=workers)

    assert contents(tmp_path / "out") == contents(tmp_path / "other")
    rows = pl.read_parquet(tmp_path / "out" / "b.parquet")["timestamp"]
    assert rows.equals(pl.read_parquet(folder / "b.parquet")["timestamp"])


def test_manifest_names_every_file_with_rows_and_checksum(scorer, folder, tmp_path):
    summary = score(scorer, [folder], tmp_path / "out")

    assert summary.manifest == tmp_path / "out.json"
    manifest = json.loads(summary.manifest.read_text())
    rows = {file["name"]: file["rows"] for file in manifest["files"]}
    assert rows == {"b.parquet": 600, "day=1/a.parquet": 100}
    assert (manifest["rows"], manifest["failed"]) == (700, {})
    for file in manifest["files"]:
        data = (tmp_path / "out" / file["name"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["bytes"] == len(data)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-300])


def change_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [truncate, change_a_byte, lambda path: path.unlink()])
def test_output_that_was_harmed_is_written_again(scorer, folder, tmp_path, harm):
    score(scorer, [folder], tmp_path / "out")
    expected = contents(tmp_path / "out")
    harm(tmp_path / "out" / "b.parquet")

    summary = score(scorer, [folder], tmp_path / "out", resume=True)

    assert (summary.files, summary.skipped, summary.rows) == (1, 1, 600)
    assert contents(tmp_path / "out") == expected


def test_input_that_has_changed_is_scored_again(scorer, folder, test_rows, tmp_path):
    score(scorer, [folder], tmp_path / "out")
    test_rows.head(300).write_parquet(folder / "b.parquet")

    summary = score(scorer, [folder], tmp_path / "out", resume=True)

    assert (summary.files, summary.rows) == (1, 300)
    assert json.loads(summary.manifest.read_text())["rows"] == 400


def test_files_that_came_later_join_the_manifest(scorer, folder, tmp_path):
    score(scorer, [folder / "b.parquet"], tmp_path / "out")

    summary = score(scorer, [folder / "day=1" / "a.parquet"], tmp_path / "out", resume=True)

    files = json.loads(summary.manifest.read_text())["files"]
    assert [file["name"] for file in files] == ["a.parquet", "b.parquet"]


def test_outputs_without_a_record_are_not_touched(scorer, folder, tmp_path):
    score(scorer, [folder], tmp_path / "out").manifest.unlink()

    with pytest.raises(SchemaError, match="no record says what scored it"):
        score(scorer, [folder], tmp_path / "out", resume=True)


def test_file_of_the_manifest_s_name_is_not_replaced(scorer, folder, tmp_path):
    (tmp_path / "out.json").write_text('{"mine": 1}')

    with pytest.raises(SchemaError, match=r"out\.json, where the manifest goes, must be one of"):
        score(scorer, [folder], tmp_path / "out")

    assert (tmp_path / "out.json").read_text() == '{"mine": 1}'
    assert not (tmp_path / "out").exists()


@pytest.fixture
def bad(folder, test_rows):
    """The folder with three files that can't be scored, among them the first and the last."""
    truncated = folder / "a_truncated.parquet"
    test_rows.write_parquet(truncated)
    truncate(truncated)
    test_rows.drop("item_id").write_parquet(folder / "missing.parquet")
    numbers = pl.Series("number_0", [[1.0]] * len(test_rows))
    test_rows.with_columns(numbers).write_parquet(folder / "type.parquet")
    return folder


REASONS = {
    "a_truncated.parquet": "a_truncated.parquet can't be read",
    "missing.parquet": "Column `item_id` is missing in",
    "type.parquet": "`number_0` must be a column of numbers",
}


def test_bad_files_are_skipped(scorer, bad, test_rows, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        summary = score(scorer, [bad], tmp_path / "out", on_error="skip")

    assert (summary.files, summary.rows) == (2, 700)
    assert set(summary.failed) == set(REASONS)
    assert len(caplog.messages) == 3
    for name, reason in REASONS.items():
        assert reason in summary.failed[name]
        assert sum(reason in line and "\n" not in line for line in caplog.messages) == 1
    assert list(contents(tmp_path / "out")) == ["b.parquet", "day=1/a.parquet"]
    assert json.loads(summary.manifest.read_text())["failed"] == summary.failed
    for name in REASONS:
        test_rows.write_parquet(bad / name)
    mended = score(scorer, [bad], tmp_path / "out", resume=True)
    assert (mended.files, mended.skipped, mended.failed) == (3, 2, {})


def test_bad_file_stops_the_scoring(scorer, bad, tmp_path):
    with pytest.raises(SchemaError, match=r"a_truncated\.parquet can't be read"):
        score(scorer, [bad], tmp_path / "out")

    left = contents(tmp_path / "out") if (tmp_path / "out").exists() else {}
    assert not set(left) & set(REASONS)
    assert not any(name.endswith(".partial") for name in left)
    assert not (tmp_path / "out.json").exists()


def test_files_before_a_bad_one_are_done(scorer, folder, test_rows, tmp_path):
    pl.concat([test_rows] * 40).write_parquet(folder / "a_long.parquet")
    test_rows.drop("item_id").write_parquet(folder / "aa_missing.parquet")

    for _ in range(3):  # the short one after it must not end the long one
        with pytest.raises(SchemaError, match="Column `item_id` is missing in"):
            score(scorer, [folder], tmp_path / "out", resume=True)

        assert "a_long.parquet" in contents(tmp_path / "out")
    (folder / "aa_missing.parquet").unlink()
    assert score(scorer, [folder], tmp_path / "out", resume=True).skipped >= 1


def test_shards_share_the_files(scorer, folder, test_rows, tmp_path):
    test_rows.write_parquet(folder / "c.parquet")
    score(scorer, [folder], tmp_path / "whole")
    summaries = [score(scorer, [folder], tmp_path / "out", shard=(i, 2)) for i in (1, 2)]

    assert [summary.files for summary in summaries] == [2, 1]
    assert [summary.manifest.name for summary in summaries] == [
        "out.1-of-2.json",
        "out.2-of-2.json",
    ]
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    again = score(scorer, [folder], tmp_path / "out", resume=True)
    assert (again.files, again.skipped) == (0, 3)


def test_shard_that_is_none(scorer, folder, tmp_path):
    with pytest.raises(ConfigError, match=r"`shard` must be i/n .* Received: shard=3/2\."):
        score(scorer, [folder], tmp_path / "out", shard=(3, 2))


@pytest.mark.parametrize("option", [{"engine": "spark"}, {"on_error": "ignore"}])
def test_choice_that_is_none(scorer, folder, tmp_path, option):
    (name, value), *_ = option.items()

    with pytest.raises(ConfigError, match=f"`{name}` must be one of .* Received: {name}='{value}'"):
        score(scorer, [folder], tmp_path / "out", **option)


def test_progress_tells_rows_and_total(scorer, folder, tmp_path):
    calls = []

    score(scorer, [folder], tmp_path / "out", progress=lambda *call: calls.append(call))

    assert sum(rows for rows, _ in calls) == 700
    assert {total for _, total in calls} == {700}
