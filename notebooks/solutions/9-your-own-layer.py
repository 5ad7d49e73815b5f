# %% [markdown]
# # 9. Your own layer
#
# In 2017 P. Ramachandran, B. Zoph and Q. Le let a program search for activation functions: it put
# sums, products, exponentials and the like together, trained small networks with the result, and
# learned from their scores what to try next ("Searching for Activation Functions", arXiv
# 1710.05941). What it found is not complicated. D. Hendrycks and K. Gimpel had written it down the
# year before, but hardly anybody had used it:
#
# $$\text{swish}(x) = x\,\sigma(x),\qquad \sigma(x) = \frac{1}{1 + e^{-x}}.$$
#
# The library has no layer of this name. But a graph of two gates computes it, and draws it. Here it
# is at a point where something is odd: look at the gradient of x, in red. (It is 1.6e-14 and not 0
# only because the point is given to 12 decimals.)

# %%
import copy
import inspect
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from chainrule import gradcheck, layers, nets, solvers
from chainrule.data import load_digits
from chainrule.layers import ELU, Affine, Dropout, Layer, ReLU, Sigmoid, Tanh, he_normal
from chainrule.nets import MLP, Classifier, Graph, Sequential
from chainrule.notebooks import exercise, further, model_answer
from chainrule.pictures import activations
from chainrule.solvers import Solver

digits = load_digits()
rng = np.random.default_rng(9)

circuit = Graph()
x = circuit.input("x")
circuit.output((x * Sigmoid()(x)).named("swish"))
circuit.draw(-1.278464542761)

# %% [markdown]
# Both branches send something back, and the sum is 0. At $x = -1.2785$ the swish has its lowest
# point: it falls, turns, and then rises like a ReLU. Sigmoid, tanh, ReLU and ELU never fall.
#
# In this notebook you make layers that the library does not have: derive them, write them, check
# them, draw them, train with them, save them. First the swish, step by step. Then one that learns a
# parameter, one with two inputs, and one that behaves differently in training. The last is your
# own. It takes about two hours.
#
# ## What is a layer?
#
# Anything that keeps this **contract**. It is what networks, solvers, the checker and files rely
# on.
#
# - `params`: a dict, name → array. A solver changes these arrays in place.
# - `state`: a dict of arrays that training remembers and no solver touches, such as a running mean.
# - `forward(x, train=True)` returns `out, cache`. It does not write into `x`, and keeps nothing of
#   the call on the object: calls may overlap, and one layer may stand at two places of a network.
# - `backward(dout, cache)` returns `dx, grads`: dx has the shape of `x`, and `grads` the keys of
#   `params`. With several inputs dx is a tuple.
# - Settings: every argument of the constructor is kept as an attribute of the same name. A file
#   holds these, and the layer is made of them anew.
# - `examples(rng)`: a class method that yields a few small calls `(name, layer, *inputs)`, for
#   tests.
# - `weight_init`: the scheme for the weights of an affine layer in front. It may be left out.
#
# Numbers of type float32 in give float32 out, float64 in give float64 out. That comes by itself as
# long as constants are Python's numbers, and the parameters, if there are any, of the same type.
# The class `Layer` gives empty `params` and `state`, so you write only what is special.

# %% [markdown]
# ## 1. Swish
#
# In $x\,\sigma(x)$ the variable occurs twice. That is the fork in the circuit, and the product
# rule:
#
# $$\frac{d}{dx}\bigl(x\,\sigma(x)\bigr) = 1\cdot\sigma(x) + x\cdot\sigma'(x)
# \qquad\text{and}\qquad \sigma'(x) = \;?$$
#
# You know the slope of the sigmoid from homework 4. Put it in, and take $\sigma(x)$ out:
# $\sigma(x)\,(1 + \ldots)$. Where is this 0? That is the lowest point. (There
# $x\,\sigma(x) = 1 + x$: can you see why the value there is just $x + 1$?)
#
# **Exercise 1** (5 points). Write the layer. The function `sigma` below is the library's sigmoid,
# which does not overflow. `examples` is there as a pattern.


# %%
def sigma(x):
    """The sigmoid of every entry of x, without overflow."""
    return Sigmoid().forward(x)[0]


