"""Hand-outs: what is in them, what is not, and that they work without a network."""

import base64
import io
import re
import shutil
from contextlib import contextmanager
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from browser import note_errors, serious
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from PIL import Image
from refresh_notebooks import find_lectures
from support import skip_or_fail

from helpers import files
from helpers.__main__ import main
from helpers.files import PARTIAL, CourseError
from helpers.teaching.handouts import handouts
from helpers.teaching.stage import notes_file, read_notes

MOST_BYTES = 21_000_000
"""All lectures without their PDFs: half of what 42 MB would allow."""

SECRET = "Vote before you go on"
ALT = 'A red square, "small"'
EXPLORER = """<div class="course-test"><p>Run
it.</p><img alt="The explorer" src="data:,"></div><script type="module">
for (const root of document.querySelectorAll(".course-test")) {
  root.innerHTML = "<button>Press</button>";
  root.firstChild.onclick = () => { root.firstChild.textContent = "Pressed"; };
}
</script>"""
FORMULAS = r"""## Formulas

Inline $\sum_k k^2$ and \$5, then

$$P(s) = \int_0^1 x\,dx$$

| character | count |
|---|---|
| 汉 | 1 |

### A hint

<details><summary>Hint</summary>

Half of **one**.
</details>

![A dot](pictures/a%20dot.png)"""


def slide(cell, kind):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def png(color):
    data = io.BytesIO()
    Image.new("RGB", (80, 40), color).save(data, "png")
    return data.getvalue()


def shown(data, **about):
    return new_output("display_data", data, metadata=about)


ABOUT = "It *counts* to three, with `print`\nand a bell."


def small(title="99 Small 汉字"):
    """A notebook with a bit of everything; the same figure twice."""
    figure = {
        "image/png": base64.encodebytes(png("red")).decode("ascii"),
        "application/vnd.jupyter.widget-view+json": {"model_id": "gone"},
        "text/plain": "<Figure>",
    }
    printed = new_output(
        "stream",
        name="stdout",
        text="Data: simulated handwriting, not CASIA.\n",
    )
    bar = new_output("stream", name="stderr", text="100%|####| 6/6")
    times = "**Presentation** 5 minutes · **exercises** 3\nminutes"
    state = {"state": {"gone": {}}}
    return new_notebook(
        metadata={"widgets": {"application/vnd.jupyter.widget-state+json": state}},
        cells=[
            slide(new_markdown_cell(f"# {title}\n\n{ABOUT}\n\n{times}"), "slide"),
            slide(new_markdown_cell(f"{SECRET} again."), "notes"),
            new_markdown_cell("[Start](00_start_here.ipynb)", metadata={"tags": ["links"]}),
            slide(new_markdown_cell(FORMULAS), "slide"),
            slide(
                new_code_cell(
                    'count = 3  # a comment\nprint(f"{count}")',
                    outputs=[printed, bar],
                    execution_count=1,
                ),
                "fragment",
            ),
            slide(
                new_code_cell(
                    "show()",
                    outputs=[
                        shown(figure, **{"image/png": {"alt": ALT}}),
                        shown(figure, **{"image/png": {"alt": ALT}}),
                        shown({"text/html": EXPLORER}),
                    ],
                    execution_count=2,
                ),
                "subslide",
            ),
            slide(new_markdown_cell("An aside for readers."), "skip"),
        ],
    )


