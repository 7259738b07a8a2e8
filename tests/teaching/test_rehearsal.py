"""The class to rehearse with comes out as the page for teachers says."""

import csv

import grading_toy as toy
import nbformat
import pytest
from support import ROOT, skip_or_fail

from helpers.__main__ import main
from helpers.files import CourseError
from helpers.teaching.grading import sandbox

toy.require_nbgrader()


def test_rehearsal(tmp_path):
    from helpers.teaching.grading import rehearsal

    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    folder = tmp_path / "rehearsal"
    rehearsal.write(folder)
    with pytest.raises(CourseError, match="is there already"):
        rehearsal.write(folder)
    words = ["grade", str(folder / "submitted"), "--out", str(folder / "results")]
    assert main([*words, "--course", str(folder / "course")]) == 1
    with (folder / "results" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = {line["student"]: line for line in csv.DictReader(file)}
    statuses = {student: line["status"] for student, line in lines.items()}
    person = "needs a person"
    assert statuses == {
        **{"right": "graded", "half": "graded", "empty": "graded"},
        **{"broken": person, "hostile": person},
    }
    assert lines["right"]["score"] == "32" and lines["right"]["to_mark_by_hand"] == "3"
    assert 0 < float(lines["half"]["score"]) < 32 and lines["empty"]["score"] == "0"
    assert "could not be read: line" in lines["broken"]["reasons"]
    for reason in ("says student = 'right'", "this cell ended Python"):
        assert reason in lines["hostile"]["reasons"]
    name = rehearsal.ASSIGNMENT
    seen = folder / "course" / "autograded" / "hostile" / name / f"{name}.ipynb"
    shown = str([cell.get("outputs") for cell in nbformat.read(seen, 4).cells])
    assert shown.count("No such file or directory") == 3 and "root:" not in shown
    page = (ROOT / "notebooks" / "assignments" / "grading.md").read_text("utf-8")
    assert all(f"| {student} |" in page for student in lines)
