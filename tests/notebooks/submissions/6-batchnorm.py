"""Wrong submissions of homework 6, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "statistics and paths mistaken, mixed channels",
        "forward",
        "x.var(axis=0)",
        "x.var(axis=0, ddof=1)",
        [1],
        "the variance divides by N − 1",
    ),
    (
        "statistics and paths mistaken, mixed channels",
        "staged",
        'd["xhat"] * v["inv"] + 2 * v["xc"] * d["sq"]',
        'd["xhat"] * v["inv"]',
        [3],
        "only the branch through the product is there; the square is missing",
    ),
    (
        "the wrong spread and one array twice",
        "forward",
        "x.var(axis=0)",
        "x.std(axis=0)",
        [1],
        "the standard deviation stands for the variance",
    ),
    (
        "the wrong spread and one array twice",
        "staged",
        'd["x"] = d["xc"] + d["mu"] / N',
        'd["x"] = d["xc"]; d["x"] += d["mu"] / N',
        [3],
        "'xc' and 'x' are one array",
    ),
    (
        "rows in the place of columns",
        "forward",
        "x - x.mean(axis=0)",
        "x - x.mean(axis=1)",
        [1],
        "arrays of shapes (4, 2) and (4,) do not fit together",
    ),
    (
        "rows in the place of columns",
        "staged",
        'd["out"].sum(axis=0)',
        'd["out"].sum(axis=1)',
        [3],
        "that sums each row; sum over the rows, down a column",
    ),
    (
        "statistics and paths mistaken, mixed channels",
        "layer",
        "if train:",
        "if True:",
        [6],
        "a batch of one has no other mean than itself",
    ),
    (
        "statistics and paths mistaken, mixed channels",
        "images",
        "x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])",
        "x.reshape(-1, x.shape[1])",
        [7],
        "mixes the channels",
    ),
]
