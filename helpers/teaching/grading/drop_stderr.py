"""What nbgrader's own commands need to mark as this course's grader does.

nbgrader_config.py puts it between running and marking in plain `nbgrader autograde`.
"""

from nbgrader.preprocessors import NbGraderPreprocessor


class DropStderr(NbGraderPreprocessor):
    """Takes away what cells wrote to standard error.

    nbgrader gives no points to a test cell that wrote anything there, and TensorFlow
    writes there when all is well.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        return cell, resources
