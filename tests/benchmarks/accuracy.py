"""What notebooks 06 and 07 find on other data than they are stored with.

    python tests/benchmarks/accuracy.py default|full|real

`full` draws as many images as CASIA has; `real` needs COURSE_CASIA. Prints every
text output of the two notebooks; the training cache is used and filled as always.
"""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import refresh_notebooks as notebooks
from environments import notebook_environment


def text_outputs(cell):
    """What a cell prints: streams as they are, tables without their tags."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stdout":
            yield output.text
        table = output.get("data", {}).get("text/html", "")
        if "<table" in table:
            table = re.sub(r"<style.*?</style>", "", table, flags=re.DOTALL)
            rows = re.sub(r"<[^>]+>|&nbsp;", " ", table.replace("</tr>", "\n"))
            for row in re.sub(r"\s*\n\s*\n\s*", "\n", rows).splitlines():
                yield " ".join(row.split()) + " "
            yield "\n"


def main(size):
    if size == "real" and not os.environ.get("COURSE_CASIA"):
        sys.exit("Set COURSE_CASIA to the scans: see data/README.md.")
    environment = notebook_environment()
    notebooks.CELL_TIMEOUT = 6 * 3600  # training on all images takes its time
    for path in sorted(notebooks.NOTEBOOKS.glob("0[67]*.ipynb")):
        notebook = notebooks.read(path)
        for cell in notebook.cells:
            if size == "full":
                cell.source = cell.source.replace('SIZE = "default"', 'SIZE = "full"')
        seconds = notebooks.execute(notebook, path.parent, environment)
        total = sum(s for s, _ in seconds)
        print(f"\n== {path.stem} on {size} data, {total:.0f} s", flush=True)
        for cell in notebook.cells:
            if cell.cell_type == "code" and "check(" not in cell.source:
                print("".join(text_outputs(cell)), end="")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["default"])
