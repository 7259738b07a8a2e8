"""A page for each student: marks, why points are missing, and what a person wrote.

Hidden tests are never shown, nor what they said; what a student wrote is shown, but
cannot run anything in the browser of who opens the page.
"""

import html
import re
from contextlib import suppress

from helpers.files import write_file
from helpers.teaching.grading.course import digest
from helpers.teaching.grading.outcomes import FAILED, GRADED
from helpers.teaching.grading.submissions import grade_id, without_hidden

HIDDEN = "A hidden test was not passed."

MAX_RENDERED = 5000
"""Characters of a student's Markdown in one cell; a longer one is shown as plain text, for
the time that rendering takes can grow with their square."""

MAX_RENDERED_TOGETHER = 20_000

STYLE = """
body { font: 17px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto;
  padding: 0 1rem; color: #1b1b1b; background: #fff; }
h1, h2, h3 { line-height: 1.2; margin-top: 1.6em; }
h1 { font-size: 1.8rem; margin-top: 1em; }
h4 { font-size: 1.05rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem;
  border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
th { overflow-wrap: normal; }
th.number, td.number { text-align: right; white-space: nowrap; }
pre { background: #f5f5f5; padding: .6rem .8rem; overflow-wrap: anywhere;
  font: 14px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
pre.output { background: #fff; border-left: 4px solid #bbb; }
pre.error { border-left-color: #b00020; }
.note, .test { border-left: 5px solid #0b57a4; background: #eef4fb;
  padding: .5rem .9rem; margin: .8rem 0; }
.test { border-color: #777; background: #f4f4f4; }
.lost { border-color: #b35900; background: #fdf3e7; }
img { max-width: 100%; }
"""


def page(assignment, record, notebook, entered):
    """The page as HTML text.

    `notebook` is what `gradebook.autograded` made, or None if the submission could
    not be read; `entered` is its entry in `gradebook.entered`, or None.
    """
    student, cells = record["student"], record["cells"]
    marks = entered["marks"] if entered else {}
    comments = entered["comments"] if entered else {}
    parts = [f"<h1>{_text(title(assignment))}</h1>"]
    if record["status"] == GRADED:
        score = sum(marks.get(name, (cell["score"] or 0,))[0] for name, cell in cells.items())
        total = sum(cell["points"] for cell in cells.values())
        open_ = sum(_mark(name, cell, marks)[1] for name, cell in cells.items())
        so_far = f", so far; parts not marked yet: {open_}" if open_ else ""
        parts.append(
            f"<p>{_text(student)}: <strong>{score:g} of {total:g} points</strong>{so_far}.</p>"
        )
    else:
        parts.append(f"<p>{_text(student)}</p>")
        parts.append(
            '<p class="note">These are not your marks yet: your teacher will look '
            "at this submission.</p>"
        )
    reasons = [] if record["status"] == FAILED else record["reasons"]
    reasons = [reason for reason in reasons if reason not in record["private"]]
    parts += [f'<p class="note">{_text(reason)}</p>' for reason in reasons]
    if cells and notebook is not None:
        parts += _table(assignment, cells, marks)
        parts.append("<h2>Your notebook</h2>")
        parts += _cells(notebook, cells, marks, comments)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        # Not even what slips through may run or be fetched.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{_text(title(assignment))}: {_text(student)}</title>"
        f"<style>{STYLE}</style></head><body><main>" + "\n".join(parts) + "</main></body></html>\n"
    )


def write(places, text):
    """Write a page to each of `places`; leaves those alone that hold it already."""
    for path in places:
        if path.is_file() and digest([path.read_bytes()], {}) == digest([text], {}):
            continue
        with write_file(path) as partial:
            partial.write_text(text, "utf-8", newline="\n")


