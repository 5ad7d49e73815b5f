"""Derivatives: of functions by differences, and of layers by their backward passes.

numeric.py     numerical_gradient, and the differences it is made of
point.py       a point, lines through it, and the noise around it
slopes.py      slopes along a line, with error bars and kinks
operands.py    a function or a layer at a place
matrices.py    vjp, jvp, hvp, jacobian, hessian
memory.py      how much memory a Jacobian takes
"""
