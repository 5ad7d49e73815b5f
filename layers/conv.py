"""The convolutional layer."""

import math
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.convolution import correlate, spread_and_sum, sum_alone
from chainrule.layers.init import lecun_normal
from chainrule.layers.kernels import sum_of_rows
from chainrule.layers.layer import Layer
from chainrule.layers.windows import Sides, Windows, check_groups, described, said, sides

#: Settings that are told where they are others.
USUAL = {"stride": 1, "pad": 0, "groups": 1, "dilation": 1, "bias": True}


class Conv(Layer):
    """out = x ⋆ W + b, the correlation of images with kernels:
    out[n, f, i, j] = b[f] + Σ W[f, c, u, v] · x[n, c, i s + u d - p, j s + v d - p], over c, u, v

    x (N, C, H, W), zero outside;  W (F, C, kh, kw);  b (F,);  out (N, F, H', W') with
    H' = ⌊(H + 2 p - d (kh - 1) - 1) / s⌋ + 1, and W' likewise.
    dx = what each entry of dout sends back through its window:
    dx[n, c, y, z] = Σ W[f, c, u, v] · dout[n, f, i, j], over all f, u, v, i, j with
    i s + u d - p = y and j s + v d - p = z
    dW[f, c, u, v] = Σ dout[n, f, i, j] · x[n, c, i s + u d - p, j s + v d - p], over n, i, j
    db[f] = Σ dout[n, f, i, j], over n, i, j

    The kernels are not turned round, as they are in the convolution of signal processing. dx is
    dout, with s - 1 zeros between its entries, correlated with the kernels turned round.

    `size` (kh, kw), `stride` s, `pad` p and `dilation` d are numbers, or pairs for height and
    width. `pad="same"` makes H' = ⌈H / s⌉; where that takes an odd number of zeros, one more stands
    below and on the right. With `groups` G both kinds of channels are divided into G groups, each
    by itself, and W is (F, C / G, kh, kw); G = C is a depthwise convolution. `bias=False` leaves b
    out. `init` is a scheme of `layers.init`, drawn with `rng`.
    Raises ValueError for channels that the groups do not divide, and for images without room for a
    window.
    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: Sides,
        *,
        stride: Sides = 1,
        pad: Sides | Literal["same"] = 0,
        groups: int = 1,
        dilation: Sides = 1,
        bias: bool = True,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        self.in_channels = self.positive("in_channels", in_channels)
        self.out_channels = self.positive("out_channels", out_channels)
        name = type(self).__name__
        check_groups(name, groups, in_channels=in_channels, out_channels=out_channels)
        if not isinstance(bias, (bool, np.bool)):
            raise ValueError(f"{name}: bias must be True or False, got {bias!r}")
        self.windows = Windows.of(name, size, stride, pad, dilation)
        self.size, self.stride = said(self.windows.size), said(self.windows.stride)
        self.pad = pad if isinstance(pad, str) else said(sides(name, "pad", pad, 0))
        self.dilation = said(self.windows.dilation)
        self.groups, self.bias = int(groups), bool(bias)
        shape, fan_in, fan_out = self.kernels()
        self.params["W"] = self.drawn(init, fan_in, fan_out, shape=shape, rng=rng, dtype=dtype)
        if bias:
            self.params["b"] = np.zeros(out_channels, dtype)

    def kernels(self) -> tuple[tuple[int, ...], int, int]:
        """The shape of W, how many entries of x one of out reads, and how many of out one of x goes
        to, where the stride is 1."""
        area = math.prod(self.windows.size)
        C, F = self.in_channels // self.groups, self.out_channels // self.groups
        return (self.out_channels, C, *self.windows.size), C * area, F * area

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.windows.check(self, x, self.in_channels)
        W = self.params["W"]
        out = correlate(x, W, self.windows)
        if self.bias:
            out += self.params["b"][:, np.newaxis, np.newaxis]
        return out, (x, W)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x, W = cache
        dout = self.upstream(dout, self.out_shape(x), W.dtype)
        dx, dW = spread_and_sum(dout, W, x, self.windows, self.groups)
        return dx, self.grads(dW, dout)

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        x, W = cache
        dout = self.upstream(dout, self.out_shape(x), W.dtype)
        return self.grads(sum_alone(dout, W, x, self.windows, self.groups), dout)

    def grads(self, dW: Floats, dout: Floats) -> Grads:
        """dW, and where there is a bias, db."""
        return {"W": dW, "b": sum_of_rows(dout)} if self.bias else {"W": dW}

    def out_shape(self, x: Floats) -> tuple[int, ...]:
        """The shape of the output for images x."""
        return len(x), self.out_channels, *self.windows.places(x.shape[2:])

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 4, 5, 6))
        yield "3 × 3, same size", cls(4, 3, 3, pad="same", rng=rng), x
        yield "1 × 1", cls(4, 3, 1, rng=rng), x
        yield "2 × 3, stride, pad", cls(4, 2, (2, 3), stride=(2, 1), pad=(1, 2), rng=rng), x
        yield "groups, dilation", cls(4, 6, 2, groups=2, dilation=(2, 1), rng=rng), x
        yield "depthwise, no bias", cls(4, 4, 3, pad=1, groups=4, bias=False, rng=rng), x

    def __repr__(self) -> str:
        text = f"{self.in_channels} → {self.out_channels}, {described(self.size)}"
        for name, usual in USUAL.items():
            if (value := getattr(self, name)) != usual:
                text += f", {name}={value!r}"
        return f"{type(self).__name__}({text})"
