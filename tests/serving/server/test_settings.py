import math

import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.server.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rest_port", 70_000, "`rest_port` must lie between 0 and 65535. Received: 70000"),
        ("host", "", "`host` must not be empty"),
        ("max_rows", 0, "`max_rows` must be positive. Received: 0"),
        ("poll_seconds", math.nan, "`poll_seconds` must be positive. Received: nan"),
        ("batch_timeout_ms", -1.0, r"`batch_timeout_ms` must not be negative. Received: -1\.0"),
        ("timeout_seconds", math.inf, "`timeout_seconds` must lie below 2,147,483,648"),
        ("max_body_bytes", 1 << 40, "`max_body_bytes` must lie below 2,147,483,648. Received: 10"),
        ("tls_key", "k", "`tls_certificate` must be given with the other half of the pair"),
        ("api_key", "", "`api_key` must not be empty"),
        ("other", 1, "Unknown key `other`"),
        ("max_rows", "many", "`max_rows` must be int"),
    ],
)
def test_setting_is_checked(name, value, message):
    with pytest.raises(ConfigError, match=message):
        Settings.of({name: value})


def test_tls_files_must_be_right(tmp_path):
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")

    for path in (nonsense, tmp_path / "absent.pem"):
        with pytest.raises(ConfigError, match="`tls_certificate` and `tls_key` must be PEM files"):
            Settings.of({"tls_certificate": path, "tls_key": path})


def test_batch_need_not_wait():
    assert Settings.of({}, ["batch_timeout_ms=0"]).batch_timeout_ms == 0
