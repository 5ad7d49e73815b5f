"""`chainrule train --net`: networks of convolutions, from their options to prediction."""

import re
import tracemalloc

import numpy as np
import pytest

from chainrule.data import load_digits
from chainrule.layers import GroupNorm
from chainrule.nets import MLP, Classifier, ConvNet, FileError, LeNet5, ResNet
from chainrule.training import Trained
from chainrule.training.options import FROM_FOLDER, fill_in, group_norm, parser
from chainrule.training.recipes import RECIPES, TAKEN
from chainrule.training.run.folder import CHECKPOINT, RunFolder
from chainrule.training.run.networks import chain, said, taken_alone
from chainrule.training.run.running import check_size
from chainrule.training.run.setup import build, load
from chainrule.training.sanity.before_training import check_symmetry
from chainrule.training.sanity.examination import examine

CNN = ["--net", "cnn", "--channels", "3,4", "--hidden", "5", "--epochs", "2", "--no-report"]
RESNET = ["--net", "resnet", "--channels", "2,3", "--epochs", "2", "--no-report"]
LENET5 = ["--net", "lenet5", "--dataset", "images.npz", "--epochs", "2", "--no-report"]
EACH = pytest.mark.parametrize("words", [CNN, RESNET, LENET5], ids=["cnn", "resnet", "lenet5"])


