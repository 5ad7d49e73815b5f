"""`%%check` in a shell of IPython, as a notebook has one."""

import re
import sys

import pytest

interactiveshell = pytest.importorskip(
    "IPython.core.interactiveshell", reason='IPython comes with pip install -e ".[notebooks]"'
)

PAIR = """
import numpy as np

def relu_forward(x):
    return np.maximum(x, 0), x

def relu_backward(dout, cache):
    return dout * (cache > 0)
"""
WRONG = """
def double_forward(x):
    return 2 * x, None

def double_backward(dout, cache):
    return dout
"""
UNWRITTEN = """
class Tanh:
    def __init__(self):
        self.params, self.state = {}, {}

    def forward(self, x, *, train=True):
        pass

    def backward(self, dout, cache):
        pass
"""


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A shell with the extension, that leaves no history and no path behind."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(interactiveshell.HistoryManager, "enabled", False)
    shell = interactiveshell.InteractiveShell(colors="nocolor")
    shell.run_line_magic("load_ext", "chainrule")
    return shell


@pytest.fixture
def cell(shell, capsys):
    """Runs a cell, and returns what it prints, and its errors."""

    def run(source):
        shell.run_cell(source)
        return capsys.readouterr()

    return run


def test_what_a_cell_defines_is_checked_and_the_cell_has_been_run(cell, shell):
    out, err = cell("%%check --effort quick" + PAIR + WRONG + UNWRITTEN)
    assert err == ""
    assert re.search("relu +pair +correct", out)
    assert "dx is too small by a factor 2" in out
    assert "Tanh: not written yet: forward" in out
    assert "1 of 3 is wrong, 1 not written yet" in out
    assert shell.user_ns["double_forward"](2) == (4, None)


def test_lines_are_counted_as_the_notebook_does(cell):
    out, _ = cell("%%check" + WRONG)
    assert "If line 6 read `return 2 * dout`" in out
    out, _ = cell("%%check\n1 / 0")
    assert "line 2" in out or ":2" in out


def test_what_an_earlier_cell_defined_is_left_alone_but_for_the_other_half_of_a_pair(cell):
    cell(PAIR + WRONG)
    out, _ = cell(
        "%%check --effort quick double\ndef double_backward(dout, cache):\n    return 2 * dout\n"
    )
    assert "1 pair, 1 example: all correct" in out
    assert "relu" not in out


def test_names_choose_and_a_line_checks_what_was_defined_before(cell, shell):
    out, _ = cell("%%check relu" + PAIR + WRONG)
    assert "1 pair, 1 example: all correct" in out
    out, _ = cell("%check double --effort quick --strict")
    assert "1 of 1 pair is wrong" in out
    found = shell.run_line_magic("check", "")
    assert [one.name for one in found.results] == ["relu", "double"]


def test_a_notebook_shows_a_table_and_the_reports_in_full(cell, shell):
    cell(PAIR + WRONG + UNWRITTEN)
    shown = shell.run_line_magic("check", "")._repr_html_()
    assert shown.index("relu") < shown.index("not written yet") < shown.index("Probes: ")
    assert "dx is too small by a factor 2" in shown.partition("</table>")[0]
    (result,) = (one := shell.run_line_magic("check", "double")).results
    assert one._repr_html_() == result.report._repr_html_()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("%%check\nx = 1", "the cell has no class with forward and backward, no functions *"),
        ("%%check other" + PAIR, "the cell has no other; it has relu"),
        ("%%check --effort much\nx = 1", "argument --effort: invalid choice: 'much' *"),
        ("%%check --inputs x\nx = 1", "'x' is not of the form name=value, such as x=(5,4)"),
        ("%%check --seed -1\nx = 1", "--seed must be 0 or more, not -1"),
        ("%check 'relu", "No closing quotation"),
    ],
)
def test_an_error_is_one_sentence(cell, source, said):
    out, err = cell(source)
    assert out == ""
    assert err.startswith("UsageError: " + said.rstrip("*"))
    assert err.count("\n") == 1


def test_a_cell_that_raises_is_not_checked(cell):
    out, _ = cell("%%check" + PAIR + "raise ValueError('mine')")
    assert "ValueError: mine" in out
    assert "verdict" not in out


def test_help_is_printed(cell):
    assert cell("%check --help").out.startswith("usage: %check")
