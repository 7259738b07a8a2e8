"""The kernel explorer in a real browser: its numbers are those of NumPy."""

import base64
import io
import re
from contextlib import contextmanager
from fractions import Fraction

import explorer_pictures
import nbformat
import numpy as np
import pytest
from browser import lab_server, opened, page_of, shown
from nbconvert import HTMLExporter
from PIL import Image

from helpers import explorers
from helpers.convolution import convolve, correlate, output_size, patches
from helpers.files import CourseError


def crescent():
    """A grey image of 16x16: a crescent on black, lit from the left."""
    y, x = np.mgrid[:16, :16] - 7.5
    lit = (np.hypot(x, y) < 7) & (np.hypot(x - 4, y + 2) > 5)
    return np.where(lit, 255 - 12 * (x + 7.5), 0).astype(np.uint8)


RNG = np.random.default_rng(3)
IMAGES = {
    "noise": RNG.integers(0, 256, (11, 8)).astype(np.uint8),
    "crescent": crescent(),
    "least": RNG.integers(0, 256, (3, 3)).astype(np.uint8),
    "most": RNG.integers(0, 256, (7, 64)).astype(np.uint8),
}
KERNELS = {
    "Identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "Box blur": np.full((3, 3), 1 / 9),
    "Gaussian blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
    "Sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "Emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "Outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "Prewitt Gx": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "Prewitt Gy": [[-1, 0, 1]] * 3,
    "Sobel Gx": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "Sobel Gy": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
}
WEIGHTS = ["0", "1", "-2", "\u22123", "0.5", "0,25", ".1", "1/9", "-2/3", "999"]
"""What people type: with a hyphen or a minus, a comma, as a fraction."""


def number(text):
    """The number that the page shows or a person types."""
    return float(Fraction(text.replace("\u2212", "-").replace(",", ".")))


class Explorer:
    """An explorer on a page, worked with as a person does."""

    def __init__(self, page, number=0):
        self.page = page
        self.card = page.locator(".cvk").nth(number)

    def choose(self, label, option):
        box = self.card.get_by_role("combobox", name=label, exact=True)
        box.select_option(option)

    def type_kernel(self, texts):
        fields = self.card.get_by_label(re.compile("Kernel row"))
        for field, text in zip(fields.all(), texts, strict=True):
            field.fill(text)

    def flip(self):
        self.card.get_by_role("button", name="Flip kernel").click()

    def canvas(self, name):
        return self.card.get_by_role("application", name=name)

    def point(self, name, row, column, shape):
        """Move the mouse to the middle of a pixel of a canvas of this shape."""
        box = self.canvas(name).bounding_box()
        self.page.mouse.move(
            box["x"] + (column + 0.5) * box["width"] / shape[1],
            box["y"] + (row + 0.5) * box["height"] / shape[0],
        )

    def walk(self, name, down, across):
        """Press arrow keys."""
        self.canvas(name).focus()
        for key, times in (("Down", down), ("Right", across)):
            key = key if times > 0 else {"Down": "Up", "Right": "Left"}[key]
            for _ in range(abs(times)):
                self.page.keyboard.press(f"Arrow{key}")

    def read(self):
        """All that it shows: text as text, exact values where the page has them."""
        return self.card.evaluate(
            """card => {
                const text = (name) => card.querySelector(name).textContent;
                const range = card.querySelector(".cvk-range");
                const sum = card.querySelector(".cvk-sum");
                const all = (name) => [...card.querySelectorAll(name)];
                return {
                    patch: all(".cvk-patch > *").map(cell => Number(cell.textContent)),
                    kernel: all(".cvk-kernel > *").map(input => input.value),
                    products: all(".cvk-products > *").map(cell => cell.textContent),
                    preset: card.querySelector(".cvk-preset").value,
                    place: text(".cvk-place"), live: text(".cvk-live"),
                    output: card.querySelectorAll(".cvk-head > span")[1].innerText,
                    error: text(".cvk-error"),
                    sum: Number(sum.dataset.value), sumText: sum.textContent,
                    low: Number(range.dataset.low), high: Number(range.dataset.high),
                    rangeText: range.textContent,
                    labels: all("canvas").map(each => each.ariaLabel),
                };
            }"""
        )

    def colours(self, shape):
        """The feature map's colours (rows, columns, 3), in the pixels' middles."""
        return np.array(
            self.canvas("Feature map").evaluate(
                """(canvas, [rows, columns]) => {
                    const side = canvas.width / columns;
                    const pen = canvas.getContext("2d");
                    const at = (y, x) => [...pen.getImageData(
                        (x + 0.5) * side, (y + 0.5) * side, 1, 1).data].slice(0, 3);
                    return Array.from({length: rows}, (_, y) =>
                        Array.from({length: columns}, (_, x) => at(y, x)));
                }""",
                list(shape),
            )
        )


