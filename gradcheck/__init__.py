"""Checks of hand-written backward passes, and numeric derivatives. Imports NumPy alone.

    report = check(thing, x)        # values, kinks and some twenty probes
    print(report)                   # what is wrong, and why

`check` takes whatever has a backward pass, in whatever convention it is written: layers, classes
that keep their state on themselves, functions, models, and what PyTorch and JAX differentiate.
`check_functions`, `check_derivative` and `check_model` say which it is, `check_update` takes an
update rule; `assert_correct` is for tests. `jacobian`, `hessian`, `vjp`, `jvp` and `hvp` are
derivatives of layers and of functions. `python -m chainrule.gradcheck` checks the layers of this
library, or whatever a file has.

    check.py        the driver: what is asked, and in which order
    torch.py        the same for PyTorch's Functions, modules and functions of tensors
    jax.py          for functions of JAX
    autograd.py     for those of HIPS autograd
    subject/        what is checked, told by its convention, and the words for it
    checks/         the questions; each returns what it found
    derivatives/    slopes with error bars; numeric derivatives, Jacobians, Hessians
    explain/        from wrong gradients to causes
    formulas/       what forward should compute, where a name tells
    update_rules/   the same for update rules
    report/         causes, findings and reports, as text, HTML and data
    command/        what `python -m chainrule.gradcheck` is made of, __main__.py apart
"""

from chainrule.gradcheck.check import (
    assert_correct,
    check,
    check_derivative,
    check_functions,
    check_model,
)
from chainrule.gradcheck.derivatives.matrices import hessian, hvp, jacobian, jvp, vjp
from chainrule.gradcheck.derivatives.memory import JacobianMemory, jacobian_memory
from chainrule.gradcheck.derivatives.numeric import numerical_gradient
from chainrule.gradcheck.report import Finding, GradientError, Probe, Report, Tensor
from chainrule.gradcheck.update_rules import check_update

__all__ = [
    "Finding",
    "GradientError",
    "JacobianMemory",
    "Probe",
    "Report",
    "Tensor",
    "assert_correct",
    "check",
    "check_derivative",
    "check_functions",
    "check_model",
    "check_update",
    "hessian",
    "hvp",
    "jacobian",
    "jacobian_memory",
    "jvp",
    "numerical_gradient",
    "vjp",
]
