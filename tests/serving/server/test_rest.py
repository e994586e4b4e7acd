import numpy as np
import pytest


def test_predict_in_columns(rest, columns, expected):
    response = rest.post("/v1/models/clicks:predict", json={"inputs": columns})

    assert response.status_code == 200, response.text
    outputs = response.json()["outputs"]
    assert set(outputs) == set(expected)
    for task, column in outputs.items():
        np.testing.assert_allclose(np.ravel(column), expected[task], atol=1e-6)


def test_predict_in_rows(rest, columns, expected):
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    response = rest.post("/v1/models/clicks:predict", json={"instances": rows})

    assert response.status_code == 200, response.text
    for index, row in enumerate(response.json()["predictions"]):
        assert {task: pytest.approx([expected[task][index]], abs=1e-6) for task in expected} == row


def test_status(rest):
    (version,) = rest.get("/v1/models/clicks").json()["model_version_status"]

    ok = {"error_code": "OK", "error_message": ""}
    assert version == {"version": "1", "state": "AVAILABLE", "status": ok}


def test_metadata(rest, columns):
    document = rest.get("/v1/models/clicks/metadata").json()

    assert document["model_spec"] == {"name": "clicks", "signature_name": "", "version": "1"}
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert set(signature["inputs"]) == set(columns)
    assert signature["method_name"] == "tensorflow/serving/predict"
