"""Which features are worth keeping."""

from ctrmoe.ranking.combinations.rank_combinations import (
    rank_combinations as rank_combinations,
)
from ctrmoe.ranking.contingency_table import ContingencyTable as ContingencyTable
from ctrmoe.ranking.page import ranking_page as ranking_page
from ctrmoe.ranking.presence import with_presence as with_presence
from ctrmoe.ranking.rank import rank as rank
from ctrmoe.ranking.rank import rank_tables as rank_tables
from ctrmoe.ranking.ranker import Ranker as Ranker
from ctrmoe.ranking.ranking import write_tables as write_tables
from ctrmoe.ranking.selection import select as select
from ctrmoe.ranking.selection import write_selection as write_selection
