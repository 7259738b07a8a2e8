"""What the graded assignments share, under one name for their cells.

Data that differ per student (`students`, `architectures`) and comparisons
(`compare`). Scans and characters are in `helpers.assignments.data`, which needs
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
from helpers.assignments.compare import agree, best_seconds, loop_seconds
from helpers.assignments.students import Draws, owner, same_id

__all__ = [
    "FLATTEN",
    "Draws",
    "agree",
    "best_seconds",
    "broken_summary",
    "computed",
    "conv",
    "dense",
    "loop_seconds",
    "lost_layers",
    "networks",
    "owner",
    "pool",
    "same_id",
]
