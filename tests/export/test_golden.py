import json
import shutil

import numpy as np
import pytest

from ctrmoe.export.golden import GOLDEN, GoldenRequest, worst_difference
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.session import served_session


@pytest.fixture
def lines(exported):
    return [json.loads(line) for line in (exported / GOLDEN).read_text().splitlines()]


def test_bodies_are_those_of_rest(lines, run):
    by_signature = {line["signature"]: line for line in lines}

    assert list(by_signature) == ["serving_default", "serve_examples"]
    raw = by_signature["serving_default"]
    assert raw["request"]["signature_name"] == "serving_default"
    assert set(raw["request"]["inputs"]) == set(run.schema.raw_inputs)
    assert set(raw["response"]["outputs"]) == {"click", "conversion"}
    assert np.shape(raw["response"]["outputs"]["click"]) == (8, 1)
    examples = by_signature["serve_examples"]["request"]["inputs"]["examples"]
    assert [list(example) for example in examples] == [["b64"]] * 8


def test_answers_are_given_again(exported):
    with served_session(exported) as answer:
        assert worst_difference(exported, answer) <= 1e-5


def test_another_answer_is_noticed(exported, lines, tmp_path):
    moved = tmp_path / "1"
    (moved / GOLDEN).parent.mkdir(parents=True)
    shutil.copy(exported / GOLDEN, moved / GOLDEN)
    lines[1]["response"]["outputs"]["conversion"][3][0] += 0.01
    (moved / GOLDEN).write_text("\n".join(map(json.dumps, lines)))

    with served_session(exported) as answer:
        assert worst_difference(moved, answer) == pytest.approx(0.01, abs=1e-5)


@pytest.mark.parametrize("task", ["click", "conversion"])
def test_answer_that_is_no_number_is_noticed(task):
    golden = GoldenRequest("serving_default", {}, {"click": [[0.5]], "conversion": [[0.5]]})
    answer = {"click": np.array([[0.5]]), "conversion": np.array([[0.5]])}

    assert golden.difference(answer) == 0
    assert np.isnan(golden.difference(answer | {task: np.array([[np.nan]])}))


def test_answers_of_two_requests_are_those_of_one_with_all_rows(exported, run):
    """What a server does that batches: every input has rows, no answer depends on the others."""
    with served_session(exported) as answer:
        for name, signature in answer.signatures.items():
            if name == "__saved_model_init_op":
                continue
            for tensor in signature.inputs.values():
                sizes = [dim.size for dim in tensor.tensor_shape.dim]
                assert sizes and sizes[0] == -1, name
        for name in ("serving_default", "serve_examples", "classify", "regress_conversion"):
            rows = sample_rows(run.encoder, 20, full=True)  # lists of one length can be merged
            parts = [request(name, part, run.schema) for part in (rows.head(3), rows.slice(3))]
            merged = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
            separate = [answer(name, part) for part in parts]
            for key, together in answer(name, merged).items():
                if together.dtype == np.float32:
                    apart = np.concatenate([part[key] for part in separate])
                    np.testing.assert_allclose(together, apart, atol=1e-6)
