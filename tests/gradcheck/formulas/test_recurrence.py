"""RNN, LSTM and GRU: one step and a loop, right in many spellings, and wrong."""

import numpy as np
import pytest

RNG = np.random.default_rng(0)
N, T, D, H = 2, 4, 3, 5
X, H0, C0 = RNG.normal(size=(N, T, D)), RNG.normal(size=(N, H)), RNG.normal(size=(N, H))


def weights(gates, rows=D):
    return (
        RNG.normal(size=(rows, gates * H)),
        RNG.normal(size=(H, gates * H)),
        RNG.normal(size=gates * H),
    )


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def loop(step, x, *states):
    """All first states, and the last states, of a step repeated over time."""
    hs = []
    for t in range(x.shape[1]):
        states = step(x[:, t], *states)
        states = states if isinstance(states, tuple) else (states,)
        hs.append(states[0])
    return np.stack(hs, axis=1), states


WX, WH, BIAS = weights(1)
CELL = {"Wx_": WX, "Wh_": WH, "b_": BIAS}


def rnn(x, h):
    return np.tanh(x @ WX + h @ WH + BIAS)


STEP, (HS, (LAST,)) = rnn(X[:, 0], H0), loop(rnn, X, H0)
ZEROS = loop(rnn, X, 0 * H0)[0]
TURNED = {"weight_ih_": WX.T, "weight_hh_": WH.T, "bias_ih_": BIAS - 1, "bias_hh_": np.ones(H)}
RNNS = [
    (STEP, {"x": X[:, 0], "prev_h": H0, **CELL}),
    (STEP, {"xt": X[:, 0], "h_prev": H0, "W_xh_": WX, "W_hh_": WH, "b_h_": BIAS}),
    (STEP, {"x": X[:, 0], "h": H0, "W_": WX, "U_": WH, "bias_": BIAS}),
    (STEP, {"x": X[:, 0], "hx": H0, **TURNED}),
    (HS, {"x": X, "h0": H0, **CELL}),
    (HS, {"x": X, "h0": H0, **TURNED}),
    (ZEROS, {"xs": X, **CELL}),
    (LAST, {"x": X, "h0": H0, **CELL}),
    ((HS, LAST), {"x": X, "h0": H0, **CELL}),
    ((HS, LAST[np.newaxis]), {"x": X, "h0": H0, **CELL}),
    (HS.swapaxes(0, 1), {"x": X.swapaxes(0, 1), "h0": H0, **CELL}),
]


@pytest.mark.parametrize(("out", "given"), RNNS)
def test_a_right_rnn_is_right_in_whatever_spelling(judged, out, given):
    assert judged("rnn", out, **given) == ([], [])


GIVEN = {"x": X, "h0": H0, **CELL}
WRONG_RNNS = [
    ("the bias is missing", loop(lambda x, h: np.tanh(x @ WX + h @ WH), X, H0)[0]),
    ("the previous state is ignored", np.tanh(X @ WX + BIAS)),
    ("Wh is transposed", loop(lambda x, h: np.tanh(x @ WX + h @ WH.T + BIAS), X, H0)[0]),
    ("it starts from zeros", ZEROS),
    ("each step starts from h0", np.stack([rnn(X[:, t], H0) for t in range(T)], axis=1)),
    ("every step reads the first input", loop(rnn, np.repeat(X[:, :1], T, axis=1), H0)[0]),
    ("backwards", loop(rnn, X[:, ::-1], H0)[0][:, ::-1]),
    ("tanh is missing", loop(lambda x, h: x @ WX + h @ WH + BIAS, X, H0)[0]),
    ("the sigmoid stands", loop(lambda x, h: sigmoid(x @ WX + h @ WH + BIAS), X, H0)[0]),
    ("max(a, 0)", loop(lambda x, h: np.maximum(x @ WX + h @ WH + BIAS, 0), X, H0)[0]),
]


