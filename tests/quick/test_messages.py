"""Plain data as bytes: what comes out is plain, whatever goes in."""

import collections
import decimal
import linecache
import math
import os
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.files import COURSE
from helpers.teaching.grading import messages, values
from helpers.teaching.grading.messages import Channel, Closed, Garbled, Late, pair
from helpers.teaching.grading.reading import Unreadable, look_around, read
from helpers.teaching.grading.submissions import function_places, function_text


def there_and_back(value):
    return messages.loads(messages.dumps(value))


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(PLAIN)
@settings(max_examples=200, deadline=None)
def test_equal_and_of_the_same_type(value):
    assert repr(there_and_back(value)) == repr(value)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data):
    with suppress(messages.NotPlain):
        messages.loads(data)


@given(PLAIN, st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_are_read_or_refused(value, place, change):
    data = bytearray(messages.dumps([value, np.arange(3.0)]))
    data[place % len(data)] ^= change
    with suppress(messages.NotPlain):
        messages.loads(bytes(data))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="uint8").reshape(2, 3),
        np.arange(6, dtype=">i2").reshape(2, 3).T,
        np.zeros((0, 3), "float16"),
        np.array(3.5),
        np.array([True, False]),
        np.array([1j, 2], "complex64"),
        np.array(["a", "中文"]),
        np.array([b"a", b"bc"]),
        np.array(["2024-02-03"], "datetime64[D]"),
        np.array([1, "a", None, [2]], object),
    ],
    ids=str,
)
def test_arrays(array):
    found = there_and_back(array)
    assert type(found) is np.ndarray and found.dtype == array.dtype
    assert found.shape == array.shape and found.tolist() == array.tolist()
    found[...] = found  # can be written to


def test_numbers_of_numpy():
    for value in (np.float32(1.5), np.int64(-3), np.bool_(True), np.str_("x")):
        found = there_and_back(value)
        assert type(found) is type(value) and found == value
    assert math.isnan(there_and_back(math.nan))


class Liar:
    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize(
    "value, kind",
    [
        (type("Number", (Liar, int), {})(3), int),
        (type("Number", (Liar, float), {})(3), float),
        (type("Text", (Liar, str), {})("x"), str),
        (type("Many", (Liar, list), {"__iter__": None})([1]), list),
        (type("Many", (Liar, dict), {"items": None})({1: 2}), dict),
        (type("Pair", (Liar, tuple), {})((1, 2)), tuple),
        (collections.Counter("aab"), dict),
        (collections.namedtuple("Point", "x y")(1, 2), tuple),
        (np.arange(3).view(type("Array", (Liar, np.ndarray), {})), np.ndarray),
        (True, bool),
    ],
)
def test_subclasses_arrive_as_plain_types(value, kind):
    assert type(there_and_back(value)) is kind


def endless():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value, reason",
    [
        (object(), "not plain data"),
        (endless(), "nested"),
        ([0] * 1_100_000, "elements"),
        (np.zeros(9_000_000), "too big"),
        ("x" * 70_000_000, "too big"),
        (1 << 40_000, "too long"),
        (np.zeros(2, [("a", int)]), "not carried"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_too_much(value, reason):
    with pytest.raises(messages.NotPlain, match=reason):
        messages.dumps(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"?",
        b"NN",
        b"L" + struct.pack("<I", 2**32 - 1) + b"N" * 100,
        b"S" + struct.pack("<I", 10) + b"short",
        messages.dumps([1, 2])[:-1],
        b"X" + messages.dumps("os.system") + messages.dumps("id"),
        # An array that claims to be larger than it is.
        b"A" + messages.dumps("<f8") + messages.dumps((10**9,)) + messages.dumps(b"1234"),
        # Python objects in an array would be pointers.
        b"A" + messages.dumps("|O") + messages.dumps((1,)) + messages.dumps(b"12345678"),
        b"E" + struct.pack("<I", 1) + messages.dumps([]),
    ],
)
def test_malformed(data):
    with pytest.raises(messages.NotPlain):
        messages.loads(data)


# --- tables ---------------------------------------------------------------------


def carried(value, call=None, texts=None, uncarried=None):
    """What the judge gets of a value of the student."""
    data = values.Carrier().dumps(value)
    uncarried = [] if uncarried is None else uncarried
    return messages.loads(data, values.builders(call, (texts or {}).get, uncarried))


@pytest.mark.parametrize(
    "value, wanted",
    [
        (decimal.Decimal("0.25"), 0.25),
        ([decimal.Decimal(3)], [3.0]),
        (np.longdouble(0.5), np.float64(0.5)),
        (np.arange(3, dtype=np.longdouble) / 2, np.array([0.0, 0.5, 1.0])),
        (np.array([1j], np.clongdouble), np.array([1j])),
        (np.array([[decimal.Decimal(2)]]), np.array([[2.0]], object)),
    ],
)
def test_numbers_of_other_kinds(value, wanted):
    """They arrive as the nearest number that every system has."""
    found = carried(value)
    assert type(found) is type(wanted) and np.array_equal(found, wanted)
    assert getattr(found, "dtype", None) == getattr(wanted, "dtype", None)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["x", None]}),
        pd.DataFrame({"a": [1, 2]}, index=["x", "y"]).rename_axis("name"),
        pd.DataFrame([[1, 2]], columns=["same", "same"]),
        pd.DataFrame({"t": pd.to_datetime(["2024-01-02"])}),
        pd.DataFrame({"k": pd.Categorical(["a", "b", "a"])}),
        pd.DataFrame({"n": pd.array([1, None], "Int64")}),
        pd.DataFrame(),
        pd.DataFrame({"a": [1, 2, 2]}).groupby("a").agg({"a": ["sum", "mean"]}),
    ],
    ids=range(8),
)
def test_tables(frame):
    pd.testing.assert_frame_equal(carried(frame), frame, check_index_type=False)


