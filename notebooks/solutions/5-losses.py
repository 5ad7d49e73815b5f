# %% [markdown]
# # 5. Outputs and losses
#
# Two neurons. Both have one score $s$, both hand on $p = \sigma(s)$, both should say $p = 1$, and
# both start out badly wrong, at $s = -6$, where $p = 0.0025$. Both follow their gradient with the
# learning rate 1. The only difference is the **loss**: how the mistake is turned into a number.

# %%
import matplotlib.pyplot as plt
import numpy as np

from chainrule.data import load_digits
from chainrule.layers import (
    MSE,
    Hinge,
    ReLU,
    Sigmoid,
    SigmoidCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
)
from chainrule.layers.init import plain_normal
from chainrule.nets import MLP, Graph
from chainrule.nets.node import log, sigmoid
from chainrule.notebooks import borrow, exercise

rng = np.random.default_rng(5)
digits = load_digits()


def slope_of(loss, s):
    """The slope of a neuron's loss at each score of s, an array, where the answer should be 1."""
    if loss == "cross-entropy":
        _, cache = SigmoidCrossEntropy("sum").forward(s, np.ones_like(s))
        return SigmoidCrossEntropy("sum").backward(1.0, cache)[0]
    p, p_cache = Sigmoid().forward(s)
    _, cache = MSE("sum").forward(p, np.ones_like(p))
    dp, _ = MSE("sum").backward(0.5, cache)  # of half the squared error
    return Sigmoid().backward(dp, p_cache)[0]


fig, ax = plt.subplots(figsize=(6.5, 3.2))
for loss in ("cross-entropy", "squared error"):
    scores = [np.array([-6.0])]
    for _ in range(600):
        scores.append(scores[-1] - 1.0 * slope_of(loss, scores[-1]))
    ax.plot(1 / (1 + np.exp(-np.array(scores))), label=loss)
ax.set(xlabel="step", ylabel="p, which should be 1", title="the same mistake under two losses")
ax.legend(loc="center")
plt.show()

# %% [markdown]
# One neuron learns at once. The other sleeps for four hundred steps, although it is wrong all the
# time. In this notebook you find out why, and write the losses that people use: squared error,
# softmax with cross-entropy, its relative for yes-or-no questions, the hinge loss, and the L2
# penalty. You will also be able to tell what the loss of an untrained network must be, which is the
# cheapest test of a network there is.
#
# ## 1. What an output says
#
# The last affine layer gives **scores**: any real numbers, also called *logits*. The output
# function says what they mean, and the loss how wrong it is.
#
# | the question | output | the numbers mean | loss |
# |:--|:--|:--|:--|
# | how much? | linear, $s$ itself | a number, without bounds | squared error |
# | yes or no? | sigmoid, $p = \sigma(s)$ | a probability, each by itself | sigmoid cross-entropy |
# | which of C? | softmax of $s$ | C probabilities whose sum is 1 | softmax cross-entropy |
# | which of C? | linear | the largest wins, nothing more | hinge |
#
# Here a loss is a layer like others. `forward(scores, targets)` returns the loss, one number, and a
# cache; `backward(dout, cache)` returns the gradient of the scores, of the shape of the scores.
# `dout` is then one number too: 1 at the end of a network, and whatever factor the loss gets if it
# goes on into a sum. Nobody asks for a gradient of the targets.
#
# All losses are **means** over the batch, so that the size of the batch does not change the size of
# a step.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** Which output and which loss would you take for: (a) the price of a flat; (b) which
# of ten digits a picture shows; (c) which of five instruments are heard in a recording, where
# several may play? What goes wrong if you take a softmax for (c)?
#
# ### BEGIN SOLUTION
# (a) A linear output and the squared error. (b) A softmax over ten scores and cross-entropy (or
# the hinge loss on the scores). (c) Five sigmoids, each with its own cross-entropy. A softmax makes
# the five probabilities sum to 1, so that two instruments that are clearly heard could get ½ each
# at most, and in silence one of them would have to get at least ⅕.
# ### END SOLUTION

# %% [markdown]
# ## 2. The squared error
#
# For outputs $o$ and targets $t$, both (N, D), we take the mean over all $N \cdot D$ elements:
#
# $$L = \frac{1}{ND} \sum_{n,d} (o_{nd} - t_{nd})^2, \qquad
# \frac{\partial L}{\partial o_{nd}} = \;?$$
#
# (Books differ by factors: some take ½, some divide by N alone, some not at all. None is wrong,
# but forward and backward have to agree.)
#
# **Exercise 1** (3 points). Write the mean squared error and its gradient. Do not forget `dout`.


# %% nbgrader={"grade_id": "mse", "solution": true}
def mse_forward(outputs, targets):
    """The mean of (outputs - targets)² over all elements.

    outputs, targets: floats of one shape, (N, D) or any other.
    Returns the loss, a number, and a cache for backward.
    """
    ### BEGIN SOLUTION
    error = outputs - targets
    return np.mean(error**2), error
    ### END SOLUTION


def mse_backward(dout, cache):
    """The gradient of the outputs, of their shape; dout: a number, the upstream gradient."""
    ### BEGIN SOLUTION
    error = cache
    return dout * 2 * error / error.size
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "the squared error", mse_forward, mse_backward, points=3) as check:
    loss, kept = mse_forward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 5.0]]))
    check(
        "of the errors 0, 2, 3, -1 the mean of the squares is 3.5",
        loss,
        3.5,
        mistakes=[
            (14.0, "that is the sum; the mean over all elements is asked for"),
            (7.0, "that was divided by N = 2; here we divide by all N · D = 4 elements"),
            (1.75, "that is half of it: the ½ of other books"),
            (1.0, "the mean of the errors: they are to be squared first"),
            (1.5, "that is the mean of |error|"),
        ],
    )
    check(
        "the gradient is 2 (o - t) / 4",
        mse_backward(1.0, kept),
        [[0.0, 1.0], [1.5, -0.5]],
        mistakes=[
            ([[0.0, 0.5], [0.75, -0.25]], "the 2 of the square is missing"),
            ([[0.0, 2.0], [3.0, -1.0]], "divide by all N · D elements, as in forward"),
            ([[0.0, 4.0], [6.0, -2.0]], "the mean is missing: divide by the number of elements"),
            ([[0.0, -1.0], [-1.5, 0.5]], "the sign is swapped: o - t, not t - o"),
        ],
    )
    check(
        "dout = 3 gives three times as much",
        mse_backward(3.0, kept),
        [[0.0, 3.0], [4.5, -1.5]],
        mistakes=[(mse_backward(1.0, kept), "dout is ignored; it is a factor of all of it")],
    )
    rows, aims = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    check.functions(
        "it agrees with differences",
        lambda outputs: mse_forward(outputs, aims),
        mse_backward,
        rows,
    )
    ### BEGIN HIDDEN TESTS
    rows, aims = rng.standard_normal(6), rng.standard_normal(6)
    check.functions("for one axis, too", lambda o: mse_forward(o, aims), mse_backward, rows)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# mse_forward, mse_backward = borrow(lambda: MSE())

