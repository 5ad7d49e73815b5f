"""Wrong submissions of homework 2, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "the slide's swap and a path forgotten",
        "sum-times",
        "dx, dy = dq * 1, dq * 1",
        "dx, dy = dz, dz",
        [1],
        "Lecture slides have printed this slip, too",
    ),
    (
        "= where += belongs and the wrong axis",
        "forks",
        "dx += dout  # along the other, straight into the sum",
        "dx = dout",
        [3],
        "a `=` overwrote what the square sent",
    ),
    (
        "a reciprocal without its sign",
        "neuron",
        "-1 / u**2",
        "1 / u**2",
        [4],
        "the sign: the derivative of 1/u is −1/u²",
    ),
    (
        "the slide's swap and a path forgotten",
        "long",
        'd["x"] += d["num"]  # num = x + a',
        "pass",
        [6],
        "the path through num is missing",
    ),
    (
        "= where += belongs and the wrong axis",
        "scale",
        "(x - x.mean(axis=0)) / x.std(axis=0)",
        "(x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)",
        [8],
        "each row was standardised; a feature is a column",
    ),
]
