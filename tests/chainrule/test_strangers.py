"""Homework lies beside files that are called like our packages: everything works there, too."""

import os
import subprocess
import sys

import pytest

STRANGERS = ("layers", "nets", "solvers", "gradcheck", "pictures", "training", "train")
HOMEWORK = """
import numpy as np

def double_forward(x):
    return 2 * x, x

def double_backward(dout, cache):
    return 2 * dout
"""
LIBRARY = """
import sys
import numpy as np
from chainrule.data import load_digits
from chainrule.gradcheck import check
from chainrule.layers import Affine
from chainrule.nets import MLP, Classifier
from chainrule.pictures import decision_boundary
from chainrule.solvers import SGD, Solver
from chainrule.training import Trained
assert check(Affine(3, 2, rng=0), np.ones((4, 3)))
model = Classifier(MLP([64, 10], rng=0))
Solver(model, SGD(lr=0.01), load_digits(), epochs=1, progress=False).train()
assert __import__("layers").mine == "layers"
print("all found")
"""


@pytest.fixture
def folder(tmp_path):
    for name in STRANGERS:
        (tmp_path / f"{name}.py").write_text(f"mine = {name!r}\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "__init__.py").write_text("mine = 'data'\n")
    (tmp_path / "homework.py").write_text(HOMEWORK)
    (tmp_path / "script.py").write_text(LIBRARY)
    return tmp_path


def run(folder, *words):
    """What Python prints when it is started in the folder."""
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8",
        check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_is_imported_and_used_and_so_are_their_files(folder):
    assert run(folder, "script.py") == "all found\n"


def test_a_network_is_trained(folder):
    words = ("train", "--dataset", "xor", "--hidden", "4", "--epochs", "1", "--no-report")
    assert "test accuracy" in run(folder, "-m", "chainrule", *words)


def test_a_file_is_checked(folder):
    printed = run(folder, "-m", "chainrule", "check", "homework.py")
    assert printed.splitlines()[-1] == "1 pair, 1 example: all correct"


def test_a_kernel_of_a_notebook_finds_the_library(folder):
    manager = pytest.importorskip("jupyter_client.manager", reason="needs the extra notebooks")
    kernel, client = manager.start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        code = LIBRARY + "from chainrule.notebooks import borrow, exercise\n"
        reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
