"""How many digits are right: errors in ulp, over all numbers that a dtype has.

    python -m benchmarks.exactness [--points 4000] [--json FILE]

The same inputs go to Chainrule, PyTorch and JAX, forward and, with gradients dout between 1 and 2,
backward; the results are compared with those of mpmath, to 60 digits. Errors are in ulp, the
distance from one number of the dtype to the next at the exact result; the best there is, to round
the exact result, costs at most 0.5.

Half of the inputs have every order of magnitude that the dtype has, in equal parts; the other half
lie between 2⁻¹² and 2¹⁰, where the curves bend; both have both signs. Softmax and cross-entropy get
rows of 10 scores as large as that. Where the input or the exact result is denormal the error counts
apart, in units of the smallest number; exact results that overflow are left out. The gradient of
softmax, dx = p (dout - Σ dout p), may cancel: its ulp are those of p (dout + Σ dout p). So may the
slopes of GELU, Swish, Mish and HardSwish, Φ(x) + x φ(x) for one: their ulp are those of
Φ(x) + |x| φ(x).

Prints the largest error for each, and where ours misses the aim: 4 ulp, or PyTorch's own figure
where that is larger.
"""

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf
from tqdm import tqdm

from benchmarks.contenders import ours
from benchmarks.machine import machine
from benchmarks.report import table, write_json
from chainrule import layers

AIM = 4.0
ALPHA = 0.25  # of PReLU
CLASSES = 10
ELEMENTWISE = (
    *("relu", "leaky_relu", "prelu", "elu", "sigmoid", "tanh", "softplus"),
    *("gelu", "gelu_tanh", "swish", "mish", "selu", "hard_swish", "softsign"),
)
IN_PARTS = (
    "gelu",
    "gelu_tanh",
    "swish",
    "mish",
    "hard_swish",
)  # the slope is a sum, and may cancel
SELU = mpf("1.0507009873554804934193349853"), mpf("1.6732632423543772848170429917")
FUNCTIONS = (*ELEMENTWISE, "softmax", "softmax_ce")
PASSES = ("forward", "backward")


def magnitudes(rng, count, dtype):
    """Positive numbers: half of every magnitude of the dtype, half around 1."""
    info = np.finfo(dtype)
    lowest = info.minexp - info.nmant
    exponents = rng.uniform(lowest, info.maxexp, count)
    exponents[::2] = rng.uniform(-12, 10, len(exponents[::2]))
    found = np.ldexp(2 ** (exponents % 1), np.floor(exponents).astype(int))
    return found.astype(dtype)


def inputs(name, dtype, count):
    """x, labels y for cross-entropy, and dout."""
    rng = np.random.default_rng(0)
    size = magnitudes(rng, count, dtype)
    y = rng.integers(CLASSES, size=count)
    if name in ELEMENTWISE:
        x = size * rng.choice([-1, 1], count)
    else:
        x = size[:, np.newaxis] * rng.uniform(-1, 1, (count, CLASSES))
    dout = rng.uniform(1, 2, y.shape if name == "softmax_ce" else x.shape)
    return x.astype(dtype), y, dout.astype(dtype)


def exact_parts(name, x):
    """One of IN_PARTS at x, a number of mpmath, and the two parts of its derivative."""
    if name == "gelu":
        below = mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 1e6 else mpf(x > 0)  # mpmath overflows
        return x * below, below, x * mp.npdf(x)
    if name == "gelu_tanh":
        rate, cube = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
        part = 1 / (1 + mp.exp(-rate * (x + cube * x**3)))
        other = 1 / (1 + mp.exp(rate * (x + cube * x**3)))
        return x * part, part, x * part * other * rate * (1 + 3 * cube * x**2)
    if name == "swish":
        part = 1 / (1 + mp.exp(-x))
        return x * part, part, x * part / (1 + mp.exp(x))
    if name == "mish":
        e = mp.exp(x)
        n = e * (e + 2)
        return x * n / (n + 2), n / (n + 2), 4 * x * e * (1 + e) / (n + 2) ** 2
    if abs(x) >= 3:  # hard_swish
        return max(x, 0), mpf(x > 0), mpf(0)
    return x * (x + 3) / 6, mpf(1) / 2, x / 3


