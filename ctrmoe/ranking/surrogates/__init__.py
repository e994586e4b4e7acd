"""Scores by a model of a sample of the rows, by the name that `ctrmoe rank --score` takes."""

from ctrmoe.ranking.surrogates.base import Surrogate as Surrogate
from ctrmoe.ranking.surrogates.lightgbm_gain import LightGBMGain as LightGBMGain
from ctrmoe.ranking.surrogates.surrogate import OneHotLogistic as OneHotLogistic

SURROGATES: dict[str, type[Surrogate]] = {
    "lightgbm_gain": LightGBMGain,
    "surrogate": OneHotLogistic,
}
