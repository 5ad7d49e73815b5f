"""What single outputs contribute to a gradient, beside what they should."""

import numpy as np
import pytest

from chainrule.gradcheck import check_functions
from chainrule.gradcheck.explain.contributions import (
    Contributions,
    jacobian_not_turned,
    wrong_contributions,
)
from chainrule.gradcheck.explain.scene import Scene

RNG = np.random.default_rng(5)
J = RNG.standard_normal((12, 12))


def causes(yours, right, shape=(12,), out=(12,), **arrays):
    """What is told of two matrices, the contributions of outputs to entries."""
    x, dout = RNG.standard_normal(shape), RNG.standard_normal(out)
    names = {"yours": {"x": x}, "right": {"x": x}, "error": {"x": 0.0}, "settings": {}}
    scene = Scene(inputs={"x": x}, params={}, cache=arrays, out=RNG.standard_normal(out),
                  dout=dout, **names,
                  pairs=lambda _: Contributions(yours, right, shape, out))  # fmt: skip
    return [*jacobian_not_turned(scene, "x"), *wrong_contributions(scene, "x")]


def only(found):
    return found[0].key, dict(found[0].values)


def test_a_leak_and_where():
    right = np.kron(np.eye(4), np.ones((3, 3)))
    yours = right.copy()
    yours[3:6, :3] = 0.5
    key, values = only(causes(yours, right, (4, 3), (4, 3)))
    assert key == "leak"
    assert (values["entry"], values["output"]) == ("[1, 0]", "[0, 0]")
    assert values["where"] == " of out[0] at [1]"


def test_what_lacks():
    right = np.abs(J) + 1
    yours = np.where(np.eye(12), right, 0)
    assert only(causes(yours, right))[0] == "own-only"
    yours = right.copy()
    yours[:, :6] = 0
    key, values = only(causes(yours, right, (12,), (2, 6)))
    assert (key, values["where"]) == ("lack", " of out[0]")


@pytest.mark.parametrize(("which", "kept"), [("first", 0), ("last", -1)])
def test_one_contribution_of_several(which, kept):
    right = np.zeros((6, 12))
    yours = np.zeros((6, 12))
    for row in range(6):
        right[row, [row, row + 3, row + 6]] = 1, 2, 3
        at = (row, row + 3, row + 6)[kept]
        yours[row, at] = right[row, at]
    key, values = only(causes(yours, right, (6,), (12,)))
    assert (key, values["which"]) == ("one-only", which)


def test_the_jacobian_not_transposed():
    assert only(causes(J.T, J))[0] == "not-turned"


def test_a_factor_on_dout():
    h = np.tanh(RNG.standard_normal(12))
    key, values = only(causes(J / (1 - h**2), J, h=h))
    assert (key, values) == ("lacks-factor-on-dout", {"factor": "(1 - h²)"})
    assert only(causes(J * h, J, h=h)) == ("extra-factor-on-dout", {"factor": "h"})
    key, values = only(causes(J * np.repeat([1, 2], 6), J, out=(2, 6)))
    assert (key, values["place"]) == ("factor-of-outputs", "[1]")
    assert "too large by a factor 2" in values["size"]


def test_nothing_is_told_of_the_same_or_of_noise():
    assert not causes(J, J)
    assert not causes(RNG.standard_normal((12, 12)), J)


def test_it_is_told_of_layers():
    def forward(x):
        e = np.exp(x)
        p = e / e.sum(1, keepdims=True)
        return p, p

    def backward(dout, p):
        return dout * p * (1 - p)

    (found,) = check_functions(forward, backward, RNG.standard_normal((3, 4))).findings
    assert found.message == (
        "dx holds only what each output contributes to its own entry: the Jacobian is not diagonal"
    )
    assert found.hint.startswith("out[0, 1] depends on x[0, 0], too")


def test_a_division_by_dout_is_told_and_no_error():
    x = np.random.default_rng(0).standard_normal((3, 4))
    report = check_functions(
        lambda x: (np.exp(x), np.exp(x)), lambda dout, out: out / dout, x, effort="quick"
    )
    assert [found.tensor for found in report.findings] == ["x"]


def test_a_term_without_dout_is_no_leak():
    x = RNG.standard_normal(5)
    report = check_functions(lambda x: (x**2 + x, x), lambda dout, x: 2 * x + dout, x)
    assert [finding.cause for finding in report.findings] == ["part-without-dout"]