# %% [markdown]
# ## 3. Why one of them slept
#
# Back to the two neurons. With the target $t$ (0 or 1) and $p = \sigma(s)$, their losses are
#
# $$L_{\text{squared}} = \tfrac12 (p - t)^2 \qquad\text{and}\qquad
# L_{\text{entropy}} = -\,t \log p - (1 - t) \log (1 - p).$$
#
# The second is the **cross-entropy**: minus the logarithm of the probability that the neuron gave
# to what turned out to be right. If it had given it all, the loss is $-\log 1 = 0$; if nothing, it
# is infinite. Both go through the same sigmoid, whose slope is $p\,(1 - p)$. Below are both
# circuits for $t = 1$ at $s = -5$.

# %%
squared = Graph()
p = sigmoid(squared.input("s")).named("p")
squared.output((0.5 * (p - 1) ** 2).named("loss"))
squared.draw(-5.0)

# %%
entropy = Graph()
p = sigmoid(entropy.input("s")).named("p")
entropy.output((-log(p)).named("loss"))
entropy.draw(-5.0)

# %% [markdown]
# Look at the red numbers from right to left. In the first circuit about $-1$ arrives at the
# sigmoid, and leaves it as $-0.0066$. In the second, $-149$ arrives, and leaves as $-0.99$: a huge
# slope times a tiny one. Now move $s$. Where does each gradient vanish, and where should it?

# %%
squared.draw(-5.0).sliders(s=(-8, 8))

# %%
entropy.draw(-5.0).sliders(s=(-8, 8))

# %% [markdown]
# Now with letters. For the squared error the chain rule gives the two factors of the circuit. For
# the cross-entropy
#
# $$\frac{\partial L_{\text{entropy}}}{\partial s}
# = \Big(-\frac{t}{p} + \frac{1 - t}{1 - p}\Big)\; p\,(1 - p) = \;?$$
#
# Multiply out. Nearly everything cancels.
#
# **Exercise 2** (2 points). Write both slopes. `sigmoid_of` is there for you.


# %%
def sigmoid_of(s):
    """σ(s), without overflow.   s: floats, of any shape."""
    return Sigmoid().forward(np.asarray(s))[0]


# %% nbgrader={"grade_id": "slopes", "solution": true}
def slope_of_squared(s, t):
    """The derivative of ½ (σ(s) - t)² with respect to s.   s, t: numbers, or arrays."""
    ### BEGIN SOLUTION
    p = sigmoid_of(s)
    return (p - t) * p * (1 - p)
    ### END SOLUTION


def slope_of_entropy(s, t):
    """The derivative of -t log σ(s) - (1 - t) log(1 - σ(s)) with respect to s, without division.

    s, t: numbers, or arrays.
    """
    ### BEGIN SOLUTION
    return sigmoid_of(s) - t
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 2}
def difference(function, s, h=1e-5):
    """The slope of a function at s by a central difference."""
    return (function(s + h) - function(s - h)) / (2 * h)


