# %% [markdown]
# # 2. Circuits
#
# A network's loss is one long formula, and training wants its derivative with respect to every
# number in it. Nobody differentiates such a formula as a whole. We cut it into gates so small that
# the derivative of each is a line from school, and walk back through them, from the end to the
# start, one multiplication at a time. That walk is **backpropagation**, and there is nothing more
# to it.
#
# At the end of this notebook you will have written a line for each red number in a picture like the
# one below. It shows, at $x = 2$ and $y = -3.5$,
#
# $$f = \frac{x + \sigma(y)}{\sigma(x) + (x + y)^2}, \qquad \sigma(t) = \frac{1}{1 + e^{-t}}.$$
#
# You need: the derivative as a limit, and derivatives of sums, products, $1/t$, $t^2$ and $e^t$
# (homework 1). It takes two hours or so.

# %%
from time import perf_counter
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import SVG, Markdown, display

from chainrule.layers import Add, Max, Multiply, Sigmoid
from chainrule.nets import Graph, circuits, sigmoid
from chainrule.notebooks import borrow, exercise, further, model_answer

# %%
graph, _ = circuits.long_expression()
graph.draw(2.0, -3.5)

# %% [markdown]
# How to read it:
#
# - Inputs stand on the left, gates carry a symbol, the arrow on the right is the output $f$.
# - A <span style="color:#116329">green number above a wire</span> is the **value** that runs along
#   it, from left to right.
# - A <span style="color:#cf222e">red number below a wire</span> is the **gradient** there: how fast
#   $f$ changes when that value changes. At the wire $x + y$, whose value is $-1.50$ here, it is
#   $\partial f / \partial (x + y) = 0.62$. It comes from the right.
# - Where a wire forks, each branch has a red number of its own, at its end.

