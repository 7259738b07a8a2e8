"""Values that are not plain, carried as plain ones: tables, functions, networks.

The student's process takes them apart (`Carrier`); the judge puts them together again
(`builders`), out of plain data alone: a table as a pandas table, a function as one
that asks the student's process, a Keras model from its configuration and weights,
with Keras's own layers only.
"""

import builtins
import decimal
import fractions
import hashlib
import importlib
import itertools
import json
import linecache
from collections import deque
from collections.abc import ItemsView, Iterator, KeysView, ValuesView

from helpers.teaching.grading import messages

MAX_HANDLES = 10_000

_MODULES = (
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.models",
    "keras.regularizers",
    "keras.src.models.functional",
    "keras.src.models.sequential",
)
"""Where the classes of a carried model may come from."""

_REFUSED_LAYERS = (
    "Lambda",  # runs code
    "TFSMLayer",  # these load and run what others have saved
    "JaxLayer",
    "FlaxLayer",
    "TorchModuleWrapper",
    "StringLookup",  # these read files
    "IntegerLookup",
    "TextVectorization",
)

_DTYPES = (
    "Float32",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "boolean",
    "category",
    "object",
    "str",
    "string",
)


# --- in the student's process ---------------------------------------------------


class Carrier:
    """Takes values apart in the student's process, and keeps what is asked for later.

    Functions and models get a number; the judge uses it to call them, or to hand
    them back to another function of the student.
    """

    def __init__(self):
        self.kept = []

    def dumps(self, value):
        """`value` as bytes; what cannot be carried becomes its type and a reason."""
        try:
            return messages.dumps(value, self.carry)
        except Exception as error:
            # Values of students can fail in any way while they are looked at.
            return messages.dumps(_uncarried(value, str(error)[:200]))

    def keep(self, value):
        if len(self.kept) >= MAX_HANDLES:
            raise messages.NotPlain("too many functions")
        self.kept.append(value)
        return len(self.kept) - 1

    def loads(self, data):
        """The arguments of a call; what was the student's is handed back as it was."""
        return messages.loads(data, {"yours": lambda number: self.kept[number]})

    def carry(self, value):
        modules = {kind.__module__.split(".")[0] for kind in type(value).__mro__}
        if "pandas" in modules:
            taken = _take_table_apart(value)
            if taken is not None:
                return taken
        if "keras" in modules and hasattr(value, "get_weights"):
            taken = self._take_model_apart(value)
            if taken is not None:
                return taken
        if modules & {"tensorflow", "keras", "jax", "jaxlib", "torch"}:
            numpy = getattr(value, "numpy", None)
            if callable(numpy):
                return messages.Extension("same", numpy())
        if isinstance(value, Iterator):
            # As many as can be carried, and one more says that it is too much.
            several = itertools.islice(value, messages.MAX_ITEMS + 1)
            return messages.Extension("iterator", list(several))
        if isinstance(value, (KeysView, ValuesView, ItemsView, deque)):
            return messages.Extension("same", list(value))
        if isinstance(value, decimal.Decimal):
            return messages.Extension("same", float(value))
        if isinstance(value, fractions.Fraction):
            return messages.Extension("fraction", value.as_integer_ratio())
        if callable(value):
            name = getattr(value, "__name__", type(value).__name__)
            return messages.Extension("function", {"name": str(name), "number": self.keep(value)})
        return _uncarried(value, "only plain data can be checked")

    def _take_model_apart(self, model):
        import keras

        if not isinstance(model, keras.Model):
            return None
        content = {
            "config": model.to_json(),
            "weights": model.get_weights(),
            "number": self.keep(model),
        }
        return messages.Extension("model", content)


def _uncarried(value, reason):
    return messages.Extension("uncarried", {"type": type(value).__name__[:100], "reason": reason})


def _take_table_apart(value):
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [_take_column_apart(value.iloc[:, place]) for place in range(value.shape[1])]
        content = {
            "columns": columns,
            "labels": _take_column_apart(value.columns),
            "index": _take_column_apart(value.index),
        }
        return messages.Extension("frame", content)
    if isinstance(value, pd.Series):
        content = {
            "column": _take_column_apart(value),
            "index": _take_column_apart(value.index),
        }
        return messages.Extension("series", content)
    if isinstance(value, pd.Index):
        return messages.Extension("index", _take_column_apart(value))
    if value is pd.NA or value is pd.NaT:
        return messages.Extension("missing", value is pd.NA)
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return messages.Extension("same", value.to_numpy())
    return None


