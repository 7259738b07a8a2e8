"""Who may import whom in helpers/, and what an import brings with it: read from the code.

A newcomer should find a file by its name and read it alone. So the files are on floors,
and imports only lead down. What lies in a folder may import its neighbours.
"""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from support import ROOT

HELPERS = ROOT / "helpers"
MOST_FILES = 18  # at the top of helpers/

FLOORS = {
    0: ("files", "scores", "settings"),
    1: (
        *("archives", "convolution", "images", "plots"),
        *("quiet_keras", "sprites", "training", "tuning_table"),
    ),
    2: ("claims", "handwriting", "imagenet", "photos", "teachable_machine"),
    3: ("assignments", "exercises", "explorers"),
    4: ("doctor", "teaching"),
}
"""Files and folders at the top of helpers/, the ground floor first."""

FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
HEAVY = {"keras", "tensorflow", "torch", "jax"}


def modules():
    """{dotted name: path} of every Python file in helpers/."""
    found = {}
    for path in sorted(HELPERS.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(name):
    """(module, name or None, whether at the top) of each import in a module of helpers."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    inside = {id(part) for function in functions for part in ast.walk(function)}
    for node in ast.walk(tree):
        at_top = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, at_top
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (above, node.module)))
            for alias in node.names:
                if f"{module}.{alias.name}" in MODULES:
                    yield f"{module}.{alias.name}", None, at_top
                else:
                    yield module, alias.name, at_top


def top(module):
    """The file or folder at the top of helpers/ that a module belongs to; "" for helpers."""
    return module.split(".")[1] if "." in module else ""


def ours(name):
    """(module, name, whether at the top) of the imports that stay in helpers."""
    return [found for found in imports(name) if found[0].partition(".")[0] == "helpers"]


def test_each_file_has_a_floor():
    known = {*FLOOR, "", "__main__"}
    assert {top(module) for module in MODULES} <= known


def test_few_files_at_the_top():
    files = sorted(path.name for path in HELPERS.glob("*.py"))
    assert len(files) <= MOST_FILES, files


@pytest.mark.parametrize("name", [m for m in MODULES if top(m) in FLOOR])
def test_imports_lead_down(name):
    for module, _, _ in ours(name):
        if top(module) not in ("", top(name)):  # helpers itself imports none
            assert FLOOR[top(module)] < FLOOR[top(name)], f"{name} imports {module}"


def test_no_circle():
    graph = {m: {found for found, _, at_top in ours(m) if at_top} - {m} for m in MODULES}
    order = [*TopologicalSorter(graph).static_order()]  # raises CycleError
    assert set(order) == set(MODULES)


def test_the_commands_import_the_teachers_part_only_when_asked():
    """Nothing else does: a student's machine has no nbgrader."""
    teaching = [module for module, _, at_top in ours("helpers.__main__") if at_top]
    assert {top(module) for module in teaching} == {"files"}


@pytest.mark.parametrize("name", MODULES)
def test_nobody_imports_the_private_names_of_another_file(name):
    private = [f"{m}.{n}" for m, n, _ in ours(name) if n and n[0] == "_" and n[:2] != "__"]
    assert not private


@pytest.mark.parametrize("name", MODULES)
def test_keras_is_imported_at_the_top_of_one_file(name):
    heavy = {m.partition(".")[0] for m, _, at_top in imports(name) if at_top} & HEAVY
    assert not heavy or name == "helpers.quiet_keras"


@pytest.mark.parametrize("name", ["helpers.doctor", "helpers.files", "helpers.__main__"])
def test_these_need_nothing_that_must_be_installed(name):
    """They must work, or say what is missing, where pip has not been run."""
    needed = {module.partition(".")[0] for module, _, at_top in imports(name) if at_top}
    assert needed <= {*sys.stdlib_module_names, "helpers"}


@pytest.mark.parametrize("what", ["helpers", "helpers.exercises"])
def test_the_first_notebook_starts_at_once(what):
    code = f"import sys, {what}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    brought = set(done.stdout.split())
    assert not brought & {*HEAVY, "helpers.handwriting.simulator", "tqdm", "pandas"}
    checks = {module for module in brought if module.startswith("helpers.exercises.notebook")}
    assert not checks


def test_the_rules_bite(tmp_path, monkeypatch):
    """A file that breaks them all is found out."""
    path = tmp_path / "bad.py"
    path.write_text(
        "import keras\nfrom .teaching.grading import run\nfrom helpers.files import _this\n"
        "def later():\n    import tensorflow\n",
        encoding="utf-8",
    )
    monkeypatch.setitem(MODULES, "helpers.bad", path)
    monkeypatch.setitem(FLOOR, "bad", 1)
    with pytest.raises(AssertionError):
        test_imports_lead_down("helpers.bad")
    with pytest.raises(AssertionError):
        test_nobody_imports_the_private_names_of_another_file("helpers.bad")
    with pytest.raises(AssertionError):
        test_keras_is_imported_at_the_top_of_one_file("helpers.bad")
    assert ("tensorflow", None, False) in imports("helpers.bad")
