"""The network is really blocked, and what kernels need still works."""

import errno
import os
import subprocess
import sys

import offline
import pytest
from support import skip_or_fail


@pytest.fixture
def run_offline():
    """A function that runs a command offline and returns the finished process."""
    if not offline.available():
        skip_or_fail("the network cannot be blocked on this system")

    def run(*command):
        return subprocess.run(
            [sys.executable, offline.__file__, *command], capture_output=True, text=True
        )

    return run


def test_outside_address_is_refused(run_offline):
    # 192.0.2.1 is reserved for documentation (RFC 5737). Where packets can leave,
    # connecting to it hangs until the time-out; here the kernel must refuse.
    result = run_offline(
        sys.executable,
        "-c",
        "import socket\n"
        "try:\n"
        "    socket.create_connection(('192.0.2.1', 80), timeout=20)\n"
        "except OSError as error:\n"
        "    print(error.errno)\n",
    )
    # A time-out has no number: the refusal came from the kernel.
    assert result.stdout == f"{errno.ENETUNREACH}\n", result.stderr


def test_only_loopback_exists(run_offline):
    result = run_offline(sys.executable, "-c", "import socket; print(socket.if_nameindex())")
    assert "'lo'" in result.stdout, result.stderr
    assert result.stdout.count("(") == 1


def test_loopback_works(run_offline):
    result = run_offline(
        sys.executable,
        "-c",
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(server.getsockname(), timeout=5)\n"
        "server.accept()[0].sendall(b'hello')\n"
        "print(client.recv(5).decode())\n",
    )
    assert result.stdout.strip() == "hello", result.stderr


def test_same_user_and_same_exit_code(run_offline):
    result = run_offline(sys.executable, "-c", "import os, sys; print(os.getuid()); sys.exit(7)")
    assert result.returncode == 7
    assert int(result.stdout) == os.getuid()


def test_unknown_command_is_one_sentence(run_offline):
    result = run_offline("no-such-command")
    assert result.returncode == 1
    sentence = "no-such-command cannot be run: No such file or directory."
    assert result.stderr.strip() == sentence
