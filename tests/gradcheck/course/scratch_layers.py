"""Layers, activations and losses in the styles of small frameworks, which people write for
themselves to learn how networks work."""

import copy

import numpy as np


def sigmoid(x, derivative=False):
    """The logistic function, or its slope."""
    s = 1 / (1 + np.exp(-x))
    return s * (1 - s) if derivative else s


def tanh(x, derivative=False):
    """The hyperbolic tangent, or its slope."""
    t = np.tanh(x)
    return 1 - t**2 if derivative else t


def relu(x):
    return np.maximum(x, 0)


def relu_prime(x):
    return (x > 0).astype(x.dtype)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_prime(x):
    return 0.5 * (1 + np.tanh(x / 2))


def swish(x):
    return x * softplus_prime(x)


def dswish(x):
    s = softplus_prime(x)
    return s + x * s * (1 - s)


def mse(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 2)


def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / y_true.size


def binary_cross_entropy(y_true, y_pred):
    return np.mean(-y_true * np.log(y_pred) - (1 - y_true) * np.log(1 - y_pred))


def binary_cross_entropy_prime(y_true, y_pred):
    return (y_pred - y_true) / (y_pred * (1 - y_pred)) / y_true.size


class Sigmoid:
    """Activations of this kind are called, and have their slope as gradient."""

    def __call__(self, x):
        return softplus_prime(x)

    def gradient(self, x):
        p = self(x)
        return p * (1 - p)


class TanH:
    def __call__(self, x):
        return np.tanh(x)

    def gradient(self, x):
        return 1 - self(x) ** 2


class ReLU:
    def __call__(self, x):
        return np.where(x >= 0, x, 0)

    def gradient(self, x):
        return np.where(x >= 0, 1, 0)


class LeakyReLU:
    def __init__(self, alpha=0.2):
        self.alpha = alpha

    def __call__(self, x):
        return np.where(x >= 0, x, self.alpha * x)

    def gradient(self, x):
        return np.where(x >= 0, 1, self.alpha)


class ELU:
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def __call__(self, x):
        return np.where(x >= 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def gradient(self, x):
        return np.where(x >= 0, 1, self.alpha * np.exp(np.minimum(x, 0)))


class SquareLoss:
    """Losses of this kind return one number for each entry, and the slope for each entry."""

    def loss(self, y, y_pred):
        return 0.5 * (y - y_pred) ** 2

    def gradient(self, y, y_pred):
        return y_pred - y


class CrossEntropy:
    def loss(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)

    def gradient(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return (1 - y) / (1 - p) - y / p


class StochasticGradientDescent:
    """The optimizer that layers get in hand."""

    def __init__(self, learning_rate=0.01, momentum=0.0):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.w_updt = None

    def update(self, w, grad_wrt_w):
        if self.w_updt is None:
            self.w_updt = np.zeros(np.shape(w))
        self.w_updt = self.momentum * self.w_updt + (1 - self.momentum) * grad_wrt_w
        return w - self.learning_rate * self.w_updt


class Dense:
    """A layer whose backward pass asks the optimizer for new weights."""

    def __init__(self, n_units, input_shape):
        self.n_units = n_units
        self.input_shape = input_shape
        self.trainable = True
        self.layer_input = None
        self.W = None
        self.w0 = None

    def initialize(self, optimizer):
        limit = 1 / np.sqrt(self.input_shape[0])
        self.W = np.random.uniform(-limit, limit, (self.input_shape[0], self.n_units))
        self.w0 = np.zeros((1, self.n_units))
        self.W_opt = copy.copy(optimizer)
        self.w0_opt = copy.copy(optimizer)

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        W = self.W  # as it was in the forward pass
        if self.trainable:
            grad_w = self.layer_input.T.dot(accum_grad)
            grad_w0 = np.sum(accum_grad, axis=0, keepdims=True)
            self.W = self.W_opt.update(self.W, grad_w)
            self.w0 = self.w0_opt.update(self.w0, grad_w0)
        return accum_grad.dot(W.T)


class Activation:
    """A layer that applies an activation with a gradient."""

    def __init__(self, activation_func):
        self.activation_func = activation_func
        self.layer_input = None

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return self.activation_func(X)

    def backward_pass(self, accum_grad):
        return accum_grad * self.activation_func.gradient(self.layer_input)


class Dropout:
    def __init__(self, p=0.2):
        self.p = p
        self._mask = None

    def forward_pass(self, X, training=True):
        c = 1 - self.p
        if training:
            self._mask = np.random.uniform(size=X.shape) > self.p
            c = self._mask
        return X * c

    def backward_pass(self, accum_grad):
        return accum_grad * self._mask


class BatchNormalization:
    def __init__(self, momentum=0.99):
        self.momentum = momentum
        self.trainable = True
        self.eps = 0.01
        self.running_mean = None
        self.running_var = None

    def initialize(self, optimizer, input_shape):
        self.gamma = np.ones(input_shape)
        self.beta = np.zeros(input_shape)
        self.gamma_opt = copy.copy(optimizer)
        self.beta_opt = copy.copy(optimizer)

    def forward_pass(self, X, training=True):
        if self.running_mean is None:
            self.running_mean = np.mean(X, axis=0)
            self.running_var = np.var(X, axis=0)
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var = np.mean(X, axis=0), np.var(X, axis=0)
            old = self.momentum
            self.running_mean = old * self.running_mean + (1 - old) * mean
            self.running_var = old * self.running_var + (1 - old) * var
        self.X_centered = X - mean
        self.stddev_inv = 1 / np.sqrt(var + self.eps)
        return self.gamma * self.X_centered * self.stddev_inv + self.beta

    def backward_pass(self, accum_grad):
        gamma = self.gamma
        X_norm = self.X_centered * self.stddev_inv
        if self.trainable:
            self.gamma = self.gamma_opt.update(self.gamma, np.sum(accum_grad * X_norm, axis=0))
            self.beta = self.beta_opt.update(self.beta, np.sum(accum_grad, axis=0))
        centered = accum_grad - accum_grad.mean(axis=0)
        return gamma * self.stddev_inv * (centered - X_norm * np.mean(accum_grad * X_norm, axis=0))


class DenseLayer:
    """A layer that steps down the slope by itself, with the learning rate that backward gets."""

    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size)
        self.bias = np.random.randn(output_size, 1)

    def forward(self, input_data):
        self.input = input_data
        return np.dot(self.weights, self.input) + self.bias

    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * output_gradient.sum(axis=1, keepdims=True)
        return input_gradient


class ActivationLayer:
    """A layer made of a function and its derivative."""

    def __init__(self, activation, activation_prime):
        self.activation = activation
        self.activation_prime = activation_prime

    def forward(self, input_data):
        self.input = input_data
        return self.activation(self.input)

    def backward(self, output_gradient, learning_rate):
        return np.multiply(output_gradient, self.activation_prime(self.input))


class Tanh(ActivationLayer):
    def __init__(self):
        super().__init__(np.tanh, lambda x: 1 - np.tanh(x) ** 2)


class Softmax:
    """Softmax of a single column, whose Jacobian is written out."""

    def forward(self, input_data):
        e = np.exp(input_data - input_data.max())
        self.output = e / e.sum()
        return self.output

    def backward(self, output_gradient, learning_rate):
        jacobian = np.diagflat(self.output) - np.dot(self.output, self.output.T)
        return np.dot(jacobian, output_gradient)


class Layer_Dense:
    """A layer that leaves its results on itself, and returns nothing."""

    def __init__(self, n_inputs, n_neurons):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class Activation_ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class Parameter:
    """An array and its gradient, which backward passes add to."""

    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)

    def zero_grad(self):
        self.grad = np.zeros_like(self.value)


