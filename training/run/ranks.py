"""One run on many processes: what they say to each other besides gradients."""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from chainrule import solvers
from chainrule.solvers import ParallelSolver
from chainrule.solvers.parallel import wait_for

#: In each the number of processes stands that an mpiexec, or srun, has started.
SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")

Done = TypeVar("Done")  # what an action returns


class Alone:
    """A run in a single process: nobody to agree with."""

    rank, ranks = 0, 1
    agreed = False
    solver: Callable[..., solvers.Solver] = solvers.Solver

    def together(self, action: Callable[[], Done]) -> Done:
        """Does something on every rank; returns what came of it here."""
        return action()

    def first(self, action: Callable[[], Done]) -> Done | None:
        """Does something on the first rank; returns what came of it, None on the others."""
        return action()

    def same(self, **what: Any) -> None:
        """Compares some things, by name, with those on the other ranks."""

    def signal(self, solver: solvers.Solver, number: int | None) -> int | None:
        """The number of a signal that all ranks know of, and that came here or elsewhere; None
        for none. `number` is what came here."""
        return number


ALONE = Alone()


class Ranks(Alone):
    """A run on all processes of a communicator. `agreed` is whether a failure is known to all, so
    that each can end in good order."""

    def __init__(self, comm: Any) -> None:
        self.comm, self.rank, self.ranks = comm, comm.Get_rank(), comm.Get_size()

    def gathered(self, one: Any) -> list[Any]:
        """That of every rank. One that waits long for the others says so, and heeds signals."""
        wait_for(self.comm.Ibarrier(), self.rank)
        found: list[Any] = self.comm.allgather(one)
        return found

    def solver(self, *given: Any, **options: Any) -> ParallelSolver:
        """A solver that does its share of each step."""
        return ParallelSolver(self.comm, *given, **options)

    def together(self, action: Callable[[], Done]) -> Done:
        """Raises ValueError on all ranks where it fails on one, with the reason."""
        found: Any = None
        reason = None
        try:
            found = action()
        except (ValueError, OSError) as error:
            reason = str(error)
        reasons = self.gathered(reason)
        self.complain(
            reasons[0]
            if len({*reasons}) == 1
            else next(f"rank {rank}: {said}" for rank, said in enumerate(reasons) if said)
        )
        return found

    def first(self, action: Callable[[], Done]) -> Done | None:
        return self.together(lambda: action() if self.rank == 0 else None)

    def same(self, **what: Any) -> None:
        """Raises ValueError on all ranks where they are not the same."""
        for rank, there in enumerate(everywhere := self.gathered(what)):
            for name, value in there.items():
                if value != everywhere[0][name]:
                    self.complain(
                        f"rank {rank} has {name} {value}, rank 0 has {name} "
                        f"{everywhere[0][name]}; expected the same on all ranks"
                    )

    def complain(self, reason: str | None) -> None:
        if reason is not None:
            self.agreed = True
            raise ValueError(reason)

    def signal(self, solver: Any, number: int | None) -> int | None:
        solver.asked = number or 0  # the others hear of it in the next step
        if not solver.heard:
            return None
        self.agreed = True
        return max(filter(None, self.gathered(number)))


def team() -> Alone:
    """Those that do this run: `Ranks` where mpiexec has started several processes, else `Alone`.
    mpi4py is imported in the first case only. Raises ValueError where that cannot be done."""
    started = [int(size) for name in SIZES if (size := os.environ.get(name, "")).isdecimal()]
    if max(started, default=1) == 1:
        return Alone()
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(
            f"started on {max(started)} processes, which needs mpi4py and an MPI: {why}; install "
            f'them: pip install "chainrule[mpi]"'
        ) from None
    comm = MPI.COMM_WORLD
    if comm.Get_size() == 1:
        raise ValueError(
            f"started on {max(started)} processes, but mpi4py sees 1: mpiexec is of another MPI "
            f"than {MPI.Get_library_version().splitlines()[0]}"
        )
    return Ranks(comm)


def as_one(ranks: Alone, action: Callable[[], int]) -> int:
    """Calls `action`, which returns an exit status, on all ranks, where only the first prints. A
    rank that fails alone, whose failure the others cannot know, says why and ends them all."""
    said = io.StringIO()
    status: Any = 1
    with contextlib.ExitStack() as stack:
        if ranks.rank:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            stack.enter_context(contextlib.redirect_stderr(said))
        try:
            status = action()
        except SystemExit as ended:  # of argparse, on all ranks alike
            status, ranks.agreed = ended.code, True
        except Exception:
            traceback.print_exc()
    if status and not ranks.agreed:
        print(said.getvalue().replace("chainrule: ", f"chainrule: rank {ranks.rank}: ", 1), end="",
              file=sys.stderr)  # fmt: skip
        sys.stdout.flush()
        sys.stderr.flush()
        # Whoever started the ranks ends them all when one is gone without a word to MPI, and says
        # less about it than MPI_Abort would.
        os._exit(status)
    return status
