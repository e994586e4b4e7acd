import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ctrmoe.config import ConfigError
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.session import served_session
from ctrmoe.export.warmup import PATH, write_warmup
from ctrmoe.run import Run

BUCKETS = list(ExportOptions().batch_buckets)


def logs(folder):
    """Kind, signature and inputs of each warm-up request."""
    for record in tf.data.TFRecordDataset(str(folder / PATH)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        kind = log.WhichOneof("log_type")
        request = getattr(log, kind).request
        if kind == "predict_log":
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        else:
            examples = request.input.example_list.examples
            inputs = {"inputs": [example.SerializeToString() for example in examples]}
        yield kind, request.model_spec, inputs


def test_requests_replay_on_every_signature_and_bucket(exported):
    sizes: dict[str, list[int]] = {}
    with served_session(exported) as answer:
        for kind, spec, inputs in logs(exported):
            assert spec.name == "clicks"
            method = f"tensorflow/serving/{kind.removesuffix('_log')}"
            assert answer.signatures[spec.signature_name].method_name == method
            outputs = answer(spec.signature_name, inputs)
            sizes.setdefault(spec.signature_name, []).append(len(next(iter(outputs.values()))))
        raw = set(answer.signatures) - {"serve_encoded", "__saved_model_init_op"}
    assert sizes == dict.fromkeys(raw, BUCKETS)


def test_rows_are_as_long_as_can_be_of_every_domain_with_unknown_and_missing_values(run: Run):
    rows = sample_rows(run.encoder, 512, full=True)

    assert set(rows["history"].list.len()) == {run.schema["history"].max_length}
    domains = [*run.encoder.vocabularies["domain:id"].values, None]
    assert rows["placement"].head(len(domains)).to_list() == domains
    ids = run.encoder.encode(rows).ids
    for feature, column in zip(run.schema.single, ids.T, strict=True):
        assert {1, 2} < set(column), feature.name
    assert rows["item_id"].str.len_chars().max() < 100
    assert rows["number_0"].drop_nulls().is_finite().all()


def test_more_requests_than_the_server_takes(tmp_path):
    with pytest.raises(ConfigError, match="at most 1000 warm-up requests.*Received: 1001"):
        write_warmup(tmp_path, "clicks", [], 1001)
