"""The command `python -m chainrule.gradcheck`: many layers from the command line.

targets.py          what the library or a file has to check, with the cases of each
module.py           a file run as a module, and the modules beside it
finding.py          pairs of functions, losses, derivatives, classes and rules in a module
guessing.py         the first inputs with which something works, by trying
wanted.py           which arguments there are to fill in
example_inputs.py   what to try for them, in one layout
docstrings.py       the shapes that docstrings tell
names.py            what names of arguments tell: the tables
values.py           how values are said, in the tables and by --inputs
rules.py            update rules as others write them
cases.py            one thing with inputs, tried and then checked
table.py            what is printed of the results
watch.py            again, whenever a file changes
"""
