"""Random and mutated requests to a local server: no crash, no 500, no hang, no growth of memory.

python benchmarks/serving_fuzz.py                   # 10,000 requests, five minutes
python benchmarks/serving_fuzz.py --record          # writes results/serving_fuzz.md
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import hypothesis
import hypothesis.strategies as st
import psutil

RESULT = Path(__file__).parent / "results" / "serving_fuzz.md"
SECONDS = 5.0
"""That a request may take at most, on a machine that does other things too."""
REFUSALS = {400, 401, 404, 405, 408, 413, 415, 422, 431}
GRPC_REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}
METHODS = ("POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
SAMPLE = {"DT_STRING": "a", "DT_INT64": 1, "DT_FLOAT": 0.5, "DT_INT32": 1}
PREDICT = "/tensorflow.serving.PredictionService/Predict"


@dataclass(frozen=True)
class Asked:
    """A request over REST."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def numbers() -> st.SearchStrategy[Any]:
    """Numbers at the edges of types too."""
    edges = (0, -1, 2**31, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30, 1e308, -0.0, 1e-320)
    return st.one_of(st.sampled_from(edges), st.integers(), st.floats())


def values() -> st.SearchStrategy[Any]:
    """Any JSON, small."""
    leaves = st.one_of(
        st.none(), st.booleans(), numbers(), st.text(max_size=8),
        st.just({"b64": "AAAA"}), st.just({"b64": "%"}),
    )  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
        ),
        max_leaves=12,
    )


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """A document in which some parts are replaced, removed or repeated."""
    result = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        place = result
        while isinstance(place, dict | list) and place:
            key = draw(
                st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
            )
            inner = place[key]
            if not isinstance(inner, dict | list) or draw(st.booleans()):
                _change(draw, place, key)
                break
            place = inner
    return result


def _change(draw: st.DrawFn, place: Any, key: Any) -> None:
    action = draw(st.sampled_from(("replace", "remove", "repeat", "wrap")))
    if action == "replace":
        place[key] = draw(values())
    elif action == "remove":
        del place[key]
    elif action == "repeat" and isinstance(place, list):
        place.extend([place[key]] * draw(st.integers(1, 300)))
    else:
        place[key] = [place[key]]


