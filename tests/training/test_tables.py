"""Tables on the command line: what is told, which column is learned, and for how long."""

import json
import re

import numpy as np
import pytest

import train
from chainrule.training import Trained


@pytest.fixture
def ward(tmp_path, monkeypatch):
    """A table whose label is first, and whose rows are numbered."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{'ny'[i % 2]},{rng.normal(3 * (i % 2), 1):.3f},{i}" for i in range(100)]
    (tmp_path / "ward.csv").write_text("\n".join(["label,dose,no", *rows]), encoding="utf-8")
    return tmp_path


def options_of(folder):
    return json.loads((folder / "config.json").read_text("utf-8"))["options"]


@pytest.mark.usefixtures("ward")
def test_the_label_is_named_and_notes_are_said_once_on_stderr(capsys):
    words = ["--dataset", "ward.csv", "--epochs", "2", "--no-report", "--run-dir", "run"]
    assert train.main(words) == 2
    assert "one column is called 'label', but the last column, 'no'" in capsys.readouterr().err
    assert train.main([*words, "--label", "label"]) == 0
    caught = capsys.readouterr()
    assert re.search(r"^  label +column 1 of the file, label$", caught.out, re.M)
    assert caught.err.count("note:") == 1
    assert caught.err.startswith("note: ward.csv: column 3 (no) numbers the rows")
    assert train.main(["evaluate", "run"]) == 0
    assert train.main(["evaluate", "run", "--data", "ward.csv"]) == 0
    assert "ward.csv, judged by run" in capsys.readouterr().out
    assert train.main(["resume", "run", "--epochs", "3"]) == 0
    assert Trained.open("run").features == ("dose", "no")
    assert (Trained.open("run").label, Trained.open("run").label_column) == ("label", 0)


def test_a_small_table_gets_about_2000_steps_and_other_data_what_they_had(ward):
    words = ["--label", "0", "--no-report", "--patience", "1", "--hidden", "4"]
    assert train.main(["--dataset", "ward.csv", *words, "--run-dir", "own"]) == 0
    assert options_of(ward / "own")["epochs"] == 500  # 60 rows, 2 steps each
    for name, epochs in (("digits", 40), ("moons", 40)):
        assert train.main(["--dataset", name, *words[2:], "--run-dir", name]) == 0
        assert options_of(ward / name)["epochs"] == epochs


@pytest.mark.usefixtures("ward")
def test_sanity_judges_the_steps_that_the_run_takes(capsys):
    network = ["--hidden", "128", "--norm", "batchnorm", "--l2", "1e-4"]
    words = ["--dataset", "ward.csv", "--label", "0", "--sanity", *network]
    assert train.main([*words, "--epochs", "1"]) == 1
    printed = capsys.readouterr().out
    assert "The run is too short: it takes 2 steps" in printed
    assert re.search(r"✗ data +column 3 \(no\) numbers the rows", printed)


@pytest.mark.usefixtures("ward")
def test_what_is_about_csv_files_is_refused_elsewhere(capsys):
    assert train.main(["--label", "0"]) == 2
    assert "--label goes with a CSV file, not with --dataset digits" in capsys.readouterr().err
    np.savez("t.npz", x=np.random.default_rng(0).random((9, 2)), y=np.arange(9) % 3)
    assert train.main(["--dataset", "t.npz", "--header", "no"]) == 2
    assert "an NPZ file has no first line" in capsys.readouterr().err


@pytest.fixture
def ugly(tmp_path, monkeypatch):
    """A table with semicolons, decimal commas, words, gaps and a name of each row; and new rows."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = []
    for i in range(90):
        size = "" if i % 9 == 4 else f"{rng.normal(3 * (i % 3), 0.5):.2f}".replace(".", ",")
        lines.append(f"K{i};{('red', 'green', 'blue')[i % 3]};{size};{'xxy'[i % 3]}")
    (tmp_path / "ugly.csv").write_text("\n".join(["id;colour;size;kind", *lines]), "utf-8")
    new = ["size;colour;id", "0,1;red;A1", "6,1;blue;A2", ";violet;A3"]
    (tmp_path / "new.csv").write_text("\n".join(new), "utf-8")
    return tmp_path


