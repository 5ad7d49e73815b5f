"""Where the notebooks are, and how their sources are read."""

import re
from os import PathLike
from pathlib import Path
from typing import Any

from chainrule.notebooks.exercise import KIND

SOLUTIONS = Path(__file__).parent / "solutions"
#: Where the students' notebooks are: beside this file in a checkout, else where one works.
FOLDER = SOLUTIONS.parent if (SOLUTIONS.parent / "README.md").exists() else Path()
CHECK = re.compile(r'^with (?:\(\s*)?exercise\(\s*(\d+),\s*"([^"]+)"', re.MULTILINE)
#: How long a cell may take when submissions are marked.
SECONDS = 120
#: What stands in the place of an answer in prose until a student writes one.
TEXT_STUB = "*Your answer here.*"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def homeworks() -> list[str]:
    """The names of the homeworks, in order: "1-derivatives", …"""
    names = [path.stem for path in SOLUTIONS.glob("[0-9]*-*.py")]
    return sorted(names, key=lambda name: int(name.partition("-")[0]))


def student_notebook(name: str, folder: str | PathLike[str] = FOLDER) -> Path:
    """Where a homework's notebook is for a student."""
    return Path(folder) / name / f"{name}.ipynb"


def source_notebook(name: str) -> Any:
    """The notebook of a homework with solutions and hidden tests, as nbgrader takes it.

    In the py:percent file a cell says of nbgrader's metadata what differs from cell to cell:

        # %% nbgrader={"grade_id": "sigmoid", "solution": true}      the student writes here
        # %% nbgrader={"grade_id": "check-3", "points": 3}           checks what was written
        # %% [markdown] nbgrader={"grade_id": "question-1"}          an answer in prose
    """
    import jupytext

    notebook = jupytext.read(SOLUTIONS / f"{name}.py")
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place}"
        cell.metadata.pop("lines_to_next_cell", None)
        own = cell.metadata.get("nbgrader")
        if own is not None:
            check, prose = "points" in own, cell.cell_type == "markdown"
            cell.id = own["grade_id"]
            cell.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade_id": own["grade_id"],
                "grade": check or prose,
                "locked": check,
                "points": own.get("points", 0),
                "solution": not check,
                "task": False,
            }
            if check:  # folded away, since hints tell the answer
                cell.metadata["jupyter"] = {"source_hidden": True}
            if not check and not prose:
                del cell.metadata["nbgrader"]["points"]
    return notebook


def checks(notebook: Any) -> dict[int, tuple[str, Any]]:
    """The check cells of a notebook, by the number of the exercise: (title, cell)."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and (match := CHECK.search(cell.source)):
            found[int(match[1])] = match[2], cell
    return found


def verdict(cell: Any) -> dict[str, Any]:
    """What a check cell said when it last ran: "verdict", "share", the part of its checks that
    passed, and "text"; empty where it has not run, or not to its end. The check speaks last, so
    that what a student's function shows before is not taken for it."""
    for output in reversed(cell.outputs):
        if output.get("ename") == "KeyboardInterrupt":
            break
        if KIND in output.get("metadata", {}):
            return output["metadata"][KIND] | {"text": output["data"]["text/plain"]}
    return {}
