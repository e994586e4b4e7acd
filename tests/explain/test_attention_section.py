import numpy as np
import polars as pl
import pytest

from ctrmoe.explain.attention_section import attention_section


@pytest.fixture(scope="module")
def section(make_run, sample):
    return attention_section(make_run("autoint"), sample)


def test_strongest_weights_and_their_change_with_the_label(section):
    (shown,) = section.excerpts.values()
    means = section.tables["attention"].filter(pl.col("layer").is_null())

    def weights(task, label):
        chosen = means.filter(pl.col("domain").is_null(), pl.col("task").eq_missing(task))
        chosen = chosen.filter(pl.col("label").eq_missing(label))
        return {(q, k): w for q, k, w in chosen.select("query", "key", "weight").iter_rows()}

    whole, ones, zeros = weights(None, None), weights("click", 1), weights("click", 0)
    largest = sorted(whole.values(), reverse=True)[:25]
    np.testing.assert_allclose(shown["weight"], largest)
    np.testing.assert_allclose(shown["weight · n"], 9 * shown["weight"])
    pairs = list(shown.select("reads", "is read").iter_rows())
    np.testing.assert_allclose(shown["click: 1 less 0"], [ones[p] - zeros[p] for p in pairs])
    assert "conversion: 1 less 0" in shown.columns


def test_pictures_are_overall_by_head_and_by_domain(section):
    names = [plot.name for plot in section.plots]

    stem = "attention_fields_to_fields"
    assert names == [stem, f"{stem}_by_head", f"{stem}_by_domain"]
    assert section.plots[0].caption == "fields to fields: mean of 2 layers and 2 heads, 150 rows"


def test_a_model_that_does_not_attend(make_run, sample):
    assert attention_section(make_run("fm"), sample) is None
