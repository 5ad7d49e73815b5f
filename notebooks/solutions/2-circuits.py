# %% [markdown]
# # 2. Circuits
#
# A network's loss is one long formula, and training wants its derivative with respect to every
# number in it. Nobody differentiates such a formula as a whole. We cut it into gates so small that
# the derivative of each is a line from school, and walk back through them, from the end to the
# start, one multiplication at a time. That walk is **backpropagation**, and there is nothing more
# to it.
#
# At the end of this notebook each red number in the picture below will have come out of a line
# that you wrote. It shows
#
# $$f = \frac{x + \sigma(y)}{\sigma(x) + (x + y)^2}, \qquad \sigma(t) = \frac{1}{1 + e^{-t}}.$$
#
# You need: the derivative as a limit, and derivatives of sums, products, $1/t$, $t^2$ and $e^t$
# (homework 1). It takes an hour and a half or so.

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import SVG, display

from chainrule.layers import Add, Max, Multiply, Sigmoid
from chainrule.nets import Graph, circuits, sigmoid
from chainrule.notebooks import borrow, exercise

# %%
graph, inputs = circuits.long_expression()
graph.draw(*inputs)

# %% [markdown]
# How to read it:
#
# - Inputs stand on the left, gates carry a symbol, the arrow on the right is the output $f$.
# - A <span style="color:#116329">green number above a wire</span> is the **value** that runs along
#   it, from left to right.
# - A <span style="color:#cf222e">red number below a wire</span> is the **gradient** there: how fast
#   $f$ changes when that value changes. At the wire $s = x + y$, say, it is
#   $\partial f / \partial s = 1.58$. It comes from the right.
# - Where a wire forks, each branch has a red number of its own, at its end.

# %% [markdown]
# ## 1. One circuit, two passes
#
# We start with two gates, the example that opens CS231n's notes on backpropagation:
#
# $$q = x + y, \qquad f = q\,z.$$

# %%
graph, inputs = circuits.sum_times()
graph.draw()

# %% [markdown]
# **Forward** we compute values: first $q$, then $f$.
#
# **Backward** we start at the end, where $\partial f / \partial f = 1$, and go back gate by gate.
# Each gate knows its own two *local* derivatives and needs nothing else:
#
# | gate | local derivatives |
# |---|---|
# | $q = x + y$ | $\partial q / \partial x = 1$ and $\partial q / \partial y = 1$ |
# | $f = q\,z$ | $\partial f / \partial q = \;?$ and $\partial f / \partial z = \;?$ |
#
# The question marks are yours. To find $\partial f / \partial q$, hold $z$ still: then $q\,z$ is a
# straight line in $q$. What is its slope?
#
# $x$ does not reach $f$ directly but through $q$, and the **chain rule** multiplies the slopes
# along the way:
#
# $$\underbrace{\frac{\partial f}{\partial x}}_{\text{what we want}} =
# \underbrace{\frac{\partial f}{\partial q}}_{\text{upstream}} \cdot
# \underbrace{\frac{\partial q}{\partial x}}_{\text{local}}$$
#
# If a nudge of $x$ moves $q$ just as far, and $q$ moves $f$ by $-4$ for every unit, then $x$ moves
# $f$ by $-4$ for every unit, too.
#
# **Exercise 1** (3 points). Write both passes, line by line. By convention `dq` is short for
# $\partial f / \partial q$: `d` means "the derivative of the end with respect to".


# %% nbgrader={"grade_id": "sum-times", "solution": true}
def sum_times(x, y, z):
    """Both passes through f = (x + y) z.   x, y, z: numbers.

    Returns five numbers: f, and its derivatives dq, dx, dy, dz, with q = x + y.
    """
    ### BEGIN SOLUTION
    q = x + y
    f = q * z
    dq, dz = z, q  # a product: the slope along one factor is the other
    dx, dy = dq * 1, dq * 1  # a sum: the local derivatives are 1
    return f, dq, dx, dy, dz
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "both passes of (x + y) z", sum_times, points=3) as check:
    f, dq, dx, dy, dz = sum_times(-2.0, 5.0, -4.0)
    slip = (
        "that is x + y. Lecture slides have printed this slip, too: x and y get z, "
        "and x + y is what z gets"
    )
    local = "that is the local derivative of the sum; multiply it by what arrives from above, dq"
    check("f = (−2 + 5) · (−4) = −12", f, -12.0)
    check(
        "the product sends q the value of z: dq = −4",
        dq,
        -4.0,
        mistakes=[(3.0, "that is q itself: swapped. A product sends each factor the other one")],
        hint="hold z still: which slope has q z as a line in q?",
    )
    check(
        "the product sends z the value of q: dz = 3",
        dz,
        3.0,
        mistakes=[
            (-4.0, "that is z itself: swapped. A product sends each factor the other one"),
            (1.0, "is z an input of the sum? It goes into the product"),
        ],
        hint="hold q still: which slope has q z as a line in z?",
    )
    check("the sum passes it on to x: dx = −4", dx, -4.0, mistakes=[(3.0, slip), (1.0, local)])
    check("… and to y: dy = −4", dy, -4.0, mistakes=[(3.0, slip), (1.0, local)])
    check("at x = 1, y = 2, z = 10", sum_times(1.0, 2.0, 10.0), [30.0, 10.0, 10.0, 10.0, 3.0])
    ### BEGIN HIDDEN TESTS
    check("elsewhere", sum_times(0.5, -3.0, 6.0), [-15.0, 6.0, 6.0, 6.0, -2.5])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# Here is the circuit with the published numbers. Are they yours?

# %%
picture = graph.draw(*inputs)
picture

# %% [markdown]
# The same, played: each gate lights up when it is its turn, green on the way forward, red on the
# way back.

# %%
picture.animate()

