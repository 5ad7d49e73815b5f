"""What a graph costs over the same layers called by hand.

    python -m benchmarks.graphs [--rounds 300]

Prints, for a chain of gates on one number (where the layers cost next to nothing), for a circuit
with forks, and for a network of the digits, the time of a forward and a backward pass by hand and
by graph, interleaved, as medians, and the difference per node.
"""

import argparse
import statistics
import time

import numpy as np

from chainrule.layers import Affine, Multiply, ReLU, Shift
from chainrule.nets import Graph


def chain(layers):
    """The graph of `layers` in a row, and a function that calls them by hand."""
    g = Graph()
    node = g.input("x")
    for layer in layers:
        node = layer(node)

    def by_hand(x, dout):
        caches = []
        for layer in layers:
            x, cache = layer.forward(x)
            caches.append(cache)
        for layer, cache in zip(reversed(layers), reversed(caches), strict=True):
            dout, _ = layer.backward(dout, cache)

    return g.output(node), by_hand


def forks(depth):
    """The graph of x ← x · x, again and again, and a function that calls the gates by hand."""
    g = Graph()
    node = g.input("x")
    gates = [Multiply() for _ in range(depth)]
    for gate in gates:
        node = gate(node, node)

    def by_hand(x, dout):
        caches = []
        for gate in gates:
            x, cache = gate.forward(x, x)
            caches.append(cache)
        for gate, cache in zip(reversed(gates), reversed(caches), strict=True):
            (left, right), _ = gate.backward(dout, cache)
            dout = left + right

    return g.output(node), by_hand


def measure(graph, by_hand, x, rounds):
    """The medians of a round by hand and of one by graph, in seconds."""
    out, _ = graph.forward(x)
    dout = np.ones_like(out)

    def by_graph(x, dout):
        _, cache = graph.forward(x)
        graph.backward(dout, cache)

    times: dict = {by_hand: [], by_graph: []}
    for _ in range(rounds):
        for run, seen in times.items():
            start = time.perf_counter()
            run(x, dout)
            seen.append(time.perf_counter() - start)
    return [statistics.median(seen) for seen in times.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="rounds to take medians of")
    rounds = parser.parse_args().rounds
    digits = np.random.default_rng(0).standard_normal((64, 64))
    network = [Affine(64, 100, rng=0), ReLU(), Affine(100, 100, rng=1), ReLU(), Affine(100, 10)]
    cases = {
        "40 gates in a row, on a number": (*chain([Shift(0.5) for _ in range(40)]), np.float64(1)),
        "20 forks, on a number": (*forks(20), np.float64(1)),
        "MLP 64-100-100-10, 64 rows": (*chain(network), digits),
    }
    print(f"{'case':32} {'nodes':>5} {'by hand':>10} {'graph':>10} {'more per node':>14}")
    for name, (graph, by_hand, x) in cases.items():
        hand, ours = measure(graph, by_hand, x, rounds)
        nodes = len(graph.layers)
        print(
            f"{name:32} {nodes:>5} {hand * 1e6:>7.0f} µs {ours * 1e6:>7.0f} µs "
            f"{(ours - hand) / nodes * 1e6:>11.1f} µs"
        )


if __name__ == "__main__":
    main()
