"""The README's own words, run."""

import re
import shlex
from pathlib import Path

import pytest

from chainrule import gradcheck, layers
from chainrule.training.command import REPORTS
from chainrule.training.options import parser, resume_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda s: s.splitlines()[0])
def test_every_python_snippet_runs(snippet, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out


def test_the_reports_it_shows_are_the_reports_one_gets(capsys):
    (snippet,) = [s for s in SNIPPETS if "class Swish" in s]
    (shown,) = re.findall(r"```\n(Swish.*?)```", README, re.S)
    exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})
    pattern = re.escape(shown).replace("…\\ ms", "…").replace("…", "[^\n]*")  # or seconds
    pattern = re.sub(r"ok\\ \\\(\d.*?\\\)", lambda _: r"ok\ \(\de-\d\d\)", pattern)  # rounding
    assert re.fullmatch(pattern, capsys.readouterr().out)


PARSERS = {"train": parser, "resume": resume_parser} | {key: REPORTS[key][0] for key in REPORTS}


@pytest.mark.parametrize("line", re.findall(r"^chainrule (.*)$", README, re.M))
def test_every_command_is_one(line):
    command, *words = shlex.split(line, comments=True)
    PARSERS[command]().parse_args(words)


def test_its_links_and_pictures_are_there():
    for target in re.findall(r"\]\(([^)\s]+)\)", README):
        if target.startswith("#"):
            headings = re.findall(r"^#+ (.*)$", README, re.M)
            assert target[1:] in {heading.lower().replace(" ", "-") for heading in headings}
        elif not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_it_is_read_in_a_few_minutes():
    assert len(README.splitlines()) < 250


def test_it_names_every_layer_and_every_check():
    for name in layers.__all__:
        if isinstance(getattr(layers, name), type) and name not in ("Layer", "Loss"):
            assert f"`{name}`" in README, name
    for name in gradcheck.__all__:
        if name.startswith("check"):
            assert name in README, name


def test_two_commands_set_everything_up():
    commands = re.findall(r"^python3 -m venv \.venv && .*$", README, re.M)
    assert [command.rpartition("&& ")[2] for command in commands] == ["python train.py", "pytest"]
