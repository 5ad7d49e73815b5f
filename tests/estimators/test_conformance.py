"""All that scikit-learn asks of an estimator, and the places where it lets one stand."""

import io

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule.layers import ELU, BatchNorm, PReLU
from chainrule.sklearn import MLPClassifier, MLPRegressor
from chainrule.solvers import AdamW, Cosine

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


@pytest.fixture
def global_generator():
    """scikit-learn's checks seed the generator of the process."""
    state = np.random.get_state()  # noqa: NPY002
    yield
    np.random.set_state(state)  # noqa: NPY002


@pytest.mark.slow
@pytest.mark.usefixtures("global_generator")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm": "layernorm", "activation": ELU(0.5), "solver": AdamW(3e-3), "clip_norm": 1.0},
    ],
    ids=["as it is", "otherwise"],
)
@BOTH
def test_nothing_that_scikit_learn_checks_fails(cls, options):
    results = check_estimator(cls(**options), on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")] == []
    assert sum(r["status"] == "passed" for r in results) > 50


def quick(cls, **options):
    """One that is trained for a few epochs, to the end."""
    settings = {"hidden_layer_sizes": 20, "learning_rate_init": 0.02, "max_iter": 40, "tol": 0}
    return cls(**settings | {"random_state": 0, "learning_rate": "cosine"} | options)


def test_it_stands_in_a_pipeline_a_cross_validation_and_a_search(classes):
    x, y = classes
    piped = make_pipeline(StandardScaler(), quick(MLPClassifier))
    assert cross_val_score(piped, x, y, cv=3).min() > 0.95
    grid = {
        "mlpclassifier__norm": [None, "batchnorm"],
        "mlpclassifier__activation": ["tanh", ELU()],
    }
    search = GridSearchCV(piped, grid, cv=2).fit(x, y)
    assert search.best_score_ > 0.95
    assert len(search.cv_results_["params"]) == 4


def test_its_probabilities_can_be_calibrated(classes):
    x, y = classes
    calibrated = CalibratedClassifierCV(quick(MLPClassifier), cv=3).fit(x, y)
    assert calibrated.score(x, y) > 0.95


@BOTH
def test_a_clone_has_layers_and_rules_of_its_own(cls):
    first = cls(activation=PReLU(), solver=AdamW(2e-3), norm=BatchNorm, learning_rate=Cosine(20))
    second = clone(first)
    assert second.activation is not first.activation
    assert second.solver is not first.solver
    assert repr(second) == repr(first)


def saved_with_joblib(estimator):
    joblib = pytest.importorskip("joblib", reason="joblib comes with scikit-learn")
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


@BOTH
def test_out_of_joblib_it_predicts_the_same_and_goes_on_the_same(cls, classes, numbers):
    x, y = classes if cls is MLPClassifier else numbers
    one = quick(cls, activation=PReLU(), norm="batchnorm", dropout=0.1, learning_rate="step").fit(
        x, y
    )
    two = saved_with_joblib(one)
    np.testing.assert_array_equal(two.predict(x), one.predict(x))
    before = [array.copy() for array in two.coefs_]
    for estimator in (one, two):
        estimator.partial_fit(x, y)
    for first, second, old in zip(one.coefs_, two.coefs_, before, strict=True):
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(second, old)
    np.testing.assert_array_equal(two.predict(x), one.predict(x))
