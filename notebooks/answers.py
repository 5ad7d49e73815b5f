"""Model answers to the questions in prose, for those who have written their own."""

import re
from pathlib import Path

from chainrule.notebooks.exercise import show
from chainrule.notebooks.sources import SOLUTIONS, TEXT_STUB, homeworks

QUESTION = re.compile(
    r'^# %% \[markdown\] nbgrader=\{"grade_id": "question-(\d+)"\}\n(.*?)\n\n(?=# %%|\Z)',
    re.MULTILINE | re.DOTALL,
)
MODEL = re.compile(r"### BEGIN SOLUTION\n(.*)\n### END SOLUTION", re.DOTALL)
FEWEST = 5  # words of an answer of one's own


def model_answer(homework: str, question: int) -> None:
    """Shows the model answer to a question of a homework, such as "3-affine", 1, if the notebook
    in this folder, as it was last saved, holds one's own; else it says what to do.

    Raises ValueError for a homework or a question that there is not.
    """
    models = model_answers(homework)
    if question not in models:
        raise ValueError(
            f"{homework} has no question {question}; expected one of {', '.join(map(str, models))}"
        )
    asked, model = models[question]
    if own_words(homework, question, asked) < FEWEST:
        print(
            f"The model answer to question {question} opens when your own stands above: write it, "
            f"save the notebook (Ctrl-S), and run this cell once more."
        )
        return
    show(model, "text/markdown", f"**A model answer.** {model}")


def model_answers(homework: str) -> dict[int, tuple[str, str]]:
    """The questions of a homework by number: what is asked, and the model answer."""
    if homework not in homeworks():
        raise ValueError(
            f"{homework!r}: no homework is called so; expected one of {', '.join(homeworks())}"
        )
    source = (SOLUTIONS / f"{homework}.py").read_text(encoding="utf-8")
    found = {}
    for number, text in QUESTION.findall(source):
        lines = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.splitlines())
        (model,) = MODEL.findall(lines)
        found[int(number)] = MODEL.sub("", lines).strip(), model
    return found


def own_words(homework: str, question: int, asked: str) -> int:
    """How many words of their own the student has saved in the cell of a question."""
    import nbformat

    saved = sorted(Path().glob(f"{homework}*.ipynb"), key=lambda path: path.stat().st_mtime)
    if not saved:
        return 0
    for cell in nbformat.read(saved[-1], as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == f"question-{question}":
            return len(cell.source.replace(TEXT_STUB, "").replace(asked, "").split())
    return 0