@pytest.mark.parametrize(("words", "out"), WRONG_RNNS, ids=[words for words, _ in WRONG_RNNS])
def test_a_wrong_rnn_is_told_its_mistake(judged, words, out):
    (message,), _ = judged("rnn", out, **GIVEN)
    assert words in message


def test_weights_that_fit_both_ways_are_a_convention_where_both_are_transposed(judged):
    x, w = RNG.normal(size=(N, H)), RNG.normal(size=(H, H))
    given = {"x": x, "h": H0, "Wx_": w, "Wh_": WH}
    said, notes = judged("rnn", np.tanh(x @ w.T + H0 @ WH.T), **given)
    assert (said, notes) == ([], ["both weights are transposed: x Wxᵀ + h Whᵀ"])
    (message,), _ = judged("rnn", np.tanh(x @ w + H0 @ WH.T), **given)
    assert message == "Wh is transposed"


LX, LH, LB = weights(4)
GATES = {"Wx_": LX, "Wh_": LH, "b_": LB}


def lstm(x, h, c, order="ifog", wrong=()):
    gates = dict(zip(order, np.split(x @ LX + h @ LH + LB, 4, axis=1), strict=True))
    i, f, o = (sigmoid(gates[one]) for one in "ifo")
    g = sigmoid(gates["g"]) if "g" in wrong else np.tanh(gates["g"])
    c = (1 if "f" in wrong else f) * c + i * g
    return o * (c if "h" in wrong else np.tanh(c)), c


def lstm_of(x=X, **how):
    return loop(lambda x, h, c: lstm(x, h, c, **how), x, H0, C0)


NEXT = lstm(X[:, 0], H0, C0)
LHS, (LAST_H, LAST_C) = lstm_of()
LSTMS = [
    (NEXT, {"x": X[:, 0], "prev_h": H0, "prev_c": C0, **GATES}),
    (NEXT[0], {"x": X[:, 0], "h_prev": H0, "c_prev": C0, **GATES}),
    (LHS, {"x": X, "h0": H0, "c0": C0, **GATES}),
    ((LHS, LAST_H, LAST_C), {"x": X, "h0": H0, "c0": C0, **GATES}),
    (loop(lstm, X, H0, 0 * C0)[0], {"x": X, "h0": H0, **GATES}),
    (NEXT, {"x": X[:, 0], "h": H0, "c": C0, "Wih_": LX.T, "Whh_": LH.T, "bias_": LB}),
]


@pytest.mark.parametrize(("out", "given"), LSTMS)
def test_a_right_lstm_is_right_in_whatever_spelling(judged, out, given):
    assert judged("lstm", out, **given) == ([], [])


STEP_GIVEN = {"x": X[:, 0], "prev_h": H0, "prev_c": C0, **GATES}


@pytest.mark.parametrize("order", ["ifgo", "fgio"])
def test_an_order_of_gates_that_others_have_is_a_convention(judged, order):
    said, (note,) = judged("lstm", lstm(X[:, 0], H0, C0, order), **STEP_GIVEN)
    assert not said
    assert f"the order {', '.join(order)}" in note


def test_the_cell_before_the_state_is_a_convention(judged):
    said, notes = judged("lstm", NEXT[::-1], **STEP_GIVEN)
    assert (said, notes) == ([], ["it returns the cell first, then the state"])


def lstm_that_forgets_h():
    c, hs = C0, []
    for t in range(T):
        h, c = lstm(X[:, t], H0, c)
        hs.append(h)
    return np.stack(hs, axis=1)


SEQUENCE = {"x": X, "h0": H0, "c0": C0, **GATES}
WRONG_LSTMS = [
    ("the gates stand in the order o, f, i, g", lstm_of(order="ofig")[0], SEQUENCE),
    ("the tanh of the cell is missing", lstm(X[:, 0], H0, C0, wrong="h"), STEP_GIVEN),
    ("the candidate g goes through the sigmoid", lstm_of(wrong="g")[0], SEQUENCE),
    ("the forget gate f is missing", lstm(X[:, 0], H0, C0, "ifgo", "f"), STEP_GIVEN),
    ("the previous cell is ignored", lstm(X[:, 0], H0, 0 * C0), STEP_GIVEN),
    (
        "the cell is not carried",
        loop(lambda x, h: lstm(x, h, C0)[0], X, H0)[0],
        SEQUENCE,
    ),
    ("the state is not carried", lstm_that_forgets_h(), SEQUENCE),
]


