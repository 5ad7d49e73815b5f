"""Neural-network layers in NumPy with every backward pass written by hand.

    chainrule.layers     layers, losses and gates: one layer, one file
    chainrule.nets       layers put together: Sequential, MLP, Graph; models, which add the loss
    chainrule.solvers    update rules, schedules and the Solver
    chainrule.gradcheck  checks of backward passes that say what is wrong; derivatives
    chainrule.data       data sets and files of one's own
    chainrule.pictures   activations, boundaries, loss surfaces, layers while they learn
    chainrule.training   runs in folders, and the command line
    chainrule.sklearn    multi-layer perceptrons in the form of scikit-learn's estimators
    chainrule.notebooks  the homework course

Nothing is imported before it is asked for: `from chainrule.layers import Affine`. The command
`chainrule --help`, or `python -m chainrule --help`, trains, checks and draws without a script;
`pytest --gradcheck` checks files, and `%load_ext chainrule` in a notebook its cells.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]


def load_ipython_extension(shell: object) -> None:
    """What `%load_ext chainrule` calls: it adds the magic `%%check`."""
    from chainrule.magic import register

    register(shell)
