"""Four interactive pages for notebooks and slides, which need no running kernel.

`kernels({"name": image})` shows what a 3x3 kernel does at each pixel, `arithmetic()`
the sizes, parameters and costs of a convolutional layer, `network_builder()` those
of a whole network that one puts together, and `query(images, labels, near)` the nearest
neighbours of each image. Each is one JavaScript file in this folder,
with common.js before it, carried by the output of its cell, so that it works in
JupyterLab, in slides and in exported pages, offline. Where scripts do not run (a
notebook that is not trusted yet, a printed page) a picture takes its place.
The numbers are those of `helpers.convolution` and of Keras; tests compare them in a
browser. Two further pages in this folder need Python: pad.js, which `helpers.explorers.pad`
carries, and editor.js, which `helpers.explorers.editor` does.
"""

import base64
import hashlib
import html
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.files import CourseError
from helpers.images import require_neighbours

FOLDER = Path(__file__).resolve().parent

GREATEST_SIDE = 64
"""Pixels: a larger image would be too small to point at, and heavy to store."""

NOT_RUNNING = (
    "This is a picture of the explorer. To use it, run the cells from the top down to this "
    "one, or trust the notebook (menu View, Activate Command Palette, Trust Notebook)."
)

GREATEST_WEIGHT = 999
"""Of a kernel: with more digits, its products would not fit beside each other."""

GREATEST_BIAS = 9999

LIMITS = {
    "size": (3, 64),
    "kernel": (1, 11),
    "padding": (0, 5),
    "stride": (1, 4),
    "dilation": (1, 4),
    "channels": (1, 512),
    "filters": (1, 512),
    "layers": (1, 6),
}
"""Where each slider of the arithmetic explorer starts and ends."""

PADDINGS = "valid", "same", "full"

MOST_IMAGES = 400
"""On the query page: more would make a notebook heavy."""

TILE = 48
"""Pixels: the height of an image on the query page, as it is stored."""

NETWORKS = "LeNet-5", "The course's CNN", "AlexNet", "VGG16"
"""What the network builder can start with."""


def kernels(images, kernel=((0, 0, 0), (0, 1, 0), (0, 0, 0)), bias=0, relu=False):
    """Show the kernel explorer for images, starting with `kernel`.

    images: {name: array (height, width) or (height, width, 3) of uint8}, sides of 3 to
        64 pixels. The first is shown at the start.
    kernel: weights from -999 to 999, (3, 3) for greys or (3, 3, 3) for colours.
    bias, relu: what is done to the sums: a number is added, the negative ones become 0.
    Raises CourseError for other images, kernels and biases.
    """
    if not isinstance(images, dict) or not images:
        raise CourseError('Give images by name: kernels({"sprite": image}).')
    if not isinstance(bias, int | float | np.number) or not abs(bias) <= GREATEST_BIAS:
        raise CourseError(
            f"The kernel explorer takes a bias from -{GREATEST_BIAS} to {GREATEST_BIAS}, "
            f"not {bias!r}."
        )
    settings = {
        "images": {str(name): _image(name, image).tolist() for name, image in images.items()},
        "kernel": _weights(kernel).tolist(),
        "bias": float(bias),
        "relu": bool(relu),
    }
    _show(
        "kernel",
        settings,
        "The kernel explorer: an image, the nine products under the kernel and "
        "their sum, and the feature map.",
    )


def arithmetic(**start):
    """Show the convolution-arithmetic explorer; `start` presets its sliders.

    start: any of size, kernel, padding ("valid", "same", "full" or a number), stride,
        dilation, channels, filters and layers; LIMITS says how great each may be.
    Raises CourseError for other names and values.
    """
    for name, value in start.items():
        if name not in LIMITS:
            raise CourseError(
                f"The arithmetic explorer has no slider {name!r}; it has {', '.join(LIMITS)}."
            )
        if name == "padding" and value in PADDINGS:
            continue
        low, high = LIMITS[name]
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            words = ' "valid", "same", "full" or' * (name == "padding")
            raise CourseError(
                f"The slider {name!r} of the arithmetic explorer takes{words} a "
                f"whole number from {low} to {high}, not {value!r}."
            )
    _show(
        "arithmetic",
        {name: value if isinstance(value, str) else int(value) for name, value in start.items()},
        "The convolution-arithmetic explorer: sliders of a layer, the places of its "
        "kernel drawn, output shape, parameters and costs.",
    )