@contextmanager
def explorer(browser, images=IMAGES, **settings):
    """One explorer on a page of its own."""
    with opened(browser, page_of(shown(explorers.kernels, images)), **settings) as page:
        yield Explorer(page)


def check(seen, image, kernel, stride, padding, flipped, place):
    """What the page shows against helpers.convolution."""
    settings = {"padding": padding, "stride": stride}
    map_ = (convolve if flipped else correlate)(image, kernel, **settings)
    height, width = (output_size(n, 3, padding, stride=stride) for n in image.shape)
    row, column = place
    patch = patches(image, (3, 3), **settings)[place]
    applied = np.asarray(kernel)[::-1, ::-1] if flipped else np.asarray(kernel)
    assert seen["output"] == f"Output {height} x {width}"
    assert seen["place"] == f"Sum at row {row + 1}, column {column + 1}"
    assert seen["patch"] == patch.ravel().tolist()
    assert [number(text) for text in seen["kernel"]] == pytest.approx(applied.ravel(), rel=1e-12)
    assert [number(text) for text in seen["products"]] == pytest.approx(
        (patch * applied).ravel(), rel=1e-3
    )
    assert seen["sum"] == pytest.approx(map_[place], rel=1e-9, abs=1e-9)
    assert number(seen["sumText"]) == pytest.approx(map_[place], rel=1e-3, abs=1e-9)
    assert (seen["low"], seen["high"]) == pytest.approx(
        (map_.min(), map_.max()), rel=1e-9, abs=1e-9
    )
    keeps = abs(np.sum(kernel) - 1) < 1e-9
    assert ("Below 0 is black." in seen["rangeText"]) == (keeps and map_.min() < 0)
    assert ("Above 255 is white." in seen["rangeText"]) == (keeps and map_.max() > 255)
    rows = ", ".join(" ".join(map(str, line)) for line in patch)
    assert seen["live"] == (
        f"Row {row + 1}, column {column + 1} of {height} x {width}: "
        f"patch {rows}; sum {seen['sumText']}."
    )
    size = f"{image.shape[0] + 2 * padding} x {image.shape[1] + 2 * padding}"
    assert seen["labels"][0].endswith(f", {size}: arrow keys move the kernel")
    values = re.search("values .*? to [^ ]*(?=[.])", seen["rangeText"])[0]
    assert seen["labels"][1] == (
        f"Feature map, {height} x {width}, {values}: arrow keys move the place"
    )


