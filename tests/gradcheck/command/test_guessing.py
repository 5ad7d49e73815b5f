"""Inputs that are guessed: what reaches the functions and constructors of a file."""

import re
import textwrap

import numpy as np
import pytest

from chainrule.gradcheck import __main__ as command
from chainrule.gradcheck.command import cases, targets


@pytest.fixture
def guessed(tmp_path):
    """The inputs with which each thing of a file is checked, as they could be said."""

    def guess(source, *names, said=None):
        path = tmp_path / "homework.py"
        path.write_text("import numpy as np\n" + textwrap.dedent(source), encoding="utf-8")
        found = targets.file_targets(str(path), names, 0, said)
        return {one.name: one.inputs for one in found if isinstance(one, cases.Case)}

    return guess


def pair(head, body):
    """A forward function that fails unless its body holds, and a backward function to it."""
    name, arguments = head.split("(")
    names = [one.strip() for one in arguments.strip(")").split(",") if one]
    return (
        f"def {name}_forward({', '.join(names)}):\n    assert {body}\n    return x * 1.0, x\n"
        f"def {name}_backward(dout, cache): return dout\n"
    )


@pytest.mark.parametrize(
    ("head", "body", "inputs"),
    [
        ("f(x)", "True", "x=(5,4)"),
        ("conv(x, w, b, conv_param)", "x.ndim == w.ndim == 4 and b.shape == (len(w),)",
         "x=(2,4,5,7); w=(3,4,3,3); b=(3); conv_param={'stride': 2, 'pad': 1}"),
        ("max_pool(x, pool_param)", "x.shape[2] % 2 == x.shape[3] % 2 == 0",
         "x=(2,4,4,6); pool_param={'pool_height': 2, 'pool_width': 2, 'stride': 2}"),
        ("spatial_batchnorm(x, gamma, beta, bn_param)", "gamma.shape == (x.shape[1],)",
         "x=(2,4,3,5); gamma=(4); beta=(4); bn_param={'mode': 'train'}"),
        ("layernorm(x, gamma, beta, ln_param)", "ln_param == {}",
         "x=(5,4); gamma=(4); beta=(4); ln_param={}"),
        ("spatial_groupnorm(x, gamma, beta, G, gn_param)", "x.shape[1] % G == 0",
         "x=(2,4,3,5); gamma=(4); beta=(4); G=2; gn_param={}"),
        ("dropout(x, dropout_param)", "{'p', 'mode', 'seed'} == {*dropout_param}",
         "x=(5,4); dropout_param={'mode': 'train', 'p': 0.5, 'seed': 1}"),
        ("rnn_step(x, prev_h, Wx, Wh, b)", "(x @ Wx + prev_h @ Wh + b).shape == prev_h.shape",
         "x=(5,4); prev_h=(5,3); Wx=(4,3); Wh=(3,3); b=(3)"),
        ("rnn(x, h0, Wx, Wh, b)", "x.ndim == 3 and (x[:, 0] @ Wx).shape == h0.shape",
         "x=(3,4,5); h0=(3,2); Wx=(5,2); Wh=(2,2); b=(2)"),
        ("lstm_step(x, prev_h, prev_c, Wx, Wh, b)", "b.size == 4 * prev_c.shape[1]",
         "x=(5,4); prev_h=(5,3); prev_c=(5,3); Wx=(4,12); Wh=(3,12); b=(12)"),
        ("temporal_affine(x, w, b)", "(x @ w + b).ndim == 3", "x=(3,4,5); w=(5,2); b=(2)"),
        ("attention(q, k, v)", "(q @ k.swapaxes(1, 2) @ v).shape == q.shape; x = q",
         "q=(2,3,6); k=(2,5,6); v=(2,5,6)"),
        ("linear(A, W, b)", "(W @ A + b).shape == (len(W), A.shape[1]); x = A",
         "A=(4,5); W=(3,4); b=(3,1)"),
        ("conv(A_prev, W, b, hparameters)", "A_prev.shape[3] == W.shape[2]; x = A_prev",
         "A_prev=(2,5,7,2); W=(3,3,2,4); b=(1,1,1,4); hparameters={'stride': 2, 'pad': 1, 'f': 3}"),
        ("dense(x, W, b)", "x.ndim == 1 and (W @ x + b).ndim == 1", "x=(4); W=(3,4); b=(3)"),
    ],
)  # fmt: skip
def test_names_tell_what_arguments_are(guessed, head, body, inputs):
    assert guessed(pair(head, body)) == {head.split("(")[0]: inputs}


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        ("def softmax_loss(x, y):\n    return x[range(5), y].sum(), 2 * x", "x=(5,4); y=int(5)<3"),
        ("def mse_loss(x, y):\n    return ((x - y) ** 2).sum(), 2 * x", "x=(5,4); y=(5,4)"),
        ("def svm_loss_naive(W, X, y, reg):\n    return (X @ W)[0, y[0]] + reg, 2 * W",
         "W=(4,3); X=(5,4); y=int(5)<3; reg=0.1"),
        ("def temporal_softmax_loss(x, y, mask):\n    return (x[..., 0] * y * mask).sum(), 2 * x",
         "x=(3,4,5); y=int(3,4)<5; mask=bool(3,4)"),
        ("def bce_loss(p, y):\n    assert p.min() > 0\n    return (y * np.log(p)).sum(), 2 * p",
         "p=(5,4); y=int(5,4)<2"),
    ],
)  # fmt: skip
def test_losses(guessed, function, inputs):
    (found,) = guessed(function).values()
    assert found == inputs


