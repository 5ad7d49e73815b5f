"""Calls beside the one that is judged: another layout, another dtype, inference."""

import numpy as np
import pytest

from chainrule.gradcheck import check, check_functions
from chainrule.layers import BatchNorm, Dropout, Tanh


def rows(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


class Lifts(Tanh):
    def forward(self, x, *, train=True):
        out = np.tanh(x) * np.float64(1.0)
        return out, out


def test_float32_is_asked_about_where_it_was_given_or_all_is_asked():
    x = rows(5, 4)
    assert check(Lifts(), x).probes["float32"].outcome == "not applicable"
    assert [remark.cause for remark in check(Lifts(), x.astype(np.float32)).remarks] == [
        "out-dtype"
    ]
    assert [finding.cause for finding in check(Lifts(), x, strict=True).findings] == ["out-dtype"]


def centred_affine(x, w, b, gamma, beta):
    """An affine map and a batch normalisation: the gradient of b is 0, up to rounding."""
    h = x @ w + b
    c = h - h.mean(axis=0)
    std = np.sqrt(np.square(c).mean(axis=0) + 1e-5)
    return gamma * c / std + beta, (x, w, gamma, c / std, std)


def centred_affine_backward(dout, cache):
    x, w, gamma, unit, std = cache
    d = dout * gamma
    dh = (d - d.mean(axis=0) - unit * (d * unit).mean(axis=0)) / std
    return dh @ w.T, x.T @ dh, dh.sum(axis=0), (dout * unit).sum(axis=0), dout.sum(axis=0)


@pytest.mark.parametrize("count", [6, 50, 300])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_a_gradient_that_is_zero_but_for_rounding_has_no_layout(count, size):
    inputs = (size * rows(count, 4), rows(4, 6), rows(6), rows(6), rows(6))
    report = check_functions(centred_affine, centred_affine_backward, *inputs)
    assert report, report


def test_a_gradient_that_reads_memory_in_its_own_order_is_wrong():
    def forward(x):
        return x * np.arange(x.size).reshape(x.shape), x

    def backward(dout, _):
        flat = dout.ravel(order="K") * np.arange(dout.size)
        return flat.reshape(dout.shape)

    (finding,) = check_functions(forward, backward, rows(5, 4)).findings
    assert finding.cause == "layout"


class Restless(Dropout):
    def forward(self, x, *, train=True):
        return super().forward(x, train=True)


class Remembers(BatchNorm):
    def forward(self, x, *, train=True):
        self.state["running_mean"] += 0.5
        return super().forward(x, train=train)


@pytest.mark.parametrize(
    ("layer", "cause"),
    [(Restless(0.5, rng=0), "inference-random"), (Remembers(4), "inference-writes")],
)
def test_what_is_wrong_in_inference_is_a_remark(layer, cause):
    report = check(layer, rows(5, 4), reference=False)
    assert report
    assert [remark.cause for remark in report.remarks] == [cause]
    strict = check(layer, rows(5, 4), reference=False, strict=True)
    assert [finding.cause for finding in strict.findings] == [cause]


def test_state_that_is_rebound_is_a_remark():
    class Rebinds(BatchNorm):
        def forward(self, x, *, train=True):
            out, cache = super().forward(x, train=train)
            if train:
                self.state["running_mean"] = self.state["running_mean"].copy()
            return out, cache

    report = check(Rebinds(4), rows(5, 4))
    assert report
    assert [remark.cause for remark in report.remarks] == ["state-rebound"]
    assert not check(Rebinds(4), rows(5, 4), strict=True)
