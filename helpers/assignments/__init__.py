"""What the graded assignments share, under one name for their cells.

Data that differ per student (`students`, `architectures`), comparisons (`compare`) and
counts of what was done (`counting`). Scans and characters are in `helpers.assignments.data`, which needs
more and is imported by itself.
"""

from helpers.assignments.architectures import (
    FLATTEN,
    broken_summary,
    computed,
    conv,
    dense,
    lost_layers,
    networks,
    pool,
)
from helpers.assignments.compare import agree
from helpers.assignments.counting import counted, counted_here
from helpers.assignments.students import Draws, owner, same_id

__all__ = [
    "FLATTEN",
    "Draws",
    "agree",
    "broken_summary",
    "computed",
    "conv",
    "counted",
    "counted_here",
    "dense",
    "lost_layers",
    "networks",
    "owner",
    "pool",
    "same_id",
]