@st.composite
def rest_requests(draw: st.DrawFn, model: str, columns: dict[str, list[Any]]) -> Asked:
    """A request that is right, nearly right or nothing at all."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    documents = (
        {"inputs": columns},
        {"instances": rows},
        {"signature_name": "serve_examples", "instances": [{"b64": "CgA="}]},
        {"signature_name": "regress", "examples": [{"item_id": ["a"]}, {}], "context": {"a": 1}},
    )
    document = draw(st.one_of(*map(mutated, documents), values()))
    body = json.dumps(document).encode()
    if draw(st.integers(0, 4)) == 0:
        body = _damaged(draw, body)
    headers = draw(st.sampled_from(({}, {}, {}, {"content-encoding": "gzip"})))
    if headers and draw(st.booleans()):
        packer = zlib.compressobj(wbits=31)
        body = packer.compress(body) + packer.flush()
    verbs = [f":{verb}" for verb in ("predict", "classify", "regress")]
    path = draw(
        st.sampled_from(
            [f"/v1/models/{model}{verb}" for verb in verbs] * 4
            + [f"/v1/models/{model}{which}{verb}" for verb in verbs for which in
               ("/versions/1", "/versions/9", "/labels/x", "/versions/99999999999999999999")]
            + [f"/v1/models/{model}", f"/v1/models/{model}/metadata", "/v1/models", "/v1", "/",
               "/v1/models/..%2f..%2fetc", "/v1/models/%00:predict", "/readyz", "/healthz"]
        )
    )  # fmt: skip
    method = draw(st.sampled_from(("POST",) * 8 + METHODS))
    return Asked(method, path, body, headers)


def _damaged(draw: st.DrawFn, body: bytes) -> bytes:
    start = draw(st.integers(0, max(len(body) - 1, 0)))
    stop = draw(st.integers(start, len(body)))
    return body[:start] + draw(st.binary(max_size=8)) + body[stop:]


@st.composite
def grpc_requests(draw: st.DrawFn, message: bytes) -> bytes:
    """The bytes of a predict request that is changed in its fields, or damaged."""
    from tensorflow_serving.apis import predict_pb2

    if draw(st.integers(0, 3)) == 0:
        return _damaged(draw, message)
    request = predict_pb2.PredictRequest.FromString(message)
    for _ in range(draw(st.integers(0, 3))):
        action = draw(st.sampled_from(("tensor", "tensor", "tensor", "spec", "filter")))
        if action == "tensor":
            tensor = request.inputs[draw(st.sampled_from(sorted(request.inputs)) | st.text())]
            _change_tensor(draw, tensor)
        elif action == "spec":
            name = draw(st.sampled_from(("name", "signature_name", "version_label")))
            known = st.sampled_from(("serve_examples", "regress", "__saved_model_init_op"))
            setattr(request.model_spec, name, draw(known | st.text(max_size=6)))
        else:
            request.output_filter.append(draw(st.sampled_from(("click", "")) | st.text(max_size=6)))
    sent: bytes = request.SerializeToString(deterministic=True)
    return sent


def _change_tensor(draw: st.DrawFn, tensor: Any) -> None:
    action = draw(st.sampled_from(("type", "shape", "rank", "content", "values", "more")))
    if action == "type":
        tensor.dtype = draw(st.integers(0, 30))
    elif action == "shape":
        edges = st.sampled_from((-1, 0, 2**31, 2**62, -(2**63)))
        for dimension in tensor.tensor_shape.dim:
            dimension.size = draw(edges | st.integers(0, 300))
    elif action == "rank":
        tensor.tensor_shape.dim.add(size=draw(st.integers(0, 3)))
    elif action == "content":
        tensor.tensor_content = draw(st.binary(max_size=64))
    elif action == "values":
        tensor.ClearField(draw(st.sampled_from(("tensor_shape", "string_val", "tensor_content"))))
    else:
        tensor.string_val.extend(draw(st.lists(st.binary(max_size=8), max_size=4)))


def ask_rest(client: httpx.Client, asked: Asked) -> int:
    """Sends a request; returns its status when that is one that a server may give."""
    start = time.monotonic()
    answer = client.request(asked.method, asked.path, content=asked.body, headers=asked.headers)
    seconds = time.monotonic() - start
    assert answer.status_code in {200, *REFUSALS}, (asked, answer.status_code, answer.text)
    assert seconds < SECONDS, (asked, seconds)
    if answer.status_code in (400, 413, 415):
        assert asked.method == "HEAD" or set(answer.json()) == {"error"}, (asked, answer.text)
    return answer.status_code


def ask_grpc(channel: grpc.Channel, message: bytes) -> str:
    """Sends bytes as a predict request; returns the name of the status."""
    try:
        channel.unary_unary(PREDICT)(message, timeout=SECONDS)
    except grpc.RpcError as error:
        code, details = error.code(), error.details()
        # What is no message at all never reaches the service.
        unreadable = code is grpc.StatusCode.INTERNAL and "deserializing" in details
        assert unreadable or code.name in GRPC_REFUSALS, (message, code, details)
        return code.name
    return "OK"


def sample_columns(client: httpx.Client, model: str) -> dict[str, list[Any]]:
    """Two rows of a model's raw columns."""
    document = client.get(f"/v1/models/{model}/metadata").json()["metadata"]["signature_def"]
    inputs = document["signature_def"]["serving_default"]["inputs"]
    return {name: [[SAMPLE[of["dtype"]]]] * 2 for name, of in inputs.items()}


