import linecache
import textwrap

import numpy as np
import pytest

from chainrule.layers import Affine, BatchNorm, Sigmoid
from chainrule.notebooks import borrow, exercise


def square(x):
    return x * x


def said(done):
    return str(done).splitlines()


def test_what_is_right_is_called_right(capsys):
    with exercise(2, "the square", square) as check:
        check("3² is 9", square(3), 9.0)
        check.true("a square is not negative", square(-3) >= 0)
    assert check.verdict == "right"
    check.require()
    assert capsys.readouterr().out.splitlines() == [
        "exercise 2, the square: right",
        "  ✓ 3² is 9",
        "  ✓ a square is not negative",
    ]


def test_what_is_half_right_is_told_what_is_right():
    with exercise(2, "the cube", square) as check:
        check("1³ is 1", square(1), 1.0)
        check("2³ is 8", square(2), 8.0, hint="a cube has three factors")
        check("at 0", square(0), 0.0)
    assert said(check) == [
        "exercise 2, the cube: not yet, but 2 of 3 checks pass",
        "  ✓ 1³ is 1",
        "  ✗ 2³ is 8",
        "      got 4, expected 8",
        "      a cube has three factors",
        "  ✓ at 0",
    ]
    with pytest.raises(AssertionError, match="exercise 2, the cube: not yet, but 2 of 3"):
        check.require()


def test_a_known_mistake_is_called_by_its_name():
    with exercise(1, "the cube") as check:
        check("2³", square(2), 8.0, hint="think", mistakes=[(2.0, "x"), (4.0, "that is x²")])
    assert said(check)[-1] == "      that is x²"
    assert "think" not in str(check)


def unwritten():
    raise NotImplementedError


@pytest.mark.parametrize(
    "call",
    [
        lambda check: check("a number", unwritten(), 1.0),
        lambda check: check("a number", None, 1.0),
        lambda check: check.true("a fact", None),
    ],
)
def test_what_is_not_written_is_no_traceback(call):
    with exercise(3, "a function") as check:
        call(check)
    assert check.verdict == "unwritten"
    assert said(check)[0] == "not written yet: exercise 3, a function"
    with pytest.raises(AssertionError, match="not written yet"):
        check.require()


def test_a_function_without_return_is_told_so():
    def forward(x):
        x + 1

    with exercise(3, "a function") as check:
        out, _ = forward(1)
        check("never reached", out, 2)
    assert check.verdict == "unwritten"
    assert said(check)[1] == "  ✗ a function returned None: is its `return` missing?"


def test_an_exception_is_a_line():
    with exercise(1, "a division") as check:
        check("6 / 2", 6 / 2, 3.0)
        check("6 / 0", 6 / (3 - 3), 3.0)
    assert said(check) == [
        "exercise 1, a division: not yet, but 1 of 2 checks pass",
        "  ✓ 6 / 2",
        "  ✗ ZeroDivisionError: division by zero",
    ]


def as_cell(source, **names):
    """Runs `source` as a notebook runs a cell, and returns what it has defined."""
    filename = "ipykernel_1/2.py"
    lines = textwrap.dedent(source).strip().splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    exec(compile("".join(lines), filename, "exec"), names)
    return names


def test_in_a_notebook_an_exception_does_not_end_the_checks():
    check = as_cell(
        """
        with exercise(1, "a division", divide) as check:
            check("6 / 3", divide(6, 3), 2.0)
            check("6 / 0", divide(6, 0), 0.0, hint="nobody shares")
            check(
                "8 / 4",
                divide(8, 4),
                2.0,
            )
            out = divide(1, 0)
            check("needs what failed", out, 0.0)
            other = divide(9, 3)
            check("needs what did not", other, 3.0)
        """,
        exercise=exercise,
        divide=lambda a, b: a / b,
    )["check"]
    assert said(check) == [
        "exercise 1, a division: not yet, but 3 of 5 checks pass",
        "  ✓ 6 / 3",
        "  ✗ 6 / 0",
        "      ZeroDivisionError: division by zero",
        '      in the line: check("6 / 0", divide(6, 0), 0.0, hint="nobody shares")',
        "      nobody shares",
        "  ✓ 8 / 4",
        "  ✗ ZeroDivisionError: division by zero",
        "      in the line: out = divide(1, 0)",
        "  ✓ needs what did not",
    ]


