import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions
from ctrmoe.serving.load.target import Target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a:1/ctr", ("http", "a:1", "ctr", None, None)),
        ("https://a/v1/models/ctr", ("https", "a", "ctr", None, None)),
        ("grpc://a:1/ctr/versions/12", ("grpc", "a:1", "ctr", 12, None)),
        ("grpcs://a:1/ctr/labels/stable/", ("grpcs", "a:1", "ctr", None, "stable")),
    ],
)
def test_parts_are_read(text, expected):
    assert Target.parse(text) == Target(text, *expected)


def test_options_have_the_keys_of_the_access():
    access = ClientOptions(api_key="key", deadline=3)

    options = Target.parse("grpcs://a:1/ctr/labels/stable").options(access)

    assert (options.api_key, options.deadline, options.label) == ("key", 3, "stable")
    assert options.tls


@pytest.mark.parametrize("text", ["localhost:8500", "http://a", "ftp://a/ctr", "http://a/ctr/x/1"])
def test_other_text_is_refused(text):
    with pytest.raises(ConfigError, match="must be http://HOST:PORT/NAME or grpc://"):
        Target.parse(text)
