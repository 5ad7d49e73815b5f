# %% [markdown]
# # 4. Activations
#
# Two affine layers in a row are one affine layer:
#
# $$(x W_1 + b_1)\, W_2 + b_2 = x\,(W_1 W_2) + (b_1 W_2 + b_2).$$
#
# So are twenty. What makes a deep network more than a flat one is the bend between the layers,
# the **activation function**. All but one of those in this notebook are functions of one number,
# applied to every entry of an array by itself. That sounds like a detail. The first picture says
# otherwise: three networks with the same six hidden layers, the same 1,078 pictures of digits, the
# same solver. Only the bend differs.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np

from chainrule.data import load_digits, spirals
from chainrule.layers import (
    ELU,
    Affine,
    Layer,
    LeakyReLU,
    Maxout,
    PReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from chainrule.layers.init import he_normal
from chainrule.nets import MLP, Classifier, Graph, circuits
from chainrule.notebooks import borrow, exercise, further, model_answer
from chainrule.pictures import activations, gradient_flow
from chainrule.solvers import SGD, Solver

rng = np.random.default_rng(4)
digits = load_digits()


def trained(activation, sizes, data, *, lr, epochs, batch_size, seed=0):
    """Trains a network with the given activation, and returns the history of the run."""
    kind = {"affine": Maxout, "activation": None} if activation == "maxout" else {}
    net = MLP(sizes, **({"activation": activation} | kind), rng=seed)
    rule = SGD(lr, momentum=0.9)
    settings = {"epochs": epochs, "batch_size": batch_size, "seed": seed, "progress": False}
    return Solver(Classifier(net), rule, data, **settings).train()


DEEP = {"sizes": [64, *[40] * 6, 10], "data": digits, "lr": 0.03, "epochs": 8, "batch_size": 80}

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(6, 3.2))
for name, layer in {"sigmoid": Sigmoid(), "ReLU": ReLU(), "ELU": ELU()}.items():
    history = trained(layer, **DEEP)
    ax.plot(history.epoch, history.loss, marker=".", label=name)
    print(f"{name:8} accuracy on the validation digits: {history.val_score[-1]:.1%}")
ax.axhline(np.log(10), color="grey", linewidth=1, linestyle=":", label="ln 10: pure guessing")
ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, None), title="one network, three bends")
ax.legend()
plt.show()

# %% [markdown]
# The network with sigmoids has learned nothing at all. In this notebook you find out why. You
# write the common activations, each with its backward pass, meet four ways in which they fail
# (saturation, zig-zag, dead units, overflow), and at the end compare them all. (Plots are drawn by
# folded cells, as above; a click on the dots unfolds them.)
#
# Here are seven of them, made by the library. The line is the function, the dashed line its slope.
# Grey is where the slope is 0 or next to it. The eighth, maxout, comes at the end.

# %%
activations([Sigmoid(), Tanh(), Softplus(), ReLU(), LeakyReLU(0.1), PReLU(), ELU()])

# %% [markdown]
# ## The form of every backward pass here
#
# Such an activation works entry by entry: $\text{out}_i = f(x_i)$. So $\text{out}_i$ depends on
# $x_i$ alone, the Jacobian is diagonal, and the chain rule has one term for each entry:
#
# $$\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial\, \text{out}_i}\; f'(x_i),
# \qquad\text{in code}\qquad \texttt{dx = dout * slope}.$$
#
# No matrix product, no sum. All the work is in finding the slope. As before, `forward` returns
# `out` and a `cache`, in which you keep whatever `backward(dout, cache)` will need. `x`, `out`,
# `dout` and `dx` all have the same shape, whatever it is.

# %% [markdown]
# ## 1. The sigmoid
#
# $$\sigma(x) = \frac{1}{1 + e^{-x}}$$
#
# squeezes any number into $(0, 1)$. Write $u = 1 + e^{-x}$, so that $\sigma = 1/u$. Then
#
# $$\frac{d\sigma}{dx} = -\frac{1}{u^2}\cdot\frac{du}{dx} = \frac{e^{-x}}{(1 + e^{-x})^2}
# = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}} = \sigma(x)\cdot\;?$$
#
# Fill in the question mark: write the last fraction by means of $\sigma(x)$ alone. (Add
# $\sigma(x)$ to it. What do you get?) Then the backward pass needs no exponential any more: all it
# needs is `out`.
#
# **Exercise 1** (3 points). Write the sigmoid and its backward pass. (Large $|x|$,
# where $e^{-x}$ does not fit into a float, comes in section 3.)


# %% nbgrader={"grade_id": "sigmoid", "solution": true}
def sigmoid_forward(x):
    """The sigmoid of every entry of x.

    x: floats, of any shape. Returns out, of the same shape, and a cache for backward.
    """
    ### BEGIN SOLUTION
    out = 1 / (1 + np.exp(-x))
    return out, out
    ### END SOLUTION


def sigmoid_backward(dout, cache):
    """The gradient dx, of the shape of x, for the upstream gradient dout of the same shape."""
    ### BEGIN SOLUTION
    out = cache
    return dout * out * (1 - out)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "the sigmoid", sigmoid_forward, sigmoid_backward, points=3) as check_1:
    rows = np.array([[0.0, np.log(3.0)], [1.0, -1.0]])
    got, kept = check_1.returns(sigmoid_forward(rows), "out", "cache")
    check_1(
        "σ(0) is a half, σ(ln 3) is ¾",
        got[0],
        [0.5, 0.75],
        mistakes=[
            ([0.5, 0.25], "that is σ(-x): the exponent is -x"),
            ([1.0, 3.0], "that is eˣ, without the 1 + in the denominator"),
            ([1.0, 1 / 3], "that is e⁻ˣ: not yet 1 over 1 + it"),
            ([2.0, 4 / 3], "that is 1 + e⁻ˣ: is the whole of it in the denominator?"),
            ([2.0, 4.0], "that is 1 + eˣ: not yet σ, and the exponent is -x"),
            ([0.0, 1.098612], "that is x: is out the first thing that is returned?"),
        ],
        hint="what e⁻ˣ is at 0, and what at ln 3",
    )
    check_1(
        "σ(1) = 0.7311 and σ(-1) = 1 - σ(1)",
        got[1],
        [0.731059, 0.268941],
        rtol=1e-5,
        mistakes=[([0.268941, 0.731059], "that is σ(-x): the exponent is -x")],
    )
    check_1(
        "the slope is a quarter at 0, 3/16 at ln 3, and 0.1966 at ±1",
        sigmoid_backward(np.ones((2, 2)), kept),
        [[0.25, 0.1875], [0.196612, 0.196612]],
        rtol=1e-5,
        mistakes=[
            ([[0.5, 0.75], [0.731059, 0.268941]], "that is σ itself, not its slope"),
            ([[0.5, 0.25], [0.268941, 0.731059]], "that is 1 - σ: the other factor is missing"),
            ([[0.375, 0.328125], [0.340475, 0.249486]], "that is σ (1 - σ²): no square here"),
            ([[0.235004, 0.217895], [0.219362, 0.245533]], "σ was taken of what is σ already"),
            ([[0.0, -0.108337], [0.0, -2.0]], "that is x (1 - x): the rule needs σ(x) for x"),
        ],
        hint="what d σ / dx is by the text above, and what of it the cache holds",
    )
    rows = rng.standard_normal((3, 5))
    check_1.functions("dx agrees with differences", sigmoid_forward, sigmoid_backward, rows)
    ### BEGIN HIDDEN TESTS
    rows = 3 * rng.standard_normal((2, 3, 2))
    check_1.functions("… for three axes, too", sigmoid_forward, sigmoid_backward, rows)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# sigmoid_forward, sigmoid_backward = borrow(lambda: Sigmoid())

# %% [markdown]
# ### Saturation
#
# The slope is never above ¼, and far from 0 it is next to nothing. A unit that sits there is
# **saturated**: it passes the gradient on, times nearly zero. Here is a neuron of two inputs as
# CS231n's lecture on backpropagation draws it (Stanford, lecture 4), with values in green and
# gradients in red. The score is 1, the slope there about 0.2.

# %%
neuron, inputs = circuits.sigmoid_neuron()
neuron.draw(*inputs)

# %% [markdown]
# Now move the sliders. Make the score large, say by $w_2 = 10$, and look at what is left of the
# gradients of the weights. (The sliders need a running notebook; on GitHub you see the picture
# above alone.)

# %%
neuron.draw(*inputs).sliders(w2=(-10, 10))

# %% [markdown]
# One factor of at most ¼ would be no disaster. But the layers are in a chain, and the factors
# multiply. The next cell looks into the network of the first picture before any training, with
# sigmoids and with ELUs: 200 digits go forward, the gradient of the loss comes back. A column is a
# histogram of all that leaves a layer (left), and of the size of all gradients that arrive there
# (right, in powers of ten). The network's input is at the left of each panel.

# %%
SIZES = DEEP["sizes"]
gradient_flow(
    {
        "sigmoid": Classifier(MLP(SIZES, activation=Sigmoid(), rng=0)),
        "ELU": Classifier(MLP(SIZES, activation=ELU(), rng=0)),
    },
    digits.x_train[:200],
    digits.y_train[:200],
)

# %% [markdown]
# Below, with ELUs, all layers get gradients of about one size. Above, with sigmoids, the first
# layer gets several thousand times less than the last. And look at what the sigmoids hand on:
# further to the right the histograms fall apart into single bars. All 200 digits give nearly the
# same numbers.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** A gradient goes back through six sigmoids. At best, if all of them sit at $x = 0$,
# by which factor have their slopes made it smaller? And going forward, why do two different digits
# look more and more alike from one sigmoid to the next?
#
# ### BEGIN SOLUTION
# At best by $(1/4)^6 = 1/4096$; each further layer takes another factor of four at least, and
# weights that are not large cannot make up for it. Forward it is the same slope that does it: two
# inputs that differ by a little $\delta$ give outputs that differ by at most $\delta / 4$. So
# differences between digits shrink on their way to the end as gradients do on their way back. The
# last layer sees nearly the same numbers for every digit, can learn only how frequent the classes
# are, and the loss stays at $\ln 10$.
# ### END SOLUTION

