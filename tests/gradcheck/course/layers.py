"""The layers of a fully connected and of a convolutional network, each as two functions: forward
returns the output and a cache, backward takes the upstream gradient and that cache."""

import numpy as np


def affine_forward(x, w, b):
    """
    Forward pass of a fully connected layer.

    Each example is flattened to a row of D = d_1 * ... * d_k numbers first.

    Inputs:
    - x: input data, of shape (N, d_1, ..., d_k)
    - w: weights, of shape (D, M)
    - b: biases, of shape (M,)

    Returns a tuple of:
    - out: output, of shape (N, M)
    - cache: (x, w, b)
    """
    rows = x.reshape(x.shape[0], -1)
    out = rows @ w + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    """
    Backward pass of a fully connected layer.

    Inputs:
    - dout: upstream gradient, of shape (N, M)
    - cache: (x, w, b) from the forward pass

    Returns a tuple of:
    - dx: gradient of x, of shape (N, d_1, ..., d_k)
    - dw: gradient of w, of shape (D, M)
    - db: gradient of b, of shape (M,)
    """
    x, w, _ = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def relu_forward(x):
    """
    Forward pass of rectified linear units.

    Inputs:
    - x: inputs, of any shape

    Returns a tuple of:
    - out: output, of the same shape
    - cache: x
    """
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    """
    Backward pass of rectified linear units.

    Inputs:
    - dout: upstream gradient, of any shape
    - cache: the input x, of that shape

    Returns:
    - dx: gradient of x
    """
    return np.where(cache > 0, dout, 0)


def softmax_loss(x, y):
    """
    Cross-entropy of softmax scores, and its gradient.

    Inputs:
    - x: scores, of shape (N, C); x[i, j] is the score of class j for example i
    - y: labels, of shape (N,), with 0 <= y[i] < C

    Returns a tuple of:
    - loss: a number, the mean over the examples
    - dx: gradient of the loss with respect to x
    """
    n = x.shape[0]
    shifted = x - x.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probs[np.arange(n), y].mean()
    dx = np.exp(log_probs)
    dx[np.arange(n), y] -= 1
    return loss, dx / n


def svm_loss(x, y):
    """
    Hinge loss of multi-class scores with a margin of 1, and its gradient.

    Inputs:
    - x: scores, of shape (N, C); x[i, j] is the score of class j for example i
    - y: labels, of shape (N,), with 0 <= y[i] < C

    Returns a tuple of:
    - loss: a number, the mean over the examples
    - dx: gradient of the loss with respect to x
    """
    rows = np.arange(x.shape[0])
    margins = x - x[rows, y][:, None] + 1
    margins[rows, y] = 0
    violated = margins > 0
    loss = margins[violated].sum() / len(rows)
    dx = violated.astype(x.dtype)
    dx[rows, y] = -violated.sum(axis=1)
    return loss, dx / len(rows)


def batchnorm_forward(x, gamma, beta, bn_param):
    """
    Forward pass of batch normalization.

    In training, mean and (biased) variance of the batch normalize the data and enter running
    averages; in testing, the running averages are used instead.

    Inputs:
    - x: data, of shape (N, D)
    - gamma: scale, of shape (D,)
    - beta: shift, of shape (D,)
    - bn_param: dict with the keys
      - mode: 'train' or 'test', required
      - eps: constant for numeric stability
      - momentum: weight of the old running average
      - running_mean: array of shape (D,)
      - running_var: array of shape (D,)

    Returns a tuple of:
    - out: of shape (N, D)
    - cache: what the backward pass needs
    """
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    features = x.shape[1]
    running_mean = bn_param.get("running_mean", np.zeros(features, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(features, dtype=x.dtype))

    cache = None
    if mode == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(var + eps)
        normalized = (x - mean) / std
        out = gamma * normalized + beta
        cache = (normalized, std, gamma)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    elif mode == "test":
        out = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    else:
        raise ValueError(f"invalid mode {mode!r} of batch normalization")

    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def batchnorm_backward(dout, cache):
    """
    Backward pass of batch normalization, node by node through the graph of the forward pass.

    Inputs:
    - dout: upstream gradient, of shape (N, D)
    - cache: from batchnorm_forward

    Returns a tuple of:
    - dx: gradient of x, of shape (N, D)
    - dgamma: gradient of gamma, of shape (D,)
    - dbeta: gradient of beta, of shape (D,)
    """
    normalized, std, gamma = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * normalized).sum(axis=0)

    dnormalized = dout * gamma
    centered = normalized * std
    dstd = -(dnormalized * centered).sum(axis=0) / std**2
    dvar = dstd / (2 * std)
    dcentered = dnormalized / std + dvar * 2 * centered / n
    dmean = -dcentered.sum(axis=0)
    dx = dcentered + dmean / n
    return dx, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    """
    Backward pass of batch normalization, simplified on paper to one formula.

    Inputs and outputs are those of batchnorm_backward.
    """
    normalized, std, gamma = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * normalized).sum(axis=0)
    n = dout.shape[0]
    dx = gamma / (n * std) * (n * dout - dbeta - normalized * dgamma)
    return dx, dgamma, dbeta


