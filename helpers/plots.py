"""One figure style, a Chinese font, and alt text for every figure.

Functions here take arrays and names, never paths, and return a matplotlib Figure.
A notebook calls `use_style()` once at the top, then ends each figure with
`show(fig, "One sentence that says what the figure shows.")`.
"""

import base64
import unicodedata
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageChops

from helpers.files import COURSE, CourseError, ipython, say

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

FULL, HALF = 800, 400
"""The two widths at which pages show figures, in CSS pixels: that of a notebook's column
in a window of 1280 pixels, and half of it. Slides enlarge both to the room they have."""

TALLEST = 720
"""CSS pixels: a figure that would be taller at full width is shown at half width."""

DENSITY = 2
"""Stored pixels for each CSS pixel, in each direction: sharp on dense screens, and where
a slide enlarges the figure. A figure 8 inches wide is stored at 200 dpi."""

FEW_COLORS = 4096
"""Drawings have fewer distinct colours (about 2,000 with three curves, most of them blends
at edges), photos have more (15,000 at least)."""

GREYS = 31
"""So many steps from black to white are stored of a grey drawing: a quarter fewer bytes."""

QUALITY = 75
"""Of JPEG, from 1 to 95: at two pixels for each one shown, no loss is seen."""

SMALLEST_TYPE = 10
"""Points at a width of 8 inches: 21 pixels on a slide of 1280x720."""

GREATEST_CELL = 2.0
"""Inches: a lone image in a grid is not blown up to the whole width."""


def use_style():
    """Set the course's figure style; call it once, at the top of a notebook.

    It starts from matplotlib's defaults, so nothing of a user's matplotlibrc or IPython
    profile is left, and draws into the notebook, whatever MPLBACKEND says.
    """
    _register_font()
    shell = ipython()
    if hasattr(shell, "kernel"):
        shell.run_line_magic("matplotlib", "inline")  # which sets what a profile asks for
    plt.rcdefaults()
    plt.rcParams.update(STYLE)


def show(fig, alt="", instead=None, width=None):
    """Display `fig` as one picture with the alternative text `alt`, and close it.

    alt: says in a sentence what a reader who cannot see the figure should know. It may
        be left out where the function that drew the figure describes it, as `volumes`
        does with `fig.set_label`.
    instead: {MIME type: data}, other forms of the figure, such as a widget. A page
        that can show one shows that; others, and stored notebooks, have the picture.
    width: FULL or HALF, in CSS pixels; by default what suits the figure's size.

    The picture is opaque: black type on white, a white card in a dark theme. Ink that
    is legible on white and on black would have to be grey, and photos have no second form.
    Pictures within the figure lose their frame. In a script, where nothing can show it,
    its size and alt text are printed. Raises ValueError without alt text.
    """
    alt = alt or fig.get_label()
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "show(fig, alt) needs alt text: one sentence that says what the figure shows."
        )
    _spell(fig)
    inches = fig.get_size_inches()
    width = width or _display_width(*inches)
    text = f"<Figure {width}x{width * inches[1] / inches[0]:.0f}>"
    if ipython() is None:
        say(f"{text} {alt.strip()}")
        plt.close(fig)
        return
    from IPython.display import display

    mime, picture = _picture(fig, width)
    data = {mime: base64.b64encode(picture).decode("ascii"), "text/plain": text}
    data |= instead or {}
    # Not display(fig): what that draws depends on the backend, and under some
    # it draws nothing.
    display(data, raw=True, metadata={mime: {"alt": alt.strip(), "width": width}})
    plt.close(fig)  # else Jupyter draws a second copy at the end of the cell


def spelled(text) -> str:
    """The text with U+4E8D and the like for each character that no font of the course has."""
    known = _glyphs() if not str(text).isascii() else ()
    return "".join(
        c
        if c.isascii() or ord(c) in known or unicodedata.category(c)[0] in "CMZ"
        else f"U+{ord(c):04X}"
        for c in str(text)
    )


