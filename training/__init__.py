"""What the command line is made of: its options, the run on disk, and what it prints.

`Trained` puts a run to use from Python, as `chainrule predict` does from the command line.
"""

from chainrule.training.trained import Trained

__all__ = ["Trained"]