def test_numbers_are_those_of_numpy(browser):
    rng = np.random.default_rng(2)
    flipped = False
    with explorer(browser) as page:
        for trial in range(40):
            name = rng.choice(list(IMAGES))
            image = IMAGES[name]
            stride, padding = int(rng.integers(1, 4)), int(rng.integers(3))
            page.choose("Image", name)
            page.choose("Stride", str(stride))
            page.choose("Padding", str(padding))
            if rng.random() < 0.5:
                page.flip()
                flipped = not flipped
            if trial % 3:
                preset = list(KERNELS)[trial % 10]
                page.choose("Kernel", preset)
                kernel = np.asarray(KERNELS[preset])
            else:
                texts = rng.choice(WEIGHTS, 9)
                page.type_kernel(texts)
                kernel = np.array([number(t) for t in texts]).reshape(3, 3)
                # In a convolution, people type what is seen: the flipped kernel.
                kernel = kernel[::-1, ::-1] if flipped else kernel
                preset = "Own kernel"

            padded = [n + 2 * padding for n in image.shape]
            places = [(n - 3) // stride + 1 for n in padded]
            if trial % 2:
                pixel = [int(rng.integers(n)) for n in padded]
                page.point("Image", *pixel, padded)
                # The nearest centre; between two, the one after.
                nearest = [int(np.floor((p - 1) / stride + 0.5)) for p in pixel]
            else:
                nearest = [int(rng.integers(n)) for n in places]
                page.point("Feature map", *nearest, places)
            page.page.mouse.down()  # until then nothing is said
            page.page.mouse.up()
            place = tuple(min(max(i, 0), n - 1) for i, n in zip(nearest, places, strict=True))
            if trial % 5 == 0:
                target = tuple(int(rng.integers(n)) for n in places)
                page.walk("Image", target[0] - place[0], target[1] - place[1])
                place = target
            seen = page.read()
            assert seen["preset"] == preset
            check(seen, image, kernel, stride, padding, flipped, place)


def test_the_identity_shows_exactly_the_same_picture(browser):
    with explorer(browser) as page:
        for name, image in IMAGES.items():
            page.choose("Image", name)
            shape = tuple(n - 2 for n in image.shape)
            page.point("Feature map", 0, 0, shape)
            drawn = page.colours(shape)
            inside = np.repeat(image[1:-1, 1:-1, None], 3, axis=2)
            # A corner holds the frame around the current place.
            far = np.add.outer(*map(np.arange, inside.shape[:2])) > 2
            assert (drawn == inside)[far].all()


def true_greys(values, kernel):
    """What the page's true greys are: 0 to 255, or about the middle."""
    if abs(np.sum(kernel) - 1) < 1e-9:
        return values.clip(0, 255)
    return 127.5 * (1 + values / np.abs(values).max())


def test_the_map_is_drawn(browser):
    # Away from the frame around the current place, which a corner holds.
    image = IMAGES["noise"]
    with explorer(browser) as page:
        page.choose("Image", "noise")
        page.walk("Feature map", -9, -9)
        for preset, kernel in KERNELS.items():
            page.choose("Kernel", preset)
            map_ = correlate(image, kernel)
            low, high = map_.min(), map_.max()
            for greys, expected in (
                ("true greys", true_greys(map_, kernel)),
                ("stretched", 255 * (map_ - low) / (high - low)),
                ("without sign", 255 * np.abs(map_) / np.abs(map_).max()),
            ):
                page.choose("Greys", greys)
                drawn = page.colours(map_.shape)
                assert (drawn[..., 0] == drawn[..., 1]).all()
                assert np.abs(drawn[..., 2] - expected)[1:, 1:].max() <= 0.51


def test_kernels_that_sum_to_one_keep_the_brightness(browser):
    """The mean grey of blurred noise is the noise's, up to its borders."""
    image = IMAGES["most"]
    with explorer(browser) as page:
        page.choose("Image", "most")
        page.choose("Padding", "1")
        for preset in ("Identity", "Box blur", "Gaussian blur"):
            page.choose("Kernel", preset)
            drawn = page.colours(image.shape)[2:5, 2:62, 0]
            assert drawn.mean() == pytest.approx(image[2:5, 2:62].mean(), abs=3)


# --- Bias, ReLU, colour, and the same in Keras --------------------------------------


PHOTO = RNG.integers(0, 256, (9, 13, 3)).astype(np.uint8)


def more(page):
    page.card.get_by_text("More: bias").click()


def keras_map(page, image):
    """What the code that the page offers to copy makes of an image."""
    names = {"image": image}
    exec(page.card.locator(".cvk-python").text_content(), names)
    return np.asarray(names["feature_map"])


def value_at(page, place, shape):
    page.point("Feature map", *place, shape)
    return page.read()["sum"]


@pytest.mark.parametrize(
    ("kernel", "bias", "relu", "stride", "padding", "flip"),
    [
        ("Sobel Gx", "-20", True, 1, 0, False),
        ("Emboss", "1/3", False, 2, 1, True),
        ("Sharpen", "\u2212128,5", True, 3, 2, False),
    ],
)
@pytest.mark.parametrize("colour", [False, True])
def test_values_are_those_of_numpy_and_of_the_copied_keras(
    browser, kernel, bias, relu, stride, padding, flip, colour
):
    with explorer(browser, {"photo": PHOTO}) as page:
        more(page)
        page.choose("Kernel", kernel)
        page.choose("Stride", str(stride))
        page.choose("Padding", str(padding))
        page.card.get_by_label("Bias").fill(bias)
        page.card.get_by_label("ReLU").set_checked(relu)
        page.card.get_by_label("Colour, 27 weights").set_checked(colour)
        grey = PHOTO.mean(axis=2).astype(np.uint8)
        image, weights = grey, np.array(KERNELS[kernel])
        if colour:
            # One weight of each channel is changed by hand.
            for i, channel in enumerate(("red", "green", "blue")):
                label = f"Kernel row 2, column 1, {channel}"
                page.card.get_by_label(label).fill(str(i - 2))
            weights = np.repeat(weights[..., None] / 3, 3, axis=-1)
            weights[1, 0] = [-2, -1, 0]
            image = PHOTO
        if flip:
            page.flip()
        convolution = convolve if flip else correlate
        settings = {"padding": padding, "stride": stride}
        if colour:
            channels = zip(np.moveaxis(image, 2, 0), np.moveaxis(weights, 2, 0), strict=True)
            expected = sum(convolution(one, nine, **settings) for one, nine in channels)
        else:
            expected = convolution(image, weights, **settings)
        expected = expected + number(bias)
        expected = np.maximum(expected, 0) if relu else expected
        assert page.read()["output"] == f"Output {expected.shape[0]} x {expected.shape[1]}"
        for place in [(0, 0), *zip(*(RNG.integers(expected.shape, size=(6, 2)).T), strict=True)]:
            shown_value = value_at(page, place, expected.shape)
            assert shown_value == pytest.approx(expected[place], abs=1e-9)
        assert keras_map(page, image) == pytest.approx(expected, rel=1e-5, abs=2e-3)
        page.walk("Feature map", -9, -9)
        scaled = true_greys(expected, weights)
        drawn = page.colours(expected.shape)[..., 0]
        assert np.abs(drawn - scaled)[1:, 1:].max() <= 0.51


def test_the_steps_to_the_value_are_shown(browser):
    with explorer(browser, {"middle": np.full((3, 3), 100, np.uint8)}) as page:
        more(page)
        place = "Sum at row 1, column 1"
        assert page.read()["place"] == place
        page.card.get_by_label("Bias").fill("-250")
        assert page.read()["place"] == f"{place}: 100 \u2212 250 ="
        page.card.get_by_label("ReLU").check()
        seen = page.read()
        assert seen["place"] == f"{place}: ReLU of 100 \u2212 250 ="
        assert seen["sum"] == 0
        assert seen["live"].endswith("sum ReLU of 100 \u2212 250 = 0.")


def test_colour_and_back_leave_the_kernel_as_it_was(browser):
    with explorer(browser, {"photo": PHOTO}) as page:
        more(page)
        page.type_kernel(WEIGHTS[:9])
        before = page.read()
        page.card.get_by_label("Colour, 27 weights").check()
        assert len(page.read()["kernel"]) == 27
        page.card.get_by_label("Colour, 27 weights").uncheck()
        after = page.read()
        kernels = [[number(text) for text in seen["kernel"]] for seen in (before, after)]
        assert kernels[1] == pytest.approx(kernels[0], rel=1e-3)
        assert after["sum"] == pytest.approx(before["sum"])


def test_start_with_colour_bias_and_relu(browser):
    """The yellow detector of notebook 02."""
    yellow = np.zeros((3, 3, 3))
    yellow[1, 1] = 1, 1, -1
    colours = np.array([(255, 255, 0), (255, 255, 255), (255, 163, 177), (0, 0, 0)], np.uint8)
    stripes = np.repeat(np.repeat(colours[None], 3, axis=0), 3, axis=1)
    output = shown(explorers.kernels, {"stripes": stripes}, yellow, bias=-255, relu=True)
    with opened(browser, page_of(output)) as page:
        page = Explorer(page)
        assert page.read()["preset"] == "Yellow"
        found = [value_at(page, (0, column), (1, 10)) for column in (0, 1, 2, 3, 6, 9)]
        assert found == [255, 255, 0, 0, 0, 0]
        page.choose("Kernel", "Blue")
        assert page.read()["kernel"] == ["0"] * 22 + ["1"] + ["0"] * 4


def test_a_wrong_bias_is_marked_and_changes_nothing(browser):
    with explorer(browser) as page:
        more(page)
        field = page.card.get_by_label("Bias")
        field.fill("12000")
        field.press("Tab")
        assert field.get_attribute("aria-invalid") == "true"
        assert page.read()["error"] == (
            '"12000" is not a number from \u22129999 to 9999: the bias stays 0.'
        )


def test_the_sweep_uncovers_the_map_value_by_value(browser):
    with explorer(browser, {"noise": IMAGES["noise"]}) as page:
        more(page)
        hidden = """card => {
            const canvas = card.querySelector(".cvk-map");
            const pen = canvas.getContext("2d");
            const side = canvas.width / 6;
            return [...Array(54).keys()].filter((i) => pen.getImageData(
                (i % 6 + 0.5) * side, (Math.floor(i / 6) + 0.5) * side, 1, 1).data[3] === 0
            ).length;
        }"""
        assert page.card.evaluate(hidden) == 0
        page.card.get_by_role("button", name="Sweep").click()
        page.page.wait_for_function(
            "document.querySelector('.cvk-place').textContent.includes('row 2, column 1')"
        )
        left = page.card.evaluate(hidden)
        assert 30 < left <= 47
        page.page.wait_for_function(
            "document.querySelector('.cvk-place').textContent.includes('row 3, column 1')"
        )
        assert page.card.evaluate(hidden) < left
        page.walk("Image", 1, 0)  # takes over
        assert page.card.evaluate(hidden) == 0
        assert page.read()["live"].startswith("Row ")


def test_no_sweep_for_those_who_asked_for_less_motion(browser):
    with explorer(browser, reduced_motion="reduce") as page:
        more(page)
        assert page.card.get_by_role("button", name="Sweep").count() == 0


# --- One's own photo -----------------------------------------------------------------


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()


def own(page):
    """Whether one's own photo is shown, unchanged by the identity, in grey."""
    page.page.wait_for_function("document.querySelector('.cvk-image').value === 'your photo'")
    page.walk("Feature map", -9, -9)
    grey = PHOTO.mean(axis=2).astype(np.uint8)[1:-1, 1:-1]
    drawn = page.colours(grey.shape)[..., 0]
    return (drawn == grey)[2:, 2:].all()


def test_a_photo_from_a_file(browser):
    with explorer(browser) as page:
        more(page)
        chooser = page.card.locator("input[type=file]")
        chooser.set_input_files(
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
        )
        trouble = page.card.locator(".cvk-trouble")
        trouble.filter(has_text="cannot read notes.txt as a picture").wait_for()
        assert page.card.locator(".cvk-image").input_value() == "noise"
        narrow = png(np.zeros((40, 2, 3), np.uint8))
        chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": narrow})
        trouble.filter(has_text="too narrow").wait_for()
        chooser.set_input_files(
            {"name": "photo.png", "mimeType": "image/png", "buffer": png(PHOTO)}
        )
        assert own(page)
        assert trouble.text_content() == ""
        # A large one is made small, its shape kept.
        large = png(np.full((480, 1000, 3), 90, np.uint8))
        chooser.set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": large})
        page.page.wait_for_function("document.querySelector('.cvk-size').textContent === '46 x 96'")
        assert page.read()["patch"] == [90] * 9


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_that_is_dropped_or_pasted(browser, event):
    with explorer(browser) as page:
        page.page.evaluate(
            "name => addEventListener(name, () => { document.title += ' reached the page'; })",
            event,
        )
        page.card.evaluate(
            """(card, [name, data]) => {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], "p.png", { type: "image/png" }));
                const settings = { bubbles: true, cancelable: true };
                const canvas = card.querySelector(".cvk-input");
                if (name === "drop") {
                    canvas.dispatchEvent(new DragEvent("dragover",
                        { ...settings, dataTransfer: transfer }));
                    if (!card.hasAttribute("data-over")) throw Error("not marked");
                    canvas.dispatchEvent(new DragEvent(name,
                        { ...settings, dataTransfer: transfer }));
                } else {
                    canvas.dispatchEvent(new ClipboardEvent(name,
                        { ...settings, clipboardData: transfer }));
                }
            }""",
            [event, base64.b64encode(png(PHOTO)).decode()],
        )
        assert own(page)
        assert page.page.title() == "Test"  # no notebook takes it, too
        assert page.card.get_attribute("data-over") is None


def test_text_can_still_be_pasted_into_a_field(browser):
    with explorer(browser) as page:
        field = page.card.get_by_label("Kernel row 1, column 1")
        field.fill("42")
        field.press("Control+a")
        field.press("Control+c")
        other = page.card.get_by_label("Kernel row 1, column 2")
        other.press("Control+a")
        other.press("Control+v")
        assert other.input_value() == "42"


CAMERA = """
Object.defineProperty(navigator, "mediaDevices", { value: {
    async getUserMedia(wanted) {
        if (wanted.audio) throw Error("no sound is needed");
        if (window.refusal) throw new DOMException("no", window.refusal);
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [640, 480];
        const pen = canvas.getContext("2d");
        setInterval(() => {
            pen.fillStyle = window.light ?? "rgb(200 200 200)";
            pen.fillRect(0, 0, 640, 480);
        }, 30);
        window.stream = canvas.captureStream(30);
        return window.stream;
    },
} });
"""


def test_a_photo_from_the_webcam(browser):
    with explorer(browser) as page:
        more(page)
        page.page.evaluate(CAMERA)
        # Seen before the click: nothing is asked for on its own.
        assert page.page.evaluate("window.stream === undefined")
        page.card.get_by_role("button", name="Webcam").click()
        shows = "value => document.querySelector('.cvk-patch > *').textContent === value"
        page.page.wait_for_function(shows, arg="200")
        assert page.card.locator(".cvk-size").text_content() == "72 x 96"
        page.page.evaluate("window.light = 'rgb(50 50 50)'")
        page.page.wait_for_function(shows, arg="50")
        page.card.get_by_role("button", name="Keep this picture").click()
        ended = "window.stream.getTracks().every((track) => track.readyState === 'ended')"
        assert page.page.evaluate(ended)
        assert page.card.locator(".cvk-image").input_value() == "your photo"
        # It stops when another image is chosen, too.
        page.card.get_by_role("button", name="Webcam").click()
        page.card.get_by_role("button", name="Keep this picture").wait_for()
        page.choose("Image", "noise")
        assert page.page.evaluate(ended)
        page.page.wait_for_timeout(300)  # ms, more than two pictures
        assert page.card.locator(".cvk-image").input_value() == "noise"


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("NotFoundError", "This computer has no camera, or the browser does not see it."),
        ("NotAllowedError", "The camera was not allowed."),
        ("NotReadableError", "Another program is using the camera."),
        ("AbortError", "There is no picture from a camera: no"),
        (None, "The browser gives this page no camera: open the notebook at localhost"),
    ],
)
def test_an_absent_camera_is_said_in_a_sentence(browser, refusal, sentence):
    with explorer(browser) as page:
        more(page)
        if refusal:
            page.page.evaluate(CAMERA)
            page.page.evaluate("refusal => { window.refusal = refusal; }", refusal)
        page.card.get_by_role("button", name="Webcam").click()
        page.card.locator(".cvk-trouble").filter(has_text=sentence).wait_for()
        button = page.card.get_by_role("button", name="Webcam")
        assert button.get_attribute("aria-pressed") == "false"


