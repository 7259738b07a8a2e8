"""Reuse a trained model when nothing that it depends on has changed.

    model.compile(optimizer="adam", loss=..., metrics=["accuracy"])
    with reuse_training(seed=1):
        history = model.fit(X_train, y_train, epochs=20)

Inside the block, Keras's own `model.fit` remembers its result. Where the same model,
compile settings, initial weights, data, arguments, callbacks, seed and Keras version
were trained before, it takes the weights and the history from a file in the cache
folder instead. If any of them differs, it trains.

Only what can be told exactly is reused: Keras's own layers, losses, metrics,
optimizers and callbacks, and data in arrays. With a layer, function or callback
that you have written yourself, or a `tf.data.Dataset`, it trains each time and
says so in one line.
"""

import functools
import hashlib
import inspect
import json
import numbers
import time
import weakref
from contextlib import contextmanager, suppress
from unittest import mock

import numpy as np

from helpers.files import CourseError, cache_folder, progress, setting, write_file

FORMAT = 4  # raised whenever older cache files can no longer be used

SHORT = 5
"""Seconds: of a training that takes less, nothing is left to read in the output.

Otherwise a loop of many short trainings would leave many lines."""

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


@contextmanager
def reuse_training(*, seed=0, live=None, train=True):
    """Inside this block, `model.fit` loads what the same call once gave, or trains.

        with reuse_training(seed=1, live=LIVE):
            history = model.fit(X_train, y_train, epochs=20)

    To take a cell home, delete the line of the block: `model.fit` is Keras's own, and
    after `keras.utils.set_random_seed(seed)` it gives the same weights, bit for bit.

    seed: given to `keras.utils.set_random_seed` before each `fit` in the block, and
    again afterwards, so that what follows is the same whether it trained or loaded.
    live: True trains in any case; None looks at the environment variable
    COURSE_LIVE ("1" trains).
    train: False does not train a model whose result is not kept: `fit` then says so in
    one line, returns None and leaves the model as it is, unless `live` trains anyway.

    What `fit` is given: x, y and the validation data must be arrays if the result is to be
    kept. Callbacks take part in training, and their settings count as something that
    the result depends on. They are not called when the result is loaded; with one that
    writes files (`ModelCheckpoint`) it always trains. Without `verbose`, a progress bar
    shows the epochs, and one line says whether a training of some seconds was reused.
    TQDM_DISABLE=1 switches both off, so that stored outputs do not depend on the cache.

    `fit` returns a Keras `History`; `history.seconds` holds the seconds from the
    start to the end of each epoch, as measured when the model was trained,
    validation included, callbacks not. If the model has been trained already, one line
    says so before training goes on.

    Raises CourseError if `seed` cannot be used; `fit` does so if the model is not
    compiled. Blocks may be nested (the inner one counts), but not in several
    threads: Keras has only one random seed for all of them.
    """
    import keras

    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise CourseError(f"The seed must be a whole number from 0 to 2**32 - 1, not {seed!r}.")
    if live is None:
        live = setting("COURSE_LIVE") not in ("", "0")
    block = {"seed": int(seed), "live": live, "train": train}
    fit_of_keras = getattr(keras.Model.fit, "of_keras", keras.Model.fit)

    @functools.wraps(fit_of_keras)
    def fit(model, *positional, **named):
        try:
            given = inspect.signature(fit_of_keras).bind(model, *positional, **named)
        except TypeError:  # which Keras says better
            return fit_of_keras(model, *positional, **named)
        given.apply_defaults()
        _, *arguments = given.arguments.items()  # without the model itself
        # What trains inside a training, such as a callback, is not looked up.
        with mock.patch.object(keras.Model, "fit", fit_of_keras):
            return _load_or_train(model, dict(arguments), **block)

    fit.of_keras = fit_of_keras
    with mock.patch.object(keras.Model, "fit", fit):
        yield


def _load_or_train(model, arguments, *, seed, live, train):
    """What `model.fit(**arguments)` gives in a block: see `reuse_training`."""
    import keras

    if not getattr(model, "compiled", False):
        raise CourseError(f"Compile {model.name!r} before fitting it.")
    verbose, callbacks = arguments.pop("verbose"), arguments.pop("callbacks")
    if not isinstance(callbacks, (list, tuple)):
        callbacks = [] if callbacks is None else [callbacks]
    train = train or live
    settings = _settings(model, seed, arguments["epochs"])
    if train:
        _tell_if_trained(model, settings)

    digest, path, history = None, None, None
    try:
        digest = digest_of(model, arguments, callbacks, seed)
        path = cache_folder() / "training" / f"{digest[:32]}.npz"
    except Unknown as error:
        if train:
            print(f"This result cannot be reused later: {error}.")
    if path is not None and not live:
        history = load_result(path, digest, model)
    if history is None and not train:
        print(f"{model.name!r} has not been trained on this machine yet.")
        return None

    said = "Reused: trained before with the same model, data and settings."
    with _bar(arguments, verbose) as bar:
        shown = not bar.disable  # which is True once it is closed
        if history is None:
            keras.utils.set_random_seed(seed)
            history = _fit(model, arguments, callbacks, verbose, bar)
            count = len(history.epoch)
            said = f"Trained for {count} epoch{'' if count == 1 else 's'}"
            kept = path is not None and save_result(path, digest, model, history)
            said += "; kept for the next time." if kept else "."
    if shown and max(history.seconds, default=0) >= SHORT:
        print(said)
    history.params["verbose"] = verbose
    _left.setdefault(model, {})[settings] = hash_of(model.get_weights())
    keras.utils.set_random_seed(seed)
    return history


