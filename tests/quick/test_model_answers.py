"""The numbers in the model answers of assignments 1, 2, 6 and 7 are those of their student, "demo".

Those of 1 and 2 are computed here. 6 and 7 train: theirs have to be in the stored outputs.
"""

import math
import re

import numpy as np
import pytest
from assignment_cases.running import FOUND, grade_id, of_kind, read

from helpers import assignments, convolution, photos

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@pytest.fixture(autouse=True)
def self_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("COURSE_STUDENT", "COURSE_SECRET"):
        monkeypatch.delenv(name, raising=False)


def text(assignment, name):
    (path,) = (path for path in FOUND if path.stem == assignment)
    cells = {grade_id(cell): cell.source for cell in of_kind(read(path), "by hand")}
    return " ".join(cells[name].split())


def said(words, *numbers):
    """Assert that a text has each of these, as words of its own."""
    plain = words.replace(",", "").replace("`", "")
    for number in numbers:
        assert f" {number}" in plain.replace("(", " ").replace("(", " "), number


def test_the_rim():
    drawn = assignments.truth("1_pixels_and_kernels", "demo")
    picture = drawn["picture"].astype(float)
    rim = np.ones(picture.shape, bool)
    rim[1:-1, 1:-1] = False
    strength = {}
    for mode in ("constant", "wrap", "symmetric" if drawn["_again"] else "reflect"):
        wide = np.pad(picture, 1, mode)
        across, down = (convolution.correlate(wide, k) for k in (SOBEL, SOBEL.T))
        strength[mode] = np.hypot(across, down)
    words = text("1_pixels_and_kernels", "explain-rim")
    means = [round(map_[rim].mean()) for map_ in strength.values()]
    zero, _, mirror = strength.values()
    said(words, *means, round(zero[:, 0].mean()), round(zero[-1].mean()), round(zero[18, 0]))
    said(words, round(mirror[:, 0].mean()), round(picture[0].mean() - picture[-1].mean()))
    assert not drawn["_again"], "it describes a mirror that does not repeat"


def test_the_filters():
    drawn = assignments.truth("1_pixels_and_kernels", "demo")
    words = text("1_pixels_and_kernels", "explain-filters")
    first, second = np.moveaxis(drawn["_kernel"][:, :, 0], 2, 0)
    biases, answers = drawn["_biases"], drawn["answers"]
    said(words, f"{first.sum():g}", f"{100 * first.sum() + biases[0]:g}", f"{biases[0]:g}")
    said(words, f"{second.sum():g}", f"{100 * second.sum() + biases[1]:g}")
    place = np.unravel_index(abs(answers[:, :, 0]).argmax(), answers.shape[:2])
    assert "({}, {}), {:g}".format(*place, answers[*place, 0]) in words
    np.testing.assert_allclose(first - 0.75 * SOBEL.T[::-1], [[0] * 3, [0] * 3, [0, 0, -0.5]])
    off = second - 0.75 * np.outer([1, 2, 1], [1, 2, 1])
    np.testing.assert_allclose(off, [[0] * 3, [0] * 3, [0, -0.25, 0]])


def test_the_photo():
    from PIL import Image

    with Image.open(photos.path("coffee")) as file:
        photo = file.convert("RGB")
    photo.thumbnail((120, 120))
    grey = np.asarray(photo).mean(axis=2)
    words = text("1_pixels_and_kernels", "explain-photo")
    rim = convolution.correlate(np.pad(grey, 1), SOBEL.T)
    blur = convolution.correlate(np.pad(grey, 4), np.full((9, 9), 1 / 81))
    spoon = np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2]])
    spoon = convolution.correlate(np.pad(grey, 1), spoon)
    assert rim[41, 60] == rim.min() and spoon[37, 73] == spoon.max()
    said(words, round(rim[41, 60]), round(rim[22, 79]), round(spoon[53, 69]), round(spoon[37, 73]))
    said(words, f"{blur[56:65, 106:115].std():.1f}", f"{grey[56:65, 106:115].std():.1f}")
    said(words, round(blur[79, 119]), round(grey[79, 119]))


