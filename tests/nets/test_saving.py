import json

import numpy as np
import pytest
import safetensors.numpy

import layers
from layers import Affine, BatchNorm, Dropout, Layer, PReLU, ReLU, Tanh
from nets import MLP, FileError, Graph, Sequential, load
from nets.files import read_arrays, write_arrays


def bits(arrays):
    return {name: (a.shape, a.dtype, a.tobytes()) for name, a in arrays.items()}


def saved(net, tmp_path, **options):
    net.save(tmp_path / "net.safetensors")
    return load(tmp_path / "net.safetensors", **options)


def library_layers():
    for name in layers.__all__:
        cls = getattr(layers, name)
        if isinstance(cls, type) and issubclass(cls, Layer) and cls not in (Layer, layers.Loss):
            for what, layer, *inputs in cls.examples(np.random.default_rng(2)):
                yield pytest.param(layer, inputs, id=f"{name}, {what}")


@pytest.mark.parametrize(("layer", "inputs"), list(library_layers()))
def test_every_layer_comes_back_as_it_was(layer, inputs, tmp_path):
    g = Graph()
    g.output(layer(*(g.input(f"x{at}") for at in range(len(inputs)))))
    g.forward(*inputs)  # a training pass, so that running statistics are not at their start
    again = saved(g, tmp_path)
    assert repr(again.nodes) == repr(g.nodes)
    assert bits(again.params) == bits(g.params)
    assert bits(again.state) == bits(g.state)
    out, _ = g.forward(*inputs, train=False)
    assert np.array_equal(again.forward(*inputs, train=False)[0], out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_comes_back_bit_for_bit(dtype, tmp_path):
    net = MLP([6, 8, 8, 3], activation=PReLU(), norm=BatchNorm, dropout=0.5, rng=0, dtype=dtype)
    x = np.random.default_rng(0).standard_normal((9, 6)).astype(dtype)
    net.forward(x)
    again = saved(net, tmp_path)
    assert type(again) is Sequential
    assert repr(again.layers) == repr(net.layers)
    assert bits(again.params) == bits(net.params)
    assert bits(again.state) == bits(net.state)
    assert again.forward(x, train=False)[0].tobytes() == net.forward(x, train=False)[0].tobytes()


def test_nested_networks_and_shared_layers_stay_shared(tmp_path):
    shared, inner = Affine(4, 4, rng=0), Sequential(Affine(4, 4, rng=1), Tanh())
    again = saved(Sequential(shared, inner, shared, inner), tmp_path)
    assert again.layers[0] is again.layers[2]
    assert again.layers[1] is again.layers[3]
    assert list(again.params) == [
        "affine1.W",
        "affine1.b",
        "sequential1.affine1.W",
        "sequential1.affine1.b",
    ]


def test_a_tied_array_stays_tied(tmp_path):
    first, second = Affine(4, 4, rng=0), Affine(4, 4, rng=1)
    second.params["W"] = first.params["W"]
    again = saved(Sequential(first, ReLU(), second), tmp_path)
    assert again.layers[0].params["W"] is again.layers[2].params["W"]


def test_a_loaded_network_can_be_trained_on(tmp_path):
    again = saved(MLP([2, 3, 2], rng=0), tmp_path)
    again.params["affine1.W"] -= 1  # read-only arrays would raise
    assert again.layers[0].params["W"] is again.params["affine1.W"]


def test_dropout_draws_from_the_generator_that_load_gets(tmp_path):
    net = Sequential(Dropout(0.5, rng=1))
    x = np.ones(50)
    outs = [saved(net, tmp_path, rng=7).forward(x)[0] for _ in range(2)]
    np.testing.assert_array_equal(*outs)


class Twice(Layer):
    def __init__(self, times):
        super().__init__()
        self.times = times

    def forward(self, x, *, train=True):
        return self.times * x, None

    def backward(self, dout, cache):
        return self.times * dout, {}


def test_a_layer_of_ones_own_is_loaded_where_its_class_is_given(tmp_path):
    net = Sequential(Twice(2.0))
    assert saved(net, tmp_path, layers=[Twice]).forward(3.0)[0] == 6
    with pytest.raises(FileError, match=r"has a layer Twice.*load\(path, layers=\[Twice\]\)"):
        load(tmp_path / "net.safetensors")


def test_a_setting_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"Twice\(times=<object.*cannot be saved: .*JSON"):
        Sequential(Twice(object())).save(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.safetensors"
    MLP([3, 4, 2], rng=0).save(path)
    return path


def test_any_flipped_bit_is_found(file):
    whole = file.read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        file.write_bytes(damaged)
        with pytest.raises(FileError, match="damaged"):
            load(file)


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
def test_a_file_cut_short_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(FileError, match=r"net\.safetensors: not a safetensors file, or damaged"):
        load(file)


def test_a_header_that_claims_ten_gigabytes_is_refused(file):
    file.write_bytes((10 * 2**30).to_bytes(8, "little") + b"{}")
    with pytest.raises(FileError, match=r"damaged or cut short .*header too large"):
        load(file)


def test_a_file_of_somebody_else_is_refused(file):
    safetensors.numpy.save_file({"x": np.ones(3)}, file)
    with pytest.raises(FileError, match="damaged, or not one that Chainrule wrote"):
        load(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(FileError, match="there is no such file"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(FileError, match="not a safetensors file"):
        load(tmp_path)


def changed(file, change):
    arrays, described = read_arrays(file)
    change(arrays, described)
    write_arrays(file, arrays, described)


def test_a_newer_format_is_refused_by_its_number(file):
    changed(file, lambda _, described: described.update(format=2))
    with pytest.raises(FileError, match=r"newer version of Chainrule, in format 2; .* format 1"):
        load(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _, d: d.pop("architecture"), "holds no architecture"),
        (
            lambda _, d: d["architecture"][0]["settings"].update(in_features=10**15),
            "in_features is",
        ),
        (lambda _, d: d["architecture"][0]["settings"].update(in_features=5), "W has shape"),
        (lambda _, d: d["architecture"][0]["settings"].pop("in_features"), "in_features"),
        (lambda _, d: d["architecture"][0]["params"].pop("b"), r"its params are \['W', 'b'\]"),
        (lambda _, d: d["architecture"][0].update(layer="Path"), "has a layer Path"),
        (lambda a, _: a.pop("params/affine1.W"), r"Affine cannot be made: 'params/affine1\.W'"),
    ],
)
def test_an_architecture_that_does_not_fit_is_refused(file, change, message):
    changed(file, change)
    with pytest.raises(FileError, match=message):
        load(file)


def test_the_architecture_is_json_without_code(file):
    _, described = read_arrays(file)
    assert json.loads(json.dumps(described)) == described
    assert described["architecture"][0] == {
        "layer": "Affine",
        "settings": {"in_features": 3, "out_features": 4},
        "params": {"W": "affine1.W", "b": "affine1.b"},
        "state": {},
    }
    assert described["architecture"][-1] == {"layer": "MLP", "parts": [0, 1, 2]}


def test_a_file_that_cannot_be_written_leaves_the_old_one(file, monkeypatch):
    before = file.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nets.files.os.fsync", full)
    with pytest.raises(FileError, match=r"net\.safetensors: cannot be written: No space left"):
        MLP([3, 4, 2], rng=1).save(file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["net.safetensors"]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileError, match=r"no/net\.safetensors: cannot be written: No such file"):
        MLP([3, 4, 2], rng=1).save(tmp_path / "no" / "net.safetensors")


def test_arrays_of_any_layout_come_back(tmp_path):
    arrays = {
        "turned": np.arange(6.0).reshape(2, 3).T,
        "number": np.array(3.0, np.float32),
        "empty": np.zeros((0, 3)),
        "rows": np.arange(5),
    }
    write_arrays(tmp_path / "a", arrays, {"note": [1, None, "x"]})
    again, described = read_arrays(tmp_path / "a")
    assert bits(again) == bits(arrays)
    assert described == {"format": 1, "note": [1, None, "x"]}