# %% nbgrader={"grade_id": "swish", "solution": true}
class Swish(Layer):
    """out = x σ(x), entry by entry; x and out have any shape."""

    weight_init = staticmethod(he_normal)

    def forward(self, x, *, train=True):
        """Returns out, of the shape of x, and a cache for backward."""
        ### BEGIN SOLUTION
        s = sigma(x)
        return x * s, (x, s)
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns dx, of the shape of dout, and the gradients of the parameters: {}, none."""
        ### BEGIN SOLUTION
        x, s = cache
        return dout * s * (1 + x * (1 - s)), {}
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 3 * rng.standard_normal((2, 3, 2, 2))


# %% nbgrader={"grade_id": "check-1", "points": 5}
with exercise(1, "swish", Swish, points=5) as check_1, check_1.without(Graph, Sigmoid):
    got, kept = check_1.returns(Swish().forward(np.array([0.0, 1.0, -1.0])), "out", "cache")
    check_1(
        "swish is 0 at 0, 0.731059 at 1 and -0.268941 at -1",
        got,
        [0.0, 0.731059, -0.268941],
        rtol=1e-5,
        mistakes=[
            ([0.5, 0.731059, 0.268941], "that is the sigmoid; times x, and it is the swish"),
            ([0.0, 0.268941, -0.731059], "that is x σ(-x)"),
            ([0.5, 1.731059, -0.731059], "that is x + σ(x): a product was asked for"),
            ([0.0, 0.196612, -0.196612], "that is x σ′(x): the sigmoid itself multiplies x"),
        ],
        hint="each number times its own sigmoid",
    )
    back, grads = check_1.returns(Swish().backward(np.ones(3), kept), "dx", "{}")
    check_1(
        "its slope is ½ at 0, 0.927671 at 1 and 0.072329 at -1",
        back,
        [0.5, 0.927671, 0.072329],
        rtol=1e-4,
        mistakes=[
            ([0.5, 0.731059, 0.268941], "σ alone: the product rule has a second term, x σ′"),
            ([0.0, 0.196612, -0.196612], "that is x σ′ alone: the first term of the rule is σ"),
            ([0.5, 1.0, -0.462117], "σ′ is σ (1 - σ): one of the factors is missing"),
            ([0.5, 0.534447, 0.465553], "the sign of the second term is swapped"),
            ([0.75, 0.927671, 0.465553], "σ + σ′: the second term is x times σ′"),
            ([0.25, 0.196612, 0.196612], "that is σ′, the slope of the sigmoid"),
            ([0.0, 0.731059, -0.268941], "that is the swish itself, and not its slope"),
            ([1.0, 1.268941, 0.268941], "σ is missing before the parenthesis"),
            ([0.5, 1.462117, 0.0], "σ′ is σ (1 - σ): one of the factors is missing"),
        ],
        hint="the product rule: two terms, and σ′ = σ (1 - σ) in one of them",
    )
    check_1.true("it has no parameters, so grads is {}", grads == {}, "an empty dict, {}")
    got, kept = check_1.returns(Swish().forward(np.array([[-1.278464542761]])), "out", "cache")
    check_1("its lowest value is -0.278465", got, [[-0.278465]], rtol=1e-5)
    back, _ = check_1.returns(Swish().backward(np.ones((1, 1)), kept), "dx", "{}")
    check_1("the slope there is 0", back, [[0.0]])
    rows = rng.standard_normal((5, 4))
    check_1.layer("the contract is kept, and dx is right", Swish(), rows, effort="full")
    ### BEGIN HIDDEN TESTS
    blocks = 4 * rng.standard_normal((2, 3, 2))
    gate = 1 / (1 + np.exp(-blocks))
    sent = rng.standard_normal((2, 3, 2))
    got, kept = Swish().forward(blocks)
    check_1("it computes what the circuit computes", got, circuit.forward(blocks)[0])
    check_1(
        "… and sends back the same",
        Swish().backward(sent, kept)[0],
        sent * (gate + blocks * gate * (1 - gate)),
        rtol=1e-10,
    )
    check_1.layer("… for three axes", Swish(), blocks, effort="full")
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %%
# Stuck? Remove the # and see how the library writes a layer of this kind.
# print(inspect.getsource(Sigmoid))

# %% [markdown]
# Beside two of the library's your own is drawn, with its derivative:

# %%
if check_1.opens("the picture of your swish"):
    display(activations([ReLU(), ELU(), Swish()]))

# %% [markdown]
# **Why by hand?** A `Graph` of layers that exist needs no derivation at all, and is often good
# enough. A class of your own has a name and settings, can avoid overflow, and need not keep the
# arrays of every gate. And some functions have no gates yet.

# %% [markdown]
# ## 2. A parameter
#
# The same paper has a variant with a number $\beta$ that is learned. Let each feature $d$ have its
# own:
#
# $$\text{out}_{nd} = x_{nd}\,\sigma(\beta_d\,x_{nd})$$
#
# For $\beta = 0$ it is the straight line $x/2$, for $\beta = 1$ the swish, and for large $\beta$ it
# comes close to a ReLU. The training decides. We need two derivatives. Write
# $s = \sigma(\beta_d x)$, and let the chain rule begin with $\sigma' = s(1 - s)$, times the
# derivative of what is inside:
#
# $$\frac{\partial\,\text{out}}{\partial x} = s + x\,s(1 - s)\cdot\;?
# \qquad\qquad \frac{\partial\,\text{out}}{\partial \beta_d} = x\,s(1 - s)\cdot\;?$$
#
# The array $\beta$ (D,) meets rows $x$ (N, D): NumPy **broadcasts** it, and each $\beta_d$ is used
# N times. What is used many times collects a gradient from every use: $\;\texttt{dbeta}_d = \sum_n
# \texttt{dout}_{nd}\,\frac{\partial\,\text{out}_{nd}}{\partial \beta_d}$. Sum, do not average: the
# loss has averaged already.
#
# **Exercise 2** (5 points). Write the layer, all of it. The constructor keeps `features` and `beta`
# as attributes, and makes `self.params["beta"]`, an array (D,) of floats that all begin at `beta`.
# Give two examples. In one of them the values of beta are not all equal: set the array
# `layer.params["beta"]` after making the layer.


# %% nbgrader={"grade_id": "learned-swish", "solution": true}
class LearnedSwish(Layer):
    """out = x σ(beta x), with beta (D,) learned.   x and out: (N, D); features is D."""

    weight_init = staticmethod(he_normal)

    def __init__(self, features, *, beta=1.0):
        super().__init__()  # params = {} and state = {}
        ### BEGIN SOLUTION
        self.features, self.beta = features, beta
        self.params["beta"] = np.full(features, float(beta))
        ### END SOLUTION

    def forward(self, x, *, train=True):
        """Returns out (N, D) and a cache for backward."""
        beta = self.params["beta"]  # (D,)
        ### BEGIN SOLUTION
        s = sigma(beta * x)
        return x * s, (x, s, beta)
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns dx (N, D), and {"beta": dbeta} with dbeta (D,)."""
        ### BEGIN SOLUTION
        x, s, beta = cache
        slope = x * s * (1 - s)  # of s, by what is inside the sigmoid, times x
        return dout * (s + beta * slope), {"beta": (dout * x * slope).sum(axis=0)}
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        """Yields calls (name, layer, x)."""
        ### BEGIN SOLUTION
        yield "beta 1", cls(4), rng.standard_normal((5, 4))
        layer = cls(3, beta=0.5)
        layer.params["beta"][...] = [-0.5, 1.0, 2.5]
        yield "three values of beta", layer, rng.standard_normal((6, 3))
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 5}
def saved_and_loaded(net, *classes):
    """The network that comes back from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        net.save(path)
        return nets.load(path, layers=classes)


def learned(*values):
    """A LearnedSwish with these values of beta."""
    layer = LearnedSwish(len(values))
    layer.params["beta"][...] = values
    return layer


def own_settings(layer):
    """The arguments of the constructor that are not kept as attributes, apart from generators."""
    names = inspect.signature(type(layer)).parameters
    return [
        name for name in names if name not in vars(layer) and name not in ("rng", "dtype", "init")
    ]


with (
    exercise(2, "a learned beta", LearnedSwish, points=5) as check_2,
    check_2.without(Graph, Sigmoid),
):
    layer = LearnedSwish(3, beta=0.5)
    check_2(
        "beta begins as an array of three numbers, each 0.5",
        layer.params.get("beta", np.nan),
        [0.5, 0.5, 0.5],
        mistakes=[
            (0.5, "that is one number; each of the three features has its own"),
            ([1.0, 1.0, 1.0], "that is the default: the argument beta is not used"),
            (
                [[0.5, 0.5, 0.5]],
                "three numbers are meant, and not a row of three: (D,), not (1, D)",
            ),
        ],
        hint="an array (D,), under the name “beta” in self.params",
    )
    check_2.true(
        "its numbers are floats, even for LearnedSwish(3, beta=2)",
        LearnedSwish(3, beta=2).params["beta"].dtype == np.float64,
        why="it holds no float64, and integers no solver can move by a tenth",
    )
    layer = learned(0.0, 1.0, 2.0)
    rows = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, -1.0]])
    got, kept = check_2.returns(layer.forward(rows), "out", "cache")
    check_2(
        "with beta = 0, 1 and 2, the number 1 becomes ½, σ(1) and σ(2)",
        got[0],
        [0.5, 0.731059, 0.880797],
        rtol=1e-5,
        mistakes=[
            ([0.731059] * 3, "beta is not used, or not that of params: a solver changes the array"),
            ([0.0, 0.731059, 1.761594], "beta stands before the sigmoid; it belongs into it alone"),
            ([0.0, 0.731059, 1.462117], "that is beta x σ(x): beta belongs into the sigmoid"),
        ],
        hint="beta belongs into the sigmoid, and x before it",
    )
    both = np.array([[1.0, 1.0, 1.0], [10.0, 10.0, 10.0]])
    back, grads = check_2.returns(layer.backward(both, kept), "dx", "grads")
    check_2(
        "dx of the number 1 is ½, 0.927671 and 1.090784",
        back[0],
        [0.5, 0.927671, 1.090784],
        rtol=1e-5,
        mistakes=[
            ([0.75, 0.927671, 0.985790], "what is inside is beta x: its derivative is beta"),
            ([0.5, 0.731059, 0.880797], "that is s alone: the second term is missing"),
            ([0.0, 0.196612, 0.209987], "that is the second term alone: s is missing"),
        ],
        hint="two terms: s, and x s (1 - s) times the derivative of what is inside by x",
    )
    keys = [*grads] if isinstance(grads, dict) else type(grads).__name__
    check_2.true("grads holds beta alone", keys == ["beta"], why=f"found {keys}")
    check_2(
        "dbeta collects from both rows: ¼ + 10 · 1, 0.196612, 0.104994 + 10 · 0.104994",
        grads["beta"],
        [10.25, 0.196612, 1.154930],
        rtol=1e-5,
        mistakes=[
            ([5.125, 0.098306, 0.577465], "that is the mean over the rows; sum, do not average"),
            ([5.25, 0.196612, -0.944942], "x occurs twice: once before σ, once inside: x²"),
            ([2.75, 2.696612, 1.154930], "x occurs twice: once before σ, once inside: x²"),
            ([1.25, 0.196612, 0.209987], "dout is missing"),
            (11.601542, "summed over everything; each feature is to keep its own number"),
            ([0.25, 0.196612, 0.104994], "only the first row is there: every row sends something"),
            (
                [[0.25, 0.196612, 0.104994], [10.0, 0.0, 1.049936]],
                "each row apart: sum over the rows",
            ),
        ],
        hint="the derivative of what is inside by beta; dout; the sum over the rows",
    )
    rows = rng.standard_normal((5, 3))
    check_2.layer("the contract is kept, and both are right", layer, rows, effort="full")
    check_2.true(
        "features and beta are attributes",
        not own_settings(layer),
        why=f"missing: {', '.join(own_settings(layer))}",
    )
    trained = LearnedSwish(3, beta=0.5)
    trained.params["beta"] += 1.0
    setting = vars(trained).get("beta", 0.5)
    check_2.true(
        "… and self.beta is still 0.5 when the array in params has moved",
        np.ndim(setting) == 0 and setting == 0.5,
        why=f"self.beta is {setting}: the number that was given is the setting, not the array",
    )
    count, unequal = 0, False
    for name, example, *inputs in LearnedSwish.examples(np.random.default_rng(0)):
        count += 1
        unequal |= np.ptp(example.params["beta"]) > 0
        check_2.layer(f"its example “{name}” is right", example, *inputs, effort="full")
    check_2.true(f"there are two examples or more (here: {count})", count >= 2)
    check_2.true(
        "in one of them the values of beta are not all equal",
        unequal,
        'layer.params["beta"], set after making the layer',
    )
    net = Sequential(Affine(4, 3, rng=0), layer, Affine(3, 2, rng=0))
    again = saved_and_loaded(net, LearnedSwish)
    rows = rng.standard_normal((6, 4))
    check_2(
        "a network with it, saved and loaded, is the same",
        again.forward(rows)[0],
        net.forward(rows)[0],
    )
    ### BEGIN HIDDEN TESTS
    layer = LearnedSwish(6, beta=-0.3)
    rows = rng.standard_normal((4, 6))
    wanted = rows / (1 + np.exp(0.3 * rows))
    check_2("beta may be negative", layer.forward(rows)[0], wanted)
    check_2.layer("… and dx and dbeta are right then, too", layer, rows, effort="full")
    check_2.layer("… also for one row", layer, rows[:1])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# The file that `net.save` wrote holds the names of the layers, their settings and their arrays, and
# no code. So `nets.load` must be told which class the name means, with `layers=[LearnedSwish]`.
# Otherwise it says so:

# %%
if check_1.opens("what a file says whose class is missing"):
    try:
        saved_and_loaded(Sequential(Affine(4, 3, rng=0), Swish()))
    except nets.FileError as error:
        print(str(error).partition("safetensors: ")[2])

# %% [markdown]
# ### Is it better?
#
# That is a question for an experiment, and here is how *not* to do it: train once with ReLU, once
# with swish, and keep the larger number. Two runs that differ in nothing but the seed differ, too.
# So take several seeds, and look at the spread. The function below is for this notebook's
# experiments, and for yours at the end.


# %%
def compare(makers, *, data=digits, seeds=4, epochs=8):
    """Trains networks, and shows what share of the test digits each reads right.

    makers: a dict, name → function that makes a network for a seed. Returns the last network of
    each, by name.
    """
    ax = plt.figure(figsize=(7, 1 + 0.4 * len(makers)), layout="constrained").subplots()
    trained = {}
    for place, (name, make) in enumerate(makers.items()):
        scores = []
        for seed in range(seeds):
            model = Classifier(make(seed))
            rule, settings = solvers.SGD(0.05, momentum=0.9), {"batch_size": 50, "seed": seed}
            Solver(model, rule, data, epochs=epochs, progress=False, **settings).train()
            scores.append(model.score(data.x_test, data.y_test))
        trained[name] = model.net
        ax.plot(scores, [place] * seeds, "o", alpha=0.6)
        ax.plot(np.mean(scores), place, "k|", markersize=18)
        print(f"{name:16} {np.mean(scores):.1%}   ({min(scores):.1%} to {max(scores):.1%})")
    ax.set(xlabel="share of the test digits read right (a dot a seed, a bar the mean)")
    ax.set_ylim(len(makers) - 0.5, -0.5)
    ax.set_yticks(range(len(makers)), [*makers])
    plt.show()
    return trained


if check_1.opens("the comparison") and check_2.opens("the comparison"):
    makers = {
        "ReLU": lambda seed: MLP([64, 50, 10], rng=seed),
        "swish": lambda seed: MLP([64, 50, 10], activation=Swish(), rng=seed),
        "learned swish": lambda seed: MLP([64, 50, 10], activation=LearnedSwish(50), rng=seed),
    }
    beta = compare(makers)["learned swish"].params["learnedswish1.beta"]
    print(f"beta began at 1, and ended between {beta.min():.2f} and {beta.max():.2f}")

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** What may you say about ReLU and swish on the digits after this picture, and what
# not? The paper reports that on ImageNet a network (Mobile NASNet-A) with swish had 0.9 % more
# right than with ReLU. How can both be true?
#
# ### BEGIN SOLUTION
# With four seeds each, the swish has about 0.7 % more of the digits right in the mean, and the
# clouds overlap: runs of one and the same network differ by more than that. It is a hint. It is no
# proof: more seeds are needed, all runs share one test set of 359 digits, of which one is 0.3 %,
# and both share a rate and a number of epochs, which may suit one of them better. The learned beta
# has moved by 0.16 at most, and made no difference to the mean.
#
# ImageNet is another problem: 50,000 pictures to be tested on, so that chance alone moves the share
# by some 0.2 %, and a far deeper network, in which a slope that is smooth, and not 0 on the left,
# has more layers to act through. What holds there need not hold here, and the other way round.
# ### END SOLUTION

# %%
model_answer("9-your-own-layer", 1)

# %% [markdown]
# ## 3. Two inputs, and a detour for the gradient
#
# A **gate** decides how much of something passes. Let one input be the something, the other decide:
#
# $$\text{out} = a\,\sigma(b)$$
#
# With $\sigma(b)$ near 0 the gate is shut, near 1 it is open. Y. Dauphin and others (2017) made it
# a layer for language models, the gated linear unit; with a swish in the place of $\sigma$ (N.
# Shazeer 2020) it is in many of today's large ones. Each input has a gradient:
#
# $$\texttt{da} = \texttt{dout}\cdot\;? \qquad\qquad \texttt{db} = \texttt{dout}\cdot\;?$$
#
# A multiply gate hands each input the value of the other; into $b$ the slope of the sigmoid comes
# on top. `backward` returns both as a tuple: `(da, db), {}`.
#
# **Exercise 3** (5 points), part one. Write the gate, and two examples. `forward` may use `sigma`,
# but the backward pass is your own: it calls no backward pass of the library.


# %% nbgrader={"grade_id": "gate", "solution": true}
class Gate(Layer):
    """out = a σ(b), entry by entry; a, b and out have one shape."""

    def forward(self, a, b, *, train=True):
        """Returns out, and a cache for backward."""
        ### BEGIN SOLUTION
        s = sigma(b)
        return a * s, (a, s)
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns the tuple (da, db), and {}."""
        ### BEGIN SOLUTION
        a, s = cache
        return (dout * s, dout * a * s * (1 - s)), {}
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        """Yields calls (name, layer, a, b)."""
        ### BEGIN SOLUTION
        yield "rows", cls(), rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
        yield "far out", cls(), rng.standard_normal((3, 2)), 5 * rng.standard_normal((3, 2))
        ### END SOLUTION


