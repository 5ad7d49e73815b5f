"""Data that every estimator of these tests can learn."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is in the extra `sklearn`")


@pytest.fixture
def classes():
    """Three clouds in the plane, under names."""
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    x = rng.standard_normal((150, 2)) * 0.5 + np.array([[0, 2], [2, 0], [-2, -1]])[labels]
    return x, np.array(["north", "east", "west"])[labels]


@pytest.fixture
def numbers():
    """A bent surface over the plane, far from 0 and in large units."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    return x, 5000 + 300 * (x[:, 0] ** 2 + np.tanh(2 * x[:, 1]))