def test_the_docstring_goes_before_the_name(guessed):
    source = '''
    def mix_forward(x, w):
        """Inputs:
        - x: Rows, of shape (N, K, 2)
        - w: Weights, of shape (K, 2K)
        """
        return np.einsum("nkd,kj->njd", x, w), w
    def mix_backward(dout, cache): return dout, cache
    '''
    assert guessed(source) == {"mix": "x=(5,3,2); w=(3,6)"}


CLASS = """
class {name}:
    def __init__(self, {init}):
        self.params, self.state, self.got = {{}}, {{}}, dict(locals())
    def forward(self, x, *, train=True):
        assert {body}
        return x * 1.0, x
    def backward(self, dout, cache): return dout, {{}}
"""


@pytest.mark.parametrize(
    ("name", "init", "body", "inputs"),
    [
        ("Affine", "W, b", "(x @ self.got['W'] + self.got['b']).ndim == 2",
         "W=(4,3); b=(3); x=(5,4)"),
        ("Convolution", "W, b, stride=1, pad=0", "x.shape[1] == self.got['W'].shape[1]",
         "W=(3,4,3,3); b=(3); x=(2,4,5,7)"),
        ("BatchNormalization", "gamma, beta, momentum=0.9, running_mean=None",
         "x.shape[1:] == self.got['gamma'].shape", "gamma=(4); beta=(4); x=(5,4)"),
        ("Pooling", "pool_h, pool_w, stride=2", "x.ndim == 4",
         "pool_h=2; pool_w=2; x=(2,4,4,6)"),
        ("Dropout", "dropout_ratio", "0 < self.got['dropout_ratio'] < 1",
         "dropout_ratio=0.5; x=(5,4)"),
        ("Linear", "in_features, out_features", "x.shape[1] == self.got['in_features']",
         "in_features=4; out_features=3; x=(5,4)"),
        ("RNN", "Wx, Wh, b", "(x[:, 0] @ self.got['Wx'] + self.got['b']).ndim == 2 and x.ndim == 3",
         "Wx=(5,2); Wh=(2,2); b=(2); x=(3,4,5)"),
        ("LSTM", "input_size, hidden_size", "x.shape[-1] == self.got['input_size']",
         "input_size=5; hidden_size=2; x=(3,4,5)"),
        ("Conv2d", "in_channels, out_channels, kernel_size, stride, padding",
         "x.shape[1] == self.got['in_channels']",
         "in_channels=4; out_channels=3; kernel_size=3; stride=1; padding=1; x=(2,4,5,7)"),
        ("Flatten", "input_shape", "x.shape[1:] == self.got['input_shape'] and x.ndim == 4; "
         "x = x.astype(float)", "input_shape=tuple(4,5,7); x=(2,4,5,7)"),
        ("Wide", "n_in=784, n_out=10", "x.shape[1] == self.got['n_in']",
         "n_in=4; n_out=3; x=(5,4)"),
        ("Noise", "rng, scale", "self.got['rng'].random() < 1", "rng=…; scale=0.1; x=(5,4)"),
    ],
)  # fmt: skip
def test_constructors(guessed, name, init, body, inputs):
    assert guessed(CLASS.format(name=name, init=init, body=body)) == {name: inputs}


def test_what_an_embedding_takes_are_indices(guessed):
    source = """
    class Embedding:
        def __init__(self, W): self.W, self.dW = W, np.zeros_like(W)
        def forward(self, idx):
            self.idx = idx
            return self.W[idx]
        def backward(self, dout):
            self.dW[...] = 0
            np.add.at(self.dW, self.idx, dout)
    """
    assert guessed(source) == {"Embedding": "W=(6,4); idx=int(5,3)<6"}


def test_an_object_that_draws_from_the_global_generator_is_the_same_each_time(guessed_result):
    source = """
    class Dense:
        def __init__(self, n_in, n_out):
            print("made")
            self.W = np.random.randn(n_in, n_out)
        def forward(self, x):
            self.x = x
            return x @ self.W
        def backward(self, dout):
            self.dW = self.x.T @ dout
            return dout @ self.W.T
    """
    first, second = guessed_result(source), guessed_result(source)
    np.testing.assert_array_equal(
        first.report.tensors["x"].numeric, second.report.tensors["x"].numeric
    )