def calm(function, *inputs):
    """What the function returns; or, where NumPy would warn, the text of the warning."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        try:
            return function(*inputs)
        except FloatingPointError as error:
            return str(error)


with exercise(2, "two slopes", slope_of_squared, slope_of_entropy, points=2) as check:
    check(
        "squared, at s = 0 and t = 1, it is -½ · ¼",
        slope_of_squared(0.0, 1.0),
        -0.125,
        mistakes=[
            (-0.5, "that is p - t: the slope of the sigmoid is missing"),
            (0.125, "the sign is swapped: p - t, not t - p"),
            (-0.25, "twice too much: the ½ in front of the square cancels the 2"),
            (0.25, "that is the slope of the sigmoid alone"),
        ],
    )
    check("… and at s = -5 only -0.0066", slope_of_squared(-5.0, 1.0), -0.006603562)
    check(
        "the cross-entropy at s = 0 and t = 1 has -½",
        slope_of_entropy(0.0, 1.0),
        -0.5,
        mistakes=[
            (0.5, "the sign is swapped: a higher score lowers this loss"),
            (-2.0, "that is the slope with respect to p; times the slope of the sigmoid"),
            (-0.125, "the slope of the sigmoid has cancelled; it is in there twice"),
        ],
    )
    check("… and at s = -5 nearly -1", slope_of_entropy(-5.0, 1.0), -0.993307149)
    given = np.array([-3.0, -0.5, 1.0, 2.0])
    check(
        "both agree with differences, for t = 0",
        (slope_of_squared(given, 0.0), slope_of_entropy(given, 0.0)),
        (
            difference(lambda s: 0.5 / (1 + np.exp(-s)) ** 2, given),
            difference(lambda s: np.log(1 + np.exp(s)), given),
        ),
    )
    check(
        "at s = -1000 and t = 1 it is -1, without a warning",
        calm(slope_of_entropy, -1000.0, 1.0),
        -1.0,
        hint="0 / 0 would come up: multiply out first, so that no division is left",
    )
    ### BEGIN HIDDEN TESTS
    check(
        "both agree with differences, for t = 0.3",
        (slope_of_squared(given, 0.3), slope_of_entropy(given, 0.3)),
        (
            difference(lambda s: 0.5 * (1 / (1 + np.exp(-s)) - 0.3) ** 2, given),
            difference(lambda s: np.log(1 + np.exp(s)) - 0.3 * s, given),
        ),
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# (There is nothing to borrow here, and nothing below needs your two functions: go on if you are
# stuck.)
#
# Here are both slopes over the score, and what follows from them: how many steps a neuron needs
# from the place where it starts until it is right, $p > \tfrac12$.

# %%
starts = -np.arange(1.0, 9.0)


def steps_until_right(loss):
    """The number of steps from each start to p > ½ at the learning rate 1."""
    s, steps = starts.copy(), np.zeros(len(starts), int)
    while (s <= 0).any():
        steps += s <= 0
        s -= slope_of(loss, s)
    return steps


line = np.linspace(-8, 8, 401)
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
for loss in ("cross-entropy", "squared error"):
    left.plot(line, slope_of(loss, line), label=loss)
    steps = steps_until_right(loss)
    right.semilogy(starts, steps, marker="o", label=loss)
    right.annotate(f"{steps[-1]:,}", (starts[-1], steps[-1]), (4, 6), textcoords="offset points")
left.set(xlabel="score s", ylabel="slope of the loss", title="the slope, where t = 1")
right.set(xlabel="score at the start", ylabel="steps until p > ½", ylim=(0.7, 1e4))
right.set_title("how long it takes to leave the plateau")
left.legend()
right.legend()
plt.show()

# %% [markdown]
# The slope of the squared error has its largest size where the neuron is nearly undecided, and none
# where it is badly wrong. Each unit further out costs $e \approx 2.7$ times as many steps. The
# cross-entropy is what the sigmoid needs: its logarithm undoes the exponential. The gradient is
# $p - t$, simply the error.

# %% [markdown]
# ## 4. Softmax
#
# For one of C classes the sigmoid has a big sister,
#
# $$p_{nj} = \frac{e^{s_{nj}}}{\sum_k e^{s_{nk}}},$$
#
# taken row by row: one row of scores for each example. Each $p_{nj}$ is positive, each row sums to
# 1. With large scores there is the same trouble as in the last notebook: $e^{1000}$ is `inf`, and
# `inf / inf` is `nan`. The cure: add a constant $c$ to all scores of a row. Numerator and
# denominator both get the factor $e^{c}$, and it cancels. So take $c = -\max_k s_{nk}$. Then the
# largest exponent is 0, and at least one term of the sum is 1.
#
# The backward pass. Each $p_i$ depends on every score of its row, so the Jacobian of a row is a
# full C × C matrix (with $[i = j]$ = 1 where $i = j$, else 0):
#
# $$\frac{\partial p_i}{\partial s_j} = p_i\,\big([i = j] - p_j\big), \qquad\text{so}\qquad
# \frac{\partial L}{\partial s_j} = \sum_i \text{dout}_i\; p_i\,\big([i = j] - p_j\big) = \;?$$
#
# Split the sum in two. In the first only $i = j$ remains; in the second $p_j$ can be taken out.
# What is left needs no C × C matrix.
#
# **Exercise 3** (4 points). Write the softmax and its backward pass.


# %% nbgrader={"grade_id": "softmax", "solution": true}
def softmax_forward(scores):
    """The softmax of each row, without overflow.

    scores: floats (N, C). Returns p (N, C), whose rows sum to 1, and a cache for backward.
    """
    ### BEGIN SOLUTION
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return p, p
    ### END SOLUTION


def softmax_backward(dout, cache):
    """The gradient of the scores (N, C), for dout (N, C), the gradient of p."""
    ### BEGIN SOLUTION
    p = cache
    return p * (dout - (dout * p).sum(axis=1, keepdims=True))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 4}
with exercise(3, "softmax", softmax_forward, softmax_backward, points=4) as check:
    got, kept = softmax_forward(np.log([[1.0, 3.0], [2.0, 2.0]]))
    check(
        "softmax(ln 1, ln 3) is (¼, ¾); of equal scores it is (½, ½)",
        got,
        [[0.25, 0.75], [0.5, 0.5]],
        mistakes=[
            ([[1 / 3, 0.6], [2 / 3, 0.4]], "the columns sum to 1: the sum goes over axis=1"),
            ([[1 / 8, 3 / 8], [2 / 8, 2 / 8]], "all entries sum to 1: the sum goes over axis=1"),
        ],
    )
    check(
        "the scores 3.2, 5.1, -1.7 give 0.13, 0.87, 0.00",
        softmax_forward(np.array([[3.2, 5.1, -1.7]]))[0],
        [[0.1299825, 0.8690495, 0.0009679]],
        atol=1e-6,
    )
    check(
        "the scores 1000, 1000 give ½, ½, without a warning",
        calm(lambda scores: softmax_forward(scores)[0], np.array([[1000.0, 1000.0]])),
        [[0.5, 0.5]],
        hint="subtract the row's largest score before you exponentiate",
    )
    check(
        "a row of scores around 0 beside one around 1000 is no trouble",
        calm(lambda scores: softmax_forward(scores)[0], np.array([[0.0, 0.0], [1000.0, 1000.0]])),
        [[0.5, 0.5], [0.5, 0.5]],
        hint="each row has its own maximum: axis=1, keepdims=True",
    )
    check(
        "dout = (1, 0) at p = (¼, ¾) gives (3/16, -3/16)",
        softmax_backward(np.array([[1.0, 0.0], [0.0, 0.0]]), kept),
        [[0.1875, -0.1875], [0.0, 0.0]],
        mistakes=[
            ([[0.1875, 0.0], [0.0, 0.0]], "that is dout p (1 - p): p₂ depends on s₁ as well"),
            ([[0.25, 0.0], [0.0, 0.0]], "that is dout p: the second sum is missing"),
        ],
    )
    rows = rng.standard_normal((4, 3))
    check.functions("it agrees with differences", softmax_forward, softmax_backward, rows)
    ### BEGIN HIDDEN TESTS
    rows = 2 * rng.standard_normal((3, 5))
    check("rows sum to 1", softmax_forward(rows)[0].sum(axis=1), np.ones(3))
    check.functions("for five classes", softmax_forward, softmax_backward, rows)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# softmax_forward, softmax_backward = borrow(lambda: Softmax())

# %% [markdown]
# ### Logarithms of probabilities
#
# The loss needs $\log p$. Taking the logarithm of what the softmax returned is dangerous: the
# scores $(0, 1000)$ give $p = (0, 1)$ after rounding, and $\log 0 = -\infty$. The true value is
# $-1000$, a harmless number. So take the logarithm on paper first:
#
# $$\log p_j = s_j - \log \sum_k e^{s_k}.$$
#
# The last term is the **log-sum-exp**, a smooth maximum. Shift it, too: with $m = \max_k s_k$,
#
# $$\log \sum_k e^{s_k} = m + \log \sum_k e^{\,?}.$$
#
# **Exercise 4** (3 points). Write the log-sum-exp, and the logarithm of the softmax.


# %% nbgrader={"grade_id": "logsoftmax", "solution": true}
def log_sum_exp(scores):
    """log Σₖ exp(s_k) of each row, without overflow.   scores: floats (N, C). Returns (N, 1)."""
    ### BEGIN SOLUTION
    m = scores.max(axis=1, keepdims=True)
    return m + np.log(np.exp(scores - m).sum(axis=1, keepdims=True))
    ### END SOLUTION


def log_softmax(scores):
    """log of the softmax of each row, exact where p itself rounds to 0.

    scores: floats (N, C). Returns log p (N, C).
    """
    ### BEGIN SOLUTION
    return scores - log_sum_exp(scores)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 3}
with exercise(4, "log-softmax", log_sum_exp, log_softmax, points=3) as check:
    check(
        "the log-sum-exp of ln 1, ln 3 is ln 4, as a column",
        log_sum_exp(np.log([[1.0, 3.0], [2.0, 2.0]])),
        [[np.log(4.0)], [np.log(4.0)]],
        mistakes=[
            ([[np.log(4 / 3)], [np.log(2.0)]], "that is without the maximum: add it again"),
            ([[4.0], [4.0]], "that is the sum; its logarithm is asked for"),
            ([np.log(4.0)] * 2, "right, but keep the axis: keepdims=True"),
        ],
    )
    check(
        "of 1000, 1000 it is 1000 + ln 2, of -1000, -1000 it is -1000 + ln 2",
        calm(log_sum_exp, np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])),
        [[1000 + np.log(2.0)], [-1000 + np.log(2.0)]],
        rtol=1e-12,
        hint="a warning? subtract the row's maximum first, and add it after the logarithm",
    )
    check(
        "log p of the scores 3.2, 5.1, -1.7",
        log_softmax(np.array([[3.2, 5.1, -1.7]])),
        [[-2.0403552, -0.1403552, -6.9403552]],
        mistakes=[
            ([[-0.8861150, -0.0609555, -3.0141579]], "the logarithm is to the base e, not 10"),
            ([[2.0403552, 0.1403552, 6.9403552]], "the sign is swapped; log p is never positive"),
        ],
    )
    check(
        "log p of the scores 0, 1000 is -1000, 0",
        calm(log_softmax, np.array([[0.0, 1000.0]])),
        [[-1000.0, 0.0]],
        hint="log(softmax(…)) is log 0 there; use scores - log_sum_exp(scores)",
    )
    ### BEGIN HIDDEN TESTS
    rows = rng.standard_normal((4, 5))
    check("e to the log p sums to 1", np.exp(log_softmax(rows)).sum(axis=1), np.ones(4))
    check("log-sum-exp of five", log_sum_exp(rows)[:, 0], np.logaddexp.reduce(rows, axis=1))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Softmax with cross-entropy
#
# The loss of one example with the label $y$ is minus the log-probability of the label, and the loss
# of a batch is the mean:
#
# $$L = -\frac1N \sum_n \log p_{n, y_n}
# = \frac1N \sum_n \Big( \log \sum_k e^{s_{nk}} - s_{n, y_n} \Big).$$
#
# For one example the derivative with respect to $s_j$ is that of the log-sum-exp minus
# $[j = y]$. What is the derivative of $\log \sum_k e^{s_k}$ with respect to $s_j$? You know it by
# another name. Write $\mathbf{y}$ for the *one-hot* row with 1 at the label and 0 elsewhere. Then
#
# $$\frac{\partial L}{\partial s_n} = \;?$$
#
# The second way gives the same: cross-entropy sends $-\mathbf{y}/p$ back, and
# your `softmax_backward` turns it into
# $p\,\big(-\mathbf{y}/p - \sum_i (-\mathbf{y}_i)\big)$. Simplify it.
#
# **And the mean.** The classic mistake of this exercise is to take the mean in `forward` and to
# forget the $1/N$ in `backward`. Training still seems to work, with a learning rate that is N times
# larger than it says.
#
# **Exercise 5** (4 points). Write softmax and cross-entropy in one.


# %% nbgrader={"grade_id": "entropy", "solution": true}
def softmax_cross_entropy_forward(scores, labels):
    """The mean over the rows of -log p[label], with p = softmax(scores).

    scores: floats (N, C); labels: integers (N,), from 0 to C - 1.
    Returns the loss, a number, and a cache for backward.
    """
    ### BEGIN SOLUTION
    log_p = log_softmax(scores)
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return loss, (np.exp(log_p), labels)
    ### END SOLUTION


def softmax_cross_entropy_backward(dout, cache):
    """The gradient of the scores (N, C); dout: a number, the upstream gradient."""
    ### BEGIN SOLUTION
    p, labels = cache
    dscores = p.copy()
    dscores[np.arange(len(labels)), labels] -= 1
    return dout * dscores / len(labels)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 4}
with exercise(
    5, "cross-entropy", softmax_cross_entropy_forward, softmax_cross_entropy_backward, points=4
) as check:
    loss, _ = softmax_cross_entropy_forward(np.array([[3.2, 5.1, -1.7]]), np.array([0]))
    check(
        "the scores 3.2, 5.1, -1.7 and the label 0 cost 2.04",
        loss,
        2.0403552,
        mistakes=[
            (0.8861150, "that is a logarithm to the base 10"),
            (-2.0403552, "the sign is swapped: minus log p"),
            (0.1299825, "that is p of the label; minus its logarithm is asked for"),
            (9.1210656, "all classes were summed: only log p of the label counts"),
            (3.0403552, "all of the row was averaged; only log p of the label counts"),
        ],
    )
    images = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss, _ = softmax_cross_entropy_forward(images, np.array([0, 1, 2]))
    check(
        "three rows cost 2.04, 0.08 and 6.16: in the mean 2.76",
        loss,
        2.7586547,
        mistakes=[
            (8.2759642, "that is the sum over the rows; the mean is asked for"),
            (2.7586547 / 3, "divided by N · C: the mean goes over the rows alone"),
            (2.6030992, "log_p[:, labels] takes all rows for all labels; np.arange(N) for the :"),
        ],
    )
    _, kept = softmax_cross_entropy_forward(np.log([[1.0, 3.0], [2.0, 2.0]]), np.array([0, 1]))
    check(
        "at p = (¼, ¾) and (½, ½), labels 0 and 1, the gradient is (p - y) / 2",
        softmax_cross_entropy_backward(1.0, kept),
        [[-0.375, 0.375], [0.25, -0.25]],
        mistakes=[
            ([[-0.75, 0.75], [0.5, -0.5]], "the forgotten factor: forward took the mean, 1/N"),
            ([[0.375, -0.375], [-0.25, 0.25]], "the sign is swapped: p - y, not y - p"),
            ([[0.125, 0.375], [0.25, 0.25]], "that is p / N: subtract 1 at the labels"),
            ([[-0.875, 0.375], [0.25, -0.75]], "first p - y, then divide all of it by N"),
            ([[-0.1875, 0.1875], [0.125, -0.125]], "1/N once, not twice (or was it 1/C?)"),
        ],
    )
    check(
        "dout = 8 gives eight times as much",
        softmax_cross_entropy_backward(8.0, kept),
        [[-3.0, 3.0], [2.0, -2.0]],
        mistakes=[
            (
                softmax_cross_entropy_backward(1.0, kept),
                "dout is ignored; it is a factor of all of it",
            )
        ],
    )
    rows, labels_given = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    check.functions(
        "it agrees with differences",
        softmax_cross_entropy_forward,
        softmax_cross_entropy_backward,
        rows,
        labels_given,
    )
    check(
        "the scores 0, 1000 and the label 0 cost 1000, without a warning",
        calm(lambda s: softmax_cross_entropy_forward(s, np.array([0]))[0], np.array([[0, 1000.0]])),
        1000.0,
        hint="p rounds to 0 there; use your log_softmax, not the logarithm of p",
    )
    check(
        "ten equal scores cost ln 10 = 2.303",
        softmax_cross_entropy_forward(np.zeros((7, 10)), np.arange(7))[0],
        2.302585,
    )
    ### BEGIN HIDDEN TESTS
    rows, labels_given = rng.standard_normal((6, 3)), np.array([2, 2, 0, 1, 0, 2])
    check.functions(
        "… and for three classes",
        softmax_cross_entropy_forward,
        softmax_cross_entropy_backward,
        rows,
        labels_given,
    )
    check.true(
        "rows of the gradient sum to 0",
        np.allclose(
            softmax_cross_entropy_backward(
                1.0, softmax_cross_entropy_forward(rows, labels_given)[1]
            ).sum(axis=1),
            0,
        ),
    )
    ### END HIDDEN TESTS
entropy_is_there = check.verdict in ("right", "borrowed")
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# softmax_cross_entropy_forward, softmax_cross_entropy_backward = borrow(
#     lambda: SoftmaxCrossEntropy()
# )

# %% [markdown]
# $p - \mathbf{y}$ can be read like a balance. Here it is for the scores $3.2, 5.1, -1.7$, which
# CS231n (Stanford, lecture 3) gives to a picture of a *cat*: descent pushes the score of the label
# up, by as much as is missing, and the others down, by as much as each has taken.

# %%
names, scores = ["cat", "car", "frog"], np.array([[3.2, 5.1, -1.7]])
p, _ = Softmax().forward(scores)
truth = np.array([[1.0, 0.0, 0.0]])
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
panels = {"p": p, "y": truth, "step: -(p - y)": truth - p}
for ax, (name, row) in zip(axes, panels.items(), strict=True):
    colours = ["tab:red" if value < 0 else "tab:blue" for value in row[0]]
    bars = ax.bar(names, row[0], color=colours)
    ax.bar_label(bars, fmt="{:+.2f}" if "step" in name else "{:.2f}", padding=2)
    ax.axhline(0, color="0.3", linewidth=0.8)
    ax.set(title=name, ylim=(-1.15, 1.2))
plt.show()

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** Each row of $p - \mathbf{y}$ sums to 0. Why must that be so, if you remember what
# happens to the softmax when a constant is added to all scores? And how much does an example with
# $p = 0.99$ for its label still change the weights?
#
# ### BEGIN SOLUTION
# Adding a constant to all scores of a row leaves $p$, and so the loss, as it is. So the derivative
# of the loss in the direction $(1, …, 1)$ is 0, and this derivative is the sum of the gradient's
# entries. An example with $p = 0.99$ has gradients of at most $0.01$: a hundredth of what one gets
# that is badly wrong. The loss turns by itself to the examples that are not yet learned (but never
# leaves the others quite alone).
# ### END SOLUTION

# %% [markdown]
# ### The loss before training
#
# An untrained network knows nothing. Its scores are small, so all classes get about the same
# probability $1/C$, and the loss has to be $\ln C$. For ten digits this is **2.303**. If the first
# loss that you see is another, look for the mistake *before* you train: weights that are too large,
# data that were not scaled, a missing mean. Below is the first loss of a network with 100 hidden
# units on the digits, for initial weights of many sizes.

# %%
sizes = np.geomspace(0.003, 3, 13)
loss = SoftmaxCrossEntropy()
first = []
for size in sizes:
    scores, _ = MLP([64, 100, 10], init=plain_normal(size), rng=0).forward(digits.x_train[:300])
    first.append(loss.forward(scores, digits.y_train[:300])[0])
scores, _ = MLP([64, 100, 10], activation=ReLU(), rng=0).forward(digits.x_train[:300])
usual, _ = loss.forward(scores, digits.y_train[:300])
fig, ax = plt.subplots(figsize=(6.5, 3.4))
ax.loglog(sizes, first, marker="o", label="loss before the first step")
ax.axhline(np.log(10), color="grey", linestyle=":", label="ln 10 = 2.303")
ax.axhline(
    usual, color="tab:green", linestyle="--", label=f"the library's own weights: {usual:.2f}"
)
ax.set(xlabel="standard deviation of the weights", ylabel="loss", title="the cheapest test")
ax.legend()
plt.show()

# %% [markdown]
# (The library's own initial weights give a little more than $\ln 10$: their scores are not quite 0.
# That is nothing to worry about.) To the right of 0.3 the network is not just ignorant, it is
# *confidently wrong*, and will spend its first epochs on unlearning.

# %% [markdown]
# ## 6. Many yes-or-no questions
#
# With a sigmoid for each output, the targets $t$ have the shape of the scores, and each element
# has the loss of section 3. Here, too, $\log \sigma(s)$ must not be taken of a rounded $\sigma$. On
# paper, with the softplus of the last notebook, $\text{softplus}(s) = \log(1 + e^s)$:
#
# $$-\log \sigma(s) = \text{softplus}(-s), \qquad -\log(1 - \sigma(s)) = \text{softplus}(s), \qquad
# \text{softplus}(-s) = \text{softplus}(s) - s.$$
#
# (Check the first: $-\log \frac{1}{1 + e^{-s}}$.) Put them into $-t \log p - (1 - t) \log (1 - p)$.
# Almost everything falls together, and it remains
#
# $$\ell(s, t) = \text{softplus}(s) - \;?$$
#
# The softplus without overflow was $\max(s, 0) + \log(1 + e^{-|s|})$. The gradient is that of
# exercise 2. The loss is the mean over **all** $N \cdot C$ elements.
#
# **Exercise 6** (4 points). Write the sigmoid cross-entropy on scores.


# %% nbgrader={"grade_id": "binary", "solution": true}
def sigmoid_cross_entropy_forward(scores, targets):
    """The mean over all elements of -t log p - (1 - t) log(1 - p), p = σ(scores), no overflow.

    scores: floats (N, C) or of any other shape; targets t: floats of the same shape, from 0 to 1.
    Returns the loss, a number, and a cache for backward.
    """
    ### BEGIN SOLUTION
    softplus = np.maximum(scores, 0) + np.log1p(np.exp(-abs(scores)))
    return np.mean(softplus - targets * scores), (scores, targets)
    ### END SOLUTION


def sigmoid_cross_entropy_backward(dout, cache):
    """The gradient of the scores, of their shape; dout: a number, the upstream gradient."""
    ### BEGIN SOLUTION
    scores, targets = cache
    return dout * (sigmoid_of(scores) - targets) / scores.size
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 4}
with exercise(
    6, "yes or no", sigmoid_cross_entropy_forward, sigmoid_cross_entropy_backward, points=4
) as check:
    check(
        "the score 0 costs ln 2, whatever the answer",
        sigmoid_cross_entropy_forward(np.zeros((2, 3)), np.array([[0.0, 1, 0], [1, 1, 0]]))[0],
        0.693147,
        rtol=1e-5,
        mistakes=[
            (6 * 0.693147, "that is the sum; the mean over all elements is asked for"),
            (3 * 0.693147, "divided by N alone: the mean goes over all N · C elements"),
            (-0.693147, "the sign is swapped: minus log p"),
        ],
    )
    loss, _ = sigmoid_cross_entropy_forward(np.array([[2.0, -1.0]]), np.array([[1.0, 0.0]]))
    check(
        "the scores 2, -1 with the answers yes, no cost (0.1269 + 0.3133) / 2",
        loss,
        0.2200948,
        mistakes=[
            (1.7200948, "the answers are swapped: t belongs to log p, 1 - t to log(1 - p)"),
            (1.2200948, "that is softplus alone; the term with the target is missing"),
            (2.2200948, "the sign of the term with the target is swapped"),
        ],
    )
    _, kept = sigmoid_cross_entropy_forward(np.log([[3.0, 1.0]]), np.array([[1.0, 0.0]]))
    check(
        "at p = (¾, ½), t = (1, 0), the gradient is (p - t) / 2",
        sigmoid_cross_entropy_backward(1.0, kept),
        [[-0.125, 0.25]],
        mistakes=[
            ([[-0.25, 0.5]], "the forgotten factor: forward took the mean over all elements"),
            ([[0.125, -0.25]], "the sign is swapped: p - t, not t - p"),
            ([[-0.0234375, 0.0625]], "the slope of the sigmoid has cancelled, see exercise 2"),
        ],
    )
    check(
        "dout = 8 gives eight times as much",
        sigmoid_cross_entropy_backward(8.0, kept),
        [[-1.0, 2.0]],
        mistakes=[
            (
                sigmoid_cross_entropy_backward(1.0, kept),
                "dout is ignored; it is a factor of all of it",
            )
        ],
    )
    rows, aims = rng.standard_normal((4, 3)), rng.random((4, 3))
    check.functions(
        "it agrees with differences",
        lambda scores: sigmoid_cross_entropy_forward(scores, aims),
        sigmoid_cross_entropy_backward,
        rows,
    )
    check(
        "the scores 1000, -1000 with the answers no, yes cost 1000, without a warning",
        calm(
            lambda s: sigmoid_cross_entropy_forward(s, np.array([[0.0, 1.0]]))[0],
            np.array([[1000.0, -1000.0]]),
        ),
        1000.0,
        hint="a warning? exponentiate -abs(scores) alone, and take no logarithm of p",
    )
    ### BEGIN HIDDEN TESTS
    check(
        "… with the answers yes, no they cost nothing",
        calm(
            lambda s: sigmoid_cross_entropy_forward(s, np.array([[1.0, 0.0]]))[0],
            np.array([[1000.0, -1000.0]]),
        ),
        0.0,
    )
    rows, aims = rng.standard_normal(5), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    check.functions(
        "for one axis, too",
        lambda scores: sigmoid_cross_entropy_forward(scores, aims),
        sigmoid_cross_entropy_backward,
        rows,
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# sigmoid_cross_entropy_forward, sigmoid_cross_entropy_backward = borrow(
#     lambda: SigmoidCrossEntropy()
# )

# %% [markdown]
# ## 7. The hinge loss
#
# The multiclass SVM (J. Weston and C. Watkins 1999) knows no probabilities. It wants the score of
# the label to be above every other by a **margin** of 1, and is content then:
#
# $$L = \frac1N \sum_n \sum_{j \ne y_n} \max\big(0,\; s_{nj} - s_{n, y_n} + 1\big).$$
#
# Each term is a ReLU. If it is positive, it sends $+1$ to $s_j$ and $-1$ to the label's score; if
# not, nothing. So the label's score gets $-1$ for *every* class that comes too close. And all of it
# is divided by N.
#
# By hand, for the cat above: $\max(0, 5.1 - 3.2 + 1) + \max(0, -1.7 - 3.2 + 1) = 2.9 + 0$.
#
# **Exercise 7** (4 points). Write the hinge loss. Mind $j \ne y$: the term of the label itself
# would be $\max(0, s_y - s_y + 1) = 1$.


# %% nbgrader={"grade_id": "hinge", "solution": true}
def hinge_forward(scores, labels):
    """The mean over the rows of Σ max(0, s_j - s_label + 1), over all j but the label.

    scores: floats (N, C); labels: integers (N,), from 0 to C - 1.
    Returns the loss, a number, and a cache for backward.
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(labels))
    margins = np.maximum(0, scores - scores[rows, labels][:, np.newaxis] + 1)  # (N, C)
    margins[rows, labels] = 0
    return margins.sum() / len(labels), (margins, labels)
    ### END SOLUTION


