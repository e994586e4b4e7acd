import pytest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from ctrmoe.config import ConfigError
from ctrmoe.serving.models_config import (
    add_model,
    as_text,
    check_label,
    model_of,
    read_models_config,
)


@pytest.fixture
def config():
    config = ModelServerConfig()
    add_model(config, "ctr", "/models/ctr", versions=(42, 41), labels={"stable": 41})
    add_model(config, "newest", "/models/newest", latest=2)
    return config


def test_what_is_written_is_read_again(config, tmp_path):
    path = tmp_path / "models.config"
    path.write_text(as_text(config))

    read = read_models_config(path)

    assert read == config
    assert list(model_of(read, "ctr").model_version_policy.specific.versions) == [41, 42]
    assert dict(model_of(read, "ctr").version_labels) == {"stable": 41}
    assert model_of(read, "newest").model_version_policy.latest.num_versions == 2


def test_part_of_a_model_changes_in_place(config):
    model_of(config, "ctr").version_labels["stable"] = 42

    assert 'key: "stable"\n      value: 42' in as_text(config)


def test_model_that_is_not_there_is_refused(config):
    with pytest.raises(ConfigError, match=r"must name the model. Received: 'x' of \['ctr', 'new"):
        model_of(config, "x")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"must be a models\.config\. Received: no such file"):
        read_models_config(tmp_path / "models.config")


def test_other_text_is_refused(tmp_path):
    path = tmp_path / "models.config"
    path.write_text("model_config_list {")

    with pytest.raises(ConfigError, match=r"a ModelServerConfig\. Received: 1.*[^.]\.$"):
        read_models_config(path)


@pytest.mark.parametrize("label", ["", "a-b", "a b", "ü"])
def test_label_that_the_server_refuses_is_refused(label):
    check_label("canary_2")
    with pytest.raises(ConfigError, match="`label` must consist of letters, digits"):
        check_label(label)
