"""A run's network judges rows of a file as it judged them when it was trained."""

import csv
import gzip
import json
import re

import numpy as np
import pytest

import train
from chainrule import nets
from chainrule.data import load_digits
from chainrule.nets import FileError
from chainrule.nets.files import read_arrays, write_arrays
from chainrule.training import Trained
from chainrule.training.options import parser
from chainrule.training.run.running import begin, carry_out

SMALL = ["--hidden", "16", "--epochs", "2", "--no-report"]
FLOWERS = ["rose", "tulip, red", "aster"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run on the digits, as it is in memory, and what it printed."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    run = begin(parser().parse_args([*SMALL, "--run-dir", str(path)]))
    carry_out(run)
    return run


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """The folder of a run on a table with classes of names, and the lines of that table."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(0)
    lines = [
        f'{c + 0.1 * a:.4f},{c - 0.1 * b:.4f},"{name}"'
        for a, b in rng.standard_normal((40, 2))
        for c, name in enumerate(FLOWERS)
    ]
    (folder / "flowers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["--dataset", str(folder / "flowers.csv"), "--run-dir", str(folder / "run"), *SMALL]
    assert train.main(words) == 0
    return folder / "run", lines


def table(path, x, y=None):
    """A CSV file of rows and perhaps labels, with every digit that the numbers have."""
    columns = [*x.T.tolist()] + ([] if y is None else [y.tolist()])
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def refused(capsys, *words):
    """The one line that the command says when it refuses."""
    capsys.readouterr()
    assert train.main([*map(str, words)]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert re.fullmatch(r"chainrule: [^\n]+\n", caught.err)
    return caught.err


def copied(run, folder, **changes):
    """A run folder with these files; None for one that is left out. With another config.json it is
    one of an earlier version, whose best.safetensors does not say what was in there."""
    folder.mkdir()
    for name in ("config.json", "best.safetensors"):
        content = changes.get(name.partition(".")[0], (run / name).read_bytes())
        if content is not None:
            (folder / name).write_bytes(content)
    if changes.keys() == {"config"}:
        arrays, described = read_arrays(folder / "best.safetensors")
        described.pop("config")
        write_arrays(folder / "best.safetensors", arrays, described)
    return folder


def reworded(run, *keys, value=None):
    """config.json of a run with another value at these keys, or without them if it is None. As in
    earlier versions it has no checksum."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    del config["checksum"]
    inner = config
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return json.dumps(config).encode()


def test_predictions_are_bit_for_bit_those_of_the_network_in_memory(digits, tmp_path, capsys):
    raw = load_digits()
    data, out = table(tmp_path / "t.csv", raw.x_test), tmp_path / "out.csv"
    words = ["--run", str(digits.folder.path), "--data", str(data), "--out", str(out)]
    capsys.readouterr()
    assert train.main(["predict", *words]) == 0
    assert capsys.readouterr().out == (
        f"{out}: the class of 359 rows, and probabilities: the softmax of the network's outputs\n"
    )
    header, rows = read(out)
    assert header == ["row", "predicted", *(f"probability_{digit}" for digit in range(10))]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 360)]
    x = digits.dataset.x_test
    assert [row[1] for row in rows] == [str(c) for c in digits.model.predict(x)]
    written = np.array([row[2:] for row in rows], np.float32)
    assert np.array_equal(written, digits.model.class_scores(x)[0])
    assert np.allclose(written.sum(axis=1), 1, atol=1e-6)
    with pytest.warns(UserWarning, match="takes rows standardised as in training"):
        loaded = nets.load(digits.folder / "best.safetensors")
    assert np.array_equal(loaded.forward(x, train=False)[0], digits.model.outputs(x))


@pytest.mark.parametrize("kind", ["own", "csv", "csv.gz", "npz"])
def test_evaluate_gives_the_accuracy_and_the_table_that_the_run_printed(kind, tmp_path, capsys):
    run, raw = tmp_path / "run", load_digits()
    assert train.main([*SMALL, "--run-dir", str(run)]) == 0
    printed = capsys.readouterr().out
    accuracy = re.search(r"test accuracy ([\d.]+% \(\d+ of 359\))", printed)[1]
    words = []
    if kind == "npz":
        np.savez(tmp_path / "t.npz", x=raw.x_test, y=raw.y_test)
        words = ["--data", str(tmp_path / "t.npz")]
    elif kind != "own":
        plain = table(tmp_path / "t.csv", raw.x_test, raw.y_test).read_bytes()
        path = tmp_path / f"t.{kind}"
        path.write_bytes(gzip.compress(plain) if kind.endswith("gz") else plain)
        words = ["--data", str(path)]
    assert train.main(["evaluate", "--run", str(run), *words]) == 0
    said = capsys.readouterr().out
    assert f"accuracy {accuracy}\n" in said
    table_printed = printed.partition("\nclass ")[2].partition("\n\nrun: ")[0]
    assert said.partition("\nclass ")[2].strip() == table_printed.strip()


