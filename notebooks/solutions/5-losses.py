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
    Tanh,
)
from chainrule.layers.init import plain_normal
from chainrule.nets import MLP, Graph
from chainrule.nets.node import log, sigmoid
from chainrule.notebooks import borrow, exercise, further, model_answer
from chainrule.solvers import Adam

rng = np.random.default_rng(5)
digits = load_digits()

# %% [markdown]
# The next cell is folded: it draws $p$ of both neurons over 600 steps.


# %% jupyter={"source_hidden": true}
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
# time. In this notebook you find out why. You derive where losses come from, and write those that
# people use: squared error, softmax with cross-entropy, its relative for yes-or-no questions, the
# hinge loss, and the L2 penalty. You will also be able to tell what the loss of an untrained
# network must be, which is a very cheap test of a network.
#
# You need the chain rule (homework 2), gradients of batches (homework 3), and sigmoid and softplus
# (homework 4). It takes about two hours; the two exercises that go further come on top.
#
# ## 1. What an output says
#
# The last affine layer gives **scores**: any real numbers, also called *logits*. No activation
# function acts on them: a ReLU, for instance, would turn every negative score into 0. What they
# mean is said by the **output function**, and it depends on the question that the network answers.
# For a yes-or-no question a large score means yes, and a very negative one means no. The **loss**
# says how wrong the answer is. The two are chosen together:
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
# goes on into a sum. We do not ask for a gradient of the targets: they are given.
#
# The losses of sections 3 and 6 to 8 are **means** over the batch (section 4 has one neuron and one
# example). So a batch that holds every example twice has the same loss, and gives the weights the
# same gradient, as one that holds it once.
#
# One rule for all exercises: leave the arguments of your functions as they are, and in `backward`
# the cache, too. Compute into new arrays.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** Which output and which loss would you take for: (a) the price of a flat; (b) which
# of ten digits a picture shows; (c) which of five instruments are heard in a recording, where
# several may play? What goes wrong if you take a softmax for (c)?
#
# ### BEGIN SOLUTION
# (a) A linear output and the squared error. (b) A softmax over ten scores and cross-entropy (or
# the hinge loss on the scores). (c) Five sigmoids, each with its own cross-entropy. A softmax makes
# the five probabilities sum to 1, so that two instruments that are clearly heard have to share: if
# both get the same, then ½ each at most. And in silence one of the five would have to get at least
# ⅕.
# ### END SOLUTION

# %%
model_answer("5-losses", 1)

# %% [markdown]
# ## 2. Where a loss comes from
#
# Why a square, why a logarithm? Both follow from one idea. Let the network not just give an answer,
# but say how probable *each* answer is. After the fact one can look up how probable the true
# answers were to it. This is the **likelihood** of the data. A good network gives them a large
# likelihood, so we look for the weights that make it as large as it can be. This is **maximum
# likelihood**.
#
# **A product becomes a sum.** If the N examples are independent of each other, their probabilities
# are multiplied. A product of many of them is of no use in a computer: each sequence of 2,000
# tosses of a fair coin has the probability $(\tfrac12)^{2000}$, and this is rounded to 0. So take
# the logarithm. It grows with its argument, so it has its maximum at the same weights, and it makes
# a sum of the product. And put a minus in front, since a loss is something to make small:
#
# $$-\log \prod_n \Pr(t_n) \;=\; -\sum_n \log \Pr(t_n).$$
#
# For the coin this is $2000 \ln 2 = 1386.29$, a harmless number.
#
# **How much?** Say that the true answer is the score plus noise: $t$ is normally distributed
# around $s$, with variance 1. Then it has the density (for numbers that vary continuously a density
# takes the place of the probability)
#
# $$\mathcal N(t;\, s, 1) = \frac1{\sqrt{2\pi}}\; e^{-\frac12 (t - s)^2}, \qquad
# -\log \mathcal N(t;\, s, 1) = \;? \qquad \frac{\partial}{\partial s} = \;?$$
#
# **Yes or no?** Let the network say yes with probability $p$. The answer yes, $t = 1$, then has the
# probability $p$, and no, $t = 0$, has $1 - p$. This is the **Bernoulli distribution**. In one
# formula (put in $t = 1$ and $t = 0$):
#
# $$\Pr(t) = p^{\,t}\, (1 - p)^{1 - t}, \qquad
# -\log \Pr(t) = \;? \qquad \frac{\partial}{\partial p} = \;?$$
#
# **Exercise 1** (3 points). Derive both on paper. Then write them for arrays of independent
# answers: the cost is the sum over all elements, nothing left out, and the slope has an entry for
# each. Targets may be whole numbers. Where plain numbers come instead of arrays, the slope is a
# number, too.


# %% nbgrader={"grade_id": "likelihoods", "solution": true}
def gaussian_cost(scores, targets):
    """Minus the logarithm of the density that N(scores, 1) gives to all targets together.

    scores, targets: floats of one shape; numbers, too.
    Returns the cost, a number, and its slope by each of the scores, of their shape.
    """
    ### BEGIN SOLUTION
    error = scores - targets
    return np.sum(0.5 * error**2 + 0.5 * np.log(2 * np.pi)), error
    ### END SOLUTION


