import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.combinations.choices import Batch
from ctrmoe.ranking.combinations.counting import each_combination

ROWS = 2_000
PAIRS = [("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")]


@pytest.fixture(scope="module")
def frame():
    columns = np.random.default_rng(2).integers(0, 250, (4, ROWS))
    labels = np.arange(ROWS) % 2
    return pl.DataFrame(dict(zip("abcd", columns, strict=True)) | {"click": labels})


def sums(codes):
    return lambda names: sum(int(codes.columns[name].sum()) for name in names)


@pytest.mark.parametrize(("memory", "reads"), [(1 << 30, 1), (ROWS * 124, 3)])
def test_same_results_in_several_passes(reader_of, frame, memory, reads):
    read, done = [], []
    reader = reader_of(frame, chunk_rows=ROWS, on_rows=read.append)

    found = each_combination(reader, [Batch(PAIRS)], sums, memory, 2, done.append)

    encoded = {n: reader.encoders[n].codes(frame[n].to_numpy()).sum() for n in "abcd"}
    assert found == {names: encoded[names[0]] + encoded[names[1]] for names in PAIRS}
    assert sum(done) == len(PAIRS)
    assert len(read) >= reads


def test_batches_count_their_slices_of_the_rows(reader_of, frame):
    batches = [Batch(PAIRS[:2], (0,), 3), Batch(PAIRS[2:], (1, 2), 3)]

    found = each_combination(
        reader_of(frame), batches, lambda codes: lambda _: len(codes.labels), 1 << 30, 1
    )

    assert list(found.values()) == [667, 667, 1_333, 1_333]
