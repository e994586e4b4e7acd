import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.config import ConfigError
from ctrmoe.export import ExportOptions, export
from ctrmoe.export.manifest import read_manifest
from ctrmoe.scorer import Scorer


@pytest.fixture(scope="module")
def holdout(test_rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("holdout") / "rows.parquet"
    test_rows.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def quantized(run, holdout, tmp_path_factory):
    """An export with int8 tables, whatever it costs a model as small as this."""
    options = ExportOptions(quantize="int8", holdout=[holdout], max_auc_loss=0.02)
    return export(run, tmp_path_factory.mktemp("quantized") / "clicks", options)


def weights_bytes(folder):
    return sum(path.stat().st_size for path in (folder / "variables").iterdir())


def test_tables_are_stored_as_int8(quantized, run):
    loaded = tf.saved_model.load(str(quantized))
    kinds = {}
    for variable in loaded.signatures["serving_default"].variables:
        kinds.setdefault(variable.dtype, []).append(variable.shape.as_list())

    tables = [run.model.get_layer(name).tables[0].table for name in ("embedding", "wide")]
    assert sorted(kinds[tf.int8]) == sorted(table.shape.as_list() for table in tables)
    assert kinds[tf.float32].count([tables[0].shape[0]]) == 2  # a scale for each row
    assert all(table.shape.as_list() not in kinds[tf.float32] for table in tables)


def test_weights_take_less_room(quantized, exported):
    found = read_manifest(quantized)["quantization"]

    saved = found["bytes_before"] - found["bytes_after"]
    assert saved > 0
    assert weights_bytes(exported) - weights_bytes(quantized) == pytest.approx(saved, abs=1_000)


def test_scores_are_those_of_the_run_but_for_the_rounding(quantized, run, test_rows):
    scores = Scorer.load(quantized).score(test_rows)

    expected = Scorer.load(run.folder).score(test_rows)
    gap = np.abs(scores.to_numpy() - expected.to_numpy())
    assert 1e-6 < gap.max() < 0.01


def test_manifest_tells_what_the_rounding_costs(quantized, run):
    found = read_manifest(quantized)["quantization"]

    assert (found["kind"], found["rows"], found["max_auc_loss"]) == ("int8", 700, 0.02)
    for figures in found["tasks"].values():
        assert set(figures) == {"auc_before", "auc_after", "logloss_before", "logloss_after"}
        assert 0 < abs(figures["auc_after"] - figures["auc_before"]) <= 0.02
        assert figures["logloss_after"] == pytest.approx(figures["logloss_before"], abs=0.01)
    assert set(found["tasks"]) == set(run.tasks)


def test_export_that_is_not_quantized_says_so(exported):
    assert read_manifest(exported)["quantization"] is None


def test_rounding_that_costs_too_much_is_refused(run, holdout, tmp_path):
    options = ExportOptions(quantize="int8", holdout=[holdout], max_auc_loss=0.0)

    with pytest.raises(ConfigError, match="must not move by more than 0. Received: .*Nothing was"):
        export(run, tmp_path / "clicks", options)
    assert list((tmp_path / "clicks").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "int4"}, "`quantize` must be 'int8' or ''. Received: 'int4'"),
        ({"quantize": "int8"}, "`quantize` needs labelled rows.*Give files with `--holdout`"),
        ({"tables": "gpu"}, "`tables` must be 'auto' or 'cpu'. Received: 'gpu'"),
        ({"max_auc_loss": -0.1}, "`max_auc_loss` must not be negative. Received: -0.1"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ConfigError, match=message):
        ExportOptions(**options)
