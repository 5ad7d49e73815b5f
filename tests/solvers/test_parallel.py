"""Several processes come to the same parameters as one, whatever the batch and their number."""

import importlib.util
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.data import load_digits
from chainrule.layers import Affine, BatchNorm, Dropout, Tanh
from chainrule.layers.minibatch import PART
from chainrule.nets import MLP, Classifier, Sequential
from chainrule.solvers import SGD, Adam, Cosine, ParallelSolver, Solver, parallel
from chainrule.solvers.parallel import Share, wait_for
from tests.threads import on_threads

BESIDE = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
without_mpi = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason='mpi4py and an MPI are not installed: pip install -e ".[mpi]"',
)
ROOT = Path(__file__).parents[2]
RULES = {"momentum": lambda: SGD(0.05, momentum=0.9), "adam": lambda: Adam(2e-3)}
PROGRAM = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
import test_parallel as here
from mpi4py import MPI
from chainrule.solvers import ParallelSolver, parallel
{before}
solver = here.trained(lambda *a, **k: ParallelSolver(MPI.COMM_WORLD, *a, **k), *sys.argv[1:3])
if solver.rank == 0:
    here.np.savez(sys.argv[3], **here.outcome(solver))
"""


def nets():
    """With batch normalisation and dropout: after the activation, and before it, as in an MLP."""
    rng = np.random.default_rng(3)
    after = [Affine(64, 30, rng=rng), Tanh(), BatchNorm(30), Dropout(0.8, rng=rng)]
    return {
        "after": Sequential(*after, Affine(30, 10, rng=rng)),
        "before": MLP([64, 30, 20, 10], norm=BatchNorm, keep=0.8, rng=rng),
    }


def needs_mpi(test):
    return pytest.mark.slow(without_mpi(test))


def trained(make, rule, net, **options):
    """A run of 240 steps: each epoch has 39 batches of 27 and one of 25."""
    model = Classifier(nets()[net], l2=1e-3)
    settings = {"epochs": 6, "batch_size": 27, "schedule": Cosine(6), "seed": 4, "clip_norm": 2.0}
    solver = make(
        model, RULES[rule](), load_digits().standardised(), progress=False, **settings | options
    )
    solver.train()
    solver.last.restore(model)
    return solver


def outcome(solver):
    """The last parameters and state, the losses and the scores."""
    history = solver.history
    found = {**solver.model.params, **solver.model.state}
    return found | {"loss": history.step_loss, "score": history.val_score}


def on_ranks(ranks, tmp_path, *words, program_text=PROGRAM, before=""):
    program, out = tmp_path / "program.py", tmp_path / "out.npz"
    here = str(Path(__file__).parent)
    program.write_text(program_text.format(root=str(ROOT), here=here, before=before))
    command = [MPIEXEC, "-n", str(ranks), sys.executable, str(program), *words, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(np.load(out))


@pytest.fixture(scope="module")
def alone():
    """What one process comes to."""
    known = {}

    def of(rule, net):
        if (rule, net) not in known:
            known[rule, net] = outcome(trained(Solver, rule, net))
        return known[rule, net]

    return of


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize("net", ["after", "before"])
@pytest.mark.parametrize("rule", RULES)
def test_ranks_come_to_the_same_as_one_process(rule, net, ranks, tmp_path, alone):
    expected, found = alone(rule, net), on_ranks(ranks, tmp_path, rule, net)
    assert len(expected["loss"]) == 240
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        # Before a batch normalisation a bias does nothing, its gradient is 0 but for rounding, and
        # Adam makes steps of it, which the running mean follows.
        idle = rule == "adam" and net == "before" and name in IDLE
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-9 if idle else 1e-12)
    if ranks == 1:
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)


IDLE = {
    f"{layer}.{name}"
    for layer, name in (
        *(("affine1", "b"), ("batchnorm1", "running_mean")),
        *(("affine2", "b"), ("batchnorm2", "running_mean")),
    )
}


def test_shares_are_all_rows_once_and_nearly_equal():
    for ranks in (1, 2, 3, 7):
        for rows in (1, 2, 5, 7, 100):
            shares = [Share.of(rank, ranks, rows) for rank in range(ranks)]
            drawn = [n for one in shares if not one.idle for n in range(one.first, one.last)]
            assert drawn == [*range(rows)]
            sizes = [one.last - one.first for one in shares if not one.idle]
            assert max(sizes) - min(sizes) <= 1
            assert sum(one.weight for one in shares) == pytest.approx(1, abs=1e-15)
            assert sum(one.idle for one in shares) == max(ranks - rows, 0)


class Done:
    def Test(self):
        return True


class Echo:
    """A communicator of one rank."""

    def Get_rank(self):
        return 0

    def Get_size(self):
        return 1

    def Ibarrier(self):
        return Done()

    def bcast(self, thing):
        return thing


def test_layers_compute_over_all_rows_within_a_step_alone_even_if_it_fails(monkeypatch):
    model, seen = Classifier(nets()["before"]), []
    solver = ParallelSolver(Echo(), model, SGD(0.1), load_digits(), progress=False)

    def loss(*_):
        seen.append(PART.get())
        raise RuntimeError

    monkeypatch.setattr(model, "loss", loss)
    with pytest.raises(RuntimeError):
        solver.gradients(np.arange(5))
    assert (seen[0].first, seen[0].last, seen[0].rows) == (0, 5, 5)
    assert PART.get() is None


@needs_mpi
def test_more_ranks_than_rows_in_a_batch(tmp_path):
    text = PROGRAM.replace("*sys.argv[1:3])", "*sys.argv[1:3], epochs=1, batch_size=1077)")
    found = on_ranks(3, tmp_path, "momentum", "after", program_text=text)
    expected = outcome(trained(Solver, "momentum", "after", epochs=1, batch_size=1077))
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("ranks", "size"), [(2, 27), (3, 1077)])
def test_threads_come_to_the_same_as_one(ranks, size, monkeypatch):
    def run(comm):
        options = {"epochs": 2, "batch_size": size}
        return trained(partial(ParallelSolver, comm), "momentum", "after", **options)

    expected = outcome(trained(Solver, "momentum", "after", epochs=2, batch_size=size))
    for solver in on_threads(ranks, run, monkeypatch):
        for name, array in outcome(solver).items():
            np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-12)


@needs_mpi
def test_large_gradients_are_added_up_where_they_are_and_in_pieces(tmp_path, alone):
    before = "parallel.LARGE, parallel.PIECE = 100, 64"
    found = on_ranks(2, tmp_path, "momentum", "before", before=before)
    for name, array in alone("momentum", "before").items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-12)


class Doubles(Echo):
    """A communicator of two ranks that hold the same."""

    def Get_size(self):
        return 2

    def Iallreduce(self, _, array):
        array *= 2
        return Done()


def test_an_array_that_is_the_gradient_of_two_parameters_is_added_up_once(monkeypatch):
    fake = SimpleNamespace(MPI=SimpleNamespace(IN_PLACE=None))
    monkeypatch.setitem(sys.modules, "mpi4py", fake)
    monkeypatch.setattr(parallel, "LARGE", 3)
    solver = ParallelSolver(
        Doubles(), Classifier(MLP([64, 10])), SGD(0.1), load_digits(), progress=False
    )
    whole = np.arange(12.0)
    whole.flags.writeable = False
    g = np.ones((2, 3))
    grads = {"a": g, "b": g, "c": whole[2:8], "d": np.ones(2), "e": g.T}
    loss, found = solver._added_up(1.5, grads, False)
    assert loss == 3.0
    for name, dw in grads.items():
        np.testing.assert_array_equal(found[name], 2 * (np.ones_like(dw) if name != "c" else dw))
    np.testing.assert_array_equal(whole, np.arange(12.0))


class Late(Done):
    """A request that is done when it is asked so many times."""

    def __init__(self, times):
        self.left = times

    def Test(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_rank_that_waits_long_says_so_once(rank, monkeypatch, capfd):
    monkeypatch.setattr(parallel, "BUSY", 0.0)
    wait_for(Late(50), rank, quiet=0.001)
    said = f"chainrule: rank {rank} has waited 0.001 s for the others: one of them is stopped or"
    assert capfd.readouterr().err.count(said) == (rank < 2)
    wait_for(Late(0), rank, quiet=0.0)
    assert capfd.readouterr().err == ""


def test_a_rank_that_waits_long_can_be_interrupted(capfd):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_for(Late(10**9), 0, quiet=0.02, interrupt=interrupt)
    capfd.readouterr()
