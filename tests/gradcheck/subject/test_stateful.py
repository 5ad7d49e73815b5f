"""Classes that keep their state on themselves, in the spellings that people use."""

# ruff: noqa: NPY002  (the dropout of textbooks draws from np.random)
import functools
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.gradcheck import check


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


X, W, B = rows(5, 4), rows(4, 3, seed=1), rows(3, seed=2)


class Affine:
    """Gradients under dW and db, as textbooks have them."""

    def __init__(self):
        self.W, self.b = W.copy(), B.copy()
        self.x = self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Named(Affine):
    """Gradients under other names; a subclass says which."""

    names = ("W_grad", "b_grad")

    def __init__(self):
        super().__init__()
        del self.dW, self.db

    def backward(self, dout):
        for name, g in zip(self.names, (self.x.T @ dout, dout.sum(axis=0)), strict=True):
            setattr(self, name, g)
        return dout @ self.W.T


class GradFirst(Named):
    names = ("grad_W", "grad_b")


class Private(Named):
    names = ("_dw", "_db")


class Weights:
    """dweights beside weights, dbiases beside biases; output and dinputs are left on the object."""

    def __init__(self):
        self.weights, self.biases = W.copy(), np.zeros((1, 3))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class Dicts:
    """params and grads are dicts with the same keys."""

    def __init__(self):
        self.params, self.grads = {"W": W.copy(), "b": B.copy()}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, grad_output):
        self.grads["W"] = self.x.T @ grad_output
        self.grads["b"] = grad_output.sum(axis=0)
        return grad_output @ self.params["W"].T


class DictsOfD(Dicts):
    """params["W"] and gradients["dW"]."""

    def __init__(self):
        self.params, self.gradients = {"W": W.copy(), "b": B.copy()}, {}

    def backward(self, grad_output):
        self.gradients["dW"] = self.x.T @ grad_output
        self.gradients["db"] = grad_output.sum(axis=0)
        return grad_output @ self.params["W"].T


class Lists:
    """params and grads are lists side by side, filled in place."""

    def __init__(self):
        self.params = [W.copy(), B.copy()]
        self.grads = [np.zeros_like(W), np.zeros_like(B)]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dout):
        W, _ = self.params
        self.grads[0][...] = self.x.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return dout @ W.T


class Objects:
    """A parameter is an object with value and grad, which adds up."""

    def __init__(self):
        self.W = SimpleNamespace(value=W.copy(), grad=np.zeros_like(W))
        self.b = SimpleNamespace(value=B.copy(), grad=np.zeros_like(B))

    def forward(self, x):
        self.x = x
        return x @ self.W.value + self.b.value

    def backward(self, dout):
        self.W.grad += self.x.T @ dout
        self.b.grad += dout.sum(axis=0)
        return dout @ self.W.value.T


class Stepping:
    """backward goes a step itself, at a rate it is given."""

    def __init__(self):
        self.weights, self.bias = W.copy(), np.zeros((1, 3))

    def forward(self, input):  # noqa: A002  (so it is called)
        self.input = input
        return input @ self.weights + self.bias

    def backward(self, output_gradient, learning_rate):
        input_gradient = output_gradient @ self.weights.T
        self.weights -= learning_rate * self.input.T @ output_gradient
        self.bias -= learning_rate * output_gradient.sum(axis=0, keepdims=True)
        return input_gradient


class OwnRate(Stepping):
    """The same at a rate of its own."""

    def __init__(self):
        super().__init__()
        self.lr = 0.01

    def backward(self, grad):
        return super().backward(grad, self.lr)


class Momentum:
    def update(self, w, grad):
        return w - 0.1 * grad


class Optimizing:
    """An optimizer in hand; the passes are called forward_pass and backward_pass."""

    def __init__(self):
        self.W, self.w0 = W.copy(), np.zeros((1, 3))
        self.W_opt, self.w0_opt = Momentum(), Momentum()

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return X @ self.W + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        grad_W = self.layer_input.T @ accum_grad
        self.W = self.W_opt.update(self.W, grad_W)
        self.w0 = self.w0_opt.update(self.w0, accum_grad.sum(axis=0, keepdims=True))
        return accum_grad @ W.T


class Callable:
    """It is called, not asked to go forward."""

    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, delta):
        self.grads = {"W": self.x.T @ delta, "b": delta.sum(axis=0)}
        return delta @ self.W.T


class Returning:
    """Gradients of parameters are in a dict that is returned, too."""

    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


