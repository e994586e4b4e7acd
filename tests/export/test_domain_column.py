"""The domain of a served model: a column of its own, or one that is a feature too."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.export import export
from ctrmoe.export.raw_graph import served_schema
from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.schema import Schema, SchemaError
from ctrmoe.scorer import Scorer
from ctrmoe.training import train

ITEM = {"name": "item", "kind": "categorical"}
CASES = {
    "text": ([ITEM], ["app", "web", "a b/ç"], ["unseen", None]),
    "number": ([ITEM], [7, -3, 2**40], [8, None]),
    "text that is a feature": (
        [{"name": "place", "kind": "categorical"}, ITEM],
        ["app", "web", "a b/ç"],
        ["unseen", None],
    ),
    "number that is a numeric feature": (
        [{"name": "place", "kind": "numeric", "transform": "standard"}, ITEM],
        [7, -3, 1000],
        [8, None],
    ),
}


def table(domains, rows=400, seed=0):
    random = np.random.default_rng(seed)
    place = random.integers(len(domains), size=rows)
    return pl.DataFrame(
        {
            "place": pl.Series([domains[index] for index in place]),
            "item": random.integers(4, size=rows),
            "click": (random.random(rows) < 0.2 + 0.3 * place).astype(np.int8),
        }
    )


@pytest.fixture(scope="module", params=CASES)
def served(request, tmp_path_factory):
    """The run and its export, rows of known domains, and rows of others."""
    folder = tmp_path_factory.mktemp("domain")
    features, known, others = CASES[request.param]
    tasks = [{"name": "click"}]
    schema = {"name": "s", "domain": "place", "tasks": tasks, "features": features}
    prepare(Schema.from_dict(schema), table(known), valid=table(known, 80, 1), out=folder / "p")
    model = {"embedding": {"dim": 2}, "towers": "domain", "domain_dropout": 0.2}
    config = {
        "data": {"prepared": str(folder / "p")},
        "model": model,
        "train": {"batch_size": 50, "epochs": 4, "learning_rate": 0.05},
    }
    run = train(Config.from_dict(config), folder / "run")
    rows = table(known, 12, 2).drop("click")
    strange = pl.Series("place", others * 6, rows["place"].dtype)
    return run, export(run, folder / "m"), rows, rows.with_columns(strange)


def test_every_signature_reads_the_domain(served):
    run, folder, known, others = served
    signatures = tf.saved_model.load(str(folder)).signatures
    schema = served_schema(run.encoder, reads_domain=True)

    for rows in (known, others):
        expected = Scorer.load(run.folder).score(rows)["click_probability"].to_numpy()
        examples = tf.constant(serialize_examples(rows, schema))
        raw = signatures["serving_default"](**raw_tensors(rows, schema))["click"][:, 0]
        parsed = signatures["serve_examples"](examples=examples)["click"][:, 0]
        scored = Scorer.load(folder).score(rows)["click_probability"]
        for answer in (raw, parsed, scored):
            np.testing.assert_allclose(answer, expected, atol=1e-6)
        assert ((expected > 0.02) & (expected < 0.98)).all()


def test_missing_and_unseen_domains_fall_back_to_one_part(served):
    run, _, known, others = served
    if any(feature.name == "place" for feature in run.schema.features):
        pytest.skip("as a feature the domain moves the prediction besides")
    scorer = Scorer.load(run.folder)

    def answer(place):
        rows = known.head(1).with_columns(pl.Series("place", [place], known["place"].dtype))
        return scorer.score(rows)["click_probability"][0]

    fallback = {answer(place) for place in others["place"].unique().to_list()}
    own = {answer(place) for place in known["place"].unique().to_list()}
    assert len(fallback) == 1 and len(own) == 3
    assert fallback.isdisjoint(own)


def test_domain_must_be_a_column_of_what_is_scored(served):
    run, _, known, _ = served

    with pytest.raises(SchemaError, match="Column `place` is missing in"):
        Scorer.load(run.folder).score(known.drop("place"))
