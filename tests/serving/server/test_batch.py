import numpy as np
import pytest

from ctrmoe.serving.server.batch import Batch
from ctrmoe.serving.server.signature import Signature
from ctrmoe.serving.server.task import Task


def batch_of(sizes, padding, outputs):
    of = Signature("serving_default", {}, {"click": "click:0"}, frozenset())
    tasks = [Task(None, of, {}, ("click",), rows, 0.0) for rows in sizes]
    return Batch(tasks, padding, 0.0, 0.0, {}, outputs)


@pytest.mark.parametrize(("sizes", "padding"), [([2, 3], 0), ([2, 1], 2), ([4], 1)])
def test_each_task_gets_its_rows_and_none_of_the_padding(sizes, padding):
    batch = batch_of(sizes, padding, {"click": np.arange(5.0)[:, None]})

    answers = [answer["click"][:, 0].tolist() for answer in batch.answers()]

    assert [len(answer) for answer in answers] == sizes
    assert sum(answers, []) == list(range(sum(sizes)))


def test_answer_of_a_task_alone_is_not_cut():
    """Outputs need no axis of rows where nothing is merged."""
    (answer,) = batch_of([3], 0, {"click": np.array(0.5)}).answers()

    assert answer["click"] == 0.5
