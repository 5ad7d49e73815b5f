"""How far a student has come."""

from os import PathLike
from typing import Any

import nbformat

from chainrule.notebooks.sources import checks, homeworks, student_notebook, verdict

MARKS = {"right": "✓", "wrong": "✗", "borrowed": "↺", "unwritten": "·", None: " "}
WORDS = {
    "right": "right",
    "wrong": "not yet",
    "borrowed": "borrowed",
    "unwritten": "not written yet",
    None: "not run yet",
}


def status(folder: str | PathLike[str]) -> str:
    """A page of text: for each homework in `folder`, which exercises pass, as of when its notebook
    was last saved. Raises ValueError where there is no notebook of the course."""
    lines, found, right = [], 0, 0
    for name in homeworks():
        path = student_notebook(name, folder)
        if not path.exists():
            continue
        try:
            notebook = nbformat.read(path, as_version=4)
        except (ValueError, nbformat.reader.NotJSONError) as error:
            raise ValueError(f"{path}: not a notebook, or damaged: {error}") from None
        said = {
            number: (title, verdict(cell).get("verdict"), points_of(cell))
            for number, (title, cell) in checks(notebook).items()
        }
        marks = "".join(MARKS[state] for _, state, _ in said.values())
        done = sum(state == "right" for _, state, _ in said.values())
        points = sum(points for _, state, points in said.values() if state == "right")
        most = sum(points for *_, points in said.values())
        found, right = found + len(said), right + done
        lines.append(f"{name:24} [{marks}]  {done} of {len(said)}, {points} of {most} points")
        for number, (title, state, _) in said.items():
            if done and state != "right":
                lines.append(f"    {number}  {title}: {WORDS[state]}")
    if not lines:
        expected = student_notebook(name, folder)
        raise ValueError(f"{folder}: no notebook of the course; expected {expected}")
    lines.append(f"\n{right} of {found} exercises are right, as of when the notebooks were saved")
    return "\n".join(lines)


def points_of(cell: Any) -> int:
    """The points of a check cell, 0 where the student's notebook has lost them."""
    return int(cell.metadata.get("nbgrader", {}).get("points", 0))
