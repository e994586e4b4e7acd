"""Scores raw tables in batch: one output file for each input file, rows in the same order."""

from ctrmoe.scoring.score import ScoreSummary, score

__all__ = ["ScoreSummary", "score"]
