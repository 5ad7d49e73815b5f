"""Wrong submissions of homework 9, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "half of the product rule, settings and noise",
        "swish",
        "dout * s * (1 + x * (1 - s))",
        "dout * s * x * (1 - s)",
        [1],
        "that is x σ′ alone: the first term of the rule is σ",
    ),
    (
        "half of the product rule, settings and noise",
        "learned-swish",
        "self.features, self.beta = features, beta\n        ",
        "",
        [2],
        "missing: features, beta",
    ),
    (
        "half of the product rule, settings and noise",
        "noise",
        "if not train:\n            return x, None\n        ",
        "",
        [4],
        "in inference nothing happens",
    ),
    (
        "a layer that treats its statistics as constants",
        "my-layer",
        "(g - xhat * np.mean(g * xhat, axis=1, keepdims=True)) / r",
        "g / r",
        [5],
        "dx lacks the path through the row mean square",
    ),
    (
        "the library's backward pass for one's own",
        "swish",
        "return dout * s * (1 + x * (1 - s)), {}",
        "return circuit.backward(dout, circuit.forward(x)[1])",
        [1],
        "this calls the backward pass of the library's Graph; write your own",
    ),
    (
        "the library's backward pass for one's own",
        "gate",
        "return (dout * s, dout * a * s * (1 - s)), {}",
        "db, _ = Sigmoid().backward(dout * a, Sigmoid().forward(np.log(s / (1 - s)))[1])\n"
        "        return (dout * s, db), {}",
        [3],
        "this calls the backward pass of the library's Sigmoid; write your own",
    ),
    (
        "the library's backward pass for one's own",
        "my-solver",
        "return Solver(",
        "Solver(Classifier(net), solvers.Adam(5e-3), data, **settings).train()\n    return Solver(",
        [6],
        "a network whose weights are drawn at random guesses about one in ten",
    ),
]
