"""One edit of the source that makes a wrong gradient right: found, told, never by chance."""

import ast
import cProfile
import inspect

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions
from chainrule.gradcheck.explain.editor import Editor
from chainrule.gradcheck.explain.edits import edits
from chainrule.layers import Tanh

RNG = np.random.default_rng(3)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 5)), RNG.standard_normal(5)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention_forward(q, k, v):
    p = softmax(q @ k.T / np.sqrt(q.shape[-1]))
    return p @ v, (q, k, v, p)


def attention_backward(dout, cache):
    q, k, v, p = cache
    dp = dout @ v.T
    ds = p * (dp - (dp * p).mean(-1, keepdims=True))
    ds = ds / np.sqrt(q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ dout


def step_forward(x, h, Wx, Wh):
    z = x @ Wx + h @ Wh
    i, g = 1 / (1 + np.exp(-z[:, :2])), np.tanh(z[:, 2:])
    return i * g, (x, h, Wx, Wh, i, g)


def step_backward(dout, cache):
    x, h, Wx, Wh, i, g = cache
    da = dout * g * i
    db = dout * i * (1 - g**2)
    dz = np.concatenate([da, db], axis=1)
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, h.T @ dz


def told(report):
    (found,) = report.findings
    assert found.cause == "edit"
    return found


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return next(first + at for at, line in enumerate(lines) if text in line)


def test_another_function():
    q, k, v = (RNG.standard_normal((4, 3)) for _ in range(3))
    found = told(check_functions(attention_forward, attention_backward, q, k, v))
    number = line_of(attention_backward, "mean")
    assert found.message == (
        f"dq and dk would agree in every digit with `(dp * p).sum` for `(dp * p).mean` in line "
        f"{number}"
    )
    assert found.hint == (
        f"If line {number} read `ds = p * (dp - (dp * p).sum(-1, keepdims=True))`, dq and dk would "
        f"be right."
    )


def gates_forward(x, c):
    f, g = softmax(x[:, :2]), np.tanh(x[:, 2:])
    new = f * c + g
    return f * new, new, (f, c, g, new)


def gates_backward(dout, dnew, cache):
    f, c, g, new = cache
    dnew = dnew + dout * f
    df = dout * new + dnew * c
    dx = np.concatenate([f * (df - (df * f).sum(1, keepdims=True)), dnew * (1 - g**2)], axis=1)
    return dx, dnew * f


def right_gates(x, c):
    f, g = softmax(x[:, :2]), np.tanh(x[:, 2:])
    new = f * c + g
    return f * np.tanh(new), new, None


def test_a_reference_with_fewer_outputs_is_told():
    def one(x, c):
        return right_gates(x, c)[0]

    x, c = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 2))
    with pytest.raises(ValueError, match="gives 2 outputs and the reference 1; expected"):
        check_functions(gates_forward, gates_backward, x, c, reference=one)


def test_forward_beside_a_reference():
    x, c = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 2))
    report = check_functions(gates_forward, gates_backward, x, c, reference=right_gates)
    (found,) = report.findings
    number = line_of(gates_forward, "return")
    assert (found.cause, found.kind) == ("forward-edit", "forward-bug")
    assert found.message == (
        "gates_forward would give what the reference gives with `f * np.tanh(new)` for `f * new` "
        f"in line {number}"
    )
    assert "`return f * np.tanh(new), new, (f, c, g, new)`, out would be right" in found.hint


def grouped_forward(x):
    groups = x.reshape(len(x), 2, -1)
    rstd = 1 / np.sqrt(groups.var(axis=2, keepdims=True) + 1e-5)
    hat = (groups - groups.mean(axis=2, keepdims=True)) * rstd
    return hat.reshape(x.shape), (hat, rstd)


def grouped_backward(dout, cache):
    hat, rstd = cache
    d, count = dout.reshape(hat.shape), dout.shape[2] * dout.shape[3]
    sums = d.sum(axis=2, keepdims=True) + hat * (d * hat).sum(axis=2, keepdims=True)
    return (rstd * (d - sums / count)).reshape(dout.shape)


def test_both_paths_are_off_by_one_factor():
    x = RNG.standard_normal((2, 6, 2, 4))
    found = check_functions(grouped_forward, grouped_backward, x).findings[0]
    assert found.cause == "parts-factor"
    assert found.message.startswith(
        "the paths through the group mean and the group variance in dx are too large by a factor 3"
    )


RATE = 0.5


