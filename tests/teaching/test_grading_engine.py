"""What tests can ask of answers: values, functions, tables, networks."""

import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grading_toy as toy
import pytest
from nbformat.v4 import new_code_cell
from support import skip_or_fail

from helpers.files import CourseError
from helpers.teaching.grading import outputs, sandbox, submissions, syscalls
from helpers.teaching.grading.engine import FAILED, Engine
from helpers.teaching.grading.submissions import read_source

toy.require_nbgrader()


@pytest.fixture(scope="module")
def engine():
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    with Engine(keras=True) as engine:
        yield engine


def grade(engine, answer, test, points=1, **limits):
    """(score, message) of one answer cell and one test cell."""
    notebook = toy.notebook(toy.answer("a", answer), toy.test("t", points, test), **limits)
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status != FAILED, outcome.reasons
    return outcome.cells["t"].score, outcome.cells["t"].message


@pytest.mark.parametrize(
    "answer, test",
    [
        ("x = 3", "assert x == 3 and type(x) is int"),
        ("x = True", "assert x is True"),
        ("import numpy as np\nx = np.arange(3)", "assert x.tolist() == [0, 1, 2]"),
        ("x = {1: [2, (3,)]}", "assert x == {1: [2, (3,)]}"),
        # Names of the test cell go before names of the student.
        ("x = 3\ny = 4", "y = 5\nassert (x, y) == (3, 5)"),
        ("x = 3", "def f():\n    return x\nassert f() == 3 and [x for _ in [1]] == [3]"),
        ("sum = max = len = None", "assert sum([1, 2]) == 3 and len([max]) == 1"),
        ("def f(a, b=2):\n    return a + b", "assert f(1) == 3 and f(1, b=5) == 6"),
        ("f = lambda x: x", "assert callable(f) and f('中') == '中'"),
        ("f = [abs, max]", "assert [g(-2, -1) for g in f[1:]] == [-1]"),
        ("class F:\n    def __call__(self): return 7\nf = F()", "assert f() == 7"),
        ("def f(g):\n    return g(3)\ndef g(x):\n    return x + 1", "assert f(g) == 4"),
        (
            "def f():\n    # text\n    return 1",
            "import ast, inspect\n"
            "assert '# text' in inspect.getsource(f)\n"
            "assert not any(isinstance(n, ast.For) for n in "
            "ast.walk(ast.parse(inspect.getsource(f))))",
        ),
        (
            "def f(x):\n    if x < 0:\n        raise ValueError('negative')\n    return x",
            "try:\n    f(-1)\nexcept ValueError as error:\n"
            "    assert str(error) == 'negative'\nelse:\n    assert False",
        ),
        (
            "class Mine(Exception): pass\ndef f():\n    raise Mine('x')",
            "try:\n    f()\nexcept RuntimeError as error:\n    assert 'Mine: x' in str(error)",
        ),
        (
            "import pandas as pd\ntable = pd.DataFrame({'a': [1, 2]})",
            "assert table['a'].sum() == 3 and table.shape == (2, 1)",
        ),
        ("import os\nwho = os.environ['COURSE_STUDENT']", "assert who == 'ada'"),
        ("def f(x):\n    x.append(1)\n    return x", "assert f([]) == [1]"),
        ("import warnings\nwarnings.warn('x')\nx = 1", "assert x == 1"),
        ("import asyncio\nawait asyncio.sleep(0)\nx = 1", "assert x == 1"),
        ("%matplotlib inline\n!true\nx = 1", "assert x == 1"),
        ("print('hello')\nx = 1", "print(x)\nassert x == 1"),
        ("import sys\nprint('x', file=sys.stderr)\nx = 1", "import sys\nsys.stderr.write('x')"),
        ("def f():\n    yield 1\n    yield 2", "assert list(f()) == [1, 2]"),
        ("x = map(abs, [-1, 2])", "assert x != [1, 2] and list(x) == [1, 2]"),
        ("x = {3: 4}.keys()", "assert list(x) == [3] and 3 in x"),
        ("from collections import deque\nx = deque([1])", "assert list(x) == [1]"),
        ("from fractions import Fraction\nx = Fraction(1, 2)", "assert x == 0.5"),
        ("from functools import partial\nf = partial(max, 3)", "assert f(2) == 3"),
        (
            "import numpy as np\nf = np.vectorize(lambda v: v + 1)",
            "import numpy as np\nassert f(np.arange(2)).tolist() == [1, 2]",
        ),
        (
            "if True:\n    def f():\n        # text\n        return 1",
            "import ast, inspect\nassert '# text' in inspect.getsource(f)\n"
            "ast.parse(inspect.getsource(f))",
        ),
        (
            "import io, sys\nfor n in range(20_000):\n"
            "    sys.stdout.write('\\r' + '#' * 50)\n"
            "x = sys.stdout.writable() and not sys.stdout.closed",
            "assert x",
        ),
        ("from tqdm.auto import tqdm\nx = sum(tqdm(range(3)))", "assert x == 3"),
        ("x = 1\r\nif x:\r\n    x = 2\r\n", "assert x == 2"),
        (
            "%matplotlib inline\nimport matplotlib.pyplot as plt\n"
            "plt.plot([1, 2])\nplt.show()\nx = %timeit -n1 -r1 -o pass\nx = 1",
            "assert x == 1",
        ),
        (
            "import multiprocessing\ndef f(x):\n    return x * x\n"
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
            "    x = pool.map(f, [1, 2])",
            "assert x == [1, 4]",
        ),
    ],
)  # fmt: skip
def test_right(engine, answer, test):
    assert grade(engine, answer, test) == (1, "")