# %% [markdown]
# A `Sequential` hands on one array, so a layer with two inputs needs a `Graph`. There, a layer is
# called like a function on nodes, and writes a new node:
#
# ```
# g = Graph()
# x = g.input("x")
# a, b = Affine(64, 50)(x), Affine(64, 50)(x)
# g.output(Gate()(a, b))    # finishes the graph, and returns it; a graph is a layer itself
# ```
#
# Part two is a **residual connection** (K. He and others 2016). Layers $f$ in a row get a detour:
#
# $$\text{out} = x + f(x),\qquad
# \texttt{dx} = \texttt{dout} + \texttt{backward}_f(\texttt{dout}).$$
#
# On the way back the fork adds up what both branches send. Whatever $f$ does to the gradient, there
# is always the plain `dout` beside it, after a hundred such blocks in a row, too.
#
# Write `residual(*layers)`: a finished graph with the input `x`, in which x goes through all
# layers, and is added to what comes out. Nodes can be added with `+`.


# %% nbgrader={"grade_id": "residual", "solution": true}
def residual(*layers):
    """A graph with one input x that computes x + f(x).

    layers: those of f, first to last; what the last gives has the shape of x.
    """
    g = Graph()
    x = g.input("x")
    ### BEGIN SOLUTION
    h = x
    for layer in layers:
        h = layer(h)
    return g.output(x + h)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 5}
