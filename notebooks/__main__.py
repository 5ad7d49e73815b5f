"""The command line of the course: `chainrule course status | build | grade FOLDER`."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from chainrule.notebooks.sources import FOLDER, SECONDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        return options.do(options)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"chainrule: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        extra = "notebooks" if options.do is show_status else "grading"
        print(
            f"chainrule: course needs {error.name}, which is not installed; "
            f'write pip install "chainrule[{extra}]"',
            file=sys.stderr,
        )
        return 2


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="chainrule course", description="The homework course.")
    commands = whole.add_subparsers(required=True, metavar="status | build | grade")
    own = commands.add_parser("status", help="which exercises of which homework pass")
    own.add_argument("folder", nargs="?", default=FOLDER, help="where the notebooks are")
    own.set_defaults(do=show_status)
    own = commands.add_parser("build", help="make the students' notebooks from the solutions")
    own.add_argument("folder", nargs="?", default=FOLDER, help="where to put them")
    own.add_argument("--course", help="keep nbgrader's course folder here")
    own.set_defaults(do=build_all)
    own = commands.add_parser("grade", help="mark a folder with a folder for each student")
    own.add_argument("folder", help="FOLDER/STUDENT/…/HOMEWORK.ipynb")
    own.add_argument("--csv", default="grades.csv", help="the table to write (%(default)s)")
    own.add_argument("--course", help="keep nbgrader's course folder here")
    own.add_argument(
        "--timeout",
        type=int,
        default=SECONDS,
        metavar="SECONDS",
        help="how long a cell may take before it is interrupted (%(default)s)",
    )
    own.add_argument(
        "--partial",
        action="store_true",
        help="points for each check that passes, not only for whole exercises",
    )
    own.set_defaults(do=grade_all)
    return whole


def show_status(options: argparse.Namespace) -> int:
    from chainrule.notebooks.status import status

    print(status(options.folder))
    return 0


def build_all(options: argparse.Namespace) -> int:
    from chainrule.notebooks.building import build

    with TemporaryDirectory() as course:
        for path in build(options.course or course, options.folder):
            print(path)
    return 0


def grade_all(options: argparse.Namespace) -> int:
    """Marks what can be marked; returns 1 where something could not."""
    if options.timeout < 1:
        raise ValueError(f"--timeout {options.timeout}: expected at least 1 second")
    from chainrule.notebooks.grading import grade, write_grades

    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    unmarked = []
    with TemporaryDirectory() as course:
        at = options.course or course
        graded = grade(options.folder, at, options.timeout, options.partial)
        for student, name, exercise, _, points, most, feedback in write_grades(graded, options.csv):
            first = feedback.splitlines()[0]
            if exercise == "":
                unmarked.append(f"{student or options.folder}: {first}")
                continue
            print(f"{student:16} {name:24} {points:g} of {most:g}  {first or exercise}", flush=True)
            sums[student, name][0] += points
            sums[student, name][1] += most
    print()
    for (student, name), (points, most) in sums.items():
        print(f"{student:16} {name:24} {points:g} of {most:g}")
    print(f"\nwith the feedback: {options.csv}")
    for line in unmarked:
        print(f"chainrule: {line}", file=sys.stderr)
    return 1 if unmarked else 0


if __name__ == "__main__":
    sys.exit(main())
