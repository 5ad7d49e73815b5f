"""The contract of a layer, point by point, on every example of every layer and network."""

import copy
import re
import warnings

import numpy as np
import pytest

from chainrule import layers, nets
from chainrule.gradcheck import check


def classes(package):
    exported = (getattr(package, name) for name in package.__all__)
    bases = (layers.Layer, layers.Loss)
    return [
        cls
        for cls in exported
        if isinstance(cls, type) and issubclass(cls, layers.Layer) and cls not in bases
    ]


def examples():
    for cls in classes(layers) + classes(nets):
        for name, layer, *inputs in cls.examples(np.random.default_rng(5)):
            yield pytest.param(layer, inputs, id=f"{cls.__name__}, {name}")


every_example = pytest.mark.parametrize(("layer", "inputs"), list(examples()))
both_passes = pytest.mark.parametrize("train", [True, False], ids=["training", "inference"])


@pytest.fixture(autouse=True)
def _floating_point_trouble_is_an_error():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def has_targets(layer, inputs):
    return len(differentiable(layer, inputs)) < len(inputs)


def gradients(layer, inputs, train=True, dout=None):
    """Runs a fresh copy of the layer; returns (out, list of input gradients, grads)."""
    layer = copy.deepcopy(layer)
    out, cache = layer.forward(*inputs, train=train)
    dx, grads = layer.backward(like(out, several(out)[0].dtype) if dout is None else dout, cache)
    return out, several(dx), grads


def like(out, dtype=np.float64):
    """A gradient for an output, or one for each of several."""
    rng = np.random.default_rng(1)
    return each(lambda one: np.asarray(rng.standard_normal(np.shape(one)), dtype), out)


def each(function, out):
    """What a function makes of an output, or of each of several."""
    return tuple(map(function, out)) if isinstance(out, tuple) else function(out)


def several(out):
    """The outputs, or the gradients, of which there may be one."""
    return list(out) if isinstance(out, tuple) else [out]


def differentiable(layer, inputs):
    return inputs[: layer.differentiable]


def cast(inputs, dtype):
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in map(np.asarray, inputs)]


def assert_same(results, others):
    out, dxs, grads = results
    other_out, other_dxs, other_grads = others
    for one, other in zip(several(out), several(other_out), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    for dx, other in zip(dxs, other_dxs, strict=True):
        np.testing.assert_allclose(dx, other, rtol=1e-12, atol=1e-13)
    assert grads.keys() == other_grads.keys()
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, other_grads[name], rtol=1e-12, atol=1e-13)


def snapshot(*trees):
    """The bytes of every array found in nested tuples, lists and dicts."""
    found = []
    pending = list(trees)
    while pending:
        tree = pending.pop()
        if isinstance(tree, np.ndarray):
            found.append((tree.shape, tree.dtype, tree.tobytes()))
        elif isinstance(tree, dict):
            pending.extend(tree.values())
        elif isinstance(tree, (tuple, list)):
            pending.extend(tree)
    return found


def test_every_exported_layer_has_examples():
    assert len(classes(layers)) >= 30
    for cls in classes(layers) + classes(nets):
        names = [name for name, *_ in cls.examples(np.random.default_rng(0))]
        assert names
        assert len(set(names)) == len(names), cls


def test_every_layer_has_a_file_a_docstring_with_its_formulas_and_a_test_file(request):
    for cls in classes(layers):
        module = cls.__module__.removeprefix("chainrule.layers.")
        assert (request.config.rootpath / f"tests/layers/test_{module}.py").exists(), cls
        assert re.search(r"(out|loss)(_j)? = ", cls.__doc__), cls
        assert re.search(r"\bd(x|a|p|s_nj|scores|outputs) = ", cls.__doc__), cls


@every_example
def test_the_gradient_checker_finds_nothing_wrong(layer, inputs):
    report = check(layer, *inputs, seed=3, strict=True)
    assert report, str(report)
    assert report.probes["reference"].outcome != "failed"


@every_example
@both_passes
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_have_the_shapes_dtypes_and_keys_of_what_they_belong_to(
    layer, inputs, train, dtype
):
    layer, inputs = layer.astype(dtype), cast(inputs, dtype)
    out, dxs, grads = gradients(layer, inputs, train)
    assert all(one.dtype == dtype for one in several(out))
    owed = differentiable(layer, inputs)
    assert [(dx.shape, dx.dtype) for dx in dxs] == [(x.shape, x.dtype) for x in owed]
    assert {name: (grad.shape, grad.dtype) for name, grad in grads.items()} == {
        name: (array.shape, array.dtype) for name, array in layer.params.items()
    }


