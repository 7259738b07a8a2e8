"""Reuse a fitted model when nothing that it depends on has changed.

    model.compile(optimizer="adam", loss=..., metrics=["accuracy"])
    history = fit_or_load(model, X_train, y_train, epochs=20, seed=1)

does what `model.fit` does with the same arguments, and remembers the result. The
next call with the same model, compile settings, initial weights, data, arguments,
callbacks, seed and Keras version takes the weights and the history from a file in
the cache folder instead. If any of them differs, it trains.
"""

import hashlib
import inspect
import json
import os
import time
import zipfile

import numpy as np
from tqdm import tqdm

from helpers.files import CourseError, cache_folder, write_file

FORMAT = 1  # raised whenever older cache files can no longer be used

UNRELATED = {"verbose"}  # arguments of fit that change no weight and no score


def fit_or_load(
    model,
    x,
    y=None,
    *,
    seed=0,
    live=None,
    watch=None,
    callbacks=(),
    **arguments,
):
    """Fit a compiled Keras model, or load what the same call once gave.

    x, y, arguments: as for `model.fit`; x and y must be arrays.
    seed: given to `keras.utils.set_random_seed` before training.
    live: True trains in any case; None looks at the environment variable
    COURSE_LIVE ("1" trains).
    watch: {name: (x, y)}, more data to score after each epoch, like
    `validation_data` but for looking only: `history.history` gets `name_accuracy`
    and so on, and no callback sees them.
    callbacks: they take part in training, and their settings and code count as
    something that the result depends on. They are not called when the result is
    loaded, so callbacks that write files belong in a plain `model.fit`.

    Returns a Keras `History`; `history.seconds` holds the seconds from the start
    to the end of each epoch, as measured when the model was trained, validation
    included, callbacks and `watch` not. Raises CourseError if the model is not compiled or
    not built.
    """
    import keras

    if not getattr(model, "compiled", False):
        raise CourseError(f"Compile {model.name!r} before fitting it.")
    if not model.built:
        raise CourseError(
            f"{model.name!r} has no weights yet: begin it with keras.Input(shape=...)."
        )
    if live is None:
        live = os.environ.get("COURSE_LIVE", "") not in ("", "0")

    digest, path = None, None
    try:
        digest = digest_of(model, x, y, seed, watch, callbacks, arguments)
        path = cache_folder() / "training" / f"{digest[:32]}.npz"
    except Unknown as error:
        print(f"This result cannot be reused later: {error}.")
    if path is not None and not live and path.exists():
        history = _load(path, digest, model)
        if history is not None:
            return history

    keras.utils.set_random_seed(seed)
    clock = _clock(arguments.get("epochs", 1), watch or {})
    arguments = {"verbose": 0} | arguments
    history = model.fit(x, y, callbacks=[clock, *callbacks], **arguments)
    history.seconds = clock.seconds
    history.history |= clock.watched
    if path is not None:
        _save(path, digest, model, history)
    return history


