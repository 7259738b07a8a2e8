"""`python -m helpers COMMAND`: the course's commands.

To add one: write a function that takes the parsed arguments and returns an exit
code (or None for 0), and add a parser for it in `commands`.
"""

import argparse
import sys
from pathlib import Path

from helpers.files import COURSE, CourseError


def doctor(arguments):
    from helpers import doctor

    return doctor.run(arguments.requirements, arguments.quick)


def commands():
    """The parser of the command line, with one subparser a command."""
    parser = argparse.ArgumentParser(prog="python -m helpers")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    command = subparsers.add_parser("doctor", help="is this machine ready?")
    command.set_defaults(function=doctor)
    command.add_argument(
        "--requirements",
        type=Path,
        default=COURSE / "requirements.txt",
        metavar="FILE",
        help="the list of packages to look for (default: the course's)",
    )
    command.add_argument(
        "--quick", action="store_true", help="leave out what takes seconds"
    )
    return parser


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
