import math

import pytest

from chainrule.solvers import Constant, Cosine, Exponential, Schedule, Step

ROOT_HALF = 0.7071067811865476


@pytest.mark.parametrize(
    ("schedule", "epoch", "factor"),
    [
        (Constant(), 0.0, 1.0),
        (Constant(), 1e6, 1.0),
        (Step(every=3, factor=0.1), 2.999, 1.0),
        (Step(every=3, factor=0.1), 3.0, 0.1),
        (Step(every=3, factor=0.1), 6.5, 0.01),
        (Exponential(0.25), 0.0, 1.0),
        (Exponential(0.25), 0.5, 0.5),
        (Exponential(0.25), 2.0, 0.0625),
        (Cosine(epochs=8), 0.0, 1.0),
        (Cosine(epochs=8), 2.0, (1 + ROOT_HALF) / 2),
        (Cosine(epochs=8), 4.0, 0.5),
        (Cosine(epochs=8), 8.0, 0.0),
        (Cosine(epochs=8, final=0.2), 4.0, 0.6),
        (Cosine(epochs=8, final=0.2), 100.0, 0.2),
        (Constant(warmup=2), 0.5, 0.25),
        (Constant(warmup=2), 2.0, 1.0),
        (Step(every=3, factor=0.1, warmup=4), 3.0, 0.075),
        (Exponential(0.25, warmup=1), 0.5, 0.25),
        (Cosine(epochs=8, warmup=5), 4.0, 0.4),
    ],
)
def test_factors_at_named_epochs(schedule, epoch, factor):
    assert schedule(epoch) == pytest.approx(factor, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(warmup=-1), "Constant: warmup must be .* of at least 0, got -1"),
        (lambda: Step(0, 0.1), "Step: every must be a finite number above 0, got 0"),
        (lambda: Step(1, 1.5), r"Step: factor must be a finite number in \(0, 1\], got 1\.5"),
        (lambda: Exponential(0.0), r"Exponential: rate must be .* in \(0, 1\], got 0\.0"),
        (lambda: Cosine(math.nan), "Cosine: epochs must be a finite number above 0, got nan"),
        (lambda: Cosine(5, final=2), r"Cosine: final must be a finite number in \[0, 1\], got 2"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_repr_is_a_constructor_call():
    assert repr(Cosine(10, warmup=1)) == "Cosine(warmup=1, epochs=10, final=0.0)"


def test_a_schedule_without_a_decay_says_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Schedule does not define decay\(epoch\)"):
        Schedule()(1.0)


@pytest.mark.parametrize(
    "make", [lambda: Cosine("a"), lambda: Step(1, None), lambda: Constant(warmup="a")]
)
def test_settings_that_are_no_numbers_are_refused(make):
    with pytest.raises(ValueError, match="must be "):
        make()
