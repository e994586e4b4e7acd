import numpy as np
import pytest

from ctrmoe.export import ExportOptions
from ctrmoe.export.served_tables import ServedTables
from ctrmoe.run import Run

INT8 = ExportOptions(quantize="int8", holdout=["rows.parquet"])


@pytest.fixture
def tables(run):
    return [v for v in run.model.variables if v.path.endswith("/table")]


def test_tables_as_they_are(run, tables):
    served = ServedTables(run.model, ExportOptions())

    assert served.names == {table.path for table in tables}
    assert served.sizes()["bytes_before"] == served.sizes()["bytes_after"]
    np.testing.assert_array_equal(served(tables[0], [5, 0]), tables[0].numpy()[[5, 0]])


def test_quantized_tables(run, tables):
    served = ServedTables(run.model, INT8)

    assert served.names == {t.path + part for t in tables for part in ("_values", "_scales")}
    numbers = sum(table.shape[0] * table.shape[1] for table in tables)
    rows = sum(table.shape[0] for table in tables)
    sizes = served.sizes()
    assert sizes["bytes_before"] - sizes["bytes_after"] == 4 * numbers - (numbers + 4 * rows)
    assert 0 < np.abs(served(tables[0], [5]) - tables[0].numpy()[[5]]).max() < 0.01


def test_copy_of_the_model_gets_the_rounded_numbers(run, tables):
    served, copy = ServedTables(run.model, INT8), Run(run.folder).model

    served.round(copy)

    rounded = {variable.path: variable.numpy() for variable in copy.variables}
    for variable in run.model.variables:
        if variable.path.endswith("/table"):
            every = np.arange(variable.shape[0])
            np.testing.assert_array_equal(served(variable, every), rounded[variable.path])
        else:
            np.testing.assert_array_equal(variable, rounded[variable.path])