# --- Pointing, keys, pages -------------------------------------------------------------


def test_pointing_is_undone_by_leaving_and_kept_by_a_click(browser):
    with explorer(browser, {"crescent": IMAGES["crescent"]}) as page:
        before = page.read()
        page.point("Image", 3, 4, (16, 16))
        pointed = page.read()
        assert pointed["place"] == "Sum at row 3, column 4"
        assert pointed["live"] == before["live"]
        page.page.mouse.move(1, 1)
        assert page.read() == before
        page.point("Image", 3, 4, (16, 16))
        page.page.mouse.click(*_middle(page.canvas("Feature map")))
        page.page.mouse.move(1, 1)
        assert page.read()["place"] == "Sum at row 8, column 8"


def _middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2


def test_touch(browser):
    images = {"crescent": IMAGES["crescent"]}
    with explorer(browser, images, has_touch=True) as page:
        page.page.touchscreen.tap(*_middle(page.canvas("Feature map")))
        page.walk("Feature map", -1, 2)
        assert page.read()["place"] == "Sum at row 7, column 10"


def test_keyboard_alone(browser):
    image = IMAGES["crescent"]
    with explorer(browser, {"crescent": image}) as page:
        keys = page.page.keyboard

        def tab(text, times=1):
            for _ in range(times):
                keys.press("Tab")
            keys.type(text)

        tab("c")  # image
        tab("emb")  # kernel
        tab("2")  # stride
        tab("1")  # padding
        tab("")
        keys.press("Enter")  # flip
        tab("")
        for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):  # image
            keys.press(key)
        tab("7")  # kernel, row 1, column 1
        tab("", 9)
        tab("")  # greys
        keys.press("ArrowDown")  # feature map
        # The flipped kernel's first weight is the kernel's last.
        kernel = np.array(KERNELS["Emboss"])
        kernel[2, 2] = 7
        check(page.read(), image, kernel, 2, 1, True, (5, 3))


