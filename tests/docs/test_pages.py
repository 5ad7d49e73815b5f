"""The pages of the documentation: their code is run, and prints what they say it prints."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.__main__ import COMMANDS, main
from chainrule.training.command import REPORTS
from chainrule.training.options import parser, resume_parser

SITE = Path(__file__).parents[2] / "docs" / "site"
PAGES = sorted(SITE.glob("*.md"))
FENCE = re.compile(r"^```(\S+)[^\n]*\n(.*?)^```$", re.M | re.S)
DIRECTIVES = {
    "{circuit}",
    "{code-block}",  # what the page shows, and is not run; with a name, a file beside it
    "{curves}",
    "{eval-rst}",
    "{formula}",
    "{include}",
    "{network}",
    "{toctree}",
}
CAPTION = re.compile(r":caption: (\S+\.py)\n\n")
NEEDS_DOWNLOAD = ("--dataset mnist", "--dataset cifar10")
LIBRARIES = {  # that the code of a page imports
    "check-autograd": ("autograd",),
    "check-jax": ("jax",),
    "check-torch": ("torch",),
    "exports": ("onnx", "onnxruntime", "torch"),
    "sklearn": ("sklearn",),
}
SETS_UP = ("python3 -m venv .venv",)
PARSERS = {"train": parser, "resume": resume_parser} | {key: REPORTS[key][0] for key in REPORTS}
TRAINING = SITE / "training.md"  # its commands train, and draw, ten networks


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page == TRAINING else ()) for page in PAGES],
    ids=lambda page: page.stem,
)
def test_code_runs_and_prints_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    for library in LIBRARIES.get(page.stem, ()):
        import_or_skip(library)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("CI", raising=False)  # where pytest's lines are as long as they may be
    namespace, printed = {"__name__": page.stem}, None
    for language, content in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(content, page.name, "exec"), namespace)
            printed = capsys.readouterr().out
        elif language == "text":
            assert printed is not None, f"an output without code before it:\n{content}"
            assert re.fullmatch(pattern(content), printed), f"{content}\nis not\n{printed}"
            printed = None
        elif language == "sh":
            for command in commands(content):
                carry_out(command)
            printed = capsys.readouterr().out
        elif file := CAPTION.match(content):
            Path(file[1]).write_text(content[file.end() :], encoding="utf-8")
        else:
            assert language in DIRECTIVES, f"{page.name} has a block in {language}"


def import_or_skip(library):
    """Imports a library, and takes away what its import leaves in the process beside it."""
    environ, state = dict(os.environ), np.random.get_state()  # noqa: NPY002
    try:
        pytest.importorskip(library)
    finally:
        os.environ.clear()
        os.environ.update(environ)
        np.random.set_state(state)  # noqa: NPY002


def pattern(shown):
    """An output as a regular expression: … stands for some text within a line, and by itself on a
    line for some lines. The error of a right gradient is rounding, and the machine's own."""
    text = re.escape(shown).replace("…\\ ms", "…")  # seconds, on a busy machine
    text = re.sub(r"ok\\ \\\(\d.*?\\\)", lambda _: r"ok\ \(\de-\d\d\)", text)
    return re.sub("…", "[^\n]*", re.sub(r"^…\\?\n", "(?:.*\n)*", text, flags=re.M))


def commands(content):
    """The commands of a block, without the comments behind them."""
    return [line.partition(" #")[0].strip() for line in content.splitlines()]


def carry_out(command):
    """Runs a command that trains or uses what was trained, and pytest; of any other, sees that
    there is one."""
    words = shlex.split(command)
    if words[:1] == ["pytest"]:
        told = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, encoding="utf-8", check=False,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        print(told.stdout, end="")
        return
    if words[:1] == ["chainrule"] and words[1] not in ("check", "circuits"):
        if any(words in command for words in NEEDS_DOWNLOAD):
            parser().parse_args(words[2:])
        else:
            assert main(words[1:]) == (1 if "--sanity" in words else 0), command
    elif words[:1] == ["chainrule"]:
        assert words[1] in COMMANDS, command
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]), command
    else:
        assert command.startswith(SETS_UP), f"the tests do not know the command {command!r}"


def test_every_command_on_training_is_one():
    blocks = FENCE.findall(TRAINING.read_text(encoding="utf-8"))
    words = [
        shlex.split(command)
        for language, content in blocks
        if language == "sh"
        for command in commands(content)
    ]
    assert len(words) > 10
    for program, command, *others in words:
        assert program == "chainrule"
        PARSERS[command]().parse_args(others)


def test_an_output_is_compared_to_the_letter_but_for_its_gaps():
    assert re.fullmatch(pattern("a … b (1)\n"), "a 12 ms b (1)\n")
    assert re.fullmatch(pattern("…\nb\n"), "x\ny\nb\n")
    assert not re.fullmatch(pattern("a … b\n"), "a\nb\n")
    assert not re.fullmatch(pattern("…\nb\n"), "x\nbb\n")


@pytest.mark.parametrize("page", sorted(SITE.parent.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_of_results_is_whole(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"[A-Z]{3,}_TEXT|\(to come\)|\{\{|TODO", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