# %% [markdown]
# ## 1. One circuit, two passes
#
# We start with two gates, the first circuit in CS231n's notes on backpropagation:
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
with exercise(1, "both passes of (x + y) z", sum_times, points=3) as check, check.without(Graph):
    f, dq, dx, dy, dz = check.returns(sum_times(-2.0, 5.0, -4.0), "f", "dq", "dx", "dy", "dz")
    local = "1 is the local derivative of the sum; what arrives from above, dq, multiplies it"
    slip = "that is q = x + y, which is what z gets"
    order = "the order that is asked for is f, dq, dx, dy, dz"
    check(
        "f = (−2 + 5) · (−4) = −12",
        f,
        -12.0,
        mistakes=[(-22.0, "that is x + y z: the sum comes first"), (-1.0, "that is x + y + z")],
    )
    check(
        "the product sends q the value of z: dq = −4",
        dq,
        -4.0,
        mistakes=[
            (3.0, f"3 is the value of q, and q is to get that of z; {order}"),
            (1.0, "1 is what arrives at the product; its slope along q multiplies it"),
            (-12.0, "that is f itself; its slope along q is asked for"),
        ],
        hint="z held still: which slope has q z, a line in q?",
    )
    check(
        "the product sends z the value of q: dz = 3",
        dz,
        3.0,
        mistakes=[
            (-4.0, f"−4 is the value of z, and z is to get that of q; {order}"),
            (1.0, "1 is what arrives at the product; its slope along z multiplies it"),
            (-12.0, "that is f itself; its slope along z is asked for"),
            (5.0, "that is y; z is multiplied by all of q = x + y"),
            (-2.0, "that is x; z is multiplied by all of q = x + y"),
        ],
        hint="q held still: which slope has q z, a line in z?",
    )
    check(
        "the sum passes it on to x: dx = −4",
        dx,
        -4.0,
        mistakes=[
            (3.0, f"{slip}. Lecture notes that circulate print ∂f/∂x = q, too"),
            (1.0, local),
            (8.0, "that is dq · x; the local derivative of a sum is 1"),
            (-20.0, "that is y z: x and y meet in a sum, not in a product"),
        ],
        hint="x moves q just as far; how far does q move f?",
    )
    check(
        "… and to y: dy = −4",
        dy,
        -4.0,
        mistakes=[
            (3.0, f"{slip} ({order})"),
            (1.0, local),
            (-20.0, "that is dq · y; the local derivative of a sum is 1"),
            (8.0, "that is x z: x and y meet in a sum, not in a product"),
        ],
        hint="y moves q just as far; how far does q move f?",
    )
    check(
        "at x = 1, y = 2, z = 10",
        check.returns(sum_times(1.0, 2.0, 10.0), "f", "dq", "dx", "dy", "dz"),
        [30.0, 10.0, 10.0, 10.0, 3.0],
        mistakes=[
            ([-12, -4, -4, -4, 3], "the same numbers as before, whatever x, y and z are"),
            ([30, -4, -4, -4, 3], "all but f are the numbers from before, whatever x, y and z are"),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check("elsewhere", sum_times(0.5, -3.0, 6.0), [-15.0, 6.0, 6.0, 6.0, -2.5], rtol=1e-12)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# The circuit with the published numbers. Are they yours?

# %%
check_1 = check
if check_1.opens("the picture"):
    picture = graph.draw(*inputs)
    display(picture)

# %% [markdown]
# The same, played: each gate lights up when it is its turn, green on the way forward, red on the
# way back.

# %%
if check_1.opens("the film"):
    display(picture.animate())

# %% [markdown]
# To stop the clock, `picture.at(k)` shows what is known after `k` of the `picture.steps` steps.
# After four, the product has sent back its two gradients, and the sum has not yet:

# %%
if check_1.opens("the picture after four steps"):
    display(SVG(picture.at(4)))

# %% [markdown]
# And now move the numbers. GitHub shows no sliders, so start the notebook in Jupyter. Before you
# touch one, say what you expect:
#
# - $z$ goes to 0. What becomes of the red numbers of $x$ and $y$? Does $x$ still matter for $f$?
# - $x$ grows. Which red number changes, and which stay?
# - Where do all three inputs have a positive gradient?

# %%
if check_1.opens("the picture with sliders"):
    display(picture.sliders(x=(-6, 6), y=(-6, 6), z=(-6, 6)))

# %% [markdown]
# **A force on every wire.** Imagine that the circuit wants a larger $f$. Then a red number is a
# pull on its wire: the sign says in which direction, the size how strongly. Give way to all three
# pulls a little, by a hundredth of each: $f$ rises by about 0.01 times the sum of the three squared
# gradients, as long as these hardly change on the way. (A gradient of $-4$ at $q$ does not say that
# $q$ has to fall by 4 for $f$ to rise by 1: a fall of ¼ does it.)

# %%
if check_1.opens("the step along the forces"):
    f, _, *force = sum_times(*inputs)
    moved = np.array(inputs) + 0.01 * np.array(force)
    print("moved to      ", moved)
    print("f predicted   ", round(f + 0.01 * np.sum(np.square(force)), 4))
    print("f computed    ", round(sum_times(*moved)[0], 4))

# %% [markdown]
# ## 2. Three gates: distributor, switcher, router
#
# A gate needs to know nothing of the circuit around it. In the forward pass it computes its output
# and keeps what it will need later, its **cache**. In the backward pass somebody hands it `dout`,
# the gradient at its output, and it returns the gradients at its inputs: `dout` times the local
# derivative, for each. Such a pair of functions is the contract of every layer in this course. For
# a gate with two inputs it reads
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
# arrays of one shape, on which a gate works entry by entry (books write such a product with a
# circle, $x \odot y$; in NumPy it is `x * y`). `np.where(condition, a, b)` takes `a` where the
# condition holds and `b` where not. A backward pass leaves `dout` and the cache as they are:
# others may still read them.


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
with (
    exercise(2, "three gates", add_backward, multiply_backward, max_backward, points=4) as check,
    check.without(Graph, Add, Multiply, Max),
):
    x, y, dout = 3.0, -4.0, 5.0  # as in the pictures below
    local = "these are the local derivatives; dout multiplies them"
    half = "dout was split in halves; whoever gets it gets all of it"
    _, cache = add_forward(x, y)
    check(
        "the sum hands dout on to both inputs",
        check.returns(add_backward(dout, cache), "dx", "dy"),
        [5.0, 5.0],
        mistakes=[
            ([1.0, 1.0], local),
            ([2.5, 2.5], half),
            ([1.0, 5.0], "the first of them lacks dout"),
            ([5.0, 1.0], "the second of them lacks dout"),
        ],
        hint="both local derivatives are 1, and dout multiplies them",
    )
    _, cache = multiply_forward(x, y)
    check(
        "the product sends x the value of y, and y that of x, times dout",
        check.returns(multiply_backward(dout, cache), "dx", "dy"),
        [-20.0, 15.0],
        mistakes=[
            ([15.0, -20.0], "swapped: x got dout · x, but its local derivative is y"),
            ([-4.0, 3.0], local),
            ([5.0, 5.0], "that is what a sum sends; the slope of x y along x is not 1"),
            ([3.0, -4.0], "these are x and y: each is to get the other, times dout"),
            ([-60.0, -60.0], "these are dout · x · y: one factor too many"),
            ([-20.0, -60.0], "dy is dout · x · y, a factor too many: has dout changed in between?"),
            ([-60.0, 15.0], "dx is dout · x · y, a factor too many: has dout changed in between?"),
        ],
        hint="y held still: which slope has x y, a line in x? And dout multiplies it",
    )
    _, cache = max_forward(x, y)
    taken = "dout was multiplied by the larger value; the local derivative is 1"
    check(
        "the maximum sends everything to the larger input",
        check.returns(max_backward(dout, cache), "dx", "dy"),
        [5.0, 0.0],
        mistakes=[
            ([0.0, 5.0], "all of it went to the smaller input"),
            ([1.0, 0.0], local),
            ([5.0, 5.0], "that is the sum's; the smaller input has no influence on the maximum"),
            ([15.0, 0.0], taken),
            ([3.0, 0.0], "that is the larger value; the larger input is to get dout"),
            ([2.5, 2.5], half),
        ],
        hint="1 for the larger and 0 for the smaller, and dout multiplies them",
    )
    _, cache = max_forward(2.0, 7.0)
    check(
        "… also where that is the second",
        max_backward(dout, cache),
        [0.0, 5.0],
        mistakes=[
            ([5.0, 0.0], "all of it went to the first input, which is the smaller one here"),
            ([0.0, 1.0], local),
            ([5.0, 5.0], "both got all: the smaller one has no influence, though it is positive"),
            ([0.0, 35.0], taken),
            ([0.0, 7.0], "that is the larger value; the larger input is to get dout"),
            ([0.0, 0.0], "nobody got it: dout was lost"),
        ],
    )
    _, cache = max_forward(1.0, 1.0)
    check(
        "at a tie, to the first",
        max_backward(dout, cache),
        [5.0, 0.0],
        mistakes=[
            ([5.0, 5.0], "both got all, so dout was counted twice; we agreed on the first"),
            ([0.0, 0.0], "nobody got it, so dout was lost; we agreed on the first"),
            ([0.0, 5.0], "it went to the second; we agreed on the first"),
            ([2.5, 2.5], "each got half; that can be defended, but we agreed on the first"),
        ],
    )
    pair = rng.standard_normal((2, 12))
    check.functions("x + y on arrays, by differences", add_forward, add_backward, *pair)
    check.functions("x y on arrays, by differences", multiply_forward, multiply_backward, *pair)
    check.functions("max on arrays, by differences", max_forward, max_backward, *pair)
    ### BEGIN HIDDEN TESTS
    _, cache = multiply_forward(0.5, 7.0)
    check("elsewhere", multiply_backward(-1.0, cache), [-7.0, -0.5], rtol=1e-12)
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
check_2 = check
if check_2.opens("what the three gates do, in pictures,"):
    for gate in (circuits.add_gate, circuits.multiply_gate, circuits.max_gate):
        graph, inputs = gate()
        display(graph.draw(*inputs, dout=5.0))
    display(
        Markdown(
            "The red numbers tell who they are:\n\n"
            "- **add distributes**: both inputs get what arrives, whatever their values;\n"
            "- **multiply switches**: each input gets what arrives times the *other* value;\n"
            "- **max routes**: the winner gets all, the loser nothing.\n\n"
            "With these three you read most circuits without a pencil."
        )
    )

# %% [markdown]
# **More than two inputs** need no new gate. A product $a\,b\,c$ is two products in a row, and the
# second hands the first its gradient by the same rule. What does $a$ get? Say it before you run
# the cell:

# %%
if check_2.opens("a product of three"):
    g = Graph()
    a, b, c = g.input("a"), g.input("b"), g.input("c")
    g.output((a * b * c).named("f"))
    display(g.draw(2.0, 3.0, 5.0))

# %% [markdown]
# **At a tie.** Lecture notes that circulate give the maximum the derivatives $1(x \ge y)$ and
# $1(y \ge x)$; others $1(x > y)$ and $1(y > x)$. Apart from ties both are right. But
# $\max(x, x)$ is $x$, with the slope 1, so what the two inputs get has to add up to `dout`. With
# the first pair they get it twice, with the second not at all.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** In a product $w\,x$ the weight is $w = 1$ and the input $x = 1000$. Which of the
# two gets the larger gradient? Compare a step of gradient descent on $w$ with the step for $x = 1$,
# at the same rate and the same gradient at the product. And what does a max gate do to an input
# that loses on every example?
#
# ### BEGIN SOLUTION
# The product switches: $w$ gets 1000 times what arrives, and $x$ once what arrives. A step $w
# \leftarrow w - \text{rate} \cdot dw$ is then a thousand times longer than it is for $x = 1$, and
# easily too long: the rate has to be smaller. An input of a max gate that always loses gets a
# gradient of 0 every time: as far as this gate goes it is never changed, and whatever computes it
# learns nothing from here.
# ### END SOLUTION

# %%
model_answer("2-circuits", 1)

# %% [markdown]
# ## 3. Forks: what comes back adds up
#
# In the circuits of sections 1 and 2 every value was used once. In $f = x^2 + x$ the value $x$ is
# used twice:

# %%
graph, inputs = circuits.used_twice()
graph.draw()

# %% [markdown]
# A nudge of $x$ reaches $f$ on two paths at once, and $f$ moves by the sum of both effects. In
# general, let the gates that read $x$ have the outputs $q_1, q_2, \ldots$ A nudge $\Delta x$ moves
# each of them, and each of them moves $f$:
#
# $$\Delta q_i \approx \frac{\partial q_i}{\partial x}\,\Delta x, \qquad
# \Delta f \approx \sum_i \frac{\partial f}{\partial q_i}\,\Delta q_i.$$
#
# Put the first into the second and divide by $\Delta x$: the gradients that come back along the
# branches **add up**,
#
# $$\frac{\partial f}{\partial x} = \sum_i
# \frac{\partial f}{\partial q_i}\,\frac{\partial q_i}{\partial x}.$$
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
# Again, `dout` and the cache stay as they are.


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
with (
    exercise(3, "forks", used_twice_backward, chain_backward, points=3) as check,
    check.without(Graph),
):
    _, cache = used_twice_forward(3.0)
    check(
        "x² + x at x = 3: the branches bring 6 and 1",
        used_twice_backward(1.0, cache),
        7.0,
        mistakes=[
            (1.0, "only the branch into the sum is there: is there a `=` where `+=` belongs?"),
            (6.0, "only the branch through the square is there: what does the other bring?"),
            (4.0, "that is x + 1: the square's own slope is 2x"),
            (
                3.0,
                "that is x, or 2 + 1: the square's own slope is 2x, and the other branch brings 1",
            ),
            (5.0, "the square's own slope is 2x, which is 6 at x = 3; the other branch brings 1"),
            (10.0, "that is x² + 1: the square's own slope is 2x"),
            (12.0, "that is x² + x itself"),
        ],
        hint="two branches, one through the square and one straight into the sum",
    )
    check(
        "… and twice that where dout = 2",
        used_twice_backward(2.0, cache),
        14.0,
        mistakes=[
            (7.0, "dout is missing"),
            (
                8.0,
                "that is 2x + 2: the square's own slope is 2x, and dout multiplies both branches",
            ),
            (13.0, "dout is missing on the branch straight into the sum"),
            (2.0, "only the branch into the sum is there"),
            (12.0, "that is the branch through the square alone, 2 · 6, or x² + x itself"),
        ],
        hint="what arrives, dout, multiplies the local derivative on either branch",
    )
    _, cache = chain_forward(2.0, 3.0)
    dx, dy = check.returns(chain_backward(1.0, cache), "dx", "dy")
    check(
        "x y x + y at x = 2, y = 3: x gets 6 from each of its two gates",
        dx,
        12.0,
        mistakes=[
            (6.0, "that is the part of one of its two gates: is there a `=` where `+=` belongs?"),
            (9.0, "a = x y sends x the value y times da, and da is x · db"),
            (10.0, "a = x y sends x the value y times da, and y the value x times da"),
            (13.0, "x has no part in the sum b + y but through b"),
            (36.0, "that is 6 · 6: the parts of the two gates add up"),
            (20.0, "b = a x sends a the value x, and x the value a"),
        ],
        hint="b = a x sends x the value a; a = x y sends it y · da, with da = x · db",
    )
    check(
        "… and y gets 1 from the sum and 4 from the product",
        dy,
        5.0,
        mistakes=[
            (4.0, "only the product is there: the 1 of the sum is missing"),
            (1.0, "only the sum is there: y is used by a = x y, too"),
            (3.0, "da is x · db = 2, and y gets x · da"),
            (7.0, "a = x y sends y the value x times da, and x the value y times da"),
            (13.0, "da, which arrives at a = x y, is x · db = 2"),
            (
                2.0,
                "2 is da, which arrives at a = x y; y gets x · da from there, and 1 from the sum",
            ),
        ],
        hint="two gates read y: the sum sends it db, and a = x y sends it x · da",
    )
    check.functions(
        "x² + x on arrays", used_twice_forward, used_twice_backward, rng.standard_normal(5)
    )
    check.functions("x y x + y on arrays", chain_forward, chain_backward, *pair)
    ### BEGIN HIDDEN TESTS
    _, cache = chain_forward(-1.0, 4.0)
    check("elsewhere", chain_backward(10.0, cache), [-80.0, 20.0], rtol=1e-12)
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

# %% [markdown]
# **The same function, two circuits.** How we cut is our choice. A lecture's $(x + y)^2$ may be a
# sum and a square, whose local derivative is $2q$. Or it may be a sum and a product $q \cdot q$, a
# gate that reads one wire twice. What comes back along each of the two branches then?

# %%
check_3 = check
if check_3.opens("each of these circuits, with its numbers,"):
    graph, inputs = circuits.used_twice()
    display(graph.draw(*inputs))
    for square in (lambda q: q**2, lambda q: q * q):
        g = Graph()
        q = (g.input("x") + g.input("y")).named("q")
        g.output(square(q).named("f"))
        display(g.draw(-2.0, 5.0))

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
    """Returns a dictionary of numbers: the gradient of f at each wire, by the name of the wire.
    That is what has come back to the wire from f, and not the local derivative of a gate."""
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
with (
    exercise(4, "the neuron, gate by gate", neuron_backward, points=4) as check,
    check.without(Graph, Sigmoid),
):
    f, cache = neuron_forward(2.0, -1.0, -3.0, -2.0, -3.0)
    d = neuron_backward(cache)
    other = "that belongs to its partner: a product sends each input the value of the other"
    factor = "that is the local derivative; multiply it by what arrives"
    arrives = "that is what arrives at the product; the value of the partner multiplies it"
    handed = [(1.0, factor), (-0.2, "a sum hands on what arrives, and its sign with it")]
    published = {  # with two decimals
        ("u", -0.53, "1/u has the slope −1/u²: du = −0.53"): [
            (0.53, "the sign: the derivative of 1/u is −1/u²"),
            (0.73, "that is f = 1/u itself; its derivative is −1/u²"),
            (-0.73, "that is −1/u; the derivative of 1/u is −1/u²"),
        ],
        ("e", -0.53, "1 + e has the slope 1: de = −0.53"): [
            (1.0, "that is the local derivative; multiply it by what arrives, du"),
            (-0.2, "this gate only adds 1, so its slope is 1; the exponential comes next"),
            (0.53, "1 + e rises with e: the slope is 1, and the sign stays"),
        ],
        ("n", -0.20, "the slope of exp is its own output: dn = −0.20"): [
            (
                -0.53,
                "that is de; the local derivative of exp, the gate's own output, multiplies it",
            ),
            (0.37, "that is the local derivative e; multiply it by what arrives, de"),
            (-0.77, "exp was applied to e, which is exp(n) already"),
            (-1.45, "that is exp(1) times what arrives; but n = −1 went into the gate, not s"),
        ],
        ("s", 0.20, "the sign turns: ds = 0.20"): [
            (-0.2, "n = −s has the slope −1"),
            (-1.0, "that is the local derivative; multiply it by what arrives, dn"),
        ],
        ("a", 0.20, "the last sum hands it on to a: 0.20"): handed,
        ("w2", 0.20, "… and to w2"): handed,
        ("p", 0.20, "the sum before it hands it on to p"): handed,
        ("r", 0.20, "… and to r"): handed,
        ("w0", -0.20, "w0 gets x0 times that: −0.20"): [
            (0.39, other),
            (-1.0, factor),
            (0.20, arrives),
            (-0.39, "that is −2 times what arrives; the partner of w0 is x0, which is −1"),
        ],
        ("x0", 0.39, "x0 gets w0 times that: 0.39"): [
            (-0.2, other),
            (2.0, factor),
            (0.20, arrives),
            (-0.59, "that is −3 times what arrives; the partner of x0 is w0, which is 2"),
        ],
        ("w1", -0.39, "w1 gets x1 times that: −0.39"): [
            (-0.59, other),
            (-2.0, factor),
            (0.20, arrives),
            (-0.20, "that is −1 times what arrives; the partner of w1 is x1, which is −2"),
        ],
        ("x1", -0.59, "x1 gets w1 times that: −0.59"): [
            (-0.39, other),
            (-3.0, factor),
            (0.20, arrives),
            (0.39, "that is 2 times what arrives; the partner of x1 is w1, which is −3"),
        ],
    }
    for (wire, value, label), mistakes in published.items():
        check(label, d.get(wire), value, mistakes=mistakes, rtol=0, atol=0.0051)
        if check.verdict == "wrong":
            break  # what comes further back is wrong as well
    else:
        d = neuron_backward(neuron_forward(0.7, -1.2, 0.4, 2.5, -0.3)[1])
        slopes = (-0.298534789, 0.174145293, 0.621947476, 0.0995115962, 0.248778991)
        for wire, slope in zip(("w0", "x0", "w1", "x1", "w2"), slopes, strict=True):
            check(
                f"d{wire} elsewhere, with all digits",
                d.get(wire),
                slope,
                hint="a rounded number in the code, or one of the inputs above?",
            )
    ### BEGIN HIDDEN TESTS
    f, cache = neuron_forward(0.0, 5.0, 2.0, 0.0, 0.0)  # s = 0, where the slope is 1/4
    d = neuron_backward(cache)
    check("at s = 0", [d[name] for name in ("w0", "x0", "w1", "x1")], [1.25, 0.0, 0.0, 0.5])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# The circuit with the numbers of CS231n's notes:

# %%
check_4 = check
if check_4.opens("the picture"):
    graph, inputs = circuits.staged_sigmoid_neuron()
    display(graph.draw(*inputs))

# %% [markdown]
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
with (
    exercise(5, "the sigmoid as one gate", sigmoid_backward, points=2) as check,
    check.without(Graph, Sigmoid),
):
    check(
        "at x = 0, where σ is a half, the slope is a quarter",
        sigmoid_backward(1.0, sigmoid_forward(0.0)[1]),
        0.25,
        mistakes=[
            (0.5, "σ and 1 − σ are ½ here; but the slope is a product of two factors"),
            (0.75, "that is 1 − σ², the form of tanh, or σ (1 + σ): look at both factors again"),
            (1.5, "that is 1 + σ: look at the sign, and the slope is a product of two"),
            (-0.25, "the sign: σ rises, its slope is positive"),
            (0.23500371, "that is the slope at σ(0) = ½: the cache holds σ(x) already, and not x"),
        ],
        hint="e = (1 + e) − 1, divided by 1 + e",
    )
    check(
        "at x = 1 it is 0.73 · 0.27",
        sigmoid_backward(1.0, sigmoid_forward(1.0)[1]),
        0.19661193,
        mistakes=[
            (0.73105858, "that is σ itself: the slope is a product of two"),
            (0.26894142, "that is 1 − σ: the slope is a product of two"),
            (0.25, "that is the slope at 0; here x is 1"),
            (0.53444665, "that is σ², and the second factor is another one"),
            (0.46555335, "that is 1 − σ², the form of tanh; for σ it is another factor"),
            (1.26551123, "that is σ (1 + σ): look at the signs again"),
            (0.21936199, "that is the slope at σ(1): the cache holds σ(x) already, and not x"),
        ],
        hint="e = (1 + e) − 1, divided by 1 + e",
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
    check("where σ is 0.9", sigmoid_backward(-10.0, cache), -0.9, rtol=1e-12)
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
check_5 = check
if check_4.opens("the picture") and check_5.opens("the picture"):
    graph, inputs = circuits.sigmoid_neuron()
    display(graph.draw(*inputs))

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** Where is the slope of the sigmoid largest, and how large is it there? A signal
# goes back through ten sigmoids in a row. At most what is left of it, and what does this say about
# deep networks of sigmoids? And the perceptron, F. Rosenblatt's neuron of 1958, has a step in the
# place of the sigmoid: its output is 1 where $s \ge 0$ and 0 where not. What comes back through it?
#
# ### BEGIN SOLUTION
# $\sigma (1 - \sigma)$ is a product of two positive numbers whose sum is 1, and so is largest where
# both are equal, at $\sigma = 1/2$, that is at $x = 0$, and is $1/4$ there. After ten sigmoids at
# most $(1/4)^{10} \approx 10^{-6}$ is left, apart from the weights in between, which multiply it,
# and less wherever a sigmoid is saturated. Unless the weights are large enough to make up for that,
# the first layers of such a network hardly learn: the gradient vanishes. A step is flat on either
# side of 0, and at 0 itself it has no slope at all. So nothing ever comes back through a
# perceptron, and backpropagation cannot train what stands before it; Rosenblatt's learning rule is
# another one.
# ### END SOLUTION

# %%
model_answer("2-circuits", 2)

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
    """Returns a dictionary of numbers: the gradient of f at each wire, by the name of the wire.
    That is what has come back to the wire from f, and not the local derivative of a gate."""
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
with (
    exercise(6, "the long expression", long_backward, points=5) as check,
    check.without(Graph, Sigmoid),
):
    slopes = {
        "num": 0.512144449,
        "inv": 3.01798621,
        "den": -0.791593447,
        "b": -0.791593447,
        "q": -0.791593447,
        "s": 1.58318689,
        "a": 0.512144449,
        "x": 2.0595698,
        "y": 1.59223275,
    }
    d = long_backward(long_forward(3.0, -4.0)[1])
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
            (0.79159345, "that is −1 times what arrives; the slope of s² is 2s, which is −2 here"),
            (
                2.37478034,
                "that is −3 times what arrives; 2s is −2 here. (s is −1.50 in the picture at the "
                "top, where x and y are others)",
            ),
            (-0.79159345, "a square stands between: its slope 2s multiplies what arrives, d[q]"),
            (-1.58318689, "the slope of s² is 2s, and s = −1 is negative here"),
        ],
        ("a", "the sum hands d[num] on to a"): [
            (0.00904586, "a sum hands on what arrives, d[num]; σ is the next gate")
        ],
        ("x", "x adds up three paths: 2.06"): [
            (0.51214445, "only the path through num is there: where are the others? (Was it `=`?)"),
            (-0.03576155, "only the path through b is there: where are the others? (Was it `=`?)"),
            (1.58318689, "only the path through s is there: where are the others? (Was it `=`?)"),
            (2.09533134, "the path through b = σ(x) is missing"),
            (1.54742535, "the path through num is missing"),
            (0.47638290, "the path through s is missing"),
            (1.34128032, "on the path through b, σ(x) itself stands where its slope belongs"),
            (6.84489202, "on the path through b, x stands where the output of the sigmoid belongs"),
            (1.30373790, "on the path through b, the slope of the sigmoid is missing"),
            (2.08135, "on the path through b stands the slope of a = σ(y)"),
        ],
        ("y", "y adds up two: 1.59"): [
            (0.00904586, "only the path through a is there: where is the other? (Was it `=`?)"),
            (1.58318689, "only the path through s is there: where is the other? (Was it `=`?)"),
            (1.59239853, "on the path through a, σ(y) itself stands where its slope belongs"),
            (
                -8.65970209,
                "on the path through a, y stands where the output of the sigmoid belongs",
            ),
            (2.09533134, "on the path through a, the slope of the sigmoid is missing"),
        ],
    }
    for (wire, label), mistakes in told.items():
        check(label, d.get(wire), slopes[wire], mistakes=mistakes)
        if check.verdict == "wrong":
            break  # what comes further back is wrong as well
    else:
        d = long_backward(long_forward(0.5, 1.0)[1])
        check(
            "num, inv, den, q, s, x and y at x = 0.5, y = 1",
            [d[wire] for wire in ("num", "inv", "den", "q", "s", "x", "y")],
            [0.3481337, 1.2310586, -0.1492007, -0.1492007, -0.4476022, -0.1345312, -0.3791549],
            hint="a number in the code where a v[…] belongs?",
        )
    ### BEGIN HIDDEN TESTS
    d = long_backward(long_forward(-1.0, -0.7)[1])
    check("elsewhere", [d["x"], d["y"]], [0.10206291, -0.157478152])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# Look your numbers up in the picture. You have now done by hand what every framework for deep
# learning does: nothing is added but more kinds of gates.

# %%
check_6 = check
if check_6.opens("the picture"):
    graph, inputs = circuits.long_expression()
    display(graph.draw(*inputs))

# %% [markdown]
# Two things that backpropagation is *not*. It is not the learning algorithm: it computes gradients,
# and what is done with them, gradient descent for one, is another matter. And it is not only for
# networks: the formula that you have just differentiated is none.

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
# `nets`. What a function returns can be named as well: `exp(x).named("e")`. Here is a formula with
# three weights $a, b, c$ and two inputs $x, y$, $f = a x^2 + b x y + c y^2$:

# %%
g = Graph()
a, b, c, x, y = [g.input(name) for name in "abcxy"]
g.output((a * x**2 + b * (x * y) + c * y**2).named("f"))
g.draw(1.0, 2.0, 3.0, 4.0, 5.0)

# %% [markdown]
# The gradient of a weight is what the weight multiplies, $x^2$, $x y$ and $y^2$. That is what
# training needs. The gradients of $x$ and $y$ it needs where these are computed by another layer,
# with weights of its own. `g.trace(…)` runs both passes and keeps everything:

# %%
trace = g.trace(1.0, 2.0, 3.0, 4.0, 5.0)
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
# Go through all nodes and all wires that enter them, and pick out those that come from `name`. The
# answer, `trace[name].gradient`, is not there: in the trace that the check hands you it is `nan`
# (not a number), and whatever is computed with it is `nan`, too.


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

    trace: the nodes by name, as graph.trace(…) returns them for a graph of numbers, but with nan
    for the gradient at `name`.   name: a node that is no output.   Returns a number.
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
def handed_out(graph, inputs, name):
    """What may be used of a trace: its nodes by name, without the gradient at `name`."""
    nodes = {}
    for key, node in graph.trace(*inputs).items():
        gradient = np.nan if key == name else node.gradient
        nodes[key] = SimpleNamespace(
            name=key, inputs=node.inputs, value=node.value, local=node.local, gradient=gradient
        )
    return nodes


def by_hand(circuit, name):
    graph, inputs = circuit()
    return gradient_of(handed_out(graph, inputs, name), name)


with exercise(7, "a Graph, and its gradients by hand", build_swish, gradient_of, points=4) as check:
    g = build_swish()
    check.true(
        "the graph has the inputs x and b, and is finished",
        bool(g.outputs) and g.inputs == ("x", "b"),
        "g.input for x first, then for b; g.output(…) finishes the graph",
        why="" if g.outputs else "g.output(…) has not been called: the graph is not finished",
    )
    check(
        "f = x σ(b x) at x = 2, b = 1.5",
        g.forward(*[np.array(2.0 if name == "x" else 1.5) for name in g.inputs])[0],
        1.90514825,
        mistakes=[
            (1.76159416, "that is x σ(x): b is not in it"),
            (0.95257413, "that is σ(b x) alone; it multiplies x"),
            (1.63514895, "that is x σ(b): x belongs into the sigmoid as well"),
            (1.42886119, "that is b σ(b x): x, and not b, multiplies the gate"),
            (2.95257413, "that is x + σ(b x): the gate multiplies x"),
        ],
        hint="x goes two ways: times b into the sigmoid, and straight into the last product",
    )
    check.true(
        "there is a wire with the name gate",
        "gate" in g.nodes and g.nodes["gate"].inputs and g.nodes["gate"].op is not None,
        '(…).named("gate") around the sigmoid',
    )
    if "gate" in g.nodes and len(g.inputs) == 2:
        check(
            "its value is σ(3) = 0.9526",
            g.trace(2.0, 1.5)["gate"].value,
            0.95257413,
            mistakes=[
                (3.0, "that is b x, what goes into the sigmoid"),
                (1.90514825, "that is f, what the gate has let through"),
            ],
        )
    used = (
        np.nan,
        "the gradient at the node itself was used, which is not there: add it up from the nodes "
        "that read it",
    )
    check(
        "(x + y) z: q is read by the product",
        by_hand(circuits.sum_times, "q"),
        -4.0,
        mistakes=[
            used,
            (3.0, "3 is the product's slope along z; node.local has the order of node.inputs"),
            (0.0, "total is still 0: is anything added to it? What stands in node.inputs?"),
            (
                -1.0,
                "−1 is the sum of both local derivatives of the product; q is one of its inputs",
            ),
            (1.0, "1 is the gradient at the product; its local derivative multiplies it"),
        ],
        hint="which node reads q, and at which place in node.inputs?",
    )
    check(
        "… and z is its second input",
        by_hand(circuits.sum_times, "z"),
        3.0,
        mistakes=[
            used,
            (-4.0, "−4 is the product's slope along q; node.local has the order of node.inputs"),
            (1.0, "1 is the gradient at the product; its local derivative multiplies it"),
        ],
        hint="which node reads z, and at which place in node.inputs?",
    )
    check(
        "(x + y) z: x is read by the sum",
        by_hand(circuits.sum_times, "x"),
        -4.0,
        mistakes=[
            used,
            (1.0, "that is the local derivative alone; multiply it by node.gradient"),
            (-8.0, "that is −4 for both wires of the sum; x is one of them"),
        ],
        hint="the node that reads x sends it its own gradient times the local derivative",
    )
    check(
        "x² + x: both branches count",
        by_hand(circuits.used_twice, "x"),
        7.0,
        mistakes=[
            used,
            (
                1.0,
                "that is one of two branches: does += add them up, with `return` after the loops?",
            ),
            (
                6.0,
                "that is one of two branches: does += add them up, with `return` after the loops?",
            ),
            (2.0, "that is 1 + 1, a gradient for each branch; the local derivatives multiply them"),
        ],
        hint="two nodes read x, and what they send adds up",
    )
    twice = Graph()
    w = twice.input("w")
    twice.output(w * w)
    check(
        "w · w: one gate may read a node twice",
        gradient_of(handed_out(twice, [3.0], "w"), "w"),
        6.0,
        mistakes=[
            used,
            (3.0, "that is what one of the two wires brings: node.inputs holds w twice"),
            (2.0, "that is 1 + 1, a gradient for each wire; the local derivatives multiply them"),
        ],
        hint="node.inputs is ['w', 'w'] here",
    )
    long = circuits.long_expression
    above = "what the lines above say"
    check("the long expression: x", by_hand(long, "x"), 2.05956980, mistakes=[used], hint=above)
    check("… and y", by_hand(long, "y"), 1.59223275, mistakes=[used], hint=above)
    of_yours = handed_out(g, [2.0, 1.5], "x")
    check("your own graph: x", gradient_of(of_yours, "x"), 1.08810411, mistakes=[used], hint=above)
    ### BEGIN HIDDEN TESTS
    check("elsewhere: b", gradient_of(handed_out(g, [3.0, -0.5], "b"), "b"), 1.34231807)
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
check_7 = check
if check_7.opens("a picture of your circuit"):
    display(build_swish().draw(2.0, 1.5))

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
graph.draw()

# %% [markdown]
# The gradient of a weight is proportional to the *data* that it multiplies. With two features, one
# of size 1 and one of size 1000, the second weight gets gradients a thousand times larger. One
# learning rate has to serve both, and what is right for one is far too much, or far too little,
# for the other.
#
# With one feature alone, could a smaller rate make up for it? Let $w$ be the weight for $x$ and $v$
# the one for $c\,x$. They do the same work where $v = w / c$. You are about to find how the
# gradient of $v$ compares with that of $w$. Then ask with which rate $r'$ a step $v \leftarrow v -
# r'\,dv$ leads from $v = w/c$ to the new $w$, divided by $c$.
#
# With several features the remedy is **preprocessing**: bring all features to the same scale before
# training. To *standardise* a feature is to subtract its mean and divide by its standard deviation,
#
# $$\hat x_{nd} = \frac{x_{nd} - m_d}{s_d}, \qquad m_d = \frac1N \sum_n x_{nd}, \qquad
# s_d^2 = \frac1N \sum_n (x_{nd} - m_d)^2.$$
#
# **Exercise 8** (3 points). First the gradients of $f = w\,(c\,x)$ with a constant $c$. Then the
# rate $r'$. Then standardise. In this course **rows are examples**: `x` has the shape $(N, D)$, an
# example in each of its $N$ rows and a feature in each of its $D$ columns.


# %% nbgrader={"grade_id": "scale", "solution": true}
def scaled_gradients(w, x, c):
    """The gradients of f = w (c x).   w, x, c: numbers.   Returns dw, dx."""
    ### BEGIN SOLUTION
    return c * x, c * w
    ### END SOLUTION


def rescaled_rate(rate, c):
    """The learning rate r' for v, the weight of c x: with it v stays w / c, step after step, where
    w, the weight of x, is trained at `rate`.   rate, c: positive numbers.   Returns r', a number.
    """
    ### BEGIN SOLUTION
    return rate / c**2  # the gradient is c times as large, the step is to be 1/c as large
    ### END SOLUTION


def standardise(x):
    """x: (N, D), in which no column is constant.   Returns an array (N, D) whose columns have mean
    0 and standard deviation 1."""
    ### BEGIN SOLUTION
    return (x - x.mean(axis=0)) / x.std(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 3}
with exercise(
    8, "the scale of the inputs", scaled_gradients, rescaled_rate, standardise, points=3
) as check:
    dw, dx = check.returns(scaled_gradients(2.0, 3.0, 1000.0), "dw", "dx")
    check(
        "w = 2, x = 3, c = 1000: dw = 3000",
        dw,
        3000.0,
        mistakes=[
            (3.0, "that is x; but the product's other input is c x"),
            (2000.0, "that is c w, the gradient of x"),
            (6000.0, "that is f itself"),
            (1000.0, "that is c; the product's other input is c x"),
        ],
        hint="the product sends w the value of its other input",
    )
    check(
        "dx = 2000: it goes back through the gate × 1000, too",
        dx,
        2000.0,
        mistakes=[
            (2.0, "that is the gradient behind the gate × 1000; go one gate further"),
            (3000.0, "that is c x, the gradient of w"),
            (6000.0, "that is f itself"),
            (1000.0, "that is c, the local derivative; what arrives, w, multiplies it"),
        ],
        hint="the product sends back w, and then the gate × c has its own slope",
    )
    check(
        "the rate for 1000 x that does what 0.1 does for x",
        rescaled_rate(0.1, 1000.0),
        1e-7,
        mistakes=[
            (
                1e-4,
                "that is rate / c, which lecture notes that circulate print: it makes up for the "
                "gradient, c times as large, and not for the weight, which is to be w / c",
            ),
            (0.1, "the same rate: but the gradient is c times as large"),
            (100.0, "that is rate · c: but the gradient is larger, not smaller"),
            (1e5, "that is rate · c²: but the gradient is larger, not smaller"),
            (0.1 / 1000**0.5, "that is rate / √c"),
        ],
        hint="dv = c dw; and v is to move by 1/c of what w moves",
        rtol=1e-9,
        atol=0,
    )
    data = np.array([0.5, -1.0, 2.0])
    weights = []
    for c, rate in ((1.0, 0.3), (40.0, rescaled_rate(0.3, 40.0))):
        weight = 1 / c
        for _ in range(3):  # towards the targets 3 · data
            weight -= rate * np.mean((weight * c * data - 3 * data) * c * data)
        weights.append(weight * c)
    check(
        "three steps on the data, and three on 40 times the data, agree",
        weights[1],
        weights[0],
        hint="the rate for c x at which v stays w / c, step after step",
    )
    table = np.array([[1.0, 1000.0], [3.0, 3000.0], [1.0, 1000.0], [3.0, 3000.0]])
    centred = table - table.mean(axis=0)
    across = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True)
    check(
        "a table whose columns have means 2 and 2000, and deviations 1 and 1000",
        standardise(table),
        [[-1.0, -1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, 1.0]],
        mistakes=[
            (across, "each row was standardised; a feature is a column"),
            ((table - table.mean()) / table.std(), "one mean and one deviation for all features"),
            (centred, "the mean is gone, but the scale is still there: divide by the deviation"),
            (centred / table.var(axis=0), "divided by the variance; its square root belongs there"),
            (table / table.std(axis=0), "the scale is right, but the mean is still there"),
            (centred / table.std(axis=0, ddof=1), "divided by N − 1; in this course it is N"),
            (centred / table.std(), "the means are right; but one deviation for all features"),
            (table - table.mean(axis=0) / table.std(axis=0), "subtract first, then divide"),
            (
                centred / np.ptp(table, axis=0),
                "half of it, as with the range, from the least to the largest, for the deviation",
            ),
            (centred / np.ptp(table, axis=0) + 0.5, "that goes from 0 to 1: the mean is to be 0"),
        ],
        hint="a feature is a column: which axis runs down a column?",
    )
    x = standardise(rng.uniform(50, 80, (20, 3)))
    check("the mean of every column is 0", x.mean(axis=0), np.zeros(3))
    check("the standard deviation of every column is 1", x.std(axis=0), np.ones(3))
    ### BEGIN HIDDEN TESTS
    check("elsewhere", scaled_gradients(-1.0, 5.0, 0.5), [2.5, -0.5], rtol=1e-12)
    check("a rate for c = ½", rescaled_rate(2.0, 0.5), 8.0)
    check("one column", standardise(np.array([[0.0], [4.0]])), [[-1.0], [1.0]])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
