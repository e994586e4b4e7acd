import pytest

from ctrmoe.terminal import names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a,b c,", ["a", "b c"]),
        ('"a,b",c', ["a,b", "c"]),
        ('a "b",c', ['a "b"', "c"]),
    ],
)
def test_names_are_divided_by_commas_outside_quotes(text, expected):
    assert names(text) == expected
