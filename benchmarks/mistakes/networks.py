"""Layers in which an array is used twice, small networks, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.activations import Tanh
from benchmarks.mistakes.affine import Affine
from benchmarks.mistakes.batchnorm import BatchNorm
from benchmarks.mistakes.mistake import Mistake
from chainrule.layers import Layer


class TwoLayerNet(Layer):
    """affine, relu, affine, softmax cross-entropy, and l2/2 times the squares of both matrices."""

    def __init__(self, D, H, C, rng=0, l2=0.3):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.l2 = l2
        self.params["W1"] = rng.normal(size=(D, H))
        self.params["b1"] = rng.normal(size=H)
        self.params["W2"] = rng.normal(size=(H, C))
        self.params["b2"] = rng.normal(size=C)

    def forward(self, x, y, *, train=True):
        W1, b1, W2, b2 = self.params.values()
        N = len(x)
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        scores = h @ W2 + b2
        scores = scores - scores.max(axis=1, keepdims=True)
        logp = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        loss = -logp[np.arange(N), y].sum() / N
        loss += 0.5 * self.l2 * (np.sum(W1**2) + np.sum(W2**2))
        return loss, (x, y, z, h, logp, W1, W2)

    def backward(self, dout, cache):
        x, y, z, h, logp, W1, W2 = cache
        N = len(x)
        ds = np.exp(logp)
        ds[np.arange(N), y] -= 1
        ds *= dout / N
        dW2 = h.T @ ds
        db2 = ds.sum(axis=0)
        dh = ds @ W2.T
        dz = np.where(z > 0, dh, 0)
        dW1 = x.T @ dz
        db1 = dz.sum(axis=0)
        decay = dout * self.l2
        dW1 += decay * W1
        dW2 += decay * W2
        dx = dz @ W1.T
        return dx, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, 5, 3, rng), rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
        yield "square", cls(4, 4, 4, rng), rng.normal(size=(4, 4)), rng.integers(0, 4, 4)


class Residual(Layer):
    """x + tanh(x W + b)."""

    def __init__(self, D, rng=0):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.params["W"] = rng.normal(size=(D, D))
        self.params["b"] = rng.normal(size=D)

    def forward(self, x, *, train=True):
        W = self.params["W"]
        branch = np.tanh(x @ W + self.params["b"])
        return x + branch, (x, W, branch)

    def backward(self, dout, cache):
        x, W, branch = cache
        dz = (1 - branch**2) * dout
        dx = np.array(dout)
        dx += dz @ W.T
        dW = x.T @ dz
        db = dz.sum(axis=0)
        return dx, {"W": dW, "b": db}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(5, 4))


class GatedLinear(Layer):
    """(x U) sigmoid(x V)."""

    def __init__(self, D, M, rng=0):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.params["U"] = rng.normal(size=(D, M))
        self.params["V"] = rng.normal(size=(D, M))

    def forward(self, x, *, train=True):
        U = self.params["U"]
        V = self.params["V"]
        value = x @ U
        gate = 0.5 + 0.5 * np.tanh(0.5 * (x @ V))
        return value * gate, (x, U, V, value, gate)

    def backward(self, dout, cache):
        x, U, V, value, gate = cache
        dvalue = gate * dout
        dgate = value * dout
        dz = gate * (1 - gate) * dgate
        dU = x.T @ dvalue
        dV = x.T @ dz
        dx = dvalue @ U.T
        dx += dz @ V.T
        return dx, {"U": dU, "V": dV}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, 3, rng), rng.normal(size=(5, 4))


class TiedAutoencoder(Layer):
    """tanh(x W) Wᵀ."""

    def __init__(self, D, H, rng=0):
        super().__init__()
        self.params["W"] = np.random.default_rng(rng).normal(size=(D, H))

    def forward(self, x, *, train=True):
        W = self.params["W"]
        code = np.tanh(x @ W)
        return code @ W.T, (x, W, code)

    def backward(self, dout, cache):
        x, W, code = cache
        dW = dout.T @ code
        dz = (dout @ W) * (1 - code**2)
        dW += x.T @ dz
        dx = dz @ W.T
        return dx, {"W": dW}

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, 3, rng), rng.normal(size=(5, 4))
        yield "square", cls(4, 4, rng), rng.normal(size=(5, 4))


class Sequential(Layer):
    """affine, batchnorm, tanh, affine; holds the arrays of its `layers`, under their names."""

    def __init__(self, D, rng=0):
        super().__init__()
        rng = np.random.default_rng(rng)
        self.layers = {
            "affine1": Affine(D, D, rng),
            "batchnorm1": BatchNorm(D, rng),
            "tanh1": Tanh(),
            "affine2": Affine(D, D, rng),
        }
        for name, layer in self.layers.items():
            for key, array in layer.params.items():
                self.params[f"{name}.{key}"] = array
            for key, array in layer.state.items():
                self.state[f"{name}.{key}"] = array

    def forward(self, x, *, train=True):
        caches = []
        for layer in self.layers.values():
            x, cache = layer.forward(x, train=train)
            caches.append(cache)
        return x, caches

    def backward(self, dout, cache):
        grads: dict[str, np.ndarray] = {}
        for name, kept in reversed(list(zip(self.layers, cache, strict=True))):
            dout, own = self.layers[name].backward(dout, kept)
            grads |= {f"{name}.{key}": grad for key, grad in own.items()}
        return dout, grads

    @classmethod
    def examples(cls, rng):
        yield "plain", cls(4, rng), rng.normal(size=(6, 4))


MISTAKES = [
    Mistake(
        "net-l2-factor-two",
        TwoLayerNet,
        "scale",
        ("W1", "W2"),
        {"decay = dout * self.l2": "decay = dout * 2 * self.l2"},
        "The penalty is halved in the loss, and its gradient is not.",
    ),
    Mistake(
        "net-l2-on-bias",
        TwoLayerNet,
        "missing-term",
        ("b1",),
        {"dW1 += decay * W1": 'dW1 += decay * W1\ndb1 += decay * self.params["b1"]'},
        "The bias gets a gradient of a penalty that the loss does not have.",
    ),
    Mistake(
        "net-l2-by-n",
        TwoLayerNet,
        "scale",
        ("W1", "W2"),
        {"decay = dout * self.l2": "decay = dout * self.l2 / N"},
        "The gradient of the penalty is averaged over the batch.",
    ),
    Mistake(
        "net-data-no-n",
        TwoLayerNet,
        "scale",
        ("x", "W1", "b1", "W2", "b2"),
        {"ds *= dout / N": "ds *= dout"},
        "The gradient of the data term is not averaged over the batch.",
    ),
    Mistake(
        "net-relu-mask-dh",
        TwoLayerNet,
        "mask",
        ("x", "W1", "b1"),
        {"dz = np.where(z > 0, dh, 0)": "dz = np.where(dh > 0, dh, 0)"},
        "The mask of the ReLU is taken from the gradient instead of its input.",
    ),
    Mistake(
        "net-w1-from-h",
        TwoLayerNet,
        "swapped",
        ("W1",),
        {"dW1 = x.T @ dz": "dW1 = h.T @ dz"},
        "dW1 uses the hidden layer where the input of the first affine layer belongs.",
        case="square",
    ),
    Mistake(
        "res-no-branch",
        Residual,
        "overwrite",
        ("x",),
        {"dx += dz @ W.T": ""},
        "dx holds the skip connection alone; what comes through the branch is lost.",
        also=("missing-term",),
    ),
    Mistake(
        "glu-dx-overwrite",
        GatedLinear,
        "overwrite",
        ("x",),
        {"dx += dz @ V.T": "dx = dz @ V.T"},
        "The gate's part of dx replaces the value's part.",
        also=("missing-term",),
    ),
    Mistake(
        "glu-gate-swapped",
        GatedLinear,
        "swapped",
        ("U", "V", "x"),
        {
            "dvalue = gate * dout": "dvalue = value * dout",
            "dgate = value * dout": "dgate = gate * dout",
        },
        "Each factor of the product gets itself instead of the other.",
    ),
    Mistake(
        "glu-average",
        GatedLinear,
        "scale",
        ("x",),
        {"dx += dz @ V.T": "dx = (dx + dz @ V.T) / 2"},
        "The two parts of dx are averaged instead of added.",
    ),
    Mistake(
        "tied-decoder-only",
        TiedAutoencoder,
        "missing-term",
        ("W",),
        {"dW += x.T @ dz": ""},
        "dW leaves out what W does in the encoder.",
        also=("overwrite",),
    ),
    Mistake(
        "seq-same-dout",
        Sequential,
        "missing-term",
        ("x", "affine1.W", "affine1.b", "batchnorm1.gamma", "batchnorm1.beta"),
        {
            "dout, own = self.layers[name].backward(dout, kept)": (
                "dx, own = self.layers[name].backward(dout, kept)"
            ),
            "return dout, grads": "return dx, grads",
        },
        "Every layer gets the gradient of the output instead of that of the layer after it.",
        also=("stale-cache",),
    ),
    Mistake(
        "seq-train-not-passed",
        Sequential,
        "mode",
        ("out",),
        {"x, cache = layer.forward(x, train=train)": "x, cache = layer.forward(x)"},
        "The layers are not told that this is inference.",
        shows="inference",
    ),
    Mistake(
        "seq-copied-params",
        Sequential,
        "stale-cache",
        ("affine1.W", "affine2.W", "affine2.b", "batchnorm1.gamma", "batchnorm1.beta"),
        {'self.params[f"{name}.{key}"] = array': 'self.params[f"{name}.{key}"] = array.copy()'},
        "The network holds copies, so that a change of its parameters changes no output.",
    ),
]
