"""Functions of PyTorch in a file."""

import pytest

from chainrule.gradcheck import __main__ as command

pytest.importorskip("torch")
FUNCTION = """
import torch

class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias):
        ctx.save_for_backward(input, weight)
        return input @ weight.t() + bias

    @staticmethod
    def backward(ctx, grad_output):
        input, weight = ctx.saved_tensors
        return grad_output @ weight, grad_output.t() @ input, grad_output.{0}(0)
"""


@pytest.mark.parametrize(("reduced", "status"), [("sum", 0), ("mean", 1)])
def test_a_function_is_found_given_tensors_and_checked(tmp_path, capsys, reduced, status):
    path = tmp_path / "functions.py"
    path.write_text(FUNCTION.format(reduced), encoding="utf-8")
    assert command.main([str(path), "--effort", "quick", "--json"]) == status
    out = capsys.readouterr().out
    assert '"kind": "Function"' in out
    assert '"inputs": "input=(5,4); weight=(3,4); bias=(3)"' in out


def test_what_it_does_not_take_is_told(tmp_path, capsys):
    path = tmp_path / "functions.py"
    path.write_text(FUNCTION.format("sum").replace("input @", "input.three @"), encoding="utf-8")
    assert command.main([str(path), "--effort", "quick"]) == 1
    assert "not tried: forward raised AttributeError: " in capsys.readouterr().out
