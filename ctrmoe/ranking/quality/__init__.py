"""What is wrong with a table: `ctrmoe check`."""

from ctrmoe.ranking.quality.check import check as check
from ctrmoe.ranking.quality.checks import CHECKS as CHECKS
from ctrmoe.ranking.quality.finding import Finding as Finding
from ctrmoe.ranking.quality.report import QualityReport as QualityReport