@pytest.mark.parametrize(
    "answer, test, message",
    [
        ("y = 3", "assert x == 3", "name 'x' is not defined"),
        ("x = object()", "assert x == 3", "the answer is a object"),
        (
            "def f():\n    return object()",
            "assert f() == 3",
            "the answer is a object",
        ),
        ("x = 3", "assert x == 4, 'not four'", "AssertionError: not four"),
        ("x = 3", "assert False\nx = ", "SyntaxError"),
        ("def f():\n    raise SystemExit", "f()", "SystemExit"),
        (
            "def f():\n    while True: pass",
            "f()",
            "TimeoutError: the function was stopped after 1.5 seconds",
        ),
        (
            "def f():\n    return [0] * 10**7",
            "f()[0]",
            "more than 1,000,000 elements",
        ),
        ("x = __builtins__", "x.print()", "cannot look into"),
        # Neither ends a loop of the test as if all were well ...
        (
            "def f(x):\n    raise StopIteration",
            "assert all(map(f, [1, 2]))",
            "RuntimeError: StopIteration",
        ),
        # ... nor is another text taken for that of a function without one.
        (
            "f = eval('lambda: [0 for _ in range(3)]')",
            "import inspect\nassert 'range' not in inspect.getsource(f)",
            "OSError",
        ),
        (
            "def f():\n    n = 0\n    while True:\n        yield (n := n + 1)",
            "next(f())",
            "more than 1,000,000 elements",
        ),
        ("x = 10**5000", "assert x == 1, x", "AssertionError"),
        ("f = print", "f(object())", "hands the student's function something"),
    ],
)
def test_wrong(engine, answer, test, message):
    score, found = grade(engine, answer, test)
    assert score == 0 and message in found


@pytest.mark.parametrize(
    "last, score",
    [
        ("1.5", 1.5),
        ("float(x) / 2", 1.5),
        ("0", 0),
        ("2", 2),
        ("True", 2),
        ("None", 2),
        ("'text'", 2),
        ("if x:\n    0.5", 2),
    ],
)
def test_partial_credit(engine, last, score):
    """As nbgrader reads the last value of a test cell."""
    assert grade(engine, "x = 3", f"assert x\n{last}", points=2) == (score, "")


@pytest.mark.parametrize("value, said", [("float('nan')", "nan"), ("10**5000", "too long")])
def test_impossible_marks_need_a_person(engine, value, said):
    """The source has been proved: it is the answer that makes no sense."""
    notebook = toy.notebook(toy.answer("a", f"x = {value}"), toy.test("t", 1, "x"))
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person" and said in outcome.reasons[0]
    assert outcome.cells["t"].score == 0


