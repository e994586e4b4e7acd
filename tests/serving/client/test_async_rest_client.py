import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import RestClient


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8501", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", ""]
)
def test_address_that_is_none_is_refused_at_once(address):
    with pytest.raises(ConfigError, match="`address` must be http://HOST:PORT or https://"):
        RestClient(address, "clicks")