def doubling():
    """An affine layer that computes 2 x, for x (N, 2)."""
    layer = Affine(2, 2)
    layer.params["W"][...] = 2 * np.eye(2)
    return layer


with exercise(3, "a gate and a detour", Gate, residual, points=5) as check_3:
    a, b = np.array([3.0, 8.0]), np.array([0.0, np.log(3.0)])
    got, kept = check_3.returns(Gate().forward(a, b), "out", "cache")
    check_3(
        "at b = 0 half of 3 passes, at b = ln 3 three quarters of 8",
        got,
        [1.5, 6.0],
        mistakes=[
            ([0.0, 1.098244], "that is b · σ(a): b decides, a passes"),
            ([0.5, 0.75], "that is σ(b) alone: it multiplies a"),
            ([0.0, 8.788898], "that is a · b, with no sigmoid"),
            ([2.857722, 7.997317], "that is a · σ(a): b decides"),
        ],
        hint="σ(0) = ½, σ(ln 3) = ¾, and a is what passes",
    )
    sent = np.array([2.0, 10.0])
    back, grads = check_3.returns(Gate().backward(sent, kept), "(da, db)", "{}")
    check_3.true(
        "backward returns a tuple of two gradients, and an empty dict",
        isinstance(back, tuple) and len(back) == 2 and isinstance(grads, dict) and not grads,
        "the parentheses around da, db; and {}, since there are no parameters",
    )
    back = check_3.returns(back, "da", "db")
    check_3(
        "a gets ½ · 2 and ¾ · 10",
        back[0],
        [1.0, 7.5],
        mistakes=[
            ([1.5, 15.0], "that is db: the two are in the wrong order"),
            ([0.5, 0.75], "that is σ(b); dout multiplies it"),
            ([2.0, 10.0], "that is dout alone; a multiply gate hands a the value σ(b), times dout"),
            ([6.0, 80.0], "that is dout · a: a multiply gate hands each the other's value"),
        ],
        hint="the multiply gate hands a the value of the other input, times dout",
    )
    check_3(
        "b gets 3 · ¼ · 2 and 8 · 3/16 · 10",
        back[1],
        [1.5, 15.0],
        mistakes=[
            ([0.5, 1.875], "the factor a is missing: a multiply gate hands each the other's value"),
            ([6.0, 80.0], "the slope of the sigmoid is missing"),
            ([3.0, 60.0], "that is a · σ(b) · dout: the slope of the sigmoid is σ (1 - σ)"),
            ([0.75, 1.5], "dout is missing"),
            ([1.0, 7.5], "that is da: the two are in the wrong order"),
        ],
        hint="what the multiply gate hands to σ(b), times the slope of the sigmoid",
    )
    count = 0
    for name, example, *inputs in Gate.examples(np.random.default_rng(0)):
        count += 1
        check_3.layer(f"the example “{name}” keeps the contract", example, *inputs, effort="full")
    check_3.true(f"there are two examples or more (here: {count})", count >= 2)
    with check_3.without(Graph, Sigmoid, layers.Multiply):
        check_3.layer(
            "the gate once more, where the library's backward passes are out of reach", Gate(), a, b
        )
    block = residual(doubling())
    got, kept = block.forward(np.array([[1.0, -3.0]]))
    check_3(
        "around a layer that doubles, x becomes x + 2 x",
        got,
        [[3.0, -9.0]],
        mistakes=[
            ([[2.0, -6.0]], "x itself is missing: the detour is to be added"),
            ([[1.0, -3.0]], "that is x: the layers are missing"),
            ([[4.0, -12.0]], "that is 4 x: x was added twice, or what the layer gives was"),
            ([[2.0, 18.0]], "x was multiplied, not added"),
        ],
        hint="x through all layers, one after the other, and x added to what comes out",
    )
    check_3("and sends 1 back three times", block.backward(np.ones((1, 2)), kept)[0], [[3.0, 3.0]])
    got, _ = residual(doubling(), doubling()).forward(np.array([[1.0, -3.0]]))
    check_3(
        "around two of them it becomes x + 4 x",
        got,
        [[5.0, -15.0]],
        mistakes=[
            ([[9.0, -27.0]], "that is a detour around each; add x once, after the last"),
            ([[3.0, -9.0]], "only one of the layers was used"),
            ([[6.0, -18.0]], "only the last layer has a detour: add x, the input of the graph"),
            ([[8.0, -24.0]], "what the layers give was added to itself; add x, the input"),
            ([[10.0, -30.0]], "that is a detour around each, and x once more"),
            ([[4.0, -12.0]], "x itself is missing: the detour is to be added"),
        ],
        hint="one detour around both: each layer takes what the one before gave",
    )
    block = residual(Affine(3, 4, rng=0), Tanh(), Affine(4, 3, rng=1))
    check_3.layer("all its gradients are right", block, rng.standard_normal((4, 3)))
    net = Sequential(Affine(5, 3, rng=2), block)
    rows = rng.standard_normal((4, 5))
    check_3(
        "a network with it, saved and loaded, is the same",
        saved_and_loaded(net).forward(rows)[0],
        net.forward(rows)[0],
    )
    ### BEGIN HIDDEN TESTS
    g = Graph()
    x = g.input("x")
    g.output(Gate()(Affine(3, 2, rng=0)(x), Affine(3, 2, rng=1)(x)))
    rows = rng.standard_normal((4, 3))
    left, right = (Affine(3, 2, rng=seed).forward(rows)[0] for seed in (0, 1))
    check_3("in a graph", g.forward(rows)[0], left / (1 + np.exp(-right)))
    check_3.layer("… its gradients", g, rows)
    check_3("a detour around a tanh", residual(Tanh()).forward(rows)[0], rows + np.tanh(rows))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# What is the detour worth? Twenty blocks of an affine layer and a tanh, 32 units wide, one network
