import keras
import numpy as np
import pytest

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.layers import Field
from ctrmoe.model_tokens import create_embedding, join_tokens, layer_name


@pytest.fixture(scope="module")
def encoder(prepared):
    return Encoder.load(prepared)


def tokens_of(encoder, kind, pool=False):
    """The tokens as a model of the packed matrices, and what is given apart."""
    config = Config.from_dict({"model": {"pooling": {"kind": kind}}}).model
    inputs = {
        name: keras.Input((width,), dtype=dtype, name=name)
        for name, (width, dtype) in encoder.schema.input_widths.items()
    }
    embedding = create_embedding([Field(**f) for f in encoder.fields()], config, pool=pool)
    tokens, apart = join_tokens(embedding, config, inputs)
    return keras.Model(inputs, tokens), apart


def rows(encoder, count=4):
    random = np.random.default_rng(0)
    return {
        name: random.integers(1, 5, (count, width)).astype(dtype)
        for name, (width, dtype) in encoder.schema.input_widths.items()
    }


@pytest.mark.parametrize("kind", ["mean", "self_attention", "target_attention"])
def test_sequence_is_pooled_to_the_last_token(encoder, kind):
    model, apart = tokens_of(encoder, kind)
    batch = rows(encoder)

    whole = np.asarray(model(batch))
    padded = np.asarray(model({**batch, "sequences": np.zeros_like(batch["sequences"])}))

    assert whole.shape == (4, len(encoder.schema.features), 16)
    assert np.isfinite(whole).all() and np.isfinite(padded).all()
    assert np.abs(whole - padded)[:, -1].max() > 0
    assert apart["tokens"].shape == (None, len(encoder.schema.features) - 1, 16)
    assert [list.shape[1:] for list in apart["sequences"]] == [(5, 16)]
    assert [mask.shape[1:] for mask in apart["sequences_mask"]] == [(5,)]


def test_pooled_by_the_embedding_nothing_is_apart(encoder):
    model, apart = tokens_of(encoder, "mean", pool=True)

    assert model.output.shape == (None, len(encoder.schema.features), 16)
    assert list(apart) == ["tokens"]


def test_candidate_of_target_attention_is_the_feature_with_the_same_vocabulary(encoder):
    model, _ = tokens_of(encoder, "target_attention")
    batch = rows(encoder)
    names = [f["name"] for f in encoder.fields() if f["kind"] == "categorical"]

    def change(name):
        ids = batch["ids"].copy()
        ids[:, names.index(name)] = 6 - ids[:, names.index(name)]
        return np.asarray(model({**batch, "ids": ids}))[:, -1]

    before = np.asarray(model(batch))[:, -1]
    assert np.abs(change("item_id") - before).max() > 0
    np.testing.assert_array_equal(change("user_id"), before)


@pytest.mark.parametrize("pool", [True, False])
def test_unknown_pooling_is_refused_whatever_the_data(encoder, pool):
    with pytest.raises(ValueError, match="Did you mean 'mean'"):
        tokens_of(encoder, "meen", pool)


@pytest.mark.parametrize(
    ("name", "expected"), [("item_id", "item_id"), ("a b/ü", "a_b"), ("-", "unnamed")]
)
def test_layer_name_holds_what_tensorflow_takes(name, expected):
    assert layer_name(name) == expected
