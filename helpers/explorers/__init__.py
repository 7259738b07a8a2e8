"""Three interactive pages for notebooks and slides, which need no running kernel.

`kernels({"name": image})` shows what a 3x3 kernel does at each pixel, `arithmetic()`
the sizes, parameters and costs of a convolutional layer, and `network_builder()` those
of a whole network that one puts together. Each is one JavaScript file in this folder,
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
from pathlib import Path

import numpy as np

from helpers.files import CourseError

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


def _show(name, settings, alt):
    """Display the page `name`.js with its settings, and its picture as a stand-in."""
    from IPython.display import HTML, display

    script = source(name)
    picture = base64.b64encode((FOLDER / f"{name}.png").read_bytes())
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
            f'src="data:image/png;base64,{picture.decode("ascii")}"></div>\n'
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


def font_of(characters):
    """The glyphs of these characters in the course's font, as a small font file.

    Not every system has Chinese glyphs, and the pad may be shown where there is no
    network to get some.
    """
    import io

    from fontTools import subset

    from helpers import plots

    options = subset.Options(layout_features=[], hinting=False)
    font = subset.load_font(str(plots.FONT_FILE), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters)
    cutter.subset(font)
    file = io.BytesIO()
    font.save(file)
    return file.getvalue()
