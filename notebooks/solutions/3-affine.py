# %% [markdown]
# # 3. Vectors and matrices: the affine layer
#
# So far the wires of our circuits carried numbers. Now they carry arrays, and the most important
# gate of all appears: the **affine layer**, $\text{out} = x W + b$. Nearly all parameters of a
# network sit in such layers, and nearly all of its time is spent there.
#
# You will find its backward pass three times: entry by entry, from the shapes alone, and as a
# product with a Jacobian that nobody ever forms. This homework takes about 100 minutes.
#
# ## A number to be afraid of
#
# Take a layer of ordinary size: 64 examples at a time, 4096 numbers in, 4096 out. The derivative of
# every output by every input, written out as one array, is its **Jacobian**. How much memory does
# it take? (The example is from lecture 4 of CS231n, Stanford's course on networks for images.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from chainrule.data import load_digits
from chainrule.gradcheck import jacobian, jacobian_memory, vjp
from chainrule.layers import Affine, Layer, ReLU
from chainrule.nets import Classifier, Graph, Sequential
from chainrule.notebooks import borrow, exercise
from chainrule.solvers import Adam, Solver

rng = np.random.default_rng(3)

print(jacobian_memory((64, 4096), (64, 4096), dtype=np.float32))

# %% [markdown]
# 256 gigabytes, for one layer and one step of training. No computer you are likely to own holds
# that, and yet layers of this size are trained every day, with 2 megabytes for the same purpose.
# Where did the rest go? That is the question of this homework.

# %% [markdown]
# ## Part 1. The layer
#
# Begin with one example, a row of $D$ numbers $x = (x_1, \ldots, x_D)$. The layer has $M$ outputs,
# and each is a weighted sum of all inputs, plus a number of its own:
#
# $$\text{out}_m = \sum_{d=1}^{D} x_d\, W_{dm} + b_m$$
#
# Column $m$ of $W$ holds the weights of output $m$. Now take $N$ examples at once, one to a row.
# The formula is the same for every row, and together they are one matrix product:
#
# $$\underset{(N,\,M)}{\text{out}} = \underset{(N,\,D)}{x}\ \underset{(D,\,M)}{W}
#   + \underset{(M,)}{b}$$
#
# Read the shapes as you read units in physics: inner lengths must agree, outer ones are left. $b$
# has one number per column; NumPy adds it to every row. This stretching is called **broadcasting**.
#
# **Images.** An example may come as an array, say of shape (3, 32, 32) for a colour image. The
# layer does not care what lies beside what: it flattens each example to a row of
# $D = 3 \cdot 32 \cdot 32$ numbers. `x.reshape(len(x), -1)` does so; the `-1` lets NumPy work out
# $D$.
#
# As a circuit, with the shapes and the sizes (norms) of the values in green, and of the gradients
# in red. `X` (2, 3), `W` (3, 4) and the gradient that comes in, `DOUT` (2, 4), are an example from
# lecture 4 of CS231n; the checks below use it too.

# %%
X = np.array([[2.0, 1.0, -3.0], [-3.0, 4.0, 2.0]])
W = np.array([[3.0, 2.0, 1.0, -1.0], [2.0, 1.0, 3.0, 2.0], [3.0, 2.0, 1.0, -2.0]])
DOUT = np.array([[2.0, 3.0, -3.0, 9.0], [-8.0, 1.0, 4.0, 6.0]])

graph = Graph()
x_node, W_node, b_node = graph.input("x"), graph.input("W"), graph.input("b")
graph.output((x_node @ W_node + b_node).named("out"))
graph.draw(X, W, np.array([10.0, 20.0, 30.0, 40.0]), dout=DOUT)

# %% [markdown]
# ### Exercise 1: the forward pass (3 points)
#
# All functions of this course come in pairs. `forward` returns its output and a **cache**: whatever
# `backward` will need. Here that is `x`, in the shape in which it came, and `W`.


