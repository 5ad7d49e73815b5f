# %% [markdown]
# # 6. Batch normalisation
#
# A deep net is fussy about the weights it starts with. A little too small, and the signal dies out
# on its way through the layers; a little too large, and it explodes. In 2015 Sergey Ioffe and
# Christian Szegedy proposed not to hope for the right scale but to *make* it: after every affine
# layer, shift and stretch each feature so that over the batch it has mean 0 and variance 1. On the
# image classifier of their paper this, with a higher learning rate and other changes that it
# allows, reached the same accuracy in 14 times fewer training steps.
#
# Here is the effect on a small scale. Two nets with ten hidden layers of 50 ReLU units get the same
# digits, the same weights of standard deviation 0.1, the same learning rate. One has a batch norm
# after every hidden affine layer, the other has none. On the left is the spread of the outputs of
# each hidden layer before training, on the right the loss while they are trained. (The code of
# pictures is folded, as that of the checks; a click on the dots unfolds it.)

# %%
import copy
import timeit

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

from chainrule import layers
from chainrule.data import load_digits
from chainrule.layers import Affine, Layer, ReLU
from chainrule.layers.init import plain_normal
from chainrule.nets import MLP, Classifier, Graph
from chainrule.notebooks import borrow, exercise, further, model_answer
from chainrule.solvers import Adam, Solver

rng = np.random.default_rng(6)
digits = load_digits()
BLUE, ORANGE = "#2166ac", "#d95f02"


def descend(model, lr, steps):
    """Plain gradient descent on random batches of 100 digits; returns the losses of the steps.

    It stops early where the loss is nan or infinite.
    """
    rows, losses = np.random.default_rng(0), []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            batch = rows.choice(len(digits.x_train), 100, replace=False)
            loss, grads = model.loss(digits.x_train[batch], digits.y_train[batch])
            losses.append(loss)
            if not np.isfinite(loss):
                break
            for name, value in model.params.items():
                value -= lr * grads[name]
    return losses


# %% jupyter={"source_hidden": true}
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.3), layout="constrained")
for label, norm, colour in (("without", None, ORANGE), ("with batch norm", layers.BatchNorm, BLUE)):
    net = MLP([64, *[50] * 10, 10], activation=ReLU(), norm=norm, init=plain_normal(0.1), rng=0)
    x, spread = digits.x_train[:200], []
    for layer in net.layers:
        x, _ = layer.forward(x)
        if isinstance(layer, ReLU):
            spread.append(x.std())
    left.semilogy(range(1, 11), spread, marker="o", color=colour, label=label)
    right.plot(descend(Classifier(net), lr=0.1, steps=60), color=colour, label=label)
left.set(xlabel="hidden layer", ylabel="spread of its outputs", title="before training")
right.axhline(np.log(10), color="grey", linewidth=1, linestyle=":")
right.text(59, np.log(10) + 0.04, "pure guessing", ha="right", va="bottom", color="grey")
right.set(xlabel="step", ylabel="training loss", ylim=(0, 2.7), title="60 steps of training")
for ax in (left, right):
    ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# Without it, the outputs shrink layer by layer: what comes out at the end hardly knows which digit
# went in, and nothing is learned. With it, every layer sees numbers of the same size.
#
# The forward pass of batch norm is a few lines. Its backward pass is a famous exercise in
# backpropagation, since every output depends on *every* row of the batch. We do it
# twice: in nine small steps, where nothing can surprise you, and then on paper, which ends in three
# lines of code. After that come inference, images, and an experiment.
#
# You need: circuits and forks (homework 2), sums over what was broadcast and a layer as a class
# (homework 3). It takes about two hours.

# %% [markdown]
# ## 1. The forward pass
#
# A batch is an array $x$ of shape $(N, D)$: $N$ rows, one for each example, and $D$ features. Batch
# norm treats each feature, that is each *column*, by itself. For one column with the entries
# $x_1, \dots, x_N$ it takes the mean and the variance over the batch,
#
# $$\mu = \frac{1}{N} \sum_{i=1}^{N} x_i, \qquad
# \sigma^2 = \frac{1}{N} \sum_{i=1}^{N} (x_i - \mu)^2,$$
#
# then centres and scales,
#
# $$\hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}$$
#
# ("x hat"), and at last stretches and shifts by two numbers per column that are learned:
#
# $$\text{out}_i = \gamma\,\hat{x}_i + \beta.$$
#
# Three remarks.
#
# - The variance divides by $N$, not by $N - 1$. Statisticians call this the *biased* variance. For
#   normalising it is the natural one: but for ε, the variance of $\hat{x}$ over the batch is 1.
# - $\varepsilon$ is a small number such as $10^{-5}$, *under* the root. It keeps a column in which
#   all rows are equal from being divided by 0.
# - Is something lost when every feature is forced to mean 0 and variance 1? No: with
#   $\gamma = \sqrt{\sigma^2 + \varepsilon}$ and $\beta = \mu$ the layer gives back the $x$ of this
#   batch. The net may undo the normalisation where that helps. It starts with $\gamma = 1$,
#   $\beta = 0$.
#
# For small numbers to calculate with, take these. With $\varepsilon = 5$, which is absurdly large,
# the roots come out even: $\sqrt{4 + 5} = 3$ and $\sqrt{11 + 5} = 4$.

# %%
x_small = np.array([[1.0, 0.0], [1.0, 8.0], [5.0, 8.0], [5.0, 4.0]])  # (4, 2): N = 4, D = 2
gamma_small = np.array([3.0, 2.0])
beta_small = np.array([1.0, -1.0])
eps_small = 5.0
print("means     ", x_small.mean(axis=0))
print("variances ", x_small.var(axis=0))

# %% [markdown]
# ### Exercise 1: the forward pass (3 points)
#
# Write it with NumPy's `mean` and `var` along the right axis. `var` divides by $N$ unless told
# otherwise. The cache is what the backward pass will need: $\hat{x}$, the root, and $\gamma$.


# %% nbgrader={"grade_id": "forward", "solution": true}
def batchnorm_forward(x, gamma, beta, eps=1e-5):
    """Batch norm in training.   x: (N, D).   gamma, beta: (D,).   eps: a number.

    Returns out (N, D), and the cache (xhat, std, gamma) with
    xhat   (N, D), the normalised x
    std    (D,), the root √(variance + eps) of each column
    """
    ### BEGIN SOLUTION
    std = np.sqrt(x.var(axis=0) + eps)
    xhat = (x - x.mean(axis=0)) / std
    return gamma * xhat + beta, (xhat, std, gamma)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "the forward pass", batchnorm_forward, points=3) as check_1:
    centred = np.array([[-2.0, -5.0], [-2.0, 3.0], [2.0, 3.0], [2.0, -1.0]])
    var = np.array([4.0, 11.0])
    halves = np.array([[0.5], [-3.5], [-1.5], [0.5]])  # what is left of x less the mean of its row
    across = halves * [1, -1]
    far = 1000 + 50 * np.random.default_rng(1).standard_normal((200, 3))
    results = [
        check_1.returns(batchnorm_forward(*given), "out", "cache")
        for given in (
            (x_small, np.ones(2), np.zeros(2), eps_small),
            (x_small, gamma_small, beta_small, eps_small),
            (x_small, np.array([3.0, 4.0]), np.array([3.0, 5.0]), eps_small),
            (far, np.ones(3), np.zeros(3)),
        )
    ]
    (out, _), (stretched, cache), (back, _), (standard, _) = results
    check_1(
        "with γ = 1 and β = 0, out is x̂: ∓2/3 in the first column",
        out,
        [[-2 / 3, -5 / 4], [-2 / 3, 3 / 4], [2 / 3, 3 / 4], [2 / 3, -1 / 4]],
        mistakes=[
            (centred / np.sqrt(np.sqrt(var) + 5), "the standard deviation stands for the variance"),
            (centred / np.sqrt(var * 4 / 3 + 5), "the variance divides by N − 1; it should be N"),
            (centred / (np.sqrt(var) + 5), "eps stands outside the root; it belongs under it"),
            (centred / np.sqrt(var), "eps is missing under the root, or it is not the eps given"),
            (centred / (var + 5), "that divides by the variance; take its root"),
            (centred * np.sqrt(var + 5), "that multiplies by the root"),
            (x_small / np.sqrt(var + 5), "the mean is not subtracted"),
            (centred, "it is centred, but not divided by the root"),
            (
                across / np.sqrt(halves**2 + 5),
                "each row was normalised; mean and variance run over the batch, down a column",
            ),
            (across / np.sqrt(var + 5), "the mean is that of a row; it runs down a column"),
            (centred / np.sqrt(halves**2 + 5), "the variance is that of a row, not of a column"),
            (
                (x_small - 4) / np.sqrt(8.5 + 5),
                "all numbers were taken together; each column has its own mean and variance",
            ),
            ((x_small - 4) / np.sqrt(var + 5), "the mean is that of all numbers, not of a column"),
            (centred / np.sqrt(8.5 + 5), "the variance is that of all numbers, not of a column"),
        ],
        hint="what the formula does with the first column, 1, 1, 5, 5, step by step",
    )
    right = np.array([[-1.0, -3.5], [-1.0, 0.5], [3.0, 0.5], [3.0, -1.5]])
    check_1(
        "with γ = (3, 2) and β = (1, −1)",
        stretched,
        right,
        mistakes=[
            (right - beta_small, "β is missing"),
            ((right - beta_small) / gamma_small + beta_small, "γ is missing"),
            (right - 2 * beta_small, "β is subtracted"),
            (right + (gamma_small - 1) * beta_small, "γ has stretched β, too"),
        ],
    )
    if check_1.verdict != "wrong":
        check_1("γ = √(σ² + ε) and β = μ give x back", back, x_small)
        zeros, ones = np.zeros(3), np.ones(3)
        check_1("columns around 1000 come out with mean 0", standard.mean(axis=0), zeros, atol=1e-8)
        check_1("… and with variance 1", standard.var(axis=0), ones, rtol=1e-6)
        shapes = [np.shape(one) for one in cache] if isinstance(cache, tuple) else "no tuple"
        check_1.true(
            "the cache holds xhat, std and gamma, of shapes (4, 2), (2,) and (2,)",
            shapes == [(4, 2), (2,), (2,)],
            why=f"shapes found: {shapes}" + "; keepdims=True keeps the axis" * ((1, 2) in shapes),
        )
    if check_1.verdict != "wrong":
        xhat, std, _ = cache
        check_1(
            "std is √(σ² + ε)",
            std,
            [3.0, 4.0],
            mistakes=[
                (np.sqrt(var), "eps is missing here"),
                ([9.0, 16.0], "that is σ² + ε, before the root"),
                (gamma_small, "that is gamma: the order is xhat, std, gamma"),
            ],
            hint="what x − μ was divided by",
        )
        check_1(
            "xhat is without γ and β",
            xhat,
            centred / [3.0, 4.0],
            mistakes=[
                (right, "that is out"),
                (x_small, "that is x"),
                (centred, "that is x − μ, before the division"),
            ],
            hint="what γ was multiplied with",
            among={"out": stretched, "xhat": xhat},
        )
    ### BEGIN HIDDEN TESTS
    out = batchnorm_forward(np.full((3, 2), 7.0), np.ones(2), np.full(2, 0.5))[0]
    check_1("a column of equal numbers gives β", out, np.full((3, 2), 0.5))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Nine small steps
