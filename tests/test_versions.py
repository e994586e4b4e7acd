from pathlib import Path

from ctrmoe.versions import named_folder, saved_versions, version_folders


def test_folders_named_by_a_number_are_listed_in_its_order(tmp_path):
    for name in ("10", "9", "007", "٣", "1a", ".3.partial", "-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "9" / "saved_model.pb").touch()

    folders = version_folders(tmp_path)

    assert list(folders) == [7, 9, 10]
    assert folders[7] == tmp_path / "007"
    assert list(saved_versions(tmp_path)) == [9]
    assert version_folders(tmp_path / "none") == {}


def test_folder_one_is_in_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "clicks").mkdir()
    monkeypatch.chdir(tmp_path / "clicks")

    for path in (".", "../clicks", "../clicks/1/.."):
        assert named_folder(Path(path)).name == "clicks"
