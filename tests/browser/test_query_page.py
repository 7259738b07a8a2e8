"""The query page shows each image's neighbours as it was given them."""

import re
from contextlib import contextmanager

import numpy as np
import pytest
from browser import opened, page_of, serious, shown
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers import explorers

CARD = ".cvn"
LABELS = [f"class {n // 6}" for n in range(30)]
RANDOM = np.random.default_rng(13)
IMAGES = (
    np.full((30, 32, 24, 3), 0, np.uint8) + (8 * np.arange(30, dtype=np.uint8))[:, None, None, None]
)
NEAR = {
    space: np.array([RANDOM.permutation(np.delete(np.arange(30), n))[:8] for n in range(30)])
    for space in ("pixels", "features")
}


@contextmanager
def query_page(browser, images=IMAGES, labels=LABELS, near=NEAR, start=0, **settings):
    output = shown(explorers.query, images, labels, near, start)
    with opened(browser, page_of(output), **settings) as page:
        yield page


def found(page):
    """{space: the numbers of the neighbours that are shown}, and what is said of them."""
    return page.locator(CARD).evaluate(
        """card => [...card.querySelectorAll(".cvn-space")].map((heading) => [
            heading.textContent,
            [...heading.nextElementSibling.children].map((each) => Number(each.dataset.number)),
        ])"""
    )


def expected(number, labels=LABELS, near=NEAR):
    rows = []
    for space, numbers in near.items():
        right = sum(labels[k] == labels[number] for k in numbers[number])
        words = f"nearest by {space}: {right} of {len(numbers[number])} of the same class"
        rows.append([words, numbers[number].tolist()])
    return rows


def test_shows_the_neighbours_of_the_image_that_is_chosen(browser):
    with query_page(browser, start=7) as page:
        assert found(page) == expected(7)
        page.locator(".cvn-wall > *").nth(20).click()
        assert found(page) == expected(20)
        assert page.locator(".cvn-said").inner_text() == LABELS[20]
        assert page.locator(".cvn-of").inner_text() == "asked for, image 21 of 30"


def test_a_neighbour_can_be_asked_for(browser):
    with query_page(browser) as page:
        number = NEAR["features"][0, 2]
        page.locator(".cvn-row").nth(1).locator("button").nth(2).click()
        assert found(page) == expected(number)
        page.keyboard.press("Home")  # the wall has the focus
        assert found(page) == expected(0)


def test_keys(browser):
    with query_page(browser) as page:
        wall = page.get_by_role("listbox")
        across = page.locator(".cvn-wall").evaluate(
            """wall => [...wall.children].filter(
                (each) => each.offsetTop === wall.children[0].offsetTop).length"""
        )
        assert across < 30
        for key, number in (
            ("ArrowRight", 1),
            ("ArrowDown", 1 + across),
            ("ArrowLeft", across),
            ("ArrowUp", 0),
            ("ArrowLeft", 0),
            ("End", 29),
            ("ArrowRight", 29),
        ):
            wall.press(key)
            assert found(page) == expected(number), key
            chosen = page.locator("[role=option][aria-selected=true]")
            assert chosen.count() == 1
            assert chosen.get_attribute("id") == wall.get_attribute("aria-activedescendant")


def test_any_image(browser):
    with query_page(browser) as page:
        page.evaluate("Math.random = () => 0.5")
        page.get_by_role("button", name="Any image").click()
        assert found(page) == expected(15)


