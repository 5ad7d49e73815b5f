"""A deep network whose examples are the columns of its arrays: data has shape (features, m) for m
examples. The gradients of W and b are averaged over the examples where they are computed, and those
of A and Z are not."""

import numpy as np


def sigmoid(Z):
    """
    The logistic function.

    Arguments:
    Z -- numpy array of any shape

    Returns:
    A -- of the same shape
    cache -- Z, for the backward pass
    """
    A = 1 / (1 + np.exp(-Z))
    return A, Z


def relu(Z):
    """
    Rectified linear units.

    Arguments:
    Z -- numpy array of any shape

    Returns:
    A -- of the same shape
    cache -- Z, for the backward pass
    """
    A = np.maximum(0, Z)
    return A, Z


def sigmoid_backward(dA, cache):
    """
    Backward pass of the logistic function.

    Arguments:
    dA -- gradient of A, of any shape
    cache -- Z

    Returns:
    dZ -- gradient of Z
    """
    A, _ = sigmoid(cache)
    return dA * A * (1 - A)


def relu_backward(dA, cache):
    """
    Backward pass of rectified linear units.

    Arguments:
    dA -- gradient of A, of any shape
    cache -- Z

    Returns:
    dZ -- gradient of Z
    """
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ


def linear_forward(A, W, b):
    """
    The linear part of a layer.

    Arguments:
    A -- activations of the previous layer, of shape (size of previous layer, number of examples)
    W -- weights, of shape (size of current layer, size of previous layer)
    b -- biases, of shape (size of current layer, 1)

    Returns:
    Z -- of shape (size of current layer, number of examples)
    cache -- (A, W, b)
    """
    return np.dot(W, A) + b, (A, W, b)


def linear_backward(dZ, cache):
    """
    Backward pass of the linear part of a layer.

    Arguments:
    dZ -- gradient of Z, of shape (size of current layer, number of examples)
    cache -- (A_prev, W, b)

    Returns:
    dA_prev -- gradient of A_prev
    dW -- gradient of W, mean over the examples
    db -- gradient of b, mean over the examples
    """
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


def linear_activation_forward(A_prev, W, b, activation):
    """
    A layer: the linear part, then an activation.

    Arguments:
    A_prev -- activations of the previous layer, of shape (size of previous layer, number of
              examples)
    W -- weights, of shape (size of current layer, size of previous layer)
    b -- biases, of shape (size of current layer, 1)
    activation -- "sigmoid" or "relu"

    Returns:
    A -- activations, of shape (size of current layer, number of examples)
    cache -- (linear_cache, activation_cache)
    """
    Z, linear_cache = linear_forward(A_prev, W, b)
    if activation == "sigmoid":
        A, activation_cache = sigmoid(Z)
    elif activation == "relu":
        A, activation_cache = relu(Z)
    return A, (linear_cache, activation_cache)


def linear_activation_backward(dA, cache, activation):
    """
    Backward pass of a layer.

    Arguments:
    dA -- gradient of A
    cache -- (linear_cache, activation_cache)
    activation -- "sigmoid" or "relu"

    Returns:
    dA_prev -- gradient of A_prev
    dW -- gradient of W, mean over the examples
    db -- gradient of b, mean over the examples
    """
    linear_cache, activation_cache = cache
    if activation == "relu":
        dZ = relu_backward(dA, activation_cache)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, activation_cache)
    return linear_backward(dZ, linear_cache)


def L_model_forward(X, parameters):
    """
    All layers: linear - relu for all but the last, then linear - sigmoid.

    Arguments:
    X -- data, of shape (input size, number of examples)
    parameters -- dict with W1, b1, ..., WL, bL

    Returns:
    AL -- activations of the last layer
    caches -- list of the layers' caches
    """
    caches, A = [], X
    L = len(parameters) // 2
    for layer in range(1, L + 1):
        W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
        A, cache = linear_activation_forward(A, W, b, "sigmoid" if layer == L else "relu")
        caches.append(cache)
    return A, caches


def compute_cost(AL, Y):
    """
    Cross-entropy, mean over the examples.

    Arguments:
    AL -- probabilities, of shape (1, number of examples)
    Y -- labels 0 or 1, of shape (1, number of examples)

    Returns:
    cost -- a number
    """
    m = Y.shape[1]
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m


def L_model_backward(AL, Y, caches):
    """
    Backward pass of all layers.

    Arguments:
    AL -- probabilities, the output of L_model_forward
    Y -- labels 0 or 1, of shape (1, number of examples)
    caches -- list of the layers' caches

    Returns:
    grads -- dict with the gradients dW1, db1, ..., dWL, dbL of the cost
    """
    grads, L = {}, len(caches)
    dA = (AL - Y) / (AL * (1 - AL))
    for layer in reversed(range(1, L + 1)):
        activation = "sigmoid" if layer == L else "relu"
        dA, dW, db = linear_activation_backward(dA, caches[layer - 1], activation)
        grads[f"dW{layer}"], grads[f"db{layer}"] = dW, db
    return grads
