import keras
import numpy as np
import pytest

from ctrmoe.training import checkpoint


def variables():
    return [keras.Variable(np.arange(3.0)), keras.Variable(np.ones((2, 2)))]


def test_restore_gives_what_was_saved(tmp_path):
    saved = variables()
    saved[0].assign([7.0, 8.0, 9.0])
    progress = checkpoint.Progress(step=4, best=0.5, best_epoch=1, history=[{"epoch": 1}])

    checkpoint.save(tmp_path, progress, saved)
    fresh = variables()

    assert checkpoint.restore(tmp_path, fresh) == progress
    np.testing.assert_array_equal(fresh[0], [7.0, 8.0, 9.0])


def test_only_the_newest_is_kept(tmp_path):
    for step in (5, 40, 300):
        checkpoint.save(tmp_path, checkpoint.Progress(step=step), variables())

    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-0000000300"]


def test_a_checkpoint_cut_short_is_not_seen(tmp_path):
    checkpoint.save(tmp_path, checkpoint.Progress(step=1), variables())
    (tmp_path / ".checkpoint-0000000002.partial").mkdir()

    assert checkpoint.restore(tmp_path, variables()).step == 1
    checkpoint.clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_checkpoint_starts_anew(tmp_path):
    assert checkpoint.restore(tmp_path, variables()) == checkpoint.Progress()


def test_variables_of_another_model(tmp_path):
    checkpoint.save_variables(tmp_path / "v.npz", variables()[:1])

    with pytest.raises(ValueError, match="must hold the variables of this model. Received: 1 arr"):
        checkpoint.restore_variables(tmp_path / "v.npz", variables())