SPELLINGS = {
    Affine: "gradients: W in dW, b in db",
    Named: "gradients: W in W_grad, b in b_grad",
    GradFirst: "gradients: W in grad_W, b in grad_b",
    Private: "gradients: W in _dw, b in _db",
    Weights: "gradients: weights in dweights, biases in dbiases",
    Dicts: "gradients: W in grads['W'], b in grads['b']",
    DictsOfD: "gradients: W in gradients['dW'], b in gradients['db']",
    Lists: "gradients: W in grads[0], b in grads[1]",
    Objects: "gradients: W in W.grad, b in b.grad",
    Stepping: "gradients: weights in the step that it goes, bias in the step that it goes",
    OwnRate: "gradients: weights in the step that it goes, bias in the step that it goes",
    Optimizing: "gradients: W in what the optimizer is given, w0 in what the optimizer is given",
    Callable: "gradients: W in grads['W'], b in grads['b']",
    Returning: "gradients: W in dW, b in db",
}


@pytest.mark.parametrize("cls", SPELLINGS)
def test_every_spelling_is_right_and_tells_what_was_paired_with_what(cls):
    report = check(cls(), X)
    assert report, report
    assert not report.remarks
    assert SPELLINGS[cls] in report.notes
    assert len({name.removesuffix(" (inference)") for name in report.tensors}) == 3


@pytest.mark.parametrize("cls", SPELLINGS)
def test_every_spelling_of_a_mistake_is_found_and_named(cls):
    """The mistake: dW is averaged over the batch."""
    thing = cls()
    matrix = next(iter(SPELLINGS[cls].split(": ")[1].split(" ")))
    thing.__class__ = type("Wrong", (cls,), {"__module__": __name__})
    outer = "backward_pass" if cls is Optimizing else "backward"
    original = getattr(cls, outer)

    @functools.wraps(original)
    def averaged(self, dout, *rest):
        words = ("x", "inputs", "input", "layer_input")
        name = next(word for word in words if word in vars(self))
        setattr(self, name, getattr(self, name) / len(dout))
        return original(self, dout, *rest)

    setattr(type(thing), outer, averaged)
    report = check(thing, X)
    assert not report
    (finding,) = report.findings
    assert finding.tensor == matrix
    assert "is too small by a factor 5 = N, the batch size" in finding.message


def test_a_gradient_that_cannot_be_found_is_told_and_can_be_named():
    class Cryptic(Affine):
        def backward(self, dout):
            self.first, self.second = self.x.T @ dout, dout.sum(axis=0) / 2
            return dout @ self.W.T

    report = check(Cryptic(), X)
    assert report
    (note,) = report.notes
    assert "no gradient of W was found: params={'W': '…'} says where it is" in note
    report = check(Cryptic(), X, params={"W": "first", "b": "second"})
    assert "second is too small by a factor 2" in report.findings[0].message
    assert len(report.findings) == 1
    with pytest.raises(ValueError, match=r"params names 'third', and there is no array of floats"):
        check(Cryptic(), X, params={"W": "third"})
    with pytest.raises(TypeError, match="params is for objects that keep their gradients"):
        check(lambda x: (1.0, x), X, params={"W": "dW"})


@pytest.mark.parametrize("word", ["train", "training", "is_training", "train_flg"])
def test_the_training_switch_is_known_by_its_names(word):
    body = f"""
def forward(self, x, {word}=True):
    self.keep = np.random.rand(*x.shape) < 0.5 if {word} else 0.5
    return x * self.keep
"""
    space = {"np": np}
    exec(body, space)
    kind = {"forward": space["forward"], "backward": lambda self, dout: dout * self.keep}
    report = check(type("Dropout", (), kind)(), X)
    assert report, report
    assert report.probes["inference mode"].outcome == "passed"


def test_a_mode_in_words_and_an_attribute_are_switches_too():
    class Mode:
        def forward(self, x, mode="train"):
            self.keep = np.random.rand(*x.shape) < 0.5 if mode == "train" else 0.5
            return x * self.keep

        def backward(self, dout):
            return dout * self.keep

    class Attribute:
        training = True

        def __init__(self):
            self.training = True

        def forward(self, x):
            self.keep = np.random.rand(*x.shape) < 0.5 if self.training else 0.5
            return x * self.keep

        def backward(self, dout):
            return dout * self.keep

    for thing in (Mode(), Attribute()):
        report = check(thing, X)
        assert report, report
        assert report.probes["inference mode"].outcome == "passed"


