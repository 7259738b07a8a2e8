"""Checks of notebook 07, error analysis."""

import csv
import json

import numpy as np
from PIL import Image

from helpers.exercises.answers import call, exercise, network, numbers, shown
from helpers.files import CourseError
from helpers.handwriting import simulator
from helpers.handwriting.dataset import planted_flaws
from helpers.images import load_folder


@exercise("07.1")
def _which_epoch(answer, mixed):
    if not isinstance(answer, str):
        raise CourseError(f"give three letters such as 'CBA', not {shown(answer)}")
    letters = answer.upper().replace(" ", "").replace(",", "")
    if sorted(letters) != ["A", "B", "C"]:
        raise CourseError(f"give each of the letters A to C once, not {shown(answer)}")
    wanted = "".join("ABC"[mixed.index(epoch)] for epoch in sorted(mixed))
    if letters == wanted[::-1]:
        return "the shortest training comes first"
    if letters != wanted:
        hits = sum(a == b for a, b in zip(letters, wanted, strict=True))
        return f"{hits} of 3 are right: compare the last bar of each, where confidence is near 1"


def _two_readers(seed):
    """(first, second, writers): 24 writers with different numbers of images, one skilled.

    What is hard for one reader is hard for the other, and writers differ a lot.
    """
    random = np.random.default_rng(seed)
    writers = np.repeat(np.arange(24) * 7 + 3, random.integers(8, 60, 24))
    skill = np.repeat(random.normal(0.4, 1.0, 24), np.bincount(writers)[np.unique(writers)])
    gain = np.repeat(random.normal(0.5, 0.4, 24), np.bincount(writers)[np.unique(writers)])
    luck = random.normal(size=len(writers))
    order = random.permutation(len(writers))
    return (skill + luck > 0)[order], (skill + gain + luck > 0)[order], writers[order]


def _ends(values, groups, own=False):
    """[lowest, highest] mean of `values` without one of the groups, or of its `own`."""
    kept = [(groups == one) == own for one in np.unique(groups)]
    means = [values[k].mean() for k in kept]
    return np.array([min(means), max(means)])


@exercise("07.2")
def _without_one(without_one):
    for seed in (207, 208):
        first, second, writers = _two_readers(seed)
        gain = second.astype(float) - first
        result = call(without_one, first, second, writers)
        ends = numbers(result, (2,), "two numbers, (lowest, highest)")
        wanted, each = _ends(gain, writers), np.arange(len(gain))
        by_writer = np.array([gain[writers == one].mean() for one in np.unique(writers)])
        likely = {
            "take the second minus the first": -wanted[::-1],
            "the lowest comes first": wanted[::-1],
            "take the second minus the first, the lowest before the highest": -wanted,
            "leave out whole writers, not single images": _ends(gain, each),
            "those are the differences of single writers: average over all the others": _ends(
                gain, writers, own=True
            ),
            "average over images: a writer with more of them counts more": _ends(
                by_writer, np.arange(len(by_writer))
            ),
            "that is the accuracy of the second: subtract that of the first": _ends(
                second.astype(float), writers
            ),
            "give shares, not per cent": 100 * wanted,
        }
        if np.allclose(ends, wanted, atol=1e-6):
            continue
        for reason, values in likely.items():
            if np.allclose(ends, values, atol=1e-6):
                return reason
        low, high = ends
        return (
            f"it gave {low:.4f} to {high:.4f}, where leaving out one writer at a time gives "
            f"{wanted[0]:.4f} to {wanted[1]:.4f}"
        )


@exercise("07.3")
def _equal_size_error(equal_size_error):
    random = np.random.default_rng(73)
    confidence = 1 - random.exponential(0.25, 103).clip(0, 0.95)
    correct = random.random(103) < 0.75  # too sure at the top, too modest below
    for bins in (10, 4):
        order = confidence.argsort(kind="stable")
        parts = np.array_split(order, bins)
        gaps = np.array([confidence[p].mean() - correct[p].mean() for p in parts])
        sizes = np.array([len(p) for p in parts]) / len(order)
        wanted = np.abs(gaps) @ sizes
        place = np.clip((confidence * bins).astype(int), 0, bins - 1)
        difference = confidence - correct
        wide = np.abs(np.bincount(place, weights=difference)).sum() / len(order)
        result = call(equal_size_error, confidence, correct, bins)
        value = numbers(result, (), "one number")
        if np.isclose(value, wanted, atol=1e-4):
            continue
        if np.isclose(value, wide, atol=1e-4):
            return "those are bins of equal width: cut the sorted images into equal numbers"
        if np.isclose(abs(value), abs(gaps @ sizes), atol=1e-4):
            return "a gap above and one below do not cancel: take absolute gaps"
        unsorted = np.array_split(np.arange(len(order)), bins)
        mixed = sum(abs((confidence[p] - correct[p]).sum()) for p in unsorted) / len(order)
        if np.isclose(value, mixed, atol=1e-4):
            return "sort by confidence before you cut"
        return f"with {bins} bins it gave {value:.4f}, not {wanted:.4f}"


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@exercise("07.4")
def _with_temperature(answer, model, T, X):
    answer = network(answer, X.shape[1:])
    before = [np.asarray(w) for w in model.get_weights()]
    got = np.asarray(answer.predict(X, verbose=0))
    logits = np.asarray(model.predict(X, verbose=0))
    if got.shape != logits.shape:
        return f"it predicts the shape {got.shape}, not {logits.shape}"
    if np.allclose(got, _softmax(logits / T), atol=1e-4):
        kept = [w for w in answer.get_weights() if np.size(w) > 1]
        if not all(any(np.array_equal(w, v) for v in kept) for w in before if np.size(w) > 1):
            return "the layers of the given network should be in it, with their weights"
        return None
    if np.allclose(got, _softmax(logits), atol=1e-4):
        return "those are probabilities at T = 1: divide the logits"
    if np.allclose(got, logits / T, atol=1e-3):
        return "those are scaled logits: softmax comes last"
    if np.allclose(got, _softmax(logits * T), atol=1e-4):
        return "divide the logits by T: it multiplies them"
    if np.allclose(got, _softmax(_softmax(logits) / T), atol=1e-4):
        return "divide before softmax, not after it"
    return "its outputs are not softmax(logits / T)"


