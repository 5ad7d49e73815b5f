"""What train.py is made of: its options, the run on disk, and what it prints.

`Trained` puts a run to use from Python, as `train.py predict` does from the command line.
"""

from chainrule.training.prediction import Trained

__all__ = ["Trained"]
