import numpy as np
import tensorflow as tf

from ctrmoe.serving.client import ClientOptions
from ctrmoe.serving.client.messages import predict_request


def test_request_names_the_model_and_holds_the_tensors():
    arrays = {
        "user": np.array([["ü"], ["b"]], object),
        "hour": np.array([[1], [-(2**63)]]),
        "price": np.array([[0.1], [np.nan]], np.float32),
    }

    request = predict_request("ctr", ClientOptions(label="stable"), "serving_default", arrays)

    assert request.model_spec.name == "ctr"
    assert request.model_spec.version_label == "stable"
    assert not request.model_spec.HasField("version")
    assert request.model_spec.signature_name == "serving_default"
    read = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    assert read["user"].tolist() == [["ü".encode()], [b"b"]]
    np.testing.assert_array_equal(read["hour"], arrays["hour"])
    np.testing.assert_array_equal(read["price"], arrays["price"])
    assert request.inputs["price"].tensor_content


def test_version_is_named_by_its_number():
    request = predict_request("ctr", ClientOptions(version=7), "x", {})

    assert request.model_spec.version.value == 7
