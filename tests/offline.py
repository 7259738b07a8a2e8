"""Run a command with the network blocked: `python tests/offline.py COMMAND...`

Linux only, no privileges and no extra package needed: the command gets a user
and a network namespace of its own, in which nothing but the loopback interface
exists. Jupyter talks to its kernels over loopback, so notebooks still run.
See the manual pages unshare(2), user_namespaces(7) and netdevice(7).
"""

import ctypes
import functools
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # <linux/sched.h>; os.unshare needs Python 3.12
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914  # <linux/sockios.h>: set the flags of an interface
IFF_UP = 0x1  # <linux/if.h>


def block_network():
    """Move this process into namespaces without a network, loopback excepted.

    The process keeps its user and group. Raises OSError where the system does
    not allow it (containers and some distributions forbid user namespaces).
    """
    import fcntl  # here because Windows has none, and must still import `available`

    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare is not allowed here")
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny", encoding="ascii")
    (process / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    (process / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    # struct ifreq: 16 bytes of name, the flags, and padding to 40 bytes.
    request = struct.pack("16sH22x", b"lo", IFF_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


@functools.cache
def available():
    """Whether this system lets us block the network (tried in a subprocess)."""
    if sys.platform != "linux":
        return False
    trial = [sys.executable, __file__, sys.executable, "-c", "pass"]
    return subprocess.run(trial, capture_output=True).returncode == 0


def main(command):
    """Replace this process by `command`, without a network."""
    if not command:
        sys.exit("Usage: python tests/offline.py COMMAND...")
    try:
        block_network()
    except OSError as error:
        sys.exit(f"The network cannot be blocked on this system ({error}).")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}.")


if __name__ == "__main__":
    main(sys.argv[1:])
