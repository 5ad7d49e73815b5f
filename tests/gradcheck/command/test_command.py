import io
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from chainrule import gradcheck
from chainrule.gradcheck import __main__ as command
from chainrule.gradcheck.command import cases, targets

BASE = """
import numpy as np

class Base:
    def __init__(self):
        self.params, self.state = {}, {}

    def forward(self, x, *, train=True):
        raise NotImplementedError

    def backward(self, dout, cache):
        raise NotImplementedError
"""
RELU = """
class ReLU(Base):
    def forward(self, x, *, train=True):
        return np.maximum(x, 0), x

    def backward(self, dout, cache):
        return dout * (cache > 0), {}
"""
WRONG = RELU.replace("ReLU", "Wrong").replace("dout * (cache > 0)", "dout * (cache > 0) / 2")
STUB = """
class Stub(Base):
    def forward(self, x, *, train=True):
        return x, x

    def backward(self, dout, cache):
        dx = dW = None
        return dx, {"W": dW}
"""


class Watched:
    """The checker, with a record of what it was asked."""

    def __init__(self):
        self.calls = []

    def check(self, thing, *inputs, **options):
        name = thing[0].__name__ if isinstance(thing, tuple) else type(thing).__name__
        self.calls.append((name, thing, inputs, options))
        return gradcheck.check(thing, *inputs, **options)


@pytest.fixture
def checks(monkeypatch):
    watched = Watched()
    monkeypatch.setattr(cases, "check", watched.check)
    return watched


@pytest.fixture
def homework(tmp_path, checks, capsys):
    def run(source, *arguments):
        checks.calls.clear()
        path = tmp_path / "homework.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        status = command.main([str(path), *arguments])
        return status, *capsys.readouterr()

    return run


def test_every_class_of_the_library_with_examples_is_checked(checks, capsys):
    assert command.main(["--effort", "quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = {name for name, *_ in checks.calls}
    assert {"Affine", "ReLU", "BatchNorm", "SoftmaxCrossEntropy", "MLP", "Sequential"} <= names
    assert not {"Layer", "Loss", "Classifier"} & {line.split()[0] for line in lines if line}
    assert lines[-1] == f"{len(names)} classes, {len(checks.calls)} examples: all correct"
    assert lines[0].split()[:4] == ["name", "kind", "verdict", "examples"]
    in_order = [line.split()[0] for line in lines[2:-2]]
    nets = [
        *("ConvNet", "Graph", "LeNet5", "MLP", "Residual", "ResNet", "SequenceClassifier"),
        *("Sequential", "TransformerDecoderBlock", "TransformerEncoderBlock", "VisionTransformer"),
    ]
    assert in_order[-len(nets) :] == nets
    layers = in_order[: -len(nets)]
    assert layers == sorted(layers, key=str.casefold)


def test_a_right_file_exits_with_0_and_bases_are_passed_over(homework):
    status, out, err = homework(BASE + RELU)
    assert status == 0
    assert "Base" not in out
    assert out.splitlines()[-1] == "1 class, 1 example: all correct"
    assert err == ""


def test_mistakes_are_told_in_full_and_exit_with_1(homework):
    status, out, _ = homework(BASE + RELU + WRONG)
    assert status == 1
    row = next(line for line in out.splitlines() if line.startswith("Wrong "))
    assert row.split()[1:5] == ["class", "WRONG", "1", "5e-01"]
    assert "\n\nWrong, with x=(5,4):\n" in out
    assert "dx is too small by a factor 2" in out
    assert out.splitlines()[-1] == "1 of 2 classes is wrong"


@pytest.mark.parametrize(
    "body",
    [
        "raise NotImplementedError",
        "pass",
        "return None",
        "out = None; return out, x",
    ],
)
def test_a_forward_that_returns_nothing_is_not_written_yet(homework, body):
    status, out, _ = homework(BASE + f"class A(Base):\n    def forward(self, x): {body}\n")
    assert "A: not written yet: forward" in out
    assert out.splitlines()[-1] == "1 class: 0 correct, 1 not written yet"
    assert status == 1


def test_a_backward_that_returns_nothing_is_not_written_yet(homework, checks):
    status, out, _ = homework(BASE + RELU + STUB)
    assert "Stub: not written yet: backward" in out
    assert "mistake" not in out
    assert status == 1
    assert [name for name, *_ in checks.calls] == ["ReLU"]


def test_classes_can_be_picked_by_name(homework, checks):
    status, _, _ = homework(BASE + RELU + WRONG, "ReLU")
    assert status == 0
    assert [name for name, *_ in checks.calls] == ["ReLU"]
    status, _, err = homework(BASE + RELU, "Relu")
    assert status == 2
    assert err.endswith("has no Relu; it has Base, ReLU\n")


def test_a_class_shows_its_inputs_by_its_examples(homework, checks):
    examples = """
    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), rng.standard_normal((7, 2))
        yield "one", cls(), np.ones((1, 1))
"""
    _, out, _ = homework(BASE + WRONG + examples, "--seed", "3", "--effort", "quick")
    assert [inputs[0].shape for _, _, inputs, _ in checks.calls] == [(7, 2), (1, 1)]
    assert all(
        options == {"seed": 3, "effort": "quick", "strict": False} for *_, options in checks.calls
    )
    assert out.count("dx is too small by a factor 2") == 1
    assert "Wrong, example 'one': as in 'rows'" in out


def test_inherited_examples_of_another_class_are_not_taken_for_its_own(homework, checks):
    examples = """
    @classmethod
    def examples(cls, rng):
        yield "fixed", ReLU(), rng.standard_normal((7, 2))

class Leaky(ReLU):
    pass
"""
    assert homework(BASE + RELU + examples, "Leaky")[0] == 0
    assert [(name, inputs[0].shape) for name, _, inputs, _ in checks.calls] == [("Leaky", (5, 4))]


def test_examples_that_fail_are_a_mistake(homework):
    examples = "    @classmethod\n    def examples(cls, rng): return 1 / 0\n"
    status, out, _ = homework(BASE + RELU + examples)
    assert "ReLU: error: its examples raised ZeroDivisionError: division by zero" in out
    assert status == 1


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("in_features, out_features", (4, 3)),
        ("features, *, eps=1e-5", (4,)),
        ("D, M", (4, 3)),
        ("p", (0.5,)),
        ("in_dim, out_dim, pieces", (4, 3, 2)),
    ],
)
def test_constructor_arguments_are_guessed_by_their_names(homework, checks, signature, expected):
    names = [name.strip() for name in signature.split(",") if "=" not in name and "*" not in name]
    init = f"    def __init__(self, {signature}):\n        super().__init__()\n"
    init += f"        self.got = ({', '.join(names)},)\n"
    status, _, _ = homework(BASE + RELU + init)
    assert status == 0
    assert checks.calls[0][1].got == expected


