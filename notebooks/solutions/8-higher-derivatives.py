# %% [markdown]
# # 8. Higher derivatives and checks
#
# Here is a backward pass that returns zeros, whatever it is given. And here is the gradient check
# as one writes it first: one point, `dout` all ones, central differences. Watch.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from chainrule.data import load_digits
from chainrule.gradcheck import check, check_functions, hvp, jacobian, jvp, numerical_gradient, vjp
from chainrule.layers import Affine, ReLU, Sigmoid, Softmax, SoftmaxCrossEntropy
from chainrule.nets import Graph, Sequential
from chainrule.notebooks import exercise, further, model_answer
from chainrule.pictures import loss_surface
from chainrule.solvers import SGD

rng = np.random.default_rng(8)


def softmax_forward(x):
    """The softmax of each row.   x: (N, C).   Returns out (N, C), and out as the cache."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    out = e / e.sum(axis=-1, keepdims=True)
    return out, out


def lazy_backward(dout, cache):
    return np.zeros_like(dout)


def naive_check(forward, backward, x):
    """The check as one writes it first: at one point, dout = ones.   Returns True or False."""
    out, cache = forward(x)
    dx = backward(np.ones_like(out), cache)
    z = x.copy()
    expected = numerical_gradient(lambda: forward(z)[0].sum(), z)
    return bool(np.allclose(dx, expected, rtol=1e-5, atol=1e-8))


x = rng.standard_normal((4, 3))
print(
    "softmax with a backward pass that returns zeros:",
    naive_check(softmax_forward, lazy_backward, x),
)

# %% [markdown]
# `True`. The check is content, and the layers in front of this one would never learn anything: all
# that reaches them is zeros.
#
# At the end of this notebook you will build such impostors yourself, and know what finds them. On
# the way there you learn what else one can do with a backward pass: whole Jacobians, curvature,
# and the largest learning rate that does not blow up. You need the homeworks before this one:
# Jacobians (3), kinks and the complex step (1). Two hours, say.

# %% [markdown]
# ## 1. A Jacobian, row by row
#
# A layer that maps $D$ numbers to $M$ has a Jacobian $J$ of shape $(M, D)$, with
# $J_{ij} = \partial\,\text{out}_i / \partial x_j$. A backward pass gives the product
#
# $$\text{dx} = \text{dout} \cdot J, \qquad \text{dx}_j = \sum_i \text{dout}_i\, J_{ij},$$
#
# a *vector–Jacobian product*, without ever forming $J$. That is all that training needs. But if we
# do want $J$, to look at it or to test something, which `dout` makes the product equal to row $i$
# of $J$? It is **one-hot**: 1 in place $i$, and 0 elsewhere.
#
# With arrays of more axes, $i$ and $j$ are places in them, such as $i = (1, 0)$. A row is then the
# gradient of one number $\text{out}_i$, and like every gradient **it has the shape of `x`**; a
# column has the shape of `out`.
#
# **Exercise 1** (3 points). Write `jacobian_rows`. Arrays of any shape are laid out in a row, as
# `ravel` does it: `out.size` is $M$, and `x.size` is $D$. One forward pass is enough.


# %% nbgrader={"grade_id": "rows", "solution": true}
def jacobian_rows(forward, backward, x):
    """The Jacobian, an array (out.size, x.size), from one backward pass for each row.

    forward(x) returns out, cache;   backward(dout, cache) returns dx, of the shape of x.
    """
    out, cache = forward(x)
    J = np.zeros((out.size, x.size))
    ### BEGIN SOLUTION
    for i in range(out.size):
        dout = np.zeros(out.size)
        dout[i] = 1.0
        J[i] = backward(dout.reshape(out.shape), cache).ravel()
    ### END SOLUTION
    return J


# %% nbgrader={"grade_id": "check-1", "points": 3}
def polar_forward(p):
    """(r, t) ↦ (r cos t, r sin t)"""
    r, t = p
    return np.array([r * np.cos(t), r * np.sin(t)]), (r, t)


def polar_backward(dout, cache):
    (dx, dy), (r, t) = dout, cache
    return np.array([dx * np.cos(t) + dy * np.sin(t), -dx * r * np.sin(t) + dy * r * np.cos(t)])


def layer_backward(layer):
    """The backward pass of a layer of the library as a function that returns dx alone."""
    return lambda dout, cache: layer.backward(dout, cache)[0]


with exercise(1, "a Jacobian, row by row", jacobian_rows, points=3) as check_1:
    J = jacobian_rows(polar_forward, polar_backward, np.array([2.0, np.pi / 6]))
    right = np.array([[np.sqrt(3) / 2, -1.0], [0.5, np.sqrt(3)]])
    check_1(
        "(r cos t, r sin t) at r = 2, t = 30°: the rows are (√3/2, −1) and (1/2, √3)",
        J,
        right,
        mistakes=[
            (right.T, "this is the transpose: a one-hot dout gives a row, not a column"),
            (np.array([right.sum(axis=0)] * 2), "each row is the sum of both: is dout one-hot?"),
            (np.array([right[0]] * 2), "each row is the first: does the 1 move on with i?"),
            (np.array([right[1]] * 2), "each row is the last: is each put in its own place?"),
            (
                np.array([right[0], right.sum(axis=0)]),
                "the second row holds the first as well: is the old 1 still in dout?",
            ),
            (np.array([[0, 0], right[1]]), "only the last row is there"),
            (
                right * [[np.sqrt(3)], [1]],
                "each row is multiplied by its own out: what stands in place i of dout?",
            ),
        ],
        hint="what dout is for row i, and where the row goes",
    )
    softmax = Softmax()
    thirds = np.log([1.0, 2.0, 3.0])  # softmax of these: 1/6, 2/6, 3/6
    check_1(
        "the softmax p = (1, 2, 3)/6: p_i (1 − p_i) on the diagonal, −p_i p_j elsewhere",
        jacobian_rows(softmax.forward, layer_backward(softmax), thirds),
        np.array([[5, -2, -3], [-2, 8, -6], [-3, -6, 9]]) / 36,
        hint="three rows, each from a dout of its own",
    )
    affine = Affine(3, 2, rng=0)
    wide = rng.standard_normal((4, 3))
    J = jacobian_rows(affine.forward, layer_backward(affine), wide)
    check_1.true(
        "arrays with two axes are laid out in a row: (4, 3) → (4, 2) has a Jacobian (8, 12)",
        J.shape == (8, 12),
        why=f"its shape is {J.shape}",
    )
    check_1(
        "… that holds Wᵀ for the first example",
        J[:2, :3],
        affine.params["W"].T,
        mistakes=[
            (
                [affine.params["W"].sum(axis=1), np.zeros(3)],
                "the row of out[0, 0] holds that of out[0, 1] as well: has dout a single 1?",
            )
        ],
        hint="dout has the shape of out, here (4, 2), and a single 1",
    )
    check_1(
        "… and zeros to the right of it, where examples differ",
        J[:2, 3:],
        np.zeros((2, 9)),
        hint="one example's output does not depend on another's input",
    )
    one = np.zeros((4, 3))
    one[1] = affine.params["W"][:, 0]
    check_1(
        "the row of out[1, 0], laid out as x: column 0 of W in example 1, and zeros",
        J.reshape(4, 2, 4, 3)[1, 0],
        one,
        hint="in which order ravel lays out the places (i, j) of out",
    )
    ### BEGIN HIDDEN TESTS
    sigmoid = Sigmoid()
    at = np.array([0.0, 1.0])
    J = jacobian_rows(sigmoid.forward, layer_backward(sigmoid), at)
    check_1("the sigmoid's is diagonal", J, np.diag([0.25, 0.19661193324]))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Forward mode: slopes that travel along
#
# Backpropagation computes values on the way forth and gradients on the way back. There is another
# way: let every number carry its slope along, **in one pass forward**. Fix the input that we ask
# about, $x$ say. Every value $a$ in the circuit gets a companion $a' = \partial a / \partial x$.
#
# A pair $(a, a')$ is written $a + a'\varepsilon$ and called a **dual number**. We compute with it
# as with any sum, and whenever $\varepsilon^2$ appears, it is 0: $\varepsilon$ is so small that its
# square does not count. So
#
# $$(a + a'\varepsilon) + (b + b'\varepsilon) = (a + b) + (a' + b')\,\varepsilon,$$
# $$(a + a'\varepsilon) \cdot (b + b'\varepsilon) = a\,b + (\;?\;)\,\varepsilon + a'b'\,
# \underbrace{\varepsilon^2}_{0}$$
#
# Multiply out, and find a rule in the brackets that you know well. For a function,
# $g(a + a'\varepsilon) = g(a) + g'(a)\,a'\,\varepsilon$: the chain rule.
#
# **Exercise 2** (4 points).
#
# - `__mul__`, which Python calls for `a * b`.
# - `dual_sigmoid`, with $\sigma' = \sigma (1 - \sigma)$.
# - `forward_mode`: the slope of `f` along *each* of its inputs. One pass tells about one input, the
#   one that starts with the slope 1 while all others start with 0. So it takes a pass for each.
#   (`f(*duals)` hands the entries of a list to `f`, one by one.)


# %% nbgrader={"grade_id": "dual", "solution": true}
class Dual:
    """value + slope · ε, where ε² = 0.   value and slope are numbers."""

    def __init__(self, value, slope=0.0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        """other: a Dual.   Returns a Dual."""
        ### BEGIN SOLUTION
        slope = self.slope * other.value + self.value * other.slope
        return Dual(self.value * other.value, slope)
        ### END SOLUTION


def dual_sigmoid(x):
    """σ(x).   x: a Dual.   Returns a Dual."""
    ### BEGIN SOLUTION
    out = 1 / (1 + np.exp(-x.value))
    return Dual(out, out * (1 - out) * x.slope)
    ### END SOLUTION


def forward_mode(f, inputs):
    """The slopes of f along each of its inputs.

    f takes as many Duals as there are inputs and returns a Dual;   inputs: a list of numbers.
    Returns a list of as many numbers.
    """
    slopes = []
    ### BEGIN SOLUTION
    for asked in range(len(inputs)):
        duals = [Dual(x, 1.0 if place == asked else 0.0) for place, x in enumerate(inputs)]
        slopes.append(f(*duals).slope)
    ### END SOLUTION
    return slopes


# %% nbgrader={"grade_id": "check-2", "points": 4}
with exercise(2, "dual numbers", Dual.__mul__, dual_sigmoid, forward_mode, points=4) as check_2:
    product = Dual(3.0, 5.0) * Dual(-4.0, 7.0)
    check_2.true(
        "the product of two Duals is a Dual",
        product and isinstance(product, Dual),
        why=f"it is a {type(product).__name__}",
    )
    check_2(
        "(3 + 5ε)(−4 + 7ε) has the value −12",
        product.value,
        -12.0,
        hint="what stands without ε",
        mistakes=[(1.0, "this is the slope: which of the two comes first in Dual(…, …)?")],
    )
    check_2(
        "… and the slope 1",
        product.slope,
        1.0,
        mistakes=[
            (35.0, "this is the product of the slopes, which belongs to ε², and that is 0"),
            (-13.0, "each slope is multiplied by its own value; it meets the other's"),
            (12.0, "this is the sum of the slopes, as in an addition"),
            (-20.0, "only the first number's slope is there"),
            (21.0, "only the second number's slope is there"),
            (36.0, "the product of the slopes is in it, which belongs to ε², and that is 0"),
            (-41.0, "a minus between the two terms, where multiplying out gives a plus"),
            (41.0, "a minus between the two terms, where multiplying out gives a plus"),
        ],
        hint="multiply out: which products have a single ε?",
    )
    out = dual_sigmoid(Dual(1.0, 2.0))
    check_2("σ(1 + 2ε) has the value 0.7311", out.value, 0.73105857863, hint="σ of the value alone")
    check_2(
        "… and the slope 0.3932",
        out.slope,
        0.39322386648,
        mistakes=[
            (0.19661193324, "this is σ′ alone: the slope that came in counts, too"),
            (1.46211715726, "this is σ times the slope that came in, not σ′ times it"),
            (0.0, "0: is a slope handed to Dual, and is σ′ made of σ, not of x itself?"),
            (0.73105857863, "this is σ itself"),
            (0.10499358540, "this is σ′ at 2, the slope that came in: take it at the value"),
        ],
        hint="the chain rule: g′ at the value, times the slope that comes in",
    )
    check_2(
        "(x + y) z at −2, 5, −4: the slopes −4, −4, 3 that backpropagation finds",
        forward_mode(lambda x, y, z: (x + y) * z, [-2.0, 5.0, -4.0]),
        [-4.0, -4.0, 3.0],
        mistakes=[
            ([-5.0] * 3, "each is the sum of all three: did all inputs have the slope 1 at once?"),
            ([-4.0] * 3, "all three are the slope along the first: does the 1 move on?"),
            ([-4.0, -8.0, -5.0], "each holds those before it: is the old 1 still there?"),
            ([-12.0] * 3, "these are the values of f, not its slopes"),
            ([0.0] * 3, "all 0: does a product hand slopes on, and does an input start with 1?"),
        ],
        hint="a pass for each input, in which it alone has the slope 1",
    )
    check_2(
        "the neuron of homework 2: −0.20, 0.39, −0.39, −0.59, 0.20",
        forward_mode(
            lambda w0, x0, w1, x1, w2: dual_sigmoid(w0 * x0 + w1 * x1 + w2),
            [2.0, -1.0, -3.0, -2.0, -3.0],
        ),
        0.19661193324 * np.array([-1, 2, -2, -3, 1]),
        hint="products, sums and the sigmoid, each with its slope",
    )
    ### BEGIN HIDDEN TESTS
    check_2("x² y at 3, 2", forward_mode(lambda x, y: x * x * y, [3.0, 2.0]), [12.0, 9.0])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Two gates on arrays, and what each mode costs
#
# With arrays, a pass forward carries a whole direction $v$ along and ends with $J v$, a
# *Jacobian–vector product* (jvp): how the output moves when the input moves along $v$. For the two
# gates $a = x W$ and $\text{out} = \sigma(a)$:
#
# $$\underbrace{x}_{(D,)} \to \underbrace{a = x W}_{(M,)} \to \underbrace{\text{out} =
# \sigma(a)}_{(M,)} \qquad\qquad v \to a' = v\,W \to \text{out}' = \;?$$
#
# The first gate is linear, so a direction goes through it just as the input does. What does the
# second one do to $a'$?
#
# One pass with a one-hot $v$ gives a **column** of the Jacobian. One backward pass gives a **row**.
#
# **Exercise 3** (4 points). Write the pass forward, build the Jacobian from it column by column,
# and say how many passes each mode takes.


# %% nbgrader={"grade_id": "jvp", "solution": true}
def chain_jvp(x, W, v):
    """out = σ(x W), and how it moves along v.

    x: (D,), W: (D, M), v: (D,), of the shape of x.   Returns out (M,) and J v (M,).
    """
    ### BEGIN SOLUTION
    a, da = x @ W, v @ W
    out = 1 / (1 + np.exp(-a))
    return out, out * (1 - out) * da
    ### END SOLUTION


def jacobian_columns(x, W):
    """The Jacobian (M, D) of out = σ(x W), from one call of chain_jvp for each column."""
    J = np.zeros((W.shape[1], len(x)))
    ### BEGIN SOLUTION
    for j in range(len(x)):
        v = np.zeros(len(x))
        v[j] = 1.0
        J[:, j] = chain_jvp(x, W, v)[1]
    ### END SOLUTION
    return J


def passes(D, M):
    """How many passes it takes to find the whole Jacobian of a layer with D inputs and M outputs.

    Returns two numbers: the passes in forward mode, and in reverse mode (backward passes).
    """
    ### BEGIN SOLUTION
    return D, M
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 4}
def library_chain(W):
    """σ(x W) by the library."""
    affine = Affine(*W.shape, rng=0)
    affine.params["W"][...] = W
    return Sequential(affine, Sigmoid())


with exercise(
    3, "forward mode on arrays", chain_jvp, jacobian_columns, passes, points=4
) as check_3:
    W = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    out, moved = check_3.returns(chain_jvp(np.zeros(3), W, np.array([1.0, 2.0, 3.0])), "out", "J v")
    check_3("σ(0) is a half", out, [0.5, 0.5], hint="out is σ(x W), whatever v is")
    check_3(
        "at x = 0, along v = (1, 2, 3), it moves by (1, 1.75)",
        moved,
        [1.0, 1.75],
        mistakes=[
            ([4.0, 7.0], "this is v W; the sigmoid, too, has a slope"),
            ([0.25, 0.25], "this is the sigmoid's slope alone: where is v?"),
            ([2.0, 3.5], "v W is multiplied by σ itself, not by the slope of σ"),
            ([0.98201379, 0.99908895], "this is σ(v W): a direction goes through σ by its slope"),
            ([0.01766271, 0.00091022], "this is the slope of σ at v W: take it at x W"),
        ],
        hint="what the first gate makes of v, and what the second makes of that",
    )
    x, W, v, u = (rng.standard_normal(shape) for shape in (5, (5, 3), 5, 3))
    z = x + 1e-20j * v
    out, moved = check_3.returns(chain_jvp(x, W, v), "out", "J v")
    check_3(
        "elsewhere, against a complex step along v",
        moved,
        (1 / (1 + np.exp(-z @ W))).imag / 1e-20,
        hint="at which point the slope of σ is taken",
    )
    back = vjp(library_chain(W), x[np.newaxis], dout=u[np.newaxis])[0]
    check_3(
        "both modes tell of one J: u · (J v), forward, is (u · J) · v, backward",
        u @ moved,
        back @ v,
        hint="if J v is right at the first point, is it at every point?",
    )
    check_3(
        "the Jacobian, column by column",
        jacobian_columns(x, W),
        jacobian(library_chain(W), x[np.newaxis]).reshape(3, 5),
        mistakes=[(np.column_stack([out] * 5), "each column is out: take J v from chain_jvp")],
        hint="with which v J v is column j, and where the column goes",
    )
    forth, back = check_3.returns(passes(10**6, 1), "forward", "reverse")
    check_3(
        "a loss of a million weights: a million passes forward, or one backward",
        (forth, back),
        [1e6, 1],
        mistakes=[
            ([1, 1e6], "swapped: one pass forward tells about one input"),
            ([1e6, 1e6], "one backward pass tells about one output: how many are there?"),
        ],
        hint="a pass gives a column, or a row: how many of each has J?",
    )
    check_3(
        "a layer with 3 inputs and 2 outputs",
        check_3.returns(passes(3, 2), "forward", "reverse"),
        [3, 2],
        mistakes=[
            ([3, 1], "one backward pass tells about one output: how many are there?"),
            ([2, 3], "swapped: one pass forward tells about one input"),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check_3("a curve in space", passes(1, 3), [1, 3])
    check_3("one gate saturated", chain_jvp(np.ones(1), np.full((1, 1), 40.0), np.ones(1))[1], [0])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# Which mode is cheaper, and when? And how much does it matter? Measured for the gradient of
# $L = \sum_m \sigma(x W)_m$:

# %% jupyter={"source_hidden": true}
if check_3.opens("the comparison of both modes"):
    print("          one pass gives                       the whole Jacobian (M, D) takes")
    print("forward   J v, with a one-hot v a column       D passes, one for each input")
    print("reverse   dout · J, with a one-hot dout a row  M passes, one for each output")
    print(
        "A loss is one number, M = 1, and its inputs are all weights: so everybody goes backward."
    )
    sizes, M = [4, 16, 64, 256, 1024], 20
    seconds = {"forward mode, a pass for each input": [], "one backward pass": []}
    for D in sizes:
        x, W = rng.standard_normal(D), rng.standard_normal((D, M)) / np.sqrt(D)
        net = library_chain(W)
        best = [np.inf, np.inf]
        for _ in range(3):
            start = time.perf_counter()
            jacobian_columns(x, W).sum(axis=0)
            middle = time.perf_counter()
            out, cache = net.forward(x[np.newaxis])
            net.backward(np.ones((1, M)), cache)
            best = np.minimum(best, [middle - start, time.perf_counter() - middle])
        for name, spent in zip(seconds, best, strict=True):
            seconds[name].append(1000 * spent)
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for name, spent in seconds.items():
        ax.loglog(sizes, spent, ".-", label=name)
    ax.set(xlabel="inputs D", ylabel="milliseconds", title="the gradient of one number")
    ax.legend()
    plt.show()

# %% [markdown]
# A pass backward has its price in memory: it needs the caches of all layers. A pass forward can
# forget each value as soon as the next is there.
#
# The library has both products for its layers, with arrays of any shape: `vjp` by the backward
# pass, and `jvp` by a complex step along $v$, or a difference, since its layers do not compute with
# duals. For a small change $\Delta x$ of the input,
#
# $$\Delta\,\text{out} \approx J\,\Delta x.$$
#
# With arrays of two axes $J$ has four, and the product sums over the axes of $x$. Here is a softmax
# of the rows of a (2, 3):

# %%
softmax, x = Softmax(), rng.standard_normal((2, 3))
change = 1e-3 * rng.standard_normal((2, 3))
J = jacobian(softmax, x)
print("J has the shape", J.shape, "and J[0, 1], the row of out[0, 1], that of x:", J[0, 1].shape)
print("J Δx, by tensordot:", np.tensordot(J, change, axes=2)[0])
print("J Δx, by jvp:      ", jvp(softmax, x, v=change)[0])
print("out really moves by", (softmax.forward(x + change)[0] - softmax.forward(x)[0])[0])

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** Which mode would you take for the Jacobian of (a) a loss in 10 million weights,
# (b) the 3000 pixels of a picture that a program draws from 4 numbers, (c) a layer from 100 to 100
# numbers? How many passes each?
#
# ### BEGIN SOLUTION
# (a) Reverse: 1 pass instead of 10 million. (b) Forward: 4 passes instead of 3000. (c) 100 either
# way; forward mode then has the advantage that it needs no caches, and no second sweep.
# ### END SOLUTION

# %%
model_answer("8-higher-derivatives", 1)

# %% [markdown]
# ## 4. The second derivative
#
# The gradient tells which way is down. How fast it changes on the way is **curvature**, and that is
# in the second derivatives, the Hessian
#
# $$H_{ij} = \frac{\partial^2 L}{\partial x_i\, \partial x_j}.$$
#
# Mind the 2 above. Lecture slides that go round print $\partial f / \partial x_1^2$ and
# $\partial f / \partial x_1 \partial x_2$ for the entries. Read as it stands, the first is the
# slope along $x_1^2$, another number: for $f = x^4 = (x^2)^2$ it is $2x^2$, and
# $\partial^2 f / \partial x^2 = 12 x^2$.
#
# The Hessian is the Jacobian of the gradient. So column $j$ can be had from two gradients, a little
# to the right and a little to the left along $x_j$:
#
# $$H_{:,j} \approx \frac{\nabla L(x + h\,e_j) - \nabla L(x - h\,e_j)}{2h}$$
#
# Where the second derivatives are continuous, the order of the two does not matter, so that $H$ is
# **symmetric** (Schwarz). What the differences give is symmetric only up to their error. The mean
# of it and its transpose is, to the last bit.
#
# A network with a million weights has a Hessian of $10^{12}$ entries: 8 terabytes. Yet most of what
# one wants to know asks for a *product* $H v$ only, and that is one directional derivative of the
# gradient:
#
# $$H v = \frac{\partial}{\partial t}\, \nabla L(x + t v)\Big|_{t = 0} \approx
# \frac{\nabla L(x + h v) - \nabla L(x - h v)}{2h} \approx
# \frac{\operatorname{Im} \nabla L(x + i h v)}{h}$$
#
# Two gradients, whatever the number of weights; or one, with a complex step, if the gradient is
# *analytic*: no absolute value, sign or conjugate in it, and no real part of what is handed on.
# (Homework 1: a gradient that merely takes complex numbers may give a wrong answer without a word.)
# (Pearlmutter, "Fast exact multiplication by the Hessian", 1994, has it exactly, by sending duals
# through the backward pass.)
#
# Our test function is Rosenbrock's valley, $L = (1 - x)^2 + 100\,(y - x^2)^2$.
#
# **Exercise 4** (5 points). Write the Hessian and both products. `gradient` is a function of an
# array `(n,)` that returns an array `(n,)`. Leave `x` as it is: make a new array for the point to
# which you move. And `H` is to be symmetric to the last bit.


# %% nbgrader={"grade_id": "hessian", "solution": true}
def rosenbrock_gradient(p):
    """∇L at p (2,).   Returns an array (2,), complex where p is."""
    x, y = p
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def hessian_by_differences(gradient, x, h=1e-5):
    """The Hessian (n, n) at x (n,), exactly symmetric, from 2n gradients.   x stays as it is."""
    H = np.zeros((len(x), len(x)))
    ### BEGIN SOLUTION
    for j in range(len(x)):
        step = np.zeros(len(x))
        step[j] = h
        H[:, j] = (gradient(x + step) - gradient(x - step)) / (2 * h)
    H = (H + H.T) / 2
    ### END SOLUTION
    return H


def product_by_differences(gradient, x, v, h=1e-5):
    """H v (n,) at x (n,) for v (n,), from two gradients."""
    ### BEGIN SOLUTION
    return (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)
    ### END SOLUTION


def product_by_complex_step(gradient, x, v, h=1e-20):
    """H v (n,) at x (n,) for v (n,), from one gradient, which is analytic."""
    ### BEGIN SOLUTION
    return gradient(x + 1j * h * v).imag / h
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 5}
def counted(gradient):
    """The same function, which counts its calls."""

    def call(x):
        call.count += 1
        return gradient(x)

    call.count = 0
    return call


with exercise(
    4,
    "the Hessian, and products with it",
    hessian_by_differences,
    product_by_differences,
    product_by_complex_step,
    points=5,
) as check_4:
    lowest, v = np.ones(2), np.array([1.0, 2.0])
    known = np.array([[802.0, -400.0], [-400.0, 200.0]])
    H = hessian_by_differences(rosenbrock_gradient, lowest.copy())
    check_4(
        "Rosenbrock's valley at its lowest point, (1, 1): [[802, −400], [−400, 200]]",
        H,
        known,
        mistakes=[
            (known, "right to four digits, no more: is it one-sided, or does x stay moved?"),
            (
                2 * known,
                "twice too large: how far is it from x − h to x + h, and is H + Hᵀ halved?",
            ),
            (1.5 * known, "1.5 times what it should be: H + H.T / 2 halves the transpose alone"),
            (np.diag(np.diag(known)), "only the diagonal is there: column j is a whole array"),
            (
                known / 2,
                "half of it: how far is it from x − h to x + h, and how often is it halved?",
            ),
            (
                [[402, 101], [101, -200]],
                "both entries have moved at once: which one is column j's?",
            ),
            (np.triu(known), "the lower half is missing"),
            (np.tril(known), "the upper half is missing"),
            (known * [[1, 2], [2, 1]], "beside the diagonal all is twice too large"),
            (known * 2e-5, "these are differences of gradients, not yet divided"),
        ],
        hint="which entries of x move for column j, and how far",
    )
    check_4.true(
        "symmetric, to the last bit",
        np.array_equal(H, H.T),
        why="H and its transpose differ, be it in the last digits",
    )
    where = rng.standard_normal((5, 2))
    matrices = [hessian_by_differences(rosenbrock_gradient, point.copy()) for point in where]
    check_4.true(
        "… at five random points, too",
        all(np.array_equal(H, H.T) for H in matrices),
        why="H and its transpose differ, be it in the last digits",
    )
    gradient = counted(rosenbrock_gradient)
    check_4(
        "H v for v = (1, 2) at (1, 1): (802 − 800, −400 + 400) = (2, 0)",
        product_by_differences(gradient, lowest.copy(), v.copy()),
        [2.0, 0.0],
        atol=1e-6,
        mistakes=[
            ([4.0, 0.0], "twice too large: how far apart, in h, are the two points?"),
            ([1.0, 0.0], "half of it: how far apart, in h, are the two points?"),
            ([2.004, -0.002], "this is a difference to one side, with its error in h"),
            ([2 / np.sqrt(5), 0.0], "this is H v / |v|: v is not to be given length 1"),
            ([4e-5, 0.0], "this is a difference of gradients, not yet divided"),
            ([0.0, 0.0], "nearly 0: do both points differ, and is it 2h that divides?"),
        ],
        hint="two gradients along v, to both sides, and how far apart they are",
    )
    check_4.true(
        "… from two gradients", gradient.count == 2, why=f"it took {gradient.count} gradients"
    )
    gradient = counted(rosenbrock_gradient)
    check_4(
        "by a complex step, exact",
        product_by_complex_step(gradient, lowest.copy(), v.copy()),
        [2.0, 0.0],
        atol=1e-12,
        mistakes=[
            ([0.0, 0.0], "nearly 0: is it the imaginary part, and over h?"),
            ([2 / np.sqrt(5), 0.0], "this is H v / |v|: v is not to be given length 1"),
        ],
        hint="which part of the gradient at x + i h v holds H v",
    )
    check_4.true(
        "… from one gradient", gradient.count == 1, why=f"it took {gradient.count} gradients"
    )
    many, w = rng.standard_normal((2, 1000))
    check_4(
        "Σ x⁴/4 in 1000 dimensions, whose Hessian is diagonal, 3x²",
        product_by_differences(lambda x: x**3, many.copy(), w.copy()),
        3 * many**2 * w,
        atol=1e-7,
        mistakes=[
            (3 * many**2 * w / np.sqrt(w @ w), "this is H v / |v|: v is not to be given length 1")
        ],
        hint="all entries move at once, along v",
    )
    ### BEGIN HIDDEN TESTS
    check_4(
        "… by a complex step",
        product_by_complex_step(lambda x: x**3, many.copy(), w.copy()),
        3 * many**2 * w,
        rtol=1e-12,
    )
    saddle = np.array([[0.0, 3.0], [3.0, 0.0]])
    check_4("3 x y", hessian_by_differences(lambda x: saddle @ x, lowest.copy()), saddle)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %% [markdown]
# In the library, `gradcheck.hvp` is this product for a function or a layer, with respect to an
# input or a parameter. Here is the loss of a softmax classifier of digits, in 640 weights. $H$ has
# 409,600 entries; we ask for none of them.

# %%
digits = load_digits()
g = Graph()
images = g.input("x")
weights = g.param("W", np.zeros((64, 10)))
labels = g.input("y")
g.output(SoftmaxCrossEntropy()(images @ weights, labels).named("loss"))


def digits_product(V):
    """H V at W = 0.   V: (64, 10), and so is what it returns."""
    return hvp(g, digits.x_train, digits.y_train, v=V, wrt="W")


V = rng.standard_normal((64, 10))
print("V · H V =", np.sum(V * digits_product(V)), " curvature along V, times |V|²")
g.draw()

# %% [markdown]
# ## 5. Curvature, Newton's step, and the largest learning rate
#
# Close to a minimum $x^*$ a smooth loss is nearly a quadratic,
#
# $$L(x) \approx L(x^*) + \tfrac12\, e^T H\, e, \qquad e = x - x^*, \qquad \nabla L \approx H e.$$
#
# A step of gradient descent with the rate $\eta$ takes the error $e$ to $e - \eta H e$. Along an
# eigenvector of $H$ with the eigenvalue $\lambda$, the curvature in that direction, this is
#
# $$e \;\to\; (1 - \eta \lambda)\, e.$$
#
# So the error shrinks if $|1 - \eta\lambda| < 1$, that is, if $\eta$ lies between 0 and ?. This has
# to hold in *all* directions, so it is the largest curvature that sets the limit. Fill in the
# question mark: that is the second function below.
#
# **Newton's step** asks the Hessian: where is the minimum of the quadratic? It goes from $x$ to
# $x - H^{-1}\, \nabla L$, in all directions at once. `np.linalg.solve(H, b)` gives $H^{-1} b$.
#
# The largest eigenvalue can be found from products alone, by **power iteration**: multiply a vector
# by $H$, give it length 1 (the length over all its entries, whatever its shape), and again, and
# again. In each round the part along the direction of the
# largest curvature grows against all others (largest in size; here none is negative), if $v$ has
# some of it to begin with, as a random one has. In the end $v$ is that direction, and
# $\lambda = v \cdot H v$, a sum over all entries.
#
# **Exercise 5** (4 points). Write these three.


# %% nbgrader={"grade_id": "curvature", "solution": true}
def newton_step(gradient, H):
    """What to add to x.   gradient: (n,), the gradient at x;   H: (n, n).   Returns (n,)."""
    ### BEGIN SOLUTION
    return -np.linalg.solve(H, gradient)
    ### END SOLUTION


def largest_rate(H):
    """The rate beyond which gradient descent on a quadratic with the Hessian H blows up.

    H: (n, n), symmetric, with positive eigenvalues.   Returns a number.
    """
    eigenvalues = np.linalg.eigvalsh(H)  # (n,), the smallest first
    ### BEGIN SOLUTION
    return 2 / eigenvalues[-1]
    ### END SOLUTION


def largest_curvature(product, v, rounds=100):
    """The largest eigenvalue of H, from products with it, by power iteration.

    product(v) returns H v;   v: an array to start from, of any shape;   rounds: how often v is
    multiplied and given length 1, before v · H v is taken.   Returns a number.
    """
    ### BEGIN SOLUTION
    for _ in range(rounds):
        v = product(v)
        v = v / np.sqrt(np.sum(v**2))
    return np.sum(v * product(v))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 4}
with exercise(
    5, "curvature and steps", newton_step, largest_rate, largest_curvature, points=4
) as check_5:
    bowl, error = np.diag([2.0, 10.0]), np.array([3.0, 1.0])
    tilted = np.array([[4.0, 1.0], [1.0, 3.0]])
    check_5(
        "Newton: with curvatures 2 and 10 and the gradient (6, 10), the step is (−3, −1)",
        newton_step(bowl @ error, bowl),
        [-3.0, -1.0],
        mistakes=[
            ([3.0, 1.0], "the sign: it leads up, away from the minimum"),
            ([-12.0, -100.0], "the gradient was multiplied by H, where H⁻¹ is asked for"),
            ([-6.0, -10.0], "this is minus the gradient: H is not in it"),
            ([-3.0, -5.0], "this is minus the gradient over the smallest curvature alone"),
            ([-0.6, -1.0], "this is minus the gradient over the largest curvature alone"),
        ],
        hint="the point at which the slope of the quadratic, gradient + H · step, is 0",
    )
    check_5(
        "… also where H is not diagonal",
        newton_step(tilted @ error, tilted),
        -error,
        hint="the whole of H, not its diagonal alone",
        mistakes=[
            (-(tilted @ error) / np.diag(tilted), "only the diagonal of H is in it"),
            (error, "the sign: it leads up, away from the minimum"),
        ],
    )
    check_5(
        "curvatures 2 and 10: the limit is 0.2",
        largest_rate(bowl),
        0.2,
        mistakes=[
            (0.1, "1/λ takes the error along this direction to 0 at once; the limit is further"),
            (1.0, "this is from the smallest curvature; the largest one sets the limit"),
            (0.5, "this is 1/λ, from the smallest curvature; the largest one sets the limit"),
            (10.0, "this is the largest curvature itself"),
            (20.0, "this is twice the largest curvature: where is |1 − ηλ| equal to 1?"),
            (5.0, "this is half of the largest curvature: where is |1 − ηλ| equal to 1?"),
            ([1.0, 0.2], "these are the limits of both directions: which holds for all?"),
        ],
        hint="where |1 − ηλ| is equal to 1, for η > 0, and in which direction first",
    )
    check_5(
        "power iteration finds the 10",
        largest_curvature(lambda v: bowl @ v, np.array([1.0, 1.0])),
        10.0,
        mistakes=[
            (2.0, "2 is the smallest: is v multiplied by H?"),
            (1.0, "1 is the length of v: is H in the last line, too?"),
            (100.0, "100 is |H v|²: the curvature is v · H v"),
            (6.0, "6 is the curvature along the first v: does v move on in each round?"),
            (1e201, "v has grown to a length of 1e100: which length has it after a round?"),
            (5e200, "v has grown to a length of 7e99: which length has it after a round?"),
            (12.0, "12 is v · H v of the first v, not of length 1: does v move on in each round?"),
        ],
        hint="which vector is multiplied in each round, and its length",
    )
    check_5(
        "one round from (1, 1): v becomes (2, 10) of length 1, with the curvature 1008/104",
        largest_curvature(lambda v: bowl @ v, np.array([1.0, 1.0]), rounds=1),
        1008 / 104,
        mistakes=[
            (12.0, "12 is v · H v of the v before the round, not of length 1"),
            (6.0, "6 is the curvature along the v before the round"),
            (100008 / 10004, "that is after two rounds"),
        ],
        hint="the curvature is that along v after the last round",
    )
    spread = np.random.default_rng(0).standard_normal((6, 6))
    spread = spread @ spread.T
    check_5(
        "… and that of a matrix with six eigenvalues",
        largest_curvature(lambda v: spread @ v, rng.standard_normal(6), rounds=2000),
        np.linalg.eigvalsh(spread)[-1],
        hint="as many rounds as are asked for",
    )
    check_5(
        "v may have any shape: (2, 3), all of whose entries are curved alike, but one",
        largest_curvature(lambda v: v * [[1, 1, 1], [1, 7, 1]], rng.standard_normal((2, 3))),
        7.0,
        hint="the length of an array, and v · w, are sums over all entries, whatever its shape",
    )
    ### BEGIN HIDDEN TESTS
    check_5("another bowl", largest_rate(np.array([[2.0, 1.0], [1.0, 2.0]])), 2 / 3)
    check_5("a long way up", largest_curvature(lambda v: 1e6 * v, np.ones(3), rounds=200), 1e6)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# A tilted bowl with the curvatures 1 and 10. Three rates, and a cross where Newton's first step
# ends:

# %% jupyter={"source_hidden": true}
turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
H = turn @ np.diag([1.0, 10.0]) @ turn.T
start = np.array([4.0, 3.0])
if check_5.opens("this picture"):
    print(f"the limit is {largest_rate(H):.1f}")
    rules = {"rate 0.05": SGD(0.05), "rate 0.19": SGD(0.19), "rate 0.204": SGD(0.204)}
    picture = loss_surface(lambda w: (0.5 * w @ H @ w, H @ w), start, rules, steps=30)
    figure = picture.figure()
    figure.axes[0].plot(*(start + newton_step(H @ start, H)), "kx", ms=10, mew=2)
    display(figure)

# %% [markdown]
# The small rate creeps along the flat direction, the large one zigzags across the steep one, the
# one above the limit leaves. Newton is there at once. But for a network with a million weights it
# would have to solve a system with a million unknowns at each step. Rules such as Adam do something
# much cheaper, and less: they divide each weight's step by the size of its own recent gradients.
#
# And the digits? Power iteration with `hvp` gives the limit for the quadratic that their loss is
# like at $W = 0$, from nothing but gradients. Does it tell something about the loss itself?
# Gradient descent on all training images at once, from $W = 0$:

# %% jupyter={"source_hidden": true}
if check_5.opens("this picture"):
    curvature = largest_curvature(digits_product, rng.standard_normal((64, 10)), rounds=40)
    limit = 2 / curvature
    print(f"largest curvature {curvature:.3f}, so the limit is {limit:.3f}")
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for part in (0.1, 0.9, 1.1, 2.5):
        W, losses = g.params["W"], []
        W[...] = 0
        for _ in range(40):
            loss, cache = g.forward(digits.x_train, digits.y_train)
            losses.append(loss)
            W -= part * limit * g.backward(np.array(1.0), cache)[1]["W"]
        ax.plot(losses, label=f"{part} of the limit")
    there = largest_curvature(digits_product, rng.standard_normal((64, 10)), rounds=40)
    print(f"where the last one ends: largest curvature {there:.3f}, limit {2 / there:.3f},")
    print(f"rate {part * limit:.3f}")
    W[...] = 0
    ax.set(xlabel="step", ylabel="loss", title="softmax classifier of digits", ylim=(0, None))
    ax.legend()
    plt.show()

# %% [markdown]
# With 0.1 and 0.9 of the limit the loss falls at every step, with 2.5 of it, it goes up and down.
# But this loss is no quadratic, and its curvature changes on the way. With 1.1 of the limit the
# loss still falls at every step. And where the run with 2.5 settles, the curvature is so much
# smaller than at $W = 0$ that its rate lies below the limit *there*. The limit is a guide, not a
# wall.

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** The Hessian that differences give is symmetric only up to their error. Of what use
# is that for somebody who does not know $H$? And what would it mean if $H$ and $H^T$ differed in
# the first digit?
#
# ### BEGIN SOLUTION
# $H - H^T$ is 0 for the true Hessian of a smooth function, so what differences show there is that
# part of their own error which is not symmetric: a hint at its size that costs nothing, though not
# a bound. (Where $L$ is a sum of functions of one entry each, it is 0 whatever the error is.) A
# difference in the first digit, with a sensible step, means that what was differentiated is not the
# gradient of a smooth function, whose Jacobian would be symmetric: the backward pass is wrong, or
# there is a kink nearby. The reverse is not true: a backward pass that is wrong by a factor of 2
# gives a symmetric matrix, too.
# ### END SOLUTION

# %%
model_answer("8-higher-derivatives", 2)

# %% [markdown]
# ## 6. A check with an error bar, for two numbers
#
# Now to the checks. A central difference for every entry of $x$ takes $2n$ forward passes. For a
# layer with a million weights that is out of the question. But all entries can be put to the test
# *at once*, along one random direction $v$:
#
# $$\varphi(t) = \sum \text{dout} \cdot \text{out}(x + t\,v), \qquad
# \varphi'(0) \overset{?}{=} \sum \text{dx} \cdot v.$$
#
# If `dx` is right, both are equal. If it is wrong, in whatever entry, they differ for a random $v$,
# but for a coincidence that has probability 0. (How small a mistake shows depends on the digits
# that the difference has.) Two forward passes, for any number of weights.
#
# But what is "equal"? A fixed tolerance such as $10^{-7}$ is a guess: too strict for a function
# that loses digits, too lax for one that does not. Let the difference itself say how far it can be
# trusted. Take two of them, with the steps $h$ and $h/2$:
#
# $$D_h = \frac{\varphi(h) - \varphi(-h)}{2h}, \qquad D_{h/2} = \frac{\varphi(h/2) -
# \varphi(-h/2)}{h}.$$
#
# For small $h$ the error of a central difference is proportional to $h^2$, so that of $D_{h/2}$ is
# a quarter of that of $D_h$, and $|D_{h/2} - D_h|$ is three times the error that is left in
# $D_{h/2}$. That is a safe bar for *truncation*. For *rounding* we add what the last digit of
# $\varphi$ makes over $h$, with a margin:
#
# $$\text{bar} = |D_{h/2} - D_h| + 4\,\frac{\epsilon \max(|\varphi(h)|, |\varphi(-h)|)}{h},
# \qquad \epsilon = 2.2 \cdot 10^{-16}.$$
#
# **Exercise 6** (4 points). Write the slope with its bar, and the check along $v$ that uses it.

# %% nbgrader={"grade_id": "bar", "solution": true}
EPS = np.finfo(float).eps


def slope_with_bar(phi, h):
    """D with step h/2 as the slope of phi at 0, and its bar: two numbers.

    phi: a function of a number that returns a number;   h: the step.
    """
    ### BEGIN SOLUTION
    right, left = phi(h), phi(-h)
    coarse = (right - left) / (2 * h)
    fine = (phi(h / 2) - phi(-h / 2)) / h
    rounding = 4 * EPS * max(abs(right), abs(left)) / h
    return fine, abs(fine - coarse) + rounding
    ### END SOLUTION


def projected_check(forward, backward, x, dout, v, h=1e-3):
    """A check of dx along v.

    forward(x) returns out, cache;   backward(dout, cache) returns dx, of the shape of x;
    v has the shape of x and dout that of out.   Returns three numbers: Σ dx · v, which the
    backward pass claims, and the slope and the bar that were measured.
    """
    ### BEGIN SOLUTION
    _, cache = forward(x)
    claimed = np.sum(backward(dout, cache) * v)
    slope, bar = slope_with_bar(lambda t: np.sum(dout * forward(x + t * v)[0]), h)
    return claimed, slope, bar
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 4}
def square_forward(x):
    return x**2, x


def square_backward(dout, cache):
    return 2 * cache * dout


def half_backward(dout, cache):
    return cache * dout


with exercise(6, "a check with an error bar", slope_with_bar, projected_check, points=4) as check_6:
    slope, bar = check_6.returns(slope_with_bar(lambda t: t**3 + 2 * t, 0.1), "slope", "bar")
    check_6(
        "t³ + 2t with h = 0.1: the slope is 2 + (h/2)² = 2.0025",
        slope,
        2.0025,
        mistakes=[
            (2.01, "this is D with the step h: the finer one is asked for"),
            (2.0, "2 is exact, and D with the step h/2 is not: is it something else?"),
            (4.005, "twice too large: how far is it from −h/2 to h/2?"),
            (1.00125, "half of it: how far is it from −h/2 to h/2?"),
            (0.0075, "this is the bar: the slope comes first"),
        ],
        hint="the central difference whose step is h/2",
    )
    check_6(
        "… and the bar is |2.0025 − 2.01| = 0.0075",
        bar,
        0.0075,
        mistakes=[
            (-0.0075, "a bar is not negative: it holds an absolute value"),
            (0.0025, "a third of it; this is the error itself, and leaves no margin"),
            (2.01, "this is D with the step h, not a bar"),
        ],
        hint="how far D with the step h/2 and D with the step h are apart",
    )
    slope, bar = check_6.returns(slope_with_bar(lambda t: 1e6 + 2 * t, 1e-6), "slope", "bar")
    check_6.true(
        "1000000 + 2t with h = 1e-6: rounding spoils the slope, and the bar says so",
        abs(slope - 2) <= bar < 0.01,
        why=f"the slope is off by {abs(slope - 2):.1e} and the bar is {bar:.1e}, of which the "
        f"second part makes 4 · 2.2e-16 · 1e6 / 1e-6 = 9e-4",
    )
    slope, bar = check_6.returns(slope_with_bar(lambda t: 2 * t - 1e6, 1e-6), "slope", "bar")
    check_6.true(
        "2t - 1000000, where phi is negative: the same",
        abs(slope - 2) <= bar < 0.01,
        why=f"the slope is off by {abs(slope - 2):.1e}, the bar is {bar:.1e}: a size has no sign",
    )
    point, dout, v = np.array([1.0, 2.0]), np.array([3.0, -1.0]), np.array([1.0, 3.0])
    claimed, slope, bar = check_6.returns(
        projected_check(square_forward, square_backward, point, dout, v), "claimed", "slope", "bar"
    )
    check_6(
        "x² at (1, 2), dout = (3, −1), v = (1, 3): dx = (6, −4), and dx · v = −6",
        claimed,
        -6.0,
        mistakes=[
            (14.0, "this is with dout = ones: which dout does backward get?"),
            ([6.0, -12.0], "this is dx · v entry by entry, not yet summed"),
            (2.0, "this is Σ dx: where is v?"),
            (30.0, "dout is in it twice: backward has multiplied by it already"),
        ],
        hint="what backward returns for this dout, along v",
    )
    check_6(
        "… and the slope of φ is −6, too",
        slope,
        -6.0,
        mistakes=[
            (14.0, "this is the slope of Σ out: where is dout?"),
            (2.0, "this is the slope along (1, 1): where is v?"),
            (6.0, "the sign: φ(h) comes first"),
            (0.0, "φ stands still: does it depend on t?"),
            (-3.0, "half of it: how far is it from −h/2 to h/2?"),
            (-12.0, "twice too large: how far is it from −h/2 to h/2?"),
        ],
        hint="φ(t) as a function of the number t alone",
    )
    claimed, slope, bar = check_6.returns(
        projected_check(square_forward, half_backward, point, dout, v), "claimed", "slope", "bar"
    )
    check_6.true(
        "a backward pass without the 2 is found out: claim and slope are many bars apart",
        abs(claimed - slope) > 100 * bar,
        why=f"claimed {claimed:.6g}, slope {slope:.6g}, bar {bar:.1e}",
    )
    calls = counted(softmax_forward)
    big, dout, v = rng.standard_normal((3, 50, 40))
    softmax_dx = layer_backward(Softmax())
    claimed, slope, bar = check_6.returns(
        projected_check(calls, softmax_dx, big, dout, v), "claimed", "slope", "bar"
    )
    check_6.true(
        "the library's softmax stands the test, in 2000 entries",
        abs(claimed - slope) <= bar < 1e-3,
        why=f"claimed {claimed:.10g}, slope {slope:.10g}, bar {bar:.1e}",
    )
    check_6.true("… in five forward passes", calls.count == 5, why=f"it took {calls.count}")
    claimed, slope, bar = check_6.returns(
        projected_check(softmax_forward, lazy_backward, big, dout, v), "claimed", "slope", "bar"
    )
    check_6.true(
        "and the lazy one from the start does not",
        abs(claimed - slope) > 100 * bar,
        why=f"claimed {claimed:.6g}, slope {slope:.6g}, bar {bar:.1e}",
    )
    ### BEGIN HIDDEN TESTS
    slope, bar = slope_with_bar(np.sin, 0.2)
    check_6("sin", [slope, bar], [np.sin(0.1) / 0.1, 5 * (2 * np.sin(0.1) - np.sin(0.2))])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# `phi` is a function of one number `t`, and a `lambda` writes it on the spot. What does `forward`
# return at $x + t\,v$, and what does $\varphi(t)$ make of that?
# </details>
#
# Does the bar keep its promise? The softmax of 50 rows of 40 numbers again, at 20 random points,
# with steps from $10^{-9}$ to 1. Each dot is the error of a slope, measured in its bar:

# %%
if check_6.opens("this picture"):
    steps, ratios = np.geomspace(1e-9, 1, 28), []
    for seed in range(20):
        x, dout, v = np.random.default_rng(seed).standard_normal((3, 50, 40))
        found = [projected_check(softmax_forward, softmax_dx, x, dout, v, h) for h in steps]
        claimed, slopes, bars = np.array(found).T
        ratios.append(np.abs(slopes - claimed) / bars)
    ratios = np.array(ratios)
    fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
    ax.loglog(steps, ratios.T, ".", color="C0", ms=4)
    ax.axhline(1, color="C1", label="the bar")
    ax.axhline(1 / 3, color="C1", ls="--", lw=1, label="a third of it")
    ax.set(xlabel="step h", ylabel="error / bar", ylim=(1e-3, 10), title="errors, in bars")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    plt.show()
    middle, small = (steps > 1e-4) & (steps < 0.1), steps < 1e-5
    print(f"from 1e-4 to 0.1: error / bar from {ratios[:, middle].min():.2f}", end=" ")
    print(f"to {ratios[:, middle].max():.2f}")
    print(f"below 1e-5: {100 * np.mean(ratios[:, small] > 1):.0f} % of the dots are above the bar")

# %% [markdown]
# On the right is truncation: up to $h = 0.1$ the error is a third of the bar, as it should be. (At
# $h = 1$ the step is so long that the error no longer goes as $h^2$, and the bar promises nothing.)
# On the left is rounding, and there some dots lie above the bar. Why? Here $\varphi$ is a sum of
# 2000 terms of either sign, which all but cancel, and each brings its own rounding. That is more
# than the last digit of the sum. Still, with a step on the right nobody had to choose a tolerance.
# `gradcheck.check` works like this, with more care:
#
# - a five-point formula, with an error proportional to $h^4$, and steps that shrink where two of
#   them disagree; the noise of $\varphi$ is measured instead of guessed, for the reason that you
#   see in the picture;
# - a random `dout`, random directions first, then entry by entry where something is wrong (in large
#   arrays a sample of entries);
# - slopes to the left and to the right: where they differ there is a kink, and any slope in between
#   is right. A central difference takes the mean of both, and calls a correct ReLU wrong:

# %%
relu, zeros = ReLU(), np.zeros((2, 2))
print("naive check of ReLU at 0:", naive_check(relu.forward, layer_backward(relu), zeros))
print(check(relu, zeros))

# %% [markdown]
# And then it asks for the reason: is the gradient a factor off, transposed, in the wrong place,
# without the part of a fork? A reason counts only if it explains every digit.
#
# ## 7. How to fool a check
#
# A check sees what it looks at. There are four ways to fool the naive one, and each has something
# that finds it.
#
# 1. **A symmetric `dout`.** The rows of a softmax sum to 1, whatever $x$ is. So with `dout` = ones
#    the gradient of $\sum \text{out} = N$ is exactly zero, and anything that is zero *there*
#    passes. Batch normalisation has the same hole: its columns sum to `beta` times $N$. *What finds
#    it:* a random `dout`.
# 2. **A point where the mistake does not show.** A slope that is wrong everywhere else may be right
#    there. At $x = 0$ the slope of tanh, $1 - \text{out}^2$, is 1, and many a formula is 1 there.
#    Weights that are all zero, or all equal, are such points, too. *What finds it:* a random point.
# 3. **A kink** at the point, or between the points of the difference. At 0 the central difference
#    of ReLU is a half: a right backward pass is called wrong, and one that returns half of `dout`
#    everywhere passes. *What finds it:* the slopes to the left and to the right, each for itself,
#    and a second point away from the kink.
# 4. **The same mistake on the way forth and back.** A check compares the two passes with each
#    other. If both belong to another function, they agree. *What finds it:* somebody who knows the
#    function: numbers worked out by hand, its formula, another implementation.
#
# **Exercise 7** (4 points). Be the impostor. Write two backward passes that are **wrong** and pass
# `naive_check`:
#
# - of the softmax, at any point. Zeros are taken already: yours has to return something else for
#   a random `dout`;
# - of tanh, at $x = 0$, where it has to be right for *every* `dout`, and wrong elsewhere.
#
# The right ones, so that you know what to avoid: $\text{dx} = \text{out} \cdot (\text{dout} -
# \sum_k \text{dout}_k\, \text{out}_k)$, row by row, for the softmax, and
# $\text{dx} = \text{dout} \cdot (1 - \text{out}^2)$ for tanh.


# %% nbgrader={"grade_id": "impostors", "solution": true}
def wrong_softmax_backward(dout, cache):
    """dout: (N, C), cache: out, (N, C).   Returns a dx (N, C) that is wrong, and not zero
    where dout is random."""
    out = cache
    ### BEGIN SOLUTION
    return out * (dout - dout.mean(axis=-1, keepdims=True))
    ### END SOLUTION


def tanh_forward(x):
    out = np.tanh(x)
    return out, out


def wrong_tanh_backward(dout, cache):
    """dout: any shape, cache: out.   Returns a dx of this shape that is right at x = 0 only."""
    out = cache
    ### BEGIN SOLUTION
    return dout * (1 - out)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 4}
with exercise(7, "two impostors", wrong_softmax_backward, wrong_tanh_backward, points=4) as check_7:
    points = [rng.standard_normal(shape) for shape in ((4, 3), (2, 5), (1, 4))]
    dout, probabilities = rng.standard_normal((4, 3)), softmax_forward(points[0])[0]
    dx = wrong_softmax_backward(dout.copy(), probabilities.copy())
    check_7.true(
        "softmax: dx has the shape of dout",
        np.shape(dx) == (4, 3),
        why=f"its shape is {np.shape(dx)}",
    )
    check_7.true(
        "… and is something else than zero where dout is random",
        np.abs(dx).max() > 1e-3,
        why="these are zeros, as from the lazy one",
    )
    check_7.true(
        "the naive check lets it pass, at three points",
        all(naive_check(softmax_forward, wrong_softmax_backward, point) for point in points),
        why="where dout is ones, dx has to be 0 to pass, and yours is not",
    )
    report = check_functions(softmax_forward, wrong_softmax_backward, points[0], effort="quick")
    check_7.true(
        "gradcheck does not",
        dx is not None and not report,
        why="gradcheck finds nothing to complain about: it is right at the points of this check",
    )
    origin = np.zeros((2, 3))
    dout = rng.standard_normal((2, 3))
    at_zero = wrong_tanh_backward(dout.copy(), np.zeros((2, 3)))
    check_7(
        "tanh: at x = 0 dx is dout, as it should be",
        at_zero,
        dout,
        hint="which slope tanh has at 0, where out is 0",
        mistakes=[
            (np.ones((2, 3)), "these are ones: it has to be right for every dout"),
            (np.zeros((2, 3)), "these are zeros: it has to be right at 0, for every dout"),
        ],
    )
    check_7.true(
        "the naive check lets it pass there",
        naive_check(tanh_forward, wrong_tanh_backward, origin),
        "what dx has to be where dout is ones and out is 0",
    )
    there = rng.uniform(0.3, 2, (2, 3)) * [1, -1, 1]
    report = check_functions(tanh_forward, wrong_tanh_backward, there, effort="quick")
    check_7.true(
        "gradcheck does not, at a random point",
        at_zero is not None and not report,
        why="gradcheck finds nothing to complain about: it is right at the points of this check",
    )
    ### BEGIN HIDDEN TESTS
    more = rng.standard_normal((3, 6))
    check_7.true("another one", naive_check(softmax_forward, wrong_softmax_backward, more))
    check_7.true(
        "and gradcheck", not check_functions(softmax_forward, wrong_softmax_backward, more)
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %% [markdown]
# This is what `check_functions` has to say about them. The last line is at $x = 0$: there even the
# best of checkers sees nothing, because there is nothing to see. **A checker is as good as the
# point that you hand to it.**

# %%
if check_7.opens("what it says"):
    points = rng.standard_normal((4, 3))
    print(check_functions(softmax_forward, wrong_softmax_backward, points), end="\n\n")
    print(check_functions(tanh_forward, wrong_tanh_backward, points), end="\n\n")
    print("at x = 0:", check_functions(tanh_forward, wrong_tanh_backward, 0 * points))

# %% [markdown]
# How large is the blind spot? Three wrong slopes for tanh, and how far each is off at $x$. Where a
# curve dips, the mistake hides. A point drawn at random lies beside all of them, though on the far
# right, where tanh has levelled off, one of the three is nearly right again.

# %% jupyter={"source_hidden": true}
if check_7.opens("this picture"):
    grid = np.linspace(-3, 3, 1201)
    out = np.tanh(grid)
    wrong = {"1 − out": 1 - out, "1": np.ones_like(out), "1 − x²": 1 - grid**2}
    fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    for name, slope in wrong.items():
        error = np.abs(slope - (1 - out**2)) + 1e-12
        ax.semilogy(grid, error, label=f"{name}  in place of  1 − out²")
    ax.set(xlabel="x", ylabel="error of the slope", ylim=(1e-7, 1e2), title="where mistakes hide")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    plt.show()

# %% [markdown]
# And the fourth way: forward and backward wrong alike. Here is a softmax without its exponential,
# $\text{out} = x_j / \sum_k x_k$, with a backward pass that fits it. All is well, says every check
# of gradients, and it is right: this is the gradient of *this* function. Only somebody who knows
# what the function *should* be can object. `gradcheck` is told by `reference`:


# %%
def share_forward(x):
    total = x.sum(axis=-1, keepdims=True)
    return x / total, (x / total, total)


def share_backward(dout, cache):
    out, total = cache
    return (dout - (dout * out).sum(axis=-1, keepdims=True)) / total


points = rng.uniform(1, 2, (4, 3))
print(check_functions(share_forward, share_backward, points), end="\n\n")
print(check_functions(share_forward, share_backward, points, reference="softmax"))

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** You have written a new layer and want to be sure of its backward pass. Write down
# the rules by which you choose the point, `dout` and the shapes, and say what else you test that a
# comparison of gradients can never show.
#
# ### BEGIN SOLUTION
# The point is random, not 0, not all equal, away from kinks; another check sits on the kink on
# purpose, judged by one-sided slopes. `dout` is random, never ones. The shapes are all different,
# $N \ne D \ne M$, and none is 1, so that a transpose or a sum over the wrong axis does not fit.
# Float64. What no comparison of gradients shows: that the forward pass computes what it should
# (numbers worked out by hand, a formula, another implementation), that it does not overflow for
# large inputs, does not write into its inputs or its cache, that inference differs from training
# where it should.
# ### END SOLUTION

# %%
model_answer("8-higher-derivatives", 3)

# %% [markdown]
# ## Go further
#
# Two exercises without points, for those who want more.
#
# ### Go further 1: forward over reverse
#
# A gradient that was written out, or that a backward pass computes, is itself a circuit of gates.
# So duals can be sent through *it*, and what comes out as slopes is a product with the Hessian:
# exact but for rounding, without a step, and without complex numbers. That is Pearlmutter's way.
# Write the product $H v$, from one call, and the whole Hessian from $n$ calls.


# %% nbgrader={"grade_id": "further-1", "solution": true}
def valley_gradient(x, y):
    """∇L of Rosenbrock's valley.   x, y: Duals.   Returns a list of two Duals."""
    gap = y + Dual(-1.0) * x * x
    return [Dual(-2.0) + Dual(2.0) * x + Dual(-400.0) * x * gap, Dual(200.0) * gap]