# %% [markdown]
# To stop the clock, `picture.at(k)` shows what is known after `k` of the `picture.steps` steps.
# Here the product has sent back its two gradients, and the sum has not yet:

# %%
SVG(picture.at(4))

# %% [markdown]
# And now move the numbers. GitHub shows no sliders, so start the notebook in Jupyter. Before you
# touch one, say what you expect:
#
# - $z$ goes to 0. What becomes of the red numbers of $x$ and $y$? Does $x$ still matter for $f$?
# - $x$ grows. Which red number changes, and which stay?
# - Where do all three inputs have a positive gradient?

# %%
picture.sliders(x=(-6, 6), y=(-6, 6), z=(-6, 6))

# %% [markdown]
# ## 2. Three gates: distributor, switcher, router
#
# A gate needs to know nothing of the circuit around it. In the forward pass it computes its output
# and keeps what it will need later, its **cache**. In the backward pass somebody hands it `dout`,
# the gradient at its output, and it returns the gradients at its inputs: `dout` times the local
# derivative, for each. This pair of functions, with these arguments, is the contract of every
# layer in this course:
#
# `out, cache = forward(x, y)`     and     `dx, dy = backward(dout, cache)`
#
# The local derivatives of three gates:
#
# | gate | $\partial\,\text{out} / \partial x$ | $\partial\,\text{out} / \partial y$ |
# |---|---|---|
# | $x + y$ | $1$ | $1$ |
# | $x\,y$ | $y$ | ? |
# | $\max(x, y)$ | $1$ if $x \ge y$, else $0$ | ? |
#
# The maximum *is* its larger input, so a nudge of the smaller one changes nothing. At a tie we
# say that the first one has won.
#
# **Exercise 2** (4 points). Write the three backward passes. `x`, `y` and `dout` are numbers, or
# arrays of one shape, on which a gate works entry by entry; `np.where(condition, a, b)` takes `a`
# where the condition holds and `b` where not.


# %% nbgrader={"grade_id": "gates", "solution": true}
def add_forward(x, y):
    return x + y, None  # nothing to keep


def add_backward(dout, cache):
    """dout: the gradient at x + y.   Returns dx, dy, each of the shape of dout."""
    ### BEGIN SOLUTION
    return dout, dout
    ### END SOLUTION


def multiply_forward(x, y):
    return x * y, (x, y)


def multiply_backward(dout, cache):
    """dout: the gradient at x y.   Returns dx, dy, each of the shape of dout."""
    x, y = cache
    ### BEGIN SOLUTION
    return dout * y, dout * x
    ### END SOLUTION


def max_forward(x, y):
    return np.maximum(x, y), (x, y)


def max_backward(dout, cache):
    """dout: the gradient at max(x, y).   Returns dx, dy, each of the shape of dout."""
    x, y = cache
    ### BEGIN SOLUTION
    return np.where(x >= y, dout, 0.0), np.where(x >= y, 0.0, dout)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 4}
rng = np.random.default_rng(2)
with exercise(2, "three gates", add_backward, multiply_backward, max_backward, points=4) as check:
    x, y, dout = 3.0, -4.0, 2.0  # as in the pictures below, but with dout = 2
    _, cache = add_forward(x, y)
    check(
        "the sum hands dout on to both inputs",
        add_backward(dout, cache),
        [2.0, 2.0],
        mistakes=[
            ([1.0, 1.0], "these are the local derivatives; multiply them by dout"),
            ([1.0, 1.0 * dout], "one of them lacks dout"),
        ],
    )
    _, cache = multiply_forward(x, y)
    check(
        "the product sends x the value of y, and y that of x, times dout",
        multiply_backward(dout, cache),
        [-8.0, 6.0],
        mistakes=[
            ([6.0, -8.0], "swapped: x got dout · x, but its local derivative is y"),
            ([-4.0, 3.0], "these are the local derivatives; multiply them by dout"),
        ],
    )
    _, cache = max_forward(x, y)
    check(
        "the maximum sends everything to the larger input",
        max_backward(dout, cache),
        [2.0, 0.0],
        mistakes=[
            ([0.0, 2.0], "all of it went to the smaller input"),
            ([1.0, 0.0], "these are the local derivatives; multiply them by dout"),
            ([2.0, 2.0], "that is the sum's; the smaller input has no influence on the maximum"),
            ([6.0, 0.0], "dout was multiplied by the value x; the local derivative is 1"),
        ],
    )
    _, cache = max_forward(-1.0, 5.0)
    check("… also where that is the second", max_backward(dout, cache), [0.0, 2.0])
    _, cache = max_forward(1.0, 1.0)
    check(
        "at a tie, to the first",
        max_backward(dout, cache),
        [2.0, 0.0],
        mistakes=[
            ([2.0, 2.0], "both got all: dout was counted twice"),
            ([0.0, 0.0], "nobody got it: dout was lost"),
            ([0.0, 2.0], "it went to the second; we agreed on the first"),
        ],
    )
    pair = rng.standard_normal((2, 5))
    check.functions("x + y on arrays, by differences", add_forward, add_backward, *pair)
    check.functions("x y on arrays, by differences", multiply_forward, multiply_backward, *pair)
    check.functions("max on arrays, by differences", max_forward, max_backward, *pair)
    ### BEGIN HIDDEN TESTS
    _, cache = multiply_forward(0.5, 7.0)
    check("elsewhere", multiply_backward(-1.0, cache), [-7.0, -0.5])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # of a line and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# add_forward, add_backward = borrow(lambda: Add())
# multiply_forward, multiply_backward = borrow(lambda: Multiply())
# max_forward, max_backward = borrow(lambda: Max())

# %%
for gate in (circuits.add_gate, circuits.multiply_gate, circuits.max_gate):
    graph, inputs = gate()
    display(graph.draw(*inputs, dout=2.0))