@every_example
@both_passes
def test_float32_agrees_with_float64(layer, inputs, train):
    rounded = cast(cast(inputs, np.float32), np.float64)
    layer = layer.astype(np.float32).astype(np.float64)
    want_out, want_dxs, want_grads = gradients(layer, rounded, train)
    dout = like(want_out, np.float32)
    _, want_dxs, want_grads = gradients(layer, rounded, train, each(np.float64, dout))
    out, dxs, grads = gradients(layer.astype(np.float32), cast(inputs, np.float32), train, dout)
    for one, want in zip(several(out), several(want_out), strict=True):
        np.testing.assert_allclose(one, want, rtol=1e-4, atol=1e-5)
    for dx, want in zip(dxs, want_dxs, strict=True):
        np.testing.assert_allclose(dx, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
    largest = max((np.abs(want).max() for want in want_grads.values()), default=0)
    for name, want in want_grads.items():
        np.testing.assert_allclose(grads[name], want, rtol=1e-4, atol=1e-5 * largest)


@every_example
def test_param_grads_are_the_grads_of_the_backward_pass(layer, inputs):
    layer = copy.deepcopy(layer)
    out, cache = layer.forward(*inputs)
    dout = like(out)
    _, grads = layer.backward(dout, cache)
    alone = layer.param_grads(dout, cache)
    assert alone.keys() == grads.keys() == layer.params.keys()
    for name, grad in grads.items():
        np.testing.assert_array_equal(alone[name], grad)


@every_example
@both_passes
def test_a_call_changes_nothing_but_the_state_in_training(layer, inputs, train):
    layer = copy.deepcopy(layer)
    before = snapshot(inputs, layer.params)
    state = snapshot(layer.state)
    arrays = {name: id(array) for name, array in (layer.params | layer.state).items()}
    settings = {name: id(value) for name, value in vars(layer).items()}
    out, cache = layer.forward(*inputs, train=train)
    dout = like(out)
    kept = snapshot(cache, dout)
    layer.backward(dout, cache)
    assert snapshot(inputs, layer.params) == before
    assert snapshot(cache, dout) == kept
    assert {name: id(array) for name, array in (layer.params | layer.state).items()} == arrays
    assert {name: id(value) for name, value in vars(layer).items()} == settings
    assert (snapshot(layer.state) == state) == (not train or not layer.state)


@every_example
@both_passes
def test_read_only_inputs_and_gradients_work(layer, inputs, train):
    frozen = copy.deepcopy(layer)
    locked = [np.array(x) for x in inputs]
    for array in (*locked, *frozen.params.values()):
        array.flags.writeable = False
    out, cache = frozen.forward(*locked, train=train)
    dout = like(out)
    for one in several(dout):
        np.asarray(one).flags.writeable = False
    dx, grads = frozen.backward(dout, cache)
    assert_same((out, several(dx), grads), gradients(layer, inputs, train))


def fortran(x):
    return x.copy(order="F")


def strided(x):
    """The same values on every second place of a larger array, in every axis."""
    wide = np.zeros([2 * length for length in x.shape], x.dtype)
    view = wide[(..., *(slice(None, None, 2) for _ in x.shape))]
    view[...] = x
    return view


@every_example
@pytest.mark.parametrize("layout", [fortran, strided])
def test_the_memory_layout_of_inputs_and_dout_does_not_matter(layer, inputs, layout):
    want = gradients(layer, inputs)
    dout = like(want[0])
    moved = [layout(np.asarray(x)) for x in inputs]
    assert_same(gradients(layer, moved, dout=each(layout, dout)), want)


@every_example
def test_two_calls_may_overlap_and_a_cache_serves_twice(layer, inputs):
    others = [
        2 * x + 0.5 if x.dtype.kind == "f" and not has_targets(layer, inputs) else x for x in inputs
    ]
    want = gradients(layer, inputs)
    layer = copy.deepcopy(layer)
    out, cache = layer.forward(*inputs)
    layer.forward(*others)
    layer.forward(*others, train=False)
    dout = like(out)
    for _ in range(2):
        dx, grads = layer.backward(dout, cache)
        assert_same((out, several(dx), grads), want)


@every_example
@both_passes
def test_the_backward_pass_is_linear_in_dout(layer, inputs, train):
    out, dxs, grads = gradients(layer, inputs, train)
    dout = like(out)
    _, tripled, tripled_grads = gradients(layer, inputs, train, each(lambda one: -3 * one, dout))
    assert_same(
        (out, tripled, tripled_grads),
        (out, [-3 * dx for dx in dxs], {name: -3 * grad for name, grad in grads.items()}),
    )


def sublayers(layer):
    inner = getattr(layer, "layers", {})
    return [layer, *(inner.values() if isinstance(inner, dict) else inner)]


def has_rows(inputs):
    lengths = {np.shape(x)[:1] for x in inputs}
    return len(lengths) == 1 and lengths != {()}


rowwise = pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        example
        for example in examples()
        if has_rows(example.values[1]) and not example.id.startswith("MatMul")
    ],
)


