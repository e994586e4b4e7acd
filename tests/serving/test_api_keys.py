import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.api_keys import check_sendable


def test_visible_ascii_can_be_sent():
    check_sendable("0aZ-_.~!:/+=")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "`api_key` must not be empty"),
        ("two words", "visible ASCII characters.* Received: ' ' among them"),
        ("secret\n", r"Received: '\\n' among them"),
        ("schlüssel", "Received: 'ü' among them"),
    ],
)
def test_key_that_no_header_can_have(key, message):
    with pytest.raises(ConfigError, match=message) as refused:
        check_sendable(key)
    assert not key or key.strip() not in str(refused.value)
