import math

import numpy as np
import pytest

from chainrule import nets
from chainrule.gradcheck import check_model
from chainrule.layers import BatchNorm, LayerNorm, Maxout, ReLU, Tanh, plain_normal
from chainrule.nets import Classifier, ConvNet


def kinds(net):
    return [type(layer).__name__ for layer in net.layers]


def shapes(net):
    return {name: array.shape for name, array in net.params.items()}


def three_layers(**options):
    """The network of CS231n's second assignment, with its own sizes."""
    options = {"size": 7, "init": plain_normal(1e-3), "rng": 0} | options
    return ConvNet((3, 32, 32), 10, **options)


def test_the_three_layer_network_of_the_course_has_its_shapes():
    assert shapes(three_layers()) == {
        "conv1.W": (32, 3, 7, 7),
        "conv1.b": (32,),
        "affine1.W": (8192, 100),  # 32 channels of 16 × 16
        "affine1.b": (100,),
        "affine2.W": (100, 10),
        "affine2.b": (10,),
    }


def test_a_fresh_three_layer_network_knows_nothing_and_a_penalty_adds_to_its_loss():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 3, 32, 32)), rng.integers(10, size=50)
    net = three_layers()
    loss, _ = Classifier(net).loss(x, y)
    assert loss == pytest.approx(math.log(10), abs=1e-4)
    penalised, _ = Classifier(net, l2=0.5).loss(x, y)
    squares = sum(
        float(np.square(array).sum()) for name, array in net.params.items() if "W" in name
    )
    assert penalised - loss == pytest.approx(0.25 * squares, rel=1e-6)


def test_its_gradients_are_right_at_the_size_at_which_the_course_checks_them():
    rng = np.random.default_rng(231)
    x, y = rng.standard_normal((2, 3, 16, 16)), rng.integers(10, size=2)
    net = ConvNet((3, 16, 16), 10, channels=(3,), size=3, hidden=(7,), rng=rng)
    report = check_model(Classifier(net, l2=0.1), x, y, effort="quick")
    assert report, str(report)


def test_any_depth_with_norm_and_dropout_in_their_places():
    net = ConvNet((3, 8, 12), 4, channels=(5, 6), hidden=(7,), norm=BatchNorm, keep=0.5, rng=0)
    conv = ["Conv", "BatchNorm", "ReLU", "MaxPool"]
    head = ["Flatten", "Dropout", "Affine", "BatchNorm", "ReLU", "Dropout", "Affine"]
    assert kinds(net) == ["Reshape", *conv, *conv, *head]
    assert shapes(net) | {"affine2.b": (4,)} == shapes(net)
    assert net.params["conv2.W"].shape == (6, 5, 3, 3)
    assert "conv2.b" not in net.params  # the shift of the norm does the same
    assert net.params["affine1.W"].shape == (6 * 2 * 3, 7)


def test_without_pooling_and_without_hidden_layers():
    net = ConvNet((4, 4), 2, channels=(3, 2), hidden=(), pool=1, activation=None, rng=0)
    assert kinds(net) == ["Reshape", "Conv", "Conv", "Flatten", "Affine"]
    assert net.params["affine1.W"].shape == (2 * 4 * 4, 2)


def test_rows_and_images_give_the_same_scores():
    net = ConvNet((2, 4, 6), 3, channels=(2,), rng=0)
    x = np.random.default_rng(0).standard_normal((5, 2, 4, 6))
    scores, _ = net.forward(x, train=False)
    np.testing.assert_array_equal(net.forward(x.reshape(5, 48), train=False)[0], scores)


def test_every_activation_is_a_copy_and_weights_are_drawn_for_it():
    activation = Tanh()
    net = ConvNet((8, 8), 3, channels=(400,), hidden=(), activation=activation, rng=0)
    assert activation not in net.layers
    assert net.params["conv1.W"].std() == pytest.approx((2 / (9 + 9 * 400)) ** 0.5, rel=0.05)
    net = ConvNet((8, 8), 3, channels=(400,), hidden=(), activation=ReLU(), rng=0)
    assert net.params["conv1.W"].std() == pytest.approx((2 / 9) ** 0.5, rel=0.05)
    net = ConvNet((8, 8), 3, channels=(400,), init=plain_normal(0.25), rng=0)
    for name in ("conv1.W", "affine1.W"):
        assert net.params[name].std() == pytest.approx(0.25, rel=0.05)


def test_the_same_seed_gives_the_same_network_in_float32():
    one, other = (ConvNet((8, 8), 3, keep=0.5, rng=7, dtype=np.float32) for _ in range(2))
    x = np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32)
    scores, _ = one.forward(x)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(other.forward(x)[0], scores)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image_shape": (64,)}, r"image_shape is \(64,\), expected \(C, H, W\), or \(H, W\)"),
        ({"image_shape": 28}, "image_shape must be positive integers in a row, got 28"),
        ({"image_shape": (0, 8)}, r"image_shape must be positive integers in a row, got \(0, 8\)"),
        ({"channels": 32}, "channels must be positive integers in a row, got 32"),
        ({"channels": (3, -1)}, r"channels must be positive integers in a row, got \(3, -1\)"),
        ({"hidden": (2.0,)}, r"hidden must be positive integers in a row, got \(2\.0,\)"),
        ({"pool": None}, r"pool must be positive integers in a row, got \(None,\)"),
        (
            {"channels": (2, 2, 2, 2)},
            r"8 × 8 are too small .* 4 times by 2; expected at .* 16 × 16",
        ),
        ({"pool": 9}, "8 × 8 are too small to be pooled once by 9; expected at least 9 × 9"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=f"ConvNet: .*{message}"):
        ConvNet(**{"image_shape": (8, 8), "num_classes": 3} | given)


@pytest.mark.parametrize("given", [{"activation": ReLU}, {"norm": LayerNorm(3)}])
def test_what_is_no_activation_or_norm_is_refused(given):
    with pytest.raises(TypeError, match=r"ConvNet: (activation|norm) is .*, expected"):
        ConvNet((8, 8), 3, **given)


def test_summary_draw_and_a_file(tmp_path):
    net = ConvNet((3, 8, 8), 4, channels=(5, 6), size=(3, 5), keep=0.9, norm=BatchNorm, rng=0)
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in net.summary().splitlines()}
    assert rows["conv1"] == "Conv(3 → 5, 3 × 5, pad='same', bias=False) (N, 5, 8, 8) 225"
    assert rows["maxpool2"] == "MaxPool(2 × 2) (N, 6, 2, 2) 0"
    assert "5×8×8" in net.draw().svg
    x = np.random.default_rng(0).standard_normal((5, 192))
    net.forward(x)
    net.save(tmp_path / "net.safetensors")
    again = nets.load(tmp_path / "net.safetensors")
    assert repr(again.layers) == repr(net.layers)
    np.testing.assert_array_equal(again.forward(x, train=False)[0], net.forward(x, train=False)[0])


def test_maxout_has_no_place_in_it():
    with pytest.raises(TypeError, match="activation is"):
        ConvNet((8, 8), 3, activation=Maxout)
