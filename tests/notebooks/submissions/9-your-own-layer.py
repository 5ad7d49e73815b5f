"""Wrong submissions of homework 9, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "half of the product rule and noise in inference",
        "swish",
        "dout * s * (1 + x * (1 - s))",
        "dout * s * x * (1 - s)",
        [1],
        "that is x σ′ alone: the first term of the rule is σ",
    ),
    (
        "the settings are not kept",
        "learned-swish",
        "self.features, self.beta = features, beta\n        ",
        "",
        [2],
        "missing: features, beta",
    ),
    (
        "half of the product rule and noise in inference",
        "noise",
        "if not train:\n            return x, None\n        ",
        "",
        [4],
        "if not train: out is x",
    ),
    (
        "a layer that treats its statistics as constants",
        "my-layer",
        "(g - xhat * np.mean(g * xhat, axis=1, keepdims=True)) / r",
        "g / r",
        [5],
        "dx lacks the path through the row mean square",
    ),
]
