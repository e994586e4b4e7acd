import json

import numpy as np
import pytest

from ctrmoe.serving.client import ClientOptions, ServingError
from ctrmoe.serving.client.json_form import answer_of, body, check, model_path, parsed
from ctrmoe.serving.client.signature import Signature

SIGNATURE = Signature("serving_default", (), ("click",))


def test_path_names_version_or_label_and_quotes():
    assert model_path("a/b", ClientOptions()) == "/v1/models/a%2Fb"
    assert model_path("ctr", ClientOptions(version=3)) == "/v1/models/ctr/versions/3"
    assert model_path("ctr", ClientOptions(label="stable")) == "/v1/models/ctr/labels/stable"


def test_body_has_columns_and_spells_what_is_missing():
    arrays = {
        'odd "name"': np.array([["ü"], [""]], object),
        "hour": np.array([[1], [-(2**63)]]),
        "price": np.array([[0.1], [np.nan]], np.float32),
        "size": np.array([[0.1], [np.inf]], np.float32),
    }

    read = json.loads(body("serving_default", arrays))

    assert read["signature_name"] == "serving_default"
    assert read["inputs"]['odd "name"'] == [["ü"], [""]]
    assert read["inputs"]["hour"] == [[1], [-(2**63)]]
    assert np.isnan(read["inputs"]["price"][1][0])
    np.testing.assert_array_equal(np.float32(read["inputs"]["size"]), arrays["size"])


def test_answer_has_its_outputs_with_and_without_name():
    named = answer_of(b'{"outputs": {"click": [[0.25], [0.5]]}}', SIGNATURE)
    alone = answer_of(b'{"outputs": [[0.25], [0.5]]}', SIGNATURE)

    for answer in (named, alone):
        assert answer.outputs["click"].tolist() == [[0.25], [0.5]]


def test_not_a_number_of_an_answer_is_read():
    assert np.isnan(answer_of(b'{"outputs": [[NaN]]}', SIGNATURE).outputs["click"]).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "must be JSON"),
        (b"[1]", "must be an object"),
        (b'{"predictions": []}', r"must hold outputs\. Received: b'\{\"predictions"),
    ],
)
def test_answer_of_something_else_is_an_error(content, message):
    with pytest.raises(ServingError, match=message):
        answer_of(content, SIGNATURE)


def test_errors_have_the_servers_text_and_say_what_may_pass():
    with pytest.raises(ServingError, match="^NOT_FOUND: Servable not found") as unknown:
        parsed(404, b'{"error": "Servable not found for request: Latest(x)"}')
    with pytest.raises(ServingError, match="^UNAVAILABLE: HTTP 503") as busy:
        check(503, b"")
    with pytest.raises(ServingError, match="^INVALID_ARGUMENT: <p>bad") as bad:
        check(400, b"<p>bad")

    assert not unknown.value.is_passing
    assert busy.value.is_passing
    assert bad.value.is_mismatch
