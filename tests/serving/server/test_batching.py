"""Requests that run together are answered as they would be alone."""

import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from ctrmoe.serving.server.batching import Batcher
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.settings import Settings


@pytest.fixture(scope="module")
def servable(exported):
    loaded = Servable("clicks", 1, exported)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def inputs(run, test_rows):
    """Forty raw rows as arrays, lists of one length."""
    from ctrmoe.export.raw_tensors import raw_tensors

    tensors = raw_tensors(test_rows.head(40), run.encoder.schema)
    return {name: tensor.numpy() for name, tensor in tensors.items()}


@pytest.fixture
def batcher():
    """Makes a batcher and a list of the batches that it ran."""
    made = []

    def make(**options):
        batches = []
        options = {"batch_threads": 1, "batch_timeout_ms": 200.0, **options}
        made.append(Batcher(Settings(**options), [batches.append]))
        return made[-1], batches

    yield make
    for one in made:
        one.close()


def rows_of(inputs, start, stop):
    return {name: array[start:stop] for name, array in inputs.items()}


def submit(batcher, servable, inputs, signature="serving_default", seconds=30.0):
    of = servable.signatures[signature]
    return batcher.submit(servable, of, inputs, list(of.outputs), time.monotonic() + seconds)


def sizes(batches):
    return [len(next(iter(batch.inputs.values()))) for batch in batches]


def test_merged_answers_are_those_of_separate_requests(servable, inputs, batcher):
    cuts = [0, 1, 4, 20, 40]
    together, batches = batcher()
    parts = [rows_of(inputs, a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
    definition = servable.signatures["serving_default"]
    alone = [servable.run(definition, part, list(definition.outputs)) for part in parts]

    answers = [future.result(30) for future in [submit(together, servable, p) for p in parts]]

    assert sizes(batches) == [40]
    for merged, separate in zip(answers, alone, strict=True):
        for task, column in separate.items():
            assert merged[task].shape == column.shape
            np.testing.assert_allclose(merged[task], column, atol=1e-6)


def test_lists_of_other_lengths_run_apart(servable, inputs, batcher):
    together, batches = batcher()
    shorter = {
        name: array[:, :1] if array.shape[1] > 1 else array for name, array in inputs.items()
    }

    futures = [submit(together, servable, part) for part in (inputs, shorter)]
    assert all(len(answer["click"]) == 40 for answer in [one.result(30) for one in futures])

    assert sizes(batches) == [40, 40]


def test_large_request_is_split(servable, inputs, batcher):
    split, batches = batcher(max_batch_size=16)
    definition = servable.signatures["serving_default"]
    whole = servable.run(definition, inputs, list(definition.outputs))

    answer = submit(split, servable, inputs).result(30)

    assert sizes(batches) == [16, 16, 8]
    for task, column in whole.items():
        np.testing.assert_allclose(answer[task], column, atol=1e-6)


def test_bad_request_does_not_spoil_its_neighbours(servable, run, test_rows, batcher):
    from ctrmoe.export.raw_tensors import serialize_examples

    records = np.array(serialize_examples(test_rows.head(2), run.encoder.schema), object)
    together, _ = batcher()
    good = submit(together, servable, {"examples": records}, "serve_examples")
    bad = submit(together, servable, {"examples": np.array([b"\0\0\0"], object)}, "serve_examples")

    assert good.result(30)["click"].shape == (2, 1)
    with pytest.raises(RequestError, match="parse"):
        bad.result(30)


def test_request_that_waited_too_long_is_given_up(servable, inputs, batcher):
    waiting, batches = batcher()

    late = submit(waiting, servable, inputs, seconds=0.01)

    with pytest.raises(RequestError, match="deadline passed in the queue"):
        late.result(30)
    assert batches == []


def test_request_that_nobody_waits_for_is_left_out(servable, inputs, batcher):
    waiting, batches = batcher()
    left = submit(waiting, servable, inputs)
    left.cancel()

    submit(waiting, servable, rows_of(inputs, 0, 3)).result(30)

    assert sizes(batches) == [3]
    with pytest.raises(CancelledError):
        left.result()


def test_compiled_model_runs_in_its_buckets_only(servable, inputs, batcher):
    padding, batches = batcher()
    servable.manifest |= {"compile": "xla", "batch_buckets": [1, 8, 32]}
    try:
        answers = [
            submit(padding, servable, rows_of(inputs, 0, count)).result(30) for count in (1, 5, 40)
        ]
    finally:
        servable.manifest |= {"compile": "none"}

    assert sizes(batches) == [1, 8, 32, 8]
    for count, answer in zip((1, 5, 40), answers, strict=True):
        definition = servable.signatures["serving_default"]
        alone = servable.run(definition, rows_of(inputs, 0, count), ["click"])
        np.testing.assert_allclose(answer["click"], alone["click"], atol=1e-6)


def test_watcher_that_fails_stops_no_request(servable, inputs, caplog):
    def fail(batch):
        raise RuntimeError("no counting")

    watched = Batcher(Settings(batch_threads=1), [fail])
    for _ in range(2):
        assert len(submit(watched, servable, inputs).result(30)["click"]) == 40
    watched.close()

    assert caplog.text.count("A batch was not counted.") == 2


def test_submit_after_close_is_refused(servable, inputs, batcher):
    closed, _ = batcher()
    closed.close()

    with pytest.raises(RequestError, match="shutting down"):
        submit(closed, servable, inputs)


def test_inputs_must_be_as_many(servable, inputs, batcher):
    name = next(iter(inputs))

    with pytest.raises(RequestError, match="equal 0th-dimension size"):
        submit(batcher()[0], servable, {**inputs, name: inputs[name][:3]})


def test_model_stays_loaded_until_its_requests_are_answered(exported, inputs, batcher):
    own = Servable("clicks", 1, exported)
    waiting, _ = batcher()
    future = submit(waiting, own, inputs)

    own.close()

    assert future.done()
    assert len(future.result()["click"]) == 40


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """A model whose candidates have a price, and share a user, compiled for 4 and 8 of them."""
    import tensorflow as tf

    @tf.function(
        input_signature=[
            {name: tf.TensorSpec((None, 1), tf.float32, name=name) for name in ("price", "user")}
        ]
    )
    def serve(columns):
        return {"click": tf.sigmoid(columns["price"] + columns["user"])}

    folder = tmp_path_factory.mktemp("candidates") / "1"
    tf.saved_model.save(tf.Module(), str(folder), signatures={"serve_candidates": serve})
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "manifest.json").write_text(
        '{"candidate_columns": ["price"], "compile": "xla", "batch_buckets": [4, 8]}'
    )
    loaded = Servable("candidates", 1, folder)
    yield loaded
    loaded.close()


@pytest.mark.parametrize("users", [1, 10], ids=["one row", "a row for each"])
def test_candidates_share_their_rows_within_a_request_only(candidates, batcher, users):
    together, batches = batcher()
    price = np.linspace(-1, 1, 10, dtype=np.float32)[:, None]
    inputs = [{"price": price, "user": np.full((users, 1), user, np.float32)} for user in (1, 2)]

    futures = [submit(together, candidates, one, "serve_candidates") for one in inputs]
    answers = [future.result(30)["click"] for future in futures]

    assert [len(batch.inputs["price"]) for batch in batches] == [8, 4, 8, 4]
    for user, answer in zip((1, 2), answers, strict=True):
        np.testing.assert_allclose(answer, 1 / (1 + np.exp(-price - user)), rtol=1e-6)
