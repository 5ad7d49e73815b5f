"""Marks submissions, headless, through nbgrader."""

import csv
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import nbformat
from nbgrader.api import Gradebook

from chainrule.notebooks.building import release
from chainrule.notebooks.sources import SECONDS, checks, homeworks, verdict

COLUMNS = ("student", "homework", "exercise", "title", "points", "of", "feedback")

EXAMPLE = f"{homeworks()[0]}.ipynb"

Row: TypeAlias = tuple[Any, ...]  # of a value for each of COLUMNS


def submissions(
    folder: str | PathLike[str],
) -> tuple[dict[tuple[str, str], Path], list[tuple[str, str]]]:
    """The submitted notebooks by (student, homework), and what cannot be marked, as (student, why).

    In `folder`, every student has a folder with notebooks that kept their names, at any depth; a
    browser that saves one twice adds " (1)". Raises ValueError where there is no notebook at all.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder with a folder for each student")
    names = "|".join(map(re.escape, homeworks()))
    candidates: dict[tuple[str, str], list[Path]] = {}
    left_out: list[tuple[str, str]] = []
    students: dict[str, list[str]] = {p.name: [] for p in sorted(folder.iterdir()) if p.is_dir()}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.startswith(".") for part in parts):
            continue
        student, shown = parts[0] if len(parts) > 1 else "", Path(*parts[1:] or parts).as_posix()
        named = re.fullmatch(rf"({names})( ?\(\d+\))?\.ipynb", path.name)
        if not student:
            left_out.append(("", f"{shown} lies beside the folders of the students"))
        elif named:
            candidates.setdefault((student, named[1]), []).append(path)
        elif ".ipynb" in path.name:
            close = get_close_matches(path.stem, homeworks(), n=1) or homeworks()
            left_out.append(
                (student, f"{shown}: no homework is called so; meant {close[0]}.ipynb?")
            )
        if student:
            students[student].append(shown)
    found = {key: paths[0] for key, paths in candidates.items() if len(paths) == 1}
    for (student, name), paths in candidates.items():
        if len(paths) > 1:
            listed = " and ".join(path.relative_to(folder / student).as_posix() for path in paths)
            left_out.append((student, f"{name} was submitted {len(paths)} times: {listed}"))
    told = {student for student, _ in [*candidates, *left_out]}
    for student, files in students.items():
        if student not in told and not student.startswith("."):
            held = f"holds {files[0]} and no notebook" if files else "is empty"
            left_out.append((student, f"the folder {held}"))
    if not found and not left_out:
        raise ValueError(
            f"{folder}: no submissions; expected files such as {folder / 'ada' / EXAMPLE}"
        )
    return found, left_out


def grade(
    folder: str | PathLike[str],
    course: str | PathLike[str],
    seconds: int = SECONDS,
    partial: bool = False,
) -> Iterator[Row]:
    """Runs all submissions in `folder` and yields a row of COLUMNS for each exercise, and one
    without points for what could not be marked. A cell that takes longer than `seconds` is
    interrupted. With `partial`, an exercise that is not right gets the part of its points that the
    checks which pass are of all its checks. `course` is a folder for nbgrader to work in."""
    found, left_out = submissions(folder)
    course = Path(course)
    for student, why in left_out:
        yield student, "", "", "", "", "", f"not marked: {why}"
    if not found:
        return
    warnings.filterwarnings("ignore", module="nbgrader")  # of its database, about itself
    api = release(course, sorted({name for _, name in found}), seconds)
    for (student, name), path in found.items():
        print(f"{student}: {path.name} …", file=sys.stderr, flush=True)
        try:
            submitted = nbformat.read(path, as_version=4)
        except (ValueError, KeyError, nbformat.reader.NotJSONError) as error:
            why = str(error).splitlines()[0]
            yield failed(course, student, name, f"not a notebook, or damaged: {why}")
            continue
        copy = course / "submitted" / student / name / f"{name}.ipynb"
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(submitted, copy)
        done = api.autograde(name, student, force=True, create=True)
        if done["success"]:
            yield from rows(course, student, name, seconds, partial)
        else:
            log = (done["error"] or done["log"] or "nbgrader gave no reason").strip().splitlines()
            yield failed(course, student, name, f"could not be graded: {log[-1]}")


def failed(course: Path, student: str, name: str, why: str) -> Row:
    """The row of a submission without marks."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        most = gradebook.find_assignment(name).max_code_score
    return student, name, "", "", 0, most, why


def rows(course: Path, student: str, name: str, seconds: int, partial: bool) -> Iterator[Row]:
    """A row for each exercise of a submission that nbgrader has marked."""
    marked = nbformat.read(course / "autograded" / student / name / f"{name}.ipynb", as_version=4)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        scores = {}
        for one in gradebook.find_submission_notebook(name, name, student).grades:
            scores[one.cell.name] = one.auto_score or 0, one.max_score
    for number, (title, cell) in checks(marked).items():
        points, most = scores[cell.metadata["nbgrader"]["grade_id"]]
        if partial and not points:
            points = round(most * verdict(cell).get("share", 0.0), 2)
        yield student, name, number, title, points, most, said(cell, seconds)


def said(cell: Any, seconds: int) -> str:
    """What the check cell said, as text."""
    if told := verdict(cell):
        return str(told["text"])
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if errors and errors[0].ename == "KeyboardInterrupt":
        return f"interrupted: it took longer than {seconds} s"
    return f"{errors[0].ename}: {errors[0].evalue}" if errors else "the cell did not run"


def write_grades(rows_of_all: Iterable[Row], path: str | PathLike[str]) -> Iterator[Row]:
    """Writes the rows as a CSV file, as they come, and yields each."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows_of_all:
            writer.writerow(row)
            file.flush()
            yield row
