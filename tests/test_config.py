import json

import pytest

from ctrmoe.config import Config, ConfigError

TEXT = """
seed = 3
[model.interaction]
kind = "autoint"
[train]
epochs = 2
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    return path


def test_load_fills_in_defaults(path):
    config = Config.load(path)

    assert (config.seed, config.train.epochs) == (3, 2)
    assert config.train.batch_size == Config().train.batch_size
    assert config.model.interaction == {"kind": "autoint"}


def test_overrides_take_toml_values_and_bare_text(path):
    config = Config.load(
        path,
        [
            "train.epochs=4",
            "train.learning_rate=1e-2",
            "model.deep.units=[8, 4]",
            "data.prepared=/data/a folder",
            "train.deterministic=false",
            "model.block_size=auto",
        ],
    )

    assert config.train.epochs == 4
    assert config.train.learning_rate == 0.01
    assert config.model.deep == {"units": [8, 4]}
    assert config.data.prepared == "/data/a folder"
    assert config.train.deterministic is False


def test_json_of_a_run_loads_as_it_was(path, tmp_path):
    config = Config.load(path)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))

    assert Config.load(tmp_path / "config.json") == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.learing_rate=1", r"Unknown key `train\.learing_rate`\. Did you mean `learning_r"),
        ("tran.epochs=1", r"Unknown key `tran`\. Did you mean `train`\?"),
        ("train.epochs='3'", r"`train\.epochs` must be int\. Received: '3' \(str\)"),
        ("train.epochs=true", r"`train\.epochs` must be int\. Received: True \(bool\)"),
        ("train.epochs=1.5", r"`train\.epochs` must be int\. Received: 1\.5 \(float\)"),
        ("train.epochs=0", r"`train\.epochs` must be at least 1\. Received: 0"),
        ("train.learning_rate=0", r"`train\.learning_rate` must be positive"),
        ("train.monitor=f1", r"`train\.monitor` must be `auc`, `logloss` or `<task>_` before"),
        ("train.task_weighting=gradnorm", r"`train\.task_weighting` must be .*'gradnorm'"),
        ("train.gradient_norm_alpha=-0.5", r"`train\.gradient_norm_alpha` must not be negative"),
        ("data.domain_temperature=0.5", "`data.domain_temperature` must be at least 1 and finite"),
        ("data.domain_temperature=inf", "must be at least 1 and finite. Received: inf"),
        ("data.domain_temperature=nan", "must be at least 1 and finite. Received: nan"),
        ("data.negative_rate=0", r"`data\.negative_rate` must lie in \(0, 1\]"),
        ("model.interaction=1", r"`model\.interaction` must be a table"),
        ("model.block_size=big", r"`model\.block_size` must be int\. Received: 'big'"),
        ("model.block_size=-1", r"`model\.block_size` must not be negative\. Received: -1"),
        ("seed", r"`--set` must have the form a\.b=c\. Received: 'seed'"),
        ("=1", r"`--set` must have the form a\.b=c"),
        ("seed.a=1", r"`--set seed\.a`: `seed` is a value"),
    ],
)
def test_override_that_breaks_a_rule(path, override, message):
    with pytest.raises(ConfigError, match=message):
        Config.load(path, [override])


def test_gradient_norms_of_one_device_only(path):
    overrides = ["train.strategy=mirrored", "train.task_weighting=gradient_norm"]

    with pytest.raises(ConfigError, match="`train.strategy` must be none for `train.task_weigh"):
        Config.load(path, overrides)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="absent.toml can't be read"):
        Config.load(tmp_path / "absent.toml")