@rowwise
@both_passes
def test_a_batch_of_one_works_or_is_refused_by_a_layer_that_says_so(layer, inputs, train):
    alone = np.ndim(inputs[0]) == 2  # an image has several values per channel
    if train and alone and any(one.min_rows > 1 for one in sublayers(layer)):
        with pytest.raises(ValueError, match="more than one value per channel"):
            gradients(layer, [x[:1] for x in inputs])
        return
    out, dxs, grads = gradients(layer, [x[:1] for x in inputs], train)
    for array in (*several(out), *dxs, *grads.values()):
        assert np.isfinite(array).all()


@rowwise
def test_an_empty_batch_gives_empty_outputs_and_zero_gradients_or_a_clear_error(layer, inputs):
    one_number = np.shape(several(gradients(layer, inputs)[0])[0]) == ()
    inputs = [x[:0] for x in inputs]
    needs_a_mean = re.search("reduction='(mean|sequences)'", repr(sublayers(layer))) or any(
        name.endswith("running_mean") for name in layer.state
    )
    if needs_a_mean:
        with pytest.raises(ValueError, match="empty"):
            gradients(layer, inputs)
        return
    out, dxs, grads = gradients(layer, inputs)
    assert all(one.shape[:1] == (() if one_number else (0,)) for one in several(out))
    assert all(dx.shape == x.shape for dx, x in zip(dxs, inputs, strict=False))
    assert all((grad == 0).all() for grad in grads.values())


@every_example
def test_integers_where_a_gradient_is_due_are_refused_with_advice(layer, inputs):
    for at in range(len(differentiable(layer, inputs))):
        whole = list(inputs)
        whole[at] = np.ones(np.shape(inputs[at]), int)
        with pytest.raises(TypeError, match=r"int64.*float64.*astype\(np\.float64\)"):
            copy.deepcopy(layer).forward(*whole)


@every_example
@both_passes
def test_nan_in_gives_nan_out(layer, inputs, train):
    for at in range(len(differentiable(layer, inputs))):
        poisoned = [np.array(x) for x in inputs]
        poisoned[at].reshape(-1)[-1] = np.nan
        out, _ = copy.deepcopy(layer).forward(*poisoned, train=train)
        assert np.isnan(several(out)[0]).any()


@every_example
def test_parameters_of_another_dtype_than_x_are_an_error_not_a_silent_cast(layer, inputs):
    if layer.params and differentiable(layer, inputs):
        with pytest.raises(TypeError, match=r"float64.*float32"):
            copy.deepcopy(layer).forward(*cast(inputs, np.float32))


@pytest.mark.parametrize("given", [np.float64, list])
@every_example
def test_a_dout_of_another_dtype_lifts_nothing(layer, inputs, given):
    layer, inputs = layer.astype(np.float32), cast(inputs, np.float32)
    out, dxs, grads = gradients(layer, inputs)
    dout = like(out, np.float32)
    other = each(np.ndarray.tolist if given is list else given, dout)
    got = gradients(layer, inputs, dout=other)
    assert_same((out, dxs, grads), got)
    assert {array.dtype for array in (*got[1], *got[2].values())} <= {np.dtype(np.float32)}


@every_example
def test_a_dout_of_another_shape_is_an_error_not_a_broadcast(layer, inputs):
    layer = copy.deepcopy(layer)
    out, cache = layer.forward(*inputs)
    with pytest.raises(ValueError, match="dout has shape"):
        layer.backward(each(lambda one: np.ones((*np.shape(one), 1)), out), cache)


@pytest.mark.parametrize(
    "cls", [c for c in classes(layers) if c not in (layers.Exp, layers.Log, layers.Reciprocal)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@both_passes
def test_nothing_overflows_for_inputs_of_ten_thousand(cls, dtype, train):
    for _, layer, *inputs in cls.examples(np.random.default_rng(0)):
        if cls is layers.CrossEntropy:  # takes probabilities
            continue
        large = [
            (np.sign(x) * 1e4).astype(dtype) if at < len(differentiable(layer, inputs)) else x
            for at, x in enumerate(inputs)
        ]
        with warnings.catch_warnings(action="error"):
            out, dxs, grads = gradients(layer.astype(dtype), large, train)
        for array in (*several(out), *dxs, *grads.values()):
            assert np.isfinite(array).all()
