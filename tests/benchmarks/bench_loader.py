"""How much faster `load_folder` is than the lecture's loop.

    python tests/benchmarks/bench_loader.py [folder of class folders]

Without a folder, 7,000 images of pen strokes, about 55 x 70 pixels, are drawn into a
temporary one. All variants read the same files in turn, several times; the table
shows medians. The files have been read before, so the disk takes no part.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image, ImageDraw

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

from helpers.images import class_folders, load_folder

COUNT = 7_000
CLASSES = 55


def draw_folder(folder, count=COUNT, seed=0):
    """Write `count` grey PNG files of random strokes, sizes as in real scans."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        width = int(np.clip(rng.normal(55, 11), 20, 110))
        height = int(np.clip(rng.normal(70, 12), 20, 130))
        image = Image.new("L", (width, height), 255)
        pen = ImageDraw.Draw(image)
        for _ in range(rng.integers(3, 9)):
            line = rng.random((4, 2)) * (width, height)
            ink, thickness = int(rng.integers(0, 90)), int(rng.integers(2, 6))
            pen.line([tuple(xy) for xy in line], fill=ink, width=thickness)
        grain = rng.integers(-12, 13, (height, width))
        pixels = np.where(
            np.asarray(image) < 255, np.asarray(image) + grain, 255
        )
        path = Path(folder) / f"{i % CLASSES:02}" / f"{i // CLASSES + 1}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)


def serial_loop(files):
    """The lecture's recipe: one file after the other."""
    return np.stack(
        [
            np.asarray(
                Image.open(f).convert("L").resize((60, 80), Image.LANCZOS)
            )
            for f in files
        ]
    )


def run(folder=None, repeats=5):
    """Rows (what, seconds of the serial loop, seconds of ours, note): medians."""
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary) / "images"
            draw_folder(folder)
        cache = Path(temporary) / "cache"
        with mock.patch.dict(os.environ, COURSE_CACHE=str(cache)):
            return _measure(Path(folder), repeats, cache)


def _measure(folder, repeats, cache):
    class_folders(
        folder
    )  # a clear error if this is not a folder of class folders
    images = load_folder(folder)
    files = [folder / file for file in images.files]
    kept = next((cache / "images").iterdir())

    def first_time():
        kept.unlink()
        return load_folder(folder)

    variants = {
        "serial": lambda: serial_loop(files)[..., np.newaxis],
        "cold, no cache": lambda: load_folder(folder, cache=False).X,
        "cold, writing the cache": lambda: first_time().X,
        "second time, from the cache": lambda: load_folder(folder).X,
    }
    seconds = {what: [] for what in variants}
    for _ in range(repeats):
        for what, variant in variants.items():
            start = time.perf_counter()
            X = variant()
            seconds[what].append(time.perf_counter() - start)
            if not np.array_equal(X, images.X):
                raise AssertionError(
                    f"{what}: other pixels than the serial loop"
                )
    medians = {
        what: statistics.median(times) for what, times in seconds.items()
    }
    reference = medians.pop("serial")
    note = (
        f"{len(files):,} files, {os.cpu_count()} processors, start-up included"
    )
    return [(what, reference, ours, note) for what, ours in medians.items()]


if __name__ == "__main__":
    for what, reference, ours, note in run(*sys.argv[1:2]):
        print(
            f"{what:28} {reference:7.3f} s -> {ours:7.3f} s "
            f"{reference / ours:6.1f} x   ({note})"
        )
