"""The progress bar of a run."""

from __future__ import annotations

from tqdm import tqdm

from chainrule.solvers.history import History


def progress_bar(total: int, done: int, visible: bool) -> tqdm:
    """Return a bar over `total` steps on stderr, redrawn up to five times a second."""
    return tqdm(
        total=total,
        initial=done,
        unit="step",
        disable=not visible,
        mininterval=0.2,
        miniters=1,  # let the clock alone decide, or a slow stretch after a fast one stands still
        dynamic_ncols=True,
    )


def show(bar: tqdm, history: History, goal: int) -> None:
    """Say on the bar, when it is next redrawn, which epoch it is and the latest figures."""
    latest: dict[str, list[float]] = {
        "loss": history.step_loss[-1:],
        "val loss": known(history.val_loss),
        "train": known(history.train_score),
        "val": known(history.val_score),
    }
    figures = [f"{name} {figure:.4g}" for name, values in latest.items() for figure in values]
    bar.set_description_str(f"epoch {min(len(history.epoch) + 1, goal)}/{goal}", refresh=False)
    bar.set_postfix_str(", ".join(figures), refresh=False)


def known(figures: list[float | None]) -> list[float]:
    """Return the last of the figures in a list, or none where it is missing."""
    return [figure for figure in figures[-1:] if figure is not None]
