"""Notebook 05's table of what the characters mean, and how they sound."""

import re
import unicodedata

import nbformat
from notebook_tools import lecture

from helpers.handwriting.strokes import CLASSES

TONES = "\u0304\u0301\u030c\u0300"
"""Unicode's combining marks of the four tones."""


def test_one_row_for_each_character():
    """The table is typed: each character has a sound, in pinyin with its tone, and a sense."""
    cells = nbformat.read(lecture("05"), as_version=4).cells
    (table,) = (cell.source for cell in cells if cell.source.startswith("WORDS = "))
    given = {}
    exec(table, given)
    assert sorted(character for character, *_ in given["words"]) == sorted(CLASSES)
    for character, sound, sense in given["words"]:
        letters = unicodedata.normalize("NFD", sound)
        plain = "".join(letter for letter in letters if letter not in TONES)
        assert re.fullmatch("[a-z\u0308]+", plain), sound
        # A particle such as 吗 has the neutral tone.
        assert len(letters) - len(plain) == (character != "吗"), sound
        assert re.fullmatch(r"[a-z ()]+", sense), sense
