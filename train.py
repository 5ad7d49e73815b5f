"""Trains a classifier: `python train.py` on the handwritten digits that come with the package.

The same as `chainrule train`; `python train.py --help` lists the options. Exit status: 0 done, 1
training or printing failed, or --sanity found a fault, 2 an option or the data are wrong, 130
interrupted, 143 told to stop, 129 the terminal was closed, 141 nobody reads the output any more.
"""

from functools import partial

from chainrule import __main__ as command

main = partial(command.main, default="train")

if __name__ == "__main__":
    command.program(main)
