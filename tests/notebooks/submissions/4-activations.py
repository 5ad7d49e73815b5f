"""Wrong submissions of homework 4, and what they lose."""

# (name, cell of the solution, old text, new text, exercises lost, what the feedback says)
WRONG = [
    (
        "the tanh of the notes, and an overflow",
        "tanh",
        "sigmoid_forward(2 * x)",
        "sigmoid_forward(x)",
        [2],
        "the slip of the notes: it is tanh(x/2)",
    ),
    (
        "the tanh of the notes, and an overflow",
        "stable",
        "np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))",
        "np.log(1 + np.exp(x))",
        [3],
        "in the line: return np.log(1 + np.exp(x)), x",
    ),
    (
        "the ELU of the notes, and a missing cache",
        "elu",
        "np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))",
        "np.maximum(x, alpha * np.expm1(x))",
        [7],
        "that is eˣ - 1 where x > 0, too",
    ),
    (
        "the ELU of the notes, and a missing cache",
        "sigmoid",
        "return out, out",
        "return out",
        [1, 2],
        "return out, cache: 2 things, not an array of shape (2, 2)",
    ),
    (
        "alpha's gradient averaged over the batch",
        "prelu",
        "(dout * np.minimum(x, 0)).sum(axis=0)",
        "(dout * np.minimum(x, 0)).mean(axis=0)",
        [6],
        "that is the mean over the rows",
    ),
]