def cooled_forward(x):
    return np.tanh(x / RATE), x


def cooled_backward(dout, x):
    return dout * (1 - np.tanh(x / RATE) ** 2)


def test_a_constant_that_lacks_is_told_apart_from_its_number():
    (found,) = check_functions(cooled_forward, cooled_backward, X).findings
    assert "/ RATE`" in found.hint  # no `2 *`, which fits as well as long as RATE is 0.5
    assert found.message.startswith("dx is too small by a factor 2, and would agree")


def windows_forward(x, w):
    n = x.shape[1] - len(w) + 1
    return sum(x[:, i : i + n] * w[i] for i in range(len(w))), (x, w)


def windows_backward(dout, cache):
    x, w = cache
    n = dout.shape[1]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(len(w)):
        dx[:, i : i + n] = dout * w[i]
        dw[i] = (dout * x[:, i : i + n]).sum()
    return dx, dw


def test_how_it_is_wrong_and_the_edit():
    (found,) = check_functions(windows_forward, windows_backward, X, W[:2, 0].copy()).findings
    number = line_of(windows_backward, "dx[:, i")
    assert found.message == (
        "dx holds only the first contribution where several outputs depend on an entry, and would "
        f"agree in every digit with `+=` for `=` in line {number}"
    )
    assert found.kind == "overwrite"


def test_a_small_number_too_much():
    def backward(dout, x):
        return dout * (1 - np.tanh(x / RATE) ** 2 + 1e-4) / RATE

    found = told(check_functions(cooled_forward, backward, X))
    assert "would agree in every digit without `+ 1e-4`" in found.message


class Inherited(Tanh):
    def forward(self, x, *, train=True):
        out, cache = super().forward(x, train=train)
        return out * x, cache


def test_what_others_have_written_is_left_alone():
    (found,) = check(Inherited(), X).findings
    assert "line" not in found.message + found.hint


def test_nothing_is_tried_while_a_profiler_looks_on():
    q, k, v = (RNG.standard_normal((4, 3)) for _ in range(3))
    profiler = cProfile.Profile()
    report = profiler.runcall(check_functions, attention_forward, attention_backward, q, k, v)
    assert not report
    assert not check_functions(attention_forward, attention_backward, q, k, v)


def test_a_factor_of_one_gate():
    x, h = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))
    Wx, Wh = RNG.standard_normal((3, 4)), RNG.standard_normal((2, 4))
    found = told(check_functions(step_forward, step_backward, x, h, Wx, Wh))
    assert "dx, dh, dWx and dWh would agree" in found.message
    assert "(1 - i)" in found.message
    assert f"line {line_of(step_backward, 'da = ')}" in found.message


class Doubled:
    """A layer with a helper of its own, which has the mistake, behind a decorated method."""

    def __init__(self):
        self.params = {}

    def forward(self, x, train=True):
        return x * np.sin(x), x

    def slope(self, x):
        return np.sin(x) + x * np.sin(x)

    @staticmethod
    def times(dout, slope):
        return dout * slope

    def backward(self, dout, cache):
        return self.times(dout, self.slope(cache)), {}


def test_a_method_of_the_layer():
    found = told(check(Doubled(), X))
    assert "with `x * np.cos(x)` for `x * np.sin(x)`" in found.message
    assert f"line {line_of(Doubled.slope, 'return')}" in found.message


def test_a_function_with_variables_around_it():
    scale = np.array([1.0, 2.0, 3.0])

    def forward(x):
        return np.sin(scale * x), x

    def backward(dout, x):
        return scale * dout * np.cos(scale + x)

    found = told(check_functions(forward, backward, X))
    assert "np.cos(scale * x)" in found.hint


def test_sizes_that_are_equal_by_chance_are_told_apart():
    def forward(q):
        return np.tanh(q) * np.sqrt(q.shape[1]) * q, q

    def backward(dout, q):
        t = np.tanh(q)
        return dout * (t * q.shape[1] + np.sqrt(q.shape[1]) * q * (1 - t**2))

    report = check_functions(forward, backward, RNG.standard_normal((2, 4)))  # √4 = 2 rows
    found = told(report)
    assert "shape[0]" not in found.hint
    assert "the root of `q.shape[1]`" in found.message


def test_the_code_is_as_it_was_afterwards():
    before = attention_backward.__code__
    q = RNG.standard_normal((4, 3))
    check_functions(attention_forward, attention_backward, q, q + 1, q - 1)
    assert attention_backward.__code__ is before


