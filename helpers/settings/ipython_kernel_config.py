# Read by every kernel of this environment, when it starts. JupyterLab writes the exact
# version of Python into each notebook that it opens, and so would change the course's
# notebooks on every machine: git could not replace them by newer ones. The main version
# is the same everywhere.
import os
import sys
from contextlib import suppress

from ipykernel.ipkernel import IPythonKernel

IPythonKernel.language_info["version"] = "3"

# The notebook's folder comes last, where IPython would put it before the packages: your
# keras.py beside a notebook must not be taken for Keras. `helpers` is found by a hook that
# comes later still, so it is imported now.
with suppress(ImportError):
    import helpers  # noqa: F401
sys.path.append("")

# Figures belong into the page: IPython sets this to its own way of drawing, if it is not set.
os.environ.pop("MPLBACKEND", None)
