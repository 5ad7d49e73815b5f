"""Numeric derivatives, and checks of hand-written backward passes. Imports NumPy alone."""

from gradcheck.check import check
from gradcheck.numeric import numerical_gradient

__all__ = ["check", "numerical_gradient"]