#
# To go back we cut the same formula into steps so small that each has a derivative from school. In
# the circuit below, $\gamma$, $\beta$ and $x$ come in, and every gate is one step.

# %% jupyter={"source_hidden": true}


def gate(symbol):
    """A gate that the library does not have; it is drawn here, and not run."""
    return type(symbol, (Layer,), {})()


g = Graph()
x, gamma, beta = g.input("x"), g.input("gamma"), g.input("beta")
mu = gate("mean")(x).named("mu")
xc = (x - mu).named("xc")
sq = (xc**2).named("sq")
var = gate("mean")(sq).named("var")
std = gate("√(·+ε)")(var).named("std")
inv = (1 / std).named("inv")
xhat = (xc * inv).named("xhat")
scaled = (xhat * gamma).named("scaled")
g.output((scaled + beta).named("out"))
g.draw()

# %% [markdown]
# And as code, a line for each gate. Every wire has a name, and its value goes into the dictionary
# `v` (homework 2 did the same). This is our version of exercise 1, so the cell is folded. Run it
# now; unfold it when yours is done, and use it freely from then on. The values of all wires for the
# small example are printed below it.


# %% jupyter={"source_hidden": true}
def staged_forward(x, gamma, beta, eps=1e-5):
    """Batch norm in nine steps.   x: (N, D).   gamma, beta: (D,).   eps: a number.

    Returns out (N, D), and as the cache the value of every wire by its name.
    """
    v = {"x": x, "gamma": gamma, "beta": beta}
    v["mu"] = v["x"].mean(axis=0)  # (D,)
    v["xc"] = v["x"] - v["mu"]  # (N, D), "x centred"
    v["sq"] = v["xc"] ** 2  # (N, D)
    v["var"] = v["sq"].mean(axis=0)  # (D,)
    v["std"] = np.sqrt(v["var"] + eps)  # (D,)
    v["inv"] = 1 / v["std"]  # (D,)
    v["xhat"] = v["xc"] * v["inv"]  # (N, D)
    v["scaled"] = v["gamma"] * v["xhat"]  # (N, D)
    v["out"] = v["scaled"] + v["beta"]  # (N, D)
    return v["out"], v


_, v_small = staged_forward(x_small, gamma_small, beta_small, eps_small)
for name, value in v_small.items():
    rows = "; ".join(" ".join(f"{entry:6.3g}" for entry in row) for row in np.atleast_2d(value))
    print(f"{name:7} {rows}")

# %% [markdown]
# (Rows are separated by semicolons.) Two things in this circuit deserve a look before we walk back.
#
# **Forks.** Two wires fork: `x` goes into the mean and into the difference, `xc` goes into the
# square and into the product. What comes back along the branches adds up.
#
# **Arrays of two shapes.** Some wires carry a number for each entry, $(N, D)$, others a number for
# each column, $(D,)$. Where the two meet, one number of a column serves all $N$ rows. It is used
# $N$ times, that is a fork with $N$ branches, and homework 3 has the rule: *sum over what was
# broadcast*. If you want to see why, imagine $\gamma$ copied $N$ times, to a tile of shape
# $(N, D)$. Every number of the tile meets one number of $\hat{x}$, so the gradient of the tile is
# that of an ordinary product, entry by entry. Then pile up the $N$ copies: each row of the tile was
# the same $\gamma$, so what comes back to it is the sum of the rows. The mean is the same thing the
# other way round: $N$ numbers become one.
#
# | step, in one column | going back, for an upstream gradient `dout` |
# |---|---|
# | $m = \frac{1}{N} \sum_i x_i$ | $\partial m / \partial x_i = \;?$, the same for every row |
# | $c_i = x_i - m$ | to $x_i$: `dout` of the same row. To $m$: $\sum_i \text{dout}_i \cdot (?)$ |
# | $p_i = c_i\,s$ | to $c_i$: $\text{dout}_i \cdot (?)$. To $s$: $\sum_i \text{dout}_i \cdot (?)$ |
#
# ### Exercise 2: three gates of columns (3 points)
#
# Fill the question marks, as code. Mind the shapes: a gradient always has the shape of the thing
# it belongs to.


# %% nbgrader={"grade_id": "column-gates", "solution": true}
def mean_forward(x):
    return x.mean(axis=0), x.shape


def mean_backward(dout, cache):
    """dout: (D,), the gradient at the mean of each column.   Returns dx, (N, D)."""
    N, D = cache
    ### BEGIN SOLUTION
    return np.ones((N, D)) * dout / N
    ### END SOLUTION


def centre_forward(x, m):
    return x - m, None


def centre_backward(dout, cache):
    """dout: (N, D), the gradient at x − m, for x (N, D) and m (D,).

    Returns dx (N, D) and dm (D,).
    """
    ### BEGIN SOLUTION
    return dout, -dout.sum(axis=0)
    ### END SOLUTION


def stretch_forward(c, s):
    return c * s, (c, s)


def stretch_backward(dout, cache):
    """dout: (N, D), the gradient at c s, for c (N, D) and s (D,).

    Returns dc (N, D) and ds (D,).
    """
    c, s = cache
    ### BEGIN SOLUTION
    return dout * s, (dout * c).sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 3}
with exercise(
    2, "three gates of columns", mean_backward, centre_backward, stretch_backward, points=3
) as check_2:
    up = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 0.0]])  # (3, 2)
    check_2(
        "the mean of 3 rows: 6 and −3 arrive",
        mean_backward(np.array([6.0, -3.0]), (3, 2)),
        [[2.0, -1.0], [2.0, -1.0], [2.0, -1.0]],
        mistakes=[
            (np.tile([6.0, -3.0], (3, 1)), "each row got all of dout; the factor 1/N is missing"),
            (np.tile([3.0, -1.5], (3, 1)), "divided by D; the mean is over the N rows"),
            (np.tile([18.0, -9.0], (3, 1)), "multiplied by N; the mean divides by it"),
            ([2.0, -1.0], "the right numbers, but dx needs them in every row: shape (N, D)"),
            ([6.0, -3.0], "dx is to have the shape of x; this has the shape of the mean"),
            (1.0, "one number for everything; each column has a mean of its own"),
            (
                np.ones((3, 2)),
                "every entry is 1: each is to be 1/N times what arrives at the mean of its column",
            ),
            (np.full((3, 2), 1 / 3), "that is ∂m/∂x; multiply it by what arrives at the mean"),
        ],
        hint="how much the mean moves if one row alone moves by 1",
    )
    dx, dm = check_2.returns(centre_backward(up, None), "dx", "dm")
    check_2(
        "x − m: what x gets",
        dx,
        up,
        mistakes=[
            (-up, "the sign of x in x − m is +"),
            ([-9.0, -30.0], "that is what m gets: the order is dx, dm"),
            (
                up - up.mean(axis=0),
                "at this gate m is an input of its own, wherever it came from",
            ),
        ],
        hint="the slope of x − m in x",
    )
    check_2(
        "… and what m gets, which every row used",
        dm,
        [-9.0, -30.0],
        mistakes=[
            ([9.0, 30.0], "the sign: m is subtracted"),
            (-up, "m is one number for each column: sum over the rows"),
            (up, "m is one number for each column: sum over the rows; and it is subtracted"),
            ([-3.0, -10.0], "that is a mean over the rows; the branches of a fork add up"),
            ([-11.0, -22.0, -6.0], "that sums each row; sum over the rows, down a column"),
            ([11.0, 22.0, 6.0], "that sums each row; sum over the rows. And m is subtracted"),
            (-39.0, "that sums everything; each column has its own m"),
        ],
        hint="the shape of m, the sign of m, and how often each m was used",
    )
    c, s = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([10.0, -1.0])
    dc, ds = check_2.returns(stretch_backward(up, (c, s)), "dc", "ds")
    check_2(
        "c s: what c gets",
        dc,
        [[10.0, -10.0], [20.0, -20.0], [60.0, 0.0]],
        mistakes=[
            (up * c, "a product sends each factor the other one: this is times c itself"),
            (up, "the local derivative is missing: a product sends each factor the other one"),
            (np.tile(s, (3, 1)), "that is the local derivative; multiply it by what arrives"),
            ([37.0, 100.0], "that is what s gets: the order is dc, ds"),
        ],
        hint="what a product sends to each of its factors",
    )
    check_2(
        "… and what s gets, which every row used",
        ds,
        [37.0, 100.0],
        mistakes=[
            (up * c, "s is one number for each column: sum over the rows"),
            ([9.0, 30.0], "that is the sum of dout; first multiply each entry by its c"),
            ([81.0, 360.0], "that multiplies two sums; multiply entry by entry first, then sum"),
            ([9.0, 12.0], "that is the sum of c; the upstream gradient is missing"),
            ([90.0, -30.0], "that is the sum of dout · s; s was multiplied with c"),
            ([37 / 3, 100 / 3], "that is a mean over the rows; the branches of a fork add up"),
            ([21.0, 86.0, 30.0], "that sums each row; sum over the rows, down a column"),
            (137.0, "that sums everything; each column has its own s"),
        ],
        hint="the shape of s, what it was multiplied with, and how often it was used",
    )
    data = np.random.default_rng(2).standard_normal((5, 3))
    row = np.random.default_rng(3).standard_normal(3)
    if check_2.verdict != "wrong":
        check_2.functions("the mean, by differences", mean_forward, mean_backward, data)
        check_2.functions("x − m, by differences", centre_forward, centre_backward, data, row)
        check_2.functions("c s, by differences", stretch_forward, stretch_backward, data, row)
    ### BEGIN HIDDEN TESTS
    check_2("elsewhere", mean_backward(np.array([8.0]), (4, 1)), [[2.0]] * 4)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The backward pass, in stages
