"""What the graded assignments share, under one name for their cells.

What is drawn for one student (`students`), the networks of assignment 2 (`architectures`),
comparisons (`compare`), marks (`marks`) and counts of what was done (`counting`). Scans and characters are in `helpers.assignments.data`, which needs
more and is imported by itself.
"""

from helpers.assignments.architectures import (
    FLATTEN,
    broken_summary,
    chain,
    computed,
    conv,
    dense,
    lost_layers,
    networks,
    pool,
    products,
)
from helpers.assignments.compare import agree
from helpers.assignments.counting import counted, counted_here
from helpers.assignments.marks import Marks, follows
from helpers.assignments.students import DRAWN_BY, Draws, mine, owner, package, same_id, truth

__all__ = [
    "DRAWN_BY",
    "FLATTEN",
    "Draws",
    "Marks",
    "agree",
    "broken_summary",
    "chain",
    "computed",
    "conv",
    "counted",
    "counted_here",
    "dense",
    "follows",
    "lost_layers",
    "mine",
    "networks",
    "owner",
    "package",
    "pool",
    "products",
    "same_id",
    "truth",
]
