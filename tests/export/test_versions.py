import pytest

from ctrmoe.config import ConfigError
from ctrmoe.export import remove_old_versions
from ctrmoe.versions import version_folders


@pytest.fixture
def model(tmp_path):
    """Versions 2, 9, 10 and 11, and what is none."""
    for name in ("2", "9", "10", "11", "notes", ".12.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("keep", "needed", "removed", "left"),
    [
        (2, (), [2, 9], [10, 11]),
        (1, (), [2, 9, 10], [11]),
        (4, (), [], [2, 9, 10, 11]),
        (2, (2,), [9, 10], [2, 11]),
        (1, (2, 10), [9], [2, 10, 11]),
    ],
)
def test_oldest_go_that_nobody_needs(model, keep, needed, removed, left):
    assert remove_old_versions(model, keep, needed=needed) == removed
    assert list(version_folders(model)) == left
    assert {path.name for path in model.iterdir()} == {*map(str, left), "notes", ".12.partial"}


def test_what_an_interrupted_removal_left_goes_too(model):
    (model / ".2.removed").mkdir()
    (model / ".2.removed" / "saved_model.pb").write_text("")

    assert remove_old_versions(model, 9) == []
    assert not (model / ".2.removed").exists()


def test_version_vanishes_before_its_files(model, monkeypatch):
    def stopped(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", stopped)

    with pytest.raises(KeyboardInterrupt):
        remove_old_versions(model, 3)
    assert list(version_folders(model)) == [9, 10, 11]


def test_none_to_keep(model):
    with pytest.raises(ConfigError, match="`keep` must be at least 1. Received: 0"):
        remove_old_versions(model, 0)


def test_model_without_versions(tmp_path):
    assert remove_old_versions(tmp_path / "absent", 1) == []
