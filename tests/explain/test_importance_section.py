import io

from PIL import Image

from ctrmoe.explain import permutation_importance, read_sample
from ctrmoe.explain.importance_section import importance_section


def test_every_feature_is_shown_for_every_task(make_run, sample):
    run = make_run("fm")

    section = importance_section(run, sample, repeats=2, seed=4, features=None)

    table = permutation_importance(run, sample, repeats=2, seed=4)
    assert section.tables["importance"].equals(table)
    for task in run.tasks:
        shown = section.excerpts[f"All features, {task}"]
        assert shown["feature"].to_list() == table.filter(task=task)["feature"].to_list()
        assert shown["auc_drop_low"].to_list() == table.filter(task=task)["auc_drop_low"].to_list()
    assert [plot.name for plot in section.plots] == ["importance_click", "importance_conversion"]
    assert section.text[-1] == "Mean of 2 permutations of each feature."


def test_one_class_leaves_the_auc_out_of_the_picture(make_run, test_rows):
    sample = read_sample(make_run("fm"), test_rows.filter(click=1), rows=100)

    section = importance_section(
        make_run("fm"), sample, repeats=1, seed=0, features=["tags", "item_id"]
    )

    click, conversion = (Image.open(io.BytesIO(plot.png)).width for plot in section.plots)
    assert click < 0.7 * conversion


def test_nothing_without_repeats(make_run, sample):
    assert importance_section(make_run("fm"), sample, repeats=0, seed=0, features=None) is None