def network_builder(preset="LeNet-5"):
    """Show the network builder, starting with one of NETWORKS.

    Layers are added, moved and removed; volumes, parameters, multiplications and
    receptive fields follow, and the Keras code of the network can be copied.
    Raises CourseError for other names.
    """
    if preset not in NETWORKS:
        raise CourseError(
            f"The network builder knows no {preset!r}; it starts with {', '.join(NETWORKS)}."
        )
    _show(
        "builder",
        {"preset": preset},
        "The network builder: volumes of a network drawn to scale, and a table of its "
        "layers with output shapes, parameters and multiplications.",
    )


def query(images, labels, near, start=0):
    """Show the query page: choose an image, and see its nearest in each of the spaces.

    images: (n, height, width), with one or three channels if any, of uint8; at most
        MOST_IMAGES, and at least two classes of them.
    labels: n names of classes. start: the number of the image that is asked for first.
    near: {name of a space: (n, k) numbers of images}, for each its nearest, the nearest
        first and itself not among them.
    Where no script runs, a picture shows the first query. Raises CourseError for images,
    labels and neighbours that do not fit together.
    """
    tiles = _tiles(images)
    labels = [str(label) for label in labels]
    if len(labels) != len(tiles):
        raise CourseError(
            f"The query page was given {len(tiles)} images and {len(labels)} labels: "
            "give one label for each image."
        )
    if not isinstance(near, dict) or not near:
        raise CourseError('Give the neighbours by space: query(X, labels, {"pixels": near}).')
    near = {str(space): _near(space, found, labels) for space, found in near.items()}
    if start not in range(len(tiles)):
        raise CourseError(
            f"There is no image {start!r}: start with one from 0 to {len(tiles) - 1}."
        )
    sheet, columns = _sheet(tiles)
    settings = {
        "sheet": sheet,
        "columns": columns,
        "tile": tiles.shape[1:3],
        "labels": labels,
        "spaces": [{"name": space, "near": found.tolist()} for space, found in near.items()],
        "start": int(start),
    }
    chinese = {letter for label in labels for letter in label if "\u3400" <= letter <= "\u9fff"}
    if chinese:
        font = base64.b64encode(glyphs("".join(sorted(chinese)))).decode()
        settings["font"] = f"data:font/otf;base64,{font}"
    rows = [f"{space}: {', '.join(labels[k] for k in near[space][start])}" for space in near]
    alt = f"The query page: the nearest of an image of the class {labels[start]}, by {'; '.join(rows)}."
    _show("query", settings, alt, _first_query(tiles, labels, near, start))


def _tiles(images):
    """Images as (n, TILE or fewer, width[, 3]) of uint8 for the query page, or CourseError."""
    images = _array(images, "the images")
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.dtype != np.uint8 or not (images.ndim == 3 or images.shape[3:] == (3,)):
        raise CourseError(
            "The query page takes images (n, height, width) or (n, height, width, 3) of "
            f"uint8, not {images.dtype} of shape {images.shape}."
        )
    if len(images) > MOST_IMAGES:
        raise CourseError(
            f"The query page takes up to {MOST_IMAGES} images, not {len(images):,}: give some "
            "of them."
        )
    height, width = images.shape[1:3]
    if height <= TILE:
        return images
    size = max(1, round(width * TILE / height)), TILE
    scaled = [Image.fromarray(image).resize(size, Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in scaled])


def _near(space, found, labels):
    """The neighbours of all images in one space as an array (n, k), or CourseError."""
    found = _array(found, f"the neighbours by {space}")
    n = len(labels)
    if found.ndim != 2 or len(found) != n or found.dtype.kind not in "iu":
        raise CourseError(
            f"The neighbours by {space} should be {n} rows of numbers of images, not an array of "
            f"shape {found.shape} and dtype {found.dtype}."
        )
    require_neighbours(labels, found.shape[1])
    if found.min(initial=0) < 0 or found.max(initial=0) >= n:
        raise CourseError(f"The neighbours by {space} are not all numbers from 0 to {n - 1}.")
    if (found == np.arange(n)[:, None]).any():
        raise CourseError(
            f"By {space}, an image is its own neighbour: leave out the image that is asked for."
        )
    return found


def _sheet(tiles):
    """(All tiles in one picture, as a data address; how many beside each other)."""
    columns = min(len(tiles), 20)
    spare = np.full((-len(tiles) % columns, *tiles.shape[1:]), 255, np.uint8)
    rows = np.concatenate([tiles, spare]).reshape(-1, columns, *tiles.shape[1:])
    picture = np.concatenate([np.concatenate([*row], axis=1) for row in rows])
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "jpeg", quality=75, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", columns


