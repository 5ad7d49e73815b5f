"""Trains a classifier: `python train.py` on the handwritten digits that come with the package.

`python train.py --help` lists the options. Exit status: 0 trained, 1 training or printing failed,
2 an option or the data are wrong, 130 interrupted, 141 nobody reads the output any more.
"""

from training.command import main, program

__all__ = ["main"]

if __name__ == "__main__":
    program()
