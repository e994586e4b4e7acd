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


def test_options_reach_the_exported_model(run, tmp_path):
    code = call("export", run.folder, "--to", tmp_path / "clicks", "--batch-buckets", "2,4")

    assert code == 0
    manifest = read_manifest(tmp_path / "clicks" / "1")
    assert manifest["batch_buckets"] == [2, 4]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--batch-buckets", "1,many", "must be whole numbers: 1,8,32. Received: '1,many'"),
        ("--batch-buckets", "8,1", "must be ascending whole numbers from 1 on. Received: 8, 1"),
    ],
)
def test_option_that_cannot_be(tmp_path, capsys, option, value, message):
    assert call("export", tmp_path, "--to", tmp_path / "clicks", option, value) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "clicks").exists()
