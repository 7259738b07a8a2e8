"""Figures: one style, Chinese titles without warnings, alt text, clear errors."""

import base64
import re
import subprocess
import sys
import warnings
from io import BytesIO
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from nbclient import NotebookClient
from PIL import Image

from helpers import plots
from helpers.files import CourseError
from helpers.handwriting.strokes import CLASSES

ROOT = Path(__file__).resolve().parents[2]
PAPER = np.full((30, 20), 255, np.uint8)


@pytest.fixture(autouse=True)
def clean_figures():
    """Each test gets the course's style and leaves nothing behind."""
    with matplotlib.rc_context():
        plots.use_style()
        yield
        plt.close("all")


@pytest.fixture
def only_our_fonts(monkeypatch):
    """A system without any font but matplotlib's own and the course's."""
    shipped = str(Path(matplotlib.get_data_path()).resolve())
    ours = [
        font
        for font in fontManager.ttflist
        if font.fname.startswith(shipped) or font.name == plots.CHINESE
    ]
    monkeypatch.setattr(fontManager, "ttflist", ours)


def draw(fig):
    """Render with every warning, missing glyphs among them, an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return plots._picture(fig, plots.FULL)[1]


def test_the_55_characters_are_drawn_without_warnings(only_our_fonts):
    fig = plots.image_grid([PAPER] * 55, CLASSES, columns=11, suptitle="字 and text")
    axes = plt.figure().add_subplot(title="国 or 因", xlabel="错 [%]")
    axes.set_xticks(range(55), CLASSES)
    assert draw(fig) != draw(axes.figure)


def test_the_style_is_what_keeps_the_glyphs(only_our_fonts):
    plt.rcParams["font.family"] = "DejaVu Sans"
    fig = plt.figure()
    fig.suptitle("国")
    with pytest.raises(UserWarning, match="missing from font"):
        draw(fig)


def test_one_size_readable_type_and_distinct_colors():
    assert plt.figure().get_size_inches().tolist() == [8, 3]
    sizes = [key for key in plots.STYLE if key.endswith("size") and "fig" not in key]
    assert sizes and all(plots.STYLE[key] >= 11 for key in sizes)
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert len(set(cycle)) == 8


def test_a_missing_font_file_is_one_sentence(monkeypatch, tmp_path):
    others = [font for font in fontManager.ttflist if font.name != plots.CHINESE]
    monkeypatch.setattr(fontManager, "ttflist", others)
    monkeypatch.setattr(plots, "FONT_FILE", tmp_path / "gone.otf")
    with pytest.raises(CourseError, match="gone.otf"):
        plots.use_style()


NOTEBOOK = """
import numpy as np
from helpers import plots
plots.use_style()
fig = plots.image_grid([np.zeros((3, 4))], ["大"], title_colors=["red"])
plots.show(fig, " A black image. ")
"""


def executed(source, monkeypatch):
    """The cell with this source, run in a kernel."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cell = nbformat.v4.new_code_cell(source)
    NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=60).execute()
    return cell


@pytest.mark.parametrize("backend", ["agg", "inline"])
def test_show_stores_one_picture_with_alt_text_and_width(backend, monkeypatch):
    name = {"agg": "agg", "inline": "module://matplotlib_inline.backend_inline"}
    monkeypatch.setenv("MPLBACKEND", name[backend])
    cell = executed(NOTEBOOK, monkeypatch)
    assert [output.output_type for output in cell.outputs] == ["display_data"]
    (output,) = cell.outputs
    assert output.metadata == {"image/png": {"alt": "A black image.", "width": plots.HALF}}
    image = Image.open(BytesIO(base64.b64decode(output.data["image/png"])))
    assert image.size[0] == 2 * plots.HALF and image.mode == "P"
    assert output.data["text/plain"] == f"<Figure {plots.HALF}x{image.size[1] / 2:.0f}>"


MATPLOTLIBRC = """
image.origin: lower
image.cmap: jet
text.usetex: True
savefig.transparent: True
savefig.bbox: tight
axes.formatter.limits: -1, 1
font.sans-serif: SimHei
"""
PROFILE = """
c = get_config()
c.InlineBackend.rc = {"figure.dpi": 50, "image.origin": "lower", "font.size": 30}
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"facecolor": "red"}
"""
FIGURE = """
import matplotlib.pyplot as plt
import numpy as np
from helpers import plots
plots.use_style()
fig, (left, right) = plt.subplots(1, 2)
left.plot([-3_000_000, 5])
right.imshow(np.arange(6).reshape(2, 3))
right.set_title("50 % of 国")
plots.show(fig, "A line and a picture.")
"""


