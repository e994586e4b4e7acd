import pytest

from ctrmoe.ranking.counted_scores import counted_scores
from ctrmoe.ranking.scores import SCORES
from ctrmoe.schema import SchemaError


def test_every_score_is_there_with_the_null_asked_for():
    scores = counted_scores("analytic", 0, 3)

    assert {name: type(score) for name, score in scores.items()} == SCORES
    assert scores["corrected_mi"].null == "analytic"
    assert counted_scores("shift", 4, 3)["corrected_mi"].null == "permutation"


@pytest.mark.parametrize(
    ("null", "repeats", "message"),
    [
        ("shft", 0, "`null` must be one of permutation, analytic, shift. .* mean `shift`"),
        ("permutation", 1, "`repeats` must be 0, or at least 2. Received: repeats=1"),
    ],
)
def test_null_that_there_is_not(null, repeats, message):
    with pytest.raises(SchemaError, match=message):
        counted_scores(null, repeats, 0)
