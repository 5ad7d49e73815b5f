"""What is measured: calls of layers, update rules, training steps, inference, gradient checks.

A case is a dict that JSON can hold. `kind` is "layer", "rule", "step", "inference" or "check"; the
other keys are its settings.
"""

ELEMENTWISE = ("relu", "leaky_relu", "prelu", "elu", "sigmoid", "tanh", "softplus")
LAYERS = ("affine", *ELEMENTWISE, "maxout2", "maxout4", "batchnorm", "softmax_ce", "mse", "dropout")
SHAPES: tuple[tuple[tuple[int, ...], str], ...] = (
    ((64, 100), "float32"),
    ((128, 512), "float32"),
    ((256, 1024), "float32"),
    ((256, 1024), "float64"),
    ((1024, 1024), "float32"),
)
IMAGES: tuple[tuple[tuple[int, ...], str], ...] = (
    ((32, 3, 32, 32), "float32"),
    ((64, 64, 8, 8), "float32"),
    ((64, 64, 8, 8), "float64"),
    ((64, 32, 16, 16), "float32"),
)
NETS = (
    ((784, 100, 10), 64),
    ((784, 256, 256, 10), 32),
    ((784, 512, 512, 10), 128),
    ((784, 1000, 1000, 1000, 10), 100),
)
RULES = ("sgd", "momentum", "rmsprop", "adam")


def layers():
    for name in LAYERS:
        for shape, dtype in SHAPES:
            yield {"kind": "layer", "layer": name, "shape": shape, "dtype": dtype}
    for rows in (64, 128):
        yield {"kind": "layer", "layer": "softmax_ce", "shape": (rows, 10), "dtype": "float32"}
    for shape, dtype in IMAGES:
        yield {"kind": "layer", "layer": "batchnorm", "shape": shape, "dtype": dtype}


def rules():
    for sizes, _ in NETS:
        for rule in RULES:
            if sizes[1] != 256:
                yield {"kind": "rule", "rule": rule, "sizes": sizes, "dtype": "float32"}


def steps():
    for sizes, batch in NETS:
        for norm in (False, True):
            for rule in ("sgd", "momentum", "adam"):
                yield {
                    "kind": "step",
                    "sizes": sizes,
                    "batch": batch,
                    "rule": rule,
                    "norm": norm,
                    "dtype": "float32",
                }


def inference():
    for sizes, batch in NETS:
        for rows in (1, batch, 1000):
            yield {"kind": "inference", "sizes": sizes, "batch": rows, "dtype": "float32"}


def checks():
    for name in ("affine", "tanh", "batchnorm", "softmax_ce"):
        for shape in ((8, 10), (20, 30)):
            yield {"kind": "check", "layer": name, "shape": shape, "dtype": "float64"}


KINDS = {
    "layers": layers,
    "rules": rules,
    "steps": steps,
    "inference": inference,
    "checks": checks,
}


def name_of(case):
    """A case in a few words: "relu 256x1024 float32"."""
    words = ["check"] if case["kind"] == "check" else []
    words.append(case.get("layer") or "-".join(map(str, case["sizes"])))
    if "shape" in case:
        words.append("x".join(map(str, case["shape"])))
    if "batch" in case:
        words.append(f"batch {case['batch']}")
    words += [case[key] for key in ("rule",) if key in case]
    words += ["batchnorm"] if case.get("norm") else []
    words += [case["dtype"]] if case["dtype"] != "float32" else []
    return " ".join(words)


def quick(cases):
    """Some of the smaller cases, for a look in passing."""
    widest = [max(case.get("shape") or case["sizes"]) for case in cases]
    return [case for case, width in zip(cases, widest, strict=True) if width < 1000][::7]