# %% [markdown]
# The red numbers tell who they are:
#
# - **add distributes**: both inputs get what arrives, whatever their values;
# - **multiply switches**: each input gets what arrives times the *other* value;
# - **max routes**: the winner gets all, the loser nothing.
#
# With these three you read most circuits without a pencil.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** In a product $w\,x$ the input $x$ is a thousand times larger than $w$. Which of
# the two gets the larger gradient, and what does that do to a step of gradient descent on $w$? And
# what does a max gate do to an input that loses on every example?
#
# ### BEGIN SOLUTION
# The product switches: the small $w$ gets the large value $x$ as its gradient, and the large $x$
# the small value $w$. A step $w \leftarrow w - \text{rate} \cdot dw$ is then a thousand times
# longer than for an $x$ of size 1, and easily too long; the rate has to be small. An input of a max
# gate that always loses gets a gradient of 0 every time: it is never changed, and whatever
# computes it learns nothing.
# ### END SOLUTION

# %% [markdown]
# ## 3. Forks: what comes back adds up
#
# So far every value was used once. In $f = x^2 + x$ the value $x$ is used twice:

# %%
graph, inputs = circuits.used_twice()
graph.draw()

# %% [markdown]
# A nudge of $x$ reaches $f$ on two paths at once, and $f$ moves by the sum of both effects. So the
# gradients that come back along the branches **add up**:
#
# $$\frac{\partial f}{\partial x} = \sum_{\text{branches}} \text{what comes back along the branch}$$
#
# In code that is a `+=`. To write `=` instead is the classic mistake of hand-written backward
# passes: the later branch silently overwrites what the earlier one brought. The result is no
# error, just a wrong number.
#
# **Exercise 3** (3 points). Two circuits with forks. The first is $x^2 + x$; in the second, $x$ is
# used by two gates in a row, and $y$ by the first and the last:
#
# $$a = x\,y, \qquad b = a\,x, \qquad \text{out} = b + y.$$
#
# Go back gate by gate, from the last to the first, and let each gate add its part to `dx` and `dy`.


# %% nbgrader={"grade_id": "forks", "solution": true}
def used_twice_forward(x):
    return x**2 + x, x


def used_twice_backward(dout, cache):
    """dout: the gradient at x² + x.   Returns dx, of the shape of dout."""
    x = cache
    ### BEGIN SOLUTION
    dx = 2 * x * dout  # along the branch through the square
    dx += dout  # along the other, straight into the sum
    return dx
    ### END SOLUTION


def chain_forward(x, y):
    a = x * y
    b = a * x
    return b + y, (x, y, a)


def chain_backward(dout, cache):
    """dout: the gradient at b + y.   Returns dx, dy, each of the shape of dout."""
    x, y, a = cache
    ### BEGIN SOLUTION
    db = dout
    dy = dout * 1.0  # the sum
    da, dx = x * db, a * db  # b = a x
    dx += y * da  # a = x y
    dy += x * da
    return dx, dy
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 3}
with exercise(3, "forks", used_twice_backward, chain_backward, points=3) as check:
    _, cache = used_twice_forward(3.0)
    check(
        "x² + x at x = 3: the branches bring 6 and 1",
        used_twice_backward(1.0, cache),
        7.0,
        mistakes=[
            (1.0, "only the branch into the sum is there: a `=` overwrote what the square sent"),
            (6.0, "only the branch through the square is there: was `+=` forgotten?"),
            (4.0, "that is x + 1: the square's own slope is 2x"),
        ],
    )
    check("… and twice that where dout = 2", used_twice_backward(2.0, cache), 14.0)
    _, cache = chain_forward(2.0, 3.0)
    dx, dy = chain_backward(1.0, cache)
    check(
        "x y x + y at x = 2, y = 3: x gets 6 from each of its two gates",
        dx,
        12.0,
        mistakes=[(6.0, "only one of the two gates is there: a `=` where `+=` belongs")],
        hint="b = a x sends x the value a; a = x y sends it y · da, with da = x · db",
    )
    check(
        "… and y gets 1 from the sum and 4 from the product",
        dy,
        5.0,
        mistakes=[
            (4.0, "only the product is there: its part overwrote the 1 of the sum"),
            (1.0, "only the sum is there: y is used by a = x y, too"),
            (3.0, "da is x · db = 2, and y gets x · da"),
        ],
    )
    check.functions(
        "x² + x on arrays", used_twice_forward, used_twice_backward, rng.standard_normal(5)
    )
    check.functions("x y x + y on arrays", chain_forward, chain_backward, *pair)
    ### BEGIN HIDDEN TESTS
    _, cache = chain_forward(-1.0, 4.0)
    check("elsewhere", chain_backward(10.0, cache), [-80.0, 20.0])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# One line for each wire that enters a gate. The last gate, `out = b + y`, gives `db = dout` and
# `dy = dout`. The gate before, `b = a * x`, gives `da = x * db` and `dx = a * db`. The first gate,
# `a = x * y`, reads `x` and `y` again, so what it sends back is *added* to what is there already.
# With arrays, `dy = dout` and then `dy += …` would write into `dout` itself, which belongs to
# somebody else; write `dy = dy + …`, or start with a copy.
# </details>

# %%
graph, inputs = circuits.used_twice()
graph.draw(*inputs)

# %% [markdown]
# ## 4. A neuron, gate by gate
#
# Two inputs, two weights and a bias, squashed into $(0, 1)$:
#
# $$f = \sigma(w_0 x_0 + w_1 x_1 + w_2) = \frac{1}{1 + e^{-(w_0 x_0 + w_1 x_1 + w_2)}}$$
#
# Staged, one operation a line, it is
#
# $$p = w_0 x_0, \quad r = w_1 x_1, \quad a = p + r, \quad s = a + w_2, \quad n = -s, \quad
# e = e^{\,n}, \quad u = 1 + e, \quad f = 1 / u$$

