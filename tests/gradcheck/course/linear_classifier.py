"""Losses of linear classifiers, with loops and without, and their gradients."""

import numpy as np


def svm_loss_naive(W, X, y, reg):
    """
    Hinge loss of a linear classifier, with loops.

    Inputs:
    - W: weights, of shape (D, C)
    - X: a batch of data, of shape (N, D)
    - y: labels, of shape (N,); y[i] = c means that X[i] is of class c, with 0 <= c < C
    - reg: strength of the penalty, a float

    Returns a tuple of:
    - loss: a number
    - dW: gradient of the loss with respect to W, of the same shape
    """
    loss, dW = 0.0, np.zeros_like(W)
    for features, label in zip(X, y, strict=True):
        scores = features @ W
        for j in range(W.shape[1]):
            margin = scores[j] - scores[label] + 1
            if j != label and margin > 0:
                loss += margin
                dW[:, j] += features
                dW[:, label] -= features
    n = len(X)
    return loss / n + reg * np.sum(W * W), dW / n + 2 * reg * W


def svm_loss_vectorized(W, X, y, reg):
    """
    Hinge loss of a linear classifier, without a loop. Inputs and outputs are those of
    svm_loss_naive.
    """
    rows = np.arange(len(X))
    scores = X @ W
    margins = np.maximum(0, scores - scores[rows, y, None] + 1)
    margins[rows, y] = 0
    loss = margins.sum() / len(X) + reg * np.sum(W * W)

    dscores = (margins > 0).astype(W.dtype)
    dscores[rows, y] = -dscores.sum(axis=1)
    return loss, X.T @ dscores / len(X) + 2 * reg * W


def softmax_loss_naive(W, X, y, reg):
    """
    Cross-entropy of a linear softmax classifier, with loops.

    Inputs:
    - W: weights, of shape (D, C)
    - X: a batch of data, of shape (N, D)
    - y: labels, of shape (N,); y[i] = c means that X[i] is of class c, with 0 <= c < C
    - reg: strength of the penalty, a float

    Returns a tuple of:
    - loss: a number
    - dW: gradient of the loss with respect to W, of the same shape
    """
    loss, dW = 0.0, np.zeros_like(W)
    for i in range(X.shape[0]):
        scores = X[i] @ W
        scores = scores - scores.max()
        total = np.exp(scores).sum()
        loss += np.log(total) - scores[y[i]]
        for j in range(W.shape[1]):
            p = np.exp(scores[j]) / total
            dW[:, j] += (p - (j == y[i])) * X[i]
    loss = loss / X.shape[0] + reg * np.sum(W * W)
    dW = dW / X.shape[0] + 2 * reg * W
    return loss, dW


def softmax_loss_vectorized(W, X, y, reg):
    """
    Cross-entropy of a linear softmax classifier, without a loop. Inputs and outputs are those of
    softmax_loss_naive.
    """
    n = X.shape[0]
    scores = X @ W
    scores -= scores.max(axis=1, keepdims=True)
    log_probs = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    loss = -np.mean(log_probs[np.arange(n), y]) + reg * np.sum(W**2)

    dscores = np.exp(log_probs)
    dscores[np.arange(n), y] -= 1
    dW = X.T @ dscores / n + 2 * reg * W
    return loss, dW
