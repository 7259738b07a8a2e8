"""What crosses the border between a student's process and the rest: plain data as bytes,
and the channels that carry them.

Never pickle: whoever reads these bytes gets built-in types, NumPy arrays of numbers
and text, and nothing that runs code, whatever the writer intended. A subclass is
written as the type below it, so an object that claims to be equal to everything
arrives as an ordinary number.

Each value is one byte that names its kind, then its content; lengths are four
bytes, little-endian. Kind X carries everything else: a name and a plain payload,
handed to the reader's own table of `builders`. On a `Channel` each message is a length of
eight bytes, then one value.
"""

import re
import socket
import struct
import time

MAX_BYTES = 64 * 2**20
MAX_ITEMS = 1_000_000
MAX_DEPTH = 40
MAX_DIGITS = 4096  # bytes of one whole number

_ARRAY = re.compile(r"[<>|](b1|[iu][1248]|f[248]|c8|c16|[SU]\d+|[mM]8.*)")


class NotPlain(ValueError):
    """The value cannot be carried, or the bytes are not a plain value."""


class Extension:
    """A value that is not plain, as the pair (name, plain payload)."""

    def __init__(self, name, payload):
        self.name = name
        self.payload = payload


def dumps(value, carry=None, max_bytes=MAX_BYTES):
    """`value` as bytes.

    `carry(value)` turns what is not plain into an Extension (or returns None).
    Raises NotPlain for what cannot be carried, and for what is too much.
    """
    writer = _Writer(carry, max_bytes)
    writer.value(value, 0)
    return b"".join(writer.parts)


def loads(data, builders=None, max_bytes=MAX_BYTES, max_items=MAX_ITEMS):
    """The value behind `data`, built of exact built-in types and NumPy arrays.

    `builders` maps an Extension's name to a function of its payload. Raises
    NotPlain for anything that `dumps` does not write, and MemoryError.
    """
    if len(data) > max_bytes:
        raise NotPlain(f"more than {max_bytes:,} bytes")
    reader = _Reader(data, builders or {}, max_items)
    try:
        value = reader.value(0)
    except (NotPlain, MemoryError):  # the second says nothing about the data
        raise
    except Exception as error:  # every malformed input ends here
        raise NotPlain(f"malformed data ({type(error).__name__})") from error
    if reader.at != len(data):
        raise NotPlain("malformed data (something follows it)")
    return value


class _Writer:
    def __init__(self, carry, max_bytes):
        self.carry = carry
        self.left = max_bytes
        self.items = MAX_ITEMS
        self.parts = []

    def put(self, data):
        self.left -= len(data)
        if self.left < 0:
            raise NotPlain("it is too big to be carried")
        self.parts.append(data)

    def sized(self, kind, data):
        self.put(kind + struct.pack("<I", len(data)))
        self.put(data)

    def several(self, kind, values, depth):
        values = list(values)
        if len(values) > self.items:
            raise NotPlain(f"it has more than {MAX_ITEMS:,} elements")
        self.put(kind + struct.pack("<I", len(values)))
        for value in values:
            self.value(value, depth + 1)

    def value(self, value, depth):
        self.items -= 1
        if self.items < 0:
            raise NotPlain(f"it has more than {MAX_ITEMS:,} elements")
        if depth > MAX_DEPTH:
            raise NotPlain(f"it is nested more than {MAX_DEPTH} deep")
        if value is None or value is True or value is False:
            self.put({None: b"N", True: b"T", False: b"F"}[value])
        elif isinstance(value, int):
            value = int(value)
            size = value.bit_length() // 8 + 1
            if size > MAX_DIGITS:
                raise NotPlain("a whole number is too long")
            self.sized(b"I", value.to_bytes(size, "little", signed=True))
        elif isinstance(value, float) and not _is_numpy(value):
            self.put(b"D" + struct.pack("<d", value))
        elif isinstance(value, complex) and not _is_numpy(value):
            self.put(b"C" + struct.pack("<2d", value.real, value.imag))
        elif isinstance(value, str) and not _is_numpy(value):
            self.sized(b"S", str.encode(value, "utf-8", "surrogatepass"))
        elif isinstance(value, (bytes, bytearray)) and not _is_numpy(value):
            self.sized(b"B", bytes(value))
        elif isinstance(value, list):
            self.several(b"L", list.__iter__(value), depth)
        elif isinstance(value, tuple):
            self.several(b"U", tuple.__iter__(value), depth)
        elif isinstance(value, set):
            self.several(b"E", set.__iter__(value), depth)
        elif isinstance(value, frozenset):
            self.several(b"Z", frozenset.__iter__(value), depth)
        elif isinstance(value, dict):
            pairs = (part for pair in dict.items(value) for part in pair)
            self.several(b"M", pairs, depth)
        elif isinstance(value, range):
            self.several(b"R", (value.start, value.stop, value.step), depth)
        elif isinstance(value, slice):
            self.several(b"J", (value.start, value.stop, value.step), depth)
        elif _is_numpy(value) and self.array(value, depth):
            pass
        else:
            self.extension(value, depth)

    def array(self, value, depth):
        """Write an array or a NumPy number; False if it is neither."""
        import numpy as np

        if not isinstance(value, (np.ndarray, np.generic)):
            return False
        array = np.asarray(value)
        if array.dtype == object:
            self.put(b"O")
            self.value(array.shape, depth + 1)
            self.several(b"L", array.ravel().tolist(), depth + 1)
            return True
        narrower = {"g": np.float64, "G": np.complex128}.get(array.dtype.char)
        if narrower:  # long doubles, which differ from system to system
            array = array.astype(narrower)
        if not _ARRAY.fullmatch(array.dtype.str.replace("=", "<")):
            if array.dtype.kind == "V" and array.dtype.fields is None:
                array = array.astype(np.float32)  # bfloat16 and its kin
            else:
                raise NotPlain(f"arrays of {array.dtype} are not carried")
        self.put(b"G" if isinstance(value, np.generic) else b"A")
        self.value(array.dtype.str, depth + 1)
        self.value(array.shape, depth + 1)
        self.sized(b"B", np.ascontiguousarray(array).tobytes())
        return True

    def extension(self, value, depth):
        if not isinstance(value, Extension):
            value = self.carry(value) if self.carry else None
        if value is None:
            raise NotPlain("it is not plain data")
        self.put(b"X")
        self.value(value.name, depth + 1)
        self.value(value.payload, depth + 1)


