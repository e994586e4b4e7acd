from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.dataset import pack
from ctrmoe.data.encode import Encoder
from ctrmoe.model import build_model
from ctrmoe.prediction import reads_domain
from ctrmoe.schema import Schema


@pytest.fixture(scope="module")
def encoder(prepared):
    return Encoder.load(prepared)


def build(encoder, **model):
    return build_model(encoder.schema, Config.from_dict({"model": model}), fields=encoder.fields())


def rows(encoder, count=4, seed=0):
    random = np.random.default_rng(seed)
    return {
        name: random.integers(0, 5, (count, width)).astype(np.int32)
        if dtype == "int32"
        else random.normal(size=(count, width)).astype(np.float32)
        for name, (width, dtype) in encoder.schema.input_widths.items()
    }


def test_summary_reads_like_the_figure(encoder):
    model = build(encoder, interaction={"kind": "autoint", "key_dim": 4})

    lines = []
    model.summary(print_fn=lines.append, line_length=120)

    text = "\n".join(lines)
    positions = [text.index(name) for name in ("embedding", "interaction", "click_tower")]
    assert positions == sorted(positions)
    assert model.get_layer("embedding").output.shape == (None, 9, 16)
    assert model.get_layer("interaction").output.shape == (None, 9, 8)
    assert {task: logit.shape for task, logit in model.output.items()} == {
        "click": (None,),
        "conversion": (None,),
    }


CONFIGS = sorted(Path(__file__).parent.parent.glob("pipelines/configs/*.toml"))


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def named(request, encoder):
    """The model of a named config."""
    return build_model(
        encoder.schema,
        Config.load(request.param),
        fields=encoder.fields(),
        num_domains=encoder.num_domains,
    )


def rows_for(model, encoder, count=6):
    """Rows of the matrices that a model reads, of domains known, unknown and missing."""
    batch = rows(encoder, count)
    if reads_domain(model):
        batch["domain"] = 1 + np.arange(count, dtype=np.int32)[:, None] % 5
    return batch


def test_named_config_predicts_each_row_by_itself(named, encoder):
    batch = rows_for(named, encoder)
    named(batch, training=True)  # what training keeps of its batches must not matter either

    whole = {task: np.asarray(logit) for task, logit in named(batch).items()}

    assert set(whole) == {"click", "conversion"}
    for row in range(6):
        alone = named({name: matrix[row : row + 1] for name, matrix in batch.items()})
        for task, logits in whole.items():
            assert np.isfinite(logits).all() and logits.shape == (6,)
            np.testing.assert_allclose(alone[task][0], logits[row], atol=2e-6)


def test_named_config_reads_rows_of_padding(named, encoder):
    batch = rows_for(named, encoder)

    logits = named({**batch, "sequences": np.zeros_like(batch["sequences"])})

    assert all(np.isfinite(logit).all() for logit in logits.values())


def test_named_config_learns_from_every_input(named, encoder):
    batch = rows_for(named, encoder, 128)
    for column in range(batch["values"].shape[1]):
        batch["values"][column, column] = np.nan  # the vector of a missing number learns too

    with tf.GradientTape() as tape:
        total = sum(tf.reduce_sum(logit**2) for logit in named(batch, training=True).values())
    gradients = tape.gradient(total, [weight.value for weight in named.trainable_weights])

    for weight, gradient in zip(named.trainable_weights, gradients, strict=True):
        total = np.asarray(tf.convert_to_tensor(gradient))
        assert np.isfinite(total).all() and np.abs(total).max() > 0, weight.path


def test_fm_adds_the_products_of_all_pairs(encoder):
    model = build(encoder, fm=True, wide=True)
    batch = rows(encoder)
    names = ["embedding", "click_linear", "conversion_linear"]
    tokens, *linear = (
        np.asarray(keras.Model(model.inputs, model.get_layer(name).output)(batch)) for name in names
    )

    pairs = [(tokens[:, i] * tokens[:, j]).sum(-1) for j in range(9) for i in range(j)]

    for logit, term in zip(model(batch).values(), linear, strict=True):
        np.testing.assert_allclose(logit, term + sum(pairs), rtol=1e-4, atol=1e-6)


