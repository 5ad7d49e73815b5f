import copy
import inspect

import numpy as np
import pytest

from chainrule import layers
from chainrule.gradcheck.formulas import REFERENCES, compare, find
from chainrule.gradcheck.subject.vocabulary import Vocabulary

CLASSES = [
    cls
    for name in layers.__all__
    if isinstance(cls := getattr(layers, name), type) and name not in ("Layer", "Loss", "Maxout")
]


def compared(layer, *inputs, train=True):
    """Compare a copy's forward pass with the reference of its class name."""
    layer = copy.deepcopy(layer)
    fresh = copy.deepcopy(layer)
    out = layer.forward(*inputs, train=train)[0]
    return compare(
        fresh,
        inputs,
        names=[*inspect.signature(layer.forward).parameters][: len(inputs)],
        train=train,
        out=out,
        state_before=fresh.state,
        state_after=layer.state,
    )


def only(found):
    """The one cause of a comparison, in words."""
    (cause,) = found.causes
    return Vocabulary().finding(cause)


class Fake:
    """A layer that only has a name, parameters and an output."""

    state: dict = {}  # noqa: RUF012

    def __init__(self, **params):
        self.params = {name: np.array(value, float) for name, value in params.items()}


def judged(name, out, *inputs, settings=(), train=True, strict=True, **params):
    """The comparison of an output with the reference called `name`."""
    layer = Fake(**params)
    vars(layer).update(dict(settings))
    inputs = tuple(np.array(x) for x in inputs)
    return compare(
        layer,
        inputs,
        train=train,
        out=np.array(out, float),
        state_before={},
        state_after={},
        reference=REFERENCES[name],
        strict=strict,
    )


HALF, E = np.log(2), np.e
BY_HAND = [
    ("affine", [[11.0, 22.0]], [[1.0, 2.0]], {"W": [[1, 0], [0, 1]], "b": [10, 20]}),
    ("relu", [0, 0, 2], [-1.0, 0.0, 2.0], {}),
    ("leakyrelu", [-0.02, 3], [-2.0, 3.0], {"alpha": 0.01}),
    ("prelu", [[-0.5, 3]], [[-2.0, 3.0]], {"alpha": [0.25, 0.5]}),
    ("elu", [1 / E - 1, 0, 2], [-1.0, 0.0, 2.0], {}),
    ("sigmoid", [0.5, 0.75], [0.0, np.log(3)], {}),
    ("tanh", [0, 0.6], [0.0, HALF], {}),
    ("softplus", [HALF, 2 * HALF], [0.0, np.log(3)], {}),
    ("softmax", [[0.25, 0.75]], [[0.0, np.log(3)]], {}),
    ("exp", [1, E], [0.0, 1.0], {}),
    ("log", [0, 1], [1.0, E], {}),
    ("reciprocal", [0.5, -4], [2.0, -0.25], {}),
    ("square", [9], [-3.0], {}),
    ("negate", [3], [-3.0], {}),
]


@pytest.mark.parametrize(("name", "out", "x", "params"), BY_HAND)
def test_the_references_of_one_input_give_what_a_hand_gives(name, out, x, params):
    found = judged(name, out, x, **params)
    assert not found.causes
    assert not found.notes
    assert judged(name, np.array(out) * 1.01 + 0.01, x, **params).causes


A, B = [[1.0, 2.0]], [[3.0, -4.0]]
TWO_BY_HAND = [
    ("add", [[4, -2]], A, B),
    ("subtract", [[-2, 6]], A, B),
    ("multiply", [[3, -8]], A, B),
    ("max", [[3, 2]], A, B),
    ("matmul", [[11]], A, [[3.0], [4.0]]),
    ("crossentropy", HALF, [[0.5, 0.5], [0.25, 0.5]], [0, 1]),
    ("softmaxcrossentropy", 2 * HALF, [[0.0, np.log(3)]], [0]),
    ("sigmoidcrossentropy", HALF, [[0.0, 0.0]], [[1.0, 0.0]]),
    ("sigmoidcrossentropy", 2 * HALF, [[0.0, 0.0]], [[1.0, 0.0]]),  # summed over the outputs
    ("mse", 12.5, [[4.0], [3.0]], [1.0, -1.0]),
    ("mse", 6.5, [[4.0], [3.0]], [[1.0], [1.0]]),
    ("hinge", 1.25, [[1.0, 0.5, 2.0], [0.0, 3.0, 2.0]], [0, 1]),
]


