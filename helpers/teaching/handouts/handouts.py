"""Hand-outs: notebooks as slides, as a page and as a PDF that need no network.

`python -m helpers handouts` writes them into one folder with a list of them,
index.html. What is stored in the notebooks is exported; nothing is run. nbconvert
does the work, with the templates in templates/course. MathJax and reveal.js
come from the packages that requirements.txt pins, and are copied beside the pages.
Any Chromium, Chrome or Edge prints the PDFs.

Speaker notes (`notebooks/lecturer/`, and cells of the slide type "notes") are left out,
unless asked for.
"""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from copy import deepcopy
from importlib import metadata
from pathlib import Path
from urllib.parse import quote, unquote

from helpers.files import COURSE, PARTIAL, CourseError, remove_stale, write_file
from helpers.teaching.stage import fold, notes_file, put_in, read_notes

START = "00_start_here"
"""The page that students open first: a hand-out's list has its place."""

TEMPLATES = Path(__file__).resolve().parent / "templates"

MANIFEST = "handouts.json"
"""In an export's folder: the list of its files. No others are replaced or deleted."""

MATHJAX = (
    "LICENSE",
    "MathJax.js",
    "config/TeX-AMS-MML_HTMLorMML-full.js",
    "extensions/TeX/**/*.js",
    "fonts/HTML-CSS/**/*.woff",
    "jax/element/**/*.js",
    "jax/input/TeX/*.js",
    "jax/output/HTML-CSS/**/*.js",
)
"""What formulas need of MathJax: its HTML output with the STIX fonts.

The package has not all of the SVG output; menus, other languages and other kinds of
input are left out.
"""

REVEAL = "LICENSE", "dist/reveal.css", "dist/reveal.js"
REVEAL_NOTES = "plugin/notes/notes.js"

LICENCES = """\
What is in this folder beside the hand-outs' own style sheets and scripts (MIT):

mathjax/    MathJax {mathjax}, Apache License 2.0: mathjax/LICENSE
mathjax/fonts/
            STIX fonts 1.1, Copyright (c) 2001-2011 by the STI Pub Companies,
            SIL Open Font License 1.1, as each font file says: fonts/OFL.txt has
            the text of this licence
reveal/     reveal.js {reveal}, MIT: reveal/LICENSE
fonts/      a part of Noto Sans CJK SC, SIL Open Font License 1.1: fonts/OFL.txt
"""

PLAIN_CODE = re.compile(r'<span class="(?:n|nn|o|p|w)">([^<]*)</span>')
"""Names, operators and spaces in code. They have no colour of their own; each would
be one more part in the structure of a PDF, and half of its size."""

TERMS = "Text and figures: CC BY 4.0, code: MIT"

UNFINISHED = "formulas are not typeset yet"
"""Title of a page for the printer until its formulas are typeset."""

PRINTING_SECONDS = 120
SCRIPT_SECONDS = 60
"""Of virtual time, which the browser lets pass as fast as scripts allow."""

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)

BROWSER_PLACES = {
    "win32": (
        "Google/Chrome/Application/chrome.exe",
        "Microsoft/Edge/Application/msedge.exe",
        "Chromium/Application/chrome.exe",
    ),
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
}
"""Where browsers are that are not on the search path; below Windows' own folders."""

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
"""Chromium's options for staying off the network."""

NO_BROWSER = (
    "No PDFs were made, because there is no browser to print them: install Chromium, "
    "Chrome or Edge (on Debian: apt-get install chromium), then run this again. "
    "Slides and pages are complete."
)


def find_browser():
    """The path of an installed Chromium, Chrome or Edge as a string, or None."""
    places = BROWSER_PLACES.get(sys.platform, ())
    if sys.platform == "win32":
        roots = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        places = [
            str(Path(os.environ[root]) / place)
            for root in roots
            if root in os.environ
            for place in places
        ]
    found = [*map(shutil.which, BROWSERS), *map(shutil.which, places)]
    return next(filter(None, found), None)


def browser_options():
    """Options with which a headless browser starts, stays quiet and asks nothing."""
    # Chromium refuses to run as root inside its sandbox.
    root = hasattr(os, "getuid") and os.getuid() == 0
    return [*QUIET, *["--no-sandbox"] * root]


