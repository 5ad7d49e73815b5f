"""One contender in a process of its own: `python -m benchmarks.worker CONTENDER THREADS`.

Reads requests from stdin, a line of JSON each, {"case": …, "seconds": …}, and answers on stdout:
{"wall": …, "cpu": …, "calls": …}, seconds per call by the clock and by what all threads together
spent, over as many calls as fit into the time, after some that are not counted; or {"wall": null}
where the contender has nothing to set against the case. It writes {"ready": true} first.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

SPIN_UP = 0.3  # of the time, not counted: threads wake up, caches fill


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    name, threads = sys.argv[1], int(sys.argv[2])
    if threads > 1 and hasattr(os, "sched_setaffinity"):
        # JAX heeds no number of threads, but starts no more than there are cores.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    made: dict[str, Any] = {}
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        key = json.dumps(request["case"])
        if key not in made:
            made = {key: contender.make(request["case"])}  # the arrays of one case at a time
        print(json.dumps(timed(made[key], request["seconds"])), file=answers, flush=True)


def timed(run, seconds):
    if run is None:
        return {"wall": None}
    calls, begun = 0, time.perf_counter()
    while calls < 2 or time.perf_counter() - begun < SPIN_UP * seconds:
        run()
        calls += 1
    each = (time.perf_counter() - begun) / calls
    count = max(1, round(seconds / each))
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        run()
    return {
        "wall": (time.perf_counter() - wall) / count,
        "cpu": (time.process_time() - cpu) / count,
        "calls": count,
    }


if __name__ == "__main__":
    main()
