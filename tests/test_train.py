"""The script from the outside: what it prints and returns, and what it says when it refuses."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import train

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


def run(*options):
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def accuracy(printed):
    return float(re.search(r"test accuracy ([\d.]+)%", printed)[1])


def test_the_plain_command_trains_on_the_digits_and_says_how_well(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = done.stdout
    assert printed.startswith("digits\n  training     1,078 examples")
    assert "affine1     Affine(64 → 128)" in printed
    assert re.search(r"^total +9,866$", printed, re.M)
    assert len(re.findall(r"^epoch +\d+ +loss", printed, re.M)) >= 10
    assert "validation accuracy 9" in printed
    assert accuracy(printed) >= 96
    rows = re.findall(r"^(\d) +(\d+) +[\d.]+% +[\d.]+%", printed, re.M)
    assert [digit for digit, _ in rows] == list("0123456789")
    assert sum(int(count) for _, count in rows) == 359
    assert "epoch 40/40: 100%" in done.stderr  # the progress bar
    assert "Traceback" not in done.stderr


def test_the_median_of_five_seeds_on_the_digits_is_at_least_97_5_percent(capsys):
    results = []
    for seed in range(5):
        assert train.main(["--seed", str(seed)]) == 0
        results.append(accuracy(capsys.readouterr().out))
    assert np.median(results) >= 97.5


def test_the_same_seed_prints_the_same_result(capsys):
    printed = []
    for seed in ("3", "3", "4"):
        train.main(["--epochs", "2", "--seed", seed])
        printed.append(re.sub(r"in [\d.]+ s", "", capsys.readouterr().out))
    assert printed[0] == printed[1] != printed[2]


@pytest.mark.parametrize("activation", train.ACTIVATIONS)
def test_every_activation_trains(activation, capsys):
    assert train.main(["--activation", activation, "--epochs", "8"]) == 0
    assert accuracy(capsys.readouterr().out) > 90


@pytest.mark.parametrize("rule", train.RULES)
def test_every_update_rule_trains_at_its_own_learning_rate(rule, capsys):
    assert train.main(["--rule", rule, "--epochs", "8"]) == 0
    assert accuracy(capsys.readouterr().out) > 90


@pytest.mark.parametrize("loss", train.LOSSES)
@pytest.mark.parametrize("norm", train.NORMS)
def test_every_loss_trains_with_every_norm(loss, norm, capsys):
    assert train.main(["--loss", loss, "--norm", norm, "--epochs", "20"]) == 0
    assert accuracy(capsys.readouterr().out) > 90


@pytest.mark.parametrize("schedule", train.SCHEDULES)
def test_every_schedule_trains_in_either_dtype(schedule, capsys):
    options = ["--schedule", schedule, "--warmup", "1", "--epochs", "16", "--dtype", "float64"]
    assert train.main([*options, "--clip-norm", "5", "--patience", "9"]) == 0
    printed = capsys.readouterr().out
    assert accuracy(printed) > 90
    assert "64 (8 × 8), float64" in printed


def test_no_hidden_layer_makes_a_linear_classifier(capsys):
    assert train.main(["--hidden", "", "--epochs", "8", "--dropout", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^total +650$", printed, re.M)
    assert "relu1" not in printed


@pytest.mark.parametrize("toy", train.TOYS)
def test_the_toy_sets_are_learned(toy, capsys):
    assert train.main(["--dataset", toy, "--hidden", "50,50", "--dropout", "1"]) == 0
    assert accuracy(capsys.readouterr().out) > 85


def test_gradcheck_prints_every_tensor_of_this_network_before_training(capsys):
    assert train.main(["--gradcheck", "--activation", "tanh", "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    head, _, tail = printed.partition("gradient check")
    assert "\nepoch" not in head
    names = ["x", "affine1.W", "affine1.b", "batchnorm1.gamma", "batchnorm1.beta", "affine2.W"]
    for name in names:
        assert re.search(rf"^  {re.escape(name)} +\S+  ok$", tail, re.M), name


def test_a_wrong_backward_pass_is_named_and_nothing_is_trained(capsys, monkeypatch):
    def wrong(_layer, dout, cache):
        return dout * (1 - cache), {}

    monkeypatch.setattr(train.layers.Tanh, "backward", wrong)
    assert train.main(["--gradcheck", "--activation", "tanh", "--epochs", "1"]) == 1
    caught = capsys.readouterr()
    assert re.search(r"^  affine1\.W +\S+  WRONG$", caught.out, re.M)
    assert re.search(r"^  affine2\.W +\S+  ok$", caught.out, re.M)
    assert "\nepoch" not in caught.out
    assert caught.err == "train.py: the gradients are wrong, see above; nothing was trained\n"


def test_a_csv_of_ones_own_is_learned(tmp_path, capsys):
    rng = np.random.default_rng(0)
    species = np.repeat(["ash", "birch", "cedar"], 40)
    centres = {"ash": (0, 0), "birch": (5, 0), "cedar": (0, 5)}
    rows = ["length,width,species"]
    for name in species:
        a, b = rng.normal(centres[name])
        rows.append(f"{a:.3f},{b:.3f},{name}")
    path = tmp_path / "trees.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    assert train.main(["--dataset", str(path), "--epochs", "30"]) == 0
    printed = capsys.readouterr().out
    assert accuracy(printed) > 85
    assert re.search(r"^cedar +8", printed, re.M)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--activation", "relux"], r"argument --activation: invalid choice: 'relux'.*maxout"),
        (["--hidden", "12,x"], r"argument --hidden: expected sizes such as 256,128, got '12,x'"),
        (["--hidden", "12,0"], r"out_features must be a positive integer, got 0"),
        (["--epochs", "0"], r"argument --epochs: expected a whole number, at least 1, got '0'"),
        (["--batch-size", "9999"], r"batch_size=9999 exceeds the 1078 training examples"),
        (["--lr", "-1"], r"lr must be a positive number"),
        (["--dropout", "1.5"], r"Dropout: keep must be a finite number in \[0, 1\], got 1.5"),
        (["--l2", "-1"], r"l2 must be finite and at least 0, got -1"),
        (["--seed", "-1"], r"--seed: expected a whole number, at least 0, got '-1'"),
        (["--dataset", "cats"], r"--dataset cats: expected digits, mnist, cifar10, spirals"),
        (["--dataset", "no/such.csv"], r"no/such\.csv"),
        (["--data-dir", "x"], r"--data-dir goes with --dataset mnist or cifar10, not digits"),
        (["--dataset", "mnist", "--data-dir", "no/such"], r"no/such.*train-images"),
        (["--unknown"], r"unrecognized arguments: --unknown"),
    ],
)
def test_wrong_options_and_data_give_one_clear_line_and_status_2(options, message):
    done = run(*options)
    assert done.returncode == 2
    assert re.match(rf"^train\.py: .*{message}.*\n$", done.stderr), done.stderr
    assert done.stdout == ""


def test_a_learning_rate_that_is_far_too_high_ends_with_one_clear_line():
    done = run("--rule", "sgd", "--lr", "1e30", "--norm", "none", "--epochs", "2")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.match(r"train\.py: epoch 1, step \d+: .*(nan|inf|finite).*learning rate", last), last
    assert "Traceback" not in done.stderr


def test_an_interrupt_ends_with_status_130(monkeypatch, capsys):
    def interrupted(_solver):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.solvers.Solver, "train", interrupted)
    assert train.main(["--epochs", "1"]) == 130
    assert capsys.readouterr().err == "train.py: interrupted after 0 epochs\n"


@pytest.mark.skipif(not (SHARED / "mnist").exists(), reason="the MNIST files are not here")
def test_mnist_from_a_folder_trains(capsys):
    options = ["--dataset", "mnist", "--data-dir", str(SHARED / "mnist"), "--hidden", "64"]
    assert train.main([*options, "--epochs", "1", "--dropout", "1"]) == 0
    assert accuracy(capsys.readouterr().out) > 92


@pytest.mark.skipif(not (SHARED / "cifar10").exists(), reason="the CIFAR-10 files are not here")
def test_cifar10_from_a_folder_loads_and_trains(capsys):
    options = ["--dataset", "cifar10", "--data-dir", str(SHARED / "cifar10"), "--hidden", "64"]
    assert train.main([*options, "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    assert "3,072 (3 × 32 × 32), float32" in printed
    assert accuracy(printed) > 25
