import dataclasses

import numpy as np
import pytest

from ctrmoe.data.dataset import pack
from ctrmoe.explain import generated_features
from ctrmoe.explain.correlation import fisher_interval, multiple_correlation
from ctrmoe.schema import UNLABELLED


@pytest.fixture(scope="module")
def tokens(make_run, sample):
    """The generating tokens of the second embedding, and the generated ones."""
    model, inputs = make_run("fgcnn").model, pack(sample.encoded)
    first, second = (model.get_layer(name)(inputs) for name in ("embedding", "second_embedding"))
    out = model.get_layer("interaction")((first, second))
    return np.asarray(second), np.asarray(out)[:, first.shape[1] :]


def test_every_entry_with_every_label(make_run, sample, tokens):
    table, _ = generated_features(make_run("fgcnn"), sample)

    raw, generated = tokens
    # Nine fields pool to five, then to three; two maps each.
    assert generated.shape == (len(sample), 5 * 2 + 3 * 2, 4)
    assert table.height == 16 * 4 * 2
    names = [feature.name for feature in make_run("fgcnn").schema.features]
    for row in table.sample(20, seed=1).iter_rows(named=True):
        feature = row["feature"] - 1 + (10 if row["block"] == 2 else 0)
        entry = generated[:, feature, row["entry"] - 1]
        labels = sample.labels[row["task"]]
        assert row["correlation"] == pytest.approx(np.corrcoef(entry, labels)[0, 1], abs=1e-5)
        low, high = fisher_interval(np.array(row["correlation"]), len(labels))
        assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
        assert row["rows"] == len(labels)
        fields = [multiple_correlation(raw[:, i], entry[:, None])[0] for i in range(9)]
        order = np.argsort(fields)[::-1]
        for rank in (1, 2, 3):
            assert row[f"field_{rank}"] == names[order[rank - 1]]
            found = row[f"field_{rank}_correlation"]
            assert found == pytest.approx(fields[order[rank - 1]], abs=1e-4)


def test_the_strongest_come_first(make_run, sample):
    table, _ = generated_features(make_run("fgcnn"), sample)

    assert table["task"].to_list() == ["click"] * 64 + ["conversion"] * 64
    for _, rows in table.group_by("task"):
        strength = rows["correlation"].abs().to_list()
        assert strength == sorted(strength, reverse=True)
    assert (table["low"] < table["correlation"]).all()


def test_fields_of_features_are_means_over_the_entries(make_run, sample):
    table, fields = generated_features(make_run("fgcnn"), sample)

    assert fields.columns == ["block", "feature", "field", "correlation"]
    assert fields.height == 16 * 9
    assert fields["correlation"].is_between(0, 1).all()
    # A mean over the entries lies below the largest of them.
    own = table.filter(block=2, feature=6, task="click")
    mean = fields.filter(block=2, feature=6, field=own["field_1"][0])["correlation"].item()
    assert mean <= own["field_1_correlation"].max() + 1e-9


def test_rows_without_a_label_do_not_count(make_run, sample):
    labels = sample.labels["click"].copy()
    labels[:100] = UNLABELLED
    some = dataclasses.replace(sample, labels={"click": labels})

    table, _ = generated_features(make_run("fgcnn"), some)

    own, _ = generated_features(make_run("fgcnn"), sample.take(slice(100, None)))
    assert table["rows"].unique().to_list() == [50]
    expected = own.filter(task="click")["correlation"]
    np.testing.assert_allclose(table["correlation"], expected, atol=1e-6)


def test_models_that_generate_nothing(make_run, sample):
    assert generated_features(make_run("autoint"), sample) is None
    assert generated_features(make_run("fm"), sample) is None
