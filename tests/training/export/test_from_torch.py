"""Weights of PyTorch come into a network, or are refused with the reason."""

import re

import numpy as np
import pytest
import safetensors.numpy

from chainrule.layers import (
    Affine,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAveragePool,
    LayerNorm,
    Maxout,
    PReLU,
    ReLU,
    Reshape,
)
from chainrule.nets import MLP, ConvNet, FileError, Residual, ResNet, Sequential
from chainrule.training.export import export, from_torch
from tests.training.export.random_networks import trained


def state(*shapes, names=("0", "2"), seed=0):
    """A state dict of affine layers with drawn tensors."""
    rng = np.random.default_rng(seed)
    return {
        f"{name}.{key}": rng.standard_normal(shape if key == "weight" else shape[:1])
        for name, shape in zip(names, shapes, strict=True)
        for key in ("weight", "bias")
    }


def test_an_affine_layer_takes_the_transpose():
    net = Sequential(Affine(3, 2, rng=0))
    given = {"0.weight": np.arange(6.0).reshape(2, 3), "0.bias": np.array([7.0, 8.0])}
    assert from_torch(net, given) is net
    out, _ = net.forward(np.array([[1.0, 10.0, 100.0]]), train=False)
    assert out.tolist() == [[0 + 10 + 200 + 7, 3 + 40 + 500 + 8]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_computes_the_same_as_the_network_that_it_comes_into(dtype):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(4), nn.PReLU(),
        nn.Conv2d(4, 3, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5),
        nn.LayerNorm(5), nn.ReLU(), nn.Linear(5, 3),
    )  # fmt: skip
    x = torch.randn(8, 2, 8, 8)
    module(x)  # has the batch norm count
    module = module.to(getattr(torch, dtype)).eval()
    kind = {"rng": 0, "dtype": dtype}
    net = Sequential(
        Conv(2, 4, 3, stride=2, pad=1, groups=2, **kind), BatchNorm(4, dtype=dtype),
        PReLU(dtype=dtype), Conv(4, 3, 3, bias=False, **kind), ReLU(), Flatten(),
        Affine(12, 5, **kind), LayerNorm(5, dtype=dtype), ReLU(), Affine(5, 3, **kind),
    )  # fmt: skip
    from_torch(net, module)
    with torch.no_grad():
        expected = module(x.to(getattr(torch, dtype))).numpy()
    out, _ = net.forward(x.numpy().astype(dtype), train=False)
    np.testing.assert_allclose(out, expected, rtol=0, atol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: MLP([4, 6, 3], norm=BatchNorm, rng=seed),
        lambda seed: MLP([4, 6, 3], activation=None, affine=Maxout, rng=seed),
        lambda seed: ConvNet((1, 2, 2), 3, channels=(2,), hidden=(), rng=seed),
        lambda seed: ResNet((1, 2, 2), 3, channels=(2, 3), rng=seed),
        lambda seed: Sequential(
            Reshape((1, 2, 2)),
            Residual(Conv(1, 3, 1, rng=seed), Conv(1, 3, 1, rng=seed)),
            GlobalAveragePool(),
        ),
    ],
    ids=["batchnorm", "maxout", "convnet", "resnet", "residual"],
)
def test_what_was_exported_comes_back_bit_for_bit(make, tmp_path):
    run = trained(make(0), (4,), 3)
    export(run, "torch", tmp_path / "net.py")
    net = make(1)
    with pytest.warns(UserWarning, match="rows that are standardised"):
        from_torch(net, tmp_path / "net.safetensors")
    for kind in ("params", "state"):
        for name, array in getattr(run.model.net, kind).items():
            assert getattr(net, kind)[name].tobytes() == array.tobytes(), name


def test_layers_of_ten_and_more_stand_in_the_order_of_their_numbers(tmp_path):
    shapes = [(2, 2)] * 12
    given = state(*shapes, names=[str(k) for k in range(12)])
    safetensors.numpy.save_file(given, tmp_path / "net.safetensors")
    net = from_torch(MLP([2] * 13, rng=0), tmp_path / "net.safetensors")
    for k in range(12):
        assert (net.params[f"affine{k + 1}.W"] == given[f"{k}.weight"].T).all()


def test_names_say_which_layer_is_which():
    given = state((2, 2), (2, 2), names=("last", "first"))
    net = MLP([2, 2, 2], rng=0)
    with pytest.raises(ValueError, match=r"cannot tell .* theirs are last, first, ours affine1, a"):
        from_torch(net, given)
    from_torch(net, given, names={"first": "affine1", "last": "affine2"})
    assert (net.params["affine1.W"] == given["first.weight"].T).all()
    with pytest.raises(ValueError, match="names has to name each layer once"):
        from_torch(net, given, names={"first": "affine1"})


def changed(change):
    given = state((3, 4), (2, 3))
    change(given)
    return given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (changed(lambda s: s.pop("2.bias")), "2.bias is missing, expected it for affine2.b"),
        (changed(lambda s: s.update({"2.extra": np.ones(1)})), "2.extra has no place"),
        (
            changed(lambda s: s.update({"0.weight": np.ones((4, 3))})),
            "0.weight has shape (4, 3), expected (3, 4) for affine1.W",
        ),
        (3, "3 is a int, expected a module, a state dict, or the path"),
    ],
    ids=["missing", "left over", "shape", "no state dict"],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(given, message):
    net = MLP([4, 3, 2], rng=0)
    before = {name: array.copy() for name, array in net.params.items()}
    with pytest.raises(ValueError, match=re.escape(message)):
        from_torch(net, given)
    assert all((net.params[name] == array).all() for name, array in before.items())


def test_digits_are_not_dropped_in_silence():
    with pytest.raises(ValueError, match=r"dtype float64, and affine1.W has float32, .*astype"):
        from_torch(MLP([4, 3, 2], rng=0, dtype="float32"), state((3, 4), (2, 3)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 as torch.save writes"])
def test_a_file_that_is_none_is_refused(content, tmp_path):
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(FileError, match=r"net\.pt: not a safetensors file"):
        from_torch(MLP([4, 2], rng=0), tmp_path / "net.pt")
    with pytest.raises(FileError, match=r"none: "):
        from_torch(MLP([4, 2], rng=0), tmp_path / "none")