@pytest.mark.parametrize(
    "claim, said",
    [
        ("'ada'", None),
        ("'bo'", "student = 'bo'"),
        ("10**5000", "no text"),
        ("type('Mine', (), {'__class__': property(lambda _: os._exit(1))})()", "no text"),
    ],
)  # fmt: skip
def test_names_that_are_none(engine, claim, said):
    notebook = toy.notebook(
        toy.answer("a", f"import os\nstudent = {claim}\nx = 1"),
        toy.test("t", 1, "assert x == 1"),
    )
    notebook.cells[0].source = f"student = 'ada'\n{notebook.cells[0].source}"
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.cells["t"].score == 1
    if said is None:
        assert outcome.status == "graded"
    else:
        assert outcome.status == "needs a person"
        assert any(said in reason for reason in outcome.reasons)


def test_what_hidden_tests_hand_over_is_not_said(engine):
    """A message after them comes from a run without them."""
    spy = (
        "seen = []\n"
        "def f(x):\n    seen.append(x)\n    raise ValueError(seen)\n"
        "def g():\n    return str(seen)\n"
    )
    hidden = "### BEGIN HIDDEN TESTS\nf(-7.5)\n### END HIDDEN TESTS"
    later = "\nassert g() == 1, f'not {g()}'"
    notebook = toy.notebook(
        toy.answer("a", spy),
        toy.test("before", 1, "f(1)"),
        toy.test("t", 1, hidden),
        toy.test("u", 1, later),
    )
    outcome = engine.grade(notebook, notebook, "ada")
    before, t, u = outcome.cells.values()
    assert before.message == "ValueError: [1]" and not before.hidden
    assert t.hidden and not u.hidden
    assert u.message == "AssertionError: not []"


def test_trusted_keeps_time_and_marks(monkeypatch, tmp_path):
    """Without bubblewrap: limits of time, and marks are decided elsewhere."""
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(CourseError, match="--trusted"):
        Engine()
    liar = (
        "import numpy.testing\n"
        "numpy.testing.assert_equal = lambda *_: None\n"
        "class Liar(float):\n    __eq__ = lambda *_: True\nx = Liar(0)"
    )
    notebook = toy.notebook(
        toy.answer("a", "def f():\n    while True:\n        pass"),
        toy.test("t", 1, "f()"),
        toy.answer("b", liar),
        toy.test("u", 1, "import numpy\nnumpy.testing.assert_equal(x, 3)"),
        toy.test("v", 1, "assert x == 3"),
        toy.answer(
            "c",
            "import os, pathlib\npathlib.Path('x').touch()\n"
            "y = [os.environ[n] for n in ('HOME', 'COURSE_CACHE', 'KERAS_HOME')]\n"
            "y.append(str(pathlib.Path('x').resolve()))",
        ),
        toy.test("w", 1, f"assert all(n.startswith({str(tmp_path)!r}) for n in y), y"),
    )
    tasks = started(monkeypatch)
    with Engine(trusted=True) as engine:
        outcome = engine.grade(notebook, notebook, "ada")
    assert tasks == ["judge", "student"]  # no probe: it tries to write anywhere
    assert [outcome.cells[n].score for n in "tuvw"] == [0, 0, 0, 1], outcome
    assert "stopped after 1.5 seconds" in outcome.cells["t"].message
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_graded_where_the_sandbox_leaves_something_open(monkeypatch):
    """Whoever uses the engine, and however: it looks before the first submission."""
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    tasks = started(monkeypatch)

    def open_everywhere(*_):
        raise CourseError("the sandbox leaves /home writable")

    monkeypatch.setattr(Engine, "_probe", open_everywhere)
    notebook = toy.notebook(toy.answer("a", "x = 1"), toy.test("t", 1, "x"))
    with Engine() as engine:
        with pytest.raises(CourseError, match="writable"):
            engine.ready()
        outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == FAILED and "writable" in outcome.reasons[0]
    assert tasks == []
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == FAILED and "stopped" in outcome.reasons[0]


def test_slow_functions_cost_only_their_test(engine):
    """Many calls, each within its limit, and all of them too long."""
    answer = "import time\ndef f():\n    time.sleep(1)"
    score, message = grade(engine, answer, "while True:\n    f()", cell_seconds=2)
    assert score == 0 and "more than 2 seconds" in message


def test_endless_test_needs_a_person(engine):
    notebook = toy.notebook(
        toy.answer("a", "x = 1"),
        toy.test("t", 1, "assert x\nwhile True:\n    pass"),
        toy.answer("b", "y = 1"),
        toy.test("u", 1, "assert y"),
        cell_seconds=1,
    )
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person" and outcome.again
    assert "could not be finished" in outcome.cells["t"].doubt
    assert outcome.cells["u"].score == 1 and not outcome.cells["u"].doubt