def exact_slopes(name, x, alpha):
    """The function at x, a number of mpmath, and its derivative."""
    if name == "softsign":
        return x / (1 + abs(x)), 1 / (1 + abs(x)) ** 2
    if name == "selu":
        scale, below = SELU
        out, slope = exact_slopes("elu", x, alpha)
        return (
            (scale * out, scale * slope) if x > 0 else (scale * below * out, scale * below * slope)
        )
    if name == "sigmoid":
        e = mp.exp(-abs(x))
        return 1 / (1 + mp.exp(-x)), e / (1 + e) ** 2
    if name == "tanh":
        return mp.tanh(x), 1 / mp.cosh(x) ** 2
    if name == "softplus":
        return max(x, 0) + mp.log1p(mp.exp(-abs(x))), 1 / (1 + mp.exp(-x))
    if x > 0:
        return x, mpf(1)
    return (mp.expm1(x), mp.exp(x)) if name == "elu" else (alpha * x, alpha)


def exact_row(name, x, y, dout):
    """The outputs for a row of scores, dx, and the size of what dx is the difference of."""
    top = max(x)
    e = [mp.exp(score - top) for score in x]
    total = mp.fsum(e)
    p = [part / total for part in e]
    if name == "softmax":
        mean = mp.fdot(p, dout)
        dx = [part * (own - mean) for part, own in zip(p, dout, strict=True)]
        return p, dx, [part * (own + mean) for part, own in zip(p, dout, strict=True)]
    rest = mp.fsum(part for at, part in enumerate(e) if at != x.index(top))
    error = [*p]
    error[y] = -mp.fsum(part for at, part in enumerate(p) if at != y)
    dx = [dout * part for part in error]
    return [mp.log1p(rest) + (top - x[y])], dx, dx


def exact(name, x, y, dout):
    """For the output and dx each: the exact result as a sum of two float64 arrays, and the size
    at which an ulp is taken."""
    alpha = {"relu": 0, "leaky_relu": x.dtype.type(0.01), "prelu": ALPHA}.get(name, 0)
    out, dx, size = [], [], []
    if name in ELEMENTWISE:
        for one, own in zip(x.tolist(), dout.tolist(), strict=True):
            if name in IN_PARTS:
                value, *parts = exact_parts(name, mpf(one))
            else:
                value, *parts = exact_slopes(name, mpf(one), mpf(float(alpha)))
            out.append(value)
            dx.append(own * sum(parts))
            size.append(own * sum(map(abs, parts)))
    else:
        for row, label, own in zip(x.tolist(), y.tolist(), dout.tolist(), strict=True):
            found = exact_row(name, [mpf(score) for score in row], label, own)
            for all_rows, part in zip((out, dx, size), found, strict=True):
                all_rows += part
    return (*in_two(out), in_two(out)[0]), (*in_two(dx), in_two(size)[0])


def in_two(numbers):
    """Numbers of mpmath as two float64 arrays, the second what rounding to the first leaves.
    Only 0 itself becomes 0."""
    high = [float(number) or 5e-324 * int(mp.sign(number)) for number in numbers]
    low = [
        float(number - one) if abs(one) < float("inf") else 0.0
        for number, one in zip(numbers, high, strict=True)
    ]
    return np.array(high), np.array(low)


def errors(found, high, low, size):
    """The errors of `found` in ulp, and which of them count as denormal; nan where the exact
    result overflows."""
    info = np.finfo(found.dtype)
    exponents = np.frexp(size)[1] - 1
    exponents = np.where(size == 0, info.minexp, np.maximum(exponents, info.minexp))
    ulp = np.ldexp(1.0, exponents - info.nmant)
    error = abs((found.astype(np.float64).ravel() - high) - low) / ulp
    error[np.isnan(error)] = np.inf  # nan is as wrong as can be
    error[abs(high) > info.max] = np.nan
    return error, (abs(high) < info.tiny) & (high != 0)


# The results of each library: the outputs and dx for x, labels y and dout.


def in_chainrule(name, x, y, dout):
    if name == "softmax_ce":
        loss = layers.SoftmaxCrossEntropy("sum")
        outs, dxs = [], []
        for row, label, own in zip(x, y, dout, strict=True):
            out, cache = loss.forward(row[np.newaxis], label[np.newaxis])
            outs.append(out)
            dxs.append(loss.backward(own, cache)[0])
        return np.array(outs, x.dtype), np.concatenate(dxs)
    others: dict[str, Any] = {
        "softmax": layers.Softmax(),
        "prelu": layers.PReLU(alpha=ALPHA, dtype=x.dtype),
    }
    layer = others.get(name) or ours.ELEMENTWISE[name]
    out, cache = layer.forward(x)
    return out, layer.backward(dout, cache)[0]


