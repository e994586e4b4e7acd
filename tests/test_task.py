import pytest

from ctrmoe.feature import SchemaError
from ctrmoe.task import Task


def test_label_is_the_task_name_where_no_column_is_given():
    assert Task(name="click").label == "click"
    assert Task(name="click", column="y").label == "y"


@pytest.mark.parametrize("name", ["", "a/b", "-a", "klick ü"])
def test_name_that_no_output_can_have(name):
    with pytest.raises(SchemaError, match=f"`name` of a task must consist of .* '{name}'. Give"):
        Task(name=name)
