"""What grading one submission comes to: marks, and what they rest on."""

from dataclasses import dataclass, field

GRADED, PERSON, FAILED = "graded", "needs a person", "grader failed"


@dataclass
class Cell:
    """The marks of one graded cell; `score` is None if a person must give them."""

    points: float
    score: float | None = None
    by_hand: bool = False
    message: str = ""
    """Why points are missing, as the teacher may see it."""
    hidden: bool = False
    """The message comes from a hidden test."""
    missed: list = field(default_factory=list)
    """What the test says is wrong, in words of the source."""
    doubt: str = ""
    """Why the missing points do not count before a person has looked: no answer was
    compared and was wrong. A sentence without its subject, the cell."""


@dataclass
class Outcome:
    """What grading one submission came to."""

    status: str = GRADED
    reasons: list = field(default_factory=list)
    """Sentences for the teacher: why a person must look, or what was unusual."""
    private: list = field(default_factory=list)
    """Those of the reasons that quote what the student's code says: not for the student,
    since it could quote what hidden tests have handed to it."""
    all_doubtful: bool = False
    """A reason concerns all marks, not only those of cells with a doubt."""
    again: bool = False
    """A point was lost to time, memory or a crash: to be graded once more, alone."""
    cells: dict = field(default_factory=dict)
    """{grade_id: Cell}"""
    outputs: dict = field(default_factory=dict)
    """{place of the student's cell: its outputs}"""
    told: set = field(default_factory=set)
    """Places of cells that ran after a hidden test had called functions of the student:
    their outputs could hold what it has handed to these."""
    problems: dict = field(default_factory=dict)
    """{place of the student's cell: why it did not run, a sentence}"""

    @property
    def score(self):
        return sum(cell.score or 0 for cell in self.cells.values())

    def note(self, reason):
        if reason not in self.reasons:
            self.reasons.append(reason)

    def needs_person(self, reason, private=False):
        """A reason that concerns all marks."""
        self.status, self.all_doubtful = PERSON, True
        self.note(reason)
        if private:
            self.private.append(reason)


class GraderFailed(Exception):
    """Something that is not the submission's fault; it gets no marks, not even 0."""
