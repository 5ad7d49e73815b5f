"""Every contender that is installed computes what ours computes."""

import importlib
import warnings
from itertools import product

import numpy as np
import pytest

from benchmarks import cases
from benchmarks.contenders import floor, ours
from benchmarks.contenders.images.setting import convolution_arrays, image_weights
from benchmarks.contenders.setting import arrays, weights
from benchmarks.race import installed

PRESENT, _ = installed()
TOLERANCE = {"float32": 2e-5, "float64": 1e-10}
SIZES = (6, 5, 4, 3)
PRODUCTS = ("affine", "maxout2", "maxout4")


def layer_case(name, shape, dtype, kind="layer"):
    return {"kind": kind, "layer": name, "shape": shape, "dtype": dtype}


def net_case(kind, dtype, **others):
    return {"kind": kind, "sizes": SIZES, "batch": 7, "dtype": dtype, **others}


def in_words(case):
    return f"{case['kind']} {cases.name_of(case)} {case['dtype']}"


LAYERS = [
    layer_case(name, (6, 8), dtype)
    for name, dtype in product(cases.LAYERS, TOLERANCE)
    if name != "dropout"
]
LAYERS += [layer_case("batchnorm", (5, 3, 4, 2), dtype) for dtype in TOLERANCE]
RULES = [net_case("rule", dtype, rule=rule) for rule in cases.RULES for dtype in TOLERANCE]
STEPS = [
    net_case("step", dtype, rule=rule, norm=norm)
    for dtype, rule, norm in product(TOLERANCE, ("sgd", "momentum", "adam"), (False, True))
    # The bias in front of batch norm has a gradient of 0, and Adam steps by the signs of its noise.
    if (dtype, rule, norm) != ("float32", "adam", True)
]
CONVOLUTIONS = [
    {
        **{"kind": kind, "shape": (3, 4, 9, 8), "filters": 8, "dtype": dtype},
        **{"size": size, "stride": stride, "pad": pad, "groups": groups},
    }
    for kind, dtype, size, stride, pad, groups in (
        ("convolution", "float32", 3, 1, 1, 1),
        ("convolution", "float64", 5, 2, 1, 2),
        ("convolution", "float64", 1, 2, 0, 4),
        ("first_layer", "float32", 4, 1, 0, 1),
        ("first_layer", "float64", 3, 2, 1, 4),
    )
]
IMAGE_LAYERS = [
    {"kind": "image_layer", "layer": name, "shape": (3, 4, 8, 6), "dtype": dtype, **settings}
    for name, dtype, settings in (
        ("max pool", "float32", {"size": 2, "stride": 2, "pad": 0}),
        ("max pool", "float64", {"size": 3, "stride": 2, "pad": 1}),
        ("average pool", "float64", {"size": 2, "stride": 2, "pad": 0}),
        ("global average", "float32", {}),
        ("groupnorm", "float32", {"groups": 2}),
        ("groupnorm", "float64", {"groups": 4}),
    )
]
STEPS += [
    {"kind": "image_step", "net": net, "shape": (3, *shape[1:]), "rule": rule, "dtype": "float64"}
    for net, shape, rule in (
        ("lenet5", cases.IMAGE_NETS["lenet5"], "momentum"),
        ("lenet5", cases.IMAGE_NETS["lenet5"], "adam"),
        ("resnet", cases.IMAGE_NETS["resnet"], "momentum"),
    )
]
CHECKS = [{**case, "shape": (3, 4)} for case in cases.checks()][::2]


def module(name):
    with warnings.catch_warnings(action="ignore"):  # those of the libraries as they are imported
        return importlib.import_module(f"benchmarks.contenders.{name}")


@pytest.fixture(params=[name for name in PRESENT if name != "floor"])
def any_contender(request):
    return module(request.param)


@pytest.fixture(params=[name for name in PRESENT if name not in ("ours", "floor")])
def contender(request):
    return module(request.param)


def numpy_of(array):
    return np.asarray(array.detach() if hasattr(array, "detach") else array)


def in_our_layout(array, own, contender, case):
    """A parameter or its gradient, shaped like ours: PyTorch's layers keep matrices transposed."""
    array = numpy_of(array)
    transposed = "pytorch" in contender.__name__ and array.ndim == 2 and case["kind"] != "rule"
    return (array.T if transposed else array).reshape(own.shape)


def agree(found, expected, dtype, tolerance=0.0):
    assert found.shape == np.shape(expected)
    scale = max(1, np.max(np.abs(expected)))
    assert np.max(np.abs(found - expected)) <= max(tolerance, TOLERANCE[dtype]) * scale


