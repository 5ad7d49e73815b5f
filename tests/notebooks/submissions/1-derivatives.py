"""Wrong submissions of homework 1, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "a central difference over h",
        "differences",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x + h) - f(x - h)) / h",
        [3],
        "Divided by h, but from x - h to x + h it is 2h",
    ),
    (
        "multiply hands each input its own value",
        "gates",
        "return y, x",
        "return x, y",
        [5],
        "Each got its own value",
    ),
    (
        "the entry is moved back by arithmetic",
        "numeric-gradient",
        "x[index] = kept - h\n        below = f(x)\n        x[index] = kept\n",
        "x[index] -= 2 * h\n        below = f(x)\n        x[index] += h\n",
        [7],
        "Keep the old number and write it back",
    ),
]
