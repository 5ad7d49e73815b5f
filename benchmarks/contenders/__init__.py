"""Who is measured. Each module has `make(case)`: a function without arguments that does the work
of the case once, or None where it has nothing to set against it. The function returns what it
computed, for the tests:

    layer, image_layer, convolution, first_layer
        {"out": …, "dx": …, "grads": […]}, each key where there is such a thing
    rule, step, image_step
        {"params": […]}, after the step, in the order of `setting.weights` or `image_weights`
    inference
        {"labels": …}

Some have `trainer(case)`, too: a function that takes a training step on rows of one's own, and one
that predicts; `own(array)` makes an array what they take.
"""