@pytest.mark.parametrize("case", LAYERS + CONVOLUTIONS + IMAGE_LAYERS, ids=in_words)
def test_layers_and_their_gradients_are_ours(contender, case):
    run = contender.make(case)
    if run is None:  # nothing to set against the case
        return
    found, expected = run(), ours.make(case)()
    assert found.keys() == expected.keys() or "convolution" not in case["kind"]
    for key in found.keys() - {"grads"}:
        agree(numpy_of(found[key]), expected[key], case["dtype"])
        if not contender.__name__.endswith("autograd"):  # which goes over to float64
            assert numpy_of(found[key]).dtype == case["dtype"]
    if "grads" in found:
        for array, own in zip(found["grads"], expected.get("grads", ()), strict=True):
            agree(in_our_layout(array, own, contender, case), own, case["dtype"])


def test_dropout_drops_half_and_doubles_the_rest_forward_and_backward(any_contender):
    case = layer_case("dropout", (50, 40), "float64")
    run = any_contender.make(case)
    if run is None:
        return
    found, (x, dout, _) = run(), arrays(case)
    kept = numpy_of(found["out"]) / x
    np.testing.assert_allclose(kept, np.where(kept, 2, 0))
    np.testing.assert_allclose(numpy_of(found["dx"]), dout * kept)
    assert 0.4 < np.mean(kept != 0) < 0.6


@pytest.mark.parametrize("case", RULES + STEPS, ids=in_words)
def test_three_steps_lead_where_ours_do(contender, case):
    run, own_run = contender.make(case), ours.make(case)
    if run is None:
        return
    # scikit-learn's Adam adds its eps to a root that is not corrected yet.
    tolerance = 1e-5 if "scikit" in contender.__name__ and case["rule"] == "adam" else 0
    for _ in range(3):
        found, expected = run()["params"], own_run()["params"]
    starts = image_weights(case) if "net" in case else weights(case)
    for array, own, start in zip(found, expected, starts, strict=True):
        array = in_our_layout(array, own, contender, case)
        agree(array, own, case["dtype"], tolerance)
        assert case["kind"] != "rule" or np.all(array != start)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_inference_finds_the_same_classes(contender, dtype):
    case = net_case("inference", dtype)
    run = contender.make(case)
    if run is not None:
        np.testing.assert_array_equal(numpy_of(run()["labels"]), ours.make(case)()["labels"])


def test_trainers_learn_the_same_from_the_same_batches(contender):
    if not hasattr(contender, "trainer"):
        return
    case = net_case("step", "float64", rule="momentum", lr=0.1, seed=3)
    (train, predict), (our_train, our_predict) = contender.trainer(case), ours.trainer(case)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((21, SIZES[0])), rng.integers(SIZES[-1], size=21)
    for at in (0, 7, 14):
        rows = slice(at, at + 7)
        found = train(contender.own(x)[rows], contender.own(y)[rows])["params"]
        expected = our_train(x[rows], y[rows])["params"]
    for array, own in zip(found, expected, strict=True):
        agree(in_our_layout(array, own, contender, case), own, "float64")
    np.testing.assert_array_equal(numpy_of(predict(contender.own(x))), our_predict(x))


@pytest.mark.parametrize("case", CHECKS, ids=in_words)
def test_checkers_pass_correct_layers(any_contender, case):
    run = any_contender.make(case)
    assert run is None or run()["passed"]


@pytest.mark.parametrize(
    "case", [case for case in LAYERS if case["layer"] in PRODUCTS], ids=in_words
)
def test_the_floor_of_a_layer_of_products_is_its_products(case):
    found, expected = floor.make(case)(), ours.make(case)()
    (dW,) = found["grads"]
    if case["layer"] == "affine":
        agree(found["out"], expected["out"], case["dtype"])  # as b is 0
        agree(found["dx"], expected["dx"], case["dtype"])
        agree(dW, next(iter(expected["grads"])), case["dtype"])
    assert dW.size == next(iter(expected["grads"])).size


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=in_words)
def test_the_floor_of_a_convolution_multiplies_as_often(case):
    found, (_, W, _, dout) = floor.make(case)(), convolution_arrays(case)
    (dW,) = found["grads"]
    assert dW.size == W.size
    assert found["out"].size == dout.size  # as all images fit into a block
    assert ("dx" in found) == (case["kind"] == "convolution")


@pytest.mark.parametrize("case", RULES + STEPS, ids=in_words)
def test_the_floor_moves_no_parameter(case):
    for array in floor.make(case)().get("params", ()):
        assert any(np.array_equal(array, own) for own in weights(case))
