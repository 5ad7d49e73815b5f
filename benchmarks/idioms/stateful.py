"""Layers that return out and cache, and keep this and that on themselves all the same."""

import numpy as np

from benchmarks.idioms.idiom import Idiom, normal


class KeepsGradients:
    """Keeps dW and db, for an optimizer that looks there."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.params = {"W": rng.normal(size=(4, 3)), "b": np.zeros(3)}
        self.dW, self.db = None, None

    def forward(self, x, train=True):
        return x @ self.params["W"] + self.params["b"], x

    def backward(self, dout, cache):
        self.dW, self.db = cache.T @ dout, dout.sum(axis=0)
        return dout @ self.params["W"].T, {"W": self.dW, "b": self.db}


class KeepsOutput:
    """Keeps its latest output, to be looked at."""

    def forward(self, x, train=True):
        self.out = np.tanh(x)
        return self.out, self.out

    def backward(self, dout, cache):
        self.dx = dout * (1 - cache**2)
        return self.dx, {}


class Counts:
    """Counts its calls, and keeps a history of what it saw."""

    def __init__(self):
        self.params = {"slope": np.array([0.1])}
        self.calls, self.history = 0, []

    def forward(self, x, train=True):
        self.calls += 1
        self.history.append(float(x.mean()))
        return np.where(x > 0, x, self.params["slope"] * x), x

    def backward(self, dout, cache):
        below = cache <= 0
        slope = np.where(below, self.params["slope"], 1)
        return dout * slope, {"slope": np.array([np.sum(dout * cache * below)])}


class ParamsAsAttributes:
    """Its parameters are attributes, and `params` is made of them when asked for."""

    def __init__(self):
        self.w = np.random.default_rng(0).normal(size=4)

    @property
    def params(self):
        return {"w": self.w}

    def forward(self, x, train=True):
        return x * self.w, x

    def backward(self, dout, cache):
        return dout * self.w, {"w": np.sum(dout * cache, axis=0)}


class WithoutParams:
    """Has no attributes at all, and no argument `train`."""

    def forward(self, x):
        return x * np.abs(x), x

    def backward(self, dout, cache):
        return 2 * dout * np.abs(cache), {}


class Block:
    """Two layers in one, which it calls in turn."""

    def __init__(self):
        self.first, self.second = KeepsGradients(), KeepsOutput()
        self.params = self.first.params

    def forward(self, x, train=True):
        hidden, cache = self.first.forward(x)
        out, other = self.second.forward(hidden)
        return out, (cache, other)

    def backward(self, dout, cache):
        dhidden, _ = self.second.backward(dout, cache[1])
        return self.first.backward(dhidden, cache[0])


IDIOMS = [
    Idiom("dW and db on the layer", normal((5, 4)), layer=KeepsGradients),
    Idiom("out and dx on the layer", normal((5, 4)), layer=KeepsOutput),
    Idiom("calls counted on the layer", normal((5, 4)), layer=Counts),
    Idiom("params made when asked for", normal((5, 4)), layer=ParamsAsAttributes),
    Idiom("no params, no train", normal((5, 4)), layer=WithoutParams),
    Idiom("a layer of layers", normal((5, 4)), layer=Block),
]
