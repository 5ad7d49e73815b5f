"""Recurrent layers and attention beside PyTorch's, forward and backward, in turns.

    python -m benchmarks.sequences [--threads 1] [--rounds 11] [--json FILE]

float32; N sequences of T steps of D numbers, as many hidden units or features as D; attention has
four heads. A row shows the median of each and their ratio, ours over PyTorch's.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.race import limits
from benchmarks.report import write_json

RECURRENT = [("RNN", n, t, d) for n in (32, 128) for t in (28, 100) for d in (64, 256)]
CASES = [
    *(one for kind in ("RNN", "LSTM", "GRU") for one in ((kind, *rest) for _, *rest in RECURRENT)),
    *(("MultiHeadAttention", 8, t, 128) for t in (64, 128, 256, 512)),
]
HEADS = 4


def contenders(kind, N, T, D):
    """What is to be timed, ours and PyTorch's: a training step's forward and backward pass."""
    import numpy as np
    import torch

    from chainrule import layers

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    heads = (D, HEADS) if kind == "MultiHeadAttention" else (D, D)
    layer = getattr(layers, kind)(*heads, rng=0, dtype=np.float32)
    name = "MultiheadAttention" if kind == "MultiHeadAttention" else kind
    module = getattr(torch.nn, name)(*heads, batch_first=True)
    x = np.random.default_rng(0).standard_normal((N, T, D)).astype(np.float32)
    tensor, dout = torch.tensor(x, requires_grad=True), np.ones_like(x)
    ones = torch.tensor(dout)

    def ours():
        _, cache = layer.forward(x)
        layer.backward(dout, cache)

    def theirs():
        tensor.grad = None
        module.zero_grad()
        inputs = (tensor,) * 3 if kind == "MultiHeadAttention" else (tensor,)
        more = {"need_weights": False} if kind == "MultiHeadAttention" else {}
        out, _ = module(*inputs, **more)
        out.backward(ones)

    return ours, theirs


def timed(case, rounds):
    """The median seconds of both over so many rounds, in turns."""
    both = contenders(*case)
    seconds: list[list[float]] = [[], []]
    for count in range(rounds + 1):
        for work, found in zip(both, seconds, strict=True):
            start = time.perf_counter()
            work()
            if count:  # the first warms up
                found.append(time.perf_counter() - start)
    return [statistics.median(found) for found in seconds]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps([timed(case, options.rounds) for case in CASES]))
        return
    words = [sys.executable, "-m", "benchmarks.sequences", "--worker"]
    done = subprocess.run(
        [*words, "--rounds", str(options.rounds)],
        env=os.environ | limits(options.threads), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    for (kind, N, T, D), (ours, theirs) in zip(CASES, found, strict=True):
        print(
            f"{kind:18} N {N:3} T {T:3} D {D:3} {ours * 1e3:7.1f} ms {theirs * 1e3:7.1f} ms "
            f"{ours / theirs:5.2f}"
        )
    rows = list(zip(CASES, (ours / theirs for ours, theirs in found), strict=True))
    for name, attention in (("recurrence", False), ("attention", True)):
        some = [ratio for case, ratio in rows if (case[0] == "MultiHeadAttention") is attention]
        mean = math.exp(statistics.fmean(map(math.log, some)))
        print(f"{name}: geometric mean {mean:.2f}, {min(some):.2f} to {max(some):.2f}")
    if options.json:
        write_json(options.json, {"machine": machine(), "cases": CASES, "seconds": found})


if __name__ == "__main__":
    main()
