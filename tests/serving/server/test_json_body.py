import math

import pytest

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_body import parse_body


@pytest.mark.parametrize(
    "more", ["", ' , "text": "caf\\u00e9, Inf"', ', "n": [-12345678901234567890]']
)
def test_words_for_numbers_are_read_whatever_stands_beside_them(more):
    document = parse_body(
        b'{"a": [NaN, Infinity, -Infinity, 9223372036854775807]%b}' % more.encode()
    )

    assert math.isnan(document["a"][0])
    assert document["a"][1:] == [math.inf, -math.inf, 2**63 - 1]
    assert document.get("text", "café, Inf") == "café, Inf"


def test_integer_beyond_64_bits_is_a_number_with_and_without_such_words():
    long = "1" + "0" * 400

    assert parse_body(b'{"a": 123456789012345678901234}') == {"a": 123456789012345678901234.0}
    words = parse_body(b'{"a": [NaN, 123456789012345678901234, %b]}' % long.encode())

    assert words["a"][1:] == [123456789012345678901234.0, math.inf]
    assert all(isinstance(number, float) for number in words["a"])


def test_half_of_a_surrogate_pair_is_no_text_beside_such_words():
    with pytest.raises(RequestError, match="JSON Parse error: Invalid encoding in string"):
        parse_body(b'{"a": [NaN, "\\ud800"]}')
