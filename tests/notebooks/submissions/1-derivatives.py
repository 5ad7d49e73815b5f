"""Wrong submissions of homework 1, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "a central difference over h",
        "differences",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x + h) - f(x - h)) / h",
        [3],
        "twice too large: how far is it from x - h to x + h?",
    ),
    (
        "a central difference over h",
        "quotients",
        "-1 / (x * (x + h))",
        "-h / (x * (x + h))",
        [1],
        "this is the change of 1/x, not yet divided by h",
    ),
    (
        "multiply hands each input its own value",
        "gates",
        "return y, x",
        "return x, y",
        [5],
        "each has its own value: how steep is x y in x, with y held still?",
    ),
    (
        "multiply hands each input its own value",
        "exchange",
        "return change / slope",
        "return change * slope",
        [2],
        "-4 is the slope: a step of -4 would be worth 16",
    ),
    (
        "the entry is moved back by arithmetic",
        "numeric-gradient",
        "x[index] = kept - h\n        below = f(x)\n        x[index] = kept\n",
        "x[index] -= 2 * h\n        below = f(x)\n        x[index] += h\n",
        [7],
        "x has changed, be it in the last digit",
    ),
    (
        "the entry is moved back by arithmetic",
        "kinks",
        "return left <= g <= right",
        "return min(left, right) <= g <= max(left, right)",
        [6],
        "a line that stays below would have to be at least 1.3 and at most 1",
    ),
    (
        "the entry is moved back by arithmetic",
        "best-steps",
        "np.sqrt(2 * eps * abs(value) / abs(second))",
        "np.sqrt(eps * abs(value) / abs(second))",
        [4],
        "a factor 2 is missing under the root",
    ),
]