def test_another_value_is_tried_where_the_shape_of_a_gradient_does_not_fit(guessed):
    source = '''
    def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
        """- gamma: Scale, of shape (C,)"""
        gamma, beta = gamma.reshape(1, -1, 1, 1), beta.reshape(1, -1, 1, 1)
        return x * gamma + beta, (x, gamma)
    def spatial_groupnorm_backward(dout, cache):
        x, gamma = cache
        sums = dict(axis=(0, 2, 3), keepdims=True)
        return dout * gamma, (dout * x).sum(**sums), dout.sum(**sums)
    '''
    assert "gamma=(1,4,1,1); beta=(1,4,1,1)" in guessed(source)["spatial_groupnorm"]


@pytest.mark.parametrize(
    ("arguments", "body", "verdict"),
    [
        ("a, rhs", "a.ndim == 1", cases.UNTRIED),  # who knows whether such inputs are meant?
        ("x, scale", "True", cases.WRONG),
    ],
)
def test_a_backward_that_fails_is_a_mistake_where_the_inputs_are_beyond_doubt(
    guessed_result, arguments, body, verdict
):
    source = f"""
    def f_forward({arguments}):
        assert {body}
        return {arguments.split(", ")[0]} * 2.0, None
    def f_backward(dout, cache): return dout[0] @ dout
    """
    assert guessed_result(source).verdict == verdict


@pytest.fixture
def guessed_result(guessed, tmp_path):
    def run(source):
        guessed(source)
        (found,) = targets.file_targets(str(tmp_path / "homework.py"), [], 0)
        return found if isinstance(found, cases.Result) else cases.checked(found, seed=0)

    return run


@pytest.fixture
def homework(tmp_path, capsys):
    def run(source, *arguments):
        path = tmp_path / "homework.py"
        path.write_text("import numpy as np\n" + textwrap.dedent(source), encoding="utf-8")
        status = command.main([str(path), *arguments])
        return status, *capsys.readouterr()

    return run


ODD = """
def odd_forward(x, plan, by=1.0): return x * plan["speed"] * by, plan["speed"] * by
def odd_backward(dout, cache): return dout * cache
def even_forward(x): return x, x
def even_backward(dout, cache): return dout
"""


def test_a_backward_that_takes_other_arguments_is_not_tried(homework):
    source = """
    class Net:
        def forward(self, x): return x, x
        def backward(self, scores, labels, cache): return scores
    """
    status, out, _ = homework(source)
    assert status == 1
    assert "Net, with x=(5,4): not tried: backward takes other arguments: Net.backward()" in out


def test_what_cannot_be_called_says_what_it_would_need(homework):
    status, out, _ = homework(ODD)
    assert status == 1
    (line,) = [line for line in out.splitlines() if line.startswith("odd, ")]
    assert re.fullmatch(
        r"odd, with x=\(5,4\); plan=0.5: not tried: forward raised TypeError: .*: "
        r'say what it takes by --inputs "x=…; plan=…"',
        line,
    )
    assert out.splitlines()[-1] == "2 pairs: 1 correct, 1 not tried"


@pytest.mark.parametrize(
    "words",
    [
        ["odd", "--inputs", 'x=(2,7); plan={"speed": 3.0}'],
        ["--inputs", "x=(2,7)", "--inputs", 'plan={"speed": 3.0}', "odd_forward"],
    ],
)
def test_what_is_said_is_passed(homework, words):
    status, out, _ = homework(ODD, *words, "--json")
    assert status == 0
    assert '"inputs": "x=(2,7); plan={\'speed\': 3.0}"' in out


def test_what_has_a_default_can_be_said_too(homework):
    out = homework(ODD, "odd", "--inputs", 'plan={"speed": 3.0}; by=2.0', "--json")[1]
    assert '"inputs": "x=(5,4); plan={\'speed\': 3.0}; by=2.0"' in out


def test_arguments_of_a_constructor_can_be_said(homework):
    code = CLASS.format(name="Odd", init="plan", body="self.got['plan'] == 'fast'")
    assert homework(code)[0] == 1
    assert homework(code, "--inputs", "plan='fast'")[0] == 0


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("x", "chainrule: --inputs: 'x' is not of the form name=value, such as x=(5,4)\n"),
        ("z=(5,4)", "--inputs: nothing takes z; odd takes x, plan, by; even takes x\n"),
        ("x=(5,N)", "--inputs: x=(5,N): sizes must be numbers, not N\n"),
    ],
)
def test_bad_inputs_are_one_sentence_and_exit_with_2(homework, inputs, expected):
    status, out, err = homework(ODD, "--inputs", inputs)
    assert (status, out) == (2, "")
    assert err.endswith(expected)
    assert err.count("\n") == 1


@pytest.mark.parametrize("option", [["--inputs", "x=(5,4)"], ["--watch"]])
def test_some_options_need_a_file(capsys, option):
    assert command.main(option) == 2
    assert f"{option[0]} needs a file to check\n" in capsys.readouterr().err
