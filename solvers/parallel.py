"""Training on many processes at once, each with its share of every minibatch."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule.layers.minibatch import Part, computing, random
from chainrule.solvers.solver import Solver

#: Numbers in a gradient that is not worth copying into a buffer with others.
LARGE = 2**16
#: Numbers in an Allreduce, at most: those of 8 MB are done at three times the rate of those of 32.
PIECE = 2**21
#: Seconds after which a rank says that it waits for the others, and from which on it lets itself be
#: interrupted.
QUIET, GRACE = 60.0, 5.0
#: Seconds for which a rank that waits asks again and again, and those that it sleeps from then on.
BUSY, NAP = 0.01, 0.0002


def give_way() -> None:
    """Let another process run on this core, if one is waiting for it."""
    if sys.platform == "win32":
        time.sleep(0)
    else:
        os.sched_yield()


def wait_for(
    request: Any,
    rank: int,
    *,
    quiet: float | None = None,
    interrupt: Callable[[], object] | None = None,
) -> None:
    """Return when a request of mpi4py is done, that is when all ranks have come as far.

    MPI's own waiting does not end where another rank is stopped or hangs, and lets no signal
    through. On rank 0, and on rank 1 since rank 0 may be the one, this says on stderr after `quiet`
    seconds, QUIET if left out, that it waits. From the fifth second on it calls `interrupt`, which
    may raise, every now and then.
    """
    quiet = QUIET if quiet is None else quiet
    started, said = time.monotonic(), rank > 1
    while not request.Test():
        waited = time.monotonic() - started
        if waited < BUSY:
            give_way()  # to a rank on the same core, where there are more ranks than cores
            continue
        time.sleep(NAP)
        if waited > quiet and not said:
            said = True
            print(
                f"chainrule: rank {rank} has waited {quiet:g} s for the others: one of them is "
                f"stopped or slow; SIGTERM ends the job",
                file=sys.__stderr__,  # that of another rank than the first is kept back
                flush=True,
            )
        if waited > min(GRACE, quiet) and interrupt is not None:
            interrupt()


@dataclass(frozen=True)
class Share:
    """The rows from `first` up to `last` of a minibatch of `rows`; `idle` where none are left for
    this process: it then computes row 0, which counts for nothing."""

    first: int
    last: int
    rows: int
    idle: bool

    @classmethod
    def of(cls, rank: int, ranks: int, rows: int) -> Share:
        """Consecutive rows, whose numbers differ by one at most between ranks."""
        first, last = rank * rows // ranks, (rank + 1) * rows // ranks
        return cls(first, last, rows, False) if last > first else cls(0, 1, rows, True)

    @property
    def weight(self) -> float:
        """What part of the mean over the minibatch these rows are."""
        return 0.0 if self.idle else (self.last - self.first) / self.rows


class ParallelSolver(Solver):
    """A `Solver` on each of the processes of a communicator, all made with the same arguments:
    they do together what one Solver would, with the same batches and the same result, rounding
    apart.

        ParallelSolver(MPI.COMM_WORLD, model, rule, data, …).train()

    comm: a communicator of mpi4py. Every process, a *rank*, holds the whole model and the whole
    state of the run, so that a checkpoint of any of them is one of the run. In a step each
    computes its `Share` of the rows; loss and gradients, weighted with the share, are added up:
    small arrays by one Allreduce over a flat buffer, large ones where they are. `model.loss` must
    take a weight, as that of `nets.Classifier` does.

    What layers compute over the batch is computed over that of all ranks: BatchNorm's sums are
    added up, and Dropout draws the mask of the whole minibatch on each rank, of which it takes its
    rows, and `augment` likewise. So the result does not depend on the number of ranks, unless a
    layer of your own has sums over the batch or draws, and does so other than by `over_batch` and
    `random` of `layers.minibatch`, or an augmentation of your own draws otherwise than by
    `rng.random(size)` with a tuple that begins with the number of rows.

    `asked`, a number that a rank may set at any time, is known to all after the next step, as the
    attribute `heard`: the sum over the ranks.

    A rank that waits for the others for more than `quiet` seconds says so on stderr; `interrupt`, a
    function that a rank may set, is called while it waits and may raise.
    """

    def __init__(
        self,
        comm: Any,
        *given: Any,
        progress: bool = True,
        quiet: float | None = None,
        **options: Any,
    ) -> None:
        self.quiet = quiet
        self.interrupt: Callable[[], object] | None = None
        self.comm, self.rank, self.ranks = comm, comm.Get_rank(), comm.Get_size()
        super().__init__(*given, progress=progress and self.rank == 0, **options)
        self.asked = self.heard = 0

    def gradients(self, rows: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients of the batch made of these rows of the data."""
        share = Share.of(self.rank, self.ranks, len(rows))
        own, add_up = rows[share.first : share.last], partial(self._over_batch, share.idle)
        with computing(Part(share.first, share.last, share.rows, add_up)):
            x, y = self.batch(own, RowsOfStream(self.rng.bit_generator))
            loss, grads = self.model.loss(x, y, share.weight, **self.weighing(own))  # type: ignore[call-arg]
        return self._added_up(loss, grads, share.idle)

    def _added_up(
        self, loss: float, grads: dict[str, np.ndarray], idle: bool
    ) -> tuple[float, dict[str, np.ndarray]]:
        if idle:  # BatchNorm sends something back to any row
            grads = {name: np.zeros_like(dw) for name, dw in grads.items()}
        large = {name: dw for name, dw in grads.items() if dw.size > LARGE}
        small = {name: dw for name, dw in grads.items() if dw.size <= LARGE}
        flat = np.concatenate(
            [[loss, self.asked], *map(np.ravel, small.values())],
            dtype=np.result_type(np.float32, *grads.values()),
        )
        self._sum(flat)
        self.heard = round(float(flat[1]))
        ends = np.cumsum([2, *(dw.size for dw in small.values())])
        sums = dict(zip(small, np.split(flat, ends)[1:], strict=False))
        for name, dw in large.items():
            # A copy only where it may be somebody else's, or that of another parameter as well.
            shared = sum(dw is other for other in grads.values()) > 1
            sums[name] = dw.copy() if shared else np.require(dw, requirements=["C", "W", "O"])
            self._sum(sums[name].reshape(-1))
        return float(flat[0]), {name: sums[name].reshape(dw.shape) for name, dw in grads.items()}

    def _over_batch(self, idle: bool, *sums: Any) -> tuple[Any, ...]:
        """Return the sums, numbers or arrays, added up over all ranks in float64."""
        flat = np.concatenate([np.ravel(one) for one in sums], dtype=np.float64)
        if idle:
            flat[:] = 0.0
        self._sum(flat)
        parts = np.split(flat, np.cumsum([np.size(one) for one in sums])[:-1])
        return tuple(
            part.astype(one.dtype) if isinstance(one, np.ndarray) else part.item()
            for one, part in zip(sums, parts, strict=True)
        )

    def _sum(self, flat: np.ndarray) -> None:
        if self.ranks > 1:
            from mpi4py import MPI

            for at in range(0, flat.size, PIECE):
                self._wait(self.comm.Iallreduce(MPI.IN_PLACE, flat[at : at + PIECE]))

    def _wait(self, request: Any) -> None:
        wait_for(request, self.rank, quiet=self.quiet, interrupt=self.interrupt)

    def _evaluated(self) -> tuple[float | None, float | None, float | None]:
        scores = super()._evaluated()
        self._wait(self.comm.Ibarrier())  # so that what follows does not wait
        found: tuple[float | None, float | None, float | None] = self.comm.bcast(scores)
        return found


class RowsOfStream(np.random.Generator):
    """Draws as `layers.minibatch.random` does, so that what an augmentation draws does not depend
    on the number of ranks."""

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Return uniform random numbers in [0, 1), `size` of them; see numpy.random.Generator."""
        if out is not None:
            return super().random(size, dtype, out)
        return random(np.random.Generator(self.bit_generator), size, dtype)