def images(folder, rows=60):
    """Pictures of two classes (N, 1, 12, 12), also in the file images.npz."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 2
    x = rng.standard_normal((rows, 1, 12, 12)).astype(np.float32)
    x[:, :, :6] += 2 * y[:, np.newaxis, np.newaxis, np.newaxis]
    np.savez(folder / "images.npz", x=x, y=y)
    return x


def built(words, dataset=None):
    options = parser().parse_args(words)
    dataset = load(options.dataset, None, options.dtype) if dataset is None else dataset
    fill_in(options, dataset)
    return build(options, dataset)


def one_line(done, message):
    assert done[0] == 2
    (line,) = done[2]
    assert re.search(message, line), line


# Networks and recipes


@pytest.mark.parametrize(
    ("words", "kind"), [([], MLP), (CNN, ConvNet), (RESNET, ResNet)], ids=["mlp", "cnn", "resnet"]
)
def test_the_word_stands_for_the_network(words, kind):
    model, _ = built(words)
    assert type(model.net) is kind


def test_lenet5_reads_images_of_28_pixels():
    options = parser().parse_args(["--net", "lenet5"])
    rows = np.zeros((10, 784), np.float32)
    made = load_digits().__class__.from_arrays(
        "blank", rows, np.arange(10) % 2, image_shape=(28, 28)
    )
    fill_in(options, made)
    model, _ = build(options, made)
    assert type(model.net) is LeNet5
    assert model.net.params["affine3.W"].shape == (84, 2)


def test_sizes_reach_the_network():
    model, _ = built(CNN)
    assert model.net.params["conv2.W"].shape == (4, 3, 3, 3)
    assert model.net.params["affine1.W"].shape == (4 * 2 * 2, 5)
    model, _ = built(RESNET)
    assert model.net.params["residual2.inner.conv1.W"].shape == (3, 2, 3, 3)


def test_every_network_has_a_recipe_for_any_data_and_sets_what_it_takes_alone():
    for net, taken in TAKEN.items():
        assert (net, "") in RECIPES
        for (name, dataset), recipe in RECIPES.items():
            assert dataset in ("", "a table", "digits", *FROM_FOLDER)
            if name == net:
                assert bool(recipe.channels) == ("channels" in taken)
                assert bool(recipe.hidden) == ("hidden" in taken)
                assert recipe.dropout is None or "dropout" in taken


@pytest.mark.parametrize(("width", "groups"), [(1, 1), (2, 1), (6, 2), (7, 1), (8, 4), (64, 8)])
def test_group_norm_has_groups_of_two_channels_at_least(width, groups):
    norm = group_norm(width, dtype=np.float32)
    assert (type(norm), norm.groups) == (GroupNorm, groups)
    assert norm.params["gamma"].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "128,64 relu batchnorm keep 0.5"),
        ({"net": "mlp", "hidden": [], "channels": []}, "linear keep 0.5"),
        ({"net": "cnn", "channels": [16, 32]}, "cnn 16,32 128,64 relu batchnorm keep 0.5"),
        ({"net": "resnet", "channels": [8], "hidden": [], "dropout": None}, "resnet 8 relu batchn"),
        ({"net": "lenet5", "hidden": [], "norm": "none"}, "lenet5 relu keep 0.5"),
    ],
)
def test_a_table_tells_networks_apart(options, words):
    usual = {"hidden": [128, 64], "activation": "relu", "norm": "batchnorm", "dropout": 0.5}
    assert said(usual | options).startswith(words)


# What does not go together


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--net", "resnet", "--hidden", "5"],
            "--hidden: goes with --net mlp or cnn or rnn or",
        ),
        (
            ["--net", "lenet5", "--channels", "5"],
            "--channels: goes with --net cnn or resnet, not w",
        ),
        (["--channels", "5"], "--channels: goes with --net cnn or resnet, not with mlp"),
        (
            ["--net", "resnet", "--dropout", "0.5"],
            "--dropout: goes with --net mlp or cnn or lenet5",
        ),
        ([*CNN, "--dataset", "moons"], "--net cnn: takes images, and the rows of moons are none"),
        ([*CNN, "--activation", "maxout"], "--activation maxout: goes with --net mlp alone"),
        (
            [*CNN, "--norm", "layernorm"],
            "--norm layernorm: goes with --net mlp alone, not with cnn",
        ),
        ([*CNN, "--batch-size", "1"], "--batch-size 1: batch normalisation needs at least 2"),
        (["--net", "lenet5"], "--net lenet5: LeNet5: images of 8 × 8 are too small .* 12 × 12"),
        (["--net", "cnn", "--channels", "2,2,2,2"], "--net cnn: .* too small to be pooled 4 times"),
        (["--hidden", "1", "--norm", "groupnorm"], "--norm groupnorm: a hidden layer of 1 unit is"),
        ([*CNN, "--dataset", "last.npz"], r"shape \(12, 12, 3\), expected channels first: x\.tra"),
        (["--net", "vgg"], "argument --net: invalid choice: 'vgg'"),
        (
            [*CNN, "--seeds", "2", "--dataset", "xor"],
            "--net cnn: takes images, and the rows of xor",
        ),
        (["--search", "hidden=5", "--net", "resnet"], "--hidden: goes with --net mlp or cnn"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(words, message, script):
    np.savez(script.folder / "last.npz", x=np.zeros((30, 12, 12, 3)), y=np.arange(30) % 2)
    one_line(script.call("train", *words), message)
    assert [path.name for path in script.folder.iterdir()] == ["last.npz"]


# Runs


@EACH
def test_a_run_goes_on_to_the_bit_and_its_network_judges_rows(words, script):
    x = images(script.folder)
    words = ["train", *words, "--schedule", "constant", "--batch-size", "20"]
    assert script.call(*words, "--run-dir", "short")[0] == 0
    status, printed, _ = script.call("resume", "short", "--epochs", "3")
    assert status == 0, printed
    assert script.call(*words, "--epochs", "3", "--run-dir", "long")[0] == 0
    long, short = (script.left_behind(script.folder / name) for name in ("long", "short"))
    arrays = [name for name in long if "safetensors " in name]
    assert any("params/conv1.W" in name for name in arrays)
    assert {name: short[name] for name in arrays} == {name: long[name] for name in arrays}
    assert short["metrics"] == long["metrics"]

    trained = Trained.open(script.folder / "long")
    rows = x if "images.npz" in words else load_digits().x_test
    _, probabilities = trained.predict(rows)
    assert probabilities.shape == (len(rows), len(trained.classes))
    status, printed, _ = script.call("evaluate", "long")
    assert status == 0
    assert "accuracy" in printed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": [10**6, 10**6]}, "does not fit into that file of"),
        ({"channels": [3, 4], "hidden": [10**9]}, "does not fit into that file of"),
        ({"net": "lenet5"}, "damaged: --net lenet5: LeNet5: images of 8 × 8 are too small"),
    ],
)
def test_no_memory_is_asked_for_that_a_checkpoint_does_not_fill(changed, message, script):
    assert script.call("train", *CNN, "--run-dir", "run")[0] == 0
    folder = RunFolder.open(script.folder / "run")
    check_size(folder, folder / CHECKPOINT)
    folder.config["options"] |= changed
    tracemalloc.start()
    with pytest.raises(FileError, match=message):
        check_size(folder, folder / CHECKPOINT)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1e6


def test_several_runs_a_search_and_their_table(script):
    few = ["train", *CNN, "--epochs", "1", "--jobs", "1"]
    status, printed, said = script.call(*few, "--search", "channels=2,2x3", "net=cnn", "--trials",
                                        "3", "--run-dir", "found")  # fmt: skip
    assert status == 0, said
    assert re.search(r"^trial-0\d +(2|2,3) +cnn ", printed, re.M)
    status, printed, _ = script.call("compare", "found", "--out", "a.png")
    assert status == 0
    assert re.search(r"cnn 2(,3)? 5 relu batchnorm keep 0\.\d", printed)


def test_a_report_says_what_the_network_is_and_no_option_that_it_does_not_take():
    digits = load_digits()
    for words, line in (
        ([], "64 → 128 → 10"),
        (CNN, "cnn, 8 × 8 → 3 → 4 → 5 → 10"),
        (RESNET, "resnet, 8 × 8 → 2 → 3 → 10"),
    ):
        options = parser().parse_args(words)
        fill_in(options, digits)
        assert chain(options, digits) == line
        alone = taken_alone(vars(options))
        for name in ("channels", "hidden", "dropout"):
            assert (name in alone) == (name in TAKEN[options.net])
        assert alone["rule"] == "adam"


# Checks before the run


@pytest.mark.parametrize("words", [CNN, RESNET], ids=["cnn", "resnet"])
def test_the_gradients_of_a_network_are_checked_before_the_run(words, script):
    status, printed, said = script.call("train", *words, "--epochs", "1", "--gradcheck")
    assert status == 0, said
    assert re.search("gradient check of (ConvNet|ResNet)", printed)


def test_sanity_finds_nothing_wrong_with_a_small_convnet():
    _, solver = built(["--net", "cnn", "--channels", "8,16", "--hidden", "32"])
    found = examine(solver)
    assert found.verdict == "Nothing suspicious.", str(found)
    assert "0% of the hidden units are alike" in str(found)


def test_sanity_finds_kernels_that_are_alike():
    net = ConvNet((8, 8), 3, channels=(4, 5), hidden=(), rng=0)
    x, y = np.random.default_rng(0).standard_normal((6, 64)), np.arange(6) % 3
    assert check_symmetry(Classifier(net), x, y).ok
    for name in ("conv2.W", "affine1.W"):
        net.params[name][...] = 0.1
    found = check_symmetry(Classifier(net), x, y)
    assert "100% of the hidden units of conv2 are alike" in found.found
    assert "hidden units of conv2 are alike" in found.cause
