"""Where several runs are carried out: in processes of this machine, by loky, or by the workers of a
Dask scheduler, on others too. Both take functions as an executor of `concurrent.futures` does."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from chainrule.training.runs.trial import Trial, accompany, work

#: The variables by which the BLAS libraries learn, when NumPy is imported, to use one thread.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
CONNECT = 10  # seconds to wait for a scheduler


class Workers(Protocol):
    """Carry out trials, `count` of them at a time."""

    count: int
    killed: type[Exception]  # what comes of a trial whose process was killed

    def submit(self, trial: Trial, stop: Path) -> Future[int]:
        """Has a worker carry out a trial, until there is a file `stop`. What comes of it is the
        exit status; concurrent.futures.BrokenExecutor where the processes are gone."""
        ...

    def close(self, *, at_once: bool) -> None:
        """Ends the workers that were started here: once what they do is done, or `at_once`."""
        ...


class Processes:
    """Processes of this machine, out of the reach of Ctrl-C, each with one thread. They save what
    they do, and end, where this one is gone."""

    killed = BrokenExecutor

    def __init__(self, count: int) -> None:
        from loky import ProcessPoolExecutor  # which takes 30 ms that one run does without

        self.count = count
        self._executor: Executor = ProcessPoolExecutor(
            count, env=ONE_THREAD, initializer=accompany, initargs=(os.getpid(),)
        )

    def submit(self, trial: Trial, stop: Path) -> Future[int]:
        with without_interrupts():
            return self._executor.submit(work, trial, os.getcwd(), str(stop.absolute()))

    def close(self, *, at_once: bool) -> None:
        self._executor.shutdown(kill_workers=at_once)  # type: ignore[call-arg]


class Cluster:
    """The workers of a Dask scheduler. They have to see the folder of this process by its path."""

    def __init__(self, address: str) -> None:
        self._client = connected(address)
        try:
            check_workers(address, self._client)
        except BaseException:
            self._client.close()
            raise
        from distributed.scheduler import KilledWorker

        self.killed: type[Exception] = KilledWorker
        self.count = len(self._client.nthreads())
        self._executor = self._client.get_executor(pure=False)

    def submit(self, trial: Trial, stop: Path) -> Future[int]:
        future: Future[int] = self._executor.submit(work, trial, os.getcwd(), str(stop.absolute()))
        return future

    def close(self, *, at_once: bool) -> None:
        self._executor.shutdown(wait=not at_once)
        self._client.close()


def connected(address: str) -> Any:
    """A client of the scheduler. Raises ValueError where it does not answer, or Dask is missing."""
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise ValueError(
            f'--scheduler {address}: Dask is not there: pip install "chainrule[dask]"'
        ) from None
    try:
        # Asked first, since a Client without a scheduler may never be done with that.
        socket.create_connection(get_address_host_port(address), CONNECT).close()
        return Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"--scheduler {address}: no scheduler answers there: {error or type(error).__name__}"
        ) from None


def check_workers(address: str, client: Any) -> None:
    """Raises ValueError unless the workers can carry out trials as this process can."""
    threads = client.nthreads()
    start = f"dask worker {address} --nthreads 1 --nworkers N"
    if not threads:
        raise ValueError(f"--scheduler {address}: has no workers; start some: {start}")
    if several := [worker for worker, count in threads.items() if count > 1]:
        raise ValueError(
            f"--scheduler {address}: the worker {several[0]} has {threads[several[0]]} threads, "
            f"expected one, so that a trial has a process of its own: {start}"
        )
    here = os.getcwd()
    if blind := [worker for worker, sees in client.run(os.path.isdir, here).items() if not sees]:
        raise ValueError(
            f"--scheduler {address}: the worker {blind[0]} does not see {here}; all machines need "
            f"this folder by the same path"
        )
    ours = metadata.version("chainrule")
    for worker, theirs in client.run(installed).items():
        if theirs != ours:
            raise ValueError(
                f"--scheduler {address}: the worker {worker} has chainrule {theirs}, expected "
                f"{ours}, as here"
            )


def installed() -> str:
    """The version of the library where this is run, in words where it is not there."""
    from importlib import metadata

    try:
        return metadata.version("chainrule")
    except metadata.PackageNotFoundError:
        return "not installed"


def cores() -> int:
    """The number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Within it Ctrl-C is held back. A process that is started in it never gets one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
