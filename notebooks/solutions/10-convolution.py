# %% [markdown]
# # 10. Convolution and images
#
# An affine layer does not know what a picture is. It takes a row of numbers, and whether two of
# them are neighbours in the picture is all the same to it. Here is a test. The digits are put at
# random places on a sheet of 12 × 12 pixels. One net of affine layers is trained on the sheets as
# they are. Another gets them *shuffled*: all pixels of a sheet change places, in the same way for
# every sheet. (The code of pictures is folded, as that of the checks; a click on the dots unfolds
# it.)

# %%
import timeit
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from chainrule import layers
from chainrule.data import load_digits
from chainrule.layers import Affine, Conv, Dropout, MaxPool, ReLU
from chainrule.layers.init import plain_normal
from chainrule.nets import MLP, Classifier, ConvNet, Sequential, circuits
from chainrule.notebooks import exercise, further, model_answer
from chainrule.solvers import Adam, Solver

digits = load_digits(dtype=np.float32)
SIDE = 12


def changed(data, change):
    """The same data, with `change` done to all of its pictures."""
    parts = {part: change(getattr(data, part)) for part in ("x_train", "x_val", "x_test")}
    return replace(data, **parts, image_shape=None)


def scattered(x):
    """Digits (N, 64), each at a random place of a sheet: (N, 1, 12, 12)."""
    rng = np.random.default_rng(len(x))
    sheets = np.zeros((len(x), 1, SIDE, SIDE), x.dtype)
    for sheet, digit in zip(sheets, x, strict=True):
        top, left = rng.integers(0, SIDE - 8 + 1, 2)
        sheet[0, top : top + 8, left : left + 8] = digit.reshape(8, 8)
    return sheets


def shuffled(x):
    """Sheets whose pixels have changed places, in all of them alike."""
    order = np.random.default_rng(0).permutation(SIDE * SIDE)
    return x.reshape(len(x), -1)[:, order].reshape(x.shape)


def test_accuracy(net, data, epochs):
    """Trains a net, and returns its accuracy on the test pictures, in per cent."""
    Solver(Classifier(net), Adam(lr=3e-3), data, epochs=epochs, progress=False).train()
    return 100 * Classifier(net).score(data.x_test, data.y_test)


sheets = changed(digits, scattered)
shuffled_sheets = changed(sheets, shuffled)

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(2, 8, figsize=(10, 2.8), layout="constrained")
for row, data, title in zip(axes, (sheets, shuffled_sheets), ("sheets", "shuffled"), strict=True):
    for ax, picture, label in zip(row, data.x_train, data.y_train, strict=False):
        ax.imshow(picture[0], cmap="gray_r")
        ax.set(xticks=[], yticks=[], title=f"{label}, {title}")
plt.show()

for name, data in (("sheets", sheets), ("shuffled sheets", shuffled_sheets)):
    net = MLP([SIDE * SIDE, 64, 10], rng=0, dtype=np.float32)
    print(f"affine layers, {name:16} {test_accuracy(net, data, epochs=20):.0f} % right")

# %% [markdown]
# You cannot read the shuffled sheets. The net reads them about as well as the others, and neither
# well: what it learns of a stroke in one corner says little about the same stroke in another. It
# has other weights for every pixel, and each place has to be learned by itself.
#
# A **convolutional layer** looks at a small window, and uses the *same* few weights at every place.
# In this homework you write it, forward and backward; then pooling, a fast form, a normalisation,
# and a net of them. At the end that net reads the sheets, and you look at what it looks at.
#
# You need: forks (homework 2), the affine layer (homework 3), and the closed form of batch norm
# (homework 6). It takes about two and a half hours; after section 5 is a good place for a break.

# %% [markdown]
# ## 1. Three numbers
#
# The smallest case has everything in it. A **kernel** of two weights, $w = (w_0, w_1)$, slides over
# three numbers, $x = (x_0, x_1, x_2)$. It finds room at two places, and at each the layer sums
# products:
#
# $$y_0 = w_0 x_0 + w_1 x_1, \qquad y_1 = w_0 x_1 + w_1 x_2.$$
#
# As a circuit, with $f = y_0\, y_1$ for a loss. Its numbers come when you have computed them.

# %%
graph, inputs = circuits.convolution()
graph.draw()

# %% [markdown]
# Three wires fork: $w_0$, $w_1$ and $x_1$ are used twice. You know the rule: what comes back along
# the branches of a fork adds up. So the gradient of a shared weight is a **sum over all places**
# at which it is used, and the gradient of an input is a **sum over all windows** in which it lies.
#
# In general, for a kernel of $k$ weights and $n$ numbers,
#
# $$\text{out}_i = \sum_{u=0}^{k-1} w_u\, x_{i+u}.$$
#
# ### Exercise 1: a kernel slides (3 points)
#
# Write it for any $n$ and $k \le n$, forward and backward. At how many places does a kernel of $k$
# weights find room on $n$ numbers? Loops are welcome. Going back, walk over the same places as
# forward, and ask at each: which numbers met here, and what does each of them get?


# %% nbgrader={"grade_id": "slide", "solution": true}
def slide(x, w):
    """out[i] = Σ w[u] x[i + u], over u.   x: (n,).   w: (k,).   Returns out, one number a place."""
    ### BEGIN SOLUTION
    k = len(w)
    return np.array([np.sum(w * x[i : i + k]) for i in range(len(x) - k + 1)])
    ### END SOLUTION


def slide_backward(dout, x, w):
    """dout: the gradient at out.   x: (n,).   w: (k,).   Returns dx (n,), dw (k,)."""
    ### BEGIN SOLUTION
    k = len(w)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, arriving in enumerate(dout):
        dx[i : i + k] += arriving * w
        dw += arriving * x[i : i + k]
    return dx, dw
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "a kernel slides", slide, slide_backward, points=3) as check_1:
    x, w = np.array([1.0, 3.0, 2.0]), np.array([2.0, -1.0])
    check_1(
        "w = (2, −1) over x = (1, 3, 2)",
        slide(x, w),
        [-1.0, 4.0],
        mistakes=[
            ([5.0, 1.0], "the kernel was turned round: w₀ meets the first number of a window"),
            ([-1.0], "the last place is missing: there is room for w at the end of x, too"),
            ([-1.0, 4.0, 4.0], "there is one place too many: there w sticks out at the end"),
            (np.correlate(x, w, "same"), "at one of these places w sticks out at an end of x"),
            (np.correlate(x, w, "full"), "at the first and last of these places w sticks out"),
            ([-3.0, -2.0], "that is the last product of each place alone: the products add up"),
            ([2.0, 6.0], "that is the first product of each place alone: the products add up"),
            (3.0, "the places were added up, too; out has a number for each"),
            ([4.0, 5.0], "x was added up first; each number is multiplied by its own weight"),
        ],
        hint="y₀ and y₁ above, by hand",
    )
    long, kernel = np.arange(1.0, 7.0) ** 2, np.array([1.0, 0.0, -2.0])
    check_1(
        "three weights over six numbers: four places",
        slide(long, kernel),
        [-17.0, -28.0, -41.0, -56.0],
        mistakes=[
            (np.convolve(long, kernel, "valid"), "the kernel was turned round"),
            ([-17.0, -28.0, -41.0], "the last place is missing"),
            ([1.0, 4.0, 9.0, 16.0], "the third weight is left out"),
            ([1.0, 4.0, 9.0, 16.0, 25.0], "the third weight is left out, and counted as not there"),
            (np.correlate(long, kernel, "same"), "at some of these places w sticks out"),
            (np.correlate(long, kernel, "full"), "at some of these places w sticks out"),
        ],
        hint="n − k, and whether the first and the last place both count",
    )
    dx, dw = check_1.returns(slide_backward(np.array([4.0, -1.0]), x, w), "dx", "dw")
    check_1(
        "backward, for dout = (4, −1): dw",
        dw,
        [1.0, 10.0],
        mistakes=[
            ([-3.0, -2.0], "that is the last place alone: each place uses the same weights"),
            ([4.0, 12.0], "that is the first place alone: each place uses the same weights"),
            ([0.5, 5.0], "that is the mean over the places; what comes back along a fork adds up"),
            ([10.0, 1.0], "the two weights are exchanged"),
            ([8.0, -6.0, 1.0], "that is dx: the order is dx, dw"),
            ([18.0, 18.0], "dout and x were summed before they were multiplied"),
            ([12.0, 15.0], "dout was summed first; each place multiplies by what arrives there"),
            ([4.0, 5.0], "dout is not in it: what arrives at a place multiplies"),
        ],
        hint="where w₀ is used, and what it meets there",
    )
    check_1(
        "… and dx",
        dx,
        [8.0, -6.0, 1.0],
        mistakes=[
            ([8.0, -2.0, 1.0], "x₁ lies in two windows, and the second has overwritten the first"),
            ([8.0, -4.0, 1.0], "x₁ is used twice, and one of the two is overwritten or left out"),
            ([-4.0, 9.0, -2.0], "the weights are exchanged: which of them did x₀ meet?"),
            ([8.0, -3.0, 1.0], "what the two windows send to x₁ adds up; that is the mean"),
            ([2.0, 1.0, -1.0], "dout is not in it: what arrives at a place multiplies"),
            ([1.0, 10.0], "that is dw: the order is dx, dw"),
        ],
        hint="x₁, which is used in both windows, with another weight in each",
    )
    if check_1.verdict != "wrong":

        def forward(x, w):
            return slide(x, w), (x, w)

        def backward(dout, cache):
            return slide_backward(dout, *cache)

        numbers = np.random.default_rng(1)
        check_1.functions(
            "seven random numbers, three weights",
            forward,
            backward,
            numbers.standard_normal(7),
            numbers.standard_normal(3),
        )
    ### BEGIN HIDDEN TESTS
    check_1("a kernel as long as x", slide(long, long), [np.sum(long**2)])
    dx, dw = slide_backward(np.array([2.0]), long, long)
    check_1("… and back", [*dx, *dw], [*2 * long] * 2)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %% jupyter={"source_hidden": true}
if check_1.opens("the circuit with its numbers"):
    display(graph.draw(*inputs))

# %% [markdown]
# ## 2. Images
#
# A batch of images is an array $x$ of shape $(N, C, H, W)$: $N$ images, $C$ **channels** (one for
# grey, three for red, green and blue), $H$ rows and $W$ columns. A kernel is now a small image
# itself, with as many channels: it covers a window of $k$ by $k$ pixels in all $C$ channels, and
# gives *one* number for each place. $F$ kernels give $F$ numbers for each place, that is an image
# with $F$ channels. So the weights have the shape $(F, C, k, k)$, and there is a bias $b$ for each
# kernel:
#
# $$\text{out}_{nfij} = b_f + \sum_{c,\,u,\,v} W_{fcuv}\; x_{n,\;c,\;i s + u,\;j s + v}.$$
#
# Two numbers say where the windows lie.
#
# - The **stride** $s$ is how far the window moves from one place to the next. With $s = 2$ out is
#   about half as high and half as wide.
# - The **padding** $p$ is a border of so many rows and columns of zeros that is laid around each
#   image first. In the formula, $x$ is the image *with* its border. Without it out would, for
#   $s = 1$, shrink by $k - 1$ in each layer; with $k = 3$, $s = 1$ and $p = 1$ it keeps its size.
#
# *A word on the word.* In mathematics, a convolution turns the kernel round before it slides. What
# nets do is, strictly, a **correlation**. Everybody in this field says convolution.
#
# What can a kernel do? Here are four that somebody made up, and what becomes of a digit. A kernel
# answers where the picture looks like the kernel: light where it answers with a positive number,
# dark where it answers with a negative one.


# %%
def convolve(x, W, stride=1, pad=0):
    """The library's convolution, without a bias.   x: (N, C, H, W).   W: (F, C, k, k)."""
    layer = Conv(W.shape[1], len(W), W.shape[2:], stride=stride, pad=pad, bias=False)
    layer.params["W"][...] = W
    return layer.forward(np.asarray(x, float))[0]


# %% jupyter={"source_hidden": true}
made_up = {
    "blur": np.full((3, 3), 1 / 9),
    "upright edges": np.array([[-1.0, 0.0, 1.0]] * 3),
    "level edges": np.array([[-1.0, 0.0, 1.0]] * 3).T,
    "a point": np.array([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]]),
}
digit = digits.x_test[4].reshape(1, 1, 8, 8)
answers = convolve(digit, np.stack([*made_up.values()])[:, np.newaxis], pad=1)[0]
fig, axes = plt.subplots(2, 5, figsize=(10, 4), layout="constrained")
axes[0, 0].axis("off")
axes[1, 0].imshow(digit[0, 0], cmap="gray")
axes[1, 0].set(xticks=[], yticks=[], title="a digit")
for (top, bottom), (name, kernel), answer in zip(axes.T[1:], made_up.items(), answers, strict=True):
    for ax, array in ((top, kernel), (bottom, answer)):
        limit = np.abs(array).max()
        ax.imshow(array, cmap="gray", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[])
    top.set_title(name)
plt.show()

# %% [markdown]
# (One folded cell more: what the checks below compute with. It gives answers away.)


# %% jupyter={"source_hidden": true}
def grid(low, high, *shape):
    """Numbers in equal steps, as the hand-outs of CS231n have them."""
    return np.linspace(low, high, np.prod(shape)).reshape(shape)


def turned(W):
    """The kernels, turned by half a turn."""
    return W[:, :, ::-1, ::-1]


def windows_of(shape, W, stride):
    """Places of out of this shape, and the slices of the windows there."""
    (kh, kw), (down, right) = W.shape[2:], np.broadcast_to(stride, 2)
    for n, f, i, j in np.ndindex(shape):
        y, z = i * down, j * right
        yield (n, f, i, j), (n, slice(None), slice(y, y + kh), slice(z, z + kw))


def sent_back(dout, x, W, stride=1, steps=None, add=True):
    """dx and dW for images with their border; with `steps`, as if the windows were so far apart,
    and without `add`, as if each place overwrote what is there."""
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for place, window in windows_of(dout.shape, W, steps or stride):
        dx[window] = dx[window] * add + dout[place] * W[place[1]]
        dW[place[1]] = dW[place[1]] * add + dout[place] * x[window]
    return dx, dW


def bordered(x, pad):
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


# %% [markdown]
# A net makes up its kernels by itself, by descent. For that we need the layer.
#
# ### Exercise 2: the forward pass (4 points)
#
# Write the sum by loops over images, kernels and places. Slowness is no matter here. At each place,
# cut out the window and multiply it by the kernel; `np.sum` does the rest. `np.pad` lays a border
# around an array. How high is out? Count the places of a window: on $H + 2p$ rows a window of $k$
# rows can stand $H + 2p - k + 1$ times; with a stride, every $s$-th of these counts, the first
# included.


