"""train.py as a user meets it: a process, its exit status, and what it says."""

import contextlib
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.__main__ import main
from chainrule.nets.files import read_arrays
from tests.signals import HEEDED

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "OPENBLAS_NUM_THREADS": "1",  # or tests side by side wait for each other
}
BAR = re.compile(r" *(epoch \d+/\d+: +)?\d+%\|.*\| \d+/\d+ \[.*\] *")


def lines_of(said):
    """Those on stderr, the progress bar aside."""
    lines = [line for line in re.split(r"[\r\n]", said) if line.strip()]
    return [line for line in lines if not BAR.fullmatch(line)]


class Script:
    """Runs train.py, or another `script`, in `folder`."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, *options, script=ROOT / "train.py", **popen):
        """The process, begun; it writes what it prints at once."""
        return subprocess.Popen(
            [sys.executable, str(script), *map(os.fspath, options)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | HEEDED | popen,
            cwd=self.folder,
            env=os.environ | ENVIRONMENT,
            text=True,
            errors="surrogateescape",
        )

    def run(self, *options, **popen):
        """Exit status, what was printed, and the lines on stderr, the progress bar aside."""
        return self.end(self.start(*options, **popen))

    def end(self, process):
        printed, said = (text or "" for text in process.communicate(timeout=120))
        assert "Traceback" not in printed + said, said
        return process.returncode, printed, lines_of(said)

    def call(self, *options):
        """The same as `run` in the process of the tests, which is sooner done."""
        printed, said = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(said),
        ):
            try:
                status = main([*map(os.fspath, options)], default="train")
            except SystemExit as end:
                status = end.code
        return status, printed.getvalue(), lines_of(said.getvalue())

    def wait_for_line(self, process, start):
        """Reads what a process prints up to a line that begins with `start`; returns how long it
        took from the epoch before, or None where the process ended first."""
        last = time.monotonic()
        for line in process.stdout:
            if line.startswith(start):
                return time.monotonic() - last
            if line.startswith("epoch"):
                last = time.monotonic()
        return None

    def left_behind(self, folder):
        """All that a run leaves behind, bit for bit, apart from the clock and the time of day."""
        found = {}
        for name in ("checkpoint.safetensors", "best.safetensors"):
            arrays, described = read_arrays(folder / name)
            if "run" in described:
                del described["run"]["seconds"], described["run"]["history"]["seconds"]
            bits = {key: (a.dtype, a.shape, a.tobytes()) for key, a in arrays.items()}
            found |= {name: described} | {f"{name} {key}": value for key, value in bits.items()}
        lines = (folder / "metrics.csv").read_text().splitlines()
        return found | {"metrics": [line.rpartition(",")[0] for line in lines]}


@pytest.fixture
def script(tmp_path):
    return Script(tmp_path)


@pytest.fixture(scope="module")
def shared_script(tmp_path_factory):
    return Script(tmp_path_factory.mktemp("shared"))