# with detours and one without. Everything else is the same.

# %%
if check_3.opens("the race of two networks of twenty blocks"):
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for name in ("twenty blocks in a row", "each with a detour"):
        seeds = np.random.default_rng(0)
        inner = [[Affine(32, 32, rng=seeds), Tanh()] for _ in range(20)]
        join = residual if "detour" in name else Sequential
        inner = [join(*block) for block in inner]
        net = Sequential(Affine(64, 32, rng=seeds), *inner, Affine(32, 10, rng=seeds))
        rule, settings = solvers.SGD(0.02, momentum=0.9), {"batch_size": 50, "progress": False}
        history = Solver(Classifier(net), rule, digits, epochs=6, **settings).train()
        ax.plot(history.epoch, history.loss, marker=".", label=name)
        print(f"{name:23} {history.val_score[-1]:.1%} of the validation digits")
    ax.axhline(np.log(10), color="grey", linewidth=1, linestyle=":", label="ln 10: pure guessing")
    ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    plt.show()

# %% [markdown]
# ## 4. A layer that is different in training
#
# Dropout multiplies by random zeros, in training alone. N. Srivastava and others, in section 10 of
# their paper on it (2014), also try multiplying by normal numbers around 1:
#
# $$\text{training:}\quad \text{out} = x\,(1 + \text{std}\cdot\varepsilon),
# \quad \varepsilon \text{ standard normal, drawn for every entry}
# \qquad\quad\text{inference:}\quad \text{out} = x$$
#
# The mean of `out` is $x$ in both modes, so nothing needs to be scaled afterwards. Four things to
# think of:
#
# - `forward` is told by `train` which mode it is in; so must `backward` be, by way of the cache.
# - `backward` is the derivative of *that* call. It needs the noise that was drawn then, and draws
#   none.
# - The noise comes from the layer's own generator, `self.rng`, made in the constructor. It goes on
#   from call to call. A generator made anew from a seed in every call gives the same noise each
#   time.
# - `self.rng.standard_normal(x.shape, x.dtype)` draws float32 for float32.
#
# (In inference `out` may be `x` itself, not a copy: nobody writes into it.)
#
# The constructor is there: `np.random.default_rng(rng)` makes a generator of a seed, and leaves a
# generator as it is.
#
# **Exercise 4** (4 points). Write the passes, and two examples. Give their layers the generator
# `rng`.


