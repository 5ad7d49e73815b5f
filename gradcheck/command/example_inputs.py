"""Constructor arguments and inputs for a class or a function that has no examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.layer import positional

LABELS = "y|t|labels?|targets?"  # names of arguments that hold them


def required(function: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters without a default."""
    return [one.name for one in positional(function) if one.default is one.empty]


def constructor_guesses(cls: type, seed: int) -> list[list[Any]]:
    """Arguments to try, by what their names say, then 4 for all, then 4, 3, 2, …"""
    names = required(cls)
    by_name = [setting(name.lower(), seed) for name in names]
    falling = [max(4 - at, 1) for at in range(len(names))]
    return [by_name, [4] * len(names), falling] if names else [[]]


def setting(name: str, seed: int) -> Any:
    """A value for a constructor's argument."""
    if re.search("rng|generator", name):
        return np.random.default_rng(seed + 1)  # other numbers than those of x
    known = {
        "^(p|q|rate|keep|prob|drop|dropout|momentum|decay)$|_p$|_prob$": 0.5,
        "alpha|slope|scale": 0.1,
        "^eps": 1e-5,
        "seed": seed + 1,
        "^out|_out$|hidden|^m$|units": 3,
        "kernel|^k$": 3,
        "pieces": 2,
        "stride|pad": 1,
        "reduction": "mean",
        "dtype": np.float64,
    }
    return next((value for pattern, value in known.items() if re.search(pattern, name)), 4)


def input_guesses(name: str, forward: Callable[..., Any], seed: int) -> Iterator[tuple[Any, ...]]:
    """Inputs to try for the layer or function `name`, likely ones first."""
    rng = np.random.default_rng(seed)
    names = required(forward) or ["x"]
    x, other = rng.standard_normal((2, 5, 4))
    labels, likely = rng.integers(0, 4, 5), rng.dirichlet(np.ones(4), 5)
    positive, images = np.abs(x) + 0.5, rng.standard_normal((2, 3, 6, 6))
    # A second input with a name such as w or gamma is a parameter, and its shape is its own.
    parameterised = re.fullmatch(
        "w|weights?|gamma|beta|bias|scale|shift|.*param.*", names[-1].lower()
    )
    if len(names) == 1:
        yield from ((x,), (positive,), (images,), (likely,), (labels,))
    elif len(names) == 2 and not parameterised:
        losses = [(x, labels), (x, other), (likely, labels), (likely, rng.dirichlet([1] * 4, 5))]
        gates = [(x, other), (x, rng.standard_normal((4, 3))), (positive, positive[::-1].copy())]
        if re.search("mse|square|huber|l1|l2|regress", name.lower()):
            losses = [losses[1], losses[0]]
        if re.search("matmul|dot|gemm", name.lower()):
            gates = [gates[1], gates[0]]
        targets = re.match(f"{LABELS}|truth", names[1].lower())
        loss = re.search("loss|entropy|hinge|mse|svm|nll|criterion|huber", name.lower())
        yield from losses if loss else [*losses, *gates] if targets else [*gates, *losses]
    else:
        found = [named_input(one, names, seed) for one in names]
        if all(one is not None for one in found):
            yield tuple(found)
            yield tuple(
                other if re.fullmatch(LABELS, one.lower()) else array
                for one, array in zip(names, found, strict=True)
            )


def named_input(name: str, names: Sequence[str], seed: int) -> Any:
    """What to pass for `name` to a function of `names`: an array, or a dict of settings as courses
    have them; None where the name does not tell."""
    rng = np.random.default_rng([seed, *name.encode()])
    lower = [one.lower() for one in names]
    weights = any(re.fullmatch("w|weights?", one) for one in lower)
    dropout = {"p": 0.5, "seed": seed} if "drop" in name.lower() else {}
    kinds: dict[str, Any] = {
        "w|weights?": rng.standard_normal((4, 3)),
        "b|bias": rng.standard_normal((5, 4) if "a" in lower else 3 if weights else 4),
        "gamma|beta|scale|shift|mean|.*_mean": rng.standard_normal(4),
        "var|.*_var": rng.uniform(0.5, 2, 4),
        LABELS: rng.integers(0, 4, 5),
        # An eps at most: what it normalises over is there in training and in inference.
        "(ln|gn)_?params?": {},
        "(bn|norm|dropout)_?params?": {"mode": "train"} | dropout,
        "x[0-9]?|a|c|h|z|u|v|inputs?|scores|logits|prev": rng.standard_normal((5, 4)),
    }
    fitting = (value for kind, value in kinds.items() if re.fullmatch(kind, name.lower()))
    return next(fitting, None)
