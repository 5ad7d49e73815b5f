"""What was measured on: the machine and the versions of what has a part in it."""

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np

PEERS = ("torch", "jax", "scikit-learn", "autograd")


def machine():
    """A dict that JSON can hold; equal on the same machine with the same software."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": f"{blas['name']} {blas['version']}",
        **{name: version for name in PEERS if (version := version_of(name))},
    }


def cores():
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_model():
    listing = Path("/proc/cpuinfo")
    for line in listing.read_text().splitlines() if listing.exists() else ():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor() or platform.machine()


def version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def in_words(machine):
    """A line for people: "… CPU, 2 cores; Linux…; Python 3.11.2, NumPy 2.4.6, …"."""
    named = {name: value for name, value in machine.items() if name not in ("cpu", "cores")}
    versions = ", ".join(f"{name} {value}" for name, value in named.items() if name != "system")
    return f"{machine['cpu']}, {machine['cores']} cores; {machine['system']}; {versions}"