@pytest.mark.parametrize(("name", "out", "a", "b"), TWO_BY_HAND)
def test_the_references_of_two_inputs_give_what_a_hand_gives(name, out, a, b):
    found = judged(name, out, a, b)
    assert not found.causes
    assert not found.notes


def test_normalisation_gives_what_a_hand_gives():
    x = [[1.0, 2.0], [3.0, 6.0]]
    eps = {"eps": 0.0}
    two, ten = [2.0, 3.0], [10.0, 20.0]
    out = [[8.0, 17.0], [12.0, 23.0]]
    layer = layers.BatchNorm(2, eps=0.0)
    layer.params["gamma"][...] = two
    layer.params["beta"][...] = ten
    np.testing.assert_allclose(layer.forward(np.array(x))[0], out)
    assert not compared(layer, np.array(x)).causes
    assert not judged(
        "layernorm", [[8.0, 23.0], [8.0, 23.0]], x, settings=eps, gamma=two, beta=ten
    ).causes


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("train", [True, False])
def test_our_layers_agree_with_their_references(cls, dtype, train):
    assert find(cls) is not None
    for _, layer, *inputs in cls.examples(np.random.default_rng(0)):
        inputs = [x.astype(dtype) if x.dtype.kind == "f" else x for x in map(np.asarray, inputs)]
        found = compared(layer.astype(dtype), *inputs, train=train)
        assert not found.causes
        assert not found.notes


@pytest.mark.parametrize("change", [lambda x: 1000 * x, lambda x: x + 1e5, np.round])
def test_large_inputs_and_offsets_raise_no_alarm(change):
    for cls in (layers.BatchNorm, layers.LayerNorm, layers.Affine, layers.Hinge):
        for _, layer, x, *targets in cls.examples(np.random.default_rng(1)):
            assert not compared(layer, change(x), *targets).causes


X = np.random.default_rng(0).standard_normal((6, 4))
T = np.random.default_rng(1).standard_normal((6, 4))
Y = np.array([0, 1, 2, 3, 1, 2])
W = np.random.default_rng(2).standard_normal((4, 4))
b = np.random.default_rng(3).standard_normal(4)
P = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
LOSS = -np.log(P[np.arange(6), Y]).mean()
ALPHA = {"alpha": 0.2}
MISTAKES = [
    ("affine", "bias is missing", X @ W, (X,), {"W": W, "b": b}),
    ("sum", "the mean", X.mean(), (X,), {}),
    ("affine", "bias is added twice", X @ W + b + b, (X,), {"W": W, "b": b}),
    ("affine", "W is transposed", X @ W.T + b, (X,), {"W": W, "b": b}),
    ("affine", "1/2 times", (X @ W + b) / 2, (X,), {"W": W, "b": b}),
    ("affine", "off by 0.7", X @ W + b + 0.7, (X,), {"W": W, "b": b}),
    ("relu", "max(x, -1)", X.clip(-1), (X,), {}),
    ("relu", "the sign", -X.clip(0), (X,), {}),
    ("leakyrelu", "alpha is ignored", X.clip(0), (X,), ALPHA),
    ("leakyrelu", "alpha²", np.maximum(X, 0.04 * X), (X,), ALPHA),
    ("leakyrelu", "exchanged", np.minimum(X, 0.2 * X), (X,), ALPHA),
    ("elu", "- 1 is missing", np.where(X > 0, X, 0.2 * np.exp(X)), (X,), ALPHA),
    ("sigmoid", "of -x", 1 / (1 + np.exp(X)), (X,), {}),
    ("tanh", "2 x is missing", np.tanh(X / 2), (X,), {}),
    ("softplus", "division by beta", np.log(1 + np.exp(3 * X)), (X,), {"beta": 3.0}),
    ("softmax", "wrong axis", np.exp(X) / np.exp(X).sum(axis=0), (X,), {}),
    ("softmaxcrossentropy", "6 = N times", LOSS * 6, (X, Y), {}),
    ("softmaxcrossentropy", "divided by 4 = C", LOSS / 4, (X, Y), {}),
    ("softmaxcrossentropy", "sign", -LOSS, (X, Y), {}),
    (
        "softmaxcrossentropy",
        "labels are off by one",
        -np.log(P[range(6), Y - 1]).mean(),
        (X, Y),
        {},
    ),
    ("softmaxcrossentropy", "base 2", LOSS / np.log(2), (X, Y), {}),
    ("mse", "24 = N·C times the reference: average it", ((X - T) ** 2).sum(), (X, T), {}),
    ("mse", "divided by 2", ((X - T) ** 2).mean() / 2, (X, T), {}),
    ("mse", "4 = C times", ((X - T) ** 2).sum() / 6, (X, T), {}),
    ("mse", "root", np.sqrt(((X - T) ** 2).mean()), (X, T), {}),
    ("mse", "not squared", abs(X - T).mean(), (X, T), {}),
    ("mse", "broadcast", ((X[:, :1] - T[:, 0]) ** 2).mean(), (X[:, :1], T[:, 0]), {}),
    ("add", "a - b", X - T, (X, T), {}),
    ("max", "min(a, b)", np.minimum(X, T), (X, T), {}),
    ("matmul", "a @ bᵀ", X[:4] @ T[:4].T, (X[:4], T[:4]), {}),
    ("square", "2 x", 2 * X, (X,), {}),
    ("scale", "x + a", X + 3, (X,), {"a": 3.0}),
]