# %%
model_answer("4-activations", 1)

# %% [markdown]
# ## 2. tanh, and a slip
#
# $$\tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}$$
#
# has the same S, but runs from $-1$ to $1$ and through the origin. So it must be a sigmoid that
# was stretched and shifted. A set of lecture notes that goes round prints
#
# $$\tanh(x) = 2\,\sigma(x) - 1. \qquad\textbf{(wrong!)}$$
#
# Both sides run from $-1$ to $1$, both are 0 at 0. Compare them at $x = 1$, or compare the slopes
# at 0, to see that something is missing. The right formula has one more number in it. Find it:
# multiply the numerator and the denominator of $\tanh$ by $e^{-x}$, and look for a sigmoid.
#
# For the backward pass there are two ways, and both are short. Either differentiate your formula
# with the chain rule, or show that the slope is $1 - \tanh^2(x)$ and use that.
#
# **Exercise 2** (3 points). Write tanh by means of your `sigmoid_forward`, and its backward pass.
# `np.tanh` is not to be used.


# %% nbgrader={"grade_id": "tanh", "solution": true}
def tanh_forward(x):
    """tanh of every entry of x, computed by sigmoid_forward.

    x: floats, of any shape. Returns out, of the same shape, and a cache for backward.
    """
    ### BEGIN SOLUTION
    s, _ = sigmoid_forward(2 * x)
    out = 2 * s - 1
    return out, out
    ### END SOLUTION


def tanh_backward(dout, cache):
    """The gradient dx, of the shape of x, for the upstream gradient dout of the same shape."""
    ### BEGIN SOLUTION
    out = cache
    return dout * (1 - out**2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 3}
with exercise(2, "tanh", tanh_forward, tanh_backward, points=3) as check_2:
    got, kept = check_2.returns(tanh_forward(np.array([0.0, 1.0])), "out", "cache")
    check_2(
        "tanh(0) is 0, tanh(1) is 0.7616",
        got,
        [0.0, 0.761594],
        rtol=1e-5,
        mistakes=[
            ([0.0, 0.462117], "that is 2σ(x) - 1, the slip of the notes: it is tanh(x/2)"),
            ([0.5, 0.880797], "that is σ(2x): it is still to be stretched to (-1, 1)"),
            ([1.0, 1.761594], "that is 2σ(2x): it runs from 0 to 2"),
            ([0.0, 0.380797], "that is σ(2x) - ½: it runs from -½ to ½"),
            ([-0.5, -0.119203], "that is σ(2x) - 1: it runs from -1 to 0"),
            ([0.0, 0.244919], "that is 2σ(x/2) - 1, so tanh(x/4)"),
        ],
        hint="what is left of tanh's fraction after multiplying both parts by e⁻ˣ",
    )
    got, kept = check_2.returns(tanh_forward(np.array([0.0, 0.5 * np.log(3.0)])), "out", "cache")
    check_2("tanh(½ ln 3) is a half", got, [0.0, 0.5], hint="what e^(2x) is there, and e^(-2x)")
    check_2(
        "the slope is 1 at 0, and ¾ where tanh is a half",
        tanh_backward(np.ones(2), kept),
        [1.0, 0.75],
        mistakes=[
            ([0.5, 0.375], "half of it: a factor 2 is missing, that of 2σ or of 2x?"),
            ([0.25, 0.1875], "a quarter of it: what became of the two factors 2?"),
            ([1.0, 0.5], "that is 1 - tanh(x), where tanh(x) is to be squared"),
            ([0.0, 0.25], "that is tanh(x) (1 - tanh(x)), the rule of the sigmoid"),
            ([0.75, 0.4375], "that is 1 - σ(2x)²: the rule is for the square of tanh"),
            ([1.0, 0.698263], "that is 1 - x²: the rule needs tanh(x) for x"),
            ([1.0, 0.786448], "tanh was taken of what is tanh already"),
            ([1.0, 1.25], "that is 1 + tanh(x)²: the sign between them is another"),
        ],
        hint="what is in the cache, and which rule goes with that",
    )
    rows = rng.standard_normal((3, 5))
    check_2.functions("dx agrees with differences", tanh_forward, tanh_backward, rows)
    ### BEGIN HIDDEN TESTS
    rows = 2 * rng.standard_normal((2, 1, 3))
    got, _ = check_2.returns(tanh_forward(rows), "out", "cache")
    check_2("tanh of any shape", got, (np.exp(2 * rows) - 1) / (np.exp(2 * rows) + 1))
    check_2.functions("dx for three axes", tanh_forward, tanh_backward, rows)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# tanh_forward, tanh_backward = borrow(lambda: Tanh())

# %% [markdown]
# ### Near 0 both are straight
#
# | $x$ | $\sigma(x)$ | $\frac12 + \frac x4$ | $\tanh(x)$ | $x$ |
# |--:|--:|--:|--:|--:|
# | 0.1 | 0.52498 | 0.525 | 0.0997 | 0.1 |
# | 0.5 | 0.6225 | 0.625 | 0.4621 | 0.5 |
# | 1 | 0.7311 | 0.75 | 0.7616 | 1 |
# | 2 | 0.8808 | 1 | 0.9640 | 2 |
#
# Around 0 the sigmoid is nearly the line $\frac12 + \frac x4$, and tanh nearly $x$: at 0 their
# second derivative is 0, so the error is of third order, about $x^3/48$ and $x^3/3$. That is a
# good place to start from, since the slope is as large as it gets. But a network whose scores all
# stay there is, as you saw at the top, next to one affine layer. The scores have to reach the bend,
# but not the flat ends.

# %% [markdown]
# ### Why the centre matters: the zig-zag
#
# A tanh has a slope of up to 1, four times as much. Its second advantage is harder to see: its
# outputs are of both signs. Think of one neuron of the *next* layer, with the score
# $s = w_1 h_1 + w_2 h_2$, where $h$ is what the activations hand on. Its gradient is
#
# $$\frac{\partial L}{\partial w_i} = \frac{\partial L}{\partial s}\; h_i.$$
#
# If $h$ comes from sigmoids, every $h_i$ is positive. Then for one example all components of the
# gradient have *the same sign*, that of $\partial L / \partial s$. A step may raise both weights or
# lower both, never raise one and lower the other. To go down and to the right, the path has to
# zig-zag. (All of this needs inputs that are not negative. The sigmoid of the neuron itself is not
# to blame: with an $h$ of both signs the components have both signs, too.)
#
# The picture shows stochastic gradient descent on a squared error, one example at a time, at one
# learning rate. On the left the neuron reads $h = \sigma(z)$, on the right the same outputs,
# centred and stretched: $2\,\sigma(z) - 1$. (Which function of $z$ is this? You have seen it
# above.) The green quadrants are where the first step can go. The next cell descends, the folded
# one draws.

# %%
z = np.random.default_rng(0).standard_normal((400, 2))
goal, start = np.array([1.5, -1.5]), np.array([-1.5, 1.5])


def descent(h, lr=1.6):
    """The weights after each step, until they are within 0.1 of the goal."""
    path = [start]
    for row in h:
        w = path[-1]
        path.append(w - lr * (row @ (w - goal)) * row)  # the gradient of ½ (h·w - h·goal)²
        if np.linalg.norm(path[-1] - goal) < 0.1:
            break
    return np.array(path)


# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 2, figsize=(10, 4.8), sharey=True, layout="constrained")
h = 1 / (1 + np.exp(-z))
axis = np.linspace(-2.6, 2.6, 80)
sides = {"inputs σ(z), all positive": h, "inputs 2σ(z) - 1, of both signs": 2 * h - 1}
for ax, (name, inputs) in zip(axes, sides.items(), strict=True):
    away = np.stack(np.meshgrid(axis, axis), axis=-1) - goal
    curvature = inputs.T @ inputs / len(inputs)
    loss = np.einsum("abi,ij,abj->ab", away, curvature, away) / 2
    ax.contour(axis, axis, loss, 14, colors="0.75", linewidths=0.8)
    if inputs.min() > 0:
        for corner in ((start[0], start[1]), (start[0] - 4, start[1] - 4)):
            ax.add_patch(plt.Rectangle(corner, 4, 4, color="tab:green", alpha=0.12))
    path = descent(inputs)
    ax.plot(*path.T, marker=".", linewidth=1)
    ax.plot(*start, "ko")
    ax.plot(*goal, "r*", markersize=13)
    ax.text(start[0] + 0.12, start[1] - 0.3, "start")
    ax.text(goal[0] + 0.15, goal[1] + 0.15, "goal")
    ratio = np.divide(*np.linalg.eigvalsh(curvature)[::-1])
    ax.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xlabel="$w_1$")
    told = f"{len(path) - 1} steps; the valley is {ratio**0.5:.1f} × longer than wide"
    ax.set_title(f"{name}\n{told}")
axes[0].set_ylabel("$w_2$")
plt.show()

# %% [markdown]
# The contour lines tell the deeper reason. These inputs all lie around ½, and that makes a long,
# narrow valley: along $w_1 = w_2$ everything adds up and the loss is steep, across it is flat. The
# same holds for data whose mean is far from 0 beside their spread, and is why one subtracts it.

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** All inputs of a neuron are positive, but now the gradient is the mean over a
# batch of 100 examples. Must all its components still have the same sign? And a ReLU hands on
# nothing negative either: what keeps its zig-zag milder than that of a sigmoid?
#
# ### BEGIN SOLUTION
# No. Each example's gradient has components of one sign, but for some examples it is plus, for
# others minus, since $\partial L / \partial s$ differs. Their sum can have components of both
# signs. The narrow valley, which is a property of the loss, stays. A ReLU's outputs are not all
# positive: where scores are as often negative as positive, half of the outputs are exactly 0,
# another half for each example. Weights whose inputs are 0 do not move, so an example moves only
# some of the weights, and different examples different ones. For two standard normal scores, as in
# the picture, the valley is 1.4 times as long as wide, where the sigmoid's is 3.5. The mean of its
# outputs is above 0 nevertheless, which is what the ELU improves.
# ### END SOLUTION

