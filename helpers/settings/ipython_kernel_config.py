# Read by every kernel of this environment, when it starts. JupyterLab writes the exact
# version of Python into each notebook that it opens, and so would change the course's
# notebooks on every machine: git could not replace them by newer ones. The main version
# is the same everywhere.
from ipykernel.ipkernel import IPythonKernel

IPythonKernel.language_info["version"] = "3"