def test_not_asked_where_quick():
    q, k, v = (RNG.standard_normal((4, 3)) for _ in range(3))
    report = check_functions(attention_forward, attention_backward, q, k, v, effort="quick")
    assert all(found.cause != "edit" for found in report.findings)


def test_a_loop_that_may_not_end_is_left_alone():
    def forward(x):
        return np.exp(x) * x, x

    def backward(dout, x):
        k, total = 0, np.zeros(x.shape)
        while k < 30:
            total = total + np.exp(x) / 30
            k += 1
        return dout * total * (1 - x)

    (found,) = check_functions(forward, backward, X).findings
    assert found.cause != "edit"


def test_nothing_fits_by_chance():
    """Noise in the place of a gradient: thousands of edits, none of which is told."""
    noise = RNG.standard_normal(X.shape)

    def forward(x):
        return np.sin(x) * np.exp(x), x

    def backward(dout, x):
        s, e = np.sin(x), np.exp(x)
        return dout * e * (s + np.tanh(x * noise))

    (found,) = check_functions(forward, backward, X).findings
    assert found.cause == "unexplained"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("(a + b) * 2", {"a * 2", "(a - b) * 2", "(a + b) * 3", "a + b"}),
        ("a.sum(0)", {"a.mean(0)", "a.sum(1)", "a.sum((0, 1))", "a"}),
        ("a[:, 1:]", {"a[1:, :]", "a"}),
        ("np.where(a > 0, a, b)", {"np.where(a >= 0, a, b)", "np.where(a > 0, b, b)"}),
        ("a.transpose(1, 0)", {"a.transpose(0, 1)", "a", "a.transpose(1, 0).T"}),
        ("-a", {"a", "-b"}),
        ("a @ c", {"c @ a", "a.T @ c", "-(a @ c)", "(a @ c) * b", "(a @ c) / n"}),
        ("[a for k in range(n)]", {"[b for k in range(n)]"}),
        ("a * 0.5", {"a * 1.0", "a", "a / 0.5"}),
        ("a + b", {"a[..., ::-1] + b", "a + b[..., ::-1, ::-1]"}),
        ("a - b", {"b - a", "a + b", "a", "-b", "a - (b * (1 - a**2))"}),
        ("b[i]", {"b", "a[i]"}),
        ("b * np.exp(a)", {"b * np.exp(b)", "np.exp(b) * np.exp(a)", "b * (a * (1 - a))"}),
        ("a / b.shape[0]", {"a / n", "a / a.shape[0]", "a / np.sqrt(b.shape[0])"}),
        ("np.sqrt(a) + b", {"np.sqrt(a + b)", "np.sqrt(a) - b"}),
        ("a * a - b", {"b * b - b", "(1 - a) * a - b", "(a * a - b) + a @ c"}),
        ("a * b", {"b * (a - (b * a).sum(-1, keepdims=True))", "(a * b) / np.sqrt(n)"}),
        ("a.mean(0) * b.mean(0)", {"a.mean(1) * b.mean(1)", "a * b"}),
        ("e.reshape(n, 4)", {"e.transpose(0, 2, 1).reshape(n, 4)"}),
        ("a[:n, :1]", {"a[n:-n, :1]", "a[:1, :n]"}),
    ],
)
def test_edits_of_a_line(line, wanted):
    made = edited(f"dx = {line}")
    assert {f"dx = {text}" for text in wanted} | {f"dx += {line}", "pass"} <= set(made)


@pytest.mark.parametrize("wanted", ["a[i] = b", "np.add.at(a, i, b)", "a[i] += -b", "b[i] += a"])
def test_edits_of_what_is_added_up(wanted):
    assert wanted in edited("a[i] += b")


def edited(line):
    """The line as each of its edits has it."""
    source = f"def backward(dout, cache):\n    a, b, c, e, i, n = cache\n    {line}\n"
    (tree,) = ast.parse(source).body
    a = np.ones((2, 3))
    values = {
        "np": np,
        "a": a,
        "b": a + 1,
        "c": np.ones((3, 3)),
        "e": np.ones((2, 3, 2)),
        "i": np.array([0, 1]),
        "n": 3,
    }
    editor = Editor(source.splitlines(True), tree, values | {"dx": a.copy()}, [])
    whole = [editor.applied(edit) for edit in edits(editor)]
    assert len(whole) == len(set(whole))
    return [text.decode().splitlines()[2].strip() for text in whole]