def test_columns_of_tables():
    series = pd.Series([1.5, 2], ["a", "b"], name="x")
    pd.testing.assert_series_equal(carried(series), series)
    assert list(carried(series.index)) == ["a", "b"]
    assert carried([pd.NA, pd.NaT])[0] is pd.NA


# --- what cannot be carried ------------------------------------------------------


def test_uncarried_says_so():
    noted = []
    found = carried([1, object(), Liar()], uncarried=noted)
    assert len(noted) == 2 and noted[0] is found[1] and noted[1] is found[2]
    assert found[0] == 1
    for use in (
        lambda: found[1] == 1,
        lambda: found[2] == 1,
        lambda: found[1].shape,
        lambda: bool(found[1]),
        lambda: len(found[1]),
        lambda: float(found[1]),
        lambda: np.testing.assert_array_equal(found[2], 3),
        lambda: np.testing.assert_allclose(np.float64(3), found[2]),
    ):
        with pytest.raises(TypeError, match="cannot look into"):
            use()


class Trap:
    """Fails in whichever way it is looked at."""

    __name__ = property(lambda self: 1 / 0)
    __class__ = property(lambda self: int)
    __int__ = __index__ = lambda self: 1 / 0


def test_traps_arrive_as_uncarried():
    assert isinstance(carried(Trap()), values.Uncarried)


# --- models ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Lambda", "module": "keras.layers", "config": {}},
        {"class_name": "Popen", "module": "subprocess", "config": {}},
        {"class_name": "TFSMLayer", "module": "keras.layers", "config": {}},
        {"class_name": "Dense", "module": "mine", "config": {}},
        {
            "class_name": "Dense",
            "module": "keras.layers",
            "registered_name": "mine>Dense",
            "config": {},
        },
        {"class_name": "Popen", "config": {}},
        # Functions and other things of Keras, of which no model is made.
        {"class_name": "load_model", "module": "keras.models"},
        {"class_name": "Variable", "module": "keras", "config": {}},
        {"class_name": "deserialize", "module": "keras.layers"},
        {"class_name": ["Dense"], "module": "keras.layers"},
        {"class_name": "Dense", "module": ["keras.layers"]},
        {
            "class_name": "function",
            "module": "builtins",
            "config": "deserialize",
        },
        [{"config": {"layers": [{"class_name": "get_file", "module": "keras.utils"}]}}],
    ],
)
def test_strange_models_are_refused(config):
    with pytest.raises(values.RefusedModel):
        values._refuse_strangers(config)


# --- messages ----------------------------------------------------------------------


def test_messages():
    left, right = (Channel(end) for end in pair())
    left.send({"a": [1, b"x"]})
    assert right.receive(1) == {"a": [1, b"x"]}
    with pytest.raises(Late):
        right.receive(0.05)
    left.connection.sendall(struct.pack("<Q", 3) + b"???")
    with pytest.raises(Garbled):
        right.receive(1)
    left.connection.sendall(struct.pack("<Q", 2**40))
    with pytest.raises(Garbled):
        right.receive(1)
    left.connection.sendall(b"abc")
    left.close()
    with pytest.raises(Closed):
        right.receive(1)


