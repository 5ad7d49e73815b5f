"""A folder of pictures from training to prediction, as one who has no other data uses it."""

import csv
import json
import shutil

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

import train  # noqa: E402
from chainrule.training import Trained  # noqa: E402

SMALL = ["--hidden", "8", "--epochs", "3", "--batch-size", "10", "--no-report"]
CLASSES = ("dark night", "heller Tag")


def paint(path, bright, rng):
    level = rng.integers(140, 256) if bright else rng.integers(0, 100)
    pixels = np.clip(level + rng.integers(-9, 10, (7, 11, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with pictures, `days`, and a run on them, `run`."""
    place = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(0)
    for bright, name in enumerate(CLASSES):
        (place / "days" / name).mkdir(parents=True)
        for number in range(30):
            paint(place / "days" / name / f"{number:02}.png", bright, rng)
    words = ["--dataset", str(place / "days"), "--image-size", "6,5", "--augment", "flip,shift"]
    assert train.main([*words, *SMALL, "--run-dir", str(place / "run")]) == 0
    return place


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def call(capsys, *words):
    capsys.readouterr()
    status = train.main([*map(str, words)])
    return status, *capsys.readouterr()


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [*csv.reader(file)]


def test_the_run_keeps_size_classes_and_scale(place):
    config = json.loads((place / "run" / "config.json").read_text())
    assert config["options"]["image_size"] == [6, 5]
    assert config["options"]["augment"] == "flip,shift"
    assert config["data"]["image_shape"] == config["data"]["shape"] == [3, 6, 5]
    assert config["data"]["examples"] == [36, 12, 12]
    assert tuple(config["data"]["classes"]) == CLASSES
    assert isinstance(config["data"]["mean"], float)  # of all pixels together


def test_a_run_of_fewer_epochs_that_goes_on_ends_the_same(place, capsys):
    words = ["--dataset", place / "days", "--image-size", "6,5", "--augment", "flip,shift", *SMALL]
    plan = ["--schedule", "constant", "--run-dir"]
    assert call(capsys, *words, *plan, "whole")[0] == 0
    assert call(capsys, *words, *plan, "run", "--epochs", "1")[0] == 0
    assert call(capsys, "resume", "run", "--epochs", "3")[0] == 0
    ends = [Trained.open(name).model.params for name in ("whole", "run")]
    for name, array in ends[0].items():
        assert array.tobytes() == ends[1][name].tobytes()


def test_one_picture_and_several_are_judged_on_the_screen_and_in_a_table(place, capsys):
    one = place / "days" / CLASSES[1] / "03.png"
    status, said, _ = call(capsys, "predict", place / "run", "--data", one)
    assert status == 0
    first, empty, last = said.splitlines()
    assert first.startswith(f"{one}: heller Tag (heller Tag ")
    assert empty == ""
    assert last.startswith("03.predictions.csv: the class of 1 picture, and probabilities")
    header, row = table("03.predictions.csv")
    assert header == ["file", "predicted", *(f"probability_{name}" for name in CLASSES)]
    assert row[:2] == [str(one), "heller Tag"]
    assert float(row[2]) + float(row[3]) == pytest.approx(1)

    other = place / "days" / CLASSES[0] / "03.png"
    status, said, _ = call(capsys, "predict", "--data", one, other, place / "run")  # RUN last
    assert [row[1] for row in table("03.predictions.csv")[1:]] == ["heller Tag", "dark night"]


def test_a_folder_is_judged_with_classes_or_without(place, capsys):
    status, said, _ = call(capsys, "predict", place / "run", "--data", place / "days")
    assert status == 0
    assert "and 40 more" in said
    assert "the class of 60 pictures (the names of their folders were not used), and" in said
    assert len(table("days.predictions.csv")) == 61
    status, said, _ = call(capsys, "predict", place / "run", "--data", place / "days" / CLASSES[0])
    assert "dark night.predictions.csv: the class of 30 pictures, and" in said


def test_the_test_part_is_judged_as_after_training_and_a_folder_by_its_names(place, capsys):
    status, said, _ = call(capsys, "evaluate", place / "run")
    assert (status, "of 12)" in said) == (0, True)
    status, said, _ = call(capsys, "evaluate", place / "run", "--data", place / "days")
    assert (status, "accuracy 100.00% (60 of 60)" in said) == (0, True)
    assert "dark night" in said


def test_paths_are_judged_in_python_as_the_data_of_the_run(place):
    run = Trained.open(place / "run")
    names, scores = run.predict(place / "days" / CLASSES[0])
    assert set(names) == {CLASSES[0]}
    assert scores.shape == (30, 2)
    one = str(place / "days" / CLASSES[1] / "00.png")
    for paths in (one, [one], (one,)):
        assert run.predict(paths)[0].tolist() == [CLASSES[1]]
    x, _, labels = run.read_pictures([place / "days"])
    assert (run.predict(x)[0] == labels).all()
    assert 0 <= x.min() < x.max() <= 1


def test_a_run_on_the_digits_judges_pictures_too(capsys):
    assert call(capsys, *SMALL, "--run-dir", "digits")[0] == 0
    from chainrule.data import load_digits

    digits = load_digits()
    for row in range(6):
        levels = np.rint(digits.x_test[row].reshape(8, 8) * 255).astype(np.uint8)
        Image.fromarray(levels).save(f"{row}.png")
    run = Trained.open("digits")
    names, scores = run.predict([f"{row}.png" for row in range(6)])
    expected = run.predict(digits.x_test[:6])
    assert names.tolist() == expected[0].tolist()
    np.testing.assert_allclose(scores, expected[1], atol=0.02)  # levels were rounded


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--image-size", "8"], "--image-size: goes with a folder of pictures; --dataset digits"),
        (["--dataset", "{days}", "--image-size", "1,2,3"], "--image-size 1,2,3: expected one"),
        (["--dataset", "{days}", "--image-size", "5000"], "--image-size 5000: expected one"),
        (["--dataset", "{days}", "--label", "x"], "--label goes with a CSV file, not with"),
        (["--dataset", "{days}", "--augment", "spin"], "--augment spin: 'spin', expected flip"),
        (["--dataset", "moons", "--augment", "flip"], "--augment flip: goes with digits"),
        (["--dataset", "{days}/dark night"], "in no folder of a class, such as '00.png'"),
        (["--dataset", "nowhere"], "or a folder that holds one of pictures for each class"),
        (["predict", "{run}", "--data", "nowhere.png"], "nowhere.png: there is no such file"),
        (["predict", "{run}", "--data", "a.png", "b.csv"], "several have to be pictures"),
        (["evaluate", "{run}", "--data", "{days}/dark night"], "has no labels, expected"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, said, place, capsys):
    words = [word.format(days=place / "days", run=place / "run") for word in words]
    status, printed, line = call(capsys, *words)
    assert (status, printed) == (2, "")
    assert said in line
    assert line.count("\n") == 1


def test_a_run_on_a_table_judges_no_pictures(place, capsys):
    assert call(capsys, *SMALL, "--dataset", "moons", "--run-dir", "moons")[0] == 0
    one = place / "days" / CLASSES[1] / "03.png"
    status, _, line = call(capsys, "predict", "moons", "--data", one)
    assert status == 2
    assert "moons was trained on moons, and its rows cannot be made of pictures" in line


def test_a_folder_that_has_changed_is_not_gone_on_with(place, capsys):
    shutil.copytree(place / "days", "days")
    words = ["--dataset", "days", *SMALL, "--run-dir", "run"]
    assert call(capsys, *words, "--epochs", "1")[0] == 0
    shutil.copy(place / "days" / CLASSES[0] / "00.png", f"days/{CLASSES[0]}/more.png")
    status, _, line = call(capsys, "resume", "run", "--epochs", "2")
    assert status == 2
    assert "the data of days are not those that the run was begun with" in line


def test_a_folder_that_is_gone_is_named(place, capsys):
    shutil.copytree(place / "days", "days")
    words = ["--dataset", "days", *SMALL, "--run-dir", "run"]
    assert call(capsys, *words)[0] == 0
    shutil.rmtree("days")
    for words in (["evaluate", "run"], ["resume", "run", "--epochs", "9"]):
        status, _, line = call(capsys, *words)
        assert status == 2
        assert "--dataset days is none" in line


def test_notes_about_the_folder_are_told(place, capsys):
    shutil.copytree(place / "days", "days")
    with open(f"days/{CLASSES[0]}/labels.txt", "w") as file:
        file.write("night")
    status, _, line = call(capsys, *SMALL, "--dataset", "days", "--run-dir", "run")
    assert status == 0
    assert "note: days: left out, since they are no pictures by their names: days/dark" in line