# %%
model_answer("4-activations", 2)

# %% [markdown]
# ## 3. Numbers that do not fit
#
# A float64 ends at $1.8 \cdot 10^{308}$, which is $e^{709.8}$; a float32 at $e^{88.7}$. Beyond
# that NumPy warns, and goes on with `inf`:

# %%
with np.errstate(over="raise", invalid="raise", divide="raise"):  # warnings as errors
    try:
        print(1 / (1 + np.exp(-np.array(-1000.0))))
    except FloatingPointError as error:
        print("σ(-1000) =", 0.0, " but on the way:", error)
with np.errstate(over="ignore", invalid="ignore"):
    print("e¹⁰⁰⁰ / (1 + e¹⁰⁰⁰) =", np.exp(1000.0) / (1 + np.exp(1000.0)), "instead of 1")
print("log(1 + e⁻⁴⁰) =", np.log(1 + np.exp(-40.0)), "instead of 4.25e-18")

# %% [markdown]
# Three failures. The first is lucky: `1 / inf` happens to be right. In the second `inf / inf` is
# `nan`, and one `nan` can spoil every weight of a network in one step. In the third nothing
# overflows, but $1 + e^{-40}$ is rounded to 1, and its logarithm is 0.
#
# One idea cures all: **compute $e = e^{-|x|}$ and nothing else.** The exponent is never positive,
# so $e$ is between 0 and 1. Then
#
# - for $x \ge 0$, $e^{-x}$ *is* $e$: $\;\sigma(x) = 1 / (1 + e)$;
# - for $x < 0$, $e^{x}$ is $e$: multiply the numerator and denominator of $\sigma(x)$ by $e^{x}$;
# - the **softplus** $\log(1 + e^{x})$, a smooth ReLU, is nearly $x$ for large $x$. Take it out:
#   $\log(1 + e^{x}) = \max(x, 0) + \log(\,?\,)$. Check both cases, $x \ge 0$ and $x < 0$: it is the
#   same logarithm. (For a number $a$, `np.log1p(a)` is $\log(1 + a)$ without rounding $1 + a$.)
#
# The softplus as a circuit of three gates is below, at $x = 1$. Multiply the local slopes by hand:
# what is the slope of the softplus? You have already written it.

# %%
softplus, inputs = circuits.softplus()
softplus.draw(*inputs)

# %% [markdown]
# **Exercise 3** (4 points). Write a sigmoid that never overflows, and the softplus with its
# backward pass, also without overflow. `safe_sigmoid` returns `out` **alone**, without a cache;
# `softplus_forward` returns both, as usual. A trap: `np.where(x >= 0, A, B)` computes *both* A and
# B for all entries, so neither may overflow anywhere.


# %% nbgrader={"grade_id": "stable", "solution": true}
def safe_sigmoid(x):
    """The sigmoid without overflow.   x: floats, of any shape. Returns out alone, no cache."""
    ### BEGIN SOLUTION
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)
    ### END SOLUTION


def softplus_forward(x):
    """log(1 + eˣ) of every entry of x, without overflow.

    x: floats, of any shape. Returns out, of the same shape, and a cache for backward.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), x
    ### END SOLUTION


def softplus_backward(dout, cache):
    """The gradient dx, of the shape of x, for the upstream gradient dout of the same shape."""
    ### BEGIN SOLUTION
    x = cache
    return dout * safe_sigmoid(x)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 4}
def calm(function, *inputs):
    """What the function returns; what NumPy would warn of is an error here."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        return function(*inputs)


