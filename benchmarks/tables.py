"""The default recipe of `chainrule train` on tables, beside scikit-learn's: on rows kept back.

    python -m benchmarks.tables [--seeds N]

Each data set is divided by each seed into three quarters to train on and a quarter of new rows.
Ours is `chainrule train --dataset FILE.csv --label y` without another option, which divides the
rows that it is given once more, and `Trained.predict`; scikit-learn's are LogisticRegression and
MLPClassifier, or Ridge and MLPRegressor, with all defaults behind a StandardScaler, on all of these
rows; the numbers to predict are standardised for its MLP. Accuracy or R² of the new rows.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Table = tuple[str, np.ndarray, np.ndarray]


def classes(rng: np.random.Generator) -> Iterator[Table]:
    """Tables of classes: four of scikit-learn's, and drawn ones, small and large, easy and not."""
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        bunch = getattr(datasets, f"load_{name}")()
        yield name, bunch.data, bunch.target
    for rows, features, kinds, noise in (
        (100, 5, 2, 0.0),
        (300, 20, 3, 0.05),
        (600, 40, 2, 0.1),
        (1500, 10, 5, 0.02),
        (3000, 30, 4, 0.1),
    ):
        x, y = datasets.make_classification(
            rows, features, n_informative=min(features - 1, 8), n_redundant=1, n_classes=kinds,
            flip_y=noise, random_state=int(rng.integers(2**31)),
        )  # fmt: skip
        yield f"drawn, {rows} × {features}, {kinds} classes", x, y
    x, y = datasets.make_moons(400, noise=0.25, random_state=int(rng.integers(2**31)))
    yield "moons, noisy", x, y
    x = rng.normal(size=(800, 6))
    yield "xor of two signs, 800 × 6", x, (x[:, 0] * x[:, 1] > 0).astype(int)


def numbers(rng: np.random.Generator) -> Iterator[Table]:
    """Tables of numbers to predict."""
    from sklearn import datasets

    bunch = datasets.load_diabetes()
    yield "diabetes", bunch.data, bunch.target
    for name in ("friedman1", "friedman2", "friedman3"):
        make = getattr(datasets, f"make_{name}")
        x, y = make(
            600, noise=0.5 if name != "friedman3" else 0.1, random_state=int(rng.integers(2**31))
        )
        yield name, x, y
    x, y = datasets.make_regression(
        300, 30, n_informative=10, noise=20.0, random_state=int(rng.integers(2**31))
    )
    yield "linear, 300 × 30", x, y
    x = rng.normal(size=(2000, 8))
    yield (
        "a product, 2000 × 8",
        x,
        x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + 0.2 * rng.normal(size=2000),
    )


def theirs(x: np.ndarray, y: np.ndarray, new: np.ndarray, *, to_predict: bool) -> list[np.ndarray]:
    """What scikit-learn's linear model and its MLP predict of new rows."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mlp: Any = MLPClassifier(random_state=0)
    if to_predict:
        mlp = TransformedTargetRegressor(MLPRegressor(random_state=0), transformer=StandardScaler())
    linear = Ridge() if to_predict else LogisticRegression()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 200 epochs are not enough
        return [
            make_pipeline(StandardScaler(), model).fit(x, y).predict(new) for model in (linear, mlp)
        ]


def ours(x: np.ndarray, y: np.ndarray, new: np.ndarray, *, to_predict: bool) -> np.ndarray:
    """What a run with the default recipe predicts of new rows."""
    from chainrule.__main__ import main
    from chainrule.training import Trained

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        file, run = Path(folder, "rows.csv"), Path(folder, "run")
        header = ",".join([*(f"f{j}" for j in range(x.shape[1])), "y"])
        labels = y[:, np.newaxis]
        np.savetxt(file, np.hstack([x, labels]), "%.10g", ",", header=header, comments="")
        task = "regression" if to_predict else "classes"
        words = ["--dataset", str(file), "--label", "y", "--task", task, "--no-report"]
        with contextlib.redirect_stderr(io.StringIO()):
            assert main(["train", *words, "--run-dir", str(run)]) == 0
            found = Trained.open(run).predict(new)
    return found if to_predict else found[0].astype(float)


def accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    return 100 * float((y == predicted).mean())


def r_squared(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(1 - np.square(y - predicted).sum() / np.square(y - y.mean()).sum())


def compared(
    tables: Callable[[np.random.Generator], Iterator[Table]],
    score: Callable[[np.ndarray, np.ndarray], float],
    seeds: int,
    *,
    to_predict: bool,
) -> None:
    """Print a line for each table, and the mean over them."""
    rows: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for name, x, y in tables(rng):
            order = rng.permutation(len(y))
            new, old = np.split(order, [len(y) // 4])
            given = x[old], y[old], x[new]
            found = [ours(*given, to_predict=to_predict), *theirs(*given, to_predict=to_predict)]
            rows.setdefault(name, []).append([score(y[new], one) for one in found])
    means = {name: np.mean(found, axis=0) for name, found in rows.items()}
    print(f"| table | chainrule | linear | MLP | ours less the better |\n|---|{'--:|' * 4}")
    for name, mean in means.items():
        scores = " | ".join(f"{one:.4g}" for one in mean)
        print(f"| {name} | {scores} | {mean[0] - mean[1:].max():+.3g} |")
    away = [mean[0] - mean[1:].max() for mean in means.values()]
    print(f"| mean | {' | '.join(f'{one:.4g}' for one in np.mean([*means.values()], axis=0))} | "
          f"{np.mean(away):+.3g} |\n")  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description="The default recipe on tables.")
    words.add_argument("--seeds", type=int, default=3)
    seeds = words.parse_args().seeds
    compared(classes, accuracy, seeds, to_predict=False)
    compared(numbers, r_squared, seeds, to_predict=True)


if __name__ == "__main__":
    main()