def hinge_backward(dout, cache):
    """The gradient of the scores (N, C); dout: a number, the upstream gradient."""
    ### BEGIN SOLUTION
    margins, labels = cache
    dscores = (margins > 0).astype(float)
    dscores[np.arange(len(labels)), labels] = -dscores.sum(axis=1)
    return dout * dscores / len(labels)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 4}
with exercise(7, "the hinge loss", hinge_forward, hinge_backward, points=4) as check:
    check(
        "the cat, with the scores 3.2, 5.1, -1.7 and the label 0, costs 2.9",
        hinge_forward(np.array([[3.2, 5.1, -1.7]]), np.array([0]))[0],
        2.9,
        mistakes=[
            (3.9, "the term of the label itself was counted, and is always 1"),
            (1.9, "the margin of 1 is missing"),
            (5.9, "the difference is the wrong way round: s_j - s_label + 1"),
            (0.9, "the margin is subtracted: s_j - s_label + 1"),
            (-1.0, "max(0, …) is to be taken of every term, before the sum"),
        ],
    )
    images = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss, kept = hinge_forward(images, np.array([0, 1, 2]))
    check(
        "the three pictures of the lecture cost 2.9, 0 and 12.9: in the mean 5.27",
        loss,
        15.8 / 3,
        mistakes=[
            (15.8, "that is the sum over the rows; the mean is asked for"),
            (18.8 / 3, "the term of the label itself was counted, and is always 1"),
            (15.8 / 9, "divided by N · C: the mean goes over the rows alone"),
            (
                9.7 / 3,
                "scores[…, labels] is (N,) and was taken as a row; [:, np.newaxis] stands it up",
            ),
        ],
    )
    check(
        "the gradient: the frog's score gets -1 twice, and all is divided by 3",
        hinge_backward(1.0, kept),
        np.array([[-1.0, 1, 0], [0, 0, 0], [1, 1, -2]]) / 3,
        mistakes=[
            ([[-1.0, 1, 0], [0, 0, 0], [1, 1, -2]], "the forgotten factor: forward took 1/N"),
            (
                np.array([[-1.0, 1, 0], [0, 0, 0], [1, 1, -1]]) / 3,
                "the label's score gets -1 for EVERY positive term of its row: their number",
            ),
            (
                np.array([[-1.0, 1, 0], [0, -1, 0], [1, 1, -1]]) / 3,
                "the label's score gets -1 for every positive term of its row: here 1, 0 and 2",
            ),
            (
                np.array([[-2.0, 1, 0], [0, -1, 0], [1, 1, -3]]) / 3,
                "the label's own term was counted: set its margin to 0 first",
            ),
            (
                np.array([[-1.0, 1, 0], [0, 0, 0], [1, 1, -2]]) / 9,
                "divided by N · C: the mean goes over the rows alone",
            ),
            (
                np.array([[0.0, 1, 0], [0, 0, 0], [1, 1, 0]]) / 3,
                "the label's score is in every term, with a minus: it gets a gradient too",
            ),
            (
                np.array([[1.0, -1, 0], [0, 0, 0], [-1, -1, 2]]) / 3,
                "the signs are swapped",
            ),
        ],
    )
    check(
        "dout = 6 gives six times as much",
        hinge_backward(6.0, kept),
        [[-2.0, 2.0, 0.0], [0.0, 0.0, 0.0], [2.0, 2.0, -4.0]],
        mistakes=[(hinge_backward(1.0, kept), "dout is ignored; it is a factor of all of it")],
    )
    rows, labels_given = 2 * rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    check.functions("it agrees with differences", hinge_forward, hinge_backward, rows, labels_given)
    check(
        "ten equal scores cost 9, the number of wrong classes",
        hinge_forward(np.zeros((7, 10)), np.arange(7))[0],
        9.0,
    )
    ### BEGIN HIDDEN TESTS
    rows, labels_given = rng.standard_normal((6, 3)), np.array([2, 2, 0, 1, 0, 2])
    check.functions("for three classes", hinge_forward, hinge_backward, rows, labels_given)
    ### END HIDDEN TESTS
