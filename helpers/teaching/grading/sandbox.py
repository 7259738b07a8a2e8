"""Where submissions run: bubblewrap outside, one more set of namespaces for each.

bubblewrap gives one read-only view of the system to the `zygote`, which imports what
takes long. Each submission then runs in a fork of it with namespaces of its own: it
sees none of the others, has no network, writes into a scratch folder of limited size
that vanishes with it, and whatever it leaves behind dies with its first process.

    zygote               imports Keras once; trusted
      outer process      makes the namespaces, waits
        process 1        counts memory, reaps, ends everything; trusted
          the work       cells of a student, or tests; no rights, limits on everything
"""

import ctypes
import json
import os
import select
import shutil
import signal
import sys
import sysconfig
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

try:
    import resource
except ImportError:  # on Windows, where nothing is graded
    resource = None

from helpers.files import COURSE, CourseError, data_folder

SCRATCH = "/scratch"
"""The only place where a submission can write, as it sees it."""

DISK_MB = 256
THREADS = 256
"""Processes and threads together."""

PROCESSES = 32
"""Processes; so many more as there are processors, for pools that have one for each."""

OPEN_FILES = 512
FILES_FREE, SOCKET = 100, 213_000
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
LAST_IN_LINE = 19  # for `nice`

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""With another number of threads, a network's last digits would be others, and so would
be marks, by half a point now and then."""

USER = 1000  # as the submission sees itself
NOBODY = 65534  # whom the grader becomes if root runs it

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
_SET_DUMPABLE, _DROP_BOUNDING, _SET_NO_NEW_PRIVILEGES = 4, 24, 38


def available():
    """Is there a bubblewrap to be used?"""
    return sys.platform == "linux" and shutil.which("bwrap") is not None


def require(trusted):
    """Raise CourseError, saying what to do, if submissions cannot be run here."""
    if sys.platform == "win32":
        raise CourseError(
            "Grading does not run on Windows itself: use the Windows Subsystem for "
            "Linux, or a container."
        )
    if trusted or available():
        return
    if sys.platform == "linux":
        how = "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap)"
    else:
        how = "Grade on Linux, for instance in a container with bubblewrap"
    raise CourseError(
        "Submissions are not run, because nothing here keeps them away from your "
        f"files and from each other. {how}. If you trust every one of these "
        "submissions as you trust your own programs, say so with --trusted."
    )


def command(words):
    """The command line that runs `words` in the read-only view of the system."""
    inside = ["--die-with-parent", "--new-session", "--unshare-user"]
    for kind in ("pid", "net", "ipc", "uts", "cgroup-try"):
        inside.append(f"--unshare-{kind}")
    system = ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    system += ["--tmpfs", SCRATCH]
    if os.getuid() != 0:
        view = [*_view(), *system, "--remount-ro", "/", "--chdir", "/"]
        return ["bwrap", *inside, *view, *words]
    # Limits do not bind root. So root makes the view, where nothing else depends on
    # who may read the folders above it, and nobody does the rest.
    first = ["bwrap", "--die-with-parent"]
    for right in ("CAP_SETUID", "CAP_SETGID"):
        first += ["--cap-add", right]
    become = (
        f"import os, sys; os.setgroups([]); os.setgid({NOBODY}); "
        f"os.setuid({NOBODY}); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    first += [*_view(), "--bind", "/proc", "/proc", "--dev", "/dev"]
    first += ["--remount-ro", "/", "--chdir", "/"]
    first += [sys.executable, "-I", "-c", become]
    second = ["bwrap", *inside, "--ro-bind", "/", "/", *system, "--chdir", "/"]
    return [*first, *second, *words]


def _view():
    """What the zygote sees of this system: programs, Python, the helpers, the data."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if Path(name).is_symlink():
            words += ["--symlink", str(Path(name).readlink()), name]
        elif Path(name).is_dir():
            words += ["--ro-bind", name, name]
    words += ["--dir", "/etc"]
    for name in ("ld.so.cache", "alternatives", "localtime"):
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    # bubblewrap itself needs a /tmp.
    words += ["--dir", SCRATCH, "--dir", "/tmp"]
    folders = [COURSE / "helpers", COURSE / "fonts", COURSE / "data", data_folder()]
    folders = [*_python_folders(), *filter(Path.is_dir, dict.fromkeys(folders))]
    for folder in [Path("/usr"), *folders]:
        if COURSE.is_relative_to(folder.resolve()):
            raise CourseError(
                f"Nothing was graded, because submissions can read {folder}, and the "
                "course with its hidden tests is inside. Move the course elsewhere, "
                "or its data or virtual environment into a folder of their own."
            )
    for folder in folders:
        for above in reversed(folder.parents[:-1]):
            words += ["--dir", str(above)]  # or only root could pass through
        words += ["--ro-bind", str(folder), str(folder)]
    return words