def bernoulli_cost(p, targets):
    """Minus the logarithm of the probability of all targets, where each is 1 with probability p.

    p: floats between 0 and 1; targets: 0 or 1, of one shape with p; numbers, too.
    Returns the cost, a number, and its slope by each p, of their shape.
    """
    ### BEGIN SOLUTION
    cost = -np.sum(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    return cost, (1 - targets) / (1 - p) - targets / p
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
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


with exercise(1, "likelihoods", gaussian_cost, bernoulli_cost, points=3) as check_1:
    cost, slope = check_1.returns(gaussian_cost(1.2, 2.0), "cost", "slope")
    check_1(
        "how much: the score 1.2 and the answer 2 cost 1.2389",
        cost,
        0.32 + 0.5 * np.log(2 * np.pi),
        hint="the logarithm of a product of two factors, the root and the power of e",
        mistakes=[
            (0.32, "that is without the factor in front of the exponential"),
            (0.64, "that is (t - s)² alone: the ½ and the factor in front are missing"),
            (0.32 + np.log(2 * np.pi), "2π is under a root: its logarithm has a factor ½"),
            (0.64 + 0.5 * np.log(2 * np.pi), "the ½ of the exponent is missing"),
            (0.5 * np.log(2 * np.pi) - 0.32, "the exponent has a minus, and the log another"),
            (0.32 - 0.5 * np.log(2 * np.pi), "the root is in the denominator: mind its sign"),
            (np.exp(-0.32) / np.sqrt(2 * np.pi), "that is the density, not minus its logarithm"),
            ((0.32 + 0.5 * np.log(2 * np.pi)) / np.log(10), "that is a logarithm to the base 10"),
        ],
    )
    check_1(
        "… and its slope by the score",
        slope,
        -0.8,
        mistakes=[
            (0.8, "the sign is wrong; or is it the slope by the answer t?"),
            (-1.6, "twice too much: the ½ is missing"),
            (-0.4, "half of it: the derivative of a square has a 2"),
        ],
    )
    cost, slope = check_1.returns(
        gaussian_cost(np.array([0.0, 0.0, 1.0]), np.array([1.0, -2.0, 1.0])), "cost", "slope"
    )
    check_1(
        "three answers that miss by 1, -2 and 0: their cost together",
        cost,
        2.5 + 1.5 * np.log(2 * np.pi),
        mistakes=[
            (2.5, "that is without the factors in front of the exponentials"),
            (2.5 + 0.5 * np.log(2 * np.pi), "the factor in front was taken once, not three times"),
            ((2.5 + 1.5 * np.log(2 * np.pi)) / 3, "that is the mean; the sum is asked for"),
            (np.exp(-2.5) / (2 * np.pi) ** 1.5, "that is the density, not minus its logarithm"),
        ],
    )
    check_1("… and the slope by each of the scores", slope, [-1.0, 2.0, 0.0])
    cost, slope = check_1.returns(bernoulli_cost(0.8, 1.0), "cost", "slope")
    check_1(
        "yes or no: p = 0.8 and the answer yes cost 0.2231",
        cost,
        -np.log(0.8),
        mistakes=[
            (0.8, "that is the probability of the answer, not minus its logarithm"),
            (-np.log(0.2), "that is the cost of the other answer"),
            (-np.log10(0.8), "that is a logarithm to the base 10"),
            (-np.log(0.8) - np.log(0.2), "both answers were counted: only one has come"),
        ],
    )
    check_1(
        "… and its slope by p",
        slope,
        -1.25,
        mistakes=[
            (-0.2, "that is p - t: the slope by a score; here it is that by p"),
            (5.0, "that is the slope of the other answer"),
            (3.75, "both answers were counted: only one has come"),
        ],
    )
    cost, slope = check_1.returns(bernoulli_cost(0.8, 0.0), "cost", "slope")
    check_1(
        "p = 0.8 and the answer no cost 1.6094",
        cost,
        -np.log(0.2),
        mistakes=[
            (0.0, "it is 0: what has the answer no to do with p?"),
            (0.2, "that is the probability of the answer, not minus its logarithm"),
            (-np.log(0.8), "that is the cost of the answer yes"),
        ],
    )
    check_1(
        "… and the slope by p",
        slope,
        5.0,
        mistakes=[
            (-5.0, "the sign is wrong: 1 - p has the slope -1"),
            (0.0, "it is 0, but the cost of the answer no grows with p"),
            (0.8, "that is p - t: the slope by a score; here it is that by p"),
        ],
    )
    cost, slope = check_1.returns(
        bernoulli_cost(np.array([0.5, 0.25, 0.75]), np.array([1.0, 0.0, 1.0])), "cost", "slope"
    )
    check_1(
        "p = ½, ¼, ¾ and yes, no, yes have the probability 9/32 together",
        cost,
        -np.log(9 / 32),
        mistakes=[
            (-np.log(9 / 32) / 3, "that is the mean; the sum is asked for"),
            (9 / 32, "that is the probability, not minus its logarithm"),
            (-np.log(1 / 32), "that is the cost of no, yes, no"),
            (-np.log(3 / 32), "that is the cost of three times yes: the second answer is no"),
            (-np.log(3 / 8), "that is the cost of the two answers yes alone"),
        ],
    )
    check_1(
        "… and the slope by each p",
        slope,
        [-2.0, 4 / 3, -4 / 3],
        hint="t = 1 and t = 0, one after the other",
        mistakes=[([-0.5, 0.25, -0.25], "that is p - t: the slope by a score, not by p")],
    )
    check_1(
        "2,000 tosses of a fair coin cost 1386.29, without a warning",
        calm(
            lambda p: check_1.returns(bernoulli_cost(p, np.ones(2000)), "cost", "slope")[0],
            np.full(2000, 0.5),
        ),
        2000 * np.log(2.0),
        hint="a product of 2,000 probabilities is rounded to 0: sum up logarithms",
    )
    check_1(
        "targets that are whole numbers: p = 0.8 and 0.2, yes and no, have the slopes ∓1.25",
        check_1.returns(bernoulli_cost(np.array([0.8, 0.2]), np.array([1, 0])), "cost", "slope")[1],
        [-1.25, 1.25],
        mistakes=[([-1.0, 1.0], "it was cut to whole numbers, as an array of integers does")],
    )
    ### BEGIN HIDDEN TESTS
    aims = rng.standard_normal((2, 3))
    check_1.functions(
        "how much: the slope agrees with differences",
        lambda scores: gaussian_cost(scores, aims),
        lambda dout, slope: dout * slope,
        rng.standard_normal((2, 3)),
    )
    answers = np.array([0.0, 1.0, 1.0, 0.0])
    check_1.functions(
        "yes or no: the slope agrees with differences",
        lambda p: bernoulli_cost(p, answers),
        lambda dout, slope: dout * slope,
        0.1 + 0.8 * rng.random(4),
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %% [markdown]
# (There is nothing to borrow here. The exercises below do not call these two functions: go on if
# you are stuck.)
#
# The next picture shows likelihood and cost side by side. On the left three answers, 1, 2 and 4.5,
# for one score $s$. On the right ten answers, seven yes and three no, for one $p$.

# %% jupyter={"source_hidden": true}
if check_1.opens("The picture of likelihoods and costs"):
    score, chance = np.linspace(-0.5, 5.5, 301), np.linspace(0.02, 0.98, 301)
    yes = np.repeat([1.0, 0.0], [7, 3])
    costs = (
        np.array([gaussian_cost(s, np.array([1.0, 2.0, 4.5]))[0] for s in score]),
        np.array([bernoulli_cost(np.full(10, p), yes)[0] for p in chance]),
    )
    fig, axes = plt.subplots(2, 2, figsize=(10, 5), sharex="col", layout="constrained")
    for column, x, cost in zip(axes.T, (score, chance), costs, strict=True):
        for ax, y, name in zip(column, (np.exp(-cost), cost), ("likelihood", "cost"), strict=True):
            ax.plot(x, y)
            ax.axvline(x[cost.argmin()], color="0.6", linestyle=":")
            ax.set_ylabel(name)
    axes[0, 0].set_title("answers 1, 2 and 4.5")
    axes[0, 1].set_title("seven times yes, three times no")
    axes[1, 0].set_xlabel(f"score s; the best is {score[costs[0].argmin()]:.2f}")
    axes[1, 1].set_xlabel(f"p; the best is {chance[costs[1].argmin()]:.2f}")
    plt.show()

# %% [markdown]
# Where the likelihood is largest, the cost is smallest. For normal noise this is at the *mean* of
# the answers, $7.5 / 3 = 2.5$. For yes and no it is at the *share* of yes, $7 / 10$. So a network
# that is trained with these costs aims at the mean, or the share of yes, among the answers that
# come with an input.
#
# ## 3. The squared error
#
# What depends on the score in the Gaussian cost is a square. The rest is a constant, and a constant
# moves no minimum. Nor does a positive factor. So one takes the square alone, and where there are
# many, their mean. For outputs $o$ and targets $t$, both (N, D), this is over all $N \cdot D$
# elements:
#
# $$L = \frac{1}{ND} \sum_{n,d} (o_{nd} - t_{nd})^2, \qquad
# \frac{\partial L}{\partial o_{nd}} = \;?$$
#
# (Books differ by factors: some take ½, some divide by N alone, some not at all. None is wrong,
# but forward and backward have to agree.)
#
# **Exercise 2** (3 points). Write the mean squared error and its gradient, for outputs of shape
# (N, D) or of any other, one axis or three, say. Do not forget `dout`.


# %% nbgrader={"grade_id": "mse", "solution": true}
def mse_forward(outputs, targets):
    """The mean of (outputs - targets)² over all elements.

    outputs, targets: floats of one shape: (N, D), or any other shape.
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


# %% nbgrader={"grade_id": "check-2", "points": 3}
with exercise(2, "the squared error", mse_forward, mse_backward, points=3) as check:
    given = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    errors = np.array([[0.0, 2.0], [4.0, -1.0], [1.0, -2.0]])
    loss, kept = check.returns(mse_forward(given, given - errors), "loss", "cache")
    check(
        "the loss of the errors 0, 2; 4, -1; 1, -2",
        loss,
        26 / 6,
        mistakes=[
            (26.0, "that is the sum; the mean over all elements is asked for"),
            (26 / 3, "that was divided by N = 3; here we divide by all N · D = 6 elements"),
            (13.0, "that is half of the sum; the mean over all 6 elements is asked for"),
            (13 / 6, "that is half of it: the ½ of other books"),
            (4 / 6, "that is the mean of the errors: square each of them first"),
            (16 / 36, "that is the square of the mean; the mean of the squares is asked for"),
            (10 / 6, "that is the mean of |o - t|"),
            (np.sqrt(26 / 6), "that is the root of it"),
        ],
    )
    once = mse_backward(1.0, kept)
    check(
        "the gradient of these outputs",
        once,
        errors / 3,
        mistakes=[
            (errors / 6, "half of it: a square gives a 2, and the loss here has no ½"),
            (2 * errors / 3, "that is divided by N = 3; the loss is a mean of 6 elements"),
            (errors, "that is o - t itself; the loss is a mean of N · D = 6 squares"),
            (2 * errors, "the mean is missing: divide by the number of elements"),
            (errors**2 / 6, "those are the terms of the loss, not their derivatives"),
        ],
    )
    _, kept = check.returns(mse_forward(given, given - errors), "loss", "cache")
    check(
        "dout = 3 gives three times as much",
        mse_backward(3.0, kept),
        errors,
        mistakes=[(once, "the same as for dout = 1; but dout is a factor of all of it")],
    )
    rows, aims = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    check.functions(
        "the gradient checker agrees",
        lambda outputs: mse_forward(outputs, aims),
        mse_backward,
        rows,
    )
    rows, aims = rng.standard_normal(6), rng.standard_normal(6)
    check.functions("for one axis, too", lambda o: mse_forward(o, aims), mse_backward, rows)
    ### BEGIN HIDDEN TESTS
    images, blank = rng.standard_normal((2, 3, 4)), np.zeros((2, 3, 4))
    check.functions("and for three", lambda o: mse_forward(o, blank), mse_backward, images)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# mse_forward, mse_backward = borrow(lambda: MSE())

# %% [markdown]
# ## 4. Why one of them slept
#
# Back to the two neurons. With the target $t$ (0 or 1) and $p = \sigma(s)$ they have the losses
#
# $$L_{\text{squared}} = \tfrac12 (p - t)^2 \qquad\text{and}\qquad
# L_{\text{entropy}} = -\log \Pr(t),$$
#
# where $\Pr(t)$ is that of the Bernoulli distribution. The second loss is called the
# **cross-entropy**: minus the logarithm of the probability that the neuron gave to what turned out
# to be right. If it had given it all, the loss is $-\log 1 = 0$; if nothing, it is infinite. Both
# go through the same sigmoid, whose slope is $p\,(1 - p)$. Below are both circuits for $t = 1$ at
# $s = -5$.

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
# the cross-entropy, too: the first is the slope by $p$ that you have derived in exercise 1,
#
# $$\frac{\partial L_{\text{entropy}}}{\partial s}
# = \frac{\partial L_{\text{entropy}}}{\partial p}\; p\,(1 - p) = \;?$$
#
# Multiply out. Nearly everything cancels.
#
# **Exercise 3** (2 points). Write both slopes. `sigmoid_of` is there for you.


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
    """The derivative of the cross-entropy of p = σ(s) with respect to s, without division.

    s, t: numbers, or arrays; t: the target, 0 or 1, or what lies between.
    """
    ### BEGIN SOLUTION
    return sigmoid_of(s) - t
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 2}
with exercise(3, "two slopes", slope_of_squared, slope_of_entropy, points=2) as check_3:
    check_3(
        "squared, at s = 0 and t = 1, it is -½ · ¼",
        slope_of_squared(0.0, 1.0),
        -0.125,
        mistakes=[
            (0.125, "the sign is wrong; or is it the loss, which is ⅛ here?"),
            (0.0, "it is 0, but neither p nor 1 - p nor p - t is 0 at s = 0"),
        ],
    )
    check_3(
        "… and at s = -5 only -0.0066",
        slope_of_squared(-5.0, 1.0),
        -0.006603562,
        hint="the slope of the sigmoid is p (1 - p), with p = σ(s)",
        mistakes=[
            (-0.9933071, "that is p - t: the slope of the sigmoid is missing"),
            (-0.0132071, "twice too much: the ½ in front of the square cancels the 2"),
            (0.0066481, "that is p (1 - p), the slope of the sigmoid alone"),
            (-0.0066481, "that is (p - t) p: the factor 1 - p is missing"),
            (-0.9866591, "that is (p - t) (1 - p): the factor p is missing"),
            (0.9866591, "that is (p - t)²: the loss without its ½, not its slope"),
            (0.4933295, "that is the loss; its slope is asked for"),
            (0.0000447943, "that is p - t p (1 - p): p - t belongs in parentheses"),
        ],
    )
    check_3(
        "the cross-entropy at s = 0 and t = 1 has -½",
        slope_of_entropy(0.0, 1.0),
        -0.5,
        mistakes=[
            (-2.0, "that is the slope by p; times the slope of the sigmoid it is that by s"),
            (-0.125, "a factor p (1 - p) too many: the slope by p divides by it"),
            (np.log(2), "that is the loss; its slope is asked for"),
        ],
    )
    check_3(
        "… and at s = -5 nearly -1",
        slope_of_entropy(-5.0, 1.0),
        -0.993307149,
        hint="the slope by p times p (1 - p): what is left of the fraction?",
        mistakes=[
            (-149.4131591, "that is the slope by p; the slope of the sigmoid is missing"),
            (-6.0, "that is s - t, without the sigmoid"),
            (-1.0, "that is the slope by p times p: the factor 1 - p is missing"),
            (-148.4131591, "that is the slope by p times 1 - p: the factor p is missing"),
            (-0.006603562, "a factor p (1 - p) too many: the slope by p divides by it"),
        ],
    )
    given = np.array([-3.0, -0.5, 1.0, 2.0])
    check_3(
        "squared, for t = 0 it agrees with differences",
        slope_of_squared(given, 0.0),
        difference(lambda s: 0.5 / (1 + np.exp(-s)) ** 2, given),
        hint="each factor at these scores; and is the target t, 0 here, that of the caller?",
        rtol=1e-5,
    )
    check_3(
        "and so does the cross-entropy",
        slope_of_entropy(given, 0.0),
        difference(lambda s: np.log(1 + np.exp(s)), given),
        hint="each factor at these scores; and is the target t, 0 here, that of the caller?",
        rtol=1e-5,
    )
    check_3(
        "at s = -1000 and t = 1 it is -1, without a warning",
        calm(slope_of_entropy, -1000.0, 1.0),
        -1.0,
        hint="p is rounded to 0 there: is it divided by? And which exponential is large?",
        mistakes=[(0.0, "it is 0: is there a factor p left? Here p is rounded to 0")],
    )
    check_3(
        "both agree with differences, for t = 0.3",
        (slope_of_squared(given, 0.3), slope_of_entropy(given, 0.3)),
        (
            difference(lambda s: 0.5 * (1 / (1 + np.exp(-s)) - 0.3) ** 2, given),
            difference(lambda s: np.log(1 + np.exp(s)) - 0.3 * s, given),
        ),
        hint="each factor at these scores; and what a target between 0 and 1 makes of it",
        rtol=1e-5,
    )
    ### BEGIN HIDDEN TESTS
    check_3(
        "both agree with differences, for t = 0.6",
        (slope_of_squared(given, 0.6), slope_of_entropy(given, 0.6)),
        (
            difference(lambda s: 0.5 * (1 / (1 + np.exp(-s)) - 0.6) ** 2, given),
            difference(lambda s: np.log(1 + np.exp(s)) - 0.6 * s, given),
        ),
        rtol=1e-5,
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# (There is nothing to borrow here. Only pictures wait for these two functions: go on if you are
# stuck.)
#
# The next picture shows both losses over the score, where $t = 1$, both slopes, and what follows:
# how many steps with the learning rate 1 a neuron needs from the place where it starts until it is
# right, $p > \tfrac12$.

# %% jupyter={"source_hidden": true}
starts = -np.arange(1.0, 9.0)


def steps_until_right(slope):
    """The number of steps from each start to p > ½ at the learning rate 1."""
    s, steps = starts.copy(), np.zeros(len(starts), int)
    while (s <= 0).any():
        steps += s <= 0
        s -= slope(s, 1.0)
    return steps


if check_3.opens("The picture of losses, slopes and steps"):
    line = np.linspace(-8, 8, 401)
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    left.plot(line, -np.log(sigmoid_of(line)), label="cross-entropy")
    left.plot(line, 0.5 * (sigmoid_of(line) - 1) ** 2, label="squared error")
    for name, slope in (("cross-entropy", slope_of_entropy), ("squared error", slope_of_squared)):
        middle.plot(line, slope(line, 1.0), label=name)
        steps = steps_until_right(slope)
        right.semilogy(starts, steps, marker="o", label=name)
        right.annotate(
            f"{steps[-1]:,}", (starts[-1], steps[-1]), (4, 6), textcoords="offset points"
        )
    left.set(xlabel="score s", ylabel="loss", title="the loss, where t = 1")
    middle.set(xlabel="score s", ylabel="slope of the loss", title="its slope")
    right.set(xlabel="score at the start", ylabel="steps until p > ½", ylim=(0.7, 1e4))
    right.set_title("how long it takes to leave the plateau")
    for ax in (left, middle, right):
        ax.legend()
    plt.show()

# %% [markdown]
# On the left: for a score that is far too low the cross-entropy grows like $-s$. At $s = -8$ it is
# 8.0003. The square $(p - 1)^2$ is 0.9993 there, and it can never be more than 1: on that side it
# ends in a plateau. The slope of the squared error has its largest size at $p = \tfrac13$, which is
# $s = -\ln 2 = -0.69$, where the neuron is not far from undecided. It has next to none where the
# neuron is badly wrong. Each unit further out costs twice as many steps at least: from $-1$ on they
# are 7, 16, 32, 71, 168, 426, 1,123 and 3,011. The factor tends to $e = 2.72$, since the slope is
# nearly $-e^s$ out there; at the last step it is 2.68.
#
# The cross-entropy is what the sigmoid needs: its logarithm undoes the exponential, and what is
# left is as large as the mistake. I. Goodfellow, Y. Bengio and A. Courville (*Deep Learning*, 2016,
# section 6.2) call it a theme that recurs in all network design: the gradient of the cost has to be
# large and predictable enough to guide the learning.
#
# (A slip to know: a set of lecture notes that goes round defines the squared error with the ½, and
# then prints a slope that is $-0.25$ at $s = 0$. You have found half of it. Theirs belongs to the
# square without the ½.)

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** The same notes ask: why the sigmoid? A probability has to be between 0 and 1,
# and the score could just be cut off there, $p = \max(0, \min(1, s))$. Let $t = 1$. What are the
# cross-entropy and its slope at $s = 2$, at $s = \tfrac12$ and at $s = -1$? What does the squared
# error do at $s = -1$? What becomes of a neuron that starts there?
#
# ### BEGIN SOLUTION
# At $s = 2$ the output is 1, the loss 0 and the slope 0: right, and nothing to do. At
# $s = \tfrac12$ the loss is $-\ln \tfrac12 = 0.69$ and the slope $-1 / s = -2$. At $s = -1$ the
# output is 0, so the cross-entropy is infinite, as it is for all $s \le 0$. The output is flat
# there, and a gradient that goes back through it is multiplied by 0: the chain rule gives
# $-\infty \cdot 0$, which is `nan` in floating point. The squared error is finite, but its slope is
# simply 0. From this example the neuron learns nothing, although it is completely wrong; and with
# the `nan` of the cross-entropy its weights are lost in one step. The sigmoid is nowhere quite
# flat, and nowhere quite 0 (as long as it is not rounded).
# ### END SOLUTION

# %%
model_answer("5-losses", 2)

# %% [markdown]
# And here is how it looks, for when you have answered: both outputs, and for $t = 1$ the losses and
# their slopes. (It shows the answer.)

# %% jupyter={"source_hidden": true}
if check_3.opens("The picture of the score that is cut off"):
    line, inside = np.linspace(-3, 6, 601), np.linspace(0.002, 1, 300)
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    left.plot(line, sigmoid_of(line), label="σ(s)")
    left.plot(line, np.maximum(0, np.minimum(1, line)), color="tab:red", label="s, cut off")
    names = "σ(s), cross-entropy", "σ(s), squared error", "cut off, cross-entropy"
    middle.plot(line, -np.log(sigmoid_of(line)), label=names[0])
    middle.plot(line, 0.5 * (sigmoid_of(line) - 1) ** 2, label=names[1])
    middle.plot([*inside, 6], -np.log([*inside, 1]), color="tab:red", label=names[2])
    middle.text(-2.9, 4.7, "cut off:\ninfinite here", color="tab:red", va="top")
    right.plot(line, slope_of_entropy(line, 1.0), label=names[0])
    right.plot(line, slope_of_squared(line, 1.0), label=names[1])
    right.plot([*inside, np.nan, 1, 6], [*-1 / inside, 0, 0, 0], color="tab:red", label=names[2])
    right.text(-2.9, -2.4, "cut off: flat,\nno slope", color="tab:red")
    for ax in (middle, right):
        ax.axvspan(-3, 0, color="tab:red", alpha=0.1)
    left.set(xlabel="score s", title="the output p")
    middle.set(xlabel="score s", title="the loss, where t = 1", ylim=(-0.2, 5))
    right.set(xlabel="score s", title="its slope", ylim=(-5, 0.2))
    left.legend(loc="center right")
    middle.legend(loc="upper right")
    right.legend(loc="lower right")
    plt.show()

# %% [markdown]
# ## 5. Softmax
#
# For one of C classes there is a function that generalises the sigmoid,
#
# $$p_{nj} = \frac{e^{s_{nj}}}{\sum_k e^{s_{nk}}},$$
#
# taken row by row: one row of scores for each example. Each $p_{nj}$ is positive, each row sums to
# 1. With large scores there is the same trouble as in the last notebook: $e^{1000}$ is `inf`, and
# `inf / inf` is `nan`. The cure: add a constant $c$ to all scores of a row. Numerator and
# denominator both get the factor $e^{c}$, and it cancels. So take $c = -\max_k s_{nk}$. Then the
# largest exponent is 0, and at least one term of the sum is 1.
#
# In what way does it generalise the sigmoid? Let there be two classes, with the scores $s$ and 0.
# Divide numerator and denominator by $e^s$:
#
# $$p_1 = \frac{e^{s}}{e^{s} + e^0} = \frac{1}{1 + e^{-s}} = \sigma(s), \qquad
# p_2 = 1 - p_1 = \sigma(-s).$$
#
# And for two scores $s_1, s_2$ add $-s_2$ to both: $p_1 = \sigma(s_1 - s_2)$. A yes-or-no question
# is one of two classes, where the score of *no* is kept at 0.
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
# **Exercise 4** (4 points). Write the softmax and its backward pass.


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


# %% nbgrader={"grade_id": "check-4", "points": 4}
with exercise(4, "softmax", softmax_forward, softmax_backward, points=4) as check:
    e = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 4.0]])
    shifted, along = e / e.max(axis=1, keepdims=True), e / e.max(axis=0)
    p = np.array([[1 / 4, 3 / 4], [1 / 2, 1 / 2], [1 / 5, 4 / 5]])
    got, kept = check.returns(softmax_forward(np.log(e)), "p", "cache")
    check(
        "softmax(ln 1, ln 3) is (¼, ¾); of ln 2, ln 2 it is (½, ½), of ln 1, ln 4 (⅕, ⅘)",
        got,
        p,
        mistakes=[
            (e / e.sum(axis=0), "each column sums to 1, not each row"),
            (shifted / shifted.sum(axis=0), "each column sums to 1, not each row"),
            (e / e.sum(), "all entries together sum to 1, not each row"),
            (shifted / shifted.sum(), "all entries together sum to 1, not each row"),
            (e, "those are the exponentials: they are not yet divided by their sum"),
            (shifted, "those are the shifted exponentials, not yet divided by their sum"),
            (
                along / along.sum(axis=1, keepdims=True),
                "the maximum was taken over axis=0; within a row all scores get the same shift",
            ),
        ],
    )
    check(
        "the scores 1.7 and 0 give σ(1.7) = 0.84553 and 0.15447",
        check.returns(softmax_forward(np.array([[1.7, 0.0]])), "p", "cache")[0],
        [[0.845535, 0.154465]],
        rtol=1e-5,
        hint="one row of two scores is a row as well",
        mistakes=[([[1.0, 1.0]], "each column sums to 1, not each row")],
    )
    check(
        "the scores 3.2, 5.1, -1.7 give 0.13, 0.87, 0.00",
        check.returns(softmax_forward(np.array([[3.2, 5.1, -1.7]])), "p", "cache")[0],
        [[0.1299825, 0.8690495, 0.0009679]],
        atol=1e-6,
    )
    check(
        "the scores 1000, 1000 give ½, ½, without a warning",
        calm(lambda s: check.returns(softmax_forward(s), "p", "cache")[0], np.array([[1e3, 1e3]])),
        [[0.5, 0.5]],
        hint="a shift of the scores before they are exponentiated",
    )
    check(
        "a row of scores around 0 beside one around 1000 is no trouble",
        calm(
            lambda s: check.returns(softmax_forward(s), "p", "cache")[0],
            np.array([[0.0, 0.0], [1e3, 1e3]]),
        ),
        [[0.5, 0.5], [0.5, 0.5]],
        hint="one maximum for all, or one for each row?",
    )
    dout = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    check(
        "dout = (1, 0) at p = (¼, ¾), (0, 0) at (½, ½) and (0, 1) at (⅕, ⅘)",
        softmax_backward(dout, kept),
        [[0.1875, -0.1875], [0.0, 0.0], [-0.16, 0.16]],
        hint="in the first row p₂ depends on s₁ as well, and p₁ on s₂",
        mistakes=[
            (dout * p * (1 - p), "that is dout p (1 - p): the other p of the row depend on s, too"),
            (dout * p, "that is dout p: the second sum is missing"),
            (
                dout - (dout * p).sum(axis=1, keepdims=True),
                "a factor is missing: p of the score by which one differentiates",
            ),
            (p * (dout - dout.sum(axis=1, keepdims=True)), "in the second sum there is a p_i"),
            (p * (dout - (dout * p).sum(axis=0)), "the sum went over axis=0: over the examples"),
            (p * (dout - (dout * p).sum()), "the sum went over all rows; each has its own"),
            (
                p * (dout + (dout * p).sum(axis=1, keepdims=True)),
                "the second sum has a minus in front",
            ),
            (
                dout * p - (dout * p * p).sum(axis=1, keepdims=True),
                "the p that is taken out of the second sum is that of the score s_j",
            ),
        ],
    )
    rows = rng.standard_normal((4, 3))
    check.functions("the gradient checker agrees", softmax_forward, softmax_backward, rows)
    ### BEGIN HIDDEN TESTS
    rows = 2 * rng.standard_normal((3, 5))
    p, _ = check.returns(softmax_forward(rows), "p", "cache")
    check("rows sum to 1", p.sum(axis=1), np.ones(3))
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
# **Exercise 5** (3 points). Write the log-sum-exp, and the logarithm of the softmax.


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


# %% nbgrader={"grade_id": "check-5", "points": 3}
with exercise(5, "log-softmax", log_sum_exp, log_softmax, points=3) as check:
    e = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 4.0]])
    given = np.log(e)
    check(
        "the log-sum-exp of ln 1, ln 3 is ln 4, that of ln 2, ln 2 too, of ln 1, ln 4 ln 5",
        log_sum_exp(given),
        np.log([[4.0], [4.0], [5.0]]),
        mistakes=[
            (np.log([[4 / 3], [2.0], [5 / 4]]), "the shift is still in it: undo it at the end"),
            ([[4.0], [4.0], [5.0]], "that is the sum; its logarithm is asked for"),
            ([[4 / 3], [2.0], [5 / 4]], "that is the sum after the shift, without a logarithm"),
            (np.log([[3.0], [2.0], [4.0]]), "that is the maximum alone"),
            (np.log([[2.0], [2.0], [2.5]]), "that is the logarithm of the mean"),
            (np.log([4.0, 4.0, 5.0]), "the numbers are right, but a column (N, 1) is asked for"),
            (np.log([4.0, 9.0]), "the sum went over axis=0, over the examples"),
            (np.log([[4.0, 9.0]]), "the sum went over axis=0, over the examples"),
        ],
    )
    check(
        "the scores themselves are left as they were",
        given,
        np.log(e),
        mistakes=[(np.log(e / [[3.0], [2.0], [4.0]]), "the maximum was subtracted in place")],
    )
    check(
        "of 1000, 1000 it is 1000 + ln 2, of -1000, -1000 it is -1000 + ln 2",
        calm(log_sum_exp, np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])),
        [[1000 + np.log(2.0)], [-1000 + np.log(2.0)]],
        rtol=1e-12,
        hint="what is to be shifted before the exponential, by which number of each row",
    )
    check(
        "log p of the scores 3.2, 5.1, -1.7",
        log_softmax(np.array([[3.2, 5.1, -1.7]])),
        [[-2.0403552, -0.1403552, -6.9403552]],
        mistakes=[
            ([[-0.8861150, -0.0609555, -3.0141579]], "that is a logarithm to the base 10"),
            ([[0.1299825, 0.8690495, 0.0009679]], "that is p; its logarithm is asked for"),
            ([[-1.9, 0.0, -6.8]], "those are the scores minus their maximum"),
            ([[-2.9436104, -0.2024899, -10.0128162]], "that is a logarithm to the base 2"),
            (
                [[0.6106456, 0.9732164, -0.3244055]],
                "that is s divided by the log-sum-exp: the logarithm of a quotient is a difference",
            ),
        ],
    )
    check(
        "log p of the scores 0, 1000 is -1000, 0",
        calm(log_softmax, np.array([[0.0, 1000.0]])),
        [[-1000.0, 0.0]],
        hint="p is rounded to 0 there, so no way that goes through p can be right",
    )
    check(
        "log p of the rows 0, 0 and 0, 0",
        log_softmax(np.zeros((2, 2))),
        np.full((2, 2), -np.log(2.0)),
        hint="each row of scores by itself",
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
# ## 6. Softmax with cross-entropy
#
# The softmax gives the label $y$ the probability $p_y$. Maximum likelihood once more: the loss of
# one example is minus the logarithm of this probability, and the loss of a batch is the mean.
#
# $$L = -\frac1N \sum_n \log p_{n, y_n}
# = \frac1N \sum_n \Big( \log \sum_k e^{s_{nk}} - s_{n, y_n} \Big).$$
#
# For one example the derivative with respect to $s_j$ is that of the log-sum-exp minus
# $[j = y]$. What is the derivative of $\log \sum_k e^{s_k}$ with respect to $s_j$? You know it by
# another name. Write $\mathbf{y}$ for the *one-hot* row with 1 at the label and 0 elsewhere. Then,
# for one example, with its loss $\ell$,
#
# $$\frac{\partial \ell}{\partial s} = \;?$$
#
# The second way gives the same: cross-entropy sends $-\mathbf{y}/p$ back, and
# your `softmax_backward` turns it into
# $p\,\big(-\mathbf{y}/p - \sum_i (-\mathbf{y}_i)\big)$. Simplify it.
#
# **And the mean.** The classic mistake of this exercise is to take the mean in `forward` and to
# forget the $1/N$ in `backward`. This is descent with a learning rate that is N times larger than
# it says, and often it still seems to work.
#
# **Exercise 6** (4 points). Write softmax and cross-entropy in one.


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


# %% nbgrader={"grade_id": "check-6", "points": 4}
with exercise(
    6, "cross-entropy", softmax_cross_entropy_forward, softmax_cross_entropy_backward, points=4
) as check_6:
    loss, _ = check_6.returns(
        softmax_cross_entropy_forward(np.array([[3.2, 5.1, -1.7]]), np.array([0])), "loss", "cache"
    )
    check_6(
        "the scores 3.2, 5.1, -1.7 and the label 0 cost 2.04",
        loss,
        2.0403552,
        mistakes=[
            (0.8861150, "that is a logarithm to the base 10"),
            (0.1299825, "that is p of the label, not minus its logarithm"),
            (-0.1299825, "that is minus p of the label, without a logarithm"),
            (-3.2, "that is minus the score of the label: the log-sum-exp is missing"),
            (0.0, "it is 0; is the label, 0, a factor? It says which of the classes is meant"),
            (9.1210656, "-log p of all classes was summed: only that of the label counts"),
            (3.0403552, "-log p of all classes was averaged; only that of the label counts"),
        ],
    )
    images = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss, _ = check_6.returns(
        softmax_cross_entropy_forward(images, np.array([0, 1, 2])), "loss", "cache"
    )
    check_6(
        "three rows cost 2.04, 0.08 and 6.16: in the mean 2.76",
        loss,
        2.7586547,
        mistakes=[
            (8.2759642, "that is the sum over the rows; the mean is asked for"),
            (2.7586547 / 3, "a third of it: divide by N alone, and only once"),
            (2.6030992, "-log p of all rows and classes was averaged; each row has one label"),
        ],
    )
    e, p = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 4.0]]), np.array([[0.25], [0.5], [0.2]])
    scores, p, y = np.log(e), np.hstack([p, 1 - p]), np.array([[1, 0], [0, 1], [0, 1]])
    _, kept = check_6.returns(
        softmax_cross_entropy_forward(scores, np.array([0, 1, 1])), "loss", "cache"
    )
    once = softmax_cross_entropy_backward(1.0, kept)
    check_6(
        "the gradient at p = (¼, ¾), (½, ½) and (⅕, ⅘) for the labels 0, 1 and 1",
        once,
        [[-0.25, 0.25], [1 / 6, -1 / 6], [1 / 15, -1 / 15]],
        mistakes=[
            (p - y, "the forgotten factor 1/N: the loss is a mean over the rows"),
            ((p - y) / 2, "that was divided by C = 2; the mean goes over N = 3 rows"),
            ((p - y) / 6, "that was divided by N · C; the mean goes over the rows alone"),
            ((p - y) / 9, "that was divided by N twice"),
            (p, "that is p: nothing has come from the scores of the labels"),
            (p / 3, "that is p / N: nothing has come from the scores of the labels"),
            (p / 3 - y, "the mean divides all of the gradient, also what the label adds"),
            ((p - 1) / 3, "1 was taken from all classes, not only from the label of each row"),
            ((p - 1), "1 was taken from all classes of all rows, and the mean is missing"),
            (-y / 3, "that is -y / N: the log-sum-exp has a derivative, too"),
            (-y / p / 3, "that is the gradient by p; the scores are asked for"),
            ((np.log(p) - y) / 3, "log p stands where p belongs"),
        ],
    )
    _, kept = check_6.returns(
        softmax_cross_entropy_forward(scores, np.array([0, 1, 1])), "loss", "cache"
    )
    check_6(
        "dout = 6 gives six times as much",
        softmax_cross_entropy_backward(6.0, kept),
        [[-1.5, 1.5], [1.0, -1.0], [0.4, -0.4]],
        mistakes=[(once, "the same as for dout = 1; but dout is a factor of all of it")],
    )
    rows, labels_given = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    check_6.functions(
        "the gradient checker agrees",
        softmax_cross_entropy_forward,
        softmax_cross_entropy_backward,
        rows,
        labels_given,
    )
    check_6(
        "the scores 0, 1000 and the label 0 cost 1000, without a warning",
        calm(
            lambda s: check_6.returns(
                softmax_cross_entropy_forward(s, np.array([0])), "loss", "cache"
            )[0],
            np.array([[0.0, 1000.0]]),
        ),
        1000.0,
        hint="p is rounded to 0 there, so no way that goes through p can be right",
    )
    check_6(
        "ten equal scores cost ln 10 = 2.303",
        check_6.returns(
            softmax_cross_entropy_forward(np.zeros((7, 10)), np.arange(7)), "loss", "cache"
        )[0],
        2.302585,
        hint="each of the ten has the probability 0.1",
    )
    ### BEGIN HIDDEN TESTS
    rows, labels_given = rng.standard_normal((6, 3)), np.array([2, 2, 0, 1, 0, 2])
    check_6.functions(
        "… and for three classes",
        softmax_cross_entropy_forward,
        softmax_cross_entropy_backward,
        rows,
        labels_given,
    )
    _, kept = check_6.returns(softmax_cross_entropy_forward(rows, labels_given), "loss", "cache")
    check_6(
        "rows of the gradient sum to 0",
        softmax_cross_entropy_backward(1.0, kept).sum(axis=1),
        np.zeros(6),
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# softmax_cross_entropy_forward, softmax_cross_entropy_backward = borrow(
#     lambda: SoftmaxCrossEntropy()
# )

# %% [markdown]
# The gradient can be read like a balance. The picture shows it for the scores $3.2, 5.1, -1.7$,
# which CS231n (Stanford, lecture 3) gives to a picture of a *cat*: descent pushes the score of the
# label up, by as much as is missing, and the others down, by as much as each has taken.

# %% jupyter={"source_hidden": true}
if check_6.opens("The picture of the balance"):
    names, scores = ["cat", "car", "frog"], np.array([[3.2, 5.1, -1.7]])
    p, _ = Softmax().forward(scores)
    truth = np.array([[1.0, 0.0, 0.0]])
    fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
    panels = {"p": p, "y": truth, "step: -(p - y)": truth - p}
    for ax, (name, row) in zip(axes, panels.items(), strict=True):
        colours = ["tab:red" if value < 0 else "tab:blue" for value in row[0]]
        bars = ax.bar(names, row[0], color=colours)
        ax.bar_label(bars, fmt="{:+.3f}" if "step" in name else "{:.3f}", padding=2)
        ax.axhline(0, color="0.3", linewidth=0.8)
        ax.set(title=name, ylim=(-1.15, 1.2))
    plt.show()

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** Each row of the gradient sums to 0. Why must that be so, if you remember what
# happens to the softmax when a constant is added to all scores? And how much does an example whose
# label already has $p = 0.99$ still change the weights, compared with one that is badly wrong?
#
# ### BEGIN SOLUTION
# Adding a constant to all scores of a row leaves $p$, and so the loss, as it is. So the derivative
# of the loss in the direction $(1, …, 1)$ is 0, and this derivative is the sum of the gradient's
# entries. Apart from $1/N$ the gradient is $p - \mathbf{y}$. With $p = 0.99$ for the label no entry
# is larger than $0.01$: a hundredth of what one gets whose label has next to no probability. The
# loss turns by itself to the examples that are not yet learned (but never leaves the others quite
# alone).
# ### END SOLUTION

# %%
model_answer("5-losses", 3)

# %% [markdown]
# ### The loss before training
#
# An untrained network knows nothing. If its weights are small, its scores are small, all classes
# get about the same probability $1/C$, and the loss has to be about $\ln C$. For ten digits this is
# **2.303**. If the first loss that you see is far from it, look for the mistake *before* you train:
# weights that are too large, data that were not scaled, a missing mean. The picture shows the first
# loss of a network with 100 hidden units on the digits, for initial weights of many sizes.

# %% jupyter={"source_hidden": true}
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
# That is nothing to worry about.) From 0.3 on the network is not just ignorant, it is *confidently
# wrong*: at 0.3 its favourite class gets $p = 0.74$ in the mean, and is right for 19 of the 300
# pictures.

# %% [markdown]
# ## 7. Many yes-or-no questions
#
# With a sigmoid for each output, the targets $t$ have the shape of the scores, and each element
# has the loss of section 4. Here, too, $\log \sigma(s)$ must not be taken of a rounded $\sigma$. On
# paper, with the softplus of the last notebook, $\text{softplus}(s) = \log(1 + e^s)$:
#
# $$-\log \sigma(s) = \text{softplus}(-s), \qquad -\log(1 - \sigma(s)) = \text{softplus}(s), \qquad
# \text{softplus}(-s) = \text{softplus}(s) - s.$$
#
# (Check the first: $-\log \frac{1}{1 + e^{-s}}$.) Put them into $-t \log p - (1 - t) \log (1 - p)$.
# Almost everything cancels, and what remains is
#
# $$\ell(s, t) = \text{softplus}(s) - \;?$$
#
# The softplus without overflow was $\max(s, 0) + \log(1 + e^{-|s|})$. The gradient is that of
# exercise 3. The loss is the mean over **all** $N \cdot C$ elements.
#
# **Exercise 7** (4 points). Write the sigmoid cross-entropy on scores. You may use `sigmoid_of`
# from section 4.


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


# %% nbgrader={"grade_id": "check-7", "points": 4}
with exercise(
    7, "yes or no", sigmoid_cross_entropy_forward, sigmoid_cross_entropy_backward, points=4
) as check:
    answers = np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    loss, _ = check.returns(
        sigmoid_cross_entropy_forward(np.zeros((2, 3)), answers), "loss", "cache"
    )
    check(
        "the score 0 costs ln 2, whatever the answer",
        loss,
        0.693147,
        rtol=1e-5,
        mistakes=[
            (6 * 0.693147, "that is the sum; the mean over all elements is asked for"),
            (3 * 0.693147, "that is divided by N = 2; the mean goes over all N · C elements"),
            (2 * 0.693147, "that is divided by C = 3; the mean goes over all N · C elements"),
            (0.0, "it is 0, but the softplus of 0 is ln 2"),
            (0.443147, "that is softplus(s) - t σ(s): t has another factor"),
            (0.193147, "that is softplus(s) - t: has the target no score beside it?"),
        ],
    )
    loss, _ = check.returns(
        sigmoid_cross_entropy_forward(np.array([[2.0, -1.0, 3.0]]), np.array([[1.0, 1.0, 0.0]])),
        "loss",
        "cache",
    )
    check(
        "the scores 2, -1, 3 and yes, yes, no cost (0.1269 + 1.3133 + 3.0486) / 3",
        loss,
        1.4962590,
        mistakes=[
            (0.8295924, "that is for the answers no, no, yes: is t where 1 - t belongs?"),
            (1.8295924, "that is softplus(s) alone: the term with the target is missing"),
            (2.1629257, "the sign of the term with the target is wrong"),
            (0.1629257, "that is log(1 + exp(-|s|)) alone: max(s, 0) and t s are missing"),
            (4 / 3, "that is max(s, 0) - t s: log(1 + exp(-|s|)) is missing"),
            (3 * 1.4962590, "that is the sum of the three; their mean is asked for"),
        ],
    )
    p = np.array([[0.75, 0.5], [0.25, 0.75]])
    scores, aims = np.log(p / (1 - p)), np.array([[1.0, 0.0], [0.0, 0.0]])
    _, kept = check.returns(sigmoid_cross_entropy_forward(scores, aims), "loss", "cache")
    once = sigmoid_cross_entropy_backward(1.0, kept)
    check(
        "the gradient at p = (¾, ½) and (¼, ¾) for the answers yes, no and no, no",
        once,
        (p - aims) / 4,
        mistakes=[
            (p - aims, "the forgotten factor: the loss is a mean over all elements"),
            ((p - aims) / 2, "that was divided by 2; the mean goes over all N · C = 4 elements"),
            (
                (p - aims) * p * (1 - p) / 4,
                "a factor p (1 - p) too many: it has cancelled, see exercise 3",
            ),
            ((p - aims) * p * (1 - p), "p (1 - p) has cancelled, see exercise 3; and the mean?"),
            (p / 4, "that is for the answers no everywhere: where is the target?"),
            ((scores - aims) / 4, "those are the scores minus the targets, without a sigmoid"),
        ],
    )
    _, kept = check.returns(sigmoid_cross_entropy_forward(scores, aims), "loss", "cache")
    check(
        "dout = 8 gives eight times as much",
        sigmoid_cross_entropy_backward(8.0, kept),
        [[-0.5, 1.0], [0.5, 1.5]],
        mistakes=[(once, "the same as for dout = 1; but dout is a factor of all of it")],
    )
    rows, aims = rng.standard_normal((4, 3)), rng.random((4, 3))
    check.functions(
        "the gradient checker agrees",
        lambda scores: sigmoid_cross_entropy_forward(scores, aims),
        sigmoid_cross_entropy_backward,
        rows,
    )
    check(
        "the scores 1000, -1000 with the answers no, yes cost 1000, without a warning",
        calm(
            lambda s: check.returns(
                sigmoid_cross_entropy_forward(s, np.array([[0.0, 1.0]])), "loss", "cache"
            )[0],
            np.array([[1000.0, -1000.0]]),
        ),
        1000.0,
        hint="which exponentials can be large, and what is log p where p is rounded to 0",
    )
    check(
        "… and their gradient is (½, -½), the largest that it can be",
        calm(
            lambda s: sigmoid_cross_entropy_backward(
                1.0, sigmoid_cross_entropy_forward(s, np.array([[0.0, 1.0]]))[1]
            ),
            np.array([[1000.0, -1000.0]]),
        ),
        [[0.5, -0.5]],
        hint="which exponentials can be large: backward has a σ, too",
    )
    ### BEGIN HIDDEN TESTS
    check(
        "… with the answers yes, no they cost nothing",
        calm(
            lambda s: check.returns(
                sigmoid_cross_entropy_forward(s, np.array([[1.0, 0.0]])), "loss", "cache"
            )[0],
            np.array([[1000.0, -1000.0]]),
        ),
        0.0,
    )
    rows, aims_of_rows = rng.standard_normal(5), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    check.functions(
        "for one axis, too",
        lambda scores: sigmoid_cross_entropy_forward(scores, aims_of_rows),
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
# ## 8. The hinge loss
#
# Not every loss is a likelihood. The multiclass SVM (after J. Weston and C. Watkins 1999, in the
# form of CS231n) knows no probabilities. It wants the score of the label to be above every other by
# a **margin** of 1, and is content then:
#
# $$L = \frac1N \sum_n \sum_{j \ne y_n} \max\big(0,\; s_{nj} - s_{n, y_n} + 1\big).$$
#
# Each term is a ReLU. If it is positive, it sends $+1$ to $s_j$ and $-1$ to the label's score; if
# not, nothing. What arrives at the label's score in all? And mind the mean.
#
# By hand, for the cat above: $\max(0, 5.1 - 3.2 + 1) + \max(0, -1.7 - 3.2 + 1) = 2.9 + 0$.
#
# **Exercise 8** (4 points). Write the hinge loss. Mind $j \ne y$: the term of the label itself
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


# %% nbgrader={"grade_id": "check-8", "points": 4}
with exercise(8, "the hinge loss", hinge_forward, hinge_backward, points=4) as check_8:
    loss, _ = check_8.returns(
        hinge_forward(np.array([[3.2, 5.1, -1.7]]), np.array([0])), "loss", "cache"
    )
    check_8(
        "the cat, with the scores 3.2, 5.1, -1.7 and the label 0, costs 2.9",
        loss,
        2.9,
        mistakes=[
            (3.9, "that is 1 too much: the term of the label itself is always 1"),
            (1.9, "that is 1 too little: is the margin there?"),
            (5.9, "the difference is the wrong way round, s_label - s_j"),
            (0.9, "that is 2 too little: the margin of 1 belongs on the other side"),
            (-1.0, "that is the sum of the terms with the negative one: ReLU, then the sum"),
            (0.0, "it is 0, but the car's score is above that of the label"),
        ],
    )
    images = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss, kept = check_8.returns(hinge_forward(images, np.array([0, 1, 2])), "loss", "cache")
    check_8(
        "the three pictures of that lecture cost 2.9, 0 and 12.9: in the mean 5.27",
        loss,
        15.8 / 3,
        mistakes=[
            (15.8, "that is the sum over the rows; the mean is asked for"),
            (18.8 / 3, "that is 1 too much: the term of the label itself is always 1"),
            (15.8 / 9, "a third of it: divide by N alone, and only once"),
            (9.7 / 3, "each score met the label's score of another row: a row (N,) or a column?"),
            (12.7 / 3, "each score met the label's score of another row, and its own term counted"),
        ],
    )
    once, full = hinge_backward(1.0, kept), np.array([[-1.0, 1, 0], [0, 0, 0], [1, 1, -2]])
    check_8(
        "the gradient for the three pictures",
        once,
        full / 3,
        hint="which terms are positive, and to which two scores does each send something",
        mistakes=[
            (full, "the forgotten factor 1/N: the loss is a mean over the rows"),
            (
                np.array([[-1.0, 1, 0], [0, 0, 0], [1, 1, -1]]) / 3,
                "the frog's score is in two positive terms, not in one",
            ),
            (
                np.array([[-1.0, 1, 0], [0, -1, 0], [1, 1, -1]]) / 3,
                "the labels' scores get -1 each here; but their positive terms are 1, 0 and 2",
            ),
            (
                np.array([[-2.0, 1, 0], [0, -1, 0], [1, 1, -3]]) / 3,
                "the term of the label itself was counted among the positive ones",
            ),
            (
                np.array([[1.0, 1, 0], [0, 1, 0], [1, 1, 1]]) / 3,
                "the label's score gets something with a minus from each positive term of others",
            ),
            (full / 9, "that was divided by N twice, or by N · C"),
            (
                np.array([[0.0, 1, 0], [0, 0, 0], [1, 1, 0]]) / 3,
                "the label's score is in every term, with a minus: it gets a gradient too",
            ),
            (
                np.array([[-2.9, 2.9, 0], [0, 0, 0], [6.3, 6.6, -12.9]]) / 3,
                "those are the terms; their slopes are 1 or 0",
            ),
            (
                np.array([[-2.0, 1, 1], [1, -2, 1], [1, 1, -2]]) / 3,
                "terms that are 0 were counted as well: they send nothing",
            ),
            (
                np.array([[1.0, 1, 0], [0, 0, 0], [1, 1, 1]]) / 3,
                "the label's score gets +1: can the array hold a -2, or only True and False?",
            ),
        ],
    )
    _, kept = check_8.returns(hinge_forward(images, np.array([0, 1, 2])), "loss", "cache")
    check_8(
        "dout = 6 gives six times as much",
        hinge_backward(6.0, kept),
        [[-2.0, 2.0, 0.0], [0.0, 0.0, 0.0], [2.0, 2.0, -4.0]],
        mistakes=[(once, "the same as for dout = 1; but dout is a factor of all of it")],
    )
    rows, labels_given = 2 * rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    check_8.functions(
        "the gradient checker agrees", hinge_forward, hinge_backward, rows, labels_given
    )
    check_8(
        "ten equal scores cost 9",
        check_8.returns(hinge_forward(np.zeros((7, 10)), np.arange(7)), "loss", "cache")[0],
        9.0,
        mistakes=[(10.0, "that is 1 too much: the term of the label itself is always 1")],
    )
    ### BEGIN HIDDEN TESTS
    rows, labels_given = rng.standard_normal((6, 3)), np.array([2, 2, 0, 1, 0, 2])
    check_8.functions("for three classes", hinge_forward, hinge_backward, rows, labels_given)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_8.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# hinge_forward, hinge_backward = borrow(lambda: Hinge())

# %% [markdown]
# The picture shows the hinge loss and the cross-entropy, and their slopes, as the score of the
# label moves, while two others stay at 0 and 2. The hinge loss has a **kink** wherever a term
# becomes 0, at a margin above each of the others, and is flat beyond the last. (At a kink there is
# no slope; one takes that of either side.)

# %% jupyter={"source_hidden": true}
if check_8.opens("The picture of the hinge loss"):
    label_score = np.linspace(-2, 6, 401)
    three = np.stack([label_score, np.zeros(401), np.full(401, 2.0)], axis=1)
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained")
    for name, layer in (("cross-entropy", SoftmaxCrossEntropy("sum")), ("hinge", Hinge("sum"))):
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

# %% [markdown] nbgrader={"grade_id": "question-4"}
# **Question 4.** The label is the first class. Compare the scores $(10, 9, 9)$, $(10, 8, 8)$ and
# $(10, -100, -100)$: what is the hinge loss of each, and what does the cross-entropy think of them?
# (After a question of CS231n.) What does an untrained network cost under the hinge loss, with C
# classes?
#
# ### BEGIN SOLUTION
# The hinge loss is 0 for all three: the first just meets the margin of 1. It is content and sends
# no gradient (for the first, which is at a kink, if one takes the slope of that side, as
# `margins > 0` does). The cross-entropy is 0.55 for the first ($\ln (1 + 2 e^{-1})$), 0.24 for the
# second, and almost 0 for the third: it would always like the others to be lower still. With equal
# scores every one of the $C - 1$ terms is 1, so an untrained network costs $C - 1$, or about that.
# ### END SOLUTION

# %%
model_answer("5-losses", 4)

# %% [markdown]
# ## 9. A price on large weights
#
# The cross-entropy never has enough. If all examples are right already, then scores twice as large
# cost less still, so the weights that make them go on growing. The **L2 penalty** puts a price on
# that:
#
# $$L = L_{\text{data}} + \tfrac12\, \lambda \sum W^2.$$
#
# Two conventions. The ½ is there to cancel the 2 of the square in the gradient. Some courses write
# $\lambda \sum W^2$; then their $\lambda$ is half of ours. And we penalise **no biases**, as most
# do: a bias shifts what a layer gives out, but makes it no steeper.
#
# **Exercise 9** (2 points). Write the penalty for all parameters of a network. Weights are
# matrices (`ndim` 2), biases are rows (`ndim` 1). Parameters of other `ndim` do not occur.


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


# %% nbgrader={"grade_id": "check-9", "points": 2}
with exercise(9, "the L2 penalty", l2_penalty, points=2) as check_9:
    given = {"W": np.array([[1.0, -2.0], [3.0, 0.0]]), "b": np.array([10.0, 10.0])}
    penalty, grads = check_9.returns(l2_penalty(given, 0.1), "penalty", "grads")
    check_9(
        "W = (1, -2; 3, 0) at λ = 0.1 costs 0.05 · 14, whatever the biases",
        penalty,
        0.7,
        mistakes=[
            (1.4, "that is λ ΣW²: the ½ is missing"),
            (10.7, "that is with the biases: they are not penalised"),
            (21.4, "that is λ times the squares of all, biases too, without the ½"),
            (10.0, "that is the penalty of the biases alone"),
            (0.3, "that is of |W|; the weights are to be squared"),
            (0.1, "that is of W; the weights are to be squared"),
            (0.175, "that is the mean; the sum is asked for"),
            (7.0, "that is ½ ΣW²: λ is missing"),
        ],
    )
    check_9.true(
        "the gradients have the names of the parameters",
        isinstance(grads, dict) and grads.keys() == given.keys(),
        hint="a gradient for each of the parameters, biases too",
    )
    check_9(
        "the gradient of W",
        grads["W"],
        [[0.1, -0.2], [0.3, 0.0]],
        mistakes=[
            ([[0.2, -0.4], [0.6, 0.0]], "that belongs to λ ΣW², without the ½"),
            ([[0.05, -0.1], [0.15, 0.0]], "half of it: the square has a 2, which cancels the ½"),
            ([[1.0, -2.0], [3.0, 0.0]], "that is W: λ is missing"),
        ],
    )
    check_9(
        "the gradient of b is 0, an array of its shape",
        grads.get("b", "no gradient"),
        [0.0, 0.0],
        mistakes=[
            ([1.0, 1.0], "that is λ b, as if biases were penalised"),
            (0.0, "it is 0, but an array of the shape of b is asked for"),
        ],
    )
    check_9(
        "the parameters themselves are left as they were",
        given["W"],
        [[1.0, -2.0], [3.0, 0.0]],
        mistakes=[([[0.1, -0.2], [0.3, 0.0]], "W was multiplied by λ in place")],
    )
    two = {"W1": np.full((2, 3), 2.0), "b1": np.ones(3), "W2": -np.ones((3, 1)), "b2": np.ones(1)}
    penalty, grads = check_9.returns(l2_penalty(two, 0.5), "penalty", "grads")
    check_9(
        "of two layers, W1, b1, W2, b2, it is the sum",
        penalty,
        0.25 * (24 + 3),
        hint="what tells a matrix from a row of biases, whatever its name",
    )
    check_9("… and the second layer's gradient", grads["W2"], [[-0.5], [-0.5], [-0.5]])
    ### BEGIN HIDDEN TESTS
    other = l2_penalty({"kernel": np.array([[3.0, 4.0]]), "shift": np.ones(2)}, 2.0)
    check_9("of a matrix by another name", other[0], 25.0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_9.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 10. All together
#
# A linear classifier, nothing but $x W + b$, on the digits: 200 steps with all 1,078 training
# pictures, with *your* losses and *your* penalty. Look at the first loss. And since each column of
# W belongs to a class and has an entry for each pixel, it can be drawn: it is the template that the
# classifier holds against a picture. Red is where ink speaks for the class, blue where it speaks
# against it.


# %% jupyter={"source_hidden": true}
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


what = "The picture of the templates"
if check_6.opens(what) and check_8.opens(what) and check_9.opens(what):
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

# %% [markdown]
# What to see there: the first losses are nearly $\ln 10 = 2.303$ and $C - 1 = 9$, since the first
# weights are small, but not 0. With the penalty the templates look much the same, but the norm
# $\lVert W \rVert$ is half as large, and the loss of the data is higher in exchange. The hinge loss
# was trained with a tenth of the learning rate (its first gradients are ten times as large), and
# its weights end smaller still. It no longer learns from digits that are right by the margin.

# %% [markdown]
# ## Go further
#
# Two exercises without points, for those who want more. Their checks are as strict.
#
# **Go further 1: another noise, another loss.** Say that the noise around the score follows the
# *Laplace* distribution, which has more far-away answers than the normal one. Its density is
#
# $$\tfrac12\, e^{-|t - s|}.$$
#
# Derive the cost of independent answers, and its slope by each score (at $t = s$ there is a kink:
# take 0). Then look for the *one* score $s$ that is best for many answers, by any way that you
# like: by trying many, by descent, by thinking. For the Gaussian cost it was the mean. What is it
# now? Compare both for the answers 1, 2, 3, 4 and 90.


# %% nbgrader={"grade_id": "further-1", "solution": true}
def laplace_cost(scores, targets):
    """Minus the logarithm of the density that Laplace noise around scores gives to all targets.

    scores, targets: floats of one shape; numbers, too.
    Returns the cost, a number, and its slope by each of the scores, of their shape.
    """
    ### BEGIN SOLUTION
    error = scores - targets
    return np.sum(abs(error) + np.log(2)), np.sign(error)
    ### END SOLUTION


def best_score(cost, targets):
    """The one score for all targets that costs least, to within 0.005.

    cost: a function such as gaussian_cost; targets: floats (N,), an odd number of them.
    """
    ### BEGIN SOLUTION
    tried = np.linspace(targets.min(), targets.max(), 20_001)
    return min(tried, key=lambda s: cost(np.full_like(targets, s), targets)[0])
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "another noise", laplace_cost, best_score) as go_1:
    cost, slope = go_1.returns(
        laplace_cost(np.array([0.0, 0.0, 1.0]), np.array([1.5, -2.0, 1.0])), "cost", "slope"
    )
    go_1(
        "three answers that miss by 1.5, -2 and 0: their cost together",
        cost,
        3.5 + 3 * np.log(2.0),
        mistakes=[
            (3.5, "that is without the factor ½ in front of each exponential"),
            (3.5 + np.log(2.0), "the factor ½ was taken once, not three times"),
            (
                3.5 - 3 * np.log(2.0),
                "the logarithm of ½ is negative, and there is a minus before it",
            ),
        ],
    )
    go_1(
        "… and the slope by each of the scores",
        slope,
        [-1.0, 1.0, 0.0],
        hint="how does |t - s| change if the score grows a little; and at the kink?",
    )
    answers = np.array([1.0, 2.0, 3.0, 4.0, 90.0])

    def squares(scores, targets):
        return np.sum((scores - targets) ** 2), 2 * (scores - targets)

    go_1(
        "under squares the best score for 1, 2, 3, 4 and 90 is their mean",
        best_score(squares, answers),
        20.0,
        atol=0.01,
        rtol=0,
        mistakes=[(3.0, "that is the median, which belongs to the other cost")],
        hint="one score against all of the targets, and to within 0.005",
    )
    best = best_score(laplace_cost, answers)
    go_1.true(
        "under Laplace noise another one, which costs less than any other",
        laplace_cost(np.full(5, best), answers)[0]
        <= min(laplace_cost(np.full(5, s), answers)[0] for s in np.linspace(1, 90, 9001)) + 0.011,
        hint="how many of the answers pull the score up, how many down, and how strongly each",
    )
    others = np.array([-3.0, 0.25, 7.0])
    go_1(
        "three answers -3, 0.25 and 7",
        (best_score(squares, others), best_score(laplace_cost, others)),
        (4.25 / 3, 0.25),
        atol=0.01,
        rtol=0,
        hint="how many of the answers pull the score up, how many down, and how strongly each",
    )

# %% jupyter={"source_hidden": true}
if go_1.opens("The comparison of the two"):
    print("the best score for 1, 2, 3, 4 and 90:")
    print(f"  under squares      {best_score(squares, answers):6.2f}  (the mean)")
    print(f"  under Laplace      {best_score(laplace_cost, answers):6.2f}  (the median)")
    print("The mean follows one wild answer. To the median it is just one of two above.")

# %% [markdown]
# **Go further 2: a network that says how sure it is.** The Gaussian cost had the variance 1. Let
# the network say it: two outputs for each example, the score $s$ and $r = \log \text{variance}$ (a
# logarithm, so that any real number will do). With variance $e^r$ the density is
#
# $$\mathcal N(t;\, s, e^r) = \frac{1}{\sqrt{2\pi e^r}}\; e^{-\frac12 (t - s)^2 e^{-r}}.$$
#
# Derive minus its logarithm (leave $\tfrac12 \log 2\pi$ out) and its slopes by $s$ and by $r$, and
# write it as a loss: a mean over the N examples. Where is the slope by $r$ zero? When yours is
# right, a network is trained with it below, on answers whose noise grows with x.


# %% nbgrader={"grade_id": "further-2", "solution": true}
def unsure_forward(outputs, targets):
    """The mean over the rows of -log N(t; s, variance e^r), without the constant ½ log 2π.

    outputs: floats (N, 2), s and r of each example; targets: floats (N,).
    Returns the loss, a number, and a cache for backward.
    """
    ### BEGIN SOLUTION
    s, r = outputs[:, 0], outputs[:, 1]
    error, precision = s - targets, np.exp(-r)
    return np.mean(0.5 * r + 0.5 * error**2 * precision), (error, precision)
    ### END SOLUTION


def unsure_backward(dout, cache):
    """The gradient of the outputs (N, 2); dout: a number, the upstream gradient."""
    ### BEGIN SOLUTION
    error, precision = cache
    grad = np.stack([error * precision, 0.5 - 0.5 * error**2 * precision], axis=1)
    return dout * grad / len(error)
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "how sure", unsure_forward, unsure_backward) as go_2:
    loss, kept = go_2.returns(
        unsure_forward(np.array([[1.0, 0.0], [0.0, np.log(4.0)]]), np.array([3.0, 2.0])),
        "loss",
        "cache",
    )
    go_2(
        "misses by 2, with the variances 1 and 4, cost 2 and ln 2 + ½: in the mean 1.5966",
        loss,
        (2.5 + np.log(2.0)) / 2,
        mistakes=[
            (2.5 + np.log(2.0), "that is the sum; the mean is asked for"),
            (1.25, "the root in front of the exponential is missing: it depends on r"),
            ((2.5 + 2 * np.log(2.0)) / 2, "e^r is under a root: its logarithm has a factor ½"),
            ((2.5 - np.log(2.0)) / 2, "the root is in the denominator: mind its sign"),
            (
                (2.125 + np.log(4.0)) / 2,
                "so it would be with r as the logarithm of the deviation, not of the variance",
            ),
            (
                (2.5 + np.log(2.0) + np.log(2 * np.pi)) / 2,
                "that is with the constant ½ log 2π, which is to be left out",
            ),
        ],
    )
    go_2(
        "the gradient by s and r there",
        unsure_backward(1.0, kept),
        [[-1.0, -0.75], [-0.25, 0.0]],
        hint="r stands twice in the loss; where the variance is (t - s)² the two are in balance",
        mistakes=[
            ([[-2.0, -1.5], [-0.5, 0.0]], "the forgotten factor 1/N: the loss is a mean"),
            ([[-1.0, -1.0], [-0.25, -0.25]], "r stands in the first term, too"),
            ([[-1.0, 1.25], [-0.25, 0.5]], "the exponent has -r: its derivative has a minus"),
        ],
    )
    outputs, aims = rng.standard_normal((5, 2)), rng.standard_normal(5)
    go_2.functions(
        "the gradient checker agrees",
        lambda outputs: unsure_forward(outputs, aims),
        unsure_backward,
        outputs,
    )

# %% jupyter={"source_hidden": true}
if go_2.opens("The picture of the network that says how sure it is"):
    noisy = np.random.default_rng(1)
    x = np.sort(noisy.uniform(-2, 2, 400))[:, np.newaxis]
    noise = 0.05 + 0.1 * (x[:, 0] + 2)
    t = np.sin(2 * x[:, 0]) + noise * noisy.standard_normal(400)
    net, rule = MLP([1, 32, 2], activation=Tanh(), rng=0), Adam(lr=0.01)
    for _ in range(2000):
        outputs, cache = net.forward(x)
        _, kept = unsure_forward(outputs, t)
        rule.update(net.params, net.param_grads(unsure_backward(1.0, kept), cache))
    s, deviation = outputs[:, 0], np.exp(0.5 * outputs[:, 1])
    fig, ax = plt.subplots(figsize=(8, 3.6))
    ax.plot(x, t, ".", color="0.6", markersize=3, label="answers")
    ax.plot(x, s, label="s")
    ax.fill_between(x[:, 0], s - deviation, s + deviation, alpha=0.25, label="s ± its deviation")
    ax.plot(x, np.sin(2 * x) + noise[:, np.newaxis] * [-1, 1], color="k", linewidth=0.8)
    ax.set(xlabel="x", title="black: how the answers were made, ± the deviation of the noise")
    ax.legend()
    plt.show()

# %% [markdown]
# ## What to keep
#
# - The last layer gives scores. An output function says what they mean: linear for *how much*,
#   sigmoids for *yes or no*, a softmax for *which one*. With two classes the softmax is a sigmoid
#   of the difference of the scores.
# - A loss comes from a likelihood: minus the logarithm of the probability of the true answers,
#   which makes a sum of a product. Normal noise gives the squared error, yes-or-no answers
#   (Bernoulli) the cross-entropy.
# - Choose the loss with the output. A sigmoid under a squared error has the slope $(\sigma -
#   t)\,\sigma(1 - \sigma)$ and sleeps where it is most wrong; under cross-entropy the slope is the
#   error, $\sigma - t$. A score that is cut off at 0 and 1 has no slope at all beyond them.
# - The softmax with cross-entropy has the gradient $(p - \mathbf{y}) / N$. Do not forget the
#   $1/N$.
# - Shift scores by their maximum, and take logarithms on paper: $\log p = s -
#   \operatorname{logsumexp}(s)$.
# - The hinge loss wants a margin of 1 and then nothing more. The label's score gets
#   minus the number of classes that come too close.
# - The L2 penalty is $\tfrac12 \lambda \sum W^2$, its gradient $\lambda W$, and it spares the
#   biases.
# - Before training the loss must be about $\ln C$ (cross-entropy), $\ln 2$ (yes or no) or $C - 1$
#   (hinge).