@pytest.mark.parametrize(("name", "words", "out", "inputs", "given"), MISTAKES)
def test_a_wrong_forward_is_told_its_mistake(name, words, out, inputs, given):
    settings = {k: v for k, v in given.items() if isinstance(v, float)}
    params = {k: v for k, v in given.items() if k not in settings}
    finding = only(judged(name, out, *inputs, settings=settings, **params))
    assert words in finding.message
    assert finding.kind == ("shape" if words == "broadcast" else "forward-bug")
    assert "the formula" in finding.example


def test_a_loss_on_probabilities_kept_off_zero_is_unstable():
    p = np.exp(1000 * X - (1000 * X).max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    out = -np.log(p[np.arange(6), Y] + 1e-8).mean()
    finding = only(judged("softmaxcrossentropy", out, 1000 * X, Y))
    assert finding.kind == "stability"
    finding = only(judged("softmaxcrossentropy", np.nan, X, Y))
    assert (finding.kind, "nan" in finding.message) == ("stability", True)


def margins(margin):
    s = X - X[np.arange(6), Y, np.newaxis] + margin
    s[np.arange(6), Y] = 0
    return s


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("margin is subtracted", margins(-1).clip(0).sum() / 6),
        ("margin is missing", margins(0).clip(0).sum() / 6),
        ("right class is counted", margins(1).clip(0).sum() / 6 + 1),
        ("squared", (margins(1).clip(0) ** 2).sum() / 6),
        ("only the worst", margins(1).max(axis=1).sum() / 6),
        (
            "margin is subtracted: it should be max(0, s_j - s_y + 1); and",
            margins(-1).clip(0).sum(),
        ),
    ],
)
def test_a_wrong_hinge_is_told_its_mistake(words, out):
    finding = only(judged("hinge", out, X, Y))
    assert words in finding.message


def test_what_no_mistake_explains_is_shown_by_one_entry():
    out = np.where(X > 0, X, 0.3 * np.sin(X))
    finding = only(judged("relu", out, X))
    assert finding.example.startswith("out[")
    assert "the formula max(x, 0) gives 0" in finding.example
    assert all(X[finding.where] <= 0)
    finding = only(judged("hinge", 1.2345, X, Y))
    assert finding.message.startswith("loss differs from the formula")