#
# Now walk back through all nine gates, from `out` to `x`. Six of them are as in exercise 2: two
# means, two products, a difference, and a sum with $\beta$, which is like the difference but for a
# sign. The three others are:
#
# | gate | local derivative |
# |---|---|
# | $\text{inv} = 1 / \text{std}$ | $-1 / \text{std}^2$ |
# | $\text{std} = \sqrt{\text{var} + \varepsilon}$ | $1 / (2\,\text{std})$ |
# | $\text{sq} = \text{xc}^2$ | $2\,\text{xc}$ |
#
# ### Exercise 3: back through nine gates (5 points)
#
# Write the gradient at each wire into the dictionary `d` under the name of the wire. The best order
# is from right to left in the picture: `scaled` and `beta`, `xhat` and `gamma`, `inv`, `std`,
# `var`, `sq`, `xc`, `mu`, `x`. Wires that fork, `xc` and `x`, get the *sum* of their two branches.
# (For `xc` that means: wait until `sq` is there.)
#
# You can use your functions of exercise 2, or write each line out. Run the check after a few lines,
# with the `raise` still below them: it goes as far as you have come, and stops at the first stage
# that is wrong, since all stages behind that one would be wrong too.
#
# One trap: `d["x"] = d["xc"]` makes a second name for the same array, and `d["x"] += …` then writes
# into both. Write `d["x"] = d["xc"] + …`, which makes a new one.


# %% nbgrader={"grade_id": "staged", "solution": true}
def staged_backward(dout, v):
    """dout: (N, D), the gradient at out.   v: the values of the wires, from staged_forward.

    Returns a dictionary: the gradient at each wire, by its name, of the shape of its value.
    """
    N = len(dout)
    d = {"out": dout}
    ### BEGIN SOLUTION
    d["scaled"] = d["out"]
    d["beta"] = d["out"].sum(axis=0)
    d["xhat"] = d["scaled"] * v["gamma"]
    d["gamma"] = (d["scaled"] * v["xhat"]).sum(axis=0)
    d["inv"] = (d["xhat"] * v["xc"]).sum(axis=0)
    d["std"] = -d["inv"] / v["std"] ** 2
    d["var"] = d["std"] / (2 * v["std"])
    d["sq"] = np.ones_like(dout) * d["var"] / N
    d["xc"] = d["xhat"] * v["inv"] + 2 * v["xc"] * d["sq"]  # the product, and the square
    d["mu"] = -d["xc"].sum(axis=0)
    d["x"] = d["xc"] + d["mu"] / N  # the difference, and the mean
    ### END SOLUTION
    return d


# %% nbgrader={"grade_id": "check-3", "points": 5}
dout_small = np.array([[1.0, 0.0], [2.0, 4.0], [1.0, 8.0], [5.0, 4.0]])
xc_small = np.array([[-2.0, -5.0], [-2.0, 3.0], [2.0, 3.0], [2.0, -1.0]])
by_product = np.array([[1.0, 0.0], [2.0, 2.0], [1.0, 4.0], [5.0, 2.0]])
by_square = np.array([[1 / 3, 5 / 4], [1 / 3, -3 / 4], [-1 / 3, -3 / 4], [-1 / 3, 1 / 4]])
both = by_product + by_square
SERVED = "how many rows one number served, and which shape its gradient has"
MEAN = "averaged over the rows; the branches of a fork add up"
ROWS = "that sums each row; sum over the rows, down a column"
STAGES = {  # what is right on the small example, a hint, and what people get instead
    "scaled": (
        dout_small,
        "what a sum does with what arrives",
        [(dout_small * gamma_small, "gamma belongs to the product, which is one gate further")],
    ),
    "beta": (
        [9.0, 16.0],
        SERVED,
        [([9 / 4, 4.0], MEAN), (dout_small.sum(axis=1), ROWS), (25.0, "summed over everything")],
    ),
    "xhat": (
        [[3.0, 0.0], [6.0, 8.0], [3.0, 16.0], [15.0, 8.0]],
        "the other factor of the product",
        [
            (dout_small, "the local derivative is missing: the other factor of the product"),
            (
                dout_small * xc_small / [3.0, 4.0],
                "multiplied by xhat itself; a product sends each factor the other one",
            ),
        ],
    ),
    "gamma": (
        [2.0, 8.0],
        SERVED + "; and the other factor of the product",
        [
            ([9.0, 16.0], "that is what beta gets; gamma was multiplied with something"),
            ([6.0, 32.0], "that is the sum of dout · xc; gamma was multiplied with xhat"),
            ([1 / 2, 2.0], MEAN),
            ((dout_small * xc_small / [3.0, 4.0]).sum(axis=1), ROWS),
            ([6.0, 16.0], "gamma is in it once too often"),
            (dout_small * xc_small / [3.0, 4.0], "gamma is one number a column: sum the rows"),
        ],
    ),
    "inv": (
        [18.0, 64.0],
        SERVED + "; and what inv was multiplied with",
        [
            (
                [27.0, 32.0],
                "that is the sum of what arrives at xhat; its partner in the product is missing",
            ),
            ([6.0, 32.0], "that starts from the gradient at scaled; the wire behind is xhat"),
            ([6.0, 16.0], "its partner in the product is xc, not xhat"),
            ([9 / 2, 16.0], MEAN),
            ((dout_small * xc_small * gamma_small).sum(axis=1), ROWS),
            (dout_small * xc_small * gamma_small, "inv is one number a column: sum the rows"),
        ],
    ),
    "std": (
        [-2.0, -4.0],
        "the table: the local derivative, times what arrives",
        [
            ([2.0, 4.0], "the sign: 1/std falls when std grows"),
            ([-6.0, -16.0], "divided by std once; the table has another power"),
            ([-1 / 9, -1 / 16], "that is the local derivative; multiply it by what arrives"),
            ([-162.0, -1024.0], "multiplied by std²; the table divides by it"),
            ([-9 / 2, -64 / 11], "divided by var; std² has the ε in it, too"),
        ],
    ),
    "var": (
        [-1 / 3, -1 / 2],
        "the table: the local derivative, times what arrives",
        [
            ([-2 / 3, -1.0], "the factor ½ of the root is missing"),
            ([-1 / 2, -2 / np.sqrt(11)], "that is 1 / (2 √var): the ε under the root is lost"),
            ([-3.0, -8.0], "multiplied by std; the table divides by it"),
            ([-1.0, -2.0], "that is half of what arrives; the root in the denominator is missing"),
            ([1 / 6, 1 / 8], "that is the local derivative; multiply it by what arrives"),
        ],
    ),
    "sq": (
        np.tile([-1 / 12, -1 / 8], (4, 1)),
        "exercise 2: what a mean sends to each row",
        [
            (np.tile([-1 / 3, -1 / 2], (4, 1)), "the factor 1/N of the mean is missing"),
            (np.tile([-1 / 6, -1 / 4], (4, 1)), "divided by D; the mean is over the N rows"),
            ([-1 / 12, -1 / 8], "the right numbers, but each row of sq gets them: shape (N, D)"),
            ([-1 / 3, -1 / 2], "a mean sends something to each row; this has the shape (D,)"),
            (by_square, "that is one gate too far: 2 xc belongs to the square"),
        ],
    ),
    "xc": (
        both,
        "xc forks: where do its two branches go, and what does each send back?",
        [
            (by_product, "only the branch through the product is there; the square is missing"),
            (by_square, "only the branch through the square is there; the product is missing"),
            (by_product + by_square / 2, "the square's derivative is 2 xc: the 2 is missing"),
            (
                by_product + np.tile([-1 / 12, -1 / 8], (4, 1)),
                "the square sends on what arrives at sq as it is: its derivative is missing",
            ),
            (by_product - by_square, "the branch through the square has the wrong sign"),
            (both / gamma_small, "gamma is lost: the branches come from xhat"),
        ],
    ),
    "mu": (
        [-9.0, -8.0],
        SERVED + "; and the sign",
        [
            ([9.0, 8.0], "the sign: mu is subtracted"),
            ([-9 / 4, -2.0], MEAN),
            (-both.sum(axis=1), ROWS),
            (both.sum(axis=1), ROWS + ". And mu is subtracted"),
        ],
    ),
    "x": (
        both - [9 / 4, 2.0],
        "x forks: where do its two branches go, and what does each send back?",
        [
            (both, "only the branch through the difference is there; the mean is missing"),
            (both - [9.0, 8.0], "the factor 1/N of the mean is missing"),
            (both - [9 / 2, 4.0], "divided by D; the mean is over the N rows"),
            (np.tile([-9 / 4, -2.0], (4, 1)), "only the branch through the mean is there"),
            ([-9 / 4, -2.0], "only the branch through the mean is there, and in one row"),
            (both + np.array([9 / 4, 2.0]), "the branch through the mean has the wrong sign"),
        ],
    ),
}


def so_far(error):
    """What stands in the dictionary d of staged_backward when an exception ends it."""
    inner = error.__traceback__.tb_next
    return dict(inner.tb_frame.f_locals.get("d") or {}) if inner else {}


with exercise(3, "back through nine gates", staged_backward, points=5) as check_3:
    _, v = staged_forward(x_small, gamma_small, beta_small, eps_small)
    given = dout_small.copy()
    try:
        d, failure = staged_backward(given, v), None
    except Exception as error:  # the stages before it come first
        d, failure = so_far(error), error
    ahead = {name: d[name] for name in STAGES if name in d}
    if (given != dout_small).any():
        check_3(
            "dout is left as it was",
            given,
            dout_small,
            among=d,
            hint="which line writes into the array that came in",
        )
    for name, (expected, hint, mistakes) in STAGES.items():
        if check_3.verdict == "wrong":
            break
        if failure is not None and name not in d:
            raise failure
        check_3(f"stage {name}", d.get(name), expected, hint=hint, mistakes=mistakes, among=ahead)
        ahead.pop(name, None)
    if check_3.verdict != "wrong":

        def backward(dout, v):
            d = staged_backward(dout, v)
            return d["x"], d["gamma"], d["beta"]

        data = 3 * np.random.default_rng(4).standard_normal((6, 3))
        params = np.random.default_rng(5).uniform(0.5, 2.0, (2, 3))
        check_3.functions(
            "x, gamma and beta by differences", staged_forward, backward, data, *params
        )
        ### BEGIN HIDDEN TESTS
        other = staged_backward(-2 * dout_small, v)
        check_3("linear in dout", other["x"], -2 * (both - [9 / 4, 2.0]))
        ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint for each group of wires.</summary>
#
# - The last two gates: `d["scaled"]` is what arrives, `d["beta"]` its sum over the rows. For the
#   product, `d["xhat"]` is what arrives times `v["gamma"]`, and `d["gamma"]` is
#   `stretch_backward(d["scaled"], (v["xhat"], v["gamma"]))[1]`.
# - `d["inv"]` is the second gradient of the product of `xc` and `inv`. The first is one of the two
#   parts of `d["xc"]`; keep it.
# - `d["std"]` and `d["var"]`: what arrives, times the local derivative from the table.
# - `d["sq"]` is `mean_backward(d["var"], dout.shape)`.
# - `d["xc"]`: the part you kept, plus `2 * v["xc"] * d["sq"]`.
# - `d["mu"]` and `d["x"]`: `centre_backward`, then `mean_backward`.
# </details>

