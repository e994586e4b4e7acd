"""P4: a row whose sequences and lists are all empty gets a probability."""

import numpy as np
import polars as pl
import pytest

LISTS = ("tags", "joined", "history", "words")
EMPTY = {"tags": [], "joined": "", "history": [], "words": []}


@pytest.mark.parametrize("empty", [EMPTY, dict.fromkeys(LISTS)], ids=["empty", "null"])
@pytest.mark.parametrize("others_missing", [False, True])
def test_p4_probability_of_a_row_without_lists_is_finite(
    answers, every_kind, empty, others_missing
):
    rows = every_kind(3, 7).drop("click")
    columns = rows.to_dict(as_series=False) | {name: [empty[name]] * 3 for name in LISTS}
    if others_missing:
        columns |= {name: [None] * 3 for name in columns if name not in LISTS}

    predicted = answers(pl.DataFrame(columns, schema=rows.schema))

    for way, probabilities in predicted.items():
        assert np.isfinite(probabilities).all(), way
        np.testing.assert_allclose(probabilities, predicted["run"], atol=1e-6, err_msg=way)
