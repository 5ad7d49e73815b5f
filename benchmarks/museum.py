"""The museum: twenty bugs of public code, as the page docs/site/museum.md.

    python -m benchmarks.museum [--pytorch]

Writes the page from the registry of mistakes, from the stories in mistakes/museum.toml, from what
our checker prints now, and from what PyTorch's printed when it was asked last, in
mistakes/pytorch.json. With `--pytorch` it is asked again (`pip install torch`).
"""

import argparse
import functools
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import judges, mistakes

HERE = Path(mistakes.__file__).parent
STORIES, PYTORCH = HERE / "museum.toml", HERE / "pytorch.json"
VERDICTS = HERE / "verdicts.json"
PAGE = Path(__file__).parents[1] / "docs" / "site" / "museum.md"
SHOWN = 5  # lines of PyTorch's answer
BY_ID = {mistake.id: mistake for mistake in mistakes.REAL}

INTRODUCTION = """\
<!-- Written by python -m benchmarks.museum, from benchmarks/mistakes/museum.toml. -->

# Museum of wrong gradients

Twenty mistakes from public code: frameworks, kernels, course material. Each is replayed in a few
lines of NumPy of our own, after what its issue says. In red stands the line that was wrong, in
green the right one; below, what our checker prints, and how the answer of
`torch.autograd.gradcheck` begins for the same two functions (PyTorch {version}, inside an
`autograd.Function`). Where that is a matrix, it is the measured one; the one to compare it with
comes further down. PyTorch's check finds {found} of the {all}. Which entries differ, and why, one
reads from the numbers.

Nobody is to be laughed at. These are good programmers, who said openly what was wrong. Everybody
else makes the same mistakes.
"""

LEAVING = """\
## The way out

The replays are in `benchmarks/mistakes/real`, {real} in all; {students} mistakes of students are
beside them. Whether the first sentence of a report names the mistake has been judged by readers who
had no part in the checker: they were content with {content} of these {all}. The page is
made anew by

```sh
python -m benchmarks.museum
```

Your own backward pass? [The gradient checker](gradients.md) takes it as it is, be it a
[class](check-classes.md) or [functions](check-functions.md).
"""

EXHIBIT = """\
### {number}. {title}

*{where}* · {source}

{story}

```{{code-block}} diff
:class: exhibit
{lines}
```

```{{code-block}} text
:class: exhibit
:caption: Chainrule
{report}
```

```{{code-block}} text
:class: answer
:caption: PyTorch{part}
{pytorch}
```

{notes}**{learnt}**
"""


def stories():
    """The rooms, each with a title, a sentence `about` it, and its exhibits."""
    return tomllib.loads(STORIES.read_text(encoding="utf-8"))["room"]


@functools.cache
def report(name):
    """What our checker says of a mistake."""
    with np.errstate(all="ignore"):
        return BY_ID[name].check(np.random.default_rng(0))


def unhurried(text):
    """A report without the number of calls and the time, which are never the same."""
    return re.sub(r"\([\d,]+ forward calls, [^)]*\)", "(… forward calls, … ms)", text)


def is_named(name):
    """Whether the first sentence of our report names the mistake, as readers have judged."""
    verdicts = json.loads(VERDICTS.read_text(encoding="utf-8"))
    return verdicts.get(name, {}).get(report(name).findings[0].message) == "yes"


def linked(source):
    """The source of a mistake, with links to the issues that are named in full."""
    issue = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
    return issue.sub(r"[\g<0>](https://github.com/\1/issues/\2)", source)


def changed_lines(mistake):
    """The wrong lines, then the right ones in their place, as a diff."""
    for wrong in mistake.patch.values():
        yield from (f"- {line}" for line in wrong.splitlines())
    for right in mistake.patch:
        yield from (f"+ {line}" for line in right.splitlines())


def asked_pytorch(mistake):
    """The first lines of PyTorch's answer, and how many there are."""
    checker: Any = judges.CHECKERS["torch gradcheck, slow"][0]()
    verdict = checker.on_pair(mistake, np.random.default_rng(0))
    lines = verdict.says.strip().splitlines() if verdict.alarm else ["True"]
    return {"lines": len(lines), "first": lines[:SHOWN]}


def ask_pytorch():
    """Asks PyTorch about every exhibit, and keeps the answers."""
    import torch

    with np.errstate(all="ignore"):
        answers = {
            exhibit["id"]: asked_pytorch(BY_ID[exhibit["id"]])
            for room in stories()
            for exhibit in room["exhibit"]
        }
    answers = {"version": torch.__version__.partition("+")[0], "answers": answers}
    PYTORCH.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


def part(answer):
    """What is shown of an answer."""
    more = answer["lines"] > len(answer["first"])
    return f", the first {len(answer['first'])} of {answer['lines']} lines" if more else ""


def entry(number, exhibit, answer):
    """An exhibit as Markdown."""
    mistake = BY_ID[exhibit["id"]]
    notes = [exhibit[key] for key in ("short", "pytorch") if key in exhibit]
    return EXHIBIT.format(
        number=number,
        title=exhibit["title"],
        where=exhibit["where"],
        source=linked(mistake.source),
        story=exhibit["story"].strip(),
        lines="\n".join(changed_lines(mistake)),
        report=unhurried(str(report(exhibit["id"]))),
        part=part(answer),
        pytorch="\n".join(answer["first"]),
        notes="".join(f"{note}\n\n" for note in notes),
        learnt=exhibit["learnt"],
    )


def page():
    """The whole page."""
    pytorch = json.loads(PYTORCH.read_text(encoding="utf-8"))
    answers, number = pytorch["answers"], 0
    found = sum(answer["first"] != ["True"] for answer in answers.values())
    parts = [INTRODUCTION.format(version=pytorch["version"], found=found, all=len(answers))]
    for room in stories():
        parts.append(f"## {room['title']}\n\n{room['about']}\n")
        for exhibit in room["exhibit"]:
            number += 1
            parts.append(entry(number, exhibit, answers[exhibit["id"]]))
    parts.append(
        LEAVING.format(
            real=len(mistakes.REAL),
            students=len(mistakes.STUDENTS),
            all=number,
            content=sum(map(is_named, answers)),
        )
    )
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.museum")
    parser.add_argument("--pytorch", action="store_true", help="ask PyTorch's checker again")
    if parser.parse_args().pytorch:
        ask_pytorch()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    main()
