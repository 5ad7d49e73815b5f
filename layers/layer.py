"""The contract that every layer keeps, and the few checks that layers share."""

import copy
import inspect
import math
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.layers.annotations import (
    AnyNode,
    Cache,
    Examples,
    Floats,
    Grads,
    Scheme,
    Seed,
    any_inputs,
)
from chainrule.layers.init import generator, lecun_normal
from chainrule.layers.validation import number, whole

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Layer:
    """A function with parameters, and the gradient of that function.

        out, cache = layer.forward(x)               train=False gives the inference pass
        dx, grads  = layer.backward(dout, cache)

    A layer owns its parameters; a call owns its cache, which may hold them, so that they are
    updated after the backward pass. `params` maps names to the arrays that a solver updates in
    place, `state` to those that training remembers but does not descend on.
    Nothing of a call is kept on the layer, so calls may overlap and one layer may stand at two
    places of a network; only a training pass leaves a trace, in `state` and in the generator of a
    layer that draws. Nobody writes into an array it did not allocate. float32 in gives float32 out,
    float64 in gives float64 out.

    A subclass writes `forward`, `backward` and `examples`, and keeps its settings as attributes
    named like the arguments of its constructor.
    """

    #: The scheme for the weights of an affine layer whose output goes into this layer.
    weight_init = staticmethod(lecun_normal)

    #: How many rows a training batch has to have, so that it says something. A solver adds a last
    #: batch of fewer rows to the one before it.
    min_rows = 1

    #: The names of those of `params` that are weights, which an L2 penalty and weight decay pull
    #: towards 0; `()` for none, and None for those with two or more dimensions.
    weights: tuple[str, ...] | None = None

    #: How many of the inputs have a gradient, where not all: a loss has none for its targets.
    differentiable: int | None = None

    params: dict[str, Floats]
    state: dict[str, Floats]

    def __init__(self) -> None:
        self.params = {}
        self.state = {}

    @any_inputs
    def forward(self, *inputs: Any, train: bool = True) -> tuple[Any, Cache]:
        """The output for `inputs`, and a cache for `backward`. Raises TypeError where an input
        does not hold floats, ValueError where its shape does not fit."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass")

    def backward(self, dout: Any, cache: Cache) -> tuple[Any, Grads]:
        """The gradients of L = Σ dout · out for the call that returned `cache`.

        dout has the shape of out. Returns dx, which has the shape and dtype of x (a tuple where
        there are several inputs; a loss returns the gradient of its scores alone), and grads,
        which has the keys, shapes and dtypes of `params`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward pass")

    def param_grads(self, dout: Any, cache: Cache) -> Grads:
        """`grads` of `backward` alone, for the first layer of a network, whose dx nobody needs.
        A layer overrides it where dx costs a matrix product."""
        return self.backward(dout, cache)[1]

    def __call__(self, *nodes: AnyNode) -> AnyNode:
        """Writes this layer into the graph of `nodes`, handles of a `nets.Graph`, and returns the
        handle of the new node: `sigmoid(w @ x + b)`. Raises TypeError for anything else."""
        for node in nodes:
            if not hasattr(node, "graph"):
                raise TypeError(
                    f"{self!r}(…) joins nodes of a graph, got {node!r}; an array goes to "
                    f"forward(), or into the graph as an input or a parameter"
                )
        if not nodes:
            raise TypeError(f"{self!r}(…) joins nodes of a graph, got none")
        return nodes[0].graph.add(None, self, *nodes)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        """Yields small calls `(name, layer, *inputs)` on which the layer is tested; those that
        sit on kinks have a name that begins with "on kinks"."""
        raise NotImplementedError(f"{cls.__name__} has no examples")

    def astype(self, dtype: DTypeLike) -> Self:
        """A copy of this layer with `params` and `state` cast to float32 or float64. Arrays that
        several layers share are shared in the copy too; generators go on from the same point."""
        dtype = self.float_dtype(dtype)
        arrays = [*self.params.values(), *self.state.values()]
        return copy.deepcopy(self, {id(array): array.astype(dtype) for array in arrays})

    def __repr__(self) -> str:
        names = [name for name in inspect.signature(type(self)).parameters if name != "rng"]
        settings = (f"{name}={vars(self)[name]!r}" for name in names if name in vars(self))
        return f"{type(self).__name__}({', '.join(settings)})"

    def positive(self, name: str, value: int) -> int:
        """`value` as a positive int; the message names the constructor's argument `name`."""
        return whole(self, name, value)

    def number(
        self, name: str, value: float, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """`value` as a finite float in [low, high]; the message names the argument `name`."""
        return number(self, name, value, low, high)

    def float_dtype(self, dtype: DTypeLike) -> np.dtype[np.floating]:
        """`dtype` as a NumPy dtype. Raises TypeError unless it is float32 or float64."""
        found: np.dtype[Any] = np.dtype(dtype)
        if found not in FLOATS:
            raise TypeError(
                f"{type(self).__name__}: layers compute in float32 or float64, not {found}"
            )
        return found

    def drawn(self, init: Scheme, fan_in: int, fan_out: int, *, rng: Seed, **kind: Any) -> Floats:
        """Weights that the scheme `init` draws with `rng`; `kind` is their dtype, and their shape
        where it is not that of the fans. Raises TypeError where `init` is no function, and what
        `generator` raises for `rng`."""
        who = type(self).__name__
        if not callable(init):
            raise TypeError(f"{who}: init is {init!r}, expected a scheme such as he_normal")
        return init(fan_in, fan_out, rng=generator(who, rng), **kind)

    def floats(self, x: ArrayLike, name: str = "x") -> Floats:
        """`x` as an array of float32 or float64, of the dtype of the parameters where there are
        any: a silent cast would lose digits one way and half the speed the other way."""
        x = unmasked(self, name, x)
        if x.dtype not in FLOATS:
            raise TypeError(
                f"{self!r}: {name} has dtype {x.dtype}, and gradients need float32 or float64; "
                f"write {name}.astype(np.float64)"
            )
        for key, array in self.params.items():
            if array.dtype != x.dtype:
                raise TypeError(
                    f"{self!r}: {name} has dtype {x.dtype} but {key} has {array.dtype}; write "
                    f"{name}.astype(np.{array.dtype}), or build the layer with dtype=np.{x.dtype}"
                )
        return x

    def pair(self, a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
        """`a` and `b` as arrays of floats of one dtype."""
        a, b = self.floats(a, "a"), self.floats(b, "b")
        if a.dtype != b.dtype:
            raise TypeError(
                f"{self!r}: a has dtype {a.dtype} but b has {b.dtype}; cast one of them"
            )
        return a, b

    def broadcast(self, a: Floats, b: Floats) -> tuple[int, ...]:
        """The shape to which `a` and `b` broadcast. Raises ValueError where they do not."""
        try:
            return np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise ValueError(
                f"{self!r}: a has shape {a.shape} and b has {b.shape}, which do not broadcast"
            ) from None

    def check_features(self, x: Floats, expected: int, axis: int | None = 1) -> None:
        """Raises ValueError unless `x` has rows and `expected` entries along `axis`, or in all
        axes but the first where `axis` is None."""
        if x.ndim < 2:
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, …) with one example per row; "
                f"a single example is x[np.newaxis]"
            )
        found = math.prod(x.shape[1:]) if axis is None else x.shape[axis]
        if found != expected:
            raise ValueError(
                f"{self!r}: x has {found} features (shape {x.shape}), expected {expected}"
            )

    def upstream(self, dout: ArrayLike, shape: tuple[int, ...], dtype: DTypeLike) -> Floats:
        """`dout` in the layer's dtype. Raises ValueError unless it has the shape of the output:
        NumPy would broadcast a wrong one without a word."""
        dout = np.asarray(unmasked(self, "dout", dout), dtype)
        if dout.shape != shape:
            raise ValueError(
                f"{self!r}: dout has shape {dout.shape}, expected {shape}, the shape of the output"
            )
        return dout

    def check_variance(self, var: Floats) -> None:
        """Raises FloatingPointError where a variance has overflowed: to divide by it would give
        zeros, whatever x is."""
        if var.size and var.max() == np.inf:
            raise FloatingPointError(
                f"{self!r}: {np.isinf(var).sum()} of {var.size} variances of x are too large for "
                f"{var.dtype}; scale x down"
            )

    def reject(self, bad: NDArray[np.bool], x: ArrayLike, name: str, expected: str) -> None:
        """Raises ValueError that shows the first entry of `x` where `bad` is true, if any is."""
        if bad.any():
            index = tuple(np.argwhere(bad)[0].tolist())
            where = f"{name}[{', '.join(map(str, index))}]" if index else name
            raise ValueError(f"{self!r}: {where} is {np.asarray(x)[index]}, expected {expected}")


