"""What is measured: calls of layers, update rules, training steps, inference, gradient checks.

A case is a dict that JSON can hold. `kind` is "layer", "rule", "step", "inference", "check",
"convolution", "first_layer", "image_layer" or "image_step"; the other keys are its settings. A
first layer is a convolution without dx, which nobody needs there.
"""

from itertools import groupby

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
CONVOLUTIONS: tuple[tuple[tuple[int, ...], int, int, dict[str, int]], ...] = (
    # images (N, C, H, W), filters, size, and what else there is
    ((64, 3, 32, 32), 32, 3, {}),
    ((64, 32, 16, 16), 32, 3, {}),
    ((64, 32, 32, 32), 32, 3, {}),
    ((64, 64, 16, 16), 64, 3, {}),
    ((32, 64, 32, 32), 64, 3, {}),
    ((64, 128, 8, 8), 128, 3, {}),
    ((100, 1, 28, 28), 32, 5, {}),
    ((100, 3, 32, 32), 32, 7, {}),
    ((64, 32, 32, 32), 64, 3, {"stride": 2}),
    ((64, 64, 16, 16), 128, 1, {"stride": 2}),
    ((64, 64, 16, 16), 64, 1, {}),
    ((64, 64, 8, 8), 256, 1, {}),
    ((64, 64, 32, 32), 64, 3, {"groups": 64}),
    ((64, 128, 16, 16), 128, 3, {"groups": 128}),
    ((64, 64, 16, 16), 64, 3, {"groups": 4}),
    ((64, 32, 16, 16), 32, 5, {}),
    ((128, 6, 14, 14), 16, 5, {"pad": 0}),
    ((32, 3, 64, 64), 64, 7, {"stride": 2}),
    ((64, 8, 32, 32), 8, 3, {}),
    ((64, 16, 32, 32), 16, 3, {}),
    ((32, 256, 8, 8), 256, 3, {}),
)
POOLS = (  # images (N, C, H, W), and windows
    ((64, 32, 32, 32), {"size": 2, "stride": 2, "pad": 0}),
    ((128, 6, 28, 28), {"size": 2, "stride": 2, "pad": 0}),
)
GROUPS = (  # images (N, C, H, W), and the groups of a group norm
    ((64, 64, 8, 8), 8),
    ((64, 32, 16, 16), 8),
    ((64, 32, 32, 32), 8),
    ((64, 32, 32, 32), 32),
)
IMAGE_NETS = {"lenet5": (128, 1, 28, 28), "resnet": (64, 3, 32, 32)}
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


def convolutions():
    for first in (False, True):
        for shape, filters, size, more in CONVOLUTIONS:
            if not first or shape[1] <= 3:
                yield {
                    "kind": "first_layer" if first else "convolution",
                    "shape": shape,
                    "filters": filters,
                    "size": size,
                    **{"stride": 1, "pad": size // 2, "groups": 1, **more},
                    "dtype": "float32",
                }


def image_layers():
    for name in ("max pool", "average pool"):
        for shape, where in POOLS:
            yield {
                "kind": "image_layer",
                "layer": name,
                "shape": shape,
                **where,
                "dtype": "float32",
            }
    overlapping = {"size": 3, "stride": 2, "pad": 1}
    some = {"kind": "image_layer", "shape": (64, 32, 32, 32), "dtype": "float32"}
    yield {**some, "layer": "max pool", **overlapping}
    yield {**some, "layer": "global average", "shape": (64, 64, 8, 8)}
    for shape, groups in GROUPS:
        yield {**some, "layer": "groupnorm", "shape": shape, "groups": groups}


def image_steps():
    for net, shape in IMAGE_NETS.items():
        for rule in ("momentum", "adam"):
            yield {
                "kind": "image_step",
                "net": net,
                "shape": shape,
                "rule": rule,
                "dtype": "float32",
            }


KINDS = {
    "layers": layers,
    "rules": rules,
    "steps": steps,
    "inference": inference,
    "checks": checks,
    "convolutions": convolutions,
    "image_layers": image_layers,
    "image_steps": image_steps,
}


def name_of(case):
    """A case in a few words: "relu 256x1024 float32"."""
    if "filters" in case:
        return convolution_name(case)
    words = ["check"] if case["kind"] == "check" else []
    words.append(case.get("layer") or case.get("net") or "-".join(map(str, case["sizes"])))
    if "size" in case:
        words += [by_x((case["size"], case["size"])), f"stride {case['stride']}"]
    words += [f"{case['groups']} groups"] if "groups" in case else []
    if "shape" in case:
        words.append(by_x(case["shape"]))
    if "batch" in case:
        words.append(f"batch {case['batch']}")
    words += [case[key] for key in ("rule",) if key in case]
    words += ["batchnorm"] if case.get("norm") else []
    words += [case["dtype"]] if case["dtype"] != "float32" else []
    return " ".join(words)


def convolution_name(case):
    """A convolution: "3x3 64x32x16x16 to 64 stride 2"."""
    words = [by_x((case["size"], case["size"])), by_x(case["shape"]), f"to {case['filters']}"]
    words += [f"stride {case['stride']}"] if case["stride"] > 1 else []
    words += ["no pad"] if case["size"] > 1 and not case["pad"] else []
    words += [f"groups {case['groups']}"] if case["groups"] > 1 else []
    words += ["without dx"] if case["kind"] == "first_layer" else []
    return " ".join(words)


def by_x(numbers):
    return "x".join(map(str, numbers))


def quick(cases):
    """Some of the smaller cases of each kind, for a look in passing."""
    small = [case for case in cases if max(case.get("shape") or case["sizes"]) < 1000]
    return [case for _, own in groupby(small, lambda case: case["kind"]) for case in [*own][::7]]