def test_the_loss_is_the_mean_of_minus_the_log_of_the_right_probability(digits, tmp_path, capsys):
    raw, out = load_digits(), tmp_path / "out.csv"
    data = table(tmp_path / "t.csv", raw.x_test, raw.y_test)
    words = ["--run", str(digits.folder.path), "--data", str(data)]
    train.main(["predict", *words, "--out", str(out)])
    probabilities = np.array([row[2:] for row in read(out)[1]], np.float64)
    expected = -np.log(probabilities[np.arange(359), raw.y_test]).mean()
    capsys.readouterr()
    train.main(["evaluate", *words])
    found = re.search(r"\nloss ([\d.]+), SoftmaxCrossEntropy", capsys.readouterr().out)[1]
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_the_file_is_named_after_the_data_and_lies_right_here(
    flowers, tmp_path, capsys, monkeypatch
):
    run, lines = flowers
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "new.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "new.predictions.csv").write_text("old", encoding="utf-8")
    capsys.readouterr()
    assert train.main(["predict", "--run", str(run), "--data", "in/new.csv"]) == 0
    said = capsys.readouterr().out
    assert "new.predictions.csv: the class of 120 rows (the labels of the file were not" in said
    header, rows = read(tmp_path / "new.predictions.csv")
    assert header == ["row", "predicted", *(f"probability_{name}" for name in sorted(FLOWERS))]
    assert {row[1] for row in rows} <= {*FLOWERS}
    for row in rows:  # the class is the one with the largest number
        assert header[2 + np.argmax([float(cell) for cell in row[2:]])] == f"probability_{row[1]}"


@pytest.mark.parametrize(
    ("loss", "column", "said"),
    [
        ("sigmoid", "probability_", "the sigmoid of each output"),
        ("hinge", "score_", "scores, no probabilities"),
        ("mse", "score_", "scores, no probabilities"),
    ],
)
def test_scores_that_are_no_probabilities_are_not_called_so(loss, column, said, tmp_path, capsys):
    run, out = tmp_path / "run", tmp_path / "out.csv"
    words = ["--dataset", "moons", "--loss", loss, "--run-dir", str(run), *SMALL]
    assert train.main(words) == 0
    data = table(tmp_path / "t.csv", np.array([[0.0, 1.0], [1.0, -0.5]]))
    assert train.main(["predict", "--run", str(run), "--data", str(data), "--out", str(out)]) == 0
    assert said in capsys.readouterr().out
    header, rows = read(out)
    assert header[2:] == [f"{column}0", f"{column}1"]
    written = np.array([row[2:] for row in rows], np.float32)
    outputs = Trained.open(run).model.net.forward(
        Trained.open(run).standardiser.transform(np.array([[0.0, 1.0], [1.0, -0.5]], np.float32)),
        train=False,
    )[0]
    expected = 1 / (1 + np.exp(-outputs)) if loss == "sigmoid" else outputs
    assert np.allclose(written, expected, rtol=1e-5)


def test_many_rows_go_through_in_blocks_and_come_out_in_order(flowers, tmp_path):
    run, _ = flowers
    x = np.random.default_rng(1).normal(1, 1, (5000, 2))
    np.savez(tmp_path / "t.npz", x=x)
    out = tmp_path / "out.csv"
    words = ["--run", str(run), "--data", str(tmp_path / "t.npz"), "--out", str(out)]
    assert train.main(["predict", *words]) == 0
    _, rows = read(out)
    trained = Trained.open(run)
    rescaled = ((x - trained.standardiser.mean) / trained.standardiser.std).astype(np.float32)
    expected = [trained.classes[c] for c in trained.model.predict(rescaled)]
    assert [row[1] for row in rows] == expected


