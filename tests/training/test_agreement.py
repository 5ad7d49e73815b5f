"""What ranks agree on before and after the steps, on threads in the place of processes."""

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import train
from chainrule.nets.files import read_arrays
from chainrule.training import command
from chainrule.training.run import ranks
from chainrule.training.run.ranks import Alone, Ranks
from tests.threads import on_threads

RUN = ["--no-report", "--dtype", "float64", "--hidden", "16", "--epochs", "2"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def attempts(monkeypatch, *actions):
    """What each rank has to say after `together` has done its action."""

    def attempt(comm):
        team = Ranks(comm)
        try:
            return team.together(actions[comm.rank])
        except ValueError as error:
            assert team.agreed
            return str(error)

    return on_threads(len(actions), attempt, monkeypatch)


def failing(message, kind=ValueError):
    def action():
        raise kind(message)

    return action


def test_what_goes_well_everywhere_is_returned(monkeypatch):
    assert attempts(monkeypatch, lambda: 1, lambda: 2) == [1, 2]


def test_what_fails_somewhere_fails_everywhere(monkeypatch):
    found = attempts(monkeypatch, lambda: 1, failing("no file", OSError), failing("no luck"))
    assert found == ["rank 1: no file"] * 3
    assert attempts(monkeypatch, failing("no file"), failing("no file")) == ["no file"] * 2


def test_the_first_rank_acts_alone(monkeypatch):
    assert on_threads(2, lambda comm: Ranks(comm).first(lambda: 7), monkeypatch) == [7, None]
    assert Alone().first(lambda: 7) == 7


def test_differences_are_named(monkeypatch):
    def compare(comm):
        try:
            Ranks(comm).same(step=3, version="1.2" if comm.rank < 2 else "1.3")
        except ValueError as error:
            return str(error)

    said = "rank 2 has version 1.3, rank 0 has version 1.2; expected the same on all ranks"
    assert on_threads(3, compare, monkeypatch) == [said] * 3
    assert on_threads(2, compare, monkeypatch) == [None] * 2


def test_a_signal_to_one_rank_is_known_to_all_after_a_step(monkeypatch):
    def hear(comm):
        team, solver = Ranks(comm), SimpleNamespace(asked=0, heard=0)
        before = team.signal(solver, 15 if comm.rank == 1 else None)
        asked = solver.asked
        solver.heard = 15
        return before, asked, team.signal(solver, 15 if comm.rank == 1 else None), team.agreed

    assert on_threads(2, hear, monkeypatch) == [(None, 0, 15, True), (None, 15, 15, True)]


def test_a_run_and_its_continuation_on_two_threads_are_those_of_one_process(monkeypatch, capsys):
    assert train.main([*RUN, "--epochs", "3", "--run-dir", "alone"]) == 0

    def run(*words):
        return on_threads(2, lambda comm: command.carried_out([*words], Ranks(comm)), monkeypatch)

    assert run("train", *RUN, "--schedule", "cosine", "--epochs", "3", "--run-dir", "two") == [0, 0]
    for name, array in read_arrays("alone/checkpoint.safetensors")[0].items():
        if name.startswith("params/") and name != "params/affine1.b":
            found = read_arrays("two/checkpoint.safetensors")[0][name]
            np.testing.assert_allclose(found, array, rtol=0, atol=1e-12)
    assert run("resume", "two", "--epochs", "4") == [0, 0]
    assert len(Path("two/metrics.csv").read_text().splitlines()) == 5
    assert run("train", *RUN, "--rule", "sgd", "--lr", "1e60", "--run-dir", "far") == [1, 1]
    capsys.readouterr()


@pytest.mark.parametrize(
    "words",
    [["compare", "a"], ["train", "--sanity"], ["train", "--seeds", "2"], ["resume", "many"]],
)
def test_what_works_in_one_process_alone_says_so(words, monkeypatch, capsys):
    Path("many").mkdir()
    Path("many/many.json").write_text("{}")
    monkeypatch.setattr(command, "is_many", lambda *_: True)
    team = Ranks(SimpleNamespace(Get_rank=lambda: 0, Get_size=lambda: 2))
    assert command.carried_out(words, team) == 2
    assert "works in one process; start it without mpiexec" in capsys.readouterr().err
    assert team.agreed


class TestTeam:
    def started(self, monkeypatch, size, seen):
        monkeypatch.setenv("PMI_SIZE", str(size))
        comm = SimpleNamespace(Get_rank=lambda: 0, Get_size=lambda: seen)
        version = SimpleNamespace(COMM_WORLD=comm, Get_library_version=lambda: "MPI 9\nmore")
        monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=version))
        return ranks.team()

    def test_several_processes(self, monkeypatch):
        assert self.started(monkeypatch, 3, 3).ranks == 3

    def test_one(self, monkeypatch):
        assert self.started(monkeypatch, 1, 1).ranks == 1
        monkeypatch.delenv("PMI_SIZE")
        assert ranks.team().ranks == 1

    def test_an_mpiexec_of_another_mpi(self, monkeypatch):
        with pytest.raises(ValueError, match=r"2 processes, but mpi4py sees 1: .* than MPI 9$"):
            self.started(monkeypatch, 2, 1)

    def test_without_mpi4py(self, monkeypatch, capsys):
        monkeypatch.setenv("PMI_SIZE", "2")
        monkeypatch.setitem(sys.modules, "mpi4py", None)
        assert train.main([]) == 2
        assert 'install them: pip install "chainrule[mpi]"' in capsys.readouterr().err


class TestAsOne:
    def ended(self, action, monkeypatch, rank=1, agreed=False):
        """The status, what was written on stderr, and the status that the process left with."""
        team, left, said = Ranks(SimpleNamespace(Get_rank=lambda: rank, Get_size=lambda: 2)), [], io
        team.agreed, said = agreed, io.StringIO()
        monkeypatch.setattr(os, "_exit", left.append)
        monkeypatch.setattr(sys, "stderr", said)
        return ranks.as_one(team, action), said.getvalue(), left

    def test_a_failure_of_one_rank_is_said_by_it_and_ends_all(self, monkeypatch):
        def action():
            print("chainrule: no room", file=sys.stderr)
            print("unheard")
            return 1

        assert self.ended(action, monkeypatch) == (1, "chainrule: rank 1: no room\n", [1])
        assert self.ended(action, monkeypatch, rank=0) == (1, "chainrule: no room\n", [1])

    def test_a_failure_that_all_know_of_is_said_by_the_first_alone(self, monkeypatch):
        assert self.ended(lambda: 2, monkeypatch, agreed=True) == (2, "", [])
        assert self.ended(lambda: sys.exit(2), monkeypatch) == (2, "", [])
        assert self.ended(lambda: 0, monkeypatch) == (0, "", [])

    def test_a_bug_shows_where_it_is(self, monkeypatch):
        status, said, left = self.ended(lambda: 1 / 0, monkeypatch)
        assert (status, left) == (1, [1])
        assert "ZeroDivisionError" in said
