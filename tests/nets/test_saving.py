import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from chainrule import layers
from chainrule.layers import Affine, BatchNorm, Dropout, Layer, PReLU, ReLU, Tanh
from chainrule.nets import MLP, FileError, Graph, Sequential, circuits, load
from chainrule.nets.files import read_arrays, write_arrays, write_file

not_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


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
    node = layer(*(g.input(f"x{at}") for at in range(len(inputs))))
    g.output(node[0] if isinstance(layer.forward(*inputs)[0], tuple) else node)
    g.forward(*inputs)  # a training pass, so that running statistics are not at their start
    again = saved(g, tmp_path)
    assert repr(again.nodes) == repr(g.nodes)
    assert bits(again.params) == bits(g.params)
    assert bits(again.state) == bits(g.state)
    out, _ = g.forward(*inputs, train=False)
    assert np.array_equal(again.forward(*inputs, train=False)[0], out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_comes_back_bit_for_bit(dtype, tmp_path):
    net = MLP([6, 8, 8, 3], activation=PReLU(), norm=BatchNorm, keep=0.5, rng=0, dtype=dtype)
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


def test_no_weights_are_drawn_for_a_network_that_has_some(tmp_path):
    rng = np.random.default_rng(3)
    saved(MLP([3, 4, 2], affine=layers.Maxout, activation=None, keep=0.5), tmp_path, rng=rng)
    assert rng.random() == np.random.default_rng(3).random()


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


def test_settings_of_a_layer_of_ones_own_may_be_larger_than_the_file(tmp_path):
    again = saved(Sequential(Affine(2, 2), Twice(10**6)), tmp_path, layers=[Twice])
    assert again.layers[1].times == 10**6


def test_a_layer_of_ones_own_is_not_taken_for_that_of_the_library(tmp_path):
    own = type("Affine", (Affine,), {"__module__": "__main__"})
    net, theirs = Sequential(own(2, 2, rng=0)), Sequential(Affine(2, 2, rng=0))
    assert type(saved(net, tmp_path, layers=[own]).layers[0]) is own
    assert type(saved(theirs, tmp_path, layers=[own]).layers[0]) is Affine
    message = r"a layer Affine of __main__, which is not one of the library; if it is yours, write"
    with pytest.raises(FileError, match=message):
        saved(net, tmp_path)


def test_an_older_file_does_not_say_whose_a_layer_is(tmp_path):
    path = tmp_path / "net.safetensors"
    Sequential(Twice(2.0)).save(path)
    arrays, described = read_arrays(path)
    del described["architecture"][0]["module"]
    write_arrays(path, arrays, described)
    assert load(path, layers=[Twice]).forward(3.0)[0] == 6


class Counts(Layer):
    """Keeps one array as a parameter and as state, and another as state alone."""

    def __init__(self):
        super().__init__()
        self.params["level"] = self.state["seen"] = np.zeros(2)
        self.state["count"] = np.array(7)

    def forward(self, x, *, train=True):
        return x, None


def test_an_array_that_is_parameter_and_state_keeps_both_names(tmp_path):
    net = Sequential(Counts(), Counts())
    net.params["counts2.level"][...] = 5
    again = saved(net, tmp_path, layers=[Counts])
    assert bits(again.params) == bits(net.params)
    assert bits(again.state) == bits(net.state)


def test_a_setting_that_json_cannot_hold_is_refused(tmp_path):
    circular: list = []
    circular.append(circular)
    for setting in (object(), circular):
        with pytest.raises(TypeError, match=r"Twice\(times=.*cannot be saved: "):
            Sequential(Twice(setting)).save(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_unfinished_graph_is_not_saved_nor_a_network_with_one(tmp_path):
    g = Graph()
    g.input("x")
    for net in (g, Sequential(g)):
        with pytest.raises(RuntimeError, match=r"not finished, so it cannot be saved; name its ou"):
            net.save(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (lambda net: net.layers[0].params, r"BatchNorm.*params\['gamma'\] was replaced after"),
        (lambda net: net.layers[0].state, r"BatchNorm.*state\['running_mean'\] was replaced"),
        (lambda net: net.layers[1].layers[0].params, r"Affine.*params\['W'\] was replaced after"),
        (lambda net: net.params, r"BatchNorm.*params\['gamma'\] was replaced after"),
    ],
)
def test_a_network_with_an_array_that_was_replaced_is_not_saved(replace, message, tmp_path):
    net = Sequential(BatchNorm(3), Sequential(Affine(3, 3, rng=0)))
    arrays = replace(net)
    key, array = next(iter(arrays.items()))
    arrays[key] = array.copy()
    with pytest.raises(RuntimeError, match=message):
        net.save(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_two_parameters_that_changed_places_are_not_saved(tmp_path):
    net = Sequential(BatchNorm(3))
    gamma, beta = net.params.values()
    net.params.update({"batchnorm1.gamma": beta, "batchnorm1.beta": gamma})
    with pytest.raises(RuntimeError, match=r"batchnorm1\.gamma was replaced"):
        net.save(tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def nested(depth, *, times):
    net = Sequential(Tanh())
    for _ in range(depth):
        net = Sequential(*times * [net])
    return net


def test_deep_networks_are_saved_as_far_as_they_can_be_loaded(tmp_path):
    deep = saved(nested(200, times=1), tmp_path)
    assert deep.forward(np.ones(2))[0][0] == np.tanh(1.0)
    with pytest.raises(ValueError, match=r"comes to \d[\d,]* layers, .* expected up to 50,000"):
        nested(40, times=2).save(tmp_path / "wide.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.safetensors"
    MLP([3, 4, 2], rng=0).save(path)
    return path


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

    monkeypatch.setattr("chainrule.nets.files.os.fsync", full)
    with pytest.raises(FileError, match=r"net\.safetensors: cannot be written: No space left"):
        MLP([3, 4, 2], rng=1).save(file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["net.safetensors"]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileError, match=r"no/net\.safetensors: cannot be written: No such file"):
        MLP([3, 4, 2], rng=1).save(tmp_path / "no" / "net.safetensors")


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(file, tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "folder" / "link"
    for written in (file, target):  # one that is there, and one that is not
        link.unlink(missing_ok=True)
        link.symlink_to(written)
        write_file(link, b"new")
        assert link.is_symlink()
        assert written.read_bytes() == b"new"
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["link", "target"]


@not_on_windows
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_permissions(file, mode):
    file.chmod(mode)
    MLP([3, 4, 2], rng=1).save(file)
    assert stat.S_IMODE(file.stat().st_mode) == mode


@not_on_windows
@pytest.mark.parametrize("work", [MLP([3, 4, 2]).save, load, circuits.sum_times()[0].draw().save])
def test_a_pipe_is_left_alone(work, tmp_path):
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    with pytest.raises(FileError, match=r"pipe\.svg: cannot be (written|read): It is a pipe, a s"):
        work(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.svg"]


@pytest.mark.parametrize(
    "name", ["", ".", os.sep, "folder", "folder/", "a\0b", "\ud800", "x" * 999]
)
@pytest.mark.parametrize("work", [MLP([3, 4, 2]).save, load])
def test_what_cannot_be_a_file_is_one_sentence(work, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match=r"cannot be (read|written|the name of a file): [^\n]+$"):
        work(name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("ä" * 100 + "x" * 55)
    MLP([3, 4, 2]).save(path)
    assert load(path).params
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_write_one_file_leave_one_of_their_contents(tmp_path):
    contents = [bytes([n]) * 100_000 for n in range(8)]
    problems = []

    def write(content):
        try:
            for _ in range(10):
                write_file(tmp_path / "file", content)
                assert (tmp_path / "file").read_bytes() in contents
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


WAITS = """
import os, sys, time
from chainrule.nets.files import write_file

os.fsync = lambda _: time.sleep(60)
write_file(sys.argv[1], b"new")
"""


@not_on_windows
def test_what_a_killed_process_leaves_is_cleared_away_and_a_living_one_is_not_disturbed(tmp_path):
    path = tmp_path / "file"
    write_file(path, b"old")
    process = subprocess.Popen([sys.executable, "-c", WAITS, str(path)])
    try:
        while len([*tmp_path.iterdir()]) == 1:
            time.sleep(0.01)
        write_file(path, b"another")
        assert len([*tmp_path.glob(f".file.{process.pid}-*.tmp")]) == 1
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len([*tmp_path.iterdir()]) == 2
    mine = [tmp_path / name for name in (".file.x-1.tmp", "file.1-1.tmp", ".filed.999999999-1.tmp")]
    for other in mine:
        other.write_text("mine")
    write_file(path, b"new")
    assert {*tmp_path.iterdir()} == {path, *mine}
    assert path.read_bytes() == b"new"


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


class Own(Layer):
    def __init__(self, W=None):
        super().__init__()
        self.state["W"] = np.zeros(3) if W is None else W

    def forward(self, x, *, train=True):
        return x, None


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i2", ">u8", "<f8", "?", "i1"])
def test_numbers_in_any_byte_order_come_back(dtype, tmp_path):
    W = np.arange(3).astype(dtype)
    Sequential(Own(W)).save(tmp_path / "net")
    arrays, _ = read_arrays(tmp_path / "net")
    assert arrays["state/own1.W"].tolist() == W.tolist()
    assert arrays["state/own1.W"].dtype == W.dtype.newbyteorder("=")


@pytest.mark.parametrize(
    "W",
    [np.ones(3, complex), np.array([None, 1]), np.array(["a"]), np.ones(2, "longdouble"),
     np.zeros(2, "M8[s]"), np.zeros(2, [("a", "f8")]), [1.0], 2.0],
    ids=lambda W: str(getattr(W, "dtype", W)),
)  # fmt: skip
def test_what_a_file_cannot_hold_is_refused_and_the_old_file_stays(W, tmp_path):
    Sequential(Own()).save(tmp_path / "net")
    before = (tmp_path / "net").read_bytes()
    with pytest.raises(
        TypeError, match=r"state/own1\.W.* is a.*, expected an array|file cannot hold"
    ):
        Sequential(Own(W)).save(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == before