def _first_query(tiles, labels, near, start):
    """JPEG: a row for each space, with the image that is asked for and its nearest."""
    import matplotlib.pyplot as plt

    from helpers.plots import COLORS, image_grid

    numbers = [k for found in near.values() for k in (start, *found[start])]
    titles = [labels[k] for k in numbers]
    colors = ["black" if labels[k] == labels[start] else COLORS[1] for k in numbers]
    fig = image_grid(
        tiles[numbers],
        titles,
        columns=len(numbers) // len(near),
        suptitle=f"An image, and its nearest by {' (above) and by '.join(near)}",
        title_colors=colors,
    )
    buffer = BytesIO()
    fig.savefig(buffer, format="png", dpi=125)
    plt.close(fig)
    Image.open(buffer).convert("RGB").save(buffer := BytesIO(), "jpeg", quality=75, optimize=True)
    return buffer.getvalue()


def _image(name, image):
    """`image` as an array (height, width) or (height, width, 3) of uint8, or CourseError."""
    image = _array(image, f"the image {name!r}")
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.shape[2:] == (3,)):
        raise CourseError(
            f"The kernel explorer takes images (height, width) or (height, width, 3) of "
            f"uint8; {name!r} has the shape {image.shape} and dtype {image.dtype}."
        )
    if not 3 <= min(image.shape[:2]) <= max(image.shape[:2]) <= GREATEST_SIDE:
        raise CourseError(
            f"The kernel explorer takes sides of 3 to {GREATEST_SIDE} pixels; "
            f"{name!r} has the shape {image.shape}."
        )
    return image


def _weights(kernel):
    """`kernel` as an array of numbers that can be shown, or CourseError."""
    kernel = _array(kernel, "the kernel")
    if kernel.shape not in {(3, 3), (3, 3, 3)} or kernel.dtype.kind not in "iuf":
        raise CourseError(
            f"The kernel explorer takes a 3x3 or 3x3x3 kernel of numbers, not one of shape "
            f"{kernel.shape} and dtype {kernel.dtype}."
        )
    if not np.all(np.abs(kernel.astype(float)) <= GREATEST_WEIGHT):
        raise CourseError(
            f"The kernel explorer takes weights from -{GREATEST_WEIGHT} to "
            f"{GREATEST_WEIGHT}; this kernel has others."
        )
    return kernel


def _array(values, what):
    """`values` as an array; CourseError where rows differ in length."""
    try:
        return np.asarray(values)
    except ValueError:
        raise CourseError(f"The rows of {what} differ in length, so it is no array.") from None


def source(name):
    """The JavaScript of the page `name`, after what all pages share."""
    files = FOLDER / "common.js", FOLDER / f"{name}.js"
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _show(name, settings, alt, picture=None):
    """Display the page `name`.js with its settings, and a JPEG, else its PNG, as a stand-in."""
    from IPython.display import HTML, display

    script = source(name)
    kind = "jpeg" if picture else "png"
    picture = base64.b64encode(picture or (FOLDER / f"{name}.png").read_bytes())
    # "<" could end the script early.
    values = json.dumps(settings).replace("<", "\\u003c")
    # The same for the same settings, so that stored outputs can be compared.
    mark = hashlib.sha256(f"{name}{values}".encode()).hexdigest()[:12]
    place = f"course-{name}-{mark}"
    # The same explorer may be on a page twice; each starts once. JupyterLab would
    # take keys for itself unless what has the focus forbids it.
    display(
        HTML(
            f'<div class="{place}"><p>{NOT_RUNNING}</p>'
            f'<img alt="{html.escape(alt)}" style="max-width: 100%" '
            f'src="data:image/{kind};base64,{picture.decode("ascii")}"></div>\n'
            f'<script type="module">\n{script}\n'
            f'for (const root of document.querySelectorAll(".{place}")) {{\n'
            "  if (root.dataset.started) continue;\n"
            '  root.dataset.started = "yes";\n'
            f"  mount(root, {values});\n"
            "  for (const part of root.querySelectorAll(\n"
            '      "input, select, button, [tabindex]")) {\n'
            '    part.dataset.lmSuppressShortcuts = "true";\n'
            "  }\n"
            "}\n</script>"
        )
    )


def widget_packages(what):
    """(anywidget, traitlets), which a page that talks to Python needs.

    what: the page, as a sentence begins with it. Raises CourseError where one is missing.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise CourseError(
            f"{what} needs the package {error.name}: run `python -m pip install "
            "-r requirements.txt` in the course's folder."
        ) from error
    return anywidget, traitlets


def glyphs(characters):
    """These characters of the course's font, as the bytes of a small font file.

    Not every system has Chinese glyphs, and a page may be shown where there is no
    network to get some.
    """
    from fontTools import subset

    from helpers.plots import FONT_FILE

    options = subset.Options(layout_features=[], hinting=False)
    font = subset.load_font(str(FONT_FILE), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters)
    cutter.subset(font)
    file = BytesIO()
    font.save(file)
    return file.getvalue()
