import sys

import pytest

from ctrmoe.config import ConfigError
from ctrmoe.extras import check_extra


def test_what_is_installed_is_enough():
    check_extra("explain")


def test_what_is_missing_is_named_with_the_command(monkeypatch):
    # None in `sys.modules` is how Python itself marks what can't be imported.
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(ConfigError, match="Received: no matplotlib. .*pip install matplotlib$"):
        check_extra("explain")
