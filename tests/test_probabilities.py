import shutil

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit

from ctrmoe.calibration import Calibration, LogitMap
from ctrmoe.probabilities import Probabilities
from ctrmoe.run import Run

ALL = LogitMap((0.0,), (0.5,), 2.0)
OWN = LogitMap((-1.0, 0.0, 3.0), (-2.0, 1.0, 1.5), 0.5)
LOGITS = np.linspace(-20, 20, 401).astype(np.float32)


@pytest.fixture
def calibrated(run, tmp_path):
    """Both tasks by their own maps; the first domain has one for clicks."""
    copy = Run(shutil.copytree(run.folder, tmp_path / "run"))
    first = copy.encoder.domain_names[3]
    maps, domains = {"click": ALL, "conversion": OWN}, {"click": {first: OWN}}
    Calibration(method="platt", maps=maps, domains=domains).save(copy.folder)
    return copy


def of_logits(run, domain):
    logits = dict.fromkeys(run.tasks, tf.constant(LOGITS))
    return tf.function(Probabilities(run))(logits, domain)


def test_run_without_a_calibration_gives_the_sigmoid(run):
    found = of_logits(run, None)

    np.testing.assert_allclose(found["click"], expit(LOGITS), atol=1e-7)


def test_graph_is_that_of_the_maps(calibrated):
    """By turns: padding, missing, unknown, the two large domains, ids out of range."""
    ids = np.array([0, 1, 2, 3, 4, 99, -1], np.int32)
    which = ids[np.arange(len(LOGITS)) % len(ids)]

    found = of_logits(calibrated, tf.constant(which[:, None]))

    expected = np.where(which == 3, OWN(LOGITS), ALL(LOGITS))
    np.testing.assert_allclose(found["click"], expit(expected), atol=1e-6)
    np.testing.assert_allclose(found["conversion"], expit(OWN(LOGITS)), atol=1e-6)


@pytest.mark.parametrize(("domain", "expected"), [(3, OWN), (1, ALL)])
def test_one_domain_may_stand_for_all_rows(calibrated, domain, expected):
    found = of_logits(calibrated, tf.constant([[domain]]))

    np.testing.assert_allclose(found["click"], expit(expected(LOGITS)), atol=1e-6)
