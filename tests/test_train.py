"""The script from the outside: what it prints and returns, and what it says when it refuses."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import train
from chainrule import layers
from chainrule.training import options as words
from chainrule.training.run import networks, running

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Runs are written to the folder where the script is started."""
    monkeypatch.chdir(tmp_path)


def run(*options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *options, "--no-report"],
        stdout=stdout,
        stderr=stderr,
        encoding=environment.get("PYTHONIOENCODING"),
        env=os.environ | environment,
        text=True,
        check=False,
        timeout=300,
    )


def trained(options):
    """Runs the script in this process, without the time that a report takes."""
    return train.main([*options, "--no-report"])


def accuracy(printed):
    return float(re.search(r"test accuracy ([\d.]+)%", printed)[1])


@pytest.mark.parametrize("options", [pytest.param([], marks=pytest.mark.slow), ["--no-report"]])
def test_the_plain_command_trains_on_the_digits_and_says_how_well(options, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = done.stdout
    assert printed.startswith("digits\n  training     1,078 examples")
    assert "affine1     Affine(64 → 128)" in printed
    assert re.search(r"^total +9,866$", printed, re.M)
    assert len(re.findall(r"^epoch +\d+ +training: loss", printed, re.M)) >= 10
    assert "validation accuracy 9" in printed
    assert accuracy(printed) >= 96
    rows = re.findall(r"^(\d) +(\d+) +[\d.]+% +[\d.]+%", printed, re.M)
    assert [digit for digit, _ in rows] == list("0123456789")
    assert sum(int(count) for _, count in rows) == 359
    assert done.stderr == ""  # no progress bar, since it is no terminal


def test_a_terminal_gets_a_progress_bar():
    termios = pytest.importorskip("termios")
    above, below = os.openpty()
    termios.tcsetwinsize(below, (24, 100))
    done = run("--hidden", "8", "--epochs", "2", stderr=below)
    os.close(below)
    assert done.returncode == 0
    assert b"epoch 2/2: 100%" in os.read(above, 100_000)
    os.close(above)


def test_an_interrupt_while_it_is_loaded_ends_with_one_line_and_status_130(tmp_path):
    # Python imports this before anything else: NumPy is asked for while Ctrl-C is pressed.
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("raise KeyboardInterrupt")
    script = shutil.copy(ROOT / "train.py", tmp_path)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "chainrule: interrupted\n")


@pytest.mark.slow
def test_the_median_of_five_seeds_on_the_digits_is_at_least_97_5_percent(capsys):
    results = []
    for seed in range(5):
        assert trained(["--seed", str(seed)]) == 0
        results.append(accuracy(capsys.readouterr().out))
    assert np.median(results) >= 97.5


def test_the_same_seed_prints_the_same_result(capsys):
    printed = []
    for seed in ("3", "3", "4"):
        trained(["--epochs", "2", "--seed", seed, "--run-dir", f"run-{len(printed)}"])
        printed.append(re.sub(r"in [\d.]+ s|run-\d", "", capsys.readouterr().out))
    assert printed[0] == printed[1] != printed[2]


@pytest.mark.parametrize("activation", words.ACTIVATIONS)
def test_every_activation_trains(activation, capsys):
    assert trained(["--activation", activation, "--epochs", "8"]) == 0
    assert accuracy(capsys.readouterr().out) > 90


@pytest.mark.parametrize("rule", words.RULES)
def test_every_update_rule_trains_at_its_own_learning_rate(rule, capsys):
    assert trained(["--rule", rule, "--epochs", "8"]) == 0
    assert accuracy(capsys.readouterr().out) > 90


@pytest.mark.slow
@pytest.mark.parametrize("loss", words.CLASS_LOSSES)
@pytest.mark.parametrize("norm", words.NORMS)
def test_every_loss_trains_with_every_norm(loss, norm, capsys):
    assert trained(["--loss", loss, "--norm", norm, "--epochs", "20"]) == 0
    assert accuracy(capsys.readouterr().out) > 90


@pytest.mark.parametrize("schedule", words.SCHEDULES)
def test_every_schedule_trains_in_either_dtype(schedule, capsys):
    options = ["--schedule", schedule, "--warmup", "1", "--epochs", "16", "--dtype", "float64"]
    assert trained([*options, "--clip-norm", "5", "--patience", "9"]) == 0
    printed = capsys.readouterr().out
    assert accuracy(printed) > 90
    assert "64 (8 × 8), float64" in printed