hinge_is_there = check.verdict in ("right", "borrowed")
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# hinge_forward, hinge_backward = borrow(lambda: Hinge())

# %% [markdown]
# Both losses, and their slopes, as the score of the label moves, while two others stay at 0 and
# 2. The hinge loss has a **kink** wherever a term becomes 0, at a margin above each of the others,
# and is flat beyond the last. (At a kink there is no slope; one takes that of either side.)

# %%
label_score = np.linspace(-2, 6, 401)
three = np.stack([label_score, np.zeros(401), np.full(401, 2.0)], axis=1)
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained")
for layer in (SoftmaxCrossEntropy("sum"), Hinge("sum")):
    name = "hinge" if isinstance(layer, Hinge) else "cross-entropy"
    losses = [layer.forward(row[np.newaxis], np.array([0]))[0] for row in three]
    _, cache = layer.forward(three, np.zeros(401, int))
    left.plot(label_score, losses, label=name)
    right.plot(label_score, layer.backward(1.0, cache)[0][:, 0], label=name)
for ax in (left, right):
    for kink in (1, 3):
        ax.axvline(kink, color="0.8", linestyle=":", zorder=0)
    ax.set_xlabel("score of the label; the others are 0 and 2")
    ax.legend()
left.set_ylabel("loss")
right.set_ylabel("slope of the loss")
plt.show()

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** The label is the first class. Compare the scores $(10, 9, 9)$, $(10, 8, 8)$ and
# $(10, -100, -100)$: what is the hinge loss of each, and what does the cross-entropy think of them?
# (After a question of CS231n.) What does an untrained network cost under the hinge loss, with C
# classes?
#
# ### BEGIN SOLUTION
# The hinge loss is 0 for all three: the first just meets the margin of 1. It is content and sends
# no gradient. The cross-entropy is 0.55 for the first ($\ln (1 + 2 e^{-1})$), 0.24 for the second,
# and almost 0 for the third: it would always like the others to be lower still. With equal scores
# every one of the $C - 1$ terms is 1, so an untrained network costs $C - 1$.
# ### END SOLUTION

