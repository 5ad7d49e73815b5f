"""The estimators of chainrule.sklearn beside scikit-learn's own, on the data that it ships.

    python -m benchmarks.estimators [--seeds N]

On each data set, columns standardised, both are fitted on four fifths of the rows and scored on the
last fifth, five times around and for each of N seeds, with the same parameters: the defaults. What
is printed, as a table in Markdown: the mean score, its standard deviation over the fits, the
processor time and the epochs of a fit.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn import datasets, neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from chainrule import sklearn as ours

CLASSES = ("iris", "wine", "breast_cancer", "digits")
NUMBERS = ("diabetes",)


def scaled_target(**options):
    """scikit-learn's regressor on targets that are standardised, as ours standardises them."""
    inner = neural_network.MLPRegressor(**options)
    return TransformedTargetRegressor(inner, transformer=StandardScaler())


CONTENDERS = {
    "classes": {
        "scikit-learn": neural_network.MLPClassifier,
        "chainrule": ours.MLPClassifier,
    },
    "numbers": {
        "scikit-learn": neural_network.MLPRegressor,
        "scikit-learn, target standardised": scaled_target,
        "chainrule": ours.MLPRegressor,
    },
}


def measure(make, x, y, folds, seeds):
    """The score, the seconds and the epochs of each fit."""
    found = []
    for seed in range(seeds):
        for train, test in folds(5, shuffle=True, random_state=seed).split(x, y):
            scaler = StandardScaler().fit(x[train])
            inputs, started = scaler.transform(x[train]), time.process_time()
            fitted = make(random_state=seed).fit(inputs, y[train])
            seconds = time.process_time() - started
            epochs = getattr(fitted, "regressor_", fitted).n_iter_
            found.append((fitted.score(scaler.transform(x[test]), y[test]), seconds, epochs))
    return np.array(found).T


def main():
    options = argparse.ArgumentParser(prog="python -m benchmarks.estimators")
    options.add_argument("--seeds", type=int, default=3, metavar="N")
    seeds = options.parse_args().seeds
    print("| data | estimator | score | ± | seconds | epochs |\n|---|---|---:|---:|---:|---:|")
    for names, kind, folds in ((CLASSES, "classes", StratifiedKFold), (NUMBERS, "numbers", KFold)):
        for name in names:
            x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
            for contender, make in CONTENDERS[kind].items():
                scores, seconds, epochs = measure(make, x, y, folds, seeds)
                print(
                    f"| {name} | {contender} | {scores.mean():.3f} | {scores.std():.3f} | "
                    f"{np.median(seconds):.2f} | {epochs.mean():.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
