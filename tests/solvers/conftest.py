"""Gradients to feed to update rules."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

Arrays = dict[str, np.ndarray]


@pytest.fixture
def twice() -> Callable[..., list[float]]:
    """Two steps on a single number that starts at 1, with the gradients given."""

    def values(rule, *, grads: Iterable[float], name: str = "b") -> list[float]:
        params, seen = {name: np.array([1.0])}, []
        for dw in grads:
            rule.update(params, {name: np.array([dw])})
            seen.append(params[name].item())
        return seen

    return values


@pytest.fixture
def many_steps() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """200 steps on a (30, 20) parameter of zeros: every position after a step, every gradient."""

    def walk(rule, dtype=np.float64) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(7)
        dw = (rng.normal(size=(200, 30, 20)) * rng.lognormal(size=(30, 20))).astype(dtype)
        params = {"W": np.zeros((30, 20), dtype)}
        path = []
        for one in dw:
            rule.update(params, {"W": one})
            path.append(params["W"].copy())
        return np.array(path), dw

    return walk


@pytest.fixture
def decaying_sum() -> Callable[[np.ndarray, float], np.ndarray]:
    """Σₖ rateᵗ⁻ᵏ xₖ for every t as one matrix product, with nothing carried along."""

    def total(x: np.ndarray, rate: float) -> np.ndarray:
        age = np.subtract.outer(np.arange(len(x)), np.arange(len(x)))
        weights = np.where(age >= 0, float(rate) ** np.maximum(age, 0), 0.0)
        return np.tensordot(weights, x.astype(np.float64), axes=1)

    return total
