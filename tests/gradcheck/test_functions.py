# ruff: noqa: NPY002  (the dropout of courses draws from np.random)
import numpy as np
import pytest

from chainrule.gradcheck import check_functions, check_model
from chainrule.layers import Affine, BatchNorm, Dropout, ReLU
from chainrule.nets import MLP, Classifier, Sequential

# ---- functions and models as a course has them, written correctly -------------------------------


def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    cache = None
    if bn_param["mode"] == "train":
        std = np.sqrt(x.var(axis=0) + eps)
        xhat = (x - x.mean(axis=0)) / std
        cache = xhat, gamma, std
        mean = momentum * mean + (1 - momentum) * x.mean(axis=0)
        var = momentum * var + (1 - momentum) * x.var(axis=0)
    else:
        xhat = (x - mean) / np.sqrt(var + eps)
    bn_param["running_mean"], bn_param["running_var"] = mean, var
    return gamma * xhat + beta, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    dxhat = dout * gamma
    dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def layernorm_forward(x, gamma, beta, ln_param):
    std = np.sqrt(x.var(axis=1, keepdims=True) + ln_param.get("eps", 1e-5))
    xhat = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * xhat + beta, (xhat, gamma, std)


def layernorm_backward(dout, cache):
    xhat, gamma, std = cache
    d = dout * gamma
    dx = d - d.mean(axis=1, keepdims=True) - xhat * (d * xhat).mean(axis=1, keepdims=True)
    return dx / std, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def dropout_forward(x, dropout_param):
    p, mask = dropout_param["p"], None
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    if dropout_param["mode"] == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        return (x * mask).astype(x.dtype), (dropout_param, mask)
    return x, (dropout_param, mask)


def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout


def softmax_loss(x, y):
    z = x - x.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    dx = np.exp(log_p)
    dx[rows, y] -= 1
    return -log_p[rows, y].mean(), dx / len(x)


def svm_loss(x, y):
    rows = np.arange(len(x))
    margins = np.maximum(0, x - x[rows, y][:, np.newaxis] + 1)
    margins[rows, y] = 0
    dx = (margins > 0).astype(x.dtype)
    dx[rows, y] = -dx.sum(axis=1)
    return margins.sum() / len(x), dx / len(x)


def softmax_loss_vectorized(W, X, y, reg):
    loss, dscores = softmax_loss(X @ W, y)
    return loss + reg * (W * W).sum(), X.T @ dscores + 2 * reg * W


class TwoLayerNet:
    keep = 1.0
    penalised = ("W1", "W2")

    def __init__(self, sizes=(4, 6, 3), reg=0.0, dtype=np.float64):
        rng = np.random.default_rng(5)
        D, H, C = sizes
        self.params = {
            "W1": rng.standard_normal((D, H)),
            "b1": 0.1 * rng.standard_normal(H),
            "W2": rng.standard_normal((H, C)),
            "b2": np.zeros(C),
        }
        self.params = {name: array.astype(dtype) for name, array in self.params.items()}
        self.reg, self.dtype = reg, dtype
        self.bn_params = [{}]

    def loss(self, X, y=None):
        X, p = X.astype(self.dtype), self.params
        hidden, cache = affine_forward(X, p["W1"], p["b1"])
        hidden, mask = relu_forward(hidden)
        param = {"p": self.keep, "mode": "test" if y is None else "train"}
        dropped, drop_cache = dropout_forward(hidden, param)
        self.bn_params[0]["calls"] = self.bn_params[0].get("calls", 0) + 1
        scores, last = affine_forward(dropped, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        dhidden, grads["W2"], grads["b2"] = affine_backward(dscores, last)
        dhidden = relu_backward(dropout_backward(dhidden, drop_cache), mask)
        _, grads["W1"], grads["b1"] = affine_backward(dhidden, cache)
        for name in self.penalised:
            loss += 0.5 * self.reg * (p[name] ** 2).sum()
            grads[name] += self.reg * p[name]
        return loss, grads


RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((5, 4)), RNG.standard_normal((4, 3)), RNG.standard_normal(3)
GAMMA, BETA, Y = RNG.standard_normal(4), RNG.standard_normal(4), RNG.integers(0, 3, 5)
SCORES = RNG.standard_normal((5, 3))
BN = {"mode": "train", "eps": 1e-5, "momentum": 0.9}


def message(report):
    assert not report
    return report.findings[0].message


# ---- pairs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forward", "backward", "inputs"),
    [
        (affine_forward, affine_backward, (X, W, B)),
        (affine_forward, affine_backward, (X.reshape(5, 2, 2), W, B)),
        (relu_forward, relu_backward, (X,)),
        (batchnorm_forward, batchnorm_backward, (X, GAMMA, BETA, BN)),
        (batchnorm_forward, batchnorm_backward, (X, GAMMA, BETA, {"mode": "train"})),
        (layernorm_forward, layernorm_backward, (X, GAMMA, BETA, {})),
        (dropout_forward, dropout_backward, (X, {"mode": "train", "p": 0.4, "seed": 3})),
        (dropout_forward, dropout_backward, (X, {"mode": "train", "p": 0.4})),
        (softmax_loss, None, (SCORES, Y)),
        (svm_loss, None, (SCORES, Y)),
        (softmax_loss_vectorized, None, (W, X, Y, 0.1)),
    ],
)
@pytest.mark.parametrize("effort", ["quick", "full"])
def test_correct_functions_pass(forward, backward, inputs, effort):
    report = check_functions(forward, backward, *inputs, effort=effort)
    assert report, str(report)
    assert report.subject.startswith(forward.__name__)


