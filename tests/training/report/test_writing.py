import re
from html.parser import HTMLParser
from io import BytesIO
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from chainrule.data import Dataset
from chainrule.layers import (
    Affine,
    Conv,
    Maxout,
    ReLU,
    Reshape,
)
from chainrule.nets import MLP, Classifier, Graph, Sequential
from chainrule.nets.files import FileError
from chainrule.pictures.drawing import INK
from chainrule.pictures.monitor import Monitor
from chainrule.pictures.over_time import units_over_time
from chainrule.solvers import SGD, History, Solver
from chainrule.training.report.charts import over_steps
from chainrule.training.report.evidence import Evidence, first_weights
from chainrule.training.report.writing import report, write_pictures, write_report

VOID = {"meta", "br"}
NASTY = ("<script>alert(1)</script>", '"$x_&amp;', "猫 " + "long " * 30)


class Page(HTMLParser):
    """A page taken apart: fails where tags are not balanced."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.names, self.words = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs, closed=False):
        self.tags.append(tag)
        if tag not in VOID and not closed:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.addresses.append(value)
            if name == "id":
                self.names.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs, closed=True)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data.strip())


def history_of(epochs, per_epoch=2, **others):
    steps = epochs * per_epoch
    found = History(
        step_loss=[2.0] * steps,
        step_lr=[0.1] * steps,
        step_grad_norm=[0.0] * steps,
        epoch=list(range(1, epochs + 1)),
        loss=[2.0] * epochs,
        train_score=[0.5] * epochs,
        val_score=[0.75] * epochs,
        grad_norm=[0.0] * epochs,
        seconds=[1.0] * epochs,
    )
    for name, value in others.items():
        setattr(found, name, value)
    return found


def evidence_of(**others):
    """Five rows of two classes, the second and the fourth mistaken."""
    settings = {
        "title": "a run",
        "history": history_of(2),
        "steps_per_epoch": 2,
        "classes": ("cat", "dog"),
        "rows": np.arange(20.0).reshape(5, 4),
        "labels": np.array([0, 0, 1, 1, 1]),
        "predicted": np.array([0, 1, 1, 0, 1]),
        "scores": np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.75, 0.25], [0.1, 0.9]]),
        "probabilities": True,
    }
    return Evidence(**settings | others)


def records_of(net, x, epochs=2):
    monitor = Monitor(Classifier(net), x, np.zeros(len(x), int))
    for epoch in range(1, epochs + 1):
        solver = SimpleNamespace(step=epoch - 1, steps_per_epoch=1, epoch=epoch, goal=epochs)
        monitor.after_step(solver)
        for array in net.params.values():
            array *= 1.001
        solver.step += 1
        monitor.after_step(solver)
        monitor(solver)
    return monitor.records


RECORDS = records_of(MLP([4, 6, 2], rng=0), np.eye(4))
DEEP = records_of(MLP([4, *[6] * 11, 2], rng=0), np.eye(4), epochs=1)
DEAD = MLP([4, 6, 2], rng=0)
DEAD.params["affine1.b"][...] = -100
MANY = 100 * np.arange(100)[:, np.newaxis] + np.zeros((100, 4))
QUICK = ("plain", "pictures in colour", "nasty")  # the other reports are drawn by slow tests
CASES = {
    "plain": evidence_of(),
    "one epoch": evidence_of(history=history_of(1), records=RECORDS[:1]),
    "falling loss": evidence_of(history=history_of(2, step_loss=[10.0, 1.0, 0.1, 0.01])),
    "dead layer": evidence_of(records=records_of(DEAD, np.eye(4))),
    "stopped in its first epoch": evidence_of(history=history_of(0, step_loss=[1.0])),
    "nothing done": evidence_of(history=history_of(0)),
    "no mistakes": evidence_of(predicted=np.array([0, 0, 1, 1, 1])),
    "all wrong": evidence_of(predicted=np.array([1, 1, 0, 0, 0])),
    "no validation": evidence_of(history=history_of(2, val_score=[None, None])),
    "no scores": evidence_of(
        history=history_of(2, val_score=[None, None], train_score=[None, None])
    ),
    "records": evidence_of(records=RECORDS, options={"lr": 0.1, "hidden": ()}),
    "deep": evidence_of(records=DEEP),
    "updates alone": evidence_of(records=[RECORDS[0] | {"layers": {}}]),
    "layers alone": evidence_of(records=[RECORDS[0] | {"updates": {}}]),
    "pictures": evidence_of(image_shape=(2, 2), weights=np.ones((4, 3))),
    "pictures, none mistaken": evidence_of(
        image_shape=(2, 2), predicted=np.array([0, 0, 1, 1, 1]), weights=np.zeros((4, 100))
    ),
    "black pictures": evidence_of(image_shape=(2, 2), rows=np.zeros((5, 4))),
    "pictures in two channels": evidence_of(image_shape=(2, 1, 2), weights=np.ones((4, 8))),
    "pictures in colour": evidence_of(
        rows=np.arange(60.0).reshape(5, 12), image_shape=(3, 2, 2), weights=np.eye(12, 9)
    ),
    "nasty": evidence_of(
        title=NASTY[0],
        classes=NASTY,
        summary=[NASTY[:2]],
        options={NASTY[1]: NASTY[0]},
        labels=np.array([0, 1, 2, 0, 1]),
        predicted=np.array([1, 2, 0, 0, 1]),
        scores=np.eye(5)[:, :3],
        scores_are=NASTY[0],
        records=[{**RECORDS[0], "layers": {NASTY[0]: RECORDS[0]["layers"]["relu1"]}}],
    ),
    "nasty pictures": evidence_of(image_shape=(2, 2), classes=NASTY[:2]),
    "a hundred classes": evidence_of(
        classes=tuple(f"class {c}" for c in range(100)),
        rows=MANY,
        labels=np.arange(100),
        predicted=np.roll(np.arange(100), 1),
        scores=np.eye(100),
    ),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]
)
def test_a_report_is_one_sound_page_that_asks_for_nothing_from_outside(case):
    text = report(CASES[case])
    page = Page(text)
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    inner = {address[1:] for address in page.addresses if address.startswith("#")}
    inner |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert inner <= set(page.names)
    assert len(page.names) == len(set(page.names))
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "http" not in text
    assert "@import" not in text
    assert INK not in text.partition("<body>")[2]
    assert "nan" not in " ".join(page.words).split()
    assert page.tags.count("svg") == text.count('role="img" aria-label="') > 0


@pytest.mark.no_cover  # slow enough as it is
@pytest.mark.parametrize(
    "case",
    [
        *("plain", "pictures in colour", "nasty pictures"),
        pytest.param("deep", marks=pytest.mark.slow),
    ],
)
def test_pictures_are_written_beside_it_as_png_files(case, tmp_path):
    write_pictures(tmp_path, CASES[case])
    more = {
        "plain": [],
        "pictures in colour": ["mistakes", "weights"],
        "nasty pictures": ["mistakes"],
        "deep": ["activations", "gradients", "units", "updates"],
    }
    expected = {f"{name}.png" for name in ["curves", "confusion", "reliability", *more[case]]}
    assert {path.name for path in tmp_path.iterdir()} == expected
    for path in tmp_path.iterdir():
        pixels = matplotlib.image.imread(BytesIO(path.read_bytes()))
        assert pixels.std() > 0


def test_names_are_escaped_and_dollars_are_no_formulas():
    text = report(CASES["nasty"])
    assert "<script" not in text
    words = Page(text).words
    assert words.count(NASTY[0]) >= 4  # title, heading, table, option
    assert '→ "$x_&amp; (60.0%)' in Page(report(CASES["nasty pictures"])).words


def test_the_page_says_how_many_are_right_and_what_is_mistaken_for_what():
    words = Page(report(evidence_of(classes=("cat", "dog")))).words
    assert "3 of 5 test examples are right, 60.00%." in words
    at = words.index("most often mistaken for")
    cells = [word for word in words[at + 1 : at + 30] if word][:12]
    assert cells == ["cat", "2", "50.0%", "50.0%", "50.0%", "dog (1)",
                     "dog", "3", "66.7%", "66.7%", "66.7%", "cat (1)"]  # fmt: skip
    assert any(re.fullmatch(r"Macro F1 58\.33%, log loss .*, ROC AUC .*\.", word) for word in words)


def test_the_surest_mistakes_come_first_with_the_features_that_stand_out():
    rows = np.zeros((5, 3))
    rows[3, 2] = 5.0  # mean 1, standard deviation 2
    words = [word for word in Page(report(evidence_of(rows=rows))).words if word]
    at = words.index("strongest features")
    assert words[at + 1 : at + 6] == ["3", "dog", "25.0%", "cat", "75.0%"]
    assert words[at + 6].startswith("#2 = 5 (+2.0 σ), ")
    assert words[at + 7 : at + 12] == ["1", "cat", "40.0%", "dog", "60.0%"]


def test_mistakes_are_shown_as_pictures_where_rows_are_pictures():
    words = Page(report(CASES["pictures"])).words
    assert [word for word in words if word.startswith("→ ")] == ["→ cat (75.0%)", "→ dog (60.0%)"]
    assert "strongest features" not in words


def test_scores_that_are_no_probabilities_are_not_shown_in_per_cent():
    scores = np.array([[9, 1], [4, 6], [2, 8], [7.5, 2.5], [1, 9]])
    evidence = evidence_of(scores=scores, probabilities=False, image_shape=(2, 2))
    words = Page(report(evidence)).words
    assert "→ cat (7.5)" in words
    assert "dog (2.5)" in words


def test_where_nothing_is_mistaken_the_page_says_so():
    for case in ("no mistakes", "pictures, none mistaken"):
        assert "There are none: every test example is right." in Page(report(CASES[case])).words


def test_the_last_record_stands_in_a_table():
    figures = {"mean": 1.5, "std": 0.25, "zeros": 0.125, "dead": 0.5, "saturated": 0.75}
    figures |= {"activations": [0.0, 1.0, [1] * 40], "gradients": [-16.0, 4.0, [1] * 40]}
    record = {"epoch": 7, "updates": {"relu1.a": 0.002}, "layers": {"relu1": figures}}
    words = [word for word in Page(report(evidence_of(records=[record]))).words if word]
    at = words.index("After epoch 7.")
    row = words.index("relu1", at)
    assert words[row : row + 7] == ["relu1", "1.5", "0.25", "50.0%", "75.0%", "12.5%", "a 2.0e-03"]


def test_what_has_gone_wrong_stands_on_top():
    text = report(evidence_of(note="It has <lost> it."))
    assert '<p class="note">It has &lt;lost&gt; it.</p>' in text
    assert 'class="note"' not in report(evidence_of())


def test_the_steps_of_a_long_run_are_a_band_from_the_smallest_to_the_largest():
    losses = [1.0, 3.0] * 1000
    axes = Figure().subplots()
    over_steps(2, "loss", losses, [2.0] * 1000, axes)
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (1.0, 3.0)
    axes = Figure().subplots()
    over_steps(2, "loss", losses[:8], [2.0] * 4, axes)
    assert not axes.collections
    assert axes.lines[0].get_ydata().tolist() == losses[:8]


def test_the_legend_of_dead_units_stands_above_full_bars():
    picture = units_over_time(records_of(DEAD, np.eye(4)))
    figure = picture.figure()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    below = axes.get_legend().get_window_extent().y0
    assert below > axes.transData.transform((0, 1))[1]
    assert max(bar.get_height() for bar in axes.patches) == 1


def test_many_classes_are_folded_away():
    assert "details" in Page(report(CASES["a hundred classes"])).tags
    assert "details" not in Page(report(CASES["plain"])).tags


def test_a_report_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("the old one")
    write_report(path, evidence_of())
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileError, match="cannot be written"):
        write_report(tmp_path / "nowhere" / "report.html", evidence_of())


@pytest.mark.slow
@pytest.mark.no_cover  # slow enough as it is
def test_the_same_evidence_gives_the_same_page():
    assert report(CASES["records"]) == report(CASES["records"])


@pytest.mark.parametrize(
    "others",
    [
        {"labels": np.array([0, 1])},
        {"scores": np.zeros((5, 3))},
        {"rows": np.zeros((0, 4))},
    ],
)
def test_evidence_that_does_not_fit_together_is_refused(others):
    with pytest.raises(ValueError, match=r"expected \(N,\), \(N,\) and \(N, 2\) for N = "):
        evidence_of(**others)


def test_mistakes_are_ordered_by_how_far_the_wrong_class_is_ahead():
    assert evidence_of().mistakes.tolist() == [3, 1]
    assert evidence_of().confusion.tolist() == [[1, 1], [1, 2]]


def test_first_weights_are_a_column_for_each_unit():
    model = Classifier(MLP([4, 3, 2], rng=0))
    np.testing.assert_array_equal(first_weights(model, 4), model.params["affine1.W"])
    maxout = Maxout(4, 3, 2, rng=0)
    weights = first_weights(Classifier(Sequential(maxout)), 4)
    assert weights.shape == (4, 6)
    np.testing.assert_array_equal(weights[:, 4], maxout.params["W"][:, 1, 1])
    assert first_weights(model, 5) is None


def test_evidence_of_a_run_holds_the_test_rows_as_they_were_before_standardisation():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (60, 4))
    raw = Dataset.from_arrays("squares", x, np.arange(60) % 3, image_shape=(2, 2))
    dataset = raw.standardised()
    model = Classifier(MLP([4, 5, 3], rng=0))
    solver = Solver(model, SGD(0.1), dataset, epochs=1, batch_size=12, progress=False)
    solver.train()
    evidence = Evidence.of("t", model, solver, dataset, summary=[("a", "b")])
    np.testing.assert_allclose(evidence.rows, raw.x_test)
    np.testing.assert_array_equal(evidence.labels, raw.y_test)
    np.testing.assert_allclose(evidence.scores.sum(axis=1), 1)
    np.testing.assert_array_equal(evidence.predicted, model.predict(dataset.x_test))
    assert evidence.weights.shape == (4, 5)
    assert (evidence.steps_per_epoch, evidence.history) == (3, solver.history)
    assert "cat" not in Page(report(evidence)).words


def a_run_on_images(net, image_shape=(3, 4, 4), shape=(3, 4, 4)):
    """The evidence on a run of one epoch, on noise in colour."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 255, (90, *shape)), np.arange(90) % 3
    dataset = Dataset.from_arrays("noise", x, y, image_shape=image_shape).standardised()
    model = Classifier(net)
    monitor = Monitor(model, dataset.x_train, dataset.y_train)
    solver = Solver(
        model, SGD(0.1), dataset, epochs=1, batch_size=12, progress=False, callbacks=[monitor]
    )
    solver.train()
    return Evidence.of("t", model, solver, dataset, records=monitor.records)


