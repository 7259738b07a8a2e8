"""Checks of notebook 05, exploring a handwriting data set."""

import sys

import numpy as np

from helpers.exercises.answers import call, exercise, numbers, shown
from helpers.files import CourseError
from helpers.images import load_folder


@exercise("05.1")
def _bytes_of_a_training_set(answer):
    pixels, small = 32_206 * 80 * 60, 32_206 * 40 * 30
    first, second, third = numbers(answer, (3,), "three numbers of bytes")
    if (first, second) == (8 * pixels, 32 * pixels):
        return "those are bits: a byte has 8"
    if (first, second) == (4 * pixels, pixels):
        return "the first two are swapped"
    if first == 3 * pixels:
        return "a grey image has one channel"
    if first != pixels:
        return "a uint8 pixel takes one byte: multiply the lengths of all axes"
    if second != 4 * pixels:
        return "a float32 takes 32 bits, and a byte has 8"
    if third == 2 * pixels:
        return "half as high and half as wide is a quarter of the pixels"
    if third != 4 * small:
        return "the third has a quarter of the pixels of the second"


SPLITS = "random", "stratified", "by writer"

CLUES = {
    "random": "nothing is kept in balance, so both rows scatter around a fifth",
    "stratified": "each character has exactly a fifth held out",
    "by writer": "a writer is held out wholly or not at all",
}


@exercise("05.2")
def _which_split(answer, mixed):
    if not isinstance(answer, str):
        raise CourseError(f"give three letters such as 'CAB', not {shown(answer)}")
    letters = answer.upper().replace(" ", "").replace(",", "")
    if sorted(letters) != ["A", "B", "C"]:
        raise CourseError(f"give each of the letters A to C once, not {shown(answer)}")
    wanted = ["ABC"[list(mixed).index(name)] for name in SPLITS]
    wrong = [n for n, got, right in zip(SPLITS, letters, wanted, strict=True) if got != right]
    if wrong:
        return f"{3 - len(wrong)} of 3 are right; look for {wrong[0]}: {CLUES[wrong[0]]}"


PARTS = "train", "validation", "test"


@exercise("05.3")
def _three_parts(three_parts):
    def parts(writers, seed):
        result = call(three_parts, writers, seed)
        try:
            got = np.asarray(result)
            values = [str(value) for value in got]
        except (ValueError, TypeError):
            raise CourseError("return one name of a part for each image") from None
        if got.shape != writers.shape:
            raise CourseError(
                f"return one name of a part for each of {len(writers)} images, not {shown(result)}"
            )
        if strange := set(values) - set(PARTS):
            raise CourseError(f"{shown(min(strange))} is not train, validation or test")
        return np.array(values)

    random = np.random.default_rng(53)
    for count in (10, 25, 7):
        hands = random.permutation(10_000)[:count]
        writers = random.permutation(np.repeat(hands, random.integers(1, 12, count)))
        writers = writers if count != 7 else np.array([f"{w}-c.gnt" for w in writers])
        got = parts(writers, 1)
        of = {part: set(writers[got == part].tolist()) for part in PARTS}
        for one, other in (PARTS[:2], PARTS[1:], PARTS[::2]):
            if both := of[one] & of[other]:
                return f"writer {min(both)} is in {one} and in {other}"
        fifth = round(0.2 * count)
        for part in PARTS[1:]:
            if len(of[part]) != fifth:
                return f"of {count} writers, {len(of[part])} are in {part} instead of {fifth}"
        if not np.array_equal(parts(writers, 1), got):
            return "the same seed gave two different answers"
        others = [parts(writers, seed) for seed in (2, 3, 4)]
        if all(np.array_equal(other, got) for other in others):
            return "another seed must choose other writers"


@exercise("05.4")
def _nearly_equal(twins):
    random = np.random.default_rng(54)
    A = random.integers(0, 256, (9, 8, 6, 1)).astype("uint8")
    B = random.integers(0, 256, (7, 8, 6, 1)).astype("uint8")
    A[6], A[8] = A[2].clip(0, 252) + 3, 255 - A[0]
    B[1] = A[3]
    B[4] = A[5].clip(3) - 3  # darker: uint8 - uint8 wraps here
    B[5] = A[2].clip(0, 250) + 5
    B[6], B[0] = A[7], A[4].clip(6) - 6  # the latter is just too far away
    B[6, 4, 3] = (int(A[7, 4, 3, 0]) + 100) % 256  # one pixel is far away
    off = np.abs(A[:, None].astype(int) - B).max(axis=(2, 3, 4))
    for most in (5, 3, 0):
        result = call(twins, A, B, most)
        if isinstance(result, str | dict) or not np.iterable(result):
            raise CourseError(f"return a list of pairs (i, j), not {shown(result)}")
        try:
            given = {tuple(int(k) for k in pair) for pair in result}
        except (TypeError, ValueError, OverflowError):
            raise CourseError("each pair should be two whole numbers, (i, j)") from None
        if any(len(pair) != 2 for pair in given):
            raise CourseError("each pair should be two whole numbers, (i, j)")
        wanted = {(int(i), int(j)) for i, j in np.argwhere(off <= most)}
        if given and given == {(j, i) for i, j in wanted} != wanted:
            return "i counts images of A, j those of B"
        for i, j in sorted(given - wanted):
            if i >= len(A) or j >= len(B) or min(i, j) < 0:
                return f"there is no pair ({i}, {j})"
            return (
                f"with most = {most}, ({i}, {j}) is no pair: one pixel differs by {off[i, j]} "
                "grey levels"
            )
        for i, j in sorted(wanted - given):
            how = "are equal" if off[i, j] == 0 else f"differ by at most {off[i, j]} grey levels"
            darker = off[i, j] and (B[j] <= A[i]).all()
            return (
                f"with most = {most}, ({i}, {j}) is missing: they {how}"
                f"{', the second darker' if darker else ''}"
            )


