"""Every mistake is one, and everything called correct is correct."""

import copy
import functools
import inspect

import numpy as np
import pytest

from benchmarks.mistakes import (
    MISTAKES,
    SCENES,
    UNSEEN,
    example,
    hard_twins,
    instances,
    look,
    source,
    twins,
    unlike,
    unseen_twins,
    wrong_class,
)
from benchmarks.mistakes.scenes import call, upstream
from chainrule.gradcheck.report import KINDS

# Some mistakes set a shape in place, which newer versions of NumPy warn about.
pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")

ALL = [*MISTAKES, *UNSEEN]
every_mistake = pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.id)


@functools.cache
def look_at_twin(layer, case, scene):
    return look(scene, *example(layer, case))


@every_mistake
def test_a_mistake_shows_in_its_scene(mistake):
    right = look_at_twin(mistake.layer, mistake.case, mistake.shows)
    wrong = look(mistake.shows, *instances(mistake))
    assert "error" not in right
    assert unlike(right, wrong)
    if mistake.shows == "gradient":
        assert all(right.values())
        assert {name for name, agrees in wrong.items() if not agrees} <= set(mistake.tensors)


@every_mistake
def test_a_mistake_has_a_source_that_does_not_give_it_away(mistake):
    cls = wrong_class(mistake)
    assert inspect.getsource(cls) == source(mistake)
    assert cls.__name__ == mistake.layer.__name__
    assert mistake.id not in cls.__module__
    assert mistake.kind in KINDS
    assert set(mistake.also) < set(KINDS)
    assert mistake.shows in SCENES


def test_ids_are_unique():
    assert len(MISTAKES) == 148
    assert len(UNSEEN) >= 100
    assert len(list(hard_twins())) == 44
    assert len({mistake.id for mistake in ALL}) == len(ALL)
    assert (
        {mistake.kind for mistake in MISTAKES}
        == {m.kind for m in UNSEEN}
        == set(KINDS) - {"unknown"}
    )


@pytest.mark.parametrize(
    "mistake",
    [m for m in ALL if m.shows not in ("gradient", "five updates", "small")],
    ids=lambda mistake: mistake.id,
)
def test_a_mistake_of_another_scene_passes_a_comparison_with_differences(mistake):
    layer, inputs = example(wrong_class(mistake))
    assert all(look("gradient", layer, inputs).values())


@pytest.mark.parametrize(
    "twin", [*twins(), *unseen_twins()], ids=lambda twin: f"{twin[0]}".replace(",", "")
)
@pytest.mark.parametrize("train", [True, False], ids=["training", "inference"])
def test_twins_agree_with_differences(twin, train):
    _, layer, *inputs = copy.deepcopy(twin)
    assert all(SCENES["gradient"](layer, inputs, train=train).values())


@pytest.mark.parametrize("twin", [*twins(), *unseen_twins()], ids=lambda twin: twin[0])
@pytest.mark.parametrize("scene", ["mutation", "second backward"])
def test_twins_keep_their_hands_off(twin, scene):
    _, layer, *inputs = copy.deepcopy(twin)
    assert all(look(scene, layer, inputs).values())


@pytest.mark.parametrize("twin", [*twins(), *unseen_twins()], ids=lambda twin: twin[0])
def test_twins_keep_the_dtype(twin):
    _, layer, *inputs = copy.deepcopy(twin)
    assert set(look("float32", layer, inputs).values()) == {"float32"}


def one_sided_slopes(forward, array, index, dout, h=1e-5):
    kept = array[index]
    left, here, right = values = [], [], []
    for found, x in zip(values, (kept - h, kept, kept + h), strict=True):
        array[index] = x
        found.append(forward())
    array[index] = kept
    slopes = [np.sum((here[0] - left[0]) * dout) / h, np.sum((right[0] - here[0]) * dout) / h]
    slack = 1e-3 * max(*np.abs(slopes), 1e-2)
    return min(slopes) - slack, max(slopes) + slack


@pytest.fixture
def generator():
    """The state of np.random's generator, from which a twin draws; it is put back."""
    state = np.random.get_state()  # noqa: NPY002
    yield state
    np.random.set_state(state)  # noqa: NPY002


@pytest.mark.parametrize("twin", list(hard_twins()), ids=lambda twin: twin[0])
def test_hard_twins_lie_between_the_slopes_on_both_sides(twin, generator):
    _, layer, *inputs = copy.deepcopy(twin)
    with np.errstate(over="ignore"):
        ours = call(copy.deepcopy(layer), inputs)
    out = ours.pop("out")
    dout = upstream(out)
    assert np.all(np.isfinite(out))

    dtype = inputs[0].dtype
    exact = layer.astype(np.float64) if dtype == np.float32 else layer
    arrays = [np.array(x, float) if x.dtype.kind == "f" else x for x in inputs]

    def forward():
        np.random.set_state(generator)  # noqa: NPY002
        with np.errstate(over="ignore"):
            return copy.deepcopy(exact).forward(*arrays)[0]

    for name, array in (dict(zip(ours, arrays, strict=False)) | exact.params).items():
        assert ours[name].shape == array.shape
        assert ours[name].dtype == dtype
        for index in np.ndindex(array.shape):
            least, most = one_sided_slopes(forward, array, index, dout)
            assert least <= ours[name][index] <= most
