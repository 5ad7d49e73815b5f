"""--net rnn, lstm, gru and vit: what they read, and what they do not go with."""

import re
from pathlib import Path

import numpy as np
import pytest

from chainrule.__main__ import main
from chainrule.layers import GRU, LSTM, RNN
from chainrule.nets.files import read_arrays
from chainrule.training import Trained

SHORT = ["train", "--epochs", "2", "--no-report", "--run-dir", "run"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("net", "cell"), [("rnn", RNN), ("lstm", LSTM), ("gru", GRU)])
def test_recurrent_nets_read_the_digits_row_by_row(net, cell, capsys):
    assert main([*SHORT, "--net", net, "--hidden", "12,16", "--dropout", "0.8"]) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"{net}1 +{cell.__name__}\(8 → 12\) +\(N, 8, 12\)", printed)
    assert re.search(rf"{net}2 +{cell.__name__}\(12 → 16\)", printed)
    run = Trained.open("run")
    assert [type(layer) for layer in run.model.net.layers].count(cell) == 2
    names, probabilities = run.predict(np.zeros((2, 64)))
    assert (names.shape, probabilities.shape) == ((2,), (2, 10))


def test_a_vision_transformer_reads_them_patch_by_patch(capsys):
    assert main([*SHORT, "--net", "vit"]) == 0
    assert re.search(r"patchembedding1 .*\(N, 4, 64\)", capsys.readouterr().out)


def test_a_run_is_resumed_to_the_bit_and_reported(capsys):
    words = ["train", "--net", "gru", "--hidden", "8", "--epochs", "3"]
    assert main([*words, "--run-dir", "whole"]) == 0
    assert Path("whole/report.html").exists()
    assert main([*words[:-1], "2", "--no-report", "--run-dir", "part"]) == 0
    assert main([*words, "--schedule", "constant", "--no-report", "--run-dir", "steady"]) == 0
    assert main([*words[:-1], "2", "--schedule", "constant", "--no-report", "--run-dir", "b"]) == 0
    assert main(["resume", "b", "--epochs", "3"]) == 0
    one, other = (read_arrays(f"{run}/checkpoint.safetensors")[0] for run in ("steady", "b"))
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array)
    assert main(["compare", "whole", "part"]) == 0
    assert re.search(r"whole +digits +gru 8 ", capsys.readouterr().out)


def test_rows_of_a_table_are_read_in_as_many_steps_as_one_says(capsys):
    words = ["--dataset", "moons", "--net", "lstm", "--hidden", "8"]
    assert main([*SHORT, *words, "--sequence", "2"]) == 0
    assert re.search(r"lstm1 +LSTM\(1 → 8\) +\(N, 2, 8\)", capsys.readouterr().out)


def test_a_rectified_rnn_is_told(capsys):
    assert main([*SHORT, "--net", "rnn", "--activation", "relu", "--hidden", "8"]) == 0
    assert Trained.open("run").model.net.layers[1].relu
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--net", "lstm", "--activation", "relu"], "--activation relu: --net lstm takes tanh"),
        (["--net", "rnn", "--activation", "elu"], "--activation elu: --net rnn takes tanh or relu"),
        (["--net", "gru", "--norm", "batchnorm"], "--norm batchnorm: --net gru takes none"),
        (["--net", "vit", "--norm", "batchnorm"], "--norm batchnorm: --net vit takes layernorm"),
        (["--net", "vit", "--activation", "maxout"], "--activation maxout: goes with --net mlp"),
        (["--net", "vit", "--dataset", "moons"], "--net vit: takes images, and the rows of moons"),
        (["--net", "gru", "--dataset", "moons"], "say how many steps other rows have by --seque"),
        (["--net", "gru", "--sequence", "7"], "64 numbers, which --sequence 7 does not divide"),
        (["--sequence", "8"], "--sequence: goes with --net rnn or lstm or gru, not with mlp"),
        (["--net", "lstm", "--channels", "8"], "--channels: goes with --net cnn or resnet"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(words, message, capsys):
    assert main([*SHORT, *words]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert message in said[0]
    assert not Path("run").exists()


def test_what_cannot_be_exported_yet_is_named(capsys):
    assert main([*SHORT, "--net", "gru", "--hidden", "4"]) == 0
    capsys.readouterr()
    assert main(["export", "run", "--to", "numpy"]) == 2
    assert "GRU(8 → 4) is a GRU, which cannot be written" in capsys.readouterr().err