def test_a_user_s_own_settings_change_no_figure(monkeypatch, tmp_path):
    """matplotlibrc, IPython profile and MPLBACKEND: people have these for other work."""
    for name in ("IPYTHONDIR", "MPLCONFIGDIR"):
        (tmp_path / "empty" / name).mkdir(parents=True)
        monkeypatch.setenv(name, str(tmp_path / "empty" / name))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    expected = executed(FIGURE, monkeypatch).outputs

    for name, file, text in (
        ("IPYTHONDIR", "profile_default/ipython_kernel_config.py", PROFILE),
        ("MPLCONFIGDIR", "matplotlibrc", MATPLOTLIBRC),
    ):
        path = tmp_path / "user" / name / file
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv(name, str(tmp_path / "user" / name))
    monkeypatch.setenv("MPLBACKEND", "qtagg")  # which a machine without a screen cannot load
    assert executed(FIGURE, monkeypatch).outputs == expected
    assert len(expected) == 1


def test_a_script_prints_the_alt_text_and_no_picture(capsys):
    plots.show(plt.figure(), "A line that falls.")
    assert capsys.readouterr().out == "<Figure 800x300> A line that falls.\n"
    assert not plt.get_fignums()


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_show_refuses_a_figure_without_alt_text(alt):
    fig = plt.figure()
    with pytest.raises(ValueError, match="needs alt text"):
        plots.show(fig, alt)


@pytest.mark.parametrize(
    ("inches", "width"),
    [
        ((8, 3), 800),
        ((5, 2), 800),
        ((4, 2), 400),
        ((2, 2.2), 400),
        ((5.5, 6.7), 400),
        ((8, 7), 800),
    ],
)
def test_two_widths_in_the_whole_course(inches, width):
    """A figure is shown at the nearest, but no taller than a window."""
    assert plots._display_width(*inches) == width


def test_drawings_are_palettes_and_photos_jpegs():
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), "uint8")
    greys = np.linspace(0, 255, 5, dtype="uint8").reshape(1, 5)
    curve, axes = plt.subplots()
    axes.plot([0, 1])
    for fig, mime, mode in (
        (curve, "image/png", "P"),
        (plots.image_grid([greys]), "image/png", "L"),
        (plots.image_grid([noise]), "image/jpeg", "RGB"),
    ):
        found, data = plots._picture(fig, plots.FULL)
        assert (found, Image.open(BytesIO(data)).mode) == (mime, mode)


def test_a_palette_hardly_changes_a_drawing():
    fig, axes = plt.subplots()
    for k in range(3):
        axes.plot(np.sin(np.arange(50) + k))
    drawn = BytesIO()
    fig.savefig(drawn, format="png", dpi=200)
    after = Image.open(BytesIO(draw(fig)))
    assert after.mode == "P"
    before, after = (np.asarray(i.convert("RGB"), int) for i in (Image.open(drawn), after))
    assert before.shape == after.shape == (600, 1600, 3)
    assert np.abs(before - after).max() <= 16 and np.abs(before - after).mean() < 0.5
    assert (after[(before == 255).all(axis=2)] == 255).all()