def test_what_follows_is_told_once_where_nothing_is_written():
    check = as_cell(
        """
        with exercise(1, "a pair", pair) as check:
            a, b = pair()
            c, d = pair()
            check("a", a, 1.0)
            check("2 + 2", 4, 4.0)
        """,
        exercise=exercise,
        pair=lambda: None,
    )["check"]
    assert said(check) == [
        "not written yet: exercise 1, a pair",
        "  ✗ a function returned None: is its `return` missing?",
        "  ✓ 2 + 2",
    ]


def test_what_may_be_wrong_only_for_want_of_what_is_not_written_is_left_out():
    check = as_cell(
        """
        with exercise(1, "a mean", value) as check:
            found = []
            for seed in range(3):
                found.append(value() + seed)
            check("their mean", np.mean(found), 1.0)
            check("2 + 2", 4, 4.0)
        """,
        exercise=exercise,
        value=unwritten,
        np=np,
    )["check"]
    assert said(check) == ["not written yet: exercise 1, a mean", "  ✓ 2 + 2"]


def test_an_interrupt_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt), exercise(1, "a long loop"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (np.ones(3), "got an array of shape (3,), expected (1, 3)"),
        (np.array([[1.0, 2.0, 4.0]]), "entry [0, 2] is 4, expected 3 (1 of 3 entries are wrong)"),
        (np.full((1, 3), np.nan), "entry [0, 0] is nan, expected 1 (3 of 3 entries are wrong)"),
        ("abc", "got 'abc', expected array([[1., 2., 3.]])"),
        (
            np.ones((1, 3)) + 1j,
            "got array([[1.+1.j, 1.+1.j, 1.+1.j]]), expected array([[1., 2., 3.]])",
        ),
        ((1, [2]), "got (1, [2]), expected array([[1., 2., 3.]])"),
    ],
)
def test_how_arrays_differ(got, why):
    with exercise(1, "an array") as check:
        check("it", got, np.array([[1.0, 2.0, 3.0]]))
    assert said(check)[2] == f"      {why}"


def test_the_checker_says_what_is_wrong():
    def forward(x):
        out = 1 / (1 + np.exp(-x))
        return out, out

    def backward(dout, out):
        return dout * out

    with exercise(4, "the sigmoid", forward, backward) as check:
        check.functions("its gradient", forward, backward, np.linspace(-1, 1, 6).reshape(2, 3))
    assert check.verdict == "wrong"
    assert "dx" in str(check)
    with exercise(4, "the affine layer") as check:
        check.layer("its gradients", Affine(3, 2, rng=0), np.eye(3))
    assert check.verdict == "right"


def affine(W, b):
    return Affine(*W.shape, dtype=b.dtype)


def test_what_is_borrowed_gives_no_points():
    forward, backward = borrow(affine)
    x, W, b = np.eye(3), np.arange(6.0).reshape(3, 2), np.ones(2)
    out, cache = forward(x, W, b)
    np.testing.assert_array_equal(out, W + 1)
    dx, dW, db = backward(np.ones((3, 2)), cache)
    np.testing.assert_array_equal(dx, np.tile(W.sum(axis=1), (3, 1)))
    np.testing.assert_array_equal(dW, np.ones((3, 2)))
    np.testing.assert_array_equal(db, [3, 3])
    with exercise(1, "the affine layer", forward, backward) as check:
        check.functions("its gradients", forward, backward, x, W, b)
    assert said(check)[0] == (
        "exercise 1, the affine layer: borrowed from the library; go on, and come back"
    )
    with pytest.raises(AssertionError):
        check.require()


def test_classes_and_layers_without_parameters_can_be_borrowed():
    forward, backward = borrow(lambda: Sigmoid())
    out, cache = forward(np.zeros(2))
    assert backward(out, cache).tolist() == [0.125, 0.125]
    Norm = borrow(BatchNorm)
    assert isinstance(Norm(3), BatchNorm)
    with exercise(1, "batch norm", Norm) as check:
        check.true("it has a gain", "gamma" in Norm(3).params)
    assert check.verdict == "borrowed"


def test_the_box_of_a_notebook_holds_the_same_words():
    with exercise(1, "a < b") as check:
        check("1 < 2", 1, 2.0, hint="<b>")
    html = check._repr_html_()
    assert "exercise 1, a &lt; b: not yet" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html.replace('<b style="', "").replace("</b>", "")
