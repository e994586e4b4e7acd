"""Candidates that share a row, against an export that takes them."""

import numpy as np
import polars as pl
import pytest

from ctrmoe.serving.client import ClientOptions

OWN = ["item_id", "category"]


@pytest.fixture(scope="module")
def candidates_server(run, tmp_path_factory):
    from ctrmoe.export import ExportOptions, export
    from ctrmoe.serving.server import start

    base = tmp_path_factory.mktemp("candidates") / "clicks"
    export(run, base, ExportOptions(candidates=OWN))
    with start(base, rest_port=0, grpc_port=0) as running:
        yield running


def test_candidates_get_the_probabilities_of_whole_rows(connect, candidates_server, test_rows):
    client = connect(candidates_server, options=ClientOptions(max_rows=7))
    shared = test_rows.drop(OWN).row(0, named=True)
    candidates = test_rows.select(OWN).head(20)
    whole = candidates.with_columns(
        pl.lit(value, test_rows.schema[name]).alias(name) for name, value in shared.items()
    )

    answer = client.predict_candidates(shared, candidates)

    expected = client.predict(whole)
    assert answer.columns == expected.columns
    np.testing.assert_allclose(answer.to_numpy(), expected.to_numpy(), atol=1e-6)


@pytest.mark.parametrize("gone", ["category", "user_id"])
def test_column_that_is_in_neither_is_missing_for_all(connect, candidates_server, test_rows, gone):
    client = connect(candidates_server)
    shared = test_rows.drop(OWN).row(0, named=True)
    candidates = test_rows.select(OWN).head(5)

    answer = client.predict_candidates(
        {name: value for name, value in shared.items() if name != gone},
        candidates.select(name for name in OWN if name != gone),
    )

    nothing = pl.lit(None, test_rows.schema[gone]).alias(gone)
    whole = test_rows.head(1).drop(OWN).join(candidates, how="cross").with_columns(nothing)
    np.testing.assert_allclose(answer.to_numpy(), client.predict(whole).to_numpy(), atol=1e-6)
