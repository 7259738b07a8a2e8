"""Importing Keras writes nothing, and hides nothing when it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]


def run(code, **environment):
    """Run `code` in a new Python that finds `helpers`."""
    paths = [environment.pop("PYTHONPATH", None), str(ROOT)]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_import_is_silent_and_standard_error_works_again():
    code = (
        "import os, sys, helpers.quiet_keras, keras\n"
        "os.write(2, b'by number, ')\n"
        "print('by name', file=sys.stderr)"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "by number, by name\n"
    assert done.stdout == ""


def test_it_is_silent_in_a_notebook(monkeypatch):
    # Where this variable is set, Jupyter does not watch file descriptor 2.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = [
        nbformat.v4.new_code_cell("import helpers.quiet_keras\nimport keras"),
        nbformat.v4.new_code_cell(
            "import os, time\n_ = os.write(2, b'heard again')\ntime.sleep(0.5)"
        ),
    ]
    NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=120).execute()
    assert cells[0].outputs == []
    assert [output.text for output in cells[1].outputs] == ["heard again"]


BROKEN = """
import os
os.write(2, b'hidden reason\\n')
raise ImportError('Traceback (most recent call last):\\n  File x\\nDLL load failed\\n')
"""


def test_a_broken_tensorflow_is_one_sentence_and_nothing_is_lost(tmp_path):
    (tmp_path / "tensorflow.py").write_text(BROKEN, encoding="utf-8")
    done = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import helpers.quiet_keras")
    assert done.returncode == 1
    assert done.stderr.startswith("hidden reason\n")
    last = done.stderr.splitlines()[-1]
    assert "CourseError: Keras with tensorflow cannot be imported" in last
    assert "DLL load failed" in last
    assert "`python -m pip install -r requirements.txt`" in last


def test_another_backend_is_respected(tmp_path):
    (tmp_path / "jax.py").write_text("raise ImportError('none')", encoding="utf-8")
    done = run(
        "import helpers.quiet_keras",
        PYTHONPATH=str(tmp_path),
        KERAS_BACKEND="jax",
    )
    last = done.stderr.splitlines()[-1]
    assert "install jax, or unset KERAS_BACKEND" in last


@pytest.mark.parametrize(("given", "kept"), [(None, "3"), ("0", "0")])
def test_a_log_level_that_the_user_set_is_kept(monkeypatch, tmp_path, given, kept):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    fake = (
        "class backend:\n    backend = staticmethod(lambda: 'none')\n"
        "class config:\n    set_floatx = set_epsilon = set_image_data_format = print\n"
        "class Model: pass"
    )
    (tmp_path / "keras.py").write_text(fake, encoding="utf-8")
    code = "import os, helpers.quiet_keras; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    environment = {"TF_CPP_MIN_LOG_LEVEL": given} if given else {}
    done = run(code, PYTHONPATH=str(tmp_path), **environment)
    assert done.stdout.splitlines()[-1] == kept


NUMBERS = """
import numpy as np
from helpers.quiet_keras import keras

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Conv2D(2, 3)])
print(keras.config.backend(), model.output_shape, model(np.ones((1, 9, 9, 1)))[0, 0, 0])
"""


@pytest.mark.parametrize(
    "theirs",
    [
        {"backend": "torch"},
        {"backend": "theano"},
        {"image_data_format": "channels_first"},
        {"floatx": "float16"},
        {"floatx": "float64", "epsilon": 0.1},
    ],
    ids=str,
)
def test_a_user_s_keras_json_changes_no_number(tmp_path, theirs):
    """People have it for other work, or from years ago; a lab's home is shared."""
    expected = run(NUMBERS, KERAS_HOME=str(tmp_path / "none"), KERAS_BACKEND="")
    (tmp_path / "keras.json").write_text(json.dumps(theirs), encoding="utf-8")
    done = run(NUMBERS, KERAS_HOME=str(tmp_path), KERAS_BACKEND="", TF_USE_LEGACY_KERAS="1")
    assert done.stdout == expected.stdout, done.stderr
    assert done.stdout.startswith("tensorflow (None, 7, 7, 2)")


@pytest.mark.parametrize("text", ['{"floatx": "bfloat16"}', '{"epsilon": 1}', "[]"])
def test_a_keras_json_that_keras_refuses_is_named(tmp_path, text):
    (tmp_path / "keras.json").write_text(text, encoding="utf-8")
    last = run("import helpers.quiet_keras", KERAS_HOME=str(tmp_path)).stderr.splitlines()[-1]
    assert f"CourseError: Keras cannot use {tmp_path / 'keras.json'} (" in last
    assert last.endswith("delete that file, and Keras writes a new one.")


@pytest.mark.parametrize("name", ["keras", "tensorflow", "h5py", "ml_dtypes", "random"])
def test_a_student_s_file_hides_no_package(tmp_path, monkeypatch, name):
    (tmp_path / f"{name}.py").write_text("print('my first network')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = run("from helpers.quiet_keras import keras; print(keras.Model.__name__)")
    assert done.stdout == "Model\n", done.stderr


def test_a_student_s_file_that_was_imported_already_is_named(tmp_path, monkeypatch):
    (tmp_path / "keras.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    last = run("import keras, helpers.quiet_keras").stderr.splitlines()[-1]
    assert f"{tmp_path / 'keras.py'} has the name of a package" in last
    assert "rename it, then restart the kernel" in last


def test_nothing_is_tuned():
    """Of all that is iterated, Keras's own datasets included."""
    code = """
import numpy as np, tensorflow as tf

iterate, tuned = tf.data.Dataset.__iter__, []

def recorded(dataset):
    tuned.append(dataset.options().autotune.enabled)
    return iterate(dataset)

tf.data.Dataset.__iter__ = recorded
next(iter(tf.data.Dataset.range(3)))
from helpers.quiet_keras import keras

x = np.zeros((8, 2))
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x[:, 0], validation_data=(x, x[:, 0]), epochs=2, batch_size=4, verbose=0)
model.evaluate(x, x[:, 0], verbose=0)
model.predict(x, verbose=0)
keras_alone = len(tuned) - 1
dataset = tf.data.Dataset.range(9).map(lambda n: n, num_parallel_calls=-1)
print([int(n) for n in dataset] == [*range(9)], keras_alone > 3)
print(tuned[0], set(tuned[1:]))
"""
    done = run(code)
    assert done.stdout == "True True\nNone {False}\n", done.stderr


def test_whoever_asks_for_tuning_gets_it():
    code = """
import helpers.quiet_keras
import tensorflow as tf

given, switched_off = tf.data.Dataset.with_options, []
tf.data.Dataset.with_options = lambda *a: switched_off.append(a) or given(*a)
options = tf.data.Options()
options.autotune.enabled = True
dataset = tf.data.Dataset.range(3)
print([int(n) for n in given(dataset, options)], len(switched_off))
print([int(n) for n in dataset], len(switched_off))
"""
    done = run(code)
    assert done.stdout == "[0, 1, 2] 0\n[0, 1, 2] 1\n", done.stderr


def test_an_epoch_has_every_batch_once():
    code = """
from helpers.quiet_keras import keras
import numpy as np, tensorflow as tf

model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
x = np.arange(10.0).reshape(10, 1)
print(model.predict(x, batch_size=4, verbose=0).ravel().tolist() == x.ravel().tolist())
print(sorted(float(n) for batch in tf.data.Dataset.from_tensor_slices(x[:, 0]).batch(3)
             for n in batch) == x.ravel().tolist())
"""
    done = run(code)
    assert done.stdout == "True\nTrue\n", done.stderr
