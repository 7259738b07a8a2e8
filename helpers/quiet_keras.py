"""Keras without TensorFlow's log lines, and with tf.data's tuning off in this process.

`from helpers.quiet_keras import keras` imports Keras, and changes for the process:

1. File descriptor 2 (standard error) leads to a temporary file during the import.
   TensorFlow writes there from C++, whatever TF_CPP_MIN_LOG_LEVEL says, and a notebook
   would store those lines. If the import fails, they are printed after all.
2. TF_CPP_MIN_LOG_LEVEL is 3 unless it is set, and the Python logger "tensorflow" shows
   errors only.
3. `tf.data.Dataset.__iter__` is replaced by one that iterates without tuning, unless the
   dataset's own options ask for it. No number changes.

The third is for the pauses: `fit`, `evaluate` and `predict` read their data through
tf.data, which tunes its pipelines in a thread of its own. That thread sleeps for longer
and longer, a minute at last, and when a pipeline ends, it is woken *before* it can see
that it should stop (`CancellationManager::StartCancel` calls back first and sets
`is_cancelled_` afterwards; `Model::OptimizeLoop` then sleeps again). Python waits for
it meanwhile. With TensorFlow 2.21 epochs of 4 s took 5, and some waits lasted 17 s.
There is no public switch for it: `tf.data.Options` belong to one dataset, Keras makes
its datasets inside `fit`, and no environment variable or default of TensorFlow 2.21
reaches them (TF_DATA_EXPERIMENT_OPT_OUT is about experiments only).

A user's ~/.keras/keras.json does not count: its backend, number type and order of channels
would change every number of the course, or break it. KERAS_BACKEND does.
"""

import functools
import logging
import os
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path

from helpers.files import CourseError, keras_folder, misleading

# Only a default: whoever wants the log sets the variable to 0.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not os.environ.get("KERAS_BACKEND"):
    os.environ["KERAS_BACKEND"] = "tensorflow"  # before what keras.json says


@contextmanager
def _silenced():
    """Yield a file that receives whatever is written to file descriptor 2.

    Works under Jupyter too, where sys.stderr is not a file.
    """
    sys.stderr.flush()
    try:
        caught = tempfile.TemporaryFile()  # noqa: SIM115 (closed below)
    except OSError as error:
        raise CourseError(
            f"No temporary file can be written ({error.strerror or error}): free some space "
            "on the disk, or set TMPDIR to a folder that can be written."
        ) from error
    with caught:
        kept = os.dup(2)
        try:
            os.dup2(caught.fileno(), 2)
            yield caught
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _import_keras():
    """Import Keras and its backend; return Keras.

    Raises CourseError if one of them is missing or broken.
    """
    with _silenced() as caught:
        try:
            import keras

            if not hasattr(keras, "Model"):
                raise ImportError(f"{getattr(keras, '__file__', None)} is not Keras")
        except Exception as error:  # a broken TensorFlow raises many kinds
            caught.seek(0)
            hidden = caught.read().decode(errors="replace")
            failure = error
        else:
            return keras
    if sentences := misleading(Path.cwd()):
        raise CourseError(sentences[0]) from failure
    frames = traceback.extract_tb(failure.__traceback__)
    if Path(frames[-1].filename).parts[-3:] == ("src", "backend", "config.py"):
        raise CourseError(
            f"Keras cannot use {keras_folder() / 'keras.json'} ({failure}): delete that file, "
            "and Keras writes a new one."
        ) from failure
    print(hidden, file=sys.stderr, end="")
    # TensorFlow's message may begin with a traceback of its own.
    lines = [line for line in str(failure).splitlines() if line[:1].strip()]
    reason = next((x for x in lines if not x.startswith("Traceback")), "no message")
    backend = os.environ["KERAS_BACKEND"]
    raise CourseError(
        f"Keras with {backend} cannot be imported ({type(failure).__name__}: "
        f"{reason}): "
        + (
            "run `python -m pip install -r requirements.txt` in the course's folder."
            if backend == "tensorflow"
            else f"install {backend}, or unset KERAS_BACKEND to use TensorFlow."
        )
    ) from failure


def _iterate_without_tuning():
    """Replace `tf.data.Dataset.__iter__`: no tuning where a dataset leaves it open."""
    import tensorflow as tf

    iterate = tf.data.Dataset.__iter__
    options = tf.data.Options()
    options.autotune.enabled = False

    @functools.wraps(iterate)
    def untuned(dataset):
        if dataset.options().autotune.enabled is None:
            dataset = dataset.with_options(options)
        return iterate(dataset)

    tf.data.Dataset.__iter__ = untuned


keras = _import_keras()
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")
if keras.backend.backend() == "tensorflow":
    _iterate_without_tuning()

# TensorFlow warns whenever a second model predicts in one session ("retracing").
# That concerns its speed, not the results.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
