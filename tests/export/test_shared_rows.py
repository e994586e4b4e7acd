"""Models whose rows have features in common, computed once."""

from pathlib import Path

import keras
import numpy as np
import pytest

from ctrmoe.config import Config
from ctrmoe.data.dataset import pack
from ctrmoe.data.encode import Encoder
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.shared_rows import with_shared_rows
from ctrmoe.layers import POOLINGS
from ctrmoe.layers.pooling.mean import MeanPooling
from ctrmoe.model import build_model
from ctrmoe.prediction import reads_domain

CONFIGS = Path(__file__).parents[2] / "pipelines" / "configs"
ROWS = 6
ITEM = ("item_id", "category", "number_0")


@pytest.fixture(scope="module")
def encoder(prepared) -> Encoder:
    return Encoder.load(prepared)


def build(encoder, name, *options):
    """A model of the fixture's features with random weights, biases included."""
    config = Config.load(CONFIGS / f"{name}.toml", ["data.prepared=x", *options])
    model = build_model(
        encoder.schema, config, fields=encoder.fields(), num_domains=encoder.num_domains
    )
    random = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(weight + random.normal(scale=0.1, size=weight.shape))
    return model


def rows_of(encoder, model, own, *, seed=0):
    """Packed rows that are alike in all features but those of a candidate."""
    rows = sample_rows(encoder, ROWS, seed)
    shared = [name for name in rows.columns if name not in own]
    rows = rows.with_columns(rows.select(shared)[[0] * ROWS])
    packed = pack(encoder.encode(rows), reads_domain(model))
    return {name: keras.ops.convert_to_tensor(matrix) for name, matrix in packed.items()}


def shared_of(encoder, own):
    return {feature.name for feature in encoder.schema.features} - set(own)


COMPOSED = "{compose='quotient_remainder', buckets=4}"
CASES = [
    *((name, []) for name in ("autoint", "deepfm", "infnet", "dlrm", "xdeepfm")),
    *((name, []) for name in ("star", "pepnet", "mmoe", "hinet", "adaptdhm")),
    *(("dnn", [f"model.pooling={{kind='{kind}'}}"]) for kind in POOLINGS),
    ("dnn", [f"model.embedding.features={{item_id={COMPOSED}, user_id={COMPOSED}}}"]),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_answers_are_those_of_full_rows(encoder, name, options):
    model = build(encoder, name, *options)
    short = with_shared_rows(model, shared_of(encoder, ITEM), domain=True)

    for seed in range(3):
        rows = rows_of(encoder, model, ITEM, seed=seed)
        expected, answer = model(rows, training=False), short(rows, training=False)
        for task, logits in expected.items():
            assert np.ptp(logits) > 0
            np.testing.assert_allclose(answer[task], logits, atol=2e-6, rtol=1e-5)


def test_answers_where_the_domain_or_a_sequence_varies(encoder):
    own = ("history", "placement")
    model = build(encoder, "pepnet", "model.pooling={kind='target_attention'}")
    short = with_shared_rows(model, shared_of(encoder, own), domain=False)

    rows = rows_of(encoder, model, own)

    for task, logits in model(rows, training=False).items():
        np.testing.assert_allclose(short(rows, training=False)[task], logits, atol=2e-6)


def test_pooling_without_a_candidate_runs_for_one_row(encoder, monkeypatch):
    sizes, call = [], MeanPooling.call
    model = build(encoder, "dnn", "model.pooling={kind='mean'}")
    short = with_shared_rows(model, shared_of(encoder, ITEM), domain=True)

    def recorded(self, sequence, *args, **kwargs):
        sizes.append(sequence.shape[0])
        return call(self, sequence, *args, **kwargs)

    monkeypatch.setattr(MeanPooling, "call", recorded)
    short(rows_of(encoder, model, ITEM), training=False)

    assert sizes == [1]


def test_variables_are_those_of_the_model(encoder):
    model = build(encoder, "autoint")

    short = with_shared_rows(model, shared_of(encoder, ITEM), domain=True)

    assert {id(v) for v in short.variables} == {id(v) for v in model.variables}


@pytest.mark.parametrize("options", [[], ["model.deep={units=[5], batch_normalization=true}"]])
@pytest.mark.parametrize(
    ("own", "count"),
    # Where one number varies, all numbers are embedded for every row.
    [(("item_id", "category"), 2), (ITEM, 5), (("history",), 1)],
)
def test_first_product_of_what_is_alike_is_of_one_row(encoder, monkeypatch, options, own, count):
    sizes, matmul = {}, keras.ops.matmul
    model = build(encoder, "dnn", "model.pooling={kind='self_attention'}", *options)
    short = with_shared_rows(model, shared_of(encoder, own), domain=True)
    rows = rows_of(encoder, model, own)
    expected = model(rows, training=False)

    def recorded(x, kernel):
        sizes[getattr(kernel, "name", "")] = tuple(x.shape)
        return matmul(x, kernel)

    monkeypatch.setattr(keras.ops, "matmul", recorded)
    answer = short(rows, training=False)

    width, tokens = 16, len(encoder.schema.features)
    assert sizes["kernel_each"] == (ROWS, count * width)
    assert sizes["kernel_once"] == (1, (tokens - count) * width)
    for task, logits in expected.items():
        np.testing.assert_allclose(answer[task], logits, atol=2e-6, rtol=1e-5)
    copies = {id(v): v for v in short.variables}
    for variable in model.variables:
        del copies[id(variable)]
    kernel = model.get_layer("deep").dense_layers[0].kernel
    assert sum(copy.shape[0] for copy in copies.values()) == kernel.shape[0]