def test_what_no_mistake_explains_is_a_note_where_only_the_class_name_tells_the_formula():
    found = judged("relu", np.where(X > 0, X, 0.3 * np.sin(X)), X, strict=False)
    assert not found.causes
    assert "and no known mistake explains it" in found.notes[0]
    found = judged("softmaxcrossentropy", -np.log(P[range(6), Y]), X, Y, strict=False)
    assert not found.causes
    assert "loss has shape (6,)" in found.notes[0]
    assert judged("relu", -X.clip(0), X, strict=False).causes


G = np.array([0.5, 2.0, 1.5, 3.0])
XHAT = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-5)
OTHER_NAMES = [
    ("prelu", np.where(X > 0, X, G * X), {"slope": G}),
    ("prelu", np.where(X > 0, X, G * X), {"a": G}),
    ("prelu", np.where(X > 0, X, G * X), {"weight": G}),
    ("leakyrelu", np.where(X > 0, X, 0.3 * X), {"slope": 0.3}),
    ("affine", X @ W + b, {"weight": W, "bias": b}),
    ("affine", X @ W.T + b, {"weight": W, "bias": b}),
    ("affine", X @ W, {"W": W}),
    ("layernorm", XHAT * G + b, {"g": G, "b": b}),
    ("layernorm", XHAT * G + b, {"scale": G, "shift": b}),
    ("elu", np.where(X > 0, X, 0.3 * np.expm1(X)), {"a": 0.3}),
    ("softmax", np.exp(X) / np.exp(X).sum(axis=0), {"axis": 0}),
]


@pytest.mark.parametrize(("name", "out", "given"), OTHER_NAMES)
def test_parameters_and_settings_may_have_the_names_that_others_give_them(name, out, given):
    settings = {k: v for k, v in given.items() if isinstance(v, (int, float))}
    params = {k: v for k, v in given.items() if k not in settings}
    found = judged(name, out, X, settings=settings, **params)
    assert not found.causes
    assert not found.notes


UNKNOWN = [
    ("prelu", np.where(X > 0, X, G * X), (X,), {"leakiness": G}),
    ("leakyrelu", np.where(X > 0, X, 0.3 * X), (X,), {}),
    ("leakyrelu", np.where(X > 0, X, 0.3 * X), (X,), {"leakiness": 0.3}),
    ("affine", X @ W[:3].T, (X,), {"W": W[:3]}),
    ("affine", X @ W + b, (X,), {"kernel": W, "bias": b}),
    ("affine", X @ W + b, (X,), {"W": W, "offset": b}),
    ("affine", G * (X @ W), (X,), {"W": W, "gain": G}),
    ("layernorm", XHAT * G, (X,), {"gain": G}),
    ("elu", np.where(X > 0, X, 2 * np.expm1(X)), (X,), {"floor": 2.0}),
    ("relu", X * (X > 1), (X,), {"threshold": 1.0}),
    ("scale", X * G, (X,), {"gamma": G}),
    ("matmul", X @ T.T, (X, T), {"transpose_b": True}),
    ("hinge", 1.0, (X[:, :1], Y), {}),
    ("softmaxcrossentropy", 0.9 * LOSS, (X, Y), {"temperature": 0.1}),
    ("softmaxcrossentropy", LOSS, (X, Y - 1), {}),
    ("dropout", X, (X,), {"level": 0.3}),
]


@pytest.mark.parametrize(("name", "out", "inputs", "given"), UNKNOWN)
def test_a_layer_with_what_the_formula_does_not_know_is_not_compared(name, out, inputs, given):
    settings = {k: v for k, v in given.items() if isinstance(v, (int, float))}
    params = {k: v for k, v in given.items() if k not in settings}
    found = judged(name, out, *inputs, settings=settings, **params)
    assert not found.causes
    (note,) = found.notes
    assert note.startswith("not compared with the formula")


def test_smoothed_labels_and_weights_of_classes_may_be_settings():
    out = 0.9 * LOSS - 0.1 * np.log(P).mean()
    assert not judged("softmaxcrossentropy", out, X, Y, settings={"label_smoothing": 0.1}).causes
    assert judged("softmaxcrossentropy", LOSS, X, Y, settings={"label_smoothing": 0.1}).causes
    out = -(G[Y] * np.log(P[range(6), Y])).sum() / G[Y].sum()
    assert not judged("softmaxcrossentropy", out, X, Y, settings={"class_weights": tuple(G)}).causes
    assert judged("softmaxcrossentropy", LOSS, X, Y, settings={"class_weights": tuple(G)}).causes