# %% [markdown]
# ## 4. On paper: three paths
#
# The stages are safe, but they make an array for every wire. On paper much of it cancels. We follow
# one column and write $\widehat{dx}_i$ for the gradient at $\hat{x}_i$. With $\text{out}_i = \gamma
# \hat{x}_i + \beta$ it is $\widehat{dx}_i = \gamma \cdot \text{dout}_i$, and
#
# $$\hat{x}_i = (x_i - \mu)\,(\sigma^2 + \varepsilon)^{-1/2}.$$
#
# An entry $x_i$ reaches the loss on **three paths**: directly, through the variance $\sigma^2$ and
# through the mean $\mu$. All three add up (this is how Ioffe and Szegedy give it in their paper):
#
# $$\frac{\partial L}{\partial x_i} =
# \underbrace{\widehat{dx}_i \cdot \frac{\partial \hat{x}_i}{\partial x_i}}_{\text{directly}} +
# \underbrace{\frac{\partial L}{\partial \sigma^2} \cdot
#   \frac{\partial \sigma^2}{\partial x_i}}_{\text{through the variance}} +
# \underbrace{\frac{\partial L}{\partial \mu} \cdot
#   \frac{\partial \mu}{\partial x_i}}_{\text{through the mean}}$$
#
# **Directly.** Hold $\mu$ and $\sigma^2$ still; then $\hat{x}_i$ is a straight line in $x_i$. Its
# slope $\partial \hat{x}_i / \partial x_i$ is … ?
#
# **Through the variance.** *All* $\hat{x}_j$ of the column use $\sigma^2$, so we sum over them:
#
# $$\frac{\partial L}{\partial \sigma^2} = \sum_j \widehat{dx}_j\,(x_j - \mu) \cdot
# \frac{d}{d\sigma^2} (\sigma^2 + \varepsilon)^{-1/2}, \qquad
# \frac{\partial \sigma^2}{\partial x_i} = \frac{2\,(x_i - \mu)}{N}$$
#
# The derivative of a power: what is $\frac{d}{dt}\, t^{-1/2}$? It has a sign, a factor, and a new
# exponent.
#
# **Through the mean.** All $\hat{x}_j$ use $\mu$, and so does $\sigma^2$:
#
# $$\frac{\partial L}{\partial \mu} = \sum_j \widehat{dx}_j \cdot
# \frac{-1}{\sqrt{\sigma^2 + \varepsilon}} + \frac{\partial L}{\partial \sigma^2} \cdot
# \underbrace{\frac{-2}{N} \sum_j (x_j - \mu)}_{?}, \qquad
# \frac{\partial \mu}{\partial x_i} = \;?$$
#
# How large is the sum over the brace? Try it on the first column of the small example, 1, 1, 5, 5,
# before you read on. The deviations from a mean always add up to the same number.
#
# ### Exercise 4: three paths (4 points)
#
# Write the three terms of $\partial L / \partial x_i$ for all columns at once. Each is one of the
# whole products above. So the third is $\partial L / \partial \mu$, already times
# $\partial \mu / \partial x_i$.


# %% nbgrader={"grade_id": "paths", "solution": true}
def three_paths(dout, xc, std, gamma):
    """The three parts of the gradient at x.

    dout: (N, D), the gradient at out.   xc: (N, D), x less its mean.
    std: (D,), the root √(variance + eps).   gamma: (D,).

    Returns direct (N, D), through_variance (N, D), and through_mean (D,): the whole third term,
    ∂L/∂μ times ∂μ/∂x, which is the same in every row. The arguments stay as they are.
    """
    N = len(dout)
    dxhat = gamma * dout  # (N, D)
    ### BEGIN SOLUTION
    direct = dxhat / std
    dvar = -0.5 * (dxhat * xc).sum(axis=0) / std**3
    through_variance = dvar * 2 * xc / N
    dmu = -(dxhat / std).sum(axis=0)  # the sum of the deviations is 0
    through_mean = dmu / N
    return direct, through_variance, through_mean
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 4}
with exercise(4, "three paths", three_paths, points=4) as check_4:
    xc_small = np.array([[-2.0, -5.0], [-2.0, 3.0], [2.0, 3.0], [2.0, -1.0]])
    root = np.array([3.0, 4.0])
    dout_small = np.array([[1.0, 0.0], [2.0, 4.0], [1.0, 8.0], [5.0, 4.0]])
    given = dout_small.copy(), xc_small.copy(), root.copy(), gamma_small.copy()
    direct, through_variance, through_mean = check_4.returns(
        three_paths(*given), "direct", "through_variance", "through_mean"
    )
    by_itself = np.array([[1.0, 0.0], [2.0, 2.0], [1.0, 4.0], [5.0, 2.0]])
    by_var = np.array([[1 / 3, 5 / 4], [1 / 3, -3 / 4], [-1 / 3, -3 / 4], [-1 / 3, 1 / 4]])
    power = "the exponent: the derivative of t^(−1/2) has another one, and t is std²"
    check_4(
        "the direct path",
        direct,
        by_itself,
        mistakes=[
            (dout_small * [3.0, 2.0], "the root is missing: how steep is x̂ in x alone?"),
            (dout_small / root, "γ is missing: the path starts at x̂, with dxhat"),
            (dout_small * [9.0, 8.0], "multiplied by the root; x̂ is divided by it"),
            (by_itself / root, "divided by the root twice"),
            (by_itself / root**2, "divided by the root three times"),
            (dout_small, "that is dout as it came in"),
        ],
        hint="the slope of x̂ in x while μ and σ² are held still",
    )
    check_4(
        "the path through the variance",
        through_variance,
        by_var,
        mistakes=[
            (-by_var, "the sign: t^(−1/2) falls where t grows"),
            (by_var * root, power),
            (by_var * root**1.5, "the exponent you took is that of t = std², so std has twice it"),
            (by_var * root**2, power),
            (by_var / root, power),
            (by_var * 4, "the factor 1/N of ∂σ²/∂x is missing"),
            (by_var * 2, "twice too large: the power −1/2 brings down a factor ½"),
            (by_var / 2, "half of it: the square in σ² brings down a factor 2"),
            (by_var * 4 / 3, "divided by N − 1; the variance here divides by N"),
            (by_var / [3.0, 2.0], "γ is missing: start at x̂, with dxhat"),
            (by_var * root**6, "multiplied by std³; t^(−3/2) divides by it"),
            (xc_small * [-1 / 4, -1 / 8], "in the sum, each dxhatⱼ is to be times (xⱼ − μ)"),
            ([-1 / 3, -1 / 2], "that is ∂L/∂σ²; it still goes on to each xᵢ"),
            (
                -dout_small * [3.0, 2.0] * xc_small**2 / root**3 / 4,
                "the sum is missing: all x̂ⱼ of a column use σ²",
            ),
        ],
        hint="the shape of ∂L/∂σ², which is one number a column, and then ∂σ²/∂x",
    )
    check_4(
        "the path through the mean, a number for each column",
        through_mean,
        [-9 / 4, -2.0],
        mistakes=[
            ([9 / 4, 2.0], "the sign: μ is subtracted"),
            ([-9.0, -8.0], "that is ∂L/∂μ; ∂μ/∂x is missing"),
            ([-27 / 4, -8.0], "the root is missing: how steep is x̂ in μ?"),
            ([-3 / 4, -1 / 2], "divided by the root twice"),
            ([-3 / 4, -1.0], "γ is missing: start at x̂, with dxhat"),
            ([-3.0, -8 / 3], "divided by N − 1; a mean divides by N"),
            (np.tile([-9 / 4, -2.0], (4, 1)), "right, but return it once: shape (D,)"),
        ],
        hint="the question mark under the brace, and how μ moves if one xᵢ moves by 1",
    )
    check_4(
        "the arguments are left as they were",
        np.concatenate([one.ravel() for one in given]),
        np.concatenate([one.ravel() for one in (dout_small, xc_small, root, gamma_small)]),
        hint="which line writes into an array that came in: *= and /= do",
    )
    if check_4.verdict != "wrong":
        data = np.random.default_rng(6).standard_normal((7, 3)) * [1.0, 10.0, 0.1]
        gamma, beta = np.array([1.5, -0.5, 2.0]), np.zeros(3)

        def forward(x):
            out, v = staged_forward(x, gamma, beta)
            return out, (v["xc"], v["std"], gamma)

        def backward(dout, cache):
            return sum(three_paths(dout, *cache))

        check_4.functions("their sum is the gradient at x, by differences", forward, backward, data)
    ### BEGIN HIDDEN TESTS
    parts = three_paths(3 * dout_small, xc_small, root, gamma_small)
    check_4("linear in dout", parts[1], 3 * by_var)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Three lines
#
# Now put $\hat{x}_i = (x_i - \mu) / \sqrt{\sigma^2 + \varepsilon}$ back in. Every path has the
# common factor $\gamma / \sqrt{\sigma^2 + \varepsilon}$. Take it out, and this is left:
#
# $$dx_i = \frac{\gamma}{\sqrt{\sigma^2 + \varepsilon}}\;\Bigl(
# \underbrace{\text{dout}_i}_{\text{directly}} \;-\;
# \underbrace{\;?\;}_{\text{mean}} \;-\;
# \underbrace{\hat{x}_i \cdot \;?\;}_{\text{variance}} \Bigr)$$
#
# Both question marks are **means over the batch**: one of $\text{dout}_j$, one of a product. You
# need not compute anything new for them. The gradients of the parameters are
#
# $$d\beta = \sum_j \text{dout}_j, \qquad d\gamma = \sum_j \text{dout}_j\,\hat{x}_j$$
#
# and the question marks are these two, divided by something. Keep them apart: in the bracket stand
# *means*, but $d\beta$ and $d\gamma$, which the function returns, are the *sums*.
#
# ### Exercise 5: the closed form (4 points)
#
# Write the backward pass in closed form, from the cache of exercise 1. Three lines are enough.


# %% nbgrader={"grade_id": "closed-form", "solution": true}
def batchnorm_backward(dout, cache):
    """dout: (N, D), the gradient at out.   cache: (xhat, std, gamma), of shapes (N, D), (D,), (D,).

    Returns dx (N, D), dgamma (D,), dbeta (D,).
    """
    xhat, std, gamma = cache
    N = len(dout)
    ### BEGIN SOLUTION
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dx = gamma / std * (dout - dbeta / N - xhat * dgamma / N)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 4}
def cached_forward(x, gamma, beta):
    """The forward pass with the cache of exercise 1."""
    out, v = staged_forward(x, gamma, beta)
    return out, (v["xhat"], v["std"], gamma)


