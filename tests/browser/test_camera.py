"""The page that takes a photo for notebook 09, in a browser, with a stand-in for Python."""

import base64
import io

import numpy as np
import pytest
from browser import opened, page_of, serious
from PIL import Image

from helpers.explorers import FOLDER

STAND_IN = """
const told = {}, sent = [];
const model = {
    get: () => "Saved as mine-1.jpg: now run the next cell.",
    set: (name, value) => { sent.push(value); },
    save_changes: () => told["change:said"](),
    on: (name, listener) => { told[name] = listener; },
};
window.sent = sent;
window.stop = render({ model, el: document.getElementById("place") });
"""

RED_CAMERA = """() => {
    const canvas = document.createElement("canvas");
    canvas.width = 320;
    canvas.height = 240;
    const paint = () => {
        const pen = canvas.getContext("2d");
        pen.fillStyle = "red";
        pen.fillRect(0, 0, 320, 240);
        requestAnimationFrame(paint);
    };
    paint();
    Object.defineProperty(navigator, "mediaDevices", {
        value: { getUserMedia: async () => canvas.captureStream(30) },
    });
}"""


@pytest.fixture
def page(browser):
    code = (FOLDER / "camera.js").read_text(encoding="utf-8")
    code = code.replace("export default { render };", "")
    html = f'<div id="place"></div><script type="module">{code}{STAND_IN}</script>'
    with opened(browser, page_of(html)) as page:
        page.get_by_role("button", name="Camera").wait_for()
        yield page


def photo(page):
    """The photo that the page has sent, as an array."""
    page.wait_for_function("window.sent.length > 0")
    url = page.evaluate("window.sent.pop()")
    start, _, data = url.partition("base64,")
    assert start == "data:image/jpeg;"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_a_file_is_sent_small_and_upright(page, tmp_path):
    image = Image.new("RGB", (2000, 1000), "blue")
    exif = image.getexif()
    exif[0x112] = 6  # held upright: to be turned by 90 degrees
    image.save(tmp_path / "photo.jpg", exif=exif)
    page.get_by_label("A photo from a file").set_input_files(tmp_path / "photo.jpg")
    found = photo(page)
    assert found.shape == (1024, 512, 3)
    assert np.abs(found.mean((0, 1)) - [0, 0, 255]).max() < 5
    assert "Saved as mine-1.jpg" in page.get_by_role("status").inner_text()
    (tmp_path / "text.jpg").write_text("no photo", encoding="utf-8")
    page.get_by_label("A photo from a file").set_input_files(tmp_path / "text.jpg")
    page.get_by_text("The browser cannot read text.jpg").wait_for()
    assert not serious(page)


def test_the_camera_takes_what_it_shows(page):
    page.evaluate(RED_CAMERA)
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take the photo").click()
    found = photo(page)
    assert found.shape == (240, 320, 3)
    assert np.abs(found.mean((0, 1)) - [255, 0, 0]).max() < 5
    assert page.get_by_role("button", name="Camera").is_visible()
    assert not page.locator("video").is_visible()


def test_no_camera_is_one_sentence(page):
    page.get_by_role("button", name="Camera").click()
    status = page.get_by_role("status")
    page.wait_for_function("document.querySelector('[role=status]').textContent")
    assert "camera" in status.inner_text() and status.inner_text().count(".") <= 2
