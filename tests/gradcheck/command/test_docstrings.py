"""Shapes that are read in docstrings."""

import textwrap

import pytest

from chainrule.gradcheck.command.docstrings import shapes

COURSE = """
    Forward pass of something.

    Inputs:
    - x: A numpy array containing input data, of shape (N, d_1, ..., d_k)
    - prev_h: Hidden state, of shape (N, H); it is
      that of the step before.
    - Wx: Weights, of shape (D, 4H)
    - y: Vector of labels, of shape (N,) where y[i] is the label for x[i] and
      0 <= y[i] < C
    - words: Integer array of shape (N, T), each element idx in the range 0 <= idx < V
    - mask: Boolean array of shape (N, T)
    - bn_param: Dictionary with the following keys:
      - running_mean: Array of shape (D,) giving running mean of features
    - reg: (float) regularization strength
    - q, k: Arrays of shape (N, S, E)

    Returns a tuple of:
    - out: of shape (N, M)
    - dx: of shape (N, D)
"""


def told(text, *names):
    def function():
        pass

    function.__doc__ = textwrap.dedent(text)
    return shapes(function, names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "(N,D)"),
        ("prev_h", "(N,H)"),
        ("Wx", "(D,4H)"),
        ("y", "int(N)<C"),
        ("words", "int(N,T)<V"),
        ("mask", "bool(N,T)"),
        ("q", "(N,S,E)"),
        ("k", "(N,S,E)"),
    ],
)
def test_a_list_of_inputs(name, value):
    assert told(COURSE, name) == {name: value}


@pytest.mark.parametrize("name", ["reg", "bn_param", "out", "dx", "nobody"])
def test_what_tells_no_shape_or_is_no_input(name):
    assert told(COURSE, name) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x : ndarray, shape (n_samples, n_features)\n    The rows.", "(N,D)"),
        ("X : :py:class:`ndarray` of shape `(n_ex, in_rows, 3)`", "(N,in_rows,3)"),
        ("x: scores [batch_size, num_classes]", "(N,C)"),
        ("x -- numpy array of shape (size of previous layer, number of examples)", "(D,N)"),
        ("x: one-hot labels of shape (N, C)", "onehot(N,C)"),
        ("x: probabilities, shape: (N, C)", "shares(N,C)"),
        ("x: data of shape (N, *)", "(N,D)"),
        ("x: anything (such as numbers)", ""),
        ("x: of shape (what, ever | it is)", ""),
    ],
)
def test_other_ways_to_write_it(text, value):
    name = text[0]
    assert told(f"Does something.\n\n{text}\n", name) == ({name: value} if value else {})


def test_numpy_sections_end_the_inputs():
    text = "Parameters\n----------\nx : array\n\nReturns\n-------\nx : array of shape (N, D)\n"
    assert told(text, "x") == {}


def test_a_function_without_docstring_tells_nothing():
    assert shapes(lambda x: x, ["x"]) == {}