def sample_message(columns: dict[str, list[Any]], model: str) -> bytes:
    """The rows as a predict request of gRPC."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    dtypes = {str: tf.string, int: tf.int64, float: tf.float32}
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, column in columns.items():
        tensor = tf.make_tensor_proto(column, dtypes[type(column[0][0])])
        request.inputs[name].CopyFrom(tensor)
    return request.SerializeToString(deterministic=True)


def write_model(folder: Path) -> Path:
    """Trains a small model of every kind of feature and exports it."""
    from ctrmoe.config import Config
    from ctrmoe.data.prepare import prepare
    from ctrmoe.data.synthetic import SyntheticClicks
    from ctrmoe.export import export
    from ctrmoe.training import train

    clicks = SyntheticClicks(seed=3, num_domains=3, max_history=5)
    valid = clicks.frame(600, start=4_000)
    prepare(clicks.schema(), clicks.frame(4_000), valid=valid, out=folder / "prepared")
    table = {"data": {"prepared": str(folder / "prepared")}, "train": {"epochs": 1}}
    run = train(Config.from_dict(table), folder / "run")
    return export(run, folder / "models" / "clicks").parent


def run(model: Path, count: int, seed: int) -> dict[str, Any]:
    """Sends the requests to a server of its own process and looks at its memory."""
    command = [sys.executable, "-m", "ctrmoe.cli", "serve", str(model), "--rest-port", "0"]
    process = subprocess.Popen([*command, "--grpc-port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        rest, grpc_port = line.split("//")[1].split("/")[0], line.split("gRPC ")[1].split(". ")[0]
        with (
            httpx.Client(base_url=f"http://{rest}", timeout=SECONDS * 2) as client,
            grpc.insecure_channel(grpc_port) as channel,
        ):
            return _measure(process, client, channel, model.name, count, seed)
    finally:
        process.terminate()
        process.wait()


def _measure(
    process: Any, client: httpx.Client, channel: grpc.Channel, model: str, count: int, seed: int
) -> dict[str, Any]:
    columns = sample_columns(client, model)
    message = sample_message(columns, model)
    statuses: Counter[str] = Counter()
    memory = []

    def settings(examples: int) -> hypothesis.settings:
        return hypothesis.settings(
            max_examples=examples, deadline=None, database=None,
            phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip

    def remember() -> None:
        memory.append(psutil.Process(process.pid).memory_info().rss / 2**20)
        print(f"{sum(statuses.values()):,} requests, {memory[-1]:.0f} MiB", flush=True)

    parts = 10
    start = time.monotonic()
    for part in range(parts):
        size = count // parts // 2

        @hypothesis.seed(seed + part)
        @settings(size)
        @hypothesis.given(rest_requests(model, columns))
        def by_rest(asked: Asked) -> None:
            statuses[f"REST {ask_rest(client, asked)}"] += 1

        @hypothesis.seed(seed + part)
        @settings(size)
        @hypothesis.given(grpc_requests(message))
        def by_grpc(damaged: bytes) -> None:
            statuses[f"gRPC {ask_grpc(channel, damaged)}"] += 1

        by_rest()
        by_grpc()
        remember()
    assert process.poll() is None, "The server has ended."
    ask_rest(client, Asked("POST", f"/v1/models/{model}:predict", _body(columns)))
    return {
        "requests": sum(statuses.values()),
        "seconds": time.monotonic() - start,
        "statuses": dict(sorted(statuses.items())),
        "memory": memory,
    }


def _body(columns: dict[str, list[Any]]) -> bytes:
    return json.dumps({"inputs": columns}).encode()


def report(found: dict[str, Any]) -> str:
    """The result as a page."""
    lines = [
        "# Random and mutated requests to the local server",
        "",
        "`python benchmarks/serving_fuzz.py --record`: requests by hypothesis, half over REST and "
        "half over gRPC, to `ctrmoe serve` in a process of its own. None crashed it, got a 500 "
        f"or took {SECONDS:.0f} s: the program stops at the first that does.",
        "",
        f"{found['requests']:,} requests in {found['seconds']:.0f} s.",
        "",
        "| answer | requests |",
        "|---|---:|",
        *(f"| {name} | {count:,} |" for name, count in found["statuses"].items()),
        "",
        "Memory of the server after each tenth, MiB: "
        + ", ".join(f"{value:.0f}" for value in found["memory"])
        + ".",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs and prints, or records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="BASE/NAME; a small one is trained if left out")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or write_model(Path(folder))
        page = report(run(model, options.requests, options.seed))
    print(page)
    if options.record:
        RESULT.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
