import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.tuning.space import SearchSpace, load_search

CONFIG = Config.from_dict({"model": {"deep": {"units": [64]}}, "train": {"learning_rate": 0.01}})
RATE = {"low": 1e-4, "high": 1e-2, "log": True}


def test_keys_reach_dataclasses_and_tables_of_options():
    table = {
        "train.learning_rate": RATE,
        "model.deep.units": {"choices": [[64], [8, 4]]},
        "model.tower.dropout": {"low": 0.0, "high": 0.5},
    }

    space = SearchSpace(table, CONFIG)
    values = space.decode({
        "train.learning_rate": 0.002, "model.deep.units": "[8, 4]", "model.tower.dropout": 0.1,
    })  # fmt: skip
    changed = space.with_values(values)

    assert space.keys == list(table)
    assert changed.train.learning_rate == 0.002
    assert changed.model.deep == {"units": [8, 4]}
    assert changed.model.tower == {"dropout": 0.1}
    assert CONFIG.model.deep == {"units": [64]}
    # What the config does not say, or says outside the range, is not where the search starts.
    assert space.start() == {"train.learning_rate": 0.01, "model.deep.units": "[64]"}


def test_unquoted_keys_are_the_same_keys():
    nested = {"train": {"learning_rate": RATE}, "model": {"embedding": {"dim": {"choices": [4]}}}}

    space = SearchSpace(nested, CONFIG)

    assert space.keys == ["train.learning_rate", "model.embedding.dim"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"train.learing_rate": RATE}, r"Unknown key `train.learing_rate` in \[search\]. Did you"),
        ({"trian.epochs": {"choices": [1]}}, "Unknown key `trian` in .* Did you mean `train`"),
        ({"train": {"choices": [1]}}, "`search.train` must name a value. Received: a table"),
        ({"train.epochs.x": {"choices": [1]}}, "Received: no key: `train.epochs` is a value"),
        ({"train.epochs": 3}, "`search.train.epochs` must be a table"),
        ({"train.epochs": {"low": 1, "high": 2.5}}, "`train.epochs` must be int. Received: 2.5"),
        ({"train.epochs": {"low": 0, "high": 2}}, "`train.epochs` must be at least 1. Received: 0"),
        ({"train.schedule": {"choices": ["constant", "cosin"]}}, "one of 'constant', 'cosine'"),
        ({"model.wide": {"choices": [True, 2]}}, "`model.wide` must be bool. Received: 2"),
        ({"model.deep.units.x": {"choices": [1]}}, "`model.deep.units` is a value, not a table"),
        ({"train.monitor": {"choices": ["auc"]}}, "it is what the trials are compared by"),
        ({"data.prepared": {"choices": ["a", "b"]}}, "trials on other validation rows"),
    ],
)
def test_range_that_does_not_fit_the_config(table, message):
    with pytest.raises(ConfigError, match=message):
        SearchSpace(table, CONFIG)


def test_load_search_and_config_read_the_same_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[train]\nepochs = 2\n[search]\n"train.epochs" = { choices = [1, 2] }\n')

    assert load_search(path) == {"train.epochs": {"choices": [1, 2]}}
    assert Config.load(path).train.epochs == 2


@pytest.mark.parametrize("text", ["seed = 1", "[search]", "search = 3"])
def test_file_without_ranges(tmp_path, text):
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(ConfigError, match=r"must have a table `\[search\]` with a range"):
        load_search(tmp_path / "config.toml")
