"""P3: unseen, missing and padding values have ids of their own, and none breaks a prediction."""

import farmhash
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.sources import Origin
from ctrmoe.schema import MISSING, UNKNOWN

HUGE = 2**63 - 1


def spread(text, buckets):
    return UNKNOWN + farmhash.fingerprint64(text) % buckets


CASES = [
    ("item", None, MISSING),
    ("item", -(2**63), MISSING),  # how the served tensor spells it
    ("item", 987_654, UNKNOWN),
    ("item", HUGE, UNKNOWN),
    ("item", 1 - 2**63, UNKNOWN),
    ("user", None, MISSING),
    ("user", "", MISSING),
    ("user", "never seen", spread("never seen", 3)),
    ("user", str(HUGE), spread(str(HUGE), 3)),
    ("page", None, MISSING),
    ("page", "never seen", spread("never seen", 11)),
    ("bucket", None, MISSING),
    ("bucket", float("inf"), MISSING),
    ("bucket", -3e38, UNKNOWN + 1),
    ("bucket", 3e38, UNKNOWN + 5),
    ("plain", None, np.nan),
    ("log", float("nan"), np.nan),
    ("square", float("-inf"), np.nan),
    ("tags", None, [MISSING, 0, 0]),
    ("tags", [], [MISSING, 0, 0]),
    ("tags", [None, ""], [MISSING, 0, 0]),
    ("tags", ["never seen"], [UNKNOWN, 0, 0]),
    ("joined", None, [MISSING, 0, 0]),
    ("joined", "", [MISSING, 0, 0]),
    ("joined", "||", [MISSING, 0, 0]),
    ("joined", "|never seen|", [UNKNOWN, 0, 0]),
    ("history", None, [0, 0, 0, 0]),
    ("history", [], [0, 0, 0, 0]),
    ("history", [None, -(2**63)], [0, 0, 0, 0]),
    ("history", [987_654, HUGE], [UNKNOWN, UNKNOWN, 0, 0]),
    ("words", [], [0, 0]),
    ("words", ["", "never seen"], [UNKNOWN, 0]),
    ("placement", None, MISSING),
    ("placement", "never seen", UNKNOWN),
]


@pytest.fixture(scope="module")
def rows(change_rows):
    return change_rows(*((name, value) for name, value, _ in CASES))


def test_p3_ids_of_unseen_missing_and_padding(every_kind_run, rows):
    arrays = every_kind_run.encoder.arrays(rows, Origin())

    for row, (name, value, expected) in enumerate(CASES):
        np.testing.assert_array_equal(arrays[name][row], expected, f"{name}={value!r}")
    assert arrays[DOMAIN][-2:].tolist() == [MISSING, UNKNOWN]
    assert {name for name, _, _ in CASES} >= set(rows.columns) - {"standard"}


def test_p3_predictions_are_finite_and_equal_in_every_way(answers, rows):
    predicted = answers(rows)

    for way, probabilities in predicted.items():
        assert len(probabilities) == len(CASES)
        assert np.all((np.array(probabilities) > 0) & (np.array(probabilities) < 1)), way
        np.testing.assert_allclose(probabilities, predicted["run"], atol=1e-6, err_msg=way)


def test_p3_missing_unknown_and_known_are_told_apart(answers, change_rows):
    for name, values in {
        "item": (None, 987_654, 3),
        "history": ([], [987_654], [3]),
        "tags": ([], ["never seen"], ["a"]),
    }.items():
        predicted = answers(change_rows(*((name, value) for value in values)))["run"]

        assert len(set(predicted.tolist())) == 3, name


@pytest.mark.parametrize("out_of_range", [-1, -(2**31), 10**6, 2**31 - 1])
def test_p3_encoded_id_out_of_range_is_read_as_unknown(
    every_kind_run, every_kind_export, rows, out_of_range
):
    """Whatever the device: a CPU's gather raises, a GPU's gives zeros."""
    encoded = every_kind_run.encoder.encode(pl.concat([rows, rows]).head(64))
    signature = tf.saved_model.load(str(every_kind_export)).signatures["serve_encoded"]

    def predict(fill):
        ids, sequences = np.full_like(encoded.ids, fill), np.full_like(encoded.sequences, fill)
        inputs = {"ids": ids, "sequences": sequences, "values": encoded.values}
        logits = every_kind_run.model(inputs)["click"]
        return logits, signature(**{k: tf.constant(v) for k, v in inputs.items()})["click"]

    for ours, expected in zip(predict(out_of_range), predict(UNKNOWN), strict=True):
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(ours, expected)
