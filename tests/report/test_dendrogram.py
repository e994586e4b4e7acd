import numpy as np
from pages import Page
from scipy.cluster.hierarchy import linkage

from ctrmoe.report.dendrogram import dendrogram


def test_leaves_that_join_early_are_neighbours():
    tree = linkage(np.array([0.9, 0.1, 0.8]), "average")  # a-b, a-<c>, b-<c>

    page = Page(dendrogram(tree, ["a", "b", "<c>"], "distance"))

    names = [a["title"] for a in page.all("li")]
    assert names in (["b", "a", "<c>"], ["a", "<c>", "b"], ["b", "<c>", "a"], ["<c>", "a", "b"])
    branches = page.all("line", "branch")
    assert len(branches) == 6
    assert branches[0]["x2"] == "10.00%"  # a and <c> join at 0.1
    assert branches[4]["x1"] == branches[4]["x2"] == "85.00%"  # b and both at (0.9 + 0.8) / 2
    assert page.texts[-1] == "distance"


def test_branches_end_at_the_middle_of_their_lines():
    page = Page(dendrogram(linkage(np.array([0.5]), "average"), ["a", "b"], "distance"))

    assert [(a["y1"], a["y2"]) for a in page.all("line", "branch")] == [
        ("11.0", "11.0"), ("11.0", "33.0"), ("33.0", "33.0")
    ]  # fmt: skip