def started(monkeypatch):
    """The tasks for which processes are started from now on."""
    tasks, process = [], Engine.process
    monkeypatch.setattr(Engine, "process", lambda *a: tasks.append(a[1]) or process(*a))
    return tasks


def test_a_judge_keeps_nothing_for_the_next(engine, monkeypatch):
    """Neither names nor modules nor memory: each submission has a judge of its own."""
    two = (
        toy.answer("a", "x = 1"),
        toy.test("t", 1, "import sys\nassert x and 'mark' not in dir(sys)"),
    )
    notebook = toy.notebook(*two, toy.test("u", 1, "import sys\nsys.mark = x"))
    tasks = started(monkeypatch)
    for _ in range(2):
        outcome = engine.grade(notebook, notebook, "ada")
        assert outcome.score == 2 and outcome.status == "graded"
    assert tasks == ["judge", "student"] * 2


EXHAUSTING = {
    "memory": "big = bytearray(2 * 10**9)",
    "depth": "def deep():\n    deep()\ndeep()",
    "files": "several = [open('/dev/null') for _ in range(600)]",
}


@pytest.mark.parametrize("what", EXHAUSTING)
def test_a_judge_that_is_worn_out_is_no_zero(engine, what, monkeypatch):
    """What is left of a test's process says nothing about an answer."""
    worn = f"import sys\nif x:\n    {EXHAUSTING[what].replace(chr(10), chr(10) + '    ')}"
    notebook = toy.notebook(
        toy.answer("a", "x = 1"),
        toy.test("s", 1, "assert x"),
        toy.test("t", 1, worn),
        toy.test("u", 1, "assert x"),
    )
    tasks = started(monkeypatch)
    outcome = engine.grade(notebook, notebook, "ada")
    assert tasks.count("judge") == 3  # tried once more in a new one
    assert outcome.status == "needs a person" and outcome.again
    assert "could not be finished" in outcome.cells["t"].doubt
    assert [outcome.cells[n].score for n in "stu"] == [1, 0, 1]


def test_a_test_is_tried_with_one_new_judge_at_most(engine, monkeypatch):
    notebook = toy.notebook(
        toy.answer("a", "x = 1"),
        toy.test("s", 1, "assert x"),
        toy.test("t", 1, "assert x\nimport os\nos._exit(1)"),
        toy.test("u", 1, "assert x"),
    )
    engine.grade(notebook, notebook, "ada")
    tasks = started(monkeypatch)
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person"
    assert [bool(outcome.cells[n].doubt) for n in "stu"] == [False, True, False]
    assert [outcome.cells[n].score for n in "stu"] == [1, 0, 1]
    assert tasks.count("judge") == 3  # for s and t; for t alone; for u


def test_time_for_the_whole_notebook(engine):
    cells = []
    for number in range(6):
        cells.append(toy.answer(f"a{number}", "import time\ntime.sleep(1)\nx = 1"))
        cells.append(toy.test(f"t{number}", 1, "assert x"))
    notebook = toy.notebook(*cells, total_seconds=2)
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person"
    assert outcome.cells["t0"].score == 1 and outcome.cells["t5"].score == 0


def test_no_cell_exceeds_the_time_for_all(engine):
    """What one submission can cost, whatever its cells do."""
    notebook = toy.notebook(
        toy.answer("a", "x = 1\nwhile True:\n    pass"),
        toy.test("t", 1, "assert x"),
        cell_seconds=60,
        total_seconds=2,
    )
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person"
    assert "took longer" in outcome.reasons[0]


def test_terminals_are_ones_own(engine):
    """Another submission that runs at the same time could read what is typed there."""
    notebook = toy.notebook(
        toy.answer(
            "a",
            "import os, time\nopen_ = os.openpty()\ntime.sleep(2)\n"
            "seen = sorted(os.listdir('/dev/pts'))",
        ),
        toy.test("t", 1, "assert seen == ['0', 'ptmx'], seen"),
    )
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lambda student: engine.grade(notebook, notebook, student), "ab")
        for outcome in outcomes:
            assert outcome.score == 1, outcome


