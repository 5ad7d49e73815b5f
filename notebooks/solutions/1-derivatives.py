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
#
# ## A puzzle
#
# The derivative is a limit: a smaller step gives a better answer. Let us ask for the derivative of
# $e^x$ at $x = 1$, which is $e = 2.71828\ldots$, with smaller and smaller steps $h$.

# %%
import matplotlib.pyplot as plt
import numpy as np

from chainrule.gradcheck import check, check_functions, numerical_gradient
from chainrule.layers import ReLU
from chainrule.nets import circuits
from chainrule.notebooks import exercise
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
        "from 1 to 3, a step of 2, x³ grows from 1 to 27: the quotient is 13",
        cube_quotient(1.0, 2.0),
        13.0,
        hint="Expand (x + h)³ = x³ + 3 x² h + 3 x h² + h³; three terms are left, over h.",
        mistakes=[
            (3.0, "That is the limit, 3 x². At h = 2 two more terms are there."),
            (9.0, "The term h² is missing: (x + h)³ ends in h³."),
            (7.0, "The middle term is 3 x h: it comes from 3 x h²."),
            (26.0, "That is x³ at 3 less x³ at 1, not yet divided by h."),
        ],
    )
    check_1(
        "at h = 0 it is the derivative of x³: 12 at x = 2",
        cube_quotient(2.0, 0.0),
        12.0,
        hint="Only 3 x² is left.",
    )
    check_1(
        "from 1 to 2, a step of 1, 1/x falls from 1 to 0.5: the quotient is -0.5",
        reciprocal_quotient(1.0, 1.0),
        -0.5,
        hint="Bring 1 / (x + h) - 1 / x over one denominator.",
        mistakes=[
            (0.5, "The sign: 1 / (x + h) is less than 1 / x, so the quotient is negative."),
            (-1.0, "That is the limit, -1 / x². At h = 1 one of the two factors x is x + h."),
        ],
    )
    check_1(
        "at h = 0 it is the derivative of 1/x: -0.25 at x = 2",
        reciprocal_quotient(2.0, 0.0),
        -0.25,
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
# says: $f$ falls, and half as fast as $x$ grows. A slope of $0.001$ says: hardly matters.
#
# Why is a straight line good enough? Because every smooth curve looks straight from near by:


# %%
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
# ### Exercise 2: the exchange rate at work (3 points)
#
# Two questions, and you need no function for either, only its value and its slope at one point.
#
# - Where does $f$ go if $x$ moves by $h$?
# - By how much has $x$ to move so that $f$ changes by a wanted amount? (Training asks this one: it
#   wants the loss to fall.)


# %% nbgrader={"grade_id": "exchange", "solution": true}
def linear_estimate(value, slope, h):
    """About what f(x + h) is.   value: f(x); slope: f'(x); h: all numbers.   Returns a number."""
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
        mistakes=[
            (2.1, "That moves f as far as x; the slope says a quarter as far."),
            (2.25, "That adds the slope itself: multiply it by h first."),
            (0.025, "That is the change of f alone; add it to f(x)."),
            (1.975, "The sign: a positive slope and a positive step make f grow."),
        ],
    )
    check_2(
        "a loss of 0.7 with slope -2 comes to 0.68 after a step of 0.01",
        linear_estimate(0.7, -2.0, 0.01),
        0.68,
    )
    check_2(
        "slope 4: to lower f by 0.1, move x by -0.025",
        step_for(-0.1, 4.0),
        -0.025,
        hint="Solve change = h · slope for h.",
        mistakes=[
            (-0.4, "That is change · slope, what f would do if x moved by -0.1."),
            (0.025, "The sign: where f grows with x, lowering f means going back."),
            (-40.0, "Upside down: h = change / slope."),
        ],
    )
    check_2("slope -2: to lower f by 0.1, move x by +0.05", step_for(-0.1, -2.0), 0.05)
    ### BEGIN HIDDEN TESTS
    check_2("the estimate of 1/x at 2, moved by -0.5", linear_estimate(0.5, -0.25, -0.5), 0.625)
    check_2("raising f by 3 at slope 0.5", step_for(3.0, 0.5), 6.0)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_2.require()