check_8 = check
if check_8.opens("the picture"):
    display(graph.draw(*inputs))
    display(
        Markdown(
            "The rate has to fall with the **square** of the scale: data a thousand times as large "
            "want a rate a *million* times smaller. The gradient is a thousand times as large, and "
            "the weight that fits is a thousand times smaller."
        )
    )

# %% [markdown]
# What does it bring to standardise? A hundred people, their heights in metres and weights in grams,
# and a target that depends on both. We fit $\hat y = x W + b$ by gradient descent, once to the raw
# table, once to the standardised one, each at half the rate above which the loss blows up.
# On the left are the gradients of the two weights before the first step, on the right is the loss.

# %% jupyter={"source_hidden": true}
if check_8.opens("the picture of raw and standardised data"):
    rng = np.random.default_rng(8)
    tall, stout = rng.standard_normal((2, 100))
    raw = np.column_stack([1.7 + 0.1 * tall, 70_000 + 10_000 * (0.6 * tall + 0.8 * stout)])
    target = standardise(raw) @ [2.5, 0.5] + 1 + 0.3 * rng.standard_normal(100)
    tables = {"raw": raw, "standardised": standardise(raw)}
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for place, colour, (name, x) in zip((-0.2, 0.2), ("C3", "C0"), tables.items(), strict=True):
        x1 = np.column_stack([x, np.ones(100)])  # the last column multiplies the bias
        rate = (
            1 / np.linalg.eigvalsh(x1.T @ x1 / 100)[-1]
        )  # half of the limit; homework 8 tells why
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

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** With the raw table in the picture the loss falls once and then hardly any more.
# Why does a larger learning rate not help? And why is it the *training* set alone from which the
# means and deviations are taken, also for test data?
#
# ### BEGIN SOLUTION
# The rate has to suit the weight along which the loss bends most, that of the grams: above twice
# this rate, it overshoots further with every step. For the weight of the metres that rate is far
# too small: its data are some 40,000 times smaller, so that it wants a rate larger by the square of
# that, over a billion times. It practically stands still.
# Test data stand for data that nobody has seen: a single new example has no deviation of its own,
# it must be treated exactly as the training examples were, and nothing may be learnt from it.
# ### END SOLUTION

