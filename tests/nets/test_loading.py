"""Files that are damaged, or made to do damage: each is refused in one sentence."""

import contextlib
import json
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy

from chainrule import layers
from chainrule.layers import (
    AveragePool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool,
    Reshape,
)
from chainrule.layers.recurrent import OneStep
from chainrule.nets import MLP, FileError, Graph, Sequential, load
from chainrule.nets.blueprint import blueprint, settings_of
from chainrule.nets.files import checksum, read_arrays, write_arrays


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
    with pytest.raises(FileError, match=r"damaged or cut short .*(?i:header ?too ?large)"):
        load(file)


def test_a_file_of_somebody_else_is_told_what_it_is(file):
    safetensors.numpy.save_file({"x": np.ones(3)}, file)
    with pytest.raises(FileError, match=r"none that save\(\) wrote: it holds x \(3,\)$"):
        load(file)


def test_a_file_of_pytorch_is_told_how_it_comes_in(file):
    tensors = {f"{k}.{key}": np.ones(3) for k in (0, 2) for key in ("weight", "bias")}
    safetensors.numpy.save_file(tensors, file)
    with pytest.raises(
        FileError, match=r"and 1 more; those are .* PyTorch .*from_torch\(net, path"
    ):
        load(file)


def test_a_file_whose_description_is_gone_is_damaged(file):
    safetensors.numpy.save_file({"x": np.ones(3)}, file, {"checksum": "0"})
    with pytest.raises(FileError, match="damaged: its metadata lack"):
        load(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(FileError, match=r"none\.safetensors: there is no such file"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F4"])
def test_numbers_that_numpy_has_not_are_refused(dtype, file):
    header = json.dumps({"x": {"dtype": dtype, "shape": [0], "data_offsets": [0, 0]}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(FileError, match="a safetensors file"):
        load(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged: its description is no JSON: "),
        ("[" * 100_000, "damaged: its description is no JSON: "),
        (f'{{"format": {"1" * 5000}}}', "damaged: its description is no JSON: "),
        ("[]", "damaged: its format is None, expected a number"),
        ("{}", "damaged: its format is None, expected a number"),
        ('{"format": "1"}', "damaged: its format is '1', expected a number"),
        ('{"format": true}', "damaged: its format is True, expected a number"),
        ('{"format": -1}', "damaged: its format is -1, expected a number"),
        ('{"format": 2}', "newer version of Chainrule, in format 2; this one reads up to format 1"),
    ],
)
def test_a_description_that_is_none_is_refused(text, message, file):
    metadata = {"chainrule": text, "checksum": checksum({}, text)}
    file.write_bytes(safetensors.numpy.save({}, metadata))
    with pytest.raises(FileError, match=rf"net\.safetensors: .*{message}"):
        load(file)


def refused(file, change, message):
    """Asserts that a file is refused in one sentence, once its content is changed."""
    arrays, described = read_arrays(file)
    change(arrays, described["architecture"])
    write_arrays(file, arrays, described)
    with pytest.raises(FileError, match=rf"net\.safetensors: .*{message}") as caught:
        load(file)
    assert "\n" not in str(caught.value)
    assert str(caught.value).encode()


def replaced(at, key, value):
    """A change of one entry of the architecture."""

    def change(_, architecture):
        architecture[at][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _, a: a.clear(), "holds no architecture"),
        (lambda _, a: a[0]["settings"].update(in_features=5), "for 20 numbers, but the file .* 16"),
        (
            lambda _, a: a[0]["settings"].update(in_features=2),
            r"W is .* \(3, 4\), expected .* \(2,",
        ),
        (lambda _, a: a[0]["settings"].update(in_features=-3), "in_features must be a whole"),
        (lambda _, a: a[0]["settings"].update(in_features=3.0), "in_features must be a whole"),
        (lambda _, a: a[0]["settings"].pop("in_features"), "Affine cannot be made: .*in_features"),
        (lambda _, a: a[0]["settings"].update(rng=1), "Affine cannot be made: .* hold rng"),
        (lambda _, a: a[0]["params"].pop("b"), r"its params are \['W', 'b'\], those .* \['W'\]"),
        (lambda a, _: a.pop("params/affine1.W"), r"made: 'params/affine1\.W' is missing"),
        (lambda _, a: a[0]["params"].update(b=["W"]), r"made: .*params/.* is missing"),
        (replaced(0, "layer", "Path"), "has a layer Path, which is not one of the library"),
        (
            replaced(0, "layer", "\n\ud800" * 100_000),
            r"has a layer .{0,300}, which is not one of t",
        ),
        (replaced(0, "layer", "Layer"), "has a layer Layer, which is not one of the library"),
        (replaced(0, "layer", 5), "its architecture is not a list of layers and networks"),
        (replaced(0, "params", [1]), "its architecture is not a list of layers and networks"),
        (lambda _, a: a[0].pop("state"), "its architecture is not a list of layers and networks"),
        (lambda _, a: a.insert(0, 3), "its architecture is not a list of layers and networks"),
        (lambda _, a: a.pop(), "its architecture is not a list of layers and networks"),
        (replaced(0, "layer", "Sequential"), "Sequential cannot be made: .* another kind of layer"),
        (replaced(-1, "layer", "Affine"), "Affine cannot be made: .* another kind of layer"),
        (replaced(-1, "layer", "Graph"), "Graph cannot be made: "),
        (replaced(-1, "parts", {"nodes": []}), "MLP cannot be made: it holds layer 'nodes' of the"),
        (replaced(-1, "parts", 3), "MLP cannot be made: "),
        (replaced(-1, "parts", []), "MLP cannot be made: Sequential: expected at least one layer"),
        (replaced(-1, "parts", [-1]), "MLP cannot be made: it holds layer -1 of the 3 before it"),
        (replaced(-1, "parts", [3]), "MLP cannot be made: it holds layer 3 of the 3 before it"),
        (replaced(-1, "parts", [True]), "MLP cannot be made: it holds layer True of the 3 before"),
        (replaced(-1, "parts", [[0]]), r"MLP cannot be made: it holds layer \[0\] of the 3 before"),
    ],
)
def test_an_architecture_that_does_not_fit_is_refused(change, message, file):
    refused(file, change, message)


@pytest.mark.parametrize("dtype", ["f2", "i8", "?", "f4"])
def test_numbers_of_another_dtype_are_refused(dtype, file):
    def change(arrays, _):
        arrays["params/affine1.W"] = arrays["params/affine1.W"].astype(dtype)

    refused(file, change, "Affine cannot be made: .* expected float32 or float64 for all")


def test_a_layer_of_the_library_has_different_arrays(tmp_path):
    file = tmp_path / "net.safetensors"
    Sequential(BatchNorm(3)).save(file)

    def change(_, architecture):
        architecture[0]["params"]["beta"] = architecture[0]["params"]["gamma"]

    refused(file, change, "BatchNorm cannot be made: two of its arrays are one")


class Mean(Layer):
    def __init__(self):
        super().__init__()
        self.state["mean"] = np.zeros(2)

    def forward(self, x, *, train=True):
        return x - self.state["mean"], None


class Raises(Mean):
    def __init__(self):
        raise AttributeError("it never\nworks")


def test_a_layer_of_ones_own_is_checked_like_any(tmp_path):
    file = tmp_path / "net.safetensors"
    Sequential(Mean()).save(file)
    arrays, described = read_arrays(file)
    write_arrays(file, {"state/mean1.mean": np.zeros(2, np.float32)}, described)
    assert load(file, layers=[Mean]).state["mean1.mean"].dtype == np.float32
    write_arrays(file, {"state/mean1.mean": np.zeros(2, int)}, described)
    with pytest.raises(FileError, match=r"mean1\.mean is int64 \(2,\), expected float64 \(2,\)"):
        load(file, layers=[Mean])
    described["architecture"][0]["layer"] = "Raises"
    write_arrays(file, arrays, described)
    with pytest.raises(FileError, match="Raises cannot be made: it never works"):
        load(file, layers=[Raises])


def graph(file):
    g = Graph()
    g.output(g.input("x") * g.param("w", np.ones(2)))
    g.save(file)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "Graph cannot be made: 'nodes' is missing"),
        ({"nodes": [["x"]], "outputs": ["x"]}, "Graph cannot be made: not enough values"),
        ({"nodes": [["x", None, 3]], "outputs": ["x"]}, "Graph cannot be made: "),
        ({"nodes": [["x", 0, [[]]]], "outputs": ["x"]}, "Graph cannot be made: "),
        ({"nodes": [["x", None, []]], "outputs": [{}]}, "Graph cannot be made: "),
        ({"nodes": [["x", None, []]], "outputs": []}, "Graph cannot be made: "),
        ({"nodes": [[5, None, []]], "outputs": ["x"]}, "a node is called 5, expected a word"),
        ({"nodes": [["x", "0", []]], "outputs": ["x"]}, "it holds layer '0' of the 2 before it"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(parts, message, tmp_path):
    graph(tmp_path / "net.safetensors")
    refused(tmp_path / "net.safetensors", replaced(-1, "parts", parts), message)


@pytest.mark.parametrize("shape", [[3], [-2], [2.0], "2", 2, {"2": 2}, [[2]], [10**30], [None]])
def test_a_parameter_of_another_shape_is_refused(shape, tmp_path):
    graph(tmp_path / "net.safetensors")

    def change(_, architecture):
        (entry,) = [entry for entry in architecture if entry["layer"] == "Parameter"]
        entry["settings"]["shape"] = shape

    refused(tmp_path / "net.safetensors", change, "Parameter cannot be made: ")


# Sizes


@pytest.mark.parametrize("params", [{}, {"W": "affine1.W", "b": "affine1.b"}])
@pytest.mark.parametrize(
    "settings",
    [
        {"in_features": 26, "out_features": 26},  # each below the 26 numbers of the file
        {"in_features": 10**12, "out_features": 10**12},
        {"in_features": 10**400, "out_features": 1},
    ],
)
def test_no_memory_is_asked_for_that_the_file_does_not_fill(settings, params, file):
    def change(_, architecture):
        architecture[0] |= {"settings": settings, "params": params}

    refused(file, change, "its settings are for ")


@pytest.mark.parametrize("none", [0, False, 1e-5])
def test_a_zero_among_the_settings_makes_no_size_smaller(none, tmp_path):
    file = tmp_path / "net.safetensors"
    Sequential(BatchNorm(3)).save(file)

    def change(_, architecture):
        architecture[0]["settings"] = {"features": 10**8, "momentum": none, "eps": none}

    refused(file, change, "its settings are for 100,000,000 numbers, but the file holds 12")


def test_layers_are_few_even_where_a_network_stands_twice_in_each(file):
    def change(_, architecture):
        architecture[-1] = {"layer": "Sequential", "parts": [1]}
        for at in range(2, 42):
            architecture.append({"layer": "Sequential", "parts": [at, at]})

    refused(file, change, "comes to [0-9,]+ layers, counted in each network anew, expected up to 5")


def test_a_network_within_a_network_a_thousand_times_is_refused(file):
    def change(_, architecture):
        for at in range(2, 1002):
            architecture.append({"layer": "Sequential", "parts": [at]})

    refused(file, change, "comes to [0-9,]+ layers, counted in each network anew, expected up to 5")


def test_a_layer_a_million_times_in_a_row_is_refused_at_once(file):
    refused(file, replaced(-1, "parts", [1] * 10**6), "comes to 50,001 layers")


def owners():
    """A layer of each example of the library that has arrays, and each of its whole numbers."""
    for name in layers.__all__:
        cls = getattr(layers, name)
        if not (isinstance(cls, type) and issubclass(cls, Layer)) or cls in (Layer, layers.Loss):
            continue
        if issubclass(cls, OneStep):
            continue  # which Sequential does not take; they are made as the layers over time are
        for what, layer, *_ in cls.examples(np.random.default_rng(0)):
            if layer.params or layer.state:
                for key, value in blueprint(Sequential(layer))[0]["settings"].items():
                    if whole_numbers(value):
                        yield pytest.param(layer, key, id=f"{name}, {what}, {key}")


def whole_numbers(value):
    values = value if isinstance(value, (tuple, list)) else [value]
    return any(type(n) is int for n in values)


@pytest.mark.parametrize(("layer", "key"), list(owners()))
@pytest.mark.parametrize("large", [10**7, [10**4, 10**3], [10**7, 1]])
def test_no_layer_takes_more_memory_than_its_file(layer, key, large, tmp_path):
    file = tmp_path / "net.safetensors"
    Sequential(layer).save(file)
    arrays, described = read_arrays(file)
    described["architecture"][0]["settings"][key] = large
    write_arrays(file, arrays, described)
    tracemalloc.start()
    with contextlib.suppress(FileError):  # a stride of ten million is none of the file's business
        load(file)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1e6


@pytest.mark.parametrize(
    "layer",
    [
        Conv(4, 4, (1, 3), stride=7, pad=(2, 9), groups=4, dilation=(11, 13), bias=False, rng=0),
        Conv(1, 1, 1, stride=1000, rng=0),
        MaxPool(2),
        MaxPool((2, 3), stride=50, pad=(1, 0)),
        AveragePool((4, 1)),
        GlobalAveragePool(),
        Flatten(),
        Reshape((1, 28, 28)),
    ],
)
def test_settings_that_are_no_sizes_of_arrays_come_back_equal(layer, tmp_path):
    file = tmp_path / "net.safetensors"
    Sequential(layer).save(file)
    (again,) = load(file).layers
    assert settings_of(again) == settings_of(layer)
    assert repr(again) == repr(layer)
