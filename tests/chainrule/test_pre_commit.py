"""The hook for pre-commit: what its file says, and that the command in it does as it is told."""

import re
import shlex
from pathlib import Path

import pytest

from chainrule.__main__ import main

LINES = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text().splitlines()
HOOK = dict(line[2:].split(": ", 1) for line in LINES)

RIGHT = """
def double_forward(x):
    return 2 * x, None

def double_backward(dout, cache):
    return 2 * dout
"""
WRONG = RIGHT.replace("return 2 * dout", "return dout").replace("double", "wrong")


def test_it_is_a_list_of_one_hook():
    assert re.fullmatch("- id: .*(\n  [a-z_]+: [^:]*)*", "\n".join(LINES))
    assert HOOK["id"] == HOOK["name"] == "gradcheck"
    assert (HOOK["language"], HOOK["types"]) == ("python", "[python]")
    assert HOOK.keys() <= {
        "id", "name", "description", "entry", "language", "types", "require_serial"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "status"),
    [([RIGHT], 0), ([RIGHT, "answer = 42"], 0), (["answer = 42"], 0), (["answer = 42", WRONG], 1)],
)
def test_its_command_takes_files_and_passes_over_those_with_nothing_to_check(
    tmp_path, sources, status
):
    paths = [tmp_path / f"{at}.py" for at, _ in enumerate(sources)]
    for path, source in zip(paths, sources, strict=True):
        path.write_text(source)
    program, *words = shlex.split(HOOK["entry"])
    assert program == "chainrule"
    assert main([*words, *map(str, paths)]) == status