# %% nbgrader={"grade_id": "noise", "solution": true}
class Noise(Layer):
    """Training: out = x (1 + std ε) with ε standard normal; inference: out = x. Any shape."""

    def __init__(self, std, *, rng=None):
        super().__init__()
        self.std = float(std)
        self.rng = np.random.default_rng(rng)

    def forward(self, x, *, train=True):
        """Returns out, of the shape and dtype of x, and a cache for backward."""
        ### BEGIN SOLUTION
        if not train:
            return x, None
        factor = 1 + self.std * self.rng.standard_normal(x.shape, x.dtype)
        return x * factor, factor
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns dx for the call that returned the cache, and {}."""
        ### BEGIN SOLUTION
        return dout if cache is None else dout * cache, {}
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        """Yields calls (name, layer, x)."""
        ### BEGIN SOLUTION
        yield "rows", cls(0.3, rng=rng), rng.standard_normal((5, 4))
        yield "images", cls(1, rng=rng), rng.standard_normal((2, 3, 2, 2))
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 4}
with exercise(4, "noise", Noise, points=4) as check_4:
    twos = np.full((2000, 500), 2.0)
    got, _ = check_4.returns(Noise(0.3, rng=0).forward(twos), "out", "cache")
    alone = np.ptp(got, axis=0).min() > 0 and np.ptp(got, axis=1).min() > 0
    check_4.true(
        "in training every entry has noise of its own",
        alone,
        why="a whole row or column has one and the same number",
    )
    near = {"rtol": 0, "atol": 0.003}  # a million numbers: five standard errors at least
    if alone:
        check_4(
            "the mean of a million noisy twos is near 2",
            np.mean(got),
            2.0,
            mistakes=[
                (0.0, "the mean of the factors is 0: is the 1 missing?"),
                (2.3, "the mean of the noise is ½, and not 0: is it standard normal?"),
                (2.6, "the mean of the noise is 1, and not 0"),
                (1.0, "the mean is 1, although x is 2: is x in it?"),
            ],
            hint="the mean of 1 + std ε, where ε has the mean 0",
            **near,
        )
        check_4(
            "their spread is near 2 · 0.3",
            np.std(got),
            0.6,
            mistakes=[
                (0.3, "that is std, although x is 2: x multiplies the noise"),
                (2.0, "that is x: std is missing"),
                (0.18, "that is 2 · 0.3²: std is the spread, not the variance"),
                (0.173205, "that is the spread of uniform noise from 0 to 1; ε is standard normal"),
                (0.34641, "that is the spread of uniform noise from −1 to 1; ε is standard normal"),
                (2 * 0.3**0.5, "that is 2 · √0.3: std is the spread, not the variance"),
            ],
            hint="the spread of x (1 + std ε), where that of ε is 1",
            **near,
        )
    rows = rng.standard_normal((5, 4))
    check_4(
        "in inference nothing happens",
        Noise(0.3, rng=0).forward(rows, train=False)[0],
        rows,
        hint="what `train` says, and that out is x where it is False",
    )
    layer = Noise(0.3, rng=0)
    first, second = layer.forward(rows)[0], layer.forward(rows)[0]
    check_4.true(
        "a second call has other noise",
        (first != second).any(),
        "a generator that is made in forward begins anew with each call; self.rng goes on",
    )
    again = Noise(0.3, rng=0)
    check_4(
        "the same seed gives the same noise, call by call",
        [again.forward(rows)[0], again.forward(rows)[0]],
        [first, second],
        hint="where the numbers are drawn from: self.rng alone was given the seed",
    )
    check_4.layer("the contract is kept, and dx is right", Noise(0.5, rng=1), rows, effort="full")
    count = 0
    for name, example, *inputs in Noise.examples(np.random.default_rng(0)):
        count += 1
        check_4.layer(f"the example “{name}” keeps it, too", example, *inputs, effort="full")
    check_4.true(f"there are two examples or more (here: {count})", count >= 2)
    ### BEGIN HIDDEN TESTS
    layer = Noise(0.7, rng=3)
    _, early = layer.forward(np.ones((3, 2)))
    out, late = layer.forward(np.ones((3, 2)))
    layer.forward(np.ones((3, 2)))
    sent = rng.standard_normal((3, 2))
    check_4("backward belongs to its call", layer.backward(sent, late)[0], sent * out)
    quiet, noisy = Noise(0.7, rng=3), Noise(0.7, rng=3)
    quiet.forward(rows, train=False)
    check_4("inference draws nothing", quiet.forward(rows)[0], noisy.forward(rows)[0])
    check_4(
        "inference sends dout back",
        quiet.backward(sent, quiet.forward(np.ones((3, 2)), train=False)[1])[0],
        sent,
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %% [markdown]
# Does noise help? It keeps a network from learning its examples by heart, so let there be few of
# them: 200 digits, 100 hidden units, with more and more noise behind the ReLU. Beside it, dropout
# that keeps half: its factors 0 and 2 have the spread 1, as has the middle one of the noises.

# %%
few = replace(digits, x_train=digits.x_train[:200], y_train=digits.y_train[:200])


def noisy(*layers):
    """Makes networks of 100 hidden units with these layers behind the ReLU, drawn from the seed."""

    def make(seed):
        seeds = np.random.default_rng(seed)
        hidden = [Affine(64, 100, rng=seeds, init=he_normal), ReLU()]
        hidden += [layer(rng=seeds) for layer in layers]
        return Sequential(*hidden, Affine(100, 10, rng=seeds))

    return make


if check_4.opens("the test of your noise"):
    makers = {"no noise": noisy()}
    for std in (0.5, 1.0, 2.0):
        makers[f"noise, std {std:g}"] = noisy(lambda rng, std=std: Noise(std, rng=rng))
    makers["dropout, half"] = noisy(lambda rng: Dropout(0.5, rng=rng))
    compare(makers, data=few, epochs=30)

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** Somebody draws new noise in `backward`, "since it is random anyway". With a std of
# 0.5 each component of dx still has the right sign 19 times in 20. What is wrong with it? And why
# is there no noise in inference, although the network was trained with it?
#
# ### BEGIN SOLUTION
# `backward` is to say how the loss of *this* call changes with x. The loss was computed with the
# noise of the forward pass; an entry whose factor was 1.8 has 1.8 times the influence, and gets
# that share of the gradient. With other noise dx is not the gradient of that loss: each entry is
# multiplied by a random number that has nothing to do with it. That is unnecessary noise in the
# steps, and in a deep network it comes once more with each such layer. The checker finds it because
# two backward calls with one cache differ.
#
# In inference one wants the best answer, and the same one each time. The noise averages to a factor
# of 1, so the layer without it gives the mean of what the next layer saw in training. With noise,
# every answer would be off that mean at random.
# ### END SOLUTION

# %%
model_answer("9-your-own-layer", 2)

# %% [markdown]
# ## 5. Your own
#
# Now a layer of your choice. It may be one that somebody has published and the library lacks, or
# one that nobody has thought of. Some ideas, easier ones first:
#
# - **GELU**, in the form with tanh (D. Hendrycks and K. Gimpel 2016):
#   $\frac{x}{2}\bigl(1 + \tanh(u)\bigr)$ with $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$. Mind the
#   inner derivative.
# - **Mish** (D. Misra 2019): $x \tanh(\log(1 + e^x))$. Mind the overflow.
# - **Snake** (L. Ziyin and others 2020): $x + \sin^2(a x)/a$. The $a$ may be learned.
# - **Gain and bias**: $g_d\,x_{nd} + c_d$. Both gradients sum over the batch.
# - **Temperature**: $x / T$, with one number $T$ that is learned, an array of shape (1,).
# - **Soft threshold**: $\text{sign}(x)\,\max(\lvert x\rvert - t_d, 0)$ with $t$ learned. It has
#   kinks, and mind the sign of dt.
# - **RMS norm** (B. Zhang and R. Sennrich 2019): each row divided by the root of its mean square,
#   times a gain. x occurs many times.
# - **Radial units**: $\exp(-\lVert x_n - c_k\rVert^2 / 2)$ with centres $c$ (K, D) that are
#   learned. Mind the shapes; from a centre far away next to nothing comes back.
# - **Highway**: $\sigma(b)\,a + (1 - \sigma(b))\,x$, with three inputs, so three gradients.
# - **Dropped weights**: an affine layer that drops entries of W, and not of x, in training.
#
# Go in this order. **Derive** it on paper. **Write** forward, then backward. **Check** it, with an
# input of three or four numbers at first. **Draw** it, if it works entry by entry:
# `activations([MyLayer()])`. **Train** with it.
#
# **Exercise 5** (4 points): the layer. The template takes `features`; change the arguments of the
# constructor as your layer needs them, but keep each as an attribute. If your layer is given
# weights, draw them from a generator `np.random.default_rng(rng)` with an argument `rng=None`. The
# check asks:
#
# - is it a class of its own on `Layer`, and does it do something? `out` is not `x`, at least once
#   the parameters have moved away from where they began;
# - is its backward pass its own? `forward` may use what the library has, such as `sigma`, but
#   `backward` calls no backward pass of the library.
# - are there two examples or more, in which no input is special (all zeros, all equal)? Better
#   still, no parameter either, as in exercise 2;
# - does each example keep the contract, with all gradients right?
# - does it come back from a file as it was?
#
# If a gradient is wrong and you do not see why, ask the checker yourself:
# `print(gradcheck.check(layer, x))`. It then also tries small changes of your lines.


# %% nbgrader={"grade_id": "my-layer", "solution": true}
class MyLayer(Layer):
    """Say here what your layer computes, with formulas and shapes."""

    def __init__(self, features):
        super().__init__()
        ### BEGIN SOLUTION
        # The RMS norm: out = gain x / r with r = √(mean x² + eps), the mean over each row.
        # x (N, D), gain (D,).   dgain = Σ_n dout x / r.   With g = gain dout and x̂ = x / r:
        # dx = (g - x̂ mean(g x̂)) / r, since dr/dx = x̂ / D.
        self.features, self.eps = features, 1e-6
        self.params["gain"] = np.ones(features)
        ### END SOLUTION

    def forward(self, x, *, train=True):
        """Returns out, and a cache for backward."""
        ### BEGIN SOLUTION
        gain = self.params["gain"]
        r = np.sqrt(np.mean(x * x, axis=1, keepdims=True) + self.eps)  # (N, 1)
        return gain * x / r, (x / r, r, gain)
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns dx (a tuple, if there are several inputs), and the gradients of params."""
        ### BEGIN SOLUTION
        xhat, r, gain = cache
        g = gain * dout
        dx = (g - xhat * np.mean(g * xhat, axis=1, keepdims=True)) / r
        return dx, {"gain": (dout * xhat).sum(axis=0)}
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        """Yields calls (name, layer, *inputs)."""
        ### BEGIN SOLUTION
        for name, shape in {"rows": (5, 4), "a single feature": (3, 1), "one row": (1, 6)}.items():
            layer = cls(shape[1])
            layer.params["gain"][...] = rng.uniform(0.5, 2, shape[1])
            yield name, layer, rng.standard_normal(shape)
        ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 4}
def moved(layer):
    """The same layer with other parameters."""
    layer, far = copy.deepcopy(layer), np.random.default_rng(2)
    for array in layer.params.values():
        array += far.uniform(0.5, 1.0, array.shape)
    return layer


def in_a_graph(layer, inputs):
    """A graph of this layer alone."""
    g = Graph()
    return g.output(layer(*[g.input(f"input{place}") for place in range(len(inputs))]))


