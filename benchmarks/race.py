"""Contenders in turns: every round, each works on the case for a moment, in random order."""

import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys

NEEDS = {
    "ours": None,
    "floor": None,
    "textbook": None,
    "pytorch": "torch",
    "pytorch_foreach": "torch",
    "pytorch_fused": "torch",
    "jax_jit": "jax",
    "scikit_learn": "sklearn",
    "hips_autograd": "autograd",
}
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def installed():
    """The contenders that can take part, and the names of the packages that are missing."""
    missing = {
        need for need in NEEDS.values() if need is not None and importlib.util.find_spec(need) is None
    }
    return [name for name, need in NEEDS.items() if need not in missing], sorted(missing)


class Racer:
    """A contender's process, held to a number of threads."""

    def __init__(self, name, threads):
        limits = dict.fromkeys(THREADS, str(threads))
        flags = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **limits, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        )
        self.version = json.loads(self.process.stdout.readline())

    def time(self, case, seconds):
        print(json.dumps({"case": case, "seconds": seconds}), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Race:
    """Races between contenders, `with Race(names, threads) as race: race.run(case, 5, 0.05)`.

    With one thread each, what counts is the processor time, which is hardly moved by what else
    the machine does; with more, the time by the clock.
    """

    def __init__(self, names, threads):
        self.threads = threads
        self.racers = {name: Racer(name, threads) for name in names}
        self.versions = {name: racer.version for name, racer in self.racers.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for racer in self.racers.values():
            racer.close()

    def run(self, case, rounds, seconds):
        """For each contender that takes part, the median of its times over the rounds, in
        seconds, and the quartiles."""
        what = "cpu" if self.threads == 1 else "wall"
        times = {name: [] for name in self.racers}
        names, draw = [*self.racers], random.Random(0)
        for _ in range(rounds):
            draw.shuffle(names)
            for name in [*names]:
                found = self.racers[name].time(case, seconds)
                if found["wall"] is None:
                    names.remove(name)
                else:
                    times[name].append(found[what])
        return {name: spread(own) for name, own in times.items() if own}


def spread(times):
    """(median, lower quartile, upper quartile)."""
    if len(times) == 1:
        return times[0], times[0], times[0]
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return middle, low, high