def test_labels_may_be_fewer_classes_and_integers_written_with_zeros(digits, tmp_path, capsys):
    raw = load_digits()
    ones = raw.x_test[raw.y_test == 1]
    lines = [",".join([*map(str, row), "01"]) for row in ones.tolist()]
    (tmp_path / "ones.csv").write_text("\n".join(lines), encoding="utf-8")
    words = ["--run", str(digits.folder.path), "--data", str(tmp_path / "ones.csv")]
    capsys.readouterr()
    assert train.main(["evaluate", *words]) == 0
    assert re.search(rf"^1 +{len(ones)} ", capsys.readouterr().out, re.M)


def test_inputs_in_another_unit_are_remarked_on(digits, tmp_path, capsys):
    raw = load_digits()
    words = ["--run", str(digits.folder.path), "--data"]
    for factor, remark in ((1, ""), (255, "are they in the unit of the training data?")):
        data = table(tmp_path / "t.csv", factor * raw.x_test, raw.y_test)
        capsys.readouterr()
        assert train.main(["evaluate", *words, str(data)]) == 0
        said = capsys.readouterr().err
        assert remark in said
        assert ("note" in said) == bool(remark)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "1,2\n3,four\n", r"t\.csv, line 2, column 2: 'four', expected a finite number"),
        ("t.csv", "1,2\nnan,4\n", r"t\.csv, line 2, column 1: .* this is a missing value"),
        ("t.csv", "1,2,3,4\n", r"t\.csv: expected 2 columns of numbers, .*, got 4"),
        ("t.csv", "", r"t\.csv: the file is empty, expected lines of 2 numbers"),
        ("t.csv", "1,2\n1e300,2\n", r"row 2 holds a number too large for float32 once stand"),
        ("t.csv", "1,2\n1e308,-1e308\n", r"row 2 holds a number too large for float32"),
        ("t.npz", "", r"t\.npz: expected an NPZ file, this is none or is damaged"),
        ("t.txt", "", r"t\.txt: expected a name that ends in \.csv, \.csv\.gz or \.npz"),
        ("none.csv", None, r"^chainrule: --data \S*none\.csv: there is no such file$"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_bad_file_is_refused_in_one_line(
    command, name, content, message, flowers, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        labelled = content.replace("\n", ",rose\n") if command == "evaluate" else content
        if "got 4" in message:
            labelled = content
        (tmp_path / name).write_text(labelled, encoding="utf-8")
    said = refused(capsys, command, "--run", flowers[0], "--data", tmp_path / name)
    assert re.search(message, said)
    assert not list(tmp_path.glob("*predictions*"))


def test_labels_that_the_run_does_not_know_are_named_with_their_row(flowers, tmp_path, capsys):
    data = tmp_path / "t.csv"
    for text, message in (
        ("1,2,rose\n3,4,lily\n", "row 2 has the label 'lily', expected one of aster, rose, tulip,"),
        ("1,2,rose\n3,4,\n", "row 2 has the label '', expected one of aster"),
        ("1,2\n3,4\n", "has no labels, expected a last column of them, or one where"),
    ):
        data.write_text(text, encoding="utf-8")
        assert message in refused(capsys, "evaluate", "--run", flowers[0], "--data", data)


def test_columns_are_taken_by_their_names_and_others_are_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"{a},{a + 60},{'small' if a < 20 else 'large'}" for a in range(40)]
    header = "width, length ,size"
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    assert train.main(["--dataset", "t.csv", "--run-dir", "run", *SMALL]) == 0
    run = tmp_path / "run"
    assert Trained.open(run).features == ("width", "length")
    for first in ("width,length,size", "width,length,kind", None):
        text = "\n".join(lines if first is None else [first, *lines])
        (tmp_path / "new.csv").write_text(text, encoding="utf-8")
        assert train.main(["predict", "--run", "run", "--data", "new.csv"]) == 0
    (tmp_path / "new.csv").write_text("width,length\n1,2\n", encoding="utf-8")
    assert train.main(["predict", "--run", "run", "--data", "new.csv"]) == 0
    expected = read(tmp_path / "new.predictions.csv")[1]
    (tmp_path / "new.csv").write_text("length,width\n2,1\n", encoding="utf-8")
    capsys.readouterr()
    assert train.main(["predict", "--run", "run", "--data", "new.csv"]) == 0
    assert "brought into the order of the training data by name" in capsys.readouterr().err
    assert read(tmp_path / "new.predictions.csv")[1] == expected
    for header, message in (
        ("width,depth", "lacks the column 'length' of the training data; its columns are width, d"),
        (
            "width,length,age",
            "the column 'age' was not in the training data and is not known to be",
        ),
        ("width,length,width", "columns 1 and 3 are both called 'width'"),
    ):
        text = f"{header}\n{'1,2,7'[: 2 * len(header.split(',')) - 1]}\n"
        (tmp_path / "new.csv").write_text(text, encoding="utf-8")
        for command in ("predict", "evaluate"):
            said = refused(capsys, command, "--run", "run", "--data", "new.csv")
            assert f"new.csv: {message}" in said
    earlier = copied(run, tmp_path / "earlier", config=reworded(run, "data", "features"))
    arrays, described = read_arrays(run / "best.safetensors")
    del described["data"], described["config"]
    write_arrays(earlier / "best.safetensors", arrays, described)
    assert Trained.open(earlier).features == ()


def test_raw_rows_are_judged_in_python_as_by_the_run(digits):
    raw, run = load_digits(), Trained.open(digits.folder.path)
    x = digits.dataset.x_test
    for rows in (raw.x_test, raw.x_test.astype(np.float32)):
        names, probabilities = run.predict(rows)
        assert names.tolist() == [str(c) for c in digits.model.predict(x)]
        np.testing.assert_allclose(probabilities, digits.model.class_scores(x)[0], atol=1e-5)
        assert probabilities.dtype == np.float32
    whole = np.round(raw.x_test)
    np.testing.assert_array_equal(run.predict(whole.astype(np.uint8))[0], run.predict(whole)[0])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((5, 63)), r"x has shape \(5, 63\) and dtype float64, expected .* \(N, 64\), at"),
        (np.zeros((0, 64)), r"x has shape \(0, 64\) and dtype float64, expected rows of numbers"),
        (np.zeros((5, 64), str), r"x has shape \(5, 64\) and dtype <U1, expected rows of numbers"),
        (np.full((5, 64), np.nan), r"x\[0, 0\] is nan, expected finite numbers"),
        (np.full((5, 64), 1e300), "x: row 1 holds a number too large for float32 once"),
    ],
)
def test_rows_of_another_kind_are_refused_in_python(x, message, digits):
    with pytest.raises(ValueError, match=message):
        Trained.open(digits.folder.path).predict(x)