# %%
graph, inputs = circuits.staged_sigmoid_neuron()
graph.draw()

# %% [markdown]
# Four kinds of gates are new. Each has one input, and one local derivative:
#
# | gate | local derivative |
# |---|---|
# | $f = 1 / u$ | $\partial f / \partial u = -1 / u^2$ |
# | $u = 1 + e$ | $\partial u / \partial e = 1$ |
# | $e = e^{\,n}$ | $\partial e / \partial n = e^{\,n}$, which is the gate's own output |
# | $n = -s$ | $\partial n / \partial s = -1$ |
#
# **Exercise 4** (4 points). Walk back, one line for each wire, and write the gradient into the
# dictionary `d` under the name of the wire: `d["u"]`, `d["e"]`, `d["n"]`, `d["s"]`, `d["a"]`,
# `d["p"]`, `d["r"]`, and at the inputs `d["w2"]`, `d["w0"]`, `d["x0"]`, `d["w1"]`, `d["x1"]`. You
# can run the check after a few lines; it goes as far as you have come, and stops at the first
# wire that is wrong.


# %% nbgrader={"grade_id": "neuron", "solution": true}
def neuron_forward(w0, x0, w1, x1, w2):
    """f = σ(w0 x0 + w1 x1 + w2), staged.   All are numbers.   Returns f, and a cache."""
    p = w0 * x0
    r = w1 * x1
    a = p + r
    s = a + w2
    n = -s
    e = np.exp(n)
    u = 1 + e
    f = 1 / u
    return f, (w0, x0, w1, x1, e, u)


def neuron_backward(cache):
    """Returns a dictionary of numbers: the gradient of f at each wire, by its name."""
    w0, x0, w1, x1, e, u = cache
    d = {"f": 1.0}
    ### BEGIN SOLUTION
    d["u"] = -1 / u**2 * d["f"]
    d["e"] = d["u"]
    d["n"] = e * d["e"]
    d["s"] = -d["n"]
    d["a"] = d["w2"] = d["s"]
    d["p"] = d["r"] = d["a"]
    d["w0"], d["x0"] = x0 * d["p"], w0 * d["p"]
    d["w1"], d["x1"] = x1 * d["r"], w1 * d["r"]
    ### END SOLUTION
    return d


# %% nbgrader={"grade_id": "check-4", "points": 4}
with exercise(4, "the neuron, gate by gate", neuron_backward, points=4) as check:
    f, cache = neuron_forward(2.0, -1.0, -3.0, -2.0, -3.0)
    d = neuron_backward(cache)
    other = "that belongs to its partner: a product sends each input the value of the other"
    published = {  # with two decimals
        ("u", -0.53, "1/u has the slope −1/u²: du = −0.53"): [
            (0.53, "the sign: the derivative of 1/u is −1/u²"),
            (0.73, "that is f = 1/u itself; its derivative is −1/u²"),
            (-0.73, "that is −1/u; the derivative of 1/u is −1/u²"),
        ],
        ("e", -0.53, "1 + e has the slope 1: de = −0.53"): [
            (1.0, "that is the local derivative; multiply it by what arrives, du"),
            (-0.2, "this gate only adds 1: its slope is 1. The exponential comes next"),
        ],
        ("n", -0.20, "the slope of exp is its own output: dn = −0.20"): [
            (-0.53, "the local derivative of exp is missing; it is the gate's own output, e"),
            (0.37, "that is the local derivative e; multiply it by what arrives, de"),
            (-1.45, "that is exp(1) times what arrives; but n = −1 went into the gate, not s"),
        ],
        ("s", 0.20, "the sign turns: ds = 0.20"): [(-0.2, "n = −s has the slope −1")],
        ("a", 0.20, "the last sum hands it on to a: 0.20"): [],
        ("w2", 0.20, "… and to w2"): [],
        ("p", 0.20, "the sum before it hands it on to p"): [],
        ("r", 0.20, "… and to r"): [],
        ("w0", -0.20, "w0 gets x0 times that: −0.20"): [(0.39, other)],
        ("x0", 0.39, "x0 gets w0 times that: 0.39"): [(-0.2, other)],
        ("w1", -0.39, "w1 gets x1 times that: −0.39"): [(-0.59, other)],
        ("x1", -0.59, "x1 gets w1 times that: −0.59"): [(-0.39, other)],
    }
    for (wire, value, label), mistakes in published.items():
        check(label, d.get(wire), value, mistakes=mistakes, rtol=0, atol=0.0051)
        if check.verdict == "wrong":
            break  # what comes further back is wrong as well
    else:
        point = np.array([0.7, -1.2, 0.4, 2.5, -0.3])
        d = neuron_backward(neuron_forward(*point)[1])
        moved = point + 1e-20j * np.eye(5)  # Im f(x + ih) / h, a difference without rounding
        slopes = [(1 / (1 + np.exp(-(w * x + v * y + b)))).imag / 1e-20 for w, x, v, y, b in moved]
        for wire, slope in zip(("w0", "x0", "w1", "x1", "w2"), slopes, strict=True):
            check(f"d{wire} elsewhere, with all digits", d.get(wire), slope)
    ### BEGIN HIDDEN TESTS
    f, cache = neuron_forward(0.0, 5.0, 2.0, 0.0, 0.0)  # s = 0, where the slope is 1/4
    d = neuron_backward(cache)
    check("at s = 0", [d[name] for name in ("w0", "x0", "w1", "x1")], [1.25, 0.0, 0.0, 0.5])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
graph.draw(*inputs)

