"""Wrong submissions of homework 4, and what they lose."""

# (name, cell of the solution, old text, new text, exercises lost, what the feedback says)
WRONG = [
    (
        "the tanh of the slides",
        "tanh",
        "sigmoid_forward(2 * x)",
        "sigmoid_forward(x)",
        [2],
        "the slip of the slides: it is tanh(x/2)",
    ),
    (
        "a softplus that overflows",
        "stable",
        "np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))",
        "np.log(1 + np.exp(x))",
        [3],
        "take max(x, 0) out of the logarithm first",
    ),
    (
        "alpha's gradient averaged over the batch",
        "prelu",
        "(dout * np.minimum(x, 0)).sum(axis=0)",
        "(dout * np.minimum(x, 0)).mean(axis=0)",
        [6],
        "a mean: sum over the rows",
    ),
]