def test_judge_that_dies_needs_a_person(engine):
    """What a test builds of answers may be more than the judge may use."""
    notebook = toy.notebook(
        toy.answer("a", "x = 10**6"),
        toy.test("t", 1, "import os, numpy\nos._exit(x and 0)"),
        toy.test("u", 1, "assert x == 10**6"),
    )
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person"
    assert [outcome.cells[n].score for n in "tu"] == [0, 1]


def test_judge_sees_no_network_and_no_files(engine):
    test = (
        "import pathlib, socket\n"
        "assert not pathlib.Path('/etc/passwd').exists()\n"
        f"assert not pathlib.Path({toy.__file__!r}).exists()\n"
        "try:\n    socket.create_connection(('127.0.0.1', 22), 1)\n"
        "except OSError as error:\n    assert error.errno == 101\n"
        "else:\n    assert False"
    )
    assert grade(engine, "x = 1", test) == (1, "")


def test_limits_of_a_process(engine):
    answer = (
        "import ctypes, os, resource\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "x = [status[n].split()[0] for n in ('CapEff', 'CapBnd', 'NoNewPrivs')]\n"
        "spaces = open('/proc/sys/user/max_user_namespaces').read()\n"
        "seccomp = status['Seccomp'].strip()\n"
        "try:\n    os.memfd_create('x')\n    memfd = 'made'\n"
        "except OSError as error:\n    memfd = error.strerror\n"
        "unshared = ctypes.CDLL(None).unshare(0x10000000)\n"
        "seen = [n for n in os.listdir('/proc') if n.isdigit()]\n"
        "mounts = open('/proc/mounts').read()\n"
    )
    test = (
        "assert x == ['0' * 16, '0' * 16, '1'], x\n"
        "assert int(spaces) == 0\n"
        "assert seccomp == '2'\n"
        "assert memfd == 'Function not implemented', memfd\n"
        "assert unshared == -1\n"
        "assert len(seen) == 2, seen\n"
        "writable = [line.split()[1] for line in mounts.splitlines()"
        " if 'rw' in line.split()[3].split(',')]\n"
        "assert set(writable) <= {'/scratch', '/dev/shm', '/proc', '/dev/pts',"
        " '/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom',"
        " '/dev/tty', '/dev/console'}, writable\n"
    )
    assert grade(engine, answer, test) == (1, "")


MODEL = """
import keras
model = keras.Sequential([
    keras.layers.Input((8, 8, 1)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.BatchNormalization(),
    keras.layers.Flatten(),
    keras.layers.Dense(3),
])
"""


def test_networks(engine):
    """Rebuilt from configuration and weights, predicting the same."""
    answer = (
        MODEL
        + "import numpy as np\n"
        + "model.compile('adam', 'mse')\n"
        + "images = np.arange(128.0).reshape(2, 8, 8, 1)\n"
        + "model.fit(images, np.ones((2, 3)), verbose=0)\n"
        + "told = model.predict(images, verbose=0)\n"
        + "def count(m):\n    return m.count_params()\n"
        + "output = model(images)\n"
    )
    test = (
        "import keras, numpy as np\n"
        "assert isinstance(model, keras.Model) and len(model.layers) == 5\n"
        "images = np.arange(128.0).reshape(2, 8, 8, 1)\n"
        "np.testing.assert_allclose(model.predict(images, verbose=0), told, 1e-4)\n"
        "np.testing.assert_allclose(output, told, 1e-4)\n"
        "assert type(output) is np.ndarray\n"
        "assert count(model) == model.count_params() == 491\n"
    )
    limits = {"cell_seconds": 60, "call_seconds": 20, "memory_mb": 4000}
    assert grade(engine, answer, test, **limits) == (1, "")


def test_networks_with_numbers_of_numpy(engine):
    """`Rescaling(1 / X.std())` holds a NumPy number in its configuration."""
    answer = (
        "import keras, numpy as np\n"
        "X = np.arange(8.0).reshape(2, 4)\n"
        "model = keras.Sequential([\n"
        "    keras.layers.Input((4,)),\n"
        "    keras.layers.Rescaling(1 / X.std(), offset=np.float32(0.5)),\n"
        "    keras.layers.Normalization(mean=np.ones(4), variance=np.ones(4)),\n"
        "])\n"
        "told = model.predict(X, verbose=0)\n"
    )
    test = (
        "import numpy as np\n"
        "X = np.arange(8.0).reshape(2, 4)\n"
        "np.testing.assert_allclose(model(X), told, 1e-4)\n"
    )
    limits = {"cell_seconds": 60, "call_seconds": 20, "memory_mb": 4000}
    assert grade(engine, answer, test, **limits) == (1, "")