# %% [markdown]
# ## 8. A price on large weights
#
# With the losses above it pays to make correct scores ever larger, and weights grow without end.
# The **L2 penalty** puts a price on that:
#
# $$L = L_{\text{data}} + \tfrac12\, \lambda \sum W^2.$$
#
# Two conventions. The ½ is there so that the gradient is simply $\lambda W$: without it there would
# be a 2. Some courses write $\lambda \sum W^2$; then their $\lambda$ is half of ours. And **biases
# are not penalised**: they do not multiply any input, so that they cannot make a function wild.
#
# **Exercise 8** (2 points). Write the penalty for all parameters of a network. Weights are
# matrices (`ndim` 2), biases are rows (`ndim` 1).


# %% nbgrader={"grade_id": "penalty", "solution": true}
def l2_penalty(params, strength):
    """½ · strength · Σ W² over all matrices among the parameters, and its gradients.

    params: a dict of arrays by name; strength: λ, a number.
    Returns the penalty, a number, and the gradients, a dict with the same names and shapes (zeros
    for biases).
    """
    ### BEGIN SOLUTION
    penalty, grads = 0.0, {}
    for name, values in params.items():
        grads[name] = np.zeros_like(values)
        if values.ndim == 2:
            penalty += 0.5 * strength * np.sum(values**2)
            grads[name] += strength * values
    return penalty, grads
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 2}
with exercise(8, "the L2 penalty", l2_penalty, points=2) as check:
    given = {"W": np.array([[1.0, -2.0], [3.0, 0.0]]), "b": np.array([10.0, 10.0])}
    penalty, grads = l2_penalty(given, 0.1)
    check(
        "W = (1, -2; 3, 0) at λ = 0.1 costs 0.05 · 14, whatever the biases",
        penalty,
        0.7,
        mistakes=[
            (1.4, "the ½ is missing"),
            (10.7, "the biases were penalised, too"),
            (21.4, "the ½ is missing, and the biases were penalised"),
            (0.3, "that is of |W|; the weights are to be squared"),
            (0.175, "that is the mean; the sum is asked for"),
        ],
    )
    check(
        "the gradient of W is λ W",
        grads["W"],
        [[0.1, -0.2], [0.3, 0.0]],
        mistakes=[
            ([[0.2, -0.4], [0.6, 0.0]], "that belongs to λ ΣW²: the ½ takes the 2 away"),
            ([[0.05, -0.1], [0.15, 0.0]], "the 2 of the square is missing: it cancels the ½"),
        ],
    )
    check("the gradient of b is 0, an array of its shape", grads["b"], [0.0, 0.0])
    ### BEGIN HIDDEN TESTS
    two = {"W1": np.full((2, 3), 2.0), "b1": np.ones(3), "W2": -np.ones((3, 1)), "b2": np.ones(1)}
    penalty, grads = l2_penalty(two, 0.5)
    check("of two layers it is the sum", penalty, 0.25 * (24 + 3))
    check("… and the second layer's gradient", grads["W2"], [[-0.5], [-0.5], [-0.5]])
    ### END HIDDEN TESTS
