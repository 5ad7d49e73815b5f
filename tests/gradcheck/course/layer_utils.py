"""Layers that are often used together, as one pair of functions each."""

from .fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)
from .layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    relu_backward,
    relu_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)


def affine_relu_forward(x, w, b):
    """
    An affine layer, then a ReLU.

    Inputs:
    - x: input of the affine layer, of shape (N, D)
    - w: weights, of shape (D, M)
    - b: biases, of shape (M,)

    Returns a tuple of:
    - out: output of the ReLU
    - cache: for the backward pass
    """
    scores, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(scores)
    return out, (fc_cache, relu_cache)


def affine_relu_backward(dout, cache):
    """
    Backward pass of affine - ReLU. Returns dx, dw, db.
    """
    fc_cache, relu_cache = cache
    return affine_backward(relu_backward(dout, relu_cache), fc_cache)


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    """
    An affine layer, then batch normalization, then a ReLU.

    Inputs:
    - x: input of the affine layer, of shape (N, D)
    - w: weights, of shape (D, M)
    - b: biases, of shape (M,)
    - gamma, beta: scale and shift of the batch normalization, of shape (M,)
    - bn_param: dict of batch normalization, with the key mode

    Returns a tuple of:
    - out: output of the ReLU
    - cache: for the backward pass
    """
    scores, fc_cache = affine_forward(x, w, b)
    normalized, bn_cache = batchnorm_forward(scores, gamma, beta, bn_param)
    out, relu_cache = relu_forward(normalized)
    return out, (fc_cache, bn_cache, relu_cache)


def affine_bn_relu_backward(dout, cache):
    """
    Backward pass of affine - batch normalization - ReLU. Returns dx, dw, db, dgamma, dbeta.
    """
    fc_cache, bn_cache, relu_cache = cache
    dnormalized = relu_backward(dout, relu_cache)
    dscores, dgamma, dbeta = batchnorm_backward(dnormalized, bn_cache)
    dx, dw, db = affine_backward(dscores, fc_cache)
    return dx, dw, db, dgamma, dbeta


def conv_relu_forward(x, w, b, conv_param):
    """
    A convolution, then a ReLU.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - w: filters, of shape (F, C, HH, WW)
    - b: biases, of shape (F,)
    - conv_param: dict with the keys stride and pad

    Returns a tuple of:
    - out: output of the ReLU
    - cache: for the backward pass
    """
    scores, conv_cache = conv_forward_fast(x, w, b, conv_param)
    out, relu_cache = relu_forward(scores)
    return out, (conv_cache, relu_cache)


def conv_relu_backward(dout, cache):
    """
    Backward pass of convolution - ReLU. Returns dx, dw, db.
    """
    conv_cache, relu_cache = cache
    return conv_backward_fast(relu_backward(dout, relu_cache), conv_cache)


def conv_bn_relu_forward(x, w, b, gamma, beta, conv_param, bn_param):
    """
    A convolution, then spatial batch normalization, then a ReLU.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - w: filters, of shape (F, C, HH, WW)
    - b: biases, of shape (F,)
    - gamma, beta: scale and shift of the batch normalization, of shape (F,)
    - conv_param: dict with the keys stride and pad
    - bn_param: dict of batch normalization, with the key mode

    Returns a tuple of:
    - out: output of the ReLU
    - cache: for the backward pass
    """
    scores, conv_cache = conv_forward_fast(x, w, b, conv_param)
    normalized, bn_cache = spatial_batchnorm_forward(scores, gamma, beta, bn_param)
    out, relu_cache = relu_forward(normalized)
    return out, (conv_cache, bn_cache, relu_cache)


def conv_bn_relu_backward(dout, cache):
    """
    Backward pass of convolution - spatial batch normalization - ReLU.
    Returns dx, dw, db, dgamma, dbeta.
    """
    conv_cache, bn_cache, relu_cache = cache
    dnormalized = relu_backward(dout, relu_cache)
    dscores, dgamma, dbeta = spatial_batchnorm_backward(dnormalized, bn_cache)
    dx, dw, db = conv_backward_fast(dscores, conv_cache)
    return dx, dw, db, dgamma, dbeta


def conv_relu_pool_forward(x, w, b, conv_param, pool_param):
    """
    A convolution, then a ReLU, then max pooling.

    Inputs:
    - x: images, of shape (N, C, H, W)
    - w: filters, of shape (F, C, HH, WW)
    - b: biases, of shape (F,)
    - conv_param: dict with the keys stride and pad
    - pool_param: dict with the keys pool_height, pool_width and stride

    Returns a tuple of:
    - out: output of the pooling layer
    - cache: for the backward pass
    """
    scores, conv_cache = conv_forward_fast(x, w, b, conv_param)
    activations, relu_cache = relu_forward(scores)
    out, pool_cache = max_pool_forward_fast(activations, pool_param)
    return out, (conv_cache, relu_cache, pool_cache)


def conv_relu_pool_backward(dout, cache):
    """
    Backward pass of convolution - ReLU - max pooling. Returns dx, dw, db.
    """
    conv_cache, relu_cache, pool_cache = cache
    dactivations = max_pool_backward_fast(dout, pool_cache)
    return conv_backward_fast(relu_backward(dactivations, relu_cache), conv_cache)
