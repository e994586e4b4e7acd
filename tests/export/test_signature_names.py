import keyword

import pytest

from ctrmoe.export.signature_names import safe_names


def test_plain_names_stay():
    assert safe_names(["user_id", "C1"]) == {"user_id": "user_id", "C1": "C1"}


@pytest.mark.parametrize("name", ["user id", "größe", "class", "1st", "a/b", ""])
def test_odd_names_become_identifiers(name):
    safe = safe_names(["plain", name])[name]

    assert safe.isascii() and safe.isidentifier() and not keyword.iskeyword(safe)


def test_odd_names_stay_apart():
    assert len(set(safe_names(["a b", "a-b", "a+b"]).values())) == 3