library = [getattr(layers, name) for name in layers.__all__]
library = [one for one in library if isinstance(one, type) and one is not Layer]
with (
    exercise(5, "my own layer", MyLayer, points=4) as check_5,
    check_5.without(Graph, Sequential, *library),
):
    calls = [*MyLayer.examples(np.random.default_rng(0))]
    check_5.true(
        "it is a class of its own on Layer, and not on a layer of the library",
        MyLayer.__bases__ == (Layer,),
        why=f"found class MyLayer({', '.join(base.__name__ for base in MyLayer.__bases__)})",
    )
    check_5.true(
        f"there are two examples or more (here: {len(calls)}), each a tuple (name, layer, *inputs)",
        len(calls) >= 2 and all(len(call) >= 3 and isinstance(call[1], MyLayer) for call in calls),
        "yield “a name”, cls(…), rng.standard_normal((5, 4))",
    )
    for name, layer, *inputs in calls:
        out, _ = moved(layer).forward(*copy.deepcopy(inputs))
        check_5.true(
            f"“{name}”: out is not just x",
            np.shape(out) != np.shape(inputs[0]) or not np.allclose(out, inputs[0]),
            why="out is x, and it is still x when all parameters have moved, if there are any",
        )
        plain = [np.size(array) > 1 and np.ptp(array) == 0 for array in inputs]
        check_5.true(
            f"“{name}”: its inputs are not special",
            not any(plain),
            why="all numbers of an input are equal, which hides mistakes; draw them from rng",
        )
        check_5.layer(
            f"“{name}”: the checker goes through, with no backward pass of the library",
            layer,
            *inputs,
            effort="full",
        )
        check_5.true(
            f"“{name}”: the settings are kept as attributes",
            not own_settings(layer),
            why=f"missing: {', '.join(own_settings(layer))}",
        )
        graph = in_a_graph(layer, inputs)
        again = saved_and_loaded(graph, MyLayer)
        check_5(
            f"“{name}”: it comes back from a file as it was",
            again.forward(*copy.deepcopy(inputs), train=False)[0],
            graph.forward(*copy.deepcopy(inputs), train=False)[0],
        )
    ### BEGIN HIDDEN TESTS
    for name, layer, *inputs in MyLayer.examples(np.random.default_rng(1)):
        check_5.layer(f"“{name}” with other numbers", layer, *inputs, effort="full")
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# **Exercise 6** (3 points): the training. Put your layer into a network, a `Sequential`, a `Graph`
# or an `MLP` with `activation=MyLayer(…)`, and return a solver that takes seconds, not minutes, and
# reaches **95 %** of the test digits as a mean over two seeds, and more than 90 % with each. The
# check also asks whether two calls with one seed begin with the same weights, and two seeds with
# others, whether the network knows nothing yet when you hand it over, whether your layer is really
# in it, whether its parameters, if it has any, are trained, and whether the trained network comes
# back from a file.


# %% nbgrader={"grade_id": "my-solver", "solution": true}
def my_solver(data, seed):
    """A solver, ready to train a classifier in which there is a MyLayer.

    data: the digits, x (N, 64), 10 classes; seed: an integer, for all that is random.
    Returns a solvers.Solver.
    """
    ### BEGIN SOLUTION
    seeds = np.random.default_rng(seed)
    first, second = (Affine(width, 60, rng=seeds, init=he_normal) for width in (64, 60))
    last = Affine(60, 10, rng=seeds)
    net = Sequential(first, MyLayer(60), ReLU(), second, MyLayer(60), ReLU(), last)
    settings = {"epochs": 12, "batch_size": 50, "seed": seed, "progress": False}
    return Solver(Classifier(net), solvers.Adam(5e-3), data, **settings)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 3}
def layers_in(net):
    """All layers of a network, and of the networks within it."""
    found = getattr(net, "layers", ())
    for layer in found.values() if isinstance(found, dict) else found:
        yield layer
        yield from layers_in(layer)


with exercise(6, "training with it", MyLayer, my_solver, points=3) as check_6:
    pair = [my_solver(digits, seed).model.net.params for seed in (5, 5, 6)]
    same = all(np.array_equal(pair[0][name], pair[1][name]) for name in pair[0])
    other = all(np.array_equal(pair[0][name], pair[2][name]) for name in pair[0])
    check_6.true(
        "the first weights follow from the seed",
        same and not other,
        why="two calls with one seed differ" if not same else "two seeds give the same weights",
    )
    scores = []
    for seed in range(2):
        solver = my_solver(digits, seed)
        if solver is None:
            raise NotImplementedError
        net = solver.model.net
        mine = [layer for layer in layers_in(net) if isinstance(layer, MyLayer)]
        check_6.true(
            f"seed {seed}: a Solver, on the data as they are, that has not yet trained",
            isinstance(solver, Solver) and solver.data is digits and solver.step == 0,
            "Solver(Classifier(net), rule, data, …) on the data as they came, not yet trained",
        )
        check_6.true(
            f"seed {seed}: the network has a MyLayer in it (here: {len(mine)})",
            len(mine) > 0,
            "a Sequential, a Graph or an MLP that is given a MyLayer(…)",
        )
        guessed = solver.model.score(digits.x_test, digits.y_test)
        check_6.true(
            f"seed {seed}: it knows nothing yet ({guessed:.1%} of the test digits)",
            guessed < 0.5,
            why="a network whose weights are drawn at random guesses about one in ten",
        )
        before = [array.copy() for layer in mine for array in layer.params.values()]
        solver.progress = False
        solver.train()
        after = [array for layer in mine for array in layer.params.values()]
        still = [bool((was == now).all()) for was, now in zip(before, after, strict=True)]
        if after:
            check_6.true(
                f"seed {seed}: the parameters of your layer were trained ({len(after)} arrays)",
                not any(still),
                "an array that has not moved: is its gradient 0, or is it not the network's?",
            )
        scores.append(solver.model.score(digits.x_test, digits.y_test))
        check_6.true(
            f"seed {seed}: {scores[-1]:.1%} of the test digits are read right",
            scores[-1] > 0.9,
            why=f"the training loss was {solver.history.loss[0]:.3g} in the first epoch, "
            f"{solver.history.loss[-1]:.3g} in the last: do the rate and the epochs suit it?",
        )
    check_6.true(
        f"the mean is {np.mean(scores):.1%}, at least 95 %",
        np.mean(scores) >= 0.95,
        "more epochs, more units, or another rate",
    )
    again = Classifier(saved_and_loaded(net, MyLayer))
    check_6(
        "the trained network, saved and loaded, reads all test digits alike",
        again.predict(digits.x_test),
        solver.model.predict(digits.x_test),
    )
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# And is it any good? Compare it with the same network without it, or with a ReLU in its place. The
# cell compares it with a plain network of two hidden layers of 60 units. `compare` trains both with
# its own rule and its own 8 epochs, not with your solver's; change that to what is fair for yours.

# %%
if check_6.opens("the comparison with a plain network"):
    makers = {"plain": lambda seed: MLP([64, 60, 60, 10], rng=seed)}
    makers["with my layer"] = lambda seed: my_solver(digits, seed).model.net
    compare(makers)

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3: the report.** Half a page on your layer. A good report has
#
# - the formulas of forward and backward, with shapes, and how you derived them;
# - what you expected of the layer, *before* you trained it;
# - the experiment: what was compared, what was kept equal, how many seeds, mean and spread;
# - what you conclude, and what you do not;
# - the mistake that took you longest, and how you found it.
#
# ### BEGIN SOLUTION
# **The RMS norm.** $\text{out}_{nd} = g_d\,\hat x_{nd}$ with $\hat x_{nd} = x_{nd}/r_n$ and
# $r_n = \sqrt{\frac1D\sum_d x_{nd}^2 + \varepsilon}$; x and out (N, D), g (D,), r (N, 1). Since
# $\partial r_n / \partial x_{nd} = x_{nd} / (D\,r_n) = \hat x_{nd}/D$, and every output of the row
# depends on $r_n$, with $u = g \cdot \texttt{dout}$: $\texttt{dx}_{nd} = \frac{u_{nd}}{r_n} -
# \sum_k u_{nk}\frac{x_{nk}}{r_n^2}\frac{\hat x_{nd}}{D} = \frac{1}{r_n}\bigl(u_{nd} - \hat
# x_{nd}\,\text{mean}_k(u_{nk}\hat x_{nk})\bigr)$, and
# $\texttt{dg}_d = \sum_n \texttt{dout}_{nd}\,\hat x_{nd}$.
#
# I expected quicker training, as with batchnorm, and the same in both modes, as with layer norm,
# since no statistics of the batch are used. Compared with the plain network of the same sizes, rate
# and number of epochs, over four seeds each: see the picture. Where the clouds overlap I conclude
# nothing about the accuracy. The mistake that took longest was the mean in dx over axis 0: the
# shapes fit there, too, and only the check found it.
# ### END SOLUTION

