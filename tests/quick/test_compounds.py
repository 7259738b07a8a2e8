"""helpers/handwriting/compounds.py: characters that the course's own network was pretrained on."""

import re

import numpy as np
import pytest

from helpers.handwriting import compounds, strokes
from helpers.handwriting.writers import Writer


def test_three_hundred_different_characters():
    assert len(set(compounds.NAMES)) == compounds.COUNT
    assert len(set(compounds.STROKES.values())) == compounds.COUNT
    assert list(compounds.STROKES) == list(compounds.CHARACTERS)


def test_a_name_says_what_is_drawn():
    frames = {
        "|": "@{}:-2,6",
        "/": "@{}:8,-2",
        "门": "@门:",
        "□": "@enclosure:",
    }
    for name, text in zip(compounds.NAMES, compounds.STROKES.values(), strict=True):
        first, sign, second = name[0], name[1], name[2]
        start = frames[first] if sign == "(" else frames[sign].format(first)
        assert text.startswith(start), name
        assert f"@{second}:" in text, name


def test_parts_are_characters_of_the_course():
    assert set(compounds.PARTS) <= set(strokes.CLASSES)
    for part in compounds.PARTS:  # and simple: made of no other character
        assert not re.search(r"@[^a-z]", strokes.STROKES[part]), part


def test_no_compound_is_a_character_of_the_course():
    assert not compounds.OF_THE_COURSE & set(compounds.NAMES)
    # Those that helpers/handwriting/strokes.py builds from two parts are all known as such.
    known = {frozenset(re.sub(r"[|/()]", "", n)) for n in compounds.OF_THE_COURSE}
    for character, text in strokes.STROKES.items():
        parts = re.findall(r"@([^:a-z]):", text.replace("@enclosure:", "@□:"))
        simple = [p for p in parts if p in compounds.PARTS + "门□"]
        if len(parts) == 2 and simple == parts:
            assert frozenset(parts) in known, character


def test_every_part_is_used():
    used = set("".join(compounds.NAMES))
    assert set(compounds.PARTS) <= used
    counts = [sum(part in n for n in compounds.NAMES) for part in compounds.PARTS]
    assert max(counts) <= 2 * min(counts)


@pytest.fixture(scope="module")
def drawn():
    return compounds.draw([7, 8], workers=1)


def test_draw(drawn):
    X, y = drawn
    assert X.shape == (600, 80, 60, 1) and X.dtype == np.uint8
    assert y.tolist() == [*range(300)] * 2
    ink = (X < 200).mean(axis=(1, 2, 3))
    assert ink.min() > 0.005  # nothing is blank
    assert (X[:300] != X[300:]).any(axis=(1, 2, 3)).all()  # two hands


def test_draw_is_the_same_with_any_number_of_workers(drawn):
    shared, _ = compounds.draw([7, 8], workers=2)
    np.testing.assert_array_equal(drawn[0], shared)


def test_a_compound_is_not_drawn_as_another():
    writer = Writer(compounds.SEED, 1, messiness=0.0)
    pages = {writer.write(c).tobytes() for c in compounds.CHARACTERS}
    assert len(pages) == compounds.COUNT


def test_characters_that_nobody_knows():
    with pytest.raises(KeyError):
        strokes.strokes_of("\ue999")
