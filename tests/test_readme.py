"""The README's own words, run."""

import re
from pathlib import Path

import pytest

import gradcheck
import layers
import train

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda s: s.splitlines()[0])
def test_every_python_snippet_runs(snippet, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if '"runs/first"' in snippet:  # of the first command
        assert train.main(["--run-dir", "runs/first", "--epochs", "2", "--no-report"]) == 0
        capsys.readouterr()
    exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out


def test_the_report_it_shows_is_the_report_one_gets(capsys):
    (snippet,) = [s for s in SNIPPETS if "MyAffine" in s]
    (shown,) = re.findall(r"```\n(MyAffine.*?)```", README, re.S)
    exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("MyAffine(4 → 3): 1 mistake")
    assert printed[2:] == shown.splitlines()[2:]


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
