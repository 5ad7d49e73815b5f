"""Marks submissions, headless, through nbgrader."""

import csv
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import nbformat
from nbgrader.api import Gradebook

from chainrule.notebooks.building import release
from chainrule.notebooks.exercise import KIND
from chainrule.notebooks.sources import checks, homeworks

COLUMNS = ("student", "homework", "exercise", "title", "points", "of", "feedback")

Row: TypeAlias = tuple[Any, ...]  # of a value for each of COLUMNS


def submissions(folder: str | PathLike[str]) -> dict[tuple[str, str], Path]:
    """The submitted notebooks by (student, homework).

    In `folder`, every student has a folder with notebooks that kept their names, at any depth.
    Raises ValueError where there is none, or one twice.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder with a folder for each student")
    known, found = homeworks(), dict[tuple[str, str], Path]()
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if path.stem not in known or len(parts) < 2 or ".ipynb_checkpoints" in parts:
            continue
        key = parts[0], path.stem
        if key in found:
            raise ValueError(f"{path}: {parts[0]} submitted {path.stem} twice; see {found[key]}")
        found[key] = path
    if not found:
        raise ValueError(
            f"{folder}: no submissions; expected files such as {folder / 'ada' / known[0]}.ipynb"
        )
    return found


def grade(folder: str | PathLike[str], course: str | PathLike[str]) -> Iterator[Row]:
    """Runs all submissions in `folder` and yields a row of COLUMNS for each exercise. `course` is
    a folder for nbgrader to work in."""
    found, course = submissions(folder), Path(course)
    api = release(course, sorted({name for _, name in found}))
    for (student, name), path in found.items():
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
            yield from rows(course, student, name)
        else:
            log = (done["error"] or done["log"] or "nbgrader gave no reason").strip().splitlines()
            yield failed(course, student, name, f"could not be graded: {log[-1]}")


def failed(course: Path, student: str, name: str, why: str) -> Row:
    """The row of a submission without marks."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        most = gradebook.find_assignment(name).max_code_score
    return student, name, "", "", 0, most, why


def rows(course: Path, student: str, name: str) -> Iterator[Row]:
    """A row for each exercise of a submission that nbgrader has marked."""
    marked = nbformat.read(course / "autograded" / student / name / f"{name}.ipynb", as_version=4)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        scores = {}
        for one in gradebook.find_submission_notebook(name, name, student).grades:
            scores[one.cell.name] = one.auto_score or 0, one.max_score
    for number, (title, cell) in checks(marked).items():
        points, most = scores[cell.metadata["nbgrader"]["grade_id"]]
        yield student, name, number, title, points, most, said(cell)


def said(cell: Any) -> str:
    """What the check cell said, as text."""
    for output in cell.outputs:
        if KIND in output.get("metadata", {}):
            return output["data"]["text/plain"]
    errors = [output for output in cell.outputs if output.output_type == "error"]
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