# %% nbgrader={"grade_id": "forward", "solution": true}
def affine_forward(x, W, b):
    """out = x W + b.   x (N, D), or (N, d1, …, dk) with d1 · … · dk = D;  W (D, M);  b (M,).
    Returns out (N, M), and a cache for affine_backward."""
    ### BEGIN SOLUTION
    out = x.reshape(len(x), -1) @ W + b
    ### END SOLUTION
    return out, (x, W)


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "the forward pass", affine_forward, points=3) as check_1:
    product = np.array([[-1.0, -1.0, 2.0, 6.0], [5.0, 2.0, 11.0, 7.0]])
    b = np.array([10.0, 20.0, 30.0, 40.0])
    check_1(
        "the lecture's X and W, with b = 0: the matrix product",
        affine_forward(X, W, np.zeros(4))[0],
        product,
        hint="Rows of x times columns of W: x @ W.",
    )
    check_1(
        "b is added to every row",
        affine_forward(X, W, b)[0],
        [[9, 19, 32, 46], [15, 22, 41, 47]],
        mistakes=[
            (product, "That is x W alone: add b."),
            (product - b, "b is subtracted: add it."),
        ],
    )
    images = np.linspace(-0.1, 0.5, num=240).reshape(2, 4, 5, 6)
    weights, bias = np.linspace(-0.2, 0.3, num=360).reshape(120, 3), np.linspace(-0.3, 0.1, num=3)
    check_1(
        "two examples of shape (4, 5, 6): the numbers that CS231n publishes",
        affine_forward(images, weights, bias)[0],
        [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]],
        hint="One row per example: x.reshape(len(x), -1).",
        mistakes=[
            (
                images.reshape(120, 2).T @ weights + bias,
                "Your rows mix numbers of both examples: the first axis has to stay the first.",
            )
        ],
    )
    check_1.true(
        "x itself keeps its shape in the cache",
        affine_forward(images, weights, bias)[1][0].shape == (2, 4, 5, 6),
        "Give the flattened x another name: backward needs to know the shape of x.",
    )
    ### BEGIN HIDDEN TESTS
    check_1(
        "one number", affine_forward(np.full((1, 1), 3.0), np.full((1, 1), 2.0), [1.0])[0], [[7]]
    )
    check_1(
        "ones of shape (3, 2, 2)",
        affine_forward(np.ones((3, 2, 2)), np.arange(8.0).reshape(4, 2), np.array([0.5, -1]))[0],
        [[12.5, 15.0]] * 3,
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %% [markdown]
# ## Part 2. The gradient, entry by entry
#
# Somewhere behind the layer a loss $L$ is computed from out. Its gradient with respect to out comes
# in from there, as in every circuit: $\text{dout}_{nm} = \partial L / \partial \text{out}_{nm}$, an
# array of the shape of out. We look for dx, dW and db.
#
# The chain rule needs no matrices. For any one number ask: **who uses it?** Along every use,
# multiply the gradient that comes in by the local derivative. Add up all uses.
#
# One example with $D = 2$ and $M = 3$, in full:
#
# $$\begin{aligned}
# \text{out}_1 &= x_1 W_{11} + x_2 W_{21} + b_1 \\
# \text{out}_2 &= x_1 W_{12} + x_2 W_{22} + b_2 \\
# \text{out}_3 &= x_1 W_{13} + x_2 W_{23} + b_3
# \end{aligned}$$
#
# - $x_1$ is used in all three lines, with the factors $W_{11}, W_{12}, W_{13}$. So
#   $\text{dx}_1 = \text{dout}_1 W_{11} + \text{dout}_2 W_{12} + \text{dout}_3 W_{13}$.
# - $W_{12}$ is used in the second line alone, with the factor $x_1$. So
#   $\text{dW}_{12} = x_1\, \text{dout}_2$.
# - $b_2$ is used in the second line alone, with the factor 1. So $\text{db}_2 = \text{dout}_2$.
#
# With $N$ examples, $x_{nd}$ is used in row $n$ of out only. But $W_{dm}$ and $b_m$ are used **in
# every row**: their gradients are sums over $n$.
#
# ### Exercise 2: three entries (4 points)
#
# Write one entry of each gradient, for $N$ examples, as a sum over the right index. Use a loop or a
# sum over slices such as `W[d, :]`, and no matrix product yet. Indices count from 0, as in Python.


# %% nbgrader={"grade_id": "entries", "solution": true}
def dx_entry(n, d, W, dout):
    """Entry [n, d] of dx.   W (D, M);  dout (N, M).   Returns a number."""
    ### BEGIN SOLUTION
    return np.sum(dout[n, :] * W[d, :])
    ### END SOLUTION


def dW_entry(d, m, x, dout):
    """Entry [d, m] of dW.   x (N, D);  dout (N, M).   Returns a number."""
    ### BEGIN SOLUTION
    return np.sum(x[:, d] * dout[:, m])
    ### END SOLUTION


def db_entry(m, dout):
    """Entry [m] of db.   dout (N, M).   Returns a number."""
    ### BEGIN SOLUTION
    return np.sum(dout[:, m])
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 4}
with exercise(2, "three entries", dx_entry, dW_entry, db_entry, points=4) as check_2:
    x, w = np.array([[2.0, -1.0]]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    dout = np.array([[1.0, 0.0, -2.0]])
    check_2(
        "one example, 2 → 3: dx[0, 0] = 1 · 1 + 0 · 2 - 2 · 3 = -5",
        dx_entry(0, 0, w, dout),
        -5.0,
        mistakes=[
            (1.0, "That is the first of three uses: x[0, 0] goes into all outputs."),
            (-8.0, "These are the weights of the other input: take row d of W."),
            (6.0, "That sums the weights: each has to be multiplied by its dout."),
            (-1.0, "That sums dout: each has to be multiplied by its weight."),
        ],
    )
    check_2(
        "dW[0, 2] = x[0, 0] · dout[0, 2] = -4",
        dW_entry(0, 2, x, dout),
        -4.0,
        mistakes=[
            (2.0, "That is x[0, 1] · dout[0, 2]: W[0, 2] is multiplied by x[0, 0]."),
            (-2.0, "That is dout alone, or x over all d: the local derivative is x[n, d]."),
        ],
    )
    check_2(
        "db[2] = dout[0, 2] = -2",
        db_entry(2, dout),
        -2.0,
        hint="b[2] is used in column 2 of out, with the factor 1.",
    )
    check_2(
        "two examples, the lecture's numbers: dW[0, 0] = 2 · 2 + (-3) · (-8) = 28",
        dW_entry(0, 0, X, DOUT),
        28.0,
        hint="Each example uses W[0, 0]: sum over n.",
        mistakes=[
            (4.0, "That is the first example alone: every example uses W[0, 0]."),
            (14.0, "That is the mean over the examples: uses add up."),
            (6.0, "That is (Σ x)(Σ dout): first multiply, then sum."),
        ],
    )
    check_2(
        "db[0] = 2 - 8 = -6",
        db_entry(0, DOUT),
        -6.0,
        mistakes=[
            (2.0, "That is the first example alone: every example uses b[0]."),
            (-3.0, "That is the mean over the examples: uses add up."),
            (11.0, "That sums a row; column m belongs to b[m]."),
        ],
    )
    check_2(
        "all of dx",
        [[dx_entry(n, d, W, DOUT) for d in range(3)] for n in range(2)],
        [[0, 16, -9], [-24, 9, -30]],
        hint="x[n, d] is used in row n of out alone: sum over m.",
    )
    check_2(
        "all of dW",
        [[dW_entry(d, m, X, DOUT) for m in range(4)] for d in range(3)],
        [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
    )
    ### BEGIN HIDDEN TESTS
    check_2("another dx", dx_entry(2, 1, np.arange(6.0).reshape(3, 2), np.eye(3)[:, :2]), 0.0)
    check_2("another dW", dW_entry(1, 0, np.arange(6.0).reshape(3, 2), np.ones((3, 2))), 9.0)
    check_2("another db", db_entry(1, np.arange(6.0).reshape(3, 2)), 9.0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# `x[n, d]` goes into every output of row `n`, each time with its own weight: take the row
# `dout[n, :]` times the row `W[d, :]`, and `.sum()`. `W[d, m]` is used once in every row: take the
# column `x[:, d]` times the column `dout[:, m]`, and sum. `b[m]` has the local derivative 1.
# </details>

# %% [markdown]
# ## Part 3. Shapes as a guide
#
# Look at your sums: $\text{dx}_{nd} = \sum_m \ldots$ has two free indices and one that is summed
# over. So it is a matrix product. Which one? You need not puzzle over indices. Three facts will do:
#
# 1. **A gradient has the shape of what it is the gradient of.** dx is $(N, D)$, dW is $(D, M)$.
# 2. dx is made of dout $(N, M)$ and $W$ $(D, M)$; dW is made of dout $(N, M)$ and $x$ $(N, D)$.
# 3. A matrix product exists only if the inner lengths agree.
#
# There are eight products of two matrices, if each may be transposed and they may change places.
# For dx write all eight down on paper. How many exist? How many have the shape $(N, D)$? Do the
# same for dW.
#
# ### Exercise 3: the backward pass (4 points)
#
# `x` may be images; then the product needs them flattened, and dx goes back to the shape in which
# `x` came.


# %% nbgrader={"grade_id": "backward", "solution": true}
def affine_backward(dout, cache):
    """The gradients of L.   dout (N, M), the gradient of L with respect to out;  cache: from
    affine_forward.   Returns dx, of the shape of x;  dW (D, M);  db (M,)."""
    x, W = cache
    ### BEGIN SOLUTION
    dx = (dout @ W.T).reshape(x.shape)
    dW = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    ### END SOLUTION
    return dx, dW, db


# %% nbgrader={"grade_id": "check-3", "points": 4}
with exercise(3, "the backward pass", affine_forward, affine_backward, points=4) as check_3:
    dx, dW, db = affine_backward(DOUT, affine_forward(X, W, np.zeros(4))[1])
    check_3(
        "the lecture's numbers: dx",
        dx,
        [[0, 16, -9], [-24, 9, -30]],
        mistakes=[
            ([[0, -24], [16, 9], [-9, -30]], "That is dx transposed: dx has the shape of x.")
        ],
    )
    check_3(
        "dW",
        dW,
        [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
        mistakes=[
            (
                np.array([[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]) / 2,
                "Halved: that is the mean over two examples, and the uses of W add up.",
            ),
            (
                np.array([[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]).T,
                "That is dW transposed: dW has the shape of W.",
            ),
        ],
    )
    check_3(
        "db",
        db,
        [-6, 4, 1, 15],
        mistakes=[
            ([-3, 2, 0.5, 7.5], "Halved: that is the mean over two examples; uses add up."),
            ([[-6, 4, 1, 15]], "One axis too many: db has the shape of b, (4,)."),
            (DOUT, "Every example uses b: sum over them."),
            ([11, 3], "Summed over the outputs: db has one number per output."),
        ],
    )
    check_3.functions(
        "random numbers, 5 examples, 3 → 4",
        affine_forward,
        affine_backward,
        rng.standard_normal((5, 3)),
        rng.standard_normal((3, 4)),
        rng.standard_normal(4),
    )
    check_3.functions(
        "images: 3 examples of shape (2, 2, 3)",
        affine_forward,
        affine_backward,
        rng.standard_normal((3, 2, 2, 3)),
        rng.standard_normal((12, 5)),
        rng.standard_normal(5),
    )
    ### BEGIN HIDDEN TESTS
    check_3.functions(
        "a square case",
        affine_forward,
        affine_backward,
        np.linspace(-1, 1, 9).reshape(3, 3) ** 3,
        np.linspace(-2, 1, 9).reshape(3, 3),
        np.ones(3),
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# affine_forward, affine_backward = borrow(lambda W, b: Affine(*W.shape))

# %% [markdown]
# Here are the eight products for dx, to compare with your paper, for $N = 5$, $D = 3$, $M = 4$:

# %%
dout, w = np.ones((5, 4)), np.ones((3, 4))
forms = {"dout": dout, "doutᵀ": dout.T}, {"W": w, "Wᵀ": w.T}
for lefts, rights in (forms, forms[::-1]):
    for left, a in lefts.items():
        for right, c in rights.items():
            shape = (a @ c).shape if a.shape[1] == c.shape[0] else "does not exist"
            print(f"{left:>5} {right:5} {a.shape} {c.shape}   {shape}")

# %% [markdown]
# Two exist, and each is the transpose of the other. One of them has the shape of $x$.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** Somebody tests a layer with $N = D = M = 4$. Name two wrong formulas for dx that
# now have the right shape. Then name a mistake in db that no shape ever shows, whatever the sizes.
# What finds such mistakes?
#
# ### BEGIN SOLUTION
# With all lengths equal every one of the eight products fits: $\text{dout}\,W$, $W\,\text{dout}$
# and $\text{dout}^T W$ are wrong and have the right shape. A mean over the examples in place of the
# sum has the right shape for all sizes, and so has a wrong sign or factor. A comparison with
# numeric derivatives finds them. And one tests with lengths that all differ.
# ### END SOLUTION

# %% [markdown]
# ## Part 4. The Jacobian, and why nobody forms it
#
# Now the same from above. The layer turns one array into another. The derivative of **every**
# output by **every** input is its Jacobian. For an output of shape $(N, M)$ and an input of shape
# $(N, D)$ it has four axes:
#
# $$J_{nm,\,kd} = \frac{\partial\, \text{out}_{nm}}{\partial\, x_{kd}}$$
#
# and the chain rule for arrays is one sum over all outputs:
#
# $$\text{dx}_{kd} = \sum_{n,m} \text{dout}_{nm}\, J_{nm,\,kd}$$
#
# That always works, for every layer. Let us look at the Jacobian of a small affine layer: $N = 3$
# examples, $D = 4$, $M = 2$. `gradcheck.jacobian` finds it. To show it, we lay the pairs $nm$ out
# as rows and the pairs $kd$ as columns.

# %%
small = Affine(4, 2, rng=0)
J = jacobian(small, rng.standard_normal((3, 4)))
print("out.shape + x.shape =", J.shape)

fig, axes = plt.subplots(
    1, 2, figsize=(10, 3.2), layout="constrained", gridspec_kw={"width_ratios": [5, 2]}
)
limit = abs(J).max()
colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
image = axes[0].imshow(J.reshape(6, 12), **colours)
axes[0].set_xticks(range(12), [f"x[{k},{d}]" for k in range(3) for d in range(4)], rotation=90)
axes[0].set_yticks(range(6), [f"out[{n},{m}]" for n in range(3) for m in range(2)])
axes[0].set_title("the Jacobian: white is 0")
axes[1].imshow(small.params["W"], **colours)
axes[1].set_xticks(range(2), [f"m = {m}" for m in range(2)])
axes[1].set_yticks(range(4), [f"d = {d}" for d in range(4)])
axes[1].set_title("W")
fig.colorbar(image, ax=axes)
plt.show()

# %% [markdown]
# ### Exercise 4: the Jacobian by hand (4 points)
#
# - `affine_jacobian` builds this array from $W$ and $N$, for any sizes. Ask the picture: what
#   stands where $n = k$, and what elsewhere?
# - `jacobian_bytes` says how many bytes it takes, with `itemsize` bytes for one number (4 for
#   float32). Count, and form nothing.


# %% nbgrader={"grade_id": "jacobian", "solution": true}
def affine_jacobian(W, N):
    """∂out/∂x of out = x W + b for N examples.   W (D, M).   Returns an array (N, M, N, D)."""
    D, M = W.shape
    J = np.zeros((N, M, N, D))
    ### BEGIN SOLUTION
    for n in range(N):
        J[n, :, n, :] = W.T
    ### END SOLUTION
    return J


def jacobian_bytes(N, D, M, itemsize):
    """The bytes of that array.   All are whole numbers, and so is what it returns."""
    ### BEGIN SOLUTION
    return N * M * N * D * itemsize
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 4}
with exercise(4, "the Jacobian by hand", affine_jacobian, jacobian_bytes, points=4) as check_4:
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check_4(
        "one example: ∂out_m/∂x_d is W[d, m]",
        affine_jacobian(w, 1)[0, :, 0, :],
        [[1, 4], [2, 5], [3, 6]],
    )
    found = affine_jacobian(w, 2)
    check_4(
        "two examples: the second output row and the second input row, W again",
        found[1, :, 1, :],
        [[1, 4], [2, 5], [3, 6]],
        hint="All examples go through the same layer.",
    )
    check_4(
        "no row of out depends on another row of x",
        [found[0, :, 1, :], found[1, :, 0, :]],
        np.zeros((2, 3, 2)),
        hint="J[n, :, k, :] is 0 where n and k differ.",
    )
    other = Affine(5, 4, rng=1)
    check_4(
        "3 examples, 5 → 4: the same as gradcheck's",
        affine_jacobian(other.params["W"], 3),
        jacobian(other, rng.standard_normal((3, 5))),
        hint="Wᵀ where n = k, for every n, and 0 elsewhere.",
    )
    check_4(
        "the picture's array in float64: 3 · 2 · 3 · 4 · 8 = 576",
        jacobian_bytes(3, 4, 2, 8),
        576,
        hint="One number for each pair of an output and an input: N · M outputs, N · D inputs.",
    )
    check_4(
        "the lecture's layer in float32: 256 · 2³⁰ bytes",
        jacobian_bytes(64, 4096, 4096, 4),
        274877906944,
        atol=0,
        rtol=0,
        mistakes=[
            (64 * 4096 * 4096 * 4, "N counts twice: it stands in out.shape and in x.shape."),
            (4096 * 4096 * 4, "That is W. The Jacobian has N · M outputs and N · D inputs."),
            (2**36, "These are the numbers in it; each takes 4 bytes."),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check_4("four examples", affine_jacobian(w, 4).sum(), 84.0)
    check_4("and their bytes", jacobian_bytes(4, 2, 3, 4), 384)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# A loop over the examples: `for n in range(N)`. Inside, `J[n, :, n, :]` is a block of shape (M, D).
# $\partial\,\text{out}_m / \partial x_d$ is $W_{dm}$, so the block is $W$ or its transpose: the
# shapes tell which. Everything else stays 0. For the bytes, multiply the four lengths and
# `itemsize`.
# </details>

# %% [markdown]
# So this is where the 256 gigabytes went. Of the 64 × 64 blocks of the big Jacobian all but 64 are
# zero, and these 64 are copies of one matrix that we hold already: $W$, transposed. The sum over
# the Jacobian shrinks to $\text{dx} = \text{dout}\, W^T$. **A backward pass is a product with the
# Jacobian that does not form the Jacobian.** This is called a vector-Jacobian product, in short
# vjp. It is true of every layer in this course: write the product, never the matrix.

# %%
layer, x = Affine(512, 256, rng=0), rng.standard_normal((32, 512))
print(jacobian_memory(layer, x))
print("dx, without any of them:", vjp(layer, x, dout=np.ones((32, 256))).shape)

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** The batch is doubled, from $N$ examples to $2N$. By what factor grow: the Jacobian
# of out by $x$; dout and dx; $W$ and dW; the multiplications in $\text{dout}\,W^T$; those in a
# product of dout with the explicit Jacobian?
#
# ### BEGIN SOLUTION
# The Jacobian has $NM \cdot ND$ entries: 4 times. dout and dx: twice. $W$ and dW: not at all.
# $\text{dout}\,W^T$ takes $NMD$ multiplications: twice. The explicit product takes one for each
# entry of the Jacobian: 4 times, nearly all of them with zeros.
# ### END SOLUTION

# %% [markdown]
# ## Part 5. Two layouts
#
# Look up a formula for a derivative by a vector, and you meet it in two forms, one the transpose of
# the other. Neither is wrong. They differ in what comes first:
#
# | layout | axes of $J$ | the chain rule |
# |---|---|---|
# | **numerator** | out.shape + x.shape: $J_{nm,\,kd}$ | $\text{dx} = \text{dout} \cdot J$ |
# | **denominator** | x.shape + out.shape: $J_{kd,\,nm}$ | $\text{dx} = J \cdot \text{dout}$ |
#
# Both hold the same numbers, $\partial \text{out}_{nm} / \partial x_{kd}$. The dot is a sum over
# all axes of out: the first ones of $J$ in numerator layout, the last ones in denominator layout.
# In NumPy, `np.tensordot(a, b, axes=k)` sums over the last `k` axes of `a` and the first `k` axes
# of `b`; with `k = 1` and two matrices that is `a @ b`.
#
# In this homework we used the numerator layout. For one example it reads $J = W^T$; in denominator
# layout, $J = W$. Books: Magnus and Neudecker, *Matrix Differential Calculus*, take the numerator
# layout, Aggarwal, *Linear Algebra and Optimization for Machine Learning*, the denominator layout.
# A gradient that has the shape of $W$ is in denominator layout, and nobody minds the mixture.
# `gradcheck.jacobian` knows both, by its argument `layout`.
#
# ### Exercise 5: from one layout to the other (3 points)
#
# `J.transpose(2, 3, 0, 1)` puts the axes of an array with four of them into that order. Your
# function should do it for any number of axes of out and of x.


# %% nbgrader={"grade_id": "layouts", "solution": true}
def to_denominator(J, k):
    """Changes the layout.   J: in numerator layout, of shape out.shape + x.shape;  k: the number
    of axes of out.   Returns an array of shape x.shape + out.shape."""
    ### BEGIN SOLUTION
    axes = list(range(J.ndim))
    return J.transpose(axes[k:] + axes[:k])
    ### END SOLUTION


def dx_from_numerator(dout, J):
    """dx, of the shape of x, by the chain rule.   dout: of the shape of out;  J: of shape
    out.shape + x.shape."""
    ### BEGIN SOLUTION
    return np.tensordot(dout, J, axes=dout.ndim)
    ### END SOLUTION


def dx_from_denominator(J, dout):
    """The same.   J: of shape x.shape + out.shape;  dout: of the shape of out."""
    ### BEGIN SOLUTION
    return np.tensordot(J, dout, axes=dout.ndim)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 3}
with exercise(
    5, "two layouts", to_denominator, dx_from_numerator, dx_from_denominator, points=3
) as check_5:
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check_5("a vector by a vector: the transpose", to_denominator(w, 1), [[1, 4], [2, 5], [3, 6]])
    layer, x = Affine(3, 4, rng=2), rng.standard_normal((2, 3))
    dout = rng.standard_normal((2, 4))
    J, other = jacobian(layer, x), jacobian(layer, x, layout="denominator")
    check_5(
        "the affine layer's: x.shape + out.shape = (2, 3, 2, 4)",
        to_denominator(J, 2),
        other,
        hint="The first k axes go to the end; among themselves they keep their order.",
        mistakes=[
            (J.T, "That turns round all four axes; each pair has to keep its own order."),
            (J, "Nothing changed: the axes of x come first."),
            (J.reshape(2, 3, 2, 4), "reshape changes the shape but moves no axis: use transpose."),
        ],
    )
    check_5(
        "an image of 3 axes to a vector: (4,) + (2, 3, 5) becomes (2, 3, 5) + (4,)",
        to_denominator(np.arange(120.0).reshape(4, 2, 3, 5), 1),
        np.stack([np.arange(at, at + 30.0).reshape(2, 3, 5) for at in (0, 30, 60, 90)], axis=-1),
        hint="k need not be half of the axes.",
    )
    check_5(
        "dx = dout · J in numerator layout",
        dx_from_numerator(dout, J),
        vjp(layer, x, dout=dout),
        hint="Sum over all axes of out: axes=dout.ndim.",
    )
    check_5(
        "dx = J · dout in denominator layout",
        dx_from_denominator(other, dout),
        vjp(layer, x, dout=dout),
        hint="Sum over all axes of out: axes=dout.ndim.",
    )
    check_5(
        "out with one axis, not two: dx = dout · J",
        dx_from_numerator(np.array([1.0, -1.0]), w),
        [-3, -3, -3],
        hint="How many axes out has, dout knows: dout.ndim.",
    )
    check_5(
        "and dx = J · dout",
        dx_from_denominator(w, np.array([1.0, 0, -1])),
        [-2, -2],
        hint="How many axes out has, dout knows: dout.ndim.",
    )
    ### BEGIN HIDDEN TESTS
    cube = np.arange(24.0).reshape(2, 3, 4)
    check_5("out with three axes", dx_from_numerator(np.ones((2, 3, 4)), cube[..., None]), [276])
    check_5("x with one", dx_from_denominator(cube[None], np.ones((2, 3, 4))), [276])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# `list(range(J.ndim))` numbers the axes; `axes[k:] + axes[:k]` puts the first `k` last, and
# `J.transpose` takes that list. The other two are one call of `np.tensordot` each.
# </details>

# %% [markdown]
# ## Part 6. Sum over what was broadcast
#
# Back to the bias. $b$ was added to every row, so it was used $N$ times, and db is a sum over the
# rows. With two examples and one input and output, as a circuit: $w$ and $b$ fork. Each branch
# brings back a gradient, and in front of the fork stands their sum. (The gradients that come in are
# 1 and 4.)

# %%
fork = Graph()
x1, x2, w1, b1 = (fork.input(name) for name in ("x1", "x2", "w", "b"))
fork.output((x1 * w1 + b1).named("out1"), (x2 * w1 + b1).named("out2"))
fork.draw(2.0, -1.0, 3.0, 0.5, dout=(1.0, 4.0))

# %% [markdown]
# The rule holds for everything that NumPy stretches, in sums, products and whatever else. If $a$
# has shape $(3,)$ or $(4, 1)$ and goes into something of shape $(4, 3)$, every entry of $a$ was
# used several times, and its gradient comes out of the formula with shape $(4, 3)$: one number for
# each use. It has to be summed back to the shape of $a$.
#
# NumPy stretches in two ways, and each has its way back:
#
# - **Axes that were missing are put in front.** $(3,)$ becomes $(1, 3)$. Back: sum over these axes;
#   they go.
# - **Axes of length 1 are repeated.** $(4, 1)$ becomes $(4, 3)$. Back: sum over them and keep the
#   axis, with length 1 (`keepdims=True`).
#
# ### Exercise 6: the way back (4 points)


# %% nbgrader={"grade_id": "broadcast", "solution": true}
def sum_to_shape(grad, shape):
    """Sums over all axes along which an array of this shape was broadcast.   grad: an array of any
    shape to which `shape` can be broadcast;  shape: a tuple.   Returns an array of that shape."""
    ### BEGIN SOLUTION
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 4}
with exercise(6, "the way back", sum_to_shape, points=4) as check_6:
    grad = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check_6(
        "(2, 3) back to (3,), as for a bias: (5, 7, 9)",
        sum_to_shape(grad, (3,)),
        [5, 7, 9],
        mistakes=[
            ([2.5, 3.5, 4.5], "That is the mean: uses add up."),
            ([6, 15], "Summed over the wrong axis: the one put in front is axis 0."),
            ([[5, 7, 9]], "The axis that was put in front has to go."),
        ],
    )
    check_6(
        "(2, 3) back to (2, 1): 6 and 15, in a column",
        sum_to_shape(grad, (2, 1)),
        [[6], [15]],
        mistakes=[([6, 15], "The axis was there, with length 1: keepdims=True.")],
    )
    check_6(
        "(2, 3) back to (1, 3)",
        sum_to_shape(grad, (1, 3)),
        [[5, 7, 9]],
        mistakes=[([5, 7, 9], "The axis was there, with length 1: keepdims=True.")],
    )
    check_6(
        "nothing was stretched: nothing to sum",
        sum_to_shape(grad, (2, 3)),
        grad,
    )
    check_6(
        "(2, 3) back to a number, shape (): 21",
        sum_to_shape(grad, ()),
        21,
        hint="More than one axis may have been put in front.",
    )
    check_6("(2, 3) back to (1, 1): 21, with two axes", sum_to_shape(grad, (1, 1)), [[21]])
    check_6(
        "ones (5, 2, 3, 4) back to (2, 1, 4): each was used 5 · 3 times",
        sum_to_shape(np.ones((5, 2, 3, 4)), (2, 1, 4)),
        np.full((2, 1, 4), 15.0),
        hint="Both ways at once: first the axes in front go, then those of length 1 are summed.",
    )

    def multiply_forward(a, b):
        return a * b, (a, b)

    def multiply_backward(dout, cache):
        a, b = cache
        return sum_to_shape(dout * b, a.shape), sum_to_shape(dout * a, b.shape)

    check_6.functions(
        "a product with it: a (4, 1) times b (3,)",
        multiply_forward,
        multiply_backward,
        rng.standard_normal((4, 1)),
        rng.standard_normal(3),
    )
    ### BEGIN HIDDEN TESTS
    check_6("an axis of 1 in both", sum_to_shape(np.ones((4, 1, 3)), (1, 3)), np.full((1, 3), 4.0))
    check_6("two in front", sum_to_shape(np.ones((5, 2, 3)), (3,)), np.full(3, 10.0))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# First the axes in front: `while grad.ndim > len(shape): grad = grad.sum(axis=0)`. Now both have
# the same number of axes. Then a loop, `for axis, length in enumerate(shape)`: where `length` is
# 1, sum over that axis with `keepdims=True`.
# </details>

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** The loss of a batch is usually the **mean** over its $N$ examples. Yet db and dW
# are **sums** over the examples. Is there a factor $1/N$ missing in the layer? Where is it?
#
# ### BEGIN SOLUTION
# Nothing is missing. The loss divides by $N$, so that its own backward pass puts $1/N$ into the
# gradient it sends back. It is inside dout when it gets to the layer, and the sum over the examples
# of numbers with $1/N$ in them is the mean. A layer that averaged again would divide twice.
# ### END SOLUTION

# %% [markdown]
# ## Part 7. A layer, as a class
#
# A network is a chain of layers, and a solver updates their parameters. For this a layer keeps a
# **contract**, the same for all layers of this library and of the coming homeworks:
#
# - `layer.params` is a dict from names to the arrays that training changes: here `"W"` and `"b"`.
# - `out, cache = layer.forward(x)`. Some layers behave differently in training, so that `forward`
#   also takes `train`, by name; this one need not look at it.
# - `dx, grads = layer.backward(dout, cache)`. `grads` is a dict with the same names, and each
#   gradient has the shape of its parameter.
#
# Nothing of a call is kept on the layer: what backward needs is in the cache. So one layer can be
# used twice in a network, and the calls do not disturb each other.
#
# ### Exercise 7: the layer (4 points)
#
# You may call your two functions. `Layer` is the library's class that gives the rest of the
# contract.


# %% nbgrader={"grade_id": "layer", "solution": true}
class MyAffine(Layer):
    """out = x W + b, with the parameters W (D, M) and b (M,)."""

    def __init__(self, in_features, out_features, rng=None):
        super().__init__()  # makes self.params = {}, among other things
        start = np.random.default_rng(rng).standard_normal((in_features, out_features))
        self.params["W"] = start / np.sqrt(in_features)
        self.params["b"] = np.zeros(out_features)

    def forward(self, x, *, train=True):
        """x (N, D), or (N, d1, …, dk) with d1 · … · dk = D.   Returns out (N, M), and a cache."""
        ### BEGIN SOLUTION
        return affine_forward(x, self.params["W"], self.params["b"])
        ### END SOLUTION

    def backward(self, dout, cache):
        """dout (N, M); cache: from forward.   Returns dx, of the shape of x, and grads, a dict of
        the gradients of "W" (D, M) and "b" (M,)."""
        ### BEGIN SOLUTION
        dx, dW, db = affine_backward(dout, cache)
        return dx, {"W": dW, "b": db}
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 4}
with exercise(7, "the layer", MyAffine, points=4) as check_7:
    layer = MyAffine(3, 4)
    layer.params["W"][...] = W
    layer.params["b"][...] = [10.0, 20.0, 30.0, 40.0]
    given = layer.forward(X)
    check_7.true(
        "forward returns two things",
        given if given is None else isinstance(given, tuple) and len(given) == 2,
        "return out, cache: what backward needs goes into the cache",
    )
    out, cache = given
    check_7(
        "forward uses the layer's own W and b",
        out,
        [[9, 19, 32, 46], [15, 22, 41, 47]],
        mistakes=[([[-1, -1, 2, 6], [5, 2, 11, 7]], "b is missing: self.params['b'].")],
    )
    dx, grads = layer.backward(DOUT, cache)
    check_7("dx, the lecture's numbers", dx, [[0, 16, -9], [-24, 9, -30]])
    check_7.true(
        "grads is a dict with the names of the parameters",
        isinstance(grads, dict) and set(grads) == {"W", "b"},
        'Return dx, {"W": …, "b": …}.',
    )
    check_7(
        "grads['b']",
        grads["b"],
        [-6, 4, 1, 15],
        hint="Is the gradient of exercise 3 right, and are W and b not exchanged?",
    )
    check_7.layer("random numbers", MyAffine(4, 3, rng=0), rng.standard_normal((5, 4)))
    check_7.layer("images", MyAffine(12, 5, rng=1), rng.standard_normal((3, 2, 2, 3)))
    first, second = layer.forward(X), layer.forward(np.zeros((2, 3)))
    check_7(
        "two forward passes, then the backward pass of the first",
        layer.backward(DOUT, first[1])[1]["W"],
        [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
        hint="Keep x in the cache, not on the layer: the second call wrote over it.",
    )
    ### BEGIN HIDDEN TESTS
    check_7.layer("one example", MyAffine(2, 6, rng=2), np.array([[0.5, -2.0]]))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# MyAffine = borrow(Affine)

# %% [markdown]
# A layer that keeps the contract fits into everything else. Here two of yours, with a ReLU between
# them, learn to read handwritten digits: 64 pixels in, 10 scores out. It takes seconds.

# %%
if check_7.verdict in ("right", "borrowed"):
    digits = load_digits()
    net = Sequential(MyAffine(64, 50, rng=0), ReLU(), MyAffine(50, 10, rng=1))
    model = Classifier(net)
    before = model.score(digits.x_test, digits.y_test)
    Solver(model, Adam(lr=2e-3), digits, epochs=10, progress=False).train()
    after = model.score(digits.x_test, digits.y_test)
    print(f"of the test digits it reads {before:.0%} before training, {after:.1%} after")
else:
    print("this network trains when exercise 7 is right")

# %% [markdown]
# ## What to keep
#
# - $\text{out} = x W + b$;  $\text{dx} = \text{dout}\,W^T$,  $\text{dW} = x^T \text{dout}$,  db is
#   dout summed over the examples.
# - For any single number: who uses it? Gradient in times local derivative, summed over all uses.
# - A gradient has the shape of what it is the gradient of. If the lengths differ, one product fits.
#   Shapes say nothing about signs and factors: those a numeric check finds.
# - The Jacobian of a layer is huge and mostly empty. A backward pass is the product with it,
#   without it.
# - Numerator layout: out.shape + x.shape, $\text{dx} = \text{dout} \cdot J$. Denominator layout:
#   x.shape + out.shape, $\text{dx} = J \cdot \text{dout}$. Ask a formula which one it is in.
# - Sum over what was broadcast: axes put in front go, stretched axes keep length 1.
# - A layer has `params`, `forward` and `backward`, and keeps nothing of a call but the cache.
#
# Without something between them, two affine layers are no more than one:
# $(x W_1) W_2 = x (W_1 W_2)$. What stands between them is the subject of the next homework.