def rows(network):
    volume = network["input"]
    for layer in network["layers"]:
        before, (volume, count) = volume, assignments.computed(volume, layer)
        work = 0
        if layer["kind"] == "conv":
            work = math.prod(volume[:2]) * (count - layer["filters"])
        if layer["kind"] == "dense":
            work = before[0] * volume[0]
        yield layer["name"], volume, count, work


def test_the_costs():
    networks = assignments.networks("demo")
    table = {name: list(rows(network)) for name, network in networks.items()}
    words = text("2_arithmetic_of_networks", "explain-costs")
    weights = {name: sum(row[2] for row in rows_) for name, rows_ in table.items()}
    work = {name: sum(row[3] for row in rows_) for name, rows_ in table.items()}
    alexnet = {name: others for name, *others in table["alexnet"]}
    said(words, f"{alexnet['dense1'][1] / 1e6:.0f} of", f"{weights['alexnet'] / 1e6:.0f} million")
    said(words, f"{alexnet['dense1'][1] / weights['alexnet']:.1%}".replace("%", " %"))
    said(words, f"{alexnet['conv2'][2] / work['alexnet']:.1%}".replace("%", " %"))
    said(words, alexnet["dense1"][0][0], alexnet["flatten"][0][0], alexnet["pool3"][0][2])
    height, width, _ = alexnet["conv2"][0]
    said(words, f"{height} x {width} = {height * width}")
    said(words, f"{work['alexnet'] / 1e6:.0f} million", f"{work['vgg'] / 1e6:.0f} million")
    megabytes = {name: 4 * count / 1e6 for name, count in weights.items()}
    said(words, f"{megabytes['alexnet']:.0f} MB", f"VGG {megabytes['vgg']:.0f}")
    said(words, f"LeNet {megabytes['lenet']:.1f}")
    assert max(work, key=work.get) == "vgg" and max(weights, key=weights.get) == "alexnet"
    assert networks["alexnet"]["layers"][2]["kernel"] == 5


def test_the_design():
    far = assignments.truth("2_arithmetic_of_networks", "demo")["far"]
    words = text("2_arithmetic_of_networks", "explain-design")
    strides = [2, 2, 2, 1, 1, 1]
    fields = [convolution.receptive_field([(3, s, 1) for s in strides[: n + 1]]) for n in range(6)]
    said(words, " ".join(map(str, fields)), f"{far['rows']} were needed")
    assert fields[-2] < far["rows"] <= fields[-1]
    assert convolution.receptive_field([(3, 1, 1)] * 6) == 13

    def counts(*filters):
        return [(9 * a + 1) * b for a, b in zip(filters[:-1], filters[1:], strict=True)]

    own = counts(far["input"][2], 6, 8, 10, 10, 10, far["filters"])
    said(words, sum(own), own[-1], own[-2], far["filters"])
    narrow = sum(counts(far["input"][2], 6, 6, 6, 6, 6, far["filters"]))
    said(words, narrow)
    assert sum(own) <= far["parameters"] and narrow <= far["parameters"] / 2
    height, width, _ = far["input"]
    said(words, f"{2 * height} x {2 * width}", f"{height // 4} x {width // 4}")
    said(words, f"{height // 8} x {width // 8}")


@pytest.mark.parametrize(
    ("assignment", "name"),
    [
        ("6_borrowed_networks", "dangerous"),
        ("6_borrowed_networks", "near-and-far"),
        ("7_study_with_a_budget", "promised"),
        ("7_study_with_a_budget", "report"),
    ],
)
def test_what_was_measured(assignment, name):
    (path,) = (path for path in FOUND if path.stem == assignment)
    notebook = read(path)
    outputs = [
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    ]
    tasks = [cell.source for cell in of_kind(notebook, "free")]  # "the best 30 % of the trials"
    known, found = (
        {number.replace(" ", "") for number in re.findall(r"\d+\.\d+|\d+ ?%", words)}
        for words in (" ".join([*outputs, *tasks]), text(assignment, name))
    )
    assert len(found) >= 3 and found <= known, found - known
