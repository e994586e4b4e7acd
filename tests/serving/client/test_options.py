import math
from pathlib import Path

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


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("deadline", math.nan, "`deadline` must be positive. Received: nan"),
        ("version", 1 << 63, "`version` must lie between 0 and 9223372036854775807. Received: 92"),
        ("retries", -1, "`retries` must not be negative. Received: -1"),
        ("backoff", -0.1, r"`backoff` must not be negative. Received: -0\.1"),
        ("client_key", Path("k.pem"), r"must be given together\. Received: None, k\.pem"),
        ("api_key", "a b", "`api_key` must consist of visible ASCII characters"),
    ],
)
def test_option_that_cannot_be(name, value, message):
    with pytest.raises(ConfigError, match=message):
        ClientOptions(**{name: value})


def test_key_is_not_shown():
    assert "secret" not in repr(ClientOptions(api_key="secret"))