def test_the_margin_of_a_hinge_may_be_a_setting():
    out = margins(2).clip(0).sum() / 6
    assert not judged("hinge", out, X, Y, settings={"delta": 2.0}).causes
    assert judged("hinge", out, X, Y).causes


class BatchNorm(layers.BatchNorm):
    """Ours with its steps taken apart, so that each can be taken wrongly."""

    def __init__(self, features, **wrong):
        super().__init__(features, momentum=0.8)
        self.wrong = wrong
        for array in (*self.params.values(), *self.state.values()):
            array[...] = np.random.default_rng(5).uniform(0.5, 2, features)

    def forward(self, x, *, train=True):
        wrong = self.wrong
        mean, var = self.state["running_mean"], self.state["running_var"]
        if train:
            mean = x.mean(axis=wrong.get("axis", 0), keepdims="axis" in wrong)
            var = x.var(axis=wrong.get("axis", 0), keepdims="axis" in wrong, ddof=wrong.get("n", 0))
            mean = self.state["running_mean"] if "stale" in wrong else mean
        elif "batch" in wrong:
            mean, var = x.mean(axis=0), x.var(axis=0)
        root = np.sqrt(var) + self.eps if "eps" in wrong else np.sqrt(var + self.eps)
        out = self.params["gamma"] * (x - mean) / root + self.params["beta"]
        if train and "frozen" not in wrong:
            keep, add = wrong.get("weights", (0.8, 0.2))
            batch = {"running_mean": x.mean(axis=0), "running_var": x.var(axis=0)}
            batch["running_var"] = wrong.get("moves", lambda v: v)(batch["running_var"])
            for name, array in self.state.items():
                array[...] = keep * array + add * batch[name]
        if not train and "writes" in wrong:
            self.state["running_mean"] += 1
        return out, None


BATCH_NORMS = [
    ({"n": 1}, True, "forward-bug", "out", "unbiased"),
    ({"axis": 1}, True, "forward-bug", "out", "wrong axis"),
    ({"eps": 1}, True, "forward-bug", "out", "eps stands outside"),
    ({"eps": 1}, False, "forward-bug", "out", "eps stands outside"),
    ({"n": 1, "eps": 1}, True, "forward-bug", "out", "and eps stands outside"),
    ({"batch": 1}, False, "forward-bug", "out", "statistics of the batch"),
    ({"weights": (0.2, 0.8)}, True, "mode", "running_mean", "exchanged"),
    ({"weights": (0, 1)}, True, "mode", "running_mean", "momentum is ignored"),
    ({"weights": (1, 0.2)}, True, "mode", "running_mean", "never forgets"),
    ({"frozen": 1}, True, "mode", "running_mean", "running_mean and running_var unchanged"),
    ({"moves": np.sqrt}, True, "mode", "running_var", "standard deviation, not the variance"),
    ({"writes": 1}, False, "mode", "running_mean", "an inference pass changes running_mean"),
]


@pytest.mark.parametrize(("wrong", "train", "kind", "tensor", "words"), BATCH_NORMS)
def test_a_wrong_batch_norm_is_told_its_mistake(wrong, train, kind, tensor, words):
    assert not compared(BatchNorm(4), X, train=train).causes
    finding = only(compared(BatchNorm(4, **wrong), X, train=train))
    assert (finding.kind, finding.tensor) == (kind, tensor)
    assert words in finding.message


def test_conventions_of_others_are_notes():
    found = compared(BatchNorm(4, moves=lambda v: v * 6 / 5), X)
    assert not found.causes
    assert "as PyTorch does" in found.notes[0]
    torch = BatchNorm(4)
    torch.momentum = 0.2
    found = compared(torch, X)
    assert not found.causes
    assert "weight of the batch" in found.notes[0]
    torch = BatchNorm(4, moves=lambda v: v * 6 / 5)
    torch.momentum = 0.2
    found = compared(torch, X)
    assert not found.causes
    assert len(found.notes) == 2


