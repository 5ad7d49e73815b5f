"""Wrong submissions of homework 2, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "the slide's swap, a path forgotten and a sign",
        "sum-times",
        "dx, dy = dq * 1, dq * 1",
        "dx, dy = dz, dz",
        [1],
        "Lecture notes that circulate print ∂f/∂x = q, too",
    ),
    (
        "= where += belongs and the wrong axis",
        "forks",
        "dx += dout  # along the other, straight into the sum",
        "dx = dout",
        [3],
        "only the branch into the sum is there: is there a `=` where `+=` belongs?",
    ),
    (
        "the slide's swap, a path forgotten and a sign",
        "neuron",
        "-1 / u**2",
        "1 / u**2",
        [4],
        "the sign: the derivative of 1/u is −1/u²",
    ),
    (
        "the slide's swap, a path forgotten and a sign",
        "long",
        'd["x"] += d["num"]  # num = x + a',
        "pass",
        [6],
        "the path through num is missing",
    ),
    (
        "a cheat and a rate that falls too little",
        "graph",
        "total += node.gradient * local",
        "total = trace[name].gradient",
        [7],
        "the gradient at the node itself was used, which is not there",
    ),
    (
        "a cheat and a rate that falls too little",
        "sigmoid",
        "return dout * out * (1 - out)",
        "return Sigmoid().backward(dout, Sigmoid().forward(np.log(out / (1 - out)))[1])[0]",
        [5],
        "this calls the backward pass of the library's Sigmoid; write your own",
    ),
    (
        "a cheat and a rate that falls too little",
        "scale",
        "return rate / c**2",
        "return rate / c",
        [8],
        "that is rate / c, which lecture notes that circulate print",
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
