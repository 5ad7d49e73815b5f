from functools import partial

import numpy as np
import pytest

from chainrule.layers import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    HardSwish,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Softsign,
    Swish,
    Tanh,
    plain_normal,
)
from chainrule.nets import MLP


def kinds(net):
    return [type(layer).__name__ for layer in net.layers]


def test_layers_stand_in_the_order_affine_norm_activation_dropout():
    net = MLP([8, 7, 6, 5], activation=ELU(0.5), norm=LayerNorm, keep=0.9)
    block = ["Affine", "LayerNorm", "ELU", "Dropout"]
    assert kinds(net) == [*block, *block, "Affine"]
    assert net.layers[2].alpha == 0.5
    assert net.layers[3].keep == 0.9
    assert net.forward(np.ones((3, 8)))[0].shape == (3, 5)


def test_two_sizes_give_one_affine_layer():
    assert kinds(MLP([8, 5])) == ["Affine"]


def test_maxout_units_take_the_place_of_affine_and_activation():
    net = MLP([8, 7, 5], affine=partial(Maxout, pieces=3), activation=None)
    assert kinds(net) == ["Maxout", "Affine"]
    assert net.params["maxout1.W"].shape == (8, 3, 7)


def test_every_hidden_layer_has_its_own_copy_of_the_activation():
    prelu = PReLU()
    net = MLP([4, 4, 4, 4], activation=prelu)
    assert "prelu2.alpha" in net.params
    net.params["prelu1.alpha"] += 1
    assert net.params["prelu2.alpha"] == prelu.params["alpha"] == 0.25


@pytest.mark.parametrize(
    ("activation", "variance"),
    [
        (ReLU(), 2 / 400),
        (LeakyReLU(), 2 / 400),
        (PReLU(), 2 / 400),
        (ELU(), 2 / 400),
        (Softplus(), 2 / 400),
        (GELU(), 2 / 400),
        (Swish(), 2 / 400),
        (Mish(), 2 / 400),
        (HardSwish(), 2 / 400),
        (SELU(), 1 / 400),
        (Softsign(), 2 / 700),
        (Sigmoid(), 2 / 700),
        (Tanh(), 2 / 700),
        (None, 1 / 400),
    ],
)
def test_the_weights_start_as_suits_the_activation(activation, variance):
    net = MLP([400, 300, 10], activation=activation, rng=0)
    assert net.params["affine1.W"].var() == pytest.approx(variance, rel=0.02)
    assert net.params["affine2.W"].var() == pytest.approx(1 / 300, rel=0.1)
    assert not net.params["affine1.b"].any()


def test_a_scheme_that_is_given_holds_for_all_weights():
    net = MLP([400, 300, 300], init=plain_normal(0.5), rng=0)
    assert net.params["affine1.W"].std() == pytest.approx(0.5, rel=0.02)
    assert net.params["affine2.W"].std() == pytest.approx(0.5, rel=0.02)


def test_the_same_seed_gives_the_same_weights_and_the_same_masks():
    x = np.ones((3, 4))
    one, two, other = (MLP([4, 50, 2], keep=0.5, rng=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.forward(x)[0], two.forward(x)[0])
    assert not np.array_equal(one.params["affine1.W"], other.params["affine1.W"])


def test_float32_reaches_every_part():
    net = MLP([4, 3, 2], activation=PReLU(), norm=BatchNorm, keep=0.5, dtype=np.float32)
    assert {array.dtype for array in (net.params | net.state).values()} == {np.dtype(np.float32)}
    assert net.forward(np.ones((5, 4), np.float32))[0].dtype == np.float32


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"at least an input and an output, got \[8\]"):
        MLP([8])
    with pytest.raises(
        TypeError, match=r"activation is <class .*ReLU'>, expected a layer such as ReLU\(\)"
    ):
        MLP([8, 7, 5], activation=ReLU)
    with pytest.raises(TypeError, match="activation is 'relu', expected a layer"):
        MLP([8, 7, 5], activation="relu")
    with pytest.raises(TypeError, match=r"norm is BatchNorm\(.*expected a class such as BatchNorm"):
        MLP([8, 7, 5], norm=BatchNorm(7))
    with pytest.raises(ValueError, match=r"out_features must be a whole number .*, got 0"):
        MLP([8, 0, 5])