def test_running_statistics_with_an_unknown_momentum_are_noted_not_blamed():
    layer = BatchNorm(4, weights=(0.7, 0.3))
    layer.momentum = None
    found = compared(layer, X)
    assert not found.causes
    assert found.notes == ["running statistics not compared: the layer has no setting momentum"]


class Dropout(layers.Dropout):
    def __init__(self, keep=0.6, **wrong):
        super().__init__(keep, rng=3)
        self.wrong = wrong

    def forward(self, x, *, train=True):
        wrong = self.wrong
        if not train and "always" not in wrong:
            return x * wrong.get("inference", 1), None
        shape = x.shape[1:] if "rows" in wrong else x.shape
        draw = self.rng.standard_normal if "normal" in wrong else self.rng.random
        mask = draw(shape) < wrong.get("share", self.keep)
        return x * mask * wrong.get("factor", 1 / self.keep), None


DROPOUTS = [
    ({"rows": 1}, True, "every example drops the same units"),
    ({"normal": 1}, True, "normal, not uniform"),
    ({"factor": 1}, True, "they are not scaled"),
    ({"factor": 2.5}, True, "out averages 1.5 x"),
    ({"factor": 0.6}, True, "multiplied by keep"),
    ({"share": 0.4}, True, "keeping and of dropping are exchanged"),
    ({"share": 0.4, "factor": 2.5}, True, "keeping and of dropping are exchanged"),
    ({"share": 1}, True, "nothing is dropped"),
    ({"always": 1}, False, "it still drops entries"),
    ({"inference": 0.6}, False, "it scales by keep"),
]


@pytest.mark.parametrize(("wrong", "train", "words"), DROPOUTS)
def test_a_wrong_dropout_is_told_its_mistake(wrong, train, words):
    finding = only(compared(Dropout(**wrong), X, train=train))
    assert words in finding.message
    assert finding.kind == ("forward-bug" if train else "mode")


def test_dropout_passes_for_every_keep_and_may_scale_in_inference():
    for keep in (0.1, 0.5, 0.9, 1.0):
        for train in (True, False):
            assert not compared(Dropout(keep), X, train=train).causes
    for train in (True, False):
        found = compared(Dropout(factor=1, inference=0.6), X, train=train)
        assert not found.causes
        assert "scales by keep in inference" in found.notes[0]


def test_a_dropout_without_an_argument_train_is_judged_on_its_masks_alone():
    class Dropout:
        params, state = {}, {}

        def __init__(self):
            self.keep, self.rng = 0.6, np.random.default_rng(0)

        def forward(self, x):
            return x * (self.rng.random(x.shape) < self.keep) * scale, None

    for scale in (1 / 0.6, 3.0):
        layer = Dropout()
        given = {"out": layer.forward(X)[0], "state_before": {}, "state_after": {}}
        assert len(compare(layer, (X,), train=True, strict=True, **given).causes) == (scale == 3)
        found = compare(layer, (X,), train=False, strict=True, **given)
        assert not found.causes
        assert "no argument train" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("ReLU", "relu"),
        ("relu", "relu"),
        ("leaky_relu", "leakyrelu"),
        ("MyBatchNorm", "batchnorm"),
        ("BatchNorm1d", "batchnorm"),
        ("BatchNormClosed", "batchnorm"),
        ("SpatialBatchNorm", "batchnorm"),
        ("MaxGate", "max"),
        ("AffineLayer", "affine"),
        ("HingeLoss", "hinge"),
        ("MSELoss", "mse"),
        ("SoftmaxCrossEntropy", "softmaxcrossentropy"),
        ("SoftmaxLoss", "softmaxcrossentropy"),
        ("TiedAffine", None),
        ("GatedLinear", None),
        ("Sequential", None),
        ("SquareLoss", None),
        ("SquaredHinge", None),
        ("LogSoftmax", "logsoftmax"),
        ("SigmoidLoss", None),
        ("MaxPool2d", "maxpool"),
        ("conv_naive", "conv"),
        ("conv_im2col", "conv"),
        ("Conv2d", "conv"),
        ("ConvTranspose2d", "convtranspose"),
        ("conv_relu", None),
        ("depthwise_conv", "conv"),
        ("conv_then_pool", None),
        ("Dropout2d", "channeldropout"),
        ("smoothed_cross_entropy_loss", "softmaxcrossentropy"),
        ("max_pool_fast", "maxpool"),
        ("Pooling", "pooling"),
        ("spatial_groupnorm", "groupnorm"),
        ("rnn_step", "rnn"),
        ("TimeRNN", "rnn"),
        ("rnn_lm", None),
        ("lstm_step", "lstm"),
        ("LSTMCell", "lstm"),
        ("attention_lstm", None),
        ("gru", "gru"),
        ("word_embedding", "embedding"),
        ("temporal_affine", "temporalaffine"),
        ("temporal_softmax_loss", "temporalsoftmax"),
        ("TimeSoftmaxWithLoss", "temporalsoftmax"),
        ("scaled_dot_product_attention", "attention"),
        ("MultiHeadAttention", "multiheadattention"),
        ("PositionalEncoding", "positionalencoding"),
        ("GELU", "gelu"),
        ("SiLU", "swish"),
        ("L1Loss", "mae"),
        ("L2Loss", None),
        ("SmoothL1Loss", "smoothl1"),
        ("huber", "huber"),
        ("RMSNorm", "rmsnorm"),
        ("affine_tanh", None),
        ("Residual", None),
        ("Layer", None),
    ],
)
def test_a_name_finds_its_reference_or_none(name, reference):
    found = find(name)
    assert (found and found.name) == reference


