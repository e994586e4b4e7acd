"""P15: every row is routed by its own domain, whatever else is in its batch."""

import numpy as np
import polars as pl
import pytest


@pytest.mark.parametrize("way", ["run", "serve_encoded", "serving_default", "serve_examples"])
def test_p15_mixed_batch_equals_batches_of_one_domain(answers, every_kind, way):
    rows = every_kind(300, 9).drop("click").with_row_index()
    assert rows["placement"].n_unique() == 3

    mixed = np.array(answers(rows)[way])

    for part in rows.partition_by("placement"):
        alone = answers(part)[way]
        np.testing.assert_allclose(alone, mixed[part["index"]], atol=1e-6)


def test_p15_batch_of_one_equals_its_row_in_a_mixed_batch(answers, every_kind):
    rows = every_kind(12, 10).drop("click")
    strange = rows.with_columns(placement=pl.lit("a domain that no training saw")).tail(2)
    rows = pl.concat([rows, strange])
    mixed = answers(rows)

    for row in range(rows.height):
        for way, alone in answers(rows.slice(row, 1)).items():
            assert alone.shape == (1,)
            assert float(alone[0]) == pytest.approx(float(mixed[way][row]), abs=1e-6)
