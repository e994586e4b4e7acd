import polars as pl

from ctrmoe.data.sources import Origin
from ctrmoe.ranking.mini_batches import mini_batches


def test_rows_are_divided_anew_across_chunks_and_files():
    numbers = pl.DataFrame({"row": range(11)})
    chunks = [
        (numbers[:4], Origin("a", 0), 0),
        (numbers[4:5], Origin("a", 4), 4),
        (numbers[5:], Origin("b", 0), 5),
    ]

    batches = list(mini_batches(chunks, 3))

    assert [frame["row"].to_list() for frame, *_ in batches] == [
        [0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10]
    ]  # fmt: skip
    assert [first for *_, first in batches] == [0, 3, 6, 9]
    assert [(o.name, o.first_row) for _, o, _ in batches][2:] == [("b", 1), ("b", 4)]


def test_no_chunks():
    assert list(mini_batches([], 5)) == []
