"""What TensorFlow Serving answers over gRPC, with its own stubs."""

import grpc
import numpy as np
import pytest


@pytest.fixture(scope="module")
def stub(target):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    return prediction_service_pb2_grpc.PredictionServiceStub(target.channel)


@pytest.fixture(scope="module")
def models(target):
    from tensorflow_serving.apis import model_service_pb2_grpc

    return model_service_pb2_grpc.ModelServiceStub(target.channel)


def proto(values):
    import tensorflow as tf

    kind = {str: tf.string, int: tf.int64, float: tf.float32}[type(np.ravel(values).tolist()[0])]
    return tf.make_tensor_proto(values, kind)


@pytest.fixture
def request_of(target):
    """Makes a predict request of the two rows, some of them changed."""
    from tensorflow_serving.apis import predict_pb2

    def make(signature="", **changed):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = target.model
        request.model_spec.signature_name = signature
        for name, column in target.columns.items():
            request.inputs[name].CopyFrom(proto(column))
        for name, tensor in changed.items():
            request.inputs[name].CopyFrom(tensor)
        return request

    return make


def failure(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=20)
    return caught.value.code(), caught.value.details()


def text_column(target):
    return next(name for name, column in target.columns.items() if isinstance(column[0][0], str))


def test_predict(stub, request_of):
    response = stub.Predict(request_of(), timeout=20)

    assert response.model_spec.signature_name == "serving_default"
    assert response.model_spec.version.value > 0
    for tensor in response.outputs.values():
        assert [dim.size for dim in tensor.tensor_shape.dim] == [2, 1]
        assert len(tensor.float_val) == 2


def test_values_in_their_field_and_as_content_are_the_same(stub, request_of, target):
    import tensorflow as tf

    sent = request_of()
    for tensor in sent.inputs.values():
        array = tf.make_ndarray(tensor)
        tensor.Clear()
        tensor.dtype = tf.as_dtype(array.dtype).as_datatype_enum
        tensor.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
        field = {"O": "string_val", "i": "int64_val", "f": "float_val"}[array.dtype.kind]
        getattr(tensor, field).extend(array.ravel().tolist())

    by_field, by_content = stub.Predict(sent, timeout=20), stub.Predict(request_of(), timeout=20)

    assert by_field == by_content


def test_the_last_value_fills_a_tensor(stub, request_of, target):
    name = text_column(target)
    short = proto([["a"], ["a"]])
    del short.string_val[1:]

    filled = stub.Predict(request_of(**{name: short}), timeout=20)

    assert filled == stub.Predict(request_of(**{name: proto([["a"], ["a"]])}), timeout=20)


def test_output_filter(stub, request_of):
    request = request_of()
    wanted = sorted(stub.Predict(request, timeout=20).outputs)[0]
    request.output_filter.append(wanted)

    assert list(stub.Predict(request, timeout=20).outputs) == [wanted]


def test_empty_batch(stub, request_of, target):
    import tensorflow as tf

    empty = {
        name: tf.make_tensor_proto(np.empty((0, 1), object if tensor.dtype == 7 else None),
                                   tf.as_dtype(tensor.dtype))
        for name, tensor in request_of().inputs.items()
    }  # fmt: skip

    response = stub.Predict(request_of(**empty), timeout=20)

    for tensor in response.outputs.values():
        assert tf.make_ndarray(tensor).shape == (0, 1)


def test_missing_and_extra_inputs(stub, request_of, target):
    request = request_of(other=proto([[1]]))
    name = text_column(target)
    del request.inputs[name]

    code, details = failure(stub.Predict, request)

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "Sent extra: {other}" in details
    assert f"Missing but required: {{{name}}}" in details


def shaped(proto_of, *sizes):
    from tensorflow.core.framework import tensor_shape_pb2

    dimensions = [tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in sizes]
    proto_of.tensor_shape.CopyFrom(tensor_shape_pb2.TensorShapeProto(dim=dimensions))
    return proto_of


TENSORS = {
    "another type": lambda: proto([[1], [2]]),
    "a negative size": lambda: shaped(proto([["a"], ["b"]]), -2, 1),
    "too many values": lambda: shaped(proto([["a"], ["b"]]), 1, 1),
    "a shape without values": lambda: shaped(proto([["a"], ["b"]]), 1 << 40, 1 << 20),
    "another length": lambda: proto([["a"], ["b"], ["c"]]),
    "another rank": lambda: proto(["a", "b"]),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensor_is_refused(stub, request_of, target, case):
    code, details = failure(stub.Predict, request_of(**{text_column(target): TENSORS[case]()}))

    assert code is grpc.StatusCode.INVALID_ARGUMENT, details


def test_content_of_another_size_is_refused(stub, request_of, target):
    name = next(name for name, column in target.columns.items() if isinstance(column[0][0], float))
    request = request_of()
    request.inputs[name].tensor_content = b"\0\0\0"

    assert failure(stub.Predict, request)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_unknown_signature(stub, request_of):
    assert failure(stub.Predict, request_of("other")) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        'Serving signature key "other" not found.',
    )