class Linear:
    """A layer whose parameters are objects."""

    def __init__(self, in_features, out_features):
        self.W = Parameter(np.random.randn(in_features, out_features) / np.sqrt(in_features))
        self.b = Parameter(np.zeros(out_features))
        self.x = None

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        self.x = x
        return x @ self.W.value + self.b.value

    def backward(self, grad_output):
        self.W.grad += self.x.T @ grad_output
        self.b.grad += grad_output.sum(axis=0)
        return grad_output @ self.W.value.T

    def parameters(self):
        return [self.W, self.b]


class LinearLayer:
    """A layer with dicts of parameters and gradients."""

    def __init__(self, input_size, output_size):
        self.params = {
            "w": np.random.randn(input_size, output_size),
            "b": np.random.randn(output_size),
        }
        self.grads = {}

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["b"] = np.sum(grad, axis=0)
        self.grads["w"] = self.inputs.T @ grad
        return grad @ self.params["w"].T


class FullyConnected:
    """A layer that makes its parameters when it meets data, and keeps gradients by name."""

    def __init__(self, n_out):
        self.n_out = n_out
        self.parameters = {"W": None, "b": None}
        self.gradients = {}
        self.X = []
        self.is_initialized = False

    def _init_params(self, n_in):
        self.parameters["W"] = np.random.uniform(-1, 1, (n_in, self.n_out)) / np.sqrt(n_in)
        self.parameters["b"] = np.zeros((1, self.n_out))
        self.gradients = {name: np.zeros_like(p) for name, p in self.parameters.items()}
        self.is_initialized = True

    def forward(self, X, retain_derived=True):
        if not self.is_initialized:
            self._init_params(X.shape[1])
        if retain_derived:
            self.X.append(X)
        return X @ self.parameters["W"] + self.parameters["b"]

    def backward(self, dLdy, retain_grads=True):
        X = self.X[-1]
        if retain_grads:
            self.gradients["W"] += X.T @ dLdy
            self.gradients["b"] += dLdy.sum(axis=0, keepdims=True)
        return dLdy @ self.parameters["W"].T