def test_networks_alike(engine):
    """Two of one shape stay two, and a test's changes do not outlive it."""
    twins = (
        "import keras\n"
        "def make(value):\n"
        "    layer = keras.layers.Dense(1, kernel_initializer='zeros',"
        " bias_initializer=keras.initializers.Constant(value))\n"
        "    return keras.Sequential([keras.layers.Input((1,)), layer])\n"
        "one, two = make(1), make(2)\n"
        "two.layers[0].name = one.layers[0].name\ntwo.name = one.name\n"
        "two.get_config = one.get_config\ntwo.to_json = one.to_json\n"
    )
    test = (
        "biases = [float(m.get_weights()[1][0]) for m in (one, two, one)]\n"
        "assert biases == [1, 2, 1], biases\n"
        "assert one is not two\n"
        "one.set_weights([w + 5 for w in one.get_weights()])\n"
    )
    notebook = toy.notebook(
        toy.answer("a", twins),
        toy.test("t", 1, test),
        toy.test("u", 1, test),
        cell_seconds=60,
        memory_mb=4000,
    )
    outcome = engine.grade(notebook, notebook, "ada")
    assert [outcome.cells[n].score for n in "tu"] == [1, 1], outcome


@pytest.mark.parametrize(
    "answer, message",
    [
        (
            "import keras\nmodel = keras.Sequential([keras.layers.Input((3,)), "
            "keras.layers.Lambda(lambda x: x)])",
            "Lambda is not a layer",
        ),
        (
            "import keras\n"
            "@keras.saving.register_keras_serializable()\n"
            "class Mine(keras.layers.Layer): pass\n"
            "model = keras.Sequential([keras.layers.Input((3,)), Mine()])",
            "Mine is not a layer",
        ),
        (
            MODEL + "model.to_json = lambda: "
            '\'{"class_name": "Popen", "module": "subprocess", "config": {}}\'',
            "Popen is not a layer",
        ),
        (MODEL + "model.get_weights = lambda: []", "cannot be rebuilt"),
    ],
)
def test_networks_of_strangers(engine, answer, message):
    limits = {"cell_seconds": 60, "call_seconds": 20, "memory_mb": 4000}
    score, found = grade(engine, answer, "model.count_params()", **limits)
    assert score == 0 and message in found


GIVEN = """
import numpy as np

def before_and_after(function, values):
    values = np.array(values)
    before = values.copy()
    function(values)
    return before, values


def of_f(values):
    return before_and_after(f, values)
"""


@pytest.mark.parametrize("changes, score", [(True, 0), (False, 1)])
def test_given_functions_are_ours(engine, changes, score):
    """Whatever has their names in the notebook; those that they call may be the student's."""
    notebook = toy.notebook(
        toy.given("g", GIVEN),
        toy.answer("a", f"def f(values):\n    values[:] = {0 if changes else 'values'}"),
        new_code_cell(
            "def of_f(values):\n    return np.array(values), np.array(values)\n"
            "def before_and_after(function, values):\n    return of_f(values)\n"
            "class np: pass"
        ),
        toy.test("t", 1, "before, after = of_f([1, 2])\nassert (before == after).all()"),
    )
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.cells["t"].score == score and outcome.status == "graded", outcome


def test_the_variable_student_tells_nothing(engine):
    """Hidden tests could have filled it: it is asked for before the first, or not quoted."""
    source = toy.notebook(
        new_code_cell('student = "ada"'),
        toy.answer("a", "seen = []\ndef f(x):\n    seen.append(x)"),
        toy.test("t", 1, "### BEGIN HIDDEN TESTS\nf(-7.5)\n### END HIDDEN TESTS\nf(1)"),
    )
    for first, said in (("student = 'ada'", None), ("pass", "has no text"), ("x = 1", "-7.5")):
        notebook = copy.deepcopy(source)
        notebook.cells[0].source = first
        last = "student = str(seen)" if said != "has no text" else "student = seen"
        notebook.cells.append(new_code_cell(last))
        outcome = engine.grade(source, notebook, "ada")
        assert outcome.cells["t"].score == 1
        told = [reason for reason in outcome.reasons if reason not in outcome.private]
        assert "-7.5" not in " ".join(told)
        if said is None:
            assert outcome.status == "graded"
        else:
            assert outcome.status == "needs a person" and said in " ".join(outcome.reasons)


