# %% [markdown]
# # 3. Vectors and matrices: the affine layer
#
# So far the wires of our circuits carried numbers. Now they carry arrays, and the most important
# gate of all appears: the **affine layer**, $\text{out} = x W + b$. In the networks of this course
# nearly all parameters sit in such layers.
#
# You will find its backward pass three times: entry by entry, from the shapes alone, and as a
# product with a Jacobian that nobody forms outside of a homework. Then you will read the formulas
# of other people, who write them for columns. This homework takes about two hours; after Part 4 is
# a good place for a break.
#
# ## A number to be afraid of
#
# Take a layer of ordinary size: 64 examples at a time, 4096 numbers in, 4096 out. The derivative of
# every output by every input, written out as one array, is its **Jacobian**. How much memory does
# it take? (The example is from lecture 4 of CS231n, Stanford's course on networks for images.)

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from chainrule.data import load_digits
from chainrule.gradcheck import jacobian, jacobian_memory, jvp, numerical_gradient, vjp
from chainrule.layers import Affine, Layer, ReLU, Tanh
from chainrule.nets import Classifier, Graph, Sequential
from chainrule.nets.circuits import DF, relu_regression, vector_relu
from chainrule.notebooks import borrow, exercise, further, model_answer
from chainrule.solvers import Adam, Solver

rng = np.random.default_rng(3)

print(jacobian_memory((64, 4096), (64, 4096), dtype=np.float32))

# %% [markdown]
# 256 GiB, for one layer and one step of training. No computer you are likely to own has so much
# memory, and yet layers of this size are trained every day, with 2 MiB for the same purpose. Where
# did the rest go? That is the question of this homework.

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
# As a circuit; its values and gradients come when you have computed them. `X` (2, 3), `W` (3, 4)
# and the gradient that comes in, `DOUT` (2, 4), are an example from lecture 4 of CS231n, which the
# checks below use. (A set of lecture notes that circulates prints the second row of `DOUT` as −8,
# 1, 16. The shapes tell that a number was lost: four outputs, three gradients.)

# %%
X = np.array([[2.0, 1.0, -3.0], [-3.0, 4.0, 2.0]])
W = np.array([[3.0, 2.0, 1.0, -1.0], [2.0, 1.0, 3.0, 2.0], [3.0, 2.0, 1.0, -2.0]])
DOUT = np.array([[2.0, 3.0, -3.0, 9.0], [-8.0, 1.0, 4.0, 6.0]])

graph = Graph()
x_node, W_node, b_node = graph.input("x"), graph.input("W"), graph.input("b")
graph.output((x_node @ W_node + b_node).named("out"))
graph.draw()

