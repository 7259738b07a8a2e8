"""A pad to write on: the network's five likeliest classes, while the pen moves.

    from helpers.explorers.pad import pad
    drawing = pad(model, names, label=data.label)
    drawing.save("人")  # as the button does

The page is helpers/explorers/pad.js; it sends the strokes here, and gets back the
image that the network sees and its scores. A drawing is prepared in two steps that
have the same form as those of the training images: `scan` puts the strokes on white
paper, cropped to the ink, in the sizes and greys of the scans; `network_sees` resizes
that as `helpers.images` resizes a file.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from helpers import explorers, images, plots
from helpers.files import CourseError, data_folder, write_file

SIDE = 100
"""Units along a side of the square that is written on."""

# As the simulated writers' middle values; these were matched to real scans (see
# data/README.md). The pen's width is in hundredths of the character's size.
PEN = 2.8, 6.2
HEIGHT = 71  # pixels of a scan
ASPECT = 1.3  # height over width of a character as most write it
GREATEST = 104, 124  # pixels, width and height
INK = 100  # grey level of a full stroke
BLUR = 0.55  # pixels
FINER = 4  # drawn larger by this factor, then averaged down

NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.|[. ]$')
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""What Windows takes for a device, as a file name."""


# --- From strokes to the network's image -----------------------------------------


def scan(strokes):
    """Strokes as a scan: uint8 (height, width), 255 paper, cropped to the ink.

    strokes: (width, points) of each, points (n, 2) as x, y, in units of the pad.

    Size and place on the pad do not matter, as in the training images. The pen is
    made as wide, beside the character, as the training writers' pens are: who writes
    small on the pad would else seem to write with a brush.
    Raises CourseError when there are no strokes.
    """
    if not strokes:
        raise CourseError("Nothing is drawn yet: write a character first.")
    points = np.concatenate([path for _, path in strokes])
    corner, (wide, high) = points.min(axis=0), np.ptp(points, axis=0)
    # A dot has no size; one unit is the least that counts.
    unit = max(high / ASPECT, wide, 1) / 100
    scale = min(
        HEIGHT / (100 * ASPECT * unit),
        GREATEST[0] / max(wide, 1),
        GREATEST[1] / max(high, 1),
    )
    usual = np.multiply(PEN, unit)
    widths = np.clip([width for width, _ in strokes], *usual) * scale
    margin = widths.max() / 2 + 1

    size = (np.array([wide, high]) * scale + 2 * margin + 1).astype(int) * FINER
    image = Image.new("L", tuple(size.tolist()), 0)
    pencil = ImageDraw.Draw(image)
    for thick, (_, path) in zip(widths * FINER, strokes, strict=True):
        places = ((path - corner) * scale + margin) * FINER
        for x, y in places.tolist():
            box = x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2
            pencil.ellipse(box, fill=255)
        line = [tuple(place) for place in places.tolist()]
        pencil.line(line, fill=255, width=round(thick))
    return _ink(image.reduce(FINER))


def _ink(cover):
    """Grey ink on white paper, from a picture of what the ink covers (255 ink)."""
    blurred = cover.filter(ImageFilter.GaussianBlur(BLUR))
    share = np.asarray(blurred, np.float32) / 255
    page = 255 - np.clip(1.12 * share, 0, 1) * (255 - INK)
    page[share < 0.06] = 255
    rows = np.flatnonzero((page < 255).any(axis=1))
    columns = np.flatnonzero((page < 255).any(axis=0))
    page = page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.rint(page).astype(np.uint8)


def network_sees(scan, height=80, width=60):
    """A scan as the network sees it, uint8 (height, width): as images.read_image."""
    resized = Image.fromarray(scan).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def example(character):
    """The strokes of one of the 55 characters as a careful hand draws it.

    Raises KeyError for other characters.
    """
    from helpers.handwriting.writers import glyph

    shape = glyph(character)
    path = 15 + 0.7 * (shape.sharp @ shape.points)
    return [(3.5, path[first:end]) for first, end, _ in shape.ends]


