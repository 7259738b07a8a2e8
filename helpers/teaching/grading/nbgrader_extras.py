"""Two steps of this course's own for nbgrader's commands; nbgrader_config.py names them.

Apart from the rest, since importing nbgrader takes seconds, in which the engine starts.
"""

from nbgrader.preprocessors import NbGraderPreprocessor

GOES_ON = "raises-exception"
"""Jupyter's tag for a cell whose error does not stop the cells after it."""


class DropStderr(NbGraderPreprocessor):
    """Takes away what cells wrote to standard error.

    nbgrader gives no points to a test cell that wrote anything there, and TensorFlow
    writes there when all is well.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        return cell, resources


class GoOn(NbGraderPreprocessor):
    """Lets *Run All Cells* go on after an exercise that is left out.

    Each such cell shows its error; JupyterLab and VS Code run the cells after it.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            tags = cell.metadata.get("tags", [])
            cell.metadata["tags"] = [*(tag for tag in tags if tag != GOES_ON), GOES_ON]
        return cell, resources
