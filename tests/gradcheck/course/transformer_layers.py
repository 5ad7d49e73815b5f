"""The parts of a transformer, with their backward passes by hand. Sequences have N examples of
S or T steps with D (or E) features, masks are 1 where attention is allowed."""

import math

import numpy as np


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def linear_forward(x, w, b):
    """
    An affine layer on the last axis.

    Inputs:
    - x: sequences, of shape (N, T, D)
    - w: weights, of shape (D, M)
    - b: biases, of shape (M,)

    Returns a tuple of:
    - out: of shape (N, T, M)
    - cache: (x, w)
    """
    return x @ w + b, (x, w)


def linear_backward(dout, cache):
    """
    Backward pass of an affine layer on the last axis. Returns dx, dw, db.
    """
    x, w = cache
    dw = np.einsum("ntd,ntm->dm", x, dout)
    return dout @ w.T, dw, dout.sum(axis=(0, 1))


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """
    Layer normalization over the last axis.

    Inputs:
    - x: sequences, of shape (N, T, D)
    - gamma: scale, of shape (D,)
    - beta: shift, of shape (D,)
    - eps: constant for numeric stability

    Returns a tuple of:
    - out: of shape (N, T, D)
    - cache: what the backward pass needs
    """
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    normalized = (x - x.mean(axis=-1, keepdims=True)) / std
    return gamma * normalized + beta, (normalized, std, gamma)


def layernorm_backward(dout, cache):
    """
    Backward pass of layer normalization. Returns dx, dgamma, dbeta.
    """
    normalized, std, gamma = cache
    dgamma = np.sum(dout * normalized, axis=(0, 1))
    dbeta = np.sum(dout, axis=(0, 1))
    dnormalized = dout * gamma
    dx = dnormalized - dnormalized.mean(axis=-1, keepdims=True)
    dx = dx - normalized * np.mean(dnormalized * normalized, axis=-1, keepdims=True)
    return dx / std, dgamma, dbeta


def gelu_forward(x):
    """
    Gaussian error linear units: x times the probability that a standard normal variable is below x.

    Inputs:
    - x: of any shape

    Returns a tuple of:
    - out: of the same shape
    - cache: (x, the probability)
    """
    erf = np.vectorize(math.erf, otypes=[float])
    below = (1 + erf(x / np.sqrt(2))) / 2
    return x * below, (x, below)


def gelu_backward(dout, cache):
    """
    Backward pass of Gaussian error linear units. Returns dx.
    """
    x, below = cache
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return dout * (below + x * density)