def test_wrong_weights_are_marked_and_change_nothing(browser):
    with explorer(browser) as page:
        field = page.card.get_by_label("Kernel row 2, column 2")
        before = page.read()
        for text in ("abc", "", "1/0", "1000", "1e2", "0x1", "1/2/3", "<b>"):
            field.fill(text)
            field.press("Tab")
            seen = page.read()
            assert field.get_attribute("aria-invalid") == "true"
            assert seen["error"] == (
                f'"{text}" is not a number from \u2212999 to 999: the kernel keeps 1 there.'
            )
            assert (seen["sum"], seen["live"]) == (
                before["sum"],
                before["live"],
            )
        field.fill("2")
        assert field.get_attribute("aria-invalid") is None
        assert page.read()["error"] == ""


def test_two_on_a_page_do_not_disturb_each_other(browser):
    # The same settings twice, and a name that would break a careless page.
    images = {'</script><b title="x">': IMAGES["noise"]}
    output = shown(explorers.kernels, images)
    with opened(browser, page_of(output, output)) as page:
        first, second = Explorer(page), Explorer(page, 1)
        assert page.locator(".cvk").count() == 2
        untouched = second.read()
        first.choose("Kernel", "Outline")
        first.choose("Stride", "2")
        first.walk("Image", -9, 0)
        check(
            first.read(),
            IMAGES["noise"],
            KERNELS["Outline"],
            2,
            0,
            False,
            (0, 2),
        )
        assert second.read() == untouched
        # In a notebook, running a cell again must not reset the others.
        seen = first.read()
        page.evaluate(
            """() => {
                const again = document.createElement("script");
                again.type = "module";
                again.textContent = document.scripts[0].textContent
                    + "window.ran = true;";
                document.body.append(again);
            }"""
        )
        page.wait_for_function("window.ran")
        assert first.read() == seen


