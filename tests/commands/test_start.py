import logging

import absl.logging
import pytest
import tensorflow as tf

from ctrmoe.commands.start import load_tensorflow


@pytest.fixture
def verbosity():
    before = absl.logging.get_verbosity()
    yield
    absl.logging.set_verbosity(before)


def test_tensorflow_stays_quiet_after_it_has_saved_a_model(tmp_path, verbosity):
    absl.logging.set_verbosity(absl.logging.WARNING)
    load_tensorflow()

    tf.saved_model.save(tf.Module(), tmp_path / "empty")

    assert logging.getLogger("absl").level == logging.ERROR