def test_classifier_stands_between_interaction_and_towers(encoder):
    model = build(
        encoder,
        interaction={"kind": "fgcnn", "filters": [3], "kernel_size": 3},
        classifier={"kind": "ipnn", "units": [5]},
    )

    assert model.get_layer("classifier").output.shape == (None, 5)
    assert model.get_layer("click_tower").count_params() == 6


def test_second_embedding_has_tables_of_its_own(encoder):
    options = {"interaction": {"kind": "fgcnn", "filters": [3], "kernel_size": 3}}

    model = build(encoder, second_embedding=True, **options)

    first, second = (model.get_layer(name) for name in ("embedding", "second_embedding"))
    assert first.count_params() == second.count_params() > 0
    tokens = keras.Model(model.inputs, first.output)(rows(encoder))
    hidden = keras.Model(model.inputs, model.get_layer("interaction").output)(rows(encoder))
    np.testing.assert_array_equal(hidden[:, :9], tokens)
    second.tables[0].table.assign(second.tables[0].table + 1.0)
    changed = keras.Model(model.inputs, model.get_layer("interaction").output)(rows(encoder))
    np.testing.assert_array_equal(changed[:, :9], tokens)
    assert np.abs(np.asarray(changed - hidden)[:, 9:]).max() > 0


@pytest.mark.parametrize("parts", [{}, {"deep": {"units": [3]}}])
def test_chained_task_is_a_product(encoder, parts):
    options = {"interaction": {"kind": "autoint"}, **parts}
    plain = build(encoder, **options)
    batch = rows(encoder)

    chained = build(encoder, **options, chains={"conversion": "click"})

    chained.set_weights(plain.get_weights())
    sigmoid = {task: 1 / (1 + np.exp(-np.asarray(z))) for task, z in plain(batch).items()}
    expected = sigmoid["click"] * sigmoid["conversion"]
    answer = chained(batch)
    np.testing.assert_allclose(1 / (1 + np.exp(-answer["conversion"])), expected, rtol=1e-5)
    np.testing.assert_allclose(answer["click"], plain(batch)["click"], rtol=1e-6)
    assert list(answer) == ["click", "conversion"]


def test_each_task_reads_its_own_token(encoder):
    model = build(encoder, interaction={"kind": "infnet", "num_blocks": 1})

    assert model.get_layer("infnet").output.shape == (None, 2, 16)
    assert model.get_layer("click_tower").count_params() == 17


def test_interaction_that_reads_sequences_gets_them_unpooled(encoder):
    model = build(encoder, interaction={"kind": "infnet", "num_blocks": 1})

    masks, sequences, tokens = (x.shape for x in model.get_layer("embedding").output)
    assert (masks, sequences, tokens) == ((None, 5), (None, 5, 16), (None, 8, 16))


def test_terms_add_up(encoder):
    """The logit is the sum of tower, deep and wide, each of which can be cut out."""
    model = build(encoder, wide=True, deep={"units": [3]}, interaction={"kind": "autoint"})
    batch = rows(encoder)

    names = ["click_tower", "click_deep_tower", "click_linear"]
    parts = keras.Model(model.inputs, [model.get_layer(name).output for name in names])(batch)

    np.testing.assert_allclose(sum(np.asarray(p) for p in parts), model(batch)["click"], rtol=1e-5)


def test_wide_alone_is_logistic_regression(encoder):
    model = build(encoder, wide=True)

    ids = sum(
        field["vocabulary_size"]
        for field in encoder.fields()
        if field["kind"] != "numeric" and not field["table"]
    )
    numbers = sum(field["kind"] == "numeric" for field in encoder.fields())
    # Two tasks; a number has a weight and one for being missing.
    assert model.count_params() == 2 * (ids + 2 * numbers)


