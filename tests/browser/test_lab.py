"""The course in JupyterLab, as a student sees it."""

import json
import shutil
from contextlib import contextmanager

import nbformat
import pytest
from browser import lab_server, note_errors
from refresh_notebooks import NOTEBOOKS, START_PAGE
from show_slides import OTHERS
from support import ROOT

from helpers.teaching.stage import notes_file, read_notes

SETTINGS = ROOT / "helpers" / "settings"
FIRST = "01_tensors_and_pixels.ipynb"
SECOND = "02_kernels.ipynb"
CLEARED = "01_cleared.ipynb"
"""The first lecture with no outputs, so that one can see what has been run."""


@pytest.fixture(scope="module")
def lab(browser, simulated, tmp_path_factory):
    """A function that opens a notebook of a copy of the course: (page, path of the copy)."""
    folder = tmp_path_factory.mktemp("lab")
    for name in (START_PAGE, FIRST, SECOND):
        shutil.copy(NOTEBOOKS / name, folder)
    notebook = nbformat.read(NOTEBOOKS / FIRST, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, folder / CLEARED)
    shutil.copytree(NOTEBOOKS / "pictures", folder / "pictures")
    # As the installation of the course puts it into the environment.
    profile = folder / "settings" / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    shutil.copy(SETTINGS / "ipython_kernel_config.py", profile)

    with lab_server(folder, simulated) as address:

        @contextmanager
        def opened(name):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            faults = []
            try:
                page = context.new_page()
                page.set_default_timeout(120_000)  # ms, for a busy machine
                note_errors(page, faults, unless_from=OTHERS)
                # Without what the test before had open, which JupyterLab would restore.
                page.goto(f"{address(name)}&reset")
                # The kernel has answered: only then does JupyterLab write metadata.
                page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
                yield page, folder / name
                assert not faults, faults
            finally:
                context.close()

        yield opened


@pytest.mark.parametrize("name", [START_PAGE, FIRST])
def test_opening_and_closing_changes_nothing(lab, name):
    """Else git could not put a newer version in the place of a notebook."""
    with lab(name) as (page, path):
        page.locator(".jp-NotebookPanel h1").first.wait_for()
        page.wait_for_timeout(2_000)  # a change would be marked by now
        tab = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=name)
        assert tab.count() == 1
        assert "jp-mod-dirty" not in tab.get_attribute("class")
        tab.locator(".lm-TabBar-tabCloseIcon").click()
        tab.wait_for(state="detached")  # no question whether to save
        assert page.locator(".jp-Dialog").count() == 0
    assert path.read_bytes() == (NOTEBOOKS / name).read_bytes()


def test_the_kernel_names_no_exact_version():
    """It is what JupyterLab writes into a notebook, and what normal form stores."""
    stored = json.loads((NOTEBOOKS / FIRST).read_text(encoding="utf-8"))["metadata"]
    assert stored["language_info"]["version"] == "3"


def test_links_lead_on(lab):
    with lab(START_PAGE) as (page, _):
        page.get_by_role("link", name="02 Kernels").click()
        title = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) h1")
        title.get_by_text("02 Kernels").wait_for()
        page.get_by_role("link", name="Start page").first.click()
        title.get_by_text("Start here").wait_for()


def test_run_all_shows_no_notes_and_no_stderr(lab):
    """What a student sees after Run All: figures with their code folded, nothing pink."""
    with lab(CLEARED) as (page, path):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        for _ in range(100):  # it takes ten seconds on a quiet machine
            page.wait_for_timeout(2_000)
            page.keyboard.press("Control+s")
            try:
                saved = nbformat.read(path, as_version=4)
            except nbformat.reader.NotJSONError:  # it is being written
                continue
            code = [cell for cell in saved.cells if cell.cell_type == "code"]
            if all(cell.execution_count for cell in code):
                break
        panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        assert panel.count() == 1  # beside it, the file browser shows a folder of that name
        assert panel.get_by_text("Lecturer").count() == 0
        assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    streams = [o.get("name") for cell in saved.cells for o in cell.get("outputs", [])]
    assert "stderr" not in streams and "stdout" in streams
    text = "\n".join(cell.source for cell in saved.cells)
    for note in read_notes(notes_file(NOTEBOOKS / FIRST)):
        assert note.text[:40] not in text
    folded = [c for c in saved.cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded and all("hide-input" in cell.metadata.tags for cell in folded)