penalty_is_there = check.verdict == "right"
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 9. All together
#
# A linear classifier, nothing but $x W + b$, on the digits: 200 steps with all 1,078 training
# pictures, with *your* losses and *your* penalty. Look at the first loss. And since each column of
# W belongs to a class and has an entry for each pixel, it can be drawn: it is the template that the
# classifier holds against a picture. Red is where ink speaks for the class, blue where it speaks
# against it.


# %%
def templates(forward, backward, lr, strength=0.0, steps=200):
    """Trains a linear classifier with a loss; returns W and what to say about the run."""
    params = {"W": 0.01 * np.random.default_rng(0).standard_normal((64, 10)), "b": np.zeros(10)}
    x, y = digits.x_train, digits.y_train
    for step in range(steps):
        loss, cache = forward(x @ params["W"] + params["b"], y)
        dscores = backward(1.0, cache)
        penalty, grads = l2_penalty(params, strength)
        if step == 0:
            first = loss
        params["W"] -= lr * (x.T @ dscores + grads["W"])
        params["b"] -= lr * (dscores.sum(axis=0) + grads["b"])
    right = np.mean((digits.x_val @ params["W"] + params["b"]).argmax(axis=1) == digits.y_val)
    size = np.linalg.norm(params["W"])
    told = f"first loss {first:.3f}, last {loss:.3f} + {penalty:.3f}, ‖W‖ = {size:.1f}, {right:.1%}"
    return params["W"], told