def title(assignment):
    """The first heading of an assignment."""
    for cell in assignment.source.notebook.cells:
        found = re.search(r"^#\s+(.+)", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            return found[1]
    return assignment.name


def _table(assignment, cells, marks):
    names = assignment.source.names
    yield '<table><tr><th>Part</th><th class="number">Points</th>'
    yield "<th>Remarks</th></tr>"
    for name, cell in cells.items():
        score, open_ = _mark(name, cell, marks)
        points = f"{'–' if score is None else f'{score:g}'} of {cell['points']:g}"
        remark = "not marked yet" if open_ else _why(cell)
        yield (
            f"<tr><td>{_text(names[name])}</td>"
            f'<td class="number">{points}</td><td>{_text(remark)}</td></tr>'
        )
    yield "</table>"


def _mark(name, cell, marks):
    """(score, is a person still to look?)"""
    if name in marks:
        score, open_ = marks[name]
        return (None if open_ and cell["by_hand"] else score), open_
    return cell["score"], cell["score"] is None


def _why(cell):
    """Why points are missing, in words for the student."""
    if cell["doubt"]:
        return f"Not compared: {cell['doubt']}. Your teacher looks at it."
    if cell["hidden"]:
        return f"{HIDDEN[:-1]}: {'; '.join(cell['missed'])}." if cell["missed"] else HIDDEN
    if cell["message"].startswith("NotImplementedError"):
        return "An answer is missing, here or in what this calls."
    if cell["message"]:
        return cell["message"].removeprefix("AssertionError: ")
    if cell["missed"]:
        return f"Not passed: {'; '.join(cell['missed'])}."
    if cell["score"] is not None and cell["score"] < cell["points"]:
        return "Some of the tests were not passed."
    return ""


def _cells(notebook, cells, marks, comments):
    rendered = 0
    for cell in notebook.cells:
        name = grade_id(cell)
        result = cells.get(name)
        if cell.cell_type == "markdown":
            ours = cell.metadata.get("ours")
            rendered += 0 if ours else len(cell.source)
            shown = f"<pre>{_text(cell.source)}</pre>"
            if ours or rendered <= MAX_RENDERED_TOGETHER:
                with suppress(Exception):  # of three libraries, for a student's text
                    shown = _markdown(cell)
            yield shown
        elif result and not result["by_hand"]:
            score, _ = _mark(name, result, marks)
            full = score == result["points"]
            yield f'<div class="test{"" if full else " lost"}">'
            yield f"Tests: {score or 0:g} of {result['points']:g} points. "
            yield f"{_text(_why(result))}"
            yield f"<pre>{_text(without_hidden(cell.source))}</pre></div>"
        else:
            yield f"<pre>{_text(cell.source)}</pre>"
            if cell.metadata.get("problem"):
                yield f'<p class="note">{_text(_sentence(cell.metadata["problem"]))}</p>'
            if cell.outputs and cell.metadata.get("after_tests"):
                # It could hold what a hidden test has handed to a function.
                yield '<pre class="output">(Output is not shown after tests.)</pre>'
            else:
                yield from map(_output, cell.outputs)
        if result and result["by_hand"]:
            score, open_ = _mark(name, result, marks)
            of = f"{result['points']:g}"
            points = f"Not marked yet ({of} points)." if open_ else f"Points: {score:g} of {of}."
            yield f'<p class="note">{points} {_text(_why(result))}</p>'
        if comments.get(name, "No answer.") != "No answer.":
            yield f'<p class="note">{_text(comments[name])}</p>'


_TAGS = """
a blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr img li ol p pre span strong
sub summary sup table tbody td th thead tr ul
"""
_ATTRIBUTES = {"a": ["href"], "img": ["src", "alt"]}


def _markdown(cell):
    import bleach
    from nbconvert.filters.markdown_mistune import (
        IPythonRenderer,
        MarkdownWithMath,
    )

    text = cell.source
    for name, forms in cell.get("attachments", {}).items():
        for form, data in forms.items():
            text = text.replace(f"(attachment:{name})", f"({_picture(form, data)})")
    # Links to headings help in a notebook, and only look odd on a page.
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    page = MarkdownWithMath(renderer=renderer).render(text)
    # The notebook's headings stand below the page's own.
    page = re.sub(r"(</?h)([1-5])\b", lambda tag: tag[1] + str(int(tag[2]) + 1), page)
    # Pictures are data: links; browsers follow none of these to another page.
    protocols = {"http", "https", "mailto", "data"}
    return bleach.clean(page, set(_TAGS.split()), _ATTRIBUTES, protocols, strip=True)


def _output(output):
    if output.output_type == "stream":
        return f'<pre class="output">{_text(output.text)}</pre>'
    if output.output_type == "error":
        text = f"{output.ename}: {output.evalue}"
        return f'<pre class="output error">{_text(text)}</pre>'
    for form in ("image/png", "image/jpeg"):
        if form in output.data:
            alt = output.metadata.get(form, {}).get("alt") or "a figure"
            return f'<img alt="{_text(alt)}" src="{_picture(form, output.data[form])}">'
    text = output.data.get("text/plain", "")
    return f'<pre class="output">{_text(text)}</pre>'


def _picture(form, data):
    return f"data:{form};base64,{re.sub(r'[^A-Za-z0-9+/=]', '', str(data))}"


_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Codes for a terminal."""


def _sentence(text):
    return f"{text[:1].upper()}{text[1:]}."


def _text(text):
    return html.escape(_ANSI.sub("", str(text)))
