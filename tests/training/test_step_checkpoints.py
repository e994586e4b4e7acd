import time

import pytest

from ctrmoe.training.checkpoint import Progress
from ctrmoe.training.step_checkpoints import StepCheckpoints


def reached(steps, **options):
    """The checkpoints of an epoch of so many steps, of which 20 were done before."""
    saved = []
    saver = StepCheckpoints(
        Progress(step=20, best=0.7, best_epoch=1, history=[{"epoch": 1}]), saved.append,
        start=time.perf_counter() - 100, **options,
    )  # fmt: skip
    for batch in range(steps):
        saver.on_train_batch_end(batch)
    return saved


@pytest.mark.parametrize(
    ("every", "expected"), [(0, []), (3, [23, 26, 29]), (4, [24, 28]), (10, []), (1000, [])]
)
def test_checkpoints_come_every_so_many_steps_but_at_the_last(every, expected):
    assert [progress.step for progress in reached(10, every=every, last=10)] == expected


def test_checkpoint_keeps_what_was_reached_before():
    (progress,) = reached(5, every=4, last=9)

    assert (progress.best, progress.best_epoch, progress.history) == (0.7, 1, [{"epoch": 1}])
    assert 100 <= progress.seconds < 130


def test_steps_of_one_execution_are_counted_from_the_last_checkpoint():
    saved = []
    saver = StepCheckpoints(Progress(), saved.append, every=4, last=20, start=0.0)

    for batch in (2, 5, 8, 11):  # three steps an execution
        saver.on_train_batch_end(batch)

    assert [progress.step for progress in saved] == [6, 12]