def _take_column_apart(column):
    import numpy as np

    name = tuple(column.names) if hasattr(column, "levels") else column.name
    if not isinstance(name, (str, int, float, tuple, type(None))):
        name = str(name)
    if isinstance(column.dtype, np.dtype) and column.dtype != object:
        values = column.to_numpy()
    else:
        values = list(column)
    return {"name": name, "dtype": str(column.dtype), "values": values}


# --- in the judge ---------------------------------------------------------------


class Uncarried:
    """Stands for a value of the student that cannot be carried; using it says so."""

    def __init__(self, kind, reason):
        self.__dict__.update(_kind=kind, _reason=reason)

    def __repr__(self):
        return f"<{self._kind}, not carried to the tests: {self._reason}>"

    def _refuse(self, *_, **__):
        raise TypeError(
            f"the answer is a {self._kind}, which the tests cannot look into "
            f"({self._reason}); give numbers, text, lists or arrays"
        )

    __getattr__ = __getitem__ = __call__ = __len__ = _refuse
    __iter__ = __next__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __float__ = __int__ = __index__ = __contains__ = _refuse
    __hash__ = object.__hash__


def builders(call, source_of, uncarried):
    """For `messages.loads` in the judge.

    `call(number, positional, named, counted=False)` runs a function of the student;
    `source_of(name)` is the text of the function of that name in the notebook, or None;
    to the list `uncarried` goes each value that could not be carried, as an Uncarried.
    """

    def not_carried(kind, reason):
        uncarried.append(Uncarried(kind, reason))
        return uncarried[-1]

    for file in [name for name in linecache.cache if name.startswith(_FILE)]:
        del linecache.cache[file]  # of tests before this one
    return {
        "same": lambda payload: payload,
        "missing": _missing,
        "frame": _frame,
        "series": _series,
        "index": _index,
        "model": lambda content: _model(content, not_carried),
        "uncarried": lambda content: not_carried(str(content["type"]), str(content["reason"])),
        "function": lambda content: _function(content, call, source_of),
        "iterator": iter,
        "fraction": lambda pair: fractions.Fraction(*pair),
    }


def hand_back(value):
    """For `messages.dumps` in the judge: what the student's process has already."""
    number = getattr(value, "number_in_the_notebook", None)
    return None if number is None else messages.Extension("yours", number)


_FILE = "<notebook "
_files = itertools.count()


def _function(content, call, source_of):
    """A real function, so that `callable`, `inspect.getsource` and decorators work."""
    name, number = str(content["name"]), int(content["number"])

    def function(*positional, **named):
        return call(number, positional, named)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "__main__"
    function.number_in_the_notebook = number
    function.counted_in_its_process = lambda *positional: call(number, positional, {}, True)
    text = source_of(name)
    file = f"{_FILE}{next(_files)}>"
    if text is not None:
        # `inspect` looks here for the lines of a function with this file name.
        lines = text.splitlines(keepends=True)
        linecache.cache[file] = (len(text), None, lines, file)
    # Without a text, `inspect` finds no lines: it must not look at these here.
    function.__code__ = function.__code__.replace(co_filename=file, co_firstlineno=1)
    return function


def _missing(not_available):
    import pandas as pd

    return pd.NA if not_available else pd.NaT


def _column(content):
    """(values, dtype, name) for a pandas table."""
    values, dtype = content["values"], str(content["dtype"])
    if isinstance(values, list):
        return values, dtype if dtype in _DTYPES else "object", content["name"]
    return values, values.dtype, content["name"]


def _index(content):
    import pandas as pd

    values, dtype, name = _column(content)
    if isinstance(values, list) and values and type(values[0]) is tuple:
        names = list(name) if isinstance(name, tuple) else None
        return pd.MultiIndex.from_tuples(values, names=names)
    return pd.Index(values, dtype=dtype, name=name)


def _series(content):
    import pandas as pd

    values, dtype, name = _column(content["column"])
    return pd.Series(values, _index(content["index"]), dtype, name)


