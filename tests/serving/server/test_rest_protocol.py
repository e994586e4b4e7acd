"""What TensorFlow Serving answers over REST, word for word where its sources give the words.

With CTRMOE_TFS_REST and CTRMOE_TFS_GRPC set, the cases run against a real server too.
"""

import base64
import gzip
import json
import re

import pytest


def first(mapping):
    return next(iter(mapping))


def of_type(target, kind):
    """A column whose first value is of a type."""
    return next(name for name, column in target.columns.items() if type(column[0][0]) is kind)


def with_column(target, name, column):
    return {"inputs": {**target.columns, name: column}}


def with_row(target, **changes):
    return {"instances": [target.rows[0], {**target.rows[1], **changes}]}


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


ANSWERED = {
    "columns": lambda t: {"inputs": t.columns},
    "rows": lambda t: {"instances": t.rows},
    "one row": lambda t: {"instances": t.rows[:1]},
    "signature by name": lambda t: {"signature_name": "serving_default", "inputs": t.columns},
    "empty signature name": lambda t: {"signature_name": "", "inputs": t.columns},
    "unknown key in columns": lambda t: {"inputs": {**t.columns, "other": [[1], [2]]}},
    "unknown key of the body": lambda t: {"inputs": t.columns, "other": 1},
    "integers for a float": lambda t: with_column(t, of_type(t, float), [[1], [2]]),
    "base64 for a text": lambda t: with_column(
        t, of_type(t, str), [[{"b64": base64.b64encode(b"a").decode()}], ["b"]]
    ),
    "base64 of no UTF-8": lambda t: with_column(t, of_type(t, str), [[{"b64": "//8="}], ["b"]]),
    "base64 without padding": lambda t: with_column(t, of_type(t, str), [[{"b64": "YQ"}], ["b"]]),
    "unknown values": lambda t: with_column(t, of_type(t, str), [["\u00e9\u4e2d"], [""]]),
    "numbers beyond float32": lambda t: with_column(t, of_type(t, float), [[1e300], [-1e300]]),
    "NaN": lambda t: json.dumps(with_column(t, of_type(t, float), [[float("nan")], [1]])).encode(),
    "infinities": lambda t: json.dumps(
        with_column(t, of_type(t, float), [[float("inf")], [float("-inf")]])
    ).encode(),
    "spaces around": lambda t: b" \n" + json.dumps({"inputs": t.columns}).encode() + b"\n ",
    "what follows the document": lambda t: (
        json.dumps({"inputs": t.columns}).encode() + b" and more"
    ),
    "examples": lambda t: {
        "signature_name": "serve_examples",
        "instances": [{"b64": ""}, {"b64": ""}],
    },
    "examples in columns": lambda t: {"signature_name": "serve_examples", "inputs": [{"b64": ""}]},
    "examples in named columns": lambda t: {
        "signature_name": "serve_examples",
        "inputs": {"examples": [{"b64": ""}, {"b64": ""}]},
    },
    "examples in named rows": lambda t: {
        "signature_name": "serve_examples",
        "instances": [{"examples": {"b64": ""}}, {"examples": {"b64": ""}}],
    },
    "the smallest integer": lambda t: with_column(t, of_type(t, int), [[-(2**63)], [2**63 - 1]]),
}


@pytest.mark.parametrize("case", ANSWERED)
def test_request_is_answered(target, case):
    body = ANSWERED[case](target)

    response = target.predict(body)

    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) < {"outputs", "predictions"}


