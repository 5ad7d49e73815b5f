# %% [markdown]
# # 8. Higher derivatives and checks
#
# Here is a backward pass that returns zeros, whatever it is given. And here is the gradient check
# that stands in many a notebook: one point, `dout` all ones, central differences. Watch.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from chainrule.data import load_digits
from chainrule.gradcheck import check, check_functions, hvp, jacobian, numerical_gradient, vjp
from chainrule.layers import Affine, ReLU, Sigmoid, Softmax, SoftmaxCrossEntropy
from chainrule.nets import Graph, Sequential
from chainrule.notebooks import exercise
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
    """The check as many write it: at one point, with dout = ones.   Returns True or False."""
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
# `True`. The check is content, and the network in front of this layer will never learn anything.
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
            (right.T, "that is the transpose: a one-hot dout gives a row, J[i] = …"),
            (np.array([right.sum(axis=0)] * 2), "that is dout = ones: the sum of the rows"),
            (np.array([right[0]] * 2), "each row is the first: does the 1 move on with i?"),
            (
                np.array([right[0], right.sum(axis=0)]),
                "the old 1 is still there: a new dout each time",
            ),
        ],
        hint="dout is zero but for dout[i] = 1",
    )
    softmax = Softmax()
    thirds = np.log([1.0, 2.0, 3.0])  # softmax of these: 1/6, 2/6, 3/6
    check_1(
        "the softmax p = (1, 2, 3)/6: p_i (1 − p_i) on the diagonal, −p_i p_j elsewhere",
        jacobian_rows(softmax.forward, layer_backward(softmax), thirds),
        np.array([[5, -2, -3], [-2, 8, -6], [-3, -6, 9]]) / 36,
    )
    affine = Affine(3, 2, rng=0)
    wide = rng.standard_normal((4, 3))
    J = jacobian_rows(affine.forward, layer_backward(affine), wide)
    check_1.true(
        "arrays with two axes are laid out in a row: (4, 3) → (4, 2) has a Jacobian (8, 12)",
        J.shape == (8, 12),
    )
    check_1("… that holds Wᵀ for the first example", J[:2, :3], affine.params["W"].T)
    check_1("… and zeros where examples differ", J[:2, 3:], np.zeros((2, 9)))
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
    product = Dual(3.0, 5.0) * Dual(-4.0, 2.0)
    check_2("(3 + 5ε)(−4 + 2ε) has the value −12", product.value, -12.0)
    check_2(
        "… and the slope 5 · (−4) + 3 · 2 = −14",
        product.slope,
        -14.0,
        mistakes=[
            (10.0, "that is the product of the slopes, which belongs to ε², and that is 0"),
            (7.0, "each slope was multiplied by its own value; it belongs to the other's"),
            (-20.0, "only the first number's slope is there"),
            (6.0, "only the second number's slope is there"),
            (-4.0, "the product of the slopes belongs to ε², and that is 0"),
        ],
    )
    out = dual_sigmoid(Dual(1.0, 2.0))
    check_2("σ(1 + 2ε) has the value 0.73", out.value, 0.73105857863)
    check_2(
        "… and the slope 0.73 · 0.27 · 2",
        out.slope,
        0.39322386648,
        mistakes=[(0.19661193324, "σ′ is right, but the slope that came in is missing: · x.slope")],
    )
    check_2(
        "(x + y) z at −2, 5, −4: the slopes −4, −4, 3 that backpropagation finds",
        forward_mode(lambda x, y, z: (x + y) * z, [-2.0, 5.0, -4.0]),
        [-4.0, -4.0, 3.0],
        mistakes=[
            ([-5.0] * 3, "all inputs had the slope 1 at once: that is the sum of all three"),
            ([-4.0] * 3, "all three are the slope along x: does the 1 move on?"),
        ],
    )
    check_2(
        "the neuron of homework 2: −0.20, 0.39, −0.39, −0.59, 0.20",
        forward_mode(
            lambda w0, x0, w1, x1, w2: dual_sigmoid(w0 * x0 + w1 * x1 + w2),
            [2.0, -1.0, -3.0, -2.0, -3.0],
        ),
        0.19661193324 * np.array([-1, 2, -2, -3, 1]),
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
    """How many passes the whole Jacobian takes of a layer with D inputs and M outputs.

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
    out, moved = chain_jvp(np.zeros(3), W, np.array([1.0, 2.0, 3.0]))
    check_3("σ(0) is a half", out, [0.5, 0.5])
    check_3(
        "at x = 0, along v = (1, 2, 3): v W = (4, 7), times a quarter",
        moved,
        [1.0, 1.75],
        mistakes=[
            ([4.0, 7.0], "that is v W; the sigmoid multiplies it by its slope, σ (1 − σ)"),
            ([0.25, 0.25], "that is the sigmoid's slope; it multiplies v W"),
            ([2.0, 3.5], "v W was multiplied by σ; its slope is σ (1 − σ)"),
        ],
    )
    x, W, v, u = (rng.standard_normal(shape) for shape in (5, (5, 3), 5, 3))
    z = x + 1e-20j * v
    check_3(
        "elsewhere, against a complex step along v",
        chain_jvp(x, W, v)[1],
        (1 / (1 + np.exp(-z @ W))).imag / 1e-20,
    )
    back = vjp(library_chain(W), x[np.newaxis], dout=u[np.newaxis])[0]
    check_3(
        "both modes tell of one J: u · (J v), forward, is (u · J) · v, backward",
        u @ chain_jvp(x, W, v)[1],
        back @ v,
    )
    check_3(
        "the Jacobian, column by column",
        jacobian_columns(x, W),
        jacobian(library_chain(W), x[np.newaxis]).reshape(3, 5),
        hint="with v zero but for v[j] = 1, J v is column j: J[:, j] = …",
    )
    check_3(
        "a loss of a million weights: a million passes forward, or one backward",
        passes(10**6, 1),
        [1e6, 1],
        mistakes=[([1, 1e6], "swapped: forward mode takes a pass for every input")],
    )
    ### BEGIN HIDDEN TESTS
    check_3("a curve in space", passes(1, 3), [1, 3])
    check_3("one gate saturated", chain_jvp(np.ones(1), np.full((1, 1), 40.0), np.ones(1))[1], [0])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# So the two modes cost
#
# | | one pass gives | the whole Jacobian $(M, D)$ takes |
# |---|---|---|
# | forward | $J v$, with a one-hot $v$ a column | $D$ passes, one for each input |
# | reverse | $\text{dout} \cdot J$, with a one-hot `dout` a row | $M$ passes, one for each output |
#
# A loss is *one* number, $M = 1$, and the inputs that count are all its weights. That is why
# everybody goes backward. The price is memory: a pass backward needs the caches of all layers, a
# pass forward can forget each value as soon as the next is there. Measured, for the gradient of
# $L = \sum_m \sigma(x W)_m$:

# %%
if check_3.verdict == "right":
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
else:
    print("This picture comes when exercise 3 is right.")

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** Which mode would you take for the Jacobian of (a) a loss in 10 million weights,
# (b) the 3000 pixels of a picture that a program draws from 4 numbers, (c) a layer from 100 to 100
# numbers? How many passes each?
#
# ### BEGIN SOLUTION
# (a) Reverse: 1 pass instead of 10 million. (b) Forward: 4 passes instead of 3000. (c) 100 either
# way; forward mode then has the advantage that it needs no caches, and no second sweep.
# ### END SOLUTION

# %% [markdown]
# ## 4. The second derivative
#
# The gradient tells which way is down. How fast it changes on the way is **curvature**, and that is
# in the second derivatives, the Hessian
#
# $$H_{ij} = \frac{\partial^2 L}{\partial x_i\, \partial x_j}.$$
#
# It is the Jacobian of the gradient. So column $j$ can be had from two gradients, a little to the
# right and a little to the left along $x_j$:
#
# $$H_{:,j} \approx \frac{\nabla L(x + h\,e_j) - \nabla L(x - h\,e_j)}{2h}$$
#
# For smooth $L$ the order of the two derivatives does not matter, so $H$ is **symmetric**
# (Schwarz). What the differences give is symmetric only up to their error. The mean of it and its
# transpose is, to the last bit.
#
# A network with a million weights has a Hessian of $10^{12}$ entries: 8 terabytes. Yet most of what
# one wants to know asks for a *product* $H v$ only, and that is one directional derivative of the
# gradient:
#
# $$H v = \frac{\partial}{\partial t}\, \nabla L(x + t v)\Big|_{t = 0} \approx
# \frac{\nabla L(x + h v) - \nabla L(x - h v)}{2h} \approx
# \frac{\operatorname{Im} \nabla L(x + i h v)}{h}$$
#
# Two gradients, or one with a complex step if the gradient takes complex numbers, whatever the
# number of weights. (Pearlmutter, "Fast exact multiplication by the Hessian", 1994, has it exactly,
# by sending duals through the backward pass.)
#
# Our test function is Rosenbrock's valley, $L = (1 - x)^2 + 100\,(y - x^2)^2$.
#
# **Exercise 4** (5 points). Write the Hessian and both products. `gradient` is a function of an
# array `(n,)` that returns an array `(n,)`.


# %% nbgrader={"grade_id": "hessian", "solution": true}
def rosenbrock_gradient(p):
    """∇L at p (2,).   Returns an array (2,), complex where p is."""
    x, y = p
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def hessian_by_differences(gradient, x, h=1e-5):
    """The Hessian (n, n) at x (n,), symmetric, from 2n gradients."""
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
    """H v (n,) at x (n,) for v (n,), from one gradient, which takes complex numbers."""
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
    H = hessian_by_differences(rosenbrock_gradient, lowest)
    check_4(
        "Rosenbrock's valley at its lowest point, (1, 1): [[802, −400], [−400, 200]]",
        H,
        known,
        mistakes=[
            (2 * known, "twice too large: from x − h to x + h it is 2h"),
            (known / 2, "half of it: was H + Hᵀ halved twice, or divided by 4h?"),
            (np.triu(known), "the lower half is missing"),
        ],
        hint="only x_j moves for column j; and look to both sides, or the error is too large",
    )
    check_4.true(
        "symmetric, to the last bit",
        np.array_equal(H, H.T),
        "take the mean of H and its transpose",
    )
    where = rng.standard_normal((5, 2))
    matrices = [hessian_by_differences(rosenbrock_gradient, point) for point in where]
    check_4.true(
        "… at five random points, too",
        all(np.array_equal(H, H.T) for H in matrices),
        "take the mean of H and its transpose",
    )
    gradient = counted(rosenbrock_gradient)
    check_4(
        "H v for v = (1, 2) at (1, 1): (802 − 800, −400 + 400) = (2, 0)",
        product_by_differences(gradient, lowest, v),
        [2.0, 0.0],
        atol=1e-6,
        mistakes=[
            ([4.0, 0.0], "twice too large: from x − hv to x + hv it is 2h"),
            ([0.0, 0.0], "that is 0: does x + h v differ from x − h v?"),
        ],
    )
    check_4.true("… from two gradients", gradient.count == 2, f"it took {gradient.count}")
    gradient = counted(rosenbrock_gradient)
    check_4(
        "by a complex step, exact",
        product_by_complex_step(gradient, lowest, v),
        [2.0, 0.0],
        atol=1e-12,
        hint="the imaginary part of the gradient at x + i h v, over h",
    )
    check_4.true("… from one gradient", gradient.count == 1, f"it took {gradient.count}")
    many, w = rng.standard_normal((2, 1000))
    check_4(
        "Σ x⁴/4 in 1000 dimensions, whose Hessian is diagonal, 3x²",
        product_by_differences(lambda x: x**3, many, w),
        3 * many**2 * w,
    )
    ### BEGIN HIDDEN TESTS
    check_4(
        "… by a complex step",
        product_by_complex_step(lambda x: x**3, many, w),
        3 * many**2 * w,
        rtol=1e-12,
    )
    saddle = np.array([[0.0, 3.0], [3.0, 0.0]])
    check_4("3 x y", hessian_by_differences(lambda x: saddle @ x, lowest), saddle)
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
# Close to a minimum $x^*$ every smooth loss looks like a quadratic,
#
# $$L(x) = L(x^*) + \tfrac12\, e^T H\, e, \qquad e = x - x^*, \qquad \nabla L = H e.$$
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
# by $H$, give it length 1, and again, and again. In each round the part along the direction of the
# largest curvature grows against all others. In the end $v$ is that direction, and
# $\lambda = v \cdot H v$.
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

    product(v) returns H v;   v: an array to start from, of any shape.   Returns a number.
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
    check_5(
        "Newton: with curvatures 2 and 10 and the gradient (6, 10), the step is (−3, −1)",
        newton_step(bowl @ error, bowl),
        [-3.0, -1.0],
        mistakes=[
            ([3.0, 1.0], "the sign: it leads up, away from the minimum"),
            ([-12.0, -100.0], "multiplied by H; it is divided by it, H⁻¹"),
            ([-6.0, -10.0], "that is minus the gradient: H is not in it"),
        ],
    )
    tilted = np.array([[4.0, 1.0], [1.0, 3.0]])
    check_5("… also where H is not diagonal", newton_step(tilted @ error, tilted), -error)
    check_5(
        "curvatures 2 and 10: the limit is 0.2",
        largest_rate(bowl),
        0.2,
        mistakes=[
            (0.1, "1/λ takes the error along this direction to 0 at once; the limit is further"),
            (1.0, "this is from the smallest curvature; the largest one sets the limit"),
            (0.5, "this is 1/λ, from the smallest curvature; the largest one sets the limit"),
            (10.0, "that is the largest curvature itself"),
            (5.0, "turned around: where is |1 − ηλ| equal to 1?"),
        ],
        hint="where is |1 − ηλ| equal to 1, for η > 0?",
    )
    check_5(
        "power iteration finds the 10",
        largest_curvature(lambda v: bowl @ v, np.array([1.0, 1.0])),
        10.0,
        mistakes=[
            (2.0, "that is the smallest; multiply by H, do not divide"),
            (1.0, "that is the length of v, which is 1; the curvature is v · H v"),
            (100.0, "that is |H v|²; the curvature is v · H v"),
        ],
        hint="v = product(v), then give it length 1; in the end v · product(v)",
    )
    spread = rng.standard_normal((6, 6))
    spread = spread @ spread.T
    check_5(
        "… and that of a matrix with six eigenvalues",
        largest_curvature(lambda v: spread @ v, rng.standard_normal(6), rounds=2000),
        np.linalg.eigvalsh(spread)[-1],
    )
    check_5(
        "v may have any shape: (2, 3), all of whose entries are curved alike, but one",
        largest_curvature(lambda v: v * [[1, 1, 1], [1, 7, 1]], rng.standard_normal((2, 3))),
        7.0,
        hint="the length of an array of any shape: np.sqrt(np.sum(v**2)); v · w is np.sum(v * w)",
    )
    ### BEGIN HIDDEN TESTS
    check_5("another bowl", largest_rate(np.array([[2.0, 1.0], [1.0, 2.0]])), 2 / 3)
    check_5("a long way up", largest_curvature(lambda v: 1e6 * v, np.ones(3), rounds=200), 1e6)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# A tilted bowl with the curvatures 1 and 10, so the limit is 0.2. Three rates, and a cross where
# Newton's first step ends:

# %%
turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
H = turn @ np.diag([1.0, 10.0]) @ turn.T
start = np.array([4.0, 3.0])
rules = {"rate 0.05": SGD(0.05), "rate 0.19": SGD(0.19), "rate 0.204": SGD(0.204)}
picture = loss_surface(lambda w: (0.5 * w @ H @ w, H @ w), start, rules, steps=30)
figure = picture.figure()
end = start - np.linalg.solve(H, H @ start)
figure.axes[0].plot(*end, "kx", markersize=10, markeredgewidth=2)
figure

# %% [markdown]
# The small rate creeps along the flat direction, the large one zigzags across the steep one, the
# one above the limit leaves. Newton is there at once. But for a network it would have to solve a
# system with a million unknowns at each step; rules such as Adam take something much cheaper in the
# place of $H^{-1}$.
#
# And the digits? Power iteration with `hvp` gives their limit, at $W = 0$, from nothing but
# gradients. Is it true? Gradient descent on all training images at once, from $W = 0$:

# %%
if check_5.verdict == "right":
    curvature = largest_curvature(digits_product, rng.standard_normal((64, 10)), rounds=40)
    limit = 2 / curvature
    print(f"largest curvature {curvature:.3f}, so the limit is {limit:.3f}")
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for part in (0.1, 0.9, 2.5):
        W, losses = g.params["W"], []
        W[...] = 0
        for _ in range(40):
            loss, cache = g.forward(digits.x_train, digits.y_train)
            losses.append(loss)
            W -= part * limit * g.backward(np.array(1.0), cache)[1]["W"]
        ax.plot(losses, label=f"{part} of the limit")
    W[...] = 0
    ax.set(xlabel="step", ylabel="loss", title="softmax classifier of digits", ylim=(0, None))
    ax.legend()
    plt.show()
else:
    print("This picture comes when exercise 5 is right.")

# %% [markdown]
# Below the limit the loss falls at every step. Beyond it, it goes up and down. That it settles in
# the end is the luck of a loss that is no quadratic: away from $W = 0$ its curvature is smaller.

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** The Hessian that differences give is symmetric only up to their error. Of what use
# is that for somebody who does not know $H$? And what would it mean if $H$ and $H^T$ differed in
# the first digit?
#
# ### BEGIN SOLUTION
# $H - H^T$ is 0 for the true Hessian of a smooth function, so what differences show there is their
# own error: an error bar that costs nothing. A difference in the first digit means that what was
# differentiated is not a gradient at all, since only the Jacobian of a gradient is symmetric: the
# backward pass is wrong, or the function has a kink there.
# ### END SOLUTION

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
# If `dx` is right, both are equal. If it is wrong, in whatever entry, a random $v$ shows it, but
# for a coincidence that has probability 0. Two forward passes, for any number of weights.
#
# But what is "equal"? A fixed tolerance such as $10^{-7}$ is a guess: too strict for a function
# that loses digits, too lax for one that does not. Let the difference itself say how far it can be
# trusted. Take two of them, with the steps $h$ and $h/2$:
#
# $$D_h = \frac{\varphi(h) - \varphi(-h)}{2h}, \qquad D_{h/2} = \frac{\varphi(h/2) -
# \varphi(-h/2)}{h}.$$
#
# The error of a central difference is proportional to $h^2$, so that of $D_{h/2}$ is a quarter of
# that of $D_h$, and $|D_{h/2} - D_h|$ is three times the error that is left in $D_{h/2}$. That is
# a safe bar for *truncation*. For *rounding* we add what the last digit of $\varphi$ makes over
# $h$, with a margin:
#
# $$\text{bar} = |D_{h/2} - D_h| + 4\,\frac{\epsilon \max(|\varphi(h)|, |\varphi(-h)|)}{h},
# \qquad \epsilon = 2.2 \cdot 10^{-16}.$$
#
# **Exercise 6** (4 points). Write the slope with its bar, and the check along $v$ that uses it.

# %% nbgrader={"grade_id": "bar", "solution": true}
EPS = np.finfo(float).eps


def slope_with_bar(phi, h):
    """The slope of phi at 0, D with the step h/2, and its bar.

    phi: a function of a number that returns a number;   h: the step.   Returns two numbers.
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
    slope, bar = slope_with_bar(lambda t: t**3 + 2 * t, 0.1)
    check_6(
        "t³ + 2t with h = 0.1: the slope is 2 + (h/2)² = 2.0025",
        slope,
        2.0025,
        mistakes=[
            (2.01, "that is D with the step h; return the finer one"),
            (2.0, "exact, which no difference is: was the formula of this function used?"),
            (4.005, "twice too large: from −h/2 to h/2 it is h"),
            (1.00125, "half of it: from −h/2 to h/2 it is h, not 2h"),
        ],
    )
    check_6(
        "… and the bar is |2.0025 − 2.01| = 0.0075",
        bar,
        0.0075,
        mistakes=[
            (-0.0075, "a bar is not negative: take the absolute value"),
            (0.0025, "a third of it; that is the error itself, and leaves no margin"),
        ],
    )
    slope, bar = slope_with_bar(lambda t: 1e6 + 2 * t, 1e-6)
    check_6.true(
        "1000000 + 2t with h = 1e-6: rounding spoils the slope, and the bar says so",
        abs(slope - 2) <= bar < 0.01,
        f"the slope is off by {abs(slope - 2):.1e}, and the bar is {bar:.1e}; its second part is "
        f"4 · 2.2e-16 · 1e6 / 1e-6 = 9e-4",
    )
    point, dout, v = np.array([1.0, 2.0]), np.array([3.0, -1.0]), np.array([1.0, 1.0])
    claimed, slope, bar = projected_check(square_forward, square_backward, point, dout, v)
    check_6(
        "x² at (1, 2), dout = (3, −1), v = (1, 1): dx = (6, −4), and dx · v = 2",
        claimed,
        2.0,
        mistakes=[
            (6.0, "that is with dout = ones: hand dout to backward"),
            ([6.0, -4.0], "that is dx · v entry by entry; sum it"),
        ],
    )
    check_6(
        "… and the slope of φ is 2, too",
        slope,
        2.0,
        mistakes=[(6.0, "dout is missing in φ"), (-2.0, "the sign: φ(h) − φ(−h)")],
    )
    claimed, slope, bar = projected_check(square_forward, half_backward, point, dout, v)
    check_6.true(
        "a backward pass without the 2 is found out: claim and slope are many bars apart",
        abs(claimed - slope) > 100 * bar,
        f"claimed {claimed:.6g}, slope {slope:.6g}, bar {bar:.1e}",
    )
    calls = counted(softmax_forward)
    big, dout, v = rng.standard_normal((3, 50, 40))
    softmax_dx = layer_backward(Softmax())
    claimed, slope, bar = projected_check(calls, softmax_dx, big, dout, v)
    check_6.true(
        "the library's softmax stands the test, in 2000 entries",
        abs(claimed - slope) <= bar < 1e-3,
        f"claimed {claimed:.10g}, slope {slope:.10g}, bar {bar:.1e}",
    )
    check_6.true("… in five forward passes", calls.count == 5, f"it took {calls.count}")
    claimed, slope, bar = projected_check(softmax_forward, lazy_backward, big, dout, v)
    check_6.true("and the lazy one from the start does not", abs(claimed - slope) > 100 * bar)
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
# `phi` is a function of one number `t`, and you can write it on the spot:
# `lambda t: np.sum(dout * forward(x + t * v)[0])`. Hand it to `slope_with_bar`.
# </details>
#
# Does the bar keep its promise? The softmax of 2000 numbers again, with a step from $10^{-9}$ to 1:

# %%
if check_6.verdict == "right":
    steps = np.geomspace(1e-9, 1, 28)
    found = [projected_check(softmax_forward, softmax_dx, big, dout, v, h) for h in steps]
    claimed, slopes, bars = np.array(found).T
    fig, ax = plt.subplots(figsize=(6, 3.4))
    ax.loglog(steps, bars, color="C1", label="its bar")
    ax.loglog(steps, np.abs(slopes - claimed), ".", color="C0", label="the slope's error")
    ax.set(xlabel="step h", title="a slope, and how far it can be trusted")
    ax.legend()
    plt.show()
else:
    print("This picture comes when exercise 6 is right.")

# %% [markdown]
# On the right is truncation: the bar is three times the error, as it should be. On the left is
# rounding, and there a few dots lie above the bar. Why? Here $\varphi$ is a sum of 2000 terms of
# either sign, which all but cancel, and each brings its own rounding. That is more than the last
# digit of the sum. Still, with a step on the right nobody had to choose a tolerance.
# `gradcheck.check` works like this, with more care:
#
# - a five-point formula, with an error proportional to $h^4$, and steps that shrink until two of
#   them agree; the noise of $\varphi$ is measured instead of guessed, for the reason that you see
#   in the picture;
# - a random `dout`, random directions first, then entry by entry where something is wrong;
# - slopes to the left and to the right: where they differ there is a kink, and any slope in between
#   is right. A central difference takes the mean of both, and calls a correct ReLU wrong:

# %%
relu, zeros = ReLU(), np.zeros((2, 2))
print("naive check of ReLU at 0:", naive_check(relu.forward, layer_backward(relu), zeros))
print(check(relu, zeros))

# %% [markdown]
# And then it asks for the reason: is the gradient a factor off, transposed, in the wrong place,
# without the part of a fork? A hypothesis counts only if it explains every digit.
#
# ## 7. How to fool a check
#
# A check sees what it looks at. There are four ways past the naive one.
#
# 1. **A symmetric `dout`.** The rows of a softmax sum to 1, whatever $x$ is. So with `dout` = ones
# the gradient of $\sum \text{out} = N$ is exactly zero, and anything that is zero *there* passes.
# Batch normalisation has the same hole: its columns sum to `beta` times $N$. Courses have fallen
# into it. 2. **A point where the mistake does not show.** At $x = 0$ the slope of tanh, $1 -
# \text{out}^2$, is 1. So is 1. So is much else. Weights that are all zero, or all equal, are such
# points, too. 3. **A kink** at the point, or between the points of the difference. 4. **The same
# mistake on the way forth and back.** A check compares the two passes with each other. If both
# belong to another function, they agree.
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
    """dout: (N, C), cache: out, (N, C).   Returns a dx (N, C) that is wrong, but not zero."""
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
    check_7.true("softmax: dx has the shape of dout", np.shape(dx) == (4, 3))
    check_7.true(
        "… and is something else than zero where dout is random",
        np.abs(dx).max() > 1e-3,
        "these are zeros, as from the lazy one",
    )
    check_7.true(
        "the naive check lets it pass, at three points",
        all(naive_check(softmax_forward, wrong_softmax_backward, point) for point in points),
        "where dout is ones, each row of dx has to be 0; for which brackets (dout − …) is it?",
    )
    report = check_functions(softmax_forward, wrong_softmax_backward, points[0], effort="quick")
    check_7.true(
        "gradcheck does not",
        not report,
        "gradcheck finds nothing to complain about: this backward pass is right",
    )
    origin = np.zeros((2, 3))
    dout = rng.standard_normal((2, 3))
    check_7(
        "tanh: at x = 0 dx is dout, as it should be",
        wrong_tanh_backward(dout.copy(), np.zeros((2, 3))),
        dout,
        hint="the slope has to be 1 where out = 0",
    )
    check_7.true(
        "the naive check lets it pass there",
        naive_check(tanh_forward, wrong_tanh_backward, origin),
    )
    there = rng.uniform(0.3, 2, (2, 3)) * [1, -1, 1]
    report = check_functions(tanh_forward, wrong_tanh_backward, there, effort="quick")
    check_7.true(
        "gradcheck does not, at a random point",
        not report,
        "gradcheck finds nothing to complain about: this backward pass is right",
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
if check_7.verdict == "right":
    points = rng.standard_normal((4, 3))
    print(check_functions(softmax_forward, wrong_softmax_backward, points), end="\n\n")
    print(check_functions(tanh_forward, wrong_tanh_backward, points), end="\n\n")
    print("at x = 0:", check_functions(tanh_forward, wrong_tanh_backward, 0 * points))
else:
    print("These reports come when exercise 7 is right.")

# %% [markdown]
# How large is the blind spot? Three wrong slopes for tanh, and how far each is off at $x$. Where a
# curve dips, the mistake hides. A point drawn at random lies beside all of them.

# %%
grid = np.linspace(-3, 3, 1201)
out = np.tanh(grid)
wrong = {"1 − out": 1 - out, "1": np.ones_like(out), "1 − x²": 1 - grid**2}
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
for name, slope in wrong.items():
    ax.semilogy(grid, np.abs(slope - (1 - out**2)) + 1e-12, label=f"{name}  in place of  1 − out²")
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

# %% [markdown]
# ## What to keep
#
# - A backward pass is `dout` · J: one-hot, it gives a row of the Jacobian. A pass forward with
#   slopes is J · v, a column. One number out of a million: go backward. A million out of one: go
#   forward.
# - The Hessian is the Jacobian of the gradient, and symmetric. Nobody forms it: $H v$ costs two
#   gradients, or one with a complex step.
# - Gradient descent needs a rate below $2 / \lambda_{\max}$. The ratio of the curvatures says how
#   slow it is; Newton's step does not see it.
# - A slope should come with an error bar. One random direction checks a million entries.
# - A check is fooled by a `dout` of ones, by special points, by kinks, and by the same mistake
#   twice. Random points, random `dout`, one-sided slopes, and a reference.
#
# *Sources: B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6(1),
# 1994; J. Martins, P. Sturdza and J. Alonso, "The complex-step derivative approximation", ACM TOMS
# 29(3), 2003; A. Griewank and A. Walther, "Evaluating Derivatives", SIAM, 2008.*