def _frame(content):
    import pandas as pd

    index = _index(content["index"])
    columns = [_column(each)[:2] for each in content["columns"]]
    frame = pd.DataFrame(
        {place: pd.Series(values, index, dtype) for place, (values, dtype) in enumerate(columns)},
        index=index,
    )
    frame.columns = _index(content["labels"])
    return frame


def _model(content, not_carried):
    """A Keras model of the student, or Uncarried if it is not made of Keras alone.

    Raises MemoryError, which is no verdict on the model.
    """
    try:
        weights = content["weights"]
        found = hashlib.sha256()
        for array in weights:
            found.update(array)
        # With the digest of the weights, so that two models alike do not become one.
        key = content["config"], found.digest()
        model = _built.pop(key, None) or _build(content["config"])
        model.set_weights(weights)  # whatever a test has done to it
    except MemoryError:
        raise
    except RefusedModel as error:
        return not_carried("model", str(error))
    except Exception as error:
        if "allocat" in str(error) or "OOM" in str(error):  # TensorFlow's words
            raise MemoryError from error
        reason = f"it cannot be rebuilt: {type(error).__name__}: {error}"
        return not_carried("model", reason[:300])
    # Only one that has taken its weights is kept: what is claimed costs nothing later.
    _built[key] = model
    while len(_built) > MAX_BUILT:
        _built.pop(next(iter(_built)))
    model.number_in_the_notebook = content["number"]
    return model


MAX_BUILT = 8
_built = {}
"""{(configuration, digest of the weights): model}: building one takes half a second. A
judge serves one submission, so nothing here outlives it."""


def _build(config):
    """The model of a configuration in JSON. Raises RefusedModel."""
    import keras

    parts = _without_compiling(json.loads(config))
    _refuse_strangers(parts)
    return keras.models.model_from_json(json.dumps(parts))


def _without_compiling(config):
    """A model's configuration without losses, metrics and optimizers."""
    if isinstance(config, list):
        return [_without_compiling(part) for part in config]
    if isinstance(config, dict):
        return {
            name: _without_compiling(part)
            for name, part in config.items()
            if name != "compile_config"
        }
    return config


class RefusedModel(ValueError):
    """A model whose configuration asks for more than Keras's own layers."""


def _refuse_strangers(config):
    """Raise RefusedModel unless every class named in `config` is one of Keras's."""
    if isinstance(config, list):
        for part in config:
            _refuse_strangers(part)
    if not isinstance(config, dict):
        return
    if "class_name" in config:
        name, module = config["class_name"], config.get("module")
        known = _is_part(module, name) or (module is None and name in _INNER)
        function = module == "builtins" and name == "function"
        if name in _REFUSED_LAYERS or not (known or function):
            raise RefusedModel(f"{name} is not a layer that the tests rebuild")
        if config.get("registered_name") not in (None, name) and not function:
            raise RefusedModel(f"{name} is not one of Keras's own classes")
        if function and config.get("config") not in _functions():
            raise RefusedModel("it uses a function of its own")
    for part in config.values():
        _refuse_strangers(part)


_INNER = (
    "__keras_tensor__",
    "__numpy__",
    "__tuple__",
    "__ellipsis__",
    "slice",
    "DTypePolicy",
)


def _is_part(module, name):
    """Is this the name of a class of which models are made, and not of a function?"""
    import keras

    if module not in _MODULES or not isinstance(name, str):
        return False
    kinds = (
        keras.Layer,
        keras.Initializer,
        keras.Regularizer,
        keras.constraints.Constraint,
        keras.DTypePolicy,
    )
    found = getattr(importlib.import_module(module), name, None)
    return isinstance(found, type) and issubclass(found, kinds)


def _functions():
    import keras

    modules = (keras.activations, keras.initializers, keras.regularizers)
    names = {name for module in modules for name in dir(module)}
    return names - {"deserialize", "get", "serialize"}


# An exception of the student's function is raised in the test as the same type, if
# it is one of Python's own: a test may ask for ValueError.
EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    # The first would end a loop of the test as if all were well; the others want
    # more than a text.
    and not issubclass(
        kind,
        (StopIteration, StopAsyncIteration, UnicodeError, BaseExceptionGroup),
    )
}
