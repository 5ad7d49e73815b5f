"""For all tests: each leaves the process as it found it, a run shares the cores between workers,
and the slow tests are left out where nothing else is asked for.

`pytest` starts a worker for each core, eight at most; with one core, or where the command line
names files or tests instead of folders, there are none, as with `-n 0`. BLAS gets one thread in
each process; `OPENBLAS_NUM_THREADS` in the environment says otherwise.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import random
import signal
import sys
import threading
import tracemalloc

import numpy as np
import pytest

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM", "SIGPIPE")
NUMBERS = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
FOUND = pytest.StashKey[dict]()
LEFT_OUT = pytest.StashKey[int]()


# What a test could leave to the next. Filters of warnings are not among it: pytest puts them back.


def variables():
    found = os.environ._data.copy()  # a copy of os.environ itself would decode every name
    found.pop(os.environ.encodekey("PYTEST_CURRENT_TEST"), None)  # pytest's own, for each test
    return found


def generator_of_numpy():
    state = np.random.get_state(legacy=False)  # noqa: NPY002
    return {**state, "state": (state["state"]["key"].tobytes(), state["state"]["pos"])}


def threads():
    """Those that the process would wait for at its end."""
    return {thread for thread in threading.enumerate() if not thread.daemon}


def figures():
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if hasattr(pyplot, "get_fignums") else []


def settings(which="rcParams"):
    """Those of matplotlib, where it is imported. The backend is chosen at the first figure."""
    found = getattr(sys.modules.get("matplotlib"), which, None)
    return found and {**dict(dict.items(found)), "backend": ""}


STATE = {
    "tracemalloc": tracemalloc.is_tracing,
    "signal handlers": lambda: [signal.getsignal(number) for number in NUMBERS],
    "os.environ": variables,
    "the working directory": os.getcwd,
    "the generator of random": random.getstate,
    "the generator of numpy.random": generator_of_numpy,
    "NumPy's handling of errors": np.geterr,
    "NumPy's way of printing": np.get_printoptions,
    "sys.path": sys.path.copy,
    "threads": threads,
    "figures of matplotlib": figures,
    "settings of matplotlib": settings,
}


def pytest_collection_finish(session):
    session.stash[FOUND] = {name: look() for name, look in STATE.items()}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    """After a test and its fixtures all of STATE is as it was before."""
    before, item.session.stash[FOUND] = item.session.stash[FOUND], {}
    try:
        done = yield
    finally:
        item.session.stash[FOUND] = now = {name: look() for name, look in STATE.items()}
    if before["settings of matplotlib"] is None:
        before["settings of matplotlib"] = settings("rcParamsOrig")
    now = {**now, "threads": now["threads"] | before["threads"]}  # one that ended is no fault
    changed = [name for name in STATE if now[name] != before[name]]
    if changed:
        pytest.fail(f"it leaves to the next test, changed: {', '.join(changed)}", pytrace=False)
    return done


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt and other signals do what they usually do, though pytest may
    have been started to ignore some: SIGINT by a shell's &, SIGHUP by nohup."""
    usual = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}
    numbers = [getattr(signal, name) for name in usual if hasattr(signal, name)]
    before = {number: signal.signal(number, usual[number.name]) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# Workers, by default


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    whole = all(os.path.isdir(argument) for argument in config.args)
    return min(cores, 8) if whole and cores > 1 else 0


# How many slow tests are left out, and how to run them


def pytest_deselected(items):
    if items and items[0].config.option.markexpr == "not slow":
        slow = sum(item.get_closest_marker("slow") is not None for item in items)
        stash = items[0].config.stash
        stash[LEFT_OUT] = stash.get(LEFT_OUT, 0) + slow


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Each worker collects all tests, and leaves the same ones out."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left out", 0)


def pytest_terminal_summary(terminalreporter, config):
    left_out = config.stash.get(LEFT_OUT, 0)
    if left_out:
        were, them = ("test was", "it") if left_out == 1 else ("tests were", "them")
        terminalreporter.write_line(f"{left_out} slow {were} left out; pytest -m slow runs {them}")