def _clock(epochs, watch):
    """A callback that times epochs, scores `watch` and shows one line of progress."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seconds, self.total, self.watched = [], 0.0, {}
            self.bar = tqdm(total=epochs, desc="Training", unit="epoch")

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.total += time.perf_counter() - self.start
            self.seconds.append(round(self.total, 3))
            for name, (x, y) in watch.items():
                scores = self.model.evaluate(
                    x, y, batch_size=512, verbose=0, return_dict=True
                )
                for metric, value in scores.items():
                    self.watched.setdefault(f"{name}_{metric}", []).append(
                        value
                    )
            shown = {k: f"{v:.3f}" for k, v in logs.items() if "accuracy" in k}
            self.bar.set_postfix(shown, refresh=False)
            self.bar.update()

        def on_train_end(self, logs=None):
            self.bar.close()

    return Clock()


# What a result depends on ----------------------------------------------------


class Unknown(Exception):
    """Something whose content cannot be told, so nothing may be reused."""


def digest_of(model, x, y, seed, watch, callbacks, arguments):
    """Hexadecimal SHA-256 of everything that the result of a fit depends on."""
    import keras

    optimizer = model.optimizer
    return _hash(
        {
            "format": FORMAT,
            "versions": _versions(keras),
            "model": _canonical(model),
            "code": [type(layer) for layer in model._flatten_layers()],
            "compile": model.get_compile_config(),
            "losses": [getattr(model, "loss", None)],
            "variables": [np.asarray(v) for v in model.variables],
            "optimizer": [np.asarray(v) for v in optimizer.variables]
            if optimizer.built
            else None,
            "data": [x, y, watch],
            "arguments": {
                k: v for k, v in arguments.items() if k not in UNRELATED
            },
            "callbacks": list(callbacks),
            "seed": seed,
        }
    )


def _versions(keras):
    backend = keras.backend.backend()
    module = __import__(backend if backend != "numpy" else "numpy")
    return [keras.__version__, backend, module.__version__]


def _canonical(model):
    """The model's configuration, with layer names replaced by their order.

    Keras numbers layers through a session ("dense_7"), so the same model has
    other names when its cell is run a second time.
    """
    layers = list(model._flatten_layers())
    names = {layer.name: f"layer {i}" for i, layer in enumerate(layers)}

    def rename(value):
        if isinstance(value, dict):
            return {k: rename(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [rename(v) for v in value]
        return names.get(value, value) if isinstance(value, str) else value

    return rename(model.get_config())


def _hash(value):
    """Hexadecimal SHA-256 of nested values; raises Unknown for what it cannot read."""
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _feed(state, value):
    """Add one value to a digest, with its type, so that 1, "1" and [1] differ."""
    if value is None or isinstance(
        value, (bool, int, float, complex, str, bytes)
    ):
        state.update(f"{type(value).__name__} {value!r};".encode())
    elif isinstance(value, dict):
        state.update(f"dict {len(value)};".encode())
        for key in sorted(value, key=repr):
            _feed(state, key)
            _feed(state, value[key])
    elif isinstance(value, (list, tuple)):
        state.update(f"list {len(value)};".encode())
        for item in value:
            _feed(state, item)
    elif isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            raise Unknown("its data hold Python objects, not numbers")
        value = np.ascontiguousarray(value)
        state.update(f"array {value.dtype} {value.shape};".encode())
        state.update(value.data if value.size else b"")
    elif inspect.isclass(value) or inspect.isroutine(value):
        state.update(f"code {value.__module__} {value.__qualname__};".encode())
        if value.__module__.partition(".")[0] not in ("keras", "builtins"):
            _feed_code(state, value)
    elif hasattr(
        value, "get_config"
    ):  # a loss, metric, schedule, initialiser ...
        _feed(state, [type(value), value.get_config()])
    elif _is_callback(value):
        # Its settings; the model and anything else that Keras attaches is not one.
        settings = {
            k: v
            for k, v in vars(value).items()
            if k not in ("_model", "params", "validation_data")
        }
        _feed(state, [type(value), settings])
    elif hasattr(value, "__array__"):  # a tensor, a pandas column
        _feed(state, np.asarray(value))
    else:
        kind = type(value)
        raise Unknown(
            f"the content of a {kind.__module__}.{kind.__qualname__} is unknown"
        )


def _is_callback(value):
    import keras

    return isinstance(value, keras.callbacks.Callback)


def _feed_code(state, thing):
    """Add the code of a function, or of all functions of a class."""
    members = vars(thing).values() if inspect.isclass(thing) else [thing]
    for member in members:
        code = (
            getattr(inspect.unwrap(member), "__code__", None)
            if callable(member)
            else None
        )
        if code is None:
            continue
        _feed_one_code(state, code)


def _feed_one_code(state, code):
    """Add compiled code: instructions, names and constants, not line numbers."""
    state.update(code.co_code)
    state.update(" ".join(code.co_names).encode())
    for constant in code.co_consts:
        if inspect.iscode(constant):
            _feed_one_code(state, constant)
        else:
            state.update(repr(constant).encode())


# The cache file --------------------------------------------------------------


def _save(path, digest, model, history):
    """Write weights, optimizer state and history; a failure costs only the cache."""
    weights = [np.asarray(v) for v in model.variables]
    slots = [np.asarray(v) for v in model.optimizer.variables]
    arrays = {f"w{i}": a for i, a in enumerate(weights)}
    arrays |= {f"o{i}": a for i, a in enumerate(slots)}
    about = {
        "digest": digest,
        "content": _hash([weights, slots]),
        "history": history.history,
        "epoch": history.epoch,
        "seconds": history.seconds,
    }
    text = json.dumps(about, default=float)
    try:
        with write_file(path) as partial, partial.open("wb") as file:
            np.savez(
                file, about=np.frombuffer(text.encode(), np.uint8), **arrays
            )
    except CourseError as error:
        print(f"Trained, but not kept for the next time: {error}")


def _load(path, digest, model):
    """Put a cached result into `model`; return its History, or None if it is bad."""
    import keras

    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            count = sum(name.startswith("w") for name in file.files)
            weights = [file[f"w{i}"] for i in range(count)]
            slots = [file[f"o{i}"] for i in range(len(file.files) - count - 1)]
        if about["digest"] != digest or about["content"] != _hash(
            [weights, slots]
        ):
            raise ValueError("not what was written")
        history = keras.callbacks.History()
        history.set_model(model)
        history.history, history.epoch = about["history"], about["epoch"]
        history.seconds = about["seconds"]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
    ):
        print(f"The cached result {path.name} is damaged: training again.")
        return None
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.optimizer.variables, slots, strict=True):
        variable.assign(value)
    model.history = history
    return history