def product_by_duals(gradient, p, v):
    """H v at p, from one call of `gradient`, which takes n Duals and returns a list of n Duals.
    p, v: n numbers each.   Returns an array (n,)."""
    ### BEGIN SOLUTION
    found = gradient(*[Dual(at, along) for at, along in zip(p, v, strict=True)])
    return np.array([dual.slope for dual in found])
    ### END SOLUTION


def hessian_by_duals(gradient, p):
    """The Hessian (n, n) at p, from n calls of `gradient`.   As above."""
    ### BEGIN SOLUTION
    return np.array([product_by_duals(gradient, p, one) for one in np.eye(len(p))]).T
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "forward over reverse", product_by_duals, hessian_by_duals) as go_1:
    calls = []
    found = product_by_duals(lambda *p: calls.append(p) or valley_gradient(*p), [1.0, 1.0], [1, 2])
    go_1(
        "H v for v = (1, 2) at (1, 1), exactly (2, 0)",
        found,
        [2.0, 0.0],
        rtol=0,
        atol=0,
        hint="with which slopes do x and y start?",
        mistakes=[
            ([0.0, 0.0], "is it the slopes that are returned? The values are 0 here"),
            ([2.0, -200.0], "this is the product at the point v, along p: which is which in Dual?"),
        ],
    )
    go_1.true("… from one call", len(calls) == 1, why=f"it took {len(calls)} calls")
    go_1(
        "the Hessian there, to the last bit",
        hessian_by_duals(valley_gradient, [1.0, 1.0]),
        [[802.0, -400.0], [-400.0, 200.0]],
        rtol=0,
        atol=0,
        hint="a product with a one-hot v is a column",
    )
    p = rng.standard_normal(2)
    go_1(
        "elsewhere, against complex steps",
        hessian_by_duals(valley_gradient, p),
        [rosenbrock_gradient(p + 1e-20j * one).imag / 1e-20 for one in np.eye(2)],
        hint="p says where, v says which way: which of them are values, and which slopes?",
    )
    go_1(
        "Σ x³ in three dimensions: its Hessian is diagonal, 6x",
        hessian_by_duals(lambda *p: [Dual(3.0) * x * x for x in p], [1.0, 2.0, -1.0]),
        np.diag([6.0, 12.0, -6.0]),
        hint="as many Duals as there are numbers in p",
    )