@pytest.mark.parametrize("width", [700, 1280])
def test_in_a_slide_that_was_hidden_and_is_scaled(browser, width):
    output = shown(explorers.kernels, {"crescent": IMAGES["crescent"]})
    style = "body > div { display: none; transform: scale(0.6);transform-origin: 0 0; }"
    with opened(browser, page_of(output, style=style), width=width) as page:
        page.evaluate("document.querySelector('body > div').style.display = 'block'")
        slide = Explorer(page)
        slide.point("Image", 12, 5, (16, 16))
        assert slide.read()["place"] == "Sum at row 12, column 5"
        box = slide.card.bounding_box()
        assert box["height"] / 0.6 <= 430
        for name in ("Image", "Feature map"):
            assert slide.canvas(name).bounding_box()["width"] / 0.6 > 150
        # Nothing sticks out of the card.
        assert slide.card.evaluate(
            "card => [...card.querySelectorAll('*')].every(part =>"
            "  part.getBoundingClientRect().right <="
            "  card.getBoundingClientRect().right)"
        )


@pytest.mark.parametrize("width", [320, 640])
def test_on_a_phone_and_twice_as_large(browser, width):
    """In 320 pixels (WCAG 1.4.10), and at 200 % of a window of 1280."""
    images = {"crescent": IMAGES["crescent"]}
    with explorer(browser, images, width=width) as page:
        assert page.page.evaluate("document.body.scrollWidth") <= width
        for name in ("Image", "Feature map"):
            box = page.canvas(name).bounding_box()
            assert box["width"] >= 0.35 * width
        page.point("Image", 5, 4, (16, 16))
        assert page.read()["place"] == "Sum at row 5, column 4"