def run(arguments):
    """The command `handouts`; its exit code is 1 where a notebook was left out."""
    default = "handouts-with-notes" if arguments.notes else "handouts"
    out = Path(arguments.out or default)
    browser = None
    if not arguments.no_pdf:
        browser = find_browser()
        if browser is None:
            print(NO_BROWSER, file=sys.stderr)
    paths = find_notebooks(arguments.notebooks)
    done, failed = export(paths, out, arguments.notes, browser)
    for sentence in failed:
        print(sentence, file=sys.stderr)
    if done:
        size = sum((out / name).stat().st_size for name in _own_files(out))
        print(
            f"{len(done)} notebook{'s' * (len(done) != 1)} exported, "
            f"{size / 1e6:.1f} MB: open {out / 'index.html'} in a browser."
        )
    return 1 if failed else 0


def find_notebooks(names=()):
    """Paths of the notebooks of these names, patterns too; by default all lectures."""
    if not names:
        found = sorted((COURSE / "notebooks").glob("*.ipynb"))
        return [path for path in found if path.stem != START]
    paths = []
    for name in names:
        # Windows' command line leaves patterns to the program.
        path = Path(name)
        found = [path] if path.exists() else sorted(path.parent.glob(path.name))
        if not found:
            raise CourseError(
                f"There is no notebook {name}: nothing was exported. Correct the "
                "name, or leave it out to export all lectures."
            )
        paths += found
    return paths


def export(paths, out, notes=False, browser=None):
    """Export notebooks into the folder `out`: (names of the done, what failed).

    notes: with speaker notes. browser: the program that prints PDFs; None for none.
    The folder's earlier export is replaced when the new one is complete, and
    untouched if there is nothing to put in its place or if it is interrupted
    before. Raises CourseError where the folder cannot be written or holds files
    of these names that are not ours, and where a package is missing.
    """
    from tqdm import tqdm

    out = Path(out)
    _no_twins(paths)
    _refuse_others(out, [f"{path.stem}.html" for path in paths])
    try:
        out.mkdir(parents=True, exist_ok=True)
        remove_stale(out)
        scratch = tempfile.TemporaryDirectory(prefix=PARTIAL, dir=out, ignore_cleanup_errors=True)
    except OSError as error:
        raise CourseError(
            f"{out} cannot be written ({error.strerror or error}): choose another "
            "folder with --out."
        ) from error
    with scratch as folder:
        folder = Path(folder).resolve()
        (folder / "pictures").mkdir()
        _copy_assets(folder, notes)
        done, failed = [], []
        # Two at a time: one is converted while a browser prints the other.
        pool = ThreadPoolExecutor(2)
        try:
            jobs = {pool.submit(_export_one, path, folder, notes, browser): path for path in paths}
            bar = tqdm(as_completed(jobs), total=len(jobs), unit="notebook")
            for job in bar:
                bar.set_postfix_str(jobs[job].stem)
                try:
                    handout, trouble = job.result()
                except CourseError as error:
                    trouble = str(error)
                else:
                    done.append(handout)
                if trouble:
                    failed.append(trouble)
        finally:
            pool.shutdown(cancel_futures=True)
        if done:
            done.sort(key=lambda handout: handout["name"])
            page = _environment().get_template("list.html.j2")
            (folder / "index.html").write_text(
                page.render(handouts=done, notes=notes), encoding="utf-8"
            )
            _publish(folder, out)
    return [handout["name"] for handout in done], failed


def _no_twins(paths):
    """CourseError where two notebooks would be written to the same files."""
    seen = {"index.html": "the list of all hand-outs"}
    for path in paths:
        stem = path.stem.casefold()
        for name in (f"{stem}.html", f"{stem}.slides.html"):
            if name in seen:
                raise CourseError(
                    f"{path} and {seen[name]} would have the same file name: "
                    "rename one of them, or export them into two folders."
                )
            seen[name] = path


# --- One notebook ----------------------------------------------------------------