def test_a_product_with_the_last_axis_alone_is_affine_too():
    x = np.stack([X, T])
    assert not judged("affine", x @ W + b, x, W=W, b=b).causes
    assert only(judged("affine", x @ W, x, W=W, b=b)).message == "the bias is missing"


def test_a_layer_that_the_formula_is_not_about_is_noted_not_blamed():
    found = judged("max", [1.0], [[1.0, 2.0]])
    assert not found.causes
    assert "the formula has two inputs, the layer 1" in found.notes[0]
    found = compare(Fake(), (X,), train=True, out=X, state_before={}, state_after={})
    assert not found.causes
    assert not found.notes


@pytest.mark.parametrize(
    ("name", "out", "inputs", "given", "convention"),
    [
        ("affine", (X @ W + b) / 2, (X,), {"W": W, "b": b}, True),
        ("affine", X @ W.T + b, (X,), {"W": W, "b": b}, True),
        ("mse", ((X - T) ** 2).mean() / 2, (X, T), {}, True),
        ("softmaxcrossentropy", LOSS * 6, (X, Y), {}, True),
        ("log", np.log(abs(X) + 1e-3), (abs(X),), {}, True),
        ("affine", X @ W, (X,), {"W": W, "b": b}, False),
        ("softmax", np.exp(X), (X,), {}, False),
        ("softmaxcrossentropy", -LOSS, (X, Y), {}, False),
    ],
)
def test_what_somebody_may_mean_so_is_marked_and_no_mistake_is(
    name, out, inputs, given, convention
):
    (cause,) = judged(name, out, *inputs, **given).causes
    assert cause.key == "other-formula"
    assert cause.values["convention"] is convention


def test_the_evidence_is_what_was_measured():
    noise = np.where(X > 0, 1e-12, 0)
    (cause,) = judged("affine", X @ W + noise, X, W=W, b=b).causes
    assert 0.1 < cause.evidence / (1e-12 / np.abs(X @ W).max()) < 10
    (cause,) = compared(BatchNorm(4, weights=(1, 0.2)), X).causes
    assert cause.key == "running-statistics"
    assert 0 <= cause.evidence < 1e-14
    (cause,) = judged("hinge", 1.2345, X, Y).causes
    assert (cause.key, cause.evidence) == ("formula", None)


def test_a_dropout_that_does_not_scale_may_be_meant_so():
    for factor, convention in ((1, True), (0.6, False)):
        (cause,) = compared(Dropout(factor=factor), X).causes
        assert cause.key == "dropout-factor"
        assert cause.values["convention"] is convention
        assert cause.evidence < 1e-12
