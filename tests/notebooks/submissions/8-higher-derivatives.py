"""Wrong submissions of homework 8, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "a transpose and half a rate",
        "rows",
        "J[i] =",
        "J[:, i] =",
        [1],
        "this is the transpose: a one-hot dout gives a row",
    ),
    (
        "a product of slopes and a step divided by too much",
        "dual",
        "self.slope * other.value + self.value * other.slope",
        "self.slope * other.slope",
        [2],
        "this is the product of the slopes, which belongs to ε²",
    ),
    (
        "not symmetric and an honest impostor",
        "hessian",
        "H = (H + H.T) / 2",
        "pass",
        [4],
        "H and its transpose differ, be it in the last digits",
    ),
    (
        "a transpose and half a rate",
        "curvature",
        "2 / eigenvalues[-1]",
        "1 / eigenvalues[-1]",
        [5],
        "1/λ takes the error along this direction to 0 at once",
    ),
    (
        "a product of slopes and a step divided by too much",
        "bar",
        "phi(-h / 2)) / h",
        "phi(-h / 2)) / (2 * h)",
        [6],
        "half of it: how far is it from −h/2 to h/2?",
    ),
    (
        "not symmetric and an honest impostor",
        "jvp",
        "return D, M",
        "return M, D",
        [3],
        "swapped: one pass forward tells about one input",
    ),
    (
        "not symmetric and an honest impostor",
        "impostors",
        "dout.mean(axis=-1, keepdims=True)",
        "(dout * out).sum(axis=-1, keepdims=True)",
        [7],
        "it is right at the points of this check",
    ),
]
