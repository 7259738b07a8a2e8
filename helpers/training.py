"""Reuse a fitted model when nothing that it depends on has changed.

    model.compile(optimizer="adam", loss=..., metrics=["accuracy"])
    history = fit_or_load(model, X_train, y_train, epochs=20, seed=1)

does what `model.fit` does with the same arguments, and remembers the result.
The next call with the same model, compile settings, initial weights, data,
arguments, callbacks, seed and Keras version takes the weights and the history
from a file in the cache folder instead. If any of them differs, it trains.

Only what can be told exactly is reused: Keras's own layers, losses, metrics,
optimizers and callbacks, and data in arrays. With a layer, function or callback
that you have written yourself, or a `tf.data.Dataset`, it trains each time and
says so in one line.
"""

import hashlib
import inspect
import json
import numbers
import os
import time
from contextlib import suppress

import numpy as np
from tqdm import tqdm

from helpers.files import CourseError, cache_folder, write_file

FORMAT = 2  # raised whenever older cache files can no longer be used

UNRELATED = {"verbose"}  # arguments of fit that change no weight and no score

WITH_FILES = {  # Keras's callbacks that read or write files, or the network
    "BackupAndRestore",
    "CSVLogger",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "RemoteMonitor",
    "TensorBoard",
}

NAMES = {"name", "keras_history", "input_layers", "output_layers"}
"""Where a model's configuration has the names of its layers."""


def fit_or_load(
    model,
    x,
    y=None,
    *,
    seed=0,
    live=None,
    train=True,
    watch=None,
    callbacks=(),
    **arguments,
):
    """Fit a compiled Keras model, or load what the same call once gave.

    x, y, arguments: as for `model.fit`; x and y must be arrays.
    seed: given to `keras.utils.set_random_seed` before training, and again
    afterwards, so that what follows is the same whether it trained or loaded.
    live: True trains in any case; None looks at the environment variable
    COURSE_LIVE ("1" trains).
    train: False does not train a model whose result is not kept: it says so in one
    line, returns None and leaves the model as it is, unless `live` trains anyway.
    watch: {name: (x, y)}, more data to score after each epoch, like
    `validation_data` but for looking only: `history.history` gets
    `name_accuracy` and so on, and no callback sees them.
    callbacks: they take part in training, and their settings count as something
    that the result depends on. They are not called when the result is loaded;
    with one that writes files (`ModelCheckpoint`) it always trains.

    Returns a Keras `History`; `history.seconds` holds the seconds from the
    start to the end of each epoch, as measured when the model was trained,
    validation included, callbacks and `watch` not. Raises CourseError if the
    model is not compiled or not built, or if `seed` or `watch` cannot be used.
    """
    import keras

    if not getattr(model, "compiled", False):
        raise CourseError(f"Compile {model.name!r} before fitting it.")
    if not model.built:
        raise CourseError(
            f"{model.name!r} has no weights yet: begin it with keras.Input(shape=...)."
        )
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise CourseError(f"The seed must be a whole number from 0 to 2**32 - 1, not {seed!r}.")
    if "val" in (watch or {}):
        raise CourseError(
            'Give the data to watch another name than "val", which is the name of validation_data.'
        )
    if not isinstance(callbacks, (list, tuple)):
        callbacks = [] if callbacks is None else [callbacks]
    if live is None:
        live = os.environ.get("COURSE_LIVE", "") not in ("", "0")
    seed, watch = int(seed), watch or {}
    arguments = {"verbose": 0} | arguments

    digest, path, history = None, None, None
    try:
        digest = digest_of(model, x, y, seed, watch, callbacks, arguments)
        path = cache_folder() / "training" / f"{digest[:32]}.npz"
    except Unknown as error:
        print(f"This result cannot be reused later: {error}.")
    if path is not None and not live:
        history = _load(path, digest, model)
    if history is None and not (train or live):
        print(f"{model.name!r} has not been trained on this machine yet.")
        return None
    if history is None:
        keras.utils.set_random_seed(seed)
        history = _fit(model, x, y, watch, callbacks, arguments)
        if path is not None:
            _save(path, digest, model, history)
    history.params["verbose"] = arguments["verbose"]
    keras.utils.set_random_seed(seed)
    return history


def _fit(model, x, y, watch, callbacks, arguments):
    """`model.fit`, timed and watched, with numbers of Python in the history."""
    epochs = arguments.get("epochs", 1) - arguments.get("initial_epoch", 0)
    # leave=None: inside another bar, such as that of a search, it goes away.
    bar = tqdm(total=epochs, desc="Training", unit="epoch", delay=1, leave=None)
    with bar:
        _make_variables(model, y)
        clock = _clock(bar, watch)
        history = model.fit(x, y, callbacks=[clock, *callbacks], **arguments)
    history.seconds = clock.seconds
    # As a file keeps them, so that they print alike when they are loaded.
    history.history = {
        name: [np.asarray(value).tolist() for value in values]
        for name, values in (history.history | clock.watched).items()
    }
    return history