class BatchNorm:
    def __init__(self, running=None):
        self.gamma, self.beta = rows(4, seed=3), rows(4, seed=4)
        self.running_mean = self.running_var = running

    def forward(self, x, train_flg=True):
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(4), np.zeros(4)
        mean, var = (x.mean(0), x.var(0)) if train_flg else (self.running_mean, self.running_var)
        if train_flg:
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.running_var = 0.9 * self.running_var + 0.1 * var
        self.std = np.sqrt(var + 1e-7)
        self.xn = (x - mean) / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.xn).sum(0), dout.sum(0)
        d = dout * self.gamma
        return (d - d.mean(0) - self.xn * (d * self.xn).mean(0)) / self.std


def test_running_statistics_are_state_and_inference_must_use_them():
    class Forgets(BatchNorm):
        def forward(self, x, train_flg=True):
            return super().forward(x, True)

    assert check(BatchNorm(), X)
    assert check(BatchNorm(np.zeros(4)), X)
    (remark,) = check(Forgets(np.zeros(4)), X).remarks
    assert "with train_flg=False nothing changes: the output of a row depends" in remark.message


def test_a_loss_without_an_upstream_gradient_is_asked_without_one():
    class Softmax:
        def forward(self, scores, t):
            self.t = t
            e = np.exp(scores - scores.max(axis=1, keepdims=True))
            self.p = e / e.sum(axis=1, keepdims=True)
            return -np.log(self.p[np.arange(len(t)), t]).mean()

        def backward(self):
            return (self.p - np.eye(4)[self.t]) / len(self.t)

    class Sums(Softmax):
        def backward(self):
            return self.p - np.eye(4)[self.t]

    t = np.array([0, 1, 2, 3, 0])
    assert check(Softmax(), X, t)
    (finding,) = check(Sums(), X, t).findings
    assert "too large by a factor 5 = N" in finding.message


def test_several_outputs_have_several_upstream_gradients():
    class Cell:
        def forward(self, x, h_prev, c_prev):
            self.saved = x, c_prev
            return h_prev + x * c_prev, c_prev * x

        def backward(self, dh_next, dc_next):
            x, c_prev = self.saved
            return (dh_next + dc_next) * c_prev, dh_next, (dh_next + dc_next) * x

    class Forgets(Cell):
        def backward(self, dh_next, dc_next):
            return super().backward(dh_next, np.zeros_like(dc_next))

    inputs = rows(5, 4), rows(5, 4, seed=1), rows(5, 4, seed=2)
    assert check(Cell(), *inputs)
    report = check(Forgets(), *inputs)
    assert {f.tensor for f in report.findings} <= {"x", "c_prev"}
    assert not report


def test_integer_inputs_have_no_gradient_and_repeated_ones_add_up():
    class Embedding:
        def __init__(self):
            self.params, self.grads = [rows(6, 3)], [np.zeros((6, 3))]

        def forward(self, idx):
            self.idx = idx
            return self.params[0][idx]

        def backward(self, dout):
            self.grads[0][...] = 0
            np.add.at(self.grads[0], self.idx, dout)

    class Overwrites(Embedding):
        def backward(self, dout):
            (dW,) = self.grads
            dW[...] = 0
            dW[self.idx] += dout

    ids = np.array([1, 2, 1, 0, 5])
    assert check(Embedding(), ids)
    (finding,) = check(Overwrites(), ids).findings
    assert "np.add.at" in finding.hint


def test_writing_into_dout_is_a_remark_and_the_latest_call_a_convention():
    class Relu:
        def forward(self, x):
            self.mask = x <= 0
            return np.where(self.mask, 0, x)

        def backward(self, dout):
            dout[self.mask] = 0
            return dout

    report = check(Relu(), X)
    assert report
    assert [r.cause for r in report.remarks] == ["backward-writes"]
    assert report.probes["a cache outlives other calls"].outcome == "passed"


def test_the_object_and_its_arrays_stay_as_they_were():
    thing = Affine()
    before = {k: v.copy() for k, v in vars(thing).items() if v is not None}
    check(thing, X)
    assert all(np.array_equal(vars(thing)[k], v) for k, v in before.items())
    assert thing.dW is None


def test_an_object_that_cannot_be_copied_is_refused_in_one_sentence():
    class Locked(Affine):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    with pytest.raises(TypeError, match="cannot be copied"):
        check(Locked(), X)


def test_an_edit_of_a_method_that_makes_it_right_is_told():
    class Gelu:
        def forward(self, x):
            self.x = x
            self.t = np.tanh(0.8 * (x + 0.044715 * x**3))
            return 0.5 * x * (1 + self.t)

        def backward(self, dout):
            inner = 0.8 * (1 + 0.044715 * self.x**2)
            return dout * (0.5 * (1 + self.t) + 0.5 * self.x * (1 - self.t**2) * inner)

    (finding,) = check(Gelu(), X, reference=False).findings
    assert "`0.134145` for `0.044715`" in finding.message