# %%
model_answer("2-circuits", 3)

# %% [markdown]
# ## Go further
#
# These give no points; their checks are as strict.
#
# **1. A tape of your own.** In exercise 7 the library still ran the backward pass. A class of
# thirty lines can do without it. A `Value` is a number that remembers how it came
# about: it keeps what it read and its local derivative along each of these wires. Arithmetic makes
# new Values. At the end `f.backward()` goes through all Values that `f` depends on, the last one
# first, and hands back, with a `+=`, what each owes to those that it read.
#
# The one difficulty is the order: nobody may hand on before all that read it have handed back to
# it. One way is a list in which every Value comes after those that it reads, to be gone through
# from its end. Another is a depth, which each Value is given when it is made: larger than those of
# all that it reads.


# %% nbgrader={"grade_id": "further-1", "solution": true}
class Value:
    """A number on a tape.

    data       the number, a float
    reads      the Values that it was computed from
    local      its derivative along each of them
    gradient   ∂f/∂(this) after f.backward(), a float
    """

    def __init__(self, data, reads=(), local=()):
        ### BEGIN SOLUTION
        self.data, self.reads, self.local, self.gradient = data, reads, local, 0.0
        self.depth = 1 + max((one.depth for one in reads), default=0)
        ### END SOLUTION

    def __add__(self, other):
        """self + other, a Value; other: a Value or a number."""
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))
        ### END SOLUTION

    def __mul__(self, other):
        """self * other, a Value; other: a Value or a number."""
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))
        ### END SOLUTION

    __radd__, __rmul__ = __add__, __mul__  # for 1 + x and 2 * x

    def exp(self):
        """e to the power of self, a Value."""
        ### BEGIN SOLUTION
        out = float(np.exp(self.data))
        return Value(out, (self,), (out,))
        ### END SOLUTION

    def reciprocal(self):
        """1 / self, a Value."""
        ### BEGIN SOLUTION
        return Value(1 / self.data, (self,), (-1 / self.data**2,))
        ### END SOLUTION

    def backward(self):
        """Gives every Value that self depends on, and self, its gradient."""
        ### BEGIN SOLUTION
        found, waiting = {self}, [self]
        while waiting:
            new = {*waiting.pop().reads} - found
            found |= new
            waiting += new
        for value in found:
            value.gradient = 0.0
        self.gradient = 1.0
        for value in sorted(found, key=lambda one: one.depth, reverse=True):
            for source, local in zip(value.reads, value.local, strict=True):
                source.gradient += value.gradient * local
        ### END SOLUTION