def test_messages_are_short():
    """Keys can be chosen that make a dictionary slow: so there are not many."""
    left, right = (Channel(end) for end in pair())
    left.send(dict.fromkeys(range(3000)))
    with pytest.raises(Garbled):
        right.receive(1)


def test_texts_of_functions():
    text = "def f():\n    def g():\n        pass\n@f\ndef g(): 1"
    found = {name: function_text(place) for name, place in function_places(text).items()}
    assert found == {
        "f": "def f():\n    def g():\n        pass\n",
        "g": "@f\ndef g(): 1",
    }
    assert function_places("def f(x:") == function_places("f = 3") == {}
    # Looking into 4 MB takes half a minute and 2 GB.
    assert function_places("def f(): pass\n" * 300_000) == {}


def test_functions_in_functions_are_not_copied():
    text = "".join(" " * depth + f"def f{depth}():\n" for depth in range(90)) + " " * 90 + "1"
    places = function_places(text)
    assert len(places) == 90 and all(place[0] is text for place in places.values())


def test_texts_of_functions_are_forgotten():
    def f():
        pass

    for _ in range(3):
        carried(f, texts={"f": "def f():\n    pass"})
    known = [name for name in linecache.cache if name.startswith("<notebook")]
    assert len(known) == 1


no_windows = pytest.mark.skipif(sys.platform == "win32", reason="grading is not for Windows")


@no_windows
def test_files_that_are_none(tmp_path):
    """Nothing is followed, waited for, or read beyond a limit."""
    folder = tmp_path / "ada" / "1_toy"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "plain").write_bytes(b"12345")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/etc/hostname")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "away").symlink_to(tmp_path)
    assert read(folder, PurePosixPath("in/plain"), 5) == b"12345"
    for name, reason in (
        ("in/plain", "more than 0 MB"),
        ("pipe", "no file"),
        ("link", "cannot be read"),
        ("zero", "cannot be read"),
        ("in", "cannot be read|no file"),
        ("away/ada/1_toy/in/plain", "cannot be read"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(Unreadable, match=reason):
            read(folder, PurePosixPath(name), 4)
    found, others = look_around(folder)
    assert {str(path): size for path, size in found.items()} == {"in/plain": 5}
    assert others == ["away", "link", "pipe", "zero"]


@no_windows
@pytest.mark.parametrize("which", ["student", "assignment"])
def test_folders_that_are_links(tmp_path, which):
    real = tmp_path / "bob" / "1_toy"
    real.mkdir(parents=True)
    (real / "1_toy.ipynb").touch()
    if which == "student":
        (tmp_path / "ada").symlink_to(real.parent)
    else:
        (tmp_path / "ada").mkdir()
        (tmp_path / "ada" / "1_toy").symlink_to(real)
    with pytest.raises(Unreadable, match="only a link or file"):
        look_around(tmp_path / "ada" / "1_toy")


@no_windows
def test_folders_without_end(tmp_path):
    folder = tmp_path / "ada" / "1_toy"
    folder.mkdir(parents=True)
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(60):  # deeper than a path may be long
        os.mkdir("x" * 100, dir_fd=handle)
        above, handle = handle, os.open("x" * 100, os.O_RDONLY, dir_fd=handle)
        os.close(above)
    os.close(handle)
    found, others = look_around(folder)
    assert found == {} and len(others) == 1


@no_windows
def test_folder_that_cannot_be_read(tmp_path, monkeypatch):
    def denied(_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "ada" / "1_toy").mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(Unreadable, match="Permission denied"):
        look_around(tmp_path / "ada" / "1_toy")


def test_slow_bytes_do_not_stretch_the_time():
    """One byte now and then is no answer."""
    left, right = socket.socketpair()
    left.sendall(struct.pack("<Q", 100) + b"x")
    with pytest.raises(Late):
        Channel(right).receive(0.1)
    left.close()


def test_what_a_submission_waits_for_is_imported_and_nothing_else():
    """nbformat alone takes as long as NumPy, pandas and matplotlib together."""
    code = (
        "import sys; from helpers.teaching.grading import judge, launcher, student;"
        "print([n for n in sys.modules if n in ('nbformat', 'jsonschema')])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=COURSE
    )
    assert result.stdout.strip() == "[]", result.stderr