def test_no_hidden_layer_makes_a_linear_classifier(capsys):
    assert trained(["--hidden", "", "--epochs", "8", "--dropout", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^total +650$", printed, re.M)
    assert "relu1" not in printed


@pytest.mark.slow
@pytest.mark.parametrize("toy", words.TOYS)
def test_the_toy_sets_are_learned(toy, capsys):
    assert trained(["--dataset", toy, "--hidden", "50,50", "--dropout", "1"]) == 0
    assert accuracy(capsys.readouterr().out) > 85


def test_gradcheck_prints_its_report_before_training(capsys):
    assert trained(["--gradcheck", "--activation", "tanh", "--epochs", "1", "--hidden", "16"]) == 0
    printed = capsys.readouterr().out
    head, _, tail = printed.partition("\ngradient check of MLP(")
    assert "\nepoch" not in head
    assert re.search(r"^  x ok .*affine1\.W ok", tail, re.M)


@pytest.mark.parametrize("factor", [1, np.nan])
def test_a_wrong_backward_pass_is_named_and_nothing_is_trained(factor, capsys, monkeypatch):
    def wrong(_layer, dout, cache):
        return dout * (1 - cache) * factor, {}

    monkeypatch.setattr(layers.Tanh, "backward", wrong)
    assert trained(["--gradcheck", "--activation", "tanh", "--epochs", "1", "--hidden", "16"]) == 1
    caught = capsys.readouterr()
    assert re.search(r"^  x WRONG .*affine1\.W WRONG", caught.out, re.M)
    assert "\nepoch" not in caught.out
    assert caught.err == "chainrule: the gradients are wrong, see above; nothing was trained\n"


def trees(each):
    """A table of three kinds of trees, so many of each."""
    rng = np.random.default_rng(0)
    species = np.repeat(["ash", "birch", "cedar"], each)
    centres = {"ash": (0, 0), "birch": (5, 0), "cedar": (0, 5)}
    rows = ["length,width,species"]
    for name in species:
        a, b = rng.normal(centres[name])
        rows.append(f"{a:.3f},{b:.3f},{name}")
    return "\n".join(rows)


def test_a_csv_of_ones_own_is_learned(tmp_path, capsys):
    path = tmp_path / "trees.csv"
    path.write_text(trees(40), encoding="utf-8")
    assert trained(["--dataset", str(path), "--epochs", "30"]) == 0
    printed = capsys.readouterr().out
    assert accuracy(printed) > 85
    assert re.search(r"^cedar +8", printed, re.M)


def test_the_default_batch_fits_a_small_file_and_one_that_was_asked_for_is_refused(
    tmp_path, capsys
):
    path = tmp_path / "few.csv"
    path.write_text(trees(13), encoding="utf-8")  # 23 rows to train on
    assert trained(["--dataset", str(path), "--epochs", "2"]) == 0
    assert trained(["--dataset", str(path), "--batch-size", "32"]) == 2
    assert "--batch-size 32: expected at most 23, the number of" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["UP.CSV", "g.csv.gz"])
def test_every_suffix_that_the_loader_takes_is_taken(name, tmp_path):
    text = trees(20).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert trained(["--dataset", str(tmp_path / name), "--epochs", "1"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--activation", "relux"], r"argument --activation: invalid choice: 'relux'.*maxout"),
        (["--hidden", "12,x"], r"argument --hidden: expected a whole number, .*, got 'x'"),
        (["--hidden", "12,0"], r"argument --hidden: expected a whole number, at least 1, .* '0'"),
        (["--hidden", "9" * 24], r"argument --hidden: expected .* at most 9 digits, got '999"),
        (["--epochs", "0"], r"argument --epochs: expected a whole number, at least 1, .* '0'"),
        (["--epochs", "9" * 400], r"argument --epochs: expected .* at most 9 digits, got '9{39}"),
        (["--seed", "9" * 5000], r"argument --seed: expected .* at most 40 digits, got '9{39}"),
        (["--batch-size", "1"], r"--batch-size 1: batch normalisation needs at least 2"),
        (["--norm", "layernorm", "--hidden", "9,1"], r"a hidden layer of 1 unit is its own mean"),
        (["--batch-size", "9999"], r"--batch-size 9999: expected at most 1078, the number of tr"),
        (["--lr", "-1"], r"argument --lr: expected a number from 1e-100 to 1e\+100, got '-1'"),
        (["--lr", "5e-324"], r"argument --lr: expected a number from 1e-100 .*, got '5e-324'"),
        (["--lr", "fast"], r"argument --lr: expected a number from .*, got 'fast'"),
        (["--warmup", "1e308"], r"argument --warmup: expected a number from 0 to 1e\+09, got"),
        (["--dropout", "1.5"], r"argument --dropout: expected a number from 0 to 1, got '1.5'"),
        (["--l2", "-1"], r"argument --l2: expected a number from 0 to 1e\+100, got '-1'"),
        (["--clip-norm", "0"], r"argument --clip-norm: expected a number from 1e-100 to 1e\+100, "),
        (["--seed", "-1"], r"--seed: expected a whole number, at least 0, .*, got '-1'"),
        (["--dataset", "cats"], r"--dataset cats: expected digits, mnist, cifar10, spirals"),
        (["--dataset", "no/such.csv"], r"--dataset no/such\.csv: there is no such file"),
        (["--data-dir", "x"], r"--data-dir goes with --dataset mnist or cifar10, not digits"),
        (["--dataset", "mnist", "--data-dir", "no/such"], r"no/such.*train-images"),
        (["--unknown"], r"unrecognized arguments: --unknown; see --help"),
    ],
)
def test_wrong_options_and_data_give_one_clear_line_and_status_2(options, message, capsys):
    try:
        status = trained(options)
    except SystemExit as end:
        status = end.code
    caught = capsys.readouterr()
    assert status == 2
    assert re.match(rf"^chainrule: .*{message}.*\n$", caught.err), caught.err
    assert caught.out == ""
    assert len(caught.err) < 240


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--dataset", "cats"]])
def test_so_does_the_script_as_a_process(options):
    done = run(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"chainrule: .*{options[0]}.*\n", done.stderr), done.stderr


def test_a_network_that_does_not_fit_in_memory_is_refused_by_its_sizes(monkeypatch, capsys):
    def too_large(*_arguments, **_options):
        raise MemoryError("Unable to allocate 477. GiB")

    monkeypatch.setattr(networks, "MLP", too_large)
    assert trained(["--hidden", "999999999,5"]) == 2
    message = "chainrule: --hidden 999999999,5: Unable to allocate 477. GiB\n"
    assert capsys.readouterr().err == message


def test_the_smallest_rate_and_the_longest_warmup_train(capsys):
    for schedule in words.SCHEDULES:
        options = ["--lr", "1e-100", "--warmup", "1e9", "--epochs", "2", "--schedule", schedule]
        assert trained(options) == 0
    assert capsys.readouterr().out


def test_a_learning_rate_that_is_far_too_high_ends_with_one_clear_line():
    done = run("--rule", "sgd", "--lr", "1e30", "--norm", "none", "--epochs", "2")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.match(r"chainrule: epoch 1, step \d+: .*(nan|inf|finite).*learning rate", last), last
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "moment", ["load_for", "build", "check_gradients", "Solver.train", "report"]
)
def test_an_interrupt_ends_with_one_line_and_status_130_whenever_it_comes(
    moment, monkeypatch, capsys
):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "check_gradients", lambda *_: True)
    monkeypatch.setattr(f"chainrule.training.run.running.{moment}", interrupted)
    assert trained(["--epochs", "1", "--gradcheck"]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"chainrule: interrupted($| .*chainrule resume runs/)", last), last


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGPIPE nor /dev/full")
@pytest.mark.parametrize("options", [["--help"], ["--epochs", "1"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_nobody_reads_ends_the_run_without_a_word(options, unbuffered):
    read, write = os.pipe()
    os.close(read)
    done = run(*options, stdout=write, PYTHONUNBUFFERED=unbuffered)
    os.close(write)
    assert "train.py" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if options != ["--help"] or not unbuffered:  # argparse passes over what it cannot write
        assert done.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("options", [["--help"], ["--epochs", "1"]])
def test_a_full_disk_ends_the_run_with_one_line_and_status_1(options):
    with open("/dev/full", "w") as full:
        done = run(*options, stdout=full, PYTHONUNBUFFERED="")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "chainrule: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize(
    ("options", "printed"),
    [(["--help"], "penalty 0.5 . l2 . .W."), (["--epochs", "1"], r"Affine\(64 \? 128\)")],
)
def test_letters_that_the_terminal_lacks_are_replaced(encoding, options, printed):
    done = run(*options, PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert re.search(printed, done.stdout)


@pytest.mark.skipif(not (SHARED / "mnist").exists(), reason="the MNIST files are not here")
def test_mnist_from_a_folder_trains(capsys):
    options = ["--dataset", "mnist", "--data-dir", str(SHARED / "mnist"), "--hidden", "64"]
    assert trained([*options, "--epochs", "1", "--dropout", "1"]) == 0
    assert accuracy(capsys.readouterr().out) > 92


@pytest.mark.skipif(not (SHARED / "cifar10").exists(), reason="the CIFAR-10 files are not here")
def test_cifar10_from_a_folder_loads_and_trains(capsys):
    options = ["--dataset", "cifar10", "--data-dir", str(SHARED / "cifar10"), "--hidden", "64"]
    assert trained([*options, "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    assert "3,072 (3 × 32 × 32), float32" in printed
    assert accuracy(printed) > 25
