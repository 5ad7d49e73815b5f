"""`python train.py --sanity`, and what a run leaves in its folder."""

import csv
import json
import re

import numpy as np
import pytest

import nets
import train
from data import load_digits

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
        (["--dataset", "nope.csv"], "No such file or directory: 'nope.csv'"),
        (["--dropout", "7"], "keep must be a finite number in [0, 1], got 7"),
        (["--run-dir", "/dev/null/x"], "Not a directory"),
    ],
)
def test_wrong_options_are_one_line(words, message, capsys):
    assert train.main(["--sanity", *words]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "train.py:" in line]
    assert message in line


def test_the_folder_of_a_run_holds_all_that_it_should(tmp_path, capsys):
    assert train.main([*SMALL, "--activation", "tanh"]) == 0
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
    assert "trained 3 epochs" in capsys.readouterr().out
    assert train.main(["--resume", "run", "--epochs", "5"]) == 0
    assert "trained 5 epochs" in capsys.readouterr().out
    assert len((tmp_path / "run/metrics.csv").read_text("utf-8").splitlines()) == 6
    assert train.main(["--resume", "run", "--epochs", "5"]) == 2
    assert "--epochs 5: run has 5 epochs behind it; expected more" in capsys.readouterr().err
    config = json.loads((tmp_path / "run/config.json").read_text("utf-8"))
    assert config["options"]["epochs"] == 5


def test_resume_takes_no_other_options(capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main(["--resume", "run", "--lr", "3"])
    assert capsys.readouterr().err == "train.py: unrecognized arguments: --lr 3\n"