# %%
model_answer("9-your-own-layer", 3)

# %% [markdown]
# ## Go further
#
# These give no points; their checks are as strict.
#
# **1. A layer that keeps less.** The cache of a layer stays in memory until its backward pass. For
# a softplus, $\text{out} = \log(1 + e^x)$, it need not hold $x$: an affine layer behind it keeps
# `out` anyway, and `out` is enough. The slope is $\sigma(x) = e^x / (1 + e^x)$. Express it by
# `out`, then look at $x = -40$, where it is $4 \cdot 10^{-18}$: does your formula still have digits
# there? (`np.expm1(t)` is $e^t - 1$.)


# %% nbgrader={"grade_id": "further-1", "solution": true}
class LeanSoftplus(Layer):
    """out = log(1 + eˣ), entry by entry; the cache is out, and nothing else."""

    weight_init = staticmethod(he_normal)

    def forward(self, x, *, train=True):
        out = np.logaddexp(0.0, x)
        return out, out

    def backward(self, dout, cache):
        """Returns dx, of the shape of dout, and {}."""
        out = cache
        ### BEGIN SOLUTION
        return -dout * np.expm1(-out), {}  # σ(x) = 1 - 1 / (1 + eˣ) = 1 - exp(-out)
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), 3 * rng.standard_normal((5, 4))


# %% jupyter={"source_hidden": true}
with (
    further(1, "a layer that keeps less", LeanSoftplus) as go_1,
    go_1.without(Graph, Sigmoid, layers.Softplus),
):
    got, kept = LeanSoftplus().forward(np.array([0.0, 1.0, -2.0]))
    go_1.true("out is all that is kept", kept is got, "forward, as it was given")
    back, grads = go_1.returns(LeanSoftplus().backward(np.array([1.0, 2.0, 1.0]), kept), "dx", "{}")
    go_1(
        "the slope is ½ at 0, twice 0.731059 at 1 with dout = 2, and 0.119203 at −2",
        back,
        [0.5, 1.462117, 0.119203],
        rtol=1e-5,
        mistakes=[
            ([0.5, 0.731059, 0.119203], "dout is missing"),
            ([0.666667, 1.576117, 0.531690], "that is σ(out): the slope is σ(x)"),
            ([0.5, 0.537883, 0.880797], "that is exp(−out), which is 1 − σ(x)"),
        ],
        hint="e to the power of out is 1 + eˣ",
    )
    go_1.layer("the contract is kept", LeanSoftplus(), 3 * rng.standard_normal((5, 4)))
    far, kept = LeanSoftplus().forward(np.array([-40.0, 800.0]))
    go_1(
        "far out, too: 4.248354e-18 at −40, and 1 at 800",
        LeanSoftplus().backward(np.ones(2), kept)[0],
        [4.248354255e-18, 1.0],
        rtol=1e-6,
        atol=0,
        mistakes=[
            (
                [0.0, 1.0],
                "1 − exp(−out) is 0 at −40: 1 has swallowed all digits of so small an out",
            ),
            ([4.248354255e-18, np.nan], "exp(800) is inf, and inf / inf is nan"),
        ],
    )

# %% [markdown]
# **2. A gradient that is wrong on purpose.** A unit with a step, $\text{out} = 1$ where $x \ge 0$
# and $-1$ where not, can be computed and stored with a single bit. But its slope is 0 wherever it
# has one, and nothing comes back. So one pretends: the **straight-through** gradient (named so by
# Y. Bengio, N. Léonard and A. Courville 2013) is that of the identity. I. Hubara and others (2016)
# let it pass only where $|x| \le 1$, and train whole networks of such units. Write their version.
# What does the checker say to it, and is it right?


# %% nbgrader={"grade_id": "further-2", "solution": true}
class Step(Layer):
    """out = 1 where x ≥ 0, else -1; what goes back is dout where |x| ≤ 1, else 0."""

    weight_init = staticmethod(he_normal)

    def forward(self, x, *, train=True):
        """Returns out, of the shape and dtype of x, and a cache for backward."""
        ### BEGIN SOLUTION
        out = np.ones_like(x)
        out[x < 0] = -1
        return out, np.abs(x) <= 1
        ### END SOLUTION

    def backward(self, dout, cache):
        """Returns what is passed off as dx, and {}."""
        ### BEGIN SOLUTION
        return np.where(cache, dout, np.zeros_like(dout)), {}
        ### END SOLUTION

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), rng.standard_normal((5, 4))


# %% jupyter={"source_hidden": true}
with further(2, "a gradient that is wrong on purpose", Step) as go_2:
    rows = np.array([[0.3, -0.3, 0.0], [1.0, -2.5, 4.0]])
    got, kept = go_2.returns(Step().forward(rows), "out", "cache")
    go_2(
        "0.3, −0.3 and 0 become 1, −1 and 1",
        got,
        [[1, -1, 1], [1, -1, 1]],
        mistakes=[
            ([[1, -1, 0], [1, -1, 1]], "np.sign(0) is 0; here 0 belongs to the ones"),
            ([[1, 0, 1], [1, 0, 1]], "the lower value is −1, not 0"),
            ([[1, -1, -1], [1, -1, 1]], "0 belongs to the ones"),
        ],
    )
    sent = np.array([[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]])
    back, grads = go_2.returns(Step().backward(sent, kept), "dx", "{}")
    go_2(
        "dout passes where |x| ≤ 1",
        back,
        [[2, 3, 4], [5, 0, 0]],
        mistakes=[
            ([[2, 3, 4], [0, 0, 0]], "it is |x| ≤ 1, with the 1"),
            (sent, "the identity's, everywhere: where |x| > 1 it is to be 0 (|out| is never more)"),
            (np.zeros((2, 3)), "that is the true gradient; here one pretends"),
        ],
        hint="x, and not out, says where it passes",
    )
    report = gradcheck.check(Step(), rng.uniform(0.2, 0.8, (4, 3)))
    go_2.true(
        "the checker calls it wrong, and is right",
        got is not None and not report,
        why="what came back between 0.2 and 0.8 is 0, the true gradient, and it found no fault",
    )


class Flat(Step):
    """A step with its true gradient, 0."""

    def backward(self, dout, cache):
        return np.zeros_like(dout), {}


# %% [markdown]
# Does it train? The same network with the true gradient, 0, keeps its first weights as they were
# drawn, and only the last layer learns.

# %%
if go_2.opens("the comparison"):
    compare(
        {
            "true gradient": lambda seed: MLP([64, 50, 10], activation=Flat(), rng=seed),
            "straight through": lambda seed: MLP([64, 50, 10], activation=Step(), rng=seed),
        }
    )

# %% [markdown]
# ## What to keep
#
# - A layer is whatever keeps the contract. No network, solver or file asks what else is inside.
# - A variable that occurs twice has two terms in its derivative. A value that was broadcast
#   collects a sum.
# - `backward` belongs to one call: all that it needs of it is in the cache, random numbers
#   included.
# - Settings are attributes named like the arguments; random layers have a generator of their own.
# - Write examples whose numbers are not special, and let the checker look before you train. A
#   network with a wrong gradient often learns, only worse, and that is hard to see.
# - One run proves nothing: several seeds, mean *and* spread, and everything else kept equal.
#
# If your layer is any good, it can become a file of the library: one class, its name in
# `layers/__init__.py`, and a test with numbers worked out by hand. The tests that all layers share
# find it by its examples. CONTRIBUTING.md has the few steps that are left.
