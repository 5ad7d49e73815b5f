"""The mistakes in course/mistakes.py are those that they say: the gradients named differ from the
right ones, which test_course_files.py establishes, and no others do."""

import inspect
from collections import Counter
from types import ModuleType

import numpy as np
import pytest

from tests.gradcheck.course.mistakes import COLUMNS, FUNCTIONS, MISTAKES, SCRATCH, TEXTBOOK, TIME
from tests.gradcheck.test_course_files import (
    LAYERS,
    LOSSES,
    PAIRS,
    Stepping,
    Stored,
    as_tuple,
    is_floats,
    np_random_is_put_back,  # noqa: F401
)

pytestmark = pytest.mark.slow  # of the files themselves, whatever the library does

COURSE = "tests.gradcheck.course"


def loaded(mistake, source):
    module = ModuleType(f"{COURSE}.{mistake.file.removesuffix('.py')}")
    module.__package__ = COURSE
    exec(compile(source, mistake.file, "exec"), vars(module))
    return module


def names_of(function, inputs):
    """The names of the inputs that have a gradient."""
    names = inspect.signature(function).parameters
    return [name for name, value in zip(names, inputs, strict=False) if is_floats(value)]


def of_pair(forward, backward, inputs):
    fresh = (dict(value) if isinstance(value, dict) else value for value in inputs)
    *outs, cache = forward(*fresh)
    rng = np.random.default_rng(1)
    douts = [rng.standard_normal(out.shape) for out in outs]
    return dict(zip(names_of(forward, inputs), as_tuple(backward(*douts, cache)), strict=True))


def of_layer(layer, inputs, params, grads):
    outs, rng = as_tuple(layer.forward(*inputs)), np.random.default_rng(1)
    returned = as_tuple(layer.backward(*(rng.standard_normal(np.shape(out)) for out in outs)))
    names = [*names_of(layer.forward, inputs), *params]
    return dict(zip(names, [*(one for one in returned if one is not None), *grads()], strict=True))


def of_file(mistake, module, g):
    """Gradients by name for a function or class of the files with tables."""
    for home, name, inputs in LOSSES:
        if (home.__name__, name) == (module.__name__, mistake.concerns):
            loss, given = getattr(module, name), inputs(g)
            return {names_of(loss, given)[0]: loss(*given)[1]}
    for home, name, arguments, inputs, parameters in LAYERS:
        if (home.__name__, name) == (module.__name__, mistake.concerns):
            layer = getattr(module, name)(*arguments(g))
            arrays, grads = parameters(layer)
            params = list(inspect.signature(type(layer)).parameters)[: len(arrays)]
            return of_layer(layer, inputs(g), params, grads)
    backward = mistake.concerns.removesuffix("_alt")
    home = next(one for one in PAIRS if one.__name__ == module.__name__)
    pattern = next(one for one in PAIRS[home] if one.format("backward") == backward)
    forward = getattr(module, pattern.format("forward"))
    return of_pair(forward, getattr(module, mistake.concerns), PAIRS[home][pattern](g))


def of_columns(mistake, module, g):
    if mistake.concerns == "linear_backward":
        inputs = g(3, 5), g(2, 3), g(2, 1)
        return of_pair(module.linear_forward, module.linear_backward, inputs)
    forward = getattr(module, mistake.concerns.removesuffix("_backward"))
    return of_pair(forward, getattr(module, mistake.concerns), (g(4, 3),))


def of_dense(module, g):
    layer = module.Dense(3, input_shape=(4,))
    layer.initialize(module.StochasticGradientDescent())
    layer.forward_pass(g(5, 4))
    return {"X": layer.backward_pass(g(5, 3))}


def of_stepping(name, sizes, inputs):
    def found(module, g):
        layer = Stepping(getattr(module, name)(*sizes))
        params = ["weights", "bias"] if sizes else []
        return of_layer(layer, inputs(g), params, lambda: layer.steps[:2] if sizes else [])

    return found


def of_stored(module, g):
    layer = module.Layer_Dense(4, 3)
    params = ["weights", "biases"]
    return of_layer(Stored(layer), (g(5, 4),), params, lambda: [layer.dweights, layer.dbiases])


def of_objects(module, g):
    layer = module.Linear(4, 3)
    return of_layer(layer, (g(5, 4),), ["W", "b"], lambda: [layer.W.grad, layer.b.grad])


def of_dicts(module, g):
    layer = module.LinearLayer(4, 3)
    return of_layer(layer, (g(5, 4),), ["w", "b"], lambda: [layer.grads["w"], layer.grads["b"]])


OF_SCRATCH = {
    "sigmoid": lambda module, g: {"x": module.sigmoid(g(4, 3), derivative=True)},
    "mse_prime": lambda module, g: {"y_pred": module.mse_prime(g(4, 3), g(4, 3))},
    "CrossEntropy": lambda module, g: {
        "p": module.CrossEntropy().gradient(np.array([0, 1]), 1 / (1 + np.exp(g(2))))
    },
    "ELU": lambda module, g: {"x": module.ELU().gradient(g(4, 3))},
    "Dense": of_dense,
    "DenseLayer": of_stepping("DenseLayer", (4, 3), lambda g: (g(4, 5),)),
    "Softmax": of_stepping("Softmax", (), lambda g: (g(4, 1),)),
    "Layer_Dense": of_stored,
    "Linear": of_objects,
    "LinearLayer": of_dicts,
}


def gradients(mistake, source):
    np.random.seed(0)  # noqa: NPY002
    module, rng = loaded(mistake, source), np.random.default_rng(0)
    g = lambda *shape: rng.standard_normal(shape)  # noqa: E731
    if mistake in COLUMNS:
        return of_columns(mistake, module, g)
    if mistake in SCRATCH:
        return OF_SCRATCH[mistake.concerns](module, g)
    return of_file(mistake, module, g)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: f"{one.file}: {one.name}")
def test_the_gradients_named_are_wrong_and_no_others(mistake):
    right = gradients(mistake, mistake._replace(new=mistake.old).source())
    wrong = gradients(mistake, mistake.source())
    assert set(right) == set(wrong)
    differ = {name for name in right if not np.allclose(right[name], wrong[name], rtol=1e-9)}
    assert differ == set(mistake.wrong)


def test_there_are_mistakes_of_every_convention():
    assert len(TEXTBOOK + TIME) >= 12
    assert len(FUNCTIONS) >= 8
    assert len(COLUMNS + SCRATCH) >= 5
    names = Counter((one.file, one.name) for one in MISTAKES)
    assert max(names.values()) == 1


def test_an_edit_that_does_not_fit_the_file_is_refused():
    with pytest.raises(ValueError, match=r"'no such line' does not stand in layers\.py"):
        FUNCTIONS[0]._replace(old="no such line").source()
