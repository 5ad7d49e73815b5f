import linecache
import textwrap

import numpy as np
import pytest

from chainrule.layers import Affine, BatchNorm, Layer, Sigmoid
from chainrule.nets import Graph, circuits
from chainrule.notebooks import borrow, exercise, further
from chainrule.notebooks.exercise import RUN


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
        "      Think of: a cube has three factors",
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
        "  ✓ 8 / 4",
        "  ✗ the same once more",
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
        ((np.ones(3), np.ones(3)), "got 2 things, expected an array of shape (1, 3)"),
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


def test_what_the_checker_says_twice_is_told_once_and_in_words():
    def forward(x):
        return x * 2.0, x

    def backward(dout, x):
        return dout - x.sum(axis=1)

    with exercise(4, "twice", forward, backward) as check:
        check.functions("its gradient", forward, backward, np.ones((3, 4)))
        check.functions("once more", forward, backward, np.ones((3, 4)))
    told = said(check)
    assert told[2:4] == [
        "      arrays of shapes (3, 4) and (3,) do not fit together",
        "      (3,) is laid along the last axes of (3, 4); as (3, 1), which keepdims=True gives, "
        "it would fit",
    ]
    assert told[-2:] == ["  ✗ once more", "      the same once more"]


def affine(W, b):
    return Affine(*W.shape, dtype=b.dtype)


class Cubed(Layer):
    """A layer whose gradient lacks a factor."""

    def forward(self, x, *, train=True):
        return x**3, x

    def backward(self, dout, cache):
        return dout * 3 * cache, {}


def test_the_right_line_is_not_written_for_a_student():
    x = np.random.default_rng(0).standard_normal((3, 2))
    with exercise(4, "a cube", Cubed) as check:
        check.layer("its gradient", Cubed(), x, effort="full")
    assert check.verdict == "wrong"
    assert "If line" not in str(check)


class Double(Layer):
    """A layer that writes into its input on the way back."""

    def forward(self, x, *, train=True):
        return 2 * x, x

    def backward(self, dout, cache):
        dout *= 2
        return dout, {}


def test_what_passes_a_quick_look_is_looked_at_with_all_effort():
    with exercise(4, "twice", Double) as check:
        check.layer("its contract", Double(), np.ones((3, 2)), effort="full")
    assert "changed dout in place" in str(check)


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


@pytest.mark.parametrize(
    ("got", "expected", "why"),
    [
        ([-1.0, 2.0], [1.0, -2.0], "the sign is wrong everywhere"),
        (-3.0, 3.0, "the sign is wrong"),
        ([2.0, -4.0, 6.0], [1.0, -2.0, 3.0], "every entry is 2 times what it should be"),
        ([1 / 7, -3 / 7], [1.0, -3.0], "every entry is 1/7 times what it should be"),
        ([1.5, 2.5, 0.5], [1.0, 2.0, 0.0], "every entry is 0.5 too large"),
        ([[1.0, 3.0], [2.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]], "it is transposed"),
        ([[1.0], [2.0]], [1.0, 2.0], "the numbers are right, the shape is not"),
        ([[1.0, 2.0], [3.0, 4.0]], [4.0, 6.0], "summed over axis 0 it would be right"),
        ([[1.0, 2.0], [3.0, 5.0]], [[1.5], [4.0]], "averaged over axis 1 it would be right"),
        ([4.0, 6.0], [[1.0, 2.0], [3.0, 4.0]], "it is what is expected, summed over axis 0"),
        ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0], "these are the right numbers, in another order"),
        ([0.0, 0.0], [1.0, 2.0], "all of it is 0"),
        ([1.0, 2.0, 9.0, 4.0], [1.0, 2.0, 3.0, 4.0], "entry 2 alone is wrong"),
        ([1.0, 5.0, 7.0], [1.0, 2.0, 3.0], "entry 0 is right, all others are wrong"),
        ([1.0, 7.0], [3.0, 4.0], "Think of: birds"),
        (4.0, 3.0, "Think of: birds"),
        ([np.nan, 1.0], [3.0, 1.0], "Think of: birds"),
    ],
)
def test_numbers_say_what_they_prove_and_a_hint_is_for_where_they_prove_nothing(got, expected, why):
    with exercise(1, "an array") as check:
        check("it", np.array(got), expected, hint="birds")
    assert said(check)[3:] == [f"      {why}"]


def test_what_a_false_fact_proves_comes_before_a_hint():
    with exercise(1, "facts") as check:
        check.true("one", 1 > 2, "birds")
        check.true("another", 1 > 2, "birds", why="the order is wrong")
    assert said(check)[2::2] == ["      Think of: birds", "      the order is wrong"]