def _export_one(path, folder, notes, browser):
    """Write one notebook's slides, page and, with a browser, PDF into `folder`.

    Returns what the list of hand-outs says of it, and None or the sentence why it
    has no PDF. Raises CourseError where there is nothing to hand out.
    """
    notebook = _read(path)
    _leave_out(notebook, notes)
    if all(_slide_type(c) in ("notes", "skip") for c in notebook.cells):
        raise CourseError(f"{path} has no cell to show, so it was left out.")
    _give_slide_types(notebook)
    try:
        _extract_pictures(notebook, folder)
    except ValueError as error:
        raise CourseError(
            f"{path} holds a damaged picture, so it was left out: run the notebook "
            "again and save it."
        ) from error
    files = {"Slides": f"{path.stem}.slides.html", "Page": f"{path.stem}.html"}
    if browser is not None:
        files["PDF"] = f"{path.stem}.pdf"
    handout = {
        "name": path.stem,
        "title": _title(notebook, path),
        "about": _about(notebook),
        "minutes": _minutes(notebook),
        "results": _results(notebook),
        "terms": TERMS,
        "notes": notes,
        "links": [(form, quote(name)) for form, name in files.items()],
        "unfinished": UNFINISHED,
        "print": False,
    }
    spoken = read_notes(notes_file(path)) if notes and notes_file(path).is_file() else []
    for form, template in (("Slides", "slides"), ("Page", "page")):
        shown = deepcopy(notebook)
        put_in(shown, spoken, repeat=form == "Slides")
        if form == "Slides":
            fold(shown)
        text = _convert(shown, path, template, handout, folder)
        (folder / files[form]).write_text(text, encoding="utf-8")
    trouble = None
    if browser is not None:
        paper = folder / f"{path.stem}.print.html"
        put_in(notebook, spoken, repeat=False)
        _still(notebook)
        text = _convert(notebook, path, "page", handout | {"print": True}, folder)
        paper.write_text(text, encoding="utf-8")
        try:
            _print(paper, folder / files["PDF"], browser)
        except CourseError as error:
            trouble = str(error)
            handout["links"].pop()
            (folder / files["PDF"]).unlink(missing_ok=True)
        paper.unlink()
    return handout, trouble


def _read(path):
    """The notebook at `path`; CourseError where it is none."""
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        nbformat.validate(json.loads(text))  # reading alone would only log it
        return nbformat.reads(text, as_version=4)
    # Of another kind than expected at any depth, if it is no notebook at all.
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise CourseError(_damaged(path)) from error
    except nbformat.ValidationError as error:
        raise CourseError(_damaged(path)) from error


def _damaged(path):
    return (
        f"{path} cannot be read as a notebook, so it was left out: restore it from "
        "git, or open it in JupyterLab and save it."
    )


def _leave_out(notebook, notes):
    """Take out what is not for paper: links between notebooks, messages of programs.

    notes: leave cells of the slide type "notes" in.
    """
    notebook.cells = [
        cell
        for cell in notebook.cells
        if (notes or _slide_type(cell) != "notes") and "links" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]


def _slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def _give_slide_types(notebook):
    """Where a notebook has no slides, let each heading start one."""
    if any(map(_slide_type, notebook.cells)):
        return
    for cell in notebook.cells:
        heading = re.match(r"#{1,3} ", cell.source)
        if cell.cell_type == "markdown" and heading:
            kind = "subslide" if len(heading[0]) == 4 else "slide"
            cell.metadata["slideshow"] = {"slide_type": kind}


