"""One row of what the candidates share, and a row for each candidate."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.config import ConfigError
from ctrmoe.export import ExportOptions, export
from ctrmoe.export.golden import GOLDEN
from ctrmoe.export.manifest import read_manifest
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.session import served_session
from ctrmoe.export.shared_rows import with_shared_rows
from ctrmoe.scorer import Scorer

OWN = ("item_id", "category", "number_0")
SIGNATURE = "serve_candidates"


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    options = ExportOptions(candidates=OWN, batch_buckets=(1, 4))
    return export(run, tmp_path_factory.mktemp("models") / "clicks", options)


@pytest.fixture(scope="module")
def session(folder):
    with served_session(folder) as session:
        yield session


@pytest.fixture(scope="module")
def shared(folder) -> list[str]:
    return read_manifest(folder)["shared_columns"]


def test_answers_are_those_of_full_rows(run, session, shared):
    for seed in range(3):
        rows = sample_rows(run.encoder, 40, seed=seed)
        full = rows.with_columns(rows.select(shared)[[0] * 40])
        expected = Scorer.load(run.folder).score(full)

        answer = session(SIGNATURE, request(SIGNATURE, rows, run.schema, shared))

        for task in run.tasks:
            assert answer[task].shape == (40, 1)
            np.testing.assert_allclose(
                answer[task][:, 0], expected[f"{task}_probability"], atol=1e-6
            )


def test_merged_requests_of_one_candidate_are_rows_of_their_own(run, session, shared):
    """A server that batches merges them: as many rows of shared columns as candidates."""
    rows = sample_rows(run.encoder, 20, full=True)
    inputs = request("serving_default", rows, run.schema)

    merged, alone = session(SIGNATURE, inputs), session("serving_default", inputs)

    np.testing.assert_allclose(merged["click"], alone["click"], atol=1e-6)
    assert np.ptp(merged["click"]) > 0


def test_number_of_shared_rows_that_fits_neither(run, session, shared):
    inputs = request(SIGNATURE, sample_rows(run.encoder, 20, full=True), run.schema, shared)
    inputs |= {name: np.repeat(inputs[name], 3, axis=0) for name in shared}

    with pytest.raises(
        tf.errors.InvalidArgumentError, match="[Ii]ncompatible shapes|[Dd]imensions"
    ):
        session(SIGNATURE, inputs)


def test_no_candidates_no_answers(run, session, shared):
    inputs = request(SIGNATURE, sample_rows(run.encoder, 2, full=True), run.schema, shared)
    inputs |= {name: inputs[name][:0] for name in OWN}

    assert session(SIGNATURE, inputs)["click"].shape == (0, 1)


def test_manifest_and_golden_requests_know_the_columns(folder, shared):
    manifest = read_manifest(folder)
    golden = [json.loads(line) for line in (folder / GOLDEN).read_text().splitlines()]

    assert manifest["candidate_columns"] == list(OWN)
    assert SIGNATURE in manifest["signatures"]
    assert not set(shared) & set(OWN)
    inputs = next(line for line in golden if line["signature"] == SIGNATURE)["request"]["inputs"]
    assert {name for name, rows in inputs.items() if len(rows) == 1} == set(shared)


def test_unknown_column(run, tmp_path):
    with pytest.raises(ConfigError, match="must name served columns. Received: 'itme_id'"):
        export(run, tmp_path / "clicks", ExportOptions(candidates=["itme_id"]))
    assert not list(tmp_path.rglob("*"))


def test_answers_that_differ_are_not_exported(run, tmp_path, monkeypatch):
    """The first row of a feature that varies: the self-check must notice."""

    def wrong(model, features, **options):
        return with_shared_rows(model, {*features, "item_id"}, **options)

    monkeypatch.setattr("ctrmoe.export.serving_module.with_shared_rows", wrong)

    with pytest.raises(RuntimeError, match=re.escape("must agree with the Keras model to 1e-05")):
        export(run, tmp_path / "clicks", ExportOptions(candidates=OWN, batch_buckets=[1]))
    assert list((tmp_path / "clicks").iterdir()) == []
