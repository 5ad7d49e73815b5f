"""Layers of recurrent networks: plain, LSTM and GRU steps and sequences, word vectors, and what is
applied at every step of a sequence. N sequences of T steps have x of shape (N, T, D)."""

import numpy as np


def sigmoid(x):
    """The logistic function, without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """
    One step of a plain recurrent network with a tanh.

    Inputs:
    - x: input of this step, of shape (N, D)
    - prev_h: hidden state of the step before, of shape (N, H)
    - Wx: weights from the input to the hidden state, of shape (D, H)
    - Wh: weights from hidden state to hidden state, of shape (H, H)
    - b: biases, of shape (H,)

    Returns a tuple of:
    - next_h: hidden state, of shape (N, H)
    - cache: what the backward pass needs
    """
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    """
    Backward pass of one step of a plain recurrent network.

    Inputs:
    - dnext_h: gradient of the next hidden state, of shape (N, H)
    - cache: from rnn_step_forward

    Returns a tuple of:
    - dx: gradient of the input, of shape (N, D)
    - dprev_h: gradient of the previous hidden state, of shape (N, H)
    - dWx: gradient of Wx, of shape (D, H)
    - dWh: gradient of Wh, of shape (H, H)
    - db: gradient of the biases, of shape (H,)
    """
    x, prev_h, Wx, Wh, next_h = cache
    dscores = dnext_h * (1 - next_h**2)
    return dscores @ Wx.T, dscores @ Wh.T, x.T @ dscores, prev_h.T @ dscores, dscores.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    """
    A plain recurrent network over whole sequences.

    Inputs:
    - x: the sequences, of shape (N, T, D)
    - h0: hidden state before the first step, of shape (N, H)
    - Wx: weights from the input to the hidden state, of shape (D, H)
    - Wh: weights from hidden state to hidden state, of shape (H, H)
    - b: biases, of shape (H,)

    Returns a tuple of:
    - h: hidden states of all steps, of shape (N, T, H)
    - cache: what the backward pass needs
    """
    state, states, caches = h0, [], []
    for t in range(x.shape[1]):
        state, cache = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        states.append(state)
        caches.append(cache)
    return np.stack(states, axis=1), caches


def rnn_backward(dh, cache):
    """
    Backward pass of a plain recurrent network over whole sequences.

    Inputs:
    - dh: upstream gradients of all hidden states, of shape (N, T, H)
    - cache: from rnn_forward

    Returns a tuple of:
    - dx: gradient of the sequences, of shape (N, T, D)
    - dh0: gradient of the first hidden state, of shape (N, H)
    - dWx: gradient of Wx, of shape (D, H)
    - dWh: gradient of Wh, of shape (H, H)
    - db: gradient of the biases, of shape (H,)
    """
    _, _, Wx, Wh, _ = cache[0]
    N, T, H = dh.shape
    dx = np.zeros((N, T, Wx.shape[0]))
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(H)
    dstate = np.zeros((N, H))
    for t in reversed(range(T)):
        dx[:, t], dstate, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dstate, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dstate, dWx, dWh, db


def word_embedding_forward(x, W):
    """
    A vector for every word.

    Inputs:
    - x: words as integers, of shape (N, T), with 0 <= x[i, t] < V
    - W: a vector for each word of the vocabulary, of shape (V, D)

    Returns a tuple of:
    - out: vectors, of shape (N, T, D)
    - cache: what the backward pass needs
    """
    return W[x], (x, W.shape)


def word_embedding_backward(dout, cache):
    """
    Backward pass of word vectors. Words are integers, so there is no gradient for them; a word
    that occurs several times gets the sum of its gradients.

    Inputs:
    - dout: upstream gradients, of shape (N, T, D)
    - cache: from word_embedding_forward

    Returns:
    - dW: gradient of the word vectors, of shape (V, D)
    """
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """
    One step of an LSTM. The four blocks of the scores are input gate, forget gate, output gate and
    candidate.

    Inputs:
    - x: input of this step, of shape (N, D)
    - prev_h: previous hidden state, of shape (N, H)
    - prev_c: previous cell state, of shape (N, H)
    - Wx: weights from the input, of shape (D, 4H)
    - Wh: weights from the hidden state, of shape (H, 4H)
    - b: biases, of shape (4H,)

    Returns a tuple of:
    - next_h: next hidden state, of shape (N, H)
    - next_c: next cell state, of shape (N, H)
    - cache: what the backward pass needs
    """
    scores = x @ Wx + prev_h @ Wh + b
    i, f, o, g = np.split(scores, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    return o * tanh_c, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    """
    Backward pass of one step of an LSTM.

    Inputs:
    - dnext_h: gradient of the next hidden state, of shape (N, H)
    - dnext_c: gradient of the next cell state, of shape (N, H)
    - cache: from lstm_step_forward

    Returns a tuple of:
    - dx: gradient of the input, of shape (N, D)
    - dprev_h: gradient of the previous hidden state, of shape (N, H)
    - dprev_c: gradient of the previous cell state, of shape (N, H)
    - dWx: gradient of Wx, of shape (D, 4H)
    - dWh: gradient of Wh, of shape (H, 4H)
    - db: gradient of the biases, of shape (4H,)
    """
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di = dc * g * i * (1 - i)
    df = dc * prev_c * f * (1 - f)
    do = dnext_h * tanh_c * o * (1 - o)
    dg = dc * i * (1 - g**2)
    dscores = np.hstack([di, df, do, dg])
    dx, dprev_h, dprev_c = dscores @ Wx.T, dscores @ Wh.T, dc * f
    return dx, dprev_h, dprev_c, x.T @ dscores, prev_h.T @ dscores, dscores.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    """
    An LSTM over whole sequences. The cell state starts at zero and stays inside.

    Inputs:
    - x: the sequences, of shape (N, T, D)
    - h0: hidden state before the first step, of shape (N, H)
    - Wx: weights from the input, of shape (D, 4H)
    - Wh: weights from the hidden state, of shape (H, 4H)
    - b: biases, of shape (4H,)

    Returns a tuple of:
    - h: hidden states of all steps, of shape (N, T, H)
    - cache: what the backward pass needs
    """
    h, c = h0, np.zeros_like(h0)
    states, caches = [], []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


def lstm_backward(dh, cache):
    """
    Backward pass of an LSTM over whole sequences.

    Inputs:
    - dh: upstream gradients of all hidden states, of shape (N, T, H)
    - cache: from lstm_forward

    Returns a tuple of:
    - dx: gradient of the sequences, of shape (N, T, D)
    - dh0: gradient of the first hidden state, of shape (N, H)
    - dWx: gradient of Wx, of shape (D, 4H)
    - dWh: gradient of Wh, of shape (H, 4H)
    - db: gradient of the biases, of shape (4H,)
    """
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx, dprev_h, dprev_c = np.zeros((N, T, D)), np.zeros((N, H)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    for t in reversed(range(T)):
        dnext_h = dh[:, t] + dprev_h
        dx[:, t], dprev_h, dprev_c, *dweights = lstm_step_backward(dnext_h, dprev_c, cache[t])
        dWx += dweights[0]
        dWh += dweights[1]
        db += dweights[2]
    return dx, dprev_h, dWx, dWh, db


def gru_step_forward(x, prev_h, Wx, Wh, b):
    """
    One step of a gated recurrent unit. The three blocks of the weights are update gate, reset gate
    and candidate; the reset gate acts on the hidden state before the candidate's weights do.

    Inputs:
    - x: input of this step, of shape (N, D)
    - prev_h: previous hidden state, of shape (N, H)
    - Wx: weights from the input, of shape (D, 3H)
    - Wh: weights from the hidden state, of shape (H, 3H)
    - b: biases, of shape (3H,)

    Returns a tuple of:
    - next_h: next hidden state, of shape (N, H)
    - cache: what the backward pass needs
    """
    H = prev_h.shape[1]
    from_x = x @ Wx + b
    gates = sigmoid(from_x[:, : 2 * H] + prev_h @ Wh[:, : 2 * H])
    z, r = gates[:, :H], gates[:, H:]
    candidate = np.tanh(from_x[:, 2 * H :] + (r * prev_h) @ Wh[:, 2 * H :])
    next_h = z * prev_h + (1 - z) * candidate
    return next_h, (x, prev_h, Wx, Wh, z, r, candidate)


def gru_step_backward(dnext_h, cache):
    """
    Backward pass of one step of a gated recurrent unit.

    Inputs:
    - dnext_h: gradient of the next hidden state, of shape (N, H)
    - cache: from gru_step_forward

    Returns a tuple of:
    - dx: gradient of the input, of shape (N, D)
    - dprev_h: gradient of the previous hidden state, of shape (N, H)
    - dWx: gradient of Wx, of shape (D, 3H)
    - dWh: gradient of Wh, of shape (H, 3H)
    - db: gradient of the biases, of shape (3H,)
    """
    x, prev_h, Wx, Wh, z, r, candidate = cache
    H = prev_h.shape[1]
    dcandidate = dnext_h * (1 - z) * (1 - candidate**2)
    dreset_h = dcandidate @ Wh[:, 2 * H :].T
    dz = dnext_h * (prev_h - candidate) * z * (1 - z)
    dr = dreset_h * prev_h * r * (1 - r)
    dgates = np.hstack([dz, dr])

    dscores = np.hstack([dgates, dcandidate])
    dprev_h = dnext_h * z + dreset_h * r + dgates @ Wh[:, : 2 * H].T
    dWh = np.hstack([prev_h.T @ dgates, (r * prev_h).T @ dcandidate])
    return dscores @ Wx.T, dprev_h, x.T @ dscores, dWh, dscores.sum(axis=0)


def attention_forward(prev_h, A):
    """
    Scaled dot-product attention of a hidden state over the places of a feature map.

    Inputs:
    - prev_h: hidden state, of shape (N, H)
    - A: feature map, of shape (N, H, 4, 4)

    Returns a tuple of:
    - attn: the places' features, weighted, of shape (N, H)
    - cache: what the backward pass needs, the weights of shape (N, 16) among it
    """
    N, H = prev_h.shape
    places = A.reshape(N, H, -1)
    scores = np.einsum("nh,nhp->np", prev_h, places) / np.sqrt(H)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    attn = np.einsum("np,nhp->nh", weights, places)
    return attn, (prev_h, places, weights, A.shape)


def attention_backward(dattn, cache):
    """
    Backward pass of attention over a feature map.

    Inputs:
    - dattn: upstream gradient, of shape (N, H)
    - cache: from attention_forward

    Returns a tuple of:
    - dprev_h: gradient of the hidden state, of shape (N, H)
    - dA: gradient of the feature map, of shape (N, H, 4, 4)
    """
    prev_h, places, weights, shape = cache
    dweights = np.einsum("nh,nhp->np", dattn, places)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dscores /= np.sqrt(prev_h.shape[1])
    dprev_h = np.einsum("np,nhp->nh", dscores, places)
    dplaces = np.einsum("nh,np->nhp", dattn, weights) + np.einsum("nh,np->nhp", prev_h, dscores)
    return dprev_h, dplaces.reshape(shape)


def attention_lstm_step_forward(x, prev_h, prev_c, attn, Wx, Wh, Wattn, b):
    """
    One step of an LSTM that sees the result of attention besides its input.

    Inputs:
    - x: input of this step, of shape (N, D)
    - prev_h: previous hidden state, of shape (N, H)
    - prev_c: previous cell state, of shape (N, H)
    - attn: what attention has returned, of shape (N, H)
    - Wx: weights from the input, of shape (D, 4H)
    - Wh: weights from the hidden state, of shape (H, 4H)
    - Wattn: weights from the attention, of shape (H, 4H)
    - b: biases, of shape (4H,)

    Returns a tuple of:
    - next_h: next hidden state, of shape (N, H)
    - next_c: next cell state, of shape (N, H)
    - cache: what the backward pass needs
    """
    seen, weights = np.hstack([x, attn]), np.vstack([Wx, Wattn])
    return lstm_step_forward(seen, prev_h, prev_c, weights, Wh, b)


def attention_lstm_step_backward(dnext_h, dnext_c, cache):
    """
    Backward pass of one step of an LSTM with attention.

    Inputs:
    - dnext_h: gradient of the next hidden state, of shape (N, H)
    - dnext_c: gradient of the next cell state, of shape (N, H)
    - cache: from attention_lstm_step_forward

    Returns a tuple of gradients: dx, dprev_h, dprev_c, dattn, dWx, dWh, dWattn, db
    """
    H = dnext_h.shape[1]
    dseen, dprev_h, dprev_c, dweights, dWh, db = lstm_step_backward(dnext_h, dnext_c, cache)
    dx, dattn = dseen[:, :-H], dseen[:, -H:]
    return dx, dprev_h, dprev_c, dattn, dweights[:-H], dWh, dweights[-H:], db


def attention_lstm_forward(x, A, Wx, Wh, Wattn, b):
    """
    An LSTM that attends to a feature map at every step. Hidden and cell state start as the mean of
    the map over its places.

    Inputs:
    - x: the sequences, of shape (N, T, D)
    - A: feature map, of shape (N, H, 4, 4)
    - Wx: weights from the input, of shape (D, 4H)
    - Wh: weights from the hidden state, of shape (H, 4H)
    - Wattn: weights from the attention, of shape (H, 4H)
    - b: biases, of shape (4H,)

    Returns a tuple of:
    - h: hidden states of all steps, of shape (N, T, H)
    - cache: what the backward pass needs
    """
    h = c = A.mean(axis=(2, 3))
    states, caches = [], []
    for t in range(x.shape[1]):
        attn, attended = attention_forward(h, A)
        h, c, step = attention_lstm_step_forward(x[:, t], h, c, attn, Wx, Wh, Wattn, b)
        states.append(h)
        caches.append((attended, step))
    return np.stack(states, axis=1), (caches, A.shape)


def attention_lstm_backward(dh, cache):
    """
    Backward pass of an LSTM that attends to a feature map.

    Inputs:
    - dh: upstream gradients of all hidden states, of shape (N, T, H)
    - cache: from attention_lstm_forward

    Returns a tuple of gradients: dx, dA, dWx, dWh, dWattn, db
    """
    caches, shape = cache
    dA, dnext_h, dnext_c = np.zeros(shape), 0, 0
    dxs, totals = [], [0, 0, 0, 0]
    for t in reversed(range(dh.shape[1])):
        attended, step = caches[t]
        grads = attention_lstm_step_backward(dh[:, t] + dnext_h, dnext_c, step)
        dx, dnext_h, dnext_c, dattn, *dweights = grads
        dxs.insert(0, dx)
        totals = [total + grad for total, grad in zip(totals, dweights, strict=True)]
        through_h, through_A = attention_backward(dattn, attended)
        dnext_h = dnext_h + through_h
        dA += through_A
    dA += (dnext_h + dnext_c)[:, :, None, None] / (shape[2] * shape[3])
    return np.stack(dxs, axis=1), dA, *totals


def temporal_affine_forward(x, w, b):
    """
    The same affine layer at every step.

    Inputs:
    - x: input data, of shape (N, T, D)
    - w: weights, of shape (D, M)
    - b: biases, of shape (M,)

    Returns a tuple of:
    - out: of shape (N, T, M)
    - cache: what the backward pass needs
    """
    return x @ w + b, (x, w)


def temporal_affine_backward(dout, cache):
    """
    Backward pass of an affine layer at every step.

    Inputs:
    - dout: upstream gradient, of shape (N, T, M)
    - cache: from temporal_affine_forward

    Returns a tuple of:
    - dx: gradient of x, of shape (N, T, D)
    - dw: gradient of w, of shape (D, M)
    - db: gradient of b, of shape (M,)
    """
    x, w = cache
    return dout @ w.T, np.tensordot(x, dout, axes=([0, 1], [0, 1])), dout.sum(axis=(0, 1))


def temporal_softmax_loss(x, y, mask, verbose=False):
    """
    Cross-entropy of softmax scores at every step: summed over the steps that the mask lets through,
    averaged over the sequences.

    Inputs:
    - x: scores for the whole vocabulary, of shape (N, T, V)
    - y: the right words, of shape (N, T), with 0 <= y[i, t] < V
    - mask: booleans of shape (N, T), whether y[i, t] counts
    - verbose: whether to print the shape of the gradient

    Returns a tuple of:
    - loss: a number
    - dx: gradient of the loss with respect to x, of shape (N, T, V)
    """
    N, T, _ = x.shape
    shifted = x - x.max(axis=2, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    n, t = np.ogrid[:N, :T]
    loss = -np.sum(mask * log_probs[n, t, y]) / N
    dx = np.exp(log_probs)
    dx[n, t, y] -= 1
    dx *= mask[:, :, None] / N
    if verbose:
        print("dx:", dx.shape)
    return loss, dx
