"""What is checked, and how it is spoken of.

subject.py      Subject: a copy that can be run again from one start; Pass: what a run gave
recognise.py    which convention a thing follows
layer.py        a layer as a subject
stateful.py     an object that keeps its state on itself as one; places.py and attributes.py find
                its parameters and gradients, switches.py how it is told whether it trains,
                optimizers.py what it gives to an optimizer
functions.py    a pair of functions as one
derivative.py   a function with its derivative as one, and a backward pass without a cache
model.py        a model as one
tape.py         a function that a library differentiates as one
tensors.py      passes of functions of PyTorch; tensor_call.py, with their arguments, and
                tensor_graph.py, what their graph keeps
jax_tape.py     passes of functions of JAX; arguments.py, with theirs
trees.py        what hangs on an object: layers, arrays, generators
source.py       what the source tells: the cache, the lines of gradients
vocabulary.py   causes in words
"""