def _scan(random, paper, ink=0, strokes=0, dust=0):
    """A made-up scan (80, 60): paper with a grain, strokes in some ink, specks of dust."""
    page = paper + random.integers(-4, 5, (80, 60))
    for k in range(strokes):
        y, x = random.integers(5, 40, 2)
        if k % 2:
            page[y : y + 4, 5:55] -= ink
        else:
            page[10:75, x : x + 4] -= ink
    for _ in range(dust):
        y, x = random.integers(0, (78, 58))
        page[y : y + 2, x : x + 2] -= random.integers(60, 140)
    return page.clip(0, 255).astype("uint8")


@exercise("05.5")
def _blank_on_any_paper(is_blank):
    random = np.random.default_rng(55)
    for paper in (255, 230, 200):
        for blank, what in ((True, "a blank scan"), (False, "a character")):
            for ink, strokes, dust in ((45, 1, 0), (150, 2, 3), (45, 4, 3)):
                image = _scan(random, paper, ink, 0 if blank else strokes, dust)
                got = call(is_blank, image)
                if not isinstance(got, bool | np.bool_):
                    raise CourseError(f"return True or False, not {shown(got)}")
                if bool(got) == blank:
                    continue
                how = f" and {dust} specks of dust" if dust else ""
                if not blank:
                    how = f", in ink {ink} grey levels darker"
                return f"{what} on paper of {paper}{how}: you said {bool(got)}"


@exercise("05.6")
def _batches(batches, folder):
    dataset = call(batches, str(folder))
    tensorflow = sys.modules.get("tensorflow")  # whoever has made a dataset has imported it
    if tensorflow is None or not isinstance(dataset, tensorflow.data.Dataset):
        raise CourseError(f"return a dataset, not {shown(dataset)}")
    if not isinstance(dataset.element_spec, tuple) or len(dataset.element_spec) != 2:
        return "its elements should be pairs: images and labels"
    read = [[np.asarray(part) for part in batch] for batch in dataset]
    shapes = [images.shape for images, _ in read]
    if shapes[0][1:] != (40, 30, 1):
        return f"a batch has the shape {shapes[0]}, not (32, 40, 30, 1)"
    X, labels, names, _ = load_folder(folder, 40, 30)
    total = sum(shape[0] for shape in shapes)
    if total != len(X):
        return f"it gives {total} images of {len(X)}"
    if shapes[0][0] != 32:
        return f"the first batch has {shapes[0][0]} images, not 32"
    got = np.concatenate([images for images, _ in read])
    numbered = [label for _, label in read]
    if numbered[0].ndim != 1 or numbered[0].dtype.kind not in "iu":
        return "labels should be whole numbers, one for each image"
    numbered = np.concatenate(numbered)
    if not np.array_equal(np.sort(numbered), np.sort(labels)):
        return f"the labels are not 0 to {len(names) - 1}, as often as there are images"
    if not np.array_equal(numbered, labels):
        return "the images come in another order than the files"
    if got.max() > 1.01 or got.min() < -0.01:
        return f"pixels go from {got.min():.3g} to {got.max():.3g}, not from 0 to 1"
    ink = 1 - X / 255
    if np.abs(got - (1 - ink)).mean() < np.abs(got - ink).mean():
        return "ink is 0 and paper 1: turn it round"
    if np.abs(np.sort(got.mean((1, 2, 3))) - np.sort(ink.mean((1, 2, 3)))).max() > 0.1:
        return "these are not the images of the folder, with ink as 1 and paper as 0"


MOST = 2000
"""Numbers that `features` may give for each image."""


@exercise("05.7")
def _better_features(features, X, y, split, least):
    from sklearn.neighbors import KNeighborsClassifier

    part, held_out = split
    what = "an array of shape (n, at most 2000)"
    few = call(features, X[:20])
    few = numbers(few, np.shape(few), what)
    if few.ndim != 2 or len(few) != 20:
        return f"of 20 images it makes the shape {few.shape}, not (20, at most {MOST})"
    if few.shape[1] > MOST:
        return f"it makes {few.shape[1]:,} numbers of an image, more than {MOST:,}"
    every = call(features, X)
    every = numbers(every, np.shape(every), what)
    if every.shape != (len(X), few.shape[1]) or not np.isfinite(every).all():
        return f"of all images it makes the shape {every.shape}, or numbers that are not finite"
    if not np.allclose(every[:20], few, rtol=1e-3, atol=1e-3 * np.abs(few).max()):
        return "the features of an image must not depend on the other images"
    model = KNeighborsClassifier(5, metric="cosine").fit(every[part], y[part])
    accuracy = model.score(every[held_out], y[held_out])
    if accuracy < least:
        return f"five neighbours read {accuracy:.3f} of the images held out, less than {least:.3f}"
