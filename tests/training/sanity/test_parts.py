"""Short descents, and what the checks of --sanity make of figures that are given."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.nets import MLP, Classifier
from chainrule.solvers import SGD, Adam, Solver
from chainrule.training.sanity.answers import Labels, Targets
from chainrule.training.sanity.examination import check_regularisation, check_relation
from chainrule.training.sanity.short_runs import Run, Trial


class Falling:
    """A model whose loss and gradient are given, step by step."""

    def __init__(self, *steps):
        self.params, self.left = {"W": np.zeros((2, 2))}, [*steps]

    def loss(self, x, y):
        step = self.left.pop(0)
        if isinstance(step, Exception):
            raise step
        loss, slope = step
        return loss, {"W": np.full((2, 2), slope)}


def trial_of(*steps, rule, **options):
    data = SimpleNamespace(
        x_train=np.zeros((4, 2)), y_train=np.zeros(4, int), x_val=None, y_val=None
    )
    solver = Solver(Falling(*steps), rule, data, batch_size=1, **options)
    return Trial(solver, solver.model, seed=0, progress=False)


@pytest.mark.parametrize(
    "last",
    [
        FloatingPointError("overflow"),
        (math.inf, 1.0),
        (math.nan, 1.0),
        (1.0, math.inf),
        (1.0, 1e200),
    ],
    ids=str,
)
def test_a_descent_ends_with_infinity_where_the_numbers_do(last):
    trial = trial_of((3.0, 1.0), (2.0, 1.0), last, rule=Adam())
    assert trial.descend("", [0.1] * 9)[1] == [3.0, 2.0, math.inf]


def test_a_descent_clips_as_the_solver_does():
    trial = trial_of((3.0, 10.0), rule=SGD(lr=0.1), clip_norm=4.0)
    solver, losses = trial.descend("", [0.5])
    assert losses == [3.0]
    np.testing.assert_allclose(solver.model.params["W"], -0.5 * 4.0 / 2)


def test_a_descent_ends_when_it_is_done_and_takes_each_step_at_its_rate():
    trial = trial_of((3.0, 1.0), (2.0, 1.0), (1.0, 1.0), rule=SGD(lr=0.1))
    solver, losses = trial.descend("", [0.5, 0.25, 1.0], lambda _, losses: losses[-1] < 3)
    assert losses == [3.0, 2.0]
    np.testing.assert_allclose(solver.model.params["W"], -0.75)
    np.testing.assert_array_equal(trial.model.params["W"], 0)


def test_labels_of_inputs_that_come_twice_are_compared():
    x, y = np.repeat(np.eye(10), 2, axis=0), np.arange(20) % 2
    one = SimpleNamespace(x_train=x, y_train=np.where(np.arange(20) == 1, y, 1))
    found = Labels().check(SimpleNamespace(x_train=x, y_train=y), 2)
    assert "10 repeat inputs under another label, expected 0" in found.found
    assert found.cause.startswith("The same inputs come with different labels")
    one.y_train[1] = 0
    assert "1 repeat inputs under another label" in Labels().check(one, 2).found


def test_rows_that_are_too_few_to_show_a_relation_are_said_to_be():
    rng = np.random.default_rng(0)
    data = SimpleNamespace(
        x_train=rng.standard_normal((30, 4)), y_train=np.arange(30) % 2, x_val=None, y_val=None
    )
    model = Classifier(MLP([4, 2], rng=0))
    trial = Trial(SimpleNamespace(data=data), model, seed=0, progress=False)
    run = Run(0.1, 0.5, 0.52, 0.1)
    found = check_relation(trial, [run])
    assert found.found.startswith("52% of the validation rows right at rate 0.1, ")
    assert not found.ok
    assert "or 30 rows are too few to show it" in found.cause


def test_a_penalty_that_holds_learning_back_is_named():
    own, bare = Run(0.1, 2.2, 0.1, 0.0), Run(0.1, 0.1, 0.9, 9.0)
    found = check_regularisation(own, bare, math.log(10))
    assert not found.ok
    assert "with and 0.1 without it. Lower l2, or raise" in found.cause
    assert check_regularisation(bare, bare, math.log(10)).ok


@pytest.mark.parametrize(
    ("y", "fatal", "said"),
    [
        (np.linspace(-1.7, 1.7, 50), False, ""),
        (np.linspace(100, 300, 50), False, "about 208 times too large: standardise them"),
        (np.linspace(-0.01, 0.01, 50), False, "about 170 times too small"),
        (np.full(50, 3.0), True, "A target is the same in all training rows"),
        (
            np.r_[np.nan, np.arange(49)],
            True,
            "some are not finite, expected 1 finite numbers a row",
        ),
        (np.ones((50, 2)), True, "2 a row, expected 1"),
    ],
)
def test_targets_that_cannot_be_learned_are_named(y, fatal, said):
    found = Targets().check(SimpleNamespace(y_train=y), 1)
    assert (found.ok, found.fatal) == (said == "", fatal)
    assert said in found.cause


def test_numbers_are_judged_by_what_they_explain_and_by_chance():
    y, answers = np.arange(100.0), Targets()
    score, certainty = answers.judge(y + 10, y)
    assert score == pytest.approx(1 - 100 / y.var())
    assert certainty == pytest.approx(10)
    assert answers.judge(np.zeros(100), y) == (pytest.approx(1 - (y**2).mean() / y.var()), 0)
    assert answers.right(0.957) == "R² 0.96"