def test_a_mistake_is_named_as_the_function_names_it_and_its_line_is_quoted():
    def averages(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        db = dout.mean(axis=0)
        return dx, dw, db

    report = check_functions(affine_forward, averages, X, W, B)
    assert message(report) == "db is too small by a factor 5 = N, the batch size"
    assert report.findings[0].tensor == "b"
    assert report.findings[0].line.endswith("db = dout.mean(axis=0)")
    assert [name for name, tensor in report.tensors.items() if not tensor.ok] == ["b"]


def test_gradients_in_the_wrong_order_are_swapped():
    def exchanged(dout, cache):
        dx, dgamma, dbeta = batchnorm_backward(dout, cache)
        return dx, dbeta, dgamma

    report = check_functions(batchnorm_forward, exchanged, X, GAMMA, BETA, BN)
    assert report.findings[0].kind == "swapped"
    assert "dgamma" in message(report)
    assert "dbeta" in message(report)


def test_gradients_that_are_missing_or_too_many_are_counted():
    def forgets(dout, cache):
        return affine_backward(dout, cache)[:2]

    text = message(check_functions(affine_forward, forgets, X, W, B))
    assert text == "forgets returns 2 gradients for the 3 inputs x, w, b"

    def skips(dout, cache):
        dx, dw, _ = affine_backward(dout, cache)
        return dx, dw, None

    assert message(check_functions(affine_forward, skips, X, W, B)) == "db is not returned"


def test_what_is_not_written_is_not_written_yet():
    def to_do(*_):
        raise NotImplementedError

    def nothing(*_):
        return None, None

    def no_gradients(*_):
        return None, None, None

    for forward in (to_do, nothing):
        text = message(check_functions(forward, affine_backward, X, W, B))
        assert text == f"{forward.__name__} is not written yet"
    for backward in (to_do, no_gradients):
        text = message(check_functions(affine_forward, backward, X, W, B))
        assert text == f"{backward.__name__} is not written yet"
    assert message(check_functions(nothing, None, SCORES, Y)) == "nothing is not written yet"


def test_dicts_inputs_and_global_randomness_are_left_as_they_were():
    bn_param = {"mode": "train", "running_mean": np.ones(4), "running_var": np.ones(4)}
    x, before = X.copy(), np.random.get_state()[1].copy()
    assert check_functions(batchnorm_forward, batchnorm_backward, x, GAMMA, BETA, bn_param)
    assert list(bn_param) == ["mode", "running_mean", "running_var"]
    np.testing.assert_array_equal(bn_param["running_mean"], np.ones(4))
    assert check_functions(dropout_forward, dropout_backward, x, {"mode": "train", "p": 0.5})
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_running_statistics_are_compared_with_the_formula():
    def batchnorm_forward_of_mine(x, gamma, beta, bn_param):
        other = bn_param | {"momentum": 1 - bn_param["momentum"]}
        result = batchnorm_forward(x, gamma, beta, other)
        bn_param |= {k: v for k, v in other.items() if k.startswith("running")}
        return result

    inputs = (X, GAMMA, BETA, BN)
    report = check_functions(
        batchnorm_forward_of_mine, batchnorm_backward, *inputs, reference="batchnorm"
    )
    assert "momentum and 1 - momentum are exchanged" in message(report)
    report = check_functions(
        batchnorm_forward_of_mine, batchnorm_backward, *inputs, reference=batchnorm_forward
    )
    assert "running_mean" in message(report)


def test_a_forward_pass_that_is_wrong_together_with_its_backward_pass_is_found():
    def affine_forward(x, w, b):
        return x @ w - b, (x, w, b)

    def backward(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, dw, -db

    report = check_functions(affine_forward, backward, X, W, B)
    assert report
    assert "the bias is subtracted" in report.remarks[0].message
    for asked in ({"reference": "affine"}, {"strict": True}):
        report = check_functions(affine_forward, backward, X, W, B, **asked)
        assert "the bias is subtracted" in message(report)


def test_dropout_that_drops_in_mode_test_is_found():
    def dropout_forward_of_mine(x, dropout_param):
        return dropout_forward(x, dropout_param | {"mode": "train"})

    param = {"mode": "train", "p": 0.5}
    (remark,) = check_functions(dropout_forward_of_mine, dropout_backward, X, param).remarks
    assert remark.kind == "mode"
    report = check_functions(dropout_forward_of_mine, dropout_backward, X, param, strict=True)
    assert report.findings[0].kind == "mode"
    assert message(report) == "in mode 'test' dropout_forward_of_mine is random"


def test_arguments_changed_in_place_are_found():
    def relu_forward(x):
        x[x < 0] = 0
        return x.copy(), x

    text = message(check_functions(relu_forward, relu_backward, X))
    assert text == "relu_forward changed its input x in place"


# ---- losses ------------------------------------------------------------------------------------


def test_a_loss_whose_gradient_is_not_divided_by_n_is_found():
    def loss_of_sums(x, y):
        loss, dx = softmax_loss(x, y)
        return loss, dx * len(x)

    report = check_functions(loss_of_sums, None, SCORES, Y)
    assert message(report) == "dx is too large by a factor 5 = N, the batch size"
    report = check_functions(softmax_loss, None, SCORES, Y)
    assert report.probes["linearity in dout"].outcome == "not applicable"


def test_a_loss_that_overflows_is_found():
    def softmax_loss(x, y):
        p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        dx = p.copy()
        dx[np.arange(len(x)), y] -= 1
        return -np.log(p[np.arange(len(x)), y]).mean(), dx / len(x)

    (remark,) = check_functions(softmax_loss, None, SCORES, Y).remarks
    (finding,) = check_functions(softmax_loss, None, SCORES, Y, strict=True).findings
    for said in (remark, finding):
        assert said.kind == "stability"
        assert said.message == "for inputs 1000 times as large, the loss is nan"


def test_a_penalty_without_the_half_is_told_with_its_own_factor():
    def forgets(W, X, y, reg):
        loss, dW = softmax_loss_vectorized(W, X, y, reg)
        return loss, dW - 2 * reg * W

    text = message(check_functions(forgets, None, W, X, Y, 0.1))
    assert text == "dW lacks the regularisation 2 * reg * W"


def test_a_loss_for_every_example_is_no_loss():
    def loss_per_row(x, *_):
        return np.ones(len(x)), x

    text = message(check_functions(loss_per_row, None, SCORES, Y))
    assert text == "the loss has shape (5,), expected a single number"


def test_arguments_that_make_no_sense_are_refused():
    with pytest.raises(TypeError, match="must be functions"):
        check_functions(X, relu_backward, X)
    with pytest.raises(ValueError, match="array of floats"):
        check_functions(relu_forward, relu_backward, np.arange(3) > 1)
    with pytest.raises(ValueError, match="effort"):
        check_functions(relu_forward, relu_backward, X, effort="much")
    with pytest.raises(TypeError, match="params and loss"):
        check_model(Affine(4, 3), X, Y)


# ---- models ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("keep", [1.0, 0.6])
def test_a_correct_model_passes_whatever_its_dtype_and_is_left_as_it_was(dtype, keep):
    model = TwoLayerNet(reg=0.1, dtype=dtype)
    model.keep = keep
    kept, x, before = model.params["W1"].copy(), X.copy(), np.random.get_state()[1].copy()
    report = check_model(model, x, Y)
    assert report, str(report)
    assert max(tensor.error for tensor in report.tensors.values()) < 1e-7
    np.testing.assert_array_equal(model.params["W1"], kept)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert model.params["W1"].dtype == dtype
    assert model.bn_params == [{}]


@pytest.mark.parametrize(
    "net",
    [
        MLP([4, 6, 3], rng=0),
        Sequential(Affine(4, 6, rng=0), BatchNorm(6), ReLU(), Dropout(0.5, rng=1), Affine(6, 3)),
    ],
)
def test_a_classifier_passes_and_is_left_as_it_was(net):
    before = {name: array.copy() for name, array in (net.params | net.state).items()}
    report = check_model(Classifier(net, l2=0.1), X, Y)
    assert report, str(report)
    assert list(report.tensors) == list(net.params)
    for name, array in (net.params | net.state).items():
        np.testing.assert_array_equal(array, before[name])


class LosesTheGradientOfThePenalty(Classifier):
    def loss(self, x, y):
        loss, grads = super().loss(x, y)
        return loss, {k: g - self.l2 * self.params[k] * (g.ndim > 1) for k, g in grads.items()}


class LosesThePenalty(Classifier):
    def loss(self, x, y):
        loss, grads = super().loss(x, y)
        penalty = sum(np.vdot(W, W) for W in self.params.values() if W.ndim > 1)
        return loss - 0.5 * self.l2 * penalty, grads


def test_a_classifier_whose_loss_or_gradient_forgets_l2_is_found():
    report = check_model(LosesTheGradientOfThePenalty(MLP([4, 6, 3], rng=0), l2=0.1), X, Y)
    assert "the regularisation l2 * affine1.W" in message(report)
    report = check_model(LosesThePenalty(MLP([4, 6, 3], rng=0), l2=0.1), X, Y)
    assert message(report) == "the loss does not change with l2 = 0.1, its gradients do"
    assert len(report.findings) == 1


def test_a_penalty_that_leaves_out_a_layer_in_loss_and_gradient_is_found():
    model = TwoLayerNet(reg=0.5)
    model.penalised = ("W1",)
    (remark,) = check_model(model, X, Y).remarks
    assert remark.message == "the penalty leaves out W2, in loss and gradient alike"
    assert message(check_model(model, X, Y, strict=True)) == remark.message
    model.reg = 0.0
    assert check_model(model, X, Y).probes["penalty"].outcome == "not applicable"


class Changed(TwoLayerNet):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def loss(self, X, y=None):
        result = super().loss(X, y)
        return result if y is None else (result[0], self.change(result[1]))


def test_wrong_gradients_of_a_model_are_named_by_their_keys():
    report = check_model(Changed(lambda g: g | {"b1": g["b1"] / 5}), X, Y)
    assert message(report) == "grads['b1'] is too small by a factor 5 = N, the batch size"
    report = check_model(Changed(lambda g: {k: g[k] for k in ("W1", "b1", "W2")}), X, Y)
    assert message(report) == "grads has no entry for the parameter 'b2'"
    assert message(check_model(Changed(lambda _: {}), X, Y)) == "the gradients are not written yet"


def test_a_model_that_drops_units_in_mode_test_or_overflows_is_found():
    rng = np.random.default_rng(0)

    class DropsAlways(TwoLayerNet):
        def loss(self, X, y=None):
            scores = super().loss(X) * (rng.random((len(X), 1)) < 0.5)
            return scores if y is None else super().loss(X, y)

    (remark,) = check_model(DropsAlways(), X, Y).remarks
    assert remark.message == "loss(x) without labels gives random scores"
    assert message(check_model(DropsAlways(), X, Y, strict=True)) == remark.message

    class Overflows(TwoLayerNet):
        def loss(self, X, y=None):
            if y is None:
                return super().loss(X)
            return super().loss(X, y)[0] + 0 * np.exp(abs(X).max()), super().loss(X, y)[1]

    (remark,) = check_model(Overflows(), X, Y).remarks
    (finding,) = check_model(Overflows(), X, Y, strict=True).findings
    assert remark.kind == finding.kind == "stability"


def test_a_large_model_is_measured_along_directions():
    model = TwoLayerNet(sizes=(300, 20, 3), reg=0.1)
    x = np.random.default_rng(1).standard_normal((8, 300)) / 10
    report = check_model(model, x, np.arange(8) % 3)
    assert report, str(report)
    assert report.forwards < 3000


def test_a_mistake_on_a_number_is_told_like_one_on_an_array():
    def forward(x):
        return x * x, x

    report = check_functions(forward, lambda dout, x: dout * x, np.array(3.0))
    (found,) = report.findings
    assert found.message == "dx is too small by a factor 2"
    assert found.example == "dx = 3, should be 6"
    assert found.where is None
    assert report._repr_html_()


def test_the_line_is_that_of_the_last_return_not_of_a_nested_one():
    def scale_forward(x, w, mode="train"):
        return x * w, (x, w, mode)

    def scale_backward(dout, cache):
        x, w, mode = cache
        if mode == "test":
            return dout * w, np.zeros_like(w)
        dx = dout * w
        return dx, 2 * (dout * x).sum(axis=0)

    w = np.random.default_rng(1).standard_normal(4)
    finding = check_functions(scale_forward, scale_backward, X, w).findings[0]
    assert finding.line.endswith("return dx, 2 * (dout * x).sum(axis=0)")


def test_a_gradient_cut_to_integers_is_wrong_whatever_is_said_of_its_dtype():
    def forward(x, b):
        return x + b, None

    def backward(dout, _):
        return dout, dout.sum(axis=0).astype(int)

    rng = np.random.default_rng(0)
    report = check_functions(forward, backward, rng.random((4, 3)), rng.random(3))
    assert not report
    assert [finding.tensor for finding in report.findings] == ["b"]
