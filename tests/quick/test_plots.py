"""Figures: one style, Chinese titles without warnings, alt text, clear errors."""

import base64
import subprocess
import sys
import warnings
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
        return plots._png(fig)


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
fig = plots.image_grid([np.zeros((3, 4))], ["大"])
plots.show(fig, " A black image. ")
"""


@pytest.mark.parametrize("backend", ["agg", "inline"])
def test_show_stores_one_png_with_alt_text(backend, monkeypatch):
    name = {"agg": "agg", "inline": "module://matplotlib_inline.backend_inline"}
    monkeypatch.setenv("MPLBACKEND", name[backend])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cell = nbformat.v4.new_code_cell(NOTEBOOK)
    NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=60).execute()
    assert [output.output_type for output in cell.outputs] == ["display_data"]
    (output,) = cell.outputs
    assert output.metadata == {"image/png": {"alt": "A black image."}}
    assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_show_refuses_a_figure_without_alt_text(alt):
    fig = plt.figure()
    with pytest.raises(ValueError, match="needs alt text"):
        plots.show(fig, alt)


def test_show_closes_the_figure(capsys):
    fig = plt.figure()
    plots.show(fig, "Nothing.")
    assert plt.get_fignums() == []


def test_the_same_figure_gives_the_same_bytes_in_another_process():
    code = (
        "import hashlib, matplotlib; matplotlib.use('agg'); from helpers import plots;"
        "plots.use_style(); f = plots.learning_curves({'国': {'accuracy': [0, 1]}});"
        "b = plots._png(f); print(hashlib.sha256(b).hexdigest(), b.count(b'tEXt'))"
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


def test_network_draws_a_box_for_each_layer():
    layers = [
        ("conv2d", (80, 60, 16), 160),
        ("max_pooling2d", (40, 30, 16), 0),
        ("flatten", (19_200,), 0),
        ("dense", (55,), 1_056_055),
    ]
    fig = plots.network(layers, title="A network")
    axes = fig.axes[0]
    boxes = [p for p in axes.patches if p.get_height() > 0]
    assert len(boxes) == len(layers)
    assert boxes[0].get_height() == 2 * boxes[1].get_height()
    texts = [text.get_text() for text in axes.texts]
    assert "80 x 60 x 16" in texts and "dense\n1,056,055" in texts
    plots.plt.close(fig)


@pytest.mark.parametrize("layers", [[], [("dense", (3, 4), 0)]])
def test_network_says_what_it_cannot_draw(layers):
    with pytest.raises(ValueError, match="no layers|neither an image nor units"):
        plots.network(layers)


# --- number_grid ----------------------------------------------------------------


def written(fig):
    """The texts in a figure that are not empty."""
    return [text.get_text() for text in fig.axes[0].texts if text.get_text()]


def test_number_grid_writes_each_number_and_sign():
    image, kernel = np.array([[1, 2], [3, 400]]), np.array([[0.5, np.nan]])
    fig = plots.number_grid([image, kernel], ["image", "kernel"], between="*")
    assert written(fig) == [*("1", "2", "3", "400", "image", "*", "0.5", "kernel")]
    assert fig.get_size_inches()[0] <= 8.2


def test_number_grid_outlines_what_is_asked():
    fig = plots.number_grid([np.eye(4)], highlight=[[(1, 2, 2, 1)]])
    [outline] = [p for p in fig.axes[0].patches if not p.get_fill()]
    assert outline.get_xy() == (2, 1)
    assert (outline.get_height(), outline.get_width()) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (([],), "a list of arrays"),
        (([np.zeros((2, 2, 3))],), "a list of arrays"),
        (([np.eye(2)], ["one", "two"]), "1 arrays, but 2 titles"),
        (([np.eye(2)] * 2, None, [None]), "1 highlights"),
        (([np.eye(2)] * 2, None, None, "*="), "2 signs"),
    ],
)
def test_number_grid_refuses_what_does_not_fit(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        plots.number_grid(*arguments)
