import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.prepare import prepare
from ctrmoe.tuning.checks import check_data, check_parts
from ctrmoe.tuning.space import SearchSpace


def config(folder, **train):
    table = {"model": {"wide": True, "embedding": {"dim": 2}}, "train": train}
    return Config.from_dict(table | {"data": {"prepared": str(folder)}})


def test_data_without_a_validation_part(clicks, tmp_path):
    prepare(clicks.schema(), clicks.frame(200), out=tmp_path / "prepared")

    with pytest.raises(ConfigError, match="must have a validation part for a search"):
        check_data(config(tmp_path / "prepared"))


def test_no_data():
    with pytest.raises(ConfigError, match="`data.prepared` must name a folder"):
        check_data(config(""))


def test_unknown_task_to_follow(prepared):
    with pytest.raises(ConfigError, match="must be one of auc, logloss, click_auc.*'buy_auc'"):
        check_data(config(prepared, monitor="buy_auc"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"model.deep.unitss": {"choices": [[8]]}}, r"`search.model.deep.unitss` = \[8\]: .*unit"),
        ({"train.optimizer.beta_3": {"low": 0.8, "high": 0.9}}, "Did you mean `beta_"),
        ({"model.interaction.kind": {"choices": ["fmm"]}}, "Did you mean 'fm'"),
    ],
)
def test_option_that_no_part_takes(prepared, table, message):
    given = config(prepared)

    with pytest.raises(ConfigError, match=message):
        check_parts(SearchSpace(table, given), check_data(given))


def test_choice_that_does_not_fit_by_itself_is_logged(prepared, caplog):
    given = config(prepared)
    table = {"model.deep.units": {"choices": [[8], [0]]}}

    check_parts(SearchSpace(table, given), check_data(given))

    (record,) = caplog.records
    assert "`search.model.deep.units` = [0]" in record.message
    assert "Trials with it may fail." in record.message
