import numpy as np
import pytest

from chainrule.layers import Affine, BatchNorm, Dropout, ReLU, Tanh
from chainrule.nets import MLP, Classifier, Graph, Sequential
from chainrule.pictures import gradient_flow
from chainrule.pictures.flow import flow_of

X = np.random.default_rng(0).standard_normal((40, 6))
Y = np.arange(40) % 3


def medians(axes):
    """The line through the middles of the columns."""
    return axes.lines[0].get_ydata()


def scaled(*factors):
    """Layers that multiply by a factor each."""
    layers = [Affine(6, 6) for _ in factors]
    for layer, factor in zip(layers, factors, strict=True):
        layer.params["W"][...] = factor * np.eye(6)
    return Sequential(*layers)


def test_outputs_and_gradients_are_those_of_each_layer():
    net = scaled(2, 3, 5)
    flow = flow_of(net, X, None, np.ones((40, 6)))
    for found, factor in zip(flow.outputs, (2, 6, 30), strict=True):
        np.testing.assert_allclose(found, factor * X)
    for found, factor in zip(flow.gradients, (15, 5, 1), strict=True):
        np.testing.assert_allclose(found, factor)
    assert flow.names == ["affine1", "affine2", "affine3"]


def test_a_gradient_that_vanishes_sinks_by_powers_of_ten():
    outputs, gradients = (
        gradient_flow(scaled(0.1, 0.1, 0.1), X, dout=np.ones((40, 6))).figure().axes
    )
    np.testing.assert_allclose(medians(gradients), [-2, -1, 0], atol=1e-12)
    np.testing.assert_allclose(medians(outputs), np.median(X) * np.array([0.1, 0.01, 0.001]))
    assert [label.get_text() for label in gradients.get_xticklabels()] == [
        "affine1", "affine2", "affine3",
    ]  # fmt: skip


def test_columns_are_histograms():
    axes, _ = gradient_flow(scaled(1), X, dout=X).figure().axes
    (patch,) = axes.patches
    values, edges, left = patch.get_data()
    counts = np.histogram(X.clip(*axes.get_ylim()), edges)[0]
    np.testing.assert_allclose(values - left, 2 * 0.44 * counts / counts.max())


def test_with_a_model_the_gradient_is_that_of_its_loss():
    net = Sequential(Affine(6, 3, rng=0))
    flow = flow_of(Classifier(net), X, Y, None)
    scores = net.forward(X)[0]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(flow.gradients[0], (p - np.eye(3)[Y]) / 40)


def test_the_network_its_state_and_its_random_numbers_stay_as_they_are():
    net = MLP([6, 8, 3], norm=BatchNorm, keep=0.5, rng=0)
    dropout = next(layer for layer in net.layers if isinstance(layer, Dropout))

    def everything():
        arrays = {name: a.tobytes() for name, a in {**net.params, **net.state}.items()}
        return arrays, dropout.rng.bit_generator.state

    before = everything()
    gradient_flow(Classifier(net), X, Y).png()
    assert everything() == before


def test_the_passes_are_those_of_training():
    net = Sequential(BatchNorm(6))
    flow = flow_of(net, 100 + X, None, X)
    np.testing.assert_allclose(flow.outputs[0].mean(axis=0), 0, atol=1e-9)


def test_zeros_are_left_out_and_a_column_of_zeros_alone_says_so():
    dead = Sequential(Affine(6, 4, rng=0), ReLU(), Affine(4, 3, rng=0))
    dead.params["affine1.b"][...] = -100
    _, gradients = gradient_flow(Classifier(dead), X, Y).figure().axes
    assert np.isnan(medians(gradients)).tolist() == [True, False, False]
    assert [(text.get_text(), text.get_position()[0]) for text in gradients.texts] == [("0", 0)]


def test_several_networks_stand_below_one_another_on_one_scale():
    nets = {"small": scaled(0.01, 0.01), "large": scaled(10, 10)}
    axes = gradient_flow(nets, X, dout=np.ones((40, 6))).figure().axes
    titles = [one.get_title() for one in axes]
    assert titles == [
        "small: outputs",
        "small: |gradients|",
        "large: outputs",
        "large: |gradients|",
    ]
    assert axes[1].get_ylim() == axes[3].get_ylim() == (-3, 2)
    assert axes[0].get_ylim() != axes[2].get_ylim()


def test_of_many_layers_some_are_named():
    net = Sequential(*[layer for _ in range(30) for layer in (Affine(6, 6, rng=0), Tanh())])
    _, axes = gradient_flow(net, X, dout=X).figure().axes
    assert len(axes.patches) == 60
    assert [label.get_text() for label in axes.get_xticklabels()][:2] == ["affine1", "tanh2"]


def test_numbers_that_are_not_finite_are_left_out():
    net = scaled(1e200, 1e200)
    with np.errstate(all="ignore"):
        assert gradient_flow(net, X, dout=np.ones((40, 6))).png()


GRAPH = Graph()
GRAPH.output(Tanh()(GRAPH.input("x")))


@pytest.mark.parametrize(
    ("error", "said", "net", "others"),
    [
        (ValueError, "expected one of y, for a model, and dout", scaled(1), {}),
        (ValueError, "expected one of y", Classifier(scaled(1)), {"y": Y, "dout": X}),
        (ValueError, "y is given for a network, expected a model", scaled(1), {"y": Y}),
        (TypeError, r"found Graph.* expected a Sequential", GRAPH, {"dout": X}),
        (TypeError, r"found Graph.* expected a Sequential", Classifier(GRAPH), {"y": Y}),
        (TypeError, r"found Tanh.* expected a Sequential", {"a": Tanh()}, {"dout": X}),
        (ValueError, "dout has shape", scaled(1, 1), {"dout": np.ones((40, 5))}),
    ],
)
def test_what_makes_no_sense_is_refused(error, said, net, others):
    with pytest.raises(error, match=said):
        gradient_flow(net, X, **others)
