import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.serving.client import ClientOptions
from ctrmoe.serving.client.messages import array, predict_request


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


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("values", [[], [[0.5], [np.nan], [-3.0]], [[2.0, 2.0]] * 3])
def test_array_is_read_as_tensorflow_reads_it(kind, values):
    expected = np.nan_to_num(np.array(values), nan=7).astype(kind)
    as_bytes = tf.make_tensor_proto(expected)
    as_numbers = tf.make_tensor_proto(expected.tolist(), kind, expected.shape)

    for message in (as_bytes, as_numbers):
        read = array(message)
        assert read.dtype == tf.make_ndarray(message).dtype == kind
        np.testing.assert_array_equal(read, expected)


def test_last_value_stands_for_those_that_follow():
    message = tf.make_tensor_proto([1.0], np.float32, [4])
    message.float_val.append(2.0)

    np.testing.assert_array_equal(array(message), tf.make_ndarray(message))
    assert array(message).tolist() == [1, 2, 2, 2]


def test_grpc_client_loads_no_tensorflow_and_leaves_it_to_be_loaded():
    code = """
import sys
from ctrmoe.serving.client import GrpcClient
from ctrmoe.serving.client.messages import array, tensor
from ctrmoe.serving.load import bench_serving
assert "tensorflow" not in sys.modules
import tensorflow as tf
ones = tf.ones((1, 2))
print(array(tf.make_tensor_proto(ones)), tf.make_ndarray(tensor(ones.numpy())))
"""

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert printed.stdout == "[[1. 1.]] [[1. 1.]]\n", printed.stderr