# %% [markdown]
# ### Go further 2: Newton's step, without the Hessian
#
# Newton's step solves $H s = -\nabla L$. With a million weights nobody can write $H$ down, but
# products with it are cheap. The method of **conjugate gradients** (Hestenes and Stiefel, 1952)
# needs nothing else. It keeps the step $s$ so far, what is still missing, $r = -\nabla L - H s$,
# and a direction $d$, and begins with $s = 0$ and $d = r = -\nabla L$. Each round is
#
# $$\alpha = \frac{r \cdot r}{d \cdot H d}, \qquad s \leftarrow s + \alpha\,d, \qquad
# r_{\text{new}} = r - \alpha\,H d,$$
# $$d \leftarrow r_{\text{new}} + \frac{r_{\text{new}} \cdot r_{\text{new}}}{r \cdot r}\; d,
# \qquad r \leftarrow r_{\text{new}}.$$
#
# For a symmetric $H$ with positive eigenvalues, $n$ rounds find the step in $n$ dimensions, but for
# rounding, and as many as there are different eigenvalues are enough. One product a round: keep
# $H d$. Once $r$ is 0 the step is there, and one more round would divide 0 by 0. The arrays may
# have any shape.


# %% nbgrader={"grade_id": "further-2", "solution": true}
def newton_by_products(product, gradient, rounds):
    """Newton's step, the s for which H s = -gradient, by conjugate gradients.

    product(v) returns H v, of the shape of v;   gradient: an array of any shape, not 0;
    rounds: 1, 2, …, while r is not 0.   Returns an array of the shape of gradient.
    """
    ### BEGIN SOLUTION
    step = np.zeros_like(gradient)
    missing = direction = -gradient
    for _ in range(rounds):
        pushed = product(direction)
        alpha = np.sum(missing**2) / np.sum(direction * pushed)
        step = step + alpha * direction
        left = missing - alpha * pushed
        direction = left + np.sum(left**2) / np.sum(missing**2) * direction
        missing = left
    return step
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "Newton's step, without the Hessian", newton_by_products) as go_2:
    bowl, slope = np.diag([2.0, 10.0]), np.array([6.0, 10.0])
    go_2(
        "one round goes straight down, as far as it pays: -17/134 of (6, 10)",
        newton_by_products(lambda v: bowl @ v, slope, 1),
        -17 / 134 * slope,
        hint="r · r is 136 here, and d · H d is 1072",
    )
    go_2(
        "two rounds are there: (−3, −1)",
        newton_by_products(lambda v: bowl @ v, slope, 2),
        [-3.0, -1.0],
        mistakes=[
            ([-1.139880, -1.532981], "the old direction has the factor 1: which r is below in it?")
        ],
        hint="which r is it above, and which below, in the new direction?",
    )
    axes, _ = np.linalg.qr(rng.standard_normal((50, 50)))
    H = axes * np.repeat([1.0, 4.0, 9.0], [20, 20, 10]) @ axes.T
    slope, calls = rng.standard_normal(50), counted(lambda v: H @ v)
    go_2(
        "50 dimensions with three different curvatures: three rounds",
        newton_by_products(calls, slope, 3),
        -np.linalg.solve(H, slope),
        hint="every round needs all three updates",
    )
    go_2.true("… from three products", calls.count == 3, why=f"it took {calls.count}")
    go_2(
        "arrays of any shape",
        newton_by_products(lambda v: v * [[1, 1, 1], [1, 7, 1]], np.ones((2, 3)), 2),
        [[-1, -1, -1], [-1, -1 / 7, -1]],
        hint="r · r is a sum over all entries",
    )