if entropy_is_there and hinge_is_there and penalty_is_there:
    entropy_pair = softmax_cross_entropy_forward, softmax_cross_entropy_backward
    runs = {
        "cross-entropy": templates(*entropy_pair, lr=0.5),
        "cross-entropy, λ = 0.03": templates(*entropy_pair, lr=0.5, strength=0.03),
        "hinge": templates(hinge_forward, hinge_backward, lr=0.05),
    }
    fig, axes = plt.subplots(3, 10, figsize=(11, 5))
    for row, (name, (W, told)) in zip(axes, runs.items(), strict=True):
        print(f"{name:24} {told} right on the validation digits")
        limit = abs(W).max()
        for digit, ax in enumerate(row):
            ax.imshow(W[:, digit].reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[])
            ax.set_xlabel(digit)
        row[0].set_title(f"{name}, colours to ±{limit:.2f}", loc="left", fontsize=10)
    plt.show()
else:
    print("The templates of the digits come here when exercises 5, 7 and 8 are right.")

# %% [markdown]
# What to see there: the first losses are $\ln 10$ and $C - 1 = 9$, nearly, since the first weights
# are small and not 0. The penalty changes little in what the templates look for, but
# they are half as large, and the loss of the data is higher in exchange. The hinge loss lets go of
# the digits that are far enough on the right side, and needs no large weights either.

# %% [markdown]
# ## What to keep
#
# - An output says what the scores mean: linear for *how much*, sigmoids for *yes or no*, a softmax
#   for *which one*.
# - Choose the loss with the output. A sigmoid under a squared error has the slope $(\sigma -
#   t)\,\sigma(1 - \sigma)$ and sleeps where it is most wrong; under cross-entropy the slope is the
#   error, $\sigma - t$.
# - The softmax with cross-entropy has the gradient $(p - \mathbf{y}) / N$. Do not forget the
#   $1/N$.
# - Shift scores by their maximum, and take logarithms on paper: $\log p = s -
#   \operatorname{logsumexp}(s)$.
# - The hinge loss wants a margin of 1 and then nothing more. The label's score gets
#   minus the number of classes that come too close.
# - The L2 penalty is $\tfrac12 \lambda \sum W^2$, its gradient $\lambda W$, and it spares the
#   biases.
# - Before training the loss must be $\ln C$ (cross-entropy), $\ln 2$ (yes or no) or $C - 1$
#   (hinge).