def _is_numpy(value):
    """Without importing NumPy: no value is NumPy's before NumPy is imported."""
    return any(kind.__module__ == "numpy" for kind in type(value).__mro__)


class _Reader:
    def __init__(self, data, builders, max_items):
        self.data = memoryview(data)
        self.builders = builders
        self.at = 0
        self.items = max_items

    def take(self, count):
        if count > len(self.data) - self.at:
            raise NotPlain("malformed data (it ends too early)")
        self.at += count
        return self.data[self.at - count : self.at]

    def length(self):
        return struct.unpack("<I", self.take(4))[0]

    def sized(self):
        return bytes(self.take(self.length()))

    def several(self, depth):
        return [self.value(depth + 1) for _ in range(self.length())]

    def value(self, depth):
        self.items -= 1
        if self.items < 0 or depth > MAX_DEPTH + 4:
            raise NotPlain("malformed data (too many elements)")
        kind = bytes(self.take(1))
        if kind in b"NTF":
            return {b"N": None, b"T": True, b"F": False}[kind]
        if kind == b"I":
            number = self.sized()
            if len(number) > MAX_DIGITS:
                raise NotPlain("malformed data (a number is too long)")
            return int.from_bytes(number, "little", signed=True)
        if kind == b"D":
            return struct.unpack("<d", self.take(8))[0]
        if kind == b"C":
            return complex(*struct.unpack("<2d", self.take(16)))
        if kind == b"S":
            return self.sized().decode("utf-8", "surrogatepass")
        if kind == b"B":
            return self.sized()
        if kind in b"LUEZ":
            build = {b"L": list, b"U": tuple, b"E": set, b"Z": frozenset}[kind]
            return build(self.several(depth))
        if kind == b"M":
            parts = self.several(depth)
            return dict(zip(parts[::2], parts[1::2], strict=True))
        if kind == b"R":
            return range(*self.several(depth))
        if kind == b"J":
            return slice(*self.several(depth))
        if kind in b"AGO":
            return self.array(kind, depth)
        if kind == b"X":
            name = self.value(depth + 1)
            payload = self.value(depth + 1)
            if name not in self.builders:
                raise NotPlain("malformed data (unknown kind)")
            return self.builders[name](payload)
        raise NotPlain("malformed data (unknown kind)")

    def array(self, kind, depth):
        import numpy as np

        first = self.value(depth + 1)
        if kind == b"O":
            flat = self.value(depth + 1)
            array = np.empty(len(flat), object)
            array[:] = flat
            return array.reshape(first)
        shape, content = self.value(depth + 1), self.value(depth + 1)
        if not _ARRAY.fullmatch(first):
            raise NotPlain("malformed data (unknown kind of array)")
        array = np.frombuffer(content, np.dtype(first)).reshape(shape).copy()
        return array[()] if kind == b"G" else array


# --- channels ---------------------------------------------------------------------

MAX_MESSAGE = MAX_BYTES + 2**20

MAX_PARTS = 5000
"""Values in one message of a student's process to the coordinator."""


class Closed(Exception):
    """The process at the other end is gone."""


class Late(Exception):
    """The other end did not answer in time."""


class Garbled(Exception):
    """The other end sent something that is no message."""


class Channel:
    """One end of a socket that carries messages.

    `max_parts`: values in one message. Who writes to the coordinator may have chosen keys
    that slow a dictionary down; what the coordinator writes is believed.
    """

    def __init__(self, connection, max_parts=MAX_PARTS):
        self.connection = connection
        self.max_parts = max_parts

    def close(self):
        self.connection.close()

    def send(self, message, seconds=60):
        """Send a plain value. Raises Closed, Late, NotPlain."""
        data = dumps(message, max_bytes=MAX_MESSAGE)
        self.connection.settimeout(seconds)
        try:
            self.connection.sendall(struct.pack("<Q", len(data)) + data)
        except TimeoutError as error:
            raise Late from error
        except OSError as error:
            raise Closed from error

    def receive(self, seconds=None):
        """The next message; waits forever if `seconds` is None.

        Raises Closed, Late, Garbled.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        (size,) = struct.unpack("<Q", self._exactly(8, deadline))
        if size > MAX_MESSAGE:
            raise Garbled(f"a message of {size:,} bytes")
        try:
            data = self._exactly(size, deadline)
            return loads(data, None, MAX_MESSAGE, self.max_parts)
        except NotPlain as error:
            raise Garbled(str(error)) from error

    def _exactly(self, size, deadline):
        data = bytearray()
        while len(data) < size:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Late
            self.connection.settimeout(left)
            try:
                more = self.connection.recv(min(size - len(data), 2**20))
            except TimeoutError as error:
                raise Late from error
            except OSError as error:
                raise Closed from error
            if not more:
                raise Closed
            data += more
        return bytes(data)


def pair():
    """Two connected sockets."""
    return socket.socketpair()