@pytest.mark.parametrize(
    ("change", "code", "details"),
    [
        (lambda spec: setattr(spec, "name", "other"), "NOT_FOUND", "Latest(other)"),
        (lambda spec: setattr(spec.version, "value", 7), "NOT_FOUND", ", 7)"),
        (lambda spec: setattr(spec, "version_label", "x"), "INVALID_ARGUMENT", "label: x"),
        (lambda spec: setattr(spec, "name", ""), "INVALID_ARGUMENT", "no name specified"),
    ],
    ids=["model", "version", "label", "no name"],
)
def test_what_is_not_served(stub, request_of, change, code, details):
    request = request_of()
    change(request.model_spec)

    found, message = failure(stub.Predict, request)

    assert found.name == code
    assert details in message


@pytest.mark.parametrize("filters", [["other"], ["click", "click"]], ids=["unknown", "twice"])
def test_output_filter_is_refused(stub, request_of, filters):
    request = request_of()
    request.output_filter.extend(filters)

    code, details = failure(stub.Predict, request)

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "output tensor alias" in details


@pytest.mark.parametrize(
    ("fields", "model", "code"),
    [
        ([], "{model}", "INVALID_ARGUMENT"),
        (["other"], "{model}", "INVALID_ARGUMENT"),
        (["signature_def"], "other", "NOT_FOUND"),
    ],
)
def test_metadata_is_refused(stub, target, fields, model, code):
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = model.format(model=target.model)

    assert failure(stub.GetModelMetadata, request)[0].name == code


def test_status_of_a_label_is_that_of_all_versions(models, target):
    from tensorflow_serving.apis import get_model_status_pb2

    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = target.model
    request.model_spec.version_label = "other"

    assert len(models.GetModelStatus(request, timeout=20).model_version_status) >= 1


@pytest.mark.parametrize("spec", [{}, {"name": "other"}], ids=["no spec", "unknown"])
def test_status_is_refused(models, spec):
    from tensorflow_serving.apis import get_model_status_pb2

    request = get_model_status_pb2.GetModelStatusRequest()
    if spec:
        request.model_spec.name = spec["name"]

    expected = "NOT_FOUND" if spec else "INVALID_ARGUMENT"
    assert failure(models.GetModelStatus, request)[0].name == expected


@pytest.fixture
def examples():
    import tensorflow as tf
    from tensorflow_serving.apis import input_pb2

    result = input_pb2.Input()
    for item in (b"i1", b"i2"):
        example = result.example_list.examples.add()
        example.features.feature["item_id"].CopyFrom(
            tf.train.Feature(bytes_list=tf.train.BytesList(value=[item]))
        )
    return result


def test_classify_and_regress_agree(stub, target, examples):
    from tensorflow_serving.apis import classification_pb2, regression_pb2

    classify = classification_pb2.ClassificationRequest(input=examples)
    regress = regression_pb2.RegressionRequest(input=examples)
    for request, signature in ((classify, "classify"), (regress, "regress")):
        request.model_spec.name = target.model
        request.model_spec.signature_name = signature

    classes = stub.Classify(classify, timeout=20)
    values = stub.Regress(regress, timeout=20)

    assert values.model_spec.version.value == classes.model_spec.version.value > 0
    for row, value in zip(classes.result.classifications, values.result.regressions, strict=True):
        assert [one.label for one in row.classes] == ["0", "1"]
        assert row.classes[1].score == pytest.approx(value.value)


def test_no_examples(stub, target):
    from tensorflow_serving.apis import regression_pb2

    request = regression_pb2.RegressionRequest()
    request.model_spec.name = target.model
    request.model_spec.signature_name = "regress"

    code, details = failure(stub.Regress, request)

    assert (code, details) == (grpc.StatusCode.INVALID_ARGUMENT, "Input is empty.")


@pytest.fixture
def multi(target, examples):
    from tensorflow_serving.apis import inference_pb2

    request = inference_pb2.MultiInferenceRequest(input=examples)
    for name in ("classify", "regress"):
        task = request.tasks.add(method_name=f"tensorflow/serving/{name}")
        task.model_spec.name = target.model
        task.model_spec.signature_name = name
    return request


def test_multi_inference(stub, multi):
    classes, values = stub.MultiInference(multi, timeout=20).results

    assert classes.model_spec.signature_name == "classify"
    assert len(classes.classification_result.classifications) == 2
    assert len(values.regression_result.regressions) == 2


def test_multi_inference_of_two_models(stub, multi):
    multi.tasks[1].model_spec.name = "other"

    code, details = failure(stub.MultiInference, multi)

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "must access the same model name" in details


def test_multi_inference_of_one_signature_twice(stub, multi):
    multi.tasks[1].CopyFrom(multi.tasks[0])

    code, details = failure(stub.MultiInference, multi)

    assert (code.name, details) == (
        "INVALID_ARGUMENT",
        "Duplicate evaluation of signature: classify",
    )


def test_multi_inference_of_an_unknown_method(stub, multi):
    multi.tasks[0].method_name = "tensorflow/serving/predict"

    assert failure(stub.MultiInference, multi)[0] is grpc.StatusCode.UNIMPLEMENTED


def test_reload_without_a_list_of_models(models):
    from tensorflow_serving.apis import model_management_pb2

    code, _ = failure(models.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest())

    assert code is grpc.StatusCode.INVALID_ARGUMENT
