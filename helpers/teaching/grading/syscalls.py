"""A filter of system calls for a sandboxed process (Linux, seccomp).

The namespaces of the sandbox already hide files, network and processes. The filter
takes away what is left around them: memory that no limit counts (memfd, System V,
mappings that are shared and of no file),
sockets that know no network namespace (VSOCK, ALG), new namespaces, ways to slow down
or stop the process that watches, and doors into the kernel that no notebook needs.
"""

import ctypes
import errno
import platform
import struct

# Numbers of the calls on both architectures; those from 424 on are the same.
_REFUSED = {
    "x86_64": {
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "unshare": 272,
        "setns": 308,
        "mount": 165,
        "umount2": 166,
        "pivot_root": 155,
        "chroot": 161,
        "setpriority": 141,
        "sched_setparam": 142,
        "sched_setscheduler": 144,
        "sched_setattr": 314,
        "ioprio_set": 251,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "bpf": 321,
        "perf_event_open": 298,
        "userfaultfd": 323,
        "memfd_create": 319,
        "name_to_handle_at": 303,
        "open_by_handle_at": 304,
        "shmget": 29,
        "semget": 64,
        "msgget": 68,
        "sched_setaffinity": 203,
        "kexec_load": 246,
        "init_module": 175,
        "finit_module": 313,
        "delete_module": 176,
    },
    "aarch64": {
        "ptrace": 117,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "unshare": 97,
        "setns": 268,
        "mount": 40,
        "umount2": 39,
        "pivot_root": 41,
        "chroot": 51,
        "setpriority": 140,
        "sched_setparam": 118,
        "sched_setscheduler": 119,
        "sched_setattr": 274,
        "ioprio_set": 30,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "bpf": 280,
        "perf_event_open": 241,
        "userfaultfd": 282,
        "memfd_create": 279,
        "name_to_handle_at": 264,
        "open_by_handle_at": 265,
        "shmget": 194,
        "semget": 190,
        "msgget": 186,
        "sched_setaffinity": 122,
        "kexec_load": 104,
        "init_module": 105,
        "finit_module": 273,
        "delete_module": 106,
    },
}
_REFUSED_EVERYWHERE = {
    "io_uring_setup": 425,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fspick": 433,
    "clone3": 435,  # its flags cannot be looked at; libraries fall back to clone
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "memfd_secret": 447,
}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_CLONE = {"x86_64": 56, "aarch64": 220}
_MMAP = {"x86_64": 9, "aarch64": 222}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_FAMILIES = (1, 2, 10, 16)  # Unix, IPv4, IPv6, netlink
_CLONE_NEWUSER = 0x10000000
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20

_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000


def program(machine):
    """The filter as a list of BPF instructions (code, jump true, jump false, value)."""
    refuse = (_RETURN, 0, 0, _ERROR | errno.EPERM)
    absent = (_RETURN, 0, 0, _ERROR | errno.ENOSYS)
    lines = [
        (_LOAD, 0, 0, 4),  # architecture
        (_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # number of the call
        (_AT_LEAST, 0, 1, 0x40000000),  # the x32 calls
        (_RETURN, 0, 0, _KILL),
    ]
    for number in (_REFUSED[machine] | _REFUSED_EVERYWHERE).values():
        lines += [(_EQUAL, 0, 1, number), absent]
    families = len(_FAMILIES)
    lines += [(_EQUAL, 0, families + 2, _SOCKET[machine]), (_LOAD, 0, 0, 16)]
    for index, family in enumerate(_FAMILIES):
        lines.append((_EQUAL, families - index, 0, family))
    lines += [
        refuse,
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 3, _CLONE[machine]),
        (_LOAD, 0, 0, 16),
        (_BITS, 0, 1, _CLONE_NEWUSER),
        refuse,
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 5, _MMAP[machine]),
        (_LOAD, 0, 0, 40),
        (_BITS, 0, 2, _MAP_SHARED),
        (_BITS, 0, 1, _MAP_ANONYMOUS),
        refuse,
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 3, _PRLIMIT[machine]),
        (_LOAD, 0, 0, 16),
        (_EQUAL, 1, 0, 0),  # one's own limits only, not those of process 1
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return lines


def apply():
    """Filter this process and all that it will start. Raises OSError."""
    machine = platform.machine()
    if machine not in _REFUSED:
        return  # the namespaces still hold
    lines = program(machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in lines))

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = Filter(len(lines), ctypes.addressof(code))
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, mode_filter, ctypes.byref(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
