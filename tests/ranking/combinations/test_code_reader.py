import numpy as np
import polars as pl

ROWS = 3_000


def table():
    random = np.random.default_rng(1)
    text, price = random.integers(0, 9, ROWS), random.normal(size=ROWS)
    return pl.DataFrame(
        {
            "text": [f"t{v}" if v else None for v in text],
            "id": np.arange(ROWS),
            "price": price,
            "click": [None if i % 5 == 0 else int(i % 3 == 0) for i in range(ROWS)],
        }
    )


def test_categories_of_the_rows_with_a_label(reader_of):
    frame, read = table(), []
    reader = reader_of(frame, chunk_rows=700, on_rows=read.append)

    codes = reader.read(["id", "text", "price"])

    labelled = frame.drop_nulls("click")
    assert sum(read) == ROWS
    assert codes.labels.tolist() == labelled["click"].to_list()
    assert codes.columns["id"].tolist() == list(range(len(labelled)))
    texts = dict(zip(codes.columns["text"].tolist(), labelled["text"], strict=True))
    assert [texts[c] for c in codes.columns["text"].tolist()] == labelled["text"].to_list()
    assert texts[codes.missing["text"]] is None
    assert codes.categories == {"id": len(labelled), "text": 9, "price": 32}
    assert np.bincount(codes.columns["price"]).min() > len(labelled) / 32 / 2


def test_categories_are_as_narrow_as_they_can_be(reader_of):
    reader = reader_of(table())

    assert reader.widths(["id", "text"]) == {"id": 2 * 2_400, "text": 2_400}


def test_what_is_held_is_not_read_again(reader_of):
    read = []
    reader = reader_of(table(), on_rows=read.append)

    first = reader.read(["id", "text"])

    assert reader.read(["text"]) is first
    assert sum(read) == ROWS
    assert reader.read(["price"]) is not first
    assert sum(read) == 2 * ROWS
