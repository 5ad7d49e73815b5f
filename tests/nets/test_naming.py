import pytest

from chainrule.nets import is_weight


@pytest.mark.parametrize(
    ("name", "expected"),
    [("affine1.W", True), ("W1", True), ("block.affine2.W", True), ("affine1.b", False),
     ("Wide.b", False), ("batchnorm1.gamma", False), ("beta2", False)],
)  # fmt: skip
def test_weights_are_told_by_the_last_part_of_their_name(name, expected):
    assert is_weight(name) is expected
