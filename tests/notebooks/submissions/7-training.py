"""Wrong submissions of homework 7, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "the gradient goes through the layers in the order of the forward pass",
        "chain",
        "in reversed(layers.items())",
        "in layers.items()",
        [1, 3],
        "the backward pass begins with the last layer, not with the first",
    ),
    (
        "the velocity is renamed and t counts from 0",
        "momentum",
        "v *= self.momentum\n        v -= self.lr * dw",
        "v = self.momentum * v - self.lr * dw",
        [4],
        "the velocity was lost between the steps",
    ),
    (
        "the velocity is renamed and t counts from 0",
        "adam",
        "m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)",
        "m / (1 - self.beta1 ** (self.t - 1)), v / (1 - self.beta2 ** (self.t - 1))",
        [5],
        "no number: is t 0 in the first step",
    ),
    (
        "a wrong diagnosis",
        "rates",
        "2 / b, 2 / (a + b)",
        "2 / a, 2 / (a + b)",
        [4],
        "at the first of these the factor of a is −1, but that of b is −7",
    ),
    (
        "a wrong diagnosis",
        "treatment",
        '("weights too small", {"init": he_normal})',
        '("rate too low", {"lr": 1e30})',
        [8],
        "then the loss would fall, slowly but steadily",
    ),
]