# %% jupyter={"source_hidden": true}
def on_values(formula, *inputs):
    """The value of a formula on Values, and the gradients of its inputs."""
    values = [Value(x) for x in inputs]
    out = formula(*values)
    out.backward()
    return [out.data, *(value.gradient for value in values)]


def on_a_graph(circuit):
    """The same numbers, from the trace of a Graph."""
    graph, inputs = circuit()
    trace = graph.trace(*inputs)
    return [
        float(trace[graph.outputs[0]].value),
        *(float(trace[name].gradient) for name in graph.inputs),
    ]


def squashed(t):
    return (1 + (-1 * t).exp()).reciprocal()


def long_formula(x, y):
    return (x + squashed(y)) * (squashed(x) + (x + y) * (x + y)).reciprocal()


def crossed(x):
    q = x * x
    r = q + x
    return q * r + q  # q is read thrice, once by r


def in_a_row(count, step):
    """The gradient of x behind so many steps, and the seconds that backward took."""
    x = value = Value(1.0)
    for _ in range(count):
        value = step(value)
    begun = perf_counter()
    value.backward()
    return x.gradient, perf_counter() - begun


from_graphs = [on_a_graph(circuits.long_expression), on_a_graph(circuits.sigmoid_neuron)]
with further(1, "a tape of your own", Value) as go_1, go_1.without(Graph):
    go_1(
        "2 x + 1 at x = 3: the value, and the slope",
        on_values(lambda x: 2 * x + 1, 3.0),
        [7.0, 2.0],
        mistakes=[
            ([7.0, 0.0], "nothing has arrived at x: does backward begin with 1 at the end?"),
            ([7.0, 3.0], "3 is x itself: in a product each gets the value of the other"),
        ],
        hint="what f gets to begin with, and what + and * keep of their inputs",
    )
    go_1("1 + x · 2 is the same", on_values(lambda x: 1 + x * 2, 3.0), [7.0, 2.0])
    go_1(
        "(x + y) z",
        on_values(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0),
        [-12.0, -4.0, -4.0, 3.0],
        mistakes=[([-12.0, 3.0, 3.0, -4.0], "the local derivatives of the product are swapped")],
        hint="the order of the local derivatives, which is that of what was read",
    )
    go_1(
        "x · x + x: what comes back adds up",
        on_values(lambda x: x * x + x, 3.0),
        [12.0, 7.0],
        mistakes=[
            ([12.0, 1.0], "only the branch into the sum is there: is a += missing?"),
            ([12.0, 3.0], "only one of the three branches is there: is a += missing?"),
            ([12.0, 4.0], "x is read twice by one product, and only one of these is there"),
            ([12.0, 6.0], "only the two branches through the product are there"),
        ],
        hint="a += for each wire, also where one product reads x twice",
    )
    go_1(
        "e^x and 1/x",
        [on_values(lambda x: x.exp(), 1.0), on_values(lambda x: x.reciprocal(), 2.0)],
        [[np.e, np.e], [0.5, -0.25]],
        hint="their slopes are eˣ and −1/x²",
    )
    go_1(
        "q = x², r = q + x, f = q r + q: r hands back before q does",
        on_values(crossed, 2.0),
        [28.0, 48.0],
        mistakes=[
            (
                [28.0, 32.0],
                "what r sends to q has not reached x: did q hand back before r did?",
            )
        ],
        hint="q may hand on when r, the product and the last sum have handed back to it",
    )
    go_1(
        "the long expression, as the trace of its Graph has it",
        on_values(long_formula, 3.0, -4.0),
        from_graphs[0],
    )
    go_1(
        "the neuron, too",
        on_values(
            lambda w0, x0, w1, x1, w2: squashed(w0 * x0 + w1 * x1 + w2), 2.0, -1.0, -3.0, -2.0, -3.0
        ),
        from_graphs[1],
    )

    def at(x, y):
        return long_formula(Value(x), Value(y)).data

    go_1(
        "the long expression elsewhere, by differences",
        on_values(long_formula, 0.3, -1.1)[1:],
        [
            (at(0.3 + 1e-5, -1.1) - at(0.3 - 1e-5, -1.1)) / 2e-5,
            (at(0.3, -1.1 + 1e-5) - at(0.3, -1.1 - 1e-5)) / 2e-5,
        ],
    )
    x = Value(3.0)
    f = x * x
    f.backward()
    f.backward()
    go_1(
        "backward called twice gives the same",
        x.gradient,
        6.0,
        mistakes=[(12.0, "the second call has added to the first: begin with zeros")],
        hint="all gradients are 0 when backward begins",
    )
    slope, seconds = in_a_row(20, lambda value: value + value)
    go_1("doubled 20 times: the slope is 2²⁰", slope, 2.0**20)
    go_1.true(
        "… in a moment",
        seconds < 0.1,
        "each Value hands back once, with all that it has got; there are a million paths",
    )
    go_1(
        "5000 sums in a row: no recursion is so deep",
        in_a_row(5000, lambda value: value + 1)[0],
        1.0,
    )

