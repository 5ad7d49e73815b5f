import numpy as np

from chainrule.layers.minibatch import Part, computing, over_batch, random

MIDDLE = Part(2, 5, 7, lambda *sums: tuple(10 * one for one in sums))


def test_sums_are_those_of_the_whole_minibatch_within_a_part_of_it():
    assert over_batch(1, 2.0) == (1, 2.0)
    with computing(MIDDLE):
        assert over_batch(1, 2.0) == (10, 20.0)
    assert over_batch(3) == (3,)


def test_a_part_draws_its_rows_of_what_the_whole_minibatch_draws():
    whole = np.random.default_rng(0).random((7, 4), np.float32)
    rng = np.random.default_rng(0)
    with computing(MIDDLE):
        np.testing.assert_array_equal(random(rng, (3, 4), np.float32), whole[2:5])
    after = np.random.default_rng(0)
    after.random((7, 4), np.float32)
    assert rng.bit_generator.state == after.bit_generator.state


def test_what_has_another_number_of_rows_is_drawn_as_it_is():
    for size in (4, (4, 3), None):
        expected = np.random.default_rng(0).random(size)
        with computing(MIDDLE):
            np.testing.assert_array_equal(random(np.random.default_rng(0), size), expected)
