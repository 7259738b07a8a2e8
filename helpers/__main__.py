"""`python -m helpers COMMAND`: the course's commands.

To add one: write a function that takes the parsed arguments and returns an exit code
(or None for 0), and name it in COMMANDS.
"""

import argparse
import sys
from pathlib import Path

from helpers.files import COURSE, CourseError


def doctor(arguments):
    from helpers import doctor

    return doctor.run(arguments.requirements, arguments.quick)


def data(arguments):
    from helpers import handwriting
    from helpers.handwriting import simulator
    from helpers.images import class_folders, image_files

    found = handwriting.get(arguments.size)
    print(found)
    print(f"Folder: {found.folder}")
    for split in (found.train, found.test):
        count = sum(len(image_files(f)) for f in class_folders(split).values())
        print(f"{split.name}: {count:,} images")
    if arguments.checksum:
        print(f"SHA-256 of all images: {simulator.checksum(found.folder)}")


def grade(arguments):
    try:
        import nbgrader  # noqa: F401
    except ImportError as error:
        raise CourseError(
            "Grading needs packages that students do not need: install them with "
            "python -m pip install -r requirements-grading.txt."
        ) from error
    from helpers.teaching.grading import run

    return run.grade(arguments)


def release(arguments):
    try:
        import nbgrader  # noqa: F401
    except ImportError as error:
        raise CourseError(
            "Releasing assignments needs packages that students do not need: install them "
            "with python -m pip install -r requirements-grading.txt."
        ) from error
    from helpers.teaching.grading import release

    return release.release(arguments)


def handouts(arguments):
    from helpers.teaching.handouts import handouts

    return handouts.run(arguments)


def present(arguments):
    from helpers.teaching import present

    return present.run(arguments)


def doctor_options(command):
    command.add_argument(
        "--requirements",
        type=Path,
        default=COURSE / "requirements.txt",
        metavar="FILE",
        help="the list of packages to look for (default: the course's)",
    )
    command.add_argument("--quick", action="store_true", help="leave out what takes seconds")


def data_options(command):
    command.add_argument("--size", default="default", help="default or full")
    command.add_argument("--checksum", action="store_true", help="SHA-256 over all images")


def grade_options(command):
    command.add_argument(
        "submissions",
        type=Path,
        nargs="?",
        metavar="SUBMISSIONS",
        help="a folder with STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, such as nbgrader's submitted",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="RESULTS",
        help="the folder for grades.csv, platform.csv, feedback pages and records",
    )
    _sources_options(command)
    command.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="how many at the same time (default: one more than there are processors)",
    )
    command.add_argument(
        "--regrade",
        action="store_true",
        help="grade again what is graded already",
    )
    command.add_argument(
        "--prove",
        action="store_true",
        help="grade no submission, but check that each source's own solution earns "
        "all points and that an empty one earns none",
    )
    command.add_argument(
        "--trusted",
        action="store_true",
        help="run submissions without a sandbox, because you trust all of them",
    )


def _sources_options(command):
    """Which sources: those of a course, or some of them."""
    command.add_argument(
        "--course",
        type=Path,
        default=COURSE / "notebooks" / "assignments",
        metavar="FOLDER",
        help="the folder with nbgrader_config.py and source (default: the course's)",
    )
    command.add_argument(
        "--assignment",
        action="append",
        metavar="NAME",
        help="only this one, in the tables too (may be given several times)",
    )


def release_options(command):
    command.add_argument(
        "ids",
        type=Path,
        metavar="IDS",
        help="a text file with a student's id in each line, or a CSV table that begins with it",
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where to: FOLDER/STUDENT/ASSIGNMENT",
    )
    _sources_options(command)


def handouts_options(command):
    command.add_argument(
        "notebooks",
        nargs="*",
        metavar="NOTEBOOK",
        help="what to export (default: every lecture, without solutions)",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to (default: handouts, or handouts-with-notes)",
    )
    command.add_argument(
        "--notes",
        action="store_true",
        help="with speaker notes, for the lecturer only",
    )
    command.add_argument("--no-pdf", action="store_true", help="leave out the PDFs")


def present_options(command):
    command.add_argument("lecture", metavar="NN", help="the number of a notebook, such as 02")
    command.add_argument(
        "jupyter",
        nargs=argparse.REMAINDER,
        metavar="OPTION",
        help="options for JupyterLab, such as --no-browser",
    )


COMMANDS = {
    doctor: ("is this machine ready?", doctor_options),
    data: ("find or draw the handwriting, and say which it is", data_options),
    release: ("make each student's assignment, with parts of its own", release_options),
    grade: ("grade the assignments that a class has handed in", grade_options),
    handouts: ("export notebooks to slides, pages and PDFs that need no network", handouts_options),
    present: ("show a lecture as live slides, with the lecturer's notes", present_options),
}
"""{function: (what it does, a function that adds its options to a parser)}"""


def commands():
    """The parser of the command line, with one subparser for each command."""
    parser = argparse.ArgumentParser(prog="python -m helpers")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for function, (purpose, add_options) in COMMANDS.items():
        command = subparsers.add_parser(function.__name__, help=purpose)
        command.set_defaults(function=function)
        add_options(command)
    return parser


def _count(text):
    """For argparse: a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def main(words=None):
    """Run one command; return its exit code, 2 for what the user can put right."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows `?` instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    arguments = commands().parse_args(words)
    try:
        return arguments.function(arguments) or 0
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