def test_outputs_that_cannot_be_written_are_named(flowers, tmp_path, capsys):
    data = table(tmp_path / "t.csv", np.ones((2, 2)))
    words = ["predict", "--run", flowers[0], "--data", data, "--out"]
    said = refused(capsys, *words, tmp_path / "no" / "out.csv")
    assert "out.csv: cannot be written: No such file or directory" in said
    assert "cannot be written: Is a directory" in refused(capsys, *words, tmp_path)
    assert "is the file with the data" in refused(capsys, *words, data)
    assert data.read_text() == "1.0,1.0\n1.0,1.0\n"


def test_a_folder_without_a_run_and_a_run_without_a_network_are_named(flowers, tmp_path, capsys):
    data = table(tmp_path / "t.csv", np.ones((2, 2)))
    run = copied(flowers[0], tmp_path / "run", best=None)
    for command in ("predict", "evaluate"):
        words = [command, "--data", data, "--run"]
        assert "no/run: expected the folder of a run" in refused(capsys, *words, "no/run")
        said = refused(capsys, *words, run)
        assert "holds no best.safetensors, so it was ended before its first epoch was" in said
        assert f"go on with it by: chainrule resume {run}" in said


@pytest.mark.parametrize("part", ["cut", "changed", "text", "newer"])
def test_a_damaged_network_is_named(part, flowers, tmp_path, capsys):
    best = bytearray((flowers[0] / "best.safetensors").read_bytes())
    content, message = {
        "cut": (best[:-7], "not a safetensors file, or damaged or cut short"),
        "changed": (best[:-1] + bytes([best[-1] ^ 1]), "damaged: its checksum is not that of its"),
        "text": (b"weights", "not a safetensors file, or damaged or cut short"),
        "newer": (b"", "written by a newer version of Chainrule, in format 99"),
    }[part]
    run = copied(flowers[0], tmp_path / "run", best=bytes(content))
    if part == "newer":
        arrays, described = read_arrays(flowers[0] / "best.safetensors")
        write_arrays(run / "best.safetensors", arrays, described | {"format": 99})
    said = refused(capsys, "evaluate", "--run", run)
    assert f"best.safetensors: {message}" in said


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["format"], 99, "a run of a newer version of Chainrule, in format 99"),
        (["format"], None, "config.json: damaged"),
        (["data"], None, "config.json: damaged: 'data' is missing"),
        (["options", "dtype"], "object", "config.json: damaged: .*dtype is 'object', expected one"),
        (["options", "loss"], "huber", "config.json: damaged: .*'huber'"),
        (["options", "dataset"], 7, "config.json: damaged: .*dataset is 7, expected text"),
        (["data", "mean"], [1.0, 2.0, 3.0], r"config.json: damaged: data: mean is \[1.0, 2"),
        (["data", "mean"], "a", "config.json: damaged: data: mean is 'a', expected finite"),
        (["data", "std"], -1.0, "config.json: damaged: data: std is -1.0, expected .* at least 0"),
        (["data", "shape"], [3], "config.json: damaged: data: mean is"),
        (["data", "shape"], 7, "config.json: damaged: data: shape is 7, expected whole numbers"),
        (["data", "shape"], [10**18], "config.json: damaged: data: shape is .* whole numbers"),
        (["data", "classes"], ["a", "b"], "data: classes is not what best.safetensors says"),
        (["data", "features"], ["a", "b"], "data: features is not what best.safetensors says"),
        (["data", "label_column"], 0, "data: label_column is not what best.safetensors says"),
        (["data", "classes"], ["a", "a", "b"], "expected different names"),
        (["data", "classes"], [1, 2, 3], "expected texts"),
        (["kind"], "seeds", "it is of --seeds, which is missing in its options"),
        (["kind"], "trees", "kind is 'trees', expected seeds or search"),
        (["kinds"], "trees", "it holds 'kinds', which is unknown"),
        (["data", "fingerprint"], "0", "are not those that the run was trained on; name a file"),
    ],
)
def test_a_damaged_config_is_named(keys, value, message, flowers, tmp_path, capsys):
    run = copied(flowers[0], tmp_path / "run", config=reworded(flowers[0], *keys, value=value))
    assert re.search(message, refused(capsys, "evaluate", "--run", run))


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["data", "mean"], [1.0, 2.0, 3.0], r"mean is \[1.0, 2.0, 3.0\], expected finite numbers"),
        (["data", "std"], -1.0, "std is -1.0, expected finite numbers of at least 0"),
        (["data", "classes"], ["a", "b"], "the network has 3 outputs, expected 2, one a class"),
        (["data", "classes"], ["a", "a", "b"], "expected different names"),
        (["data", "classes"], [1, 2, 3], "expected texts"),
        (["data", "features"], [1, 2], "expected texts"),
        (["data", "label"], 7, "label and label_column are not a text and a whole number"),
    ],
)
def test_a_damaged_config_of_an_earlier_version_is_named(
    keys, value, message, flowers, tmp_path, capsys
):
    run = copied(flowers[0], tmp_path / "run", config=reworded(flowers[0], *keys, value=value))
    arrays, described = read_arrays(run / "best.safetensors")
    assert described.pop("data")["classes"] == sorted(FLOWERS)
    write_arrays(run / "best.safetensors", arrays, described)
    assert re.search(message, refused(capsys, "evaluate", "--run", run))