def test_guesses_go_on_until_the_forward_pass_works(homework, checks):
    code = """
class Square(Base):
    def __init__(self, rows, columns):
        super().__init__()
        if rows != columns + 1: raise ValueError(f"{rows} rows")

    def forward(self, x):
        if x.ndim != 4: raise ValueError("images only")
        return x, x

    def backward(self, dout, cache):
        return dout, {}
"""
    homework(BASE + code)
    assert checks.calls[0][2][0].shape == (2, 4, 5, 7)


@pytest.mark.parametrize(
    ("head", "result", "shapes", "kind"),
    [
        ("class Hinge: def(scores, y)", "scores[np.arange(5), y].sum()", [(5, 4), (5,)], "i"),
        ("class Squares: def(x, t)", "((x - t.reshape(x.shape)) ** 2).sum()", [(5, 4)] * 2, "f"),
        ("class Entropy: def(q, t)", "np.log(q[np.arange(5), t])", [(5, 4), (5,)], "i"),
        ("class Add: def(a, b)", "a + b", [(5, 4), (5, 4)], "f"),
        ("class MatMul: def(a, b)", "a @ b", [(5, 4), (4, 3)], "f"),
        ("class Log: def(x)", "np.log(x)", [(5, 4)], "f"),
    ],
)
def test_inputs_are_guessed_by_trying(homework, checks, head, result, shapes, kind):
    name, arguments = head.removeprefix("class ").split(": def")
    code = f"""
class {name}(Base):
    def forward(self, {arguments.strip("()")}):
        return {result}, None

    def backward(self, dout, cache):
        return dout, {{}}
"""
    homework(BASE + code)
    inputs = checks.calls[0][2]
    assert [x.shape for x in inputs] == shapes
    assert inputs[-1].dtype.kind == kind


