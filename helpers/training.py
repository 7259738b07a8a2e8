"""Reuse a fitted model when nothing that it depends on has changed.

    model.compile(optimizer="adam", loss=..., metrics=["accuracy"])
    history = fit_or_load(model, X_train, y_train, epochs=20, seed=1)

does what `model.fit` does with the same arguments, and remembers the result.
The next call with the same model, compile settings, initial weights, data,
arguments, callbacks, seed and Keras version takes the weights and the history
from a file in the cache folder instead. If any of them differs, it trains.

The code of your own layers, losses, metrics and callbacks counts too, with the
functions and values that it refers to. What it reads from elsewhere (a file,
the clock, the network) cannot be seen: use `live=True` there.
"""

import dis
import functools
import hashlib
import inspect
import json
import numbers
import os
import platform
import sys
import time
import types
import warnings
from pathlib import Path

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

PASSING = {  # what Keras sets on a model or layer in the course of a session
    "build",
    "history",
    "name",
    "predict_function",
    "quantize",
    "stop_training",
    "test_function",
    "train_function",
}

LIBRARIES = {"builtins", *sys.stdlib_module_names}  # and all in site-packages


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
    seed: given to `keras.utils.set_random_seed` before training, and again
    afterwards, so that what follows is the same whether it trained or loaded.
    live: True trains in any case; None looks at the environment variable
    COURSE_LIVE ("1" trains).
    watch: {name: (x, y)}, more data to score after each epoch, like
    `validation_data` but for looking only: `history.history` gets
    `name_accuracy` and so on, and no callback sees them.
    callbacks: they take part in training, and their settings and code count as
    something that the result depends on. They are not called when the result is
    loaded; with one that writes files (`ModelCheckpoint`) it always trains.

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
            f"{model.name!r} has no weights yet: begin it with "
            "keras.Input(shape=...)."
        )
    if not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**32:
        raise CourseError(
            "The seed must be a whole number from 0 to 2**32 - 1, "
            f"not {seed!r}."
        )
    if "val" in (watch or {}):
        raise CourseError(
            'Give the data to watch another name than "val", which is the '
            "name of validation_data."
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
    with tqdm(total=epochs, desc="Training", unit="epoch", delay=1) as bar:
        clock = _clock(bar, watch)
        history = model.fit(x, y, callbacks=[clock, *callbacks], **arguments)
    history.seconds = clock.seconds
    # As a file keeps them, so that they print alike when they are loaded.
    history.history = {
        name: [np.asarray(value).tolist() for value in values]
        for name, values in (history.history | clock.watched).items()
    }
    return history


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
                scores = self.model.evaluate(
                    x, y, batch_size=512, verbose=0, return_dict=True
                )
                for metric, value in scores.items():
                    self.watched.setdefault(f"{name}_{metric}", []).append(
                        value
                    )
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
    config = keras.config
    outputs = getattr(model, "output_names", [])
    try:
        # What was given to `compile`; model.optimizer may have changed since.
        compiled = {**model._compile_config.config, "optimizer": None}
    except AttributeError:
        raise Unknown("the model has a compile method of its own") from None
    return _hash(
        {
            "format": FORMAT,
            "versions": [keras.__version__, __import__(backend).__version__],
            "backend": backend,
            "settings": [
                config.floatx(),
                config.epsilon(),
                config.image_data_format(),
                config.dtype_policy().name,
            ],
            "model": model,
            # Keras names the scores of several outputs after their layers.
            "outputs": outputs if len(outputs) > 1 else None,
            "compile": compiled,
            "optimizer": model.optimizer,
            "data": _arrays([x, y, watch]),
            "arguments": [
                (name, _arrays(arguments[name]))
                for name in sorted(arguments.keys() - UNRELATED)
            ],
            "callbacks": list(callbacks),
            "seed": seed,
        }
    )


def _arrays(value):
    """Pandas columns and the like as arrays, as Keras takes them."""
    if isinstance(value, dict):
        return {k: _arrays(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_arrays(v) for v in value]
    if hasattr(value, "__array__") and not isinstance(value, np.ndarray):
        return np.asarray(value)
    return value


def _hash(value):
    """Hexadecimal SHA-256 of nested values; Unknown for what it cannot read."""
    digest = _Digest()
    try:
        digest.feed(value)
    except RecursionError:
        raise Unknown("something in it contains itself") from None
    return digest.state.hexdigest()


class _Digest:
    """SHA-256 of nested values, each with its type: 1, "1" and [1] differ.

    Of libraries the name and the version count, of the reader's own functions
    and classes the code and everything that it refers to.
    """

    def __init__(self):
        self.state = hashlib.sha256()
        self.seen = {}  # id of an object: (its number, itself, to keep the id)

    def add(self, text):
        self.state.update(f"{text};".encode())

    def feed(self, value):
        """Add one value."""
        kind = type(value)
        if value is None or kind in (bool, int, float, complex, str, bytes):
            self.add(f"{kind.__name__} {value!r}")
        elif isinstance(value, (np.ndarray, np.generic)):
            if value.dtype.hasobject:
                raise Unknown("its data hold Python objects, not numbers")
            self.add(f"array {value.dtype} {value.shape}")
            flat = np.ascontiguousarray(value).reshape(-1)
            self.state.update(flat.view(np.uint8))
        elif isinstance(value, (dict, list, tuple, set, frozenset)):
            self.feed_container(value)
        elif id(value) in self.seen:
            self.add(f"again {self.seen[id(value)][0]}")
        else:
            self.seen[id(value)] = len(self.seen), value
            self.feed_object(value)

    def feed_container(self, value):
        if not _in_library(type(value)):
            raise Unknown(f"{_name(type(value))} may hold more than its items")
        names = (dict, list, tuple, set, frozenset)
        name = next(c.__name__ for c in names if isinstance(value, c))
        self.add(f"{name} {len(value)}")
        if isinstance(value, dict):
            value = [part for item in value.items() for part in item]
        elif isinstance(value, (set, frozenset)):
            value = sorted(map(_hash, value))  # sets have no order
        for item in value:
            self.feed(item)

    def feed_object(self, value):
        """Add an object that may refer to itself."""
        import keras

        self.add(type(value).__name__)
        if isinstance(value, types.CodeType):
            self.feed_code(value)
        elif isinstance(value, types.FunctionType):
            self.feed_function(value)
        elif inspect.isclass(value):
            self.feed_class(value)
        elif isinstance(value, types.ModuleType):
            if not _in_library(value):
                raise Unknown(f"its code uses the module {value.__name__!r}")
            self.feed_name(value)
        elif isinstance(value, types.MethodType):
            self.feed([value.__func__, value.__self__])
        elif isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__  # the list, for a list's append
            self.feed([value.__name__, owner])
        elif isinstance(value, functools.partial):
            self.feed([value.func, value.args, value.keywords])
        elif isinstance(value, (staticmethod, classmethod)):
            self.feed(value.__func__)
        elif isinstance(value, property):
            self.feed([value.fget, value.fset, value.fdel])
        elif value is Ellipsis:
            pass
        elif isinstance(value, keras.Variable) or keras.ops.is_tensor(value):
            self.feed(np.asarray(value))
        elif isinstance(value, keras.layers.Layer):
            self.feed_layers(value)
        elif isinstance(value, keras.optimizers.Optimizer):
            self.feed_optimizer(value)
        elif isinstance(value, keras.callbacks.Callback):
            self.feed_callback(value)
        elif hasattr(value, "get_config"):  # a loss, metric, schedule ...
            self.feed([type(value), _config(value), _own_state(value)])
            if isinstance(value, (keras.metrics.Metric, keras.DTypePolicy)):
                self.feed(value.name)  # the history's key; "float16"
            if isinstance(value, keras.random.SeedGenerator):
                self.feed(value.state)
        elif (
            callable(value)
            and hasattr(value, "__qualname__")  # no mere instance
            and _in_library(value)
        ):  # a function written in C
            self.feed_name(value)
        elif hasattr(value, "__dict__") and not any(
            _in_library(kind) for kind in type(value).__mro__[:-1]
        ):
            self.feed([type(value), vars(value)])
        else:
            raise Unknown(f"the content of a {_name(type(value))} is unknown")

    def feed_name(self, thing):
        """Add the name of something in a library, and the library's version."""
        module = getattr(thing, "__module__", None) or thing.__name__
        top = module.partition(".")[0]
        version = getattr(sys.modules.get(top), "__version__", None)
        name = getattr(thing, "__qualname__", "")
        self.feed([module, name, version or platform.python_version()])

    def feed_function(self, function):
        """Add a function: its code, defaults, and what its names mean."""
        library = _in_library(function)
        if library:
            self.feed_name(function)
        if library and "<" not in function.__qualname__:
            return  # defined once, at the top of its module
        self.feed([function.__code__, function.__defaults__])
        self.feed([function.__kwdefaults__, vars(function)])
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not assigned yet
                content = Ellipsis
            self.feed(content)
        if library:
            return  # its module is the library's, whose version is known
        for name in sorted(_globals_of(function.__code__)):
            if name in function.__globals__:
                self.feed([name, function.__globals__[name]])

    def feed_code(self, code):
        """Add compiled code, without file name and line numbers."""
        self.feed([code.co_code, code.co_exceptiontable, code.co_flags])
        self.feed([code.co_names, code.co_varnames, code.co_freevars])
        self.feed([code.co_cellvars, code.co_argcount])
        self.feed([code.co_posonlyargcount, code.co_kwonlyargcount])
        self.feed(code.co_consts)

    def feed_class(self, kind):
        if _in_library(kind):
            self.feed_name(kind)
            return
        self.add(kind.__qualname__)
        self.feed(list(kind.__bases__))
        for name, member in sorted(vars(kind).items()):
            # Other names with __ say where the class stands, not what it does.
            if inspect.isfunction(member) or not name.startswith("__"):
                self.feed([name, member])

    def feed_layers(self, model):
        """Add a layer or a model: settings, own code and state, weights."""
        import keras

        layers = list(model._flatten_layers())
        for layer in layers:
            self.seen.setdefault(id(layer), (len(self.seen), layer))
        for layer in layers:
            # A subclassed model's settings do not include its layers'.
            self.feed(_config(layer))
            if hasattr(layer, "get_vocabulary") or hasattr(
                layer, "bin_boundaries"
            ):
                raise Unknown(f"what {layer.name!r} has learnt cannot be told")
            policy = layer.dtype_policy.name
            self.feed([type(layer), layer.trainable, policy])
            self.feed(_own_state(layer))
            for step in getattr(layer, "operations", ()):
                if not isinstance(step, keras.layers.Layer):
                    self.feed([type(step), _own_state(step)])
        self.feed([[v.trainable, np.asarray(v)] for v in model.variables])

    def feed_optimizer(self, optimizer):
        if hasattr(optimizer, "_exclude_from_weight_decay"):
            raise Unknown("its optimizer excludes weights from decay")
        self.feed([type(optimizer), _config(optimizer)])
        self.feed(_own_state(optimizer))
        self.feed([np.asarray(v) for v in optimizer.variables])
        self.feed(getattr(optimizer, "inner_optimizer", None))

    def feed_callback(self, callback):
        """Add a callback's settings; the model and `params` come from `fit`."""
        for kind in type(callback).__mro__:
            if _in_library(kind) and kind.__name__ in WITH_FILES:
                raise Unknown(f"{kind.__name__} works with files")
        settings = {
            name: value
            for name, value in vars(callback).items()
            if name not in ("_model", "params")
        }
        self.feed([type(callback), settings])


def _name(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def _in_library(thing):
    """Whether a module, class or function was installed, not written here."""
    if isinstance(thing, types.ModuleType):
        names = [thing.__name__]
    else:
        names = [getattr(thing, "__module__", None) or "__main__"]
    if isinstance(thing, types.FunctionType):
        # A decorated function may bear the name of what it wraps.
        names.append(thing.__globals__.get("__name__", "__main__"))
    return all(_is_installed(name) for name in names)


def _is_installed(name):
    """Whether a module belongs to Python or to an installed package."""
    if name.partition(".")[0] in LIBRARIES:
        return True
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _codes(code):
    """A compiled function and the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _globals_of(code):
    """Names of all global things that a function uses."""
    return {
        step.argval
        for part in _codes(code)
        for step in dis.get_instructions(part)
        if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME"))
        or step.opname == "LOAD_FROM_DICT_OR_GLOBALS"
    }


@functools.cache
def _private_of_library(kind):
    """Names with _ of all attributes that the library bases of a class set."""
    members = [
        inspect.unwrap(getattr(member, "fset", None) or member)
        for base in kind.__mro__
        if _in_library(base)
        for member in vars(base).values()
    ]
    return {
        step.argval
        for member in members
        if inspect.isfunction(member)
        for part in _codes(member.__code__)
        for step in dis.get_instructions(part)
        if step.opname == "STORE_ATTR" and step.argval.startswith("_")
    }


def _own_state(value):
    """What a Keras object holds beyond its `get_config`.

    Functions and objects of the reader's own, which `get_config` merely names,
    and for a class of the reader's own all that no library keeps there, because
    its `get_config` may forget some of it.
    """
    kind = type(value)
    if not _in_library(kind):
        skipped = PASSING | _private_of_library(kind)
        return {
            name: item
            for name, item in vars(value).items()
            if name not in skipped and not name.startswith("_self_")
        }
    return {
        name: item
        for name, item in vars(value).items()
        if name not in PASSING and _is_own(item)
    }


def _is_own(item):
    """Whether the reader's own code may run when this is called."""
    if isinstance(item, types.MethodType):
        item = item.__func__
    if isinstance(item, types.FunctionType) or inspect.isclass(item):
        return not _in_library(item)
    return (
        isinstance(item, functools.partial)
        or hasattr(item, "__wrapped__")  # a tf.function
        or not _in_library(type(item))
    )


def _config(value):
    """A Keras object's `get_config`, with layer names replaced by their order.

    Keras numbers layers through a session ("dense_7"), so the same model has
    other names when its cell is run a second time.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about lambdas
            config = value.get_config()
    except Exception as error:  # the reader's own code, or a lambda's source
        if isinstance(error, NotImplementedError) and not _in_library(
            type(value)
        ):
            return {}  # its attributes count
        raise Unknown(f"{value!r} does not tell its settings") from error
    names = {}

    def number(name):
        return names.setdefault(name, f"layer {len(names)}")

    def rename(value, key=None):
        if isinstance(value, (list, tuple)):
            if key in ("keras_history", "input_layers", "output_layers"):
                # [name, number, number], alone or in a list
                return [
                    number(v) if isinstance(v, str) else rename(v, key)
                    for v in value
                ]
            return [rename(v) for v in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "__lambda__":
            return "lambda"  # with its file's name; `_own_state` has its code
        if key in ("input_layers", "output_layers"):
            return {k: rename(v, key) for k, v in value.items()}
        # A layer has its name in its settings, and beside them in a graph.
        named = key == "config" or "class_name" in value
        return {
            k: number(v)
            if k == "name" and named and isinstance(v, str)
            # The name of a DTypePolicy is what it is: "float16".
            else v
            if k == "config" and "DTypePolicy" in value.get("class_name", "")
            else rename(v, k)
            for k, v in value.items()
        }

    return rename(config, "config")


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
        "params": {
            name: np.asarray(value).tolist()
            for name, value in history.params.items()
        },
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
            np.savez(
                file, about=np.frombuffer(text.encode(), np.uint8), **arrays
            )
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
        if about["digest"] != digest or about["content"] != _hash(
            [kept, weights, slots]
        ):
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