### END HIDDEN TESTS

# %% [markdown]
# How wrong is the estimate? Taylor's series says what was left out:
#
# $$f(x + h) = f(x) + h\,f'(x) + \frac{h^2}{2}\,f''(x) + \frac{h^3}{6}\,f'''(x) + \cdots$$
#
# The largest term we dropped has $h^2$ in it. A step ten times smaller makes the estimate a hundred
# times better. See whether that is so for $\sqrt{x}$ at 4:

# %%
if check_2.verdict == "right":
    for h in (1.0, 0.1, 0.01, 0.001):
        guess = linear_estimate(2.0, 0.25, h)
        print(f"√{4 + h:<6g} ≈ {guess:.6f}   off by {abs(guess - np.sqrt(4 + h)):.1e}")
else:
    print("this table comes when exercise 2 is right")

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
# The error is proportional to $h$.
#
# **Central.** Look to both sides. In $f(x + h) - f(x - h)$ the terms with even powers of $h$
# cancel:
#
# $$\frac{f(x + h) - f(x - h)}{2h} = f'(x) + \frac{h^2}{6}\,f'''(x) + \cdots$$
#
# The error is proportional to $h^2$: far better, for one more call of $f$.
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
    """f'(x), from f(x + ih).   As above; f takes complex numbers.   Returns a real number."""
    ### BEGIN SOLUTION
    return f(x + 1j * h).imag / h
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-3", "points": 4}
with exercise(
    3, "three differences", forward_difference, central_difference, complex_step, points=4
) as check_3:
    check_3(
        "forward, x² at 3 with h = 0.5: 2x + h = 6.5",
        forward_difference(lambda x: x**2, 3.0, 0.5),
        6.5,
        mistakes=[
            (3.25, "That is f(x + h) - f(x), not yet divided by h."),
            (5.5, "That looks back: (f(x) - f(x - h)) / h."),
            (6.0, "That is exact, which a forward difference of x² is not: is it a central one?"),
            (-6.5, "The sign: f(x + h) comes first."),
        ],
    )
    check_3(
        "central, x³ at 1 with h = 0.5: 3x² + h² = 3.25",
        central_difference(lambda x: x**3, 1.0, 0.5),
        3.25,
        mistakes=[
            (6.5, "Divided by h, but from x - h to x + h it is 2h."),
            (1.625, "Divided once too often by 2: from x - h to x + h it is 2h."),
            (0.8125, "/ 2 * h divides by 2 and multiplies by h: write / (2 * h)."),
            (4.75, "That is the forward difference."),
            (-3.25, "The sign: f(x + h) comes first."),
        ],
    )
    check_3(
        "complex, x³ at 1 with h = 0.5: 3x² - h² = 2.75",
        complex_step(lambda x: x**3, 1.0, 0.5),
        2.75,
        mistakes=[
            (1.375, "That is the imaginary part, not yet divided by h."),
            (0.5, "That takes the real part; the slope is in the imaginary one."),
            (4.75, "That is the forward difference: step by 1j * h."),
        ],
    )
    check_3(
        "complex, sin at 1 with h = 1e-20: cos(1) to the last digits",
        complex_step(np.sin, 1.0, 1e-20),
        0.5403023058681398,
        rtol=1e-14,
        hint="Return f(x + 1j * h).imag / h, a real number.",
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

if check_3.verdict == "right":
    print("relative error of   forward    central    complex")
    for power in (1, 2, 4, 5, 6, 8, 10, 12, 15):
        h = 10.0**-power
        found = [way(awkward, 1.5, h) for way in (forward_difference, central_difference)]
        found.append(complex_step(awkward, 1.5, h))
        errors = [f"{abs(one / AWKWARD_SLOPE - 1):.0e}" for one in found]
        print(f"   h = 1e-{power:02}" + "".join(f"{error:>11}" for error in errors))
else:
    print("this table comes when exercise 3 is right")

# %% [markdown]
# The same as a picture, for many steps. Both scales are logarithmic, so that a power of $h$ is a
# straight line. (The five-point difference uses four values of $f$; its error falls as $h^4$.)

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
# Call that distance $\varepsilon = 2.2 \cdot 10^{-16}$. A value of $f$ is off by up to half of it,
# relative to $|f|$, and often a little more. Two values are subtracted, so that the difference is
# off by about $\varepsilon |f|$. Then we divide by $h$ or by $2h$. Both errors together:
#
# $$E_{\text{forward}}(h) = \underbrace{\frac{h}{2}\,|f''|}_{\text{truncation}}
#   + \underbrace{\frac{\varepsilon |f|}{h}}_{\text{rounding}}
#   \qquad\qquad
#   E_{\text{central}}(h) = \frac{h^2}{6}\,|f'''| + \frac{\varepsilon |f|}{2h}$$
#
# Small steps suffer from rounding, large ones from truncation. The best step is in between, where
# the two grow against each other: where the derivative of $E$ by $h$ is zero.
#
# ### Exercise 4: the best step (3 points)
#
# Set $\mathrm{d}E/\mathrm{d}h = 0$ and solve for $h$, for both. The values of $f$ and of its
# derivatives may be negative.


# %% nbgrader={"grade_id": "best-steps", "solution": true}
def best_forward_step(value, second, eps):
    """The h that makes E_forward smallest.   value: f(x); second: f''(x), not 0; eps: ε.
    Returns a number, h > 0."""
    ### BEGIN SOLUTION
    return np.sqrt(2 * eps * abs(value) / abs(second))
    ### END SOLUTION


def best_central_step(value, third, eps):
    """The h that makes E_central smallest.   value: f(x); third: f'''(x), not 0; eps: ε.
    Returns a number, h > 0."""
    ### BEGIN SOLUTION
    return np.cbrt(3 * eps * abs(value) / (2 * abs(third)))
    ### END SOLUTION


# %% nbgrader={"grade_id": "check-4", "points": 3}
with exercise(4, "the best step", best_forward_step, best_central_step, points=3) as check_4:
    check_4(
        "forward, f = 1, f'' = 8, ε = 4e-16: h = √(1e-16) = 1e-8",
        best_forward_step(1.0, 8.0, 4e-16),
        1e-8,
        atol=0,
        hint="dE/dh = |f''| / 2 - ε |f| / h² = 0: solve for h², then take the root.",
        mistakes=[
            (1e-16, "That is h²: take the square root."),
            (2e-8, "That is √ε, the best step only if |f''| happens to be 2 |f|."),
            (np.sqrt(0.5) * 1e-8, "A factor 2 is lost: in E, |f''| is divided by 2."),
            (0.5e-8, "The 2 under |f''| comes up on the other side: it multiplies ε |f|."),
        ],
    )
    check_4(
        "a negative value or bend makes no difference",
        (best_forward_step(-1.0, 8.0, 4e-16), best_forward_step(1.0, -8.0, 4e-16)),
        (1e-8, 1e-8),
        atol=0,
        hint="E has absolute values in it: use abs.",
    )
    check_4(
        "central, f = 1, f''' = 6, ε = 4e-15: h = ∛(1e-15) = 1e-5",
        best_central_step(1.0, 6.0, 4e-15),
        1e-5,
        atol=0,
        hint="dE/dh = h |f'''| / 3 - ε |f| / (2 h²) = 0: solve for h³; np.cbrt is the cube root.",
        mistakes=[
            (1e-15, "That is h³: take the cube root."),
            (np.sqrt(1e-15), "h stands there three times, h · h²: take the cube root."),
            (np.cbrt(4e-15), "That is ∛ε, the best step only for certain |f| and |f'''|."),
            (np.cbrt(2e-15), "A factor 2 is lost: rounding is ε |f| / 2h, and (h² / 6)' is h / 3."),
            (np.cbrt(1e-15 / 3), "A factor 3 is lost: the derivative of h² / 6 is h / 3."),
        ],
    )
    check_4(
        "the same with a negative value, and with a negative f'''",
        (best_central_step(-1.0, 6.0, 4e-15), best_central_step(1.0, -6.0, 4e-15)),
        (1e-5, 1e-5),
        atol=0,
        hint="E has absolute values in it: use abs.",
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
# $\sqrt{\varepsilon} = 1.5 \cdot 10^{-8}$ and $\sqrt[3]{\varepsilon} = 6 \cdot 10^{-6}$. The dots
# in the picture are there. Put them into $E$: the forward difference is good to 8 digits at best,
# the central one to 10 or 11. The complex step subtracts nothing, so it may be as small as you
# like.
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
# error is about $\varepsilon^{2/3} \approx 2 \cdot 10^{-5}$; with $h = 10^{-14}$, $x + h$ is $x$
# and the slope is 0. Compute in float64 with a step of about $10^{-5}$: 10 digits.
# ### END SOLUTION

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
# $f$, and yellow is high. The arrows are gradients, found by central differences. They stand at
# right angles to the lines, and point to where $f$ grows fastest.

# %%
GATES = {"x · y": np.multiply, "x + y": np.add, "max(x, y)": np.maximum}
side = np.linspace(-2.1, 2.1, 300)
X, Y = np.meshgrid(side, side)
fig, axes = plt.subplots(1, 3, figsize=(11, 3.7), layout="constrained")
for ax, (name, gate) in zip(axes, GATES.items(), strict=True):
    ax.contour(X, Y, gate(X, Y), levels=11, cmap="viridis", linewidths=1)
    for x in (-1.5, -0.5, 0.5, 1.5):
        for y in (-1.3, -0.3, 0.7, 1.7):
            point = np.array([x, y])
            arrow = 0.25 * numerical_gradient(lambda p=point, g=gate: g(p[0], p[1]), point)
            ax.annotate("", point + arrow, point, arrowprops={"arrowstyle": "->", "color": ORANGE})
    ax.set_title(name)
    ax.set_xlabel("x")
    ax.set_aspect("equal")
axes[0].set_ylabel("y")
plt.show()

# %% [markdown]
# ### Exercise 5: three gates (4 points)
#
# Write their gradients. For $\max$, think of which input a hair more would make a difference. At a
# tie, $x = y$, there is more than one right answer; this course gives all to the first, $x$. (Part
# 6 says why that is allowed.)


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
        hint="Hold y still: then x y is a line in x, with slope y.",
        mistakes=[
            ((3.0, -4.0), "Each got its own value: the slope in x is the other factor, y."),
            ((1.0, 1.0), "That is the gradient of x + y."),
        ],
    )
    check_5(
        "x + y at (3, -4): the gradient is (1, 1)",
        add_gradient(3.0, -4.0),
        (1.0, 1.0),
        hint="A hair more of x is a hair more of the sum, whatever y is.",
        mistakes=[
            ((3.0, -4.0), "These are the inputs, not the slopes."),
            ((0.5, 0.5), "Nothing is shared out: each slope is asked with the other held still."),
        ],
    )
    check_5(
        "max at (3, -4): the first is larger, the gradient is (1, 0)",
        max_gradient(3.0, -4.0),
        (1.0, 0.0),
        mistakes=[
            ((3.0, 0.0), "That hands the value on; the slope of max in its larger input is 1."),
            ((0.0, 1.0), "The other way round: it is the larger input that max follows."),
        ],
    )
    check_5("max at (-1, 2): the second is larger", max_gradient(-1.0, 2.0), (0.0, 1.0))
    check_5(
        "max at (2, 2), a tie: the first gets it",
        max_gradient(2.0, 2.0),
        (1.0, 0.0),
        mistakes=[
            (
                (1.0, 1.0),
                "Both got it: if both grow by h, max would grow by 2h, but it grows by h.",
            ),
            ((0.0, 0.0), "Nobody got it: if both grow by h, max would not grow, but it does."),
            ((0.0, 1.0), "The second got it, which is allowed too; this course takes the first."),
            ((0.5, 0.5), "A fair share is allowed too; this course gives all to the first."),
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
# These three have names that are easy to remember. A **circuit** draws a function as gates and
# wires. Values stand in green above the wires, gradients of the output in red below.
#
# **Add is a distributor**: it hands the same to both inputs, whatever they are.

# %%
graph, at = circuits.add_gate()
graph.draw(*at)

# %% [markdown]
# **Multiply is a switcher**: each input gets the value of the other. A small input beside a large
# one gets a large gradient.

# %%
graph, at = circuits.multiply_gate()
graph.draw(*at)

# %% [markdown]
# **Max is a router**: the larger input gets everything, the other nothing.

# %%
graph, at = circuits.max_gate()
graph.draw(*at)

# %% [markdown]
# Move the sliders, and watch the 1 in red jump over when $y$ passes $x$. (Sliders need a running
# notebook; a page that only shows notebooks leaves them out.)

# %%
graph.draw(*at).sliders(x=(-5, 5), y=(-5, 5))

# %% [markdown]
# ## Part 6. Kinks
#
# Zoom into $|x|$ at 0, as far as you like: it never becomes straight. Left and right have slopes of
# their own, $-1$ and $1$. There is no derivative, and yet training meets such points: $\max(x, 0)$,
# the ReLU, has one, and so has every max.
#
# What is still there: lines through the corner that stay **below** the graph. The slope of such a
# line is a **sub-gradient**. For a function that bends upwards (a convex one), $g$ is a
# sub-gradient at $x$ if
#
# $$f(x + h) \ge f(x) + g\,h \qquad\text{for all } h$$
#
# and these are all $g$ from the slope on the left to the slope on the right.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
x = np.array([-1.0, 0.0, 1.0])
corners = {"|x|": (np.abs(x), -1, 1), "max(x, 0)": (np.maximum(x, 0), 0, 1)}
for ax, (name, (y, left, right)) in zip(axes, corners.items(), strict=True):
    for g in np.linspace(left, right, 7)[1:-1]:
        ax.plot(x, g * x, color=ORANGE, lw=1)
    ax.plot([], [], color=ORANGE, lw=1, label="lines that stay below")
    ax.plot(x, y, color=BLUE, lw=2.5, label=name)
    ax.set_title(f"{name}: every slope from {left} to {right} is a sub-gradient at 0")
    ax.title.set_fontsize(10)
    ax.set_xlabel("x")
    ax.set_ylim(-1.1, 1.1)
    ax.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# A program has to return one number, and picks one: for ReLU at 0 this library takes 0, and for a
# tie of max $(1, 0)$. Both are sub-gradients. What would a numeric check say there?
#
# ### Exercise 6: what a check sees at a kink (4 points)
#
# - `side_slopes`: the two one-sided differences, to the left and to the right.
# - `is_subgradient`: whether $g$ is a sub-gradient, from the two slopes of a function that bends
#   upwards.
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
    """Whether g is a sub-gradient where a convex function has these one-sided slopes,
    left ≤ right.   Returns True or False."""
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
    check_6(
        "|x| at 0 has the slopes -1 and 1",
        side_slopes(abs, 0.0, 0.25),
        (-1.0, 1.0),
        mistakes=[
            ((1.0, 1.0), "The left slope goes from x - h to x: (f(x) - f(x - h)) / h."),
            ((1.0, -1.0), "These are left and right exchanged, or both with the wrong sign."),
            ((0.0, 0.0), "That is the central difference, to both sides at once."),
        ],
    )
    check_6(
        "x² at 3 with h = 0.5 has 5.5 on the left and 6.5 on the right",
        side_slopes(lambda x: x**2, 3.0, 0.5),
        (5.5, 6.5),
    )
    check_6.true(
        "0, -1 and 0.3 are sub-gradients of |x| at 0",
        is_subgradient(0.0, -1.0, 1.0)
        and is_subgradient(-1.0, -1.0, 1.0)
        and is_subgradient(0.3, -1.0, 1.0),
        "All slopes from left to right, the two ends included.",
    )
    check_6.true(
        "1.5 is none, and where both slopes are 2 only 2 is one",
        not is_subgradient(1.5, -1.0, 1.0)
        and not is_subgradient(1.5, 2.0, 2.0)
        and is_subgradient(2.0, 2.0, 2.0),
        "Both conditions have to hold: left ≤ g and g ≤ right.",
    )
    check_6(
        "max(x, 0) at 0: the central difference is 0.5",
        relu_central(0.0, 0.25),
        0.5,
        hint="max(x - h, 0) is 0, and what is left is (x + h) / 2h.",
        mistakes=[
            (0.0, "At 0 the point x + h is on the right, where max(x + h, 0) = h."),
            (1.0, "Over 2h, not over h."),
        ],
    )
    check_6(
        "a quarter of the window beside it: 0.75 and 0.25",
        (relu_central(0.125, 0.25), relu_central(-0.125, 0.25)),
        (0.75, 0.25),
        hint="Still one point on each side: (x + h) / 2h.",
    )
    check_6(
        "away from it: the true slopes, 1 and 0",
        (relu_central(2.0, 0.25), relu_central(-2.0, 0.25)),
        (1.0, 0.0),
        mistakes=[((4.5, -3.5), "With |x| > h both points are on one side of 0: two more cases.")],
    )
    ### BEGIN HIDDEN TESTS
    check_6("the slopes of max(x, 0)", side_slopes(lambda x: max(x, 0.0), 0.0, 0.5), (0.0, 1.0))
    check_6.true("-0.1 is none of max(x, 0)", not is_subgradient(-0.1, 0.0, 1.0))
    check_6("at the end of the window", relu_central(-0.5, 0.5), 0.0)
    check_6("in it", relu_central(0.25, 0.5), 0.75)
    ### END HIDDEN TESTS
### BEGIN HIDDEN TESTS
check_6.require()
### END HIDDEN TESTS

# %% [markdown]
# So a central difference at a kink gives the **middle** of the two slopes: 0.5 for ReLU at 0. It is
# as good a sub-gradient as any, but not the one that programs return. A check by central
# differences alone would call a correct ReLU wrong. The checker of this library looks at both
# sides, as you did, and knows better:

# %%
print(check(ReLU(), np.array([[-1.0, 0.0, 2.0]])))

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
# It is 0 where both agree, and 1 where the sign is wrong or one of them is zero. The $10^{-8}$
# keeps us from dividing $0$ by $0$. Its notes on gradient checks give this scale for central
# differences with $h = 10^{-5}$ in float64: above $10^{-2}$ the gradient is probably wrong, below
# $10^{-7}$ be happy, and what lies between deserves a look: $10^{-4}$ may be fine where there are
# kinks.
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
        mistakes=[
            (2 / 3, "Divided by the larger one; here it is the sum, |a| + |b|."),
            (2.0, "Divided by b alone, or not at all: divide by |a| + |b|."),
        ],
    )
    check_7(
        "of several entries the worst counts, and a wrong sign has 1",
        relative_error(np.array([1.0, -2.0, 5.0]), np.array([1.0, 2.0, 5.0])),
        1.0,
        hint="Absolute values also in the denominator: |a| + |b|, entry by entry.",
        mistakes=[(1 / 3, "That is the mean over the entries; take the largest.")],
    )
    check_7(
        "0 against 0 is no error",
        relative_error(np.zeros(2), np.zeros(2)),
        0.0,
        hint="np.maximum(1e-8, …) keeps the denominator away from 0.",
    )

    x = np.array([3.0, -4.0])
    check_7(
        "x y at (3, -4), as an array: (-4, 3)",
        numeric_gradient(lambda x: x[0] * x[1], x),
        (-4.0, 3.0),
        mistakes=[
            ((-8.0, 6.0), "Twice too large: from x - h to x + h it is 2h."),
            ((4.0, -3.0), "The sign: f(x + h) comes first."),
            (
                (0.0, 0.0),
                "Nearly zero. Is gradient[index] set, and are there brackets in / (2 * h)?",
            ),
        ],
    )
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 0.5]])
    kept = x.copy()
    check_7(
        "Σ x³ of an array (2, 3): 3 x², entry by entry",
        numeric_gradient(lambda x: np.sum(x**3), x),
        3 * kept**2,
        mistakes=[
            (3 * kept**2 + 3e-5 * kept, "That is the forward difference, with its error in h."),
            (3 * kept**2 - 3e-5 * kept, "That looks back only: (f(x) - f(x - h)) / h."),
            (6 * kept**2, "Twice too large: from x - h to x + h it is 2h."),
        ],
    )
    check_7.true(
        "x is as it was, to the last bit",
        np.array_equal(x, kept),
        "Keep the old number and write it back: in floats, x + h - h is not always x.",
    )
    check_7(
        "(Σ x)² has the gradient 2 Σ x everywhere: every entry moves alone",
        numeric_gradient(lambda x: np.sum(x) ** 2, kept.copy()),
        np.full((2, 3), 31.0),
        hint="Is each entry put back before the next one moves?",
    )
    check_7(
        "the step is h: Σ x³ at 1 with h = 0.5 gives 3.25",
        numeric_gradient(lambda x: np.sum(x**3), np.ones((2, 1)), h=0.5),
        np.full((2, 1), 3.25),
        hint="Use the argument h for the step.",
        mistakes=[
            (np.full((2, 1), 0.8125), "/ 2 * h divides by 2 and multiplies by h: write / (2 * h)."),
            (np.full((2, 1), 3.0), "The step is fixed in your code: use the argument h."),
        ],
    )
    x, weights = rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2))
    check_7(
        "three axes: the same as the library's",
        numeric_gradient(lambda x: np.sum(weights * np.sin(x)), x),
        numerical_gradient(lambda: np.sum(weights * np.sin(x)), x),
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
if check_7.verdict == "right":
    x = 0.3 * rng.standard_normal((4, 5))
    found = numeric_gradient(sum_of_softplus, x)
    for claim, formula in claims.items():
        print(f"{claim:18}  relative error {relative_error(formula(x), found):.0e}")
else:
    print("this comparison comes when exercise 7 is right")

# %% [markdown]
# The third claim is a good approximation near 0, and its error gives it away all the same.
#
# One number says *that* a gradient is wrong. Seldom does it say *why*. From now on the check cells
# use this library's `gradcheck`, which goes on asking: by which factor? which entries? It also puts
# an error bar on every difference, since you know by now that differences err. Look at what it says
# to a gradient of $x^2$ in which the 2 was forgotten:


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
# loop, though, $f(x + h) - f(x - h)$ comes out as 1, 3 and 5, which over $2h$ makes 50,000, 150,000
# and 250,000. What happened? (What is the `dtype` of this array, and what becomes of 1.00001 and of
# 0.99999 in it?)
#
# ### BEGIN SOLUTION
# The array holds integers, and what is written into it is cut off to an integer: 1.00001 becomes 1
# and 0.99999 becomes 0. So the step was 0 to the right and 1 to the left, and the differences are
# 1 - 0, 4 - 1 and 9 - 4. Gradients need arrays of floats: `x = np.array([1.0, 2.0, 3.0])`.
# ### END SOLUTION

# %% [markdown]
# ## What to keep
#
# - A derivative is a sensitivity: $f(x + h) \approx f(x) + h\,f'(x)$. The error of this is
#   proportional to $h^2$.
# - A numeric slope has two errors. Truncation falls with $h$: as $h$ for the forward difference, as
#   $h^2$ for the central one. Rounding grows as $1/h$. The best steps are about $10^{-8}$ and
#   $10^{-5}$ in float64. The complex step has no rounding to fear, if $f$ takes complex numbers.
# - The gradient has the shape of what it is the gradient of, and each entry is asked with the
#   others held still.
# - Add distributes, multiply switches, max routes.
# - At a kink any slope from the left one to the right one will do for training; a central
#   difference gives the middle, so a good check looks at both sides.
# - Compare gradients by relative error, in float64, and put back what you moved.
#
# A numeric gradient costs two calls of $f$ for every parameter. For a hundred thousand parameters
# that is two hundred thousand calls for one step of training. **Backpropagation** finds the same
# numbers for about the price of two or three calls, all of them at once. How it does that is what
# the next homework is about.