def test_pictures_have_no_frame_but_white_paper_has_an_edge():
    fig, (left, right) = plt.subplots(1, 2)
    left.imshow(np.zeros((3, 3)))
    draw(fig)
    assert not any(spine.get_visible() for spine in left.spines.values())
    assert right.spines["left"].get_visible()
    paper, photo = plots.image_grid([PAPER, PAPER // 2]).axes
    assert len(paper.patches) == 1 and not photo.patches


def test_show_closes_the_figure(capsys):
    fig = plt.figure()
    plots.show(fig, "Nothing.")
    assert plt.get_fignums() == []


def test_the_same_figure_gives_the_same_bytes_in_another_process():
    code = (
        "import hashlib, matplotlib; matplotlib.use('agg'); from helpers import plots;"
        "plots.use_style(); f = plots.learning_curves({'国': {'accuracy': [0, 1]}});"
        "b = plots._picture(f, 800)[1]; print(hashlib.sha256(b).hexdigest(), b.count(b'tEXt'))"
    )
    run = [sys.executable, "-c", code]
    first, second = (
        subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True) for _ in range(2)
    )
    assert first.stdout == second.stdout
    assert first.stdout.split()[1] == "0"


def test_a_grid_keeps_proportions_values_and_colors(tmp_path):
    grey = np.full((40, 20, 1), 128, np.uint8)
    red = np.zeros((20, 40, 3), np.uint8)
    red[..., 0] = 255
    fig = plots.image_grid([grey, red], ["a", "b"], title_colors=["blue", "black"])
    (tmp_path / "grid.png").write_bytes(draw(fig))
    pixels = np.asarray(Image.open(tmp_path / "grid.png").convert("RGB"))
    for color, ratio in (((128, 128, 128), 2), ((255, 0, 0), 0.5)):
        rows, columns = np.nonzero((pixels == color).all(axis=2))
        assert np.ptp(rows) / np.ptp(columns) == pytest.approx(ratio, rel=0.03)
    assert [axes.title.get_color() for axes in fig.axes] == ["blue", "black"]


def test_a_grid_has_as_many_rows_as_it_needs():
    fig = plots.image_grid(np.zeros((7, 5, 5, 1), np.uint8), columns=3)
    bottoms = [round(axes.get_position().y0, 6) for axes in fig.axes]
    assert len(bottoms) == 7
    assert [bottoms.count(y) for y in sorted(set(bottoms), reverse=True)] == [
        3,
        3,
        1,
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"images": []}, "no images"),
        ({"images": PAPER}, r"Image 0 has the shape \(20,\)"),
        (
            {"images": [PAPER, np.zeros((3, 4, 2))]},
            r"Image 1 has .*\(3, 4, 2\)",
        ),
        ({"images": [PAPER], "titles": ["a", "b"]}, "1 images, but 2 titles"),
        (
            {"images": [PAPER], "title_colors": []},
            "1 images, but 0 title_colors",
        ),
        ({"images": [PAPER], "columns": 0}, "at least 1, not 0"),
        ({"images": [PAPER / 255]}, "give vmax=1"),
    ],
)
def test_wrong_input_to_a_grid_is_one_clear_sentence(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        plots.image_grid(**arguments)


def labels(fig):
    return [text.get_text() for text in fig.axes[0].get_legend().get_texts()]


def test_curves_with_and_without_validation():
    fig = plots.learning_curves(
        {
            "CNN": {
                "accuracy": [0.1, 0.9, 0.95],
                "val_accuracy": [0.1, 0.75, 0.5],
            },
            "大": {"accuracy": [0.2, 0.3]},
        }
    )
    assert labels(fig) == [
        "CNN, training",
        "CNN, validation\n(best 0.75, epoch 2)",
        "大, training\n(best 0.3, epoch 2)",
    ]
    lines = {line.get_label(): line for line in fig.axes[0].get_lines()}
    assert lines["CNN, training"].get_linestyle() == "--"
    assert lines["CNN, validation\n(best 0.75, epoch 2)"].get_linestyle() == "-"
    assert lines["CNN, training"].get_xdata().tolist() == [1, 2, 3]
    markers = [line for line in lines.values() if line.get_marker() == "o"]
    assert [(m.get_xdata()[0], m.get_ydata()[0]) for m in markers] == [
        (2, 0.75),
        (2, 0.3),
    ]
    draw(fig)


def test_the_best_loss_is_the_lowest_and_nan_is_not_best():
    class History:  # what fit returns has an attribute of this name
        history = {"loss": [3.0, 2.0], "val_loss": [np.nan, 1.5, 2.5]}

    fig = plots.learning_curves({"CNN": History()}, metric="loss")
    assert labels(fig)[1] == "CNN, validation\n(best 1.5, epoch 2)"
    diverged = plots.learning_curves({"CNN": {"loss": [np.nan]}}, metric="loss")
    assert labels(diverged) == ["CNN, training"]


def test_wrong_histories_are_one_clear_sentence():
    with pytest.raises(ValueError, match="no histories"):
        plots.learning_curves({})
    with pytest.raises(ValueError, match="'CNN' has no 'accuracy'; it has 'loss'"):
        plots.learning_curves({"CNN": {"loss": [1.0]}})
    assert plt.get_fignums() == []


# --- volumes --------------------------------------------------------------------

CNN = [
    ("input", (80, 60, 1)),
    ("conv", (80, 60, 16), (3, 3), (1, 1), 160, 691_200),
    ("conv", (80, 60, 16), (3, 3), (1, 1), 2_320, 11_059_200),
    ("max", (40, 30, 16), (2, 2), (2, 2)),
    ("dense", (55,), None, (1, 1), 1_056_055, 1_056_000),
]


def texts_of(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def test_volumes_draws_stacks_with_what_they_cost():
    fig = plots.volumes(CNN, "A network")
    texts = texts_of(fig)
    for text in ("2 conv", "3x3", "max", "80, 60", "40, 30", "2,480", "11,750,400", "1,056,055"):
        assert text in texts, text
    assert "1,058,535 parameters, 12,806,400 multiplications for one image" in texts
    boxes = [p for p in fig.axes[0].patches if len(p.get_xy()) == 5]  # closed, four corners
    assert len(boxes) == 3 * 4 + 2  # three faces each; a footprint for conv and max
    assert fig.get_label() == (
        "A network: input 80x60x1, 2 times conv 3x3 80x60x16, max 2x2 stride 2 40x30x16, "
        "dense 55; 1,058,535 parameters, 12,806,400 multiplications for one image."
    )


def vgg16():
    """VGG16 as published: https://arxiv.org/abs/1409.1556, table 1, configuration D."""
    rows, side, channels = [("input", (224, 224, 3))], 224, 3
    for number, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(number):
            weights = 9 * channels * filters
            counts = weights + filters, weights * side**2
            rows.append(("conv", (side, side, filters), (3, 3), (1, 1), *counts))
            channels = filters
        side //= 2
        rows.append(("max", (side, side, channels), (2, 2), (2, 2)))
    for inputs, units in ((25088, 4096), (4096, 4096), (4096, 1000)):
        rows.append(("dense", (units,), None, (1, 1), inputs * units + units, inputs * units))
    return rows


@pytest.mark.parametrize("rows", [CNN, vgg16()], ids=["CNN", "VGG16"])
def test_volumes_fit_on_a_slide_and_no_text_overlaps(rows):
    fig = plots.volumes(rows, "A title")
    assert fig.get_size_inches()[0] == pytest.approx(8) and fig.get_size_inches()[1] < 3.3
    renderer = fig.canvas.get_renderer()
    texts = [t for t in fig.axes[0].texts if t.get_text()]
    assert min(t.get_fontsize() for t in texts) >= 10
    boxes = [t.get_window_extent(renderer) for t in texts]
    for k, box in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= fig.bbox.width, texts[k]
        for other in boxes[:k]:
            assert not box.padded(-0.5).overlaps(other), (texts[k], other)


def test_volumes_of_vgg16_have_its_known_counts():
    assert "138,357,544 parameters, 15,470,264,320 multi" in plots.volumes(vgg16()).get_label()


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ([], "no layers"),
        ([("dense", (3, 4))], "neither .height, width, channels. nor .units,."),
        ([("dense", (k,)) for k in range(1, 30)], "29 different volumes; 16 fit"),
    ],
)
def test_volumes_says_what_it_cannot_draw(network, reason):
    with pytest.raises(ValueError, match=reason):
        plots.volumes(network)
    assert plt.get_fignums() == []


