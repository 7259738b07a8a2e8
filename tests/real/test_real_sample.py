"""06, 07, 13 and 14 on real scans: each runs once, says that its data is real, and titles of 07 hold.

What 05 says is read in test_real_titles.py.
"""

import re

import nbformat
import pytest
from notebook_tools import execute, lecture, text_of

TELL_TITLES = """from helpers import plots

show_quietly = plots.show


def show(fig, *arguments, **settings):
    texts = [fig._suptitle] + [axes.title for axes in fig.axes]
    words = [text.get_text() for text in texts if text is not None and text.get_text()]
    print("TITLE", " | ".join(words).replace("\\n", " "))
    show_quietly(fig, *arguments, **settings)


plots.show = show"""
"""The first cell of the copies that are run: titles are in pictures, which no test can read."""


def with_titles(path, target):
    """A copy of a notebook that prints the titles of its figures."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(TELL_TITLES))
    nbformat.write(notebook, target)
    return target


def titles_of(text):
    return [line.removeprefix("TITLE ") for line in text.splitlines() if line.startswith("TITLE")]


def one(pattern, text):
    """The groups of the only place where a pattern is found."""
    found = re.findall(pattern, text, re.MULTILINE)
    assert len(found) == 1, (pattern, found)
    return found[0]


def test_titles_of_07_say_what_its_numbers_say(real, tmp_path):
    copy = with_titles(lecture("07"), tmp_path / "07_titles.ipynb")
    text = text_of(execute(copy, tmp_path / "real.ipynb", real))
    assert re.search("^Data: real", text, re.MULTILINE)
    assert not re.search("^Data: simulated", text, re.MULTILINE)
    titles = "\n".join(titles_of(text))
    for title in titles.splitlines():
        assert "simulated" not in title or "recorded" in title, title

    # Nobody has recorded these writers, and no title speaks of any.
    assert "Nobody has recorded who wrote these scans" in text
    assert "writer" not in titles and "of a character's images" in titles

    errors, images = one(r"^CNN +[\d.]+ on test, (\d+) errors of ([\d,]+)", text)
    assert f"{errors} of {images} misread" in titles
    wrong, of = one(r"^second set [\d.]+: (\d+) errors of (\d+)", text)
    assert f"{wrong} of {of} misread" in titles

    before, after = (
        float(one(rf"^test at T = {t}: .*ECE ([\d.]+)", text)) for t in (r"1\.00", r"(?!1\.00)\S+")
    )
    share = int(one(r"^The ECE is (\d+)% of what it was", titles))
    assert share / 100 == pytest.approx(after / before, abs=0.03)

    named = "nearest neighbour, 10 % wrong: points above"
    _, _, rows = text.partition(named)
    gains = dict(re.findall(r"^  ([a-z ]+?) +([-+][\d.]+) \(", rows, re.MULTILINE)[:4])
    removed, random = one(
        r"suspects removed ([-+][\d.]+) points, as many at random ([-+][\d.]+)", titles
    )
    assert (removed, random) == (gains["suspects removed"], gains["random removed"])

    scores = {}
    for change, reader, values in re.findall(
        r"^(\w+) \([^)]+\) +(better CNN|CNN) +([\d. ]+)$", text, re.MULTILINE
    ):
        scores.setdefault(change, {})[reader] = [float(value) for value in values.split()]
    gaps = re.findall(
        r"^(\w+) \([^)]+\) +at \S+, better CNN minus CNN: ([-+][\d.]+), "
        r"between ([-+][\d.]+) and ([-+][\d.]+) \(95 %, by image\)$",
        text,
        re.MULTILINE,
    )
    assert len(scores) == len(gaps) == 4
    said = one(r"reads less than the CNN under (.*?); grey", titles).split(", ")
    for change, *ends in gaps:
        gap, low, high = map(float, ends)
        assert low <= gap <= high
        # A change is named where the interval of the paired difference excludes 0.
        assert high == 0 or (change in said) == (high < 0), change
        readers = scores[change]["CNN"], scores[change]["better CNN"]
        leads = [
            better - plain
            for plain, better in zip(*readers, strict=True)
            if better == min(readers[1])
        ]
        assert min(abs(gap - lead) for lead in leads) < 0.016, change
        assert change not in said or min(leads) < 0, change

    accuracy, correlation, recall = map(
        float,
        one(
            r"^Never reading them: accuracy ([-+][\d.]+) points, MCC ([-+][\d.]+), "
            r"macro recall ([-+]\d+)",
            titles,
        ),
    )
    # What the text says: of the rare classes only macro scores take notice.
    assert recall < -5 < min(accuracy, correlation)


@pytest.mark.parametrize("number", ["06", "13", "14"])
def test_real_sample(number, real, tmp_path):
    text = text_of(execute(lecture(number), tmp_path / "real.ipynb", real))
    assert re.search("^Data: real", text, re.MULTILINE)
    assert not re.search("^Data: simulated", text, re.MULTILINE)
    if number == "06":
        # One seed each, on a sixth of the scans: 45 and 52 % were left.
        errors = re.search(r"(\d+)% of the errors", text)
        assert int(errors.group(1)) <= 65
    if number == "13":
        assert "Nobody has recorded who wrote these scans" in text
        found = re.findall(r"(pixels|features) +(\d+)% of the five nearest are right", text)
        share = {name: int(percent) for name, percent in found}
        assert share["features"] > share["pixels"]
    if number == "14":
        assert "11 characters, writers not recorded" in text
        live = dict(
            re.findall(r"^  (HOG, logistic|pixels, logistic|by chance) +([\d.]+)$", text, re.M)
        )
        live = {way: float(value) for way, value in live.items()}
        assert live["HOG, logistic"] > live["pixels, logistic"] > live["by chance"]