def positional_encoding_forward(x):
    """
    Add sines and cosines of the position, a pair for each two features.

    Inputs:
    - x: sequences, of shape (N, T, D)

    Returns a tuple of:
    - out: of shape (N, T, D)
    - cache: nothing, as the encoding does not depend on x
    """
    _, T, D = x.shape
    feature = np.arange(D)
    angles = np.arange(T)[:, None] * 10000.0 ** (-2 * (feature // 2) / D)
    return x + np.where(feature % 2, np.cos(angles), np.sin(angles)), None


def positional_encoding_backward(dout, cache):
    """
    Backward pass of the positional encoding. Returns dx.
    """
    return dout


def scaled_dot_product_attention_forward(q, k, v, mask=None):
    """
    Every query gets a mean of the values, weighted by how well the keys fit it.

    Inputs:
    - q: queries, of shape (N, S, E)
    - k: keys, of shape (N, T, E)
    - v: values, of shape (N, T, E)
    - mask: of shape (S, T); where it is 0, the query may not see the key

    Returns a tuple of:
    - out: of shape (N, S, E)
    - cache: what the backward pass needs
    """
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, (q, k, v, weights)


def scaled_dot_product_attention_backward(dout, cache):
    """
    Backward pass of attention. Where the mask is 0 the weights are 0, and so are gradients.
    Returns dq, dk, dv.
    """
    q, k, v, weights = cache
    dv = np.swapaxes(weights, -1, -2) @ dout
    dweights = dout @ np.swapaxes(v, -1, -2)
    dscores = weights * (dweights - np.sum(dweights * weights, axis=-1, keepdims=True))
    dscores = dscores / np.sqrt(q.shape[-1])
    return dscores @ k, np.swapaxes(dscores, -1, -2) @ q, dv


def split_heads(x, num_heads):
    """(N, T, D) to (N, num_heads, T, D / num_heads); each head has neighbouring features."""
    N, T, D = x.shape
    return x.reshape(N, T, num_heads, D // num_heads).transpose(0, 2, 1, 3)


def join_heads(x):
    """What split_heads does, undone."""
    N, heads, T, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(N, T, heads * size)


def multi_head_attention_forward(
    query, key, value, Wq, bq, Wk, bk, Wv, bv, Wo, bo, num_heads=2, mask=None
):
    """
    Attention in several heads at once, between affine layers.

    Inputs:
    - query: of shape (N, S, D), where num_heads divides D
    - key: of shape (N, T, D)
    - value: of shape (N, T, D)
    - Wq, Wk, Wv, Wo: weights for query, key, value and output, of shape (D, D)
    - bq, bk, bv, bo: biases, of shape (D,)
    - num_heads: number of heads
    - mask: of shape (S, T); where it is 0, the query may not see the key

    Returns a tuple of:
    - out: of shape (N, S, D)
    - cache: what the backward pass needs
    """
    q, q_cache = linear_forward(query, Wq, bq)
    k, k_cache = linear_forward(key, Wk, bk)
    v, v_cache = linear_forward(value, Wv, bv)
    heads = [split_heads(each, num_heads) for each in (q, k, v)]
    attended, attention_cache = scaled_dot_product_attention_forward(*heads, mask)
    out, out_cache = linear_forward(join_heads(attended), Wo, bo)
    return out, (q_cache, k_cache, v_cache, attention_cache, out_cache, num_heads)


def multi_head_attention_backward(dout, cache):
    """
    Backward pass of attention in several heads.

    Inputs:
    - dout: upstream gradient, of shape (N, S, D)
    - cache: from multi_head_attention_forward

    Returns a tuple of gradients:
    dquery, dkey, dvalue, dWq, dbq, dWk, dbk, dWv, dbv, dWo, dbo
    """
    q_cache, k_cache, v_cache, attention_cache, out_cache, num_heads = cache
    djoined, dWo, dbo = linear_backward(dout, out_cache)
    dattended = split_heads(djoined, num_heads)
    dq, dk, dv = scaled_dot_product_attention_backward(dattended, attention_cache)
    dquery, dWq, dbq = linear_backward(join_heads(dq), q_cache)
    dkey, dWk, dbk = linear_backward(join_heads(dk), k_cache)
    dvalue, dWv, dbv = linear_backward(join_heads(dv), v_cache)
    return dquery, dkey, dvalue, dWq, dbq, dWk, dbk, dWv, dbv, dWo, dbo


def feed_forward_forward(x, W1, b1, W2, b2):
    """
    Two affine layers with a ReLU between them, at every step.

    Inputs:
    - x: sequences, of shape (N, T, D)
    - W1: weights, of shape (D, F)
    - b1: biases, of shape (F,)
    - W2: weights, of shape (F, D)
    - b2: biases, of shape (D,)

    Returns a tuple of:
    - out: of shape (N, T, D)
    - cache: what the backward pass needs
    """
    hidden, first = linear_forward(x, W1, b1)
    out, second = linear_forward(np.maximum(hidden, 0), W2, b2)
    return out, (first, hidden, second)


def feed_forward_backward(dout, cache):
    """
    Backward pass of the two affine layers. Returns dx, dW1, db1, dW2, db2.
    """
    first, hidden, second = cache
    dactive, dW2, db2 = linear_backward(dout, second)
    dx, dW1, db1 = linear_backward(dactive * (hidden > 0), first)
    return dx, dW1, db1, dW2, db2


def encoder_layer_forward(
    src, W_attn, b_attn, gamma1, beta1, W1, b1, W2, b2, gamma2, beta2, num_heads=2, mask=None
):
    """
    A layer of a transformer's encoder: self-attention, then two affine layers; each is added to
    its own input and normalized.

    Inputs:
    - src: sequences, of shape (N, S, D), where num_heads divides D
    - W_attn: weights for query, key, value and output, of shape (4, D, D)
    - b_attn: biases for the same, of shape (4, D)
    - gamma1, beta1: scale and shift after the attention, of shape (D,)
    - W1: weights of the first affine layer, of shape (D, F)
    - b1: its biases, of shape (F,)
    - W2: weights of the second affine layer, of shape (F, D)
    - b2: its biases, of shape (D,)
    - gamma2, beta2: scale and shift at the end, of shape (D,)
    - num_heads: number of heads
    - mask: of shape (S, S)

    Returns a tuple of:
    - out: of shape (N, S, D)
    - cache: what the backward pass needs
    """
    projections = [each for pair in zip(W_attn, b_attn, strict=True) for each in pair]
    attended, attention_cache = multi_head_attention_forward(
        src, src, src, *projections, num_heads, mask
    )
    x, norm1_cache = layernorm_forward(src + attended, gamma1, beta1)
    fed, feed_cache = feed_forward_forward(x, W1, b1, W2, b2)
    out, norm2_cache = layernorm_forward(x + fed, gamma2, beta2)
    return out, (attention_cache, norm1_cache, feed_cache, norm2_cache)


def encoder_layer_backward(dout, cache):
    """
    Backward pass of a layer of a transformer's encoder.

    Inputs:
    - dout: upstream gradient, of shape (N, S, D)
    - cache: from encoder_layer_forward

    Returns a tuple of gradients:
    dsrc, dW_attn, db_attn, dgamma1, dbeta1, dW1, db1, dW2, db2, dgamma2, dbeta2
    """
    attention_cache, norm1_cache, feed_cache, norm2_cache = cache
    dsum2, dgamma2, dbeta2 = layernorm_backward(dout, norm2_cache)
    dx, dW1, db1, dW2, db2 = feed_forward_backward(dsum2, feed_cache)
    dsum1, dgamma1, dbeta1 = layernorm_backward(dx + dsum2, norm1_cache)
    dquery, dkey, dvalue, *dprojections = multi_head_attention_backward(dsum1, attention_cache)
    dsrc = dsum1 + dquery + dkey + dvalue
    dW_attn, db_attn = np.stack(dprojections[0::2]), np.stack(dprojections[1::2])
    return dsrc, dW_attn, db_attn, dgamma1, dbeta1, dW1, db1, dW2, db2, dgamma2, dbeta2


def decoder_layer_forward(
    tgt,
    memory,
    W_self,
    b_self,
    gamma1,
    beta1,
    W_cross,
    b_cross,
    gamma2,
    beta2,
    W1,
    b1,
    W2,
    b2,
    gamma3,
    beta3,
    num_heads=2,
    tgt_mask=None,
):
    """
    A layer of a transformer's decoder: self-attention, attention to the memory, two affine layers;
    each is added to its own input and normalized.

    Inputs:
    - tgt: target sequences, of shape (N, T, D), where num_heads divides D
    - memory: what the encoder has returned, of shape (N, S, D)
    - W_self, W_cross: weights for query, key, value and output, of shape (4, D, D)
    - b_self, b_cross: biases for the same, of shape (4, D)
    - gamma1, beta1, gamma2, beta2, gamma3, beta3: scales and shifts, of shape (D,)
    - W1: weights of the first affine layer, of shape (D, F)
    - b1: its biases, of shape (F,)
    - W2: weights of the second affine layer, of shape (F, D)
    - b2: its biases, of shape (D,)
    - num_heads: number of heads
    - tgt_mask: of shape (T, T)

    Returns a tuple of:
    - out: of shape (N, T, D)
    - cache: what the backward pass needs
    """
    own = [each for pair in zip(W_self, b_self, strict=True) for each in pair]
    cross = [each for pair in zip(W_cross, b_cross, strict=True) for each in pair]
    caches = []

    def keep(out_and_cache):
        caches.append(out_and_cache[1])
        return out_and_cache[0]

    attended = keep(multi_head_attention_forward(tgt, tgt, tgt, *own, num_heads, tgt_mask))
    x = keep(layernorm_forward(tgt + attended, gamma1, beta1))
    attended = keep(multi_head_attention_forward(x, memory, memory, *cross, num_heads))
    x = keep(layernorm_forward(x + attended, gamma2, beta2))
    fed = keep(feed_forward_forward(x, W1, b1, W2, b2))
    return keep(layernorm_forward(x + fed, gamma3, beta3)), caches


def decoder_layer_backward(dout, cache):
    """
    Backward pass of a layer of a transformer's decoder.

    Inputs:
    - dout: upstream gradient, of shape (N, T, D)
    - cache: from decoder_layer_forward

    Returns a tuple of the gradients of the forward pass's arrays, in their order.
    """
    own_cache, norm1_cache, cross_cache, norm2_cache, feed_cache, norm3_cache = cache
    dsum3, *dnorm3 = layernorm_backward(dout, norm3_cache)
    dx, *dfeed = feed_forward_backward(dsum3, feed_cache)
    dsum2, *dnorm2 = layernorm_backward(dx + dsum3, norm2_cache)
    dx, dkey, dvalue, *dcross = multi_head_attention_backward(dsum2, cross_cache)
    dmemory = dkey + dvalue
    dsum1, *dnorm1 = layernorm_backward(dx + dsum2, norm1_cache)
    dquery, dkey, dvalue, *down = multi_head_attention_backward(dsum1, own_cache)
    dtgt = dsum1 + dquery + dkey + dvalue
    own = np.stack(down[0::2]), np.stack(down[1::2])
    cross = np.stack(dcross[0::2]), np.stack(dcross[1::2])
    return dtgt, dmemory, *own, *dnorm1, *cross, *dnorm2, *dfeed, *dnorm3


def patch_embedding_forward(x, w, b, patch_size=2):
    """
    Cut images into square patches, and give each patch a vector.

    Inputs:
    - x: images, of shape (N, C, H, W), where patch_size divides H and W
    - w: weights, of shape (C * patch_size * patch_size, E)
    - b: biases, of shape (E,)
    - patch_size: side of a patch

    Returns a tuple of:
    - out: of shape (N, H / patch_size * W / patch_size, E), the patches row by row
    - cache: what the backward pass needs
    """
    N, C, H, W = x.shape
    p = patch_size
    tiles = x.reshape(N, C, H // p, p, W // p, p).transpose(0, 2, 4, 1, 3, 5)
    out, cache = linear_forward(tiles.reshape(N, -1, C * p * p), w, b)
    return out, (cache, x.shape, p)


def patch_embedding_backward(dout, cache):
    """
    Backward pass of the patches' vectors. Returns dx, dw, db.
    """
    cache, (N, C, H, W), p = cache
    dpatches, dw, db = linear_backward(dout, cache)
    dtiles = dpatches.reshape(N, H // p, W // p, C, p, p)
    return dtiles.transpose(0, 3, 1, 4, 2, 5).reshape(N, C, H, W), dw, db
