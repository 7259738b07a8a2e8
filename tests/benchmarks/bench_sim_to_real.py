"""How well a network that has seen only simulated handwriting reads real scans.

    python tests/benchmarks/bench_sim_to_real.py [seeds: 1 2 3]

The better CNN of notebook 06 is trained on the simulated default set, then reads the
scans of 人 从 东 主, the characters that the course shares with the real sample (see
tests/README.md, COURSE_REAL_DATA), choosing among all 55. The reference, for each
character, is the same network trained on the sample's own writers, which then reads the
others. A change of the simulator may be tried on the scans with even numbers; those with
odd numbers tell what it is worth. One processor minute a seed, two more for the reference.
"""

import io
import os
import re
import sys
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import ROOT, module_of

from helpers.files import CourseError
from helpers.handwriting.strokes import CLASSES

SHARED = "人从东主"
EXPERIMENT = "better CNN"
SCORES = True  # rows hold accuracies, not seconds

casia = module_of(ROOT / "data" / "recorded" / "casia.py")


def sample():
    """The real sample: {part: (X (n, 80, 60, 1) uint8, characters (n,), numbers (n,))}."""
    given = os.environ.get("COURSE_REAL_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "real-data"
    file = folder / "casia-hwdb11-sample.zip"
    if not file.is_file():
        raise CourseError(f"The real sample {file} is missing; set COURSE_REAL_DATA.")
    scans = defaultdict(list)
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            scan = re.fullmatch(r".+/(Train|Test)/(.)/(\d+)\.png", name)
            if scan:
                image = Image.open(io.BytesIO(archive.read(name))).convert("L")
                # As helpers.images scales an image file.
                page = np.asarray(image.resize((60, 80), Image.Resampling.LANCZOS))
                scans[scan[1]].append((page, scan[2], int(scan[3])))
    parts = {part: map(np.array, zip(*rows, strict=True)) for part, rows in scans.items()}
    return {part: (X[..., None], *rest) for part, (X, *rest) in parts.items()}


def real_to_real(parts):
    """Accuracy on each of SHARED of a network trained on the sample's training part."""
    X, characters, _ = parts["Train"]
    X_test, characters_test, _ = parts["Test"]
    names, y = np.unique(characters, return_inverse=True)
    shuffled = np.random.default_rng(seed=1).permutation(len(X))
    val, train = np.split(shuffled, [round(0.2 * len(X))])
    y_test = np.searchsorted(names, characters_test)
    nobody = np.zeros(len(X)), np.zeros(len(X_test))  # writers are not recorded
    data = casia.Data(X, y, nobody[0], train, val, X_test, y_test, nobody[1], "")
    model, *_ = casia.fit(EXPERIMENT, data, 1)
    read = names[model.predict(X_test, batch_size=512, verbose=0).argmax(1)]
    shared = np.isin(characters_test, list(SHARED))
    return accuracies(characters_test[shared], read[shared])


def accuracies(characters, read):
    """{character: share that was read as it, "all": of all}."""
    right = read == characters
    each = {c: right[characters == c].mean() for c in SHARED}
    return each | {"all": right.mean()}


def run(seeds=(1, 2, 3)):
    """Rows (what, accuracy from real to real, from simulated to real, note): means."""
    parts = sample()
    reference = real_to_real(parts)
    X, characters, numbers = map(np.concatenate, zip(*parts.values(), strict=True))
    shared = np.isin(characters, list(SHARED))
    X, characters, even = X[shared], characters[shared], numbers[shared] % 2 == 0
    data, names = casia.load(), np.array(sorted(CLASSES))
    found, halves, wrong = [], [], Counter()
    for seed in seeds:
        model, *_ = casia.fit(EXPERIMENT, data, seed)
        read = names[model.predict(X, batch_size=512, verbose=0).argmax(1)]
        found.append(accuracies(characters, read))
        halves.append([(read == characters)[half].mean() for half in (even, ~even)])
        wrong.update(zip(characters[read != characters], read[read != characters], strict=True))
    rows = []
    for what in found[0]:
        values = [one[what] for one in found]
        mistakes = [(n, w) for (c, w), n in wrong.most_common() if c == what][:5]
        note = "read as " + " ".join(f"{w} {n / len(seeds):.0f}" for n, w in mistakes)
        if what == "all":
            note = "even {:.3f}, odd {:.3f}; ".format(*np.mean(halves, axis=0))
            note += "seeds " + " ".join(f"{value:.3f}" for value in values)
        count = len(X) if what == "all" else (characters == what).sum()
        label = f"reading {count:,} real scans of {what}".replace("of all", "of the four")
        rows.append((label, reference[what], np.mean(values), note))
    return rows


if __name__ == "__main__":
    for what, reference, ours, note in run([int(seed) for seed in sys.argv[1:]] or (1, 2, 3)):
        print(f"{what}: {reference:.3f} -> {ours:.3f} ({note})", flush=True)