@pytest.mark.parametrize("images", [IMAGES, IMAGES[..., 0]], ids=["colour", "grey"])
def test_each_tile_shows_its_own_image(browser, images):
    """The middle of a tile has the grey of its image: the sheet is cut correctly."""
    from io import BytesIO

    from PIL import Image

    with query_page(browser, images) as page:
        page.locator(".cvn-wall > *").nth(17).click()
        for tile, number in [
            (page.locator(".cvn-asked > *"), 17),
            (page.locator(".cvn-wall > *").nth(29), 29),
            *(
                (page.locator(".cvn-row").first.locator(".cvn-tile").nth(k), n)
                for k, n in enumerate(NEAR["pixels"][17])
            ),
        ]:
            picture = Image.open(BytesIO(tile.screenshot())).convert("L")
            middle = picture.getpixel((picture.width // 2, picture.height // 2))
            assert middle == pytest.approx(8 * number, abs=9)


def test_frames_tell_the_same_class_from_others(browser):
    with query_page(browser) as page:
        for button in page.locator(".cvn-row").first.locator("button").all():
            same = LABELS[int(button.get_attribute("data-number"))] == LABELS[0]
            style = button.locator(".cvn-frame").evaluate("b => getComputedStyle(b).borderStyle")
            assert style == ("solid" if same else "dashed")
            word = "the same class" if same else "another class"
            assert word in button.get_attribute("aria-label")


def test_names_that_would_break_a_careless_page(browser):
    labels = ['</script><b title="x">&'] * 15 + ["大"] * 15
    with query_page(browser, labels=labels) as page:
        assert page.locator(".cvn-said").inner_text() == labels[0]
        assert page.locator(f"{CARD} b[title]").count() == 0
        page.locator(".cvn-wall > *").nth(29).click()
        assert page.locator(".cvn-said").get_attribute("lang") == "zh-Hans"
        # Its glyph comes with the page: not every system has one.
        page.wait_for_function("[...document.fonts].some(({ status }) => status === 'loaded')")


def test_two_on_a_page(browser):
    output = shown(explorers.query, IMAGES, LABELS, NEAR)
    with opened(browser, page_of(output, output)) as page:
        first, second = page.locator(CARD).all()
        first.locator(".cvn-wall > *").nth(20).click()
        assert first.locator(".cvn-of").inner_text() == "asked for, image 21 of 30"
        assert second.locator(".cvn-of").inner_text() == "asked for, image 1 of 30"
        ids = page.locator("[role=option]").evaluate_all("all => all.map(({ id }) => id)")
        assert len(set(ids)) == 60


@pytest.mark.parametrize(
    ("width", "tallest"), [(1280, 480), (1000, 480), (700, 620), (400, 860), (320, 1000)]
)
def test_fits(browser, width, tallest):
    """In pixels; nothing sticks out, no text is small."""
    with query_page(browser, width=width) as page:
        assert page.locator(CARD).bounding_box()["height"] <= tallest
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = page.locator(CARD).evaluate(
            """card => [...card.querySelectorAll("*")]
            .map((each) => parseFloat(getComputedStyle(each).fontSize))"""
        )
        assert min(sizes) >= 14


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(browser, scheme):
    html = page_of(
        shown(explorers.query, IMAGES, LABELS, NEAR), style=":root { color-scheme: light dark; }"
    )
    with opened(browser, html, color_scheme=scheme) as page:
        page.get_by_role("listbox").press("ArrowRight")
        assert serious(page) == []
        dark = page.locator(CARD).evaluate("card => 'dark' in card.dataset")
        assert dark == (scheme == "dark")
        said = page.locator(".cvn-live").inner_text()
        assert said.startswith(f"{LABELS[1]}. pixels: ")


def test_a_clicker_turns_slides_whatever_has_the_focus(browser):
    output = shown(explorers.query, IMAGES, LABELS, NEAR)
    with opened(browser, page_of(f'<div class="reveal">{output}</div>')) as page:
        page.evaluate(
            """addEventListener("keydown", ({ key }) => {
                document.title += " " + key;
            })"""
        )
        wall = page.get_by_role("listbox")
        wall.press("ArrowRight")
        wall.press("PageDown")
        assert page.title() == "Test PageDown"
        assert found(page) == expected(1)


def test_without_scripts_there_is_a_picture(browser):
    with query_page(browser, java_script_enabled=False) as page:
        picture = page.get_by_role("img", name="The query page")
        assert picture.bounding_box()["width"] > 500
        names = ", ".join(LABELS[k] for k in NEAR["pixels"][0])
        assert f"pixels: {names}" in picture.get_attribute("alt")


def test_exported_by_nbconvert(browser):
    cell = new_code_cell("explorers.query(X, labels, near)", execution_count=1)
    data = {"text/html": shown(explorers.query, IMAGES, LABELS, NEAR)}
    cell.outputs = [new_output("display_data", data)]
    html, _ = HTMLExporter().from_notebook_node(new_notebook(cells=[cell]))
    # Exports ask for MathJax and the like, which the page does without.
    html = re.sub('<script src="https:.*?</script>', "", html, flags=re.DOTALL)
    with opened(browser, html) as page:
        assert found(page) == expected(0)
