import pytest

from ctrmoe.ranking.surrogates import SURROGATES
from ctrmoe.ranking.surrogates.build import build_score, name_of
from ctrmoe.schema import SchemaError


def test_scores_are_built_by_name():
    assert build_score("auc") == "auc"
    for name in SURROGATES:
        assert name_of(build_score(name, rows=50)) == name
        assert build_score(name, rows=50).rows == 50
    assert build_score("surrogate", reference=["a"]).reference == ("a",)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("surogate", {}, "`score` must be one of ami, .*surrogate. .* Did you mean `surrogate`"),
        ("auc", {"reference": ["a"]}, "must be left out where the score is not surrogate"),
        ("lightgbm_gain", {"projection": 9}, "must be left out where the score is not surrogate"),
        ("mi", {"rows": 500}, "must be left out where the score is none by a model.*rows=500"),
        ("lightgbm_gain", {"repeats": 1}, "`repeats` must be at least 2"),
        ("surrogate", {"rows": 0}, "`rows` must be at least 10. Received: rows=0"),
    ],
)
def test_options_that_do_not_fit(name, options, message):
    with pytest.raises(SchemaError, match=message):
        build_score(name, **options)
