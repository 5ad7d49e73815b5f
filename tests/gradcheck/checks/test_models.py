"""Of models: their penalty, and their scores."""

import numpy as np
import pytest

from chainrule.gradcheck import check_model

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((5, 4)), RNG.standard_normal((5, 2))


class Linear:
    """Least squares with a penalty on the matrices that `penalised` names."""

    def __init__(self, penalised=("W", "V"), half=0.5):
        rng = np.random.default_rng(1)
        self.params = {"W": rng.standard_normal((4, 3)), "V": rng.standard_normal((3, 2))}
        self.penalised, self.half, self.reg = penalised, half, 0.3

    def loss(self, x, y):
        W, V = self.params["W"], self.params["V"]
        gap = x @ W @ V - y
        grads = {"W": 2 * x.T @ gap @ V.T, "V": 2 * (x @ W).T @ gap}
        loss = np.square(gap).sum()
        for name in self.penalised:
            loss += self.half * self.reg * np.square(self.params[name]).sum()
            grads[name] += 2 * self.half * self.reg * self.params[name]
        return loss, grads


@pytest.mark.parametrize("half", [0.5, 1.0])
def test_a_penalty_with_or_without_the_half_is_right(half):
    report = check_model(Linear(half=half), X, Y, strict=True)
    assert report, report


def test_a_penalty_that_leaves_out_a_matrix_is_a_remark():
    report = check_model(Linear(penalised=("W",)), X, Y)
    assert report
    assert [remark.cause for remark in report.remarks] == ["penalty-leaves-out"]
    assert not check_model(Linear(penalised=("W",)), X, Y, strict=True)


def test_a_penalty_in_the_loss_alone_is_wrong():
    class Forgets(Linear):
        def loss(self, x, y):
            loss, grads = super().loss(x, y)
            return loss, {k: g - self.reg * self.params[k] for k, g in grads.items()}

    report = check_model(Forgets(), X, Y)
    assert not report
    assert {finding.level for finding in report.findings} == {"wrong"}
