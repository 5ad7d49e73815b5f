"""Wrong submissions of homework 5, and what they lose."""

# (name, cell of the solution, old text, new text, exercises lost, what the feedback says)
WRONG = [
    (
        "a likelihood that is not a density, and a softmax with one maximum for all rows",
        "likelihoods",
        " + 0.5 * np.log(2 * np.pi)",
        "",
        [1],
        "that is without the factor in front of the exponential",
    ),
    (
        "a likelihood that is not a density, and a softmax with one maximum for all rows",
        "softmax",
        "scores.max(axis=1, keepdims=True)",
        "scores.max()",
        [4],
        "Think of: one maximum for all, or one for each row?",
    ),
    (
        "the forgotten mean, and dout",
        "entropy",
        "dout * dscores / len(labels)",
        "dout * dscores",
        [6],
        "the forgotten factor 1/N: the loss is a mean over the rows",
    ),
    (
        "the forgotten mean, and dout",
        "mse",
        "dout * 2 * error",
        "2 * error",
        [2],
        "the same as for dout = 1; but dout is a factor of all of it",
    ),
    (
        "the label counted among the wrong classes",
        "hinge",
        "    margins[rows, labels] = 0\n",
        "",
        [8],
        "that is 1 too much: the term of the label itself is always 1",
    ),
    (
        "the label counted among the wrong classes",
        "binary",
        "return np.mean(softplus - targets * scores), (scores, targets)",
        "return np.mean(softplus - targets * scores)",
        [7],
        "return loss, cache: 2 things, not a float64",
    ),
]
