import pytest

from ctrmoe.config import ConfigError
from ctrmoe.export.options import ExportOptions


@pytest.mark.parametrize(
    ("buckets", "received"),
    [
        ((), "none"),
        ((0, 1), "0, 1"),
        ((1, 8, 8), "1, 8, 8"),
        ((8, 1), "8, 1"),
        ((1, 65_537), "1, 65537"),
    ],
)
def test_batch_buckets_that_do_not_ascend_or_are_too_large(buckets, received):
    with pytest.raises(ConfigError, match=f"`batch_buckets` must be ascending.*: {received}"):
        ExportOptions(batch_buckets=buckets)


def test_lists_become_tuples():
    assert ExportOptions(batch_buckets=[1, 64]).batch_buckets == (1, 64)
