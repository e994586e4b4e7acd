import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ServingError
from ctrmoe.serving.client.signature import Input, Signature, read_signature


def tensor(dtype, *sizes):
    return {"dtype": dtype, "tensor_shape": {"dim": [{"size": str(s), "name": ""} for s in sizes]}}


def metadata(inputs, outputs=("click",)):
    definition = {
        "inputs": inputs,
        "outputs": {name: tensor("DT_FLOAT", -1, 1) for name in outputs},
    }
    return {"metadata": {"signature_def": {"signature_def": {"serving_default": definition}}}}


def test_inputs_and_outputs_are_read_in_the_order_of_their_names():
    inputs = {
        "user": tensor("DT_STRING", 1, 1),
        "history": tensor("DT_INT64", -1, -1),
        "price": tensor("DT_FLOAT", -1, 1),
    }

    signature = read_signature(metadata(inputs, ("view", "click")), "serving_default")

    assert signature == Signature(
        "serving_default",
        (
            Input("history", "integer", is_list=True, is_shared=False),
            Input("price", "number", is_list=False, is_shared=False),
            Input("user", "text", is_list=False, is_shared=True),
        ),
        ("click", "view"),
    )


def test_unknown_signature_is_refused():
    with pytest.raises(ConfigError, match=r"Received: 'x' of \['serving_default'\]"):
        read_signature(metadata({}), "x")


def test_signature_of_examples_is_refused():
    with pytest.raises(ConfigError, match=r"takes raw columns.* 'examples' of shape \[-1\]"):
        read_signature(metadata({"examples": tensor("DT_STRING", -1)}), "serving_default")


@pytest.mark.parametrize("answer", [{"a": 1}, {"metadata": None}])
def test_answer_of_something_else_is_refused(answer):
    with pytest.raises(ServingError, match="UNKNOWN: The metadata must hold signatures. Received"):
        read_signature(answer, "serving_default")