with exercise(5, "the closed form", batchnorm_backward, points=4) as check_5:
    xhat_small = np.array([[-2 / 3, -5 / 4], [-2 / 3, 3 / 4], [2 / 3, 3 / 4], [2 / 3, -1 / 4]])
    dout_small = np.array([[1.0, 0.0], [2.0, 4.0], [1.0, 8.0], [5.0, 4.0]])
    root = np.array([3.0, 4.0])
    dx, dgamma, dbeta = check_5.returns(
        batchnorm_backward(dout_small, (xhat_small, root, gamma_small)), "dx", "dgamma", "dbeta"
    )
    by_itself = np.array([[1.0, 0.0], [2.0, 2.0], [1.0, 4.0], [5.0, 2.0]])
    by_var = np.array([[1 / 3, 5 / 4], [1 / 3, -3 / 4], [-1 / 3, -3 / 4], [-1 / 3, 1 / 4]])
    by_mean = np.array([-9 / 4, -2.0])
    right = by_itself + by_var + by_mean
    averaged = "a mean; the gradient of a parameter is the sum of what all rows send it"
    rows = "that sums each row; sum over the rows, down a column"
    check_5(
        "dβ",
        dbeta,
        [9.0, 16.0],
        mistakes=[
            ([9 / 4, 4.0], averaged),
            ([2.0, 8.0], "that is dγ: the order is dx, dγ, dβ"),
            (right, "that is dx: the order is dx, dγ, dβ"),
            (dout_small.sum(axis=1), rows),
        ],
        hint="the formula above the exercise",
    )
    check_5(
        "dγ",
        dgamma,
        [2.0, 8.0],
        mistakes=[
            ([1 / 2, 2.0], averaged),
            ([9.0, 16.0], "that is dβ: is the order dx, dγ, dβ, or is x̂ missing?"),
            ([6.0, 32.0], "that is the sum of dout (x − μ), not of dout x̂"),
            ([6.0, 16.0], "γ is in it once too often"),
            ((dout_small * xhat_small).sum(axis=1), rows),
        ],
        hint="the formula above the exercise",
    )
    check_5(
        "dx on the small example",
        dx,
        right,
        mistakes=[
            (by_itself + by_mean, "nothing comes through the variance; the mean of x̂ alone is 0"),
            (by_itself + by_var, "the path through the mean is missing"),
            (by_itself, "that is the direct path alone; subtract those through mean and variance"),
            (by_itself + 4 * by_var + 4 * by_mean, "sums stand where means belong"),
            (by_itself + by_var + 4 * by_mean, "dβ is a sum; its part in dx is a mean"),
            (by_itself + 4 * by_var + by_mean, "dγ is a sum; its part in dx is a mean"),
            (by_itself + (by_var + by_mean) * 4 / 3, "divided by N − 1; a mean divides by N"),
            (by_itself + 2 * (by_var + by_mean), "divided by D; the means run over the N rows"),
            (by_itself - by_var - by_mean, "the two means are added; they are to be subtracted"),
            (by_itself - by_var + by_mean, "the path through the variance has the wrong sign"),
            (by_itself + by_var - by_mean, "the path through the mean has the wrong sign"),
            (by_itself + by_mean - [1 / 2, 1.0], "the second mean is not multiplied by x̂"),
            (right / gamma_small, "the factor γ is missing"),
            (right * root, "the root is missing in front of the bracket"),
            (right * root**2, "multiplied by the root, not divided"),
            (right / root, "divided by the root twice"),
            ([9.0, 16.0], "that is dβ: the order is dx, dγ, dβ"),
            ([2.0, 8.0], "that is dγ: the order is dx, dγ, dβ"),
        ],
        hint="your three paths of exercise 4, each divided by γ / std",
    )
    if check_5.verdict != "wrong":
        data = np.random.default_rng(7).standard_normal((6, 3)) * [1.0, 10.0, 0.1]
        params = np.random.default_rng(8).uniform(0.5, 2.0, (2, 3))
        check_5.functions(
            "all three by differences", cached_forward, batchnorm_backward, data, *params
        )
        many, upstream = np.random.default_rng(9).standard_normal((2, 50, 20))
        library = layers.BatchNorm(20)
        params = np.random.default_rng(10).uniform(0.5, 2.0, (2, 20))
        library.params["gamma"][...], library.params["beta"][...] = params
        theirs, _ = library.backward(upstream, library.forward(many)[1])
        dx, _, _ = batchnorm_backward(upstream, cached_forward(many, *params)[1])
        check_5("dx agrees with the library's to 12 digits", dx, theirs, rtol=1e-12, atol=1e-12)
        if check_3.verdict == "right":
            d = staged_backward(upstream, staged_forward(many, *params)[1])
            check_5("… and with your stages", dx, d["x"], rtol=1e-12, atol=1e-12)
    ### BEGIN HIDDEN TESTS
    dx, _, _ = batchnorm_backward(-dout_small, (xhat_small, root, gamma_small))
    check_5("linear in dout", dx, -right)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# The path through the mean was
#
# $$-\frac{1}{N} \sum_j \gamma\,\text{dout}_j \,/ \sqrt{\sigma^2 + \varepsilon}.$$
#
# Without the common factor that is $-\frac{1}{N} \sum_j \text{dout}_j$, and the sum is $d\beta$.
# The path through the variance was
#
# $$-\frac{1}{2} \sum_j \gamma\,\text{dout}_j\,(x_j - \mu)\,(\sigma^2 + \varepsilon)^{-3/2} \cdot
# \frac{2}{N} (x_i - \mu).$$
#
# Of its three roots one is the common factor, one makes $x_j - \mu$ into $\hat{x}_j$, and one makes
# $x_i - \mu$ into $\hat{x}_i$.
# </details>

# %% [markdown]
# What have the stages cost us? The same gradient, a thousand rows of 200 features, both ways:

# %%
if check_3.opens("the comparison") and check_5.opens("the comparison"):
    numbers = np.random.default_rng(15)
    x, dout = numbers.standard_normal((2, 1000, 200))
    gamma, beta = numbers.uniform(0.5, 2.0, (2, 200))
    _, v = staged_forward(x, gamma, beta)
    _, cache = cached_forward(x, gamma, beta)
    staged = staged_backward(dout, v)["x"]
    closed = batchnorm_backward(dout, cache)[0]
    print(f"largest difference between the two: {np.abs(staged - closed).max():.0e}")
    full = {"stages": [one for one in v.values() if one.ndim == 2], "closed form": [cache[0]]}
    ways = {
        "stages": lambda: staged_backward(dout, v),
        "closed form": lambda: batchnorm_backward(dout, cache),
    }
    for name, way in ways.items():
        milliseconds = 1e3 * min(timeit.repeat(way, number=5, repeat=5)) / 5
        held = sum(one.nbytes for one in full[name]) / 1e6
        print(f"{name:12} {milliseconds:5.1f} ms, and {held:4.1f} MB kept between the passes")

# %% [markdown]
# Both ways have their place. Write the stages first: each line can be checked by itself. Then
# simplify on paper, and check the short form against the long one.

# %% [markdown]
# ## 6. What cannot be seen
#
# Read the closed form once more, with what belongs in the places of its two question marks:

# %% jupyter={"source_hidden": true}
if check_5.opens("the closed form in full"):
    closed = (
        r"$$dx_i = \frac{\gamma}{\sqrt{\sigma^2 + \varepsilon}}\;\Bigl(\text{dout}_i - "
        r"\operatorname{mean}(\text{dout}) - \hat{x}_i \cdot "
        r"\operatorname{mean}(\text{dout} \cdot \hat{x})\Bigr)$$"
    )
    display(Markdown(closed))

# %% [markdown]
# It takes two things out of `dout`: what is the same in all rows, and what goes along with
# $\hat{x}$. For good reason. Add the same number to a whole column of $x$, and $\hat{x}$ stays what
# it was. Stretch the column by a positive number, and $\hat{x}$ stays, too, but for ε. Whatever the
# loss is, it does not feel the first of these changes, and, where ε is small next to $\sigma^2$,
# hardly the second. So the gradient of $x$ has no part in the first direction. Of what goes along
# with $\hat{x}$, the share $\varepsilon / (\sigma^2 + \varepsilon)$ is left.
#
# This has two consequences that one should know. Here they are, with the library's layer.

# %%
layer = layers.BatchNorm(3)
layer.params["gamma"][...] = [1.0, 2.0, 3.0]
x = rng.standard_normal((6, 3))
_, cache = layer.forward(x)
for name, dout in (("all ones", np.ones((6, 3))), ("random", rng.standard_normal((6, 3)))):
    dx, _ = layer.backward(dout, cache)
    print(f"largest |dx| where dout is {name + ':':10} {np.abs(dx).max():.1e}")

affine = Affine(4, 3, rng=0)
x, dout = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
hidden, affine_cache = affine.forward(x)
out, cache = layer.forward(hidden)
_, grads = affine.backward(layer.backward(dout, cache)[0], affine_cache)
print(f"\ngradient of W before batch norm: up to {np.abs(grads['W']).max():.1e}")
print(f"gradient of b before batch norm: up to {np.abs(grads['b']).max():.1e}")
affine.params["b"] += 100.0
moved, _ = layer.forward(affine.forward(x)[0])
print(f"with 100 added to b, out changes by at most {np.abs(moved - out).max():.1e}")

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** (a) Put $\text{dout}_i = 1$ into the closed form. Why is $dx = 0$? Somebody tests
# a backward pass of batch norm with `dout = np.ones_like(out)` and finds that it agrees with the
# differences. Which wrong formulas for $dx$ would pass this test as well? (b) Why is the gradient
# of a bias $b$ in front of batch norm 0, and what should you do with such a bias?
#
# ### BEGIN SOLUTION
# (a) The mean of ones is 1, which leaves $1 - 1 = 0$; and $\operatorname{mean}(\text{dout} \cdot
# \hat{x})$ is the mean of $\hat{x}$, which is 0. In words: the sum of all outputs of a column is
# $N \beta$, whatever $x$ is. Every formula that gives 0 for a dout of ones passes: one that always
# gives zeros, one without the path through the variance, one with a wrong factor in front of the
# bracket, without γ or without the root. A random dout finds them all.
#
# (b) The bias adds the same number to all rows of a column, and batch norm subtracts the mean,
# which contains it: out does not depend on b. By the formula, db is the sum of $dx$ over the rows,
# and the bracket sums to 0. (The computer leaves some 1e-15 from rounding.) Such a bias learns
# nothing and may be left out; β does its work.
# ### END SOLUTION

# %%
model_answer("6-batchnorm", 1)

