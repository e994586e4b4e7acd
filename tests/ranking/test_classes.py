import numpy as np
import pytest

from ctrmoe.ranking.classes import check_classes
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.schema import SchemaError, Task

TASK = Task(name="click", column="label")


def table(negatives, positives):
    return ContingencyTable.of_counts(np.array([[[negatives, 0], [0, positives]]]))


def test_rows_of_both_classes_are_enough():
    check_classes(TASK, table(3, 1))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (None, "The table must have rows. Received: none."),
        (table(0, 0), "`label` of task `click` must be 0 or 1 in some rows. Received: no value"),
        (table(5, 0), "must be 0 in some rows and 1 in others. Received: 0 in all of them"),
        (table(0, 5), "must be 0 in some rows and 1 in others. Received: 1 in all of them"),
    ],
)
def test_task_without_both_classes(counts, message):
    with pytest.raises(SchemaError, match=message):
        check_classes(TASK, counts)