def _extract_pictures(notebook, folder):
    """Write the pictures of all outputs as files, each only once.

    Slides and page show the same files. ValueError where a picture is no base64.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            # Widgets need a kernel; their picture or their text stands for them.
            data.pop("application/vnd.jupyter.widget-view+json", None)
            for mime, suffix in (("image/png", ".png"), ("image/jpeg", ".jpg")):
                if mime not in data:
                    continue
                content = base64.b64decode(data[mime])
                names = output.metadata.setdefault("filenames", {})
                names[mime] = _store(content, suffix, folder)


def _title(notebook, path):
    """The notebook's first heading, or its file name."""
    for cell in notebook.cells:
        heading = re.search(r"^# (.+)", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and heading:
            return heading[1].strip()
    return path.stem


def _about(notebook):
    """What it is about: the paragraph below the title, without marks of Markdown."""
    paragraphs = notebook.cells[0].source.split("\n\n")
    if len(paragraphs) < 2 or paragraphs[1].startswith("**Presentation**"):
        return ""
    words = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", paragraphs[1])
    return " ".join(re.sub(r"[*`]", "", words).split())


def _minutes(notebook):
    """How long it takes, from the first cell's **Presentation** 45 minutes ..."""
    found = re.findall(
        r"\*\*(Presentation|exercises)\*\*\s+(\d+)\s+minutes",
        notebook.cells[0].source,
    )
    return ", ".join(f"{what} {minutes} minutes" for what, minutes in found)


def _results(notebook):
    """Which data made the notebook's results, if its outputs say it once for all."""
    printed = "\n".join(
        str(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )
    if not printed:
        return "not run yet"
    said = re.findall(r"^(?:Data|Digits): (.+)", printed, re.MULTILINE)
    return "; ".join(dict.fromkeys(line.strip(" .,") for line in said))


def _convert(notebook, path, template, handout, folder):
    """The notebook as HTML, by the template templates/course/`template`."""
    from nbconvert.exporters import HTMLExporter, SlidesExporter

    exporter = SlidesExporter if template == "slides" else HTMLExporter
    text, _ = exporter(
        template_name="course",
        template_file=f"{template}.html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    ).from_notebook_node(
        notebook,
        {
            "metadata": {"name": path.stem, "path": str(path.parent)},
            "handout": handout,
        },
    )
    text = PLAIN_CODE.sub(r"\1", text)
    return re.sub(
        r'(<img\b[^>]*? src=")([^":]+)',
        lambda found: found[1] + _kept_beside(html.unescape(found[2]), path.parent, folder),
        text,
    )


def _kept_beside(address, notebook_folder, folder):
    """The address in `folder` of a picture that a Markdown cell shows.

    nbconvert could embed these too, but it would take hints apart while doing so.
    """
    source = notebook_folder / unquote(address)
    if (folder / address).is_file() or not source.is_file():
        return address
    return _store(source.read_bytes(), source.suffix, folder)


def _store(content, suffix, folder):
    """Write a picture into `folder`, each only once; its address there."""
    mark = hashlib.sha256(content).hexdigest()[:16]
    address = f"pictures/{mark}{suffix}"
    if not (folder / address).exists():  # another notebook may be showing it
        with write_file(folder / address) as partial:
            partial.write_bytes(content)
    return address


def _still(notebook):
    """For paper: take the scripts out of all outputs, so that pictures stay."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = re.sub(
                    r"<script\b.*?</script>",
                    "",
                    "".join(data["text/html"]),
                    flags=re.DOTALL | re.IGNORECASE,
                )


def _print(page, pdf, browser):
    """Print an HTML file to PDF. CourseError where the browser does not manage."""
    with tempfile.TemporaryDirectory(
        prefix=PARTIAL, dir=page.parent, ignore_cleanup_errors=True
    ) as profile:
        command = [
            browser,
            "--headless",
            *browser_options(),
            "--disable-gpu",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            f"--virtual-time-budget={round(1000 * SCRIPT_SECONDS)}",
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            f"--print-to-pdf={pdf}",
            page.as_uri(),
        ]
        try:
            subprocess.run(
                command,
                check=True,
                timeout=PRINTING_SECONDS,
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )
            printed = pdf.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise CourseError(
                f"{pdf.name} could not be printed by {browser} "
                f"({type(error).__name__}), so it is missing; slides and page are "
                "complete: try again, or leave PDFs out with --no-pdf."
            ) from error
    if UNFINISHED.encode() in printed:
        raise CourseError(
            f"{pdf.name} was printed before its formulas were typeset, so it is "
            "missing; slides and page are complete: try again, or leave PDFs out "
            "with --no-pdf."
        )


# --- The folder ------------------------------------------------------------------


def _environment():
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "course"),
        autoescape=True,
    )


def _copy_assets(folder, notes):
    """Fill `folder` with what all hand-outs share. CourseError for what is missing."""
    assets = folder / "assets"
    for file in (TEMPLATES / "assets").iterdir():
        _copy(file, assets / file.name)
    _copy(COURSE / "notebooks" / "rise.css", assets / "rise.css")
    for name in ("NotoSansCJKsc-Course.otf", "OFL.txt"):
        _copy(COURSE / "fonts" / name, assets / "fonts" / name)
    _copy(COURSE / "LICENSE", folder / "LICENSE.txt")
    _copy(COURSE / "LICENSE-CC-BY-4.0.txt", folder / "LICENSE-CC-BY-4.0.txt")

    mathjax = _package("jupyter-server-mathjax", "jupyter_server_mathjax/static", MATHJAX)
    for pattern in MATHJAX:
        for file in mathjax.glob(pattern):
            _copy(file, assets / "mathjax" / file.relative_to(mathjax))
    wanted = [*REVEAL, *[REVEAL_NOTES] * notes]
    reveal = _package("sphinx-revealjs", "sphinx_revealjs/_static/revealjs", wanted)
    for name in wanted:
        _copy(reveal / name, assets / "reveal" / Path(name).name)
    text = LICENCES.format(
        mathjax=_version(mathjax / "MathJax.js", r'fileversion="([\d.]+)"'),
        reveal=_version(reveal / "dist/reveal.js", r"reveal\.js ([\d.]+)"),
    )
    (assets / "LICENCES.txt").write_text(text, encoding="utf-8")


def _package(name, folder, patterns):
    """The path of a folder in an installed package; CourseError where it is not."""
    with suppress(metadata.PackageNotFoundError):
        path = Path(metadata.distribution(name).locate_file(folder))
        if all(any(path.glob(pattern)) for pattern in patterns):
            return path
    raise CourseError(
        f"The package {name} is missing or not of the right version, so nothing was "
        "exported: python -m pip install -r requirements.txt brings it."
    )


def _version(file, pattern):
    found = re.search(pattern, file.read_text(encoding="utf-8"))
    return found[1] if found else ""


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise CourseError(
            f"{source} is missing, so nothing was exported: it is part of the "
            "course; restore it from git or download the course again."
        ) from error


def _own_files(out):
    """Names of the files of the export in `out`, relative to it; none is an answer."""
    try:
        names = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        inside = [name for name in names if (out / name).resolve().is_relative_to(out.resolve())]
    except (OSError, ValueError, TypeError, KeyError):
        return set()
    return {*inside, MANIFEST}


def _refuse_others(out, names):
    """CourseError where one of these names is taken by a file that is not ours."""
    own = _own_files(out)
    for name in ("index.html", MANIFEST, *names):
        if name not in own and (out / name).exists():
            raise CourseError(
                f"{out / name} was not written by this command, so nothing was "
                "exported: move it away, or choose another folder with --out."
            )


def _publish(folder, out):
    """Put the files of `folder` in the place of the earlier export in `out`.

    Each file is replaced as a whole. The manifest names old and new files while this
    lasts, so an interrupted run can be repeated.
    """
    new = [
        file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file()
    ]
    _refuse_others(out, new)
    old = _own_files(out) - {MANIFEST}
    _write_manifest(out, old.union(new))
    # Pages last, so that what they show is there.
    for name in sorted(new, key=lambda name: "/" not in name):
        with write_file(out / name) as partial:
            shutil.copyfile(folder / name, partial)
    gone = [out / name for name in old.difference(new)]
    for path in gone:
        with suppress(OSError):
            path.unlink()
    folders = {parent for path in gone for parent in path.parents}
    for folder in sorted(folders, reverse=True):  # the inner ones first
        if out in folder.parents:
            with suppress(OSError):  # it still holds something
                folder.rmdir()
    _write_manifest(out, new)


def _write_manifest(out, names):
    with write_file(out / MANIFEST) as partial:
        partial.write_text(
            json.dumps(
                {
                    "made by": "python -m helpers handouts",
                    "files": sorted(names),
                },
                indent=1,
            ),
            encoding="utf-8",
        )
