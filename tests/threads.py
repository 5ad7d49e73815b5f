"""Ranks without MPI: threads that talk to each other as processes do by mpi4py."""

import sys
import threading
from types import SimpleNamespace

import numpy as np


class Comm:
    """The communicator of one of several threads."""

    def __init__(self, rank, slots, barrier):
        self.rank, self.slots, self.barrier = rank, slots, barrier

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return len(self.slots)

    def allgather(self, thing):
        self.slots[self.rank] = thing
        self.barrier.wait()
        found = list(self.slots)
        self.barrier.wait()
        return found

    def bcast(self, thing):
        return self.allgather(thing)[0]

    def Iallreduce(self, _, array):
        array[...] = np.sum(self.allgather(array.copy()), axis=0)
        return SimpleNamespace(Test=lambda: True)

    def Ibarrier(self):
        self.barrier.wait()
        return SimpleNamespace(Test=lambda: True)


def on_threads(ranks, action, monkeypatch):
    """What `action(comm)` returns on each of so many threads; raises what one of them raises."""
    fake = SimpleNamespace(MPI=SimpleNamespace(IN_PLACE=None))
    monkeypatch.setitem(sys.modules, "mpi4py", fake)
    found, errors = [None] * ranks, []
    slots, barrier = [None] * ranks, threading.Barrier(ranks, timeout=60)

    def run(rank):
        try:
            found[rank] = action(Comm(rank, slots, barrier))
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return found
