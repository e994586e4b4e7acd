"""Scores of a feature by the name that `ctrmoe rank --score` takes."""

from ctrmoe.ranking.scores.ami import AMI
from ctrmoe.ranking.scores.auc import AUC
from ctrmoe.ranking.scores.base import Score as Score
from ctrmoe.ranking.scores.corrected_mi import CorrectedMI as CorrectedMI
from ctrmoe.ranking.scores.max_value_coverage import MaxValueCoverage
from ctrmoe.ranking.scores.mi import MI
from ctrmoe.ranking.scores.pearson import Pearson
from ctrmoe.ranking.scores.spearman import Spearman

SCORES: dict[str, type[Score]] = {
    "ami": AMI,
    "auc": AUC,
    "corrected_mi": CorrectedMI,
    "max_value_coverage": MaxValueCoverage,
    "mi": MI,
    "pearson": Pearson,
    "spearman": Spearman,
}