# %% [markdown]
# **2. A product of many.** For $f = a\,b\,c$ the gradients are $b c$, $a c$ and $a b$. For $f = x_1
# x_2 \cdots x_N$ it is tempting to write $\texttt{dx}_i = \texttt{dout} \cdot f / x_i$. Where does
# that fail? And to multiply all others anew for each $i$ costs $N^2$ multiplications. A row of
# product gates, forward and then back, makes do with about $3N$ of them, and a 0 among the $x_i$
# does no harm. Write the backward pass so: keep what the gates from the left have made, and go back
# from the right.


# %% nbgrader={"grade_id": "further-2", "solution": true}
def product_forward(x):
    """x: (N,).   Returns the product of all its entries, and a cache."""
    return np.prod(x), x


def product_backward(dout, cache):
    """dout: a number.   Returns dx (N,), with no division and no loop within a loop."""
    x = cache
    ### BEGIN SOLUTION
    left = np.cumprod(np.concatenate([[1.0], x[:-1]]))  # left[i]: the product of all before i
    dx, right = np.zeros(len(x)), dout
    for i in reversed(range(len(x))):
        dx[i] = left[i] * right
        right = right * x[i]
    return dx
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
def seconds_for(count):
    """How long the backward pass of so many numbers takes."""
    begun = perf_counter()
    product_backward(1.0, np.ones(count))
    return perf_counter() - begun


