# %% [markdown]
# # 7. Networks and solvers
#
# You have written layers, and their gradients are right. Does a network of them learn? Here is one
# with 50 hidden units, which is to read 1,078 pictures of digits. It is trained four times, from
# the same first weights, on the same batches. One number differs: the **learning rate**, by which
# the gradient is multiplied to make a step. (The code of pictures is folded, as that of the checks;
# a click on the dots unfolds it.)

# %%
from dataclasses import replace
from functools import partial
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from chainrule import solvers
from chainrule.data import load_digits
from chainrule.gradcheck import check_update
from chainrule.layers import Affine, BatchNorm, Layer, ReLU, SoftmaxCrossEntropy, Tanh, he_normal
from chainrule.nets import MLP, Classifier, Sequential
from chainrule.notebooks import borrow, exercise, further, model_answer
from chainrule.pictures import loss_surface
from chainrule.solvers import Solver, UpdateRule

digits = load_digits()  # x_train (1078, 64), y_train (1078,), and x_val, y_val, x_test, y_test


def run(rule, *, epochs=10, batch_size=50):
    """Trains a network of 64 inputs, 50 hidden units and 10 classes; returns the history."""
    model = Classifier(MLP([64, 50, 10], rng=0))
    settings = {"epochs": epochs, "batch_size": batch_size, "progress": False}
    return Solver(model, rule, digits, **settings).train()


# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for rate in (0.01, 0.1, 1.0, 2.0):
    history = run(solvers.SGD(rate))
    ax.plot(history.epoch, history.loss, marker=".", label=f"rate {rate:g}")
    print(f"rate {rate:<4g}  right after 10 epochs: {history.val_score[-1]:6.1%} of new digits")
ax.axhline(np.log(10), color="grey", linewidth=1, linestyle=":", label="pure guessing")
ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, 2.8), title="one network, four rates")
ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
plt.show()

# %% [markdown]
# At 0.01 it has only begun, and reads half of the new digits. At 1 it reads 95 % of them. At 2,
# which is only twice as much, it guesses. Between the right gradient and a network that has learned
# lie a few decisions, and this notebook is about them. You chain layers into a network, write the
# loop that trains it, and the rules that turn gradients into steps. Then you train a network to
# read 97 % of the digits, and find out what ails three networks that do not learn. It takes about
# two hours.

# %% [markdown]
# ## 1. Layers in a chain
#
# A network is a function of functions. For two affine layers with a ReLU between them,
#
# $$\text{out} = f_3(f_2(f_1(x))),$$
#
# the **forward pass** hands on what each layer returns, and keeps each layer's cache. The
# **backward pass** is the chain rule, read from the outside in. Write $h_1 = f_1(x)$ and
# $h_2 = f_2(h_1)$ for what is handed on. Then
#
# $$\frac{\partial L}{\partial h_2} = \texttt{backward}_3\!\left(\frac{\partial L}{\partial
# \text{out}}\right),\qquad
# \frac{\partial L}{\partial h_1} = \texttt{backward}_2\!\left(\frac{\partial L}{\partial h_2}
# \right),\qquad \frac{\partial L}{\partial x} = \;?$$
#
# What one layer returns as its `dx` is the `dout` of the layer before it. On the way each layer
# also returns the gradients of its own parameters, a dict `grads`. Since two layers may both have
# a `W`, the network calls them by the layer's name and their own: `affine1.W`.
#
# A layer of the library is used like this. (Some layers behave differently in training; `forward`
# takes it that it is training, unless it is told `train=False`.)

# %%
layer = Affine(3, 2, rng=0)  # 3 inputs, 2 outputs; its parameters are in the dict layer.params
out, cache = layer.forward(np.ones((4, 3)))
dx, grads = layer.backward(np.ones((4, 2)), cache)
print("out", out.shape, " dx", dx.shape, " grads", {name: dw.shape for name, dw in grads.items()})

# %% [markdown]
# **Exercise 1** (4 points). Write both passes through a network that is a dict of layers, such as
# `{"affine1": Affine(64, 50), "relu1": ReLU(), "affine2": Affine(50, 10)}`. A dict keeps the order
# in which it was written, and `reversed(layers.items())` goes through it from the end.


# %% nbgrader={"grade_id": "chain", "solution": true}
def network_forward(layers, x):
    """Sends x through all layers, first to last.

    layers: a dict, name → layer; x: floats, what the first layer takes.
    Returns out, what the last layer gives, and caches: a dict, name → that layer's cache.
    """
    ### BEGIN SOLUTION
    caches = {}
    for name, layer in layers.items():
        x, caches[name] = layer.forward(x)
    return x, caches
    ### END SOLUTION


