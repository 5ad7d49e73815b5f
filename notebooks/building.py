"""From the sources to the notebooks that students get, through nbgrader."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

import nbformat
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from chainrule.notebooks.sources import (
    SECONDS,
    TEXT_STUB,
    homeworks,
    source_notebook,
    student_notebook,
)


def settings(course: Path, seconds: int) -> Config:
    """nbgrader's configuration for the course folder."""
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "chainrule"
    config.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
    config.ClearSolutions.text_stub = TEXT_STUB
    config.ExecutePreprocessor.timeout = seconds
    config.ExecutePreprocessor.interrupt_on_timeout = True
    config.ExecutePreprocessor.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    config.Application.log_level = "ERROR"
    return config


def release(
    course: str | PathLike[str], names: Sequence[str] | None = None, seconds: int = SECONDS
) -> NbGraderAPI:
    """Writes source and release notebooks into the folder `course`, laid out as nbgrader has it,
    and returns its API. Raises RuntimeError, with nbgrader's log, where it refuses a source."""
    course = Path(course)
    # nbgrader calls alembic, which an environment has beside its Python, even if not activated;
    # and small networks on several threads wait for each other.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    api = NbGraderAPI(config=settings(course, seconds))
    for name in names or homeworks():
        path = course / "source" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(source_notebook(name), path)
        done = api.generate_assignment(name, force=True)
        if not done["success"]:
            raise RuntimeError(f"{name}: nbgrader refused it:\n{done['log']}")
    return api


def build(course: str | PathLike[str], folder: str | PathLike[str]) -> Iterator[Path]:
    """Makes every homework's notebook for students, and writes it into `folder`."""
    release(course)
    for name in homeworks():
        target = student_notebook(name, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(course) / "release" / name / f"{name}.ipynb", target)
        yield target
