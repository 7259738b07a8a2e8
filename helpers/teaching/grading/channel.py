"""Messages between processes: a length, then plain data (see `plain`)."""

import socket
import struct
import time

from helpers.teaching.grading import messages

MAX_MESSAGE = messages.MAX_BYTES + 2**20

MAX_PARTS = 5000
"""Values in one message. Who wrote it may have chosen keys that slow a dictionary down."""


class Closed(Exception):
    """The process at the other end is gone."""


class Late(Exception):
    """The other end did not answer in time."""


class Garbled(Exception):
    """The other end sent something that is no message."""


class Channel:
    """One end of a socket that carries messages."""

    def __init__(self, connection):
        self.connection = connection

    def close(self):
        self.connection.close()

    def send(self, message, seconds=60):
        """Send a plain value. Raises Closed, Late, messages.NotPlain."""
        data = messages.dumps(message, max_bytes=MAX_MESSAGE)
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
            return messages.loads(data, None, MAX_MESSAGE, MAX_PARTS)
        except messages.NotPlain as error:
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
