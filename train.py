"""Trains a classifier: `python train.py` on the handwritten digits that come with the package.

`python train.py --help` lists the options. Exit status: 0 done, 1 training or printing failed, or
--sanity found a fault, 2 an option or the data are wrong, 130 interrupted, 143 told to stop, 129
the terminal was closed, 141 nobody reads the output any more.
"""

import sys

try:
    from chainrule.training.command import main, program
except KeyboardInterrupt:
    print("train.py: interrupted", file=sys.stderr)
    sys.exit(130)

__all__ = ["main"]

if __name__ == "__main__":
    program()
