"""Wrong submissions of homework 3, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "the bias gets the mean over the examples",
        "backward",
        "dout.sum(axis=0)",
        "dout.mean(axis=0)",
        [3, 7],
        "that is the mean over two examples; uses add up",
    ),
    (
        "the Jacobian's size with N counted once",
        "jacobian",
        "N * M * N * D * itemsize",
        "N * M * D * itemsize",
        [4],
        "N counts twice",
    ),
    (
        "stretched axes are summed away",
        "broadcast",
        "grad.sum(axis=axis, keepdims=True)",
        "grad.sum(axis=axis)",
        [6],
        "keepdims=True",
    ),
]