def convnet(in_channels=3):
    return Sequential(
        Reshape((in_channels, 4, 4)), Conv(in_channels, 5, 3, rng=0), ReLU(), Affine(20, 3, rng=0)
    )


def test_a_run_with_convolutions_shows_kernels_feature_maps_and_saliency_maps():
    evidence = a_run_on_images(convnet())
    kernels, features, saliency = evidence.views
    assert [panel.alt for panel in kernels.panels] == ["5 kernels of 3 × 3"]
    row = np.flatnonzero(evidence.predicted == evidence.labels)[0]
    assert [panel.alt for panel in features.panels] == [
        f"test row {row}: {evidence.labels[row]}", "conv1: 5 × 2 × 2", "relu1: 5 × 2 × 2",
    ]  # fmt: skip
    wrong = [" taken for " in panel.alt for panel in saliency.panels]
    assert wrong == sorted(wrong)
    assert sum(wrong) == min(8, len(evidence.mistakes))
    right = {panel.alt[0] for panel in saliency.panels[: wrong.count(False)]}
    assert right == {str(c) for c in evidence.labels[evidence.predicted == evidence.labels]}
    page = Page(report(evidence))
    sections = [name for name in page.names if "-" not in name and name.isalpha()]
    assert sections == [
        *("curves", "confusion", "reliability", "mistakes", "kernels", "features", "saliency"),
        *("activations", "gradients", "units", "layers"),
    ]
    assert "Of a layer that gives images, a channel is one unit." in page.words


