"""An editor of labels: keep, delete or relabel, image by image.

    from helpers.explorers.editor import editor
    edits = editor(X, files=files, labels=labels, readings=readings, names=names)
    edits.table  # a row for each decision

The page is helpers/explorers/editor.js. A decision is a row of a table, and of a CSV file;
no image is deleted, moved or overwritten. Whoever wants the decisions applied does that to
arrays: see notebook 07.
"""

import csv
import zlib
from pathlib import Path

import numpy as np

from helpers import explorers, plots
from helpers.files import CourseError, data_folder, reading, shown, write_file

KEEP, DELETE, RELABEL = DECISIONS = "keep", "delete", "relabel"
COLUMNS = "file", "label", "decision", "new_label", "image"
"""Of the CSV file. `image` is a checksum: a decision on one image says nothing about another
that has come to lie under the same name."""

SHOWN = 24  # of the images, in the picture that takes the editor's place


def edits_file():
    """Where decisions are kept: `edits/labels.csv` in the data folder."""
    return data_folder() / "edits" / "labels.csv"


def editor(X, *, files, labels, readings, names, path=None):
    """Show an editor for some images; return the Edits that follow what is decided.

    X: uint8 (n, height, width, 1). files, labels, readings: for each image its name, its
        label, and what somebody or something else reads in it, all text.
    names: the characters that a label may be.
    path: of the CSV file; `edits_file()` if None. Decisions on these images that it holds
        already are shown; those on other images stay in it.

    Where no editor can be (a page, a printed notebook, a run without a browser) a picture
    of the images takes its place. Raises CourseError for lists that do not fit each other,
    for a CSV file that is no table of decisions, or where anywidget is missing.
    """
    X = np.asarray(X)
    if X.ndim != 4 or X.shape[3] != 1 or X.dtype != np.uint8:
        raise CourseError(f"The editor takes uint8 images (n, height, width, 1), not {X.shape}.")
    lists = {"files": files, "labels": labels, "readings": readings}
    for name, values in lists.items():
        if len(values) != len(X):
            raise CourseError(f"There are {len(X)} images, but {len(values)} {name}.")
    if len(set(files)) < len(X):
        raise CourseError("A file is named twice: give each image its own name.")
    if unknown := sorted({*labels, *readings} - set(names)):
        raise CourseError(f"The names lack {', '.join(unknown)}, which is a label or a reading.")
    edits = Edits(X, files, labels, names, path)
    widget = _widget(edits, X, list(readings))
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    plots.show(
        picture(X, edits, readings),
        f"The editor, as a picture: {min(len(X), SHOWN)} of {len(X)} images, each with its "
        "label and with another reading.",
        instead={"application/vnd.jupyter.widget-view+json": view},
    )
    return edits


class Edits:
    """Decisions on some images: `table`, and `decide`, as the buttons do."""

    def __init__(self, X, files, labels, names, path=None):
        self.path = Path(path or edits_file())
        self.names = list(names)
        self.labels = dict(zip(files, labels, strict=True))
        self._sums = {
            file: f"{zlib.crc32(image.tobytes()):08x}" for file, image in zip(files, X, strict=True)
        }
        self._rows()  # complains at once

    def _is_ours(self, row):
        return self._sums.get(row["file"]) == row["image"]

    def _rows(self):
        """All rows of the file, those on other images too."""
        if not self.path.is_file():
            return []
        with reading(self.path), self.path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) == COLUMNS:
                return list(rows)
        raise CourseError(
            f"{shown(self.path)} is not a table of decisions: its columns must be "
            f"{','.join(COLUMNS)}. Move it elsewhere."
        )

    @property
    def table(self):
        """A pandas table with a row for each decision, in the order of the images."""
        import pandas as pd

        rows = {row["file"]: row for row in self._rows() if self._is_ours(row)}
        ordered = [rows[file] for file in self.labels if file in rows]
        return pd.DataFrame(ordered, columns=COLUMNS[:-1])

    def decide(self, file, decision, new_label=""):
        """Write a decision on one image into the file, in place of an earlier one.

        decision: "keep", "delete" or "relabel"; None takes back what was decided.
        new_label: one of the names, to relabel. Raises CourseError for anything else.
        """
        if file not in self.labels:
            raise CourseError(f"{file!r} is not one of the images in this editor.")
        if decision not in (None, *DECISIONS):
            raise CourseError(f"Decide {', '.join(DECISIONS)} or None, not {decision!r}.")
        if (decision == RELABEL) != (new_label in self.names):
            raise CourseError("A new label, one of the names, is for `relabel`, and for it alone.")
        if decision == RELABEL and new_label == self.labels[file]:
            raise CourseError(f"{file} has the label {new_label} already: keep it.")
        rows = [r for r in self._rows() if not (r["file"] == file and self._is_ours(r))]
        if decision is not None:
            values = file, self.labels[file], decision, new_label, self._sums[file]
            rows.append(dict(zip(COLUMNS, values, strict=True)))
        with (
            write_file(self.path) as partial,
            partial.open("w", encoding="utf-8", newline="") as stream,
        ):
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def decisions(self):
        """[[decision, new label] of each image, or two empty texts]."""
        made = {row.file: [row.decision, row.new_label] for row in self.table.itertuples()}
        return [made.get(file, ["", ""]) for file in self.labels]

    def __repr__(self):
        return f"<Edits: {len(self.table)} of {len(self.labels)} images decided>"


def picture(X, edits, readings):
    """What the editor shows, as a figure: images, labels and readings, and what was decided."""
    marks = {"": "", KEEP: " ✓", DELETE: " ✗", RELABEL: " → "}
    titles = [
        f"label {label}{marks[decision]}{new}\nlike {read}"
        for (label, read, (decision, new)) in zip(
            edits.labels.values(), readings, edits.decisions(), strict=True
        )
    ]
    made = sum(bool(decision) for decision, _ in edits.decisions())
    return plots.image_grid(
        X[:SHOWN],
        titles[:SHOWN],
        columns=12,
        suptitle=f"The editor of labels: {made} of {len(X)} images decided",
    )


def _widget(edits, X, readings):
    """The editor as a widget: wishes come in, decisions go out."""
    anywidget, traitlets = explorers.widget_packages("The editor")

    class Editor(anywidget.AnyWidget):
        _esm = (explorers.FOLDER / "editor.js").read_text(encoding="utf-8")
        images = traitlets.Bytes().tag(sync=True)
        size = traitlets.List().tag(sync=True)  # height, width
        files = traitlets.List().tag(sync=True)
        labels = traitlets.List().tag(sync=True)
        readings = traitlets.List().tag(sync=True)
        names = traitlets.List().tag(sync=True)
        font = traitlets.Bytes().tag(sync=True)
        # From the page: {number, image, decision, label}, and back: {number, text, decisions}.
        wish = traitlets.Dict().tag(sync=True, echo_update=False)
        answer = traitlets.Dict().tag(sync=True)

        @traitlets.observe("wish")
        def _decide(self, change):
            wish, text = self.wish, ""
            try:
                file = self.files[wish["image"]]
                edits.decide(file, wish["decision"] or None, wish["label"])
            except CourseError as error:
                text = str(error)
            self.answer = {
                "number": wish["number"],
                "text": text,
                "decisions": edits.decisions(),
            }

    return Editor(
        images=X.tobytes(),
        size=list(X.shape[1:3]),
        files=list(edits.labels),
        labels=list(edits.labels.values()),
        readings=readings,
        names=edits.names,
        font=explorers.glyphs("".join(edits.names)),
        answer={"number": 0, "text": "", "decisions": edits.decisions()},
    )
