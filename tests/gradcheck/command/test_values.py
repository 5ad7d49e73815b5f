"""What is said of values, on the command line and in the tables."""

import numpy as np
import pytest

from chainrule.gradcheck.command.values import Unreadable, said, shown, spec

RNG = np.random.default_rng(0)


def drawn(text, **sizes):
    return spec(text).draw(np.random.default_rng(0), sizes)


@pytest.mark.parametrize(
    ("text", "shape", "kind"),
    [
        ("(5,4)", (5, 4), "f"),
        ("(7)", (7,), "f"),
        ("(7,)", (7,), "f"),
        ("int(5, 2)<4", (5, 2), "i"),
        ("count(3)<4", (3,), "i"),
        ("bool(3)", (3,), "b"),
        ("positive(4)", (4,), "f"),
        ("shares(5,3)", (5, 3), "f"),
        ("onehot(5,3)", (5, 3), "f"),
    ],
)
def test_a_shape_stands_for_an_array(text, shape, kind):
    array = drawn(text)
    assert (array.shape, array.dtype.kind) == (shape, kind)


def test_kinds_are_what_they_say():
    assert set(np.unique(drawn("int(400)<4"))) == {0, 1, 2, 3}
    assert set(np.unique(drawn("count(400)<3"))) == {1, 2, 3}
    assert set(np.unique(drawn("bool(400)"))) == {False, True}
    assert drawn("positive(400)").min() >= 0.5
    assert drawn("(400)").min() < 0
    np.testing.assert_allclose(drawn("shares(5,3)").sum(axis=1), 1)
    one = drawn("onehot(50,3)")
    assert np.all(one.sum(axis=1) == 1)
    assert set(np.unique(one)) == {0, 1}
    assert isinstance(drawn("()"), float)
    assert drawn("tuple(3,8,8)") == (3, 8, 8)


def test_letters_stand_for_sizes():
    assert drawn("(N,4H)", N=2, H=3).shape == (2, 12)
    assert drawn("(N, 4*H)", N=2, H=3).shape == (2, 12)
    assert drawn("int(300)<V", V=6).max() == 5


@pytest.mark.parametrize(
    "value", [0.5, 3, "train", True, None, [3, 8], {"stride": 2, "pad": 1}, -1e-5]
)
def test_other_values_are_as_they_are(value):
    assert drawn(repr(value)) == value


def test_a_dict_is_a_fresh_one_each_time():
    found = spec('{"mode": "train"}')
    first, second = found.draw(RNG, {}), found.draw(RNG, {})
    first["mode"] = "test"
    assert second == {"mode": "train"}


def test_several_are_said_in_one_word_or_in_several():
    found = said(["x=(5,4); y = int(5)<4", "p=0.5"])
    assert list(found) == ["x", "y", "p"]
    assert found["x"].draw(RNG, {}).shape == (5, 4)
    assert found["p"].value == 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "'x' is not of the form name=value"),
        ("=(5,4)", "'=(5,4)' is not of the form name=value"),
        ("two words=3", "is not of the form name=value"),
        ("x=5,4)", "'5,4)' is no value: expected a shape such as (5,4)"),
        ("x=train", "'train' is no value"),
        ("x=float(5)", "'float(5)' is no value"),
        ("x=(5,N)", "x=(5,N): sizes must be numbers, not N"),
        ("x=(0,4)", "from 1 to 10000 entries can be checked"),
        ("x=(1000,1000)", "from 1 to 10000 entries can be checked"),
        ("y=int(5)", "int and count alone take a bound, above 0"),
        ("y=int(5)<0", "int and count alone take a bound, above 0"),
        ("y=(5)<4", "int and count alone take a bound, above 0"),
        ("y=onehot()", "onehot needs at least one size"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(text, expected):
    with pytest.raises(Unreadable) as error:
        said([text])
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["(5,4)", "int(50)<4", "bool(3)", "0.5", "'train'", "{'stride': 2}", "tuple(3,8)"]
)
def test_what_is_shown_can_be_said(text):
    assert shown(drawn(text)) == text


def test_what_cannot_be_said_is_shown_as_such():
    assert shown(RNG) == "…"