def test_two_names_for_one_array_are_told():
    x = np.array([1.0, 2.0])
    d = {"xc": x, "x": x}
    d["x"] += 1
    with exercise(1, "stages") as check:
        check("xc", d["xc"], [1.0, 2.0], among=d, mistakes=[([2.0, 3.0], "one too many")])
        check("x", d["x"], [2.0, 3.0], among=d)
    assert said(check)[3:] == [
        "      'xc' and 'x' are one array: what += adds to one is in the other, too",
        "  ✓ x",
    ]


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        (
            "np.ones((4, 2)) - np.ones(4)",
            [
                "arrays of shapes (4, 2) and (4,) do not fit together",
                "(4,) is laid along the last axes of (4, 2); as (4, 1), which keepdims=True gives, "
                "it would fit",
            ],
        ),
        (
            "np.zeros((2, 3))[0].__setitem__(slice(None), np.ones(2))",
            ["an array of shape (2,) does not fit into one of shape (3,)"],
        ),
        (
            "np.abs((np.ones((2, 3)), {}))",
            ["things of different shapes do not make one array; is it a tuple of two results?"],
        ),
        (
            "np.zeros((2, 1)).__iadd__(np.ones((2, 3)))",
            ["an array of shape (2, 3) does not fit into one of shape (2, 1)"],
        ),
        (
            "np.tensordot(np.ones((2, 3)), np.ones((2, 3)), axes=1)",
            ["the axes to sum over are of other lengths in the one array than in the other"],
        ),
        ("np.ones(3) + np.ones(4)", ["arrays of shapes (3,) and (4,) do not fit together"]),
        (
            "np.ones((2, 3)) @ np.ones((4, 5))",
            ["a product a @ b with inner lengths 3 and 4: they have to agree"],
        ),
        (
            "np.ones((2, 3)).dot(np.ones((4, 5)))",
            ["a product with inner lengths 3 and 4: they have to agree"],
        ),
        ("a, b = one()", ["one has to return 2 things: a, b, not one float"]),
        ("a, b = three()", ["three has to return 2 things: a, b"]),
        (
            'check.returns(three(), "out", "cache")',
            ["return out, cache: 2 things, not 3 things"],
        ),
        (
            'check.returns(np.ones(2), "out", "cache")',
            ["return out, cache: 2 things, not an array of shape (2,)"],
        ),
        (
            "max(0, np.ones(3))",
            ["`if`, `and`, max and min ask an array for one yes or no, not one for each entry"],
        ),
        (
            "np.max(0, np.ones(3))",
            ["an array stands where one whole number is meant, as for an axis or an index"],
        ),
        ("np.ones(2)[5]", ["IndexError: index 5 is out of bounds for axis 0 with size 2"]),
    ],
)
def test_an_exception_is_told_in_words_and_once(statement, lines):
    check = as_cell(
        f"""
        with exercise(1, "it") as check:
            {statement}
            {statement}
        """,
        exercise=exercise,
        np=np,
        one=lambda: 1.0,
        three=lambda: (1, 2, 3),
    )["check"]
    first, *rest = lines
    assert said(check)[1:] == [
        f"  ✗ {first}",
        *[f"      {line}" for line in rest],
        "  ✗ the same once more",
    ]


def written_by_a_student(source):
    """What a cell other than that of the check defines."""
    filename = "ipykernel_1/1.py"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    student = {"np": np}
    exec(compile(source, filename, "exec"), student)
    return student


def test_what_a_student_unpacks_is_not_what_the_check_unpacks():
    source = "def backward(dout, cache):\n    x, W, b = cache\n    return x, W\n"
    check = as_cell(
        'with exercise(1, "it") as check:\n    dx, dW = backward(1.0, (2.0, 3.0))',
        exercise=exercise,
        backward=written_by_a_student(source)["backward"],
    )["check"]
    assert said(check)[1:] == [
        "  ✗ ValueError: not enough values to unpack (expected 3, got 2)",
        "      in the line: x, W, b = cache",
    ]


def test_the_line_of_an_exception_is_one_of_the_students():
    source = "def slope(x):\n    return np.ones(3) / np.ones((2, x))\n"
    check = as_cell(
        'with exercise(1, "it") as check:\n    check("at 2", slope(2), 1.0)',
        exercise=exercise,
        slope=written_by_a_student(source)["slope"],
    )["check"]
    assert said(check)[1:] == [
        "  ✗ at 2",
        "      arrays of shapes (3,) and (2, 2) do not fit together",
        "      in the line: return np.ones(3) / np.ones((2, x))",
    ]


def test_no_line_of_the_course_is_given_for_what_returns_too_little():
    helpers = written_by_a_student("def calm(function):\n    return function()\n")
    check = as_cell(
        """
        with exercise(1, "it") as check:
            check("at 2", calm(lambda: check.returns(1.0, "out", "cache")[0]), 1.0)
        """,
        exercise=exercise,
        calm=helpers["calm"],
    )["check"]
    assert said(check)[1:] == ["  ✗ at 2", "      return out, cache: 2 things, not a float"]