def layernorm_forward(x, gamma, beta, ln_param):
    """
    Forward pass of layer normalization: every row is normalized by its own statistics, in training
    and testing alike.

    Inputs:
    - x: data, of shape (N, D)
    - gamma: scale, of shape (D,)
    - beta: shift, of shape (D,)
    - ln_param: dict with the key
      - eps: constant for numeric stability

    Returns a tuple of:
    - out: of shape (N, D)
    - cache: what the backward pass needs
    """
    eps = ln_param.get("eps", 1e-5)
    std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    normalized = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * normalized + beta, (normalized, std, gamma)


def layernorm_backward(dout, cache):
    """
    Backward pass of layer normalization.

    Inputs:
    - dout: upstream gradient, of shape (N, D)
    - cache: from layernorm_forward

    Returns a tuple of:
    - dx: gradient of x, of shape (N, D)
    - dgamma: gradient of gamma, of shape (D,)
    - dbeta: gradient of beta, of shape (D,)
    """
    normalized, std, gamma = cache
    dgamma = (dout * normalized).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dnormalized = dout * gamma
    along_mean = dnormalized.mean(axis=1, keepdims=True)
    along_std = normalized * (dnormalized * normalized).mean(axis=1, keepdims=True)
    dx = (dnormalized - along_mean - along_std) / std
    return dx, dgamma, dbeta


def dropout_forward(x, dropout_param):
    """
    Forward pass of inverted dropout.

    Inputs:
    - x: input data, of any shape
    - dropout_param: dict with the keys
      - p: probability with which each neuron is kept
      - mode: 'train' or 'test'; testing leaves the input as it is
      - seed: makes the mask reproducible, as gradient checks need it

    Returns a tuple of:
    - out: of the shape of x
    - cache: (dropout_param, mask); there is no mask in testing
    """
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask, out = None, x
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    return out.astype(x.dtype, copy=False), (dropout_param, mask)


def dropout_backward(dout, cache):
    """
    Backward pass of inverted dropout.

    Inputs:
    - dout: upstream gradient, of any shape
    - cache: (dropout_param, mask) from dropout_forward

    Returns:
    - dx: gradient of x
    """
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