# %% [markdown]
# ## 7. Training and inference
#
# One problem is left. A trained net is asked about *one* picture. What is the mean over a batch of
# one? The picture itself, so $\hat{x} = 0$, and out is β whatever the picture shows.
#
# So batch norm has two modes. While **training**, it uses the statistics of the batch, and on the
# side keeps an average of them over the past batches:
#
# $$\text{running} \leftarrow \text{momentum} \cdot \text{running} +
# (1 - \text{momentum}) \cdot \text{batch}$$
#
# once for the mean and once for the variance, with a momentum such as 0.9. They start at 0 and 1;
# after $k$ batches the start has only the weight $0.9^k$ left, which is below 1 % from the 44th
# batch on. For **inference**, the running mean and variance take the places of $\mu$ and
# $\sigma^2$. They are constants there: an output depends on its own row alone, and of the three
# paths back only the direct one is left.
#
# The running statistics are neither inputs nor parameters: no gradient moves them. They are the
# layer's **state**, and they are saved with the net.
#
# *Conventions differ.* This library averages the biased variance, the one it normalises with.
# PyTorch normalises with the biased one and averages the *unbiased* one (over $N - 1$), and its
# `momentum=0.1` is the weight of the *new* batch, our 0.9. Ioffe and Szegedy, too, take the
# unbiased variance for inference. For batches of 100 that is a matter of 1 %. But whoever carries
# weights from one library to another should know.
#
# ### Exercise 6: the layer (5 points)
#
# Write the class. `train` says which mode it is, and `backward` must know which mode its cache
# comes from. What the cache holds is up to you: nobody but your `backward` reads it. Three things
# that matter here:
#
# - Write *into* the state, `running_mean[...] = …`, as a net holds the same arrays.
# - In inference, leave the state alone.
# - $\gamma$ and $\beta$ are parameters in both modes: they get their gradients in inference, too.
#
# Your `batchnorm_backward` does the work of training.


# %% nbgrader={"grade_id": "layer", "solution": true}
class BatchNorm(Layer):
    """Batch normalisation of rows.   x: (N, D).   out: (N, D).

    params  gamma, beta: (D,)
    state   running_mean, running_var: (D,)
    """

    def __init__(self, features, momentum=0.9, eps=1e-5, dtype=np.float64):
        super().__init__()
        self.features, self.momentum, self.eps = features, momentum, eps
        self.params["gamma"] = np.ones(features, dtype)
        self.params["beta"] = np.zeros(features, dtype)
        self.state["running_mean"] = np.zeros(features, dtype)
        self.state["running_var"] = np.ones(features, dtype)

    def forward(self, x, *, train=True):
        """Returns out, of the shape of x, and a cache for backward."""
        gamma, beta = self.params["gamma"], self.params["beta"]
        running_mean, running_var = self.state["running_mean"], self.state["running_var"]
        ### BEGIN SOLUTION
        if train:
            mean, var = x.mean(axis=0), x.var(axis=0)
            running_mean[...] = self.momentum * running_mean + (1 - self.momentum) * mean
            running_var[...] = self.momentum * running_var + (1 - self.momentum) * var
        else:
            mean, var = running_mean, running_var
        std = np.sqrt(var + self.eps)
        xhat = (x - mean) / std
        return gamma * xhat + beta, (xhat, std, gamma, train)
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns dx, of the shape of x, and the gradients {"gamma": …, "beta": …}, each (D,)."""
        ### BEGIN SOLUTION
        xhat, std, gamma, train = cache
        dx, dgamma, dbeta = batchnorm_backward(dout, (xhat, std, gamma))
        if not train:
            dx = gamma / std * dout
        return dx, {"gamma": dgamma, "beta": dbeta}
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 5}
def small_layer():
    """A layer with the numbers of the small example."""
    layer = BatchNorm(2, momentum=0.9, eps=5.0)
    layer.params["gamma"][...], layer.params["beta"][...] = [3.0, 2.0], [1.0, -1.0]
    return layer


with exercise(6, "the layer", BatchNorm, points=5) as check_6:
    layer = small_layer()
    arrays = dict(layer.state)
    out, _ = check_6.returns(layer.forward(x_small, train=True), "out", "cache")
    centred = np.array([[-2.0, -5.0], [-2.0, 3.0], [2.0, 3.0], [2.0, -1.0]])
    x_running = x_small - [0.3, 0.5]  # less the running mean after the pass
    gain, shift = [3.0, 2.0], [1.0, -1.0]
    check_6(
        "in training, out is that of exercise 1",
        out,
        [[-1.0, -3.5], [-1.0, 0.5], [3.0, 0.5], [3.0, -1.5]],
        mistakes=[
            (x_small / np.sqrt(6) * gain + shift, "it uses the running statistics"),
            (
                x_running / np.sqrt([6.3, 7.0]) * gain + shift,
                "it uses the running statistics, as they are after this pass",
            ),
            (centred / np.sqrt(6) * gain + shift, "it divides by the root of the running variance"),
            (
                centred / np.sqrt([6.3, 7.0]) * gain + shift,
                "it divides by the root of the running variance, as it is after this pass",
            ),
            (
                centred / np.sqrt([4.0, 11.0]) * gain + shift,
                "that is for an ε of 0 or nearly so; this layer's own, self.eps, is 5",
            ),
        ],
        hint="your exercise 1, with the layer's own numbers",
    )
    same = all(layer.state[name] is array for name, array in arrays.items())
    check_6.true(
        "the running statistics are still the same arrays",
        same,
        why="there are new arrays in the state now: a net holds the old ones and never sees these",
    )
    frozen = "it is as before: nothing was written into the array that the state holds"
    mean, var = layer.state["running_mean"], layer.state["running_var"]
    check_6(
        "the running mean has moved a tenth of the way from 0 to the batch's (3, 5)",
        mean,
        [0.3, 0.5],
        mistakes=[
            ([0.0, 0.0], frozen),
            ([2.7, 4.5], "momentum and 1 − momentum are exchanged: the old value keeps 0.9"),
            ([3.0, 5.0], "the batch's mean has come in whole; its weight is 1 − momentum"),
            ([0.57, 0.95], "it was updated twice in one pass"),
        ],
        hint="the formula above, with momentum 0.9, for each of the two columns",
    )
    check_6(
        "the running variance, from 1 to the batch's (4, 11)",
        var,
        [1.3, 2.0],
        mistakes=[
            ([1.0, 1.0], frozen),
            ([3.7, 10.0], "momentum and 1 − momentum are exchanged: the old value keeps 0.9"),
            ([4.0, 11.0], "the batch's variance has come in whole; its weight is 1 − momentum"),
            ([4.9, 11.9], "the batch's variance has come in whole; its weight is 1 − momentum"),
            ([0.9 + 1.6 / 3, 0.9 + 4.4 / 3], "that is PyTorch's: we average the biased variance"),
            ([1.1, 0.9 + 0.1 * np.sqrt(11)], "that averages the root; average the variance"),
            ([1.2, 1.3], "that averages the root with ε; average the variance"),
            ([1.8, 2.5], "that averages σ² + ε; average σ² alone"),
            ([1.57, 2.9], "it was updated twice in one pass"),
        ],
        hint="what is averaged here, and what it starts from",
    )
    if check_6.verdict != "wrong":
        layer.forward(x_small, train=True)
        check_6(
            "after a second pass, the mean again",
            layer.state["running_mean"],
            [0.57, 0.95],
            mistakes=[([0.3, 0.5], "it moved in the first pass, and not in the second")],
            hint="the same step once more, from (0.3, 0.5)",
        )

    layer = small_layer()
    layer.state["running_mean"][...], layer.state["running_var"][...] = [1.0, 2.0], [4.0, 11.0]
    row = np.array([[4.0, 10.0]])
    out, cache = check_6.returns(layer.forward(row, train=False), "out", "cache")
    check_6(
        "in inference, one row by itself: (4 − 1)/3 and (10 − 2)/4, times γ plus β",
        out,
        [[4.0, 3.0]],
        mistakes=[
            ([[1.0, -1.0]], "that is β: a batch of one has no other mean than itself"),
            ([[5.5, -1.0 + 16 / np.sqrt(11)]], "ε is missing under the root of running_var"),
            ([[3.0 * 3 / 9 + 1, 2.0 * 8 / 16 - 1]], "the root is missing"),
            ([[3.0 * 4 / 3 + 1, 2.0 * 10 / 4 - 1]], "the running mean is not subtracted"),
            ([[1.0, 2.0]], "that is x̂: γ and β are missing"),
        ],
        hint="which mean and which variance there are for a row by itself",
    )
    moved = "it has moved in inference: nothing but training may write into it"
    check_6(
        "… and the state stays",
        [*layer.state["running_mean"], *layer.state["running_var"]],
        [1.0, 2.0, 4.0, 11.0],
        mistakes=[([1.3, 2.8, 3.6, 9.9], moved), ([1.3, 2.8, 4.0, 11.0], moved)],
        hint="in which of the two modes the running statistics move",
    )
    dx, grads = check_6.returns(layer.backward(np.array([[1.0, 2.0]]), cache), "dx", "grads")
    check_6(
        "backward of inference: dx",
        dx,
        [[1.0, 1.0]],
        mistakes=[
            ([[0.0, 0.0]], "too much is subtracted: in inference mean and variance are constants"),
            (
                [[-1.0, -4.0]],
                "these are the three paths of training; mean and variance are constants here",
            ),
            ([[3.0, 4.0]], "the root is missing"),
            ([[1 / 3, 1 / 2]], "γ is missing"),
        ],
        hint="which of the three paths is there when mean and variance are constants",
    )
    found = [*grads] if isinstance(grads, dict) else f"no dict: {grads!r}"
    named = isinstance(grads, dict) and {*grads} == {"gamma", "beta"}
    check_6.true(
        "grads is a dict of gamma and beta",
        named,
        why=f"both are to be there in both modes; found {found}",
    )
    if named:
        check_6(
            "backward of inference: dγ",
            grads["gamma"],
            [1.0, 4.0],
            mistakes=[
                ([1.0, 2.0], "that is dβ: are the two exchanged, or is x̂ missing?"),
                ([3.0, 8.0], "γ is in it once too often"),
                ([0.0, 0.0], "γ is a parameter in inference, too, and x̂ is not 0"),
            ],
            hint="the formula of exercise 5, with the x̂ of this row, (1, 2)",
        )
        check_6(
            "… and dβ",
            grads["beta"],
            [1.0, 2.0],
            mistakes=[
                ([1.0, 4.0], "that is dγ: are the two exchanged?"),
                ([0.0, 0.0], "β is a parameter in inference, too"),
            ],
            hint="the formula of exercise 5",
        )
    if check_6.verdict != "wrong":
        layer = BatchNorm(3, momentum=0.8)
        numbers = np.random.default_rng(11)
        for array in (*layer.params.values(), *layer.state.values()):
            array[...] = numbers.uniform(0.5, 2.0, 3)
        x = numbers.standard_normal((6, 3))
        check_6.layer("everything by differences, in both modes", layer, x, reference="batchnorm")
        kept = layer.forward(x, train=True)[1]
        once = layer.backward(x**2, kept)[0]
        layer.forward(x[:1], train=False)
        check_6.true(
            "backward of a training pass, once more after a pass in inference",
            np.array_equal(layer.backward(x**2, kept)[0], once),
            why="dx is another now: backward has to know the mode from its cache",
        )
    ### BEGIN HIDDEN TESTS
    layer = BatchNorm(1, momentum=0.5, eps=0.0)
    layer.forward(np.array([[2.0], [4.0]]))
    check_6("momentum 0.5", [*layer.state["running_mean"], *layer.state["running_var"]], [1.5, 1.0])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# BatchNorm = borrow(layers.BatchNorm)

# %% [markdown]
# What happens to somebody who forgets `train=False`? A net with the library's batch norm is trained
# on the digits, and then asked about the test digits: with its running statistics, and with the
# statistics of the batch that is being asked about. The batches are of different sizes, once
# in random order, and once sorted, so that equal digits stand together.

# %%
net = MLP([64, 50, 50, 10], activation=ReLU(), norm=layers.BatchNorm, rng=0)
history = Solver(Classifier(net), Adam(lr=3e-3), digits, epochs=10, progress=False).train()

# %% jupyter={"source_hidden": true}
running = Classifier(net).score(digits.x_test, digits.y_test)
careless = copy.deepcopy(net)  # its running statistics will be spoilt
sizes = (2, 4, 8, 16, 32, 64, 128)
orders = {
    "random order": rng.permutation(len(digits.y_test)),
    "sorted by digit": np.argsort(digits.y_test, kind="stable"),
}

fig, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
for (name, order), colour in zip(orders.items(), (BLUE, ORANGE), strict=True):
    order = order[1:]  # 358 of them, or a batch would be left with one
    x, y, found = digits.x_test[order], digits.y_test[order], []
    for size in sizes:
        batches = [careless.forward(x[k : k + size])[0] for k in range(0, len(x), size)]
        found.append(100 * np.mean(np.concatenate(batches).argmax(axis=1) == y))
    ax.semilogx(sizes, found, marker="o", color=colour, label=f"those of the batch, {name}")
ax.axhline(100 * running, color="black", linestyle="--", label="running, any batch")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.set(xlabel="rows in a batch", ylabel="accuracy on the test digits, %", ylim=(0, 104))
fig.legend(loc="outside right center", title="statistics")
plt.show()

# %% [markdown]
# And the first four scores of one and the same digit, in company of one other and of three:

# %%
x = digits.x_test[:1]
for name, others in (("beside one", digits.x_test[1:2]), ("beside three", digits.x_test[1:4])):
    batch = np.concatenate([x, others])
    for train, mode in ((True, "statistics of the batch"), (False, "running statistics")):
        scores = copy.deepcopy(net).forward(batch, train=train)[0]
        print(f"{mode:24} the first digit {name + ':':15} scores {np.round(scores[0, :4], 2)} …")

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** Explain the picture. Why is the accuracy so low for batches of two rows, and why
# does the library refuse a batch of one? Why does the accuracy suffer so much more where the digits
# are sorted? And what is wrong, even with large mixed batches, with a net whose answer to a picture
# depends on the pictures beside it?
#
# ### BEGIN SOLUTION
# With two rows, $\hat{x}$ of a feature is about $+1$ in one and $-1$ in the other, unless they are
# very close: all that is left is which is larger. With one row, the mean of the batch is the row
# itself: $\hat{x} = 0$, every picture would give β and the same scores, so the library refuses it.
# With sorted digits, what distinguishes a 3 from the other digits is what all rows of the batch
# have in common; it is in the mean, which is subtracted. In training the net saw batches of all
# digits, and the statistics of a batch of threes are quite different. With large mixed batches the
# accuracy is good, but the answer to a picture cannot be repeated in other company: it may be a 3
# in one batch and an 8 in another, and a stranger's pictures decide about mine.
# ### END SOLUTION

# %%
model_answer("6-batchnorm", 2)

# %% [markdown]
# ## 8. Images
#
# A batch of images with channels is an array of shape $(N, C, H, W)$. A convolution treats all
# places of an image alike, and we want batch norm to do so, too. So there is one mean and one
# variance for each *channel*, over all $N$ images and all $H \cdot W$ places: over
# $m = N \cdot H \cdot W$ numbers. $\gamma$ and $\beta$ have the shape $(C,)$.
#
# One number of $\gamma$ now serves every place of its channel, in all images. Think of the tile
# once more: $\gamma$ copied to the shape $(N, C, H, W)$. To come back to $(C,)$, pile up the tile's
# gradient along $N$, $H$ and $W$, the axes (0, 2, 3), and not along $C$: with $C$, too, one number
# would be left for all channels together. (A set of lecture notes that goes round, from which the
# picture of the tile is, says at this place that "we have to sum across the N, C, H, W axes". Its
# own code sums over (0, 2, 3), and the code is right.)
#
# Nothing has to be derived again. A place of an image is a row with $C$ features! Rearrange
# $(N, C, H, W)$ to rows $(N H W, C)$, use the layer for rows, and rearrange back. An arrangement
# moves numbers about and changes none, so its backward pass is the arrangement back.
#
# There is one trap. `x.reshape(-1, C)` has the right shape and the wrong numbers: it reads the
# array in the order of memory, where $C$ is not last, and mixes the channels. Move the axis first:
# `x.transpose(0, 2, 3, 1)` is $(N, H, W, C)$.
#
# ### Exercise 7: images (3 points)
#
# Write both arrangements, and the backward pass of the layer that uses them.


# %% nbgrader={"grade_id": "images", "solution": true}
def to_rows(x):
    """x: (N, C, H, W).   Returns (N·H·W, C): a row for each place of each image, image by image
    and within an image line by line."""
    ### BEGIN SOLUTION
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    ### END SOLUTION


def to_images(rows, shape):
    """rows: (N·H·W, C), as to_rows gives them.   shape: (N, C, H, W).   Returns the images."""
    N, C, H, W = shape
    ### BEGIN SOLUTION
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    ### END SOLUTION


class Images(Layer):
    """A layer for rows (M, C), made into one for images (N, C, H, W): `Images(BatchNorm(3))`."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.params, self.state = layer.params, layer.state

    def forward(self, x, *, train=True):
        out, cache = self.layer.forward(to_rows(x), train=train)
        return to_images(out, x.shape), (x.shape, cache)

    def backward(self, dout, cache):
        """dout: (N, C, H, W).   Returns dx (N, C, H, W), and the gradients of the parameters."""
        shape, cache = cache
        ### BEGIN SOLUTION
        dx, grads = self.layer.backward(to_rows(dout), cache)
        return to_images(dx, shape), grads
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 3}
with exercise(7, "images", to_rows, to_images, Images, points=3) as check_7:
    # Image n has 100 n + 10 c + p in its channel c, at the places p = 0, …, 5 of 2 lines of 3.
    pictures = np.array(
        [[[[100.0 * n + 10 * c + 3 * h + w for w in range(3)] for h in range(2)] for c in range(4)]
         for n in range(2)]
    )  # fmt: skip
    rows = np.array(
        [[100.0 * n + 10 * c + p for c in range(4)] for n in range(2) for p in range(6)]
    )
    check_7(
        "to rows: every column holds one channel",
        to_rows(pictures.copy()),
        rows,
        mistakes=[
            (
                pictures.reshape(-1, 4),
                "that reshapes in the order of memory and mixes the channels",
            ),
            (rows.T, "that is (C, N·H·W): rows are places, columns are channels"),
            (
                rows[[6 * n + 3 * h + w for n in range(2) for w in range(3) for h in range(2)]],
                "the places run down first; within an image go line by line",
            ),
            (
                rows.reshape(2, 6, 4).transpose(1, 0, 2).reshape(-1, 4),
                "the places come first and then the images: go image by image",
            ),
            (pictures.transpose(0, 2, 3, 1), "the channels are last; now make one axis of three"),
        ],
        hint="where the axis C has to stand before the others become one",
    )
    check_7(
        "to images: and back again",
        to_images(rows.copy(), (2, 4, 2, 3)),
        pictures,
        mistakes=[
            (rows.reshape(2, 4, 2, 3), "reshaped alone: C is the last axis of the rows"),
            (
                rows.T.reshape(2, 4, 2, 3),
                "transposed and then reshaped: the images lie inside the channels there",
            ),
            (rows.reshape(2, 2, 3, 4), "that is (N, H, W, C): now C has to move to its place"),
            (
                rows.reshape(2, 2, 3, 4).transpose(0, 3, 2, 1),
                "lines and columns of the images are exchanged",
            ),
        ],
        hint="the steps of to_rows, undone from the last to the first",
    )
    numbers = np.random.default_rng(12)
    if check_7.verdict != "wrong":
        layer = Images(layers.BatchNorm(4))
        for array in (*layer.params.values(), *layer.state.values()):
            array[...] = numbers.uniform(0.5, 2.0, 4)
        x, dout = numbers.standard_normal((2, 2, 4, 2, 3))
        library = copy.deepcopy(layer.layer)  # takes images as well
        theirs, library_cache = library.forward(x)
        out, cache = layer.forward(x)
        check_7("out, around the library's layer for rows", out, theirs)
        dx, grads = check_7.returns(layer.backward(dout, cache), "dx", "grads")
        right, _ = library.backward(dout, library_cache)
        check_7(
            "dx",
            dx,
            right,
            mistakes=[
                (to_rows(right), "the numbers are right; what goes back has to be images"),
                (dout, "that is dout as it came in"),
            ],
            hint="what the inner layer takes and gives, and what this one has to give",
        )
        if check_7.verdict != "wrong":
            check_7.layer("all by differences, in both modes", layer, x, reference="batchnorm")
    ### BEGIN HIDDEN TESTS
    x = numbers.standard_normal((3, 2, 4, 1))
    check_7("there and back", to_images(to_rows(x), x.shape), x)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %% [markdown]
