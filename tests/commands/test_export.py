import pytest

from ctrmoe.cli import main
from ctrmoe.export.manifest import read_manifest


def call(*arguments):
    """Runs the command line; returns its exit status."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        return stopped.code or 0
    return 0


def test_options_reach_the_exported_model(run, test_rows, tmp_path, capsys):
    for name in ("a", "b"):
        test_rows.write_parquet(tmp_path / f"{name}.parquet")
    quantize = ["--quantize", "int8", "--holdout", tmp_path / "a.parquet", tmp_path / "b.parquet"]
    options = ["--batch-buckets", "2,4", "--candidates", "item_id,category", *quantize]
    options += ["--max-auc-loss", 0.1, "--version", 3]

    code = call("export", run.folder, "--to", tmp_path / "clicks", *options)

    assert code == 0
    manifest = read_manifest(tmp_path / "clicks" / "3")
    assert manifest["version"] == 3
    assert manifest["batch_buckets"] == [2, 4]
    assert manifest["quantization"]["rows"] == 2 * test_rows.height
    shown = capsys.readouterr().out
    before, after = (manifest["quantization"][f"bytes_{when}"] for when in ("before", "after"))
    assert after < before
    assert f"The weights take {after / 1e6:.2f} MB, unrounded {before / 1e6:.2f} MB." in shown
    assert "1,400" in shown and "conversion" in shown
    assert manifest["candidate_columns"] == ["item_id", "category"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--batch-buckets", "1,many", "must be whole numbers: 1,8,32. Received: '1,many'"),
        ("--quantize", "int8", "`quantize` needs labelled rows that tell what it costs"),
        (
            "--batch-buckets",
            "8,1",
            "must be ascending whole numbers from 1 to 65536. Received: 8, 1",
        ),
    ],
)
def test_option_that_cannot_be(tmp_path, capsys, option, value, message):
    assert call("export", tmp_path, "--to", tmp_path / "clicks", option, value) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "clicks").exists()


def test_old_versions_go_but_for_those_that_a_config_names(run, tmp_path, capsys, monkeypatch):
    for number in (1, 2, 3, 4):
        (tmp_path / "clicks" / str(number)).mkdir(parents=True)
    config = tmp_path / "models.config"
    config.write_text(
        'model_config_list { config { name: "clicks" version_labels { key: "stable" value: 2 } } '
        'config { name: "other" version_labels { key: "stable" value: 3 } } }'
    )

    options = ("--keep", 2, "--config", config, "--batch-buckets", "1")
    monkeypatch.chdir(tmp_path / "clicks")
    assert call("export", run.folder, "--to", ".", *options) == 0

    assert read_manifest(tmp_path / "clicks" / "5")["name"] == "clicks"
    assert sorted(path.name for path in (tmp_path / "clicks").iterdir()) == ["2", "5"]
    assert "Removed versions: 1, 3, 4." in capsys.readouterr().out


def test_config_that_cannot_be_read_is_told_before_the_export(run, tmp_path, capsys):
    (tmp_path / "models.config").write_text("model_config_list {")
    options = ("--keep", 1, "--config", tmp_path / "models.config")

    assert call("export", run.folder, "--to", tmp_path / "clicks", *options) == 2
    assert "must be the text of a ModelServerConfig" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "clicks").exists()
