import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.promotion.label_history import LabelHistory


def test_versions_go_back_one_by_one(tmp_path):
    config = tmp_path / "models.config"
    LabelHistory(config).moved("shop", "stable", 1, 2)
    LabelHistory(config).moved("shop", "stable", 2, 5)
    LabelHistory(config).moved("shop", "canary", None, 6)

    assert LabelHistory(config).before("shop", "stable", 5) == 2
    LabelHistory(config).moved_back("shop", "stable", 5, 2)
    assert LabelHistory(config).before("shop", "stable", 2) == 1
    LabelHistory(config).moved_back("shop", "stable", 2, 1)
    assert LabelHistory(config).before("shop", "stable", 1) is None
    assert LabelHistory(config).before("shop", "canary", 6) is None
    assert LabelHistory(config).before("other", "stable", 1) is None


def test_label_that_was_moved_by_hand_comes_back_to_what_is_known(tmp_path):
    config = tmp_path / "models.config"
    LabelHistory(config).moved("shop", "stable", 1, 2)

    assert LabelHistory(config).before("shop", "stable", 7) == 2


def test_file_that_is_no_history_is_refused(tmp_path):
    config = tmp_path / "models.config"
    LabelHistory(config).moved("shop", "stable", 1, 2)
    path = LabelHistory(config).path
    path.write_text(path.read_text()[:-5])

    with pytest.raises(ConfigError, match=r"config\.history\.json must be what `ctrmoe promote`"):
        LabelHistory(config)


def test_history_is_bounded(tmp_path):
    config = tmp_path / "models.config"
    for version in range(1, 40):
        LabelHistory(config).moved("shop", "stable", version, version + 1)

    assert LabelHistory(config).path.read_text().count("version") == 20
