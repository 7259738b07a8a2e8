"""The course's font draws every character that the course needs, each differently."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from helpers.handwriting.strokes import CLASSES

FONTS = Path(__file__).resolve().parents[2] / "fonts"
FONT = FONTS / "NotoSansCJKsc-Course.otf"

SAMPLE = (
    "一丁七万丈三上下不丑且丘业丢严个中串丸为丽乃么之乍乏乒乔乘九也乡买乳了争"
    "二亏互井些亢亥产亩京亮什仅仇介"
)
"""The classes of the real test sample that are not among the course's 55."""

ASCII = "".join(map(chr, range(0x21, 0x7F)))
PUNCTUATION = "·–—…“”‘’×≤≥±°→←"
NOT_IN_FONT = "\U0010ffff"


def drawn(character):
    """The pixels of one character as bytes, 64 x 64, black on white."""
    image = Image.new("L", (64, 64), 255)
    font = ImageFont.truetype(str(FONT), 44)
    ImageDraw.Draw(image).text((6, 0), character, font=font, fill=0)
    return image.tobytes()


def check_glyphs(characters):
    """Raise AssertionError unless all are drawn: not blank, no box, no two alike."""
    blank, box = drawn(" "), drawn(NOT_IN_FONT)
    assert blank != box, "the font's box for missing characters is blank"
    seen = {}
    for character in characters:
        pixels = drawn(character)
        assert pixels != blank, f"{character} is blank"
        assert pixels != box, f"{character} is a box"
        assert pixels not in seen, f"{character} looks like {seen[pixels]}"
        seen[pixels] = character


def test_every_character_of_the_course_and_the_sample_is_drawn():
    assert len(set(CLASSES)) == 55
    assert len(set(SAMPLE)) == 51
    check_glyphs(CLASSES + SAMPLE + ASCII + PUNCTUATION)


def test_gb2312_level_1_is_drawn():
    codes = [bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    level_1 = "".join(code.decode("gb2312", "ignore") for code in codes)
    assert len(level_1) == 3755
    check_glyphs(level_1)


def test_all_of_gb2312_is_in_the_font():
    rows = [*range(0xA1, 0xAA), *range(0xB0, 0xF8)]
    codes = [bytes([row, cell]) for row in rows for cell in range(0xA1, 0xFF)]
    gb2312 = {code.decode("gb2312", "ignore") for code in codes} - {""}
    assert len(gb2312) == 6763 + 682
    assert gb2312 <= set((FONTS / "characters.txt").read_text(encoding="utf-8"))
    check_glyphs("".join(sorted(c for c in gb2312 if "\u4e00" <= c <= "\u9fff")))


@pytest.mark.parametrize(
    ("characters", "complaint"),
    [
        ("人龘", "龘 is a box"),  # not in the subset
        ("人ก", "ก is a box"),  # another script
        ("人\u3000", "is blank"),
        ("人大人", "人 looks like 人"),
    ],
)
def test_the_check_fails_where_it_should(characters, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_glyphs(characters)


def test_the_licence_and_the_checksum_stand_beside_the_font():
    licence = (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert licence.startswith("Copyright 2014-2021 Adobe")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    checksum = hashlib.sha256(FONT.read_bytes()).hexdigest()
    assert checksum in (FONTS / "README.md").read_text(encoding="utf-8")


def test_the_list_of_characters_is_what_the_font_holds():
    from fontTools.ttLib import TTFont

    listed = set((FONTS / "characters.txt").read_text(encoding="utf-8")) - {"\n"}
    with TTFont(FONT) as font:
        held = {chr(code) for code in font.getBestCmap()}
    assert listed == held