def save(notebook, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder with notebooks: a name with a space and characters."""
    folder = tmp_path_factory.mktemp("my course 课")
    path = save(small(), folder / "99 small #1 汉.ipynb")
    notes_file(path).parent.mkdir()
    notes_file(path).write_text(f"# 99 Small 汉字\n\n{SECRET}.\n", encoding="utf-8")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a dot.png").write_bytes(png("blue"))
    return folder


@pytest.fixture(scope="module")
def exported(course):
    """Its hand-outs for students, without PDFs."""
    out = course / "out"
    export(sorted(course.glob("*.ipynb")), out)
    return out


def export(paths, out, **settings):
    done, failed = handouts.export(paths, out, **settings)
    assert not failed
    return done


def everything(folder):
    """{path: content} of all files."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


class Parsed(HTMLParser):
    """A page's addresses, the attributes of its pictures, and its text."""

    def __init__(self, path):
        super().__init__()
        self.addresses, self.pictures, self.text = [], [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("href", "src"):
            if name in attributes:
                self.addresses.append(attributes[name])
        if tag == "img":
            self.pictures.append(attributes)

    def handle_data(self, data):
        self.text += data


# --- What is in them -------------------------------------------------------------


def test_a_page_and_slides(exported):
    page, slides = (exported / f"99 small #1 汉{ending}" for ending in (".html", ".slides.html"))
    for path in (page, slides):
        text = path.read_text(encoding="utf-8")
        assert re.search('<html[^>]* lang="en">', text)
        assert "<title>99 Small 汉字" in text
        assert re.search(r"<h1[^>]*>99 Small 汉字</h1>", text)
        assert re.search(r"<h3[^>]*>A hint</h3>", text)
        assert re.search(r"<th[^>]*>character</th>", text)
        assert re.search(
            r"<details><summary>Hint</summary>\s*<p>Half of <strong>one</strong>"
            r"\.</p>\s*</details>",
            text,
        )
        assert '<span class="c1"># a comment</span>' in text
        assert "course-test" in text and "Pressed" in text
        assert "gone" not in text
        pictures = Parsed(path).pictures
        assert [p["alt"] for p in pictures] == [
            "A dot",
            ALT,
            ALT,
            "The explorer",
        ]
        assert pictures[1]["src"] == pictures[2]["src"]
    assert len(list((exported / "pictures").iterdir())) == 2
    assert "An aside" in page.read_text(encoding="utf-8")
    assert "An aside" not in slides.read_text(encoding="utf-8")
    assert slides.read_text(encoding="utf-8").count('class="fragment"') == 1


def test_every_address_is_a_file(exported):
    for path in exported.glob("*.html"):
        addresses = Parsed(path).addresses
        assert len(addresses) > 5
        for address in addresses:
            parts = urlsplit(address)
            if parts.scheme != "data":
                assert not parts.scheme, address
                assert (exported / unquote(parts.path)).is_file(), address
    style = (exported / "assets" / "handouts.css").read_text(encoding="utf-8")
    for address in re.findall(r'url\("(.+?)"\)', style):
        assert (exported / "assets" / address).is_file(), address


def test_the_list(exported):
    parsed = Parsed(exported / "index.html")
    assert "99 Small 汉字" in parsed.text
    assert "It counts to three, with print and a bell." in parsed.text
    assert "Presentation 5 minutes, exercises 3 minutes" in parsed.text
    assert "Results: simulated handwriting, not CASIA." in parsed.text
    assert "CC BY 4.0" in parsed.text
    names = {unquote(address) for address in parsed.addresses}
    assert {"99 small #1 汉.html", "99 small #1 汉.slides.html"} <= names
    for licence, words in {
        "LICENSE.txt": "MIT License",
        "LICENSE-CC-BY-4.0.txt": "Creative Commons",
        "assets/mathjax/LICENSE": "Apache License",
        "assets/reveal/LICENSE": "Permission is hereby granted",
        "assets/fonts/OFL.txt": "SIL OPEN FONT LICENSE",
        "assets/LICENCES.txt": "MathJax 2.7.9, Apache",
    }.items():
        assert words in (exported / licence).read_text(encoding="utf-8")


def test_notes_are_the_lecturers_alone(course, exported, tmp_path):
    for name, content in everything(exported).items():
        assert SECRET.encode() not in content, name
        assert "notes.js" not in name
    export(sorted(course.glob("*.ipynb")), tmp_path, notes=True)
    having = [n for n, c in everything(tmp_path).items() if SECRET.encode() in c]
    assert sorted(having) == [
        "99 small #1 汉.html",
        "99 small #1 汉.slides.html",
    ]
    assert (tmp_path / "assets" / "reveal" / "notes.js").is_file()
    assert "lecturer's copy" in Parsed(tmp_path / "index.html").text


def test_what_is_not_for_paper_is_left_out(course, exported):
    """Links between notebooks, and what programs write to standard error."""
    assert "00_start_here.ipynb" in next(course.glob("*.ipynb")).read_text(encoding="utf-8")
    for name, content in everything(exported).items():
        assert b"00_start_here" not in content, name
        assert b"100%|####" not in content, name


def test_code_that_only_plots_is_behind_a_click(tmp_path, browser):
    figure = shown({"image/png": base64.encodebytes(png("red")).decode("ascii")})
    cell = slide(new_code_cell("plot_it()", outputs=[figure], execution_count=1), "slide")
    cell.metadata.tags = ["hide-input"]
    notebook = small()
    notebook.cells.append(cell)
    notebook.cells = notebook.cells[-1:]
    path = save(notebook, tmp_path / "a.ipynb")
    export([path], tmp_path / "out")
    for ending in (".html", ".slides.html"):
        with opened_file(browser, tmp_path / "out" / f"a{ending}") as page:
            code = page.locator(".plotting pre")
            assert not code.is_visible()
            page.get_by_text("Code of this figure", exact=True).click()
            assert code.is_visible()


def test_a_notebook_without_slide_types(tmp_path):
    notebook = small()
    for cell in notebook.cells:
        cell.metadata.pop("slideshow", None)
    save(notebook, tmp_path / "a.ipynb")
    export([tmp_path / "a.ipynb"], tmp_path / "out")
    text = (tmp_path / "out" / "a.slides.html").read_text(encoding="utf-8")
    # Two slides, and a subslide would need a cell that begins with ###.
    assert text.count("<section") == 2 * 2


# --- What can go wrong -----------------------------------------------------------


def test_damaged_notebooks_do_not_stop_the_others(course, tmp_path, capsys):
    whole = tmp_path / "whole.ipynb"
    shutil.copy(next(course.glob("*.ipynb")), whole)
    text = whole.read_text(encoding="utf-8")
    half = tmp_path / "half.ipynb"
    half.write_text(text[: len(text) // 2], encoding="utf-8")
    other = tmp_path / "other.ipynb"
    other.write_text('["no", "notebook"]', encoding="utf-8")
    empty = save(new_notebook(), tmp_path / "empty.ipynb")
    wrong = small()
    wrong.cells[5].outputs[0].data["image/png"] = "A"
    save(wrong, tmp_path / "picture.ipynb")

    words = [*map(str, sorted(tmp_path.glob("*.ipynb"))), "--no-pdf"]
    out = tmp_path / "out"
    assert main(["handouts", *words, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "1 notebook exported" in said.out
    sentences = [s for s in said.err.splitlines() if "left out" in s]
    for path, reason in {
        half: "cannot be read as a notebook",
        other: "cannot be read as a notebook",
        empty: "has no cell to show",
        tmp_path / "picture.ipynb": "holds a damaged picture",
    }.items():
        assert sum(f"{path} {reason}" in s for s in sentences) == 1, said.err
    assert len(sentences) == 4
    assert (out / "whole.html").is_file() and not (out / "half.html").exists()


def test_files_of_others_stay(course, tmp_path):
    out = tmp_path / "out"
    (out / "pictures").mkdir(parents=True)
    (out / "plans" / "empty").mkdir(parents=True)
    (out / "thesis.txt").write_text("mine", encoding="utf-8")
    (out / "pictures" / "cat.png").write_bytes(b"mine")
    first, second = (save(small(name), tmp_path / f"{name}.ipynb") for name in ("a", "b"))
    export([first], out)
    before = set(everything(out))
    export([second], out)
    after = everything(out)
    assert before - set(after) == {"a.html", "a.slides.html"}
    assert set(after) - before == {"b.html", "b.slides.html"}
    assert after["thesis.txt"] == after["pictures/cat.png"] == b"mine"
    assert (out / "plans" / "empty").is_dir()

    (out / "a.slides.html").write_text("mine", encoding="utf-8")
    before = everything(out)
    with pytest.raises(CourseError, match="was not written by this command"):
        handouts.export([first], out)
    assert everything(out) == before


def test_names_outside_of_the_folder_are_never_ours(tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("mine", encoding="utf-8")
    notebook = save(small(), tmp_path / "a.ipynb")
    out = tmp_path / "out"
    export([notebook], out)
    manifest = out / handouts.MANIFEST
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace('"index.html"', '"index.html", "../precious.txt"'),
        encoding="utf-8",
    )
    export([notebook], out)
    assert precious.exists()


@pytest.mark.parametrize("moment", ["converting", "replacing"])
def test_interrupted(moment, tmp_path, monkeypatch):
    first, second = (save(small(name), tmp_path / f"{name}.ipynb") for name in ("a", "b"))
    out = tmp_path / "out"
    export([first], out)
    before = everything(out)

    def interrupt(*_):
        raise KeyboardInterrupt

    def write_until_the_list(path):
        stop = path.name == "index.html"
        return (interrupt if stop else files.write_file)(path)

    with monkeypatch.context() as patch:
        if moment == "converting":
            patch.setattr(handouts, "_convert", interrupt)
        else:
            patch.setattr(handouts, "write_file", write_until_the_list)
        with pytest.raises(KeyboardInterrupt):
            handouts.export([second], out)
    after = everything(out)
    assert not any(PARTIAL in name for name in after)
    if moment == "converting":
        assert after == before
    else:
        assert "a.html" in after and "b.html" in after
    export([second], out)
    assert {"b.html", "index.html"} < set(everything(out))
    assert "a.html" not in everything(out)


def test_a_missing_package(course, tmp_path, monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    with pytest.raises(CourseError, match="package jupyter-server-mathjax is m"):
        handouts.export(sorted(course.glob("*.ipynb")), tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())


def test_no_browser(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handouts, "find_browser", lambda: None)
    words = [*map(str, course.glob("*.ipynb")), "--out", str(tmp_path)]
    assert main(["handouts", *words]) == 0
    said = capsys.readouterr()
    assert "No PDFs were made, because there is no browser" in said.err
    assert "1 notebook exported" in said.out
    assert "PDF" not in Parsed(tmp_path / "index.html").text


def test_browsers_that_are_not_on_the_path(tmp_path, monkeypatch):
    chrome = tmp_path / "Google" / "Chrome" / "Application" / "chrome.exe"
    chrome.parent.mkdir(parents=True)
    chrome.touch(0o755)
    monkeypatch.setenv("PATH", "")
    for name in ("PROGRAMFILES(X86)", "LOCALAPPDATA"):  # of a real Windows
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(handouts.sys, "platform", "win32")
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path))
    # `shutil` asks the same module for the system, and the tests' one is not Windows.
    monkeypatch.setattr(handouts.shutil, "which", lambda p: p if Path(p).is_file() else None)
    assert handouts.find_browser() == str(chrome)
    monkeypatch.delenv("PROGRAMFILES")
    assert handouts.find_browser() is None


def test_which_notebooks(course, tmp_path, monkeypatch):
    assert handouts.find_notebooks() == find_lectures()
    monkeypatch.chdir(course)
    (path,) = handouts.find_notebooks(["99*.ipynb"])
    assert path.name == "99 small #1 汉.ipynb"
    with pytest.raises(CourseError, match="There is no notebook none.ipynb"):
        handouts.find_notebooks(["none.ipynb"])
    with pytest.raises(CourseError, match="would have the same file name"):
        handouts.export([Path("a/x.ipynb"), Path("b/X.ipynb")], tmp_path / "out")


# --- In a browser ----------------------------------------------------------------


@contextmanager
def opened_file(browser, path, *, width=1280, height=720, faults=None):
    """Yield a page that shows an HTML file from the disk, its formulas typeset.

    Fails if it logs an error, or asks for anything that is not a file beside it.
    faults: a list to append these to instead.
    """
    found = [] if faults is None else faults
    here = path.parent.resolve().as_uri()

    def check(route):
        url = route.request.url
        if url.startswith((here, "data:")):
            route.continue_()
        else:
            found.append(f"asked for {url}")
            route.abort()

    window = browser.new_context(viewport={"width": width, "height": height})
    try:
        window.route("**", check)
        page = window.new_page()
        page.set_default_timeout(60_000)  # ms
        note_errors(page, found)
        page.on("requestfailed", lambda request: found.append(f"no {request.url}"))
        page.goto(path.resolve().as_uri())
        page.wait_for_function(
            """() => !window.MathJax || new Promise(
                (done) => MathJax.Hub.Queue(() => done(true)))"""
        )
        if path.name.endswith(".slides.html"):
            page.wait_for_function("window.Reveal && Reveal.isReady()")
        yield page
        if faults is None:
            assert not found, found
    finally:
        window.close()


def steps(page):
    """Yield the number of each slide and fragment while PageDown goes through all."""
    number = 0
    while True:
        yield number
        where = page.evaluate("JSON.stringify(Reveal.getState())")
        page.keyboard.press("PageDown")
        if page.evaluate("JSON.stringify(Reveal.getState())") == where:
            return
        number += 1


def formulas(page):
    """How many formulas a page has, after checking that all are typeset."""
    left = page.evaluate(
        """() => [...document.querySelectorAll(".jp-RenderedMarkdown")]
            .map((cell) => {
                const copy = cell.cloneNode(true);
                for (const e of copy.querySelectorAll("code, script")) e.remove();
                return copy.textContent;
            })
            .filter((text) => /(^|[^\\\\])\\$[^\\d]|\\\\[a-z]/.test(text))"""
    )
    assert not left
    return page.locator(".MathJax").count()


COURSE_FONT = """[...document.fonts].filter(f => f.family.includes('Course'))
    .map(f => f.status)"""


def test_a_small_page_in_a_browser(exported, browser):
    with opened_file(browser, exported / "99 small #1 汉.html") as page:
        assert formulas(page) == 2
        assert "and $5, then" in page.locator("p", has_text="Inline").inner_text()
        page.get_by_role("button", name="Press").click()
        page.get_by_role("button", name="Pressed").wait_for()
        hint = page.get_by_text("Half of")
        assert not hint.is_visible()
        page.get_by_text("Hint", exact=True).click()
        assert hint.is_visible()
        assert page.evaluate(COURSE_FONT) == ["loaded"]


def test_small_slides_in_a_browser(exported, browser):
    path = exported / "99 small #1 汉.slides.html"
    with opened_file(browser, path) as page:
        assert formulas(page) == 2
        assert [*steps(page)] == [0, 1, 2, 3]
        assert page.evaluate(COURSE_FONT) == ["loaded"]
        page.get_by_role("button", name="Press").click()
        page.get_by_role("button", name="Pressed").wait_for()
        page.keyboard.press("ArrowLeft")  # the explorer's, not the slides'
        assert page.evaluate("Reveal.isLastSlide()")
        page.keyboard.press("PageUp")
        assert not page.evaluate("Reveal.isLastSlide()")


def test_a_request_that_leaves_the_folder_is_noticed(exported, browser):
    path = exported / "planted.html"
    path.write_text(
        '<img src="http://example.org/a.png"><img src="none.png">',
        encoding="utf-8",
    )
    faults = []
    try:
        with opened_file(browser, path, faults=faults) as page:
            page.wait_for_load_state()
    finally:
        path.unlink()
    assert any("asked for http://example.org" in fault for fault in faults)
    assert any("no file:" in fault and "none.png" in fault for fault in faults)


def test_the_speakers_window(course, browser, tmp_path):
    export(sorted(course.glob("*.ipynb")), tmp_path, notes=True)
    with opened_file(browser, tmp_path / "99 small #1 汉.slides.html") as page:
        assert not page.get_by_text(SECRET).first.is_visible()
        with page.context.expect_page() as opening:
            page.keyboard.press("s")
        speaker = opening.value
        speaker.locator(".speaker-controls-notes", has_text=SECRET).wait_for()
        speaker.keyboard.press("PageDown")
        page.wait_for_function("Reveal.getIndices().h === 1")


@pytest.mark.parametrize("budget", [0.001, handouts.SCRIPT_SECONDS])
def test_a_pdf(course, tmp_path, monkeypatch, budget):
    """With no time for scripts, the formulas are missing, and that is noticed."""
    path = handouts.find_browser()
    if path is None:
        skip_or_fail("there is no browser to print with: install Chromium")
    monkeypatch.setattr(handouts, "SCRIPT_SECONDS", budget)
    paths = sorted(course.glob("*.ipynb"))
    done, failed = handouts.export(paths, tmp_path, browser=path)
    if budget < 1:
        assert done and not list(tmp_path.glob("*.pdf"))
        assert "PDF" not in Parsed(tmp_path / "index.html").text
        assert "was printed before its formulas were typeset" in failed[0]
        return
    try:
        import pypdf
    except ImportError:
        skip_or_fail("pypdf is missing: pip install -r tests/requirements.txt")
    assert not failed
    (pdf,) = tmp_path.glob("*.pdf")
    document = pypdf.PdfReader(pdf)
    assert document.metadata.title == "99 Small 汉字"
    width, height = document.pages[0].mediabox[2:]
    assert (round(width), round(height)) == (595, 842)  # A4 in points
    text = "\n".join(p.extract_text() for p in document.pages)
    assert "∑" in text and "∫" in text and "$$" not in text
    assert "Half of one." in text and "汉" in text
    assert "picture of the explorer" in text and "Press" not in text
    assert SECRET not in text and "1 / " in text
    assert not list(tmp_path.glob("*.print.html"))


# --- The course's own notebooks --------------------------------------------------


@pytest.fixture(scope="module")
def lectures(tmp_path_factory):
    out = tmp_path_factory.mktemp("lectures")
    paths = handouts.find_notebooks()
    assert export(paths, out) == [path.stem for path in paths]
    return out


def test_lectures(lectures):
    size = sum(map(len, everything(lectures).values()))
    print(f"\nall lectures without PDFs: {size / 1e6:.1f} MB")
    assert size < MOST_BYTES
    for path in handouts.find_notebooks():
        notes = read_notes(notes_file(path))
        assert len(notes) > 10
        for ending in (".html", ".slides.html"):
            exported = Parsed(lectures / f"{path.stem}{ending}")
            assert "00_start_here" not in " ".join(exported.addresses)
            for note in notes:
                for words in re.findall(r"[\w ,]{30,}", note.text):
                    assert words.strip() not in exported.text
            for picture in exported.pictures:
                assert len(picture["alt"]) > 10, picture
                assert "No description" not in picture["alt"], picture


def explorer_works(page):
    """Choose another kernel in the explorer that can be seen."""
    card = page.locator(".cvk")
    total = card.locator(".cvk-sum")
    card.scroll_into_view_if_needed()
    before = card.inner_text()
    box = card.get_by_role("combobox", name="Kernel", exact=True)
    box.select_option("Outline")
    assert card.inner_text() != before
    assert total.is_visible()


@pytest.mark.parametrize("stem", [path.stem for path in handouts.find_notebooks()])
def test_each_lecture_in_a_browser(stem, lectures, browser):
    """Every request is watched by `opened_file`; here for all, in short."""
    with opened_file(browser, lectures / f"{stem}.html") as page:
        on_page = formulas(page)
        images = "[...document.images].filter(i => !i.naturalWidth).length"
        assert page.evaluate(images) == 0
        assert serious(page) == []
    with opened_file(browser, lectures / f"{stem}.slides.html") as page:
        assert formulas(page) <= on_page
        assert page.evaluate("Reveal.getTotalSlides()") > 20


def test_a_lecture_in_a_browser(lectures, browser):
    (path,) = lectures.glob("02_*[a-z].slides.html")
    page_path = path.with_name(path.name.replace(".slides", ""))
    with opened_file(browser, page_path) as page:
        count = formulas(page)
        assert count > 10
        explorer_works(page)
        images = "[...document.images].filter(i => !i.naturalWidth).length"
        assert page.evaluate(images) == 0
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 720})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with opened_file(browser, path) as page:
        assert 0 < formulas(page) <= count  # some cells are left out
        seen = False
        for _ in steps(page):
            slide = page.locator("section section.present")
            assert slide.count() == 1
            if slide.locator(".cvk").count():
                seen = True
                explorer_works(page)
                page.evaluate("document.activeElement.blur()")
        assert seen
