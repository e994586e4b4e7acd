"""P6: a run that starts from another keeps what that has learned, under new ids."""

import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.data.growth import grown
from ctrmoe.data.prepare import prepare
from ctrmoe.run import Run
from ctrmoe.schema import Schema
from ctrmoe.scorer import Scorer
from ctrmoe.training import train
from ctrmoe.training.warm_start import warm_start

SCHEMA = Schema.from_dict(
    {
        "name": "s",
        "domain": "place",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [
            {"name": "item", "kind": "categorical"},
            {"name": "user", "kind": "categorical", "oov_buckets": 3},
            {"name": "price", "kind": "numeric"},
            {"name": "history", "kind": "sequence", "max_length": 3, "vocabulary": "item"},
            {"name": "item x user", "kind": "categorical", "cross": ["item", "user"]},
        ],
    }
)
NETWORKS = {
    "towers": {"towers": "domain", "tower": {"units": [4]}},
    "star": {
        "domain_normalization": True,
        "router": {"kind": "domain"},
        "experts": {"kind": "product", "units": [4]},
        "towers": "experts",
        "auxiliary": {"units": [3]},
    },
    "adaptdhm": {
        "router": {"kind": "cluster"},
        "experts": {"kind": "product", "num_experts": 3, "units": [4]},
        "towers": "experts",
    },
    "cgc": {"domain_network": {"kind": "ple", "units": [4], "num_levels": 1}},
    "pepnet": {"domain_network": {"kind": "pepnet", "units": [4]}},
    "adasparse": {"domain_network": {"kind": "adasparse", "units": [4]}},
    "m2m": {"domain_network": {"kind": "m2m", "units": [4]}},
    "mmoe": {
        "router": {"kind": "per_domain"},
        "experts": {"kind": "feed_forward", "num_experts": 2, "units": [4]},
        "mixture": {"by_task": True},
    },
    "sarnet": {"domain_network": {"kind": "sarnet", "units": [4]}},
}
# Not HiNet, M3oE and PLE of several levels: what they read of other domains changes as one comes.


def table(items, places, rows=300, seed=0):
    random = np.random.default_rng(seed)
    item = random.integers(len(items), size=rows)
    return pl.DataFrame(
        {
            "item": [items[i] for i in item],
            "user": random.integers(9, size=rows),
            "price": random.normal(size=rows),
            "history": [[items[j] for j in random.integers(len(items), size=2)] for _ in item],
            "place": [places[i] for i in random.integers(len(places), size=rows)],
            "click": (random.random(rows) < 0.2 + 0.6 * (item % 2)).astype(np.int8),
            "buy": (random.random(rows) < 0.5).astype(np.int8),
        }
    )


def config(prepared, model, **train_options):
    return Config.from_dict(
        {
            "data": {"prepared": str(prepared)},
            "model": {"embedding": {"dim": 3}, **model},
            "train": {"epochs": 2, "batch_size": 50, "learning_rate": 0.02, **train_options},
        }
    )


def grown_run(config, old, folder):
    encoder = Encoder.load(config.data.prepared)
    return Run.create(folder, config, grown(encoder, old.encoder))


OLD = (["a", "b", "c", "d"], ["app", "web"])
NEW = (["x", "d", "a", "y", "z"], ["tv", "web"])  # other values come first, some are gone


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm")
    for name, values in (("old", OLD), ("new", NEW)):
        prepare(SCHEMA, table(*values), valid=table(*values, 80, 1), out=folder / name)
    return folder


@pytest.mark.parametrize("network", NETWORKS)
def test_warm_start_keeps_predictions_of_old_values_and_domains(network, folders, tmp_path):
    old = train(config(folders / "old", NETWORKS[network]), tmp_path / "old")
    rows = pl.concat([table(*OLD, 60, 5), table(["new one"], ["web"], 3, 6)]).drop("click", "buy")
    before = Scorer.load(old.folder).score(rows)

    again = config(folders / "new", NETWORKS[network], warm_start=str(old.folder), epochs=1)
    run = grown_run(again, old, tmp_path / "grown")
    model = run.build_model()
    warm_start(run, model, old)
    model.save(run.folder / "model.keras")

    after = Scorer.load(run.folder).score(rows)
    assert run.encoder.num_domains == 4  # tv, web, app and the unknown one
    # Weights are equal to the bit; rows that are grouped by domain in another order are added up in
    # another order, too.
    np.testing.assert_allclose(after.to_numpy(), before.to_numpy(), atol=1e-7)
    # A domain that is new is served as an unknown one until it has been trained.
    tv, nowhere = (
        Scorer.load(run.folder).score(rows.with_columns(place=pl.lit(place)))
        for place in ("tv", "nowhere")
    )
    np.testing.assert_allclose(tv.to_numpy(), nowhere.to_numpy(), atol=1e-6)


def test_training_goes_on_from_the_old_run(folders, tmp_path):
    old = train(config(folders / "old", NETWORKS["towers"]), tmp_path / "old")
    options = config(
        folders / "new", NETWORKS["towers"], warm_start=str(old.folder), learning_rate=1e-9
    )

    run = train(options, tmp_path / "grown")

    rows = table(*OLD, 40, 5).drop("click", "buy")
    expected = Scorer.load(old.folder).score(rows)
    np.testing.assert_allclose(Scorer.load(run.folder).score(rows), expected, atol=1e-5)
    assert "c" in run.encoder.vocabularies["item"].values.to_list()


def test_more_experts_keep_the_old_ones(folders, tmp_path):
    experts = {"kind": "feed_forward", "num_experts": 2, "units": [4]}
    old = train(config(folders / "old", {"experts": experts}, epochs=1), tmp_path / "old")
    more = config(
        folders / "new", {"experts": {**experts, "num_experts": 3}}, warm_start=str(old.folder)
    )
    run = grown_run(more, old, tmp_path / "grown")
    model = run.build_model()
    drawn = np.array(model.get_layer("mixture").experts.kernels[0][2])

    warm_start(run, model, old)

    bank, before = (m.get_layer("mixture").experts for m in (model, old.model))
    np.testing.assert_array_equal(bank.kernels[0][:2], before.kernels[0])
    np.testing.assert_array_equal(bank.kernels[0][2], drawn)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"experts": {"kind": "feed_forward", "num_experts": 2, "units": [3]}},
            r"weight `mixture/.*` must be at least as large as in the old run, \(2, 15, 4\)",
        ),
        (
            {"experts": {"kind": "feed_forward", "num_experts": 2, "units": [4, 4]}},
            "layer `mixture` must have as many weights as in the old run, 3. Received: 5",
        ),
        (
            {
                "embedding": {
                    "dim": 3,
                    "features": {"item": {"compose": "quotient_remainder", "buckets": 3}},
                }
            },
            "Received: `compose` for feature 'item'",
        ),
    ],
)
def test_what_does_not_fit_is_named(model, message, folders, tmp_path):
    experts = {"kind": "feed_forward", "num_experts": 2, "units": [4]}
    old = train(config(folders / "old", {"experts": experts}, epochs=1), tmp_path / "old")
    other = config(folders / "new", {"experts": experts, **model}, warm_start=str(old.folder))

    with pytest.raises(ConfigError, match=message):
        train(other, tmp_path / "grown")

    assert not (tmp_path / "grown").exists()
