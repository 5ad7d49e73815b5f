"""How much float32 loses in sums: convolutions, pooling and group norm, beside other libraries.

    python -m benchmarks.rounding [--json FILE]

The same inputs, exact in float32, go to Chainrule, PyTorch and JAX; their outputs and gradients are
compared with the textbook's in float64. An error is the largest of an array, over the root mean
square of what is exact, in units of 2⁻²³, the distance from 1 to the next number. Prints those of
the output, of dx, and of the first parameter: dW, or dgamma.
"""

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks import cases
from benchmarks.contenders import textbook
from benchmarks.machine import machine
from benchmarks.race import NEEDS
from benchmarks.report import table, write_json

LIBRARIES = {"Chainrule": "ours", "PyTorch": "pytorch", "JAX": "jax_jit"}
ARRAYS = ("out", "dx", "dW")
EPS = float(np.finfo(np.float32).eps)


def error(found, exact):
    """The largest error of an array over the size of what is exact, in units of EPS."""
    size = np.sqrt(np.mean(exact**2))
    return float(np.max(np.abs(found.astype(np.float64) - exact)) / size / EPS)


def arrays_of(contender, case):
    """What a contender computes, by the names of ARRAYS."""
    found = contender.make(case)()
    grads = [*found.pop("grads", ())]
    return {name: numpy_of(array) for name, array in {**found, "dW": (*grads, None)[0]}.items()}


def numpy_of(array):
    if array is None:
        return None
    return np.asarray(array.detach() if hasattr(array, "detach") else array)


def measure(case, libraries):
    """A record: for each array the error of each library."""
    exact = arrays_of(textbook, {**case, "dtype": "float64"})
    errors: dict[str, dict] = {name: {} for name in ARRAYS if exact[name] is not None}
    for library in libraries:
        module = importlib.import_module(f"benchmarks.contenders.{LIBRARIES[library]}")
        found = arrays_of(module, case)
        for name, own in errors.items():
            own[library] = error(found[name], exact[name])
    return {"name": cases.name_of(case), "case": case, "errors": errors}


def lines(records):
    """The table to print."""
    libraries = [*records[0]["errors"]["out"]]
    rows = []
    for record in records:
        errors = [record["errors"].get(name, {}) for name in ARRAYS]
        cells = [f"{own[library]:.1f}" if own else "–" for own in errors for library in libraries]
        rows.append([record["name"], *cells])
    return table(["case", *(f"{name}: {who}" for name in ARRAYS for who in libraries)], rows)


def chosen():
    """The cases: convolutions with dx, and layers on images."""
    every = [*cases.convolutions(), *cases.image_layers()]
    return [case for case in every if case["kind"] != "first_layer"]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounding")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    libraries = [who for who, name in LIBRARIES.items() if importlib.util.find_spec(NEEDS[name])]
    for library in LIBRARIES.keys() - libraries:
        print(f"{library} is not installed and is left out.", file=sys.stderr)
    records = [measure(case, libraries) for case in tqdm(chosen(), unit="case")]
    print("\n".join(lines(records)))
    if options.json:
        write_json(options.json, {"machine": machine(), "records": records})


if __name__ == "__main__":
    main()