def _python_folders():
    """The folders of this Python, its environment and its packages."""
    folders = [sys.base_prefix, sys.prefix, sys.exec_prefix]
    folders += [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    found = []
    for folder in (Path(name) for name in folders):
        inside = [Path("/usr"), *found]
        if folder.is_dir() and not any(folder.is_relative_to(known) for known in inside):
            found.append(folder)
    return found


def environment(scratch=None):
    """The variables of the zygote: nothing of the teacher's, except where data is.

    `scratch` is the folder to write into where nothing is confined.
    """
    scratch = scratch or SCRATCH
    variables = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(COURSE),
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "student",
        "LOGNAME": "student",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": f"{scratch}/matplotlib",
        "IPYTHONDIR": f"{scratch}/ipython",
        "KERAS_HOME": f"{scratch}/keras",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "NBGRADER_EXECUTION": "autograde",
        "COURSE_DATA": str(data_folder()),
        "COURSE_CACHE": f"{scratch}/cache",
        **ONE_THREAD,
    }
    if sys.platform == "darwin":
        variables["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return variables


def run_alone(work, lifeline, limits, confined):
    """Fork `work()` off with limits; return when all that it started is gone.

    In the outer process. `lifeline` is a socket: when its other end is closed,
    everything ends at once; at the end it tells why: {"end": ..., "detail": ...}.
    `limits` has "memory_mb" and "seconds", which holds for the clock and for processors.
    """
    if confined:
        _new_namespaces()
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return
    end = {"end": "failed", "detail": ""}
    try:
        if confined:
            _hide()
        end = _watch(work, lifeline, limits, confined)
    except BaseException as error:
        end["detail"] = f"{type(error).__name__}: {error}"
    finally:
        with suppress(OSError):  # perhaps nobody waits for it any more
            lifeline.send(json.dumps(end).encode()[:4000])
        os._exit(0)


def _watch(work, lifeline, limits, confined):
    """In process 1: start the work, and say how it ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Process 1 hears signals of the work only where it has handlers: so it has none.
    _no_handlers()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            lifeline.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            if confined:
                _give_up_rights(libc)
            _limit(limits, confined)
            work()
            code = 0
        except Exception:
            traceback.print_exc()  # into the zygote's log
        finally:
            os._exit(code)
    if sys.platform == "linux":
        libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # its memory is its own
    try:
        return _until_the_end(child, lifeline, limits, confined)
    finally:
        if not confined:  # otherwise everything dies with process 1
            with suppress(OSError):
                os.killpg(child, signal.SIGKILL)


def _no_handlers():
    for number in signal.valid_signals():
        with suppress(OSError, ValueError):  # two kinds cannot be handled anyway
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)


def _until_the_end(child, lifeline, limits, confined):
    deadline = time.monotonic() + limits["seconds"]
    allowed = limits["memory_mb"] * 2**20
    before = _usage(child).memory if confined else 0
    processes = PROCESSES + (os.cpu_count() or 1)
    status = None
    while status is None:
        # Something to read means that the other end is closed: nothing is ever sent.
        if select.select([lifeline], [], [], 0.1)[0]:
            return {"end": "stopped", "detail": ""}
        if time.monotonic() > deadline:
            return {"end": "time", "detail": ""}
        if confined:
            used = _usage(child)
            if used.memory - before > allowed:
                return {"end": "memory", "detail": ""}
            if used.processes > processes:
                return {"end": "processes", "detail": f"more than {processes}"}
            if used.seconds > limits["seconds"]:
                return {"end": "processor", "detail": ""}
        status = _reap(child)
    if os.WIFSIGNALED(status):
        return {"end": "signal", "detail": _signal(os.WTERMSIG(status))}
    return {"end": "exit", "detail": str(os.WEXITSTATUS(status))}


def _reap(child):
    """Bury the dead; the status of `child` if it is among them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == child:
            return status
        if pid == 0:
            return None


def _signal(number):
    """What a signal is called; those for real time have no names."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Usage(NamedTuple):
    """What all processes of a sandbox use together, process 1 left out."""

    memory: int
    """Bytes. Each open file above FILES_FREE counts as SOCKET bytes: as much as the system
    keeps for a socket that nobody reads, and counts nowhere."""
    processes: int
    seconds: float
    """Of processors, so far."""


def _usage(child):
    """The Usage now; makes all processes but `child` give way to others."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory, processes = 0, 0
    seconds = ended.ru_utime + ended.ru_stime
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or folder.name == "1":
            continue
        processes += 1
        try:
            memory += _memory_of(folder)
            times = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            seconds += (int(times[11]) + int(times[12])) / TICKS
            files = (folder / "fd").stat().st_size  # before Linux 6.2 always 0
            files = files or len(os.listdir(folder / "fd"))  # noqa: PTH208
            memory += max(files - FILES_FREE, 0) * SOCKET
            if int(folder.name) != child and int(times[16]) < LAST_IN_LINE:
                os.setpriority(os.PRIO_PROCESS, int(folder.name), LAST_IN_LINE)
        except (OSError, ValueError, IndexError):
            pass  # it is gone
    return Usage(memory, processes, seconds)


def _memory_of(folder):
    """The bytes of one process, given its folder in /proc."""
    found = _rss(folder)
    if found is None:
        # The first thread has ended and others have not: these know.
        threads = (_rss(thread) for thread in (folder / "task").iterdir())
        found = next((bytes_ for bytes_ in threads if bytes_ is not None), 0)
    return found


def _rss(folder):
    """The bytes that /proc/.../status names, None if it names none."""
    found = None
    for line in (folder / "status").read_text("utf-8").splitlines():
        if line.startswith(("RssAnon", "RssShmem")):
            found = (found or 0) + int(line.split()[1]) * 1024
    return found


def _check(result, what):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _new_namespaces():
    """New namespaces for this process's children; in it all rights, outside none."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    flags = _NEWUSER | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS
    _check(libc.unshare(flags), "namespaces")
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{USER} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{USER} {group} 1", "ascii")


def _hide():
    """In process 1: its own scratch folder, its own /proc, no further namespaces."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(kind, where, flags, options=""):
        words = (kind.encode(), where.encode(), kind.encode(), flags)
        _check(libc.mount(*words, options.encode()), f"mount {where}")

    _check(libc.unshare(_NEWNS), "namespaces")
    mount("", "/", _REC | _PRIVATE)
    options = "nr_inodes=20000,mode=1777,size="
    mount("tmpfs", SCRATCH, _NOSUID | _NODEV, f"{options}{DISK_MB}m")
    mount("tmpfs", "/dev/shm", _NOSUID | _NODEV, f"{options}{DISK_MB // 4}m")
    options = "newinstance,ptmxmode=0666,mode=600"  # no terminal of another
    mount("devpts", "/dev/pts", _NOSUID | _NOEXEC, options)
    mount("proc", "/proc", _NOSUID | _NODEV | _NOEXEC)
    # Mapped by several processes, /dev/zero is memory that no process owns.
    _check(libc.mount(b"/dev/null", b"/dev/zero", None, _BIND, None), "mount /dev/zero")
    Path("/proc/sys/user/max_user_namespaces").write_text("0", "ascii")


def _give_up_rights(libc):
    """No capabilities, now or later, and a filter of system calls."""
    from helpers.teaching.grading import syscalls

    for right in range(64):
        libc.prctl(_DROP_BOUNDING, right, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _check(libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new rights")
    syscalls.apply()


def _limit(limits, confined):
    def limit(kind, value):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))

    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, DISK_MB * 2**20)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        used = pages * resource.getpagesize()
        limit(resource.RLIMIT_AS, used + limits["memory_mb"] * 2**20)
    if confined:  # elsewhere it would count all processes of this user
        limit(resource.RLIMIT_NPROC, THREADS)
