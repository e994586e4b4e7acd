import json

import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.embedding_config import EmbeddingConfig, FeatureConfig

TEXT = """
[model.embedding]
dim = 8
dims = { user = 4 }
numeric = { kind = "autodis", num_embeddings = 8 }

[model.embedding.features.tags]
combiner = "max"

[model.embedding.features.item]
pretrained = "items.parquet"
trainable = false
"""


def test_features_have_tables_of_their_own(tmp_path):
    (tmp_path / "a.toml").write_text(TEXT)

    embedding = Config.load(tmp_path / "a.toml").model.embedding

    assert embedding == EmbeddingConfig(
        dim=8,
        dims={"user": 4},
        numeric={"kind": "autodis", "num_embeddings": 8},
        features={
            "tags": FeatureConfig(combiner="max"),
            "item": FeatureConfig(pretrained="items.parquet", trainable=False),
        },
    )


def test_json_of_a_run_gives_the_same_config(tmp_path):
    (tmp_path / "a.toml").write_text(TEXT)
    config = Config.load(tmp_path / "a.toml")
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))

    assert Config.load(tmp_path / "config.json") == config


def test_option_of_a_feature_on_the_command_line(tmp_path):
    (tmp_path / "a.toml").write_text(TEXT)

    config = Config.load(tmp_path / "a.toml", ["model.embedding.features.user.buckets=5"])

    assert config.model.embedding.features["user"].buckets == 5


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (
            {"a": {"combine": "max"}},
            "Unknown key `model.embedding.features.a.combine`. Did you mean `combiner`",
        ),
        (
            {"a": {"combiner": "median"}},
            "`model.embedding.features.a.combiner` must be one of 'mean', .* Received: 'median'",
        ),
        ({"a": 3}, "`model.embedding.features.a` must be a table. Received: 3"),
        ({"a": {"trainable": 0}}, "`model.embedding.features.a.trainable` must be bool"),
    ],
)
def test_feature_that_cannot_be(features, message):
    with pytest.raises(ConfigError, match=message):
        Config.from_dict({"model": {"embedding": {"features": features}}})


def test_width_that_is_no_number():
    with pytest.raises(ConfigError, match="`model.embedding.dims.a` must be int. Received: 'x'"):
        Config.from_dict({"model": {"embedding": {"dims": {"a": "x"}}}})