def test_gradients_may_be_returned_behind_those_of_the_inputs():
    class InDict(Affine):
        def backward(self, dout):
            return dout @ self.W.T, {"W": self.x.T @ dout, "b": 2 * dout.sum(axis=0)}

    class InTuple(Affine):
        def backward(self, dout):
            dW, db = self.x.T @ dout, 2 * dout.sum(axis=0)
            return dout @ self.W.T, dW, db

    for thing, label in ((InDict(), "grads['b']"), (InTuple(), "db")):
        report = check(thing, X)
        assert list(report.tensors) == ["x", "W", "b"]
        (finding,) = report.findings
        assert finding.message.startswith(f"{label} is too large by a factor 2")


@pytest.mark.parametrize(
    "names", [("nabla_W", "nabla_b"), ("dLdW", "dLdb"), ("g_W", "g_b"), ("gradients_W", "d_b")]
)
def test_more_spellings_of_gradients_are_known(names):
    kind = type("Other", (Named,), {"names": names, "__module__": __name__})
    assert list(check(kind(), X).tensors) == ["x", "W", "b"]


class Rows:
    """Rows divided by the sum of squares: the base of some odd spellings."""

    def forward(self, x):
        self.x = x
        return x / (1 + (x**2).sum(axis=1, keepdims=True))

    def slope(self, dout):
        s = 1 + (self.x**2).sum(axis=1, keepdims=True)
        return dout / s - 2 * self.x * (dout * self.x).sum(axis=1, keepdims=True) / s**2


class AnyArguments(Rows):
    def backward(self, *args, **kwargs):
        return self.slope(*args)


class NamedAsTheInput(Rows):
    def backward(self, x):
        return self.slope(x)


class EmptyList(Rows):
    def backward(self, dout):
        return self.slope(dout), []


class OtherMode(Rows):
    """A mode that is no switch."""

    def __init__(self):
        self.mode = "max"

    def forward(self, x):
        assert self.mode == "max"
        return super().forward(x)

    def backward(self, dout):
        return self.slope(dout)


class Inner:
    """A part of a layer that has an update and is no optimizer."""

    def forward(self, x):
        return x

    def backward(self, dout):
        return dout

    def update(self):
        raise AssertionError


class HoldsAPart(Rows):
    def __init__(self):
        self.part = Inner()

    def backward(self, dout):
        return self.part.backward(self.slope(dout))


class Shared(Rows):
    """Lists of parameters and gradients that are those of a part."""

    def __init__(self):
        self.part = Lists()
        self.params, self.grads = [*self.part.params], [*self.part.grads]

    def forward(self, x):
        return self.part.forward(super().forward(x))

    def backward(self, dout):
        return self.slope(self.part.backward(dout))


class NoStatisticsYet(BatchNorm):
    """Inference before the first training pass raises."""

    def forward(self, x, train_flg=True):
        if not train_flg:
            return self.gamma * (x - self.running_mean * np.ones(4)) / self.running_var + self.beta
        return super().forward(x, True)


class Idle(Affine):
    """It holds a weight that does not matter, and one that has another shape behind it."""

    def __init__(self):
        super().__init__()
        self.kernel = rows(2, 2)
        self.params = [self.W, self.b.reshape(1, -1)]


@pytest.mark.parametrize(
    "cls",
    [
        AnyArguments,
        NamedAsTheInput,
        EmptyList,
        OtherMode,
        HoldsAPart,
        Shared,
        NoStatisticsYet,
        Idle,
    ],
)
def test_odd_spellings_of_strangers_are_right(cls):
    report = check(cls(), X)
    assert report, report
    assert not any("no gradient" in note for note in report.notes)


@pytest.mark.parametrize("cls", [AnyArguments, NamedAsTheInput, EmptyList, OtherMode, HoldsAPart])
def test_odd_spellings_of_strangers_are_found_wrong(cls):
    kind = type("Wrong", (cls,), {"slope": lambda self, dout: dout / (1 + self.x**2)})
    assert not check(kind(), X)


def test_a_backward_pass_that_goes_on_with_the_new_weights_is_wrong():
    class Late(Optimizing):
        def backward_pass(self, accum_grad):
            super().backward_pass(accum_grad)
            return accum_grad @ self.W.T

    report = check(Late(), X)
    assert [f.tensor for f in report.findings] == ["X"]