def network_backward(layers, dout, caches):
    """Sends the gradient back through all layers, last to first.

    dout: the gradient of the loss with respect to out, of its shape; caches: as above.
    Returns dx, the gradient with respect to x, and grads: a dict with the gradient of every
    parameter of every layer, by names such as "affine1.W".
    """
    grads = {}
    ### BEGIN SOLUTION
    for name, layer in reversed(layers.items()):
        dout, own = layer.backward(dout, caches[name])
        for key, gradient in own.items():
            grads[f"{name}.{key}"] = gradient
    return dout, grads
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 4}
class Chain(Layer):
    """A dict of layers as one layer, by way of your two functions."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        for name, layer in layers.items():
            self.params |= {f"{name}.{key}": array for key, array in layer.params.items()}

    def forward(self, x, *, train=True):
        return network_forward(self.layers, x)

    def backward(self, dout, cache):
        return network_backward(self.layers, dout, cache)


def filled(W, b):
    """An affine layer with these weights and biases."""
    layer = Affine(len(W), len(b))
    layer.params["W"][...], layer.params["b"][...] = W, b
    return layer


rng = np.random.default_rng(7)
with exercise(1, "layers in a chain", network_forward, network_backward, points=4) as check_1:
    pair = {"affine1": filled([[2.0]], [1.0]), "affine2": filled([[3.0]], [-1.0])}
    got, kept = check_1.returns(network_forward(pair, np.array([[5.0]])), "out", "caches")
    check_1(
        "5 becomes 2 · 5 + 1 = 11, and 11 becomes 3 · 11 - 1 = 32",
        got,
        [[32.0]],
        mistakes=[
            ([[29.0]], "the layers ran in the wrong order: affine2 came first"),
            ([[11.0]], "that is what affine1 hands on; the rest of the way is missing"),
            ([[14.0]], "that is affine2 of x; it is to get what affine1 makes of x"),
            ([[5.0]], "that is x as it came in"),
        ],
        hint="what each layer is given, and what becomes of its out",
    )
    if check_1.verdict != "wrong":
        back, grads = check_1.returns(
            network_backward(pair, np.array([[1.0]]), kept), "dx", "grads"
        )
        grads = grads if isinstance(grads, dict) else {}
        check_1.true(
            "every parameter has a gradient, by its full name",
            {*grads} == {"affine1.W", "affine1.b", "affine2.W", "affine2.b"},
            why="expected affine1.W, affine1.b, affine2.W and affine2.b; found: "
            + (", ".join(map(str, grads)) or "none, or grads is no dict"),
        )
    if check_1.verdict != "wrong":
        check_1(
            "the last layer's weight has met 11, so its gradient is 1 · 11",
            grads.get("affine2.W", np.nan),
            [[11.0]],
            mistakes=[
                ([[22.0]], "the backward pass begins with the last layer, not with the first"),
                ([[5.0]], "that is for a cache with 5 in it; affine2 has met 11"),
            ],
            hint="which dout and which cache the last layer gets",
        )
        check_1(
            "the first one's gradient came through the factor 3: it is 3 · 5",
            grads.get("affine1.W", np.nan),
            [[15.0]],
            mistakes=[
                ([[5.0]], "that is for dout = 1: affine1 got the dout that came in from outside"),
                ([[33.0]], "that is for a cache with 11 in it; affine1 has met 5"),
            ],
            hint="what the layer behind has sent back",
        )
        check_1(
            "for x it is 3 · 2",
            back,
            [[6.0]],
            mistakes=[
                ([[1.0]], "that is dout as it came in: return what the first layer sends back"),
                ([[3.0]], "that is what affine2 sends back; affine1 comes next"),
                ([[2.0]], "affine1 was given dout, not what affine2 sends back"),
            ],
            hint="what the first layer of the forward pass sends back",
        )
    if check_1.verdict != "wrong":
        three = {"affine1": Affine(4, 5, rng=1), "tanh1": Tanh(), "affine2": Affine(5, 3, rng=2)}
        rows = rng.normal(size=(6, 4))
        check_1.layer("through a tanh, all agree with differences", Chain(three), rows)
    if check_1.verdict != "wrong":
        rows = np.array([[1.0, 5.0], [3.0, 9.0]])
        got, _ = check_1.returns(
            network_forward({"batchnorm1": BatchNorm(2)}, rows), "out", "caches"
        )
        check_1(
            "a batch norm is in training: two rows become -1 and 1 in every column",
            got,
            [[-1.0, -1.0], [1.0, 1.0]],
            rtol=1e-4,
            mistakes=[(rows / np.sqrt(1 + 1e-5), "the layers were told train=False")],
        )
    ### BEGIN HIDDEN TESTS
    deep = {"affine1": Affine(4, 6, rng=3), "batchnorm1": BatchNorm(6), "relu1": ReLU()}
    deep |= {"affine2": Affine(6, 6, rng=4), "relu2": ReLU(), "affine3": Affine(6, 2, rng=5)}
    rows, sent = rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
    out, cache = Sequential(*deep.values()).forward(rows)
    dx, wanted = Sequential(*deep.values()).backward(sent, cache)
    got, kept = network_forward(deep, rows)
    back, grads = network_backward(deep, sent, kept)
    check_1("a deeper network gives what the library's gives", got, out)
    check_1("… and sends back the same", back, dx)
    check_1.true("… and has gradients of the same names", {*grads} == {*wanted})
    for key, gradient in wanted.items():
        check_1(f"… the gradient of {key}", grads[key], gradient)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# def network_forward(layers, x):
#     return Sequential(*layers.values()).forward(x)
# def network_backward(layers, dout, caches):
#     return Sequential(*layers.values()).backward(dout, caches)
# network_forward.borrowed = network_backward.borrowed = True

# %% [markdown]
# ## 2. Minibatches
#
# The loss of a network is the mean over all examples, and so is its gradient. But a mean over 50
# examples points more or less the same way as one over 1,078, for a twentieth of the work. (With
# the first weights of the network above, the cosine of the angle between the two is 0.67 on
# average.) So one goes through the data in small parts, the **minibatches**, and takes a step after
# each. That is **stochastic** gradient descent: the direction has some noise in it. One pass
# through all the data is an **epoch**.
#
# Two things matter. Each epoch has a new random order, or the network may learn the order. And
# within an epoch each example comes **once**: where rows are drawn independently, about
# $1/e = 37\,\%$ of them do not come at all.
#
# **Exercise 2** (2 points). Write the minibatches of one epoch, as arrays of row numbers.
# `rng.permutation(n)` gives the numbers from 0 to n - 1 in random order. The last batch has what is
# left: 10 rows in batches of 4 make 4, 4 and 2.


# %% nbgrader={"grade_id": "minibatches", "solution": true}
def minibatches(n, size, rng):
    """The row numbers 0 … n - 1 in a random order, in batches.

    n: the number of rows; size: that of a batch; rng: a numpy.random.Generator, the only source
    of randomness. Returns a list of integer arrays (size,), the last of which may be shorter.
    """
    ### BEGIN SOLUTION
    order = rng.permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 2}
with exercise(2, "minibatches", minibatches, points=2) as check_2:
    rng = np.random.default_rng(2)
    batches = minibatches(10, 4, rng)
    batches = None if batches is None else [*batches]
    check_2(
        "10 rows make batches of 4, 4 and 2",
        None if batches is None else [len(batch) for batch in batches],
        [4, 4, 2],
        mistakes=[
            ([4, 4], "the last, short batch is missing"),
            ([4, 4, 4], "the last batch is too long: it has what is left, two rows"),
            ([2, 4, 4], "the short batch comes first here; it is to be the last"),
            ([3, 3, 2, 2], "these are four batches: `size` is the length of one, not their number"),
            ([4, 3, 3], "as equal as possible: all but the last are to have `size` rows"),
            ([10], "one batch with all rows: `size` is the length of a batch"),
        ],
        hint="where each batch starts, and where it ends",
    )
    if check_2.verdict != "wrong":
        rows = np.concatenate(batches)
        often = [sum(rows == row) for row in range(10)]
        check_2.true(
            "every row comes once",
            often == [1] * 10,
            why=f"in one epoch the rows 0, 1, …, 9 came so often: {', '.join(map(str, often))}",
        )
        check_2.true(
            "the order is not that of the data",
            [*rows] != [*range(10)],
            why="the rows come in the order 0, 1, 2, …: nothing was permuted",
        )
    if check_2.verdict != "wrong":
        check_2.true(
            "another epoch has another order",
            [*np.concatenate([*minibatches(10, 4, rng)])] != [*rows],
            "which generator the order is drawn from, and whether it is the same one each time",
        )
        again = [*minibatches(10, 4, np.random.default_rng(2))]
        check_2.true(
            "the same seed gives the same batches",
            np.array_equal(np.concatenate(again), rows),
            why="the order depends on something else than the rng that was given",
        )
    ### BEGIN HIDDEN TESTS
    batches = [*minibatches(12, 4, rng)]
    check_2("12 rows make three batches of 4", [len(batch) for batch in batches], [4, 4, 4])
    check_2(
        "one batch may hold all", np.sort(np.concatenate([*minibatches(5, 5, rng)])), np.arange(5)
    )
    batches = [*minibatches(3, 8, rng)]
    check_2("fewer rows than a batch has make one", [len(batch) for batch in batches], [3])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 3. A step, and the first two sanity checks
#
# Now everything is there for a step of training:
#
# 1. the forward pass: rows `x` become scores (N, C), one column for each class;
# 2. the loss: `SoftmaxCrossEntropy().forward(scores, y)` returns the mean loss, and a cache;
# 3. the loss goes back: `.backward(1.0, cache)` returns the gradient of the scores, and `{}`;
# 4. the network goes back, and the gradients of all parameters are gathered;
# 5. a rule changes the parameters **in place**: `rule.update(params, grads)`, two dicts with the
#    same names. `params_of(layers)`, in the next cell, is the first of them, for a dict of layers.
#    `solvers.SGD(0.1)` is such a rule: $w \leftarrow w - 0.1\,\partial L/\partial w$.
#
# Backpropagation is steps 3 and 4: a way to compute gradients, of networks as of any other circuit.
# It is not the learning algorithm; that is step 5, what is done with the gradients. (Goodfellow,
# Bengio and Courville warn of taking one for the other: "Deep Learning", 2016, section 6.5.)
#
# **What should the first loss be?** A fresh network knows nothing, and should say so: each of the C
# classes has probability $1/C$. The loss is minus the logarithm of the probability of the right
# class. Which number is that for ten classes? Look at it first in every training you ever start.
# If it is far above, the network is sure of itself before it has seen anything: something is
# wrong with the first weights, or with the scale of the inputs.
#
# **Exercise 3** (3 points). Write the loss of pure guessing, and a step of training.


# %%
def params_of(layers):
    """All parameters of a dict of layers by full name: the arrays themselves, not copies."""
    return {f"{name}.{key}": w for name, layer in layers.items() for key, w in layer.params.items()}


# %% nbgrader={"grade_id": "train-step", "solution": true}
def guessing_loss(classes):
    """The cross-entropy of a network that holds all classes for equally likely.

    classes: their number C. Returns a number.
    """
    ### BEGIN SOLUTION
    return np.log(classes)
    ### END SOLUTION


def train_step(layers, x, y, rule):
    """One step of training: changes the parameters of the layers in place.

    layers: a dict, name → layer; x: floats (N, D); y: labels (N,); rule: an update rule.
    Returns the loss of the batch as it was before the step, a number.
    """
    criterion = SoftmaxCrossEntropy()
    ### BEGIN SOLUTION
    scores, caches = network_forward(layers, x)
    loss, cache = criterion.forward(scores, y)
    dscores, _ = criterion.backward(1.0, cache)
    _, grads = network_backward(layers, dscores, caches)
    rule.update(params_of(layers), grads)
    return loss
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 3}
def small_network(seed):
    """64 inputs, 50 hidden units, 10 classes."""
    hidden = Affine(64, 50, rng=seed, init=he_normal)
    return {"affine1": hidden, "relu1": ReLU(), "affine2": Affine(50, 10, rng=seed)}


with exercise(3, "a step of training", guessing_loss, train_step, points=3) as check_3:
    check_3(
        "pure guessing among ten classes costs 2.302585",
        guessing_loss(10),
        2.302585,
        rtol=1e-5,
        hint="the probability of the right class if all ten are equally likely, and its logarithm",
        mistakes=[
            (-2.302585, "that is the logarithm of 1/10; the loss is minus that"),
            (1.0, "that is the decimal logarithm; the loss has the natural one"),
            (3.321928, "that is the logarithm to base 2; the loss has the natural one"),
            (0.1, "that is the probability; the loss is minus its logarithm"),
            (0.2302585, "that is −p ln p of one class; the loss is −ln p of the right one"),
        ],
    )
    layers = {"affine1": filled([[0.0, 0.0]], [0.0, 0.0])}  # one number in, two classes
    loss = train_step(layers, np.array([[2.0]]), np.array([0]), solvers.SGD(0.1))
    check_3(
        "with weights of 0 the loss is ln 2",
        loss,
        np.log(2.0),
        rtol=1e-5,
        mistakes=[(0.474077, "that is the loss after the step; return that from before it")],
        hint="what criterion.forward returns, and which of it is the loss",
    )
    still = (
        "nothing has moved: rule.update was not called, or not with the layers' own arrays, or the "
        "gradients that it got are 0"
    )
    check_3(
        "the biases have moved by a tenth of ½, towards class 0",
        layers["affine1"].params["b"],
        [0.05, -0.05],
        mistakes=[
            ([0.0, 0.0], still),
            ([-0.05, 0.05], "that is the wrong way"),
            ([0.1, 0.0], "the gradient of the scores is p − 1 and p; this is for −1 and 0"),
            ([0.0346574, -0.0346574], "too small by the factor ln 2, the loss: was it sent back?"),
        ],
        hint="which gradient goes back into the network, and which parameters the rule gets",
    )
    check_3(
        "the weights by twice as much, since x is 2",
        layers["affine1"].params["W"],
        [[0.1, -0.1]],
        mistakes=[
            ([[0.0, 0.0]], still),
            ([[-0.1, 0.1]], "that is the wrong way"),
            ([[0.0693147, -0.0693147]], "too small by the factor ln 2, as the biases"),
        ],
        hint="which gradient goes back into the network, and which parameters the rule gets",
    )
    layers = {"affine1": filled([[0.0, 0.0]], [0.0, 0.0])}
    train_step(layers, np.array([[2.0], [2.0]]), np.array([0, 0]), solvers.SGD(0.1))
    check_3(
        "the same row twice in the batch makes the same step",
        layers["affine1"].params["b"],
        [0.05, -0.05],
        mistakes=[
            ([0.025, -0.025], "half of it, for 2 rows: is there a 1/N besides the criterion's?"),
            ([0.1, -0.1], "twice as much, for 2 rows: the loss is a mean"),
        ],
        hint="what the criterion sends back is that of a mean over the rows",
    )
    if check_3.verdict != "wrong":
        layers, few, labels = small_network(3), digits.x_train[:50], digits.y_train[:50]
        rule = solvers.SGD(0.5)
        losses = [train_step(layers, few, labels, rule) for _ in range(200)]
        check_3.true(
            f"a fresh network of ten classes begins near ln 10 (yours: {losses[0]:.2f})",
            abs(losses[0] - np.log(10)) < 0.7,
            "which loss train_step returns",
        )
        learned = network_forward(layers, few)[0].argmax(axis=1)
        check_3(
            "after 200 steps it knows its 50 digits, all of them",
            np.mean(learned == labels),
            1.0,
            hint="which layers learn, and how large the steps are",
        )
    ### BEGIN HIDDEN TESTS
    check_3("guessing among a thousand", guessing_loss(1000), 6.907755, rtol=1e-6)
    ours, theirs = small_network(4), MLP([64, 50, 10], rng=0)
    for mine, other in zip(params_of(ours).values(), theirs.params.values(), strict=True):
        mine[...] = other
    model, rule = Classifier(theirs), solvers.SGD(0.3)
    wanted, gradients = model.loss(digits.x_train[50:90], digits.y_train[50:90])
    rule.update(model.params, gradients)
    loss = train_step(ours, digits.x_train[50:90], digits.y_train[50:90], solvers.SGD(0.3))
    check_3("the loss of 40 digits is the library's", loss, wanted)
    for name, w in params_of(ours).items():
        check_3(f"… and {name} after the step", w, theirs.params[name])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# The second sanity check was in there: **a network that cannot learn 50 examples by heart has a
# mistake somewhere**, or far too few units. It takes a second, and needs no other data. Only then
# is it worth while to train on all of them. Here your functions do so, epoch by epoch.

# %%
what = "your own training loop"
if check_1.opens(what) and check_2.opens(what) and check_3.opens(what):
    layers, rng, rule = small_network(0), np.random.default_rng(0), solvers.SGD(0.5)
    for epoch in range(1, 11):
        losses = []
        for rows in minibatches(len(digits.x_train), 50, rng):
            losses.append(train_step(layers, digits.x_train[rows], digits.y_train[rows], rule))
        found = network_forward(layers, digits.x_val)[0].argmax(axis=1)
        right = np.mean(found == digits.y_val)
        print(f"epoch {epoch:2}: mean loss {np.mean(losses):.3f}, {right:.1%} of new digits right")

# %% [markdown]
# The library's `Solver` is this loop, with a memory of the best parameters, a schedule and some
# more. From now on we use it: `Solver(model, rule, data, epochs=…, batch_size=…).train()`, where
# `model` is `Classifier(net)`, a network with its loss.
#
# **How large should a batch be?** The work of an epoch is the same for all sizes. The next picture
# has four, each with the rate that led to the lowest loss of 0.05, 0.1, 0.2, 0.5, 1 and 1.5.

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for size, rate in {10: 0.5, 50: 1.0, 250: 1.0, 1078: 1.0}.items():
    history = run(solvers.SGD(rate), batch_size=size)
    steps = len(history.step_loss) // 10
    name = f"{size} a batch: {steps} step{'s' * (steps > 1)} an epoch, rate {rate:g}"
    ax.semilogy(history.epoch, history.loss, marker=".", label=name)
ax.set(xlabel="epoch", ylabel="training loss", title="the same work, in batches of four sizes")
ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
plt.show()

# %% [markdown]
# Many rough steps beat few exact ones: with batches of 10 the network takes 108 steps for the work
# of one exact step, and is far ahead. But the noise also limits the rate: with batches of 10, the
# rate 1 is too high. (Nor is time just work: one product of large matrices takes less time than
# many of small ones. Batches of some dozens to some hundreds are usual.)

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** A friend's network has 100 classes, and its first loss is 4.605. After an epoch it
# is still 4.605, to all digits shown. Yours has 10 classes, and its first loss is 31. What do you
# know about each of the two, and where would you look first?
#
# ### BEGIN SOLUTION
# $\ln 100 = 4.605$, so the friend's network guesses, which is right at the beginning. That it does
# not move at all suggests that the gradients do not arrive or are not used: a rate that is far too
# small, weights that begin at zero or nearly so, dead units, parameters that are replaced by new
# arrays in place of being changed. I would look at the norm of the gradient of each layer, and try
# to overfit 50 examples.
# Mine should begin at $\ln 10 = 2.30$. At 31 it is very sure of wrong answers, so its scores are
# large: weights that are too large, or inputs that are not normalised, as pixels from 0 to 255.
# I would print the spread of the inputs and of the scores.
# ### END SOLUTION

# %%
model_answer("7-training", 1)

# %% [markdown]
# ## 4. A narrow valley, and momentum
#
# Why is there a largest rate? Near a minimum most smooth losses look like a parabola. Take one of a
# single parameter, with the curvature $a$:
#
# $$L(w) = \tfrac12 a w^2,\qquad \frac{\partial L}{\partial w} = a w,\qquad
# w \leftarrow w - \text{lr}\cdot a w = (1 - \text{lr}\cdot a)\,w.$$
#
# So a step multiplies $w$ by the factor $1 - \text{lr}\,a$. For which rates does $w$ go to 0? The
# factor must lie between $-1$ and $1$. If it is negative, $w$ jumps from side to side; below $-1$
# it jumps higher each time. A network is no parabola, but that is what begins to happen in it at
# rate 2: the loss of a batch leaps up to 7.1, and in the end 43 of its 50 hidden units are dead.
#
# With two parameters, $L = \tfrac12 (a\,w_0^2 + b\,w_1^2)$ and $a < b$, each has its own factor but
# both have the same rate. The loss is a valley, flat along $w_0$ and steep along $w_1$, and:
#
# - the **largest** rate at which both factors stay between $-1$ and $1$ is set by … which of the
#   two?
# - at a small rate the flat direction is slow: its factor is close to 1. Raise the rate, and that
#   factor falls, but the steep one becomes negative and grows in size. The **best** rate is where
#   they are of equal size, $1 - \text{lr}\,a = -(1 - \text{lr}\,b)$. Solve it for lr.
#
# At that rate each step multiplies the distance from the minimum by $\frac{b - a}{b + a}$. For
# $b = 20 a$ that is 0.905; for $b = 1000 a$ it is 0.998. A narrow valley is slow at *every* rate.
#
# **Exercise 4** (5 points) has three parts. Its check comes after the third, and tells of each part
# by itself. Part one: write both rates.


# %% nbgrader={"grade_id": "rates", "solution": true}
def rates(a, b):
    """Two rates for descent on ½ (a w₀² + b w₁²), with curvatures 0 < a < b.

    Returns the rate below which it converges, and the one at which it converges fastest.
    """
    ### BEGIN SOLUTION
    return 2 / b, 2 / (a + b)
    ### END SOLUTION


# %% [markdown]
# **An update rule** of the library is a class that says how one parameter moves. Its
# `update(params, grads)` goes through all parameters and calls `step(w, dw, *memory)` for each. In
# `memory` come the arrays that the class asked for by name. They have the shape of `w`, start at
# zero, and stay with the parameter from step to step.
#
# The parameter and its memory are changed **in place**; `dw` is left as it is. `w -= 1` and
# `w *= 2` write into the array that the network computes with. `w = w - 1` makes a new array, gives
# it the name `w` inside your function, and the network never hears of it. It is an easy mistake to
# make here.
#
# Part two: plain descent, $w \leftarrow w - \text{lr}\;dw$.


# %% nbgrader={"grade_id": "descent", "solution": true}
class Descent(UpdateRule):
    """Plain gradient descent; self.lr is the rate."""

    def step(self, w, dw, *memory):
        """Moves w, in place.   w, dw: arrays of one shape; memory: empty. Returns nothing."""
        ### BEGIN SOLUTION
        w -= self.lr * dw
        ### END SOLUTION


# %% [markdown]
# Part three: **momentum** (B. Polyak 1964). A ball that rolls down the valley does not turn at once
# where the slope says so: it has a velocity. Across the valley the slopes alternate, and cancel.
# Along it they agree, and add up.
#
# $$v \leftarrow \mu\,v - \text{lr}\;dw,\qquad w \leftarrow w + v$$
#
# Here $\mu$ is friction turned round: 0.9 keeps nine tenths of the velocity in each step. If the
# slope $dw$ stays the same for long, $v$ settles where $v = \mu v - \text{lr}\,dw$, that is at
# $-\text{lr}\,dw/(1 - \mu)$: ten times the step of plain descent.


# %% nbgrader={"grade_id": "momentum", "solution": true}
class Momentum(UpdateRule):
    """Gradient descent with a velocity."""

    memory = ("velocity",)  # one array for each parameter, zero at the start

    def __init__(self, lr, momentum=0.9):
        super().__init__(lr)
        self.momentum = momentum

    def step(self, w, dw, *memory):
        """Changes w and its velocity, in place.   w, dw, v: arrays of one shape."""
        (v,) = memory
        ### BEGIN SOLUTION
        v *= self.momentum
        v -= self.lr * dw
        w += v
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 5}
def walk(rule, *slopes):
    """Where a rule takes w = 1, step by step, for the given slopes."""
    params, path = {"w": np.ones(1)}, []
    with np.errstate(all="ignore"):
        for slope in slopes:
            rule.update(params, {"w": np.array([slope])})
            path.append(params["w"][0])
    return np.array(path)


def published(rule, **memory):
    """The first row of w after the step that CS231n's assignment 2 tests a rule with: w, its
    gradient and its memory are 20 numbers each, equally spaced between two ends."""

    def between(low, high):
        return np.linspace(low, high, 20).reshape(4, 5)

    w = between(-0.4, 0.6)
    rule.state |= {f"w.{name}": between(*ends) for name, ends in memory.items()}
    rule.update({"w": w}, {"w": between(-0.6, 0.4)})
    return w[0]


IN_PLACE = "w has not moved: nothing was written into the array that is given (w = … makes another)"
UPHILL = "that is uphill: subtract"
with exercise(4, "descent and momentum", rates, Descent, Momentum, points=5) as check_4:
    check_4(
        "for curvatures 1 and 4 the largest rate is ½, the best one 0.4",
        check_4.returns(rates(1.0, 4.0), "the largest", "the best"),
        [0.5, 0.4],
        hint="between which two numbers both factors lie, 1 - lr a and 1 - lr b",
        mistakes=[
            ([2.0, 0.4], "at the first of these the factor of a is −1, but that of b is −7"),
            ([2.0, 0.2], "at the first of these the factor of a is −1, but that of b is −7"),
            ([0.25, 0.4], "at the first of these the factor of b is 0, and not yet −1"),
            ([0.25, 0.2], "half of both: at the first of these the factor of b is 0, not yet −1"),
            ([0.5, 0.2], "at the second of these the factors are 0.8 and 0.2: not of equal size"),
            ([0.5, 2 / 3], "at the second of these the factor of b is −1.67: solve once more"),
            ([0.5, 0.5], "at the second of these the factors are 0.5 and −1: not of equal size"),
            ([0.5, 0.25], "at the second of these the factors are 0.75 and 0: not of equal size"),
            ([0.4, 0.5], "the largest rate comes first, then the best one"),
        ],
    )
    check_4(
        "descent with the rate 0.1, twice down a slope of 2, goes from 1 to 0.8 and 0.6",
        walk(Descent(0.1), 2.0, 2.0),
        [0.8, 0.6],
        mistakes=[
            ([1.0, 1.0], IN_PLACE),
            ([1.2, 1.4], UPHILL),
            ([-1.0, -3.0], "the rate is missing"),
            ([-0.2, -0.2], "w was set to − lr dw; it is to change by that"),
            ([0.8, 0.64], "w has shrunk by a factor; it is to change by − lr dw"),
        ],
        hint="what a step adds to w",
    )
    if check_4.verdict != "wrong":
        check_4.report("descent takes five steps on W and b", check_update(Descent(0.1), "sgd"))
    check_4(
        "momentum goes on to 0.8, 0.42, and without any slope to 0.078",
        walk(Momentum(0.1), 2.0, 2.0, 0.0),
        [0.8, 0.42, 0.078],
        mistakes=[
            ([0.8, 0.6, 0.6], "the velocity was lost between the steps: is it changed in place?"),
            ([1.0, 1.0, 1.0], IN_PLACE),
            ([1.2, 1.58, 1.922], "that is uphill: the velocity takes - lr dw"),
            (
                [0.98, 0.942, 0.9078],
                "each move is a tenth of what it should be: lr counts once, and 1 - μ not at all",
            ),
            ([-1.0, -4.8, -8.22], "the rate is missing"),
            ([1.0, 0.8, 0.42], "w is to move by the new velocity, and has moved by the old one"),
            ([0.8, 0.4, 0.0], "nothing slows the velocity: μ is missing"),
            ([0.8, 0.58, 0.558], "μ and 1 - μ are exchanged: the velocity keeps nine tenths"),
        ],
        hint="what v is after each of the three steps, by hand",
    )
    if check_4.verdict != "wrong":
        found = check_update(Momentum(0.1, 0.9))
        check_4.report("momentum takes five steps on W and b", found)
        check_4(
            "momentum gives the numbers that CS231n publishes in assignment 2",
            published(Momentum(1e-3, 0.9), velocity=(0.6, 0.9)),
            [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789],
            rtol=1e-6,
            mistakes=[
                (
                    [-0.9394, -0.90103158, -0.86266316, -0.82429474, -0.78592632],
                    "the velocity has the other sign: it takes - lr dw, and w takes + v",
                ),
                (
                    [-0.39886, -0.34626684, -0.29367368, -0.24108053, -0.18848737],
                    "the rate stands outside the velocity: v takes - lr dw, and w the whole of v",
                ),
            ],
            hint="whether the rate and the minus stand inside the velocity, as in the formula",
        )
    ### BEGIN HIDDEN TESTS
    check_4("rates for 1 and 99", rates(1.0, 99.0), [2 / 99, 0.02])
    check_4("rates for 0.5 and 2", rates(0.5, 2.0), [1.0, 0.8])
    check_4.report("descent at another rate", check_update(Descent(3.0), "sgd"))
    check_4.report("momentum at another rate", check_update(Momentum(0.03, 0.5)))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# (The two rates take pencil and paper alone.)
# Descent = borrow(solvers.SGD)
# class Momentum(Descent):
#     def __init__(self, lr, momentum=0.9): super().__init__(lr, momentum)

# %% [markdown]
# Here is the valley of $a = 1$, $b = 20$, with three paths of 25 steps each: at a small rate, near
# the best one, and just above the largest. On the right is the loss of each, step by step.


# %%
def valley(w):
    """½ (w₀² + 20 w₁²), and its gradient."""
    return 0.5 * (w[0] ** 2 + 20 * w[1] ** 2), [w[0], 20 * w[1]]


START = (-4.0, 1.0)
if check_4.opens("this picture"):
    named = {f"rate {rate:g}": solvers.SGD(rate) for rate in (0.02, 0.09, 0.101)}
    display(loss_surface(valley, START, named, steps=25, span=((-4.6, 1.4), (-1.6, 1.6))))

# %% [markdown]
# ## 5. A rate for every parameter: RMSProp and Adam
#
# The valley has a better remedy. If $w_0$ is flat and $w_1$ is steep, give each a rate of its own,
# the steep one a smaller one. Nobody has to know how steep: it shows in the gradients. **RMSProp**
# (T. Tieleman and G. Hinton, lecture 6.5 of their course, 2012) keeps an average of the squared
# gradient for every single number of a parameter, and divides by its root:
#
# $$s \leftarrow \rho\,s + (1 - \rho)\,dw^2,\qquad
# w \leftarrow w - \text{lr}\,\frac{dw}{\sqrt{s} + \varepsilon}$$
#
# $\rho$ is the setting `decay`, 0.99. If all gradients were twice as large, the steps would be the
# same: they are measured in units of lr. ($\varepsilon = 10^{-8}$ only keeps 0/0 away.)
#
# There is a snag at the start. The average begins at $s = 0$. After one step with the slope $g$ it
# is not $g^2$, it is $0.01\,g^2$. Its root is $0.1\,|g|$, so the first step is *ten* rates long.
#
# **Adam** (D. Kingma and J. Ba 2015) averages the gradient, too, and mends both averages:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\,dw,\qquad v \leftarrow \beta_2 v + (1 - \beta_2)\,dw^2$$
# $$\hat m = \frac{m}{1 - \beta_1^{\,t}},\qquad \hat v = \frac{v}{1 - \beta_2^{\,t}},\qquad
# w \leftarrow w - \text{lr}\,\frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# Why these denominators? Let the gradient be the same $g$ in all steps, and start from $m = 0$:
#
# $$m_1 = (1 - \beta_1)\,g,\qquad m_2 = \beta_1 (1 - \beta_1)\,g + (1 - \beta_1)\,g
# = (1 - \beta_1^2)\,g,\qquad m_t = \;?$$
#
# Divided by the factor in front of $g$, it is exactly $g$. And **t counts the steps from 1**: in
# the first step it is 1. At $t = 0$ both denominators are 0: $\hat m$ and $\hat v$ would be
# infinite, and the step `nan`.
#
# **Exercise 5** (5 points). Write RMSProp and Adam. `step` is called for every *parameter* (for a
# very large one several times, part by part), so it is no place to count steps. `begin_step` is
# called once at the beginning of every update.


# %% nbgrader={"grade_id": "rmsprop", "solution": true}
class RMSProp(UpdateRule):
    """Steps in units of lr: divided by the root of the mean squared gradient."""

    memory = ("square",)

    def __init__(self, lr=0.01, decay=0.99, eps=1e-8):
        super().__init__(lr)
        self.decay, self.eps = decay, eps

    def step(self, w, dw, *memory):
        """Changes w and s, in place.   w, dw, s: arrays of one shape."""
        (s,) = memory
        ### BEGIN SOLUTION
        s *= self.decay
        s += (1 - self.decay) * dw**2
        w -= self.lr * dw / (np.sqrt(s) + self.eps)
        ### END SOLUTION


# %% nbgrader={"grade_id": "adam", "solution": true}
class Adam(UpdateRule):
    """Momentum and RMSProp in one, both corrected for having started at zero."""

    memory = ("m", "v")

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(lr)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.t = 0  # steps so far

    def begin_step(self, params):
        """Called once an update, before the steps of the parameters. Counts it in self.t."""
        ### BEGIN SOLUTION
        self.t += 1
        ### END SOLUTION

    def step(self, w, dw, *memory):
        """Changes w, m and v, in place.   w, dw, m, v: arrays of one shape."""
        m, v = memory
        ### BEGIN SOLUTION
        m *= self.beta1
        m += (1 - self.beta1) * dw
        v *= self.beta2
        v += (1 - self.beta2) * dw**2
        mean, square = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        w -= self.lr * mean / (np.sqrt(square) + self.eps)
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 5}
FORGOTTEN = "an average was lost between the steps: is it changed in place?"
with exercise(5, "RMSProp and Adam", RMSProp, Adam, points=5) as check_5:
    check_5(
        "RMSProp with the rate 0.1, twice down a slope of 4, goes from 1 to 0 and -0.7089",
        walk(RMSProp(0.1), 4.0, 4.0),
        [0.0, -0.708881],
        rtol=1e-5,
        atol=1e-6,
        mistakes=[
            ([0.0, -1.0], FORGOTTEN),
            ([1.0, 1.0], IN_PLACE),
            ([-1.5, -2.756281], "the square root of s is missing"),
            ([0.9, 0.829112], "dw² goes into s whole; its weight is 1 - decay"),
            ([0.9, 0.829289], "s is the plain sum of all dw²: that is AdaGrad, without a decay"),
            ([0.0, -0.707107], "s does not decay; only what comes in has its weight"),
            ([0.899496, 0.799491], "decay and 1 - decay are exchanged"),
            ([-1.0, -2.417762], "s takes dw in, not its square"),
            ([-9.0, -16.088812], "the rate is missing"),
            ([0.75, 0.57278], "the rate is divided by the root; the slope has to be there, too"),
            ([2.0, 2.708881], UPHILL),
        ],
        hint="s after the first step, 0.16, and after the second, 0.3184",
    )
    if check_5.verdict != "wrong":
        check_5.report("RMSProp takes five steps on W and b", check_update(RMSProp(0.01)))
        check_5(
            "RMSProp gives the numbers that CS231n publishes in assignment 2",
            published(RMSProp(0.01), square=(0.6, 0.9)),
            [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
            rtol=1e-6,
            hint="where ε stands",
        )
    first = walk(Adam(0.1), 4.0)
    check_5(
        "Adam's first step is one rate long, whatever the slope: from 1 to 0.9",
        first,
        [0.9],
        rtol=1e-5,
        atol=1e-5,
        mistakes=[
            ([np.nan], "no number: is t 0 in the first step, where it is to be 1, or v̂ negative?"),
            ([0.683772], "the bias correction is missing: m and v are used as they are"),
            ([0.925587], "t is 2 in the first step, and should be 1"),
            ([0.0], "ten rates long: lr is missing, or the corrections multiply and do not divide"),
            ([0.99], "v is corrected, and m is not"),
            ([-2.162277], "m is corrected, and v is not"),
            ([0.975], "the square root of v̂ is missing"),
            ([0.8], "v takes dw in, not its square"),
            ([1.1], UPHILL),
            ([1.0], IN_PLACE),
        ],
        hint="m, v, m̂ and v̂ after one step with the slope 4, by hand",
    )
    if check_5.verdict != "wrong":
        check_5(
            "if the slope then turns round, from 4 to -4, it goes back to 0.905263",
            walk(Adam(0.1), 4.0, -4.0),
            [0.9, 0.905263],
            rtol=1e-5,
            hint="what m is now (-0.04 is right), m̂ (-0.04 / 0.19), and v̂ (16 in both steps)",
            mistakes=[
                (
                    [0.9, 0.974414],
                    "m and v were lost between the steps: are they changed in place?",
                ),
                ([0.9, 0.952632], "m was lost between the steps: is it changed in place?"),
                ([0.9, 0.907441], "v was lost between the steps: is it changed in place?"),
                (
                    [0.9, 0.907073],
                    "both corrections are those of t = 1: does t count, as an exponent?",
                ),
                ([0.9, 0.90005], "β₁ and β₂ are exchanged"),
                (
                    [0.9, 0.881175],
                    "m̂ and v̂ were written into m and v, which are to keep the averages",
                ),
            ],
        )
    if check_5.verdict != "wrong":
        adam, two = Adam(0.1), {"W": np.ones(1), "b": np.ones(1)}
        adam.update(two, {"W": np.array([4.0]), "b": np.array([4.0])})
        check_5(
            "two parameters in one update: it is the first step for both, from 1 to 0.9",
            np.concatenate([*two.values()]),
            [0.9, 0.9],
            rtol=1e-5,
            mistakes=[
                ([0.9, 0.925587], "t was 1 for the first of them and 2 for the second"),
            ],
            hint="which of the two methods is called once an update",
        )
    if check_5.verdict != "wrong":
        check_5.report("Adam takes five steps on W and b", check_update(Adam(0.01)))
    if check_5.verdict != "wrong" and not hasattr(Adam, "borrowed"):
        sixth = Adam(0.01)
        sixth.t = 5
        check_5(
            "Adam gives the numbers that CS231n publishes, as its sixth step",
            published(sixth, m=(0.6, 0.9), v=(0.7, 0.5)),
            [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
            rtol=1e-6,
            hint="where ε stands",
        )
    ### BEGIN HIDDEN TESTS
    check_5.report("RMSProp with other settings", check_update(RMSProp(0.2, 0.8, 1e-4)))
    check_5.report("Adam with other settings", check_update(Adam(0.2, 0.7, 0.95, 1e-5)))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# RMSProp, Adam = borrow(solvers.RMSProp), borrow(solvers.Adam)

# %% [markdown]
# All four on the valley, from one start, and then on the digits. If your rules are right it is they
# that run here, otherwise the library's.

# %%
if check_4.verdict == check_5.verdict == "right":
    rules = {"descent": Descent, "momentum": Momentum, "RMSProp": RMSProp, "Adam": Adam}
    print("These are your own rules.")
else:
    rules = {"descent": solvers.SGD, "momentum": partial(solvers.SGD, momentum=0.9)}
    rules |= {"RMSProp": solvers.RMSProp, "Adam": solvers.Adam}
    print("These are the library's rules, until exercises 4 and 5 are right.")

on_valley = {"descent": 0.09, "momentum": 0.02, "RMSProp": 0.05, "Adam": 0.2}
loss_surface(valley, START, {name: rules[name](lr) for name, lr in on_valley.items()}, steps=60)

# %% [markdown]
# Look at where each goes first. Descent and momentum follow the steepest way, nearly straight down.
# Adam and RMSProp move by the same length in both directions (one rate, RMSProp ten), along the
# diagonal, however steep each of the two is. Those with a velocity, momentum and Adam, overshoot
# and swing back. And plain descent is ahead in the end! But its rate was chosen next to the best
# one of exercise 4. Nobody tells you the curvatures of a network with 3,760 parameters.
#
# On the digits each rule goes at the rate that led to the lowest loss of 0.001, 0.003, 0.01, 0.03,
# 0.1, 0.3 and 1:

# %%
on_digits = {"descent": 1.0, "momentum": 0.3, "RMSProp": 0.01, "Adam": 0.03}
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for name, rate in on_digits.items():
    history = run(rules[name](rate))
    ax.semilogy(history.epoch, history.loss, marker=".", label=f"{name}, rate {rate:g}")
ax.set(xlabel="epoch", ylabel="training loss", title="four rules read digits")
ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
plt.show()

# %% [markdown]
# In this run Adam is ahead, and momentum draws level in the last epoch. The two are the usual
# choices. Adam's rate is easier to guess, since its steps do not depend on the scale of the loss:
# its authors' 0.001 is a common first try. Note how far the four good rates are from each other: a
# rate means nothing without its rule.

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** Somebody leaves out the bias correction of Adam. With $\beta_1 = 0.9$ and
# $\beta_2 = 0.999$, how many rates long is the first step then, and why does its size *not* depend
# on the slope? A colleague says: "the correction hardly matters, after a few thousand steps it is
# gone." What do you answer?
#
# ### BEGIN SOLUTION
# After a step $m = 0.1\,g$ and $v = 0.001\,g^2$, so the step is
# $\text{lr}\cdot 0.1\,g / (\sqrt{0.001}\,|g|) = 3.16\,\text{lr}$, against $g$. The slope cancels,
# since the numerator and the denominator are both proportional to it.
#
# It is true that both factors tend to 1. But $m$ fills up in about 10 steps and $v$ in about 1000.
# For a constant slope the first step is too long by a factor of 3.2, the tenth by 6.5, and the
# hundredth by 3.2 again. They are taken with the first weights, where a step that is too long can
# do much harm: units die, or scores saturate. What is broken then, later steps may not mend.
# ### END SOLUTION

# %%
model_answer("7-training", 2)

# %% [markdown]
# ## 6. Schedules
#
# A high rate moves fast but cannot settle, since each minibatch points a little elsewhere. A low
# rate can. So begin high, and lower it. A **schedule** is a function of the epoch that says by
# which factor. Here `epoch` is a float that counts from 0: at 2.5 half of the third epoch is done.
# Two common ones:
#
# - **step decay**: times `factor`, say ½, after every `every` epochs, and constant in between. At
#   `epoch` = `every` the factor has been applied once, and once more after each further `every`;
# - **cosine** (I. Loshchilov and F. Hutter 2017): from 1 at the start to 0 at the end along half a
#   wave of a cosine. $\cos$ falls from 1 to $-1$ between 0 and $\pi$. Stretch that to the number of
#   `epochs`, and shift it to lie between 0 and 1.
#
# **Exercise 6** (2 points). Write both. `x // y` rounds a quotient down.


# %% nbgrader={"grade_id": "schedules", "solution": true}
def step_decay(epoch, every, factor):
    """1 at first, times factor after every so many epochs.   All three are numbers, epoch ≥ 0."""
    ### BEGIN SOLUTION
    return factor ** (epoch // every)
    ### END SOLUTION


def cosine(epoch, epochs):
    """From 1 at epoch 0 to 0 at the last, along half a wave.   epoch: from 0 to epochs."""
    ### BEGIN SOLUTION
    return (1 + np.cos(np.pi * epoch / epochs)) / 2
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 2}
with exercise(6, "schedules", step_decay, cosine, points=2) as check_6:
    check_6(
        "both are 1 at the start",
        [step_decay(0.0, 10, 0.5), cosine(0.0, 20)],
        [1.0, 1.0],
        hint="a number to the power 0, and cos(0)",
    )
    check_6(
        "step decay by ½ every 10 epochs is 1 at 9.9, ½ at 10, ¼ at 25",
        [step_decay(epoch, 10, 0.5) for epoch in (9.9, 10.0, 25.0)],
        [1.0, 0.5, 0.25],
        rtol=1e-5,
        mistakes=[
            (
                [0.503478, 0.5, 0.176777],
                "it falls all the time; how often `every` fits is a whole number",
            ),
            ([0.5, 0.25, 0.125], "it falls from the beginning: at 9.9 no 10 epochs are over"),
            (
                [0.5, 0.5, 0.125],
                "the exponent is rounded up or to the nearest; at 9.9 it is still 0",
            ),
            ([1.0, 0.5, 0.5], "it falls once, and not again: ½ of ½ after 20"),
            ([0.5, 0.5, 0.25], "the exponent is rounded to the nearest; at 9.9 it is still 0"),
            ([1.0, 0.5, 1.0], "factor times the number of falls: it is to be a power"),
            ([0.0, 0.5, 1.0], "factor times the number of falls: it is to be a power"),
        ],
        hint="how often 10 epochs are over at each of the three",
    )
    check_6(
        "over 20 epochs the cosine is 0.854 at 5, ½ at 10, and 0 at 20",
        [cosine(epoch, 20) for epoch in (5.0, 10.0, 20.0)],
        [0.853553, 0.5, 0.0],
        rtol=1e-5,
        mistakes=[
            ([0.5, 0.0, 1.0], "that is a whole wave: π at the end, not 2π"),
            ([0.707107, 0.0, -1.0], "the wave is to lie between 0 and 1: it still reaches -1"),
            ([1.707107, 1.0, 0.0], "twice as high as it should be"),
            ([0.92388, 0.707107, 0.0], "a quarter of a wave: π at the end, not π/2"),
            ([0.146447, 0.5, 1.0], "it rises from 0 to 1; it is to fall"),
            ([0.75, 0.5, 0.0], "that is a straight line"),
            (
                (1 + np.cos(180 * np.array([0.25, 0.5, 1.0]))) / 2,
                "the angle is in degrees there; np.cos takes radians",
            ),
        ],
        hint="what stands in the cosine at the end, and where the wave lies before it is moved",
    )
    check_6(
        "step decay by ½ every 2.5 epochs is 1 at 2, ½ at 2.5, ¼ at 7",
        [step_decay(epoch, 2.5, 0.5) for epoch in (2.0, 2.5, 7.0)],
        [1.0, 0.5, 0.25],
        mistakes=[([1.0, 1.0, 0.25], "2.5 epochs were taken for 2, though `every` is 2.5")],
        hint="`every` need not be a whole number",
    )
    ### BEGIN HIDDEN TESTS
    check_6(
        "step decay by 0.1 every 1.5 epochs",
        [step_decay(epoch, 1.5, 0.1) for epoch in (1.0, 1.5, 4.0, 4.6)],
        [1.0, 0.1, 0.01, 0.001],
    )
    check_6(
        "the cosine over 3 epochs",
        [cosine(epoch, 3) for epoch in (0.5, 1.0, 2.0, 3.0)],
        [0.9330127, 0.75, 0.25, 0.0],
        rtol=1e-6,
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # below and run this cell, then the check above once more: what the library
# has takes the place of yours for now.
# def step_decay(epoch, every, factor): return solvers.Step(every=every, factor=factor)(epoch)
# def cosine(epoch, epochs): return solvers.Cosine(epochs=epochs)(epoch)
# step_decay.borrowed = cosine.borrowed = True

# %% [markdown]
# What is it good for? Here are both, beside a constant rate, and then plain descent on the valley
# with gradients as minibatches give them: the right ones, plus noise. The noise is as large next to
# the minimum as far from it.


# %%
def noisy_losses(schedule, steps=300):
    """The loss after each step of descent with noisy gradients, at 0.05 times the schedule."""
    rule, params, losses = solvers.SGD(0.05), {"w": np.array(START)}, []
    noise = np.random.default_rng(5).normal(scale=3.0, size=(steps, 2))
    for step in range(steps):
        rule.lr = 0.05 * schedule((step + 0.5) / steps)
        rule.update(params, {"w": valley(params["w"])[1] + noise[step]})
        losses.append(valley(params["w"])[0])
    return losses


schedules = {
    "constant": solvers.Constant(),
    "step decay, a third after each fifth": solvers.Step(every=1 / 5, factor=1 / 3),
    "cosine": solvers.Cosine(epochs=1),
}

# %% jupyter={"source_hidden": true}
if check_6.opens("this picture"):
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    share = np.arange(0.0005, 1, 0.001)
    for name, schedule in schedules.items():
        left.plot(share, [schedule(epoch) for epoch in share], label=name)
        right.semilogy(noisy_losses(schedule), linewidth=1, label=name)
    left.set(xlabel="share of the training", ylabel="factor of the rate", title="three schedules")
    left.legend(loc="upper right", bbox_to_anchor=(1, 0.95))
    right.set(xlabel="step", ylabel="loss", title="descent with noisy gradients")
    plt.show()

# %% [markdown]
# With a constant rate it gets as far as the noise lets it, and trembles there. The others first go
# about as fast, and then settle lower: short steps average the noise of many batches. How much
# lower, differs from one draw of the noise to the next. Over 200 draws, the loss of the last 20
# steps is 0.34 on average with the constant rate, and 0.03 with either of the others.

# %% [markdown]
# ## 7. 97 %
#
# Time to train in earnest. The digits come in three parts: 1,078 to **train** on, 360 for
# **validation**, by which you choose rates, sizes and the number of epochs, and 359 to **test**,
# which tell how good the network really is.
#
# **Exercise 7** (3 points). Return a solver that trains a network to 97 % on the validation digits,
# as a mean over three seeds. You may use anything: your rules or those in `solvers` (`SGD`,
# `RMSProp`, `Adam`, `AdamW`), `schedule=solvers.Cosine(epochs=20)` or
# `lambda epoch: cosine(epoch, 20)`, one hidden layer or more, `MLP(sizes, norm=BatchNorm)`,
# `Classifier(net, l2=1e-4)`. A run should take seconds. Give yourself some room above 97 %.
#
# The solver gets `data` as it is. It trains on the training digits, and keeps the parameters of the
# epoch that was best in validation. A network that has trained on digits of the other two parts
# knows them by heart, and how many of them it reads says nothing about new ones. Nor do the test
# digits help to choose: each choice by the share of them that is read makes this share a little too
# good. So it is shown only when the exercise is right.


# %% nbgrader={"grade_id": "solver", "solution": true}
def digit_solver(data, seed):
    """A solver, ready to train.

    data: the digits, a dataset; it goes to the Solver as it is; seed: an integer, for the first
    weights (rng=seed) and for the order of the examples (seed=seed). Returns a solvers.Solver.
    """
    ### BEGIN SOLUTION
    net = MLP([64, 100, 10], norm=BatchNorm, rng=seed)
    rule, schedule = solvers.Adam(5e-3), solvers.Cosine(epochs=20)
    settings = {"epochs": 20, "batch_size": 50, "schedule": schedule, "progress": False}
    return Solver(Classifier(net), rule, data, seed=seed, **settings)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 3}
def strangers(data):
    """How many of the validation and test digits are among those to train on."""
    known = {row.tobytes() for row in data.x_train}
    return sum(row.tobytes() in known for row in (*digits.x_val, *digits.x_test))


def story(history):
    """The training loss in a sentence."""
    first, last = history.step_loss[0], history.loss[-1]
    return (
        f"the loss of a batch was {first:.3g} at first and {max(history.step_loss):.3g} at most, "
        f"and {last:.3g} on average in the last epoch"
    )


histories, scores, on_test, orders = [], [], [], set()
with exercise(7, "97 %", digit_solver, points=3) as check_7:
    for seed in range(3):
        solver = digit_solver(digits, seed)
        if solver is None:
            raise NotImplementedError
        ready = isinstance(solver, Solver) and solver.step == 0
        check_7.true(
            f"seed {seed}: a Solver that has not yet trained",
            ready,
            why="it has trained already; leave train() to the check"
            if isinstance(solver, Solver)
            else f"found a {type(solver).__name__}; return the Solver itself, without train()",
        )
        if not ready:
            break
        known = strangers(solver.data)
        check_7.true(
            f"seed {seed}: it has the data as they are",
            solver.data is digits,
            why="it has other data than those it was given"
            + f"; {known} digits for validation or test are among those to train on" * (known > 0),
        )
        if solver.data is not digits:
            break
        solver.progress = False
        orders.add(str(solver.rng.bit_generator.state))
        histories.append(solver.train())
        scores.append(solver.model.score(digits.x_val, digits.y_val))
        on_test.append(solver.model.score(digits.x_test, digits.y_test))
        check_7.true(
            f"seed {seed}: {scores[-1]:.1%} of the validation digits",
            scores[-1] > 0.9,
            why=f"{story(histories[-1])}: is the rate far off, or are steps or units too few?",
        )
    if check_7.verdict != "wrong":
        check_7.true(
            f"the mean is {np.mean(scores):.2%} of the validation digits, at least 97 %",
            np.mean(scores) >= 0.97,
            "whether the loss still falls at the end (then more epochs or a higher rate may help), "
            "or has arrived near 0 (then more hidden units, l2 or a norm may help with new digits)",
        )
    if check_7.verdict != "wrong":
        check_7.true(
            "the order of the examples comes from the seed",
            len(orders) == 3,
            why="for two seeds it is the same: the Solver has not been given them",
        )
    ### BEGIN HIDDEN TESTS
    first, second = (digit_solver(digits, seed).model.params for seed in (3, 4))
    differ = any((first[name] != second[name]).any() for name in first)
    check_7.true("the first weights come from the seed", differ)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %% jupyter={"source_hidden": true}
if check_7.verdict == "right":
    print(f"of the test digits they read {np.mean(on_test):.2%}, as a mean")
if histories:
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    for seed, history in enumerate(histories):
        left.semilogy(history.epoch, history.loss, label=f"seed {seed}")
        (line,) = right.plot(history.epoch, history.val_score, label=f"seed {seed}, validation")
        right.plot(history.epoch, history.train_score, ":", color=line.get_color())
    for ax in (left, right):
        ax.xaxis.get_major_locator().set_params(integer=True)
    left.set(xlabel="epoch", ylabel="training loss", title="your three runs")
    right.set(xlabel="epoch", ylabel="share right", title="dotted: on the training digits")
    right.legend(loc="lower right")
    plt.show()
else:
    print("The curves of your runs come here, as soon as exercise 7 returns a solver.")

# %% [markdown]
# ## 8. Three patients
#
# It does not learn. There is no error message, and the code looks right. Who has done it? The usual
# suspects, with what gives them away:
#
# | suspect | what you see |
# |:--|:--|
# | `"rate too high"` | the first loss is near ln C; then it leaps up, and may end at ln C |
# | `"rate too low"` | the first loss is near ln C; it falls, but very slowly, to the end |
# | `"weights too small"` | the first loss is ln C to *many digits*; small gradient; nothing moves |
# | `"inputs not normalised"` | the first loss is far above ln C, and the first gradient is huge |
# | `"labels shuffled"` | the loss falls somewhat; new examples do not follow: few are right |
#
# Here are three networks of two hidden layers, with 50 ReLUs each. One thing is wrong with each of
# them. A random draw decided which. (The variable `drawn` knows. Look at the patients first!)


# %%
def set_up(data, lr, init):
    """A network of two hidden layers, ready to train for 20 epochs.

    data: a dataset; lr: the rate of plain descent; init: the scheme for the first weights.
    """
    model = Classifier(MLP([64, 50, 50, 10], init=init, rng=0))
    return Solver(model, solvers.SGD(lr), data, epochs=20, batch_size=50, progress=False)


def tiny(fan_in, fan_out, *, rng=None, dtype=np.float64):
    """First weights of size 0.001."""
    return np.random.default_rng(rng).normal(scale=1e-3, size=(fan_in, fan_out)).astype(dtype)


parts = ("x_train", "x_val", "x_test")
faults = {
    "rate too high": {"lr": 30.0},
    "rate too low": {"lr": 0.001},
    "weights too small": {"init": tiny},
    "inputs not normalised": {
        "data": replace(digits, **{part: 20 + 16 * getattr(digits, part) for part in parts})
    },
    "labels shuffled": {
        "data": replace(digits, y_train=np.random.default_rng(1).permutation(digits.y_train))
    },
}
drawn = np.random.default_rng(10).permutation([*faults])[:3]
ward = {
    letter: {"data": digits, "lr": 0.5, "init": he_normal} | faults[fault]
    for letter, fault in zip("ABC", drawn, strict=True)
}

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(2, 3, figsize=(11, 5), sharex="row", sharey="row", layout="constrained")
for (letter, patient), (above, below) in zip(ward.items(), axes.T, strict=True):
    history = set_up(**patient).train()
    above.plot(history.step_loss, linewidth=1)
    above.axhline(np.log(10), color="grey", linewidth=1, linestyle=":")
    above.set(title=f"patient {letter}", xlabel="step", ylim=(1.7, 2.9))
    below.plot(history.epoch, history.train_score, ":", label="training digits")
    below.plot(history.epoch, history.val_score, label="validation digits")
    below.set(ylim=(0, 1), xlabel="epoch")
    first, most, size = history.step_loss[0], max(history.step_loss), history.step_grad_norm[0]
    print(f"patient {letter}: first loss {first:8.4f}, largest {most:.3g}", end="")
    print(f", norm of the first gradient {size:.3g}")
axes[0, 0].set_ylabel("training loss (dotted: ln 10)")
axes[1, 0].set_ylabel("share right")
axes[1, 0].legend()
plt.show()

# %% [markdown]
# The ward is open to you: `ward["A"]` is a dict with the patient's `data`, `lr` and `init`, and
# `set_up(**ward["A"])` makes the solver anew. Look at the data, at the loss of the first steps, at
# the sizes of the weights. Try what happens when you change one thing.
#
# **Exercise 8** (4 points). Say for each patient who has done it, and the **one** thing to change:
# for every patient a dict with exactly one entry, such as `{"lr": 0.3}`, `{"init": he_normal}` or
# `{"data": digits}`. What is not in it stays as in the ward. The check treats the patient by it:
# 90 % of the validation digits are asked for.


# %% nbgrader={"grade_id": "treatment", "solution": true}
def treatment(letter):
    """What ails a patient, and what to change.   letter: "A", "B" or "C".

    Returns the name of the suspect, one of the five texts of the table, and a dict with one entry.
    """
    ### BEGIN SOLUTION
    return {
        "A": ("inputs not normalised", {"data": digits}),
        "B": ("weights too small", {"init": he_normal}),
        "C": ("labels shuffled", {"data": digits}),
    }[letter]
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 4}
ALIBIS = {
    "rate too high": "then the first loss would be near ln 10 and the next ones would leap up",
    "rate too low": "then the loss would fall, slowly but steadily, and new digits get better too",
    "weights too small": "then the first loss would be ln 10 to four digits, and the curve flat",
    "inputs not normalised": "then the first loss would be far above ln 10 already",
    "labels shuffled": "then the first loss would be near ln 10, and training digits get better",
}
with exercise(8, "three patients", treatment, points=4) as check_8:
    for letter, fault in zip("ABC", drawn, strict=True):
        suspect, change = check_8.returns(treatment(letter), "the suspect", "the change")
        check_8.true(
            f"patient {letter}: the suspect is one of the five",
            suspect in ALIBIS,
            why=f"found {suspect!r}; write one of: {', '.join(ALIBIS)}",
        )
        if suspect in ALIBIS:
            check_8.true(
                f"patient {letter}: the suspect has done it",
                suspect == fault,
                why=f"“{suspect}”: {ALIBIS[suspect]}",
            )
        entries = [*change] if isinstance(change, dict) else f"a {type(change).__name__}"
        check_8.true(
            f"patient {letter}: one thing is changed",
            entries in (["data"], ["lr"], ["init"]),
            why=f"expected a dict with one entry, data, lr or init; found {entries}",
        )
        if not isinstance(change, dict):
            continue
        cured = set_up(**(ward[letter] | change))
        try:
            right = cured.train().val_score[-1]
        except solvers.NonFiniteError as error:
            right = 0.0
            check_8.note_step(f"patient {letter}: {error}")
        check_8.true(
            f"patient {letter} reads {right:.1%} of the validation digits after the treatment",
            right >= 0.9,
            "whether the change takes away what the suspect did, or only makes up for it",
        )
### BEGIN HIDDEN TESTS
check_8.require()
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** For each of your three patients: which sign convinced you, and which suspect looks
# most like the culprit, and is ruled out by what? And after the cures: why did we choose by the
# validation digits, and what would the number for the test digits be worth if you had tried fifty
# settings and kept the one that is best on *them*?
#
# ### BEGIN SOLUTION
# - A: its first loss is more than ten times $\ln 10$, before any step was taken, and the norm of
#   the first gradient is 174. A rate that is too high leaps up as well, but only after the first
#   step: the first loss does not depend on the rate. The pixels run from 20 to 36 instead
#   of 0 to 1.
# - B: the first loss is 2.3026, $\ln 10$ to all digits shown, and the curve stays near it. A rate
#   that is too low keeps the curve nearly flat, too, but begins at 2.39, since the scores of
#   ordinary weights differ; and it does fall. The weights have a spread of 0.001.
# - C: the loss falls and the training digits get better, while the share of validation digits
#   wanders between 8 and 24 % and does not follow. With a low rate both would rise together. Shown
#   with their labels, the training digits are nonsense.
#
# By the validation digits one chooses, and the best of fifty is best partly by luck: with 359
# digits the standard deviation of a share of 97 % is 0.9 %. Chosen on the test digits, that luck is
# in the number which I report, and new digits would be read less well than it says.
# ### END SOLUTION

# %%
model_answer("7-training", 3)

# %% [markdown]
# The library has a doctor, too, who asks the same questions: `chainrule train --sanity` on the
# command line, or `examine` in Python. Here is what it finds odd in patient A, and its verdict.

# %%
if check_8.opens("the library's diagnosis"):
    from chainrule.training.sanity import examine

    diagnosis = examine(set_up(**ward["A"]))
    print(*[one for one in diagnosis.checks if not one.ok], sep="\n")
    print(fill(diagnosis.verdict, 90))

# %% [markdown]
# ## Go further
#
# Two exercises without points.
#
# ### Go further 1: what the scale of the inputs does to the rate
#
# The largest rate can be computed, where the loss is a parabola in all directions. Take $D$ inputs,
# one output, and half the mean squared error of $N$ examples:
#
# $$L(w) = \frac{1}{2N} \sum_{n=1}^{N} (x_n \cdot w - y_n)^2$$
#
# The matrix of its second derivatives is the same for all $w$. Its eigenvalues are the curvatures
# of the valley, along axes that need not be those of $w$. Write the largest rate, and then think
# about a friend who measures in millimetres in place of metres, so that all $x$ are 1000 times
# larger: "The gradient is 1000 times larger now, so I divide the rate by 1000." Is that enough?
# (`np.linalg.eigvalsh(A)` gives the eigenvalues of a symmetric matrix.)


# %% nbgrader={"grade_id": "further-1", "solution": true}
def largest_rate(x):
    """The rate below which descent on the loss above converges.

    x: the inputs (N, D), whose columns are linearly independent. Returns a number.
    """
    ### BEGIN SOLUTION
    return 2 / np.linalg.eigvalsh(x.T @ x / len(x)).max()
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
def distance(x, rate, steps=3000):
    """How far w is from the minimum after so many steps, if it begins at the distance 1."""
    w = np.linalg.eigh(x.T @ x / len(x))[1][:, -1]  # along the steepest direction
    for _ in range(steps):
        w = w - rate * x.T @ (x @ w) / len(x)  # here y = 0: the minimum is at w = 0
    return np.linalg.norm(w)


with further(1, "what the scale of the inputs does to the rate", largest_rate) as go_1:
    four = np.array([[6.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    go_1(
        "four examples with the curvatures 9, 1 and 1",
        largest_rate(four),
        2 / 9,
        mistakes=[
            (1 / 9, "half of it: 1 over the largest curvature, or the ½ in L was forgotten"),
            (2 / 36, "the mean over the examples is missing: 1/N"),
            (1 / 36, "half of it (or the ½ in L was forgotten), and the mean, 1/N, is missing"),
            (2.0, "that is for the flattest direction; the steepest sets the limit"),
            (2 / 12, "divided by D; the mean is over the N examples"),
            (
                1 / 3,
                "2 over the largest singular value of x; curvatures are squares of those, over N",
            ),
            (2 / 3, "2 over the root of the largest curvature"),
            (9.0, "that is the largest curvature"),
        ],
        hint="the gradient of L, then what it does to one w after the other, and exercise 4",
    )
    inputs = np.random.default_rng(9).normal(size=(40, 5)) @ np.diag([1.0, 1.0, 2.0, 2.0, 3.0])
    if go_1.verdict != "wrong":
        rate = largest_rate(inputs)
        go_1.true("at 0.99 of it, descent arrives", distance(inputs, 0.99 * rate) < 1e-6)
        go_1.true("at 1.01 of it, descent flies away", distance(inputs, 1.01 * rate) > 1e6)
        go_1(
            "inputs 1000 times larger lower it by the factor …",
            largest_rate(1000 * inputs) / rate,
            1e-6,
            atol=1e-12,
            mistakes=[(1e-3, "that is what your friend says: try it")],
            hint="what becomes of the second derivatives",
        )

# %%
if go_1.opens("the friend's rate"):
    rate = largest_rate(inputs)
    for factor in (1e3, 1e6):
        far = distance(1000 * inputs, 0.9 * rate / factor, steps=3)
        print(f"inputs times 1000, rate / {factor:9,.0f}: from 1 to {far:.2g} in three steps")
    print(
        "The gradient is 1000 times larger, and the weights that are wanted are 1000 times smaller:"
    )
    print("the rate, which makes one into the other, falls with the square of the scale.")

# %% [markdown]
# ### Go further 2: look ahead (Y. Nesterov 1983)
#
# Momentum takes the slope where it stands, and then rolls on by $\mu v$ whatever the slope said.
# It could take the slope where it is about to be:
#
# $$v \leftarrow \mu\,v - \text{lr}\;\nabla L(w + \mu v),\qquad w \leftarrow w + v$$
#
# But a rule gets the gradient of the parameters that the network holds. So let the network hold the
# point ahead, $u = w + \mu v$, in place of $w$. Then `dw` is $\nabla L(u)$, which is what we need.
# Write out what $u$ is after the step, $w + v + \mu v$ with the new $v$ and $w$, and bring it to
# the form $u \leftarrow u + \ldots$, in which $w$ does not occur any more.


# %% nbgrader={"grade_id": "further-2", "solution": true}
class Nesterov(UpdateRule):
    """Momentum that looks ahead; the parameters are the point ahead."""

    memory = ("velocity",)

    def __init__(self, lr, momentum=0.9):
        super().__init__(lr)
        self.momentum = momentum

    def step(self, w, dw, *memory):
        """Changes w, which is u, and its velocity, in place.   w, dw, v: arrays of one shape."""
        (v,) = memory
        ### BEGIN SOLUTION
        v *= self.momentum
        v -= self.lr * dw
        w += self.momentum * v - self.lr * dw
        ### END SOLUTION


# %% jupyter={"source_hidden": true}
def ahead(rate, momentum, steps):
    """The points ahead, u, on the valley, from the form with w and v."""
    w, v, path = np.array(START), np.zeros(2), []
    for _ in range(steps):
        v = momentum * v - rate * np.array(valley(w + momentum * v)[1])
        w = w + v
        path.append(w + momentum * v)
    return np.array(path)


def on_valley(rule, steps):
    """The points that a rule reaches on the valley."""
    params, path = {"w": np.array(START)}, []
    for _ in range(steps):
        rule.update(params, {"w": np.array(valley(params["w"])[1])})
        path.append(params["w"].copy())
    return np.array(path)


with further(2, "look ahead", Nesterov) as go_2:
    go_2(
        "from 1, with the slopes 2, 2 and 0",
        walk(Nesterov(0.1), 2.0, 2.0, 0.0),
        [0.62, 0.078, -0.2298],
        mistakes=[
            ([0.8, 0.42, 0.078], "that is plain momentum"),
            ([0.82, 0.478, 0.1702], "the slope's own part is missing: u moves by more than μ v"),
            ([0.62, -0.102, -0.7518], "u moves by v + μ v: the μ v that u held before is not off"),
            ([1.0, 1.0, 1.0], IN_PLACE),
        ],
        hint="v after each step, by hand; and u = w + μ v, with w = 1 and v = 0 at the start",
    )
    if go_2.verdict != "wrong":
        go_2(
            "on the valley, the points ahead",
            on_valley(Nesterov(0.02), 30),
            ahead(0.02, 0.9, 30),
            hint="which v stands in u, the old or the new one",
        )
        go_2.report("five steps on W and b", check_update(Nesterov(0.1, 0.9), "nesterov"))

# %%
if go_2.opens("the race"):
    racers = {"momentum": solvers.SGD(0.02, momentum=0.9), "Nesterov": Nesterov(0.02)}
    display(loss_surface(valley, START, racers, steps=60))

# %% [markdown]
# ## What to keep
#
# - A network is a chain: caches are kept on the way forward, and each layer's `dx` is the `dout` of
#   the layer before it.
# - Before a long run: is the first loss ln C? Are 50 examples learned by heart?
# - The rate has a limit, set by the steepest direction. Raise it until it breaks, then go back by a
#   factor of 2 to 10. A rate means nothing without its rule.
#
# | rule | a step | first rate to try | remember |
# |:--|:--|--:|:--|
# | SGD | $w \leftarrow w - \text{lr}\,dw$ | 0.1 | slow in narrow valleys |
# | momentum | $v \leftarrow \mu v - \text{lr}\,dw,\; w \leftarrow w + v$ | 0.01 | goes on rolling |
# | RMSProp | $w \leftarrow w - \text{lr}\,dw/\sqrt{s}$ | 0.001 | the first step is 10 rates long |
# | Adam | $w \leftarrow w - \text{lr}\,\hat m/\sqrt{\hat v}$ | 0.001 | $t$ counts from 1 |
#
# - Begin with a high rate, and let it fall: the cosine needs no choice but its end.
# - Parameters change in place: `w -= …`, never `w = w - …`.
# - Choose by the validation data, report the test data, once.
#
# More: [CS231n's notes on learning](https://cs231n.github.io/neural-networks-3/), which have both
# sanity checks; A. Karpathy, "A Recipe for Training Neural Networks", 2019.
