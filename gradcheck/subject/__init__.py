"""What is checked, and how it is spoken of.

subject.py      Subject: a copy that can be run again from one start; Pass: what a run gave
layer.py        a layer as a subject
functions.py    a pair of functions as one
model.py        a model as one
tape.py         a function that a library differentiates, with the contract of a layer
tensors.py      passes of functions of PyTorch; tensor_call.py, with their arguments, and
                tensor_graph.py, what their graph keeps
trees.py        what hangs on an object: layers, arrays, generators
source.py       what the source tells: the cache, the lines of gradients
vocabulary.py   causes in words
"""