def test_a_clicker_turns_slides_whatever_has_the_focus(browser):
    output = shown(explorers.kernels, IMAGES)
    with opened(browser, page_of(f'<div class="reveal">{output}</div>')) as page:
        # As reveal.js: it does not listen while somebody types.
        page.evaluate(
            """addEventListener("keydown", ({ key }) => {
                const typing = document.activeElement.matches("input, textarea");
                if (!typing) document.title += " " + key;
            })"""
        )
        page.get_by_label("Kernel row 1, column 1").press("ArrowRight")
        page.get_by_label("Kernel row 1, column 1").press("PageDown")
        box = page.get_by_role("combobox", name="Kernel", exact=True)
        box.press("PageDown")
        assert box.input_value() == "Identity"
        assert page.title() == "Test PageDown PageDown"


def _notebook(folder):
    """A notebook with an executed cell that shows the explorer, between headings."""
    code = (
        "import numpy as np\n"
        "from helpers import explorers\n\n"
        "ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)\n"
        'explorers.kernels({"ramp": ramp})'
    )
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    cell = nbformat.v4.new_code_cell(code, execution_count=1)
    data = {"text/html": shown(explorers.kernels, {"ramp": ramp})}
    data["text/plain"] = "<IPython.core.display.HTML object>"
    cell.outputs = [nbformat.v4.new_output("display_data", data)]
    kernel = {"display_name": "Python 3", "name": "python3"}
    headings = [nbformat.v4.new_markdown_cell(f"# {i}") for i in (1, 2)]
    notebook = nbformat.v4.new_notebook(
        cells=[headings[0], cell, headings[1]], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, folder / "explorer.ipynb")
    return notebook


def test_without_scripts_there_is_a_picture(browser):
    output = shown(explorers.kernels, IMAGES)
    with opened(browser, page_of(output), java_script_enabled=False) as page:
        picture = page.get_by_role("img", name="The kernel explorer")
        assert picture.bounding_box()["width"] > 500
        assert page.get_by_text(explorers.NOT_RUNNING).is_visible()