# %% [markdown]
# The numbers are those of CS231n's notes, but for rounding: there, 0.1966 becomes 0.2 on the way.
#
# ## 5. The same neuron with a sigmoid gate
#
# Nobody forces us to cut so finely. Whatever we can differentiate may be *one* gate. Take all of
# $\sigma(s)$, with $e = e^{-s}$:
#
# $$\sigma'(s) = \frac{e}{(1 + e)^2} = \underbrace{\frac{1}{1 + e}}_{\sigma} \cdot
# \underbrace{\frac{e}{1 + e}}_{?}$$
#
# The second factor is a simple function of the first: write $e$ as $(1 + e) - 1$ and look again.
# So the gate needs nothing but its own output, and that is what it keeps.
#
# **Exercise 5** (2 points). The backward pass of the sigmoid gate.


# %% nbgrader={"grade_id": "sigmoid", "solution": true}
def sigmoid_forward(x):
    """out = σ(x).   x: a number or an array of any shape.   Returns out, and out as the cache."""
    out = 1 / (1 + np.exp(-x))
    return out, out


def sigmoid_backward(dout, cache):
    """dout: the gradient at σ(x), of the shape of x.   Returns dx, of the same shape."""
    out = cache
    ### BEGIN SOLUTION
    return dout * out * (1 - out)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 2}
with exercise(5, "the sigmoid as one gate", sigmoid_backward, points=2) as check:
    check(
        "at x = 0, where σ is a half, the slope is a quarter",
        sigmoid_backward(1.0, sigmoid_forward(0.0)[1]),
        0.25,
        mistakes=[
            (0.5, "one of the factors is missing: the slope is a product of two"),
            (0.75, "that is 1 − σ², the form of tanh; for σ it is another factor"),
            (1.5, "that is a factor 1 + σ; look at the signs again"),
            (-0.25, "the sign: σ rises, its slope is positive"),
        ],
    )
    check(
        "at x = 1 it is 0.73 · 0.27",
        sigmoid_backward(1.0, sigmoid_forward(1.0)[1]),
        0.19661193,
        rtol=1e-6,
    )
    check(
        "… and twice that where dout = 2",
        sigmoid_backward(2.0, sigmoid_forward(1.0)[1]),
        0.39322387,
        mistakes=[(0.19661193, "dout is missing")],
    )
    check.functions(
        "on arrays, by differences", sigmoid_forward, sigmoid_backward, rng.standard_normal((4, 3))
    )
    ### BEGIN HIDDEN TESTS
    cache = sigmoid_forward(np.log(9.0))[1]
    check("where σ is 0.9", sigmoid_backward(-10.0, cache), -0.9)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# sigmoid_forward, sigmoid_backward = borrow(lambda: Sigmoid())

# %% [markdown]
# Four gates have become one, and the numbers at the inputs are the same:

# %%
graph, inputs = circuits.sigmoid_neuron()
graph.draw(*inputs)

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** Where is the slope of the sigmoid largest, and how large is it there? A signal
# goes back through ten sigmoids in a row. At most what is left of it, and what does this say about
# deep networks of sigmoids?
#
# ### BEGIN SOLUTION
# $\sigma (1 - \sigma)$ is largest where both factors are equal, at $\sigma = 1/2$, that is at
# $x = 0$, and is $1/4$ there. After ten sigmoids at most $(1/4)^{10} \approx 10^{-6}$ is left,
# before the weights in between multiply it, and less wherever a sigmoid is saturated. The first
# layers of such a network hardly learn: the gradient vanishes.
# ### END SOLUTION

# %% [markdown]
# ## 6. The long expression
#
# Back to the formula from the start, an example of CS231n's. Differentiating it on paper takes a
# page. Staged, it takes a line per wire:
#
# $$a = \sigma(y), \quad \mathit{num} = x + a, \quad b = \sigma(x), \quad s = x + y, \quad q = s^2,
# \quad \mathit{den} = b + q, \quad \mathit{inv} = 1 / \mathit{den}, \quad
# f = \mathit{num} \cdot \mathit{inv}$$
#
# **Exercise 6** (5 points). Go back from $f$ and fill `d`: first `d["num"]` and `d["inv"]`, then
# `d["den"]`, `d["b"]`, `d["q"]`, `d["s"]`, `d["a"]`, and at last `d["x"]` and `d["y"]`. The values
# of all wires are in the dictionary `v`. Count the arrows that leave $x$ in the picture at the very
# top: three. So `d["x"]` has three parts. And how many has `d["y"]`?


# %% nbgrader={"grade_id": "long", "solution": true}
def long_forward(x, y):
    """f = (x + σ(y)) / (σ(x) + (x + y)²), staged.   x, y: numbers.

    Returns f, and as the cache the value of every wire by its name.
    """
    v = {"x": x, "y": y}
    v["a"] = 1 / (1 + np.exp(-v["y"]))
    v["num"] = v["x"] + v["a"]
    v["b"] = 1 / (1 + np.exp(-v["x"]))
    v["s"] = v["x"] + v["y"]
    v["q"] = v["s"] ** 2
    v["den"] = v["b"] + v["q"]
    v["inv"] = 1 / v["den"]
    v["f"] = v["num"] * v["inv"]
    return v["f"], v


def long_backward(v):
    """Returns a dictionary of numbers: the gradient of f at each wire, by its name."""
    d = {"f": 1.0}
    ### BEGIN SOLUTION
    d["num"] = v["inv"] * d["f"]
    d["inv"] = v["num"] * d["f"]
    d["den"] = -1 / v["den"] ** 2 * d["inv"]
    d["b"] = d["q"] = d["den"]
    d["s"] = 2 * v["s"] * d["q"]
    d["x"] = d["y"] = d["s"]  # s = x + y
    d["x"] += v["b"] * (1 - v["b"]) * d["b"]  # b = σ(x)
    d["x"] += d["num"]  # num = x + a
    d["a"] = d["num"]
    d["y"] += v["a"] * (1 - v["a"]) * d["a"]  # a = σ(y)
    ### END SOLUTION
    return d