@pytest.mark.parametrize(("words", "out", "given"), WRONG_LSTMS)
def test_a_wrong_lstm_is_told_its_mistake(judged, words, out, given):
    (message,), _ = judged("lstm", out, **given)
    assert words in message


def test_a_cell_that_is_wrong_is_found_though_the_state_is_right(judged):
    (message,), _ = judged("lstm", (NEXT[0], NEXT[1] + 1), **STEP_GIVEN)
    assert message.startswith("c differs from the formula")


GX, GH, GB = weights(3)


def gru(x, h, order="zrn", keep=False, inside=False, resets=True, bh=0.0):
    ax, ah = np.split(x @ GX + GB, 3, axis=1), np.split(h @ GH + bh, 3, axis=1)
    at = {name: order.index(name) for name in order}
    z, r = (sigmoid(ax[at[one]] + ah[at[one]]) for one in "zr")
    r = r if resets else 1
    state = (r * h) @ np.split(GH, 3, axis=1)[at["n"]] if inside else r * ah[at["n"]]
    n = np.tanh(ax[at["n"]] + state)
    return (1 - z) * h + z * n if keep else (1 - z) * n + z * h


GRU = {"Wx_": GX, "Wh_": GH, "b_": GB}


@pytest.mark.parametrize("order", ["zrn", "rzn"])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_every_gru_is_right_and_told_where_it_ignores_a_gate(judged, order, keep, inside):
    how = {"order": order, "keep": keep, "inside": inside}
    hs, (last,) = loop(lambda x, h: gru(x, h, **how), X, H0)
    assert judged("gru", hs, x=X, h0=H0, **GRU) == ([], [])
    assert judged("gru", (hs, last), x=X, h0=H0, **GRU) == ([], [])
    out = gru(X[:, 0], H0, **how, resets=False)
    (message,), _ = judged("gru", out, x=X[:, 0], prev_h=H0, **GRU)
    assert message == "the reset gate is ignored"


def test_a_gru_with_the_two_biases_of_pytorch(judged):
    bias = RNG.normal(size=3 * H)
    out = gru(X[:, 0], H0, "rzn", bh=bias)
    names = {"weight_ih_": GX.T, "weight_hh_": GH.T, "bias_ih_": GB, "bias_hh_": bias}
    assert judged("gru", out, x=X[:, 0], hx=H0, **names) == ([], [])


@pytest.mark.parametrize(
    ("name", "out", "given"),
    [
        ("rnn", STEP, {"x": X[:, 0], "prev_h": H0, **CELL, "Wy_": WX}),
        ("rnn", STEP, {"x": X[:, 0], "prev_h": H0, "Wx_": WX, "b_": BIAS}),
        ("rnn", HS, {"x": X[0], "h0": H0[0], **CELL}),
        ("rnn", HS, {"x": X, "h0": H0, "lengths": np.array([2, 4]), **CELL}),
        ("rnn", HS, {"x": X, "h0": H0, **CELL, "stateful": True}),
        ("lstm", NEXT, {**STEP_GIVEN, "p_i_": LB[:H]}),  # peepholes
        ("lstm", NEXT, {**STEP_GIVEN, "Wx_": LX[:, :-1]}),
        ("lstm", NEXT, {**STEP_GIVEN, "Wci_": LX}),
        ("gru", STEP, {"x": X[:, 0], "h": H0, "Wz_": WX, "Wr_": WX, "Wn_": WX}),
    ],
)
def test_a_recurrent_layer_of_another_kind_is_not_compared(judged, name, out, given):
    said, (note,) = judged(name, out, **given)
    assert not said
    assert note.startswith("not compared with the formula")
