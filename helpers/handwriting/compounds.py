"""Compound characters: what the course's own network was pretrained on.

Each is put together from two of the course's simple characters: side by side, one
above the other, or one inside 门 or a box. None of them is one of the 55. A few exist
in Chinese (女 beside 口 is 如), most do not. They have no code points of their own
here, so they borrow some that Unicode leaves to private use.

Transfer from these to the 55 characters is a close one: the parts are the same, and
so is the program that draws them. data/pretrained/pretrain.py does the pretraining.
"""

import numpy as np
from PIL import Image

from helpers.files import progress
from helpers.handwriting import strokes
from helpers.handwriting.simulator import in_processes
from helpers.handwriting.writers import Writer

COUNT = 300

PARTS = "人大夫天口太鱼犬火木本竹羊山出女鸟日东月肉工白水牛马玉王主川舟虫虎"
"""The simple characters among the 55, but for 门, which is a frame here."""

INSIDE = PARTS.replace("鱼", "").replace("虎", "")
"""Those that still can be read when they are drawn small in a frame."""

OF_THE_COURSE = {
    "人|人", "口|犬", "木|木", "月|月", "日|月", "月|夫", "口|马", "女|马",
    "火/火", "羊/大", "羊/火", "门(人)", "门(口)", "门(木)",
    "□(大)", "□(女)", "□(玉)",
}  # fmt: skip
"""Compounds that are among the 55 (从 吠 林 朋 明 肤 吗 妈 炎 美 羔 闪 问 闲 因 囡 国)."""

BESIDE = "@{}:-2,6,48,96; @{}:44,4,102,97"
ABOVE = "@{}:8,-2,92,50; @{}:6,46,94,100"
DOOR = "@门:0,0,100,100; @{}:25,28,75,94"
BOX = "@enclosure:0,0,100,100; @{}:24,20,76,80; @enclosure-base:0,0,100,100"
"""Strokes as in helpers/handwriting/strokes.py; {} stands for a part."""


def _all():
    """Every compound but those of the course: ({name: strokes} of frames, of pairs)."""
    frames, pairs = {}, {}
    for part in INSIDE:
        frames[f"门({part})"] = DOOR.format(part)
        frames[f"□({part})"] = BOX.format(part)
    for first in PARTS:
        for second in PARTS:
            pairs[f"{first}|{second}"] = BESIDE.format(first, second)
            pairs[f"{first}/{second}"] = ABOVE.format(first, second)
    for name in OF_THE_COURSE:
        del (frames if "(" in name else pairs)[name]
    return frames, pairs


def _chosen():
    """All frames, and pairs at equal distances in their list: {name: strokes}."""
    frames, pairs = _all()
    names = list(pairs)
    wanted = COUNT - len(frames)
    picked = (names[i * len(names) // wanted] for i in range(wanted))
    return frames | {name: pairs[name] for name in picked}


_CHOSEN = _chosen()

NAMES = tuple(_CHOSEN)
"""How a compound is written in a title: "日|火" beside, "日/火" above, "门(火)" inside."""

CHARACTERS = tuple(chr(0xE000 + number) for number in range(COUNT))
"""What a simulated writer is asked to write, in the order of NAMES."""

STROKES = dict(zip(CHARACTERS, _CHOSEN.values(), strict=True))
"""Their strokes, in the form of helpers/handwriting/strokes.py."""

strokes.OTHERS.update(STROKES)

SEED = 1001
"""Of the writers of compounds; those of the handwriting data set have another."""

MESSINESS = 1.1
"""A wider spread of hands than in the data set, for more to learn from."""


def draw(writers, workers=None):
    """Each compound once by each of these writers: images and labels.

    writers: numbers of simulated writers, the same number always the same person.
    workers: processes; by default one a core. About 1,000 images a second on two.

    Returns X (n, 80, 60, 1) uint8, 255 paper, and y (n,) int64, places in NAMES.
    """
    jobs = [(number,) for number in writers]
    bar = {"desc": "Drawing compounds", "unit": "writer"}
    pages = list(progress(in_processes(_by_one_writer, jobs, workers), total=len(jobs), **bar))
    y = np.tile(np.arange(COUNT), len(jobs))
    return np.concatenate(pages)[..., None], y


def _by_one_writer(number):
    writer = Writer(SEED, number, MESSINESS)
    return np.stack(
        [
            # As helpers.images scales an image file.
            Image.fromarray(writer.write(character)).resize((60, 80), Image.Resampling.LANCZOS)
            for character in CHARACTERS
        ]
    )
