"""One figure style, a Chinese font, and alt text for every figure.

Functions here take arrays and names, never paths, and return a matplotlib Figure.
A notebook calls `use_style()` once at the top, then ends each figure with
`show(fig, "One sentence that says what the figure shows.")`.
"""

import base64
from dataclasses import replace
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.font_manager import fontManager
from matplotlib.ticker import MaxNLocator

from helpers.files import COURSE, CourseError

FONT_FILE = COURSE / "fonts" / "NotoSansCJKsc-Course.otf"
"""Noto Sans CJK SC, a subset: see fonts/README.md."""

CHINESE = "Course Chinese"
"""The name that matplotlib knows this font by; no other installed font has it."""

COLORS = (
    "#0072B2",  # blue
    "#D55E00",  # vermilion
    "#009E73",  # bluish green
    "#E69F00",  # orange
    "#CC79A7",  # reddish purple
    "#56B4E9",  # sky blue
    "#000000",  # black
    "#F0E442",  # yellow: last, because it is faint on white
)
"""Okabe and Ito's colours, told apart by colour-blind readers too.

Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/.
"""

FAMILIES = ["DejaVu Sans", CHINESE]
"""Latin text in matplotlib's own font; characters that it lacks in ours."""

STYLE = {
    "figure.figsize": (8, 3),  # inches: fits a slide below a title
    "figure.dpi": 100,
    "savefig.dpi": "figure",
    "figure.constrained_layout.use": True,
    "font.family": FAMILIES,
    "font.size": 11,
    "axes.titlesize": 13,
    "axes.labelsize": 11,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "figure.titlesize": 14,
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}

GREATEST_CELL = 2.0
"""Inches: a lone image in a grid is not blown up to the whole width."""


def use_style():
    """Set the course's figure style; call it once, at the top of a notebook."""
    _register_font()
    plt.rcParams.update(STYLE)


def show(fig, alt, instead=None):
    """Display `fig` as one PNG with the alternative text `alt`, and close it.

    `alt` says in a sentence what a reader who cannot see the figure should know.
    instead: {MIME type: data}, other forms of the figure, such as a widget. A page
    that can show one shows that; others, and stored notebooks, have the PNG.
    Raises ValueError when it is empty.
    """
    # Imported here: the other functions also serve where IPython is not needed.
    from IPython.display import display

    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "show(fig, alt) needs alt text: one sentence that says what the figure shows."
        )
    size = fig.get_size_inches() * fig.dpi
    data = {
        "image/png": base64.b64encode(_png(fig)).decode("ascii"),
        "text/plain": f"<Figure {size[0]:.0f}x{size[1]:.0f}>",
    }
    data |= instead or {}
    # Not display(fig): what that draws depends on the backend, and under some
    # it draws nothing.
    display(data, raw=True, metadata={"image/png": {"alt": alt.strip()}})
    plt.close(fig)  # else Jupyter draws a second copy at the end of the cell