with further(2, "a product of many", product_backward) as go_2:
    go_2(
        "2 · 3 · 5: each gets the product of the others",
        product_backward(1.0, np.array([2.0, 3.0, 5.0])),
        [15.0, 10.0, 6.0],
        mistakes=[
            ([30.0, 30.0, 30.0], "that is the whole product: leave out the number itself"),
            ([1.0, 2.0, 6.0], "that is the product of those before; those behind are missing"),
            ([15.0, 5.0, 1.0], "that is the product of those behind; those before are missing"),
        ],
        hint="all those before it, times all those behind it",
    )
    go_2("… times dout", product_backward(2.0, np.array([2.0, 3.0, 5.0])), [30.0, 20.0, 12.0])
    go_2(
        "2 · 0 · 5: the 0 alone gets something",
        product_backward(1.0, np.array([2.0, 0.0, 5.0])),
        [0.0, 10.0, 0.0],
        mistakes=[
            ([0.0, np.nan, 0.0], "that is 0/0: without a division it is 10"),
            ([0.0, 0.0, 0.0], "the 0 itself is to get 2 · 5"),
        ],
    )
    go_2(
        "two zeros: nobody gets anything",
        product_backward(1.0, np.array([0.0, 3.0, 0.0])),
        [0, 0, 0],
    )
    go_2("one number alone", product_backward(3.0, np.array([7.0])), [3.0])
    go_2.functions(
        "six numbers, by differences", product_forward, product_backward, rng.standard_normal(6)
    )
    go_2.true(
        "50,000 numbers in a moment",
        seconds_for(50_000) < 0.5,
        "what the product of those before i + 1 has to do with that of those before i",
    )

# %% [markdown]
# ## What to keep
#
# - Forward, values; backward, gradients. **What goes back is what arrives, times the local
#   derivative.** A gate needs its inputs, or its output, and `dout`. Nothing else.
# - Add distributes, multiply switches, max routes.
# - $(x + y)\,z$: $x$ and $y$ get $z$, and $z$ gets $x + y$.
# - At a fork gradients add up: `+=`.
# - A gate may be as large as you can differentiate: $\sigma' = \sigma (1 - \sigma)$.
# - The gradient of a weight scales with the data that it multiplies, and the rate has to fall with
#   the square of that scale. Standardise.
# - Backpropagation computes gradients, of any formula. What is done with them is another matter.
#
# In the next homework the wires carry arrays. The rules stay as they are.
#
# *Source of the circuits and their numbers: CS231n, Stanford, "Backpropagation, Intuitions". To
# read on: I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, 2016, section 6.5.*