def test_images_that_are_no_rows_are_seen_as_well():
    net = Sequential(Conv(3, 5, 3, rng=0), Affine(20, 3, rng=0))
    assert [view.name for view in a_run_on_images(net).views] == ["kernels", "features", "saliency"]


def test_kernels_as_many_as_pixels_are_no_weights_of_units():
    net = Sequential(Reshape((1, 4, 4)), Conv(1, 16, 3, rng=0), Affine(64, 3, rng=0))
    evidence = a_run_on_images(net, image_shape=(4, 4), shape=(16,))
    assert evidence.weights is None
    assert evidence.views[0].panels[0].alt == "16 kernels of 3 × 3"


def test_of_a_graph_there_are_no_feature_maps():
    graph = Graph()
    out = graph.add("conv", Conv(3, 5, 3, rng=0), graph.input("x"))
    graph.output(graph.add("affine", Affine(20, 3, rng=0), out))
    assert [view.name for view in a_run_on_images(graph).views] == ["kernels", "saliency"]


def test_of_rows_that_are_no_pictures_there_are_kernels_alone():
    evidence = a_run_on_images(convnet(), image_shape=None)
    assert [view.name for view in evidence.views] == ["kernels"]


def test_a_network_without_convolutions_has_no_views():
    assert not a_run_on_images(MLP([48, 5, 3], rng=0)).views
