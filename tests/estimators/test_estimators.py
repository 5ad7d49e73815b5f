"""What the parameters do, and what is said of wrong ones."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

from chainrule import nets
from chainrule.layers import ELU, Huber, Layer, LayerNorm, PReLU, SoftmaxCrossEntropy
from chainrule.sklearn import MLPClassifier, MLPRegressor
from chainrule.solvers import SGD, Adam, Cosine, Solver

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def made(cls, **options):
    settings = {"hidden_layer_sizes": 20, "learning_rate_init": 0.02, "max_iter": 40, "tol": 0}
    return cls(**settings | {"random_state": 0, "learning_rate": "cosine"} | options)


@pytest.fixture
def rows(classes, numbers):
    return lambda cls: classes if cls is MLPClassifier else numbers


def layers_of(estimator):
    return [type(layer).__name__ for layer in estimator.network_.layers]


@pytest.mark.parametrize(
    ("options", "inner"),
    [
        ({}, ["Affine", "ReLU"]),
        ({"activation": "logistic"}, ["Affine", "Sigmoid"]),
        ({"activation": "identity"}, ["Affine"]),
        ({"activation": "maxout"}, ["Maxout"]),
        ({"activation": ELU(0.5), "norm": LayerNorm}, ["Affine", "LayerNorm", "ELU"]),
        ({"norm": "groupnorm", "dropout": 0.2}, ["Affine", "GroupNorm", "ReLU", "Dropout"]),
    ],
)
@BOTH
def test_the_network_is_the_one_asked_for(cls, rows, options, inner):
    found = made(cls, hidden_layer_sizes=(8, 8), max_iter=1, **options).fit(*rows(cls))
    assert layers_of(found) == [*inner, *inner, "Affine"]


@pytest.mark.parametrize("solver", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adamw"])
@pytest.mark.parametrize("activation", ["tanh", PReLU()])
def test_every_rule_learns_three_clouds(classes, solver, activation):
    lr = {"rmsprop": 0.01, "adamw": 0.02}.get(solver, 0.1)
    found = made(MLPClassifier, solver=solver, activation=activation, learning_rate_init=lr)
    assert found.fit(*classes).score(*classes) > 0.96


def test_a_fit_is_what_the_library_makes_of_the_same_numbers(classes):
    x, y = classes
    found = made(MLPClassifier, alpha=0.3, batch_size=50, max_iter=7).fit(x, y)
    rng = np.random.default_rng(np.random.RandomState(0).randint(2**31))
    model = nets.Classifier(nets.MLP([2, 20, 3], rng=rng), SoftmaxCrossEntropy(), l2=0.3 / 50)
    labels = np.searchsorted(["east", "north", "west"], y)
    data = type("Data", (), {"x_train": x, "y_train": labels, "x_val": None, "y_val": None})
    solver = Solver(
        *(model, Adam(lr=0.02), data),
        epochs=7, batch_size=50, schedule=Cosine(7), seed=rng, progress=False,
    )  # fmt: skip
    assert solver.train().loss == pytest.approx(found.loss_curve_, rel=1e-12)


@BOTH
def test_the_same_seed_gives_the_same_bits(cls, rows):
    one, two = (made(cls, dropout=0.3, max_iter=3).fit(*rows(cls)) for _ in range(2))
    other = made(cls, dropout=0.3, max_iter=3, random_state=1).fit(*rows(cls))
    assert one.loss_curve_ == two.loss_curve_ != other.loss_curve_


@BOTH
def test_float32_stays_float32(cls, rows):
    x, y = rows(cls)
    found = made(cls, max_iter=2).fit(x.astype(np.float32), y)
    assert found.coefs_[0].dtype == np.float32
    scores = found.predict_proba(x) if cls is MLPClassifier else found.predict(x)
    assert scores.dtype == np.float32


def test_a_unit_of_the_target_makes_no_difference(numbers):
    x, y = numbers
    one, two = (made(MLPRegressor).fit(x, target) for target in (y, (y - 5000) / 1e6))
    assert one.score(x, y) > 0.96
    np.testing.assert_allclose(two.predict(x) * 1e6 + 5000, one.predict(x), rtol=1e-9)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", Huber(0.3)])
def test_robust_losses_do_not_follow_outliers(numbers, loss):
    x, y = numbers
    wrong = y.copy()
    wrong[::10] += 5000
    squared, robust = (
        made(MLPRegressor, loss=kind).fit(x, wrong) for kind in ("squared_error", loss)
    )
    error = [np.median(abs(found.predict(x) - y)) for found in (squared, robust)]
    assert error[1] < error[0] / 2


def test_several_targets_are_learned_at_once(numbers):
    x, y = numbers
    both = np.column_stack([y, -y / 1000, x[:, 0]])
    found = made(MLPRegressor, max_iter=80).fit(x, both)
    assert found.predict(x).shape == (300, 3)
    assert min(r2_score(both, found.predict(x), multioutput="raw_values")) > 0.97
    assert made(MLPRegressor, max_iter=1).fit(x, both[:, :1]).predict(x).shape == (300, 1)


@BOTH
def test_early_stopping_ends_with_the_best_of_rows_kept_back(cls, rows):
    x, y = rows(cls)
    found = made(cls, early_stopping=True, n_iter_no_change=3, max_iter=200).fit(x, y)
    scores = found.validation_scores_
    assert len(scores) == found.n_iter_ < 200
    assert found.best_validation_score_ == max(scores)
    assert found.best_loss_ is None
    assert found.t_ == found.n_iter_ * (len(x) - len(x) // 10)


@BOTH
def test_it_stops_when_the_loss_falls_no_more(cls, rows):
    found = made(cls, tol=0.01, n_iter_no_change=4, learning_rate="constant", max_iter=500)
    curve = found.fit(*rows(cls)).loss_curve_
    assert len(curve) < 500
    assert all(curve[at] >= min(curve[:at]) - 0.01 for at in range(len(curve) - 5, len(curve)))
    assert found.validation_scores_ is None


@pytest.mark.parametrize(("count", "steps"), [(20, 1), (150, 5), (1000, 10), (3000, 15)])
def test_a_batch_is_a_tenth_of_the_rows_from_32_to_200(count, steps):
    x, seen = np.random.default_rng(0).standard_normal((count, 2)), []

    def schedule(epoch):
        seen.append(epoch)
        return 1.0

    MLPRegressor(learning_rate=schedule, max_iter=1, random_state=0).fit(x, x[:, 0])
    assert len(seen) == steps + 1  # one of them to see whether the schedule goes on


@BOTH
def test_who_is_not_done_is_told(cls, rows):
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs are over, and at no time"):
        made(cls, learning_rate="constant", max_iter=2).fit(*rows(cls))


@BOTH
def test_partial_fit_is_fit_epoch_by_epoch(cls, rows):
    x, y = rows(cls)
    options = {"learning_rate": Cosine(10), "dropout": 0.2, "norm": "batchnorm", "batch_size": 40}
    whole, parts = made(cls, max_iter=6, **options).fit(x, y), made(cls, **options)
    for _ in range(6):
        parts.partial_fit(x, y)
    assert parts.n_iter_ == 6
    assert len(parts.loss_curve_) == 6
    assert parts.loss_curve_[0] == whole.loss_curve_[0]
    assert parts.loss_curve_[-1] < parts.loss_curve_[0]


def test_classes_may_come_later_if_the_first_call_names_them(classes):
    x, y = classes
    found = made(MLPClassifier, learning_rate="constant")
    found.partial_fit(x[y != "west"], y[y != "west"], classes=["west", "north", "east"])
    for _ in range(60):
        found.partial_fit(x, y)
    assert found.score(x, y) > 0.95
    with pytest.raises(ValueError, match="y holds the class 'south', expected those of the first"):
        found.partial_fit(x[:3], ["east", "south", "east"])


@BOTH
def test_a_warm_start_goes_on_and_a_cold_one_begins_anew(cls, rows):
    x, y = rows(cls)
    for warm in (True, False):
        found = made(cls, warm_start=warm, max_iter=5).fit(x, y)
        losses, net = found.loss_, found.network_
        found.fit(x, y)
        assert (found.network_ is net) == warm
        assert len(found.loss_curve_) == (10 if warm else 5)
        assert (found.loss_ < losses) == warm


@BOTH
def test_a_weight_of_two_is_two_rows(cls, rows):
    x, y = (part[:60] for part in rows(cls))
    times = np.arange(60) % 4
    one = made(cls, batch_size=90).fit(x, y, sample_weight=times)
    two = made(cls, batch_size=90).fit(x.repeat(times, axis=0), y.repeat(times))
    assert one.loss_curve_ == pytest.approx(two.loss_curve_, rel=1e-9)


def test_a_rare_class_counts_as_much_as_the_others_when_balanced():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 20 == 0
    x = rng.standard_normal((600, 1)) + y[:, np.newaxis]
    plain, even, chosen = (
        made(MLPClassifier, class_weight=weight).fit(x, y)
        for weight in (None, "balanced", {False: 1, True: 19})
    )
    assert plain.predict(x).mean() < 0.02
    assert 0.2 < even.predict(x).mean() < 0.5
    np.testing.assert_allclose(chosen.loss_curve_, even.loss_curve_, rtol=1e-3)


def test_logarithms_of_probabilities_are_finite_where_probabilities_are_0(classes):
    x, y = classes
    found = made(MLPClassifier).fit(x, y)
    far = 1e4 * x
    assert (found.predict_proba(far) == 0).any()
    assert np.isfinite(found.predict_log_proba(far)).all()
    np.testing.assert_allclose(np.exp(found.predict_log_proba(x)), found.predict_proba(x))
    np.testing.assert_allclose(found.predict_proba(x).sum(axis=1), 1)


def test_columns_are_known_by_their_names(classes):
    pandas = pytest.importorskip("pandas")
    x, y = classes
    frame = pandas.DataFrame(x, columns=["left", "right"])
    found = made(MLPClassifier, max_iter=1).fit(frame, y)
    assert found.feature_names_in_.tolist() == ["left", "right"]
    with pytest.raises(ValueError, match="feature names"):
        found.predict(frame[["right", "left"]])


def test_the_network_can_be_saved_and_loaded(classes, tmp_path):
    x, y = classes
    found = made(MLPClassifier, norm="batchnorm", max_iter=3).fit(x, y)
    found.network_.save(tmp_path / "net.safetensors")
    loaded = nets.load(tmp_path / "net.safetensors")
    assert isinstance(loaded, Layer)
    scores = nets.Classifier(loaded).outputs(x)
    np.testing.assert_array_equal(found.classes_[scores.argmax(axis=1)], found.predict(x))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"activation": "rely"}, ValueError, "activation is 'rely', expected 'identity', "),
        ({"norm": "batch"}, ValueError, "norm is 'batch', expected 'none', 'batchnorm', "),
        ({"solver": "lbfgs"}, ValueError, "solver is 'lbfgs', expected 'sgd', .* or 'adamw'"),
        ({"solver": Adam}, TypeError, "solver is <class .*, or an update rule"),
        ({"learning_rate": "adaptive"}, ValueError, "learning_rate is 'adaptive', expected "),
        ({"learning_rate": 0.1}, TypeError, "learning_rate is 0.1, .* or a function of the epoch"),
        ({"hidden_layer_sizes": (5, 0)}, ValueError, "must be a whole number of at least 1, got 0"),
        ({"dropout": 1.0}, ValueError, "'dropout' parameter .* must be a float in the range"),
        ({"alpha": -1}, ValueError, "'alpha' parameter of MLP.* Got -1"),
        ({"batch_size": 0}, ValueError, "'batch_size' parameter"),
        ({"max_iter": 0}, ValueError, "'max_iter' parameter"),
    ],
)
@BOTH
def test_a_wrong_parameter_is_told_by_its_name(cls, rows, options, error, message):
    with pytest.raises(error, match=message):
        made(cls, **options).fit(*rows(cls))


@BOTH
@pytest.mark.parametrize("weights", [np.zeros(150), -np.ones(150)])
def test_weights_that_are_none_are_refused(cls, rows, weights):
    x, y = (part[:150] for part in rows(cls))
    with pytest.raises(ValueError, match=r"[wW]eight"):
        made(cls).fit(x, y, sample_weight=weights)


def test_other_calls_that_cannot_be_meant_are_refused(classes, numbers):
    x, y = classes
    with pytest.raises(ValueError, match="loss is 'poisson', expected 'squared_error', "):
        made(MLPRegressor, loss="poisson").fit(*numbers)
    with pytest.raises(ValueError, match="all rows are of one class, 'east'"):
        made(MLPClassifier).fit(x[y == "east"], y[y == "east"])
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows at once"):
        made(MLPClassifier, class_weight="balanced").partial_fit(x, y)
    with pytest.raises(ValueError, match="early_stopping ends fit, and partial_fit is a single"):
        made(MLPClassifier, early_stopping=True).partial_fit(x, y)
    found = made(MLPClassifier, max_iter=3).fit(x, y)
    with pytest.raises(ValueError, match="learning_rate='cosine' is over after 3 epochs"):
        found.partial_fit(x, y)
    found = made(MLPRegressor, warm_start=True, max_iter=1).fit(*numbers)
    with pytest.raises(ValueError, match="y has 2 columns, expected 1 as in the first fit"):
        found.fit(numbers[0], numbers[0])


def test_a_rule_that_is_given_is_left_as_it_is(classes):
    rule = SGD(lr=0.1, momentum=0.9)
    made(MLPClassifier, solver=rule, max_iter=2).fit(*classes)
    assert rule.state == {}


def test_without_scikit_learn_it_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None\nimport chainrule.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.endswith("chainrule.sklearn needs scikit-learn: pip install 'chainrule[sklearn]'")