def test_what_volumes_says_is_the_alt_text(capsys):
    plots.show(plots.volumes(CNN, "A network"))
    text = capsys.readouterr().out.partition("> ")[2]
    assert text.startswith("A network: input 80x60x1, 2 times conv 3x3")


# --- number_grid ----------------------------------------------------------------


def written(fig):
    """The texts in a figure that are not empty."""
    return [text.get_text() for text in fig.axes[0].texts if text.get_text()]


def test_number_grid_writes_each_number_and_sign():
    image, kernel = np.array([[1, 2], [3, 400]]), np.array([[0.5, np.nan]])
    fig = plots.number_grid([image, kernel], ["image", "kernel"], between="*")
    assert written(fig) == [*("1", "2", "3", "400", "image", "*", "0.5", "kernel")]
    assert fig.get_size_inches()[0] <= 8.2


def shades(fig):
    """{number in a square: the colours of its squares}."""
    axes, found = fig.axes[0], {}
    squares = [p for p in axes.patches if p.get_fill()]
    numbers = [t for t in axes.texts if re.fullmatch(r"[-\d.]+", t.get_text())]
    for patch, text in zip(squares, numbers, strict=True):
        found.setdefault(text.get_text(), set()).add(patch.get_facecolor()[:3])
    return found


def test_a_number_has_one_shade_in_the_whole_figure():
    found = shades(plots.number_grid([np.array([[1, 6], [6, 9]]), np.array([[6, 3]])]))
    assert all(len(colors) == 1 for colors in found.values())
    darkest = sorted(found, key=lambda number: sum(*found[number]))
    assert darkest == ["1", "3", "6", "9"] and found["9"] == {(1, 1, 1)}


def test_with_signs_zero_is_white_and_colours_tell_them():
    found = shades(plots.number_grid([np.array([[-2, 0, 2]]), np.array([[-1, 0, 1]])]))
    [zero], [minus], [plus] = found["0"], found["-2"], found["2"]
    assert min(zero) > 0.95
    assert minus[2] > 2 * minus[0] and plus[0] > 2 * plus[2]  # blue, red