def test_what_could_not_be_unpacked_is_blamed_on_the_line_that_tried():
    student = written_by_a_student("def both():\n    value, bar = 1.0\n    return value, bar\n")
    check = as_cell(
        'with exercise(1, "it") as check:\n    value, bar = both()\n    check("it", value, 1.0)',
        exercise=exercise,
        both=student["both"],
    )["check"]
    assert said(check)[1:] == [
        "  ✗ TypeError: cannot unpack non-iterable float object",
        "      in the line: value, bar = 1.0",
    ]


def test_points_and_what_they_add_up_to():
    RUN.clear()
    with exercise(1, "one", points=3) as first:
        first("1", 1.0, 1.0)
    with exercise(2, "two", points=4) as second:
        second("1", 2.0, 1.0)
    with exercise(2, "two", points=4) as again:
        again("1", 1.0, 1.0)
    assert said(first)[-1] == "  points: 3 of 3; so far 7 of 7"
    assert said(second)[-1] == "  points: 0 of 4; so far 3 of 7"
    assert "points" not in str(exercise(3, "none"))


def test_the_share_that_is_right_counts_the_checks_that_could_not_be_made():
    check = as_cell(
        """
        with exercise(1, "it") as check:
            check("2", 2.0, 2.0)
            a = 1 / 0
            check("a", a, 1.0)
            check("b", a, 2.0)
        """,
        exercise=exercise,
    )["check"]
    assert check.share == 0.25
    with exercise(1, "it") as unwritten:
        unwritten("2", 2.0, 2.0)
        unwritten("3", None, 2.0)
    assert unwritten.share == 0


def test_what_shows_the_answer_opens_when_the_exercise_is_right(capsys):
    with exercise(3, "the square") as check:
        check("2²", square(3), 4.0)
    capsys.readouterr()
    assert not check.opens("this picture")
    assert capsys.readouterr().out == "this picture comes when exercise 3 is right\n"
    with exercise(3, "the square") as check:
        check("2²", square(2), 4.0)
    assert check.opens("this picture")


def test_what_goes_further_gives_no_points():
    with further(1, "the cube", square) as go_1:
        go_1("1³", square(1), 1.0)
    assert said(go_1) == ["go further 1, the cube: right", "  ✓ 1³"]


def test_what_is_to_be_written_cannot_be_called_from_the_library():
    def backward(dout, cache):
        return Sigmoid().backward(dout, cache)[0]

    _, cache = Sigmoid().forward(np.array(0.0))
    with exercise(5, "the sigmoid", backward) as check, check.without(Sigmoid):
        check("at 0", backward(np.array(1.0), cache), 0.25)
    assert said(check) == [
        "exercise 5, the sigmoid: not yet",
        "  ✗ this calls the backward pass of the library's Sigmoid; write your own",
    ]
    assert backward(np.array(1.0), cache) == 0.25


def test_nor_can_its_forward_pass_where_that_is_asked_for():
    with exercise(5, "the sigmoid") as check, check.without(Sigmoid):
        check("at 0", Sigmoid().forward(np.array(0.0))[0], 0.5)
        with check.without(Sigmoid, forward=True):
            check("at 0", Sigmoid().forward(np.array(0.0))[0], 0.5)
    assert said(check)[1:] == [
        "  ✓ at 0",
        "  ✗ this calls the forward pass of the library's Sigmoid; write your own",
    ]


def test_a_trace_cannot_be_called_instead():
    graph, inputs = circuits.used_twice()
    with exercise(3, "forks") as check, check.without(Graph):
        check("x", graph.trace(*inputs)["x"].gradient, 7.0)
    assert said(check)[1:] == [
        "  ✗ this calls the backward pass of the library's Graph; write your own"
    ]
    assert graph.trace(*inputs)["x"].gradient == 7.0


def test_what_is_borrowed_may_call_the_library():
    forward, backward = borrow(lambda: Sigmoid())
    with exercise(5, "the sigmoid", forward, backward) as check, check.without(Sigmoid):
        check("at 0", backward(np.array(1.0), forward(np.array(0.0))[1]), 0.25)
    assert check.verdict == "borrowed"


def test_a_line_that_the_checker_quotes_is_one_of_a_cell():
    student = written_by_a_student("def backward(dout, x):\n    return dout * 3\n")
    x = np.linspace(-1, 1, 6).reshape(2, 3)

    def ours(dout, _):
        return dout * 5

    with exercise(1, "a slope") as check:
        check.functions("a student's", lambda x: (2 * x, x), student["backward"], x)
        check.functions("the library's", lambda x: (2 * x, x), ours, x)
    told = said(check)
    assert "      computed in line 2: return dout * 3" in told
    assert not [line for line in told if "dout * 5" in line]
