"""What holds for all tests: the ways in which one can change the process for the next are found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CARELESS = """
import os, random, signal, sys, threading, time, tracemalloc

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

def test_tracemalloc():
    tracemalloc.start()

def test_signal_handlers():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

def test_os_environ():
    os.environ["CHAINRULE"] = "1"

def test_the_working_directory():
    os.chdir("..")

def test_the_generator_of_random():
    random.random()

def test_the_generator_of_numpy_random():
    np.random.rand()

def test_NumPy_s_handling_of_errors():
    np.seterr(all="raise")

def test_NumPy_s_way_of_printing():
    np.set_printoptions(precision=3)

def test_sys_path():
    sys.path.append("elsewhere")

def test_threads():
    threading.Thread(target=time.sleep, args=(0.5,)).start()

def test_figures_of_matplotlib():
    pyplot.figure()

def test_settings_of_matplotlib():
    matplotlib.rcParams["font.size"] = 3

def test_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAINRULE", "2")
    with np.errstate(all="raise"):
        random.Random(0).random()

@pytest.mark.slow
def test_slowly():
    raise AssertionError("a slow test is not asked for")
"""


@pytest.mark.slow
def test_what_a_test_leaves_changed_is_named_at_that_test_and_slow_ones_are_counted(tmp_path):
    shutil.copy(HERE / "conftest.py", tmp_path)
    shutil.copy(HERE.parent / "setup.cfg", tmp_path)
    (tmp_path / "test_careless.py").write_text(CARELESS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(
        r"ERROR at teardown of test_(\w+) .*\nit leaves to the next test, changed: (.*)\n",
        done.stdout,
    )
    assert len(found) == 12
    for test, changed in found:
        assert test == re.sub(r"\W", "_", changed)
    assert "13 passed, 1 deselected, 12 errors" in done.stdout
    assert "1 slow test was left out; pytest -m slow runs it" in done.stdout