# %% nbgrader={"grade_id": "check-6", "points": 5}
# What is expected comes from the forward pass alone: cut a wire, feed in a number, and nudge it.
def slope_at(wire, x=3.0, y=-4.0):
    """∂f/∂wire by a complex step, Im f(w + ih) / h, which is a difference without rounding."""
    fed = {wire: long_forward(x, y)[1][wire] + 1e-20j}
    get = fed.get
    x, y = get("x", x), get("y", y)
    num = get("num", x + get("a", 1 / (1 + np.exp(-y))))
    den = get("den", get("b", 1 / (1 + np.exp(-x))) + get("q", get("s", x + y) ** 2))
    return (num * get("inv", 1 / den)).imag / 1e-20


with exercise(6, "the long expression", long_backward, points=5) as check:
    v = long_forward(3.0, -4.0)[1]
    d = long_backward(v)
    told = {
        ("num", "the product sends num the value of inv: 0.51"): [
            (3.01798621, "that is num itself; the product sends num the value of inv")
        ],
        ("inv", "… and inv the value of num: 3.02"): [
            (0.51214445, "that is inv itself; the product sends inv the value of num")
        ],
        ("den", "1/den has the slope −1/den²: −0.79 in all"): [
            (0.79159345, "the sign: the derivative of 1/den is −1/den²"),
            (-0.26229194, "that is the local derivative; multiply it by what arrives, d[inv]"),
            (-1.54564488, "that is −1/den · d[inv]; the derivative of 1/den is −1/den²"),
        ],
        ("b", "the sum hands it on to b"): [
            (-0.03576155, "a sum hands on what arrives, d[den]; σ is the next gate")
        ],
        ("q", "… and to q"): [
            (1.58318689, "a sum hands on what arrives, d[den]; the square is the next gate")
        ],
        ("s", "the square has the slope 2s: 1.58 in all"): [
            (-2.0, "that is the local derivative 2s; multiply it by what arrives, d[q]"),
            (0.79159345, "the slope of s² is 2s: the 2 is missing"),
            (-1.58318689, "the slope of s² is 2s, and s = −1 is negative here"),
        ],
        ("a", "the sum hands d[num] on to a"): [
            (0.00904586, "a sum hands on what arrives, d[num]; σ is the next gate")
        ],
        ("x", "x adds up three paths: 2.06"): [
            (0.51214445, "only the path through num is there: `=` overwrote the others"),
            (-0.03576155, "only the path through b is there: `=` overwrote the others"),
            (1.58318689, "only the path through s is there: where are the others?"),
            (2.09533134, "the path through b = σ(x) is missing"),
            (1.54742535, "the path through num is missing"),
            (0.47638290, "the path through s is missing"),
            (1.30373790, "on the path through b, the slope of σ(x) is missing: σ(x) (1 − σ(x))"),
        ],
        ("y", "y adds up two: 1.59"): [
            (0.00904586, "only the path through a is there: `=` overwrote the other"),
            (1.58318689, "only the path through s is there: where is the other?"),
            (2.09533134, "on the path through a, the slope of σ(y) is missing: σ(y) (1 − σ(y))"),
        ],
    }
    for (wire, label), mistakes in told.items():
        check(label, d.get(wire), slope_at(wire), mistakes=mistakes)
        if check.verdict == "wrong":
            break  # what comes further back is wrong as well
    else:
        d = long_backward(long_forward(0.5, 1.0)[1])
        wires = [wire for wire, _ in told]
        check(
            f"{', '.join(wires)}, in this order, at x = 0.5, y = 1",
            [d[wire] for wire in wires],
            [slope_at(wire, 0.5, 1.0) for wire in wires],
        )
    ### BEGIN HIDDEN TESTS
    d = long_backward(long_forward(-1.0, -0.7)[1])
    check("elsewhere", [d["x"], d["y"]], [slope_at("x", -1.0, -0.7), slope_at("y", -1.0, -0.7)])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# Scroll up to the first picture and look your numbers up in it. You have now done by hand what
# every framework for deep learning does: nothing is added but more kinds of gates.

# %% [markdown]
# ## 7. Circuits that differentiate themselves
#
# In the library a circuit is a `Graph`. It is written by arithmetic on its inputs, and comes with
# both passes:
#
# ```python
# g = Graph()
# x, y, z = g.input("x"), g.input("y"), g.input("z")
# q = (x + y).named("q")            # a name for a wire, if you like
# g.output((q * z).named("f"))      # finishes the graph
# ```
#
# It knows `+ - * /`, `**2` and `@`, and the functions `exp`, `log`, `sigmoid` and `maximum` from
# `nets`. `g.trace(…)` runs both passes and keeps everything:

# %%
graph, inputs = circuits.sum_times()
trace = graph.trace(*inputs)
print(trace)
print()
node = trace["f"]  # one row, with all digits
print("reads:              ", node.inputs)
print("value:              ", node.value)
print("local derivatives:  ", node.local, " one for each of the nodes that it reads")
print("gradient:           ", node.gradient)

# %% [markdown]
# A node knows what it reads, `node.inputs`, and its local derivative along each of these wires,
# `node.local`, in the same order. `trace.values()` goes through all nodes; an input reads nothing,
# so its lists are empty.
#
# **Exercise 7** (4 points). Two functions.
#
# 1. `build_swish` writes the circuit of $f = x \cdot \sigma(b\,x)$ with the inputs `x` and `b`, in
#    this order, and calls the wire $\sigma(b\,x)$ `"gate"`. (The function is known as *swish*:
#    Ramachandran, Zoph and Le, 2017. It lets $x$ through as far as the gate is open.)
# 2. `gradient_of` does a backward step by hand. All of backpropagation is in this line:
#
# $$\frac{\partial f}{\partial w} = \sum_{\text{nodes } u \text{ that read } w}
# \underbrace{\frac{\partial f}{\partial u}}_{\texttt{node.gradient}} \cdot
# \underbrace{\frac{\partial u}{\partial w}}_{\text{of } \texttt{node.local}}$$
#
# Go through all nodes and all wires that enter them, and pick out those that come from `name`.
# Do not look at `trace[name].gradient`; that is the answer.