COUNTED = """
from helpers.assignments import counted
result, steps, _ = counted(f, 1000)
assert result == 1000 and steps < 100, steps
"""


@pytest.mark.parametrize(
    "answer, message",
    [
        ("def f(n):\n    return n", ""),
        ("def f(n):\n    return sum(1 for _ in range(n))", "AssertionError: 10"),
        ("def f(n):\n    for _ in range(n): pass\n    return n", "AssertionError: 10"),
        ("import sys\ndef f(n):\n    return 0 if sys.gettrace() else n", "AssertionError"),
        ("import sys\ndef f(n):\n    sys.settrace(None)\n    return n", "switched off"),
        ("def f(n):\n    return n\nf.counted_in_its_process = lambda n: (n, 0, 0)", ""),
        (
            "def f(n):\n    return sum(1 for _ in range(n))\n"
            "f.counted_in_its_process = lambda n: (n, 0, 0)",
            "AssertionError: 10",
        ),
    ],
)
def test_work_is_counted_where_it_is_done(engine, answer, message):
    score, found = grade(engine, answer, COUNTED)
    assert score == (not message) and message in found


def test_names_of_errors_are_not_believed(engine):
    """Names and lines of errors are a student's, too: only known ones are repeated."""
    error = "type('secret 12345', (Exception,), {})"
    notebook = toy.notebook(
        toy.answer("a", f"raise {error}('secret 12345')"), toy.test("t", 1, "assert x == 1")
    )
    notebook.cells[1].source += "\nassert x"
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.status == "needs a person"
    assert "secret" not in " ".join(outcome.reasons) + outcome.cells["t"].doubt
    assert "an error of its own" in outcome.cells["t"].doubt


def test_pictures_without_end_are_left_out(engine):
    """What all cells show together is limited, not only what each shows."""
    show = "from IPython.display import Image, display\nfor _ in range(20):\n    display(picture)"
    notebook = toy.notebook(
        toy.answer(
            "a", f"x = 1\n{show.splitlines()[0]}\npicture = Image(bytes(370_000), format='png')"
        ),
        *(new_code_cell(show) for _ in range(12)),
        toy.test("t", 1, "assert x == 1"),
    )
    outcome = engine.grade(notebook, notebook, "ada")
    assert outcome.score == 1 and outcome.status == "graded"
    assert 9_000_000 < len(json.dumps(outcome.outputs)) < 21_000_000
    assert "shows too much" in outcome.outputs[12][0]["text"]


def test_pictures_hold_nothing_else():
    """Formgrader writes them between quotation marks."""
    data = {"image/png": 'iVBO"><script>', "text/plain": '"><script>'}
    about = {"image/png": {"width": 400, "alt": "a \x1b[1mcurve", "style": "x"}, "more": 1}
    given = {"output_type": "display_data", "data": data, "metadata": about}
    (output,) = outputs.clean([given])
    assert output["data"]["image/png"] == "iVBOscript"
    assert set(output["metadata"]) == {"image/png"}
    assert output["metadata"]["image/png"].keys() == {"alt", "width"}
    about["image/png"]["width"] = "1 onload=x"
    (output,) = outputs.clean([given])
    assert "width" not in output["metadata"]["image/png"]


POISON = """
import keras
small = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(10, use_bias=False)])
class Poison(keras.Model):
    def __init__(self, units): super().__init__(); self.units = units
    def to_json(self):
        return small.to_json().replace('"units": 10,', f'"units": {self.units},')
    def get_weights(self): return []
x = [Poison(n) for n in (240_000, 120_000, 60_000, 30_000, 15_000, 7_000, 3_000)]
y = 1
"""