REFUSED = {
    "no body": (lambda t: b"", "JSON Parse error: The document is empty"),
    "no JSON": (lambda t: b"nonsense", r"^JSON Parse error: .* at offset: \d+$"),
    "cut off": (lambda t: b'{"inputs": ', r"^JSON Parse error: .* at offset: \d+$"),
    "a comma too many": (lambda t: b'{"inputs": [1,]}', r"^JSON Parse error: .* at offset: \d+$"),
    "single quotes": (lambda t: b"{'inputs': 1}", r"^JSON Parse error: .* at offset: \d+$"),
    "half a surrogate": (lambda t: b'{"inputs": "\\ud800"}', "^JSON Parse error: "),
    "a list": (lambda t: [1], "Is not object"),
    "a number": (lambda t: b"1", "Is not object"),
    "null": (lambda t: b"null", "Is not object"),
    "no key": (lambda t: {}, "^Missing 'inputs' or 'instances' key$"),
    "both keys": (
        lambda t: {"inputs": t.columns, "instances": t.rows},
        "expecting only one of 'inputs' or 'instances' keys to exist",
    ),
    "unknown signature": (
        lambda t: {"signature_name": "other", "inputs": t.columns},
        '^Serving signature name: "other" not found in signature def$',
    ),
    "signature that is no text": (
        lambda t: {"signature_name": 1, "inputs": t.columns},
        "'signature_name' key must be a string value",
    ),
    "instances that are no list": (
        lambda t: {"instances": t.rows[0]},
        "Expecting 'instances' to be an list/array",
    ),
    "no instances": (lambda t: {"instances": []}, "No values in 'instances' array"),
    "plain instances": (lambda t: {"instances": [1]}, "^instances is a plain list, but expecting"),
    "plain inputs": (lambda t: {"inputs": [1]}, "^inputs is a plain value/list, but expecting"),
    "instances of both kinds": (
        lambda t: {"instances": [t.rows[0], 1]},
        "Expecting object but got list at item 1 of input list",
    ),
    "key missing in a row": (
        lambda t: {"instances": [t.rows[0], without(t.rows[1], first(t.columns))]},
        r"^Failed to process element: 1 of 'instances' list. JSON object: .* keys must be equal",
    ),
    "unknown key in a row": (
        lambda t: with_row(t, other=1),
        "^Failed to process element: 1 key: other of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON object: does not have named input: other$",
    ),
    "column missing": (
        lambda t: {"inputs": without(t.columns, first(t.columns))},
        "^Missing named input: .* in 'inputs' object.$",
    ),
    "text for a float": (
        lambda t: with_column(t, of_type(t, float), [["a"], [1.0]]),
        '^JSON Value: "a" Type: String is not of expected type: float$',
    ),
    "number for a text": (
        lambda t: with_column(t, of_type(t, str), [[1], ["a"]]),
        "^JSON Value: 1 Type: Number is not of expected type: string$",
    ),
    "fraction for an integer": (
        lambda t: with_column(t, of_type(t, int), [[1.5], [2]]),
        "^JSON Value: 1.5 Type: Number is not of expected type: int64$",
    ),
    "whole float for an integer": (
        lambda t: with_column(t, of_type(t, int), [[1.0], [2]]),
        "^JSON Value: 1.0 Type: Number is not of expected type: int64$",
    ),
    "integer beyond int64": (
        lambda t: with_column(t, of_type(t, int), [[2**63], [2]]),
        "Type: Number is not of expected type: int64$",
    ),
    "true for an integer": (
        lambda t: with_column(t, of_type(t, int), [[True], [2]]),
        "^JSON Value: true Type: True is not of expected type: int64$",
    ),
    "false for a float": (
        lambda t: with_column(t, of_type(t, float), [[False], [2]]),
        "^JSON Value: false Type: False is not of expected type: float$",
    ),
    "null for a text": (
        lambda t: with_column(t, of_type(t, str), [[None], ["a"]]),
        "^JSON Value: null Type: Null is not of expected type: string$",
    ),
    "object for a float": (
        lambda t: with_column(t, of_type(t, float), [[{}], [2]]),
        "Type: Object is not of expected type: float$",
    ),
    "object for a text": (
        lambda t: with_column(t, of_type(t, str), [[{"a": 1}], ["a"]]),
        "not formatted correctly for base64 data$",
    ),
    "no base64": (
        lambda t: with_column(t, of_type(t, str), [[{"b64": "?"}], ["a"]]),
        "^Unable to base64 decode$",
    ),
    "ragged lists": (
        lambda t: with_column(t, of_type(t, str), [["a"], ["a", "b"]]),
        "^Encountered list at unexpected size: 2 at level: 1 expected size: 1$",
    ),
    "a value among lists": (
        lambda t: with_column(t, of_type(t, str), [["a"], "b"]),
        r'^JSON Value: "b" found at incorrect level: 2 in the JSON DOM. Expected at level: 2$',
    ),
    "a list among values": (
        lambda t: with_column(t, of_type(t, str), ["a", ["b"]]),
        r"^Encountered list at unexpected level: 1 expected < 1$",
    ),
    "rows of other sizes": (
        lambda t: with_row(t, **{of_type(t, str): ["a", "b"]}),
        "Error: INVALID_ARGUMENT: Expecting tensor size: 1 but got: 2$",
    ),
    "rows of other shapes": (
        lambda t: with_row(t, **{of_type(t, str): [["a"]]}),
        r"Error: INVALID_ARGUMENT: Expecting shape \[1\] but got: \[1,1\]$",
    ),
    "columns of other lengths": (
        lambda t: with_column(t, of_type(t, str), [["a"], ["b"], ["c"]]),
        "input tensors must have equal 0th-dimension size|must",
    ),
    "a rank too low": (lambda t: with_column(t, of_type(t, str), ["a", "b"]), "."),
    "a rank too high": (lambda t: with_column(t, of_type(t, str), [[["a"]], [["b"]]]), "."),
    "a scalar": (lambda t: with_column(t, of_type(t, str), "a"), "."),
    "an empty batch": (lambda t: {"inputs": dict.fromkeys(t.columns, [])}, "."),
    "an example that is none": (
        lambda t: {"signature_name": "serve_examples", "instances": [{"b64": "AAAA"}]},
        "[Pp]arse",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_request_is_refused(target, case):
    make, error = REFUSED[case]

    response = target.predict(make(target))

    assert response.status_code == 400, response.text
    document = response.json()
    assert set(document) == {"error"}
    assert re.search(error, document["error"]), document["error"]


PATHS = {
    "an upper-case path": ("GET", "/V1/MODELS/{model}", 200),
    "status of a version": ("GET", "/v1/models/{model}/versions/1", 200),
    "metadata of a version": ("GET", "/v1/models/{model}/versions/1/metadata", 200),
    "an escaped name": ("GET", "/v1/models/{escaped}", 200),
    "status of an unknown model": ("GET", "/v1/models/other", 404),
    "status of an unknown version": ("GET", "/v1/models/{model}/versions/7", 404),
    "metadata of an unknown model": ("GET", "/v1/models/other/metadata", 404),
    "metadata of an unknown version": ("GET", "/v1/models/{model}/versions/7/metadata", 404),
    "metadata of an unknown label": ("GET", "/v1/models/{model}/labels/other/metadata", 400),
    "no model": ("GET", "/v1/models", 400),
    "a version that is no number": ("GET", "/v1/models/{model}/versions/x", 400),
    "a version beyond int64": ("GET", "/v1/models/{model}/versions/99999999999999999999", 400),
    "an unknown resource": ("GET", "/v1/models/{model}/other", 400),
    "an unknown method": ("POST", "/v1/models/{model}:other", 400),
    "predict by GET": ("GET", "/v1/models/{model}:predict", 400),
    "status by POST": ("POST", "/v1/models/{model}", 400),
    "delete": ("DELETE", "/v1/models/{model}", 400),
    "another path of v1": ("GET", "/v1/other", 400),
    "another version of the API": ("GET", "/v2/models/{model}", 404),
    "another path": ("GET", "/other", 404),
    "a path up": ("GET", "/v1/models/..%2F..%2Fetc%2Fpasswd", 404),
    "a path up in a version": ("GET", "/v1/models/{model}/versions/..%2F1", 400),
    "a zero byte": ("GET", "/v1/models/%00", 404),
}


@pytest.mark.parametrize("case", PATHS)
def test_path(target, case):
    method, path, status = PATHS[case]
    escaped = "".join(f"%{ord(character):02x}" for character in target.model)

    response = target.rest.request(method, path.format(model=target.model, escaped=escaped))

    assert response.status_code == status, response.text
    if status != 200 and path.startswith("/v1"):
        assert set(response.json()) == {"error"}


@pytest.mark.parametrize("which", ["", "/versions/1"])
def test_predict_of_a_version(target, which):
    path = f"/v1/models/{target.model}{which}:predict"

    assert target.predict({"inputs": target.columns}, path).status_code == 200


@pytest.mark.parametrize(
    ("which", "status", "error"),
    [
        ("other", 404, r"^Servable not found for request: Latest\(other\)$"),
        ("{model}/versions/7", 404, r"^Servable not found for request: Specific\(.*, 7\)$"),
        ("{model}/labels/other", 400, "^Unrecognized servable version label: other$"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
def test_what_is_not_served(target, which, status, error, method):
    path = f"/v1/models/{which.format(model=target.model)}:{method}"
    body = {"inputs": target.columns, "examples": [{}]}

    response = target.predict(body, path)

    assert response.status_code == status
    assert re.search(error, response.json()["error"])


def test_broken_json_is_told_before_an_unknown_model(target):
    response = target.predict(b"{", "/v1/models/other:predict")

    assert response.status_code == 400
    assert "JSON Parse error" in response.json()["error"]


def test_both_forms_and_examples_give_the_same_numbers(target):
    columns = target.predict({"inputs": target.columns}).json()["outputs"]
    rows = target.predict({"instances": target.rows}).json()["predictions"]

    for index, row in enumerate(rows):
        assert row == {task: pytest.approx(column[index]) for task, column in columns.items()}


def test_gzip_body(target):
    body = gzip.compress(json.dumps({"inputs": target.columns}).encode())

    response = target.rest.post(
        f"/v1/models/{target.model}:predict", content=body, headers={"content-encoding": "gzip"}
    )

    assert response.status_code == 200, response.text


EXAMPLES = [{"item_id": "i1", "number_0": 3.5}, {"item_id": ["i2"], "other": 1}]


@pytest.mark.parametrize(
    "body",
    [
        {"examples": EXAMPLES},
        {"examples": EXAMPLES, "context": {"item_id": "i3"}},
        {"examples": [{}]},
    ],
    ids=["examples", "context", "empty example"],
)
def test_regress(target, body):
    response = target.predict(
        {"signature_name": "regress", **body}, f"/v1/models/{target.model}:regress"
    )

    assert response.status_code == 200, response.text
    results = response.json()["results"]
    assert len(results) == len(body["examples"])
    assert all(0 < value < 1 for value in results)


def test_classify(target):
    response = target.predict(
        {"signature_name": "classify", "examples": EXAMPLES},
        f"/v1/models/{target.model}:classify",
    )

    assert response.status_code == 200, response.text
    for row in response.json()["results"]:
        assert [label for label, _ in row] == ["0", "1"]
        assert sum(score for _, score in row) == pytest.approx(1)


NO_EXAMPLES = {
    "no examples": ({}, "key 'examples' is expected and was not found"),
    "examples that are no list": ({"examples": {}}, "'examples' value to be an list/array"),
    "an empty list": ({"examples": []}, "'examples' value is an empty array"),
    "an example that is no object": (
        {"examples": [1]},
        "Example must be JSON object but got JSON Number",
    ),
    "null": ({"examples": [{"a": None}]}, "Feature: a has element with unexpected JSON type: Null"),
    "a list in a list": ({"examples": [{"a": [[1]]}]}, "unexpected JSON type: Array"),
    "mixed types": (
        {"examples": [{"a": [1, "b"]}]},
        "Unexpected element type in feature: a expecting type: int64",
    ),
    "beyond int64": (
        {"examples": [{"a": 2**63}]},
        "Feature: a has uint64_t element. Only int64_t is supported.",
    ),
    "a type that the model does not take": ({"examples": [{"item_id": 1.5}]}, "."),
    "an unknown signature": (
        {"signature_name": "other", "examples": [{}]},
        "No signature was found with the name: other",
    ),
    "a signature of tensors": (
        {"signature_name": "serving_default", "examples": [{}]},
        "Expected one input Tensor.",
    ),
}


@pytest.mark.parametrize("method", ["classify", "regress"])
@pytest.mark.parametrize("case", NO_EXAMPLES)
def test_examples_are_refused(target, case, method):
    body, error = NO_EXAMPLES[case]

    response = target.predict(
        {"signature_name": method, **body}, f"/v1/models/{target.model}:{method}"
    )

    assert response.status_code == 400, response.text
    assert re.search(error, response.json()["error"])
