"""Checks of notebook 05, exploring a handwriting data set."""

from collections import defaultdict

import numpy as np

from helpers.exercises.answers import call, exercise, names, numbers, shown
from helpers.files import CourseError


@exercise("05.1")
def _bytes_of_an_array(answer, X):
    what = "two numbers, (bytes as uint8, bytes as float32)"
    as_uint8, as_float32 = numbers(answer, (2,), what)
    if as_uint8 == 4 * X.size and as_float32 == X.size:
        return "the two numbers are swapped"
    if as_uint8 == 8 * X.size:
        return "that is in bits: a byte has 8"
    if as_uint8 != X.size:
        return "a uint8 pixel takes one byte: multiply the lengths of all axes"
    if as_float32 != 4 * X.size:
        return "a float32 takes 32 bits, and a byte has 8"


@exercise("05.2")
def _tallest_class(answer, heights, widths, labels):
    ratios = defaultdict(list)
    for height, width, label in zip(heights, widths, labels, strict=True):
        ratios[label].append(height / width)
    medians = {label: np.median(values) for label, values in ratios.items()}
    if not isinstance(answer, str) or answer not in medians:
        return f"{shown(answer)} is not a class; the answer is one character"
    if medians[answer] < max(medians.values()):
        return (
            f"the median ratio of {answer} is {medians[answer]:.2f}, "
            f"and some class has {max(medians.values()):.2f}"
        )


@exercise("05.3")
def _random_split(split):
    def parts(n, fraction, seed):
        result = call(split, n, fraction, seed)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise CourseError("return two arrays of indices, (train, held_out)")
        what = "an array of indices"
        return [numbers(part, np.shape(part), what) for part in result]

    for n, fraction in ((10, 0.3), (14, 0.2), (101, 0.2), (1000, 0.2)):
        train, held_out = parts(n, fraction, 7)
        wanted = round(fraction * n)
        if held_out.size != wanted:
            return (
                f"of {n} images and a fraction of {fraction}, {held_out.size} "
                f"were held out instead of {wanted}"
            )
        both = np.concatenate([train.ravel(), held_out.ravel()]).tolist()
        if len(set(both)) < len(both):
            return "an image is in both parts, or twice in one"
        if sorted(both) != list(range(n)):
            return f"the two parts together are not the indices 0 to {n - 1}"
    # n is 1000 here, and files are in the order of their classes. Of 100 in a row,
    # 20 are expected; by chance, fewer than 3 happen less than once in 10,000 times.
    share = np.histogram(held_out, bins=10, range=(0, 1000))[0]
    if share.min() < 3:
        return "it is not random: images that stand together stay together"
    held_out = np.sort(held_out)
    if not np.array_equal(np.sort(parts(1000, 0.2, 7)[1]), held_out):
        return "the same seed gave two different splits"
    if np.array_equal(np.sort(parts(1000, 0.2, 8)[1]), held_out):
        return "another seed must give another split"


@exercise("05.4")
def _duplicates(answer, X, files):
    groups = defaultdict(list)
    for image, file in zip(X, files, strict=True):
        groups[image.tobytes()].append(file)
    wanted = {frozenset(group) for group in groups.values() if len(group) > 1}
    if isinstance(answer, str) or not np.iterable(answer):
        return f"{shown(answer)} is not a list of groups"
    given = {frozenset(names(group, files)) for group in answer}
    if any(len(group) < 2 for group in given):
        return "each group needs at least two files"
    if any(part < whole for part in given for whole in wanted):
        return "a group must hold all files that have the same pixels"
    if extra := given - wanted:
        return f"{len(extra)} of your groups are not files with equal pixels"
    if missing := wanted - given:
        return f"{len(missing)} groups of equal images are missing"


@exercise("05.5")
def _blank_scans(answer, X, files):
    # Faint ink counts: darker than 230 of 255. By this measure, dust covers up to
    # 0.6 % of a simulated blank scan, and ink at least 7 % of any character: the
    # faintest simulated one, and the faintest one of 16,437 real scans.
    ink = (X < 230).reshape(len(X), -1).mean(axis=1)
    wanted = {file for file, share in zip(files, ink, strict=True) if share < 0.02}
    given = names(answer, files)
    if extra := given - wanted:
        return (
            f"{len(extra)} of your files hold a character, for instance "
            f"{min(extra)}; ink may be faint"
        )
    if missing := wanted - given:
        return f"{len(missing)} blank scans are missing; a blank one may hold dust"