def test_a_poisoned_judge_harms_nobody(engine):
    """Networks that claim to be large fill the judge's memory; the next has another judge."""
    roomy = "import numpy\nassert numpy.ones(5 * 10**6).sum() and y == 1"
    tests = toy.test("t", 1, "assert x == 42"), toy.test("u", 1, roomy)
    limits = {"cell_seconds": 60, "call_seconds": 30, "memory_mb": 1500}
    source = toy.notebook(toy.answer("a", "x, y = 42, 1"), *tests, **limits)
    evil = toy.notebook(toy.answer("a", POISON), *tests, **limits)
    outcome = engine.grade(source, evil, "eve")
    assert outcome.status == "needs a person" and outcome.cells["t"].score == 0
    assert outcome.cells["u"].score == 1 or outcome.cells["u"].doubt
    for student in ("ada", "bob"):
        outcome = engine.grade(source, source, student)
        assert outcome.status == "graded" and outcome.score == 2


def test_filter_of_system_calls():
    """Every jump of the program stays inside it, on both architectures."""
    for machine in ("x86_64", "aarch64"):
        lines = syscalls.program(machine)
        for place, (_, yes, no, _) in enumerate(lines):
            assert place + 1 + max(yes, no) < len(lines) or (yes, no) == (0, 0)
        assert len(lines) < 256


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
def test_command_hides_the_teachers_files():
    words = sandbox.command(["true"])
    bound = [words[i + 1] for i, w in enumerate(words) if w.endswith("bind")]
    home = os.path.expanduser("~")  # noqa: PTH111
    assert home not in bound and "/etc" not in bound and "/home" not in bound


def test_what_is_the_same_for_all_is_drawn_once():
    """The source's modules are imported, and prepared, before anybody's process."""
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    text = """
import sys
loaded = "helpers.assignments.data" in sys.modules
from helpers.assignments import data as assignment_data
drawn = assignment_data._stored.cache_info().currsize
X = assignment_data.training_set("demo").X
X[:] = 0
again = assignment_data.training_set("demo").X.max()
"""
    notebook = toy.notebook(
        toy.given("start", text),
        toy.answer("a", "x = 1"),
        toy.test("t", 1, "x"),
    )
    source = read_source(notebook)
    test = "assert (loaded, drawn, int(again)) == (True, 1, 255)"
    with Engine(source.modules) as engine:
        assert grade(engine, text, test) == (1, "")


def test_nothing_of_the_course_is_below_tmp(monkeypatch):
    """What is in the view, whatever the tests' own folder is."""
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    python = Path(sys.base_prefix) / "bin/python3"
    if python.is_relative_to(tempfile.gettempdir()):
        pytest.skip("Python itself is below the folder for temporary files")
    monkeypatch.setattr(sandbox, "COURSE", Path("/nowhere/course"))
    monkeypatch.setattr(sandbox, "data_folder", lambda: Path("/nowhere/data"))
    monkeypatch.setattr(sandbox, "_python_folders", lambda: [Path(sys.base_prefix)])
    monkeypatch.setattr(sys, "executable", str(python))
    look = "import os; print(sorted(os.listdir('/tmp')), os.path.exists('/nowhere'))"
    done = subprocess.run(
        sandbox.command([str(python), "-I", "-c", look]),
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.stdout, done.stderr) == ("[] False\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
@pytest.mark.parametrize("where", ["environment", "usr", "data"])
def test_course_in_sight_is_refused(monkeypatch, where):
    if where == "environment":  # python -m venv . in the course's folder
        monkeypatch.setattr(sys, "prefix", str(sandbox.COURSE))
    elif where == "data":
        parent = sandbox.COURSE.parent
        monkeypatch.setattr(sandbox, "data_folder", lambda: parent)
    else:
        monkeypatch.setattr(sandbox, "COURSE", Path("/usr/src/course"))
    with pytest.raises(CourseError, match="hidden tests is inside"):
        sandbox.command(["true"])


def test_cells_are_parsed_one_after_the_other(monkeypatch):
    """Several submissions are graded at once, and some Pythons fail if two threads parse."""
    inside, most = [], []

    def parse(text):
        inside.append(text)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(text)
        return real(text)

    real = submissions.ast.parse
    monkeypatch.setattr(submissions.ast, "parse", parse)
    with ThreadPoolExecutor(4) as pool:
        trees = [*pool.map(submissions.parsed, [f"x = {n}" for n in range(12)])]
        lines = [*pool.map(submissions.line_of_mistake, ["x =", "y = 1"])]
    assert max(most) == 1 and len(most) == 14
    assert all(trees) and lines == [1, None]
    assert submissions.parsed("%matplotlib inline") is None
