"""train.py as a user meets it: a process, its exit status, and what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "OPENBLAS_NUM_THREADS": "1",  # or tests side by side wait for each other
}
BAR = re.compile(r" *(epoch \d+/\d+: +)?\d+%\|.*\| \d+/\d+ \[.*\] *")


class Script:
    """Runs train.py, or another `script`, in `folder`."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, *options, script=ROOT / "train.py", **popen):
        """The process, begun; it writes what it prints at once."""
        return subprocess.Popen(
            [sys.executable, str(script), *map(os.fspath, options)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | popen,
            cwd=self.folder,
            env=os.environ | ENVIRONMENT,
            text=True,
            errors="surrogateescape",
        )

    def run(self, *options, **popen):
        """Exit status, what was printed, and the lines on stderr, the progress bar aside."""
        return self.end(self.start(*options, **popen))

    def end(self, process, before=""):
        printed, said = process.communicate(timeout=120)
        printed, said = before + (printed or ""), said or ""
        assert "Traceback" not in printed + said, said
        lines = [line for line in re.split(r"[\r\n]", said) if line.strip()]
        return process.returncode, printed, [line for line in lines if not BAR.fullmatch(line)]


@pytest.fixture
def script(tmp_path):
    return Script(tmp_path)


@pytest.fixture(scope="module")
def shared_script(tmp_path_factory):
    return Script(tmp_path_factory.mktemp("shared"))
