"""`mpiexec -n 2 chainrule train`: one run on several processes, and what becomes of it when one of
them is in trouble."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chainrule.nets.files import read_arrays
from tests.signals import HEEDED

pytestmark = pytest.mark.slow
pytest.importorskip("mpi4py", reason='mpi4py is not installed: pip install -e ".[mpi]"')
BESIDE = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
if MPIEXEC is None:
    pytest.skip("there is no mpiexec", allow_module_level=True)

TRAIN = str(Path(__file__).parents[3] / "train.py")
RUN = ("--no-report", "--dtype", "float64", "--hidden", "32", "--schedule", "constant")
LONG = (*RUN, "--epochs", "9999")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def started(ranks, *words, script=TRAIN):
    return subprocess.Popen(
        [MPIEXEC, "-n", str(ranks), sys.executable, script, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **HEEDED,
    )  # fmt: skip


def ended(process, seconds=60):
    """Status, what was printed, and what was said on stderr, line by line."""
    try:
        printed, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, printed, said.splitlines()


def trains(ranks, *words, **options):
    status, printed, said = ended(started(ranks, *words, **options))
    assert status == 0, said
    return printed


def parameters(path):
    arrays, _ = read_arrays(Path(path) / "checkpoint.safetensors")
    return {name: array for name, array in arrays.items() if name.startswith("params/")}


def agree(one, other):
    one, other = parameters(one), parameters(other)
    assert one.keys() == other.keys()
    for name, array in one.items():
        # Adam makes steps of the rounding errors that the gradient of an idle bias consists of.
        if name != "params/affine1.b":
            np.testing.assert_allclose(array, other[name], rtol=0, atol=1e-12)


def wait_for(path):
    end = time.monotonic() + 60
    while not Path(path).exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def ranks_of(process):
    """The process numbers of the ranks that run under an mpiexec."""
    found, waiting = [], [process.pid]
    while waiting:
        pid = waiting.pop()
        try:
            inside = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if {*Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1:2]} & {TRAIN, "hasty.py"}:
                found.append(pid)
        except OSError:
            continue
        waiting += map(int, inside)
    return sorted(found)


def test_a_run_on_two_ranks_is_the_run_on_one_and_prints_it_once():
    alone = trains(1, *RUN, "--epochs", "3", "--run-dir", "alone")
    together = trains(2, *RUN, "--epochs", "3", "--run-dir", "together")
    agree("alone", "together")
    assert together.count("validation accuracy") == 1
    lines = [[*text.partition("epoch   1")[2].splitlines()][:2] for text in (alone, together)]
    assert lines[0] == lines[1]
    assert {path.name for path in Path("together").iterdir()} == {
        path.name for path in Path("alone").iterdir()
    }


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_killed_rank_ends_the_job_and_the_run_goes_on_with_another_number_of_ranks():
    trains(1, *RUN, "--epochs", "60", "--run-dir", "whole")
    run = started(3, *RUN, "--epochs", "60", "--run-dir", "killed")
    wait_for("killed/best.safetensors")
    os.kill(ranks_of(run)[1], signal.SIGKILL)
    killed = time.monotonic()
    status, _, _ = ended(run)
    assert status != 0
    assert time.monotonic() - killed < 10
    step = read_arrays("killed/checkpoint.safetensors")[1]["run"]["step"]
    assert 0 < step < 60 * 34
    trains(2, "--resume", "killed")
    agree("whole", "killed")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_a_rank_ends_all_after_the_step_and_the_run_goes_on(number, status):
    run = started(2, *LONG, "--run-dir", "run")
    wait_for("run/best.safetensors")
    os.kill(ranks_of(run)[0], number)
    found, _, said = ended(run)
    assert found == status, said
    assert said[0].startswith("chainrule: stopped after step ")
    assert "chainrule resume run" in said[0]
    epochs = len(Path("run/metrics.csv").read_text().splitlines())
    trains(1, "--resume", "run", "--epochs", str(epochs))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_rank_that_is_stopped_is_told_of_and_sigterm_ends_the_job(rank):
    Path("hasty.py").write_text(
        "from functools import partial\n"
        "from chainrule import __main__ as command\n"
        "from chainrule.solvers import parallel\n"
        "parallel.QUIET = 1.0\n"
        "command.program(partial(command.main, default='train'))\n"
    )
    run = started(2, *LONG, "--run-dir", "run", script="hasty.py")
    wait_for("run/best.safetensors")
    stopped, other = ranks_of(run)[rank], ranks_of(run)[1 - rank]
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(4)
    os.kill(other, signal.SIGTERM)
    status, _, said = ended(run)
    assert status != 0
    assert f"chainrule: rank {1 - rank} has waited 1 s for the others: one of them is stopped" in (
        "\n".join(said)
    )
    assert read_arrays("run/checkpoint.safetensors")[1]["run"]["step"] > 0


TROUBLE = """
import os
import sys
from functools import partial
from chainrule import __main__ as command
rank = int(os.environ["PMI_RANK"])
from chainrule.training.run import autosave
{change}
command.program(partial(command.main, default="train"))
"""


def in_trouble(change, *words, ranks=2):
    """What train.py does where `change` has been made before, on rank `rank`."""
    Path("trouble.py").write_text(TROUBLE.format(change=change))
    begun = time.monotonic()
    found = ended(started(ranks, *words, script="trouble.py"))
    assert time.monotonic() - begun < 30
    return found


RAISES = """
def after_step(self, solver, then=autosave.Keeper.after_step):
    if rank == {rank} and solver.step == 50:
        raise {error}
    then(self, solver)
