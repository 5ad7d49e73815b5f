"""`chainrule train --sanity`, and what a run leaves in its folder."""

import csv
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

import train
from chainrule import nets
from chainrule.data import load_digits
from chainrule.training.report import images, writing
from chainrule.training.run.console import misgiving


def labelled(y):
    """Validation data with these labels."""
    return SimpleNamespace(y_val=y, targets=())


SMALL = ["--hidden", "16", "--epochs", "3", "--run-dir", "run"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_healthy_set_up_is_found_so_and_nothing_is_trained(tmp_path, capsys):
    assert train.main(["--sanity"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("✓") == 10
    assert "Nothing suspicious.\n" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["sanity.png"]


def test_a_rate_far_too_high_is_named_with_status_1_and_a_picture(tmp_path, capsys):
    assert train.main(["--sanity", "--lr", "2", "--run-dir", "look/here"]) == 1
    assert re.search(r"rate 2 is about \d+ times too high", capsys.readouterr().out)
    assert (tmp_path / "look/here/sanity.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "2"], "--sanity: goes with one run, not with --seeds or --search"),
        (["--dataset", "nope.csv"], "--dataset nope.csv: there is no such file"),
        (["--run-dir", "/dev/null/x"], "Not a directory"),
    ],
)
def test_wrong_options_are_one_line(words, message, capsys):
    assert train.main(["--sanity", *words]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "chainrule:" in line]
    assert message in line


@pytest.mark.slow
def test_the_folder_of_a_run_holds_all_that_it_should(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(images, "MISTAKES", 2)  # of 24, which take longest to draw
    assert train.main([*SMALL, "--activation", "tanh", "--pictures"]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("\nreport: run/report.html\n")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    pictures = {f"{name}.png" for name in ("curves", "confusion", "mistakes", "weights", "units")}
    files = {"config.json", "metrics.csv", "checkpoint.safetensors", "best.safetensors"}
    assert names >= files | pictures | {"report.html"}
    assert not [name for name in names if name.endswith(".tmp")]

    config = json.loads((tmp_path / "run/config.json").read_text("utf-8"))
    assert config["options"]["activation"] == "tanh"
    assert config["options"]["hidden"] == [16]
    assert config["data"]["classes"] == [*"0123456789"]
    assert config["data"]["examples"] == [1078, 360, 359]
    assert re.fullmatch("[0-9a-f]{32}", config["data"]["fingerprint"])
    assert config["versions"]["numpy"] == np.__version__

    with open(tmp_path / "run/metrics.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[2]["loss"]) < float(rows[0]["loss"])

    digits = load_digits().standardised().astype(np.float32)
    with pytest.warns(UserWarning, match=r"standardised as in training; .*Trained\.open\(RUN\)"):
        model = nets.Classifier(nets.load(tmp_path / "run/best.safetensors"))
    accuracy = f"test accuracy {model.score(digits.x_test, digits.y_test):.2%} "
    assert accuracy in printed
    assert max(float(row["val_score"]) for row in rows) == pytest.approx(
        model.score(digits.x_val, digits.y_val)
    )


def test_a_run_without_a_name_gets_one_of_date_and_data(tmp_path, capsys):
    for _ in range(2):
        assert train.main(["--hidden", "8", "--epochs", "1", "--no-report"]) == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d_\d{6}_digits(-2)?", name) for name in names)
    assert "run: runs/" in capsys.readouterr().out


def test_more_epochs_make_a_longer_run_of_it(tmp_path, capsys):
    assert train.main([*SMALL, "--no-report"]) == 0
    assert train.main(["--resume", "run"]) == 0
    out = capsys.readouterr().out
    assert "trained 3 epochs" in out
    assert "once more" not in out
    assert train.main(["--resume", "run", "--epochs", "5"]) == 0
    out = capsys.readouterr().out
    assert "trained 5 epochs" in out
    assert re.search(r"learning rate rises from \S+ to \S+ once more, .* for 5 epochs\n", out)
    assert len((tmp_path / "run/metrics.csv").read_text("utf-8").splitlines()) == 6
    assert train.main(["--resume", "run", "--epochs", "5"]) == 2
    assert "--epochs 5: run has 5 epochs behind it; expected more" in capsys.readouterr().err
    config = json.loads((tmp_path / "run/config.json").read_text("utf-8"))
    assert config["options"]["epochs"] == 5


def test_resume_takes_no_other_options(capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main(["resume", "--run", "run", "--epochs", "9", "--lr=3"])
    assert capsys.readouterr().err == (
        "chainrule: unrecognized arguments: --lr=3; resume goes with --epochs or --jobs alone, "
        "all else is as the run was begun\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["predcit", "--data", "x"],
            "predcit: expected one of .*, predict, .*; did you mean predict",
        ),
        (
            ["runs"],
            "runs: expected one of train, resume, report, evaluate, predict, compare, export, ",
        ),
    ],
)
def test_a_command_that_there_is_not_is_named(words, message, capsys):
    assert train.main(words) == 2
    assert re.search(message, capsys.readouterr().err, re.M)


@pytest.mark.parametrize(("word", "meant"), [("--hiden=5", "--hidden"), ("--dropou", "--dropout")])
def test_an_option_is_known_by_its_whole_name_alone(word, meant, capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main([word])
    assert capsys.readouterr().err.endswith(f"arguments: {word}; did you mean {meant}?\n")


def test_help_shows_the_recipes(capsys):
    with pytest.raises(SystemExit, match="0"):
        train.main(["--help"])
    printed = capsys.readouterr().out
    assert re.search(r"^  digits +--hidden 128 --dropout 0.8 --epochs 40 --batch", printed, re.M)
    for option in ("epochs N", "batch-size N", "l2 L2", "activation {.*}", "dtype {.*}"):
        assert re.search(rf"^  --{option}\s+\w+ ", printed, re.M), option


def test_a_folder_that_holds_other_things_takes_no_run(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    for many in ([], ["--seeds", "2"]):
        assert train.main([*SMALL[:-1], "mine", *many]) == 2
        message = "--run-dir mine: holds thesis.txt and no run, expected a new or an empty folder"
        assert message in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_run_may_follow_a_look_in_the_same_folder(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "sanity.png").write_text("a look")
    assert train.main([*SMALL, "--no-report"]) == 0


@pytest.mark.parametrize("command", [["--resume"], ["evaluate", "--run"]])
def test_what_is_no_run_is_told_apart(command, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "config.json").write_text("{}")
    for name, message in (
        ("nowhere", "there is no such folder"),
        ("empty", "it holds none: its config.json is missing"),
        ("file", "it is no folder"),
        ("runs", "it holds folders of runs; name one of them, such as runs/first"),
        ("n" * 300, "its config.json cannot be read: File name too long"),
    ):
        assert train.main([*command, name]) == 2
        expected = f"chainrule: {name}: expected the folder of a run, but {message}\n"
        assert capsys.readouterr().err == expected


def test_a_run_that_has_nothing_left_to_do_says_so(capsys):
    assert train.main([*SMALL, "--no-report"]) == 0
    assert "nothing is left" not in capsys.readouterr().out
    assert train.main(["--resume", "run"]) == 0
    message = "nothing is left to train: 3 epochs are done; chainrule resume run --epochs N goes"
    assert message in capsys.readouterr().out


@pytest.fixture
def without_pictures(monkeypatch):
    """Reports are written without the pictures, which take seconds."""
    monkeypatch.setattr(writing, "pictures_of", lambda _: [])


@pytest.mark.usefixtures("without_pictures")
def test_a_run_that_learns_nothing_says_so_in_print_and_in_the_report(tmp_path, capsys):
    assert train.main([*SMALL, "--lr", "1e-9"]) == 0
    said = "This run has hardly learned: the best validation accuracy is "
    assert f"\n{said}" in capsys.readouterr().out
    assert said in (tmp_path / "run/report.html").read_text("utf-8")


@pytest.mark.usefixtures("without_pictures")
def test_the_report_has_the_options_that_were_used_as_one_types_them(tmp_path):
    assert train.main([*SMALL, "--gradcheck"]) == 0
    page = (tmp_path / "run/report.html").read_text("utf-8")
    options = re.findall(r"<dt>(--[\w-]+)</dt><dd>([^<]*)</dd>", page)
    expected = {"--hidden": "16", "--lr": "0.002", "--seed": "0", "--gradcheck": "yes"}
    assert expected.items() <= dict(options).items()
    names = {name for name, _ in options}
    assert {"--batch-size", "--dropout", "--dataset", "--warmup"} <= names
    assert not {"--resume", "--jobs", "--sanity", "--no-report", "--data-dir"} & names


@pytest.mark.parametrize(
    ("scores", "begin"),
    [
        ([0.3, 0.54, 0.5], "This run has hardly learned: the best validation accuracy is 54.00%, "),
        ([0.9, 0.5, 0.6, 0.5], "This run has lost what it knew: .* was 90.00% after epoch 1, and "),
        ([0.3, 0.6], ""),
        ([0.9, 0.5, 0.6, 0.8], ""),
        ([0.9, 0.5, 0.5], ""),
    ],
)
def test_a_misgiving_is_voiced_where_little_was_learned_or_kept(scores, begin):
    assert re.match(begin or "$", misgiving(scores, labelled(np.array([0, 1, 1, 0] * 100))))


def test_a_misgiving_about_numbers_is_measured_from_the_mean():
    rows = SimpleNamespace(y_val=np.ones((9, 1)), targets=("price",))
    assert misgiving([0.05, 0.04], rows).startswith(
        "This run has hardly learned: the best validation R² is 0.0500, and naming the mean every "
    )
    assert "lost what it knew" in misgiving([0.9, 0.1, 0.1, 0.1], rows)
    assert misgiving([-3.0, 0.9, 0.85], rows) == ""


def test_one_row_of_204_is_no_loss_of_what_was_known():
    y = labelled(np.repeat([0, 1], [200, 4]))  # 98 % are of one class
    scores = [201 / 204, 200 / 204, 200 / 204, 200 / 204]
    assert "lost" not in misgiving(scores, y)
    assert "lost" in misgiving([204 / 204, 180 / 204, 180 / 204, 180 / 204], y)