def test_a_config_that_is_no_json_is_named(flowers, tmp_path, capsys):
    run = copied(flowers[0], tmp_path / "run", config=b'{"format": 1, ')
    assert "config.json: damaged" in refused(capsys, "evaluate", "--run", run)


def test_options_that_are_wrong_or_missing_are_named(capsys):
    for words, message in (
        (["predict", "--run", "x"], "the following arguments are required: --data"),
        (["evaluate", "--run", "x", "--seed=1"], "unrecognized arguments: --seed=1; see --help"),
        (["predict", "--runs=x", "--run", "y", "--data", "z"],
         "unrecognized arguments: --runs=x; did you mean --run?"),
    ):  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            train.main(words)
        assert ended.value.code == 2
        assert capsys.readouterr().err == f"chainrule: {message}\n"


def test_the_folder_of_the_run_is_given_once_with_or_without_run(flowers, capsys):
    run = str(flowers[0])
    printed = []
    for words in (["--run", run], [run]):
        assert train.main(["evaluate", *words]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "expected the folder of one run, got none" in refused(capsys, "evaluate")
    assert "expected the folder of one run, got a and b" in refused(
        capsys, "evaluate", "a", "--run", "b"
    )


class Frame:
    """What a data frame is to `predict`: columns with names, and an array."""

    def __init__(self, values, columns):
        self.values, self.columns = np.asarray(values), columns

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """A run on two columns, width and length, of which the first decides."""
    folder = tmp_path_factory.mktemp("sizes")
    lines = [f"{a},{a % 7 + 60},{'small' if a < 20 else 'large'}" for a in range(40)]
    (folder / "t.csv").write_text("\n".join(["width,length,size", *lines]), encoding="utf-8")
    words = ["--dataset", str(folder / "t.csv"), "--hidden", "16", "--epochs", "60"]
    assert train.main([*words, "--no-report", "--run-dir", str(folder / "run")]) == 0
    return Trained.open(folder / "run")


def test_the_columns_of_a_frame_are_taken_by_their_names(sizes):
    rows = np.array([[2.0, 63.0], [35.0, 63.0]])
    assert sizes.predict(rows)[0].tolist() == ["small", "large"]
    for given in (Frame(rows, ["width", "length"]), Frame(rows[:, ::-1], ["length", "width"])):
        assert sizes.predict(given)[0].tolist() == ["small", "large"]
    assert sizes.predict(Frame(rows, [0, 1]))[0].tolist() == ["small", "large"]
    for columns, message in (
        (["length", "depth"], "x lacks the column 'width' of the training data"),
        (
            ["width", "length", "age"],
            "x has the column 'age', which the training data did not have",
        ),
        (["width", "length", "width"], "x has the column 'width' more than once"),
        ([1, 0], "x lacks the columns 'width', 'length' of the training data"),
    ):
        with pytest.raises(ValueError, match=message):
            sizes.predict(Frame(np.ones((2, len(columns))), columns))


def test_numbered_columns_in_another_order_are_refused(flowers):
    run = Trained.open(flowers[0])
    with pytest.raises(ValueError, match="the columns of x are numbered in another order, 1, 0;"):
        run.predict(Frame(np.ones((2, 2)), [1, 0]))
    assert len(run.predict(Frame(np.ones((2, 2)), ["any", "names"]))[0]) == 2


def test_masks_and_integers_that_would_be_rounded_are_refused_in_python(flowers):
    run = Trained.open(flowers[0])
    with pytest.raises(ValueError, match="x is a masked array, and what is masked"):
        run.predict(np.ma.masked_array(np.ones((2, 2)), [[True, False]] * 2))
    with pytest.raises(
        ValueError, match=r"x\[1, 0\] is 4611686018427387905, an integer that float64"
    ):
        run.predict(np.array([[1, 1], [2**62 + 1, 1]]))


def test_the_classes_and_the_scale_are_those_of_the_network_file(sizes, tmp_path):
    _, described = read_arrays(sizes.path / "best.safetensors")
    assert described["data"]["features"] == ["width", "length"]
    assert described["data"]["classes"] == ["large", "small"]
    assert described["data"]["label"] == "size"
    assert described["data"]["mean"] == sizes.standardiser.mean.tolist()
    run = copied(
        sizes.path, tmp_path / "run", config=reworded(sizes.path, "data", "mean", value=[1, 2])
    )
    with pytest.raises(FileError, match=r"data: mean is not what best\.safetensors says"):
        Trained.open(run)


def test_labels_in_another_spelling_of_a_number_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{a % 20 + 20 * (a % 2)}.5,{a}.25" for a in range(60)]
    (tmp_path / "t.csv").write_text("".join(f"{r},{i % 2}\n" for i, r in enumerate(rows)))
    assert train.main(["--dataset", "t.csv", "--run-dir", "run", *SMALL]) == 0
    (tmp_path / "new.csv").write_text("".join(f"{r},{i % 2}.0\n" for i, r in enumerate(rows)))
    capsys.readouterr()
    assert train.main(["evaluate", "run", "--data", "new.csv"]) == 0
    told = capsys.readouterr().err
    assert "note: new.csv: the label 0.0 is taken for the class 0, the same number\n" in told
