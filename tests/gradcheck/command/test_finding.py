"""What is found in a file to check."""

import sys
import textwrap

import pytest

from chainrule.gradcheck.command import module
from chainrule.gradcheck.command.finding import found_in


@pytest.fixture
def found(tmp_path):

    def find(source):
        path = tmp_path / "homework.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return [(one.name, one.kind) for one in found_in(module.load(str(path)))]

    return find


def functions(*heads):
    return "".join(f"def {head}: return 1, 2\n" for head in heads)


@pytest.mark.parametrize(
    ("heads", "names"),
    [
        (["f_forward(x)", "f_backward(dout, cache)"], ["f"]),
        (["conv_forward_naive(x)", "conv_backward_naive(d, c)"], ["conv_naive"]),
        (
            ["bn_forward(x)", "bn_backward(d, c)", "bn_backward_alt(d, c)"],
            ["bn", "bn_alt"],
        ),
        (["lstm_forward_fast(x)", "lstm_backward(d, c)"], ["lstm_fast"]),
        (["relu(Z)", "relu_backward(dA, cache)"], ["relu"]),
        (["forward_tanh(x)", "backward_tanh(d, c)"], ["tanh"]),
        (["convForward(x)", "convBackward(d, c)"], ["conv"]),
        (["pool(x)", "poolBackward(d, c)"], ["pool"]),
        (["pool_fprop(x)", "pool_bprop(d, c)"], ["pool"]),
        (["f_forward(x)"], []),
        (["f_backward(d, c)"], []),
        (["_f_forward(x)", "_f_backward(d, c)"], []),
    ],
)
def test_pairs(found, heads, names):
    assert found(functions(*heads)) == [(name, "pair") for name in names]


@pytest.mark.parametrize(
    "heads",
    [
        ("tanh(x)", "tanh_prime(x)"),
        ("tanh(x)", "tanh_derivative(x)"),
        ("tanh(x)", "tanh_grad(x)"),
        ("tanh(x)", "dtanh(x)"),
        ("tanh(x)", "d_tanh(x)"),
        ("tanh(x)", "grad_tanh(x)"),
        ("tanh(x)", "tanhPrime(x)"),
    ],
)
def test_derivatives(found, heads):
    assert found(functions(*heads)) == [("tanh", "derivative")]
    assert found(functions(heads[1])) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def softmax_loss(x, y): return 1.0, 2 * x\n", [("softmax_loss", "loss")]),
        ("def svm_loss_naive(W, X, y, reg):\n    return 1.0, dW\n", [("svm_loss_naive", "loss")]),
        ("def softmax_vectorized(W, X): return 1.0, dW\n", [("softmax_vectorized", "loss")]),
        ("def mse_loss(x, y): return 1.0\n", []),
        ("def softmax(x): return x, x\n", []),
        ("def mse_loss(x, y): return 1.0, {'share': 2}\n", []),
        ("def mse_loss(x, probs): return 1.0, probs\n", []),
        ("def mse_loss(x, y): return 1.0, x - y\n", [("mse_loss", "loss")]),
        ("def mse(x, y): return mse_loss(x, y)\n", []),
        (
            "class L1:\n    def grad(self, w): return w\n"
            "    def __call__(self, w): return self.grad(w)\n",
            [],
        ),
        (
            "class Tanh:\n    def gradient(self, x): return x\n"
            "    def __call__(self, x): return x\n",
            [("Tanh", "class")],
        ),
        ("def sgd(w, dw, config=None): return w, config\n", [("sgd", "update rule")]),
        ("def step(w, data, config=None): return w, config\n", []),
        ("class SGD:\n    def update(self, params, grads): pass\n", [("SGD", "update rule")]),
        ("class Bar:\n    def update(self, done): pass\n", []),
        ("class Fit:\n    def update(self, X, y): pass\n", []),
        (
            "class A:\n    def forward(self, x): pass\n    def backward(self, d): pass\n",
            [("A", "class")],
        ),
        (
            "class A:\n    def __call__(self, x): pass\n    def backward(self, d): pass\n",
            [("A", "class")],
        ),
        (
            "class A:\n    forward = staticmethod(lambda x: (x, x))\n"
            "    backward = staticmethod(lambda d, c: d)\n",
            [("A", "static class")],
        ),
        (
            "class Net:\n    params = {}\n    def loss(self, X, y=None): return 1.0, grads\n",
            [("Net", "model")],
        ),
        ("class A:\n    def forward(self, x): pass\n", []),
        ("from math import *\nimport numpy as np\n", []),
    ],
)
def test_losses_rules_and_classes(found, source, expected):
    assert found(source) == expected


def test_they_come_in_the_order_of_the_file_and_an_alias_counts_once(found):
    source = """
    class Z:
        def forward(self, x): pass
        def backward(self, d): pass
    def b_loss(x, y): return 1.0, 2 * x
    def a_forward(x): return x, x
    def a_backward(d, c): return d
    Again = Z
    """
    assert found(source) == [("Z", "class"), ("b_loss", "loss"), ("a", "pair")]


def test_a_file_finds_what_stands_beside_it_and_in_its_package(found, tmp_path):
    (tmp_path / "beside_me.py").write_text("def double(x): return 2 * x\n", encoding="utf-8")
    own = functions("f_forward(x)", "f_backward(d, c)")
    assert found(f"from beside_me import double\n{own}") == [("f", "pair")]
    assert found(f"from .beside_me import *\n{own}") == [("f", "pair")]
    assert found(f"from {tmp_path.name}.beside_me import *\n{own}") == [("f", "pair")]


def test_what_stands_beside_is_run_afresh_with_the_file(found, tmp_path):
    source = "from beside_me import name\nexec(f'def {name}_loss(x, y): return 1.0, 2 * x')\n"
    for name in ("a", "bb"):
        (tmp_path / "beside_me.py").write_text(f"name = '{name}'\n", encoding="utf-8")
        found(source)
        assert sys.modules["beside_me"].name == name


def test_a_folder_of_data_is_not_taken_for_a_library(found, tmp_path):
    (tmp_path / "numpy").mkdir()
    own = functions("f_forward(x)", "f_backward(d, c)")
    assert found(f"import numpy as np\nnp.zeros(3)\n{own}") == [("f", "pair")]
