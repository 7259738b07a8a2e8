"""The report that notebook 15 writes: one page of paper, for everybody's eyes and ears."""

import base64
import io
from pathlib import Path

import pytest
from browser import serious
from notebook_tools import execute, lecture
from support import skip_or_fail
from test_handouts import opened_file


@pytest.fixture(scope="module")
def report(simulated, tmp_path_factory):
    """Of the default data; written by a run of the notebook, which may have been before."""
    path = Path(simulated["COURSE_DATA"]) / "reports" / "crops.html"
    if not path.is_file():
        execute(lecture("15"), tmp_path_factory.mktemp("report") / "15.ipynb", simulated)
    return path


def test_it_is_one_page_of_paper(browser, report):
    try:
        import pypdf
    except ImportError:
        skip_or_fail("pypdf is missing: pip install -r tests/requirements.txt")
    with opened_file(browser, report) as page:
        page.emulate_media(media="print")
        session = page.context.new_cdp_session(page)
        printed = session.send("Page.printToPDF", {"preferCSSPageSize": True})
    document = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"])))
    text = [" ".join(sheet.extract_text().split()) for sheet in document.pages]
    assert len(text) == 1, text[1:]
    width, height = document.pages[0].mediabox[2:]
    assert (round(width), round(height)) == (595, 842)  # A4 in points
    for part in ("Four ways", "Where it fails", "How it was measured", "Limits"):
        assert part in text[0]


def test_it_can_be_heard_and_zoomed(browser, report):
    with opened_file(browser, report) as page:
        assert serious(page) == []
        page.set_viewport_size({"width": 400, "height": 800})
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        texts = page.locator("img").evaluate_all("all => all.map((one) => one.alt)")
        assert len(texts) == 4 and all(len(text) > 40 for text in texts)
