# %% [markdown]
# # 1. Derivatives and sensitivity
#
# A network that reads handwritten digits holds thousands of numbers that can be adjusted. Training
# asks the same question of each of them, over and over: **if this number grows by a hair, how much
# does the loss grow?** The answer is a derivative. This homework is about that one idea: what the
# answer means, how to get it from nothing but values of the function, and how far to trust it.
#
# **How a homework works.** Where a cell says `raise NotImplementedError  # your code here`, write
# your code in the place of that line, and run the cell (Shift+Enter). The cell below it checks
# what you wrote and says what is right, what is not, and often why. Run both as often as you like.
# Questions in prose are answered in the cell that asks them. This homework takes about 90 minutes.
# Cells that only draw or show an answer are folded, as are the checks: a click on the dots unfolds
# one.
#
# ## A puzzle
#
# The derivative is a limit: a smaller step gives a better answer. Let us ask for the derivative of
# $e^x$ at $x = 1$, which is $e = 2.71828\ldots$, with smaller and smaller steps $h$.

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from chainrule.gradcheck import check, check_functions, numerical_gradient
from chainrule.layers import ELU, ReLU
from chainrule.nets import circuits
from chainrule.notebooks import exercise, further, model_answer
from chainrule.pictures.gradients import step_size_picture

rng = np.random.default_rng(1)
BLUE, ORANGE = "#2166ac", "#d95f02"

print("step h     (f(1 + h) - f(1)) / h    error")
for power in range(1, 17):
    h = 10.0**-power
    slope = (np.exp(1 + h) - np.exp(1)) / h
    print(f"1e-{power:02}      {slope:.12f}           {abs(slope - np.e):.0e}")

# %% [markdown]
# It starts well: a step ten times smaller, an error ten times smaller. Beyond $10^{-8}$ it turns
# round, and at $10^{-16}$ the slope is 0. The limit is right and the computer works. By the end of
# part 4 you will know why this happens, where the best $h$ is, and a way round the trouble.

# %% [markdown]
# ## Part 1. The slope as a limit
#
# Move $x$ by $h$ and see how far $f$ moves. The ratio is the **difference quotient**, and the
# derivative is what it tends to:
#
# $$f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x)}{h}$$
#
# We cannot put $h = 0$ in here: that is $0/0$. The trick is always the same. Simplify the quotient
# first, until $h$ has gone from the denominator. For $f(x) = x^2$:
#
# $$\frac{(x + h)^2 - x^2}{h} = \frac{2 x h + h^2}{h} = 2x + h
#   \qquad\text{and now } h \to 0:\qquad f'(x) = 2x$$
#
# ### Exercise 1: two quotients (3 points)
#
# Simplify the quotient of $x^3$ and that of $1/x$ in the same way, with pencil and paper. Your
# functions return the simplified form. They must not divide by $h$, so that they can be called
# with $h = 0$ as well: then they return the derivative.


# %% nbgrader={"grade_id": "quotients", "solution": true}
def cube_quotient(x, h):
    """((x + h)³ - x³) / h, simplified.   x, h: numbers, h may be 0.   Returns a number."""
    ### BEGIN SOLUTION
    return 3 * x**2 + 3 * x * h + h**2
    ### END SOLUTION


def reciprocal_quotient(x, h):
    """(1 / (x + h) - 1 / x) / h, simplified.   x, h: as above, x ≠ 0."""
    ### BEGIN SOLUTION
    return -1 / (x * (x + h))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-1", "points": 3}
with exercise(1, "two quotients", cube_quotient, reciprocal_quotient, points=3) as check_1:
    check_1(
        "from 2 to 5, a step of 3, x³ grows from 8 to 125: the quotient is 39",
        cube_quotient(2.0, 3.0),
        39.0,
        hint="(x + h)³ = x³ + 3 x² h + 3 x h² + h³: which terms are left, and what is each over h?",
        mistakes=[
            (12.0, "this is the limit, 3 x²: at h = 3 two more terms are there"),
            (30.0, "the term from h³ is missing"),
            (21.0, "the middle term is missing, that from 3 x h²"),
            (27.0, "the middle term is a third of what it should be: it comes from 3 x h²"),
            (33.0, "one of the terms has lost a power: the first has x² in it, the last h²"),
            (117.0, "this is x³ at 5 less x³ at 2, not yet divided by h"),
        ],
    )
    check_1(
        "at h = 0 it is the derivative of x³: 12 at x = 2",
        cube_quotient(2.0, 0.0),
        12.0,
        hint="what is left of your terms where h is 0",
        mistakes=[(0.0, "at h = 0 nothing is left: is there still a factor h in each term?")],
    )
    check_1(
        "from 2 to 5, a step of 3, 1/x falls from 0.5 to 0.2: the quotient is -0.1",
        reciprocal_quotient(2.0, 3.0),
        -0.1,
        hint="1 / (x + h) - 1 / x over one denominator: what is left above?",
        mistakes=[
            (0.1, "the sign: 1 / (x + h) is less than 1 / x, so the quotient is negative"),
            (-0.25, "this is the limit, -1 / x²: at h = 3 it is another number"),
            (-0.3, "this is the change of 1/x, not yet divided by h"),
            (-0.04, "this is -1 / (x + h)², the slope at the end of the step"),
            (-0.2, "this is -1 / (x + h): the common denominator has another factor"),
            (-1 / 7, "1/7 is 1 / (x² + h), or 1 / (2x + h): what is x (x + h)?"),
            (-2.5, "this is -(x + h) / x: in Python / x * (x + h) divides by x alone"),
        ],
    )
    check_1(
        "at h = 0 it is the derivative of 1/x: -0.25 at x = 2",
        reciprocal_quotient(2.0, 0.0),
        -0.25,
        hint="what is left of the denominator where h is 0",
    )
    ### BEGIN HIDDEN TESTS
    check_1("x³ from -2 to 1", cube_quotient(-2.0, 3.0), 3.0)
    check_1("1/x from -4 to -2", reciprocal_quotient(-4.0, 2.0), -0.125)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_1.require()
### END HIDDEN TESTS

# %% [markdown]
# ## Part 2. The slope as sensitivity
#
# Read the limit from right to left. For a small $h$ the quotient is nearly $f'(x)$, and so
#
# $$f(x + h) \approx f(x) + h \, f'(x)$$
#
# The derivative is an **exchange rate**: a change of $h$ in $x$ is worth $h \, f'(x)$ in $f$. A
# slope of $20$ says: turn this knob by $0.01$, and $f$ moves by about $0.2$. A slope of $-0.5$
# says: $f$ falls, and half as fast as $x$ grows. A slope of $0.001$ says: a small step here hardly
# matters.
#
# Why is a straight line good enough? Because every smooth curve looks straight from near by. Here
# is $f(x) = \sin 3x + x^2$ around 0.8, from ever nearer, with the line that the slope there gives:


# %% jupyter={"source_hidden": true}
def curve(x):
    return np.sin(3 * x) + x**2


at, slope = 0.8, 3 * np.cos(3 * 0.8) + 2 * 0.8
fig, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for ax, width in zip(axes, (1.0, 0.2, 0.04), strict=True):
    x = np.linspace(at - width, at + width, 200)
    ax.plot(x, curve(x), color=BLUE, lw=2, label="f(x)")
    ax.plot(x, curve(at) + (x - at) * slope, "--", color=ORANGE, label="f(0.8) + h f'(0.8)")
    ax.plot([at], [curve(at)], "o", color="black", ms=6)
    ax.set_title(f"0.8 ± {width:g}")
    ax.set_xlabel("x")
axes[0].set_ylabel("f(x)")
axes[0].legend(frameon=False, fontsize=9)
plt.show()

# %% [markdown]
# From near by only. The slope at 0.8 is $-0.61$: downhill. Yet a whole unit to the right $f$ has
# risen, from 1.32 to 2.47. **Of large changes a derivative alone tells nothing.** (It does if one
# knows more of $f$: that it is a straight line, say, or that it bends upwards everywhere.)
#
# ### Exercise 2: the exchange rate at work (3 points)
#
# Two questions, and you need no function for either, only its value and its slope at one point.
#
# - What is $f$'s new value, about, if $x$ moves by $h$?
# - By how much has $x$ to move so that $f$ changes by a wanted amount? (Training asks this one: it
#   wants the loss to fall.)