PAIRS = """
def affine_forward(x, w, b): return x @ w + b, (x, w)
def affine_backward(dout, cache): return dout @ cache[1].T, cache[0].T @ dout, dout.sum(axis=0)
def scale_forward(x, gamma, beta, eps=1e-5): return x * gamma + beta, (x, gamma)
def scale_backward(dout, cache): return dout * cache[1], (dout * cache[0]).sum(0), dout.sum(0)
def norm_forward(x, bn_param): return 2 * x, bn_param["mode"]
def norm_backward(dout, cache): return 2 * dout
def wrong_forward(x): return 2 * x, x
def wrong_backward(dout, cache): return dout
def stub_forward(x): pass
def stub_backward(dout, cache): pass
def odd_forward(x, plan): return x * plan["speed"], plan["speed"]
def odd_backward(dout, cache): return dout
def alone_forward(x): return x, x
"""


def test_pairs_of_functions_are_checked_with_inputs_by_the_names_of_their_parameters(
    homework, checks
):
    status, out, _ = homework(PAIRS)
    assert status == 1
    inputs = {name: [getattr(x, "shape", x) for x in given] for name, _, given, _ in checks.calls}
    assert inputs == {
        "affine_forward": [(5, 4), (4, 3), (3,)],
        "scale_forward": [(5, 4), (4,), (4,)],
        "norm_forward": [(5, 4), {"mode": "train"}],
        "wrong_forward": [(5, 4)],
    }
    assert "dx is too small by a factor 2" in out
    assert "stub: not written yet: forward" in out
    assert "odd, with x=(5,4); plan=0.5: not tried: forward raised TypeError: " in out
    assert ': say what it takes by --inputs "x=…; plan=…"' in out
    assert out.splitlines()[-1] == "1 of 6 pairs is wrong, 1 not written yet, 1 not tried"
    assert homework(PAIRS, "affine", "scale_forward")[0] == 0


def test_what_cannot_be_tried_is_listed_with_the_reason(homework):
    code = """
class Net(Base):
    def __init__(self, layers): self.layers = [*layers]

class Old(Base):
    def forward(self, x): return x
"""
    status, out, _ = homework(BASE + code)
    assert status == 1
    assert "Net, with layers=4: not tried: the constructor raised TypeError: " in out
    assert "Old, with x=(5,4): not tried: forward must return out, cache, and returns" in out


def test_a_check_that_raises_is_an_error_of_that_class_alone(homework, monkeypatch):
    def check(layer, *inputs, **options):
        if type(layer).__name__ == "Raises":
            raise ValueError("no such thing")
        return gradcheck.check(layer, *inputs, **options)

    monkeypatch.setattr(cases, "check", check)
    status, out, _ = homework(BASE + RELU.replace("ReLU", "Raises") + RELU)
    assert status == 1
    assert "Raises, with x=(5,4): error: ValueError: no such thing (test_command.py" in out
    assert out.splitlines()[-1] == "1 of 2 classes is wrong"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\ndef f(:\n", "homework.py:2: SyntaxError: invalid syntax"),
        ("def f():\n    return 1 / 0\n\nf()\n", "homework.py:2: ZeroDivisionError: division by"),
        ("import no_such_module_here\n", "homework.py:1: ModuleNotFoundError: No module named"),
        ("import sys\nsys.exit(3)\n", "homework.py:2: SystemExit: 3"),
        ("x = 1\0", "null bytes"),
        ("x = 1\n", "homework.py has no class with forward and backward"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_exits_with_2(homework, source, expected):
    status, out, err = homework(source)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert expected in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no_such_file.py"], "cannot read no_such_file.py"),
        (["--seed", "-1"], "--seed must be 0 or more"),
        (["--seed", "x"], "invalid int value"),
        (["--effort", "much"], "invalid choice"),
        (["--fast"], "unrecognized arguments"),
    ],
)
def test_bad_usage_is_one_line_and_exits_with_2(capsys, arguments, expected):
    assert command.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert expected in err


def test_json_holds_every_report_and_a_summary_and_nothing_that_the_file_prints(homework):
    status, out, err = homework("print('hello')\n" + BASE + RELU + WRONG + STUB, "--json")
    found = json.loads(out)
    assert status == 1
    assert "hello" in err
    assert [one["verdict"] for one in found["reports"]] == ["correct", "WRONG", "not written yet"]
    assert found["reports"][1]["report"]["findings"][0]["kind"] == "scale"
    assert found["reports"][2] | {"report": None} == found["reports"][2]
    summary = found["summary"]
    assert (summary["classes"], summary["correct"], summary["status"]) == (3, 1, 1)
    assert (summary["wrong"], summary["not written yet"]) == (["Wrong"], ["Stub"])