def test_exported_by_nbconvert(browser, tmp_path):
    exporter = HTMLExporter()
    html, _ = exporter.from_notebook_node(_notebook(tmp_path))
    # Exports ask for MathJax and the like, which the explorer does without.
    html = re.sub('<script src="https:.*?</script>', "", html, flags=re.DOTALL)
    with opened(browser, html) as page:
        assert Explorer(page).read()["output"] == "Output 6 x 6"


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab of its own, which opens `tmp_path`."""
    with lab_server(tmp_path) as address:
        yield address("explorer.ipynb")


def test_in_jupyterlab_untrusted_then_trusted(browser, tmp_path, jupyterlab):
    _notebook(tmp_path)
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(jupyterlab)
    output = page.locator(".jp-OutputArea-output")
    output.get_by_text(explorers.NOT_RUNNING).wait_for(timeout=60_000)
    assert output.get_by_role("img").bounding_box()["width"] > 400
    assert page.locator(".cvk").count() == 0

    # While it starts, JupyterLab takes the focus, which closes the palette.
    page.get_by_text("| Idle").wait_for(timeout=60_000)
    # As the sentence says.
    page.get_by_role("menuitem", name="View").click()
    menu = page.locator(".lm-Menu-item")
    menu.filter(has_text="Activate Command Palette").click()
    page.locator(".lm-CommandPalette-input").fill("Trust Notebook")
    commands = page.locator(".lm-CommandPalette-item")
    commands.filter(has_text="Trust Notebook").click()
    page.get_by_role("button", name="Trust").click()
    page.locator(".cvk").wait_for()
    live = Explorer(page)
    page.mouse.click(*_middle(live.canvas("Feature map")))
    assert live.read()["place"] == "Sum at row 4, column 4"
    for key in ("Down", "Right", "Right", "Up", "Left"):
        page.keyboard.press(f"Arrow{key}")
    assert live.read()["place"] == "Sum at row 4, column 5"
    page.close()


def test_the_picture_is_up_to_date():
    with Image.open(explorers.FOLDER / "kernel.png") as picture:
        assert picture.text["source"] == explorer_pictures.digest("kernel"), (
            "run python tests/browser/explorer_pictures.py"
        )


@pytest.mark.parametrize(
    ("images", "kernel", "message"),
    [
        (IMAGES["noise"], np.eye(3), "by name"),
        ({}, np.eye(3), "by name"),
        ({"a": [[0, 1], [2]]}, np.eye(3), "'a' differ in length"),
        ({"a": np.zeros((8, 8))}, np.eye(3), "uint8; 'a' has"),
        ({"a": np.zeros((8, 8, 4), np.uint8)}, np.eye(3), r"\(8, 8, 4\)"),
        ({"a": np.zeros((2, 8), np.uint8)}, np.eye(3), "sides of 3 to 64"),
        ({"a": np.zeros((8, 65), np.uint8)}, np.eye(3), "sides of 3 to 64"),
        (
            IMAGES,
            np.eye(5),
            r"3x3x3 kernel of numbers, not one of shape \(5, 5\)",
        ),
        (IMAGES, [[1, 2, 3], [4], [5]], "kernel differ in length"),
        (IMAGES, [["a"] * 3] * 3, "3x3x3 kernel of numbers"),
        (IMAGES, np.full((3, 3), np.nan), "-999 to 999"),
        (IMAGES, np.full((3, 3), 1000), "-999 to 999"),
    ],
)
def test_wrong_images_and_kernels(images, kernel, message):
    with pytest.raises(CourseError, match=message):
        explorers.kernels(images, kernel)


@pytest.mark.parametrize("bias", ["1", np.nan, 10_000])
def test_wrong_biases(bias):
    with pytest.raises(CourseError, match="takes a bias from -9999 to 9999, not"):
        explorers.kernels(IMAGES, bias=bias)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"sise": 7}, "no slider 'sise'; it has size, kernel"),
        ({"size": 65}, "from 3 to 64, not 65"),
        ({"stride": 1.5}, "whole number from 1 to 4, not 1.5"),
        ({"layers": True}, "not True"),
        ({"padding": "sane"}, '"full" or a whole number from 0 to 5'),
        ({"padding": 6}, "not 6"),
    ],
)
def test_wrong_sliders(start, message):
    with pytest.raises(CourseError, match=message):
        explorers.arithmetic(**start)