@lru_cache(maxsize=1)
def _glyphs():
    """The code points that matplotlib draws with FAMILIES."""
    _register_font()
    fonts = [FT2Font(fontManager.findfont(family)) for family in FAMILIES]
    return {code for font in fonts for code in font.get_charmap()}


def _spell(fig):
    """Write as by `spelled` whatever a figure says, its labels of ticks too."""
    texts = [*fig.texts, *(text for legend in fig.legends for text in legend.get_texts())]
    for axes in fig.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += axes.legend_.get_texts() if axes.legend_ else []
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            labels = formatter.format_ticks  # asked whenever the figure is drawn
            formatter.format_ticks = lambda at, labels=labels: [*map(spelled, labels(at))]
    for text in texts:
        if (legible := spelled(text.get_text())) != text.get_text():
            text.set_text(legible)


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
        axes.spines[:].set_visible(False)
        if _has_white_rim(axes.images[0]):
            edge = {"transform": axes.transAxes, "clip_on": False, "fill": False}
            axes.add_patch(plt.Rectangle((0, 0), 1, 1, edgecolor="0.8", linewidth=0.5, **edge))
        if titles is not None:
            axes.set_title(
                spelled(titles[number]),
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


class Volume(NamedTuple):
    """One layer of a network, as `volumes` draws it."""

    name: str  # of the operation, short: "conv", "max", "dense"
    shape: tuple  # of what comes out: (height, width, channels) or (units,)
    kernel: tuple | None = None  # (height, width) of the footprint
    stride: tuple = (1, 1)
    parameters: int = 0
    multiplications: int = 0  # for one image


MOST_VOLUMES = 16
"""So many fit into a figure 8 inches wide with type of 10 points."""

KINDS = {"conv": COLORS[0], "pool": COLORS[2], "dense": COLORS[3], "input": "#BBBBBB"}
"""Colours of volumes by what made them: a convolution, a layer without weights, ..."""


def volumes(network, title=None):
    """Draw a network as volumes in perspective, from left to right.

    network: a built Keras model whose layers form a chain, or a list of `Volume`s or of
        tuples like them, the input first. Layers that only rescale, normalise, flatten,
        activate or drop add their parameters to the volume before them; equal layers in
        a row are drawn as one volume in slices.

    A volume is as high as its image and as wide as it has channels, both compressed: sides
    grow with the 0.6th power, channels with the logarithm. Above each arrow are the kernel
    and the stride, below each volume its size, parameters and multiplications for one
    image. `fig.get_label()` says the same in words, for `show`.

    Raises ValueError for branches, other shapes, and more volumes than fit in a figure.
    """
    layers = _volumes_of(network) if hasattr(network, "layers") else [Volume(*v) for v in network]
    if not layers:
        raise ValueError("volumes was given no layers.")
    for layer in layers:
        if len(layer.shape) not in (1, 3):
            raise ValueError(
                f"{layer.name} has the shape {layer.shape}, neither (height, width, channels) "
                "nor (units,)."
            )
    stacks = _stacked(layers)
    if len(stacks) > MOST_VOLUMES:
        raise ValueError(
            f"The network has {len(stacks)} different volumes; {MOST_VOLUMES} fit in a figure. "
            "Give a list of its most important ones."
        )

    above, below = _rows(stacks)
    sizes, columns, lefts, width = _columns(stacks, layers)
    line = SMALLEST_TYPE * 1.22 / 72  # inches
    floor = line * (len(below) + 1) + 0.2  # of the drawing, above the lower table and the sum
    ceiling = floor + max(high + back for _, high, back in sizes) + 0.08
    height = ceiling + line * len(above) + 0.05 + (0.3 if title else 0)
    fig = plt.figure(figsize=(width, height), layout="none")
    axes = fig.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    if title:
        axes.text(width / 2, height - 0.06, title, fontsize=13, ha="center", va="top")

    # Each row of the two tables on a line of its own.
    upper = [ceiling + line * row + 0.04 for row in range(len(above))][::-1]
    lower = [floor - 0.05 - line * (row + 1) for row in range(len(below))]
    type_ = {"fontsize": SMALLEST_TYPE, "va": "baseline"}
    for y, name in zip(upper + lower, above + below, strict=True):
        axes.text(0.05, y, name, color="0.35", **type_)
    middle = floor + max(high for _, high, _ in sizes) / 2
    end = None  # of the volume before
    for place, (layer, number) in enumerate(stacks):
        wide, high, back = sizes[place]
        center = (lefts[place] + lefts[place + 1]) / 2
        left, bottom = center - (wide + back) / 2, middle - high / 2
        if end:
            _arrow(axes, layer, *end, left, middle)
        _box(axes, layer, number, left, bottom, wide, high, back)
        end = layer.shape, left + wide, bottom, high, back
        edge = lefts[place]  # labels of arrows are between two volumes
        for y, text in zip(upper, columns[place][: len(above)], strict=True):
            axes.text(edge, y, text, ha="center", **type_)
        for y, text in zip(lower, columns[place][len(above) :], strict=True):
            axes.text(center, y, text, ha="center", **type_)
    total = (
        f"{sum(v.parameters for v in layers):,} parameters, "
        f"{sum(v.multiplications for v in layers):,} multiplications for one image"
    )
    # The Chinese font has no bold face.
    bold = {"fontweight": "bold", "fontfamily": FAMILIES[0]}
    axes.text(width / 2, 0.07, total, ha="center", **bold, **type_)
    fig.set_label(_in_words(title, stacks, total))
    return fig


def _stacked(layers):
    """[(layer, how many of it are in a row)]; the layer has what all of them cost."""
    stacks = []
    for layer in layers:
        before, number = stacks[-1] if stacks else (None, 0)
        # Layers of the same name, shape, kernel and stride; pools always change the shape.
        if before and layer[:4] == before[:4]:
            parameters = before.parameters + layer.parameters
            multiplications = before.multiplications + layer.multiplications
            both = before._replace(parameters=parameters, multiplications=multiplications)
            stacks[-1] = both, number + 1
        else:
            stacks.append((layer, 1))
    return stacks


def _volumes_of(model):
    """The layers of a Keras model as Volumes; see `volumes`."""
    if not model.built:
        raise ValueError(
            "The model is not built: its layers have no shapes before it has seen an Input."
        )
    layers = list(model.layers)
    start = tuple(model.input_shape[1:])
    found = [Volume("input", start)]
    for layer in layers:
        if isinstance(layer.input, list | tuple) and len(layer.input) > 1:
            raise ValueError(f"The model has branches: {layer.name!r} has several inputs.")
        shape = tuple(layer.output.shape[1:])
        kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        parameters = layer.count_params()
        matrices = [w for w in layer.weights if len(w.shape) > 1]
        pooled = len(found[-1].shape) == 3 and len(shape) == 1 and "Global" in type(layer).__name__
        if not (kernel or matrices or pooled):
            if len(shape) == 3 and shape != found[-1].shape:  # resized, padded, cropped
                found.append(Volume(_short(layer), shape, None, (1, 1), parameters))
            else:
                before = found[-1]
                found[-1] = before._replace(parameters=before.parameters + parameters)
            continue
        # Each weight of a kernel is used once at each place of the output.
        places = int(np.prod(shape[:-1])) if kernel else 1
        multiplications = places * sum(int(np.prod(w.shape)) for w in matrices)
        strides = tuple(getattr(layer, "strides", (1, 1)))
        kernel = tuple(kernel) if kernel else None
        found.append(Volume(_short(layer), shape, kernel, strides, parameters, multiplications))
    return found


def _short(layer):
    """A short name for a Keras layer, from its class: "conv" for Conv2D."""
    name = type(layer).__name__.removesuffix("2D").removesuffix("Pooling")
    if name in ("SeparableConv", "DepthwiseConv"):
        name = name.removesuffix("Conv")
    return name.replace("Global", "global ").lower()


def _kind(layer):
    """Which of the KINDS a Volume is."""
    if layer.name == "input":
        return "input"
    if not layer.multiplications:
        return "pool"
    return "conv" if layer.kernel else "dense"


def _size(layer, layers, number):
    """(width, height, depth into the page) of a volume, in inches."""
    if len(layer.shape) == 1:
        return 0.1 * number, 0.2 + 0.2 * np.log10(layer.shape[0]), 0.04
    tallest = max(max(v.shape[:2]) for v in layers if len(v.shape) == 3)
    high, deep = ((side / tallest) ** 0.6 for side in layer.shape[:2])
    slices = 1 + 0.3 * (number - 1)
    return (0.03 + 0.03 * np.log2(layer.shape[2])) * slices, 0.95 * high, 0.28 * deep


def _rows(stacks):
    """The names of the rows above the drawing, and of those below."""
    square = all(v.shape[0] == v.shape[1] for v, _ in stacks if len(v.shape) == 3)
    side = "side" if square else "height, width"
    return ["layer", "kernel", "stride"], [side, "channels, units", "parameters", "multiplications"]


def _column(layer, number, square, write):
    """What the two tables say of a stack of equal layers; `write` makes numbers text."""
    name = f"{number} {layer.name}" if number > 1 else layer.name
    stride = [] if layer.kernel is None else dict.fromkeys(layer.stride)
    shape = layer.shape[: 1 if square else 2] if len(layer.shape) == 3 else ()
    return [
        "" if layer.name == "input" else name,
        "x".join(map(str, layer.kernel or ())),
        "x".join(map(str, stride)),
        ", ".join(map(str, shape)),
        str(layer.shape[-1]),
        write(layer.parameters) if layer.parameters else "",
        write(layer.multiplications) if layer.multiplications else "",
    ]


def _columns(stacks, layers):
    """(sizes of volumes, texts of columns, left edges and the end of the last, width).

    In inches. Columns are as wide as what is in them, labels of arrows are on their edges.
    Where 8 inches do not suffice, numbers are shortened, then volumes made narrower.
    """
    above, below = _rows(stacks)
    first = max(map(_inches, above + below)) + 0.2
    for write, narrow in ((_in_full, 1), (_compact, 1), (_compact, 0.8), (_compact, 0.6)):
        sizes = [_size(stack[0], layers, stack[1]) for stack in stacks]
        sizes = [(wide * narrow, high, back * narrow) for wide, high, back in sizes]
        columns = [_column(*stack, below[0] == "side", write) for stack in stacks]
        labels = [max(map(_inches, c[: len(above)])) for c in columns] + [0.0]
        needed = [
            max(
                wide + back + 0.16,
                (labels[place] + labels[place + 1]) / 2 + 0.08,
                *(_inches(text) + 0.08 for text in columns[place][len(above) :]),
            )
            for place, (wide, _, back) in enumerate(sizes)
        ]
        spare = max(0, 8 - first - sum(needed)) / len(needed)
        if spare:
            break
    lefts = first + np.cumsum([0, *(n + spare for n in needed)])
    return sizes, columns, lefts, float(lefts[-1])


def _in_full(number):
    return f"{number:,}"


def _compact(number):
    """Three significant figures: 1.52k, 411M, 15.3G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


@lru_cache(10_000)
def _inches(text, points=SMALLEST_TYPE):
    """The width of a text of one line in the course's type."""
    if not text.strip():
        return 0.0
    box = TextPath((0, 0), text, points, prop=FontProperties(family=FAMILIES)).get_extents()
    return float(box.width) / 72


def _box(axes, layer, number, left, bottom, wide, high, back):
    """Draw a volume: front, top and side, the latter two receding to the upper right."""
    color = np.array(to_rgb(KINDS[_kind(layer)]))
    right, top = left + wide, bottom + high
    front = [(left, bottom), (right, bottom), (right, top), (left, top)]
    lid = [(left, top), (right, top), (right + back, top + back), (left + back, top + back)]
    side = [(right, bottom), (right + back, bottom + back), (right + back, top + back)]
    for corners, light in ((front, 0.25), (lid, 0.6), ([*side, (right, top)], 0.45)):
        shade = color + (1 - color) * light
        axes.add_patch(plt.Polygon(corners, facecolor=shade, edgecolor="black", linewidth=0.8))
    for cut in range(1, number):  # slices: equal layers one after another
        x = left + wide * cut / number
        axes.plot([x, x, x + back], [bottom, top, top + back], color="black", linewidth=0.8)


def _arrow(axes, layer, shape, right, bottom, high, back, left, middle):
    """The step from a volume to the next: what one of its values is computed from."""
    if layer.kernel and len(shape) == 3:
        # The kernel's footprint on the side, which shows height and width.
        share = [min(1, max(0.15, k / side)) for k, side in zip(layer.kernel, shape, strict=False)]
        tall, deep = share[0] * high, share[1] * back
        x, y = right + (back - deep) / 2, middle - tall / 2 + back / 2 - deep / 2
        corners = [(x, y), (x + deep, y + deep), (x + deep, y + deep + tall), (x, y + tall)]
        axes.add_patch(
            plt.Polygon(corners, facecolor="white", alpha=0.7, edgecolor=COLORS[1], zorder=3)
        )
    else:
        corners = [(right + back, bottom + back), (right + back, bottom + high + back)]
    for x, y in corners:
        axes.plot([x, left], [y, middle], color=COLORS[1], linewidth=0.8, zorder=3)
    tip = [(left, middle), (left - 0.08, middle + 0.03), (left - 0.08, middle - 0.03)]
    axes.add_patch(plt.Polygon(tip, facecolor=COLORS[1], zorder=3))


def _in_words(title, stacks, total):
    """The network in a sentence, for readers who cannot see the drawing."""
    steps = []
    for layer, number in stacks:
        step = f"{number} times {layer.name}" if number > 1 else layer.name
        if layer.kernel:
            step += " " + "x".join(map(str, layer.kernel))
            if max(layer.stride) > 1:
                step += f" stride {max(layer.stride)}"
        steps.append(f"{step} {'x'.join(map(str, layer.shape))}")
    return f"{title or 'A network'}: {', '.join(steps)}; {total}."


def number_grid(
    arrays, titles=None, highlight=None, between="", square=0.42, size=8.0, scales=None
):
    """Draw small arrays as squares with their numbers inside, side by side.

    arrays: a list of arrays (H, W); NaN stays an empty square. All are shaded on one
        scale, so that a number has one shade in the whole figure: from the lowest, dark,
        to the highest, light, as `imshow` would. With negative numbers the scale is
        white at 0, blue below and red above.
    titles: one for each array. highlight: for each array None, or the outlined
        rectangles [(row, column, height, width), ...].
    between: one character for each gap, for instance "*=" for kernel and result.
    square: side of a square in inches; larger for long numbers, smaller where the row
        would be wider than `size`. A row is broken where that makes squares clearly larger.
    scales: one character for each array, for instance "iik": only arrays with the same
        character share a scale.

    Raises ValueError for arrays of another rank and lists of other lengths.
    """
    arrays = [np.atleast_2d(array) for array in arrays]
    if not arrays or any(array.ndim != 2 for array in arrays):
        raise ValueError("number_grid takes a list of arrays (height, width).")
    titles = [""] * len(arrays) if titles is None else titles
    highlight = [None] * len(arrays) if highlight is None else highlight
    between = between or " " * (len(arrays) - 1)
    scales = scales or "a" * len(arrays)
    lengths = len(titles), len(highlight), len(between) + 1, len(scales)
    if any(length != len(arrays) for length in lengths):
        raise ValueError(
            f"There are {len(arrays)} arrays, but {lengths[0]} titles, {lengths[1]} "
            f"highlights, {lengths[2] - 1} signs between them and {lengths[3]} scales."
        )
    # Squares are wide enough for the longest number, where there is room.
    longest = max(_inches(_number(v)) for array in arrays for v in array.flat)
    rows, square = _broken(arrays, titles, between, max(square, longest / 0.88), size)
    fits = SMALLEST_TYPE * square / max(longest, 0.01)  # points: as wide as the square
    fontsize = min(0.6 * 72 * square, 18, max(0.8 * fits, min(SMALLEST_TYPE, 0.9 * fits)))
    shades = {
        name: _shades([a for a, s in zip(arrays, scales, strict=True) if s == name])
        for name in scales
    }

    lines = [max(1 + titles[n].count("\n") if titles[n] else 0 for n in row) for row in rows]
    head = [0.12 + 0.18 * number if number else 0.05 for number in lines]  # inches
    high = [max(arrays[n].shape[0] for n in row) * square for row in rows]
    widths = [_widths(row, arrays, titles, between, square) for row in rows]
    width = max(sum(w) for w in widths) + 0.1
    height = sum(head) + sum(high) + 0.1 * len(rows)
    fig = plt.figure(figsize=(width, height), layout="none")
    axes = fig.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    top = 0.0
    for row, above, tall, wide in zip(rows, head, high, widths, strict=True):
        left = 0.05
        for place, number in enumerate(row):
            array = arrays[number]
            corner = (
                left + (wide[2 * place] - array.shape[1] * square) / 2,
                top + above + (tall - array.shape[0] * square) / 2,
            )
            outlined = highlight[number] or ()
            _squares(axes, array, *corner, square, shades[scales[number]], outlined, fontsize)
            axes.text(
                left + wide[2 * place] / 2,
                corner[1] - 0.05,
                titles[number],
                ha="center",
                va="bottom",
            )
            left += wide[2 * place]
            if number < len(between):
                middle = left + wide[2 * place + 1] / 2, top + above + tall / 2
                axes.text(*middle, between[number], ha="center", va="center", fontsize=16)
            left += wide[2 * place + 1]
        top += above + tall + 0.1
    return fig


def _widths(row, arrays, titles, between, square):
    """Inches: width of an array or its title, of the gap to the next, and so on.

    row: the indices of its arrays. The last gap is 0, unless a sign is in it.
    """
    widths = []
    for number in row:
        lines = titles[number].split("\n")
        text = max(_inches(line, STYLE["font.size"]) for line in lines) + 0.1
        body = arrays[number].shape[1] * square
        widths += [max(body, text), max(square - max(0, text - body), 0.15)]
    sign = between[row[-1] :][:1].strip()
    widths[-1] = square if sign else 0.0
    return widths


def _broken(arrays, titles, between, square, size):
    """(rows of indices of the arrays, side of the squares) of the best layout.

    A further row must make squares larger by a fifth, within a height of 4.2 inches. It
    begins after a blank in `between`, or after the only sign: formulas are not broken.
    """
    best = None
    for number in range(1, len(arrays) + 1):
        if len(arrays) % number:
            continue  # rows of unequal length are hard to compare
        rows = np.arange(len(arrays)).reshape(number, -1).tolist()
        ends = "".join(between[row[-1]] for row in rows[:-1])
        if ends.strip() and len(between.replace(" ", "")) > 1:
            continue
        side = square
        while side > 0.1:
            width = max(sum(_widths(row, arrays, titles, between, side)) for row in rows)
            height = sum(max(arrays[n].shape[0] for n in row) * side + 0.4 for row in rows)
            if width <= size and (number == 1 or height <= 4.2):
                break
            side -= 0.01
        if best is None or side > 1.2 * best[1]:
            best = rows, side
    return best


def _shades(arrays):
    """The function from a number to its colour (r, g, b), for arrays on one scale."""
    values = np.concatenate([np.ravel(a).astype(float) for a in arrays])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if low < 0:
        most = max(-low, high)
        # In steps: hundreds of shades would not fit into a palette (see _picture).
        return lambda value: plt.get_cmap("RdBu_r")(0.5 + 0.03 * round(14 * value / most))[:3]
    # The lightest greys are kept for high values, black for none.
    span = high - low or 1
    return lambda value: (1 - 0.75 * (high - value) / span,) * 3


def _squares(axes, array, left, top, square, shade, outlined, fontsize):
    """One array of `number_grid`, its upper left corner at (left, top) inches."""
    for (row, column), value in np.ndenumerate(array):
        color = shade(float(value)) if np.isfinite(value) else (1, 1, 1)
        x, y = left + column * square, top + row * square
        axes.add_patch(
            plt.Rectangle((x, y), square, square, facecolor=color, edgecolor="0.5", linewidth=0.6)
        )
        axes.text(
            x + square / 2,
            y + square / 2,
            _number(value),
            ha="center",
            va="center_baseline",
            color="black" if _luminance(color) > 0.179 else "white",  # 4.5:1 in both cases
            fontsize=fontsize,
        )
    for row, column, high, wide in outlined:
        axes.add_patch(
            plt.Rectangle(
                (left + column * square, top + row * square),
                wide * square,
                high * square,
                fill=False,
                edgecolor=COLORS[1],
                linewidth=3,
                zorder=3,
            )
        )


def _luminance(color):
    """Relative luminance of (r, g, b), 0 to 1, as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


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


def _display_width(width, height):
    """FULL or HALF, for a figure of so many inches."""
    tall = height / width * FULL > TALLEST
    return HALF if tall or width < 0.55 * STYLE["figure.figsize"][0] else FULL


def _picture(fig, width):
    """(MIME type, bytes) of the figure, to be shown `width` CSS pixels wide.

    The same bytes every time: no version or date inside. A drawing is a PNG in grey or with
    a palette, a photo is a JPEG, which is a third of the size of a PNG.
    """
    for axes in fig.axes:
        if axes.images:
            axes.spines[:].set_visible(False)
    drawn = BytesIO()
    fig.savefig(drawn, format="png", dpi=DENSITY * width / fig.get_size_inches()[0])
    image = Image.open(drawn).convert("RGB")
    colors = image.getcolors(FEW_COLORS)  # None if there are more
    grey = colors and all(red == green == blue for _, (red, green, blue) in colors)
    image = image.convert("L") if grey else image
    jpeg = _encoded(image, "jpeg", quality=QUALITY, progressive=True)
    if not colors:
        return "image/jpeg", jpeg
    png = _encoded(_reduced(image), "png")
    # JPEG blurs edges a little: not for a few bytes less.
    return ("image/png", png) if len(png) < 1.25 * len(jpeg) else ("image/jpeg", jpeg)


def _reduced(image):
    """A drawing with fewer colours, each off by 4 of 255 at most where 256 suffice for that.

    White stays white and black black.
    """
    if image.mode == "L":
        return image.point([round(round(v / 255 * GREYS) * 255 / GREYS) for v in range(256)])
    for number in (64, 128, 256):
        # This method keeps the largest error small.
        few = image.quantize(number, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        off = ImageChops.difference(image, few.convert("RGB"))
        if max(high for _, high in off.getextrema()) <= 4:
            break
    return few


def _encoded(image, form, **options):
    buffer = BytesIO()
    image.save(buffer, form, optimize=True, **options)
    return buffer.getvalue()


def _has_white_rim(picture):
    """Whether what `imshow` drew ends in white on most of its rim, as a scan does."""
    shades = picture.to_rgba(picture.get_array())[..., :3].mean(axis=2)
    rim = [shades[0], shades[-1], shades[:, 0], shades[:, -1]]
    return np.mean(np.concatenate(rim) > 0.9) > 0.5


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
