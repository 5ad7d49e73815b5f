"""Wrong submissions of homework 5, and what they lose."""

# (name, cell of the solution, old text, new text, exercises lost, what the feedback says)
WRONG = [
    (
        "a softmax with one maximum for all rows",
        "softmax",
        "scores.max(axis=1, keepdims=True)",
        "scores.max()",
        [3],
        "each row has its own maximum",
    ),
    (
        "the forgotten mean",
        "entropy",
        "dout * dscores / len(labels)",
        "dout * dscores",
        [5],
        "the forgotten factor: forward took the mean, 1/N",
    ),
    (
        "the label counted among the wrong classes",
        "hinge",
        "    margins[rows, labels] = 0\n",
        "",
        [7],
        "the term of the label itself was counted, and is always 1",
    ),
]
