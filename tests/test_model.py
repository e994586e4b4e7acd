import keras
import numpy as np
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.model import build_model


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


@pytest.mark.parametrize("config", ["autoint", "autoint_plus"])
def test_named_config_builds_and_predicts(encoder, repository, config):
    path = repository / "pipelines" / "configs" / f"{config}.toml"

    model = build_model(encoder.schema, Config.load(path), fields=encoder.fields())

    logits = model(rows(encoder))
    assert all(np.isfinite(logit).all() and logit.shape == (4,) for logit in logits.values())


def test_every_named_config_is_tested(repository):
    folder = repository / "pipelines" / "configs"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert found == {"autoint.toml", "autoint_plus.toml"}


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
    ],
)
def test_part_that_cannot_be_built(encoder, model, message):
    with pytest.raises(ConfigError, match=message):
        build(encoder, **model)