def classifier(model):
    """A quick function from an image (80, 60) to probabilities (classes,).

    `model.predict` is made for large batches: it takes a hundred times as long for
    one image as the model itself. So the model is compiled here for one image, and
    run once, which is when TensorFlow does the work.
    """
    import keras

    shape = (1, *model.input_shape[1:])
    call = run = lambda image: model(image, training=False)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        call = tf.function(run, input_signature=[tf.TensorSpec(shape, tf.float32)])

    def probabilities(image):
        batch = np.asarray(image, np.float32).reshape(shape)
        scores = np.asarray(keras.ops.convert_to_numpy(call(batch)))[0]
        if scores.min() >= 0 and abs(scores.sum() - 1) < 1e-3:
            return scores  # the model ends with softmax
        powers = np.exp(scores - scores.max())
        return powers / powers.sum()

    probabilities(np.full(shape, 255))
    return probabilities


def best(probabilities, names, count=5):
    """The likeliest classes: [(name, probability), ...], the first one first."""
    order = np.argsort(probabilities)[::-1][:count]
    return [(names[k], float(probabilities[k])) for k in order]


# --- Drawings as files -----------------------------------------------------------


def drawings_folder():
    """Where drawings are saved: `data/drawings`, one folder a character."""
    return data_folder() / "drawings"


def save(scan, character, folder=None):
    """Write a scan as the next `folder/<character>/<number>.png`; return its path.

    folder: `drawings_folder()` if None. `images.load_folder` reads it, and gives
    the very image that the network saw.
    Raises CourseError when the character cannot name a folder, or on a full disk.
    """
    folder = Path(folder or drawings_folder())
    name = str(character)
    if not name or NOT_IN_FILE_NAMES.search(name) or DEVICES.fullmatch(name) or len(name) > 40:
        raise CourseError(
            f"{character!r} cannot be the name of a folder on every system: save "
            "the drawing under another name."
        )
    place = images.on_disk(folder / name)
    taken = [
        int(file.stem)
        for file in place.glob("*.png")
        if file.stem.isascii() and file.stem.isdigit()
    ]
    path = place / f"{max(taken, default=0) + 1}.png"
    with write_file(path) as partial:
        Image.fromarray(scan).save(partial, "PNG")
    return path


def load_drawings(names, folder=None):
    """The saved drawings: (X, y) as by images.load_folder, or None if there are none.

    y holds places in `names`, whichever characters were drawn.
    Raises CourseError for drawings of other characters.
    """
    folder = Path(folder or drawings_folder())
    if not folder.is_dir() or not any(folder.glob("*/*.png")):
        return None
    X, y, drawn, _ = images.load_folder(folder)
    unknown = sorted(set(drawn) - set(names))
    if unknown:
        raise CourseError(
            f"{folder} has drawings of {', '.join(unknown)}, which the model does "
            "not know: move these folders elsewhere."
        )
    return X, np.array([names.index(name) for name in drawn])[y]


# --- The pad ---------------------------------------------------------------------


class Drawing:
    """What is on a pad: `strokes`, its `scan`, and what the `network_sees`."""

    def __init__(self):
        self.strokes = []

    @property
    def scan(self):
        """uint8 (height, width), as the function `scan` makes it."""
        return scan(self.strokes)

    @property
    def network_sees(self):
        """uint8 (80, 60)."""
        return network_sees(self.scan)

    def save(self, character, folder=None):
        """Write the drawing as an image of `character`; see the function `save`."""
        return save(self.scan, character, folder)

    def __repr__(self):
        return f"<Drawing of {len(self.strokes)} strokes>"


