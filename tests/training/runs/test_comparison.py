"""Runs beside each other, from their config.json and metrics.csv alone."""

import json
import re
import shutil

import pytest

import train
from chainrule.pictures.drawing import styled
from chainrule.training.runs import comparison

HEADER = "epoch,loss,val_loss,train_score,val_score,grad_norm,seconds\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with runs of two epochs: first, and three that differ from it in one thing."""
    folder = tmp_path_factory.mktemp("runs")
    for name, words in (
        ("first", []),
        ("tanh", ["--activation", "tanh"]),
        ("double", ["--dtype", "float64"]),
        ("moons", ["--dataset", "moons"]),
    ):
        words = [*words, "--no-report", "--hidden", "16", "--epochs", "2"]
        options = [*words, "--run-dir", str(folder / name)]
        assert train.main(options) == 0
    return folder


@pytest.fixture
def made(trained, tmp_path):
    """Makes a run like the first of those trained, with these scores and these changes."""

    def make(name, scores, options=(), data=()):
        path = tmp_path / name
        path.mkdir(parents=True)
        config = json.loads((trained / "first" / "config.json").read_text(encoding="utf-8"))
        del config["checksum"]  # as an earlier version left it out
        config["options"] |= dict(options)
        config["data"] |= dict(data)
        (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        lines = [
            f"{epoch},{1 / epoch},0.6,0.5,{score},1.0,0.25\n"
            for epoch, score in enumerate(scores, start=1)
        ]
        (path / "metrics.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
        return path

    return make


def cells(text):
    """The lines of the first table as lists of cells, without the header."""
    return [re.split(r" {2,}", line) for line in text.partition("\n\n")[0].splitlines()[1:]]


def refused(capsys, *words):
    """The one line that the command says when it refuses."""
    capsys.readouterr()
    assert train.main(["compare", *map(str, words)]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert re.fullmatch(r"chainrule: [^\n]+\n", caught.err)
    return caught.err


def test_the_table_tells_of_each_run_and_puts_the_best_first(made):
    runs = [
        made("a", [0.5, 0.75, 0.75], {"lr": 0.125, "rule": "sgd", "seed": 7}),
        made("b", [0.9], {"hidden": [100, 50], "norm": "none", "dropout": 1.0, "epochs": 30}),
        made("c", [], {"hidden": [], "epochs": 5}),
        made("d", [0.875, 0.5], {"activation": "elu", "dropout": None}),
    ]
    text = comparison.table([comparison.read(path) for path in runs])
    assert cells(text) == [
        ["b", "digits", "100,50 relu", "adam 0.002", "1 of 30", "90.00%", "1", "1.0000", "0.25",
         "0"],
        ["d", "digits", "16 elu batchnorm", "adam 0.002", "2 of 2", "87.50%", "1", "0.5000",
         "0.25", "0"],
        ["a", "digits", "16 relu batchnorm keep 0.8", "sgd 0.125", "3 of 2", "75.00%", "2",
         "0.3333", "0.25", "7"],
        ["c", "digits", "linear keep 0.8", "adam 0.002", "0 of 5", "-", "-", "-", "-", "0"],
    ]  # fmt: skip


def test_the_second_table_has_the_options_that_differ_and_no_others(made):
    a = made("a", [0.5], {"lr": 0.125, "hidden": [16, 8]})
    b = made("b", [0.4], {"l2": 0.0})
    text = comparison.table([comparison.read(a), comparison.read(b)])
    assert text.split("\n\n")[1].splitlines() == [
        "differs in  hidden  lr     l2",
        "a           16,8    0.125  0.0001",
        "b           16      -      0.0",
    ]


def test_runs_with_the_same_options_have_no_second_table(made):
    runs = [comparison.read(made(name, [0.5])) for name in "ab"]
    assert "\n\n" not in comparison.table(runs)
    assert "\n\n" not in comparison.table(runs[:1])


def test_an_option_that_one_of_the_runs_did_not_know_yet_is_told(made):
    runs = [made("a", [0.5], {"trials": 20}), made("b", [0.6])]
    config = json.loads((runs[1] / "config.json").read_text(encoding="utf-8"))
    del config["options"]["trials"]
    (runs[1] / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for order in (runs, runs[::-1]):
        text = comparison.table([comparison.read(path) for path in order])
        assert text.split("\n\n")[1].splitlines()[1:] == ["b           -", "a           20"]


def test_different_data_and_different_losses_are_said_to_be_so(trained, made):
    first, tanh, double, moons = (
        comparison.read(trained / name) for name in ("first", "tanh", "double", "moons")
    )
    assert "different" not in comparison.table([first, tanh])
    assert "different" not in comparison.table([first, double])  # but for the dtype they are one
    assert "on different data: scores of different data do not" in comparison.table([first, moons])
    other = comparison.read(made("other", [0.1], data={"fingerprint": "0", "name": "a/digits"}))
    text = comparison.table([first, other])
    assert "on different data" in text
    assert [row[1] for row in cells(text)] == ["digits (1)", "digits (2)"]
    hinge = comparison.read(made("hinge", [0.1], {"loss": "hinge"}))
    assert "minimise different losses" in comparison.table([first, hinge])


def test_folders_of_one_name_are_told_apart_by_the_way_there(made):
    runs = [comparison.read(made(name, [0.5])) for name in ("x/run", "y/run")]
    assert [row[0] for row in cells(comparison.table(runs))] == [str(run.path) for run in runs]


def test_the_command_prints_the_table_and_writes_the_picture(trained, tmp_path, capsys):
    capsys.readouterr()
    out = tmp_path / "both.png"
    runs = [trained / "first", trained / "tanh"]
    assert train.main(["compare", *map(str, runs), "--out", str(out)]) == 0
    table = comparison.table([comparison.read(path) for path in runs])
    assert capsys.readouterr().out == f"{table}\n\n{out}: their curves\n"
    assert out.read_bytes().startswith(b"\x89PNG")


def test_two_files_are_all_that_is_read(trained, tmp_path):
    for name in ("config.json", "metrics.csv"):
        shutil.copy(trained / "first" / name, tmp_path)
    out = str(tmp_path / "compare.png")
    assert train.main(["compare", str(tmp_path), "--out", out]) == 0


def test_a_single_run_has_no_picture_unless_one_is_asked_for(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train.main(["compare", str(trained / "first")]) == 0
    assert not list(tmp_path.iterdir())
    assert train.main(["compare", str(trained / "first"), "--out", "one.png"]) == 0
    assert train.main(["compare", str(trained / "first"), str(trained / "tanh")]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"one.png", "compare.png"}


def several(folder, run):
    """Makes `folder` one of several runs, of which `run` is one."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config |= {"kind": "seeds", "options": config["options"] | {"seeds": 2}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def test_a_folder_of_runs_stands_for_all_in_it(made, tmp_path, capsys):
    for name in ("all/a", "all/b", "all/many/1"):
        made(name, [0.5])
    several(tmp_path / "all" / "many", tmp_path / "all" / "a")
    words = ["compare", str(tmp_path / "all"), "--out", str(tmp_path / "compare.png")]
    capsys.readouterr()
    assert train.main(words) == 0
    assert [row[0] for row in cells(capsys.readouterr().out)] == ["a", "b", "1"]


def test_a_folder_of_several_runs_stands_for_all_of_them(made, tmp_path, capsys):
    for name in ("many/1", "many/2"):
        made(name, [0.5])
    folder = tmp_path / "many"
    several(folder, folder / "1")
    words = ["compare", str(folder), "--out", str(tmp_path / "compare.png")]
    capsys.readouterr()
    assert train.main(words) == 0
    assert [row[0] for row in cells(capsys.readouterr().out)] == ["1", "2"]
    for name in ("1", "2"):
        shutil.rmtree(folder / name)
    assert "many: holds several runs, but none of them was begun" in refused(capsys, folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "metrics.csv: cannot be read: .*No such file"),
        ("", "metrics.csv: begins '', expected epoch,loss,val_loss,train_score"),
        ("epoch,loss\n1,2\n", "metrics.csv: begins 'epoch,loss', expected epoch,loss,val_loss"),
        (HEADER + "1,0.5,0.5,0.5,0.5,1,0.2", "metrics.csv: cut short: its last line has no end"),
        (HEADER + "1,0.5,0.5\n", "metrics.csv, line 2: 3 columns, expected 7"),
        (HEADER + "1,.5,.5,.5,.5,1,.2\n2,.5,.5,.5,.5,1,.2,9\n", "line 3: 8 columns, expected 7"),
        (HEADER + "1,half,.5,.5,.5,1,.2\n", "line 2: loss is 'half', expected a finite number"),
        (HEADER + "1,,.5,.5,.5,1,.2\n", "line 2: loss is '', expected a finite number"),
        (HEADER + "1,.5,.5,.5,nan,1,.2\n", "line 2: val_score is 'nan', expected a finite number"),
        (HEADER + "2,.5,.5,.5,.5,1,.2\n", "line 2: epoch is '2', expected 1"),
        (b"\xff\xfe", "metrics.csv: cannot be read: .*utf-8"),
    ],
)
def test_metrics_that_are_missing_or_damaged_are_named(text, message, made, capsys):
    path = made("a", []) / "metrics.csv"
    path.unlink()
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert re.search(message, refused(capsys, path.parent))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "a: expected the folder of a run"),
        ("{", "config.json: damaged"),
        ('{"format": 99}', "a run of a newer version of Chainrule, in format 99"),
        ('{"format": 1}', "config.json: damaged: 'created' is missing"),
        ('{"format": 1, "options": {"hidden": 3}, "data": {}}', "config.json: damaged"),
        ('{"format": 1, "options": [], "data": {}}', "config.json: damaged"),
    ],
)
def test_a_config_that_is_missing_or_damaged_is_named(config, message, made, capsys):
    path = made("a", []) / "config.json"
    path.unlink()
    if config is not None:
        path.write_text(config, encoding="utf-8")
    assert re.search(message, refused(capsys, path.parent))


@pytest.mark.parametrize(
    ("option", "value"),
    [("rule", "lion"), ("lr", "fast"), ("dropout", "x"), ("epochs", None), ("norm", 3)],
)
def test_an_option_of_the_wrong_kind_is_named(option, value, made, capsys):
    assert "config.json: damaged: " in refused(capsys, made("a", [], {option: value}))


def test_a_picture_that_cannot_be_written_is_named(trained, tmp_path, capsys):
    run = trained / "first"
    said = refused(capsys, run, "--out", tmp_path / "no" / "p.png")
    assert "p.png: cannot be written: No such file or directory" in said
    assert "expected a name that ends in .png" in refused(capsys, run, "--out", tmp_path / "p.txt")


def drawn(draw, runs):
    """A pair of axes on which the runs are drawn."""
    from matplotlib.figure import Figure

    with styled():
        axes = Figure().subplots()
        draw(comparison.ranked(runs), axes)
    return axes


def test_the_curves_are_those_of_the_metrics(made):
    runs = [comparison.read(made("a", [0.5, 0.25])), comparison.read(made("b", [0.75]))]
    lines = drawn(comparison.losses, runs).lines
    assert sorted(line.get_ydata().tolist() for line in lines) == [[1.0], [1.0, 0.5]]
    lines = drawn(comparison.scores, runs).lines
    assert sorted(line.get_ydata().tolist() for line in lines) == [[0.5, 0.25], [0.75]]


def test_ten_runs_have_a_style_and_a_name_each_and_the_others_are_grey(made):
    runs = [comparison.read(made(f"run{n}", [n / 20])) for n in range(12)]
    axes = drawn(comparison.legend, runs)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[0] == "run11   55.00%"
    assert texts[9:] == ["run2   10.00%", "2 others"]
    lines = drawn(comparison.losses, runs).lines
    styles = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(styles) == 11
    best = drawn(comparison.scores, runs).lines[-1]  # above all others
    assert best.get_ydata().tolist() == [11 / 20]
    assert best.get_color() == axes.get_legend().get_lines()[0].get_color()


def test_a_run_without_an_epoch_is_drawn_too(made, tmp_path):
    comparison.picture([comparison.read(made("a", []))], tmp_path / "p.png")
    runs = [comparison.read(made(name, scores)) for name, scores in (("b", []), ("c", [0.5]))]
    comparison.picture(runs, tmp_path / "p.png")


def test_the_curves_of_a_run_that_is_gone_on_with_keep_their_epochs(tmp_path):
    path = str(tmp_path / "run")
    assert train.main(["--hidden", "8", "--epochs", "1", "--no-report", "--run-dir", path]) == 0
    assert train.main(["--resume", path, "--epochs", "3"]) == 0
    run = comparison.read(path)
    assert (len(run.loss), run.planned) == (3, 3)