# With exercises 6 and 7 right, `Images(BatchNorm(C))` is a batch norm for convolutional nets, made
# of your own parts.

# %% [markdown]
# ## 9. What it buys
#
# Back to where we started. A net with five hidden layers of 40 ReLU units is trained for 60 steps
# on the digits, for seven scales of the weights and five learning rates, with batch norm and
# without. If your layer works, it is the one in use.

# %%
own = check_6.verdict == "right"
Norm = BatchNorm if own else layers.BatchNorm
print("With your own BatchNorm." if own else "With the library's BatchNorm, for now.")

scales = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0)
rates = (0.01, 0.03, 0.1, 0.3, 1.0)


def accuracy(norm, scale, lr):
    """The accuracy on the validation digits, in per cent; nan where training exploded."""
    net = MLP([64, *[40] * 5, 10], activation=ReLU(), norm=norm, init=plain_normal(scale), rng=0)
    model = Classifier(net)
    if not np.isfinite(descend(model, lr, steps=60)[-1]):
        return np.nan
    with np.errstate(all="ignore"):
        return 100 * model.score(digits.x_val, digits.y_val)


# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", sharey=True)
for ax, norm, title in zip(axes, (None, Norm), ("without", "with batch norm"), strict=True):
    grid = np.array([[accuracy(norm, scale, lr) for scale in scales] for lr in rates])
    image = ax.imshow(grid, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(grid):
        text, colour = ("×", "black") if np.isnan(value) else (f"{value:.0f}", "white")
        ax.text(
            column, row, text, ha="center", va="center", color="black" if value > 65 else colour
        )
    ax.set_xticks(range(len(scales)), scales)
    ax.set_yticks(range(len(rates)), rates)
    ax.set(xlabel="standard deviation of the first weights", title=title)
axes[0].set_ylabel("learning rate")
fig.colorbar(image, ax=axes, label="accuracy, %")
plt.show()

# %% [markdown]
# Without batch norm, the net learns in a narrow strip around one scale. (He's rule for 40 inputs
# says $\sqrt{2/40} \approx 0.22$; there it is.) To the left the signal dies, to the right it
# explodes: × stands for a loss that was no finite number any more. With batch norm, every scale
# works at some learning rate, and larger rates are allowed.
#
# Look at the pattern on the right. Where weights are large, only a large learning rate gets far;
# where they are small, a small one will do. The last question is about that.
#
# *Why* batch norm helps so much is still argued about. Ioffe and Szegedy's explanation was that it
# keeps the inputs of each layer from drifting while the layers before it change. Santurkar et al.
# ("How Does Batch Normalization Help Optimization?", 2018) added a drift on purpose *after* each
# batch norm, and training was still fast. They hold that it makes the landscape of the loss
# smoother. The scales above are a part of the answer that everybody can check.

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** Let $h = \text{BatchNorm}(x W)$. Multiply all weights $W$ by 10, and forget about
# $\varepsilon$. What happens to $h$? By which factor does $\partial L / \partial W$ change? (Look
# at the factor in front of the closed form.) With the same learning rate, how large are the steps
# now, measured by the size of $W$? What does this say about the pattern on the right?
#
# ### BEGIN SOLUTION
# $h$ stays: mean and root of every column grow by 10, too, and cancel. The root stands in the
# denominator of $dx$, so the gradient of $W$ is a *tenth* of what it was. The weights are ten times
# as large and the steps a tenth as long, so relative to the weights a step is a hundred times
# shorter. To turn the weights as fast as before, the learning rate has to grow by 100: the good
# learning rate goes with the square of the scale. Hence small weights learn well already with a
# small learning rate, large weights need a large one, and the line below which little is learned in
# 60 steps rises from the left to the right. It also means that steps that are too long tend to cure
# themselves: they make W longer, and the next steps relatively shorter. That may be why small
# weights do rather well with a large rate, too.
# ### END SOLUTION

# %%
model_answer("6-batchnorm", 3)

# %% [markdown]
# ## Go further
#
# Two exercises without points.
#
# ### Go further 1: a layer that goes away
#
# In inference the running statistics are constants, so batch norm is a straight line in each
# feature. The affine layer before it is straight, too. Two straight layers in a row are one: a
# trained net can be used without its batch norm layers, if the weights are changed once. Find the
# new weights and biases. Write $h = x W + b$ and $\text{out} = \gamma\,(h - \mu) /
# \sqrt{\sigma^2 + \varepsilon} + \beta$, and sort by $x$.


# %% nbgrader={"grade_id": "further-1", "solution": true}
def folded(W, b, gamma, beta, mean, var, eps):
    """One affine layer in the place of two layers: an affine one, and batch norm in inference.

    W: (D, M).   b, gamma, beta and the running mean and var: (M,).   eps: a number.

    Returns the new W (D, M) and b (M,).
    """
    ### BEGIN SOLUTION
    factor = gamma / np.sqrt(var + eps)
    return W * factor, (b - mean) * factor + beta
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "a layer that goes away", folded) as go_1:
    W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([6.0, 7.0])
    mean, var = np.array([3.0, 5.0]), np.array([4.0, 11.0])
    new_W, new_b = go_1.returns(
        folded(W, b, gamma_small, beta_small, mean, var, eps_small), "W", "b"
    )
    go_1(
        "W, with γ = (3, 2) over the roots 3 and 4",
        new_W,
        [[1.0, 1.0], [3.0, 2.0]],
        mistakes=[
            ([[1.0, 2.0], [1.5, 2.0]], "each row is stretched; a feature is a column of W"),
            (W * gamma_small, "the root is missing"),
            (W / [3.0, 4.0], "γ is missing"),
            (W * gamma_small / np.sqrt(var), "ε is missing under the root"),
            (W * gamma_small / (var + 5), "divided by σ² + ε; take its root"),
            (W, "that is the old W"),
        ],
        hint="what a feature of h is multiplied with on its way to out",
    )
    go_1(
        "b",
        new_b,
        [4.0, 0.0],
        mistakes=[
            ([7.0, 2.5], "the running mean is missing"),
            ([4.0, -2.5], "the running mean is subtracted, but not stretched"),
            ([4.0, 3.5], "the old b is in it as it was; it goes through the batch norm, too"),
            ([4.0, 1.0], "b and the running mean are not stretched, as x W is"),
            ([3.0, 1.0], "β is missing"),
            ([2.0, 2.0], "β is subtracted"),
            ([-2.0, -3.5], "the old b is missing"),
        ],
        hint="out at x = 0",
    )
    numbers = np.random.default_rng(13)
    affine, norm = Affine(5, 4, rng=numbers), layers.BatchNorm(4)
    for array in (affine.params["b"], *norm.params.values(), *norm.state.values()):
        array[...] = numbers.uniform(0.5, 2.0, 4)
    x = numbers.standard_normal((7, 5))
    two, _ = norm.forward(affine.forward(x)[0], train=False)
    new_W, new_b = folded(
        *affine.params.values(), *norm.params.values(), *norm.state.values(), 1e-5
    )
    go_1("one layer does what the two did", x @ new_W + new_b, two)