def test_three_inputs_are_guessed_by_their_names(homework, checks):
    code = """
class Mix(Base):
    def forward(self, x, w, labels): return x @ w + labels[:, None], None
    def backward(self, dout, cache): return dout, {}
"""
    homework(BASE + code)
    assert [x.shape for x in checks.calls[0][2]] == [(5, 4), (4, 3), (5,)]


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cases, "check", interrupt)
    assert command.main([]) == 130
    assert capsys.readouterr().err == "chainrule: interrupted\n"


def test_a_library_that_is_not_there_is_bad_usage(monkeypatch, capsys):
    monkeypatch.setattr(targets, "LIBRARY", ("no_such_library",))
    assert command.main([]) == 2
    assert "cannot import the library: No module named" in capsys.readouterr().err


def test_a_backward_that_raises_is_left_to_the_check(homework):
    code = """
class Breaks(Base):
    def forward(self, x, *, train=True): return x, x
    def backward(self, dout, cache): return 1 / 0
"""
    status, out, _ = homework(BASE + code)
    assert status == 1
    assert "backward raises ZeroDivisionError: division by zero" in out


def test_a_constructor_that_is_not_written_is_told_apart(homework):
    code = """
class A(Base):
    def __init__(self, dim): raise NotImplementedError
"""
    assert "A: not written yet: the constructor" in homework(BASE + code)[1]


def test_a_reader_that_leaves_early_gets_no_traceback(tmp_path):
    command = [sys.executable, "-m", "chainrule.gradcheck", "--json", "--effort", "quick"]
    root = Path(__file__).parents[3]
    errors = tmp_path / "stderr"
    with errors.open("wb") as stderr:
        run = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=stderr)
        run.stdout.read(1)
        run.stdout.close()
        assert run.wait() == 0
    assert errors.read_bytes() == b""


def test_help_shows_the_three_ways_to_call(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "python -m chainrule.gradcheck homework.py ReLU affine" in out
    assert "Exit status: 0" in out


def test_trying_leaves_a_layer_as_it_was(homework, checks):
    code = """
class Counts(Base):
    def forward(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        x[...] = 0
        return x + 1, x

    def backward(self, dout, cache):
        return dout, {}
"""
    homework(BASE + code)
    _, layer, inputs, _ = checks.calls[0]
    assert not hasattr(layer, "calls")
    assert np.all(inputs[0] != 0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_how_far_it_is_and_nothing_at_the_end(homework, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    homework(BASE + RELU + WRONG)
    assert "\r\x1b[K[          ] 0/2 ReLU" in sys.stderr.getvalue()
    assert "\r\x1b[K[#####     ] 1/2 Wrong" in sys.stderr.getvalue()
    assert sys.stderr.getvalue().endswith("\r\x1b[K")


REMARK = gradcheck.Finding("stability", "out", "for x 1000 times as large, out is nan", "Shift x.")


@pytest.fixture
def remarks(monkeypatch):
    """A check that has a remark, which is a mistake where it is strict."""

    def check(*_, strict, **__):
        report = gradcheck.Report("ReLU()")
        (report.findings if strict else report.remarks).append(REMARK)
        return report

    monkeypatch.setattr(cases, "check", check)


@pytest.mark.usefixtures("checks", "remarks")
def test_remarks_on_a_file_are_counted_and_told_and_leave_it_correct(homework):
    status, out, _ = homework(BASE + RELU)
    assert status == 0
    assert out.splitlines()[0].split()[-2:] == ["remarks", "ms"]
    assert out.splitlines()[2].split()[-2] == "1"
    assert "remark: for x 1000 times as large, out is nan" in out
    assert out.splitlines()[-1] == "1 class, 1 example: all correct, 1 remark"
    found = json.loads(homework(BASE + RELU, "--json")[1])
    assert found["summary"]["remarks"] == 1
    assert found["reports"][0]["report"]["remarks"][0]["tensor"] == "out"


@pytest.mark.usefixtures("checks", "remarks")
def test_with_strict_a_remark_is_a_mistake_and_so_it_is_in_the_library(homework, capsys):
    status, out, _ = homework(BASE + RELU, "--strict")
    assert status == 1
    assert out.splitlines()[-1] == "1 of 1 class is wrong"
    assert command.main([]) == 1
    assert "correct" not in capsys.readouterr().out


def test_a_layer_norm_is_no_batch_norm_to_whom_inputs_are_made(homework, checks):
    code = """
def layernorm_forward(x, gamma, beta, ln_param): return x * gamma + beta, (x, gamma)
def layernorm_backward(dout, cache): return dout * cache[1], (dout * cache[0]).sum(0), dout.sum(0)
"""
    homework(code)
    assert checks.calls[0][2][3] == {}
