"""Checking again whenever a file changes."""

import os
import sys

import pytest

from chainrule.gradcheck import __main__ as command
from chainrule.gradcheck.command import watch

RIGHT = "def f_forward(x): return 2 * x, None\ndef f_backward(dout, cache): return 2 * dout\n"
WRONG = RIGHT.replace("2 * dout", "dout")


@pytest.fixture
def edits(tmp_path, monkeypatch, capsys):
    """Runs the command on a file, with an edit each time it would wait, and then an interrupt;
    returns the exit status, and what was printed before each edit."""

    def run(source, *changes, name="homework.py"):
        (tmp_path / "homework.py").write_text(source, encoding="utf-8")
        left, told, clock = list(changes), [], iter(range(1, 9))

        def wait(_):
            told.append(capsys.readouterr())
            if not left:
                raise KeyboardInterrupt
            path = tmp_path / name
            path.write_text(left.pop(0), encoding="utf-8")
            os.utime(path, (0, next(clock)))

        monkeypatch.setattr(watch.time, "sleep", wait)
        status = command.main([str(tmp_path / "homework.py"), "--watch", "--effort", "quick"])
        return status, told

    return run


def test_it_checks_at_once_and_after_each_change_until_it_is_interrupted(edits):
    status, told = edits(WRONG, RIGHT, WRONG)
    assert status == 130
    verdicts = ["1 of 1 pair is wrong" in one.out for one in told]
    assert verdicts == [True, False, True]
    assert "1 pair, 1 example: all correct" in told[1].out
    assert all(one.out.endswith("\nwatching, until Ctrl-C\n") for one in told)


def test_a_file_that_is_half_written_is_told_and_watched_on(edits):
    status, told = edits(RIGHT, RIGHT + "def (:\n", RIGHT)
    assert status == 130
    assert "homework.py:3: SyntaxError: invalid syntax" in told[1].err
    assert "all correct" in told[2].out


def test_a_file_beside_it_counts_too(edits, tmp_path):
    (tmp_path / "twice.py").write_text("FACTOR = 2\n", encoding="utf-8")
    source = f"from twice import FACTOR\n{RIGHT.replace('2 * x', 'FACTOR * x')}"
    _, told = edits(source, "FACTOR = 3\n", name="twice.py")
    assert "all correct" in told[0].out
    assert "is wrong" in told[1].out


def test_a_file_that_is_not_there_makes_no_sense(capsys):
    assert command.main(["no_such_file.py", "--watch"]) == 2
    assert "cannot read no_such_file.py" in capsys.readouterr().err


def test_a_terminal_is_cleared(edits, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, told = edits(RIGHT)
    assert told[0].out.startswith("\x1b[2J\x1b[H")