def in_pytorch(name, x, y, dout):
    torch = importlib.import_module("torch")
    x, y, dout = map(torch.from_numpy, (x, y, dout))
    x.requires_grad_()
    functional = torch.nn.functional
    if name == "softmax_ce":
        out = functional.cross_entropy(x, y, reduction="none")
    elif name == "softmax":
        out = functional.softmax(x, dim=1)
    elif name == "prelu":
        out = functional.prelu(x, torch.tensor([ALPHA], dtype=x.dtype))
    else:
        out = importlib.import_module("benchmarks.contenders.pytorch").ELEMENTWISE[name](x)
    out.backward(dout)
    return out.detach().numpy(), x.grad.numpy()


def in_jax(name, x, y, dout):
    jax = importlib.import_module("jax")
    contender = importlib.import_module("benchmarks.contenders.jax_jit")
    functions = {
        "prelu": lambda x: contender.prelu(x, x.dtype.type(ALPHA)),
        "softmax": jax.nn.softmax,
        "softmax_ce": lambda x: jax.vmap(contender.cross_entropy)(x[:, None], y[:, None]),
    }
    function = functions.get(name) or contender.ELEMENTWISE[name]

    @jax.jit
    def both(x, dout):
        out, back = jax.vjp(function, x)
        return out, back(dout)[0]

    out, dx = both(x, dout)
    return np.asarray(out), np.asarray(dx)


LIBRARIES = {
    "Chainrule": (in_chainrule, "numpy"),
    "PyTorch": (in_pytorch, "torch"),
    "JAX": (in_jax, "jax"),
}


def measure(name, dtype, count, libraries):
    """A record for each pass: the largest error of each library, and the input it is at."""
    x, y, dout = inputs(name, dtype, count)
    with mp.workdps(60):
        references = exact(name, x, y, dout)
    found: dict[str, dict] = {which: {} for which in PASSES}
    for library in libraries:
        with np.errstate(all="ignore"):
            results = LIBRARIES[library][0](name, x.copy(), y, dout.copy())
            for which, result, reference in zip(PASSES, results, references, strict=True):
                error, denormal = errors(result, *reference)
                found[which][library] = worst(error, denormal, name, x)
    for which in PASSES:
        yield {"function": name, "pass": which, "dtype": np.dtype(dtype).name, "ulp": found[which]}


def worst(error, denormal, name, x):
    """The largest error where numbers are normal, the input it is at, and that where not."""
    if name in ELEMENTWISE:
        denormal = denormal | (abs(x) < np.finfo(x.dtype).tiny)
    normal = np.where(denormal, np.nan, error)
    at = int(np.nanargmax(normal))
    return {
        "normal": float(normal[at]),
        "at": float(x[at]) if name in ELEMENTWISE else None,
        "denormal": float(np.nanmax(error[denormal], initial=0)),
    }


def in_words(value):
    return f"{value:.2g}" if value >= 100 else f"{value:.2f}"


def misses(record):
    """Whether ours misses the aim."""
    allowed = max(AIM, record["ulp"].get("PyTorch", {"normal": 0})["normal"])
    return record["ulp"]["Chainrule"]["normal"] > allowed


def tables(records):
    """The lines to print: the errors, and the misses."""
    libraries = [*records[0]["ulp"]]
    head = ["function", "pass", "dtype", *libraries]
    head += [f"{library}, denormal" for library in libraries]
    rows = [
        [
            *(record[key] for key in ("function", "pass", "dtype")),
            *(in_words(record["ulp"][library]["normal"]) for library in libraries),
            *(in_words(record["ulp"][library]["denormal"]) for library in libraries),
        ]
        for record in records
    ]
    missed = [
        "- {function}, {pass}, {dtype}: ".format(**record)
        + "{normal:.3g} ulp at x = {at}".format(**record["ulp"]["Chainrule"])
        for record in records
        if misses(record)
    ]
    return [*table(head, rows), "", "Misses of the aim:", "", *(missed or ["None."])]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactness")
    parser.add_argument("--points", type=int, default=4000, help="inputs (default 4000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    libraries = [name for name, (_, need) in LIBRARIES.items() if importlib.util.find_spec(need)]
    for name in LIBRARIES.keys() - libraries:
        print(f"{name} is not installed and is left out.", file=sys.stderr)
    records: list[dict] = []
    pairs = [(name, dtype) for dtype in (np.float32, np.float64) for name in FUNCTIONS]
    for name, dtype in tqdm(pairs, unit="function", dynamic_ncols=True):
        records += measure(name, dtype, options.points, libraries)
    print("\n".join(tables(records)))
    if options.json:
        write_json(options.json, {"machine": machine(), "records": records})


if __name__ == "__main__":
    main()