# %% nbgrader={"grade_id": "graph", "solution": true}
def build_swish():
    """Returns the finished Graph of f = x σ(b x), with the inputs x and b."""
    g = Graph()
    ### BEGIN SOLUTION
    x, b = g.input("x"), g.input("b")
    gate = sigmoid(b * x).named("gate")
    g.output((x * gate).named("f"))
    ### END SOLUTION
    return g


def gradient_of(trace, name):
    """The gradient at the node `name`, from the gradients of the nodes that read it.

    trace: what graph.trace(…) returns, of a graph of numbers.   name: a node that is no output.
    Returns a number.
    """
    total = 0.0
    ### BEGIN SOLUTION
    for node in trace.values():
        for source, local in zip(node.inputs, node.local, strict=True):
            if source == name:
                total += node.gradient * local
    ### END SOLUTION
    return total


# %% nbgrader={"grade_id": "check-7", "points": 4}
with exercise(7, "a Graph, and its gradients by hand", build_swish, gradient_of, points=4) as check:
    g = build_swish()
    check.true(
        "the graph has the inputs x and b, and is finished",
        bool(g.outputs) and g.inputs == ("x", "b"),
        "write g.input for x first, then for b, and g.output(…) at the end",
    )
    check(
        "f = x σ(b x) at x = 2, b = 1.5",
        g.forward(np.array(2.0), np.array(1.5))[0],
        1.90514825,
        mistakes=[
            (1.76159416, "that is x σ(x): b is not in it"),
            (0.95257413, "that is σ(b x) alone; it multiplies x"),
            (1.63514895, "that is x σ(b): x belongs into the sigmoid as well"),
        ],
    )
    check.true(
        "the sigmoid's wire is called gate",
        "gate" in g.nodes and g.nodes["gate"].inputs and g.nodes["gate"].op is not None,
        'write (…).named("gate")',
    )

    def by_hand(circuit, name):
        graph, inputs = circuit()
        return gradient_of(graph.trace(*inputs), name)

    check(
        "(x + y) z: q is read by the product",
        by_hand(circuits.sum_times, "q"),
        -4.0,
        mistakes=[(3.0, "node.local was read at the wrong place: it has the order of node.inputs")],
    )
    check(
        "(x + y) z: x is read by the sum",
        by_hand(circuits.sum_times, "x"),
        -4.0,
        mistakes=[(1.0, "that is the local derivative alone; multiply it by node.gradient")],
    )
    check(
        "x² + x: both branches count",
        by_hand(circuits.used_twice, "x"),
        7.0,
        mistakes=[
            (1.0, "one branch is missing: add up with +=, and return after the loop"),
            (6.0, "one branch is missing: add up with +=, and return after the loop"),
        ],
    )
    twice = Graph()
    w = twice.input("w")
    twice.output(w * w)
    check(
        "w · w: one gate may read a node twice",
        gradient_of(twice.trace(3.0), "w"),
        6.0,
        mistakes=[(3.0, "only one of the two wires is there: node.inputs holds w twice")],
    )
    check("the long expression: x", by_hand(circuits.long_expression, "x"), 2.05956980)
    check("… and y", by_hand(circuits.long_expression, "y"), 1.59223275)
    moved = 2.0 + 1e-20j
    slope = (moved / (1 + np.exp(-1.5 * moved))).imag / 1e-20
    check("your own graph: x", gradient_of(g.trace(2.0, 1.5), "x"), slope)
    ### BEGIN HIDDEN TESTS
    moved = -0.5 + 1e-20j
    slope = (3.0 / (1 + np.exp(-moved * 3.0))).imag / 1e-20
    check("elsewhere: b", gradient_of(g.trace(3.0, -0.5), "b"), slope)
    check("the staged neuron", by_hand(circuits.staged_sigmoid_neuron, "score"), 0.19661193)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# Two loops, one inside the other: `for node in trace.values():` and
# `for source, local in zip(node.inputs, node.local):`. Inside, ask whether `source == name`.
# </details>

# %%
if check.verdict == "right":
    display(build_swish().draw(2.0, 1.5))
else:
    print("Your circuit is drawn here when exercise 7 is right.")

# %% [markdown]
# Draw circuits of your own: every graph has `draw`, and `graph.draw(…).save("circuit.html")` makes
# a page with sliders and a step mode for your browser.
#
# ## 8. The scale of the inputs
#
# One consequence of the switching product meets everybody who trains a network. Measure $x$ in
# millimetres instead of metres:

# %%
graph, inputs = circuits.scaled_input()
graph.draw(*inputs)

# %% [markdown]
# The gradient of a weight is proportional to the *data* that it multiplies. With two features, one
# of size 1 and one of size 1000, the second weight gets gradients a thousand times larger. One
# learning rate has to serve both, and what is right for one is far too much, or far too little,
# for the other. The remedy is **preprocessing**: bring all features to the same scale before
# training. To *standardise* a feature is to subtract its mean and divide by its standard deviation,
#
# $$\hat x_{nd} = \frac{x_{nd} - m_d}{s_d}, \qquad m_d = \frac1N \sum_n x_{nd}, \qquad
# s_d^2 = \frac1N \sum_n (x_{nd} - m_d)^2.$$
#
# **Exercise 8** (3 points). First the gradients of $f = w\,(c\,x)$ with a constant $c$. Then
# standardise. In this course **rows are examples**: `x` has the shape $(N, D)$, an example in each
# of its $N$ rows and a feature in each of its $D$ columns.


