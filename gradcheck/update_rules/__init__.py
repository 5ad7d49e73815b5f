"""A check of update rules: what a rule does to parameters against what its formula says.

formula.py      the one formula that all rules are settings of
families.py     which class means which settings
mistakes.py     what people write instead, as settings of the same formula, and which of it
                gives exactly what a rule did
trial.py        a few steps of a rule, and where two runs of it part
check.py        check_update
"""

from chainrule.gradcheck.update_rules.check import check_update

__all__ = ["check_update"]