# %% [markdown]
# ### Exercise 1: the forward pass (3 points)
#
# A layer is a pair of functions. `forward` returns its output and a **cache**: whatever `backward`
# will need. Here that is `x`, in the shape in which it came, and `W`.


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
    out, cache = check_1.returns(affine_forward(X, W, np.zeros(4)), "out", "cache")
    check_1(
        "the lecture's X and W, with b = 0: the matrix product",
        out,
        product,
        hint="rows of x times columns of W",
    )
    out, cache = affine_forward(X, W, b)
    check_1(
        "b is added to every row",
        out,
        [[9, 19, 32, 46], [15, 22, 41, 47]],
        hint="one number of b for each column of out",
        mistakes=[
            (product, "that is x W alone: b is missing"),
            (product - b, "b is subtracted"),
            (product + b.sum(), "the sum of b is added to every entry"),
            (product + np.array([b, 0 * b]), "b is added to the first row alone"),
        ],
    )
    images = np.linspace(-0.1, 0.5, num=240).reshape(2, 4, 5, 6)
    weights, bias = np.linspace(-0.2, 0.3, num=360).reshape(120, 3), np.linspace(-0.3, 0.1, num=3)
    check_1(
        "two examples of shape (4, 5, 6): the numbers that CS231n publishes",
        affine_forward(images, weights, bias)[0],
        [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]],
        hint="each example becomes one row of D numbers",
        mistakes=[
            (images.reshape(2, 120) @ weights, "that is x W alone: b is missing"),
            (
                images.reshape(120, 2).T @ weights + bias,
                "your rows mix numbers of both examples: the first axis has to stay the first",
            ),
        ],
    )
    check_1.true(
        "x itself keeps its shape in the cache",
        affine_forward(images, weights, bias)[1][0].shape == (2, 4, 5, 6),
        why="cache[0] has another shape than x: what is flattened can have another name than x",
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
# Write one entry of each gradient, for $N$ examples, as a sum over the right index. Use a loop, or
# a sum over slices such as `W[d, :]`, or `@` between two such slices, which is a sum, too. Products
# of matrices come later. Indices count from 0, as in Python.


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
    x, w = np.array([[3.0, -7.0]]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    dout = np.array([[1.0, 0.0, -2.0]])
    check_2(
        "one example, 2 → 3: dx[0, 0] = 1 · 1 + 0 · 2 - 2 · 3 = -5",
        dx_entry(0, 0, w, dout),
        -5.0,
        hint="x[0, 0] goes into all three outputs, each time with its own weight",
        mistakes=[
            (1.0, "not all three uses are in it: the sum goes over all M outputs"),
            (-8.0, "these are the weights of the other input, x[0, 1]"),
            (6.0, "that sums the weights: each has to be multiplied by its dout"),
            (-1.0, "that sums dout: each has to be multiplied by its weight"),
            (
                -6.0,
                "that is the last use alone, or (Σ dout)(Σ W): first multiply, then sum all three",
            ),
            (-5 / 3, "that is the mean over the three uses: uses add up"),
        ],
    )
    check_2(
        "dW[0, 2] = x[0, 0] · dout[0, 2] = -6",
        dW_entry(0, 2, x, dout),
        -6.0,
        hint="W[0, 2] is used in column 2 of out, with the factor x[0, 0]",
        mistakes=[
            (14.0, "that is x[0, 1] · dout[0, 2]: W[0, 2] is multiplied by x[0, 0]"),
            (3.0, "that is x[0, 0], or x[0, 0] · dout[0, 0]: W[0, 2] stands in column 2 of out"),
            (8.0, "that sums x over d: W[0, 2] is multiplied by x[0, 0] alone"),
            (-3.0, "that sums dout over m: W[0, 2] stands in column 2 of out alone"),
            (-2.0, "that is dout[0, 2] alone: the local derivative is missing"),
            (
                0.0,
                "as with an empty sum, or with column 1 of dout: n = 0 is the one row, and m is 2",
            ),
        ],
    )
    check_2(
        "db[2] = dout[0, 2] = -2",
        db_entry(2, dout),
        -2.0,
        hint="b[2] is used in column 2 of out, with the factor 1",
        mistakes=[(-1.0, "that sums a row of dout: b[2] stands in column 2 of out alone")],
    )
    check_2(
        "two examples, the lecture's numbers: dW[0, 0] = 2 · 2 + (-3) · (-8) = 28",
        dW_entry(0, 0, X, DOUT),
        28.0,
        hint="each example uses W[0, 0]",
        mistakes=[
            (4.0, "that is the first of the two examples alone: every example uses W[0, 0]"),
            (24.0, "that is the second of the two examples alone: every example uses W[0, 0]"),
            (14.0, "half of it, as the mean over the two examples: uses add up"),
            (6.0, "that is (Σ x)(Σ dout): first multiply, then sum"),
        ],
    )
    check_2(
        "db[0] = 2 - 8 = -6",
        db_entry(0, DOUT),
        -6.0,
        hint="each example uses b[0]",
        mistakes=[
            (2.0, "that is the first of the two examples alone: every example uses b[0]"),
            (-8.0, "that is the second of the two examples alone: every example uses b[0]"),
            (-3.0, "half of it, as the mean over the two examples: uses add up"),
            (11.0, "that sums a row of dout; b[m] stands in column m of out"),
            (14.0, "that sums all of dout; b[m] stands in column m of out alone"),
        ],
    )
    check_2(
        "all of dx",
        [[dx_entry(n, d, W, DOUT) for d in range(3)] for n in range(2)],
        [[0, 16, -9], [-24, 9, -30]],
        hint="x[n, d] is used in row n of out alone, with row d of W",
        mistakes=[
            ([[0, 16, -9], [0, 16, -9]], "both examples get what belongs to the first"),
            (
                [[-24, 25, -39], [-24, 25, -39]],
                "both examples get the sum of both: x[n, d] is used in row n of out alone",
            ),
            ([[0, 0, 0], [9, 9, 9]], "all inputs get the same, as with row n of W for each d"),
        ],
    )
    check_2(
        "all of dW",
        [[dW_entry(d, m, X, DOUT) for m in range(4)] for d in range(3)],
        [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
        hint="W[d, m] is multiplied by x[n, d], and stands in column m of out",
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
# Look at your sums: $\text{dx}_{nd} = \sum_m \ldots$ multiplies entries of two matrices and sums
# over one index; the other two, $n$ and $d$, are free. So it is a matrix product. Which one? You
# need not puzzle over indices. Three facts will do:
#
# 1. **A gradient has the shape of what it is the gradient of.** dx is $(N, D)$, dW is $(D, M)$.
# 2. dx is made of dout $(N, M)$ and $W$ $(D, M)$; dW is made of dout $(N, M)$ and $x$ $(N, D)$.
# 3. A matrix product exists only if the inner lengths agree.
#
# There are eight products of two matrices, if each may be transposed and they may change places.
# Let $N$, $D$ and $M$ be three different numbers, and write all eight for dx down on paper. How
# many exist? How many have the shape $(N, D)$? Do the same for dW.
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
    out, cache = check_3.returns(affine_forward(X, W, np.zeros(4)), "out", "cache")
    dx, dW, db = check_3.returns(affine_backward(DOUT, cache), "dx", "dW", "db")
    check_3(
        "the lecture's numbers: dx",
        dx,
        [[0, 16, -9], [-24, 9, -30]],
        hint="which of the eight products has the shape of x?",
        mistakes=[([[0, -24], [16, 9], [-9, -30]], "that is dx transposed: dx has the shape of x")],
    )
    right = np.array([[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]])
    check_3(
        "dW",
        dW,
        right,
        hint="which of the eight products has the shape of W?",
        mistakes=[
            (right / 2, "half of it, as the mean over the two examples; uses add up"),
            (right.T, "that is dW transposed: dW has the shape of W"),
        ],
    )
    check_3(
        "db",
        db,
        [-6, 4, 1, 15],
        hint="your sum for one entry of db, for all m at once",
        mistakes=[
            ([-3, 2, 0.5, 7.5], "half of it, as the mean over the two examples; uses add up"),
            ([[-6, 4, 1, 15]], "one axis too many: db has the shape of b, (4,)"),
            (DOUT, "that is dout itself: every example uses b, and uses add up"),
            ([2, 2, 2, 2], "that counts the examples: dout, which multiplies the 1, is not in it"),
            ([11, 3], "that sums over the outputs: db has one number for each of them"),
            (14, "that sums over the outputs, too: db has one number for each of them"),
            ([2, 3, -3, 9], "that is the first example alone: every example uses b"),
            ([-8, 1, 4, 6], "that is the last example alone: every example uses b"),
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
# The circuit of Part 1 with what you have computed, the values in green and the gradients in red:

# %%
if check_3.opens("this circuit"):
    display(graph.draw(X, W, np.array([10.0, 20.0, 30.0, 40.0]), dout=DOUT))

# %% [markdown]
# The eight products for dx, to compare with your paper, for $N = 5$, $D = 3$, $M = 4$:

# %%
if check_3.opens("this table"):
    dout, w = np.ones((5, 4)), np.ones((3, 4))
    forms = {"dout": dout, "doutᵀ": dout.T}, {"W": w, "Wᵀ": w.T}
    for lefts, rights in (forms, forms[::-1]):
        for left, a in lefts.items():
            for right, c in rights.items():
                shape = (a @ c).shape if a.shape[1] == c.shape[0] else "does not exist"
                print(f"{left:>5} {right:5} {a.shape} {c.shape}   {shape}")
    print("Two exist, and each is the transpose of the other. One has the shape of x.")

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

# %%
model_answer("3-affine", 1)

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
# That works for every layer that has derivatives. Let us look at the Jacobian of a small affine
# layer: $N = 3$ examples, $D = 4$, $M = 2$. `gradcheck.jacobian` finds it. To show it, we lay the
# pairs $nm$ out as rows and the pairs $kd$ as columns; $W$ stands beside it in the same colours.

# %% jupyter={"source_hidden": true}
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
#   float32). All entries count, also the zeros. Count, and form nothing.


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
        hint="the first axis of this block is m, the second is d",
        mistakes=[
            (np.ones((3, 2)), "there is a 1 where an input is used; its factor is W[d, m]"),
            (w.reshape(3, 2), "that has the shape, but no axis was moved, as by reshape"),
        ],
    )
    found = affine_jacobian(w, 2)
    check_4(
        "two examples: the second output row and the second input row, W again",
        found[1, :, 1, :],
        [[1, 4], [2, 5], [3, 6]],
        hint="all examples go through the same layer",
        mistakes=[(w.reshape(3, 2), "that has the shape, but no axis was moved, as by reshape")],
    )
    check_4(
        "no row of out depends on another row of x",
        [found[0, :, 1, :], found[1, :, 0, :]],
        np.zeros((2, 3, 2)),
        hint="what stands in the picture where n and k differ?",
        mistakes=[([w.T, w.T], "W stands there as well: as if example 0 went into row 1 of out")],
    )
    other = Affine(5, 4, rng=1)
    check_4(
        "3 examples, 5 → 4: the same as gradcheck's",
        affine_jacobian(other.params["W"], 3),
        jacobian(other, rng.standard_normal((3, 5))),
        hint="are the lines above right? If so: more examples than two",
    )
    check_4(
        "the picture's array in float64: 3 · 2 · 3 · 4 · 8 = 576",
        jacobian_bytes(3, 4, 2, 8),
        576,
        hint="one number for each pair of an output and an input",
        mistakes=[
            (72, "that is how many numbers there are; each takes 8 bytes"),
            (1152, "twice as much, as with D twice and M not at all"),
            (288, "half of it, as with M twice and D not at all, or with 4 in place of itemsize"),
            (192, "that has N once; it stands in out.shape and in x.shape, and zeros count, too"),
            (144, "that adds the entries of out and of x: the Jacobian has one for each pair"),
        ],
    )
    check_4(
        "the lecture's layer in float32: 256 · 2³⁰ bytes",
        jacobian_bytes(64, 4096, 4096, 4),
        274877906944,
        atol=0,
        rtol=0,
        hint="one number for each pair of an output and an input",
        mistakes=[
            (
                64 * 4096 * 4096 * 4,
                "that has N once; it stands in out.shape and in x.shape, and zeros count, too",
            ),
            (2**21, "that adds the entries of out and of x: the Jacobian has one for each pair"),
            (256, "that is in GiB; asked is how many bytes"),
            (4096 * 4096 * 4, "that is W. The Jacobian has N · M outputs and N · D inputs"),
            (2**36, "that is how many numbers there are; each takes 4 bytes"),
        ],
    )
    check_4(
        "a set of notes prints D = 4 beside its 256 GB; with D = 4 it is 2²⁸ bytes, 0.25 GiB",
        jacobian_bytes(64, 4, 4096, 4),
        2**28,
        atol=0,
        rtol=0,
        hint="D and M are two numbers, and both count",
        mistakes=[
            (2**38, "that is with D = M = 4096"),
            (2**18, "that is with D = M = 4"),
            (2**26, "that is how many numbers there are; each takes 4 bytes"),
            (2**22, "that has N once; it stands in out.shape and in x.shape, and zeros count, too"),
            (0.25, "that is in GiB; asked is how many bytes"),
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
# So this is where the 256 GiB went. Of the 64 × 64 blocks of the big Jacobian all but 64 are zero,
# and these 64 are copies of one matrix that we hold already. The sum over the Jacobian shrinks to
# the one product that you wrote in exercise 3. **A backward pass is a product with the Jacobian
# that does not form the Jacobian.** This is called a vector-Jacobian product, in short vjp. It is
# true of every layer in this course: write the product, never the matrix.

# %%
layer, x = Affine(512, 256, rng=0), rng.standard_normal((32, 512))
print(jacobian_memory(layer, x))
print("dx, without any of them:", vjp(layer, x, dout=np.ones((32, 256))).shape)

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** The batch is doubled, from $N$ examples to $2N$. By what factor does each of these
# grow: the Jacobian of out by $x$; dout and dx; $W$ and dW; the multiplications in
# $\text{dout}\,W^T$; those in a product of dout with the explicit Jacobian?
#
# ### BEGIN SOLUTION
# The Jacobian has $NM \cdot ND$ entries: 4 times. dout and dx: twice. $W$ and dW: not at all.
# $\text{dout}\,W^T$ takes $NMD$ multiplications: twice. The explicit product takes one for each
# entry of the Jacobian: 4 times, all but one in $2N$ of them with the zeros between different
# examples.
# ### END SOLUTION

# %%
model_answer("3-affine", 2)

# %% [markdown]
# ### What the Jacobian says
#
# A derivative tells how far the output moves when the input moves a little, and so does the
# Jacobian. Let $x$ move by a small $\Delta x$, an array of the shape of $x$. Each input may move
# each output, and the moves add up:
#
# $$\Delta\text{out}_{nm} \approx \sum_{k,d} J_{nm,\,kd}\, \Delta x_{kd}
#   \qquad\text{in short}\qquad \Delta\text{out} \approx J\, \Delta x$$
#
# `J[n, m]` holds the derivatives of one output by all inputs: it is a gradient, and has the shape
# of x. `J[:, :, k, d]` says how all outputs move with one input, and has the shape of out. (A set
# of notes that circulates says the opposite: "each row has the same shape as y, and each column has
# the same shape as x".)
#
# `gradcheck.jvp` gives $J \Delta x$, the Jacobian-vector product, from `forward` and without $J$.
# Here $x$ moves along a direction `v`, by smaller and smaller steps. The network is two affine
# layers with a tanh between them; with an affine layer alone the $\approx$ would be an $=$.

# %%
net = Sequential(Affine(4, 3, rng=0), Tanh(), Affine(3, 2, rng=1))
x, v = np.random.default_rng(4).standard_normal((2, 2, 4))
out, slope = net.forward(x)[0], jvp(net, x, v=v)
print("J v is as jacobian has it:", np.allclose(slope, np.tensordot(jacobian(net, x), v, axes=2)))
for step in (0.1, 0.01, 0.001):
    moved = net.forward(x + step * v)[0] - out
    print(f"step {step:5}: Δout {abs(moved).max():.6f} at most,", end=" ")
    print(f"off from J Δx by {abs(moved - step * slope).max():.0e} at most")

# %% [markdown]
# A step ten times smaller, an error a hundred times smaller: what $J \Delta x$ leaves out is of the
# second order.
#
# So there are two products with $J$, one from each side. **Forward mode** carries a change
# $\Delta x$ from the inputs to the outputs, and tells how all outputs move in one direction:
# $J \Delta x$. **Reverse mode** carries dout from the outputs back to the inputs, and gives the
# derivatives of one number by all inputs: $\text{dout} \cdot J$. A loss is one number, and the
# parameters are many: reverse mode has its gradient in one pass backward, where forward mode takes
# one pass for each parameter.

# %% [markdown]
# ## Part 5. The derivative by W
#
# Lecture notes often guess dW from the shapes. One of them adds: "the first time around we should
# do this rigorously and then see the general pattern of why this intuition works". Let us do so, in
# the way of Part 4.
#
# Begin with one example. The derivative of *one* output by $W$ is a matrix of the shape of $W$,
# $(D, M)$. There are $M$ outputs, so the derivative of out by $W$ is a stack of $M$ matrices: an
# array with three axes, $(M, D, M)$, a **3-D tensor** in the words of the lectures. With $N$
# examples it has four: out.shape + W.shape = $(N, M) + (D, M)$.
#
# $$J_{nm,\,dk} = \frac{\partial\, \text{out}_{nm}}{\partial\, W_{dk}}
#   \qquad\text{with}\qquad \text{out}_{nm} = \sum_{d} x_{nd}\, W_{dm} + b_m$$
#
# Look at the sum on the right. Which entries of $W$ stand in it? What is the factor of each?
#
# One more word. The **outer product** of a vector $a$ with $D$ numbers and a vector $c$ with $M$ is
# the matrix $(D, M)$ of all their products: entry $[d, m]$ is $a_d\, c_m$. In NumPy it is
# `np.outer(a, c)`. (The dot product of two vectors is called their inner product.)
#
# ### Exercise 5: the Jacobian by W (4 points)
#
# - `weight_jacobian` builds that array.
# - `sum_of_outers` is dW once more, without the array: a sum over the examples in which each gives
#   one outer product. Of which two vectors? Take one example, put your entries $J_{nm,\,dk}$ into
#   $\sum_{m} \text{dout}_{nm} J_{nm,\,dk}$, and see what is left.


# %% nbgrader={"grade_id": "weight-jacobian", "solution": true}
def weight_jacobian(x, M):
    """∂out/∂W of out = x W + b.   x (N, D);  M: the number of outputs.   Returns an array
    (N, M, D, M), whose entry [n, m, d, k] is ∂out[n, m]/∂W[d, k]."""
    N, D = x.shape
    J = np.zeros((N, M, D, M))
    ### BEGIN SOLUTION
    for n in range(N):
        for m in range(M):
            J[n, m, :, m] = x[n]
    ### END SOLUTION
    return J


def sum_of_outers(x, dout):
    """dW (D, M) as a sum of outer products, one for each example.   x (N, D);  dout (N, M)."""
    dW = np.zeros((x.shape[1], dout.shape[1]))
    ### BEGIN SOLUTION
    for row, gradient in zip(x, dout, strict=True):
        dW += np.outer(row, gradient)
    ### END SOLUTION
    return dW


# %% nbgrader={"grade_id": "check-5", "points": 4}
with exercise(5, "the Jacobian by W", weight_jacobian, sum_of_outers, points=4) as check_5:
    found = weight_jacobian(np.array([[2.0, -1.0]]), 3)
    everywhere = np.array([[2.0, 2.0, 2.0], [-1.0, -1.0, -1.0]])
    check_5(
        "x = (2, -1) and 3 outputs: ∂out_1/∂W (the outputs are 0, 1 and 2)",
        found[0, 1],
        [[0, 2, 0], [0, -1, 0]],
        hint="column 1 of W holds the weights of output 1",
        mistakes=[
            (everywhere, "x stands in every column: output 1 uses column 1 of W alone"),
            ([[0, 1, 0], [0, 1, 0]], "there is a 1 where a weight is used; its factor is x_d"),
            ([[2, 0, 0], [-1, 0, 0]], "x stands in column 0: that is ∂out_0/∂W"),
            ([[2, 0, 2], [-1, 0, -1]], "x stands in the columns that output 1 does not use"),
        ],
    )
    check_5(
        "∂out_m/∂W_dk for k ≠ m is 0, where a set of notes prints x_d",
        [found[0, 0, :, 1], found[0, 0, :, 2], found[0, 2, :, 0]],
        np.zeros((3, 2)),
        hint="output m does not use column k of W: what if W_dk moves?",
        mistakes=[
            ([[2, -1]] * 3, "x_d, as in the notes; but out_m does not use W_dk"),
            ([[0, 0], [0, 0], [2, -1]], "output 2 does not use column 0 of W, where x stands"),
        ],
    )
    check_5(
        "all of ∂out_2/∂W for the lecture's second example",
        weight_jacobian(X, 4)[1, 2],
        [[0, 0, -3, 0], [0, 0, 4, 0], [0, 0, 2, 0]],
        hint="each example has its own row of x",
        mistakes=[
            ([[0, 0, 2, 0], [0, 0, 1, 0], [0, 0, -3, 0]], "that is x of the first example"),
            ([[0, 0, -1, 0], [0, 0, 5, 0], [0, 0, -1, 0]], "that is the sum of both examples"),
            (
                [[-3] * 4, [4] * 4, [2] * 4],
                "x stands in every column: output 2 uses column 2 of W alone",
            ),
        ],
    )
    layer, x = Affine(5, 4, rng=1), rng.standard_normal((3, 5))
    check_5(
        "3 examples, 5 → 4: the same as gradcheck's",
        weight_jacobian(x, 4),
        jacobian(layer, x, wrt="W"),
        hint="∂out[n, m]/∂W[d, k], for all n, m, d and k",
    )
    check_5(
        "dout · J, summed over all outputs: the lecture's dW",
        np.tensordot(DOUT, weight_jacobian(X, 4), axes=2),
        [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
        hint="is the array itself right?",
    )
    check_5(
        "one example: dW is one outer product",
        sum_of_outers(np.array([[2.0, -1.0]]), np.array([[1.0, 0.0, -2.0]])),
        [[2, 0, -4], [-1, 0, 2]],
        hint="entry [d, m] is a product of one number of x and one of dout",
    )
    right = np.array([[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]])
    check_5(
        "the lecture's two examples: the sum of two",
        sum_of_outers(X, DOUT),
        right,
        hint="every example uses W, and uses add up",
        mistakes=[
            (np.outer(X[0], DOUT[0]), "that is the first example alone: uses add up"),
            (np.outer(X[1], DOUT[1]), "that is the last example alone: uses add up"),
            (right / 2, "half of it, as the mean over the two examples; uses add up"),
            (np.outer(X, DOUT), "np.outer makes vectors of both arrays: one example at a time"),
            (
                np.outer(X.sum(axis=0), DOUT.sum(axis=0)),
                "that is the outer product of the sums: first multiply, then sum",
            ),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check_5("another", weight_jacobian(np.arange(6.0).reshape(2, 3), 2)[1, 0, :, 0], [3, 4, 5])
    check_5("and its sum", weight_jacobian(np.arange(6.0).reshape(2, 3), 2).sum(), 30.0)
    check_5(
        "three outer products",
        sum_of_outers(np.arange(6.0).reshape(3, 2), np.ones((3, 3))),
        [[6, 6, 6], [9, 9, 9]],
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# Two loops, over `n` and over `m`. `J[n, m]` is a matrix (D, M), all zeros but for one column. For
# the other function: in a loop over the examples, `np.outer` of a row of x and a row of dout, in
# the order that gives the shape (D, M).
# </details>

# %% [markdown]
# The array for $N = 2$ examples, $D = 3$ and $M = 4$, laid out as before, with $x$ beside it; and
# how much of it is not 0.

# %% jupyter={"source_hidden": true}
if check_5.opens("this picture"):
    x = np.array([[1.0, -0.4, 0.7], [-0.6, 0.9, 0.3]])
    fig, axes = plt.subplots(
        1, 2, figsize=(10, 3.6), layout="constrained", gridspec_kw={"width_ratios": [6, 2]}
    )
    colours = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
    image = axes[0].imshow(weight_jacobian(x, 4).reshape(8, 12), **colours)
    axes[0].set_xticks(range(12), [f"W[{d},{k}]" for d in range(3) for k in range(4)], rotation=90)
    axes[0].set_yticks(range(8), [f"out[{n},{m}]" for n in range(2) for m in range(4)])
    axes[0].set_title("the Jacobian by W: white is 0")
    axes[1].imshow(x, **colours)
    axes[1].set_xticks(range(3), [f"d = {d}" for d in range(3)])
    axes[1].set_yticks(range(2), [f"n = {n}" for n in range(2)])
    axes[1].set_title("x")
    fig.colorbar(image, ax=axes)
    plt.show()
    for M in (2, 4, 8):
        share = (weight_jacobian(x, M) != 0).mean()
        print(f"with {M} outputs {share} of the entries are not 0: one in {M}")

# %% [markdown]
# For the layer from the beginning, with the shapes of $W$ and of out. (The table is given shapes
# alone, and calls $W$ x.)

# %%
print(jacobian_memory((4096, 4096), (64, 4096), dtype=np.float32))

# %% [markdown]
# 16 TiB against 65 MiB. And the 65 MiB hold no derivative of a single output: 1 MiB is dout, and
# 64 MiB are dW itself, the result. Between them stands one matrix product, that of exercise 3: its
# entry $[d, m]$ is $\sum_n x_{nd}\, \text{dout}_{nm}$. A sum of outer products, a tensor times
# dout, a product of two matrices: three ways to write one sum.

# %% [markdown]
# ## Part 6. Two layouts
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
# For a gradient there is nothing to choose here: $L$ is a number without axes, and dW has the shape
# of $W$ in both. Beware of texts in which everything has to be a matrix: there the numerator layout
# writes the derivative of a number by $W$ transposed, as an $(M, D)$ matrix.
# `gradcheck.jacobian` knows both layouts, by its argument `layout`.
#
# ### Exercise 6: from one layout to the other (3 points)
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


# %% nbgrader={"grade_id": "check-6", "points": 3}
with exercise(
    6, "two layouts", to_denominator, dx_from_numerator, dx_from_denominator, points=3
) as check_6:
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check_6(
        "a vector by a vector: the transpose",
        to_denominator(w, 1),
        [[1, 4], [2, 5], [3, 6]],
        hint="the axes of x come first",
        mistakes=[
            (w, "nothing changed: the axes of x come first"),
            (
                w.reshape(3, 2),
                "that has the shape, but no axis was moved: each row goes on as before",
            ),
        ],
    )
    layer, x = Affine(3, 4, rng=2), rng.standard_normal((2, 3))
    dout = rng.standard_normal((2, 4))
    J, other = jacobian(layer, x), jacobian(layer, x, layout="denominator")
    check_6(
        "the affine layer's: x.shape + out.shape = (2, 3, 2, 4)",
        to_denominator(J, 2),
        other,
        hint="the first k axes go to the end; among themselves they keep their order",
        mistakes=[
            (J.T, "all four axes are turned round; each pair has to keep its own order"),
            (J, "nothing changed: the axes of x come first"),
            (J.reshape(2, 3, 2, 4), "that has the shape, but no axis was moved, as by reshape"),
        ],
    )
    image = np.arange(120.0).reshape(4, 2, 3, 5)
    check_6(
        "an image of 3 axes to a vector: (4,) + (2, 3, 5) becomes (2, 3, 5) + (4,)",
        to_denominator(image, 1),
        np.stack([np.arange(at, at + 30.0).reshape(2, 3, 5) for at in (0, 30, 60, 90)], axis=-1),
        hint="k need not be half of the axes",
        mistakes=[
            (image.reshape(2, 3, 5, 4), "that has the shape, but no axis was moved, as by reshape"),
            (image.transpose(2, 3, 0, 1), "two axes went to the end; out has k = 1"),
            (image.T, "all four axes are turned round; those of x have to keep their order"),
            (image.transpose(3, 0, 1, 2), "one axis of x went to the front; x has three"),
        ],
    )
    check_6(
        "dx = dout · J in numerator layout",
        dx_from_numerator(dout, J),
        vjp(layer, x, dout=dout),
        hint="a sum over all axes of out: how many are they?",
    )
    check_6(
        "dx = J · dout in denominator layout",
        dx_from_denominator(other, dout),
        vjp(layer, x, dout=dout),
        hint="a sum over all axes of out: how many are they?",
    )
    check_6(
        "out with one axis, not two: dx = dout · J",
        dx_from_numerator(np.array([1.0, -1.0]), w),
        [-3, -3, -3],
        hint="how many axes out has, dout knows",
    )
    check_6(
        "out with one axis, not two: dx = J · dout",
        dx_from_denominator(w, np.array([1.0, 0, -1])),
        [-2, -2],
        hint="how many axes out has, dout knows",
    )
    ### BEGIN HIDDEN TESTS
    cube = np.arange(24.0).reshape(2, 3, 4)
    check_6("out with three axes", dx_from_numerator(np.ones((2, 3, 4)), cube[..., None]), [276])
    check_6("x with one", dx_from_denominator(cube[None], np.ones((2, 3, 4))), [276])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# `list(range(J.ndim))` numbers the axes; `axes[k:] + axes[:k]` puts the first `k` last, and
# `J.transpose` takes that list. The other two are one call of `np.tensordot` each.
# </details>

# %% [markdown]
# ## Part 7. A chain of layers, and columns
#
# Two layers in a row, $y = f(x)$ and $z = g(y)$, and all three are vectors. Write $\nabla_x y$ for
# the Jacobian in **denominator** layout, as many lectures do: its shape is (length of x, length of
# y), and its column $i$ is the gradient of $y_i$. What Part 4 called $J\,\Delta x$ reads
# $(\nabla_x y)^T \Delta x$ now. What happens to $z$ when $x$ moves?
#
# $$\Delta y \approx (\nabla_x y)^T \Delta x, \qquad
#   \Delta z \approx (\nabla_y z)^T \Delta y
#   \approx (\nabla_y z)^T (\nabla_x y)^T \Delta x
#   = (\nabla_x y\, \nabla_y z)^T \Delta x$$
#
# But $\Delta z \approx (\nabla_x z)^T \Delta x$ as well, for every small $\Delta x$. So
#
# $$\nabla_x z = \nabla_x y\ \nabla_y z$$
#
# This is the **chain rule for vectors**. In denominator layout the layers stand in the order in
# which they are run, the first on the left and the last on the right. In numerator layout, where
# all is transposed, the order is turned round. Here are three layers, for one example:

# %%
net = Sequential(Affine(4, 3, rng=0), Tanh(), Affine(3, 2, rng=1))
row = np.random.default_rng(5).standard_normal((1, 4))
product, moving = np.eye(4), row
for layer in net.layers:
    out, _ = layer.forward(moving)
    nabla = jacobian(layer, moving, layout="denominator").reshape(moving.size, out.size)
    print(type(layer).__name__, nabla.shape)
    product, moving = product @ nabla, out
whole = jacobian(net, row, layout="denominator").reshape(4, 2)
print("the product is the Jacobian of the whole:", np.allclose(product, whole))

# %% [markdown]
# At the end of a network stands a loss, a number, so that the last factor is a vector:
#
# $$\nabla_x L = \nabla_x y\ \ \nabla_y z\ \ \nabla_z u\ \ \nabla_u L$$
#
# The result is the same, whichever product is taken first. The work is not. From the right, every
# product is a matrix times a vector, and there is **never a product of two matrices**. A product of
# two $D \times D$ matrices takes $D^3$ multiplications, a matrix times a vector $D^2$:

# %%
D = 1000
from_left = D**3 + D**3 + D**2  # matrix · matrix, twice, and then a vector
from_right = 3 * D**2  # matrix · vector, three times
print(f"three layers, {D} numbers wide: {from_left:.1e} multiplications from the left,")
print(f"{from_right:.1e} from the right, {from_left / from_right:.0f} times fewer")

# %% [markdown]
# To start on the right is to start at the loss: that is backpropagation, in reverse mode. (And
# $\text{dout}\,W^T$, is that not a product of two matrices? It is the products for $N$ examples at
# once. For each of them it is a vector times a matrix.)
#
# ### Rows and columns
#
# We write an example as a row, because an array of shape $(N, D)$ holds $N$ of them. Many lectures
# write it as a column. Then the weights stand on the left, in an array of shape $(M, D)$:
#
# | | rows: this course | columns: many lectures |
# |---|---|---|
# | $W$ | $(D, M)$ | $(M, D)$ |
# | the layer | $\text{out} = x\,W + b$ | $y = W x + b$ |
# | back to $x$ | $\text{dx} = \text{dout}\,W^T$ | $dx = W^T\, dy$ |
# | back to $W$ | $\text{dW} = x^T\, \text{dout}$ | $dW = dy\, x^T$ |
# | one example, denominator layout | $\nabla_x (x W) = W$ | $\nabla_x (W x) = W^T$ |
#
# Transpose what stands in the middle and you get what stands on the right, for
# $(x W)^T = W^T x^T$, and their $W$ is our $W^T$. The last line alone holds the same matrix,
# $(D, M)$, in both. With $N$ examples as the columns of $X$ the formulas on the right stay as they
# are, but $b$ has to be a column, and db is a sum over the columns.
#
# One sign more, which such notes use: $\odot$ multiplies entry by entry,
# $(a \odot c)_i = a_i c_i$. It is called the Hadamard product. In NumPy it is `*`.
#
# ### Exercise 7: from columns to rows (4 points)
#
# A lecture takes one example as a column $x$, a layer with a ReLU and a squared error:
#
# $$c = W x, \qquad a = c + b, \qquad h = \text{ReLU}(a), \qquad \ell = \sum_i (h_i - y_i)^2$$
#
# and goes back through it. ($I(a > 0)$ is 1 where $a$ is positive, and 0 elsewhere.)
#
# $$\frac{\partial \ell}{\partial h} = 2 (h - y), \qquad
#   \frac{\partial \ell}{\partial a} = I(a > 0) \odot \frac{\partial \ell}{\partial h}, \qquad
#   \frac{\partial \ell}{\partial c} = \frac{\partial \ell}{\partial b}
#   = \frac{\partial \ell}{\partial a}$$
#
# $$\frac{\partial \ell}{\partial x} = W^T \frac{\partial \ell}{\partial c}, \qquad
#   \frac{\partial \ell}{\partial W} = \frac{\partial \ell}{\partial c}\, x^T$$
#
# Write it for rows, and for $N$ examples at once. `relu_backward` is the step with the $\odot$. A
# ReLU works entry by entry, as many activations do: the Jacobian of such a layer is diagonal, and
# the product with it is one `*`.


# %% nbgrader={"grade_id": "regression", "solution": true}
def relu_backward(dout, a):
    """The gradient of L with respect to a, for out = ReLU(a).   dout: the gradient with respect to
    out, which is left as it is;  both arrays, and the result, have the shape of a."""
    ### BEGIN SOLUTION
    return (a > 0) * dout
    ### END SOLUTION


def regression(x, W, b, y):
    """The loss Σ (ReLU(x W + b) - y)², summed over all entries, and its gradients.   x (N, D);
    W (D, M);  b (M,);  y (N, M).   Returns loss, dx (N, D), dW (D, M), db (M,)."""
    ### BEGIN SOLUTION
    a, cache = affine_forward(x, W, b)
    h = np.maximum(a, 0)
    loss = np.sum((h - y) ** 2)
    dx, dW, db = affine_backward(relu_backward(2 * (h - y), a), cache)
    return loss, dx, dW, db
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 4}
with exercise(7, "from columns to rows", relu_backward, regression, points=4) as check_7:
    at, dout = np.array([1.0, -2.0, 3.0, -1.0]), np.array([4.0, -1.0, 5.0, 9.0])
    back = relu_backward(dout, at)
    check_7(
        "ReLU at (1, -2, 3, -1): dout = (4, -1, 5, 9) becomes (4, 0, 5, 0)",
        back,
        [4, 0, 5, 0],
        hint="which entries of a did the ReLU let through?",
        mistakes=[
            (
                [4, -1, 5, 9],
                "dout is unchanged, as after the identity matrix that a set of notes prints here; "
                "the Jacobian is diag(1, 0, 1, 0)",
            ),
            ([1, 0, 1, 0], "that is the diagonal of the Jacobian: dout is missing"),
            ([4, 0, 5, 9], "that is ReLU of dout; the question is where a is positive"),
            ([1, 0, 3, 0], "that is ReLU of a, the forward pass"),
            ([0, -1, 0, 9], "that lets through what the ReLU stopped"),
            ([4, 0, 15, 0], "that is dout times ReLU(a); the slope of a ReLU is 1 where a > 0"),
        ],
    )
    check_7.true(
        "dout itself is as it was",
        back is not None and np.array_equal(dout, [4, -1, 5, 9]),
        why="relu_backward wrote into dout, which somebody else may still need",
    )
    check_7(
        "at a = 0, the kink, I(a > 0) is 0",
        relu_backward(np.array([2.0, -3.0, 4.0]), np.array([0.0, 1.0, -1.0])),
        [0, -3, 0],
        hint="what is I(a > 0) at 0?",
        mistakes=[
            ([2, -3, 0], "the entry at 0 lets dout through"),
            ([2, -3, 4], "dout is unchanged; a is not positive at 0 and at −1"),
            ([2, 0, 4], "that is ReLU of dout; the question is where a is positive"),
        ],
    )
    x, w = np.array([[2.0, 1.0]]), np.array([[1.0, 3.0], [-2.0, 1.0]])
    b, y = np.array([-1.0, 0.0]), np.array([[1.0, 5.0]])
    loss, dx, dW, db = check_7.returns(regression(x, w, b, y), "loss", "dx", "dW", "db")
    check_7(
        "x = (2, 1), a = (-1, 7), y = (1, 5): the loss is (0 - 1)² + (7 - 5)² = 5",
        loss,
        5.0,
        hint="h is (0, 7)",
        mistakes=[
            (8.0, "that is Σ (a - y)²: the ReLU is missing"),
            (2.5, "half of it, as a mean over the two outputs"),
            (3.0, "that is Σ |h - y|: the square is missing"),
            (1.0, "that is (Σ (h - y))², or the first output alone: square each, then sum"),
        ],
    )
    check_7(
        "dx, one row: the first unit is off and sends nothing",
        dx,
        [[12, 4]],
        hint="∂ℓ/∂h, then ∂ℓ/∂a, then ∂ℓ/∂x, each in the shape of what it belongs to",
        mistakes=[
            (
                [[10, 8]],
                "the unit that is off sends its gradient as well, as without relu_backward",
            ),
            ([[-8, 4]], "that is ∂ℓ/∂c times W: with rows, it is W transposed"),
            ([[6, 2]], "half of it, as without the 2 of the square, or with a mean"),
            ([[8, 12]], "the ReLU is missing, forward and backward"),
            ([12, 4], "the numbers are right, but x is one row: (1, 2)"),
            ([[0, 8], [0, 4]], "that is dW: the order is loss, dx, dW, db"),
        ],
    )
    check_7(
        "dW (D, M)",
        dW,
        [[0, 8], [0, 4]],
        hint="column m holds the weights of output m",
        mistakes=[
            ([[0, 0], [8, 4]], "that is dW for columns, (M, D): here W is (D, M)"),
            (
                [[-4, 8], [-2, 4]],
                "the unit that is off gets a gradient, as without relu_backward",
            ),
            ([[0, 4], [0, 2]], "half of it, as without the 2 of the square, or with a mean"),
            ([[-8, 8], [-4, 4]], "the ReLU is missing, forward and backward"),
            ([[12, 4]], "that is dx: the order is loss, dx, dW, db"),
        ],
    )
    check_7(
        "db",
        db,
        [0, 4],
        hint="∂ℓ/∂b is ∂ℓ/∂a, and every example uses b",
        mistakes=[
            ([-2, 4], "the unit that is off gets a gradient, as without relu_backward"),
            ([0, 2], "half of it, as without the 2 of the square, or with a mean"),
            ([-4, 4], "the ReLU is missing, forward and backward"),
            ([[0, 4]], "one axis too many: db has the shape of b, (2,)"),
        ],
    )
    x, w, b, y = (rng.standard_normal(shape) for shape in ((5, 4), (4, 3), (3,), (5, 3)))

    def losses():
        return ((np.maximum(x @ w + b, 0) - y) ** 2).sum()

    loss, *found = check_7.returns(regression(x, w, b, y), "loss", "dx", "dW", "db")
    squares = (np.maximum(x @ w + b, 0) - y) ** 2
    check_7(
        "5 random examples, 4 → 3: the loss",
        loss,
        losses(),
        hint="Σ (h - y)², over all outputs of all examples",
        mistakes=[
            (squares.mean(), "that is the mean over all entries: here the loss is their sum"),
            (squares.sum() / 5, "that is the mean over the examples: here the loss is the sum"),
            (((x @ w + b - y) ** 2).sum(), "that is Σ (a - y)²: the ReLU is missing"),
        ],
    )
    for name, gradient, array in zip(("dx", "dW", "db"), found, (x, w, b), strict=True):
        check_7(
            f"{name}, against numeric derivatives",
            gradient,
            numerical_gradient(losses, array),
            hint="are the lines above right? If so: more examples, and other units that are off",
        )
    ### BEGIN HIDDEN TESTS
    check_7("a ReLU of images", relu_backward(np.ones((1, 2, 2)), np.eye(2)[None]), [np.eye(2)])
    found = regression(np.ones((2, 3)), np.full((3, 1), 0.5), np.zeros(1), np.array([[1.0], [3.0]]))
    check_7("another loss", found[0], 2.5)
    check_7("another dW", found[2], [[-2.0]] * 3)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# You have the affine layer, forward and backward, from exercises 1 and 3: call them. Between them
# stand $h$, the loss, and $2 (h - y)$ on its way through `relu_backward`. A comparison such as
# `a > 0` gives an array of True and False, which multiplies as 1 and 0.
# </details>

# %% [markdown]
# Two examples of the check as circuits: the ReLU alone, and $x = (2, 1)$ in the lecture's columns.

# %%
if check_7.opens("this picture"):
    circuit, inputs = vector_relu()
    display(circuit.draw(*inputs, dout=DF))
    circuit, inputs = relu_regression()
    display(circuit.draw(*inputs))

# %% [markdown]
# ## Part 8. Sum over what was broadcast
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
# A batch norm for images has one scale for each of $C$ channels. Laid out as $(C, 1, 1)$, it
# multiplies an array of shape $(N, C, H, W)$. It is stretched along $N$, $H$ and $W$, and not along
# $C$.
#
# ### Exercise 8: the way back (4 points)
#
# Write `sum_to_shape`, which takes both ways back at once, for arrays with any number of axes.


# %% nbgrader={"grade_id": "broadcast", "solution": true}
def sum_to_shape(grad, shape):
    """Sums grad over all axes along which an array of shape `shape` was broadcast.   grad: an array
    of any shape to which `shape` can be broadcast;  shape: a tuple, which may be ().   Returns an
    array of shape `shape`, and for () a number."""
    ### BEGIN SOLUTION
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 4}
with exercise(8, "the way back", sum_to_shape, points=4) as check_8:
    grad = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check_8(
        "(2, 3) back to (3,), as for a bias: (5, 7, 9)",
        sum_to_shape(grad, (3,)),
        [5, 7, 9],
        hint="an axis was put in front: which number has it?",
        mistakes=[
            ([2.5, 3.5, 4.5], "that is the mean: uses add up"),
            ([6, 15], "that sums along the rows, axis 1; the axis put in front is axis 0"),
            ([[5, 7, 9]], "the axis that was put in front has to go"),
            (21, "everything is summed; b has three numbers"),
            ([21, 21, 21], "everything is summed, and put into every place"),
            ([1, 2, 3], "that is the first row alone: uses add up"),
            ([4, 5, 6], "that is the last row alone: uses add up"),
            (grad, "nothing is summed; each number of b was used twice"),
        ],
    )
    check_8(
        "(2, 3) back to (2, 1): 6 and 15, in a column",
        sum_to_shape(grad, (2, 1)),
        [[6], [15]],
        hint="an axis of length 1 was repeated, and stays",
        mistakes=[
            ([6, 15], "the axis was there, with length 1, and has to stay: keepdims"),
            ([[5, 7, 9]], "that sums over axis 0; the axis of length 1 is axis 1"),
            ([[2], [5]], "that is the mean, or one use alone: uses add up"),
            (grad, "nothing is summed; each number was used three times"),
        ],
    )
    check_8(
        "(2, 3) back to (1, 3)",
        sum_to_shape(grad, (1, 3)),
        [[5, 7, 9]],
        hint="an axis of length 1 was repeated, and stays",
        mistakes=[
            ([5, 7, 9], "the axis was there, with length 1, and has to stay: keepdims"),
            ([[6], [15]], "that sums over axis 1; the axis of length 1 is axis 0"),
            ([[2.5, 3.5, 4.5]], "that is the mean: uses add up"),
            (grad, "nothing is summed; each number was used twice"),
        ],
    )
    check_8(
        "nothing was stretched: nothing to sum",
        sum_to_shape(grad, (2, 3)),
        grad,
        hint="both shapes are the same",
        mistakes=[
            ([5, 7, 9], "axis 0 is summed, though no axis was put in front"),
            ([[5, 7, 9]], "axis 0 is summed, though its length was not 1"),
            ([[6], [15]], "axis 1 is summed, though its length was not 1"),
        ],
    )
    check_8(
        "(2, 3) back to a number, shape (): 21",
        sum_to_shape(grad, ()),
        21,
        hint="more than one axis may have been put in front",
        mistakes=[
            ([5, 7, 9], "one axis in front is gone; two were put there"),
            ([[6], [15]], "one axis is summed; two were put in front, and both have to go"),
            ([[21]], "both axes were put in front, and have to go"),
            (3.5, "that is the mean: uses add up"),
        ],
    )
    check_8(
        "(2, 3) back to (1, 1): 21, with two axes",
        sum_to_shape(grad, (1, 1)),
        [[21]],
        hint="more than one axis may have length 1",
        mistakes=[
            ([[5, 7, 9]], "the second axis has length 1, too"),
            ([[6], [15]], "the first axis has length 1, too"),
            (21, "both axes were there, with length 1, and have to stay: keepdims"),
            (grad, "nothing is summed; the one number was used six times"),
            ([[3.5]], "that is the mean: uses add up"),
        ],
    )
    check_8(
        "ones (5, 2, 3, 4) back to (2, 1, 4): each was used 5 · 3 times",
        sum_to_shape(np.ones((5, 2, 3, 4)), (2, 1, 4)),
        np.full((2, 1, 4), 15.0),
        hint="both ways at once: axes in front, and an axis of length 1",
        mistakes=[
            (np.full((2, 3, 4), 5.0), "the axis in front is summed, that of length 1 is not"),
            (
                np.full((2, 1, 4), 5.0),
                "the axis in front is summed; along that of length 1 it is the mean, or one use",
            ),
            (np.full((2, 1, 4), 1.0), "that is the mean, or one use alone: uses add up"),
        ],
    )
    check_8(
        "ones (2, 3, 4, 5) = (N, C, H, W) back to (3, 1, 1): 2 · 4 · 5 each, and C stays",
        sum_to_shape(np.ones((2, 3, 4, 5)), (3, 1, 1)),
        np.full((3, 1, 1), 40.0),
        hint="along which of N, C, H and W was it stretched?",
        mistakes=[
            (np.full((3, 1, 1), 120.0), "C is summed, too: each number was used 2 · 4 · 5 times"),
            ([[[120.0]]], "C is summed, too; there is one number for each channel"),
            (np.full((3, 4, 5), 2.0), "N is summed; H and W are not"),
            (
                np.full((3, 1, 1), 2.0),
                "N is summed; along H and W it is the mean, or one use alone",
            ),
            (np.full((3, 1, 1), 1.0), "that is the mean, or one use alone: uses add up"),
        ],
    )

    a, b, dout = (rng.standard_normal(shape) for shape in ((4, 1), (3,), (4, 3)))
    check_8(
        "out = a · b, with a (4, 1) and b (3,): dout · b goes back to a",
        sum_to_shape(dout * b, a.shape),
        numerical_gradient(lambda: a * b, a, dout),
        hint="what the lines above say",
    )
    check_8(
        "and dout · a to b",
        sum_to_shape(dout * a, b.shape),
        numerical_gradient(lambda: a * b, b, dout),
        hint="what the lines above say",
    )
    ### BEGIN HIDDEN TESTS
    check_8("an axis of 1 in both", sum_to_shape(np.ones((4, 1, 3)), (1, 3)), np.full((1, 3), 4.0))
    check_8("two in front", sum_to_shape(np.ones((5, 2, 3)), (3,)), np.full(3, 10.0))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_8.require()
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

# %%
model_answer("3-affine", 3)

# %% [markdown]
# ## Part 9. A layer, as a class
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
# ### Exercise 9: the layer (4 points)
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


# %% nbgrader={"grade_id": "check-9", "points": 4}
with exercise(9, "the layer", MyAffine, points=4) as check_9:
    layer = MyAffine(3, 4)
    layer.params["W"][...] = W
    layer.params["b"][...] = [10.0, 20.0, 30.0, 40.0]
    out, cache = check_9.returns(layer.forward(X), "out", "cache")
    check_9(
        "forward uses the layer's own W and b",
        out,
        [[9, 19, 32, 46], [15, 22, 41, 47]],
        hint="the layer's own arrays are self.params['W'] and self.params['b']",
        mistakes=[([[-1, -1, 2, 6], [5, 2, 11, 7]], "that is x W alone: b is missing")],
    )
    dx, grads = check_9.returns(layer.backward(DOUT, cache), "dx", "grads")
    check_9("dx, the lecture's numbers", dx, [[0, 16, -9], [-24, 9, -30]], hint="exercise 3")
    named = isinstance(grads, dict) and set(grads) == {"W", "b"}
    check_9.true(
        "grads is a dict with the names of the parameters",
        named,
        why='grads has to be a dict with the keys "W" and "b"',
    )
    right = [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]
    if named:
        check_9(
            "grads['b']",
            grads["b"],
            [-6, 4, 1, 15],
            hint="exercise 3",
            mistakes=[
                ([-3, 2, 0.5, 7.5], "half of it, as the mean over the two examples; uses add up"),
                (right, "that is the gradient of W"),
                ([[0, 16, -9], [-24, 9, -30]], "that is dx"),
            ],
        )
    check_9.layer("random numbers", MyAffine(4, 3, rng=0), rng.standard_normal((5, 4)))
    check_9.layer("images", MyAffine(12, 5, rng=1), rng.standard_normal((3, 2, 2, 3)))
    _, kept = check_9.returns(layer.forward(X), "out", "cache")
    layer.forward(np.zeros((2, 3)))
    _, grads = check_9.returns(layer.backward(DOUT, kept), "dx", "grads")
    if named:
        check_9(
            "two forward passes, then the backward pass of the first",
            grads["W"],
            right,
            hint="the second forward came before this backward: where is the first x kept?",
            mistakes=[
                (
                    np.zeros((3, 4)),
                    "all of it is 0, as for the x of the second call: where is the first x kept?",
                ),
                (np.divide(right, 2), "half of it, as the mean over the examples; uses add up"),
                ([-6, 4, 1, 15], "that is the gradient of b"),
            ],
        )
    ### BEGIN HIDDEN TESTS
    check_9.layer("one example", MyAffine(2, 6, rng=2), np.array([[0.5, -2.0]]))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_9.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# MyAffine = borrow(Affine)

# %% [markdown]
# A layer that keeps the contract fits into everything else. Here two of yours, with a ReLU between
# them, learn to read handwritten digits: 64 pixels in, 10 scores out. It takes seconds.

# %%
if check_9.opens("this network"):
    digits = load_digits()
    net = Sequential(MyAffine(64, 50, rng=0), ReLU(), MyAffine(50, 10, rng=1))
    model = Classifier(net)
    before = model.score(digits.x_test, digits.y_test)
    Solver(model, Adam(lr=2e-3), digits, epochs=10, progress=False).train()
    after = model.score(digits.x_test, digits.y_test)
    print(f"of the test digits it reads {before:.0%} before training, {after:.1%} after")

# %% [markdown]
# ## Go further
#
# Two exercises for those who want more. They give no points.
#
# ### Go further 1: forward mode, by hand
#
# `gradcheck.jvp` watches how `forward` moves. One can also derive the move, layer by layer, and
# carry it along with the values: that is forward mode proper. Let $x$, $W$ and $b$ all move, by
# small arrays `vx`, `vW` and `vb` of their shapes. By how much does $x W + b$ move, to the first
# order? And a ReLU? (Multiply $(x + v_x)(W + v_W)$ out: one of the terms is a product of two small
# arrays, and falls away.)
#
# The checks also put forward and reverse mode side by side. Both make the same number,
# $\text{dout} \cdot J v$: you may multiply $J$ with $v$ first, or with dout. A backward pass can be
# tested with that, and this is called the dot-product test.


# %% nbgrader={"grade_id": "further-1", "solution": true}
def affine_jvp(x, W, b, vx, vW, vb):
    """By how much x W + b moves, to the first order, when x, W and b move by vx, vW and vb.
    x, vx (N, D);  W, vW (D, M);  b, vb (M,).   Returns an array (N, M)."""
    ### BEGIN SOLUTION
    return vx @ W + x @ vW + vb
    ### END SOLUTION


def relu_jvp(a, va):
    """By how much ReLU(a) moves, to the first order, when a moves by va, an array of its shape."""
    ### BEGIN SOLUTION
    return (a > 0) * va
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "forward mode, by hand", affine_jvp, relu_jvp) as go_1:
    first, second = Affine(4, 3, rng=5), Affine(3, 2, rng=6)
    x, vx, dout = (rng.standard_normal(shape) for shape in ((5, 4), (5, 4), (5, 2)))
    w, b = first.params["W"], first.params["b"]
    b[...] = rng.standard_normal(3)
    vw, vb = rng.standard_normal(w.shape), rng.standard_normal(b.shape)
    still = np.zeros_like(w), np.zeros_like(b)
    go_1(
        "x alone moves",
        affine_jvp(x, w, b, vx, *still),
        jvp(first, x, v=vx),
        hint="b does not depend on x",
        mistakes=[(vx @ w + b, "b is added; but b does not move")],
    )
    go_1(
        "W alone moves",
        affine_jvp(x, w, b, np.zeros_like(x), vw, still[1]),
        jvp(first, x, v=vw, wrt="W"),
        hint="which term of the product holds vW once, and no vx?",
    )
    go_1(
        "b alone moves: every row by vb",
        affine_jvp(x, w, b, np.zeros_like(x), still[0], vb),
        np.tile(vb, (5, 1)),
        hint="b is added to every row",
    )
    moves = vx @ w + x @ vw + vb
    go_1(
        "all three move",
        affine_jvp(x, w, b, vx, vw, vb),
        moves,
        hint="the moves of the first order add up",
        mistakes=[
            (moves + vx @ vw, "vx vW is in it: that is of the second order"),
            (moves + b, "b is added; but b moves by vb"),
            (moves - vb, "the move of b is missing"),
            (moves - vb + b, "b is added in place of vb, its move"),
        ],
    )
    go_1(
        "a ReLU at (1, -2, 3), which moves by (4, -1, -5)",
        relu_jvp(np.array([1.0, -2, 3]), np.array([4.0, -1, -5])),
        [4, 0, -5],
        hint="to the first order a ReLU is a line on each side of its kink",
        mistakes=[
            ([4, 0, 0], "that is ReLU of the move"),
            ([4, 0, -3], "that is the whole move, across the kink; asked is the first order"),
        ],
    )
    net = Sequential(first, ReLU(), second)
    a = first.forward(x)[0]
    va = relu_jvp(a, affine_jvp(x, w, b, vx, *still))
    w2, b2 = second.params["W"], second.params["b"]
    out_moves = affine_jvp(np.maximum(a, 0), w2, b2, va, np.zeros_like(w2), np.zeros_like(b2))
    go_1("a whole network, layer by layer", out_moves, jvp(net, x, v=vx), hint="the parts before")
    go_1(
        "the dot-product test: dout · (J v) = (dout · J) · v",
        np.sum(dout * out_moves),
        np.sum(vjp(net, x, dout=dout) * vx),
        hint="the parts before",
    )

# %% [markdown]
# ### Go further 2: many affine layers are one
#
# A lecture stacks $N$ layers without anything between them, $h_1 = W_1 x + b_1$,
# $h_2 = W_2 h_1 + b_2$, …, and finds that they are one layer, $W x + b$, with
#
# $$W = W_N \cdots W_2 W_1, \qquad
#   b = b_N + W_N b_{N-1} + \cdots + W_N \cdots W_3 b_2 + W_N \cdots W_2 b_1$$
#
# That is for columns. Find $W$ and $b$ for our rows, for any number of layers.
#
# Then ask what the stack costs. To send one example through an affine layer takes $D M$
# multiplications; to add $b$ takes none. How many for the whole stack, in one number, and how many
# for the one layer in its place?


# %% nbgrader={"grade_id": "further-2", "solution": true}
def collapse(Ws, bs):
    """The one layer in the place of many.   Ws, bs: lists of their arrays W (D, M) and b (M,), the
    first layer first.   Returns W and b of out = x W + b."""
    ### BEGIN SOLUTION
    W, b = Ws[0], bs[0]
    for next_W, next_b in zip(Ws[1:], bs[1:], strict=True):
        W, b = W @ next_W, b @ next_W + next_b
    return W, b
    ### END SOLUTION


def multiplications(Ws):
    """How many one example takes, layer by layer.   Ws: as in collapse.   Returns one number, for
    all layers together."""
    ### BEGIN SOLUTION
    return sum(W.size for W in Ws)
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "many affine layers are one", collapse, multiplications) as go_2:
    ones, twos = np.ones((1, 1)), np.full((1, 1), 2.0)
    w, b = go_2.returns(collapse([twos, twos], [np.ones(1), np.ones(1)]), "W", "b")
    go_2(
        "2x + 1, and the same again: 4x + 3",
        [w[0, 0], b[0]],
        [4, 3],
        hint="2(2x + 1) + 1",
        mistakes=[
            ([4, 1], "one b alone is in it; the first goes through the second layer"),
            ([4, 2], "that is the sum of both b; the first goes through the second layer"),
        ],
    )
    layers = [Affine(d, m, rng=seed) for seed, (d, m) in enumerate([(3, 5), (5, 2), (2, 4)])]
    for layer in layers:
        layer.params["b"][...] = rng.standard_normal(layer.params["b"].shape)
    x = rng.standard_normal((6, 3))
    w, b = collapse([one.params["W"] for one in layers], [one.params["b"] for one in layers])
    go_2.true(
        "3 → 5 → 2 → 4 becomes 3 → 4",
        w.shape == (3, 4) and b.shape == (4,),
        why=f"W has the shape {w.shape} and b {b.shape}; expected (3, 4) and (4,)",
    )
    go_2(
        "the same outputs as the three layers",
        x @ w + b,
        Sequential(*layers).forward(x)[0],
        hint="b of the first layer goes through all layers after it",
        mistakes=[(x @ w + layers[-1].params["b"], "only the last b is in it")],
    )
    go_2("one layer stays what it is", collapse([twos], [np.ones(1)])[0], twos)
    wide = [np.zeros((64, 1000)), np.zeros((1000, 10))]
    go_2(
        "64 → 1000 → 10: layer by layer 74,000 multiplications",
        multiplications(wide),
        74000,
        hint="one multiplication for each entry of W",
    )
    go_2(
        "and 640 for the one layer in their place",
        multiplications([collapse(wide, [np.zeros(1000), np.zeros(10)])[0]]),
        640,
        hint="one multiplication for each entry of W",
    )
    narrow = [np.zeros((1000, 2)), np.zeros((2, 1000))]
    go_2(
        "but 1000 → 2 → 1000: 4000 layer by layer, where the one takes a million",
        multiplications(narrow),
        4000,
        hint="one multiplication for each entry of W",
    )

# %% [markdown]
# So such a stack can do no more than one layer, though it may take fewer multiplications if it is
# narrow in the middle. To do more, it needs something between the layers that is not linear. With a
# ReLU there, two layers make $|x| = \text{ReLU}(x) + \text{ReLU}(-x)$, which no affine layer is.

# %% [markdown]
# ## What to keep
#
# - $\text{out} = x W + b$;  $\text{dx} = \text{dout}\,W^T$,  $\text{dW} = x^T \text{dout}$,  db is
#   dout summed over the examples.
# - For any single number: who uses it? Gradient in times local derivative, summed over all uses.
# - A gradient has the shape of what it is the gradient of. If the lengths differ, one product fits.
#   Shapes say nothing about signs and factors: those a numeric check finds.
# - The Jacobian of a layer is huge, and for an affine layer with many examples mostly zeros. A
#   backward pass is the product with it, without it.
# - $\Delta\text{out} \approx J\,\Delta x$. Forward mode multiplies $J$ with a change of the inputs,
#   reverse mode with dout; for one loss and many parameters, reverse mode takes one pass.
# - The derivative by $W$ is a tensor in which $x$ stands many times. With dout it becomes a sum of
#   outer products, one for each example.
# - Numerator layout: out.shape + x.shape, $\text{dx} = \text{dout} \cdot J$. Denominator layout:
#   x.shape + out.shape, $\text{dx} = J \cdot \text{dout}$. Ask a formula which one it is in.
# - $\nabla_x z = \nabla_x y\ \nabla_y z$ in denominator layout. From the right, where the loss
#   stands, it never takes a product of two Jacobians.
# - Columns in place of rows: transpose everything, and the order is turned round.
# - Sum over what was broadcast: axes put in front go, stretched axes keep length 1.
# - A layer has `params`, `forward` and `backward`, and keeps nothing of a call: what backward needs
#   is in the cache, which `forward` returns.
#
# Without something between them, two affine layers are no more than one:
# $(x W_1) W_2 = x (W_1 W_2)$. What stands between them is the subject of the next homework.
