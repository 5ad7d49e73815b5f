"""Pairs of functions as courses have them, checked whole: the name alone tells the formula."""

import numpy as np
import pytest

from benchmarks.mistakes.students import STUDENTS
from chainrule.gradcheck import check_functions

RNG = np.random.default_rng(0)


def conv_forward_naive(x, w, b, conv_param):
    return correlated(x, w, b, conv_param), (x, w, b, conv_param)


def correlated(x, w, b, conv_param):
    s, p = conv_param["stride"], conv_param["pad"]
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    places = [(n - k) // s + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    out = np.zeros((len(x), len(w), *places))
    for i, j in np.ndindex(*places):
        patch = x[:, None, :, i * s : i * s + w.shape[2], j * s : j * s + w.shape[3]]
        out[:, :, i, j] = (patch * w).sum(axis=(2, 3, 4)) + b
    return out


def conv_backward_naive(dout, cache):
    x, w, _, conv_param = cache
    s, p = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in np.ndindex(*dout.shape[2:]):
        at = np.s_[:, :, i * s : i * s + w.shape[2], j * s : j * s + w.shape[3]]
        dw += np.einsum("nf,nchw->fchw", dout[:, :, i, j], padded[at])
        dx[at] += np.einsum("nf,fchw->nchw", dout[:, :, i, j], w)
    inner = np.s_[:, :, p : padded.shape[2] - p, p : padded.shape[3] - p]
    return dx[inner], dw, dout.sum(axis=(0, 2, 3))


CONV = (
    RNG.normal(size=(2, 2, 5, 4)),
    RNG.normal(size=(3, 2, 3, 2)),
    RNG.normal(size=3),
    {"stride": 2, "pad": 1},
)


def test_a_right_convolution_is_compared_with_its_formula():
    report = check_functions(conv_forward_naive, conv_backward_naive, *CONV)
    assert report
    assert report.probes["reference"].outcome == "passed"
    assert not report.remarks


def test_a_forward_pass_that_turns_the_kernel_before_a_right_backward_pass_is_to_blame():
    def conv_forward_naive(x, w, b, conv_param):
        out = correlated(x, w[:, :, ::-1, ::-1], b, conv_param)
        return out, (x, w, b, conv_param)

    report = check_functions(conv_forward_naive, conv_backward_naive, *CONV, effort="quick")
    assert not report
    (finding,) = report.findings
    assert (finding.tensor, finding.kind) == ("out", "forward-bug")
    assert finding.message.startswith("the kernel is turned round")


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-part)) for part in a[:3])
    g = np.tanh(a[3])
    c = f * prev_c + i * g
    return o * np.tanh(c), c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, c)


def lstm_step_backward(dh, dc, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, c = cache
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    gates = [dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dh * np.tanh(c) * o * (1 - o)]
    da = np.hstack([*gates, dc * i * (1 - g * g)])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


LSTM = tuple(RNG.normal(size=shape) for shape in [(2, 3), (2, 2), (2, 2), (3, 8), (2, 8), 8])


def test_both_outputs_of_an_lstm_step_are_compared():
    report = check_functions(lstm_step_forward, lstm_step_backward, *LSTM)
    assert report
    assert report.probes["reference"].outcome == "passed"

    def lstm_forward(*inputs):
        h, c, cache = lstm_step_forward(*inputs)
        return h, -c, cache

    report = check_functions(
        lambda x, prev_h, prev_c, Wx, Wh, b: lstm_forward(x, prev_h, prev_c, Wx, Wh, b),
        lambda dh, dc, cache: lstm_step_backward(dh, -dc, cache),
        *LSTM,
        reference="lstm",
    )
    assert not report
    assert report.findings[0].message.startswith("c differs from the formula")


def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    p = np.exp(x - x.max(axis=2, keepdims=True))
    p /= p.sum(axis=2, keepdims=True)
    loss = -(mask * np.log(np.take_along_axis(p, y[..., None], 2)[..., 0])).sum() / N / T
    return loss, mask[..., None] * (p - np.eye(V)[y]) / N / T


def test_a_loss_that_is_averaged_over_time_is_consistent_and_noted():
    mask = np.array([[True, True, False], [True, False, False]])
    inputs = (RNG.normal(size=(2, 3, 4)), RNG.integers(0, 4, (2, 3)), mask)
    report = check_functions(temporal_softmax_loss, None, *inputs)
    assert report
    assert any("consistent, but it is divided by 6 = N·T" in note for note in report.notes)
    report = check_functions(temporal_softmax_loss, None, *inputs, reference="temporalsoftmax")
    assert not report
    assert "divided by 6 = N·T" in report.findings[0].message


SAYS = {
    "conv-forward-kernel-flipped": "turned round",
    "conv-forward-bias-per-channel": "added 3 times, once for each input channel",
    "rms-forward-eps-outside": "eps stands outside the square root",
    "rnn-forward-h0-every-step": "each step starts from h0",
    "lstm-forward-tanh-forgotten": "the tanh of the cell is missing",
    "lstm-forward-candidate-sigmoid": "the candidate g goes through the sigmoid",
    "gru-forward-reset-ignored": "the reset gate is ignored",
    "sinusoid-forward-frequencies": "the exponent is twice",
    "attention-forward-softmax-over-queries": "over the queries",
    "attention-forward-scale-without-root": "by d = 4, not by its root",
    "causal-forward-peeks-one-ahead": "each step sees the next one",
    "mha-forward-split-without-transpose": "heads are split by a reshape alone",
    "mha-forward-merged-without-transpose": "heads are merged by a reshape alone",
}


@pytest.mark.parametrize(
    "mistake", [one for one in STUDENTS if one.id in SAYS], ids=lambda one: one.id
)
def test_a_mistake_of_forward_that_backward_follows_gets_a_remark(mistake):
    pair, inputs = mistake.wrong, mistake.inputs(np.random.default_rng(0))
    report = check_functions(pair.forward, pair.backward, *inputs, effort="quick")
    assert report
    (remark,) = report.remarks
    assert SAYS[mistake.id] in remark.message
    assert remark.hint.endswith("pass reference=False.")
