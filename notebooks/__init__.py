"""The homework course: ten notebooks, and what their check cells say.

    with exercise(1, "the slope of a line", slope) as check:
        check("the slope of 3x + 1 is 3", slope(3, 1), 3.0)

`chainrule course status` shows which exercises pass, `build` makes the students' notebooks from
`solutions/`, and `grade` marks a folder of submissions; see README.md in this folder.
"""

from chainrule.notebooks.answers import model_answer
from chainrule.notebooks.borrowing import borrow
from chainrule.notebooks.exercise import exercise, further

__all__ = ["borrow", "exercise", "further", "model_answer"]
