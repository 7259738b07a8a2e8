"""The titles of 05, read on the real sample and on simulated handwriting: each is true.

What they say is computed again here, from the files, in other ways than the notebook's.
"""

import json
import re

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell
from notebook_tools import execute, lecture, text_of
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold

from helpers import handwriting
from helpers.images import class_folders, image_files

READ = """
import json

shown = plots.show


def show(fig, *arguments, **options):
    titles = [fig.get_suptitle(), *(axes.get_title() for axes in fig.axes)]
    print("TITLES", json.dumps([title for title in titles if title]))
    return shown(fig, *arguments, **options)


plots.show = show
"""
"""A cell that makes every figure say its titles."""


class Part:
    """One half of a data set, read file by file: images, sizes, labels, writers."""

    def __init__(self, data, folder):
        classes = class_folders(folder)
        self.files = [
            (label, place / file)
            for label, place in enumerate(classes.values())
            for file in image_files(place)
        ]
        self.y = np.array([label for label, _ in self.files])
        self.names = list(classes)
        pages = [Image.open(path).convert("L") for _, path in self.files]
        self.height, self.width = np.array([page.size[::-1] for page in pages]).T
        self.X = np.stack([page.resize((60, 80), Image.Resampling.LANCZOS) for page in pages])
        names = [f"{path.parent.name}/{path.name}" for _, path in self.files]
        self.writers = data.writers(folder, names)
        ink = gaussian_filter(255.0 - self.X.astype("float32"), (0, 4, 4))[:, ::4, ::4]
        self.blurred = unit(ink.reshape(len(ink), -1))