# %% nbgrader={"grade_id": "scale", "solution": true}
def scaled_gradients(w, x, c):
    """The gradients of f = w (c x).   w, x, c: numbers.   Returns dw, dx."""
    ### BEGIN SOLUTION
    return c * x, c * w
    ### END SOLUTION


def standardise(x):
    """x: (N, D).   Returns an array (N, D) whose columns have mean 0 and standard deviation 1."""
    ### BEGIN SOLUTION
    return (x - x.mean(axis=0)) / x.std(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 3}
with exercise(8, "the scale of the inputs", scaled_gradients, standardise, points=3) as check:
    dw, dx = scaled_gradients(2.0, 3.0, 1000.0)
    check(
        "dw = 3000, as in the picture",
        dw,
        3000.0,
        mistakes=[
            (3.0, "that is x; but the product's other input is c x"),
            (2000.0, "that is the gradient of x: swapped"),
            (6000.0, "that is f itself"),
        ],
    )
    check(
        "dx = 2000: it goes back through the gate × 1000, too",
        dx,
        2000.0,
        mistakes=[
            (2.0, "that is the gradient behind the gate × 1000; go one gate further"),
            (3000.0, "that is the gradient of w: swapped"),
        ],
    )
    table = np.array([[1.0, 1000.0], [3.0, 3000.0], [1.0, 1000.0], [3.0, 3000.0]])
    centred = table - table.mean(axis=0)
    across = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True)
    check(
        "a table whose columns have means 2 and 2000, and deviations 1 and 1000",
        standardise(table),
        [[-1.0, -1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, 1.0]],
        mistakes=[
            (across, "each row was standardised; a feature is a column: axis=0"),
            ((table - table.mean()) / table.std(), "all features share one mean: use axis=0"),
            (centred, "the mean is gone, but the scale is still there: divide by the deviation"),
            (centred / table.var(axis=0), "divided by the variance; its square root belongs there"),
            (table / table.std(axis=0), "the scale is right, but the mean is still there"),
            (centred / table.std(axis=0, ddof=1), "divided by N − 1; in this course it is N"),
        ],
    )
    x = standardise(rng.uniform(50, 80, (20, 3)))
    check("the mean of every column is 0", x.mean(axis=0), np.zeros(3))
    check("the standard deviation of every column is 1", x.std(axis=0), np.ones(3))
    ### BEGIN HIDDEN TESTS
    check("elsewhere", scaled_gradients(-1.0, 5.0, 0.5), [2.5, -0.5])
    check("one column", standardise(np.array([[0.0], [4.0]])), [[-1.0], [1.0]])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# What does it buy? A hundred people, their heights in metres and weights in grams, and a target
# that depends on both. We fit $\hat y = x W + b$ by gradient descent, once to the raw table, once
# to the standardised one, each with a rate near the largest that does not blow up. On the left are
# the gradients of the two weights before the first step, on the right is the loss.

# %%
if check.verdict == "right":
    rng = np.random.default_rng(8)
    tall, stout = rng.standard_normal((2, 100))
    raw = np.column_stack([1.7 + 0.1 * tall, 70_000 + 10_000 * (0.6 * tall + 0.8 * stout)])
    target = standardise(raw) @ [2.5, 0.5] + 1 + 0.3 * rng.standard_normal(100)
    tables = {"raw": raw, "standardised": standardise(raw)}
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for place, colour, (name, x) in zip((-0.2, 0.2), ("C3", "C0"), tables.items(), strict=True):
        x1 = np.column_stack([x, np.ones(100)])  # the last column multiplies the bias
        rate = 1 / np.linalg.eigvalsh(x1.T @ x1 / 100)[-1]  # homework 8 tells why
        w, losses = np.zeros(3), []
        left.bar(
            np.arange(2) + place,
            np.abs(x1.T @ (x1 @ w - target) / 100)[:2],
            0.38,
            color=colour,
            label=name,
        )
        for _ in range(31):
            error = x1 @ w - target
            losses.append(np.mean(error**2) / 2)
            w = w - rate * x1.T @ error / 100
        right.plot(losses, ".-", color=colour, label=f"{name}, rate {rate:.1g}")
    left.set(yscale="log", ylabel="|gradient|", title="before the first step")
    left.set_xticks([0, 1], ["weight of the metres", "weight of the grams"])
    left.legend(loc="upper left")
    right.set(xlabel="step", ylabel="loss", title="gradient descent", ylim=(0, None))
    right.legend(loc="center right")
    plt.show()
else:
    print("This picture comes when exercise 8 is right.")

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** With the raw table in the picture the loss falls once and then hardly any more.
# Why does a larger learning rate not help? And why is it the *training* set alone from which the
# means and deviations are taken, also for test data?
#
# ### BEGIN SOLUTION
# The rate has to suit the weight with the largest gradients, that of the grams: a larger rate makes
# it overshoot further with every step. For the weight of the metres, whose gradients are many
# thousand times smaller, this rate is then so small that it practically stands still. Test data
# stand for data that nobody has seen: a single new example has no mean and no deviation, it must
# be treated exactly as the training examples were, and nothing may be learnt from it.
# ### END SOLUTION

# %% [markdown]
# ## What to keep
#
# - Forward, values; backward, gradients. **What goes back is what arrives, times the local
#   derivative.** A gate needs its inputs, or its output, and `dout`. Nothing else.
# - Add distributes, multiply switches, max routes.
# - $(x + y)\,z$: $x$ and $y$ get $z$, and $z$ gets $x + y$.
# - At a fork gradients add up: `+=`.
# - A gate may be as large as you can differentiate: $\sigma' = \sigma (1 - \sigma)$.
# - The gradient of a weight scales with the data that it multiplies. Standardise.
#
# In the next homework the wires carry arrays. The rules stay as they are.
#
# *Source of the circuits and their numbers: CS231n, Stanford, "Backpropagation, Intuitions".*
