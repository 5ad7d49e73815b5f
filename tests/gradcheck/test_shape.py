"""The shape of the checker: how large it is, and how far a reader has to walk through it."""

import ast
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule import gradcheck
from chainrule.layers import Affine

ROOT = Path(gradcheck.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LINES = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}


def test_it_does_not_grow_and_no_file_has_more_than_350_lines():
    assert sum(LINES.values()) <= 18880
    assert {path.name: lines for path, lines in LINES.items() if lines > 350} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_class_has_more_than_150_lines(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno - node.lineno < 150, node.name


def test_its_top_level_has_at_most_6_files_and_8_folders_and_a_map_of_them():
    folders = {path.parent.name for path in FILES if path.parent != ROOT}
    files = {path.stem for path in FILES if path.parent == ROOT} - {"__init__"}
    assert len(files) + 1 <= 6
    assert len(folders) <= 8
    words = gradcheck.__doc__.replace(".py", " ").replace("/", " ").split()
    assert folders | files <= set(words)


def test_who_follows_the_gradients_of_a_layer_opens_at_most_14_files():
    opened = set()

    def note(frame, event, _):
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(str(ROOT) + os.sep):
            opened.add(Path(path).relative_to(ROOT).as_posix())

    x = np.random.default_rng(0).standard_normal((5, 4))
    sys.setprofile(note)
    try:
        report = gradcheck.check(
            Affine(4, 3, rng=0), x, effort="quick", modes="train", reference=False
        )
    finally:
        sys.setprofile(None)
    assert report
    assert len(opened) <= 14, sorted(opened)
