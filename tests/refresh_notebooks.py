"""Execute notebooks and store them in normal form.

    python tests/refresh_notebooks.py                  every notebook
    python tests/refresh_notebooks.py NOTEBOOK...      these notebooks
    python tests/refresh_notebooks.py --check          execute nothing, only say
                                                       which are not in normal form

Normal form: nothing that differs from one run or one machine to the next unless a
cell's output does (no standard error, time stamps, widget state or versions), cell
ids that follow from the content, sorted JSON. So a diff shows what has changed.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from environments import notebook_environment
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from helpers.files import CourseError, write_file

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
START_PAGE = "00_start_here.ipynb"
CELL_TIMEOUT = 900  # seconds; the longest cell trains for some minutes

SLOWEST = 5  # cells whose seconds are told

HARMLESS = re.compile(
    r"oneDNN custom operations|TF_ENABLE_ONEDNN_OPTS|cpu_feature_guard"
    r"|To enable the following instructions|absl::InitializeLog"
    r"|Could not find cuda drivers|cuInit|Unable to register cu"
)
"""Lines that TensorFlow writes to standard error when it starts."""

LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3",
}
KERNELSPEC = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
"""Both as JupyterLab writes them: else it would change a notebook by opening it. The
version is that of the course's kernels: see helpers/settings/ipython_kernel_config.py."""
VOLATILE = ("ExecuteTime", "execution", "collapsed", "scrolled", "trusted")
BAR = re.compile(r"\s*\d+%\|")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def read(path):
    """The notebook at `path`; CourseError where it is none."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, OSError) as error:  # NotJSONError is a ValueError
        raise CourseError(
            f"{path} cannot be read as a notebook ({type(error).__name__}): "
            "restore it from git, or leave it out."
        ) from error


def find_notebooks(folder=NOTEBOOKS):
    """Paths of all notebooks under `folder`, sorted: by pattern, never by list.

    Left out: Jupyter's checkpoints; notebooks/assignments, whose sources
    test_assignments.py executes; notebooks/lecturer, where `present` writes copies; and
    copies that a student has made.
    """
    left_out = {".ipynb_checkpoints", "assignments", "lecturer"}
    return sorted(
        path
        for path in Path(folder).rglob("*.ipynb")
        if not left_out & set(path.relative_to(folder).parts) and "-Copy" not in path.name
    )


def find_lectures():
    """Paths of the lectures: no solutions, and not the start page."""
    return [p for p in find_notebooks() if p.parent == NOTEBOOKS and p.name != START_PAGE]


def execute(notebook, folder, environment):
    """Execute `notebook` (changed in place) in a fresh kernel, as Jupyter does.

    `folder` is the working directory. Returns a list of (seconds, cell number),
    cells counted from 0 over all cells. Raises what nbclient raises when a cell
    fails, takes longer than CELL_TIMEOUT, or kills the kernel.
    """
    started, seconds = {}, []

    def start(cell, cell_index):
        started[cell_index] = time.perf_counter()

    def stop(cell, cell_index, execute_reply):
        seconds.append((time.perf_counter() - started[cell_index], cell_index))

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_TIMEOUT,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        on_cell_execute=start,
        on_cell_executed=stop,
    )
    # TensorFlow writes to the kernel's own standard error too: not on our screen.
    client.execute(cwd=str(folder), env=environment, stderr=subprocess.DEVNULL)
    return seconds


def strange_messages(notebook):
    """Lines of standard error that are not TensorFlow's usual start-up lines."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                for line in output.text.splitlines():
                    if line.strip() and not HARMLESS.search(line):
                        yield line


def normal_form(notebook):
    """The text of a notebook in normal form (see the top of this file)."""
    notebook = nbformat.from_dict(notebook)  # a copy
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = KERNELSPEC
    notebook.metadata.language_info = LANGUAGE_INFO
    ids = set()
    for cell in notebook.cells:
        cell.id = _content_id(cell, ids)
        for name in VOLATILE:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            _normalise_outputs(cell)
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def _content_id(cell, ids):
    """An id that depends on the cell's source only; unique among `ids`."""
    for copy in range(len(ids) + 1):
        text = f"{cell.cell_type}{copy}{cell.source}"
        new = hashlib.sha256(text.encode()).hexdigest()[:8]
        if new not in ids:
            break
    ids.add(new)
    return new


def _is_bar(output):
    """Is it a progress bar and nothing else? Without its widget, its first state would stay."""
    data = output.get("data", {})
    text = data.get("text/plain", "")
    return set(data) <= {"text/plain", WIDGET_VIEW} and BAR.match(text) is not None


def _normalise_outputs(cell):
    if not cell.source.strip():
        cell.outputs, cell.execution_count = [], None
    cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr" and not _is_bar(o)]
    for output in cell.outputs:
        if "execution_count" in output:
            output.execution_count = cell.execution_count
        output.get("data", {}).pop(WIDGET_VIEW, None)  # its state is not stored


def refresh(path, target, folder, environment):
    """Execute the notebook at `path` in `folder`, store it at `target`.

    Prints one line; returns whether all cells ran. Where one did not, `target`
    is untouched. Raises CourseError when `target` cannot be written.
    """
    notebook = read(path)
    began = time.perf_counter()
    try:
        seconds = execute(notebook, folder, environment)
    except (CellControlSignal, DeadKernelError) as error:
        print(f"{path}: FAILED and left as it was.\n{error}", flush=True)
        return False
    with write_file(target) as partial:
        partial.write_text(normal_form(notebook), encoding="utf-8", newline="\n")
    slowest = sorted(seconds, reverse=True)[:SLOWEST]
    print(
        f"{path}: {time.perf_counter() - began:.1f} s; slowest",
        ", ".join(f"cell {cell} {took:.1f} s" for took, cell in slowest),
        flush=True,
    )
    for line in strange_messages(notebook):
        print(f"{path}: WARNING, written to standard error: {line}", flush=True)
    return True


def is_normal(path):
    """Whether the notebook at `path` is in normal form; prints a line if not."""
    if normal_form(read(path)) == path.read_text(encoding="utf-8"):
        return True
    print(f"{path} is not in normal form: run python tests/refresh_notebooks.py {path}")
    return False


def main(arguments=None):
    """The command line; returns the exit code: 0 when all is well, 1 otherwise."""
    parser = argparse.ArgumentParser(description="Execute notebooks and store them in normal form.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--check", action="store_true", help="execute nothing")
    parser.add_argument("--to", type=Path, help="store one executed notebook here")
    parser.add_argument("--cwd", type=Path, help="working directory of the kernel")
    options = parser.parse_args(arguments)
    paths = options.notebooks or find_notebooks()
    if not paths:
        parser.error(f"no notebook was found in {NOTEBOOKS}.")
    if options.to and len(paths) != 1:
        parser.error("--to needs exactly one notebook.")
    for path in paths:
        if not path.is_file():
            parser.error(f"{path} is not a file.")

    environment = notebook_environment()
    failed = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        if not options.to:
            # What is stored in place is published, and made from what everybody
            # has: no real scans, no MNIST, no weights from this user's Keras folder.
            environment.pop("COURSE_CASIA", None)
            environment["KERAS_HOME"] = empty
        for path in paths:
            target, folder = options.to or path, options.cwd or path.parent
            try:
                if options.check:
                    done = is_normal(path)
                else:
                    done = refresh(path, target, folder, environment)
            except CourseError as error:
                print(error)
                done = False
            failed = failed or not done
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