def _make_variables(model, y):
    """Make the variables of optimizer and metrics, which `fit` makes in its first step.

    Without this, TensorFlow would compile a step twice: first with its variables, then
    without them. That takes seconds for a larger network.
    """
    import keras

    # With sets of outputs, Keras does it itself.
    if not isinstance(getattr(model, "output_shape", None), tuple):
        return
    with suppress(Exception):  # what is wrong with y, `fit` says better
        outputs = keras.ops.zeros((1, *model.output_shape[1:]))
        model.compute_metrics(None, np.asarray(y)[:1], outputs)
        model.optimizer.build(model.trainable_variables)
    model.reset_metrics()


def _clock(bar, watch):
    """A callback that times epochs, scores `watch` and moves the bar."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seconds, self.total, self.watched = [], 0.0, {}

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.total += time.perf_counter() - self.start
            self.seconds.append(round(self.total, 3))
            for name, (x, y) in watch.items():
                scores = self.model.evaluate(x, y, batch_size=512, verbose=0, return_dict=True)
                for metric, value in scores.items():
                    self.watched.setdefault(f"{name}_{metric}", []).append(value)
            shown = {k: f"{v:.3f}" for k, v in logs.items() if "accuracy" in k}
            bar.set_postfix(shown, refresh=False)
            bar.update()

    return Clock()


# What a result depends on ----------------------------------------------------


class Unknown(Exception):
    """Something whose content cannot be told, so nothing may be reused."""


def digest_of(model, x, y, seed, watch, callbacks, arguments):
    """Hexadecimal SHA-256 of everything that the result of a fit depends on."""
    import keras

    backend = keras.backend.backend()
    layers = list(model._flatten_layers())
    outputs = getattr(model, "output_names", [])
    return _hash(
        {
            "format": FORMAT,
            "versions": [keras.__version__, __import__(backend).__version__],
            "backend": backend,
            "settings": [
                keras.config.floatx(),
                keras.config.epsilon(),
                keras.config.image_data_format(),
                keras.config.dtype_policy().name,
            ],
            "model": _without_names(_config(model)),
            "layers": [
                [_keras_name(layer), layer.trainable, layer.dtype_policy.name] for layer in layers
            ],
            # Keras names the scores of several outputs after their layers.
            "outputs": outputs if len(outputs) > 1 else None,
            "variables": [[v.trainable, _array(v)] for v in model.variables],
            "compile": _compile_config(model),
            "optimizer": _optimizer(model.optimizer),
            "data": [x, y, watch],
            "arguments": {
                name: value for name, value in arguments.items() if name not in UNRELATED
            },
            "callbacks": [_callback(callback) for callback in callbacks],
            "seed": seed,
        }
    )


def _hash(value):
    """Hexadecimal SHA-256 of nested values; Unknown for what it cannot read."""
    text = json.dumps(_plain(value), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value):
    """Nested values for JSON: arrays as digests, 1, "1", True and [1] different."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        if value.get("class_name") in ("function", "__lambda__"):
            raise Unknown("it uses a function of your own")
        # Pairs, because JSON would turn the key 1 into "1".
        pairs = [[_plain(k), _plain(v)] for k, v in value.items()]
        return {"dict": sorted(pairs, key=json.dumps)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if hasattr(value, "__array__"):  # a tensor, a variable, a pandas column
        return {"array": _array(value)}
    kind = type(value)
    raise Unknown(f"the content of a {kind.__module__}.{kind.__qualname__} is unknown")


def _array(value):
    """[dtype, shape, SHA-256 of the bytes] of anything like an array."""
    value = np.asarray(value)
    if value.dtype.hasobject:
        raise Unknown("its data hold Python objects, not numbers")
    flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    return [
        str(value.dtype),
        list(value.shape),
        hashlib.sha256(flat).hexdigest(),
    ]


def _keras_name(thing):
    """The full name of a Keras object's class; Unknown if it is not all Keras's."""
    kind = type(thing)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if not _is_of_keras(kind.__module__):
        raise Unknown(f"{name} is not a part of Keras")
    for key, value in vars(thing).items():
        if inspect.isroutine(value) and not _is_of_keras(value.__module__):
            raise Unknown(f"{key} of a {name} is a function of your own")
    if hasattr(thing, "get_vocabulary") or hasattr(thing, "bin_boundaries"):
        raise Unknown(f"what a {name} has learnt cannot be told")
    return name


def _is_of_keras(module):
    return str(module).partition(".")[0] in ("keras", "tensorflow")


def _optimizer(optimizer):
    """An optimizer's class, settings and state, its inner one's included."""
    if optimizer is None:
        return None
    if hasattr(optimizer, "_exclude_from_weight_decay"):
        raise Unknown("its optimizer excludes weights from decay")
    return [
        _keras_name(optimizer),
        _without_names(_config(optimizer)),
        [_array(v) for v in optimizer.variables],
        _optimizer(getattr(optimizer, "inner_optimizer", None)),
    ]


def _config(value):
    """A Keras object's settings, in which every part must be Keras's own."""
    try:
        config = value.get_config()
    except Exception as error:
        raise Unknown(f"{value!r} does not tell its settings") from error
    _require_keras(config)
    return config


def _require_keras(config):
    """Raise Unknown if a configuration names a class that is not Keras's own."""
    if isinstance(config, dict):
        module = config.get("module", "keras")
        if "class_name" in config and not _is_of_keras(module):
            raise Unknown(f"{config['class_name']} is not a part of Keras")
    if isinstance(config, (dict, list, tuple)):
        for item in config.values() if isinstance(config, dict) else config:
            _require_keras(item)


def _without_names(config):
    """A configuration with the names of layers replaced by their order.

    Keras numbers layers through a session ("dense_7"), so the same model has
    other names when its cell is run a second time.
    """
    numbers_of = {}

    def rename(value, key=None):
        if isinstance(value, dict):
            return {k: rename(v, k) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [rename(v, key) for v in value]
        if isinstance(value, str) and key in NAMES:
            return numbers_of.setdefault(value, f"layer {len(numbers_of)}")
        return value

    return rename(config)


def _compile_config(model):
    """What was given to `compile`, but for the optimizer."""
    from keras.saving import serialize_keras_object

    try:
        given = dict(model._compile_config.config)
    except AttributeError:
        raise Unknown("the model has a compile method of its own") from None
    del given["optimizer"]
    config = serialize_keras_object(given)
    _require_keras(config)
    return config


def _callback(callback):
    """A callback's class and settings; the model and `params` come from `fit`."""
    name = _keras_name(callback)
    if type(callback).__name__ in WITH_FILES:
        raise Unknown(f"{type(callback).__name__} works with files")
    settings = {
        key: getattr(value, "__name__", value)  # np.less of EarlyStopping
        if isinstance(value, np.ufunc)
        else value
        for key, value in vars(callback).items()
        if key not in ("_model", "params")
    }
    return [name, settings]


# The cache file --------------------------------------------------------------


def _save(path, digest, model, history):
    """Write weights, optimizer state and history, or say why not."""
    weights = [np.asarray(v) for v in model.variables]
    slots = [np.asarray(v) for v in model.optimizer.variables]
    arrays = {f"w{i}": a for i, a in enumerate(weights)}
    arrays |= {f"o{i}": a for i, a in enumerate(slots)}
    kept = {
        "history": history.history,
        "epoch": history.epoch,
        "params": {name: np.asarray(value).tolist() for name, value in history.params.items()},
        "seconds": history.seconds,
    }
    try:
        if any(a.dtype.kind == "V" for a in arrays.values()):
            raise Unknown("NumPy's files cannot hold bfloat16 numbers")
        about = {
            "digest": digest,
            "content": _hash([kept, weights, slots]),
            "kept": kept,
        }
        text = json.dumps(about)
        with write_file(path) as partial, partial.open("wb") as file:
            np.savez(file, about=np.frombuffer(text.encode(), np.uint8), **arrays)
    except (CourseError, Unknown, TypeError) as error:
        print(f"Trained, but not kept for the next time: {error}")


def _load(path, digest, model):
    """Put a cached result into `model`; return its History, or None."""
    import keras

    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            count = sum(name.startswith("w") for name in file.files)
            weights = [file[f"w{i}"] for i in range(count)]
            slots = [file[f"o{i}"] for i in range(len(file.files) - count - 1)]
        kept = about["kept"]
        if about["digest"] != digest or about["content"] != _hash([kept, weights, slots]):
            raise ValueError("not what was written")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception:  # a foreign file makes NumPy raise nearly anything
        print(f"The cached result {path.name} is damaged: training again.")
        return None
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.optimizer.variables, slots, strict=True):
        variable.assign(value)
    history = keras.callbacks.History()
    history.set_model(model)
    vars(history).update(kept)
    model.history = history
    return history
