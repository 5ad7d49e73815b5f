"""`pytest --gradcheck homework.py` and the fixture `gradcheck`, each in a run within the test."""

import pytest

import chainrule.gradcheck.command.cases  # noqa: F401  # or each run within would import it anew

pytest_plugins = ["pytester"]

RIGHT = """
import numpy as np

def relu_forward(x):
    return np.maximum(x, 0), x

def relu_backward(dout, cache):
    return dout * (cache > 0)
"""
WRONG = """
import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout, dout.mean(axis=0)
"""
UNWRITTEN = """
def tanh_forward(x):
    return x, x

def tanh_backward(dout, cache):
    pass
"""
UNTRIED = """
def odd_forward(x, quux):
    return x[quux["key"]], x

def odd_backward(dout, cache):
    return dout
"""
REMARKED = """
import numpy as np

def softplus_forward(x):
    return np.log(1 + np.exp(x)), x

def softplus_backward(dout, cache):
    return dout / (1 + np.exp(-cache))
"""
CLASS = """
class Twice:
    def __init__(self):
        self.params, self.state = {}, {}

    def forward(self, x, *, train=True):
        return 2 * x, None

    def backward(self, dout, cache):
        return 2 * dout, {}

    @classmethod
    def examples(cls, rng):
        yield "small", cls(), rng.standard_normal((3, 2))
        yield "large", cls(), rng.standard_normal((5, 4))
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest with these arguments and files, and with no plugin that is not named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(*arguments, **files):
        for name, source in files.items():
            pytester.makepyfile(**{name: source})
        return pytester.runpytest_inprocess("-p", "chainrule", *arguments)

    return run


@pytest.fixture
def check(run):
    """Checks a file, quickly."""
    return lambda source, *options: run(
        "--gradcheck", "homework.py", "--gradcheck-effort=quick", *options, homework=source
    )


def test_what_is_right_passes_and_what_is_wrong_fails_with_the_report_as_its_text(check):
    result = check(RIGHT + WRONG)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ affine _*",
            "affine_forward, affine_backward: 1 mistake*",
            "*x ok (*b WRONG",
            "*db is too small by a factor 5 = N, the batch size",
            "*in line 16: return dout @ w.T, x.T @ dout, dout.mean(axis=0)",
            "FAILED homework.py::affine - *",
        ]
    )
    for trace in ("pytest_plugin", "runtest", "Traceback"):
        result.stdout.no_fnmatch_line(f"*{trace}*")


def test_what_is_not_written_or_cannot_be_tried_is_skipped_and_told(check):
    result = check(RIGHT + UNWRITTEN + UNTRIED, "-v")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "homework.py::tanh SKIPPED (tanh: not written yet: backward)*",
            "*= gradcheck =*",
            "homework.py::tanh: not written yet: backward",
            "homework.py::odd: not tried: *: say what it takes by --gradcheck-inputs *",
        ]
    )


def test_what_something_takes_can_be_said(check):
    source = "def half_forward(x, quux): return x / len(quux), quux\n"
    source += "def half_backward(dout, quux): return dout / len(quux)"
    told = check(source, '--gradcheck-inputs=quux="ab"')
    told.assert_outcomes(passed=1)
    bad = check(source, "--gradcheck-inputs=quux")
    bad.stderr.fnmatch_lines(["*--gradcheck-inputs: 'quux' is not of the form name=value*"])


def test_a_check_that_raises_fails_with_one_sentence(check):
    source = RIGHT.replace("dout * (cache > 0)", "dout * undefined")
    result = check(source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NameError: name 'undefined' is not defined*"])
    result.stdout.no_fnmatch_line("*pytest_plugin*")


def test_remarks_are_told_and_pass_unless_they_are_to_be_mistakes(run):
    result = run("--gradcheck", "homework.py", homework=REMARKED)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*= gradcheck =*", "homework.py::softplus:", "*remark: for inputs*"]
    )
    strict = run("--gradcheck", "--gradcheck-strict", "homework.py")
    strict.assert_outcomes(failed=1)
    strict.stdout.fnmatch_lines(["*for inputs 1000 times as large, the output is inf*"])


def test_items_are_listed_and_chosen_by_name(check, run):
    result = check(RIGHT + WRONG + CLASS, "--collect-only", "-q")
    assert result.outlines[:4] == [
        "homework.py::relu",
        "homework.py::affine",
        "homework.py::Twice[small]",
        "homework.py::Twice[large]",
    ]
    check(RIGHT + WRONG, "-k", "relu").assert_outcomes(passed=1, deselected=1)
    run("--gradcheck", "homework.py::relu").assert_outcomes(passed=1)


def test_workers_check_the_same_items(check):
    result = check(RIGHT + WRONG + UNWRITTEN, "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*db is too small*", "homework.py::tanh: not written yet: backward"]
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import numpy\n1 / 0", "homework.py:2: ZeroDivisionError: division by zero"),
        ("def (", "homework.py:1: SyntaxError: *"),
        ("raise SystemExit(3)", "homework.py:1: SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_run_is_one_error_of_one_line(check, source, said):
    result = check(source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*_ ERROR collecting homework.py _*", said, "*short test summary*"]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")


def test_a_named_file_with_nothing_to_check_says_so(check):
    result = check("answer = 42")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["homework.py::nothing: not tried: homework.py has no class with *"]
    )


def test_of_a_folder_the_files_that_hold_something_are_checked_and_tests_are_run(run, pytester):
    folder = pytester.mkdir("homework")
    (folder / "layers.py").write_text(RIGHT)
    (folder / "helpers.py").write_text("answer = 42")
    (folder / "notes.txt").write_text("def f(")
    for name in ("setup.py", "__main__.py"):
        (folder / name).write_text("raise SystemExit('it was run')")
    (folder / "test_layers.py").write_text("def test_it(): pass\n" + WRONG)
    result = run("--gradcheck", "homework", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["homework/layers.py::relu PASSED*", "homework/test_layers.py::test_it PASSED*"]
    )


def test_a_file_of_two_is_known_by_its_own_source(run):
    broken = CLASS.replace("2 * x, None", "2 * x, undefined")
    result = run("--gradcheck", "first.py", "second.py", first=broken, second=RIGHT)
    result.stdout.fnmatch_lines(["*NameError: name 'undefined' is not defined", "*line 6: return*"])


def test_other_tests_may_skip_and_have_properties_of_their_own(run):
    files = {
        "test_module": "import pytest\npytest.skip('whole', allow_module_level=True)",
        "test_own": "def test_it(record_property): record_property('mine', 1)",
    }
    for options in ((), ("--gradcheck",)):
        result = run(*options, **files)
        result.assert_outcomes(passed=1, skipped=1)
        result.stdout.no_fnmatch_line("*= gradcheck =*")


def test_nothing_happens_and_nothing_is_imported_where_it_is_not_asked_for(pytester):
    pytester.makepyfile(
        homework=WRONG,
        test_homework="""
        import sys

        def test_imports():
            assert "chainrule.pytest_plugin" in sys.modules
            assert not {"numpy", "chainrule.gradcheck"} & sys.modules.keys()
        """,
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*gradcheck*")


@pytest.mark.parametrize("seed", ["-1", "1.5", "one"])
def test_a_bad_seed_is_refused(check, seed):
    result = check(RIGHT, f"--gradcheck-seed={seed}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--gradcheck-seed: expected a number from 0 on, not '{seed}'"])


def test_the_fixture_fails_with_the_report_and_the_line_of_the_test(run):
    result = run(
        "--gradcheck-effort=quick",
        test_own="""
        import numpy as np
        import pytest
        from chainrule.gradcheck import GradientError
        from chainrule.layers import Tanh

        class Uphill(Tanh):
            def backward(self, dout, cache):
                return -super().backward(dout, cache)[0], {}

        x = np.linspace(-1, 1, 6).reshape(3, 2)

        def test_right(gradcheck):
            report = gradcheck(Tanh(), x, effort="quick")
            assert report.tensors["x"].ok

        def test_wrong(gradcheck):
            gradcheck(Uphill(), x, effort="quick", seed=3)

        def test_error(gradcheck):
            with pytest.raises(GradientError, match="wrong sign"):
                gradcheck(Uphill(), x)
        """,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       gradcheck(Uphill(), x, effort="quick", seed=3)',
            "E       *Uphill(): 1 mistake*",
            "E       *dx has the wrong sign everywhere",
        ],
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")