# %% [markdown]
# With your function the trained net of section 7 loses its batch norm layers, and answers as
# before:

# %%
if go_1.opens("the net without batch norm"):
    inside, short, pending = [*net.layers], [], None
    for layer in inside:
        if isinstance(layer, layers.BatchNorm):
            affine = copy.deepcopy(short.pop())
            found = folded(
                *affine.params.values(), *layer.params.values(), *layer.state.values(), layer.eps
            )
            affine.params["W"][...], affine.params["b"][...] = found
            short.append(affine)
        else:
            short.append(layer)
    x = digits.x_test
    for layer in short:
        x, _ = layer.forward(x, train=False)
    scores, _ = net.forward(digits.x_test, train=False)
    print(f"{len(inside)} layers became {len(short)}")
    print(f"largest difference of a score: {np.abs(x - scores).max():.0e}")

# %% [markdown]
# ### Go further 2: images without rows
#
# `Images` copies the whole batch into another order once in each pass. That can be spared: write
# the closed form for arrays of shape $(N, C, H, W)$ as they are. Two things change: what is
# summed over, and how a number for each channel is laid along the images. (`a[:, None, None]` has
# the shape $(C, 1, 1)$, and is stretched along $N$, $H$ and $W$.)


# %% nbgrader={"grade_id": "further-2", "solution": true}
def image_backward(dout, cache):
    """The backward pass of batch norm for images, in training.

    dout: (N, C, H, W).   cache: (xhat, std, gamma), of shapes (N, C, H, W), (C,), (C,).

    Returns dx (N, C, H, W), dgamma (C,), dbeta (C,).
    """
    xhat, std, gamma = cache
    ### BEGIN SOLUTION
    m = dout.size // len(std)
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    means = dbeta[:, None, None] / m, dgamma[:, None, None] / m
    dx = (gamma / std)[:, None, None] * (dout - means[0] - xhat * means[1])
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "images without rows", image_backward) as go_2:
    numbers = np.random.default_rng(14)
    x, dout = numbers.standard_normal((2, 5, 3, 2, 4))
    library = layers.BatchNorm(3)
    library.params["gamma"][...] = [0.5, 1.0, 2.0]
    std = np.sqrt(x.var(axis=(0, 2, 3)) + library.eps)
    xhat = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / std[:, None, None]
    right, grads = library.backward(dout, library.forward(x)[1])
    dx, dgamma, dbeta = go_2.returns(
        image_backward(dout, (xhat, std, library.params["gamma"])), "dx", "dgamma", "dbeta"
    )
    every = "summed over all four axes; each channel has a number of its own"
    places = "summed over H and W; the images share γ and β, too"
    for name, got, terms in (("beta", dbeta, dout), ("gamma", dgamma, dout * xhat)):
        go_2(
            f"d{name}",
            got,
            grads[name],
            mistakes=[
                (terms.sum(), every),
                (np.full(3, terms.sum()), every),
                (terms.sum(axis=(2, 3)), places),
                (terms.sum(axis=0), "summed over the images; the places share γ and β, too"),
                (terms.sum(axis=(1, 2, 3)), "a number for each image; it is to be one a channel"),
                (terms.sum(axis=(0, 1, 2)), "a number for each column of pixels, not a channel"),
                (terms.mean(axis=(0, 2, 3)), "averaged; what comes back from a tile is piled up"),
            ],
            hint="which axes a number of one channel was copied along",
        )

    def with_count(count):
        """dx where the sums are divided by `count` in place of m."""
        factor = (library.params["gamma"] / std)[:, None, None]
        lost = dbeta_right + xhat * dgamma_right
        return factor * (dout - lost / count)

    dbeta_right = dout.sum(axis=(0, 2, 3), keepdims=True)
    dgamma_right = (dout * xhat).sum(axis=(0, 2, 3), keepdims=True)
    go_2(
        "dx, as the library's for images",
        dx,
        right,
        mistakes=[
            (with_count(5), "divided by N; a channel has N·H·W numbers"),
            (with_count(8), "divided by H·W; a channel has N·H·W numbers"),
            (with_count(120), "divided by the size of dout; a channel has N·H·W numbers"),
            (with_count(np.inf), "that is the direct path alone"),
            (with_count(1), "sums stand where means belong"),
        ],
        hint="over how many numbers the two means run",
    )

# %% [markdown]
# ## What to keep
#
# - Batch norm makes each feature mean 0 and variance 1 over the batch, then scales by $\gamma$ and
#   shifts by $\beta$, which are learned: $\text{out} = \gamma\,(x - \mu) / \sqrt{\sigma^2 +
#   \varepsilon} + \beta$.
# - A hard backward pass becomes easy in **stages**: a name and a gradient for every wire, sums
#   where something was broadcast, sums where a wire forks.
# - There are three paths from $x$ to the loss: directly, through the mean, through the variance.
#   On paper they become one line with two means over the batch.
# - Never test it with `dout` of ones: its $dx$ is 0. A bias before it has gradient 0 and can go.
# - Training uses the batch, inference the **running** statistics. With the batch's statistics in
#   inference, rows mix, and one row alone says nothing.
# - For images, statistics are per channel: places are rows.
# - It makes a net forgiving about the scale of its weights and the learning rate.