def pad(model, names, label="", shown="明"):
    """Show a pad to write on, with the bars of the five likeliest classes.

    model: of Keras, from images (80, 60, 1) with 0 ink and 255 paper to a logit or
        a probability for each of `names`.
    label: what the model was trained on, for the caption.
    shown: one of the 55 characters. Where no pad can be (a page, a printed
        notebook, a run without a browser) a picture of it takes its place.

    Returns a Drawing, which follows what is on the pad.
    Raises CourseError for another kind of model, or where anywidget is missing.
    """
    expected = (None, 80, 60, 1), (None, len(names))
    got = tuple(map(_shape, (model.input_shape, model.output_shape)))
    if got != expected:
        raise CourseError(
            f"The pad needs a model from {expected[0]} to {expected[1]}; this one "
            f"goes from {got[0]} to {got[1]}."
        )
    read = classifier(model)
    drawing = Drawing()
    widget = _widget(drawing, read, list(names), label)
    scores = best(read(network_sees(scan(example(shown)))), names)
    view = {
        "version_major": 2,
        "version_minor": 0,
        "model_id": widget.model_id,
    }
    plots.show(
        picture(shown, scores, label),
        f"The drawing pad, as a picture: {shown} drawn, what the network sees of "
        f"it, and bars of the five likeliest classes, first {scores[0][0]}.",
        instead={"application/vnd.jupyter.widget-view+json": view},
    )
    return drawing


def _shape(shape):
    return tuple(shape) if isinstance(shape, (list, tuple)) else shape


def picture(character, scores, label=""):
    """What the pad shows when `character` is drawn on it, as a figure."""
    import matplotlib.pyplot as plt

    strokes = example(character)
    fig, (drawn, seen, bars) = plt.subplots(1, 3, width_ratios=[4, 3, 5])
    for width, path in strokes:
        drawn.plot(*path.T, color="black", linewidth=1.4 * width)
    drawn.set(xlim=(0, SIDE), ylim=(SIDE, 0), aspect="equal")
    seen.imshow(network_sees(scan(strokes)), cmap="gray", vmin=0, vmax=255)
    for axes, title in ((drawn, "written"), (seen, "the network sees")):
        axes.set(xticks=[], yticks=[], title=title)
        axes.spines[:].set(visible=True, color="0.6")
    found, shares = zip(*scores[::-1], strict=True)
    bars.barh(found, shares)
    bars.set(xlim=(0, 1), xlabel="probability", title="top five")
    if label:
        fig.suptitle(f"The drawing pad (network trained on {label} handwriting)")
    return fig


def _widget(drawing, read, names, label):
    """The pad as a widget: strokes come in, image and scores go out."""
    anywidget, traitlets = explorers.widget_packages("The pad")

    class Pad(anywidget.AnyWidget):
        _esm = (explorers.FOLDER / "pad.js").read_text(encoding="utf-8")
        names = traitlets.List().tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)
        font = traitlets.Bytes().tag(sync=True)
        # From the page. CBytes, because what arrives is a memoryview, which Bytes
        # rejects without a word; echo_update, or all of it would be sent back.
        drawn = traitlets.CBytes().tag(sync=True, echo_update=False)
        wish = traitlets.Dict().tag(sync=True, echo_update=False)
        # To the page.
        seen = traitlets.Bytes(b"\xff" * 4800).tag(sync=True)
        answer = traitlets.Dict().tag(sync=True)
        saved = traitlets.Dict().tag(sync=True)

        @traitlets.observe("drawn")
        def _read(self, change):
            version, drawing.strokes = _strokes(self.drawn)
            image = np.full((80, 60), 255, np.uint8)
            top = []
            if drawing.strokes:
                image = drawing.network_sees
                top = best(read(image), names)
            with self.hold_sync():  # one message
                self.seen = image.tobytes()
                self.answer = {"version": version, "top": top}

        @traitlets.observe("wish")
        def _save(self, change):
            number, character = self.wish["number"], self.wish["character"]
            try:
                path = drawing.save(character)
                text = f"Saved as {'/'.join(path.parts[-3:])}"
                self.saved = {"number": number, "text": text, "done": True}
            except CourseError as error:
                self.saved = {"number": number, "text": str(error)}

    return Pad(names=names, label=label, font=explorers.font_of("".join(names)))


def _strokes(message):
    """(version, strokes) of a message of the page: see `message` in pad.js."""
    numbers = np.frombuffer(message, "<f4")
    version, at, strokes = int(numbers[0]), 1, []
    while at < len(numbers):
        width, count = numbers[at], int(numbers[at + 1])
        path = numbers[at + 2 : at + 2 + 2 * count].reshape(count, 2)
        strokes.append((float(width), path.astype(float)))
        at += 2 + 2 * count
    return version, strokes
