"""The command `python -m chainrule.gradcheck`: many layers from the command line.

example_inputs.py   constructor arguments and inputs, by what their names say
cases.py            one layer with inputs, tried and then checked
targets.py          the classes and functions of the library or of a file, with their cases
table.py            what is printed of the results
"""
