"""Wrong submissions of homework 3, and what they lose."""

WRONG = [
    # student, solution cell, old text, new text, exercises lost, what the feedback says
    (
        "a mean for the bias, and N counted once",
        "backward",
        "dout.sum(axis=0)",
        "dout.mean(axis=0)",
        [3, 7, 9],
        "half of it, as the mean over the two examples; uses add up",
    ),
    (
        "a mean for the bias, and N counted once",
        "jacobian",
        "N * M * N * D * itemsize",
        "N * M * D * itemsize",
        [4],
        "that has N once; it stands in out.shape and in x.shape",
    ),
    (
        "all weights for each output, and axes summed away",
        "weight-jacobian",
        "J[n, m, :, m] = x[n]",
        "J[n, m] = x[n][:, None]",
        [5],
        "x_d, as in the notes; but out_m does not use W_dk",
    ),
    (
        "the ReLU lets everything through, as in a set of notes",
        "regression",
        "return (a > 0) * dout",
        "return dout",
        [7],
        "the Jacobian is diag(1, 0, 1, 0)",
    ),
    (
        "all weights for each output, and axes summed away",
        "broadcast",
        "grad.sum(axis=axis, keepdims=True)",
        "grad.sum(axis=axis)",
        [8],
        "the axis was there, with length 1, and has to stay",
    ),
]
