"""What is exported computes what the run predicts, in every target."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from chainrule import layers
from chainrule.data.encoding import Encoding
from chainrule.data.frame import rows_of_frame
from chainrule.layers import (
    Add,
    Affine,
    BatchNorm,
    Concatenate,
    Flatten,
    Layer,
    Loss,
    MatMul,
    Max,
    Min,
    Multiply,
    ReLU,
    Reshape,
    Scale,
    Softplus,
    Subtract,
    Sum,
    Tanh,
)
from chainrule.nets import MLP, Graph, LeNet5, Sequential
from chainrule.training.export import export
from chainrule.training.export.exporting import TARGETS
from chainrule.training.export.frame import Frame, cells_of, with_gaps
from chainrule.training.export.steps import named, plan_of
from tests.training.export.random_networks import (
    ACTIVATIONS,
    image_nets,
    mlps,
    predicting,
    rows_for,
    tables,
    trained,
)

ULPS = 256  # of the largest score, or of 1
few = settings(
    max_examples=8, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(params=TARGETS)
def to(request):
    """Each target that there is a program for on this machine."""
    if request.param == "c":
        if not shutil.which("cc"):
            pytest.skip("no C compiler")
    elif request.param != "numpy":
        pytest.importorskip({"onnx": "onnxruntime", "torch": "torch"}[request.param])
    if request.param == "onnx":
        pytest.importorskip("onnx")
    return request.param


def outcome(run, to, folder, rows):
    """What the files of a target give for rows, or for a table, and the classes that they name."""
    plan, target = plan_of(run), TARGETS[to]
    paths = [folder / f"model{suffix}" for suffix in target.SUFFIXES]
    for path, content in zip(paths, target.write(plan, "model").values(), strict=True):
        path.write_bytes(content)
    return target.run(paths, plan, rows)


def agree(run, to, folder):
    rows = rows_for(run)
    compare(run, to, outcome(run, to, folder, rows), rows)


def compare(run, to, found, rows):
    """What a target found for rows is what the run predicts of them."""
    out, classes = found
    scores = run.model.outputs(run.standardiser.transform(rows).astype(run.dtype))
    eps = np.finfo(np.float32 if to == "onnx" else run.dtype).eps
    if run.targets:
        unit, expected = run.target_standardiser.std, run.predict(rows).reshape(len(rows), -1)
        most = ULPS * eps * max(1, abs(scores).max()) + 4 * np.spacing(abs(expected) / unit)
        assert (abs(out - expected) / unit <= most).all()
        return
    names, expected = run.predict(rows)
    assert classes.tolist() == names.tolist()
    assert abs(out - expected).max() <= ULPS * eps * max(1, abs(scores).max())


@few
@given(run=mlps())
def test_networks_of_rows_compute_the_same(to, tmp_path_factory, run):
    agree(run, to, tmp_path_factory.mktemp("export"))


@few
@given(run=image_nets())
def test_networks_of_images_compute_the_same(to, tmp_path_factory, run):
    agree(run, to, tmp_path_factory.mktemp("export"))


def test_every_activation_computes_the_same(to, tmp_path):
    layers = [one.astype(np.float32) for one in ACTIVATIONS]
    net = Sequential(
        *(part for one in layers for part in (one, Affine(6, 6, rng=0, dtype=np.float32)))
    )
    agree(trained(net, (6,), 6), to, tmp_path)


def test_a_layer_that_stands_in_two_places_and_networks_in_networks(to, tmp_path):
    shared = Affine(4, 4, rng=0)
    net = Sequential(shared, Sequential(Tanh(), shared), Affine(4, 3, rng=1))
    agree(trained(net, (4,), 3), to, tmp_path)


def test_a_graph_whose_nodes_are_called_like_words_of_python_and_c(to, tmp_path):
    g = Graph()
    x = g.input("x")
    a = g.add("for", Affine(4, 3, rng=0), x)
    b = g.add("affine", Reshape((3,)), a)
    g.output(g.add("1 + 2", Add(), b, g.add("double", ReLU(), a)))
    agree(trained(g, (4,), 3), to, tmp_path)


def test_a_graph_whose_ways_are_joined_by_every_gate(to, tmp_path):
    g = Graph()
    x = g.input("x")
    a, b = (g.add(None, Affine(4, 6, rng=k), x) for k in range(2))
    joined = [g.add(None, gate, a, b) for gate in (Add(), Max(), Min(), Multiply(), Subtract())]
    both = g.add(None, Concatenate(), *joined)
    images = g.add(None, Reshape((5, 2, 3)), both)
    twice = g.add(None, Concatenate(), images, g.add(None, Tanh(), images))
    g.output(g.add(None, Affine(60, 3, rng=2), twice))
    agree(trained(g, (4,), 3), to, tmp_path)


@few
@given(run=tables())
def test_tables_of_words_and_gaps_become_the_same_features(to, tmp_path_factory, run):
    encoding = named(run.encoding)
    table = with_gaps(encoding, cells_of(encoding, rows_for(run)))
    for word in encoding.na:
        table[encoding.names[0]][-1] = word
    rows, _ = rows_of_frame("table", table, encoding)
    compare(run, to, outcome(run, to, tmp_path_factory.mktemp("export"), table), rows)


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_predicted_in_their_unit(targets, dtype, to, tmp_path):
    agree(predicting(MLP([3, 8, targets], rng=0, dtype=dtype), (3,), targets), to, tmp_path)


def test_a_missing_cell_is_refused_where_training_refused_it(to, tmp_path):
    encoding = Encoding(("age", "city"), (None, ("Rome", "Oslo")), fill=(0.5, 0.5, 0.5))
    run = replace(trained(MLP([3, 2], rng=0), (3,), 2), encoding=encoding)
    for cells in ({"age": ["1", ""], "city": ["Rome", "Oslo"]},
                  {"age": ["1", "2"], "city": ["Rome", "n/a"]}):  # fmt: skip
        if to == "onnx":
            out, classes = outcome(run, to, tmp_path, Frame(cells))
            assert classes[1] == ""
            assert np.isnan(out).any(axis=1).tolist() == [False, True]
        else:
            with pytest.raises(ValueError, match=r"missing|expected a row of 2 cells"):
                outcome(run, to, tmp_path, Frame(cells))


LAYERS = [one for name in layers.__all__ if isinstance(one := getattr(layers, name), type)]
SEQUENCES = {  # of which no run is trained yet
    *(layers.Attention, layers.Embedding, layers.GRU, layers.GRUStep, layers.LSTM, layers.LSTMStep),
    *(layers.Last, layers.Linear, layers.MeanOverTime, layers.MultiHeadAttention, layers.RNN),
    *(layers.PatchEmbedding, layers.PositionalEmbedding, layers.PositionalEncoding, layers.RMSNorm),
    *(layers.RNNStep, layers.RotaryEncoding),
}
LEFT_OUT = SEQUENCES | {MatMul, Sum, Concatenate}  # the latter are tested with gates, or mix rows


@pytest.mark.parametrize(
    "kind",
    [
        one
        for one in LAYERS
        if issubclass(one, Layer) and one is not Layer and not issubclass(one, Loss)
        and one not in LEFT_OUT
    ],
)  # fmt: skip
def test_every_layer_computes_the_same(kind, to, tmp_path):
    rng = np.random.default_rng(0)
    for _, layer, *inputs in kind.examples(rng):
        shapes = {one.shape[1:] for one in inputs if one.ndim > 1}
        if len(shapes) > 1 or any(one.ndim < 2 for one in inputs):
            continue  # what is joined in other ways than example by example
        (shape,) = shapes
        ones = [np.ones((1, *shape)) for _ in inputs]
        size = layer.forward(*ones, train=False)[0].size
        g = Graph()
        x = g.add("positive", Softplus(), g.input("x"))
        more = [g.add(f"more{k}", Scale(k), x) for k in range(2, len(inputs) + 1)]
        out = g.add("layer", layer, x, *more)
        g.output(g.add("affine", Affine(size, 3, rng=1), g.add("flat", Flatten(), out)))
        agree(trained(g, shape, 3), to, tmp_path)
        return
    pytest.fail(f"{kind.__name__}.examples has none of one shape")


def test_in_c_gates_join_values_of_one_shape_alone():
    g = Graph()
    x = g.input("x")
    a, b = (g.add(None, Affine(4, size, rng=0), x) for size in (3, 1))
    g.output(g.add(None, Add(), a, b))
    with pytest.raises(ValueError, match=r"--to c: Add\(\) joins rows of \(\(3,\), \(1,\)\)"):
        TARGETS["c"].write(plan_of(trained(g, (4,), 3)), "model")


def test_a_time_of_unix_keeps_its_seconds(to, tmp_path):
    """In float32 numbers around 1.7e9 lie 128 apart, so that these rows would all be the same."""
    run = trained(MLP([1, 2], rng=0, dtype="float32"), (1,), 2)
    run.standardiser.mean[...], run.standardiser.std[...] = 1.7e9, 10
    rows = 1.7e9 + np.arange(-20.0, 20)[:, np.newaxis]
    out, _ = outcome(run, to, tmp_path, rows)
    assert len(np.unique(out[:, 0])) == 40
    agree(run, to, tmp_path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_no_class(bad, to, tmp_path):
    run = trained(MLP([3, 4, 2], rng=0, dtype="float32"), (3,), 2)
    rows = rows_for(run)
    rows[1, 2] = bad
    if to == "onnx":
        out, classes = outcome(run, to, tmp_path, rows)
        assert classes[1] == ""
        assert np.isnan(out[1]).all()
        assert set(np.delete(classes, 1)) <= set(run.classes)
    else:
        with pytest.raises(ValueError, match="finite"):
            outcome(run, to, tmp_path, rows)


def test_the_file_of_numpy_stands_alone_and_is_short(tmp_path):
    run = trained(LeNet5((1, 12, 12), 3, norm=BatchNorm, rng=0, dtype="float32"), (144,), 3)
    export(run, "numpy", tmp_path / "alone.py")
    assert len((tmp_path / "alone.py").read_text().splitlines()) < 100
    rows = rows_for(run, 3)
    code = (
        "import json, sys, alone\n"
        "print(json.dumps([alone.predict(json.load(sys.stdin)), 'chainrule' in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=str(rows.tolist()), cwd=tmp_path, text=True,
        capture_output=True, check=True, encoding="utf-8",
    )  # fmt: skip
    assert json.loads(done.stdout) == [run.predict(rows)[0].tolist(), False]


def test_the_same_run_gives_the_same_bytes(to):
    run = trained(MLP([3, 4, 2], rng=0), (3,), 2)
    assert TARGETS[to].write(plan_of(run), "a") == TARGETS[to].write(plan_of(run), "a")


def test_a_layer_that_a_target_does_not_know_is_named(to):
    class Mine(ReLU):
        def forward(self, x, *, train=True):
            return super().forward(x, train=train)

    run = trained(Sequential(Affine(2, 2, rng=0), Mine()), (2,), 2)
    with pytest.raises(
        ValueError, match=rf"--to {to}: Mine\(\) is a Mine, which cannot be written"
    ):
        TARGETS[to].write(plan_of(run), "model")


def test_a_layer_of_ones_own_with_another_forward_pass_is_not_taken_for_its_parent(to):
    class Twice(Affine):
        def forward(self, x, *, train=True):
            out, cache = super().forward(x, train=train)
            return 2 * out, cache

    class Renamed(Affine):
        pass

    with pytest.raises(ValueError, match="is a Twice, which"):
        TARGETS[to].write(plan_of(trained(Sequential(Twice(2, 2, rng=0)), (2,), 2)), "model")
    TARGETS[to].write(plan_of(trained(Sequential(Renamed(2, 2, rng=0)), (2,), 2)), "model")