def unit(rows):
    """Rows of length 1: their products are cosines."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def near(A, B, k, own=False):
    """For each row of A the numbers of the k rows of B that are most like it."""
    likeness = A @ B.T
    if own:  # an image is not its own neighbour
        np.fill_diagonal(likeness, -1)
    return np.argsort(-likeness, axis=1, kind="stable")[:, :k]


def voted(labels):
    """The most frequent label of each row, the lowest where several are."""
    return np.array([np.bincount(row).argmax() for row in labels])


def error(values, groups):
    """The standard error of a mean by the jackknife: leave out one group at a time."""
    values = np.asarray(values, float)
    groups = np.arange(len(values)) if groups is None else groups
    kinds = np.unique(groups)
    sums, sizes = np.array([(values[groups == g].sum(), (groups == g).sum()) for g in kinds]).T
    means = (values.sum() - sums) / (len(values) - sizes)
    return np.sqrt((len(kinds) - 1) / len(kinds) * ((means - means.mean()) ** 2).sum())


@pytest.fixture(scope="module", params=["real", "simulated"])
def seen(request, tmp_path_factory):
    """(all titles, data, Train, Test) of notebook 05 on one kind of handwriting."""
    environment = request.getfixturevalue(request.param)
    notebook = nbformat.read(lecture("05"), as_version=4)
    (first,) = (n for n, cell in enumerate(notebook.cells) if "plots.use_style()" in cell.source)
    notebook.cells.insert(first + 1, new_code_cell(READ))
    folder = tmp_path_factory.mktemp("titles")
    nbformat.write(notebook, folder / "05.ipynb")
    text = text_of(execute(folder / "05.ipynb", folder / "out.ipynb", environment))
    assert re.findall("^Data: (real|simulated)", text, re.M) == [request.param]
    titles = [t for line in re.findall("^TITLES (.*)", text, re.M) for t in json.loads(line)]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COURSE_CASIA", "COURSE_DATA", "COURSE_CACHE"):
            if name in environment:
                patch.setenv(name, str(environment[name]))
            else:
                patch.delenv(name, raising=False)
        data = handwriting.get()
        assert data.real == (request.param == "real")
        yield titles, data, Part(data, data.train), Part(data, data.test)


def said(titles, pattern, label=None):
    """The groups of the only title that matches; it says which data it is about."""
    found = [(re.search(pattern, title), title) for title in titles]
    ((match, title),) = [(match, title) for match, title in found if match]
    assert label is None or label in title
    return match.groups()


def test_titles_of_counts_and_sizes(seen):
    titles, data, train, test = seen
    counts = np.bincount(train.y)
    few, of = said(titles, r"less than half the median: (\d+) of (\d+)", data.label)
    assert (int(few), int(of)) == (sum(counts < np.median(counts) / 2), len(counts))
    (taller,) = said(titles, r"(\d+)% are taller than wide", data.label)
    assert int(taller) == pytest.approx(100 * np.mean(train.height > train.width), abs=0.51)
    for side, values in (("height", train.height), ("width", train.width)):
        (median,) = said(titles, rf"^{side}: median (\d+) pixels")
        assert int(median) == pytest.approx(np.median(values), abs=0.51)
    (changed,) = said(titles, r"(\d+)% change their proportions", data.label)
    stretch = train.height / train.width * 60 / 80
    outside = (stretch > 1.25) | (stretch < 0.8)
    assert int(changed) == pytest.approx(100 * outside.mean(), abs=0.51)


def test_titles_about_writers(seen):
    titles, data, train, test = seen
    known = train.writers is not None
    assert known != data.real  # the sample's folders do not say who wrote
    noun, unit_of = ("writers", "by writer") if known else ("characters", "by image")
    groups = train.writers if known else train.y
    between, kind, total = said(
        titles, r"heights in Train: (\d+) pixels between (\w+), (\d+) in all", data.label
    )
    means = [train.height[groups == g].mean() for g in np.unique(groups)]
    assert kind == noun
    assert int(between) == pytest.approx(np.std(means, ddof=1), abs=0.51)
    assert int(total) == pytest.approx(np.std(train.height, ddof=1), abs=0.51)
    gap, wide, by = said(
        titles, r"Test minus Train: ([+-][\d.]+) ± ([\d.]+) pixels (by \w+)", data.label
    )
    assert by == unit_of
    assert float(gap) == pytest.approx(test.height.mean() - train.height.mean(), abs=0.051)
    errors = error(train.height, train.writers), error(test.height, test.writers)
    assert float(wide) == pytest.approx(2 * np.hypot(*errors), rel=0.1)
    name, rest = said(
        titles, r"^(.)( twice by each of| by \d+ writers|, writers not recorded)", data.label
    )
    assert name in train.names and ("not recorded" in rest) != known


def test_titles_about_splits(seen):
    titles, data, train, test = seen
    n = len(train.y)
    val, part = np.split(np.random.default_rng(seed=1).permutation(n), [round(0.2 * n)])
    B = train.blurred
    validated = train.y[part][near(B[val], B[part], 1)[:, 0]] == train.y[val]
    tested = train.y[part][near(test.blurred, B[part], 1)[:, 0]] == test.y
    gap, wide, by = said(
        titles, r"validation minus test: ([+-]\d+) ± (\d+) points (by \w+)", data.label
    )
    assert by == ("by image" if data.real else "by writer")
    assert int(gap) == pytest.approx(100 * (validated.mean() - tested.mean()), abs=0.8)
    hands = (None, None) if data.real else (train.writers[val], test.writers)
    errors = error(validated, hands[0]), error(tested, hands[1])
    assert int(wide) == pytest.approx(200 * np.hypot(*errors), rel=0.1, abs=0.8)

    def folded(cv, k):
        right = np.empty(n, bool)
        hands = train.writers if isinstance(cv, GroupKFold) else None
        for one, other in cv.split(B, groups=hands):
            read = voted(train.y[one][near(B[other], B[one], k)])
            right[other] = read == train.y[other]
        return right.mean()

    random, by_writer, gain, wide = said(
        titles,
        r"Random chooses k = (\d+)(?:, by writer (\d+): ([+-][\d.]+) ± ([\d.]+))?",
        data.label,
    )
    ks = (1, 9)
    scores = {k: folded(KFold(5, shuffle=True, random_state=1), k) for k in ks}
    assert scores[int(random)] > max(scores.values()) - 0.002
    assert (by_writer is None) == data.real
    if by_writer:
        scores = {k: folded(GroupKFold(5, shuffle=True, random_state=1), k) for k in ks}
        assert scores[int(by_writer)] > max(scores.values()) - 0.002
        reads = [
            voted(train.y[near(test.blurred, B, int(k))]) == test.y for k in (by_writer, random)
        ]
        difference = 100.0 * (reads[0].astype(int) - reads[1])
        assert float(gain) == pytest.approx(difference.mean(), abs=0.3)
        assert float(wide) == pytest.approx(2 * error(difference, test.writers), rel=0.1, abs=0.1)


def test_title_about_a_careless_reduction(seen):
    titles, data, train, _ = seen
    n = len(train.y)
    if data.real:
        val, part = np.split(np.random.default_rng(seed=1).permutation(n), [round(0.2 * n)])
    else:
        cut = GroupShuffleSplit(1, test_size=0.2, random_state=1)
        part, val = next(cut.split(train.y, groups=train.writers))
    ink = 255 - train.X.astype("float32")
    rows = [
        ink[:, 2::4, 2::4],
        np.mean([ink[:, r::4, c::4] for r in range(4) for c in range(4)], 0),
    ]
    rights = []
    for one in rows:
        one = unit(one.reshape(n, -1))
        rights.append(voted(train.y[part][near(one[val], one[part], 5)]) == train.y[val])
    difference = 100.0 * (rights[0].astype(int) - rights[1])
    lost, wide = said(titles, r"NEAREST against the mean: ([+-]\d+) ± (\d+) points", data.label)
    assert int(lost) == pytest.approx(difference.mean(), abs=0.8)
    hands = None if data.real else train.writers[val]
    assert int(wide) == pytest.approx(2 * error(difference, hands), rel=0.1, abs=0.6)


def test_titles_about_trouble(seen):
    titles, data, train, test = seen
    n = len(train.y)
    parts = np.full(n + len(test.y), "test")
    parts[:n] = "train"
    parts[np.random.default_rng(seed=1).permutation(n)[: round(0.2 * n)]] = "val"
    every = np.concatenate([train.X, test.X]).reshape(len(parts), -1)
    _, kind = np.unique(every, axis=0, return_inverse=True)
    copies = [parts[kind == k] for k in np.flatnonzero(np.bincount(kind) > 1)]
    more, across = said(titles, r"Copies: (\d+), across parts: (\d+)", data.label)
    assert (int(more), int(across)) == (len(copies), sum(len({*c}) > 1 for c in copies))
    ink = np.sort((train.X < 230).mean(axis=(1, 2)))
    few, share = said(titles, r"Less than 2 % ink: (\d+); the next has ([\d.]+)%", data.label)
    assert int(few) == sum(ink < 0.02)
    assert float(share) == pytest.approx(100 * ink[ink >= 0.02].min(), abs=0.051)
    doubted, of = said(titles, r"agree on another label: (\d+) of ([\d,]+)", data.label)
    labels = train.y[near(train.blurred, train.blurred, 5, own=True)]
    agree = (labels == labels[:, :1]).all(axis=1) & (labels[:, 0] != train.y)
    assert int(of.replace(",", "")) == n
    assert int(doubted) == pytest.approx(agree.sum(), abs=0.1 * agree.sum() + 1)


def test_every_title_with_a_number_is_read(seen):
    """A finding that nobody reads may be false: each title is known here."""
    titles, data, *_ = seen
    known = (
        r"^Classes with less|taller than wide|median \d+ pixels|^S\.d\. of heights|^Mean height"
        r"|change their proportions|^Random validation|^Random chooses|^NEAREST"
        r"|^Copies: |^Less than 2 %|^All five neighbours| twice by each|^. by \d+ writers"
        r"|^One image of each class|^56 random training images|^Three splits of made-up data"
        # below: what panels and single pictures are called
        r"|^(Train|Test): \d+ (writers|characters)$|^\d+ x \d+$|^width x [\d.]+$"
        r"|^(validation|test)\n(equal|\d+ off)$|^one of 16$|^[\d.]+%$|^label .\nread .$"
    )
    strange = [t for t in titles if re.search(r"\d", t) and not re.search(known, t)]
    assert strange == []
