"""From options to data, a network and a solver."""

from pathlib import Path

import numpy as np

import data
import solvers
from nets import MLP, Classifier
from training.options import ACTIVATIONS, FROM_FOLDER, LOSSES, NORMS, RULES, SCHEDULES, TOYS


def load(name, folder, dtype):
    """The data set called `name`, its inputs standardised by the training part."""
    if folder is not None and name not in FROM_FOLDER:
        raise ValueError(f"--data-dir goes with --dataset {' or '.join(FROM_FOLDER)}, not {name}")
    if name == "digits":
        dataset = data.load_digits()
    elif name in FROM_FOLDER:
        dataset = FROM_FOLDER[name](folder)
    elif name in TOYS:
        dataset = TOYS[name]()
    elif Path(name).suffix:
        dataset = data.load_file(name)
    else:
        raise ValueError(
            f"--dataset {name}: expected digits, {', '.join((*FROM_FOLDER, *TOYS))}, or a file "
            f"that ends in .csv, .csv.gz or .npz"
        )
    return dataset.standardised().astype(dtype)


def build(options, dataset):
    """The classifier and the solver that the options ask for. Raises ValueError where an option
    is wrong."""
    rng = np.random.default_rng(options.seed)
    try:
        net = MLP(
            [dataset.x_train[0].size, *options.hidden, dataset.num_classes],
            **ACTIVATIONS[options.activation],
            norm=NORMS[options.norm],
            dropout=None if options.dropout == 1 else options.dropout,
            rng=rng,
            dtype=options.dtype,
        )
    except MemoryError as error:
        raise ValueError(f"--hidden {','.join(map(str, options.hidden))}: {error}") from None
    model = Classifier(net, loss=LOSSES[options.loss], l2=options.l2)
    rate = {} if options.lr is None else {"lr": options.lr}
    solver = solvers.Solver(
        model,
        RULES[options.rule](**rate),
        dataset,
        epochs=options.epochs,
        batch_size=options.batch_size,
        schedule=SCHEDULES[options.schedule](options.epochs)(warmup=options.warmup),
        clip_norm=options.clip_norm,
        patience=options.patience,
        seed=rng,
    )
    return model, solver
