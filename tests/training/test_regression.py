"""Numbers to predict on the command line, from a table to predictions in its unit."""

import csv
import json
import re

import numpy as np
import pytest

from chainrule.__main__ import main
from chainrule.data import load_csv
from chainrule.training import Trained
from chainrule.training.runs.comparison import measure_in_common, read

N = 240


def lines(rng, count):
    """Rows in which price = 1000 (3 size + 2 of kind b) + 50000, and score = -size."""
    size, kind = rng.normal(size=count), rng.choice(["a", "b"], count)
    price = 1000 * (3 * size + 2 * (kind == "b")) + 50000
    rows = zip(size.tolist(), kind.tolist(), price.tolist(), (-size).tolist(), strict=True)
    return [dict(zip(("size", "kind", "price", "score"), row, strict=True)) for row in rows]


def write(path, rows, names):
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, names, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with houses.csv, new.csv and two runs: one of the price, and both of the targets."""
    path = tmp_path_factory.mktemp("houses")
    rng = np.random.default_rng(0)
    write(path / "houses.csv", lines(rng, N), ["size", "kind", "price", "score"])
    write(path / "new.csv", lines(rng, 40), ["price", "kind", "size"])
    common = ["train", "--dataset", str(path / "houses.csv"), "--epochs", "60", "--norm", "none"]
    price = ["--label", "price", "--drop", "score"]
    assert main([*common, *price, "--run-dir", str(path / "price")]) == 0
    both = ["--label", "price,score", "--loss", "huber", "--no-report"]
    assert main([*common, *both, "--run-dir", str(path / "both")]) == 0
    return path


def test_numbers_are_found_and_said_and_learned(folder, capsys):
    words = ["--label", "price", "--drop", "score", "--epochs", "1", "--no-report"]
    run = ["--run-dir", str(folder / "said")]
    assert main(["train", "--dataset", str(folder / "houses.csv"), *words, *run]) == 0
    said = capsys.readouterr()
    assert "(price) are 240 different numbers, which are predicted as such; to make" in said.err
    assert re.search(r"epoch +1 +training: loss [\d.]+, R² -?[\d.]+ +validation: loss", said.out)
    assert "test R² " in said.out
    assert main(["evaluate", str(folder / "price")]) == 0
    assert float(re.search(r"R² ([\d.]+) \(48 rows\)", capsys.readouterr().out)[1]) > 0.99


def test_predictions_are_in_the_unit_of_the_target_and_columns_found_by_name(folder, capsys):
    out = folder / "out.csv"
    assert main(["predict", str(folder / "price"), "--data", str(folder / "new.csv"), "--out",
                 str(out)]) == 0  # fmt: skip
    assert (
        f"{out}: predicted_price of 40 rows (the labels of the file were not used), in the u"
        in (capsys.readouterr().out)
    )
    with open(out, newline="") as file:
        predicted = [float(row["predicted_price"]) for row in csv.DictReader(file)]
    with open(folder / "new.csv", newline="") as file:
        truth = [float(row["price"]) for row in csv.DictReader(file)]
    assert np.abs(np.subtract(predicted, truth)).max() < 800  # of a deviation of 3,200
    assert main(["evaluate", str(folder / "price"), "--data", str(folder / "new.csv")]) == 0
    mean, root = re.search(r"price +[\d.]+ +([\d.]+) +([\d.]+)", capsys.readouterr().out).groups()
    away = np.subtract(predicted, truth)
    assert float(mean) == pytest.approx(np.abs(away).mean(), rel=1e-3)
    assert float(root) == pytest.approx(np.sqrt(np.square(away).mean()), rel=1e-3)


def test_several_targets_are_learned_together(folder, capsys):
    trained = Trained.open(folder / "both")
    assert trained.targets == ("price", "score")
    names = ["size", "kind", "price", "score"]
    write(folder / "more.csv", lines(np.random.default_rng(1), 30), names)
    assert main(["evaluate", str(folder / "both"), "--data", str(folder / "more.csv")]) == 0
    printed = capsys.readouterr().out
    assert all(float(re.search(rf"{name} +([\d.]+)", printed)[1]) > 0.98 for name in names[2:])
    write(folder / "lacking.csv", lines(np.random.default_rng(1), 30), names[:3])
    assert main(["evaluate", str(folder / "both"), "--data", str(folder / "lacking.csv")]) == 2
    assert "lacks the target 'score'" in capsys.readouterr().err


def test_in_python_a_run_predicts_numbers_of_its_features(folder):
    trained = Trained.open(folder / "price")
    x = np.array([[0.0, 1, 0], [1.0, 0, 1]])  # size, and kind as a and b
    assert trained.features == ("size", "kind=a", "kind=b")
    np.testing.assert_allclose(trained.predict(x), [50000, 55000], atol=800)
    assert Trained.open(folder / "both").predict(x).shape == (2, 2)


def test_the_report_shows_predicted_and_true_numbers(folder):
    page = (folder / "price" / "report.html").read_text()
    for words in ("Predicted and true", "Residuals", "root mean square error", "test R²"):
        assert words in page
    assert "Confusion" not in page


def test_a_run_is_resumed_and_compared(folder, capsys):
    assert main(["resume", str(folder / "both"), "--epochs", "61"]) == 0
    assert "taken up after the last step" in capsys.readouterr().out
    assert main(["compare", str(folder / "price")]) == 0
    assert re.search(r"60 of 60 +0\.99\d\d", capsys.readouterr().out)


def test_runs_of_both_kinds_are_drawn_as_scores(folder, tmp_path, capsys):
    words = ["--dataset", "moons", "--epochs", "1", "--no-report", "--run-dir"]
    assert main(["train", *words, str(tmp_path / "moons")]) == 0
    runs = [read(folder / "price"), read(tmp_path / "moons")]
    assert measure_in_common(runs[:1]).name == "R²"
    assert measure_in_common(runs).name == "score"
    assert main(["compare", str(folder / "price"), str(tmp_path / "moons"), "--out",
                 str(tmp_path / "both.png")]) == 0  # fmt: skip
    assert "scores of different data do not compare" in capsys.readouterr().out


def test_runs_over_seeds_and_in_a_search_are_told_by_r_squared(folder, capsys):
    words = ["train", "--dataset", str(folder / "houses.csv"), "--label", "price", "--epochs", "2"]
    assert main([*words, "--seeds", "2", "--jobs", "1", "--run-dir", str(folder / "seeds")]) == 0
    assert re.search(r"mean +-?\d\.\d{4} +-?\d\.\d{4}\n", capsys.readouterr().out)
    search = ["--search", "lr=1e-4..1e-2:log", "--trials", "1", "--jobs", "1"]
    assert main([*words, *search, "--run-dir", str(folder / "search")]) == 0
    assert re.search(r"test R² -?\d\.\d{4}; train it", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--loss", "softmax"], r"--loss softmax: goes with classes, and .* numbers to predict"),
        (["--class-weights", "balanced"], "goes with classes, and these rows have numbers to p"),
        (["--task", "classes"], "the labels of the column 'price' are 240 different numbers"),
    ],
)
def test_what_goes_with_classes_alone_is_refused(words, message, folder, capsys):
    given = ["--dataset", str(folder / "houses.csv"), "--label", "price", *words]
    assert main(["train", *given, "--run-dir", str(folder / "refused")]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_loss_of_numbers_is_refused_for_classes(tmp_path, capsys):
    assert main(["train", "--loss", "huber", "--run-dir", str(tmp_path / "run")]) == 2
    assert "--loss huber: goes with numbers to predict, and digits has classes" in (
        capsys.readouterr().err
    )


def test_a_damaged_scale_is_named(folder, tmp_path, capsys):
    config = json.loads((folder / "price" / "config.json").read_text())
    del config["checksum"]
    for name, value in (("target_std", [0.0]), ("target_mean", [1.0, 2.0]), ("targets", [3])):
        run = tmp_path / name
        run.mkdir()
        changed = config | {"data": config["data"] | {name: value}}
        (run / "config.json").write_text(json.dumps(changed))
        assert main(["evaluate", str(run)]) == 2
        assert f"damaged: data: {name}" in capsys.readouterr().err


def test_what_keeps_it_from_learning_is_looked_for(folder, capsys):
    words = ["train", "--dataset", str(folder / "houses.csv"), "--label", "price", "--sanity"]
    assert main([*words, "--run-dir", str(folder / "sanity")]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"✓ new rows +R² \d\.\d\d of the validation rows right", printed)
    assert (folder / "sanity" / "sanity.png").exists()


def test_such_a_run_is_exported(folder, capsys):
    assert main(["export", str(folder / "price"), "--to", "numpy"]) == 0
    assert re.search(r"rows of .*: values that differ by \S+ at most", capsys.readouterr().out)


@pytest.mark.parametrize("label", ["y", "height"])
def test_few_whole_numbers_stay_classes(label, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"a,{label}\n" + "".join(f"{i / 7},{i % 5}\n" for i in range(100)))
    assert load_csv(path, label=label).num_classes == 5
    assert load_csv(path, label=label, task="regression").targets == (label,)
