import numpy as np
import pytest


@pytest.fixture(scope="module")
def stub(ours):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    return prediction_service_pb2_grpc.PredictionServiceStub(ours.channel)


@pytest.fixture
def predict_request(run, test_rows):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    from ctrmoe.export.raw_tensors import raw_tensors

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "clicks"
    for name, tensor in raw_tensors(test_rows.head(4), run.encoder.schema).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
    return request


def test_predict(stub, predict_request, expected):
    import tensorflow as tf

    response = stub.Predict(predict_request, timeout=20)

    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "serving_default"
    for task, values in expected.items():
        np.testing.assert_allclose(tf.make_ndarray(response.outputs[task])[:, 0], values, atol=1e-6)
        np.testing.assert_allclose(response.outputs[task].float_val, values, atol=1e-6)


def test_metadata(stub, columns):
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "clicks"

    response = stub.GetModelMetadata(request, timeout=20)

    definitions = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(definitions)
    assert set(definitions.signature_def["serving_default"].inputs) == set(columns)


def test_status(ours):
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    stub = model_service_pb2_grpc.ModelServiceStub(ours.channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "clicks"

    (one,) = stub.GetModelStatus(request, timeout=20).model_version_status

    assert (one.version, one.State.Name(one.state)) == (1, "AVAILABLE")