LEAST_DECIDED, MOST_MISTAKES, LEAST_RELABELLED = 32, 3, 8


def _written(data):
    """{path: the character that was written, "" on a blank scan} of simulated handwriting;
    {} where nobody has noted how it was drawn."""
    about, labels = data.folder / "about.json", data.folder / "labels.csv"
    if not about.is_file():
        return {}
    drawn = json.loads(about.read_text(encoding="utf-8"))
    folder_of = {}
    if labels.is_file():  # where folders cannot have the characters' names
        with labels.open(encoding="utf-8", newline="") as file:
            folder_of = {row["character"]: row["folder"] for row in csv.DictReader(file)}
    jobs, _ = simulator.plan(simulator.SIZES[drawn["size"]], drawn["seed"])
    return {
        f"{part}/{folder_of.get(label, label)}/{number}.png": character or ""
        for _, images in jobs
        for (part, label, number), character, _ in images
    }


def _mistakes(table, flaws, written):
    """({kind of mistake: how many decisions}, wrong labels that have got the right one).

    flaws: {path: flaw}. To delete a wrong label is no mistake, and a duplicate may be kept
    or deleted: its label is right.
    """
    sound, kept, wrong, right = 0, 0, 0, 0
    for row in table.itertuples():
        flaw = flaws.get(row.file)
        bad = flaw in ("wrong label", "blank")
        if row.decision == "keep":
            kept += bad
        elif row.decision == "delete":
            sound += flaw is None
        elif not bad:
            sound += 1
        elif flaw == "blank" or written.get(row.file, row.new_label) != row.new_label:
            wrong += 1
        else:
            right += 1
    mistakes = {
        "keep what is only ugly: several images that you would change are sound": sound,
        "look again at what you would keep: several images are blank or have a wrong label": kept,
        "look again at the new labels: several are not what was written": wrong,
    }
    return mistakes, right


@exercise("07.5")
def _decide(answer, data):
    """Without counts: decision by decision, they would say which images are flawed."""
    columns = ["file", "label", "decision", "new_label"]
    if list(getattr(answer, "columns", ())) != columns:
        raise CourseError(f"give `edits.table`, the table of your decisions, not {shown(answer)}")
    table = answer.drop_duplicates("file", keep="last")
    if len(table) < LEAST_DECIDED:
        return f"{len(table)} decisions so far: make {LEAST_DECIDED} at least"
    if data.real:
        return None  # nobody has listed the flaws of real scans
    flaws = {file: flaw for flaw, file in planted_flaws(data)}
    mistakes, right = _mistakes(table, flaws, _written(data))
    if sum(mistakes.values()) > MOST_MISTAKES:
        return max(mistakes, key=mistakes.get)
    if right < LEAST_RELABELLED:
        return (
            f"give {LEAST_RELABELLED} wrong labels the right one at least: whoever deletes them "
            "loses images that a network could learn from"
        )


def _turned(X, most=30):
    """Each image by another angle, cropped to the ink again as notebook 07 does it."""
    angles = np.random.default_rng(706).uniform(-most, most, len(X))
    turned = []
    for image, angle in zip(X[..., 0], angles, strict=True):
        page = Image.fromarray(image)
        page = page.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor=255)
        ink = page.point(lambda grey: 255 * (grey < 200)).getbbox()
        turned.append(page.crop(ink).resize(image.shape[::-1], Image.Resampling.LANCZOS))
    return np.stack([np.asarray(page) for page in turned])[..., None]


MOST_TESTED = 800


def _tilted_test(data):
    """(turned test images, the same as they are, their labels): not in the notebook."""
    X, y, *_ = load_folder(data.test)
    some = np.random.default_rng(706).permutation(len(X))[:MOST_TESTED]
    return _turned(X[some]), X[some], y[some]


@exercise("07.6")
def _read_tilted(answer, data, better):
    """On test images: the validation images are in the notebook, to train on them is easy."""
    model = network(answer, better.input_shape[1:])
    turned, upright, labels = _tilted_test(data)
    for images, gain, what in (
        (turned, 0.10, "turned test images"),
        (upright, -0.03, "test images as they are"),
    ):
        scores = []
        for reader in (better, model):
            guesses = np.asarray(reader.predict(images, batch_size=512, verbose=0))
            if guesses.ndim != 2 or guesses.shape[1] <= labels.max():
                return f"it predicts the shape {guesses.shape}, not one number for each class"
            scores.append((guesses.argmax(axis=1) == labels).mean())
        needed = scores[0] + gain
        if scores[1] < needed:
            return f"it reads {scores[1]:.3f} of the {what}, less than {needed:.3f}"
