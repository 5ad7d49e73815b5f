"""What is asked of a subject. Each check takes the subject and the passes that were made, and
returns an Outcome: causes, notes, or why it does not apply. None of them knows the driver.

outcome.py        Request, Passes, Comparison and Outcome
arrays.py         arrays beside each other
causes.py         every cause that a check finds, in words
contract.py       one pass under watch: it runs, repeats itself, writes into nothing of others
gradients.py      gradients: their form, and their values beside slopes
entries.py        those of one line, or of one entry
linearity.py      how gradients depend on dout, and how they are rounded
calls.py          other calls: another batch, layout or dtype, inference
other_inputs.py   other points: zeros, ties, small and large numbers, one row, none
models.py         the penalty of a model, its scores
second.py         the gradients of gradients
precision.py      gradients in the dtype given, beside those in float64
formula.py        forward beside a formula
"""
