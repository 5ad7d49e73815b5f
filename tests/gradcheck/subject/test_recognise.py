"""Whatever has a backward pass: functions with their derivatives, pairs, classes, models."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_derivative, check_functions


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


X, Y, LABELS = rows(5, 4), rows(5, 4, seed=1), np.array([0, 1, 2, 3, 0])


def logistic(x):
    return 1 / (1 + np.exp(-x))


def logistic_prime(x):
    return logistic(x) * (1 - logistic(x))


def mse(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 2)


def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / y_pred.size


def flagged(x, derivative=False):
    return logistic_prime(x) if derivative else logistic(x)


class Logistic:
    def __call__(self, x):
        return logistic(x)

    def gradient(self, x):
        return logistic_prime(x)


class SquaredError:
    def loss(self, y, p):
        return 0.5 * np.sum((y - p) ** 2)

    def grad(self, y, p):
        return p - y


class Static:
    @staticmethod
    def forward(x, w):
        return x @ w, (x, w)

    @staticmethod
    def backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout


def cell_forward(x, prev_h, prev_c):
    return prev_h + x * prev_c, x * prev_c, (x, prev_c)


def cell_backward(dh, dc, cache):
    x, prev_c = cache
    return (dh + dc) * prev_c, dh, (dh + dc) * x


def linear(x):
    return 3 * x


def linear_backward(dout, x):  # noqa: ARG001
    return 3 * dout


def tanh(x):
    return np.tanh(x)


def tanh_backward(dout, out):
    return dout * (1 - out**2)


def scores_loss(scores, y):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


class Net:
    """A model with loss() and gradient(), as textbooks have it."""

    def __init__(self):
        self.params = {"W": rows(4, 3), "b": rows(3)}

    def loss(self, x, t):
        return scores_loss(x @ self.params["W"] + self.params["b"], t)[0]

    def gradient(self, x, t):
        _, d = scores_loss(x @ self.params["W"] + self.params["b"], t)
        return {"W": x.T @ d, "b": d.sum(axis=0)}


logistic_with_grad = type("function", (), {"__call__": lambda _, x: logistic(x)})()
logistic_with_grad.grad = logistic_prime


@pytest.mark.parametrize(
    ("thing", "inputs", "tensors"),
    [
        (flagged, (X,), ["x"]),
        (Logistic(), (X,), ["x"]),
        (logistic_with_grad, (X,), ["x"]),
        (SquaredError(), (X, Y), ["p"]),
        (Static, (X, rows(4, 3)), ["x", "w"]),
        ((cell_forward, cell_backward), (X, Y, rows(5, 4, seed=2)), ["x", "prev_h", "prev_c"]),
        ((linear, linear_backward), (X,), ["x"]),
        ((tanh, tanh_backward), (X,), ["x"]),
        ((logistic, logistic_prime), (X,), ["x"]),
        (scores_loss, (X, LABELS), ["scores"]),
        (Net(), (X, LABELS % 3), ["W", "b"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_convention_is_known_by_what_it_has(thing, inputs, tensors):
    report = check(thing, *inputs)
    assert report, report
    assert list(report.tensors) == tensors


def flagged_wrongly(x, derivative=False):
    return 2 * x if derivative else x**3


class WrongNet(Net):
    def gradient(self, x, t):
        return super().gradient(x, t) | {"b": np.zeros(3)}


class WrongError(SquaredError):
    def grad(self, y, p):
        return y - p


class WrongStatic(Static):
    @staticmethod
    def backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout / len(x)


def forgets_a_state(dh, dc, cache):
    x, prev_c = cache
    return dh * prev_c, dh, (dh + dc) * x


@pytest.mark.parametrize(
    ("thing", "inputs", "said"),
    [
        (flagged_wrongly, (X,), "flagged_wrongly(derivative=True) is wrong"),
        (WrongError(), (X, Y), "WrongError.grad has the wrong sign everywhere"),
        (WrongStatic, (X, rows(4, 3)), "dw is too small by a factor 5 = N, the batch size"),
        ((cell_forward, forgets_a_state), (X, Y, rows(5, 4, seed=2)), "dx"),
        ((linear, lambda dout, x: 0 * x - 3 * dout), (X,), "dx has the wrong sign everywhere"),
        ((tanh, lambda dout, out: dout * (1 - out)), (X,), "dx lacks the factor (1 + out)"),
        (lambda x, y: (float((x * y).sum()), x), (X, Y), "dx"),
        (WrongNet(), (X, LABELS % 3), "grads['b'] is 0 everywhere"),
    ],
)
def test_in_every_convention_mistakes_are_found_and_told(thing, inputs, said):
    report = check(thing, *inputs)
    assert not report
    assert said in report.findings[0].message


def test_a_derivative_may_be_a_function_of_the_input_or_of_the_output():
    assert not check_derivative(logistic, logistic_prime, X).notes
    report = check_derivative(logistic, lambda s: s * (1 - s), X)
    assert report
    assert "is right as a function of the output" in report.notes[0]
    assert not check_derivative(logistic, lambda s: s * (1 + s), X)


def test_a_derivative_may_be_a_gradient_or_a_jacobian():
    def softmax(z):
        e = np.exp(z - z.max())
        return e / e.sum()

    def jacobian(z):
        s = softmax(z)
        return np.diag(s) - np.outer(s, s)

    assert check_derivative(softmax, jacobian, rows(4))
    diagonal = check_derivative(softmax, lambda z: softmax(z) * (1 - softmax(z)), rows(4))
    assert not diagonal  # the Jacobian is not diagonal
    assert check_derivative(lambda x: np.sum(x**2), lambda x: 2 * x, X)


def test_of_two_inputs_the_target_has_no_derivative_unless_it_is_asked_for():
    assert list(check_derivative(mse, mse_prime, Y, X).tensors) == ["y_pred"]
    assert list(check_functions(mse, mse_prime, Y, X, wrt="y_pred").tensors) == ["y_pred"]
    report = check_derivative(mse, mse_prime, Y, X, wrt="y_true")
    assert "wrong sign" in report.findings[0].message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check("relu", X), "got 'relu'; expected an object with forward and backward"),
        (lambda: check(Logistic, X), "got the class Logistic, not an object of it"),
        (lambda: check_derivative(logistic, None, X), "f and df must be functions"),
        (lambda: check_functions(None, None, X), "forward and backward must be functions"),
        (lambda: check((linear, linear_backward), X, surrogate=3), "surrogate is 3, expected a fu"),
        (
            lambda: check((linear, linear_backward), X, on_purpose="so"),
            "on_purpose is 'so', expect",
        ),
        (
            lambda: check((linear, linear_backward), X, on_purpose={"x": 1}),
            "expected findings with",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(call, message):
    with pytest.raises(TypeError, match=message):
        call()


# ---- on purpose ----------------------------------------------------------------------------------


def rounded(x):
    return np.round(x), None


def straight_through(dout, _):
    return dout


class Reverse:
    """Gradient reversal: the identity forward, minus the gradient backward."""

    def forward(self, x, *, train=True):
        return x.copy(), None

    def backward(self, dout, _):
        return -dout, {}


class Quantised:
    """A layer that keeps its state on itself and rounds its weights; the gradient passes."""

    def __init__(self):
        self.W = rows(4, 3)

    def forward(self, x):
        self.x = x
        return x @ np.round(self.W)

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ np.round(self.W).T


class Smooth(Quantised):
    """What it stands for near its rounded weights."""

    def forward(self, x):
        self.x = x
        return x @ (np.round(Quantised().W) + self.W - Quantised().W)


def test_a_surrogate_is_what_backward_is_the_derivative_of():
    assert not check((rounded, straight_through), X)
    assert check((rounded, straight_through), X, surrogate=lambda x: x)
    assert not check((rounded, straight_through), X, surrogate=lambda x: 2 * x)
    assert not check(Reverse(), X)
    assert check(Reverse(), X, surrogate=lambda x: -x)
    assert not check(Quantised(), X)
    assert check(Quantised(), X, surrogate=Smooth())


def double(x):
    return 2 * x, None


def clipped(dout, _):
    return np.clip(2 * dout, -1, 1)


def test_a_finding_that_is_meant_is_kept_as_a_note_with_its_reason():
    report = check((double, clipped), X)
    (finding,) = report.findings
    for name in ("x", finding.cause):
        meant = check((double, clipped), X, on_purpose={name: "clipped, section 3"})
        assert meant, meant
        assert any(n.startswith("on purpose, clipped, section 3: dx") for n in meant.notes)
        assert meant.tensors["x"].meant
        assert "x on purpose" in str(meant)
        assert "on purpose" in meant._repr_html_()


def test_only_the_finding_that_is_named_is_silenced():
    def forward(x, y):
        return 2 * x + y, None

    def backward(dout, _):
        return np.clip(2 * dout, -1, 1), -dout

    report = check((forward, backward), X, Y, on_purpose={"x": "clipped"})
    assert [f.tensor for f in report.findings] == ["y"]


def test_a_reason_for_what_was_not_found_is_told():
    report = check((linear, linear_backward), X, on_purpose={"sign": "reversed"})
    assert report
    assert "on_purpose names 'sign', and nothing of it was found" in report.notes


# ---- columns as examples -------------------------------------------------------------------------


def columns_forward(A, W, b):
    return W @ A + b, (A, W)


def columns_backward(dZ, cache):
    A, W = cache
    m = A.shape[1]
    return W.T @ dZ, dZ @ A.T / m, dZ.sum(axis=1, keepdims=True) / m


def test_an_average_over_examples_in_columns_is_told_as_such():
    report = check((columns_forward, columns_backward), rows(3, 5), rows(2, 3), rows(2, 1))
    (finding,) = report.findings
    assert finding.message == (
        "dW and db are divided by 5, the number of examples: right only if dZ was not averaged"
    )

    def whole(dZ, cache):
        dA, dW, db = columns_backward(dZ, cache)
        return dA, 5 * dW, 5 * db

    assert check((columns_forward, whole), rows(3, 5), rows(2, 3), rows(2, 1))


# ---- what a backward pass reads from elsewhere ---------------------------------------------------


KEPT = {}


def keeping(x):
    KEPT["x"] = x
    return np.tanh(x)


def kept_backward(dout):
    return dout * (1 - np.tanh(KEPT["x"]) ** 2)


def test_a_backward_pass_that_is_given_dout_alone_follows_its_forward_pass():
    assert check((keeping, kept_backward), X)
    report = check((keeping, lambda dout: dout * (1 - np.tanh(KEPT["x"]))), X)
    assert not report


@pytest.mark.parametrize(
    ("surrogate", "message"),
    [
        (lambda x: x.sum(), r"surrogate gives shape \(\), expected \(5, 4\), as forward gives"),
        (lambda x: x @ np.ones(3), "surrogate raises ValueError"),
    ],
)
def test_a_surrogate_that_does_not_fit_is_refused(surrogate, message):
    with pytest.raises(ValueError, match=message):
        check((rounded, straight_through), X, surrogate=surrogate)


def test_an_option_without_effect_is_refused():
    with pytest.raises(ValueError, match=r"dout is 2\.0, expected no such option for a model"):
        check(Net(), X, LABELS % 3, dout=2.0)
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"dout is 1.0, expected an option of chainrule.gradch"):
        check(torch.tanh, torch.ones(3), dout=1.0)