def test_same_seed_gives_the_same_weights(encoder):
    first, second = (build(encoder, interaction={"kind": "autoint"}) for _ in range(2))

    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_prediction_of_a_row_is_its_own(encoder):
    model = build(encoder, interaction={"kind": "autoint"}, deep={"units": [4]}, wide=True)
    batch = rows(encoder, 6)

    whole = model(batch)["click"]
    alone = model({name: matrix[2:3] for name, matrix in batch.items()})["click"]

    np.testing.assert_allclose(alone[0], whole[2], atol=1e-6)


def test_dimension_of_one_feature(encoder):
    model = build(encoder, embedding={"dim": 4, "dims": {"user_id": 2}})

    assert model.get_layer("embedding").output.shape == (None, 9, 4)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"embedding": {"dims": {"absent": 2}}}, "`embedding.dims` must name features"),
        ({"interaction": {"kind": "autoin"}}, "Did you mean 'autoint'"),
        ({"interaction": {}, "deep": {"unit": [1]}}, "unit"),
        ({"interaction": {"kind": "autoint", "num_heads": 0}}, "`num_heads` must be"),
        ({"classifier": {"kind": "ipn", "units": [4]}}, "Did you mean 'ipnn'"),
        ({"classifier": {"units": [4]}}, "`kind` must be one of"),
        ({"pooling": {"kind": "meen"}}, "Did you mean 'mean'"),
        ({"second_embedding": True}, "`second_embedding` must be false"),
        ({"chains": {"buy": "click"}}, "`chains` must lead from task to task of click"),
        ({"chains": {"click": "buy"}}, "in no circle. Received: chains={'click': 'buy'}"),
        ({"chains": {"click": "conversion", "conversion": "click"}}, "in no circle"),
        ({"chains": {"click": "click"}}, "in no circle"),
        ({"pooling": {"units": [4]}}, "`kind` must be one of"),
    ],
)
def test_part_that_cannot_be_built(encoder, model, message):
    with pytest.raises(ConfigError, match=message):
        build(encoder, **model)


def test_dlrm_keeps_the_token_of_all_numbers_beside_the_products(encoder):
    batch = rows(encoder)
    model = build(
        encoder,
        embedding={"numeric": {"kind": "bottom_mlp", "units": [4]}},
        interaction={"kind": "dot_product"},
        pooling={"kind": "mean"},
    )
    embedding = model.get_layer("embedding")
    pooled, entries = keras.Model(
        model.inputs, [model.get_layer(name).output for name in ("tokens", "interaction")]
    )(batch)

    tokens = embedding(batch)["tokens"]
    names = embedding.token_names
    numeric = [field.name for field in encoder.schema.values]
    (place,) = [i for i, name in enumerate(names) if name in numeric]
    count = pooled.shape[1]
    assert tokens.shape[1] < count == len(encoder.schema.features) - len(numeric) + 1
    assert entries.shape[1:] == (1, 16 + count * (count - 1) // 2)
    np.testing.assert_array_equal(entries[:, 0, :16], tokens[:, place])


def test_dlrm_without_numbers():
    schema = Schema.from_dict(
        {
            "name": "two",
            "tasks": [{"name": "click"}],
            "features": [{"name": name, "kind": "categorical"} for name in ("a", "b")],
        }
    )
    fields = [{"name": name, "kind": "categorical", "vocabulary_size": 5} for name in ("a", "b")]
    path = next(path for path in CONFIGS if path.stem == "dlrm")

    model = build_model(schema, Config.load(path), fields=fields)

    assert model.get_layer("interaction").output.shape == (None, 1, 1)
    assert np.isfinite(model({"ids": np.array([[3, 4]], "int32")})["click"]).all()


def test_categoricals_share_a_table_by_the_schema():
    features = [
        {"name": "home", "kind": "categorical"},
        {"name": "work", "kind": "categorical", "vocabulary": "home"},
    ]
    schema = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": features})
    encoder = Encoder.fit(schema, pl.DataFrame({"home": ["a", "b"], "work": ["b", "c"]}))
    embedding = build(encoder, embedding={"dim": 4}).get_layer("embedding")

    home, work = embedding(pack(encoder.encode(pl.DataFrame({"home": ["c"], "work": ["c"]}))))[0]

    np.testing.assert_array_equal(home, work)
    assert embedding.count_params() == (3 + 3) * 4