def test_arrays_may_have_scales_of_their_own():
    pixels, kernel = np.array([[0, 255]]), np.array([[-1, 1]])
    assert shades(plots.number_grid([pixels, kernel], scales="pk"))["255"] == {(1, 1, 1)}
    assert shades(plots.number_grid([pixels, kernel]))["255"] != {(1, 1, 1)}


@pytest.mark.parametrize("digits", [1, 1000, 0.0625, -0.123])
def test_numbers_in_squares_are_legible_and_stay_inside(digits):
    fig = plots.number_grid([np.full((3, 3), digits)] * 4, [f"kernel {k}" for k in range(4)])
    width = fig.get_size_inches()[0]
    larger = plots._display_width(*fig.get_size_inches()) / 100 / width
    renderer = fig.canvas.get_renderer()
    squares = [p for p in fig.axes[0].patches if p.get_fill()]
    numbers = [t for t in fig.axes[0].texts if re.fullmatch(r"[-\d.]+", t.get_text())]
    for patch, text in zip(squares, numbers, strict=True):
        assert text.get_fontsize() * larger >= 9.9
        outer, inner = patch.get_window_extent(renderer), text.get_window_extent(renderer)
        assert outer.x0 < inner.x0 and inner.x1 < outer.x1


@pytest.mark.parametrize(("signs", "rows"), [("", 2), ("  *  ", 2), ("+-+-=", 1)])
def test_a_long_row_is_broken_where_squares_get_larger(signs, rows):
    six = plots.number_grid([np.eye(3)] * 6, [f"number {k}" for k in range(6)], between=signs)
    texts = six.axes[0].texts
    assert len({t.get_position()[1] for t in texts if "number" in t.get_text()}) == rows
    shown = [t for t in texts if t.get_text() in list("+-*=")]
    assert "".join(t.get_text() for t in shown) == signs.replace(" ", "")
    width = six.get_size_inches()[0]
    assert all(0 < t.get_position()[0] < width for t in shown)


def test_no_row_is_broken_into_unequal_ones():
    three = plots.number_grid([np.eye(7, 9)] * 3, [f"number {k}" for k in range(3)])
    assert len({t.get_position()[1] for t in three.axes[0].texts if "number" in t.get_text()}) == 1


def test_number_grid_outlines_what_is_asked():
    fig = plots.number_grid([np.eye(4)], highlight=[[(1, 2, 2, 1)]])
    [outline] = [p for p in fig.axes[0].patches if not p.get_fill()]
    squares = [p for p in fig.axes[0].patches if p.get_fill()]
    first, side = squares[1 * 4 + 2], squares[0].get_width()
    assert outline.get_xy() == pytest.approx(first.get_xy())
    assert outline.get_height() == pytest.approx(2 * side)
    assert outline.get_width() == pytest.approx(side)


def test_what_no_font_has_is_spelled(monkeypatch, recwarn):
    assert plots.spelled("人 = 亍, é ½\n龘\u0301") == "人 = 亍, é ½\nU+9F98\u0301"
    fig = plots.image_grid([np.zeros((8, 8))] * 2, ["人", "龘"])
    assert [axes.get_title() for axes in fig.axes] == ["人", "U+9F98"]
    fig, (left, right) = plt.subplots(1, 2)
    left.barh(["龘", "人"], [1, -2], label="龘")
    left.set(title="龘", xlabel="龘")
    left.legend()
    right.set_xticks([0, 1], ["龘", "b"])
    right.text(0, 0, "龘")
    fig.suptitle("龘")
    plots.show(fig, "A figure with a rare character.")
    fig.canvas.draw()
    assert [t.get_text() for t in left.get_yticklabels()] == ["U+9F98", "人"]
    assert [t.get_text() for t in right.get_xticklabels()] == ["U+9F98", "b"]
    assert not [w for w in recwarn if "missing from font" in str(w.message)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (([],), "a list of arrays"),
        (([np.zeros((2, 2, 3))],), "a list of arrays"),
        (([np.eye(2)], ["one", "two"]), "1 arrays, but 2 titles"),
        (([np.eye(2)] * 2, None, [None]), "1 highlights"),
        (([np.eye(2)] * 2, None, None, "*="), "2 signs"),
        (([np.eye(2)] * 2, None, None, "", 0.4, 8, "abc"), "3 scales"),
    ],
)
def test_number_grid_refuses_what_does_not_fit(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        plots.number_grid(*arguments)