def image_grid(
    images,
    titles=None,
    columns=10,
    suptitle=None,
    cmap="gray",
    size=8.0,
    vmin=0,
    vmax=255,
    title_colors=None,
):
    """Draw images in rows of `columns`, each in its own proportions.

    images: arrays of shape (H, W), (H, W, 1) or (H, W, 3), sizes may differ; an
        array of shape (n, H, W, ...) will do.
    titles: one for each image, Chinese or not; `title_colors` likewise.
    size: greatest width of the figure, in inches; its height follows.
    vmin, vmax: the values drawn darkest and brightest; None takes them from each
        image, which hides how images differ in brightness.

    Raises ValueError for shapes that are not images, for lists of other lengths
    than `images`, and for images in [0, 1] where vmax is 255: they would be black.
    """
    images = [_as_image(image, number) for number, image in enumerate(images)]
    if not images:
        raise ValueError("image_grid was given no images.")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}.")
    for name, values in (("titles", titles), ("title_colors", title_colors)):
        if values is not None and len(values) != len(images):
            raise ValueError(f"There are {len(images)} images, but {len(values)} {name}.")
    if vmax == 255 and all(image.dtype.kind == "f" for image in images):
        greatest = max(image.max() for image in images)
        if 0 < greatest <= 1:
            raise ValueError(
                f"These images reach only {greatest:.3g} where 255 is white: "
                "give vmax=1 for images scaled to [0, 1]."
            )

    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell = min(size / columns, GREATEST_CELL)
    tallest = max(image.shape[0] / image.shape[1] for image in images)
    gap = 0.06  # inches, on each side of an image
    picture = (cell - 2 * gap) * min(tallest, 2.0)
    lines = max((str(t).count("\n") + 1 for t in titles), default=0) if titles else 0
    row = picture + 2 * gap + 0.21 * lines
    head = 0.35 if suptitle else 0.0
    width, height = columns * cell, rows * row + head

    _register_font()
    # Placed by hand: matplotlib's layout engines are slow with many axes.
    fig = plt.figure(figsize=(width, height), layout="none")
    for number, image in enumerate(images):
        left = number % columns * cell + gap
        bottom = height - head - (number // columns + 1) * row + gap
        axes = fig.add_axes(
            (
                left / width,
                bottom / height,
                (cell - 2 * gap) / width,
                picture / height,
            )
        )
        if image.ndim == 3 and vmin is not None and vmax is not None:
            # imshow ignores vmin and vmax for colour images.
            image = np.clip((image.astype(float) - vmin) / (vmax - vmin), 0, 1)
        axes.imshow(image, cmap=cmap, vmin=vmin, vmax=vmax)
        axes.set(xticks=[], yticks=[], anchor="S")
        # A frame, so that the white paper of a scan has an edge.
        axes.spines[:].set(visible=True, color="0.8", linewidth=0.5)
        if titles is not None:
            axes.set_title(
                str(titles[number]),
                fontfamily=FAMILIES,
                fontsize=11,
                pad=2,
                color="black" if title_colors is None else title_colors[number],
            )
    if suptitle:
        fig.suptitle(
            suptitle,
            fontfamily=FAMILIES,
            fontsize=13,
            y=1 - 0.06 / height,
            va="top",
        )
    return fig


def learning_curves(histories, metric="accuracy"):
    """Draw `metric` by epoch: training dashed, validation solid, best epoch marked.

    histories: {name of the model: history}, a history being what `fit` returns or
        its `.history`, a dict of lists with one value an epoch. The best epoch is
        the one with the highest value of the validation metric (the lowest for a
        loss or an error), of the training metric where there was no validation.

    Raises ValueError when a history lacks the metric.
    """
    if not histories:
        raise ValueError("learning_curves was given no histories.")
    lower_is_better = any(word in metric for word in ("loss", "error"))

    fig, axes = plt.subplots()
    for number, (name, history) in enumerate(histories.items()):
        history = getattr(history, "history", history)
        if not len(history.get(metric, ())):
            plt.close(fig)
            raise ValueError(
                f"The history of {name!r} has no {metric!r}; "
                f"it has {', '.join(map(repr, history)) or 'nothing'}."
            )
        color = COLORS[number % len(COLORS)]
        curves = {"training": np.asarray(history[metric], float)}
        if len(history.get(f"val_{metric}", ())):
            curves["validation"] = np.asarray(history[f"val_{metric}"], float)
        for part, values in curves.items():
            judged = part == list(curves)[-1]
            label = f"{name}, {part}"
            if judged and np.isfinite(values).any():
                best = (np.nanargmin if lower_is_better else np.nanargmax)(values)
                label += f"\n(best {values[best]:.3g}, epoch {best + 1})"
                axes.plot(best + 1, values[best], "o", color=color, markersize=7)
            axes.plot(
                np.arange(1, len(values) + 1),
                values,
                linestyle="--" if part == "training" else "-",
                linewidth=1.2 if part == "training" else 2.0,
                color=color,
                label=label,
            )
    axes.set(xlabel="epoch", ylabel=metric.replace("_", " "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    # Beside the axes: with several models it would hide the curves.
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


def network(layers, title=None):
    """Draw the layers of a network as boxes, in order from left to right.

    layers: (name, shape, parameters) of each; a shape is (height, width, channels)
        or (units,). A box is as high as the image there, and wider with more
        channels (on a logarithmic scale, since these grow a hundredfold).

    Raises ValueError for other shapes.
    """
    if not layers:
        raise ValueError("network was given no layers.")
    for name, shape, _ in layers:
        if len(shape) not in (1, 3):
            raise ValueError(f"{name} has the shape {shape}, neither an image nor units.")
    images = [shape for _, shape, _ in layers if len(shape) == 3]
    tallest = max((shape[0] for shape in images), default=1)
    fig, axes = plt.subplots(figsize=(8, 3.4))
    for place, (name, shape, parameters) in enumerate(layers):
        image = len(shape) == 3
        high = shape[0] / tallest if image else 0.12 + 0.08 * np.log10(shape[0])
        wide = 0.14 + 0.1 * np.log2(shape[-1]) if image else 0.12
        axes.add_patch(
            plt.Rectangle(
                (place - wide / 2, -high / 2),
                wide,
                high,
                facecolor=COLORS[0] if parameters else "0.85",
                edgecolor="black",
                linewidth=0.8,
            )
        )
        text = " x ".join(map(str, shape))
        axes.text(place, -0.56, text, rotation=35, ha="right", va="top", fontsize=9)
        label = name.replace("_", " ") + (f"\n{parameters:,}" if parameters else "")
        axes.text(place, 0.56, label, rotation=35, ha="left", fontsize=9)
    axes.set(xlim=(-0.9, len(layers) + 0.4), ylim=(-1.1, 1.3))
    axes.axis("off")
    if title:
        fig.suptitle(title)
    return fig


def number_grid(arrays, titles=None, highlight=None, between="", square=0.42, size=8.0):
    """Draw small arrays as squares with their numbers inside, side by side.

    arrays: a list of arrays (H, W); each is shaded from its lowest value, dark, to
        its highest, light, as `imshow` would; NaN stays an empty square.
    titles: one for each array. highlight: for each array None, or the outlined
        rectangles [(row, column, height, width), ...].
    between: one character for each gap, for instance "*=" for kernel and result.
    square: side of a square in inches, made smaller if the row is wider than `size`.

    Raises ValueError for arrays of another rank and lists of other lengths.
    """
    arrays = [np.atleast_2d(array) for array in arrays]
    if not arrays or any(array.ndim != 2 for array in arrays):
        raise ValueError("number_grid takes a list of arrays (height, width).")
    titles = [""] * len(arrays) if titles is None else titles
    highlight = [None] * len(arrays) if highlight is None else highlight
    between = between or " " * (len(arrays) - 1)
    lengths = len(titles), len(highlight), len(between) + 1
    if any(length != len(arrays) for length in lengths):
        raise ValueError(
            f"There are {len(arrays)} arrays, but {lengths[0]} titles, "
            f"{lengths[1]} highlights and {lengths[2] - 1} signs between them."
        )
    gap = 1.2  # squares
    columns = sum(a.shape[1] for a in arrays) + gap * (len(arrays) - 1)
    rows = max(array.shape[0] for array in arrays)
    square = min(square, size / columns)
    longest = max(len(_number(v)) for array in arrays for v in array.flat)
    fontsize = 26 * square * min(1, 3.6 / max(longest, 1))
    head = 0.3 if any(titles) else 0.05  # inches
    fig = plt.figure(
        figsize=(columns * square + 0.1, rows * square + head + 0.1),
        layout="none",
    )
    width, height = fig.get_size_inches()
    axes = fig.add_axes(
        (
            0.05 / width,
            0.05 / height,
            columns * square / width,
            rows * square / height,
        )
    )
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.axis("off")
    left = 0.0
    for number, array in enumerate(arrays):
        top = (rows - array.shape[0]) / 2
        _squares(axes, array, left, top, fontsize)
        for row, column, high, wide in highlight[number] or ():
            axes.add_patch(
                plt.Rectangle(
                    (left + column, top + row),
                    wide,
                    high,
                    fill=False,
                    edgecolor=COLORS[1],
                    linewidth=3,
                    clip_on=False,
                    zorder=3,
                )
            )
        middle = left + array.shape[1] / 2
        axes.text(middle, top - 0.12, titles[number], ha="center", va="bottom")
        left += array.shape[1] + gap
        if number < len(between):
            axes.text(
                left - gap / 2,
                rows / 2,
                between[number],
                ha="center",
                va="center",
                fontsize=16,
            )
    return fig


def _squares(axes, array, left, top, fontsize):
    """One array of `number_grid`, its upper left corner at (left, top)."""
    known = array[np.isfinite(array.astype(float))]
    low, high = (known.min(), known.max()) if known.size else (0, 0)
    for (row, column), value in np.ndenumerate(array):
        empty = not np.isfinite(value)
        # The lightest greys are kept for high values, black for none.
        share = 1.0 if low == high else (float(value) - low) / (high - low)
        shade = 1.0 if empty else 0.25 + 0.75 * share
        axes.add_patch(
            plt.Rectangle(
                (left + column, top + row),
                1,
                1,
                facecolor=str(shade),
                edgecolor="0.5",
                linewidth=0.6,
                clip_on=False,
            )
        )
        axes.text(
            left + column + 0.5,
            top + row + 0.5,
            _number(value),
            ha="center",
            va="center",
            # 4.5:1 and more in both cases
            color="black" if shade > 0.465 else "white",
            fontsize=fontsize,
        )


def _number(value):
    """A number as short text; nothing for NaN."""
    if isinstance(value, int | np.integer | np.bool_):
        return str(int(value))
    return f"{value:.3g}" if np.isfinite(value) else ""


def _register_font():
    """Tell matplotlib of the course's font, once.

    It gets a name of its own, so that a figure looks the same whether or not the
    system has a Noto font.
    """
    if any(font.name == CHINESE for font in fontManager.ttflist):
        return
    if not FONT_FILE.is_file():
        raise CourseError(
            f"The course's Chinese font is missing: {FONT_FILE}. Get the folder "
            "`fonts` of the course again."
        )
    fontManager.addfont(FONT_FILE)
    entry = next(f for f in fontManager.ttflist if f.fname == str(FONT_FILE))
    fontManager.ttflist.append(replace(entry, name=CHINESE))


def _png(fig):
    """The figure as PNG, the same bytes every time: no version or date inside.

    Without transparency, which figures on white do not need: a tenth smaller.
    """
    from PIL import Image

    drawn, buffer = BytesIO(), BytesIO()
    fig.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _as_image(image, number):
    """`image` as an array (H, W) or (H, W, 3). Raises ValueError for other shapes."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.size and (image.ndim == 2 or image.ndim == 3 and image.shape[2] == 3):
        return image
    raise ValueError(
        f"Image {number} has the shape {image.shape}; an image is (height, width), "
        "(height, width, 1) or (height, width, 3), and image_grid takes a list of them."
    )