class Loss(Layer):
    """A layer that ends a network: `forward(scores, targets)` returns one number, and `backward`
    the gradient of the scores alone. `reduction` is "mean" or "sum".

    With row_weights w (N,), a third input, all terms of row n are multiplied by w_n; what a mean is
    divided by stays. Weights whose mean over the data is 1 keep the size of the loss."""

    differentiable = 1

    #: Where the network has one output, the value above which it means class 1, else class 0.
    threshold = 0.0

    #: What `probabilities` returns, in words.
    probabilities_are = "what the loss makes of the network's outputs"

    def __init__(self, reduction: Literal["mean", "sum"] = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(
                f"{type(self).__name__}: reduction must be 'mean' or 'sum', got {reduction!r}"
            )
        self.reduction = reduction

    def probabilities(self, scores: Floats) -> Floats | None:
        """What the scores of a network mean to a loss that reads them as probabilities: an array
        of their shape, in [0, 1]; None where, as here, the loss does not."""
        return None

    def term_weight(self, count: int) -> float:
        """What each of `count` terms of the loss is multiplied by: 1 / count for a mean, else 1."""
        if self.reduction == "sum":
            return 1.0
        if count == 0:
            raise ValueError(
                f"{self!r}: the mean over an empty batch has no meaning; pass at least one example"
            )
        return 1 / count

    def term_weights(
        self, count: int, outputs: Floats, row_weights: ArrayLike | None
    ) -> float | Floats:
        """What the terms of the loss are multiplied by: `term_weight`, and where there are
        `row_weights` (N,), times these, as an array that broadcasts to `outputs` (N, …)."""
        weight = self.term_weight(count)
        if row_weights is None:
            return weight
        w = self.checked_weights(row_weights, outputs) * outputs.dtype.type(weight)
        return w.reshape(*w.shape, *[1] * (outputs.ndim - 1))

    def checked_weights(self, row_weights: ArrayLike, outputs: Floats) -> Floats:
        """`row_weights` (N,) in the dtype of `outputs` (N, …). Raises ValueError unless they are
        finite numbers of at least 0, one for each row."""
        w = unmasked(self, "row_weights", row_weights)
        if w.shape != outputs.shape[:1] or w.dtype.kind not in "fiu":
            raise ValueError(
                f"{self!r}: row_weights has shape {w.shape} and dtype {w.dtype}, expected a number "
                f"for each of the rows, shape {outputs.shape[:1]}"
            )
        self.reject(~((w >= 0) & (w < math.inf)), w, "row_weights", "a finite number, at least 0")
        return w.astype(outputs.dtype, copy=False)

    def weighted_sum(self, terms: Floats, weight: float | Floats) -> np.floating:
        """Σ weight · terms, for what `term_weights` returns."""
        total: np.floating = (terms * weight).sum() if np.ndim(weight) else terms.sum() * weight
        return total

    def score_rows(self, scores: ArrayLike, name: str = "scores") -> Floats:
        """`scores` as an array of floats (N, C). Raises ValueError where it has another shape."""
        scores = self.floats(scores, name)
        if scores.ndim != 2 or scores.shape[1] == 0:
            raise ValueError(
                f"{self!r}: {name} has shape {scores.shape}, expected (N, C): a row per example, "
                f"a column per class"
            )
        return scores

    def labels(self, targets: ArrayLike, scores: Floats) -> NDArray[np.integer]:
        """`targets` as integer labels (N,), each in 0 … C - 1, for scores (N, C)."""
        N, C = scores.shape
        y = unmasked(self, "targets", targets)
        if y.shape != (N,) or y.dtype.kind not in "iu":
            raise ValueError(
                f"{self!r}: targets has shape {y.shape} and dtype {y.dtype}, expected integer "
                f"labels of shape ({N},)"
            )
        if C == 1:
            raise ValueError(
                f"{self!r}: scores has one column, expected one per class; a single score that "
                f"tells two classes apart goes to SigmoidCrossEntropy"
            )
        self.reject((y < 0) | (y >= C), y, "targets", f"a label from 0 to {C - 1}")
        return y

    def like(self, targets: ArrayLike, scores: Floats) -> Floats:
        """`targets` as an array of the shape and dtype of `scores`: (N,) becomes a column for
        scores (N, 1), and integer labels (N,) become one-hot for scores (N, C) with C > 1."""
        t = unmasked(self, "targets", targets)
        if t.ndim == 1 and scores.ndim == 2 and len(t) == len(scores):
            if scores.shape[1] > 1:
                return self.distribution(t, scores)
            t = t[:, np.newaxis]
        if t.shape != scores.shape:
            raise ValueError(
                f"{self!r}: targets has shape {t.shape}, expected {scores.shape}, the shape of "
                f"what they are compared with"
            )
        return t.astype(scores.dtype, copy=False)

    def distribution(self, targets: ArrayLike, scores: Floats) -> Floats:
        """`targets` as a distribution over the classes per row (N, C): labels become one-hot."""
        N, C = scores.shape
        t = unmasked(self, "targets", targets)
        if t.ndim == 2:
            if t.shape != (N, C):
                raise ValueError(
                    f"{self!r}: targets has shape {t.shape}, expected labels of shape ({N},) or "
                    f"a distribution over the classes per row, of shape ({N}, {C})"
                )
            t = t.astype(scores.dtype, copy=False)
            self.reject(~(t >= 0), t, "targets", "a probability, at least 0")
            self.reject(~(abs(t.sum(axis=1) - 1) <= 1e-4), t, "targets", "a row that sums to 1")
            return t
        one_hot = np.zeros((N, C), scores.dtype)
        one_hot[np.arange(N), self.labels(t, scores)] = 1
        return one_hot


def unmasked(who: object, name: str, x: ArrayLike) -> NDArray[Any]:
    """`x` as an array. Raises TypeError, which names `who` and `name`, where entries are masked."""
    if np.ma.is_masked(x):
        raise TypeError(
            f"{who}: {name} is a masked array, and what is masked would be taken for a number; "
            f"leave it out, or fill it: {name}.filled(…)"
        )
    return np.asarray(x)


def exp_limit(dtype: DTypeLike) -> float:
    """A bound just below the point from which on eˣ overflows: 87.7 for float32, 708.8 for
    float64."""
    return float(np.log(np.finfo(dtype).max)) - 1


def exp_vanishes(dtype: DTypeLike) -> float:
    """A bound just below the point up to which eˣ is 0: -104.3 for float32, -745.4 for float64."""
    return float(np.log(np.finfo(dtype).smallest_subnormal)) - 1


def flatten(x: Floats) -> Floats:
    """(N, d1, …, dk) → (N, D) with D = d1 · … · dk."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def sum_to(grad: Floats, shape: tuple[int, ...]) -> Floats:
    """Sums `grad` over the axes along which an input of `shape` was broadcast.

    An entry that was used many times in the forward pass collects a gradient from every use.
    """
    added = grad.ndim - len(shape)
    stretched = tuple(
        axis
        for axis, length in enumerate(grad.shape)
        if axis < added or (shape[axis - added] == 1 and length != 1)
    )
    return grad.sum(axis=stretched).reshape(shape) if stretched else grad.reshape(shape)
