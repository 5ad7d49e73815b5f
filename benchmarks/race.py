"""Contenders in turns: every round, each works on the case for a moment, in random order."""

import importlib.util
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
NEEDS = {  # the package that a contender takes
    "ours": "numpy",
    "floor": "numpy",
    "textbook": "numpy",
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
BEYOND_AVX2 = ("AVX512", "X86_V4")  # how NumPy's names of such features begin


def installed():
    """The contenders that can take part, and the names of the packages that are missing."""
    missing = {need for need in NEEDS.values() if importlib.util.find_spec(need) is None}
    return [name for name, need in NEEDS.items() if need not in missing], sorted(missing)


def limits(threads, avx2=False):
    """The environment of a process that is to keep to so many threads and, with `avx2`, to do
    without what the processor has beyond AVX2."""
    flags = ["--xla_cpu_multi_thread_eigen=false"] if threads == 1 else []
    flags += ["--xla_cpu_max_isa=AVX2"] if avx2 else []
    found = {**dict.fromkeys(THREADS, str(threads)), "JAX_PLATFORMS": "cpu"}
    return {**found, "XLA_FLAGS": " ".join(flags), **(without_avx512() if avx2 else {})}


def without_avx512():
    """The environment in which NumPy, OpenBLAS, MKL and PyTorch use AVX2 and nothing beyond."""
    present = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    beyond = [name for name in present if name.startswith(BEYOND_AVX2)]
    before = os.environ.get("NPY_DISABLE_CPU_FEATURES", "")
    return {
        "NPY_DISABLE_CPU_FEATURES": " ".join([*before.split(), *beyond]),
        "OPENBLAS_CORETYPE": "Haswell",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    }


@contextmanager
def limited(threads) -> Iterator[None]:
    """Within it, a process that is started keeps to so many threads."""
    before = {name: os.environ.get(name) for name in limits(threads)}
    os.environ.update(limits(threads))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def in_a_process(threads, function, *arguments):
    """The result of the function, called in a new process that keeps to so many threads."""
    context = multiprocessing.get_context("spawn")
    with limited(threads), ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def clock(threads):
    """What tells the time: with one thread the processor's, which is hardly moved by what else the
    machine does; with more, the clock."""
    return time.process_time if threads == 1 else time.perf_counter


class Racer:
    """A contender's process, held to a number of threads and, where asked for, to AVX2."""

    def __init__(self, name, threads, avx2):
        self.name = name
        self.process: Any = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(threads)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **limits(threads, avx2)},
            start_new_session=True,  # Ctrl-C is for the parent, which closes the pipe
        )

    def time(self, case, seconds):
        print(json.dumps({"case": case, "seconds": seconds}), file=self.process.stdin, flush=True)
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: its process ended with code {self.process.wait()}")
        return json.loads(line)

    def close(self):
        self.process.communicate()  # closes its input, at which it ends


class Race:
    """Races between contenders, `with Race(names, threads) as race: race.run(case, 5, 0.05)`.

    What counts is processor time or time by the clock, as for `clock`.
    """

    def __init__(self, names, threads, avx2=False):
        self.threads = threads
        self.racers = {name: Racer(name, threads, avx2) for name in names}

    def __enter__(self):
        try:
            for racer in self.racers.values():
                racer.answer()  # is ready
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for racer in self.racers.values():
            racer.close()

    def run(self, case, rounds, seconds):
        """For each contender that takes part, the median of its times over the rounds, in
        seconds, and the quartiles."""
        what = "cpu" if self.threads == 1 else "wall"
        times: dict[str, list[float]] = {name: [] for name in self.racers}
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
