import numpy as np
import pytest

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.signature import Signature
from ctrmoe.serving.server.task import Task, cut, joined

INPUTS = {"price": np.arange(5.0)[:, None], "user": np.array([[7.0]])}


def signature(*row_inputs):
    return Signature("serve_candidates", {}, {"click": "click:0"}, frozenset(row_inputs))


def tasks(count):
    return [Task(None, signature(), {}, ("click",), 1, 0.0) for _ in range(count)]


def test_inputs_of_rows_are_cut_and_shared_ones_stay_whole():
    parts = cut(signature("price"), INPUTS, rows=5, largest=2)

    assert [rows for _, rows in parts] == [2, 2, 1]
    np.testing.assert_array_equal(
        np.concatenate([part["price"] for part, _ in parts]), INPUTS["price"]
    )
    assert all(part["user"].tolist() == [[7.0]] for part, _ in parts)


@pytest.mark.parametrize(("of", "largest"), [(signature("price"), 5), (signature(), 2)])
def test_request_that_fits_or_has_no_rows_is_one_part(of, largest):
    ((inputs, rows),) = cut(of, INPUTS, rows=5, largest=largest)

    assert inputs is INPUTS and rows == 5


def test_answers_of_parts_are_joined_in_order_whichever_comes_first():
    first, second = parts = tasks(2)
    whole = joined(parts)

    second.future.set_result({"click": np.array([[2.0]])})
    assert not whole.done()
    first.future.set_result({"click": np.array([[1.0]])})

    assert whole.result(0)["click"].tolist() == [[1.0], [2.0]]


def test_failure_of_a_part_is_that_of_the_whole():
    first, second = parts = tasks(2)
    whole = joined(parts)

    first.future.set_exception(RequestError("too odd"))
    second.future.set_result({"click": np.array([[2.0]])})

    with pytest.raises(RequestError, match="too odd"):
        whole.result(0)
