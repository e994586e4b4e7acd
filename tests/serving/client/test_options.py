import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions


def test_version_and_label_at_once_are_refused():
    with pytest.raises(ConfigError, match="not both. Received: version=1, label='stable'"):
        ClientOptions(version=1, label="stable")


@pytest.mark.parametrize("name", ["deadline", "max_rows", "side_by_side"])
def test_what_must_be_positive_is_checked(name):
    with pytest.raises(ConfigError, match=f"`{name}` must be positive. Received: 0"):
        ClientOptions(**{name: 0})


def test_negative_retries_are_refused():
    with pytest.raises(ConfigError, match="`retries` must not be negative. Received: -1"):
        ClientOptions(retries=-1)


def test_key_is_not_shown():
    assert "secret" not in repr(ClientOptions(api_key="secret"))