# %% [markdown]
# And on the digits: one such step from $W = 0$, for a few numbers of rounds. (This $H$ has
# eigenvalues 0, as adding one number to all ten weights of a pixel changes nothing. The gradient
# has no part along such directions, so the rounds never see them.) Compare with the losses of
# gradient descent above.

# %%
if go_2.opens("this table"):
    W = g.params["W"]
    loss, cache = g.forward(digits.x_train, digits.y_train)
    dW = g.backward(np.array(1.0), cache)[1]["W"]
    print(f"at W = 0: loss {loss:.3f}")
    for rounds in (1, 5, 10, 20):
        step = newton_by_products(digits_product, dW, rounds)
        W[...] = step
        loss, _ = g.forward(digits.x_train, digits.y_train)
        W[...] = 0
        print(f"after one step, found by products ({rounds}): loss {loss:.3f}")

# %% [markdown]
# ## What to keep
#
# - A backward pass is `dout` · J: one-hot, it gives a row of the Jacobian. A pass forward with
#   slopes is J · v, a column. One number out of a million: go backward. A million out of one: go
#   forward.
# - The Hessian is the Jacobian of the gradient, and symmetric where all is smooth. For a large
#   network nobody forms it: $H v$ costs two gradients, or one with a complex step if the gradient
#   is analytic.
# - On a quadratic, gradient descent needs a rate below $2 / \lambda_{\max}$. The ratio of the
#   curvatures says how slow it is; Newton's step does not see it.
# - A slope should come with an error bar. One random direction checks a million entries.
# - A check is fooled by a `dout` of ones, by special points, by kinks, and by the same mistake
#   twice. What helps: random points, random `dout`, one-sided slopes, and a reference.
#
# *Sources: B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6(1),
# 1994; J. Martins, P. Sturdza and J. Alonso, "The complex-step derivative approximation", ACM TOMS
# 29(3), 2003; M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear
# systems", 1952; A. Griewank and A. Walther, "Evaluating Derivatives", SIAM, 2008.*
