"""The command `chainrule`: what it says of itself, and where it sends its words."""

import re
import subprocess
import sys

import pytest

import chainrule
from chainrule.__main__ import COMMANDS, HELP, main


def test_help_fits_on_a_screen_names_every_command_and_shows_three_to_begin_with(capsys):
    for words in ([], ["--help"], ["-h"]):
        assert main(words) == 0
        assert capsys.readouterr().out == f"{HELP}\n"
    lines = HELP.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    begin = HELP[HELP.index("To begin with") : HELP.index("All commands")]
    assert len(re.findall("^  chainrule ", begin, re.M)) == 3
    assert set(COMMANDS) == set(re.findall(r"^  ([a-z]+) ", HELP, re.M)) - {"chainrule"}


def test_the_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"chainrule {chainrule.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "trian: expected one of train, .*; did you mean train\\?"),
        (["--epochs", "3"], "--epochs: expected one of train, .*, course$"),
    ],
)
def test_a_word_that_is_no_command_is_told_in_one_line(words, message, capsys):
    assert main(words) == 2
    assert re.fullmatch(f"chainrule: {message}\n", capsys.readouterr().err)


def test_every_command_explains_itself(capsys):
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert f"chainrule {command}" in capsys.readouterr().out


def test_the_library_is_checked_by_name_and_so_is_a_file(tmp_path, capsys):
    (tmp_path / "empty.py").write_text("")
    assert main(["check", str(tmp_path / "empty.py")]) == 2
    assert "has no class with forward and backward" in capsys.readouterr().err


def test_circuits_are_written_to_a_folder(tmp_path, capsys):
    assert main(["circuits", str(tmp_path / "out"), "--svg"]) == 0
    assert re.search(r"out: \d+ circuits", capsys.readouterr().out)
    assert list((tmp_path / "out").glob("*.svg"))
    (tmp_path / "file").write_text("")
    assert main(["circuits", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("chainrule: ")


def test_the_package_and_its_help_are_there_at_once():
    """Neither NumPy nor anything that needs it is imported for them."""
    code = (
        "import sys, chainrule.__main__ as command\n"
        "command.main(['--help'])\n"
        "assert 'numpy' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_an_extra_a_command_says_which_to_install(tmp_path):
    code = (
        "import sys\n"
        "sys.modules['nbformat'] = sys.modules['jupytext'] = sys.modules['nbgrader'] = None\n"
        "from chainrule.__main__ import main\n"
        "sys.exit(main(['course', *sys.argv[1:]]))"
    )
    for words, extra in ((["status"], "notebooks"), (["build", str(tmp_path)], "grading")):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert re.fullmatch(
            rf'chainrule: course needs \w+, .*; write pip install "chainrule\[{extra}\]"\n',
            done.stderr,
        )
