import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.server.model_config import read_config

MODEL = 'config { name: "clicks" base_path: "/models/clicks" model_platform: "tensorflow" }'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"must hold a `model_config_list`\. Received: nothing\.$"),
        ("custom_model_config { }", "must list models. Received: ServerModelConfig type not"),
        (MODEL.replace("/models", "models"), "Expected model clicks to have an absolute path"),
        (MODEL * 2, "Illegal to list model clicks multiple times"),
        (MODEL.replace('"clicks"', '""'), "Illegal to list a model without a name"),
        (MODEL.replace("tensorflow", "torch"), "must have model_platform: 'tensorflow'"),
    ],
)
def test_file_that_lists_no_models_to_serve(text, message, tmp_path):
    path = tmp_path / "models.config"
    path.write_text(f"model_config_list {{ {text} }}" if text.startswith("config") else text)

    with pytest.raises(ConfigError, match=message):
        read_config(path)


def test_newest_version_is_served_where_no_policy_says_otherwise(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(f"model_config_list {{ {MODEL} }}")

    assert read_config(path)["clicks"].chosen([3, 10, 9]) == [10]