autosave.Keeper.after_step = after_step
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_on_one_rank_is_the_one_thing_shown_and_ends_all(rank):
    change = RAISES.format(rank=rank, error="MemoryError('no room')")
    status, _, said = in_trouble(change, *LONG, "--run-dir", "run")
    assert status == 1
    ours = [line for line in said if line.startswith("chainrule: ")]
    assert ours == [
        f"chainrule: {'rank 1: ' if rank else ''}not enough memory: no room; try a smaller "
        f"--hidden or --batch-size"
    ]
    assert read_arrays("run/checkpoint.safetensors")[1]["run"]["step"] >= 0


def test_a_bug_on_one_rank_shows_where_it_is():
    change = RAISES.format(rank=1, error="ZeroDivisionError('here')")
    status, _, said = in_trouble(change, *LONG, "--run-dir", "run")
    assert status == 1
    assert "ZeroDivisionError: here" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "if rank == 1: sys.argv += ['--lr', '0.5']",
            "rank 1 has --lr 0.5, rank 0 has --lr None; expected the same on all ranks",
        ),
        (
            "import chainrule.training.run.folder as folder\n"
            "if rank == 1: folder.np.__dict__.update(__version__='2.9')",
            "rank 1 has the version of numpy 2.9, rank 0 has the version of numpy ",
        ),
        (
            "from chainrule import data\ndef other(load=data.load_digits):\n"
            "    digits = load()\n    digits.x_train[0, 0] += rank\n    return digits\n"
            "data.load_digits = other",
            "rank 1 has data with the fingerprint ",
        ),
    ],
    ids=["options", "version", "data"],
)
def test_ranks_that_differ_are_found_before_anything_is_written(change, said):
    status, printed, lines = in_trouble(change, *LONG, "--run-dir", "run")
    assert status == 2
    assert lines[0].startswith(f"chainrule: {said}")
    assert len(lines) == 1
    assert not Path("run").exists()
    assert printed == ""


def test_what_is_wrong_on_all_ranks_is_said_once():
    status, _, lines = ended(started(3, "--dataset", "nothing.csv"))
    assert status == 2
    assert lines == ["chainrule: --dataset nothing.csv: there is no such file"]
    status, _, lines = ended(started(2, "--epochs", "many"))
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith("chainrule: argument --epochs: expected a whole number")


@pytest.mark.parametrize(
    "words", [("compare", "a", "b"), ("--seeds", "2"), ("--sanity",)], ids=lambda words: words[0]
)
def test_what_works_in_one_process_says_so(words):
    status, _, lines = ended(started(2, *words))
    assert status == 2
    assert lines == [f"chainrule: {words[0]}: works in one process; start it without mpiexec"]


def test_a_run_that_diverges_ends_on_all_ranks_with_the_one_line():
    status, _, lines = ended(
        started(2, *RUN, "--rule", "sgd", "--norm", "none", "--lr", "1e30", "--run-dir", "run")
    )
    assert status == 1
    assert len([line for line in lines if line.startswith("chainrule: ")]) == 1
    assert "not finite" in lines[0] or "is nan" in lines[0] or "is inf" in lines[0]


def test_without_mpi4py_it_says_what_to_install(tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('No module named mpi4py')\n")
    environment = {**os.environ, "PMI_SIZE": "2", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, TRAIN], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == (
        "chainrule: started on 2 processes, which needs mpi4py and an MPI: No module named mpi4py; "
        'install them: pip install "chainrule[mpi]"\n'
    )


def test_one_process_does_not_import_mpi():
    code = (
        "import sys, train\n"
        "train.main(['--epochs', '1', '--no-report'])\n"
        "print('mpi4py' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(TRAIN).parent)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"