_left = weakref.WeakKeyDictionary()
"""{model: {settings of a fit: hash of the weights that it left}}."""


def _settings(model, seed, epochs):
    """What makes two fits of one model the same cell run twice, as text."""
    trainable = [variable.trainable for variable in model.variables]
    # Keras numbers optimizers too: "sgd_1".
    return repr([_without_names(model.get_compile_config()), trainable, seed, epochs])


def _tell_if_trained(model, settings):
    """One line if training would go on from where it was: a cell was run twice.

    `compile` sets the number of steps back, but leaves the weights as they are.
    """
    steps = int(model.optimizer.iterations) if model.optimizer else 0
    left = _left.get(model, {}).get(settings)
    if steps or (left and left == hash_of(model.get_weights())):
        counted = f", for {steps:,} steps" * bool(steps)
        print(
            f"This model has been trained already{counted}: training goes on from there. "
            "To start afresh, build it again."
        )


def _bar(arguments, verbose):
    """A progress bar, off where `fit` is told what to show, or by TQDM_DISABLE=1."""
    return progress(
        total=arguments["epochs"] - arguments["initial_epoch"],
        desc="Training",
        unit="epoch",
        **({} if verbose == "auto" else {"disable": True}),
    )


def _fit(model, arguments, callbacks, verbose, bar):
    """Keras's own `fit`, timed, with numbers of Python in the history."""
    import keras

    _make_variables(model, arguments["y"])
    clock = _clock(bar)
    arguments = arguments | {"callbacks": [clock, *callbacks]}
    arguments["verbose"] = 0 if verbose == "auto" else verbose
    history = keras.Model.fit(model, **arguments)
    history.seconds = clock.seconds
    # As a file keeps them, so that they print alike when they are loaded.
    history.history = {
        name: [np.asarray(value).tolist() for value in values]
        for name, values in history.history.items()
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


def _clock(bar):
    """A callback that times epochs and moves the bar."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seconds, self.total = [], 0.0

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.total += time.perf_counter() - self.start
            self.seconds.append(round(self.total, 3))
            shown = {k: f"{v:.3f}" for k, v in logs.items() if "accuracy" in k}
            bar.set_postfix(shown, refresh=False)
            bar.update()

    return Clock()


# What a result depends on ----------------------------------------------------


class Unknown(Exception):
    """Something whose content cannot be told, so nothing may be reused."""


def digest_of(model, arguments, callbacks, seed):
    """Hexadecimal SHA-256 of everything that the result of a fit depends on.

    arguments: what `fit` is given but for `callbacks` and `verbose`, {name: value}.
    Raises Unknown where this cannot be told.
    """
    import keras

    if not model.built:
        raise Unknown(
            f"{model.name!r} has no weights before it is trained: begin it with "
            "keras.Input(shape=...)"
        )
    backend = keras.backend.backend()
    outputs = getattr(model, "output_names", [])
    return hash_of(
        {
            "format": FORMAT,
            "versions": [keras.__version__, __import__(backend).__version__],
            "backend": backend,
            "settings": [
                keras.config.floatx(),
                keras.config.epsilon(),
                keras.config.image_data_format(),
                keras.config.dtype_policy().name,
                keras.config.max_epochs(),
                keras.config.max_steps_per_epoch(),
            ],
            "model": _without_names(_config(model)),
            "layers": [
                [name, layer.trainable, layer.dtype_policy.name]
                for name, layer in _named_layers(model)
            ],
            # Keras names the scores of several outputs after their layers.
            "outputs": outputs if len(outputs) > 1 else None,
            "variables": [[v.trainable, _array(v)] for v in model.variables],
            "compile": _compile_config(model),
            "optimizer": _optimizer(model.optimizer),
            "arguments": arguments,
            "callbacks": [_callback(callback) for callback in callbacks],
            "seed": seed,
        }
    )


def hash_of(value):
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


def _named_layers(layer, seen=None):
    """Yield (full name of its class, layer) for a layer and all in its attributes."""
    import keras

    seen = set() if seen is None else seen
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield _keras_name(layer), layer
    for value in vars(layer).values():
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(part, keras.Layer):
                yield from _named_layers(part, seen)


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
    config = model.get_compile_config()
    if not config:
        raise Unknown("the model has a compile method of its own")
    del config["optimizer"]
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


def save_result(path, digest, model, history):
    """Write weights, optimizer state and history; False, and a line, if that fails."""
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
            "content": hash_of([kept, weights, slots]),
            "kept": kept,
        }
        text = json.dumps(about)
        with write_file(path) as partial, partial.open("wb") as file:
            np.savez(file, about=np.frombuffer(text.encode(), np.uint8), **arrays)
    except (CourseError, Unknown, TypeError) as error:
        print(f"Trained, but not kept for the next time: {error}")
        return False
    return True


def load_result(path, digest, model):
    """Put a cached result into `model`; return its History, or None."""
    import keras

    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            count = sum(name.startswith("w") for name in file.files)
            weights = [file[f"w{i}"] for i in range(count)]
            slots = [file[f"o{i}"] for i in range(len(file.files) - count - 1)]
        kept = about["kept"]
        if about["digest"] != digest or about["content"] != hash_of([kept, weights, slots]):
            raise ValueError("not what was written")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None  # nothing is kept yet, or by another user: `save_result` says so
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