READ = ["--label", "kind", "--drop", "id", "--missing", "mean", "--class-weights", "balanced"]


def test_an_ugly_table_is_trained_on_and_put_to_use(ugly, capsys):
    words = ["--dataset", "ugly.csv", "--no-report", "--run-dir", "run"]
    assert train.main([*words, "--label", "kind"]) == 2
    said = capsys.readouterr().err
    assert "column 1 (id) holds 90 different texts in 90 rows" in said
    assert "--drop id" in said
    assert "besides, 10 of the 270 cells are missing" in said
    assert train.main([*words, *READ, "--epochs", "20"]) == 0
    said = capsys.readouterr().err
    assert "note: ugly.csv: 10 of the 180 cells are missing (column 3 (size): 10), and are" in said
    assert "note: ugly.csv: all classes weigh the same in training" in said
    assert train.main(["evaluate", "run"]) == 0
    assert train.main(["resume", "run", "--epochs", "21"]) == 0
    assert train.main(["predict", "run", "--data", "new.csv"]) == 0
    assert "holds 'violet' in 1 row, which was not there" in capsys.readouterr().err
    lines = (ugly / "new.predictions.csv").read_text("utf-8").splitlines()
    assert lines[0] == "row,id,predicted,probability_x,probability_y"
    assert [line.split(",")[:3] for line in lines[1:3]] == [["1", "A1", "x"], ["2", "A2", "y"]]
    assert train.main(["predict", "run", "--data", "new.csv", "--keep-columns"]) == 0
    lines = (ugly / "new.predictions.csv").read_text("utf-8").splitlines()
    assert lines[0].startswith("row,size,colour,id,predicted,")
    assert lines[1].startswith('1,"0,1",red,A1,x,') or lines[1].startswith("1,0.1,red,A1,x,")


@pytest.mark.usefixtures("ugly")
def test_a_trained_network_takes_frames_with_words():
    pandas = pytest.importorskip("pandas")
    words = ["--dataset", "ugly.csv", "--no-report", "--run-dir", "run", "--epochs", "20"]
    assert train.main([*words, *READ]) == 0
    frame = pandas.DataFrame(
        {"size": [0.1, 6.1, np.nan], "colour": ["red", "blue", "red"], "id": ["A", "B", "C"]}
    )
    run = Trained.open("run")
    with pytest.warns(UserWarning, match="1 missing cell in 1 row is filled in with the mean"):
        names, probabilities = run.predict(frame)
    assert names[:2].tolist() == ["x", "y"]
    rows = run.read("new.csv")
    assert np.array_equal(run.predict(rows.x)[1][:2], probabilities[:2])
    with pytest.warns(UserWarning, match="holds 'violet' in 1 row"):
        run.predict(frame.assign(colour="violet").iloc[:1])
    for wrong, message in (
        (frame.drop(columns="size"), "lacks the column 'size' of the training data"),
        (frame.assign(weight=1), "has the column 'weight', which the training data did not"),
        (frame.assign(size="tall"), "'tall', expected a finite number"),
    ):
        with pytest.raises(ValueError, match=message):
            run.predict(wrong)


@pytest.mark.usefixtures("ugly")
def test_options_of_a_table_are_refused_where_there_is_none(capsys):
    for words in (["--missing", "mean"], ["--drop", "0"], ["--weights", "w"], ["--na", "x"]):
        assert train.main([*words, "--dataset", "moons"]) == 2
        assert f"{words[0]} goes with a CSV file, not with" in capsys.readouterr().err
    np.savez("t.npz", x=np.random.default_rng(0).random((9, 2)), y=np.arange(9) % 3)
    assert train.main(["--dataset", "t.npz", "--missing", "mean"]) == 2
    assert "missing goes with a CSV file, and this is an NPZ file" in capsys.readouterr().err
    assert train.main(["predict", "run", "--data", "t.npz", "--keep-columns"]) == 2
