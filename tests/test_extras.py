import sys

import pytest

from ctrmoe.config import ConfigError
from ctrmoe.extras import EXTRAS, check_extra


@pytest.mark.parametrize("name", EXTRAS)
def test_what_is_installed_is_enough(name):
    check_extra(name)


def test_what_is_missing_is_named_with_the_command(monkeypatch):
    # None in `sys.modules` is how Python itself marks what can't be imported.
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(ConfigError, match="Received: no matplotlib. .*pip install matplotlib$"):
        check_extra("explain")


def test_package_is_named_as_it_is_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)

    with pytest.raises(ConfigError, match="A ranking needs .* no scikit-learn. .* scikit-learn$"):
        check_extra("ranking", "A ranking")
