import dataclasses

import pytest

from ctrmoe.explain.generated_section import generated_section


@pytest.fixture(scope="module")
def section(make_run, sample):
    return generated_section(make_run("fgcnn"), sample)


def test_strongest_entries_of_each_task(section):
    table = section.tables["generated_features"]
    shown = section.excerpts["Entries with the strongest correlation with click"]

    first = table.filter(task="click").row(0, named=True)
    assert shown.height == 20
    assert shown["entry"][0] == f"{first['block']} · {first['feature']} · {first['entry']}"
    assert shown["correlation"][0] == first["correlation"]
    assert shown["field_1"][0] == first["field_1"]


def test_a_picture_of_each_task_and_of_the_fields(section):
    assert [plot.name for plot in section.plots] == [
        "generated_features_click",
        "generated_features_conversion",
        "generated_features_fields",
    ]


def test_nothing_without_labels_or_without_generated_features(make_run, sample):
    unlabelled = dataclasses.replace(sample, labels={})

    assert generated_section(make_run("fgcnn"), unlabelled) is None
    assert generated_section(make_run("fm"), sample) is None
