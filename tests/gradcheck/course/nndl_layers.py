"""Layers of the course's fully connected networks: affine layer, ReLU, batch normalization,
dropout and two losses."""

import numpy as np


def affine_forward(x, w, b):
    """
    Computes the forward pass of an affine layer. The minibatch x holds N examples, of shape
    (d_1, ..., d_k) each, which become vectors of D = d_1 * ... * d_k numbers.

    Inputs:
    - x: A numpy array with the data, of shape (N, d_1, ..., d_k)
    - w: A numpy array of weights, of shape (D, M)
    - b: A numpy array of biases, of shape (M,)

    Returns a tuple of:
    - out: the output, of shape (N, M)
    - cache: (x, w, b)
    """
    x_flat = np.reshape(x, (x.shape[0], -1))
    out = np.dot(x_flat, w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    """
    Computes the backward pass of an affine layer.

    Inputs:
    - dout: Upstream derivative, of shape (N, M)
    - cache: (x, w, b)

    Returns a tuple of:
    - dx: of shape (N, d_1, ..., d_k)
    - dw: of shape (D, M)
    - db: of shape (M,)
    """
    x, w, _ = cache
    x_flat = np.reshape(x, (x.shape[0], -1))
    db = np.ones(dout.shape[0]) @ dout
    dw = np.dot(x_flat.T, dout)
    dx = np.reshape(np.dot(dout, w.T), x.shape)
    return dx, dw, db


def relu_forward(x):
    """
    Computes the forward pass of a layer of rectified linear units.

    Input:
    - x: Inputs, of any shape

    Returns a tuple of:
    - out: Output, of the same shape as x
    - cache: x
    """
    out = x * (x > 0)
    return out, x


def relu_backward(dout, cache):
    """
    Computes the backward pass of a layer of rectified linear units.

    Input:
    - dout: Upstream derivatives, of any shape
    - cache: x, of the same shape as dout

    Returns:
    - dx: Gradient with respect to x
    """
    x = cache
    dx = dout * (x > 0)
    return dx


def batchnorm_forward(x, gamma, beta, bn_param):
    """
    Forward pass of batch normalization.

    Input:
    - x: Data of shape (N, D)
    - gamma: Scale parameter of shape (D,)
    - beta: Shift parameter of shape (D,)
    - bn_param: Dictionary with the following keys:
      - mode: 'train' or 'test'; required
      - eps: Constant for numeric stability
      - momentum: Constant for running mean and variance
      - running_mean: Array of shape (D,), the running mean of features
      - running_var: Array of shape (D,), the running variance of features

    Returns a tuple of:
    - out: of shape (N, D)
    - cache: A dictionary of values needed in the backward pass
    """
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    _, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))

    out, cache = None, {}
    if mode == "train":
        mean = np.mean(x, axis=0)
        centered = x - mean
        var = np.mean(centered**2, axis=0)
        inverse = 1 / np.sqrt(var + eps)
        xhat = centered * inverse
        out = gamma * xhat + beta
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
        cache = {"xhat": xhat, "centered": centered, "inverse": inverse, "gamma": gamma}
    elif mode == "test":
        xhat = (x - running_mean) / np.sqrt(running_var + eps)
        out = gamma * xhat + beta
    else:
        raise ValueError(f"Invalid forward batchnorm mode {mode!r}")

    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def batchnorm_backward(dout, cache):
    """
    Backward pass of batch normalization.

    Inputs:
    - dout: Upstream derivatives, of shape (N, D)
    - cache: Dictionary from batchnorm_forward

    Returns a tuple of:
    - dx: Gradient with respect to x, of shape (N, D)
    - dgamma: Gradient with respect to gamma, of shape (D,)
    - dbeta: Gradient with respect to beta, of shape (D,)
    """
    centered, inverse = cache["centered"], cache["inverse"]
    N = dout.shape[0]
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * cache["xhat"], axis=0)
    dxhat = dout * cache["gamma"]
    dvar = -0.5 * inverse**3 * np.sum(dxhat * centered, axis=0)
    dmean = -inverse * np.sum(dxhat, axis=0)
    dx = dxhat * inverse + 2 / N * centered * dvar + dmean / N
    return dx, dgamma, dbeta


def dropout_forward(x, dropout_param):
    """
    Computes the forward pass of (inverted) dropout.

    Inputs:
    - x: Input data, of any shape
    - dropout_param: A dictionary with the following keys:
      - p: Dropout parameter. Each neuron output is dropped with probability p.
      - mode: 'test' or 'train'. If the mode is train, dropout is done; if it is test, the input is
        returned as it is.
      - seed: Seed for the random number generator, so that the function is deterministic, as
        gradient checking needs it.

    Outputs:
    - out: Array of the same shape as x
    - cache: A tuple (dropout_param, mask)
    """
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])

    mask, out = None, None
    if mode == "train":
        keep = 1 - p
        mask = (np.random.random_sample(x.shape) < keep) / keep
        out = x * mask
    elif mode == "test":
        out = x
    cache = (dropout_param, mask)
    return out, cache


def dropout_backward(dout, cache):
    """
    Computes the backward pass of (inverted) dropout.

    Inputs:
    - dout: Upstream derivatives, of any shape
    - cache: (dropout_param, mask) from dropout_forward
    """
    dropout_param, mask = cache
    dx = None
    if dropout_param["mode"] == "train":
        dx = dout * mask
    elif dropout_param["mode"] == "test":
        dx = dout
    return dx


def svm_loss(x, y):
    """
    Computes the loss and gradient of a multiclass SVM.

    Inputs:
    - x: Input data, of shape (N, C), where x[i, j] is the score of the jth class for the ith input
    - y: Vector of labels, of shape (N,), where y[i] is the label of x[i] and 0 <= y[i] < C

    Returns a tuple of:
    - loss: Scalar, the loss
    - dx: Gradient of the loss with respect to x
    """
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= np.sum(margins > 0, axis=1)
    dx /= N
    return loss, dx


def softmax_loss(x, y):
    """
    Computes the loss and gradient of softmax classification.

    Inputs:
    - x: Input data, of shape (N, C), where x[i, j] is the score of the jth class for the ith input
    - y: Vector of labels, of shape (N,), where y[i] is the label of x[i] and 0 <= y[i] < C

    Returns a tuple of:
    - loss: Scalar, the loss
    - dx: Gradient of the loss with respect to x
    """
    N = x.shape[0]
    scores = x - np.max(x, axis=1, keepdims=True)
    totals = np.sum(np.exp(scores), axis=1)
    loss = np.mean(np.log(totals) - scores[np.arange(N), y])
    probs = np.exp(scores) / totals[:, np.newaxis]
    dx = probs / N
    dx[np.arange(N), y] -= 1 / N
    return loss, dx