with exercise(
    3, "no overflow", safe_sigmoid, softplus_forward, softplus_backward, points=4
) as check_3:
    check_3(
        "σ(0) and σ(±1)",
        safe_sigmoid(np.array([0.0, 1.0, -1.0])),
        [0.5, 0.731059, 0.268941],
        rtol=1e-5,
        mistakes=[
            ([0.5, 0.268941, 0.731059], "that is σ(-x): are the branches swapped?"),
            ([0.5, 0.731059, 0.731059], "that is σ(|x|): for x < 0 the numerator is another"),
            ([0.5, 0.268941, 0.268941], "that is σ(-|x|): for x ≥ 0 the numerator is another"),
            (
                [[0.5, 0.731059, 0.268941], [0.0, 1.0, -1.0]],
                "x came with it: out alone is asked for, without a cache",
            ),
            (
                [[0.5, 0.731059, 0.268941], [0.5, 0.731059, 0.268941]],
                "out came twice: once, without a cache, is asked for",
            ),
        ],
        hint="the numerator for x ≥ 0 and for x < 0; the denominator is 1 + e in both cases",
    )
    check_3(
        "σ(1000) is 1, without a warning",
        calm(safe_sigmoid, np.array([1000.0])),
        [1.0],
        hint="what e is there, and which numerator goes with it",
    )
    check_3(
        "σ(-1000) is 0, without a warning",
        calm(safe_sigmoid, np.array([-1000.0])),
        [0.0],
        hint="what e is there, and which numerator goes with it",
        mistakes=[([1.0], "that is σ(1000): for x < 0 the numerator is another")],
    )
    got, _ = check_3.returns(softplus_forward(np.array([0.0, 1.0, -1.0])), "out", "cache")
    check_3(
        "softplus(0) is ln 2, softplus(±1) are 1.3133 and 0.3133",
        got,
        [0.693147, 1.313262, 0.313262],
        rtol=1e-5,
        mistakes=[
            ([0.693147, 0.313262, 0.313262], "that is softplus(-|x|): max(x, 0) is missing"),
            ([0.693147, 0.313262, 1.313262], "that is softplus(-x)"),
            ([-0.693147, 0.686738, -0.313262], "that is max(x, 0) minus the logarithm"),
            ([0.693147, 1.313262, -0.686738], "x was added for x < 0, too: max(x, 0) is 0 there"),
            ([0.693147, 1.313262, 1.313262], "at -1 that is softplus(1): look at both terms there"),
            ([1.098612, 1.861995, 0.861995], "log1p adds the 1 itself: here it was added twice"),
        ],
        hint="log(1 + eˣ) = max(x, 0) + log(?) for x ≥ 0 and for x < 0",
    )
    check_3(
        "softplus(±1000) is 1000 and 0, without a warning",
        check_3.returns(calm(softplus_forward, np.array([1000.0, -1000.0])), "out", "cache")[0],
        [1000.0, 0.0],
        hint="what each of the two terms is at 1000, and at -1000",
    )
    got, _ = check_3.returns(softplus_forward(np.array([-40.0])), "out", "cache")
    check_3(
        "softplus(-40) is 4.25e-18",
        got,
        [4.248354e-18],
        rtol=1e-5,
        atol=0,
        mistakes=[([0.0], "1 + e⁻⁴⁰ is rounded to 1; np.log1p(e) does not round")],
    )
    rows = rng.standard_normal((3, 5))
    check_3.functions("dx agrees with differences", softplus_forward, softplus_backward, rows)
    _, kept = check_3.returns(calm(softplus_forward, np.array([1000.0, -1000.0])), "out", "cache")
    check_3(
        "the slope at ±1000 is 1 and 0, without a warning",
        calm(softplus_backward, np.ones(2), kept),
        [1.0, 0.0],
        mistakes=[([0.0, 1.0], "that is the slope at -x")],
        hint="the slope of the softplus is a function that you have made safe above",
    )
    ### BEGIN HIDDEN TESTS
    rows = rng.standard_normal((2, 2, 3))
    check_3("σ for three axes", safe_sigmoid(rows), (1 + np.tanh(rows / 2)) / 2)
    got, _ = check_3.returns(softplus_forward(rows), "out", "cache")
    check_3("softplus of three axes", got, np.logaddexp(0, rows))
    check_3(
        "large and small in one array",
        calm(safe_sigmoid, np.array([[-800.0, 0.0], [800.0, -800.0]])),
        [[0.0, 0.5], [1.0, 0.0]],
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# softplus_forward, softplus_backward = borrow(lambda: Softplus())
# safe_sigmoid = lambda x: Sigmoid().forward(x)[0]

# %% [markdown]
# ## 4. ReLU and leaky ReLU
#
# $$\text{ReLU}(x) = \max(x, 0) \qquad
# \text{leaky}(x) = \begin{cases} x & x > 0\\ \alpha x & x \le 0\end{cases}
# \quad\text{with a small } \alpha,\text{ here } 0.1.$$
#
# No exponential, and for $x > 0$ the slope is exactly 1, however large $x$ is: no saturation on
# that side. (V. Nair and G. Hinton 2010 for the ReLU; A. Maas and others 2013 for the leaky one.)
# The price is a kink at 0, where no slope exists. One chooses: the library takes the slope of the
# left side, 0 or $\alpha$, and any choice between the two slopes is accepted here.
#
# Three slips are at home here:
#
# - `np.max(0, x)` is no ReLU. `np.max` looks for the largest entry of *one* array, takes the second
#   argument for an axis, and gives up with `TypeError: only integer scalar arrays can be converted
#   to a scalar index`. The other way round, `np.max(x, 0)` gives the largest entry of each column
#   of a matrix, and no error. To compare entry by entry there is `np.maximum`.
# - `x * (x > 0)`, in a set of lecture notes that goes round, makes `-0.0` of negative numbers,
#   which does no harm, and `nan` of $-\infty$, as $0 \cdot \infty$ is `nan`.
# - The leaky ReLU is often written $\max(\alpha x, x)$. That is right for $\alpha \le 1$ alone:
#   with $\alpha = 2$ it makes 2 of 1, and leaves $-1$ as it is.
#
# **Exercise 4** (3 points). Write both pairs. Before you write `backward`, ask which array decides
# where the gradient passes: `x`, or `dout`?


# %% nbgrader={"grade_id": "relu", "solution": true}
def relu_forward(x):
    """max(x, 0) of every entry.

    x: floats, of any shape. Returns out, of the same shape, and a cache for backward.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0), x
    ### END SOLUTION


def relu_backward(dout, cache):
    """The gradient dx, of the shape of x, for the upstream gradient dout of the same shape."""
    ### BEGIN SOLUTION
    x = cache
    return dout * (x > 0)
    ### END SOLUTION


def leaky_forward(x, alpha=0.1):
    """x where x > 0, else alpha · x.

    x: floats, of any shape; alpha: a number from 0 to 1. Returns out, of the shape of x, and a
    cache for backward.
    """
    ### BEGIN SOLUTION
    slope = np.where(x > 0, 1.0, alpha)
    return slope * x, slope
    ### END SOLUTION


def leaky_backward(dout, cache):
    """The gradient dx, of the shape of x. (alpha is a setting: nobody asks for its gradient.)"""
    ### BEGIN SOLUTION
    slope = cache
    return dout * slope
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 3}
with exercise(
    4, "ReLU and leaky ReLU", relu_forward, relu_backward, leaky_forward, leaky_backward, points=3
) as check_4:
    rows, sent = np.array([[-2.0, 3.0], [0.5, -1.0]]), np.array([[5.0, -7.0], [11.0, -13.0]])
    got, kept = check_4.returns(relu_forward(rows.copy()), "out", "cache")
    check_4(
        "ReLU lets 3 and 0.5 pass, and stops -2 and -1",
        got,
        [[0.0, 3.0], [0.5, 0.0]],
        mistakes=[
            ([0.5, 3.0], "that is the largest of each column: np.max reduces, see above"),
            (3.0, "that is the largest of all: np.max reduces, see above"),
            ([[0.0, 1.0], [1.0, 0.0]], "that is where x > 0; where it is, x itself is asked for"),
            ([[2.0, 3.0], [0.5, 1.0]], "that is |x|"),
            ([[-2.0, 0.0], [0.0, -1.0]], "that is min(x, 0)"),
        ],
        hint="which of x and 0 is the larger, entry by entry",
    )
    check_4(
        "ReLU sends -7 and 11 back, where it let x pass",
        relu_backward(sent.copy(), kept),
        [[0.0, -7.0], [11.0, 0.0]],
        mistakes=[
            ([[5.0, 0.0], [11.0, 0.0]], "that is ReLU of dout: the sign of x decides, not dout's"),
            ([[0.0, 0.0], [11.0, 0.0]], "dout's sign was asked as well: that of x alone decides"),
            ([[0.0, -21.0], [5.5, 0.0]], "that is dout times out: the slope there is 1"),
            ([[0.0, 1.0], [1.0, 0.0]], "that is the slope, not yet times dout"),
            ([[5.0, -7.0], [11.0, -13.0]], "that is dout: it passed everywhere"),
            ([[5.0, 0.0], [0.0, -13.0]], "it passed where x < 0, and was stopped where x > 0"),
        ],
        hint="the slope of max(x, 0) at each entry of x",
    )
    with np.errstate(invalid="ignore"):
        got, _ = check_4.returns(relu_forward(np.array([-np.inf, np.inf])), "out", "cache")
    check_4(
        "of -∞ it makes 0, of +∞ it makes +∞",
        got,
        [0.0, np.inf],
        mistakes=[([np.nan, np.inf], "0 · ∞ is nan, and so is ∞ - ∞: choose instead")],
    )
    rows = rng.standard_normal((3, 5))
    check_4.functions("its dx agrees with differences", relu_forward, relu_backward, rows)
    got, kept = check_4.returns(leaky_forward(np.array([[-2.0, 3.0], [0.5, -1.0]])), "out", "cache")
    check_4(
        "the leaky one lets a tenth of -2 and -1 pass",
        got,
        [[-0.2, 3.0], [0.5, -0.1]],
        mistakes=[
            ([[0.1, 3.0], [0.5, 0.1]], "where x ≤ 0 it is alpha · x, not alpha"),
            ([[0.2, 3.0], [0.5, 0.1]], "where x ≤ 0 the sign is lost"),
            ([[-0.2, 0.3], [0.05, -0.1]], "that is alpha · x on both sides"),
            ([[-0.2, 3.3], [0.55, -0.1]], "where x > 0, alpha · x was added to x"),
            ([[-2.0, 0.3], [0.05, -1.0]], "that is alpha · x where x > 0, x where x ≤ 0"),
            ([[0.0, 3.0], [0.5, 0.0]], "that is the ReLU: alpha · x passes where x ≤ 0"),
        ],
        hint="x where x > 0, alpha · x where x ≤ 0",
    )
    check_4(
        "… and sends a tenth of 5 and -13 back",
        leaky_backward(sent.copy(), kept),
        [[0.5, -7.0], [11.0, -1.3]],
        mistakes=[
            ([[0.0, -7.0], [11.0, 0.0]], "that is the ReLU's: alpha of dout passes where x ≤ 0"),
            ([[0.1, -7.0], [11.0, 0.1]], "where x ≤ 0, alpha came back without dout"),
            ([[5.0, -0.7], [11.0, -1.3]], "dout's sign decided; that of x has to"),
            ([[5.0, -0.7], [1.1, -13.0]], "alpha stands where x > 0, 1 where x ≤ 0"),
            ([[0.5, -0.7], [1.1, -1.3]], "that is alpha · dout on both sides"),
            ([[0.1, 1.0], [1.0, 0.1]], "that is the slope, not yet times dout"),
        ],
        hint="the slope on each side of 0, and whose sign says which side it is",
    )
    check_4.functions("its dx agrees with differences", leaky_forward, leaky_backward, rows)
    if not check_4.borrowed:  # (the library's has its alpha built in)
        got, kept = check_4.returns(leaky_forward(np.array([-2.0, 3.0]), 0.5), "out", "cache")
        check_4(
            "with alpha = 0.5 it lets a half of -2 pass",
            got,
            [-1.0, 3.0],
            mistakes=[([-0.2, 3.0], "that is alpha = 0.1: alpha is what the caller passes")],
        )
        check_4(
            "… and sends a half back",
            leaky_backward(np.ones(2), kept),
            [0.5, 1.0],
            mistakes=[
                ([0.1, 1.0], "that is alpha = 0.1: what the caller passed goes in the cache")
            ],
        )
    ### BEGIN HIDDEN TESTS
    check_4.functions("ReLU for three axes", relu_forward, relu_backward, rows.reshape(3, 1, 5))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# relu_forward, relu_backward = borrow(lambda: ReLU())
# leaky_forward, leaky_backward = borrow(lambda: LeakyReLU(0.1))

# %% [markdown]
# ### Dead units
#
# On the left side of a ReLU the slope is not small, it is 0. Here is a neuron
# $\max(w x + b, 0)$ with a bias of $-10$. Whatever comes back from above is multiplied by 0: no
# weight gets a gradient, not even the bias that is at fault.

# %%
unit = Graph()
w, x, b = unit.input("w"), unit.input("x"), unit.input("b")
unit.output(ReLU()(w * x + b).named("f"))
unit.draw(1.5, 2.0, -10.0)

# %% [markdown]
# Raise the bias until the gate opens. Between shut and open there is nothing: the gradient is
# all there, or not at all.

# %%
unit.draw(1.5, 2.0, -10.0).sliders(b=(-10, 2), x=(-5, 10))

# %% [markdown]
# One example without a gradient is fine, the next may have one. But a unit that is off for *every*
# example of the training data gets no gradient at all: as long as that lasts, its weights stay as
# they are. It is **dead**.
#
# **Exercise 5** (2 points). `out` (N, M) holds the outputs of M ReLU units for N examples. Write
# the share of the units that are dead. A unit is dead where all its entries are exactly 0. (Outputs
# of ReLUs are never negative. But below, your function also gets gradients, which may be.)


# %% nbgrader={"grade_id": "dead", "solution": true}
def dead_share(out):
    """The share of dead units, from 0 to 1.   out: (N, M), outputs of M ReLUs for N examples."""
    ### BEGIN SOLUTION
    return np.mean((out == 0).all(axis=0))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 2}
with exercise(5, "dead units", dead_share, points=2) as check_5:
    got = np.array(
        [
            [0.0, 2.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 3.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 0.0],
            [0.0, 4.0, 2.0, 0.0, 0.5],
        ]
    )
    check_5(
        "of these five units two are dead: 0.4",
        dead_share(got),
        0.4,
        mistakes=[
            (0.7, "that is the share of zeros; a unit that is off now and then is healthy"),
            (1.0, "for one example or another all five are off; dead is off for ALL examples"),
            (0.25, "for a quarter of the EXAMPLES all units are off: the other axis"),
            (0.6, "that is the share of the units that live"),
            (2.0, "that is how many; the share is asked for"),
            (0.5, "that is 2 / 4, and 4 is the number of the examples"),
        ],
        hint="axis 0 runs over the examples, axis 1 over the units",
    )
    check_5("of units that all fire none is dead", dead_share(np.ones((3, 2))), 0.0)
    check_5(
        "of gradients 0, 0; -1, -2; 1, -1; 0, -2 one unit in four has only 0",
        dead_share(np.array([[0.0, -1.0, 1.0, 0.0], [0.0, -2.0, -1.0, -2.0]])),
        0.25,
        mistakes=[
            (0.5, "two count as dead; of the others each has a number that is not 0"),
            (0.75, "three count as dead; of the others each has a number that is not 0"),
        ],
        hint="a negative number is not 0, and two that sum to 0 are not 0 either",
    )
    ### BEGIN HIDDEN TESTS
    check_5("of two units and five examples", dead_share(np.eye(5)[:, :2] * [[1.0, 0.0]]), 0.5)
    check_5("all dead", dead_share(np.zeros((2, 3))), 1.0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# How does a unit get there? Now and then by its first weights. And by **one step that is too
# large**: it throws the bias, or all weights, far to the negative side. The next experiment makes
# such a step on purpose. On 300 digits, a network with 100 hidden units takes one step with the
# learning rate on the axis, then 20 ordinary ones. At the end we look which hidden units still get
# any gradient. Your `dead_share` does this, too: the gradient of the weights is (64, 100), one
# column for each unit.


# %%
def numb_after(activation, first_lr):
    """The share of hidden units without any gradient after a large step and 20 small ones."""
    model = Classifier(MLP([64, 100, 10], activation=activation, rng=0))
    x, y = digits.x_train[:300], digits.y_train[:300]
    for lr in [first_lr] + [0.1] * 20:
        _, grads = model.loss(x, y)
        for name, values in model.params.items():
            values -= lr * grads[name]
    _, grads = model.loss(x, y)
    return dead_share(grads["affine1.W"])


# %% jupyter={"source_hidden": true}
if check_5.opens("this picture"):
    rates = [0.1, 1, 5, 10, 20, 50]
    fig, ax = plt.subplots(figsize=(6.5, 3.4))
    for name, layer in {"ReLU": ReLU(), "leaky ReLU, α = 0.1": LeakyReLU(0.1)}.items():
        ax.semilogx(rates, [numb_after(layer, lr) for lr in rates], marker="o", label=name)
    ax.set_xticks(rates, map(str, rates))
    ax.minorticks_off()
    ax.set(xlabel="learning rate of the one large step", ylabel="share of units without gradient")
    ax.set(ylim=(-0.03, 1), title="20 ordinary steps later")
    ax.legend()
    plt.show()

# %% [markdown]
# After a step with the rate 50, 58 of the 100 ReLUs are dead, and twenty good steps wake none of
# them. Of the leaky units, such a step throws 54 to where they are negative for every example, but
# each of them still learns. (The training data are 300 digits here. Six ReLUs are dead from the
# start: with pixels that are never negative, some random weights give a negative score for each of
# the 300.)

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** A ReLU of the *first* hidden layer is off for all training examples. Can gradient
# descent bring it back? And one of the *second* hidden layer?
#
# ### BEGIN SOLUTION
# In the first layer it cannot: its inputs are the data, which do not change, and its own weights
# and bias get no gradient, so its scores stay as they are, none above 0. (An L2 penalty could
# shrink the weights, and momentum from earlier steps could carry them on.) In the second layer it
# may come back by chance: its inputs are the outputs of the first layer, whose weights go on
# learning from the gradients of the other units, and one day some example may give it a positive
# score.
# ### END SOLUTION

# %%
model_answer("4-activations", 3)

# %% [markdown]
# ## 5. PReLU: the slope is learned
#
# How large should $\alpha$ be? The PReLU (K. He and others 2015) leaves the answer to gradient
# descent. There is one $\alpha_c$ for each feature, a parameter like a bias:
#
# $$\text{out}_{nc} = \begin{cases} x_{nc} & x_{nc} > 0\\ \alpha_c\, x_{nc} & x_{nc} \le 0
# \end{cases}$$
#
# So there are two gradients, $\partial L/\partial x_{nc}$ as for the leaky ReLU, and
# $\partial L / \partial \alpha_c$. The one number $\alpha_c$ is used by all N examples. It was
# *broadcast* along the rows in the forward pass, so in the backward pass what comes back from every
# row **adds up**, as where a wire forks. One row's contribution is
# $\partial L/\partial\,\text{out}_{nc}$ times $\partial\,\text{out}_{nc} / \partial \alpha_c$. What
# is the latter where $x_{nc} > 0$, and what where $x_{nc} \le 0$?
#
# **Exercise 6** (4 points). Write the PReLU and its two gradients. (At $x = 0$ the slope of either
# side is accepted.)


# %% nbgrader={"grade_id": "prelu", "solution": true}
def prelu_forward(x, alpha):
    """x where x > 0, else alpha · x, with one alpha per feature.

    x: floats (N, C); alpha: floats (C,). Returns out (N, C) and a cache for backward.
    """
    ### BEGIN SOLUTION
    return np.where(x > 0, x, alpha * x), (x, alpha)
    ### END SOLUTION


def prelu_backward(dout, cache):
    """The gradients dx (N, C) and dalpha (C,), for the upstream gradient dout (N, C)."""
    ### BEGIN SOLUTION
    x, alpha = cache
    dx = dout * np.where(x > 0, 1, alpha)
    dalpha = (dout * np.minimum(x, 0)).sum(axis=0)
    return dx, dalpha
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 4}
with exercise(6, "PReLU", prelu_forward, prelu_backward, points=4) as check_6:
    rows = np.array([[-2.0, 3.0], [-1.0, -4.0], [5.0, -6.0]])
    got, kept = check_6.returns(prelu_forward(rows, np.array([0.5, 0.25])), "out", "cache")
    check_6(
        "each feature has its own alpha",
        got,
        [[-1.0, 3.0], [-0.5, -1.0], [5.0, -1.5]],
        mistakes=[
            ([[-1.0, 0.75], [-0.5, -1.0], [2.5, -1.5]], "that is alpha · x on both sides"),
            ([[-2.0, 0.75], [-1.0, -4.0], [2.5, -6.0]], "alpha · x stands where x > 0"),
            ([[0.5, 3.0], [0.5, 0.25], [5.0, 0.25]], "where x ≤ 0 it is alpha · x, not alpha"),
        ],
        hint="x where x > 0, alpha · x where x ≤ 0, with one alpha for each column",
    )
    back, back_alpha = check_6.returns(
        prelu_backward(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), kept), "dx", "dalpha"
    )
    check_6(
        "dx is dout, or alpha · dout",
        back,
        [[0.5, 10.0], [1.0, 5.0], [3.0, 7.5]],
        mistakes=[
            ([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], "that is dout: alpha is missing"),
            ([[0.5, 2.5], [1.0, 5.0], [1.5, 7.5]], "that is alpha · dout, also where x > 0"),
            ([[0.0, 10.0], [0.0, 0.0], [3.0, 0.0]], "that is the ReLU's: alpha is missing"),
            ([[1.0, 2.5], [2.0, 20.0], [1.5, 30.0]], "alpha stands where x > 0"),
            ([[0.5, 1.0], [0.5, 0.25], [1.0, 0.25]], "that is the slope, not yet times dout"),
        ],
        hint="the slope by x on each side of 0",
    )
    check_6(
        "dalpha sums what comes back from all rows",
        back_alpha,
        [-4.0, -260.0],
        mistakes=[
            ([-4 / 3, -260 / 3], "that is the mean over the rows; what comes back adds up"),
            ([11.0, -230.0], "rows with x > 0 were counted too: alpha does nothing there"),
            ([3.0, 50.0], "dout was summed where x ≤ 0; the slope there is x, not 1"),
            (
                [-2.0, -82.0, -180.0],
                "that is a sum for each row: for each feature one is asked for",
            ),
            (-264.0, "that is the sum over everything: one number for each feature is asked for"),
            ([-3.0, -10.0], "x was summed where x ≤ 0; each is to be times its dout"),
            ([4.0, 260.0], "the sign is swapped: the slope is x, which is negative there"),
            ([-2.0, -65.0], "alpha is in it as a factor: by alpha, the slope of alpha · x is x"),
        ],
        hint="what alpha does to out where x > 0, and what where x ≤ 0",
    )
    if not check_6.borrowed:
        got, _ = check_6.returns(
            prelu_forward(np.array([[-1.0], [3.0]]), np.array([2.0])), "out", "cache"
        )
        check_6(
            "with alpha = 2 it doubles -1, and leaves 3 as it is",
            got,
            [[-2.0], [3.0]],
            mistakes=[([[-1.0], [6.0]], "that is max(alpha · x, x), right for alpha ≤ 1 alone")],
        )
    rows, slopes = rng.standard_normal((5, 3)), np.array([-0.5, 0.3, 2.0])
    check_6.functions("both agree with differences", prelu_forward, prelu_backward, rows, slopes)
    ### BEGIN HIDDEN TESTS
    rows, slopes = rng.standard_normal((4, 6)), rng.uniform(-0.5, 2.0, 6)
    check_6.functions("for six features", prelu_forward, prelu_backward, rows, slopes)
    check_6.functions("for one row", prelu_forward, prelu_backward, rows[:1], slopes)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# prelu_forward, prelu_backward = borrow(lambda alpha: PReLU(len(alpha)))

# %% [markdown]
# ## 6. ELU
#
# The exponential linear unit (D.-A. Clevert and others 2015) bends where the ReLU breaks:
#
# $$\text{ELU}(x) = \begin{cases} x & x > 0\\ \alpha\,(e^x - 1) & x \le 0 \end{cases}$$
#
# On the left its outputs go down to $-\alpha$. So their mean is nearer to 0: where the scores have
# a standard normal distribution it is 0.16, and 0.40 for a ReLU. And on the left it **saturates**,
# as a sigmoid does: with $\alpha = 1$ the slope is 0.37 at $x = -1$, 0.05 at $x = -3$, and 0.00005
# at $x = -10$. Small, but not 0, until below $x = -745$ a float64 cannot hold $e^x$. (Where a slope
# is computed from the output, that is over much earlier: below $x = -37.5$ the output is rounded to
# $-\alpha$.)
#
# With $\alpha = 1$ it has no kink. With $\alpha = 1.3$ it has one at 0, of slope 1.3 on the left
# and 1 on the right. It bends downwards, and the sub-gradients of homework 1 are for kinks that
# bend upwards: here there is none. One takes the slope of either side nevertheless.
#
# The notes that print $\tanh(x) = 2\,\sigma(x) - 1$ have another slip:
#
# $$\text{ELU}(x) = \max(\alpha\,(e^x - 1),\; x). \qquad\textbf{(wrong!)}$$
#
# With $\alpha = 1$ that is $e^2 - 1 = 6.39$ at $x = 2$, where the ELU is 2. With the
# $\alpha = 0.2$ of their code it is above $x$ from 2.66 on, for $e^x$ outgrows every line.
#
# Find the slope of the ELU for $x \le 0$. Can you write it by means of the output alone?
#
# **Exercise 7** (3 points). Write the ELU. Mind the branch of `np.where` that nobody looks at:
# $e^{1000}$ overflows there. And `np.expm1(x)` is $e^x - 1$ with all its digits for small $x$. (At
# $x = 0$ the slope of either side is accepted.)


# %% nbgrader={"grade_id": "elu", "solution": true}
def elu_forward(x, alpha=1.0):
    """x where x > 0, else alpha (eˣ - 1), without overflow.

    x: floats, of any shape; alpha: a number above 0. Returns out, of the shape of x, and a cache.
    """
    ### BEGIN SOLUTION
    out = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return out, (out, alpha)
    ### END SOLUTION


def elu_backward(dout, cache):
    """The gradient dx, of the shape of x, for the upstream gradient dout of the same shape."""
    ### BEGIN SOLUTION
    out, alpha = cache
    return dout * np.where(out > 0, 1, out + alpha)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 3}
with exercise(7, "ELU", elu_forward, elu_backward, points=3) as check_7:
    rows = np.array([2.0, -np.log(2.0), -np.log(10.0)])
    got, kept = check_7.returns(elu_forward(rows), "out", "cache")
    check_7(
        "ELU(2) is 2, and e⁻ˡⁿ² is a half, so ELU(-ln 2) is ½ - 1",
        got,
        [2.0, -0.5, -0.9],
        mistakes=[
            ([6.389056, -0.5, -0.9], "that is eˣ - 1 where x > 0, too: there out is x"),
            ([2.0, 0.5, 0.1], "that is eˣ: the -1 is missing, and out jumps at 0"),
            ([2.0, 0.5, 0.9], "that is 1 - eˣ for x ≤ 0"),
            ([6.389056, -0.693147, -2.302585], "eˣ - 1 stands where x > 0, x where x ≤ 0"),
            ([0.0, -0.693147, -2.302585], "x stands where x ≤ 0"),
            ([0.0, -0.5, -0.9], "where x > 0 it is 0: there out is x"),
            ([2.0, 0.0, 0.0], "for x ≤ 0 it is 0, as the ReLU"),
        ],
        hint="which branch is for x > 0, and what e^(-ln 2) is",
    )
    check_7(
        "its slopes there are 1, ½ and 0.1",
        elu_backward(np.ones(3), kept),
        [1.0, 0.5, 0.1],
        mistakes=[
            ([1.0, -0.5, -0.9], "that is the output for x ≤ 0; the derivative of the -1 is 0"),
            ([2.0, 0.5, 0.1], "where x > 0, out is x: what is its slope?"),
            ([3.0, 0.5, 0.1], "that is out + alpha on both sides"),
            ([7.389056, 0.5, 0.1], "that is eˣ on both sides"),
            ([1.0, 0.606531, 0.40657], "the exponential was taken of out, not of x"),
            ([1.0, 1.0, 1.0], "that is the slope of x alone: for x ≤ 0 it is another"),
            ([1.0, 0.0, 0.0], "that is the slope of the ReLU"),
        ],
        hint="the derivative of eˣ - 1, and how out gives it without another exponential",
    )
    rows = rng.standard_normal((3, 5))
    check_7.functions("dx agrees with differences", elu_forward, elu_backward, rows)
    if not check_7.borrowed:  # (the library's has its alpha built in)
        got, kept = check_7.returns(elu_forward(np.array([1.0, -np.log(2.0)]), 0.6), "out", "cache")
        check_7(
            "with alpha = 0.6, ELU(-ln 2) is 0.6 · (½ - 1)",
            got,
            [1.0, -0.3],
            mistakes=[
                ([1.030969, -0.3], "that is alpha (eˣ - 1) where x > 0, too: there out is x"),
                ([1.0, -0.5], "alpha is missing"),
                ([1.0, -0.7], "that is alpha eˣ - 1: alpha multiplies both"),
                ([0.6, -0.3], "x > 0 got the factor alpha, too"),
            ],
        )
        check_7(
            "… and its slope there is 0.6 · ½",
            elu_backward(np.ones(2), kept),
            [1.0, 0.3],
            mistakes=[
                ([1.0, 0.5], "alpha is missing"),
                ([1.0, 0.7], "that is out + 1, right for alpha = 1 alone"),
                ([0.6, 0.3], "where x > 0 it is alpha, but the slope of x is 1"),
            ],
        )
    check_7(
        "ELU(±1000) is 1000 and -1, without a warning",
        check_7.returns(calm(elu_forward, np.array([1000.0, -1000.0])), "out", "cache")[0],
        [1000.0, -1.0],
        hint="which branch is for which side, and what e⁻¹⁰⁰⁰ is",
    )
    _, kept = check_7.returns(calm(elu_forward, np.array([1000.0, -1000.0])), "out", "cache")
    check_7(
        "its slopes there are 1 and 0, without a warning",
        calm(elu_backward, np.ones(2), kept),
        [1.0, 0.0],
        hint="which branch is for which side, and what e⁻¹⁰⁰⁰ is",
    )
    ### BEGIN HIDDEN TESTS
    check_7.functions("with alpha = 1.3", elu_forward, elu_backward, rows, 1.3)
    check_7.functions("for three axes", elu_forward, elu_backward, rows.reshape(3, 1, 5))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# elu_forward, elu_backward = borrow(lambda: ELU())

# %% [markdown]
# You can already train with it. A layer of the library is an object with `forward` and `backward`;
# the next cell makes one of your two functions, and puts it into the six hidden layers of the first
# picture.


# %%
class MyELU(Layer):
    """The ELU of this notebook, as a layer."""

    weight_init = staticmethod(he_normal)

    def forward(self, x, *, train=True):
        return elu_forward(x)

    def backward(self, dout, cache):
        return elu_backward(dout, cache), {}


if check_7.opens("a network with your ELU"):
    mine, theirs = trained(MyELU(), **DEEP), trained(ELU(), **DEEP)
    print(f"your ELU:        loss {mine.loss[-1]:.6f}, accuracy {mine.val_score[-1]:.1%}")
    print(f"the library's:   loss {theirs.loss[-1]:.6f}, accuracy {theirs.val_score[-1]:.1%}")

# %% [markdown]
# The exponential has its price. Here are the two passes of three layers for 100 examples of 256
# features, timed.


# %%
def milliseconds(layer, x):
    """How long forward and backward take, the fastest of many times."""

    def both_ways():
        out, cache = layer.forward(x)
        layer.backward(out, cache)

    return 1000 * min(timeit.repeat(both_ways, number=10, repeat=10)) / 10


for layer in (ReLU(), ELU(), Affine(256, 256)):
    spent = milliseconds(layer, rng.standard_normal((100, 256)))
    print(f"{layer!r:20} {spent:.3f} ms")

# %% [markdown]
# On one core of the machine where this was written, the ELU took some 17 times as long as the ReLU,
# and, from one measurement to the next, a third to a half as long as the affine layer. In the
# training of a whole network that can drown: in the library's
# [study of activations](../../docs/studies.md) on MNIST an epoch took 1.9 seconds with ReLU and 1.8
# with ELU.

# %% [markdown]
# ## 7. Maxout
#
# Why choose the shape at all? A maxout unit (I. Goodfellow and others 2013) has K affine pieces
# and hands on the largest:
#
# $$z_{nkm} = \sum_d x_{nd} W_{dkm} + b_{km}, \qquad \text{out}_{nm} = \max_k z_{nkm}.$$
#
# With the pieces 0 and $x$ it is a ReLU; with $\alpha x$ and $x$, where $\alpha \le 1$, a leaky
# one, and a PReLU where $\alpha$ is learned. K pieces make any convex shape of up to K straight
# parts, and come as near as one likes to any convex curve on an interval, if K is large enough. It
# has K times the parameters. Its backward pass is that of the max gate, which **routes**: the
# winner gets all of the gradient, the others get nothing.

# %%
gate, inputs = circuits.max_gate()
gate.draw(*inputs)

# %% [markdown]
# A maxout unit of one input and three pieces, for instance, is three lines and the uppermost of
# them at each place. The slope is that of the winner. The picture shows both.

# %% jupyter={"source_hidden": true}
unit = Maxout(1, 1, 3, rng=0)
unit.params["W"][0, :, 0] = [-0.6, 0.1, 1.2]
unit.params["b"][:, 0] = [-0.6, 0.0, -1.0]
line = np.linspace(-4, 4, 401)[:, np.newaxis]
out, cache = unit.forward(line)
slope, _ = unit.backward(np.ones_like(out), cache)
fig, ax = plt.subplots(figsize=(5.5, 3.2))
ax.plot(line, line @ unit.params["W"][0].T + unit.params["b"].T, color="0.7", linewidth=1)
ax.plot(line, out, linewidth=2, label="out: the largest")
ax.plot(line, slope, linestyle="--", label="its slope")
ax.set(xlabel="x", ylim=(-1.5, 3), title="a maxout unit of three pieces, in grey")
ax.legend(loc="upper center")
plt.show()

# %% [markdown]
# So let $\text{dz}_k$ (N, M) be `dout` where piece $k$ has won, and 0 elsewhere. Each piece is then
# an affine layer with the weights $W_k$ = `W[:, k]` (D, M), and goes back like one:
#
# $$\text{dx} = \sum_k \text{dz}_k W_k^{\mathsf T}, \qquad \text{dW}_k = x^{\mathsf T} \text{dz}_k,
# \qquad \text{db}_k = \sum_n \text{dz}_{nk}.$$
#
# What if two pieces are equal? If both win, the gradient is counted twice. So let one of them win,
# the first, as `argmax` does.
#
# **Exercise 8** (4 points). Write the maxout layer. K may be any number from 1 on. The line
# `z = …` may stay: it gives all the pieces, of shape (N, K, M).


# %% nbgrader={"grade_id": "maxout", "solution": true}
def maxout_forward(x, W, b):
    """The largest of K affine pieces, for each of M units.

    x: floats (N, D); W: floats (D, K, M); b: floats (K, M).
    Returns out (N, M) and a cache for backward.
    """
    z = np.tensordot(x, W, axes=1) + b  # (N, K, M), all pieces at once
    ### BEGIN SOLUTION
    winner = z.argmax(axis=1)  # (N, M)
    return z.max(axis=1), (x, W, winner)
    ### END SOLUTION


def maxout_backward(dout, cache):
    """The gradients dx (N, D), dW (D, K, M), db (K, M), for the upstream gradient dout (N, M)."""
    ### BEGIN SOLUTION
    x, W, winner = cache
    dx, dW = np.zeros_like(x), np.zeros_like(W)
    db = np.zeros(W.shape[1:])
    for k in range(W.shape[1]):
        dz = dout * (winner == k)  # (N, M)
        dx += dz @ W[:, k].T
        dW[:, k] = x.T @ dz
        db[k] = dz.sum(axis=0)
    return dx, dW, db
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 4}
with exercise(8, "maxout", maxout_forward, maxout_backward, points=4) as check_8:
    rows = np.array([[1.0], [-2.0], [3.0]])  # three numbers, for a unit with the pieces 0 and x
    got, kept = check_8.returns(
        maxout_forward(rows, np.array([[[0.0], [1.0]]]), np.zeros((2, 1))), "out", "cache"
    )
    check_8(
        "of the pieces 0 and x it is a ReLU",
        got,
        [[1.0], [0.0], [3.0]],
        mistakes=[
            ([[1.0], [-2.0], [3.0]], "that is x: the sum of the pieces, or the last one"),
            ([[1.0], [0.0], [1.0]], "that is which piece wins; what it says is asked for"),
            ([[0.0], [-2.0], [0.0]], "that is the smallest piece"),
            ([[3.0], [3.0], [3.0]], "that is the largest of all examples"),
        ],
        hint="along which axis of z, (N, K, M), the pieces lie",
    )
    sent = np.array([[10.0], [20.0], [30.0]])
    back, back_W, back_b = check_8.returns(maxout_backward(sent, kept), "dx", "dW", "db")
    check_8(
        "dx is that of a ReLU",
        back,
        [[10.0], [0.0], [30.0]],
        mistakes=[
            ([[10.0], [20.0], [30.0]], "the gradient goes to the winning piece alone"),
            ([[0.0], [20.0], [0.0]], "the smaller piece got it"),
        ],
        hint="which piece has won for each example, and what its slope by x is",
    )
    check_8(
        "of 10, 20 and 30 the piece 0 gets 20, the piece x gets 40",
        back_b,
        [[20.0], [40.0]],
        mistakes=[
            ([[60.0], [60.0]], "each piece got all; the gradient goes to the winner alone"),
            ([[20 / 3], [40 / 3]], "that is the mean over the examples; what comes back adds up"),
            ([[1.0], [2.0]], "that is how often each wins: dout is missing"),
            ([[40.0], [20.0]], "the smaller piece got it"),
        ],
        hint="dz of each piece, summed over the examples",
    )
    check_8(
        "dW is x times what a piece gets",
        back_W,
        [[[-40.0], [100.0]]],
        mistakes=[
            ([[[60.0], [60.0]]], "each piece got all; the gradient goes to the winner alone"),
            ([[[20.0], [40.0]]], "that is db: x is missing"),
            ([[[-2.0], [4.0]]], "that is x where a piece wins: dout is missing"),
            ([[[100.0], [-40.0]]], "the smaller piece got it"),
        ],
        hint="each piece is an affine layer that gets dz for its dout",
    )
    got, kept = check_8.returns(
        maxout_forward(rows, np.array([[[0.5], [1.0]]]), np.zeros((2, 1))), "out", "cache"
    )
    check_8("of the pieces ½x and x it is a PReLU with α = ½", got, [[1.0], [-1.0], [3.0]])
    back, back_W, _ = check_8.returns(maxout_backward(sent, kept), "dx", "dW", "db")
    check_8(
        "… and so is its dx",
        back,
        [[10.0], [10.0], [30.0]],
        mistakes=[
            ([[10.0], [0.0], [30.0]], "what comes back from the piece ½x is missing"),
            ([[0.0], [10.0], [0.0]], "what comes back from the piece x is missing"),
            ([[15.0], [30.0], [45.0]], "each piece got all; the gradient goes to the winner alone"),
        ],
    )
    check_8("… and dα is in dW, of the piece αx", back_W[0, 0], [-40.0])
    rows, weights, biases = (
        rng.standard_normal((5, 4)),
        rng.standard_normal((4, 3, 2)),
        rng.standard_normal((3, 2)),
    )
    got, kept = check_8.returns(maxout_forward(rows, weights, biases), "out", "cache")
    back = check_8.returns(maxout_backward(np.ones((5, 2)), kept), "dx", "dW", "db")
    check_8.true(
        "dx, dW and db have the shapes of x, W and b",
        [one.shape for one in back] == [(5, 4), (4, 3, 2), (3, 2)],
        why="they are " + ", ".join(str(np.shape(one)) for one in back),
    )
    check_8.functions(
        "all agree with differences", maxout_forward, maxout_backward, rows, weights, biases
    )
    _, kept = check_8.returns(
        maxout_forward(np.ones((1, 1)), np.ones((1, 2, 1)), np.zeros((2, 1))), "out", "cache"
    )
    back, _, back_b = check_8.returns(maxout_backward(np.ones((1, 1)), kept), "dx", "dW", "db")
    check_8(
        "of two equal pieces the gradient does not come twice: dx is 1",
        back,
        [[1.0]],
        mistakes=[
            ([[2.0]], "both equal pieces got the whole gradient; argmax names one"),
            ([[0.0]], "it is 0: from two equal pieces something has to come back to x"),
        ],
    )
    check_8("… and db sums to 1", back_b.sum(), 1.0)
    three, biases = np.array([[[-1.0], [1.0], [0.0]]]), np.array([[0.0], [0.0], [2.0]])
    check_8(
        "three pieces, -x, x and 2: at 1, 3 and -5 they give 2, 3 and 5",
        check_8.returns(
            maxout_forward(np.array([[1.0], [3.0], [-5.0]]), three, biases), "out", "cache"
        )[0],
        [[2.0], [3.0], [5.0]],
        mistakes=[([[1.0], [3.0], [5.0]], "that is |x|, the larger of the first two pieces")],
    )
    ### BEGIN HIDDEN TESTS
    rows, weights, biases = (
        rng.standard_normal((3, 2)),
        rng.standard_normal((2, 2, 5)),
        rng.standard_normal((2, 5)),
    )
    got, _ = check_8.returns(maxout_forward(rows, weights, biases), "out", "cache")
    check_8(
        "out is the larger",
        got,
        np.maximum(*(rows @ weights[:, k] + biases[k] for k in (0, 1))),
    )
    check_8.functions(
        "two pieces, five units", maxout_forward, maxout_backward, rows, weights, biases
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_8.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# maxout_forward, maxout_backward = borrow(
#     lambda W, b: Maxout(W.shape[0], W.shape[2], pieces=W.shape[1])
# )

# %% [markdown]
# ## 8. Which one, then?
#
# First what can be said without an experiment. The mean is that of the outputs where the scores
# have a standard normal distribution: 0 is centred.
#
# | | outputs | mean | a slope at every $x$? | a second derivative at every $x$? | saturates |
# |:--|:--|--:|:--|:--|:--|
# | sigmoid | $(0, 1)$ | 0.50 | yes | yes | on both sides |
# | tanh | $(-1, 1)$ | 0 | yes | yes | on both sides |
# | softplus | $(0, \infty)$ | 0.81 | yes | yes | on the left |
# | ReLU | $[0, \infty)$ | 0.40 | not at 0 | not at 0 | on the left: slope 0 |
# | leaky ReLU, $\alpha = 0.1$ | all numbers | 0.36 | not at 0 | not at 0 | nowhere |
# | PReLU, $\alpha = 0.25$ | all numbers | 0.30 | not at 0 | not at 0 | nowhere |
# | ELU, $\alpha = 1$ | $(-1, \infty)$ | 0.16 | yes | not at 0 | on the left |
# | maxout | by its $W$ | by its $W$ | not where the winner changes | nor there | by its $W$ |
#
# All eight are **continuous**: none of them jumps. (An ELU with another $\alpha$ has no slope at
# 0.) That a slope is missing at single points matters little in training, since a score is seldom
# exactly there, and one takes the slope of either side. As to **cost**: ReLU, leaky ReLU and PReLU
# compare and multiply. Sigmoid, tanh and ELU need an exponential, softplus a logarithm besides.
# Maxout needs K matrix products in the place of one.
#
# Now the experiment, with the library's layers. Nine networks, one without any activation, on two
# problems, from two seeds each:
#
# - three **spirals** in the plane, 360 points, two hidden layers of 50 units;
# - the **digits**, with the six hidden layers of the first picture.
#
# On each problem all train with the same solver, learning rate and number of epochs. That is not
# quite fair, since each might have its own best rate, but it is how one meets them. Maxout's hidden
# layers have twice the weights.

# %%
contestants = {
    "none": None,
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "softplus": Softplus(),
    "ReLU": ReLU(),
    "leaky ReLU": LeakyReLU(0.1),
    "PReLU": PReLU(),
    "ELU": ELU(),
    "maxout": "maxout",
}
SPIRALS = {"sizes": [2, 50, 50, 3], "data": spirals(), "lr": 0.1, "epochs": 25, "batch_size": 45}
problems = {"spirals": SPIRALS, "digits, six hidden layers": DEEP}

runs = {
    (problem, name): [trained(activation, **settings, seed=seed) for seed in (0, 1)]
    for problem, settings in problems.items()
    for name, activation in contestants.items()
}
print(f"{'accuracies of two runs':26}" + "".join(f"{problem:>28}" for problem in problems))
for name in contestants:
    scores = [[run.val_score[-1] for run in runs[problem, name]] for problem in problems]
    print(f"{name:26}" + "".join(f"{f'{one:.1%}  {two:.1%}':>28}" for one, two in scores))

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
for ax, problem in zip(axes, problems, strict=True):
    for place, name in enumerate(contestants):
        losses = np.mean([run.loss for run in runs[problem, name]], axis=0)
        style = ["-", "--"][place % 2]
        epochs = runs[problem, name][0].epoch
        ax.semilogy(epochs, losses, style, color=plt.cm.tab10(place), label=name)
    ax.set(xlabel="epoch", ylabel="training loss, mean of two runs", title=problem)
axes[1].legend(loc="lower left", ncols=2)
plt.show()

# %% [markdown]
# What I read from it (read it yourself first):
#
# - **Without an activation** a third of the points on the spirals stay wrong: lines do not bend.
# - The **sigmoid** comes last of all bends, and with six layers does not leave $\ln 10$: there it
#   would be better to have no activation at all. (The digits can nearly be told apart by a linear
#   function.) Nor is the softplus quick here.
# - **tanh** works, and takes longer on the spirals than the ReLU and its relatives.
# - Among **ReLU, leaky ReLU, PReLU, ELU and maxout** the accuracies on the spirals are the same. In
#   the deep network the ELU and maxout are ahead at the same number of epochs.
#
# ### What was published
#
# X. Glorot, A. Bordes and Y. Bengio trained networks of three hidden layers of 1,000 units on MNIST
# (2011, table 1). The last row is from this library's [studies](../../docs/studies.md), in batches
# of 100, with the deviation over three seeds; in batches of 10, as in the paper, it has 1.77, 1.86
# and 2.36 (two seeds). The paper's numbers for three other sets of data stand there, too. Test
# errors in percent:
#
# | | ReLU | tanh | softplus |
# |:--|--:|--:|--:|
# | the paper, layers trained without labels beforehand | 1.20 | 1.16 | 1.17 |
# | the paper, without that | 1.43 | 1.57 | 1.77 |
# | this library, without that | 1.45 ± 0.05 | 1.80 ± 0.08 | 2.41 ± 0.11 |
#
# Is the **softplus** worse than the ReLU, then? I. Goodfellow, Y. Bengio and A. Courville (*Deep
# Learning*, 2016, p. 191) write that one might expect it to have an advantage, "but empirically it
# does not". In these networks it is behind by about a point, and by 0.6 points in batches of 10.
# But in another of the studies, with four layers of 256 units and 8 epochs of Adam, each at its
# best learning rate, softplus has 2.24 ± 0.06 % and ReLU 2.43 ± 0.22 %, which is no further apart
# than the seeds of the ReLU are.
#
# D.-A. Clevert and others report of eight hidden layers of 128 units on MNIST that the median
# output of their ELUs stays nearer to 0 than that of ReLUs and leaky ReLUs, and that the training
# error falls faster. What this library makes of it is among the studies as well.
#
# So the usual advice holds: start with ReLU. Watch the share of dead units, and with it the
# learning rate. Try leaky ReLU, PReLU, ELU or maxout for the last percent. Take tanh where outputs
# must be bounded and centred. Take the sigmoid where a number between 0 and 1 is *meant*: gates and
# outputs, not hidden layers. The next notebook is about outputs.

# %% [markdown]
# ## What to keep
#
# | | out | what to remember |
# |:--|:--|:--|
# | sigmoid | $1/(1 + e^{-x})$ | slope at most ¼; saturates; not centred; $e^{-\lvert x\rvert}$ |
# | tanh | $2\,\sigma(2x) - 1$ | slope at most 1; saturates; centred; *not* $2\,\sigma(x) - 1$ |
# | softplus | $\log(1 + e^x)$ | the smooth ReLU; its slope is the sigmoid; `log1p` |
# | ReLU | $\max(x, 0)$ | slope 1 or 0; cheap; units can die |
# | leaky ReLU | $x$ or $\alpha x$ | units cannot die |
# | PReLU | $x$ or $\alpha_c x$ | $\alpha$ is learned; its gradient sums over the batch |
# | ELU | $x$ or $\alpha(e^x - 1)$ | nearer to centred; saturates at $-\alpha$; mind the overflow |
# | maxout | $\max_k z_k$ | learns its shape; the winner gets the gradient; K times the weights |
#
# - An activation's backward pass is `dout` times the slope, entry by entry (maxout's apart).
# - What was broadcast in the forward pass is summed in the backward pass.
# - `np.where` computes both branches.
# - Slopes multiply from layer to layer: where they are below 1 the product vanishes, and a 0 stops
#   everything.

# %% [markdown]
# ## Go further
#
# Two exercises without points, a step beyond. Their checks are as strict.
#
# **Further 1: a bend that keeps mean and variance.** Let the scores of a layer have a standard
# normal distribution: mean 0, variance 1. The outputs of an ELU with $\alpha = 1$ have mean 0.16
# and variance 0.62. With another $\alpha$, and times a constant $\lambda$, they have mean 0 and
# variance 1 again (G. Klambauer and others 2017 call this the SELU). Find both numbers, and return
# `alpha, lam` in this order, each right to four digits after the point.
#
# - A mean over the normal distribution is a sum: for a fine grid of $z$ from $-10$ to $10$, the
#   function at $z$ times $e^{-z^2/2} / \sqrt{2\pi}$ times the spacing of the grid.
# - The mean of the ELU is the mean of its right branch, plus $\alpha$ times that of
#   $e^z - 1$ on the left. So the equation for $\alpha$ is linear.
# - What does $\lambda$ do to the variance?


# %% nbgrader={"grade_id": "further-1", "solution": true}
def self_normal():
    """alpha and lam, in this order, for which lam · ELU_alpha(z) has mean 0 and variance 1, where z
    has a standard normal distribution; both to four digits after the point."""
    ### BEGIN SOLUTION
    z = np.linspace(-10, 10, 200_001)
    weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    left = np.expm1(np.minimum(z, 0))
    alpha = -(weight * np.maximum(z, 0)).sum() / (weight * left).sum()
    out = np.where(z > 0, z, alpha * left)
    return alpha, 1 / np.sqrt((weight * out**2).sum())
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "a bend that keeps mean and variance", self_normal) as go_1:
    alpha, lam = go_1.returns(self_normal(), "alpha", "lam")
    go_1(
        "alpha is 1.6733",
        alpha,
        1.673263,
        rtol=1e-4,
        mistakes=[
            (0.597635, "that is 1 / alpha"),
            (-1.673263, "the mean on the left is negative: alpha times it cancels the right"),
        ],
        hint="the equation: mean of the right branch + alpha · mean of eᶻ - 1 on the left = 0",
    )
    go_1(
        "lam is 1.0507",
        lam,
        1.050701,
        rtol=1e-4,
        mistakes=[
            (1.103973, "that is 1 / variance: lam multiplies each output, and so squares in it"),
            (0.951746, "that is the deviation of the outputs, by which to divide"),
            (0.905820, "that is the variance of the outputs before lam"),
        ],
        hint="how the variance of lam · out follows from that of out",
    )

# %% [markdown]
# What it is good for: fifty layers of 200 units, with weights of variance 1/200, so that the
# variance of each score is the mean square of the layer's inputs. Rows of mean 1 and deviation 3 go
# in. What comes out?


# %%
def through_fifty(bend):
    """500 rows of mean 1 and deviation 3, after fifty random layers with this bend."""
    numbers = np.random.default_rng(0)
    h = 1 + 3 * numbers.standard_normal((500, 200))
    for _ in range(50):
        h = bend(h @ numbers.standard_normal((200, 200)) / np.sqrt(200))
    return h


if go_1.opens("fifty layers of it"):
    alpha, lam = self_normal()
    bends = {
        "ReLU": lambda z: np.maximum(z, 0),
        "ELU": lambda z: ELU().forward(z)[0],
        "SELU": lambda z: lam * ELU(alpha).forward(z)[0],
    }
    for name, bend in bends.items():
        h = through_fifty(bend)
        print(f"{name:5} mean {h.mean():9.2g}   deviation {h.std():.2g}")

# %% [markdown]
# **Further 2: a curve of straight pieces.** A maxout unit of one input can come near the softplus.
# Take for its pieces the **tangents** of the softplus at K points $p_k$: each has the slope of the
# softplus there, and its value there. The largest of the tangents touches the curve at each point,
# and lies below it elsewhere, as the softplus is convex. Write the weights and biases that make it.


# %% nbgrader={"grade_id": "further-2", "solution": true}
def tangents(points):
    """The W (1, K, 1) and b (K, 1) of a maxout unit whose pieces are the tangents of the softplus
    at these points.   points: floats (K,)."""
    ### BEGIN SOLUTION
    slope = 1 / (1 + np.exp(-points))
    b = np.log1p(np.exp(points)) - slope * points
    return slope[np.newaxis, :, np.newaxis], b[:, np.newaxis]
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "a curve of straight pieces", tangents) as go_2:
    weights, biases = go_2.returns(tangents(np.array([0.0, np.log(3.0)])), "W", "b")
    go_2(
        "the slopes at 0 and ln 3 are ½ and ¾",
        weights,
        [[[0.5], [0.75]]],
        mistakes=[([[[0.25], [0.1875]]], "that is the slope of the sigmoid, not of the softplus")],
        hint="whose slope the sigmoid is",
    )
    go_2(
        "the tangents meet x = 0 at ln 2 = 0.6931 and at 0.5623",
        biases,
        [[0.693147], [0.562335]],
        rtol=1e-5,
        mistakes=[
            (
                [[0.693147], [1.386294]],
                "that is the softplus at the points; a tangent's b is at x = 0",
            ),
            ([[0.693147], [2.210253]], "slope · p was added; it is to be taken away"),
        ],
        hint="p · slope + b has to be the softplus at p",
    )
    points = np.linspace(-6, 6, 9)
    weights, biases = go_2.returns(tangents(points), "W", "b")
    largest = (points[:, np.newaxis] * np.ravel(weights) + np.ravel(biases)).max(axis=1)
    go_2("nine tangents touch at nine points", largest, np.logaddexp(0, points))

# %% [markdown]
# How near does it come? Once there are many pieces, twice as many make the largest distance about a
# quarter.

# %% jupyter={"source_hidden": true}
if go_2.opens("this picture"):
    line = np.linspace(-6, 6, 1201)[:, np.newaxis]
    fig, ax = plt.subplots(figsize=(6.5, 3.6))
    ax.plot(line, np.logaddexp(0, line), color="0.75", linewidth=5, label="softplus")
    for count in (3, 5, 9, 17, 33):
        unit = Maxout(1, 1, count)
        unit.params["W"][...], unit.params["b"][...] = tangents(np.linspace(-6, 6, count))
        out = unit.forward(line)[0]
        print(f"{count:2} pieces: at most {np.max(np.logaddexp(0, line) - out):.4f} too low")
        if count in (3, 5):
            ax.plot(line, out, label=f"maxout of {count} tangents")
    ax.set(xlabel="x", title="the softplus, and tangents of it")
    ax.legend()
    plt.show()