# %% nbgrader={"grade_id": "forward", "solution": true}
def conv_forward(x, W, b, stride=1, pad=0):
    """A convolution.   x: (N, C, H, W).   W: (F, C, kh, kw).   b: (F,).

    stride   how far a window moves, in both directions
    pad      how many rows and columns of zeros are laid around each image, on every side

    Returns out (N, F, H', W') and a cache.
    """
    ### BEGIN SOLUTION
    N, _, H, width = x.shape
    F, _, kh, kw = W.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, F, (H + 2 * pad - kh) // stride + 1, (width + 2 * pad - kw) // stride + 1))
    for n, f, i, j in np.ndindex(out.shape):
        y, z = i * stride, j * stride
        out[n, f, i, j] = np.sum(padded[n, :, y : y + kh, z : z + kw] * W[f]) + b[f]
    ### END SOLUTION
    return out, (x, W, stride, pad)


# %% nbgrader={"grade_id": "check-2", "points": 4}
with exercise(2, "the forward pass", conv_forward, points=4) as check_2:
    image = np.array([[[[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, 1.0]]]])
    kernel = np.array([[[[1.0, 0.0], [2.0, -1.0]]]])
    given = image.copy(), kernel.copy(), np.array([10.0])
    small = np.array([[[[-2.0, 7.0], [4.0, 2.0]]]])
    with check_2.without(Conv, forward=True):
        out, _ = check_2.returns(conv_forward(*given), "out", "cache")
    check_2(
        "3 × 3 pixels, a kernel of 2 × 2, a bias of 10",
        out,
        small + 10,
        mistakes=[
            (small, "the bias is missing"),
            (small + 40, "the bias is in every product; it is added once to each place"),
            (convolve(image, turned(kernel)) + 10, "the kernel was turned round"),
            (
                convolve(image, kernel.transpose(0, 1, 3, 2)) + 10,
                "rows and columns are exchanged, in the kernel or in the window",
            ),
            (convolve(image, turned(kernel)), "the kernel was turned round, and b is missing"),
            (small[:, :, :1, :1] + 10, "the last row and column of places are missing"),
            (small[:, :, :1] + 10, "the last row of places is missing"),
            (small[:, :, :, :1] + 10, "the last column of places is missing"),
            (small / 4 + 10, "that is the mean of the products of a window; they add up"),
            (
                np.array([[[[16.0, 16.0], [15.0, 15.0]]]]),
                "that is a matrix product of window and kernel; multiply number by number",
            ),
            (
                convolve(image, kernel, pad=1)[:, :, 1:, 1:] + 10,
                "as many places as pixels: some windows stick out at the end, and pad is 0 here",
            ),
            (np.full((1, 1, 2, 2), small.sum() + 10), "each place has a sum of its own"),
            (small.transpose(0, 1, 3, 2) + 10, "rows and columns of the places are exchanged"),
            (np.full((1, 1, 2, 2), 10.0), "nothing but the bias is there"),
        ],
        hint="the window at the top left, 1, 2, 0, 3, times the kernel, number by number",
    )
    if check_2.verdict != "wrong":
        around = np.array(
            [[[[-1, 0, 4, 0], [0, -2, 7, 2], [-2, 4, 2, 3], [0, 2, 0, 1]]]], dtype=float
        )
        out, _ = conv_forward(image, kernel, np.zeros(1), 1, 1)
        below = np.pad(image, ((0, 0), (0, 0), (0, 2), (0, 2)))
        above = np.pad(image, ((0, 0), (0, 0), (2, 0), (2, 0)))
        after = np.pad(image, ((0, 0), (0, 0), (0, 1), (0, 1)))
        before = np.pad(image, ((0, 0), (0, 0), (1, 0), (1, 0)))
        check_2(
            "with a border of one zero on every side",
            out,
            around,
            mistakes=[
                (small, "that is without the border"),
                (
                    np.zeros((1, 1, 4, 4)),
                    "all of it is 0; the border goes around H and W, and not around N and C",
                ),
                (convolve(below, kernel), "the border stands below and on the right alone"),
                (convolve(above, kernel), "the border stands above and on the left alone"),
                (convolve(after, kernel), "the first row and column of places are missing"),
                (
                    convolve(before, kernel),
                    "the last row and column of places are missing: the border is on all four "
                    "sides, and each side counts",
                ),
                (
                    convolve(
                        np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=1), kernel
                    ),
                    "the border holds ones; it is to hold zeros",
                ),
                (
                    convolve(np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge"), kernel),
                    "the border repeats the pixels at the edge; it holds zeros",
                ),
                (convolve(image, kernel, pad=2), "the border is two zeros wide"),
                (np.pad(small, ((0, 0), (0, 0), (1, 1), (1, 1))), "the zeros are laid around out"),
                (around[:, :, :2, :2], "the border is there, but out is as small as without it"),
            ],
            hint="how many places there are on 5 × 5 numbers, and what the first window holds",
        )
        big = np.arange(25.0).reshape(1, 1, 5, 5) ** 2 % 7
        cross = np.array([[[[0.0, 1.0, 0.0], [2.0, 3.0, 4.0], [0.0, 5.0, 0.0]]]])
        every = convolve(big, cross)
        out, _ = conv_forward(big, cross, np.zeros(1), 2, 0)
        check_2(
            "with a stride of 2, on 5 × 5 pixels",
            out,
            every[:, :, ::2, ::2],
            mistakes=[
                (every, "that is with a stride of 1"),
                (
                    every[:, :, :2, :2],
                    "there are as many places as should be, but one apart, not two",
                ),
                (every[:, :, 1::2, 1::2], "every second place, but not the first one"),
                (every[:, :, ::2, :], "the stride holds for the rows alone"),
                (every[:, :, :, ::2], "the stride holds for the columns alone"),
                (every[:, :, :1, :1], "the last row and column of places are missing"),
            ],
            hint="where the window of out[…, 1, 1] begins",
        )
        colours = np.stack([image[0, 0], 2 * image[0, 0].T - 1])[np.newaxis]
        kernels = np.array([[[[1.0, 0.0], [2.0, -1.0]], [[0.0, 1.0], [1.0, 3.0]]]])
        kernels = np.concatenate([kernels, kernels[:, ::-1] - 1, 2 * kernels])
        b = np.array([1.0, -1.0, 0.5])
        right = convolve(colours, kernels)
        column = b[:, np.newaxis, np.newaxis]
        out, _ = conv_forward(colours, kernels, b)
        first = convolve(colours[:, :1], kernels[:, :1])
        check_2(
            "two channels, three kernels: (1, 2, 3, 3) becomes (1, 3, 2, 2)",
            out,
            right + column,
            mistakes=[
                (
                    first + column,
                    "that is the first channel alone: the sum runs over the channels, too",
                ),
                (right - first + column, "that is the last channel alone: the channels add up"),
                (right / 2 + column, "that is the mean over the channels; they add up"),
                (right / 8 + column, "that is the mean of the products of a window; they add up"),
                (np.trunc(right + column), "cut to whole numbers: is out an array of integers?"),
                (right, "the bias is missing"),
                (
                    np.repeat(right[:, :1], 3, axis=1) + column,
                    "all channels of out use the first kernel",
                ),
                (
                    np.repeat(right[:, 2:], 3, axis=1) + column,
                    "all channels of out use the last kernel",
                ),
                (right + b[0], "all channels of out use the first bias"),
                (right + b.sum(), "the sum of all biases is added; each kernel has one of its own"),
                (
                    convolve(colours, kernels[:, ::-1]) + column,
                    "the channels of the kernels turned",
                ),
            ],
            hint="over which of the letters n, f, c, i, j, u and v the sum runs",
        )
        out, _ = conv_forward(
            grid(-0.1, 0.5, 2, 3, 4, 4),
            grid(-0.2, 0.3, 3, 3, 4, 4),
            np.linspace(-0.1, 0.2, 3),
            2,
            1,
        )
        published = [
            [
                [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
                [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
                [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
            ],
            [
                [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
                [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
                [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
            ],
        ]
        check_2(
            "two images, stride 2 and a border: the numbers that CS231n publishes", out, published
        )
    check_2(
        "the arguments are left as they were",
        np.concatenate([one.ravel() for one in given]),
        np.concatenate([image.ravel(), kernel.ravel(), [10.0]]),
        hint="which line writes into an array that came in",
    )
    numbers = np.random.default_rng(2)
    x, W = numbers.standard_normal((2, 3, 8, 5)), numbers.standard_normal((2, 3, 3, 2))
    if check_2.verdict != "wrong":
        out, _ = conv_forward(x, W, np.zeros(2), 2, 1)
        check_2(
            "a kernel of 3 × 2 on images of 8 × 5, with a stride of 2 and a border",
            out,
            convolve(x, W, 2, 1),
            hint="which sizes belong to the rows, and whether the last window still has room",
        )
    ### BEGIN HIDDEN TESTS
    out, _ = conv_forward(x, W, np.zeros(2), 3, 2)
    check_2("stride 3, a border of 2", out, convolve(x, W, 3, 2))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The backward pass
#
# Each product $W_{fcuv}\; x_{n, c, is+u, js+v}$ belongs to the place $(n, f, i, j)$ of out. When
# $\text{dout}_{nfij}$ arrives there, the product is a multiply gate: the weight gets dout times the
# pixel, the pixel gets dout times the weight. And the forks of section 1 are everywhere:
#
# - a **weight** is used at every place, in every image;
# - a **pixel** may lie in many windows, and every one of the $F$ kernels looks at it;
# - a **bias** is added at every place, in every image.
#
# All of these add up. So one may walk over the places as in the forward pass, and at each of them
# send two things: to the *window* of dx, and to the *kernel* of dW.
#
# And the border? Let the gradient of the image *with* its border collect everything. The zeros of
# the border are no inputs, and what was sent to them is thrown away in the end.
#
# ### Exercise 3: the backward pass (5 points)


# %% nbgrader={"grade_id": "backward", "solution": true}
def conv_backward(dout, cache):
    """dout: (N, F, H', W'), the gradient at out.   cache: (x, W, stride, pad).

    Returns dx, of the shape of x, dW, of the shape of W, and db (F,).
    """
    x, W, stride, pad = cache
    ### BEGIN SOLUTION
    _, _, H, width = x.shape
    kh, kw = W.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dW = np.zeros_like(padded), np.zeros_like(W)
    for n, f, i, j in np.ndindex(dout.shape):
        rows = slice(i * stride, i * stride + kh)
        columns = slice(j * stride, j * stride + kw)
        dpadded[n, :, rows, columns] += dout[n, f, i, j] * W[f]
        dW[f] += dout[n, f, i, j] * padded[n, :, rows, columns]
    dx = dpadded[:, :, pad : pad + H, pad : pad + width]
    return dx, dW, dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 5}
def library_forward(stride, pad):
    """The library's forward pass, with the cache of exercise 2."""

    def forward(x, W, b):
        out = convolve(x, W, stride, pad) + b[:, np.newaxis, np.newaxis]
        return out, (x, W, stride, pad)

    return forward


with exercise(3, "the backward pass", conv_backward, points=5) as check_3, check_3.without(Conv):
    image = np.array([[[[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, 1.0]]]])
    kernel = np.array([[[[1.0, 0.0], [2.0, -1.0]]]])
    dout = np.array([[[[1.0, 2.0], [3.0, -1.0]]]])
    dx, dW, db = check_3.returns(conv_backward(dout, (image, kernel, 1, 0)), "dx", "dW", "db")
    right = np.array([[[[1.0, 2.0, 0.0], [5.0, 2.0, -2.0], [6.0, -5.0, 1.0]]]])
    last, lastly = sent_back(dout, image, kernel, add=False)
    turn, _ = sent_back(dout, image, turned(kernel))
    by_pixel, by_entry = np.zeros((2, 1, 1, 3, 3))
    for i, j in np.ndindex(2, 2):
        window = np.s_[:, :, i : i + 2, j : j + 2]
        by_pixel[window] += dout[0, 0, i, j] * image[window]
    for u, v in np.ndindex(2, 2):
        by_entry[:, :, u : u + 2, v : v + 2] = kernel[0, 0, u, v] * dout
    check_3(
        "dW on the small example",
        dW,
        [[[[2.0, 10.0], [12.0, 4.0]]]],
        mistakes=[
            (lastly, "that is the last place alone: what all places send to a weight adds up"),
            (image[:, :, :2, :2] * 1.0, "that is the first place alone: all places add up"),
            ([[[[0.5, 2.5], [3.0, 1.0]]]], "that is the mean over the places; they add up"),
            ([[[[4.0, 12.0], [10.0, 2.0]]]], "the kernel of dW is turned round"),
            (np.full((1, 1, 2, 2), 5.0), "that sums dout: the pixels are not in it"),
            ([[[[6.0, 6.0], [5.0, 5.0]]]], "that sums the pixels: dout is not in it"),
            (right, "that is dx: the order is dx, dW, db"),
        ],
        hint="W[…, 0, 0], which meets the pixels 1, 2, 0 and 3, each at another place",
    )
    check_3(
        "db",
        db,
        [5.0],
        mistakes=[
            (5.0, "right, but not of the shape of b, which is (1,)"),
            (dout[0], "summed over the images alone; the places of out use b, too"),
            (dout, "that is dout itself; what all places send to b adds up"),
            ([1.25], "that is the mean over the places; what they send to b adds up"),
            ([4.0], "that counts the places; dout is not in it"),
            ([[5.0]], "one axis too many: db has the shape of b, (1,)"),
            (np.full((1, 1, 1, 1), 5.0), "some axes are kept: db has the shape of b, (1,)"),
        ],
        hint="at how many places b is used",
    )
    check_3(
        "dx",
        dx,
        right,
        mistakes=[
            (last, "windows overlap, and a later one has overwritten what an earlier one sent"),
            (by_entry, "windows overlap, and what one weight sent has overwritten another's"),
            (turn, "the kernel was turned round: which weight did the pixel at the top left meet?"),
            (
                sent_back(dout.transpose(0, 1, 3, 2), image, kernel)[0],
                "rows and columns of dout are exchanged",
            ),
            (
                sent_back(dout, image, kernel.transpose(0, 1, 3, 2))[0],
                "rows and columns of the kernel are exchanged",
            ),
            (np.zeros((1, 1, 0, 0)), "it is empty: for pad = 0, the slice pad:-pad is 0:0"),
            (np.zeros((1, 1, 3, 0)), "it is empty: for pad = 0, the slice pad:-pad is 0:0"),
            (by_pixel, "dout is multiplied by the pixels; the slope by a pixel is its weight"),
            ([[[[2.0, 10.0], [12.0, 4.0]]]], "that is dW: the order is dx, dW, db"),
        ],
        hint="the pixel in the middle, which lies in four windows, with another weight in each",
    )
    if check_3.verdict != "wrong":
        wide = np.array([[[[1, 2, 0, 1], [3, -1, 2, 0], [0, 1, 1, -2], [2, 0, 1, 3]]]], dtype=float)
        dx, dW, _ = conv_backward(wide, (image, kernel, 1, 1))
        whole, all_places = sent_back(wide, bordered(image, 1), kernel)
        corner = "cut off on one side alone, or on the wrong one: the border is on all four"
        check_3(
            "with a border: dx has the shape of x",
            dx,
            whole[:, :, 1:-1, 1:-1],
            mistakes=[
                (whole, "the border is still around it: it is no part of x"),
                (whole[:, :, :-2, :-2], corner),
                (whole[:, :, 2:, 2:], corner),
                (whole[:, :, :3, :3], corner),
                (whole[:, :, 1:, 1:], corner),
                (whole[:, :, :-1, :-1], corner),
                (whole[:, :, 1:-1, :], "the border left and right is still there"),
                (whole[:, :, :, 1:-1], "the border above and below is still there"),
                (
                    sent_back(wide, bordered(image, 1), kernel, add=False)[0][:, :, 1:-1, 1:-1],
                    "windows overlap, and a later one has overwritten what an earlier one sent",
                ),
            ],
            hint="where in the image with its border the image begins, and where it ends",
        )
        check_3(
            "… and dW",
            dW,
            all_places,
            mistakes=[
                (
                    sent_back(wide[:, :, 1:-1, 1:-1], image, kernel)[1],
                    "the windows that reach into the border are left out; they hold pixels, too",
                ),
                (
                    sent_back(wide[:, :, :2, :2], image, kernel)[1],
                    "the places are counted without the border",
                ),
            ],
            hint="what the forward pass multiplied the kernel with: the image with its border",
        )
        big = np.arange(25.0).reshape(1, 1, 5, 5) ** 2 % 7
        cross = np.array([[[[0.0, 1.0, 0.0], [2.0, 3.0, 4.0], [0.0, 5.0, 0.0]]]])
        dx, dW, _ = conv_backward(dout, (big, cross, 2, 0))
        apart_x, apart_W = sent_back(dout, big, cross, 2)
        near_x, near_W = sent_back(dout, big, cross, 2, steps=1)
        close = "the windows are one apart here; with a stride of 2 they are two apart"
        half = "the windows are two apart in one direction, and one in the other"
        check_3(
            "with a stride of 2: dx",
            dx,
            apart_x,
            mistakes=[
                (near_x, close),
                (
                    sent_back(dout, big, cross, 2, add=False)[0],
                    "windows overlap, and a later one has overwritten what an earlier one sent",
                ),
                (near_x[:, :, :4, :4], close),
                (sent_back(dout, big, cross, 2, steps=(1, 2))[0], half),
                (sent_back(dout, big, cross, 2, steps=(2, 1))[0], half),
            ],
            hint="where the window of the place (1, 1) begins",
        )
        check_3(
            "… and dW",
            dW,
            apart_W,
            mistakes=[
                (near_W, close),
                (sent_back(dout, big, cross, 2, steps=(1, 2))[1], half),
                (sent_back(dout, big, cross, 2, steps=(2, 1))[1], half),
            ],
            hint="the same windows again",
        )
        numbers = np.random.default_rng(3)
        x = numbers.integers(-3, 4, (2, 2, 3, 3)).astype(float)
        W = numbers.integers(-3, 4, (3, 2, 2, 2)).astype(float)
        several = numbers.integers(-3, 4, (2, 3, 2, 2)).astype(float)
        dx, dW, db = conv_backward(several, (x, W, 1, 0))
        right_x, right_W = sent_back(several, x, W)
        totals = several.sum(axis=(0, 2, 3))
        parts = [sent_back(several[n : n + 1], x[n : n + 1], W)[1] for n in (0, 1)]
        check_3(
            "two images, two channels, three kernels: dW",
            dW,
            right_W,
            mistakes=[
                (
                    right_W / 2,
                    "that is the mean over the images; what they send to a weight adds up",
                ),
                (parts[1], "that is the last image alone: all images use the same weights"),
                (parts[0], "that is the first image alone: all images use the same weights"),
                (right_W / 8, "that is the mean over images and places; what they send adds up"),
                (right_W / 4, "that is the mean over the places; what they send adds up"),
                (
                    np.repeat(right_W.sum(axis=0, keepdims=True), 3, axis=0),
                    "every kernel has got what belongs to all of them",
                ),
            ],
            hint="which letters of the formula W does not have: it is summed over those",
        )
        check_3(
            "… and db",
            db,
            totals,
            mistakes=[
                (totals / 2, "that is the mean over the images; what they send to b adds up"),
                (
                    totals / 8,
                    "that is the mean over images and places; what they send to b adds up",
                ),
                (totals / 4, "that is the mean over the places; what they send to b adds up"),
                (several.sum(axis=0), "summed over the images; the places of out use b, too"),
                (several.sum(axis=(2, 3)), "summed over the places; the images use b, too"),
                (several[0].sum(axis=(1, 2)), "that is the first image alone"),
                (several[1].sum(axis=(1, 2)), "that is the last image alone"),
                (several.sum(), "everything is summed; each kernel has a bias of its own"),
                (
                    several.sum(axis=(1, 2, 3)),
                    "a number for each image; it is to be one for a kernel",
                ),
                (several.sum(axis=(0, 1, 2)), "a number for each column of out, not for a kernel"),
                (several.sum(axis=(0, 1, 3)), "a number for each row of out, not for a kernel"),
            ],
            hint="which letters of the formula b does not have: it is summed over those",
        )
        first_only = sent_back(several[:, :1], x, W[:1])[0]
        check_3(
            "… and dx",
            dx,
            right_x,
            mistakes=[
                (first_only, "that is what comes through the first kernel alone"),
                (
                    sent_back(several[:, 2:], x, W[2:])[0],
                    "that is what comes through the last kernel alone: all kernels add up",
                ),
                (right_x / 2, "half of it: the images do not share their pixels"),
                (right_x * np.array([1, 0]).reshape(2, 1, 1, 1), "image 1 gets nothing"),
                (right_x * np.array([0, 1]).reshape(2, 1, 1, 1), "image 0 gets nothing"),
                (right_x / 3, "that is the mean over the kernels; what comes through them adds up"),
            ],
            hint="a pixel in the middle, at which three kernels look",
        )
    if check_3.verdict != "wrong":
        check_3.functions(
            "by differences: stride 2, a border, images of 4 × 3, kernels of 3 × 2",
            library_forward(2, 1),
            conv_backward,
            numbers.standard_normal((2, 2, 4, 3)),
            numbers.standard_normal((2, 2, 3, 2)),
            numbers.standard_normal(2),
        )
    ### BEGIN HIDDEN TESTS
    numbers = np.random.default_rng(15)
    given = dout.copy(), (image.copy(), kernel.copy(), 1, 0)
    conv_backward(*given)
    check_3("dout stays", given[0], dout)
    check_3.functions(
        "images of 3 × 5, a kernel of 2 × 3",
        library_forward(1, 1),
        conv_backward,
        numbers.standard_normal((1, 2, 3, 5)),
        numbers.standard_normal((2, 2, 2, 3)),
        numbers.standard_normal(2),
    )
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# Begin with two arrays of zeros: one of the shape of the image with its border, and one of the
# shape of $W$. Four loops, over `n`, `f`, `i` and `j`, as in exercise 2. In the innermost one, the
# window of `n`, `i`, `j` in the first array gets `dout[n, f, i, j]` times the kernel `f` *added*,
# and the kernel `f` of the second gets `dout[n, f, i, j]` times the window of the image added. At
# last, take the image out of its border.
# </details>

# %% [markdown]
# ## 4. Back is a convolution, too
#
# The loops say what happens. Read as formulas, they say more. In one dimension, the number $x_m$
# meets the weight $w_u$ at the place $i = m - u$. So
#
# $$dx_m = \sum_u w_u\,\text{dout}_{m-u}, \qquad
# dw_u = \sum_i \text{dout}_i\,x_{i+u},$$
#
# where dout counts as 0 at places that there are not. Both are sums of products along a window
# again, that is, convolutions.
#
# **dx.** While $u$ grows, the index of dout *falls*: the kernel meets dout the other way round. And
# at both ends the sum asks for numbers of dout that there are not, zeros: dout needs a border. How
# wide? `slide` makes $m - k + 1$ numbers of $m$; dx has to have $n$, and dout has $n - k + 1$.
# If the forward pass has padded $x$, the border of dout is narrower. Count once more, with
# $n + 2p - k + 1$ numbers in dout.
#
# **dW.** Compare it with the formula of `slide`: which of the two arrays is the kernel now, and
# what does it slide over?
#
# **Channels.** A convolution sums over the second axis of both arrays, and keeps the first of both.
# Forward that is: sum over $c$, keep $n$ and $f$. And now? $dx_{nc}$ sums over …, and $dW_{fc}$
# sums over … `a.transpose(1, 0, 2, 3)` exchanges the first two axes, and `a[:, :, ::-1, ::-1]`
# turns each kernel by half a turn.
#
# ### Exercise 4: two convolutions (4 points)
#
# Write dx and dW for a stride of 1 with the function `convolve(x, W, pad=…)` of section 2, that is,
# without loops. Each takes a line or two. The kernels are squares, and `pad` is at most $k - 1$.


# %% nbgrader={"grade_id": "convolutions", "solution": true}
def dx_as_convolution(dout, W, pad):
    """dout: (N, F, H', W').   W: (F, C, k, k).   pad: of the forward pass.   Returns dx."""
    ### BEGIN SOLUTION
    k = W.shape[2]
    return convolve(dout, W.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1], pad=k - 1 - pad)
    ### END SOLUTION


def dW_as_convolution(x, dout, pad):
    """x: (N, C, H, W), as it went into the forward pass.   dout: (N, F, H', W').   Returns dW."""
    ### BEGIN SOLUTION
    images, kernels = x.transpose(1, 0, 2, 3), dout.transpose(1, 0, 2, 3)
    return convolve(images, kernels, pad=pad).transpose(1, 0, 2, 3)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 4}
with (
    exercise(4, "two convolutions", dx_as_convolution, dW_as_convolution, points=4) as check_4,
    check_4.without(Conv),
):
    image = np.array([[[[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, 1.0]]]])
    kernel = np.array([[[[1.0, 0.0], [2.0, -1.0]]]])
    dout = np.array([[[[1.0, 2.0], [3.0, -1.0]]]])
    narrow = "the border of dout is too narrow: dx comes out smaller than x"
    wide_border = "the border of dout is too wide: dx comes out larger than x"
    check_4(
        "dx on the small example, without padding",
        dx_as_convolution(dout, kernel, 0),
        [[[[1.0, 2.0, 0.0], [5.0, 2.0, -2.0], [6.0, -5.0, 1.0]]]],
        mistakes=[
            (convolve(dout, kernel, pad=1), "the kernel is not turned round"),
            (
                convolve(dout, kernel[:, :, ::-1], pad=1),
                "the kernel is turned along one axis alone",
            ),
            (
                convolve(dout, kernel[:, :, :, ::-1], pad=1),
                "the kernel is turned along one axis alone",
            ),
            (
                convolve(dout, kernel.transpose(0, 1, 3, 2), pad=1),
                "the kernel is transposed; that is not a half turn",
            ),
            (
                convolve(turned(dout), kernel, pad=1),
                "dx is turned round: was it dout that was turned, or the result?",
            ),
            (convolve(dout, turned(kernel)), narrow),
            (convolve(dout, kernel), narrow + "; nor is the kernel turned"),
            (convolve(dout, turned(kernel), pad=2), wide_border),
        ],
        hint="the pixel at the top left, which meets W[…, 0, 0] and dout[…, 0, 0] alone",
    )
    wide = np.array([[[[1, 2, 0, 1], [3, -1, 2, 0], [0, 1, 1, -2], [2, 0, 1, 3]]]], dtype=float)
    right = convolve(wide, turned(kernel))
    check_4(
        "dx where the forward pass had padded x by 1",
        dx_as_convolution(wide, kernel, 1),
        right,
        mistakes=[
            (convolve(wide, turned(kernel), pad=1), "the border of dout has to be narrower by pad"),
            (convolve(wide, turned(kernel), pad=2), "the border of dout has to be narrower by pad"),
            (convolve(wide, kernel), "the kernel is not turned round"),
            (
                convolve(wide, kernel.transpose(0, 1, 3, 2)),
                "the kernel is transposed; that is not a half turn",
            ),
            (
                convolve(wide, turned(kernel), pad=1)[:, :, :3, :3],
                "it is cut out at the wrong place: the border is on all four sides",
            ),
        ],
        hint="the sizes: dout is 4 × 4 here, and dx 3 × 3",
    )
    numbers = np.random.default_rng(4)
    x = numbers.integers(-3, 4, (5, 2, 4, 4)).astype(float)
    W = numbers.integers(-3, 4, (3, 2, 3, 3)).astype(float)
    several = numbers.integers(-3, 4, (5, 3, 4, 4)).astype(float)
    whole, right_W = sent_back(several, bordered(x, 1), W)
    right_x = whole[:, :, 1:-1, 1:-1]
    check_4(
        "dx, two channels and three kernels of 3 × 3, padded by 1",
        dx_as_convolution(several, W, 1),
        right_x,
        mistakes=[
            (
                convolve(several, turned(W.reshape(2, 3, 3, 3)), pad=1),
                "W is reshaped to (C, F, k, k), which mixes kernels; its axes are to change places",
            ),
            (convolve(several, W.transpose(1, 0, 2, 3), pad=1), "the kernel is not turned round"),
            (
                convolve(several, W.transpose(1, 0, 3, 2), pad=1),
                "the kernel is transposed; that is not a half turn",
            ),
            (
                convolve(several, W.transpose(1, 0, 2, 3)[::-1, ::-1], pad=1),
                "the channels are turned round, and not the rows and columns",
            ),
            (
                convolve(several, W.transpose(1, 0, 2, 3)[::-1, ::-1, ::-1, ::-1], pad=1),
                "the order of the channels is turned round, too",
            ),
            (convolve(several, turned(W.transpose(1, 0, 2, 3))), narrow),
            (convolve(several, turned(W.transpose(1, 0, 2, 3)), pad=2), wide_border),
        ],
        hint="over which letter dx sums, and on which axis of W it stands",
    )
    small_W = np.array([[[[2.0, 10.0], [12.0, 4.0]]]])
    check_4(
        "dW on the small example, without padding",
        dW_as_convolution(image, dout, 0),
        small_W,
        mistakes=[
            (turned(small_W), "dW is turned round; no array is to be turned here"),
            (convolve(image, dout, pad=1), "there is a border too many"),
            (convolve(dout, image, pad=1), "image and kernel are exchanged, with a border"),
            (convolve(image, turned(dout)), "dout is turned round: i and u both go up here"),
        ],
        hint="which array slides over which, for dw₀ of section 1",
    )
    swapped = right_W.transpose(1, 0, 2, 3)
    kernels = several.transpose(1, 0, 2, 3)
    check_4(
        "dW, five images, padded by 1",
        dW_as_convolution(x, several, 1),
        right_W,
        mistakes=[
            (swapped, "the numbers are right, but C stands before F"),
            (
                swapped.reshape(3, 2, 3, 3),
                "reshaped to the shape of W, which mixes kernels; the axes have to change places",
            ),
            (
                convolve(x.transpose(1, 0, 2, 3), kernels).transpose(1, 0, 2, 3),
                "the border of x is missing: the forward pass padded it",
            ),
            (
                convolve(x.transpose(1, 0, 2, 3), kernels, pad=2).transpose(1, 0, 2, 3),
                "the border of x is too wide: it is that of the forward pass",
            ),
            (right_W / 5, "that is the mean over the images; what they send to a weight adds up"),
            (turned(right_W), "it is turned round; i and u both go up here"),
            (
                convolve(x.transpose(1, 0, 2, 3), turned(kernels), pad=1).transpose(1, 0, 2, 3),
                "dout is turned round: i and u both go up here",
            ),
            (
                convolve(kernels, x.transpose(1, 0, 2, 3), pad=1),
                "image and kernel are exchanged: it is dout that slides, over x",
            ),
            (
                convolve(kernels, x.transpose(1, 0, 2, 3), pad=1).transpose(1, 0, 2, 3),
                "image and kernel are exchanged: it is dout that slides, over x",
            ),
        ],
        hint="over which letter dW sums: it has to stand second in both arrays",
    )
    ### BEGIN HIDDEN TESTS
    x, W = numbers.standard_normal((3, 1, 5, 6)), numbers.standard_normal((2, 1, 2, 2))
    several = numbers.standard_normal((3, 2, 4, 5))
    dx, dW = sent_back(several, x, W)
    check_4("dx, images of 5 × 6", dx_as_convolution(several, W, 0), dx)
    check_4("dW, images of 5 × 6", dW_as_convolution(x, several, 0), dW)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# In both, find the three letters first. In dx, the sum runs over $f$, so $f$ has to stand second in
# both arrays; it does in dout, and in $W$ it comes there by an exchange of axes. In dW, the sum
# runs over $n$, which is first in both arrays: exchange the axes of both, and of what comes out,
# once more. Then the border: count rows until those of the result are right.
# </details>

# %% [markdown]
# With a stride $s$ there is one thing more: before it is convolved, dout is pulled apart, with $s -
# 1$ zeros between neighbours, and zeros at the end for rows and columns that no window has reached.
# Such a step goes from a small image to a large one. A layer that has it for its *forward* pass is
# called a transposed convolution: the second exercise that goes further.

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** (a) Somebody forgets to turn the kernel in dx, tests with the kernel
# $\begin{pmatrix} 1 & 2 & 1 \\ 2 & 4 & 2 \\ 1 & 2 & 1 \end{pmatrix}$, and all is well. Why? Which
# kernels tell? (b) A library turns the kernel in the *forward* pass, as mathematicians do, and goes
# back rightly. You train the same net with it and with ours. What differs?
#
# ### BEGIN SOLUTION
# (a) This kernel stays what it is when it is turned by half a turn, so to forget the turn changes
# nothing. Every kernel with $W_{uv} = W_{k-1-u,\,k-1-v}$ hides the mistake; a random one does not.
# (A test with a kernel of ones hides even more.)
#
# (b) Nothing that matters. If the first weights are turned, too, both nets compute the same numbers
# and take the same steps, and each kernel of the one is at every step that of the other, turned
# round. The weights are found by descent, and descent does not care in which order they are
# written down. It matters where trained weights are carried from one library to the other.
# ### END SOLUTION

# %%
model_answer("10-convolution", 1)

# %% [markdown]
# ## 5. Pooling
#
# A net for images makes them smaller on the way: from where exactly an edge is, to roughly where it
# is. A stride does so, and so does **pooling**. A window slides over each channel by itself, and
# out is the largest number in it (*max pooling*), or their mean (*average pooling*). There are no
# weights.
#
# You know both backward passes from other layers. The maximum routes: the largest number gets all
# of the gradient, the others get nothing. If several are largest, we give all of it to the
# **first** of them, row by row, which is the one that `argmax` finds. (`np.argmax` counts through
# an array as if it were one row; `np.unravel_index(at, window.shape)` tells in which row and column
# that is.) The mean gives each of its numbers the same share. And where windows overlap, a pixel
# gets something from each: add.
#
# ### Exercise 5: pooling (4 points)
#
# Windows of `size` × `size` pixels begin every `stride` pixels; there is no padding. Here is the
# forward pass of the average. Write the other three.


# %%
def average_pool_forward(x, size, stride):
    """The mean of each window.   x: (N, C, H, W).   Returns out (N, C, H', W'), and a cache."""
    kernel = np.full((1, 1, size, size), 1 / size**2)
    out = convolve(x.reshape(-1, 1, *x.shape[2:]), kernel, stride)  # each channel by itself
    return out.reshape(*x.shape[:2], *out.shape[2:]), (x, size, stride)


# %% nbgrader={"grade_id": "pooling", "solution": true}
def max_pool_forward(x, size, stride):
    """The largest number of each window.   x: (N, C, H, W).

    Returns out (N, C, H', W') and a cache.
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    out = np.zeros((N, C, (H - size) // stride + 1, (W - size) // stride + 1))
    for n, c, i, j in np.ndindex(out.shape):
        y, z = i * stride, j * stride
        out[n, c, i, j] = x[n, c, y : y + size, z : z + size].max()
    ### END SOLUTION
    return out, (x, size, stride)


def max_pool_backward(dout, cache):
    """dout: (N, C, H', W').   cache: (x, size, stride).   Returns dx (N, C, H, W)."""
    x, size, stride = cache
    ### BEGIN SOLUTION
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        y, z = i * stride, j * stride
        window = x[n, c, y : y + size, z : z + size]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, y + u, z + v] += dout[n, c, i, j]
    return dx
    ### END SOLUTION


def average_pool_backward(dout, cache):
    """dout: (N, C, H', W').   cache: (x, size, stride).   Returns dx (N, C, H, W)."""
    x, size, stride = cache
    ### BEGIN SOLUTION
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        y, z = i * stride, j * stride
        dx[n, c, y : y + size, z : z + size] += dout[n, c, i, j] / size**2
    return dx
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 4}
def pooled(x, size, stride, function):
    """What a function of the windows gives, for images (H, W)."""
    rows, columns = ((n - size) // stride + 1 for n in x.shape)
    return np.array(
        [
            [function(x[i * stride :, j * stride :][:size, :size]) for j in range(columns)]
            for i in range(rows)
        ]
    )


def shares(dout, x, size, stride, share, add=True):
    """dx (H, W) where each window gets dout times `share(window)`, added or overwritten."""
    dx = np.zeros(x.shape)
    for (i, j), arriving in np.ndenumerate(dout):
        at = slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)
        dx[at] = dx[at] * add + arriving * share(x[at])
    return dx


with (
    exercise(
        5, "pooling", max_pool_forward, max_pool_backward, average_pool_backward, points=4
    ) as check_5,
    check_5.without(MaxPool, layers.AveragePool, Conv),
):
    x = np.array(
        [[1.0, 3.0, 2.0, 0.0], [4.0, 2.0, 1.0, 5.0], [0.0, 1.0, 6.0, 6.0], [2.0, 1.0, 6.0, 3.0]]
    )
    image = x[np.newaxis, np.newaxis]
    with check_5.without(MaxPool, forward=True):
        out, _ = check_5.returns(max_pool_forward(image.copy(), 2, 2), "out", "cache")
    check_5(
        "max, 4 × 4 pixels, windows of 2, 2 apart",
        out,
        [[[[4.0, 5.0], [2.0, 6.0]]]],
        mistakes=[
            (pooled(x, 2, 1, np.max)[None, None], "the windows are one apart, not two"),
            (pooled(x, 2, 2, np.mean)[None, None], "that is the mean of each window"),
            (pooled(x, 2, 2, np.argmax)[None, None], "that is the place of the largest number"),
            (pooled(x, 2, 1, np.max)[:2, :2][None, None], "the windows are one apart, not two"),
            (6.0, "that is the largest number of all; each window has one"),
            (np.full((1, 1, 2, 2), 6.0), "that is the largest number of all; each window has one"),
            (np.array([[[[4.0]]]]), "the last row and column of windows are missing"),
            (x[::2, ::2][None, None], "that is the first number of each window"),
        ],
        hint="the four windows, which do not overlap here",
    )
    centre = np.array([[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, 1.0]])
    over = max_pool_forward(x[:3, :3][np.newaxis, np.newaxis].copy(), 2, 1)[0]
    check_5(
        "windows of 2, one apart: they overlap",
        over,
        [[[[4.0, 3.0], [4.0, 6.0]]]],
        mistakes=[
            ([[[[4.0]]]], "the windows are as far apart as they are wide; stride is 1 here"),
            (
                [[[[4.0, 2.0], [1.0, 6.0]]]],
                "the windows are as far apart as they are wide; stride is 1 here",
            ),
            (
                [[[[4.0, 3.0, 2.0], [4.0, 6.0, 6.0], [1.0, 6.0, 6.0]]]],
                "some of these windows stick out below or on the right",
            ),
        ],
        hint="four windows, on 3 × 3 pixels",
    )
    if check_5.verdict != "wrong":
        out, _ = max_pool_forward(grid(-0.3, 0.4, 2, 3, 4, 4), 2, 2)
        published = [
            [
                [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
                [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
                [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
            ],
            [
                [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
                [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
                [[0.32631579, 0.34105263], [0.38526316, 0.4]],
            ],
        ]
        most = np.repeat(np.max(published, axis=1, keepdims=True), 3, axis=1)
        check_5(
            "two images of three channels: the numbers that CS231n publishes",
            out,
            published,
            rtol=1e-5,
            atol=1e-8,
            mistakes=[
                (most, "that is the largest of all channels; each channel is pooled by itself"),
                (
                    np.maximum(published, 0),
                    "no number is below 0: the search for the largest begins at 0",
                ),
            ],
            hint="channels, which do not mix here",
        )
    dout = np.array([[1.0, -2.0], [3.0, 4.0]])
    arriving = dout[np.newaxis, np.newaxis]
    dx = max_pool_backward(arriving.copy(), (image.copy(), 2, 2))
    right = np.zeros((1, 1, 4, 4))
    right[0, 0, [1, 1, 3, 2], [0, 3, 0, 2]] = [1, -2, 3, 4]

    def first(window):
        return np.arange(window.size).reshape(window.shape) == window.argmax()

    def last(window):
        return first(window[::-1, ::-1])[::-1, ::-1]

    def all_largest(window):
        return window == window.max()

    def divided(window):
        return all_largest(window) / all_largest(window).sum()

    whole = np.zeros((4, 4))
    whole[2, 2] = dout.sum()
    largest = np.zeros((4, 4))
    largest[2, 2] = 4.0
    inside = np.zeros((4, 4))
    for (i, j), value in np.ndenumerate(dout):
        inside[np.unravel_index(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax(), (2, 2))] += value
    inside_last = np.zeros((4, 4))
    for (i, j), value in np.ndenumerate(dout):
        at = np.unravel_index(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax(), (2, 2))
        inside_last[at] = value
    check_5(
        "max, backward; in the last window three numbers are equally large",
        dx,
        right,
        mistakes=[
            (
                shares(dout, x, 2, 2, all_largest)[None, None],
                "where several numbers are largest, each of them has got all of the gradient",
            ),
            (
                shares(dout, x, 2, 2, divided)[None, None],
                "where several numbers are largest, they share the gradient; the first gets it all",
            ),
            (
                shares(dout, x, 2, 2, lambda w: first(w).T)[None, None],
                "row and column within a window are exchanged",
            ),
            (
                shares(dout, x, 2, 2, last)[None, None],
                "where several numbers are largest, the last of them has got the gradient",
            ),
            (shares(dout, x, 2, 1, first)[None, None], "the windows are one apart, not two"),
            (whole[None, None], "the largest of the whole image gets everything"),
            (largest[None, None], "only the largest of the whole image gets something"),
            (
                inside[None, None],
                "the row and column within a window are taken for those of the image",
            ),
            (
                inside_last[None, None],
                "the row and column within a window are taken for those of the image",
            ),
            (
                shares(dout, x, 2, 2, np.ones_like)[None, None],
                "every number of a window gets the gradient; only the largest does",
            ),
            (
                shares(dout, x, 2, 2, lambda w: w * first(w))[None, None],
                "the gradient is multiplied by the number; the slope of the largest is 1",
            ),
            (
                shares(np.ones((2, 2)), x, 2, 2, first)[None, None],
                "dout is not in it: the largest gets what arrives",
            ),
            (
                shares(dout, x, 2, 2, first)[None, None] * (x == x.max()),
                "only the largest of the whole image gets something",
            ),
        ],
        hint="who gets what arrives at a maximum, and where in the image that number stands",
    )
    middle = centre[np.newaxis, np.newaxis]
    far_apart = "the windows are as far apart as they are wide; stride is 1 here"
    dx = max_pool_backward(arriving.copy(), (middle.copy(), 2, 1))
    one = np.zeros((1, 1, 3, 3))
    one[0, 0, 1, 1] = 1.0
    check_5(
        "max, backward; the pixel in the middle is the largest of four windows",
        dx,
        6.0 * one,
        mistakes=[
            (4.0 * one, "only the last window is left: what the windows send has to add up"),
            (1.0 * one, "only the first window has sent something"),
            (1.5 * one, "that is the mean of what the windows send; it adds up"),
            (
                [[[[4.0, 3.0, 0.0], [-2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]],
                "the row and column within a window are taken for those of the image",
            ),
            (
                [[[[0.0, 0.0, -2.0], [0.0, 5.0, 0.0], [3.0, 0.0, 0.0]]]],
                "row and column within a window are exchanged",
            ),
            (shares(dout, centre, 2, 2, first)[None, None], far_apart),
        ],
        hint="what arrives from all four",
    )
    dx = average_pool_backward(arriving.copy(), (image.copy(), 2, 2))
    each = np.repeat(np.repeat(dout, 2, axis=0), 2, axis=1)[np.newaxis, np.newaxis]
    check_5(
        "average, backward",
        dx,
        each / 4,
        mistakes=[
            (each, "the divisor is missing: each number has a share in the mean"),
            (each / 2, "divided by the side of a window; it holds size² numbers"),
            (shares(dout, x, 2, 1, np.ones_like)[None, None] / 4, "the windows are one apart here"),
            (each / 16, "divided twice, or by the number of pixels of the image"),
            (
                shares(dout, x, 2, 2, lambda w: np.full(w.shape, w.mean()))[None, None],
                "dout is multiplied by the mean; it is the slope of the mean that is needed",
            ),
            (each * x / 4, "multiplied by the pixels; a mean has the same slope everywhere"),
            (
                shares(dout, x, 2, 2, lambda w: np.eye(w.size)[0].reshape(w.shape) / 4)[None, None],
                "only the first number of each window gets something",
            ),
            (right, "that is the backward pass of the maximum"),
            (np.tile(dout, (2, 2))[None, None] / 4, "dout is laid side by side, not stretched"),
        ],
        hint="by how much the mean of a window grows where one of its numbers grows by 1",
    )
    dx = average_pool_backward(arriving.copy(), (middle.copy(), 2, 1))
    ones = np.ones_like
    check_5(
        "average, backward, with windows that overlap",
        dx,
        shares(dout, centre, 2, 1, ones)[None, None] / 4,
        mistakes=[
            (
                shares(dout, centre, 2, 1, ones, add=False)[None, None] / 4,
                "a later window has overwritten what an earlier one sent",
            ),
            (shares(dout, centre, 2, 2, ones)[None, None] / 4, far_apart),
        ],
        hint="the pixel in the middle, which lies in four windows",
    )
    numbers = np.random.default_rng(17)
    x, many = numbers.permutation(72).reshape(2, 2, 6, 3) / 9, numbers.integers(-3, 4, (2, 2, 3, 2))
    many = many.astype(float)
    if check_5.verdict != "wrong":

        def channel_by_channel(share, dout=many):
            return np.array(
                [[shares(dout[n, c], x[n, c], 2, 2, share) for c in (0, 1)] for n in (0, 1)]
            )

        x = np.pad(x, ((0, 0), (0, 0), (0, 0), (0, 1)))  # (2, 2, 6, 4)
        over_channels = np.repeat(many.mean(axis=1, keepdims=True), 2, axis=1)
        elsewhere = np.zeros(x.shape)
        for n, c, i, j in np.ndindex(many.shape):
            at = n, c, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2)
            elsewhere[at] += many[n, c, i, j] * first(x[n, 0][at[2:]])
        check_5(
            "max, backward, two images of two channels",
            max_pool_backward(many.copy(), (x.copy(), 2, 2)),
            channel_by_channel(first),
            mistakes=[(elsewhere, "channel 1 sends to where channel 0 is largest")],
            hint="which of the channels a window belongs to",
        )
        check_5(
            "average, backward, two images of two channels",
            average_pool_backward(many.copy(), (x.copy(), 2, 2)),
            channel_by_channel(np.ones_like) / 4,
            mistakes=[
                (
                    channel_by_channel(np.ones_like, over_channels) / 4,
                    "the channels are averaged, too; each is pooled by itself",
                ),
            ],
            hint="which of the channels a window belongs to",
        )
    if check_5.verdict != "wrong":
        x = np.random.default_rng(5).permutation(72).reshape(2, 2, 6, 3) / 9
        check_5.functions(
            "max by differences, windows of 3 that overlap",
            lambda x: max_pool_forward(x, 3, 2),
            max_pool_backward,
            x,
        )
        check_5.functions(
            "average by differences",
            lambda x: average_pool_forward(x, 3, 2),
            average_pool_backward,
            x,
        )
    ### BEGIN HIDDEN TESTS
    x = -np.arange(1.0, 37.0).reshape(2, 2, 3, 3)
    out, cache = max_pool_forward(x, 3, 1)
    check_5("numbers below 0", out.ravel(), [-1.0, -10.0, -19.0, -28.0])
    dx = max_pool_backward(np.ones((2, 2, 1, 1)), cache)
    check_5("… and back", dx[:, :, 0, 0], np.ones((2, 2)))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 6. One product
#
# Your loops are right, and slow: Python spends far more time on each step of a loop than on the
# few products in it. The cure is old. Write every window as a *row* of a large matrix, $C k^2$
# numbers long, one row for each place of each image. Write every kernel as a row of the same
# length. Then all of out is one matrix product,
#
# $$\underset{(N H' W',\; F)}{\text{out}} = \underset{(N H' W',\; C k^2)}{\text{cols}}\;\;
# \underset{(C k^2,\; F)}{W^\mathsf{T}} + b,$$
#
# an affine layer whose examples are windows. The matrix is called **cols**, and the function that
# makes it `im2col`, "image to columns", for one may as well lay the windows in its columns.
#
# Do not loop over the places: there are many, and that would be slow again. Loop over the $k^2$
# entries of a window instead. Entry $(u, v)$ of *all* windows is one slice of the image, `x[:, :,
# u:…:s, v:…:s]`, of shape $(N, C, H', W')$. Collect them in an array of shape $(N, H', W', C, k,
# k)$ and reshape at the end.
#
# ### Exercise 6: one product (4 points)


# %% nbgrader={"grade_id": "product", "solution": true}
def im2col(x, k, stride=1, pad=0):
    """The windows as rows.   x: (N, C, H, W).

    Returns cols (N H' W', C k k): the rows in the order of n, i, j, each with the numbers of its
    window in the order of c, u, v.
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((size + 2 * pad - k) // stride + 1 for size in (H, W))
    cols = np.empty((N, rows, columns, C, k, k), x.dtype)
    for u, v in np.ndindex(k, k):
        entry = padded[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        cols[..., u, v] = entry[:, :, :rows, :columns].transpose(0, 2, 3, 1)
    return cols.reshape(N * rows * columns, C * k * k)
    ### END SOLUTION


def conv_by_product(x, W, b, stride=1, pad=0):
    """A convolution as one matrix product.   x: (N, C, H, W).   W: (F, C, k, k).   b: (F,).

    Returns out (N, F, H', W').
    """
    ### BEGIN SOLUTION
    F, _, k, _ = W.shape
    rows, columns = ((size + 2 * pad - k) // stride + 1 for size in x.shape[2:])
    out = im2col(x, k, stride, pad) @ W.reshape(F, -1).T + b  # (N H' W', F)
    return out.reshape(len(x), rows, columns, F).transpose(0, 3, 1, 2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 4}
def places(x, k, stride=1, pad=0):
    """The windows in an array (N, H', W', C, k, k), one by one."""
    padded = bordered(x, pad)
    rows, columns = ((size - k) // stride + 1 for size in padded.shape[2:])
    return np.array(
        [
            [
                [
                    one[:, i * stride : i * stride + k, j * stride : j * stride + k]
                    for j in range(columns)
                ]
                for i in range(rows)
            ]
            for one in padded
        ]
    )


with exercise(6, "one product", im2col, conv_by_product, points=4) as check_6:
    image = np.array([[[[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, 1.0]]]])
    four = np.array(
        [[1.0, 2.0, 0.0, 3.0], [2.0, 0.0, 3.0, 1.0], [0.0, 3.0, 2.0, 0.0], [3.0, 1.0, 0.0, 1.0]]
    )
    check_6(
        "3 × 3 pixels, windows of 2 × 2: four rows of four numbers",
        im2col(image.copy(), 2),
        four,
        mistakes=[
            (
                four.reshape(4, 2, 2).transpose(0, 2, 1).reshape(4, 4),
                "within a window, the numbers go down its columns first; they go along its rows",
            ),
        ],
        hint="the first row: the window at the top left, read line by line",
    )
    if check_6.verdict != "wrong":
        x = np.arange(36.0).reshape(2, 2, 3, 3) ** 2 % 11
        windows = places(x, 2)
        right = windows.reshape(8, 8)
        check_6(
            "two images of two channels: (2, 2, 3, 3) becomes (8, 8)",
            im2col(x.copy(), 2),
            right,
            mistakes=[
                (right.T, "the windows stand in the columns; they are to be the rows"),
                (
                    windows.transpose(0, 1, 2, 4, 5, 3).reshape(8, 8),
                    "within a row the channels vary fastest; the order is c, u, v",
                ),
                (
                    windows.transpose(1, 2, 0, 3, 4, 5).reshape(8, 8),
                    "the images vary fastest from row to row; the order is n, i, j",
                ),
                (
                    windows.transpose(0, 3, 4, 5, 1, 2).reshape(8, 8),
                    "an array (N, C, k, k, H', W') is reshaped as it is; first its axes move",
                ),
                (
                    windows.transpose(0, 3, 1, 2, 4, 5).reshape(8, 8),
                    "an array (N, C, H', W', k, k) is reshaped as it is; first its axes move",
                ),
                (
                    windows.transpose(4, 5, 0, 3, 1, 2).reshape(8, 8),
                    "an array (k, k, N, C, H', W') is reshaped as it is; first its axes move",
                ),
            ],
            hint="which numbers stand in one row: those of one window, in all channels",
        )
    if check_6.verdict != "wrong":
        big = np.arange(50.0).reshape(1, 2, 5, 5) ** 2 % 7
        apart = places(big, 3, 2, 1)
        check_6(
            "5 × 5 pixels, windows of 3, stride 2, a border: (9, 18)",
            im2col(big.copy(), 3, 2, 1),
            apart.reshape(9, 18),
            mistakes=[
                (
                    places(big, 3, 1, 1)[:, :3, :3].reshape(9, 18),
                    "the windows are one apart, not two",
                ),
                (places(big, 3, 1, 1).reshape(25, 18), "the windows are one apart, not two"),
                (places(big, 3, 2, 0).reshape(4, 18), "the border is missing"),
            ],
            hint="where the slice of an entry (u, v) begins, how far it steps, and how long it is",
        )
    if check_6.verdict != "wrong":
        numbers = np.random.default_rng(6)
        x, W = numbers.standard_normal((2, 2, 5, 4)), numbers.standard_normal((3, 2, 2, 2))
        b = np.array([1.0, -1.0, 0.5])
        right = convolve(x, W) + b[:, np.newaxis, np.newaxis]  # (2, 3, 4, 3)
        rows = right.transpose(0, 2, 3, 1)
        with check_6.without(Conv, forward=True):
            out = conv_by_product(x.copy(), W.copy(), b.copy())
        check_6(
            "the product, two images, three kernels",
            out,
            right,
            mistakes=[
                (rows, "that is (N, H', W', F): F has to move to its place"),
                (rows.reshape(24, 3), "that is the product as it comes: a row for each place"),
                (
                    rows.reshape(2, 3, 4, 3),
                    "reshaped to (N, F, H', W') at once; the rows are places, and F comes last",
                ),
                (
                    rows.transpose(3, 0, 1, 2).reshape(2, 3, 4, 3),
                    "reshaped from (F, N H' W'), where F comes before N",
                ),
                (right - b[:, np.newaxis, np.newaxis], "b is missing"),
                (
                    (places(x, 2).reshape(24, 8) @ W.reshape(8, 3) + b)
                    .reshape(2, 4, 3, 3)
                    .transpose(0, 3, 1, 2),
                    "W is reshaped to (C k k, F), which mixes kernels; each is a row of (F, C k k)",
                ),
                (right - b[:, np.newaxis, np.newaxis] + b.sum(), "the sum of all biases is added"),
                (rows.transpose(0, 3, 2, 1), "rows and columns of the places are exchanged"),
            ],
            hint="what the rows of the product are, and which of its axes are N, H' and W'",
        )
    if check_6.verdict != "wrong":
        out = conv_by_product(
            grid(-0.1, 0.5, 2, 3, 4, 4),
            grid(-0.2, 0.3, 3, 3, 4, 4),
            np.linspace(-0.1, 0.2, 3),
            2,
            1,
        )
        check_6(
            "CS231n's numbers again",
            out[1],
            [
                [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
                [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
                [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
            ],
            hint="stride and pad, which conv_by_product has to hand on",
        )
    ### BEGIN HIDDEN TESTS
    numbers = np.random.default_rng(16)
    x, W = numbers.standard_normal((1, 3, 6, 7)), numbers.standard_normal((2, 3, 3, 3))
    check_6("stride 3", conv_by_product(x, W, np.zeros(2), 3, 1), convolve(x, W, 3, 1))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>Stuck? A hint.</summary>
#
# Rows in cols: entry $(u, v)$ of the windows is the slice that begins at row $u$ and column $v$,
# goes on in steps of the stride, and has $H'$ rows and $W'$ columns. It has the axes $(N, C, H',
# W')$; in the array they are $(N, H', W', C)$, at `[..., u, v]`. After the product, the rows are
# $(N, H', W')$, and $F$ is the last axis.
# </details>

# %% [markdown]
# What does it buy? Ten images of 16 × 16 pixels with 3 channels, 8 kernels of 3 × 3, forward:

# %%
if check_2.opens("the comparison") and check_6.opens("the comparison"):
    numbers = np.random.default_rng(7)
    x, W = numbers.standard_normal((10, 3, 16, 16)), numbers.standard_normal((8, 3, 3, 3))
    ways = {
        "your loops": lambda: conv_forward(x, W, np.zeros(8), 1, 1),
        "your product": lambda: conv_by_product(x, W, np.zeros(8), 1, 1),
        "the library": lambda: convolve(x, W, 1, 1),
    }
    for name, way in ways.items():
        milliseconds = 1e3 * min(timeit.repeat(way, number=1, repeat=3))
        print(f"{name:12} {milliseconds:7.2f} ms")

# %% [markdown]
# The number of multiplications is the same in your loops and in your product. The product is fast
# because much care has been spent on matrix products: they work on pieces that fit into the fast
# memory close to the processor, and multiply several numbers in one instruction, while a loop in
# Python spends most of its time on Python.
#
# The price is memory. Each pixel stands in up to $k^2$ rows. Take 64 images with 32 channels of 32
# × 32 pixels in float32: 8 MiB. With $k = 3$ and $p = 1$, cols takes 72 MiB. So a good library
# makes cols for a few images at a time.
#
# **And back?** cols $W^\mathsf{T} + b$ is an affine layer, whose backward pass you wrote in
# homework 3. It gives a gradient for each entry of cols. But im2col has *copied*: a pixel that
# stands in nine rows is a fork with nine branches. So each row goes back to its window and is
# *added* there. The function that does so is called `col2im`. It is easy to write `=` in it where
# `+=` belongs.

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** A convolution makes 32 channels of 3, with kernels of 3 × 3, stride 1 and a border
# of 1, on images of 32 × 32. (a) How many weights has it (without biases), and how many
# multiplications does one image take? (b) An affine layer that takes the same numbers and gives as
# many: the same two questions. (c) Every convolution *is* an affine layer. What do its weights look
# like, written as that large matrix? (d) What does one assume of the data when one uses a
# convolution? Name data for which it is false.
#
# ### BEGIN SOLUTION
# (a) $32 \cdot 3 \cdot 9 = 864$ weights. Each of the $32 \cdot 32 \cdot 32 = 32768$ numbers of out
# takes 27 multiplications: 884,736 (those with zeros of the border included).
#
# (b) $3072 \cdot 32768 = 100{,}663{,}296$ weights, and as many multiplications: about
# 116,500 times as many weights.
#
# (c) Nearly all of its entries are 0, since a number of out depends on at most 27 pixels; and the
# entries that are not 0 are the same 864 numbers over and over, once for each place (at the rim,
# without those that meet the border).
#
# (d) That what is worth knowing about a place is in its neighbourhood (hence small windows), and
# that it is the same everywhere (hence shared weights). It is false for rows of a table, where the
# columns mean different things and stand in any order; for the shuffled sheets above; and in part
# for pictures that always show the same thing at the same place, such as faces for a passport.
# ### END SOLUTION

# %%
model_answer("10-convolution", 2)

# %% [markdown]
# ## 7. Groups of channels
#
# Batch norm for images takes a mean and a variance for each channel, over all images and places
# (homework 6). So it needs a batch: with few images its statistics are noisy, and training and
# inference differ. In 2018 Yuxin Wu and Kaiming He proposed to leave the batch out: divide the
# channels of *one* image into $G$ groups of $C/G$ neighbours, and normalise each group by itself,
# over its channels and all of its places.
#
# The formula is that of batch norm. What differs is the **set of numbers** over which mean and
# variance run. Here a square is a channel of an image, with all of its places; what shares a mean
# with the marked square is coloured.

# %% jupyter={"source_hidden": true}
sets = {
    "batch norm": np.s_[:, 1:2],
    "layer norm": np.s_[1:2, :],
    "group norm, 2 groups": np.s_[1:2, 0:3],
    "instance norm": np.s_[1:2, 1:2],
}
fig, axes = plt.subplots(1, 4, figsize=(10, 2.3), layout="constrained")
for ax, (name, chosen) in zip(axes, sets.items(), strict=True):
    squares = np.zeros((4, 6))
    squares[chosen] = 1
    ax.pcolormesh(squares, cmap="Blues", vmin=0, vmax=1.8, edgecolor="grey", linewidth=0.5)
    ax.plot(1.5, 1.5, "ko", markersize=4)
    ax.invert_yaxis()
    ax.set(title=name, xlabel="channel", ylabel="image", xticks=[], yticks=[], aspect="equal")
plt.show()

# %% [markdown]
# With one group it is a layer norm of images, with as many groups as channels it is called instance
# norm. The scale $\gamma$ and the shift $\beta$ have **one number for each channel** in all four,
# as we take them here.
#
# The backward pass is that of batch norm in closed form, but for one thing. There, all numbers
# that share a mean also share a $\gamma$, which could be taken out of the sum. Here a group holds
# channels with *different* $\gamma$. So first go back through $\gamma$: with
# $\widehat{dx} = \gamma \cdot \text{dout}$, and means over the $m = (C/G)\,H W$ numbers of a group,
#
# $$dx = \frac{1}{\sqrt{\sigma^2 + \varepsilon}} \Bigl(\widehat{dx} - \operatorname{mean}(\;?\;) -
# \hat{x} \cdot \operatorname{mean}(\;?\;)\Bigr).$$
#
# ### Exercise 7: group norm (4 points)
#
# `x.reshape(N, groups, -1)` lays each group of neighbouring channels out as a row: group norm is
# then a mean along the last axis. And `gamma[:, None, None]` has the shape $(C, 1, 1)$, which is
# stretched along $N$, $H$ and $W$.


# %% nbgrader={"grade_id": "group-norm", "solution": true}
def group_norm_forward(x, gamma, beta, groups, eps=1e-5):
    """Group norm.   x: (N, C, H, W).   gamma, beta: (C,).   groups: how many, a divisor of C.

    Returns out (N, C, H, W), and the cache (xhat, std, gamma) with
    xhat   (N, C, H, W), the normalised x
    std    (N, groups), the root √(variance + eps) of each group
    """
    ### BEGIN SOLUTION
    rows = x.reshape(len(x), groups, -1)
    std = np.sqrt(rows.var(axis=2) + eps)
    xhat = (rows - rows.mean(axis=2, keepdims=True)) / std[:, :, None]
    xhat = xhat.reshape(x.shape)
    return gamma[:, None, None] * xhat + beta[:, None, None], (xhat, std, gamma)
    ### END SOLUTION


def group_norm_backward(dout, cache):
    """dout: (N, C, H, W).   cache: (xhat, std, gamma), of shapes (N, C, H, W), (N, groups), (C,).

    Returns dx (N, C, H, W), dgamma (C,), dbeta (C,).
    """
    xhat, std, gamma = cache
    N, groups = std.shape
    ### BEGIN SOLUTION
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    h = xhat.reshape(N, groups, -1)
    d = (gamma[:, None, None] * dout).reshape(N, groups, -1)
    along = (d * h).mean(axis=2, keepdims=True)
    dx = (d - d.mean(axis=2, keepdims=True) - h * along) / std[:, :, None]
    return dx.reshape(dout.shape), dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-7", "points": 4}
def standardised(rows, eps):
    """Normalised along the last axis, in one line."""
    return (rows - rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + eps)


with exercise(7, "group norm", group_norm_forward, group_norm_backward, points=4) as check_7:
    one, two = [[[1.0, 1.0]], [[5.0, 5.0]]], [[[0.0, 8.0]], [[8.0, 4.0]]]
    x = np.array([one + two, two + one])  # (2, 4, 1, 2)
    half, quarter = [[[-2.0, -2.0]], [[2.0, 2.0]]], [[[-5.0, 3.0]], [[3.0, -1.0]]]
    centred = np.array([half + quarter, quarter + half])
    var = np.array([[4.0, 11.0], [11.0, 4.0]])
    var_x = np.repeat(var, 2, axis=1)[:, :, None, None]
    xhat = centred / np.sqrt(var_x + 5)
    gamma, beta = np.array([3.0, 6.0, 4.0, 12.0]), np.array([1.0, 0.0, -1.0, 2.0])
    wide, high = gamma[:, None, None], beta[:, None, None]
    plain = np.ones(4), np.zeros(4)
    out, cache = check_7.returns(group_norm_forward(x.copy(), *plain, 2, 5.0), "out", "cache")
    by_channel = standardised(x.transpose(1, 0, 2, 3).reshape(4, -1), 5)
    apart = x.reshape(2, 2, 2, 1, 2).transpose(0, 2, 1, 3, 4).reshape(2, 2, -1)
    apart = standardised(apart, 5).reshape(2, 2, 2, 1, 2)
    moved_back = apart.transpose(0, 2, 1, 3, 4)
    pairs = x.reshape(2, 4, 2)
    across = x.reshape(2, 2, 2, 1, 2).transpose(1, 0, 2, 3, 4).reshape(2, -1)
    across = standardised(across, 5).reshape(2, 2, 2, 1, 2).transpose(1, 0, 2, 3, 4)
    inside = x.reshape(2, 2, 2, 2)  # N, G, C/G, places
    by_place = standardised(inside.transpose(0, 1, 3, 2), 5).transpose(0, 1, 3, 2)
    check_7(
        "two groups of two channels, with γ = 1, β = 0 and ε = 5: x̂",
        out,
        xhat,
        mistakes=[
            (
                by_channel.reshape(4, 2, 1, 2).transpose(1, 0, 2, 3),
                "that is batch norm: a mean for each channel, over the images",
            ),
            (standardised(x.reshape(2, -1), 5).reshape(x.shape), "that is for one group of all"),
            (standardised(pairs, 5).reshape(x.shape), "each channel is normalised by itself"),
            (across.reshape(x.shape), "the groups of both images are taken together"),
            (
                moved_back.reshape(x.shape),
                "a group holds channels 0 and 2 here; its channels are to be neighbours",
            ),
            (
                apart.reshape(x.shape),
                "a group holds channels 0 and 2 here; its channels are to be neighbours",
            ),
            (by_place.reshape(x.shape), "each place of a group is normalised by itself"),
            (centred / np.sqrt(var_x), "eps is missing under the root, or it is not the eps given"),
            (centred / (np.sqrt(var_x) + 5), "eps stands outside the root; it belongs under it"),
            (
                centred / np.sqrt(np.sqrt(var_x) + 5),
                "the standard deviation stands for the variance",
            ),
            (centred / (var_x + 5), "that divides by the variance; take its root"),
            (centred / np.sqrt(var_x * 4 / 3 + 5), "the variance divides by m − 1; it should be m"),
            (centred, "it is centred, but not divided by the root"),
            (x / np.sqrt(var_x + 5), "the mean is not subtracted"),
        ],
        hint="the first group of the first image, 1, 1, 5, 5: its mean, and its root, which is 3",
    )
    if check_7.verdict != "wrong":
        out, cache = check_7.returns(
            group_norm_forward(x.copy(), gamma, beta, 2, 5.0), "out", "cache"
        )
        check_7(
            "with γ = (3, 6, 4, 12) and β = (1, 0, −1, 2)",
            out,
            xhat * wide + high,
            mistakes=[
                (xhat * wide, "β is missing"),
                (xhat + high, "γ is missing"),
                ((xhat + high) * wide, "γ has stretched β, too"),
                (xhat * wide - high, "β is subtracted"),
                (
                    xhat * gamma.reshape(2, 2).mean(1).repeat(2)[:, None, None] + high,
                    "γ is averaged",
                ),
                (xhat, "γ and β are missing"),
            ],
            hint="channel 1, which has γ = 6 and β = 0",
        )
        shapes = [np.shape(one) for one in cache] if isinstance(cache, tuple) else "no tuple"
        check_7.true(
            "the cache holds xhat, std and gamma, of shapes (2, 4, 1, 2), (2, 2) and (4,)",
            shapes == [(2, 4, 1, 2), (2, 2), (4,)],
            why=f"shapes found: {shapes}"
            + "; keepdims=True keeps the axis" * ((2, 2, 1) in shapes),
        )
    dout = np.array(
        [[[[1, 2]], [[0, -1]], [[3, 1]], [[2, 0]]], [[[0, 1]], [[1, 1]], [[2, -2]], [[1, 3]]]]
    )
    dout = dout.astype(float)
    cache = xhat.copy(), np.sqrt(var + 5), gamma.copy()
    dx, dgamma, dbeta = check_7.returns(
        group_norm_backward(dout.copy(), cache), "dx", "dgamma", "dbeta"
    )
    for name, got, terms in (("β", dbeta, dout), ("γ", dgamma, dout * xhat)):
        check_7(
            f"d{name}",
            got,
            terms.sum(axis=(0, 2, 3)),
            mistakes=[
                (terms.sum(axis=(2, 3)), "summed over the places; the images share γ and β, too"),
                (terms.sum(axis=0), "summed over the images; the places share γ and β, too"),
                (terms.sum(axis=(1, 2, 3)), "a number for each image; it is to be one a channel"),
                (terms.mean(axis=(0, 2, 3)), "a mean; what comes back from copies adds up"),
                (terms.sum(), "everything is summed; each channel has a number of its own"),
                (
                    terms.sum(axis=(0, 2, 3)).reshape(2, 2).sum(axis=1).repeat(2),
                    "the channels of a group are summed; each has a number of its own",
                ),
                (
                    terms.reshape(2, 2, -1).sum(axis=(0, 2)),
                    "a number for each group; γ and β have one for each channel",
                ),
                (
                    terms.reshape(2, 2, -1).sum(axis=2),
                    "a number for each group of each image; γ and β have one for each channel",
                ),
                (
                    (dout * (xhat if name == "β" else 1)).sum(axis=(0, 2, 3)),
                    "that is dγ: the order is dx, dγ, dβ"
                    if name == "β"
                    else "that is dβ: is the order dx, dγ, dβ, or is x̂ missing?",
                ),
                (
                    (terms * wide).sum(axis=(0, 2, 3)),
                    "γ is in it once too often",
                ),
            ],
            hint="along which axes the number of a channel was copied",
        )

    def closed(d, h, root, mean_1=True, mean_2=True, count=4):
        """The closed form, or a part of it; means over `count` of the 4 numbers of a group."""
        d, h = d.reshape(2, 2, -1), h.reshape(2, 2, -1)
        lost = mean_1 * d.sum(2, keepdims=True) + mean_2 * h * (d * h).sum(2, keepdims=True)
        return ((d - lost / count) / root[:, :, None]).reshape(2, 4, 1, 2)

    def mean(terms):
        """The mean of each group, for each of its numbers."""
        return np.repeat(terms.reshape(2, 2, -1).mean(2), 2, axis=1)[:, :, None, None]

    root = np.sqrt(var + 5)
    by_batch = dout - dout.mean(axis=(0, 2, 3), keepdims=True)
    by_batch = by_batch - xhat * (dout * xhat).mean(axis=(0, 2, 3), keepdims=True)
    root_x = np.repeat(root, 2, axis=1)[:, :, None, None]
    check_7(
        "dx",
        dx,
        closed(wide * dout, xhat, root),
        mistakes=[
            (
                wide * closed(dout, xhat, root),
                "γ stands in front of the bracket; it differs within a group, so it goes inside",
            ),
            (closed(dout, xhat, root), "γ is missing: start with γ · dout"),
            (closed(wide * dout, xhat, root, False, False), "that is the direct path alone"),
            (closed(wide * dout, xhat, root, True, False), "nothing comes through the variance"),
            (closed(wide * dout, xhat, root, False, True), "nothing comes through the mean"),
            (
                (wide * dout - mean(dout) - xhat * mean(wide * dout * xhat)) / root_x,
                "γ is missing in the first of the two means",
            ),
            (
                (wide * dout - mean(wide * dout) - xhat * mean(dout * xhat)) / root_x,
                "γ is missing in the second of the two means",
            ),
            (
                (wide * dout - mean(dout) - xhat * mean(dout * xhat)) / root_x,
                "γ is missing in the two means",
            ),
            (closed(wide * dout, xhat, root, count=1), "sums stand where means belong"),
            (closed(wide * dout, xhat, root, 4, 1), "the first of the two means is a sum here"),
            (closed(wide * dout, xhat, root, 1, 4), "the second of the two means is a sum here"),
            (
                closed(wide * dout, xhat, root, count=2),
                "divided by 2; a group holds 4 numbers here",
            ),
            (
                closed(wide * dout, xhat, root, count=8),
                "divided by 8; a group holds 4 numbers here",
            ),
            (closed(wide * dout, xhat, root, count=3), "divided by m − 1; a mean divides by m"),
            (closed(wide * dout, xhat, root, count=-4), "the means are added, not subtracted"),
            (closed(wide * dout, xhat, root * 0 + 1), "the root is missing"),
            (closed(wide * dout, xhat, root**2), "divided by the root twice"),
            (closed(wide * dout, xhat, 1 / root), "multiplied by the root, not divided"),
            (wide * by_batch / root_x, "the means run over the images, as those of batch norm do"),
        ],
        hint="what stands in the two means, and over which numbers they run",
    )
    if check_7.verdict != "wrong":
        numbers = np.random.default_rng(8)
        check_7.functions(
            "six channels in three groups, by differences",
            lambda x, gamma, beta: group_norm_forward(x, gamma, beta, 3),
            group_norm_backward,
            numbers.standard_normal((2, 6, 2, 3)),
            numbers.uniform(0.5, 2.0, 6),
            numbers.standard_normal(6),
        )
        x, dout = numbers.standard_normal((2, 3, 8, 4, 5))
        library = layers.GroupNorm(8, 2)
        library.params["gamma"][...] = gamma = numbers.uniform(0.5, 2.0, 8)
        out, cache = group_norm_forward(x, gamma, np.zeros(8), 2)
        theirs, library_cache = library.forward(x)
        check_7("out agrees with the library's", out, theirs, rtol=1e-10)
        dx, _, _ = group_norm_backward(dout, cache)
        check_7("… and so does dx", dx, library.backward(dout, library_cache)[0], rtol=1e-8)
    ### BEGIN HIDDEN TESTS
    shifted = 1000 + 50 * np.random.default_rng(9).standard_normal((2, 4, 3, 3))
    out, _ = group_norm_forward(shifted, np.ones(4), np.zeros(4), 2)
    check_7("every group has mean 0", out.reshape(4, -1).mean(axis=1), np.zeros(4), atol=1e-8)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %% [markdown]
# ## 8. A net for images
#
# Put together, these layers make a net of the kind of LeNet-5, with which Yann LeCun and others
# read handwritten digits in 1998: convolutions find what is in a place, something bent makes them
# more than a linear map (ReLU here, a scaled tanh then), pooling makes the image smaller (by maxima
# here, by sums then), and affine layers at the end tell the classes apart.
#
# ### Exercise 8: a net (3 points)
#
# Build it of the library's layers `Conv`, `ReLU`, `MaxPool` and `Affine`, in a `Sequential`:
#
# | layer | what it does |
# |---|---|
# | `Conv` | 16 kernels of 3 × 3, padded so that the image keeps its size |
# | `ReLU`, `MaxPool` | windows of 2, 2 apart |
# | `Conv` | 32 kernels of 3 × 3, padded likewise |
# | `ReLU`, `MaxPool` | windows of 2, 2 apart |
# | `Affine` | a score for each class |
#
# The convolutions are called as `Conv(channels in, channels out, size, pad=…)`. `Affine` flattens
# images by itself; how many numbers does an image have when it gets there? The last layer begins
# with small weights, `init=plain_normal(0.001)`. Give each layer with weights the arguments
# `rng=rng` and `dtype=np.float32`.


# %% nbgrader={"grade_id": "net", "solution": true}
def conv_net(channels, side, classes, seed=0):
    """A net for images (N, channels, side, side), with side a multiple of 4.

    Returns a Sequential of seven layers, in float32.
    """
    rng = np.random.default_rng(seed)
    ### BEGIN SOLUTION
    return Sequential(
        Conv(channels, 16, 3, pad=1, rng=rng, dtype=np.float32),
        ReLU(),
        MaxPool(2),
        Conv(16, 32, 3, pad=1, rng=rng, dtype=np.float32),
        ReLU(),
        MaxPool(2),
        Affine(32 * (side // 4) ** 2, classes, init=plain_normal(0.001), rng=rng, dtype=np.float32),
    )
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-8", "points": 3}
with exercise(8, "a net", conv_net, points=3) as check_8:
    net = conv_net(3, 32, 10)
    check_8.true(
        "it is a Sequential",
        None if net is None else isinstance(net, Sequential),
        why=f"what came is a {type(net).__name__}",
    )
    kinds = [type(layer).__name__ for layer in net.layers]
    asked = ["Conv", "ReLU", "MaxPool", "Conv", "ReLU", "MaxPool", "Affine"]
    check_8.true("its layers are those of the table", kinds == asked, why=f"they are {kinds}")
    if check_8.verdict != "wrong":
        sizes = [sum(array.size for array in layer.params.values()) for layer in net.layers]
        check_8(
            "weights and biases of the seven layers, for colour images of 32 × 32",
            sizes,
            [448, 0, 0, 4640, 0, 0, 20490],
            mistakes=[
                (
                    [448, 0, 0, 4640, 0, 0, 327690],
                    "the affine layer takes images of 32 × 32; pooling halves them",
                ),
                (
                    [448, 0, 0, 4640, 0, 0, 81930],
                    "the affine layer takes images of 16 × 16; there are two poolings",
                ),
                (
                    [448, 0, 0, 4640, 0, 0, 650],
                    "the affine layer takes one channel of 8 × 8 numbers; there are 32 channels",
                ),
                (
                    [448, 0, 0, 4640, 0, 0, 2570],
                    "the affine layer takes 8 numbers of each channel; a channel has 8 × 8",
                ),
                (
                    [896, 0, 0, 9248, 0, 0, 20490],
                    "the first layer has 32 kernels; 16 are asked for",
                ),
                (
                    [448, 0, 0, 2320, 0, 0, 10250],
                    "the second convolution has 16 kernels; 32 are asked for",
                ),
                ([1216, 0, 0, 12832, 0, 0, 20490], "the kernels are 5 × 5; 3 × 3 is asked for"),
                ([448, 0, 0, 896, 0, 0, 20490], "the second layer looks at 3 channels; it gets 16"),
            ],
            hint="a kernel has as many channels as the image it looks at, and each has a bias",
        )
        images = np.random.default_rng(10).standard_normal((20, 3, 32, 32)).astype(np.float32)
        labels = np.arange(20) % 10
        scores, _ = check_8.returns(net.forward(images), "scores", "cache")
        check_8.true(
            "20 images in, scores of shape (20, 10) out",
            scores.shape == (20, 10),
            why=f"their shape is {scores.shape}",
        )
        check_8.true(
            "in float32",
            all(array.dtype == np.float32 for array in net.params.values()),
            why="some weights are float64: each layer with weights takes dtype=np.float32",
        )
        check_8(
            "the spread of the last weights",
            net.layers[-1].params["W"].std(),
            0.001,
            rtol=0.05,
            hint="init=plain_normal(0.001), in the last layer",
        )
        loss, _ = Classifier(net).loss(images, labels)
        check_8(
            "a fresh net guesses: its loss is log 10",
            loss,
            np.log(10),
            atol=0.05,
            hint="the init of the last layer: with small scores all classes are about as likely",
        )
        small_net = conv_net(1, 8, 7, seed=1)
        out, _ = small_net.forward(np.zeros((2, 1, 8, 8), np.float32))
        check_8.true(
            "a net for grey images of 8 × 8 and seven classes gives scores of shape (2, 7)",
            out.shape == (2, 7),
            why=f"their shape is {out.shape}",
        )
        same = conv_net(1, 8, 7, seed=1)
        check_8.true(
            "another seed gives other weights, the same seed the same",
            all(np.array_equal(same.params[name], small_net.params[name]) for name in same.params)
            and not np.array_equal(
                conv_net(1, 8, 7).layers[0].params["W"], same.layers[0].params["W"]
            ),
            "rng=rng, in each layer with weights",
        )
    ### BEGIN HIDDEN TESTS
    out, _ = conv_net(2, 12, 3).forward(np.zeros((1, 2, 12, 12), np.float32))
    check_8.true("sheets of 12 × 12, three classes", out.shape == (1, 3))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_8.require()
### END HIDDEN TESTS

# %% [markdown]
# Two questions to ask of every new net before it is trained in earnest. *Is the loss of a fresh net
# what it should be?* The check has asked: $\log 10 \approx 2.30$ for ten classes and small scores.
# *Can it learn a handful by heart?* If a net does not come near a loss of 0 on twenty images, look
# for a mistake. The twenty here have the shape of those of CIFAR-10, and are pure noise: there is
# nothing in them to understand, and a net that is large enough learns them all the same.

# %%
if check_8.opens("the test of a handful"):
    numbers = np.random.default_rng(10)
    noise = numbers.standard_normal((20, 3, 32, 32)).astype(np.float32)
    labels = numbers.integers(0, 10, 20)
    model, rule = Classifier(conv_net(3, 32, 10)), Adam(lr=3e-3)
    for step in range(31):
        loss, grads = model.loss(noise, labels)
        if step % 5 == 0:
            print(f"step {step:2}: loss {loss:.4f}")
        rule.update(model.params, grads)
    print(f"right: {100 * model.score(noise, labels):.0f} %")

# %% [markdown]
# Now back to the sheets of the beginning.


# %%
def net_for_sheets():
    """Your net, or one of the library's until it is right."""
    if check_8.verdict == "right":
        return conv_net(1, SIDE, 10)
    return ConvNet((1, SIDE, SIDE), 10, channels=(16, 32), hidden=(), rng=0, dtype=np.float32)


print(f"With {'your net' if check_8.verdict == 'right' else 'nets.ConvNet, for now'}.")
reader, other = net_for_sheets(), net_for_sheets()
for name, net, data in (("sheets", reader, sheets), ("shuffled sheets", other, shuffled_sheets)):
    print(f"convolutions, {name:16} {test_accuracy(net, data, epochs=20):.0f} % right")
for name, net in (("convolutions", reader), ("affine layers", MLP([SIDE * SIDE, 64, 10]))):
    print(f"{name}: {sum(array.size for array in net.params.values()):,} weights and biases")

# %% [markdown]
# On the sheets it does far better than the affine layers did, for a stroke is the same stroke
# wherever it is. Where the pixels are shuffled, what it assumes is false, and the advantage is
# gone.
#
# ## 9. What it looks at
#
# **The kernels.** The first layer sees the image itself, so its kernels can be looked at: light is
# positive, dark negative. Below them is what they answer to a sheet, after the ReLU.

# %% jupyter={"source_hidden": true}
sheet = sheets.x_test[:1]
first = next(layer for layer in reader.layers if isinstance(layer, Conv))
answers = np.maximum(first.forward(sheet)[0], 0)
kernels = first.params["W"][:, 0]
limit = np.abs(kernels).max()
fig, axes = plt.subplots(2, 9, figsize=(10, 2.6), layout="constrained")
axes[0, 0].axis("off")
axes[1, 0].imshow(sheet[0, 0], cmap="gray")
axes[1, 0].set(xticks=[], yticks=[], title=f"a {sheets.y_test[0]}")
for (top, bottom), kernel, answer in zip(axes.T[1:], kernels, answers[0], strict=False):
    top.imshow(kernel, cmap="gray", vmin=-limit, vmax=limit)
    bottom.imshow(answer, cmap="gray", vmin=0, vmax=answers.max())
    for ax in (top, bottom):
        ax.set(xticks=[], yticks=[])
fig.suptitle("eight of the sixteen kernels, and their answers")
plt.show()

# %% [markdown]
# **The gradient.** Deeper kernels look at the answers of other kernels, and a picture of them says
# little. Ask otherwise: *which pixels would change the score of a class, if one moved them a
# little?* That is a gradient, of the score by the image. For training we go back from the loss to
# the weights; the same pass goes on to the image, where we have always thrown it away. Karen
# Simonyan and others, who made such pictures in 2013, call them **saliency maps**: for each pixel
# the absolute value of the gradient, and of a colour image the largest of its channels.
#
# ### Exercise 9: saliency (3 points)
#
# `net.forward(x, train=False)` gives scores (N, classes) and a cache, and `net.backward(dout,
# cache)` gives dx and grads. Which dout asks for the score of class $y_n$, in row $n$, alone? (It
# is the score that is meant, not the loss.)


# %% nbgrader={"grade_id": "saliency", "solution": true}
def saliency(net, x, y):
    """How much the score of class y[n] depends on each pixel of image n.

    x: (N, C, H, W).   y: (N,), whole numbers.   Returns an array (N, H, W).
    """
    ### BEGIN SOLUTION
    scores, cache = net.forward(x, train=False)
    dout = np.zeros_like(scores)
    dout[np.arange(len(x)), y] = 1
    dx, _ = net.backward(dout, cache)
    return np.abs(dx).max(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-9", "points": 3}
with exercise(9, "saliency", saliency, points=3) as check_9:
    affine = Affine(8, 3)
    W = np.array(
        [
            [1, -2, 3],
            [-4, 5, 0],
            [2, 2, -6],
            [0, -1, 1],
            [-3, 1, 2],
            [2, -7, 4],
            [1, 0, -2],
            [5, 3, -1],
        ]
    ).astype(float)
    affine.params["W"][...] = W
    one_layer = Sequential(affine)
    x = np.array([[[[0.5, -1.0], [0.0, 0.25]], [[1.0, 0.0], [-0.5, 0.5]]]] * 2)
    x[1] *= -0.5
    y = np.array([0, 2])
    slopes = W.T[y].reshape(2, 2, 2, 2)
    scores, cache = one_layer.forward(x)

    def of(dscores):
        return one_layer.backward(dscores, cache)[0]

    given = x.copy()
    found = saliency(one_layer, x, y)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    hot = np.eye(3)[y]
    of_loss, of_probability = of(p - hot), of(p[np.arange(2), y][:, None] * (hot - p))
    check_9(
        "two images of two channels, a net of one affine layer: the weights themselves",
        found,
        np.abs(slopes).max(axis=1),
        mistakes=[
            (slopes.max(axis=1), "the absolute value is missing"),
            (np.abs(slopes.max(axis=1)), "the absolute value is taken after the maximum"),
            (np.abs(slopes), "the channels are still there: take the largest of them"),
            (slopes, "that is dx itself: absolute value and maximum are missing"),
            (np.abs(slopes).sum(axis=1), "the channels are summed; take the largest"),
            (np.abs(slopes).mean(axis=1), "that is the mean of the channels; take the largest"),
            (np.abs(slopes.sum(axis=1)), "the channels are summed; take the largest"),
            (np.abs(slopes).min(axis=1), "that is the smallest of the channels"),
            (
                np.square(slopes).max(axis=1),
                "the slopes are squared; their absolute values are meant",
            ),
            (np.abs(slopes).max(axis=1) * [[[0.0]], [[1.0]]], "the first image gets nothing"),
            (np.abs(slopes).max(axis=1) * [[[1.0]], [[0.0]]], "the last image gets nothing"),
            (np.abs(slopes).max(axis=0), "the largest over the images; each has a map of its own"),
            (np.abs(slopes).max(), "the largest of everything; each pixel has a number of its own"),
            (
                np.abs(of(np.ones((2, 3)))).max(axis=1),
                "that is the gradient of the sum of all scores",
            ),
            (np.abs(of(scores * hot)).max(axis=1), "the gradient is multiplied by the score"),
            (np.abs(of(scores)).max(axis=1), "the scores themselves stand in the place of dout"),
            (np.abs(of_loss).max(axis=1), "that is the gradient of the loss; the score is meant"),
            (
                np.abs(of_loss).max(axis=1) / 2,
                "that is the gradient of the mean loss; the score is meant",
            ),
            (
                np.abs(of_probability).max(axis=1),
                "that is the gradient of the probability; the score is meant",
            ),
            (
                np.abs(W.T[[0, 0]].reshape(2, 2, 2, 2)).max(axis=1),
                "row 1 is asked for class 0, too",
            ),
            (
                np.abs(W.T[[2, 2]].reshape(2, 2, 2, 2)).max(axis=1),
                "row 0 is asked for class 2, too",
            ),
            (
                np.abs(of(np.ones((2, 1)) * (hot.sum(axis=0) > 0))).max(axis=1),
                "both classes are asked for in both rows: a row has a class of its own",
            ),
            (
                np.abs(of(np.eye(3)[scores.argmax(axis=1)])).max(axis=1),
                "that is for the class with the largest score; y says which class is meant",
            ),
            (np.abs(of(hot / 2)).max(axis=1), "that is for the mean over the images"),
            (
                np.abs(slopes).max(axis=3),
                "the largest along each row of pixels, not of the channels",
            ),
            (
                np.abs(slopes).max(axis=2),
                "the largest of each column of pixels, not of the channels",
            ),
            (np.abs(slopes).max(axis=(2, 3)), "the largest pixel of each channel; keep the pixels"),
            (np.abs(slopes * x).max(axis=1), "the gradient is multiplied by the image"),
        ],
        hint="which number of dout is not 0 in each row, and which axis of dx holds the channels",
    )
    check_9("x is left as it was", x, given, hint="which line writes into x")
    if check_9.verdict != "wrong":
        numbers = np.random.default_rng(11)
        net = Sequential(Conv(3, 4, 3, pad=1, rng=1), ReLU(), MaxPool(2), Affine(16, 5, rng=2))
        x, y = numbers.standard_normal((2, 3, 4, 4)), np.array([4, 1])
        step, slope = 1e-6, np.zeros_like(x)
        for at in np.ndindex(x.shape):
            moved = x.copy()
            moved[at] += step
            up = net.forward(moved)[0][at[0], y[at[0]]]
            slope[at] = (up - net.forward(x)[0][at[0], y[at[0]]]) / step
        check_9(
            "a convolution, by differences",
            saliency(net, x, y),
            np.abs(slope).max(axis=1),
            rtol=1e-4,
            atol=1e-6,
        )
        dropping = Sequential(Dropout(0.5, rng=3), affine)
        pixels = numbers.standard_normal((2, 2, 2, 2))
        check_9(
            "a net with dropout: nothing is dropped when it is asked",
            saliency(dropping, pixels, np.array([0, 2])),
            np.abs(slopes).max(axis=1),
            hint="train=False",
        )
    ### BEGIN HIDDEN TESTS
    labels = np.array([1])
    check_9("one image", saliency(one_layer, x[:1, :2, :2, :2], labels)[0], [[2, 7], [2, 3]])
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_9.require()
### END HIDDEN TESTS

# %% [markdown]
# Here is what the net looks at: six sheets that it reads rightly, and six that it does not. Below
# each, in red, stands the saliency of the class that the net *says*.

# %% jupyter={"source_hidden": true}
if check_9.opens("this picture"):
    said = Classifier(reader).predict(sheets.x_test)
    good, bad = (np.flatnonzero((said == sheets.y_test) == right)[:6] for right in (True, False))
    fig, axes = plt.subplots(2, 12, figsize=(12, 2.6), layout="constrained")
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    for (top, bottom), at in zip(axes.T, [*good, *bad], strict=False):
        top.imshow(sheets.x_test[at, 0], cmap="gray_r")
        bottom.imshow(saliency(reader, sheets.x_test[[at]], said[[at]])[0], cmap="Reds")
        colour = "black" if said[at] == sheets.y_test[at] else "#c62f3b"
        top.set_title(f"{sheets.y_test[at]}, says {said[at]}", fontsize=9, color=colour)
    plt.show()

# %% [markdown]
# The library has these pictures, too: `pictures.kernels`, `pictures.feature_maps` and
# `pictures.saliency_maps`. `nets.ConvNet` builds nets such as yours, and `chainrule train --net
# cnn` trains them.

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** (a) Why does one take the gradient of the score and not of the probability? Think
# of an image whose class the net is sure of. (b) A pixel in an empty corner of the sheet has a
# large gradient. Is that a mistake? What does the map say about it, and what does it not say?
#
# ### BEGIN SOLUTION
# (a) The probability $p$ of a class changes with its own score by $p\,(1 - p)$, and with the others
# by $-p\,p_j$. Where $p$ is nearly 1, all of these are nearly 0: the map would be faint just where
# the net is sure. And it would mix in the other classes: a pixel may matter because it speaks
# against another class.
#
# (b) It is no mistake. The map says what a *small change* of the pixel would do to the score: ink
# in that corner would raise or lower it. It does not say that the pixel has contributed to the
# score as it is, since the pixel is 0. A gradient is a sensitivity (homework 1), and says nothing
# of large changes, or of how the score came about.
# ### END SOLUTION

# %%
model_answer("10-convolution", 3)

# %% [markdown]
# ## Go further
#
# Three exercises without points.
#
# ### Go further 1: groups of kernels
#
# A convolution with $G$ **groups** divides the channels that come in into $G$ groups of neighbours,
# and the kernels, too: the first $F/G$ kernels look at the first group alone, the next at the
# second. So $W$ has the shape $(F, C/G, k, k)$, and the layer has $1/G$ of the weights. With $G =
# C$ every kernel looks at one channel. This is a **depthwise** convolution; with a 1 × 1
# convolution behind it, it is what MobileNets, nets for telephones, are built of. Write it with
# `convolve`.


# %% nbgrader={"grade_id": "further-1", "solution": true}
def grouped(x, W, groups, pad=0):
    """A convolution in groups.   x: (N, C, H, W).   W: (F, C / groups, k, k).

    Returns out (N, F, H', W').
    """
    ### BEGIN SOLUTION
    parts = zip(np.split(x, groups, axis=1), np.split(W, groups), strict=True)
    return np.concatenate([convolve(part, kernels, pad=pad) for part, kernels in parts], axis=1)
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "groups of kernels", grouped) as go_1:
    numbers = np.random.default_rng(12)
    x, W = numbers.standard_normal((2, 4, 4, 4)), numbers.standard_normal((6, 2, 3, 3))
    library = Conv(4, 6, 3, pad=1, groups=2, bias=False)
    library.params["W"][...] = W
    right, _ = library.forward(x)
    mixed = convolve(x[:, ::2], W[:3], pad=1), convolve(x[:, 1::2], W[3:], pad=1)
    go_1(
        "four channels in two groups, six kernels",
        grouped(x, W, 2, pad=1),
        right,
        mistakes=[
            (convolve(x[:, :2], W, pad=1), "all kernels look at the first group"),
            (convolve(x[:, 2:], W, pad=1), "all kernels look at the last group"),
            (np.concatenate(mixed, axis=1), "a group holds every second channel, not neighbours"),
            (right[:, 3:], "that is the last group alone"),
            (right[:, :3], "that is the first group alone"),
            (right[:, :3] + right[:, 3:], "the groups are summed; each has channels of its own"),
            (
                right.reshape(2, 2, 3, 4, 4).transpose(0, 2, 1, 3, 4).reshape(right.shape),
                "the channels of out take turns between the groups; they are to stay together",
            ),
            (
                np.concatenate([right[:, :3], right[:, 3:]]).reshape(right.shape),
                "the groups are joined along the images",
            ),
        ],
        hint="which channels kernel 4 looks at",
    )
    x, W = numbers.standard_normal((1, 3, 4, 5)), numbers.standard_normal((3, 1, 2, 2))
    library = Conv(3, 3, 2, groups=3, bias=False)
    library.params["W"][...] = W
    go_1("depthwise, three channels", grouped(x, W, 3), library.forward(x)[0])

# %% [markdown]
# ### Go further 2: up again
#
# A net that draws images has to make them larger. A **transposed convolution** does what dx of a
# convolution does: every number of a small image lays down the kernel, times that number, in a
# large one, $s$ pixels apart; where kernels overlap, they add up. Without padding, out has $(H - 1)
# s + k$ rows. Its weights have the shape $(C, F, k, k)$, as of the convolution that it goes back
# through.


# %% nbgrader={"grade_id": "further-2", "solution": true}
def conv_transpose(x, W, stride):
    """A transposed convolution without padding.   x: (N, C, H, W).   W: (C, F, k, k).

    Returns out (N, F, H', W') with H' = (H − 1) stride + k, and W' likewise.
    """
    ### BEGIN SOLUTION
    N, _, H, width = x.shape
    F, k = W.shape[1], W.shape[2]
    out = np.zeros((N, F, (H - 1) * stride + k, (width - 1) * stride + k))
    for n, c, i, j in np.ndindex(x.shape):
        y, z = i * stride, j * stride
        out[n, :, y : y + k, z : z + k] += x[n, c, i, j] * W[c]
    return out
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "up again", conv_transpose) as go_2:
    x = np.array([[[[1.0, 2.0], [3.0, -1.0]]]])
    W = np.array([[[[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, -1.0]]]])

    def laid(x, W, stride, add=True, steps=None):
        """Kernels laid down `stride` apart, or `steps` apart, added or overwritten."""
        k, steps = W.shape[2], steps or stride
        out = np.zeros((len(x), W.shape[1], *((n - 1) * stride + k for n in x.shape[2:])))
        for n, c, i, j in np.ndindex(x.shape):
            at = n, slice(None), slice(i * steps, i * steps + k), slice(j * steps, j * steps + k)
            out[at] = out[at] * add + x[n, c, i, j] * W[c]
        return out

    go_2(
        "2 × 2 pixels, a kernel of 3 × 3, stride 2: 5 × 5",
        conv_transpose(x.copy(), W.copy(), 2),
        [
            [
                [
                    [1, 2, 2, 4, 0],
                    [0, 3, 1, 6, 2],
                    [5, 6, 2, -2, -2],
                    [0, 9, 3, -3, -1],
                    [6, 0, -5, 0, 1],
                ]
            ]
        ],
        mistakes=[
            (laid(x, W, 2, add=False), "a later kernel has overwritten an earlier one"),
            (laid(x, W, 2, steps=1), "the kernels are laid one apart, not two"),
            (laid(x, W, 1), "the kernels are laid one apart, not two"),
            (laid(x, turned(W), 2), "the kernel is turned round"),
            (laid(x, W.transpose(0, 1, 3, 2), 2), "rows and columns of the kernel are exchanged"),
        ],
        hint="the pixel in the middle of out, on which all four kernels lie",
    )
    numbers = np.random.default_rng(13)
    x, W = numbers.standard_normal((2, 3, 3, 4)), numbers.standard_normal((3, 2, 2, 2))
    layer = Conv(2, 3, 2, stride=2, bias=False)
    layer.params["W"][...] = W
    _, cache = layer.forward(np.zeros((2, 2, 6, 8)))
    go_2(
        "what the library's convolution sends back",
        conv_transpose(x, W, 2),
        layer.backward(x, cache)[0],
        mistakes=[
            (laid(x[:, :1], W[:1], 2), "that is the first channel alone; the channels add up"),
            (laid(x[:, 2:], W[2:], 2), "that is the last channel alone; the channels add up"),
            (laid(x, W, 2) / 3, "that is the mean over the channels; they add up"),
        ],
        hint="channels: x has three, and out two",
    )

# %% [markdown]
# ### Go further 3: how far a net sees
#
# A number after two layers of 3 × 3 kernels sees 3 × 3 numbers of the first layer, and these
# together see 5 × 5 pixels. The side of the square of pixels that a number depends on is its
# **receptive field**. Find the rule, for a row of layers with windows of size $k_l$ and strides
# $s_l$. It helps to know how far apart, in pixels, two neighbours after each layer look.


# %% nbgrader={"grade_id": "further-3", "solution": true}
def receptive_field(windows):
    """windows: pairs (size, stride) of the layers, in order.   Returns the side, in pixels."""
    ### BEGIN SOLUTION
    side, apart = 1, 1
    for size, stride in windows:
        side += (size - 1) * apart
        apart *= stride
    return side
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(3, "how far a net sees", receptive_field) as go_3:
    go_3("no layer at all", receptive_field([]), 1)
    go_3("one layer of 3 × 3", receptive_field([(3, 1)]), 3)
    go_3(
        "two layers of 3 × 3",
        receptive_field([(3, 1), (3, 1)]),
        5,
        mistakes=[(6, "the sizes are summed; windows overlap"), (9, "the sizes are multiplied")],
        hint="a row of pixels, with the windows drawn below it",
    )
    go_3(
        "the net of exercise 8, up to its affine layer",
        receptive_field([(3, 1), (2, 2), (3, 1), (2, 2)]),
        10,
        mistakes=[
            (7, "the strides are left out: after a stride of 2, neighbours look 2 pixels apart"),
            (13, "a layer's own stride counts from the next layer on"),
            (8, "the last pooling looks at numbers that are 2 pixels apart, too"),
        ],
        hint="how far apart two neighbours after the first pooling look",
    )
    go_3(
        "the first layers of a ResNet: 7 × 7 with stride 2, 3 × 3 with stride 2, twice 3 × 3",
        receptive_field([(7, 2), (3, 2), (3, 1), (3, 1)]),
        27,
        hint="how far apart, in pixels, two neighbours look after each of the layers",
    )

# %% [markdown]
# Your formula, and the picture of the net itself: for one number in the middle, after the second
# pooling, how large its gradient by each pixel is, on average over random sheets of 32 × 32.

# %% jupyter={"source_hidden": true}
if check_8.opens("this picture") and go_3.opens("this picture"):
    seeing = Sequential(*conv_net(1, 32, 10).layers[:-1])
    sheet = np.random.default_rng(14).standard_normal((200, 1, 32, 32)).astype(np.float32)
    out, cache = seeing.forward(sheet)
    dout = np.zeros_like(out)
    dout[:, :, 4, 4] = 1
    reached = np.abs(seeing.backward(dout, cache)[0]).mean(axis=(0, 1))
    side = np.flatnonzero(reached.any(axis=1)).size
    fig, ax = plt.subplots(figsize=(3.6, 3.6), layout="constrained")
    ax.imshow(reached, cmap="Reds")
    ax.set(title=f"{side} pixels; your formula says {receptive_field([(3, 1), (2, 2)] * 2)}")
    plt.show()

# %% [markdown]
# ## What to keep
#
# - A convolution uses the same few weights at every place. What comes out has $H' = \lfloor (H +
#   2p - k) / s \rfloor + 1$ rows.
# - **Shared means summed.** The gradient of a weight is a sum over all places and images, that of a
#   pixel a sum over all windows and kernels: `+=`, never `=`.
# - With a stride of 1, dx is dout convolved with the turned kernel, and dW is the image convolved
#   with dout.
# - Max pooling routes the gradient, average pooling divides it, and windows that overlap add.
# - im2col makes a convolution one matrix product, for the price of memory.
# - Batch, layer, group and instance norm are one formula over four sets of numbers. Where $\gamma$
#   differs within the set, it goes inside.
# - A fresh net with small scores has a loss of $\log C$, and can learn twenty images by heart.
# - The gradient by the image shows what a score is sensitive to.
#
# *Sources: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998; Wu and
# He, "Group Normalization", 2018; Simonyan et al., "Deep Inside Convolutional Networks", 2013; the
# numbers of exercises 2, 5 and 6: CS231n, Stanford, assignment 2; Howard et al., "MobileNets",
# 2017.*