def conv_forward_naive(x, w, b, conv_param):
    """
    Forward pass of a convolution, with loops over everything that moves.

    N images of C channels, H rows and W columns meet F filters of HH rows and WW columns, each of
    which spans all C channels.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - w: filters, of shape (F, C, HH, WW)
    - b: biases, of shape (F,)
    - conv_param: dict with the keys
      - stride: how many pixels lie between neighbouring receptive fields
      - pad: how many zeros are put around the images, on each side

    Returns a tuple of:
    - out: of shape (N, F, H', W'), with H' = 1 + (H + 2 * pad - HH) / stride
      and W' = 1 + (W + 2 * pad - WW) / stride
    - cache: (x, w, b, conv_param)
    """
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, rows, columns))
    for n in range(N):
        for f in range(F):
            for i in range(rows):
                for j in range(columns):
                    top, left = i * stride, j * stride
                    field = padded[n, :, top : top + HH, left : left + WW]
                    out[n, f, i, j] = np.sum(field * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    """
    Backward pass of a convolution, with the same loops.

    Inputs:
    - dout: upstream gradient, of shape (N, F, H', W')
    - cache: (x, w, b, conv_param) from conv_forward_naive

    Returns a tuple of:
    - dx: gradient of x
    - dw: gradient of w
    - db: gradient of b
    """
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    _, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros_like(b)
    for n, f, i, j in np.ndindex(*dout.shape):
        rows = slice(i * stride, i * stride + HH)
        columns = slice(j * stride, j * stride + WW)
        dpadded[n, :, rows, columns] += dout[n, f, i, j] * w[f]
        dw[f] += dout[n, f, i, j] * padded[n, :, rows, columns]
        db[f] += dout[n, f, i, j]
    dx = dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
    return dx, dw, db


def max_pool_forward_naive(x, pool_param):
    """
    Forward pass of max pooling, without padding.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - pool_param: dict with the keys
      - pool_height: height of a pooling region
      - pool_width: width of a pooling region
      - stride: distance between neighbouring regions

    Returns a tuple of:
    - out: of shape (N, C, H', W'), with H' = 1 + (H - pool_height) / stride
      and W' = 1 + (W - pool_width) / stride
    - cache: (x, pool_param)
    """
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    out = np.zeros((N, C, 1 + (H - height) // stride, 1 + (W - width) // stride))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            top, left = i * stride, j * stride
            region = x[:, :, top : top + height, left : left + width]
            out[:, :, i, j] = region.max(axis=(2, 3))
    return out, (x, pool_param)


def max_pool_backward_naive(dout, cache):
    """
    Backward pass of max pooling: the gradient goes to the largest entry of its region.

    Inputs:
    - dout: upstream gradient, of shape (N, C, H', W')
    - cache: (x, pool_param) from max_pool_forward_naive

    Returns:
    - dx: gradient of x
    """
    x, pool_param = cache
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        top, left = i * stride, j * stride
        region = x[n, c, top : top + height, left : left + width]
        row, column = np.unravel_index(region.argmax(), region.shape)
        dx[n, c, top + row, left + column] += dout[n, c, i, j]
    return dx


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """
    Forward pass of spatial batch normalization: one mean and variance for each channel, over all
    examples and pixels.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - gamma: scale, of shape (C,)
    - beta: shift, of shape (C,)
    - bn_param: dict with the keys
      - mode: 'train' or 'test', required
      - eps: constant for numeric stability
      - momentum: weight of the old running average
      - running_mean: array of shape (C,)
      - running_var: array of shape (C,)

    Returns a tuple of:
    - out: of shape (N, C, H, W)
    - cache: what the backward pass needs
    """
    N, C, H, W = x.shape
    pixels = x.transpose(0, 2, 3, 1).reshape(-1, C)
    out, cache = batchnorm_forward(pixels, gamma, beta, bn_param)
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache


def spatial_batchnorm_backward(dout, cache):
    """
    Backward pass of spatial batch normalization.

    Inputs:
    - dout: upstream gradient, of shape (N, C, H, W)
    - cache: from spatial_batchnorm_forward

    Returns a tuple of:
    - dx: gradient of x, of shape (N, C, H, W)
    - dgamma: gradient of gamma, of shape (C,)
    - dbeta: gradient of beta, of shape (C,)
    """
    N, C, H, W = dout.shape
    pixels = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dx, dgamma, dbeta = batchnorm_backward_alt(pixels, cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """
    Forward pass of spatial group normalization: the channels of an example are split into G groups
    of neighbours, and each group has a mean and a variance of its own.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - gamma: scale, of shape (1, C, 1, 1)
    - beta: shift, of shape (1, C, 1, 1)
    - G: number of groups, an integer that divides C
    - gn_param: dict with the key
      - eps: constant for numeric stability

    Returns a tuple of:
    - out: of shape (N, C, H, W)
    - cache: what the backward pass needs
    """
    eps = gn_param.get("eps", 1e-5)
    groups = x.reshape(x.shape[0], G, -1)
    std = np.sqrt(groups.var(axis=2, keepdims=True) + eps)
    normalized = ((groups - groups.mean(axis=2, keepdims=True)) / std).reshape(x.shape)
    return gamma * normalized + beta, (normalized, std, gamma, G)


def spatial_groupnorm_backward(dout, cache):
    """
    Backward pass of spatial group normalization.

    Inputs:
    - dout: upstream gradient, of shape (N, C, H, W)
    - cache: from spatial_groupnorm_forward

    Returns a tuple of:
    - dx: gradient of x, of shape (N, C, H, W)
    - dgamma: gradient of gamma, of shape (1, C, 1, 1)
    - dbeta: gradient of beta, of shape (1, C, 1, 1)
    """
    normalized, std, gamma, G = cache
    dgamma = (dout * normalized).sum(axis=(0, 2, 3), keepdims=True)
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)

    shape = (dout.shape[0], G, -1)
    dgroups, groups = (dout * gamma).reshape(shape), normalized.reshape(shape)
    along_mean = dgroups.mean(axis=2, keepdims=True)
    along_std = groups * (dgroups * groups).mean(axis=2, keepdims=True)
    dx = (dgroups - along_mean - along_std) / std
    return dx.reshape(dout.shape), dgamma, dbeta
