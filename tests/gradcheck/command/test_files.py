"""Several files at once."""

import json

import pytest

from chainrule.gradcheck import __main__ as command

RIGHT = "def f_forward(x): return 2 * x, None\ndef f_backward(dout, cache): return 2 * dout\n"
WRONG = RIGHT.replace("2 * dout", "dout")
RULE = "def sgd(w, dw, config=None):\n    config = config or {'learning_rate': 0.1}\n"
RULE += "    return w - config['learning_rate'] * dw, config\n"
NOTHING = "x = 1\n"


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(sources, *arguments):
        for name, source in sources.items():
            (tmp_path / name).write_text(source, encoding="utf-8")
        status = command.main([*sources, *arguments])
        return status, *capsys.readouterr()

    return run


def test_each_file_has_its_table_and_one_line_ends_them(check):
    status, out, _ = check({"a.py": RIGHT, "b.py": WRONG})
    assert status == 1
    first, _, second = out.partition("\n\nb.py\n")
    assert first.startswith("a.py\nname  kind  verdict")
    assert "f     pair  correct" in first
    assert "f     pair  WRONG" in second
    assert out.splitlines()[-1] == "1 of 2 pairs is wrong"


def test_things_of_several_kinds_are_counted_by_kind(check):
    status, out, _ = check({"a.py": RIGHT, "optim.py": RULE})
    assert status == 0
    assert out.splitlines()[-1] == "1 pair, 1 update rule, 2 examples: all correct"
    last = check({"a.py": WRONG, "optim.py": RULE})[1].splitlines()[-1]
    assert last == "1 of 2 is wrong"


def test_data_say_of_which_file_they_are(check):
    found = json.loads(check({"a.py": RIGHT, "b.py": WRONG}, "--json")[1])
    assert [one["file"] for one in found["reports"]] == ["a.py", "b.py"]
    assert found["summary"]["kinds"] == {"pair": 2}
    assert found["summary"]["wrong"] == ["f"]


def test_files_with_nothing_to_check_are_passed_over_unless_all_are(check):
    assert check({"a.py": RIGHT, "b.py": NOTHING})[0] == 0
    status, out, err = check({"a.py": NOTHING, "b.py": NOTHING})
    assert (status, out) == (2, "")
    assert err.startswith("chainrule: a.py and b.py has no class with forward and backward")


def test_a_name_may_be_of_any_of_them(check):
    status, out, _ = check({"a.py": RIGHT, "optim.py": RULE}, "sgd")
    assert status == 0
    assert "optim.py\n" in out
    assert "a.py" not in out
    assert check({"a.py": RIGHT, "optim.py": RULE}, "adam")[0] == 2


def test_a_file_that_cannot_be_run_stops_the_others(check):
    status, out, err = check({"a.py": RIGHT, "b.py": "1 / 0\n"})
    assert (status, out) == (2, "")
    assert err == "chainrule: b.py:1: ZeroDivisionError: division by zero\n"