# %% nbgrader={"grade_id": "exchange", "solution": true}
def linear_estimate(value, slope, h):
    """About what f's new value, f(x + h), is.   value: f(x); slope: f'(x); h: all numbers.
    Returns a number."""
    ### BEGIN SOLUTION
    return value + h * slope
    ### END SOLUTION


def step_for(change, slope):
    """The h for which f(x + h) is about f(x) + change.   change; slope: f'(x), not 0: numbers.
    Returns a number."""
    ### BEGIN SOLUTION
    return change / slope
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-2", "points": 3}
with exercise(2, "the exchange rate at work", linear_estimate, step_for, points=3) as check_2:
    check_2(
        "√4 = 2 with slope 1/4, so √4.1 is about 2.025 (it is 2.02485)",
        linear_estimate(2.0, 0.25, 0.1),
        2.025,
        hint="what a move of 0.1 in x is worth in f, at an exchange rate of 1/4",
        mistakes=[
            (2.1, "f has moved as far as x: the slope says a quarter as far"),
            (2.25, "f has moved by the whole slope: a step of 0.1 is worth a tenth of it"),
            (2.35, "f has moved by slope + h: what is a step of h worth?"),
            (2.4, "f has moved by h over the slope: what is a step of h worth?"),
            (4.5, "f has moved by slope over h: what is a step of h worth?"),
            (0.025, "this is the change of f alone, without f(x)"),
            (1.975, "the sign: a positive slope and a positive step make f grow"),
        ],
    )
    check_2(
        "a loss of 0.7 with slope -2 comes to 0.68 after a step of 0.01",
        linear_estimate(0.7, -2.0, 0.01),
        0.68,
        hint="a negative slope and a positive step: which way does f go?",
        mistakes=[
            (0.72, "the loss has risen: at a negative slope a step to the right lowers it"),
            (-0.02, "this is the change of f alone, without f(x)"),
        ],
    )
    check_2(
        "slope 4: to lower f by 0.1, move x by -0.025",
        step_for(-0.1, 4.0),
        -0.025,
        hint="for which h is h · slope the change that is wanted?",
        mistakes=[
            (-0.4, "this is change · slope, what f would do if x moved by -0.1"),
            (0.025, "the sign: where f grows with x, lowering f means going back"),
            (-40.0, "this is slope / change: upside down"),
            (-4.1, "this is change - slope: how much is a step of h worth?"),
            (-1.0, "-1 is what // makes of -0.025: it rounds down to a whole number"),
        ],
    )
    check_2(
        "slope -2: to lower f by 0.1, move x by +0.05",
        step_for(-0.1, -2.0),
        0.05,
        hint="where f falls as x grows, which way lowers it?",
        mistakes=[
            (-0.05, "the sign: where f falls as x grows, lowering f means going on"),
            (0.2, "this is change · slope, what f would do if x moved by -0.1"),
            (20.0, "this is slope / change: upside down"),
            (0.0, "0 is what // makes of 0.05: it rounds down to a whole number"),
        ],
    )
    check_2(
        "slope -4: to raise f by 1, move x by about -0.25, not by -4",
        step_for(1.0, -4.0),
        -0.25,
        hint="for which h is h · slope the change that is wanted?",
        mistakes=[(-4.0, "-4 is the slope: a step of -4 would be worth 16")],
    )
    ### BEGIN HIDDEN TESTS
    check_2("the estimate of 1/x at 2, moved by -0.5", linear_estimate(0.5, -0.25, -0.5), 0.625)
    check_2("raising f by 3 at slope 0.5", step_for(3.0, 0.5), 6.0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# The last check has a history. Some texts on backpropagation speak of a **force**: "$f$ wants $q$
# to fall, with a force of 4". It is a good picture as long as one remembers that a force is no
# distance. A set of notes that goes round says: "To increase f by 1, we must decrease q with a
# force of $-4$." The $-4$ there is the slope $\partial f/\partial q$. What raises $f$ by about 1 is
# a step in $q$ of another size, the one in the check.
#
# How wrong is the estimate? Taylor's series says what was left out:
#
# $$f(x + h) = f(x) + h\,f'(x) + \frac{h^2}{2}\,f''(x) + \frac{h^3}{6}\,f'''(x) + \cdots$$
#
# For a small $h$ the largest term that we dropped is the one with $h^2$ (unless $f''$ is 0). A step
# ten times smaller makes the estimate about a hundred times better. See whether that is so for
# $\sqrt{x}$ at 4:

# %%
if check_2.opens("this table"):
    for h in (1.0, 0.1, 0.01, 0.001):
        guess = linear_estimate(2.0, 0.25, h)
        print(f"√{4 + h:<6g} ≈ {guess:.6f}   off by {abs(guess - np.sqrt(4 + h)):.1e}")

# %% [markdown]
# ## Part 3. Slopes from values alone
#
# How do you find a slope when there is no formula for it, or when you want to test the formula?
# Evaluate $f$ nearby. There are three ways, and Taylor's series tells how good each is.
#
# **Forward.** The definition, with a small $h$ in place of the limit. Put the series in:
#
# $$\frac{f(x + h) - f(x)}{h} = f'(x) + \frac{h}{2}\,f''(x) + \cdots$$
#
# For small $h$ the error is proportional to $h$.
#
# **Central.** Look to both sides. In $f(x + h) - f(x - h)$ the terms with even powers of $h$
# cancel:
#
# $$\frac{f(x + h) - f(x - h)}{2h} = f'(x) + \frac{h^2}{6}\,f'''(x) + \cdots$$
#
# The error is proportional to $h^2$: far better, for the same two calls of $f$. (With many inputs
# the forward difference can use one $f(x)$ for all of them; the central one cannot.)
#
# **Complex.** Step sideways, off the real line, by $ih$ with $i^2 = -1$:
#
# $$f(x + ih) = f(x) + ih\,f'(x) - \frac{h^2}{2}\,f''(x) - \frac{ih^3}{6}\,f'''(x) + \cdots$$
#
# The slope stands alone in the imaginary part:
#
# $$\frac{\operatorname{Im} f(x + ih)}{h} = f'(x) - \frac{h^2}{6}\,f'''(x) + \cdots$$
#
# Nothing is subtracted here, and that will turn out to matter. (Squire and Trapp, "Using complex
# variables to estimate derivatives of real functions", SIAM Review 40(1), 1998.)
#
# There is one condition. The series has to go on off the real line: $f$ must be **analytic**. Sums,
# products, quotients, $e^x$, $\log$ and $\sin$ are, wherever they are defined, and so is what is
# made of them. That a program *takes* complex numbers is not enough, as you will see in a moment.
#
# ### Exercise 3: three differences (4 points)
#
# Python writes $ih$ as `1j * h`, and `z.imag` is the imaginary part of a number $z$.


# %% nbgrader={"grade_id": "differences", "solution": true}
def forward_difference(f, x, h):
    """f'(x), from f(x + h) and f(x).   f: a function of a number; x, h: numbers, h > 0.
    Returns a number."""
    ### BEGIN SOLUTION
    return (f(x + h) - f(x)) / h
    ### END SOLUTION


def central_difference(f, x, h):
    """f'(x), from f(x + h) and f(x - h).   As above."""
    ### BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    ### END SOLUTION


def complex_step(f, x, h):
    """f'(x), from f(x + ih).   As above; f is analytic.   Returns a real number."""
    ### BEGIN SOLUTION
    return f(x + 1j * h).imag / h
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 4}
with exercise(
    3, "three differences", forward_difference, central_difference, complex_step, points=4
) as check_3:
    check_3(
        "forward, x² at 3 with h = 0.1: 2x + h = 6.1",
        forward_difference(lambda x: x**2, 3.0, 0.1),
        6.1,
        hint="f at two points, the difference, and how far they are apart",
        mistakes=[
            (0.61, "this is f(x + h) - f(x), not yet divided by h"),
            (0.061, "this is f(x + h) - f(x) times h; the quotient divides by it"),
            (3.05, "half of it: how far is it from x to x + h?"),
            (5.9, "this looks back, from x - h to x"),
            (6.0, "this is exact, which a forward difference of x² is not: is it a central one?"),
            (-6.1, "the sign: f(x + h) comes first"),
            (-80.39, "what is divided by h? Mind the brackets around the difference"),
        ],
    )
    check_3(
        "central, x³ at 1 with h = 0.1: 3x² + h² = 3.01",
        central_difference(lambda x: x**3, 1.0, 0.1),
        3.01,
        hint="f at two points, the difference, and how far they are apart",
        mistakes=[
            (6.02, "twice too large: how far is it from x - h to x + h?"),
            (1.505, "half of it: how far is it from x - h to x + h?"),
            (0.602, "this is f(x + h) - f(x - h), not yet divided"),
            (0.301, "this is half of f(x + h) - f(x - h), not yet divided by h"),
            (0.0301, "/ 2 * h divides by 2 and multiplies by h"),
            (3.31, "this is the forward difference"),
            (2.71, "this looks back only, from x - h to x"),
            (-3.01, "the sign: f(x + h) comes first"),
        ],
    )
    check_3(
        "complex, x³ at 1 with h = 0.1: 3x² - h² = 2.99",
        complex_step(lambda x: x**3, 1.0, 0.1),
        2.99,
        hint="which part of f(x + ih) holds the slope, and what it is multiplied by there",
        mistakes=[
            (0.299, "this is the imaginary part, not yet divided by h"),
            (0.0299, "this is the imaginary part times h; the formula divides by it"),
            (1.495, "half of it: the formula divides by h alone"),
            (9.7, "this is the real part over h; the slope is in the imaginary one"),
            (-9.7, "this is minus the real part over h: over ih the two parts change places"),
            (0.97, "this is the real part; the slope is in the imaginary one"),
            (-0.3, "this is the change of the real part over h; the slope is in the imaginary one"),
            (3.31, "this is the forward difference: the step is h, not ih"),
            (0.0, "there is no imaginary part: is the step ih?"),
        ],
    )
    check_3(
        "complex, sin at 1 with h = 1e-20: cos(1) to the last digits",
        complex_step(np.sin, 1.0, 1e-20),
        0.5403023058681398,
        rtol=1e-14,
        atol=0,
        hint="a real number from one value of f, with nothing subtracted",
        mistakes=[
            (0.0, "0: at h = 1e-20, x + h is x. Is the step ih?"),
            (-8.41471e19, "minus the real part over h: over ih the two parts change places"),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check_3("forward, x³ at 2", forward_difference(lambda x: x**3, 2.0, 1.0), 19.0)
    check_3("central, x³ at 2", central_difference(lambda x: x**3, 2.0, 1.0), 13.0)
    check_3("complex, x³ at 2", complex_step(lambda x: x**3, 2.0, 1.0), 11.0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_3.require()
### END HIDDEN TESTS

# %% [markdown]
# Now try them on a function that nobody likes to differentiate by hand, the test function of Squire
# and Trapp:
#
# $$f(x) = \frac{e^x}{\sin^3 x + \cos^3 x}, \qquad f'(1.5) = 3.622033700716326\ldots$$


# %%
def awkward(x):
    return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3)


AWKWARD_SLOPE = 3.622033700716326

if check_3.opens("this table"):
    print("relative error of   forward    central    complex")
    for power in (1, 2, 4, 5, 6, 8, 10, 12, 15):
        h = 10.0**-power
        found = [way(awkward, 1.5, h) for way in (forward_difference, central_difference)]
        found.append(complex_step(awkward, 1.5, h))
        errors = [f"{abs(one / AWKWARD_SLOPE - 1):.0e}" for one in found]
        print(f"   h = 1e-{power:02}" + "".join(f"{error:>11}" for error in errors))

# %% [markdown]
# And functions that take complex numbers, but are not analytic? Four ways to write a function that
# is $x$ for $x > 0$, so that its slope at 2 is 1:

# %%
if check_3.opens("this table"):
    ways = {
        "np.abs(x)": np.abs,
        "np.real(x)": np.real,
        "np.conj(x)": np.conj,
        "np.sqrt(x * x)": lambda x: np.sqrt(x * x),
    }
    for name, way in ways.items():
        print(f"{name:15} complex step {complex_step(way, 2.0, 1e-20):4.1f}", end="   ")
        print(f"central {central_difference(way, 2.0, 1e-5):.6f}")

# %% [markdown]
# No error, no warning, and a slope of 0 or $-1$. For a complex number `np.abs` is its length, a
# real number: $|2 + ih| = \sqrt{4 + h^2}$, whose imaginary part is 0. `np.real` throws the slope
# away, and `np.conj` turns its sign. Only the last one is analytic there. So the rule is: **the
# complex step is for analytic functions: no absolute value, sign or conjugate in them, and no real
# part of what is handed on.** And whoever is not sure compares it with a central difference once,
# which costs little. (The library does so.)

# %% [markdown]
# Back to the three differences, as a picture, for many steps. Both scales are logarithmic, so that
# a power of $h$ is a straight line. (The five-point difference uses four values of $f$; its error
# falls as $h^4$.)

# %%
step_size_picture(awkward, 1.5, AWKWARD_SLOPE, steps=np.geomspace(1e-14, 0.1, 131))

# %% [markdown]
# On the right each curve falls with $h$, with slope 1, 2 and 4: that is Taylor's series, called the
# **truncation** error. On the left the curves rise again, all in the same way, and they look like
# noise. The complex step has no left side.

# %% [markdown]
# ## Part 4. Rounding, and the best step
#
# A float64 number has about 16 digits. What lies between two neighbours is rounded to one of them.
# So $1 + 10^{-16}$ is 1, and the puzzle is solved: $e^{1 + h}$ and $e^1$ came out equal.

# %%
eps = np.finfo(np.float64).eps
print("from 1 to the next float64:", eps)
print("1 + 1e-16 == 1:", 1 + 1e-16 == 1)
print("e^(1 + 1e-15) and e^1:", np.exp(1 + 1e-15), np.exp(1.0))
print("they share all but the last digit or two, and the difference is made of these alone")

# %% [markdown]
# Call that distance $\varepsilon = 2.2 \cdot 10^{-16}$. The best that a computed value of $f$ can
# do is to be off by up to half of it, relative to $|f|$. Two values are subtracted, so that the
# difference is off by up to about $\varepsilon |f|$. (That $x + h$ is rounded, too, makes it
# somewhat more; we leave it out.) Then we divide by $h$ or by $2h$. Both errors together, roughly:
#
# $$E_{\text{forward}}(h) = \underbrace{\frac{h}{2}\,|f''|}_{\text{truncation}}
#   + \underbrace{\frac{\varepsilon |f|}{h}}_{\text{rounding}}
#   \qquad\qquad
#   E_{\text{central}}(h) = \frac{h^2}{6}\,|f'''| + \frac{\varepsilon |f|}{2h}$$
#
# Small steps suffer from rounding, large ones from truncation. The best step is in between, where
# one error falls as fast as the other grows: where the derivative of $E$ by $h$ is zero.
#
# ### Exercise 4: the best step (3 points)
#
# Set $\mathrm{d}E/\mathrm{d}h = 0$ and solve for $h$, for both. The values of $f$ and of its
# derivatives may be negative.


# %% nbgrader={"grade_id": "best-steps", "solution": true}
def best_forward_step(value, second, eps):
    """The h that makes E_forward smallest.   value: f(x); second: f''(x); neither is 0; eps: ε.
    Returns a number, h > 0."""
    ### BEGIN SOLUTION
    return np.sqrt(2 * eps * abs(value) / abs(second))
    ### END SOLUTION


def best_central_step(value, third, eps):
    """The h that makes E_central smallest.   value: f(x); third: f'''(x); neither is 0; eps: ε.
    Returns a number, h > 0."""
    ### BEGIN SOLUTION
    return np.cbrt(3 * eps * abs(value) / (2 * abs(third)))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 3}
with exercise(4, "the best step", best_forward_step, best_central_step, points=3) as check_4:
    forward = best_forward_step(1.0, 8.0, 4e-16)
    check_4(
        "forward, f = 1, f'' = 8, ε = 4e-16: h = √(1e-16) = 1e-8",
        forward,
        1e-8,
        atol=0,
        hint="what dE/dh is, term by term, and where it is 0",
        mistakes=[
            (1e-16, "this is h², without the root"),
            (0.5e-16, "half of h², without the root: ** 1 / 2 is the power 1, then halved"),
            (2e-8, "this is √ε, the best step only if |f''| happens to be 2 |f|"),
            (np.sqrt(0.5) * 1e-8, "a factor 2 is missing under the root: E has |f''| over 2"),
            (0.5e-8, "a factor 4 is missing under the root: the 2 stands on the wrong side"),
            (8e-8, "f and f'' have changed places under the root"),
            (np.cbrt(1e-16), "this is a cube root: which power of h is left?"),
        ],
    )
    check_4(
        "a negative value or bend makes no difference",
        (best_forward_step(-1.0, 8.0, 4e-16), best_forward_step(1.0, -8.0, 4e-16)),
        (1e-8, 1e-8),
        atol=0,
        hint="E holds |f| and |f''|",
        mistakes=[
            ((np.nan, np.nan), "a root of a negative number: E holds |f| and |f''|"),
            ((forward, forward), "the same as above, and rightly so: the signs make no difference"),
        ],
    )
    central = best_central_step(1.0, 6.0, 4e-15)
    check_4(
        "central, f = 1, f''' = 6, ε = 4e-15: h = ∛(1e-15) = 1e-5",
        central,
        1e-5,
        atol=0,
        hint="what dE/dh is, term by term, and where it is 0; np.cbrt is the cube root",
        mistakes=[
            (1e-15, "this is h³, without the root"),
            (1e-15 / 3, "a third of h³, without the root: ** 1 / 3 is the power 1, over 3"),
            (np.sqrt(1e-15), "this is a square root: which power of h is left?"),
            (np.cbrt(4e-15), "this is ∛ε, the best step only for certain |f| and |f'''|"),
            (
                np.cbrt(2e-15),
                "twice too much under the root: there the two errors are equal, and E is not yet "
                "smallest (or the 2 of 2h is missing)",
            ),
            (np.cbrt(4e-15 / 6), "a factor 3/2 is missing under the root"),
            (np.cbrt(0.5e-15), "a factor 2 is missing under the root"),
            (np.cbrt(1e-15 / 3), "a factor 3 is missing under the root"),
        ],
    )
    check_4(
        "the same with a negative value, and with a negative f'''",
        (best_central_step(-1.0, 6.0, 4e-15), best_central_step(1.0, -6.0, 4e-15)),
        (1e-5, 1e-5),
        atol=0,
        hint="E holds |f| and |f'''|",
        mistakes=[
            ((-1e-5, -1e-5), "a step is positive: E holds |f| and |f'''|"),
            ((np.nan, np.nan), "a root of a negative number: E holds |f| and |f'''|"),
            ((central, central), "the same as above, and rightly so: the signs make no difference"),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check_4("forward, in float32", best_forward_step(2.0, 4.0, 1e-8), 1e-4, atol=0)
    check_4("central, in float32", best_central_step(-4.0, -6.0, 1e-6), 1e-2, atol=0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_4.require()
### END HIDDEN TESTS

# %% [markdown]
# Where $f$ and its derivatives are all about 1, the best steps are about
# $\sqrt{\varepsilon} = 1.5 \cdot 10^{-8}$ and $\sqrt[3]{\varepsilon} = 6 \cdot 10^{-6}$. Put into
# $E$, they make the forward difference good to about 8 digits, the central one to 10 or 11. The
# dots in the picture are this rule of thumb, times $x = 1.5$. Your two functions, which are told
# $f''$ and $f'''$ there, give $1.2 \cdot 10^{-8}$ and $3 \cdot 10^{-6}$. The complex step subtracts
# nothing, so nothing stops you from taking $10^{-20}$, or $10^{-200}$.
#
# The library's `numerical_gradient` has all three, and chooses such steps by itself. It takes a
# function without arguments, which reads an array, and that array, whose entries it moves:

# %%
z = np.array([1.5])
for method, x in (("forward", z), ("central", z), ("complex", z.astype(complex))):
    (slope,) = numerical_gradient(lambda x=x: awkward(x), x, method=method)  # reads this x
    print(f"{method:8} {slope:.15f}   relative error {abs(slope / AWKWARD_SLOPE - 1):.0e}")

# %% [markdown] nbgrader={"grade_id": "question-1"}
# **Question 1.** A friend says: "The derivative is the limit of $h \to 0$, so I use the central
# difference with $h = 10^{-14}$. And I compute in float32, because it is faster; there,
# $\varepsilon = 1.2 \cdot 10^{-7}$." What goes wrong in each of the two choices? Which step, which
# precision, and how many right digits would you promise?
#
# ### BEGIN SOLUTION
# At $h = 10^{-14}$ rounding is everything: the error is about
# $\varepsilon |f| / 2h \approx 10^{-2}$ in float64, so that only two digits are right. In float32
# the best step is about $\sqrt[3]{1.2 \cdot 10^{-7}} \approx 5 \cdot 10^{-3}$, and even there the
# error is about $\varepsilon^{2/3} \approx 2 \cdot 10^{-5}$; with $h = 10^{-14}$ and $x$ about 1,
# $x + h$ is $x$ and the slope is 0. Compute in float64 with a step of about $10^{-5}$: about 10
# digits, if $f$ and its derivatives are all about 1.
# ### END SOLUTION

# %%
model_answer("1-derivatives", 1)

# %% [markdown]
# ## Part 5. Several inputs: partial derivatives and the gradient
#
# A loss depends on many numbers. Ask the same question of each in turn and **hold the others
# still**. That is a partial derivative:
#
# $$\frac{\partial f}{\partial x} = \lim_{h \to 0} \frac{f(x + h, y) - f(x, y)}{h}
#   \qquad
#   \frac{\partial f}{\partial y} = \lim_{h \to 0} \frac{f(x, y + h) - f(x, y)}{h}$$
#
# All of them together are the **gradient**
# $\nabla f = (\partial f/\partial x,\ \partial f/\partial y)$. Sensitivities add up, if both inputs
# move:
#
# $$f(x + h, y + k) \approx f(x, y) + h\,\frac{\partial f}{\partial x}
#   + k\,\frac{\partial f}{\partial y}$$
#
# Here are three functions of two numbers. Networks are full of them. The lines join points of equal
# $f$, and yellow is high. The gradient at a point stands at right angles to the line there, and
# points to where $f$ grows fastest. Where would you draw it?

# %% jupyter={"source_hidden": true}
GATES = {"x · y": np.multiply, "x + y": np.add, "max(x, y)": np.maximum}
side = np.linspace(-2.1, 2.1, 300)
X, Y = np.meshgrid(side, side)


def contours():
    """Lines of equal f for the three gates.   Returns a figure and its axes by gate."""
    fig, axes = plt.subplots(1, 3, figsize=(11, 3.7), layout="constrained")
    for ax, (name, gate) in zip(axes, GATES.items(), strict=True):
        ax.contour(X, Y, gate(X, Y), levels=11, cmap="viridis", linewidths=1)
        ax.set_title(name)
        ax.set_xlabel("x")
        ax.set_aspect("equal")
    axes[0].set_ylabel("y")
    return fig, dict(zip(GATES, axes, strict=True))


contours()
plt.show()

# %% [markdown]
# ### Exercise 5: three gates (4 points)
#
# Write their gradients. For $\max$, ask which input would make a difference if it were a hair
# larger. At a tie, $x = y$, there is more than one good answer; this course gives all to the first,
# $x$. (Part 6 says why that is allowed.)


# %% nbgrader={"grade_id": "gates", "solution": true}
def multiply_gradient(x, y):
    """The gradient of x y.   x, y: numbers.   Returns (∂f/∂x, ∂f/∂y)."""
    ### BEGIN SOLUTION
    return y, x
    ### END SOLUTION


def add_gradient(x, y):
    """The gradient of x + y.   x, y: numbers.   Returns (∂f/∂x, ∂f/∂y)."""
    ### BEGIN SOLUTION
    return 1.0, 1.0
    ### END SOLUTION


def max_gradient(x, y):
    """The gradient of max(x, y); at a tie the first gets it.   x, y: numbers.
    Returns (∂f/∂x, ∂f/∂y)."""
    ### BEGIN SOLUTION
    return (1.0, 0.0) if x >= y else (0.0, 1.0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-5", "points": 4}
with exercise(5, "three gates", multiply_gradient, add_gradient, max_gradient, points=4) as check_5:
    check_5(
        "x y at (3, -4): the gradient is (-4, 3)",
        multiply_gradient(3.0, -4.0),
        (-4.0, 3.0),
        hint="with y held still, x y is a line in x: how steep?",
        mistakes=[
            ((3.0, -4.0), "each has its own value: how steep is x y in x, with y held still?"),
            ((-12.0, -12.0), "this is the value of x y, not how steep it is"),
            ((1.0, 1.0), "this is the gradient of x + y"),
        ],
    )
    check_5(
        "x + y at (3, -4): the gradient is (1, 1)",
        add_gradient(3.0, -4.0),
        (1.0, 1.0),
        hint="with y held still: what does a hair more of x do to the sum?",
        mistakes=[
            ((3.0, -4.0), "these are the inputs, not the slopes"),
            ((-4.0, 3.0), "this is the gradient of x y"),
            (1.0, "one number: there is a slope for each input"),
            ((0.5, 0.5), "nothing is shared out: each slope is asked with the other held still"),
        ],
    )
    check_5(
        "max at (3, -4): the first is larger, the gradient is (1, 0)",
        max_gradient(3.0, -4.0),
        (1.0, 0.0),
        hint="which of the two moves max, and how far for a hair of its own",
        mistakes=[
            ((3.0, 0.0), "this is the value that max hands on, not how fast it moves"),
            ((0.0, 1.0), "max follows the larger number, and 3 is larger than -4"),
            ((1.0, 1.0), "a hair more of the smaller input does not move max"),
        ],
    )
    check_5(
        "max at (-1, 2): the second is larger",
        max_gradient(-1.0, 2.0),
        (0.0, 1.0),
        hint="which of the two moves max, and how far for a hair of its own",
        mistakes=[
            ((1.0, 0.0), "max follows the larger number, and 2 is larger than -1"),
            ((0.0, 2.0), "this is the value that max hands on, not how fast it moves"),
        ],
    )
    check_5(
        "max at (2, 2), a tie: the first gets it",
        max_gradient(2.0, 2.0),
        (1.0, 0.0),
        hint="a tie is a case of its own: to whom does this course give the 1?",
        mistakes=[
            (
                (1.0, 1.0),
                "both have it: if both grew by h, max would grow by 2h, but it grows by h",
            ),
            ((0.0, 0.0), "nobody has it: if both grow by h, max would not grow, but it does"),
            ((0.0, 1.0), "the second has it, which is allowed too; this course takes the first"),
            ((0.5, 0.5), "a fair share is allowed too; this course gives all to the first"),
        ],
    )
    ### BEGIN HIDDEN TESTS
    check_5("x y at (-0.5, 0)", multiply_gradient(-0.5, 0.0), (0.0, -0.5))
    check_5("x + y at (0, 7)", add_gradient(0.0, 7.0), (1.0, 1.0))
    check_5("max at (-3, -2)", max_gradient(-3.0, -2.0), (0.0, 1.0))
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_5.require()
### END HIDDEN TESTS

# %% [markdown]
# Here are the lines once more, now with gradients, found by central differences:

# %% jupyter={"source_hidden": true}
if check_5.opens("this picture"):
    _, axes = contours()
    for name, gate in GATES.items():
        for x in (-1.5, -0.5, 0.5, 1.5):
            for y in (-1.3, -0.3, 0.7, 1.7):
                point = np.array([x, y])
                arrow = 0.25 * numerical_gradient(lambda p=point, g=gate: g(p[0], p[1]), point)
                axes[name].annotate(
                    "", point + arrow, point, arrowprops={"arrowstyle": "->", "color": ORANGE}
                )
    plt.show()

# %% [markdown]
# The three have names that are easy to remember: one is a **distributor**, one a **switcher** and
# one a **router**. Which is which? A **circuit** draws a function as gates and wires. Values stand
# in green above the wires, gradients of the output in red below.

# %% jupyter={"source_hidden": true}
if check_5.opens("the answer"):
    print("Add is a distributor: it hands the same to both inputs, whatever they are.")
    graph, at = circuits.add_gate()
    display(graph.draw(*at))
    print("Multiply is a switcher: each input gets the value of the other, so that a small input")
    print("beside a large one gets a large gradient.")
    graph, at = circuits.multiply_gate()
    display(graph.draw(*at))
    print("Max is a router: the larger input gets everything, the other nothing.")
    graph, at = circuits.max_gate()
    display(graph.draw(*at))

# %% [markdown]
# Move the sliders, and watch the 1 in red jump over when $y$ passes $x$. (Sliders need a running
# notebook; a page that only shows notebooks leaves them out.)

# %%
if check_5.opens("the circuit with sliders"):
    display(graph.draw(*at).sliders(x=(-5, 5), y=(-5, 5)))

# %% [markdown]
# ## Part 6. Kinks
#
# Zoom into $|x|$ at 0, as far as you like: it never becomes straight. Left and right have slopes of
# their own, $-1$ and $1$. There is no derivative, and yet training meets such points: $\max(x, 0)$,
# the ReLU, has one, and so have $\max(x, y)$ and $\min(x, y)$ where $x = y$.
#
# What may still be there: lines through the corner that stay **below** the graph. The slope $g$ of
# such a line is a **sub-gradient** at $x$:
#
# $$f(x + h) \ge f(x) + g\,h \qquad\text{for all } h$$
#
# For $h > 0$ this says that $g$ is at most the slope on the right, for $h < 0$ that it is at least
# the slope on the left. For a function that bends upwards (a **convex** one, such as $|x|$ or
# $\max(x, 0)$) nothing more is needed: all $g$ from the slope on the left to the slope on the right
# are sub-gradients. A corner that points up, as that of $\min(x, 0)$, has the larger slope on its
# left. There no $g$ can do both, and **there is no sub-gradient at all**.

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 3, figsize=(11, 3.3), layout="constrained", sharey=True)
x = np.array([-1.0, 0.0, 1.0])
corners = {
    "|x|": (np.abs(x), -1, 1, "from -1 to 1"),
    "max(x, 0)": (np.maximum(x, 0), 0, 1, "from 0 to 1"),
    "min(x, 0)": (np.minimum(x, 0), 0, 1, "none"),
}
for ax, (name, (y, least, most, which)) in zip(axes, corners.items(), strict=True):
    below = "above" if which == "none" else "below"
    for g in np.linspace(least, most, 7)[1:-1]:
        ax.plot(x, g * x, color=ORANGE, lw=1, ls="--" if below == "above" else "-")
    ax.plot([], [], color=ORANGE, ls="--" if below == "above" else "-", label=f"lines {below} it")
    ax.plot(x, y, color=BLUE, lw=2.5, label=name)
    ax.set_title(f"{name}: sub-gradients at 0: {which}", fontsize=10)
    ax.set_xlabel("x")
    ax.set_ylim(-1.1, 1.1)
    ax.legend(frameon=False, loc="lower right" if below == "below" else "upper left")
plt.show()

# %% [markdown]
# A program has to return one number, and picks one: for ReLU at 0 this library takes 0, and for a
# tie of $\max(x, y)$ it takes $(1, 0)$. Both are sub-gradients. At a tie all of them are
# $(t, 1 - t)$ with $t$ from 0 to 1: what one input gets, the other lacks. A set of notes that goes
# round prints $\partial \max / \partial x = 1[x \ge y]$ and
# $\partial \max / \partial y = 1[y \ge x]$. Away from the tie that is right. At the tie it is
# $(1, 1)$, which is no sub-gradient: it promises that max grows by $2h$ if both grow by $h$.
#
# What would a numeric check say at a kink?
#
# ### Exercise 6: what a check sees at a kink (4 points)
#
# - `side_slopes`: the two one-sided differences, to the left and to the right.
# - `is_subgradient`: whether $g$ is a sub-gradient, from the two slopes at a corner of straight
#   lines. It may point down or up.
# - `relu_central`: what the central difference of $\max(x, 0)$ gives, as a formula. There are three
#   cases: both points $x - h$ and $x + h$ on the left of 0, both on the right, or one on each side.
#   Work out the third on paper.


# %% nbgrader={"grade_id": "kinks", "solution": true}
def side_slopes(f, x, h):
    """The slopes from x - h to x and from x to x + h.   f: a function of a number; x; h > 0.
    Returns (left, right)."""
    ### BEGIN SOLUTION
    return (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h
    ### END SOLUTION


def is_subgradient(g, left, right):
    """Whether g is a sub-gradient at 0 of the function that is left · x for x < 0 and right · x for
    x ≥ 0.   All numbers.   Returns True or False."""
    ### BEGIN SOLUTION
    return left <= g <= right
    ### END SOLUTION


def relu_central(x, h):
    """(max(x + h, 0) - max(x - h, 0)) / 2h, by cases.   x; h > 0: numbers.   Returns a number."""
    ### BEGIN SOLUTION
    if x <= -h:
        return 0.0
    if x >= h:
        return 1.0
    return (x + h) / (2 * h)
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-6", "points": 4}
with exercise(
    6, "what a check sees at a kink", side_slopes, is_subgradient, relu_central, points=4
) as check_6:
    left, right = check_6.returns(side_slopes(abs, 0.0, 0.25), "left", "right")
    check_6(
        "|x| at 0 has the slopes -1 and 1",
        (left, right),
        (-1.0, 1.0),
        hint="from where to where each of the two goes, and what is subtracted from what",
        mistakes=[
            ((1.0, 1.0), "the left slope has the wrong sign: which of its ends comes first?"),
            ((1.0, -1.0), "left and right are exchanged, or both have the wrong sign"),
            ((0.0, 0.0), "0 on both sides: does a difference reach across the corner?"),
            ((-0.25, 0.25), "these are differences of f, not yet divided by h"),
            ((-0.5, 0.5), "half of it: how far is it from x - h to x?"),
        ],
    )
    check_6(
        "x² at 3 with h = 0.5 has 5.5 on the left and 6.5 on the right",
        side_slopes(lambda x: x**2, 3.0, 0.5),
        (5.5, 6.5),
        hint="f at x - h, at x and at x + h: which two belong to the left?",
        mistakes=[
            ((6.5, 5.5), "left and right are exchanged"),
            ((6.5, 6.5), "both are the slope on the right"),
            ((-5.5, 6.5), "the left slope has the wrong sign: which of its ends comes first?"),
        ],
    )
    check_6.true(
        "0 and 0.3 are sub-gradients of |x| at 0",
        is_subgradient(0.0, -1.0, 1.0) and is_subgradient(0.3, -1.0, 1.0),
        "all slopes from left to right",
    )
    check_6.true(
        "… and so are the ends, -1 and 1",
        is_subgradient(-1.0, -1.0, 1.0) and is_subgradient(1.0, -1.0, 1.0),
        "whether a line along the graph itself stays below it",
    )
    check_6.true(
        "1.5 and -1.5 are none, and where both slopes are 2 only 2 is one",
        not is_subgradient(1.5, -1.0, 1.0)
        and not is_subgradient(-1.5, -1.0, 1.0)
        and not is_subgradient(1.5, 2.0, 2.0)
        and is_subgradient(2.0, 2.0, 2.0),
        "two conditions, one from each side, and both have to hold",
    )
    check_6.true(
        "a corner that points up, 1.3 on the left and 1 on the right, has none: not even 1.15",
        not any(is_subgradient(g, 1.3, 1.0) for g in (1.0, 1.15, 1.3)),
        why="a line that stays below would have to be at least 1.3 and at most 1",
    )
    check_6(
        "max(x, 0) at 0: the central difference is 0.5",
        relu_central(0.0, 0.25),
        0.5,
        hint="what max(x + h, 0) and max(x - h, 0) are, with one point on each side of 0",
        mistakes=[
            (0.0, "this is 0: is max(x + h, 0) 0, with x + h on the right of 0?"),
            (1.0, "twice too large: is it over 2h, and is it the case with a point on each side?"),
            (0.25, "this is max(x + h, 0), not yet divided"),
            (0.125, "this is half of max(x + h, 0), not yet divided by h"),
        ],
    )
    check_6(
        "a quarter of the window beside it: 0.75 and 0.25",
        (relu_central(0.125, 0.25), relu_central(-0.125, 0.25)),
        (0.75, 0.25),
        hint="still one point on each side of 0: which term of the difference is left?",
        mistakes=[
            ((0.5, 0.5), "this is the value at 0: here x is not 0"),
            ((1.0, 0.0), "these are the true slopes: the difference sees both sides of 0"),
            ((0.25, 0.75), "the other way round: on the right more of the window has slope 1"),
        ],
    )
    check_6(
        "away from it: the true slopes, 1 and 0",
        (relu_central(2.0, 0.25), relu_central(-2.0, 0.25)),
        (1.0, 0.0),
        hint="both points on one side of 0",
        mistakes=[((4.5, -3.5), "with |x| > h both points are on one side of 0: two more cases")],
    )
    ### BEGIN HIDDEN TESTS
    check_6("the slopes of max(x, 0)", side_slopes(lambda x: max(x, 0.0), 0.0, 0.5), (0.0, 1.0))
    check_6.true("-0.1 is none of max(x, 0)", not is_subgradient(-0.1, 0.0, 1.0))
    check_6.true("0.5 is none of min(x, 0)", not is_subgradient(0.5, 1.0, 0.0))
    check_6("at the end of the window", relu_central(-0.5, 0.5), 0.0)
    check_6("in it", relu_central(0.25, 0.5), 0.75)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# So a central difference at a kink gives the **middle** of the two slopes. For ReLU that is as good
# a sub-gradient as any, but not the one that this library returns. A check by central differences
# alone would call a correct ReLU wrong. The checker of this library looks at both sides, as you
# did, and knows better.
#
# The ELU of homework 4, $\alpha(e^x - 1)$ for $x < 0$ and $x$ for $x \ge 0$, has the slopes
# $\alpha$ and 1 at 0. With $\alpha = 1.3$ that is your corner that points up. No sub-gradient
# exists, and a program has to return something all the same. So a checker asks for less: **any
# slope between the two one-sided ones**, whichever is the larger. For a convex function these are
# the sub-gradients.

# %%
at_zero = np.array([[-1.0, 0.0, 2.0]])
print(check(ReLU(), at_zero), end="\n\n")
print(check(ELU(1.3), at_zero))

# %% [markdown] nbgrader={"grade_id": "question-2"}
# **Question 2.** A layer of 10,000 ReLUs gets normally distributed inputs (mean 0, standard
# deviation 1; near 0 their density is 0.4). You check its gradient by plain central differences
# with $h = 10^{-2}$. About how many entries will disagree, although the layer is right? How many
# with $h = 10^{-5}$? Name two things one can do about it.
#
# ### BEGIN SOLUTION
# An entry disagrees if its input is within $h$ of 0. That has probability $2h \cdot 0.4$: about 80
# of 10,000 entries at $h = 10^{-2}$, and 0.08, mostly none, at $10^{-5}$. One can take a smaller
# step, leave out entries whose two one-sided slopes differ, compare with the range from the left to
# the right slope, or draw inputs that keep a distance from 0.
# ### END SOLUTION

# %%
model_answer("1-derivatives", 2)

# %% [markdown]
# ## Part 7. The gradient of a function of an array
#
# Parameters come as arrays: the gradient of a loss with respect to a matrix $W$ of shape $(D, M)$
# has one partial derivative for each entry, and **the shape of $W$**. To find it numerically, move
# one entry at a time and leave the others where they are.
#
# Then comes the comparison with a formula. Is a difference of $10^{-4}$ large? It is if the
# gradient is $10^{-3}$, and not if it is $10^4$. So one divides by the size. CS231n, Stanford's
# course on networks for images, uses this **relative error** of two arrays $a$ and $b$ in its
# assignments:
#
# $$\max_i \ \frac{|a_i - b_i|}{\max(10^{-8},\ |a_i| + |b_i|)}$$
#
# It is 0 where both agree, and 1 where the sign is wrong or one of them is zero (if they are not
# tiny: the $10^{-8}$ keeps us from dividing $0$ by $0$). The notes of that course on gradient
# checks give a scale, for central differences with $h$ about $10^{-5}$ in float64: above $10^{-2}$
# the gradient is probably wrong, $10^{-7}$ and less should make you happy, and what lies between
# deserves a look: up to $10^{-4}$ may be fine where there are kinks.
#
# ### Exercise 7: a gradient checker of your own (5 points)
#
# `x[index]` with `index` from `np.ndindex(x.shape)` reaches every entry of an array of any shape.
# Leave `x` as you found it, to the last bit.


# %% nbgrader={"grade_id": "numeric-gradient", "solution": true}
def relative_error(a, b):
    """The relative error above.   a, b: arrays of the same shape.   Returns a number."""
    ### BEGIN SOLUTION
    return np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))
    ### END SOLUTION


def numeric_gradient(f, x, h=1e-5):
    """The gradient of f at x by central differences.   f: a function of an array, returns a
    number; x: an array of floats, of any shape, unchanged afterwards; h > 0: the step.
    Returns an array of the shape of x."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        ### BEGIN SOLUTION
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept - h
        below = f(x)
        x[index] = kept
        gradient[index] = (above - below) / (2 * h)
        ### END SOLUTION
    return gradient


# %% nbgrader={"grade_id": "check-7", "points": 5}
with exercise(
    7, "a gradient checker of your own", relative_error, numeric_gradient, points=5
) as check_7:
    check_7(
        "3 against 1: the relative error is 2 / 4",
        relative_error(np.array([3.0]), np.array([1.0])),
        0.5,
        hint="what stands above and what below, for these two numbers",
        mistakes=[
            (2 / 3, "this is divided by the larger of the two; here it is by the sum of both"),
            (2.0, "this is |a - b|, or |a - b| over |b|: divide by |a| + |b|"),
            (1.0, "this is |a - b| over the mean of both; here it is over their sum"),
            ([0.5], "right, but still an array: the largest of its entries is a number"),
        ],
    )
    check_7(
        "of several entries the worst counts, and a wrong sign has 1",
        relative_error(np.array([1.0, -2.0, 5.0]), np.array([1.0, 2.0, 5.0])),
        1.0,
        hint="the size of each, |a| and |b|, entry by entry",
        mistakes=[
            (1 / 3, "this is the mean over the entries; take the largest"),
            (2.0, "this is divided by one of the sizes, or their mean; here it is by their sum"),
            (4e8, "the denominator was 0 here, and became 1e-8: it is |a| + |b|, not |a + b|"),
            (0.25, "the largest of |a - b| over the sum of all sizes: divide entry by entry"),
            (0.4, "the largest of |a - b| over the largest size: divide entry by entry"),
            (0.36515, "these are the lengths of whole arrays: divide entry by entry"),
            (0.0, "0, though one entry is wrong: is the size of a - b taken, and the largest?"),
            ([0.0, 1.0, 0.0], "right, entry by entry; the largest of them is wanted"),
        ],
    )
    check_7(
        "0 against 0 is no error",
        relative_error(np.zeros(2), np.zeros(2)),
        0.0,
        hint="what keeps the denominator away from 0",
        mistakes=[(np.nan, "this is 0 divided by 0: the formula has max(1e-8, …) below")],
    )

    x = np.array([3.0, -4.0])
    check_7(
        "x y at (3, -4), as an array: (-4, 3)",
        numeric_gradient(lambda x: x[0] * x[1], x),
        (-4.0, 3.0),
        hint="which entry moves, by how much, and where the quotient is written to",
        mistakes=[
            ((-8.0, 6.0), "twice too large: how far is it from x - h to x + h?"),
            ((-2.0, 1.5), "half of it: does x move to both sides, and is 2h what divides?"),
            ((-4.0, 3.0), "nearly: is each entry put back before the next one moves?"),
            ((4.0, -3.0), "the sign: f(x + h) comes first"),
            ((-1.0, -1.0), "each is the sum of both slopes: does one entry move at a time?"),
            (
                (0.0, 0.0),
                "nearly 0: does x[index] move before f is called, and is 2h what divides?",
            ),
            ((-8e-5, 6e-5), "this is f(x + h) - f(x - h), not yet divided"),
        ],
    )
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 0.5]])
    kept = x.copy()
    check_7(
        "Σ x³ of an array (2, 3): 3 x², entry by entry",
        numeric_gradient(lambda x: np.sum(x**3), x),
        3 * kept**2,
        hint="an array of any shape: does x[index] reach every entry?",
        mistakes=[
            (3 * kept**2, "right to four digits, no more: is it a difference to one side?"),
            (6 * kept**2, "twice too large: how far is it from x - h to x + h?"),
            (1.5 * kept**2, "half of it: does x move to both sides, and is 2h what divides?"),
        ],
    )
    check_7.true(
        "x is as it was, to the last bit",
        np.array_equal(x, kept),
        why="x has changed, be it in the last digit: in floats x + h - h is not always x",
    )
    check_7(
        "(Σ x)² has the gradient 2 Σ x everywhere: every entry moves alone",
        numeric_gradient(lambda x: np.sum(x) ** 2, kept.copy()),
        np.full((2, 3), 31.0),
        hint="where each entry is when the next one moves",
    )
    check_7(
        "the step is h: Σ x³ at 1 with h = 0.5 gives 3.25",
        numeric_gradient(lambda x: np.sum(x**3), np.ones((2, 1)), h=0.5),
        np.full((2, 1), 3.25),
        hint="the argument h is the step, above and below",
        mistakes=[
            (np.full((2, 1), 0.8125), "/ 2 * h divides by 2 and multiplies by h"),
            (
                np.full((2, 1), 3.0),
                "this has the error of a far smaller step: is it h that moves x?",
            ),
            (np.full((2, 1), 162500.0), "x moves by h: is it 2h that divides?"),
            (np.full((2, 1), 4.75), "this is the forward difference"),
            (np.full((2, 1), 1.75), "this looks back only, from x - h to x"),
        ],
    )
    x, weights = rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2))
    check_7(
        "three axes: the same as the library's",
        numeric_gradient(lambda x: np.sum(weights * np.sin(x)), x),
        numerical_gradient(lambda: np.sum(weights * np.sin(x)), x),
        hint="x may have any number of axes",
    )
    ### BEGIN HIDDEN TESTS
    x = np.linspace(0.1, 0.7, 7)
    kept = x.copy()
    found = numeric_gradient(lambda x: np.sum(np.exp(x)) * x[0], x)
    true = np.exp(kept) * kept[0]
    true[0] += np.exp(kept).sum()
    check_7("Σ eˣ times x₀", found, true)
    check_7.true("x is as it was", np.array_equal(x, kept))
    check_7("small numbers", relative_error(np.array([1e-9]), np.array([3e-9])), 0.2)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_7.require()
### END HIDDEN TESTS

# %% [markdown]
# You have written a gradient checker. Put it to use: three people claim to know the gradient of
# $f(x) = \sum \log(1 + e^{x})$. Who is right?


# %%
def sum_of_softplus(x):
    return np.sum(np.log(1 + np.exp(x)))


claims = {
    "1 / (1 + exp(-x))": lambda x: 1 / (1 + np.exp(-x)),
    "1 / (1 + exp(x))": lambda x: 1 / (1 + np.exp(x)),
    "0.5 + x / 4": lambda x: 0.5 + x / 4,
}
if check_7.opens("this comparison"):
    x = 0.3 * rng.standard_normal((4, 5))
    found = numeric_gradient(sum_of_softplus, x)
    for claim, formula in claims.items():
        print(f"{claim:18}  relative error {relative_error(formula(x), found):.0e}")

# %% [markdown]
# The third claim is a good approximation near 0, and its error gives it away all the same.
#
# And now a printed one. Lecture slides that go round take the derivative of
# $y = \sigma(w \cdot x) = 1 / (1 + e^{-w \cdot x})$ by $w$, gate by gate. With
# $a = 1 + e^{-w \cdot x}$ they have, rightly, $\mathrm{d}y/\mathrm{d}a = -1/a^2$, and they end in
#
# $$\nabla_w\, y = -\frac{e^{-w \cdot x}}{(1 + e^{-w \cdot x})^2}\; x$$
#
# What does your checker say?

# %%
if check_7.opens("this comparison"):
    w, x = rng.standard_normal((2, 5))
    e = np.exp(-w @ x)
    found = numeric_gradient(lambda w: 1 / (1 + np.exp(-w @ x)), w)
    printed = -e / (1 + e) ** 2 * x
    print("printed: relative error", relative_error(printed, found))
    print(f"with the other sign:    {relative_error(-printed, found):.0e}")

# %% [markdown]
# A relative error of 1, for the reason that you know: the sign is wrong. There are two minus signs
# on the way, one from $-1/a^2$ and one from $-w \cdot x$, and they cancel. The slides lose one in
# their last line.
#
# One number says *that* a gradient is wrong. Seldom does it say *why*. From the next homework on
# the check cells use this library's `gradcheck`, which goes on asking: by which factor? which
# entries? It also puts an error bar on every difference, since you know by now that differences
# err. Look at what it says to a gradient of $x^2$ in which the 2 was forgotten:


# %%
def square_forward(x):
    return x**2, x


def square_backward(dout, cache):
    x = cache
    return dout * x


print(check_functions(square_forward, square_backward, rng.standard_normal((2, 3))))

# %% [markdown] nbgrader={"grade_id": "question-3"}
# **Question 3.** Somebody runs the solution of exercise 7 on `x = np.array([1, 2, 3])` with
# $f(x) = \sum x^2$ and $h = 10^{-5}$. The entries of the gradient should be 2, 4 and 6. Inside the
# loop, though, $f(x + h) - f(x - h)$ comes out as 1, 3 and 5, which over $2h$ is about 50,000,
# 150,000 and 250,000. What happened? (What is the `dtype` of this array, and what becomes of
# 1.00001 and of 0.99999 in it?) And why does the solution return 49999, 150000 and 249999?
#
# ### BEGIN SOLUTION
# The array holds integers, and what is written into it is cut off to an integer: 1.00001 becomes 1
# and 0.99999 becomes 0. So the step was 0 to the right and 1 to the left, and the differences are
# 1 - 0, 4 - 1 and 9 - 4. The gradient, made by `np.zeros_like(x)`, holds integers too, and cuts off
# what rounding left a hair below 50,000 and 250,000. Gradients need arrays of floats:
# `x = np.array([1.0, 2.0, 3.0])`.
# ### END SOLUTION

# %%
model_answer("1-derivatives", 3)

# %% [markdown]
# ## Go further
#
# Two exercises without points, for those who want more.
#
# ### Go further 1: a good slope from bad ones
#
# For a smooth $f$ the error of the central difference is a series in even powers of $h$:
#
# $$D(h) = f'(x) + c_2\,h^2 + c_4\,h^4 + c_6\,h^6 + \cdots$$
#
# We do not know $c_2$. But $D(h/2)$ has a quarter of that term, and so two differences can be
# combined such that it goes: $\bigl(4\,D(h/2) - D(h)\bigr)/3$. What is left has $h^4$ in it. From
# two of *those*, with the steps $h$ and $h/2$, the term with $h^4$ can be removed, and so on.
# (Richardson, 1911; Romberg did the same with integrals.) With `rows` central differences, of the
# steps $h, h/2, h/4, \ldots$, one gets
#
# $$D_{k,0} = D(h/2^k), \qquad
#   D_{k,j} = \frac{4^j\,D_{k,\,j-1} - D_{k-1,\,j-1}}{4^j - 1}, \qquad j = 1, \ldots, k$$
#
# and the last one, with $k = j = \text{rows} - 1$, is the best.


# %% nbgrader={"grade_id": "further-1", "solution": true}
def extrapolated(f, x, h, rows):
    """f'(x), from `rows` central differences with the steps h, h/2, h/4, …, combined as above.
    f: a function of a number; x; h > 0; rows: 1, 2, …   Returns a number."""
    ### BEGIN SOLUTION
    above = []
    for k in range(rows):
        step = h / 2**k
        row = [(f(x + step) - f(x - step)) / (2 * step)]
        for j in range(1, k + 1):
            row.append((4**j * row[j - 1] - above[j - 1]) / (4**j - 1))
        above = row
    return above[-1]
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(1, "a good slope from bad ones", extrapolated) as go_1:
    go_1(
        "one row is the central difference: x⁵ at 1 with h = 0.5 gives 7.5625",
        extrapolated(lambda x: x**5, 1.0, 0.5, 1),
        7.5625,
        hint="D of the step h itself, with nothing combined",
    )
    go_1(
        "two rows: the error is -h⁴/4, and the slope 4.984375",
        extrapolated(lambda x: x**5, 1.0, 0.5, 2),
        4.984375,
        hint="D(h/2) = 5.62890625 and D(h) = 7.5625: four of one, less the other, over 3",
        mistakes=[
            (5.62890625, "this is D(h/2), not yet combined with D(h)"),
            (8.207031, "the two have changed places: the finer one counts four times"),
            (3.695313, "this is 2 D(h/2) - D(h), over 1: 2 and 1 in the place of 4 and 3"),
        ],
    )
    go_1(
        "three rows are exact for x⁵",
        extrapolated(lambda x: x**5, 1.0, 0.5, 3),
        5.0,
        rtol=1e-12,
        atol=0,
        hint="the second combination has 16 and 15 in the place of 4 and 3",
    )
    counted = []
    go_1(
        "eˣ at 1, with six steps from 1 down to 1/32: off by less than 1e-12",
        extrapolated(lambda x: counted.append(x) or np.exp(x), 1.0, 1.0, 6) - np.e,
        0.0,
        atol=1e-12,
        hint="each row needs all of the row above it",
    )
    go_1.true(
        "… from twelve values of f", len(counted) == 12, why=f"f was called {len(counted)} times"
    )

# %% [markdown]
# The smallest step was $1/32$, where a plain central difference has three or four digits. So a bad
# step is no misfortune if one knows how the error depends on it. Rounding hardly counts, since no
# step is small.
#
# ### Go further 2: off the real line
#
# The complex step asks for analytic functions. $|x|$ and $\max(x, y)$ are made of analytic pieces:
# of $x$ and $-x$, of $x$ and $y$. Write both such that the complex step is right on every piece:
# choose the piece by the real part, and hand on the number *whole*. And `length`, that of a vector,
# $\sqrt{\sum_k x_k^2}$: `np.linalg.norm` takes absolute values.


# %% nbgrader={"grade_id": "further-2", "solution": true}
def absolute(x):
    """|x| for an array x, real or complex, entry by entry; -x where the real part is negative."""
    ### BEGIN SOLUTION
    return np.where(np.real(x) < 0, -x, x)
    ### END SOLUTION


def maximum(x, y):
    """The larger of x and y, by their real parts; at a tie the first.   Arrays of one shape."""
    ### BEGIN SOLUTION
    return np.where(np.real(x) >= np.real(y), x, y)
    ### END SOLUTION


def length(x):
    """The length of a vector x (D,), real or complex.   Returns a number."""
    ### BEGIN SOLUTION
    return np.sqrt(np.sum(x * x))
    ### END SOLUTION


# %% jupyter={"source_hidden": true}
with further(2, "off the real line", absolute, maximum, length) as go_2:
    x, y = np.array([2.0, -3.0, 0.5]), np.array([1.0, 4.0, 0.5])
    step = 1e-20j
    go_2("|x| of real numbers", absolute(x), [2.0, 3.0, 0.5])
    go_2(
        "its slopes at 2, -3 and 0.5, by a complex step",
        np.imag(absolute(x + step)) / 1e-20,
        [1.0, -1.0, 1.0],
        hint="is the number handed on whole, with its imaginary part?",
        mistakes=[
            ([0.0, 0.0, 0.0], "the imaginary part is gone: no abs, no real part of what goes on")
        ],
    )
    go_2("max(x, y) of real numbers", maximum(x, y), [2.0, 4.0, 0.5])
    go_2(
        "its slopes in x; at the tie the first gets it",
        np.imag(maximum(x + step, y)) / 1e-20,
        [1.0, 0.0, 1.0],
        hint="what decides, and what is handed on",
    )
    go_2("… and in y", np.imag(maximum(x, y + step)) / 1e-20, [0.0, 1.0, 0.0])
    go_2("the length of (3, 4)", length(np.array([3.0, 4.0])), 5.0)
    go_2(
        "its slope along the first entry is 3/5",
        np.imag(length(np.array([3.0 + step, 4.0]))) / 1e-20,
        0.6,
        hint="a square, not the square of an absolute value",
        mistakes=[(0.0, "the imaginary part is gone: no absolute values, no conjugates")],
    )

# %% [markdown]
# ## What to keep
#
# - A derivative is a sensitivity: $f(x + h) \approx f(x) + h\,f'(x)$ for a small $h$. The error of
#   this is proportional to $h^2$. Of large changes it alone tells nothing.
# - A numeric slope has two errors. Truncation falls with $h$: as $h$ for the forward difference, as
#   $h^2$ for the central one. Rounding grows as $1/h$. The best steps are about $10^{-8}$ and
#   $10^{-5}$ in float64. The complex step subtracts nothing and has no such rounding, if $f$ is
#   analytic: no abs, sign or conjugate in it, and no real part of what is handed on.
# - The gradient has the shape of what it is the gradient of, and each entry is asked with the
#   others held still.
# - Add distributes, multiply switches, max routes.
# - At a kink there are two slopes. For a convex function all from the left one to the right are
#   sub-gradients; at a corner that points up there is none. A central difference at the kink gives
#   the middle, so a good check looks at both sides and takes any slope between.
# - Compare gradients by relative error, in float64, and put back what you moved.
#
# A numeric gradient costs two calls of $f$ for every parameter. For a hundred thousand parameters
# that is two hundred thousand calls for one step of training. **Backpropagation** finds the same
# numbers, all of them at once, for the price of a few calls. How it does that is what the next
# homework is about.
