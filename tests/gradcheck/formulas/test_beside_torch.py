"""PyTorch as a second judge of the formulas."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=shape)


IMAGES, SEQUENCES, ROWS = drawn(2, 4, 6, 5), drawn(2, 3, 4), drawn(3, 4)
F = torch.nn.functional


def weighted(scores, labels, weights, **how):
    return F.cross_entropy(scores, labels, weight=weights, **how)


def functions():
    """The name of a formula, the function, its arrays, and its settings."""
    x = IMAGES
    yield "conv", F.conv2d, (x, drawn(3, 4, 3, 2), drawn(3)), {"stride": 2, "pad": 1}
    pairs = {"stride": (2, 1), "pad": (1, 2), "dilation": (1, 2)}
    yield "conv", F.conv2d, (x, drawn(6, 2, 2, 3), drawn(6)), {**pairs, "groups": 2}
    yield "conv", F.conv2d, (x, drawn(4, 1, 3, 2)), {"stride": 1, "pad": "same", "groups": 4}
    yield "conv", F.conv2d, (x, drawn(3, 4, 1, 1), drawn(3)), {}
    yield "conv", F.conv1d, (SEQUENCES, drawn(3, 3, 2), drawn(3)), {"stride": 1, "pad": 1}
    yield "convtranspose", F.conv_transpose2d, (x, drawn(4, 3, 3, 2)), {"stride": 2, "pad": 1}
    given = {"stride": (2, 1), "pad": (0, 1), "dilation": 2, "output_padding": (1, 0)}
    yield (
        "convtranspose",
        F.conv_transpose2d,
        (x, drawn(4, 3, 2, 3), drawn(6)),
        {**given, "groups": 2},
    )
    yield "maxpool", F.max_pool2d, (x,), {"kernel_size": 3, "stride": 2, "pad": 1}
    yield "maxpool", F.max_pool2d, (x,), {"kernel_size": (2, 3), "stride": (1, 2), "pad": (0, 1)}
    yield "avgpool", F.avg_pool2d, (x,), {"kernel_size": (2, 3), "pad": (1, 0)}
    yield "avgpool", F.avg_pool2d, (x,), {"kernel_size": 3, "pad": 1, "count_include_pad": False}
    yield "upsample", F.interpolate, (x,), {"scale_factor": (2, 3)}
    yield "pad", lambda x, **_: F.pad(x, (2, 2, 1, 1)), (x,), {"pad": (1, 2)}
    yield "avgpool", F.avg_pool2d, (x,), {"kernel_size": 2, "stride": 2, "pad": 1}
    for name in ("gelu", "selu", "mish", "hardswish", "softsign", "silu"):
        yield name.replace("silu", "swish"), getattr(F, name), (ROWS * 3,), {}
    labels, weights = np.array([0, 2, 2]), np.array([0.5, 1, 2, 3])
    yield "softmaxcrossentropy", F.cross_entropy, (ROWS, labels), {"label_smoothing": 0.2}
    yield "softmaxcrossentropy", weighted, (ROWS, labels, weights), {"label_smoothing": 0.2}
    yield "softmaxcrossentropy", weighted, (ROWS, labels, weights), {"reduction": "sum"}
    yield "mae", F.l1_loss, (ROWS, drawn(3, 4)), {}
    yield "huber", F.huber_loss, (ROWS, drawn(3, 4)), {"delta": 0.7}
    yield "smoothl1", F.smooth_l1_loss, (ROWS, drawn(3, 4)), {"beta": 0.7}
    yield (
        "attention",
        F.scaled_dot_product_attention,
        (SEQUENCES, drawn(2, 5, 4), drawn(2, 5, 3)),
        {},
    )


ROLES = {
    "conv": "x w b",
    "convtranspose": "x w b",
    "attention": "q k v",
    "softmaxcrossentropy": "x y weights",
}
CALLS = list(functions())


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("name", "function", "arrays", "settings"), CALLS)
def test_a_formula_gives_what_pytorch_gives(judged, name, function, arrays, settings):
    told = {"padding" if key == "pad" else key: value for key, value in settings.items()}
    out = function(*map(torch.as_tensor, arrays), **told).numpy()
    names = ROLES.get(name, "x y").split()
    assert judged(name, out, **dict(zip(names, arrays, strict=False)), **settings) == ([], [])


@pytest.mark.parametrize(("name", "cell"), [("rnn", "RNN"), ("lstm", "LSTM"), ("gru", "GRU")])
def test_a_recurrent_formula_gives_what_pytorch_gives(judged, name, cell):
    torch.manual_seed(0)
    layer = getattr(torch.nn, cell)(4, 5, batch_first=True).double()
    h0, c0 = drawn(2, 5), drawn(2, 5)
    states = [torch.as_tensor(state)[None] for state in (h0, c0)]
    out, last = layer(torch.as_tensor(SEQUENCES), tuple(states) if name == "lstm" else states[0])
    last = last if name == "lstm" else (last,)
    outs = tuple(one.detach().numpy() for one in (out, *last))
    params = {f"{key}_": one.detach().numpy() for key, one in layer.named_parameters()}
    cell_state = {"c0": c0} if name == "lstm" else {}
    said, notes = judged(name, outs, x=SEQUENCES, h0=h0, **cell_state, **params)
    assert not said
    assert all("as in PyTorch" in note for note in notes)


def test_norms_of_pytorch(judged):
    gamma, beta = drawn(4), drawn(4)
    tensors = list(map(torch.as_tensor, (IMAGES, gamma, beta)))
    given = {"x": IMAGES, "weight_": gamma, "bias_": beta}
    out = F.group_norm(tensors[0], 2, *tensors[1:]).numpy()
    assert judged("groupnorm", out, **given, num_groups=2) == ([], [])
    out = F.instance_norm(tensors[0], weight=tensors[1], bias=tensors[2]).numpy()
    assert judged("instancenorm", out, **given) == ([], [])
    out = F.rms_norm(torch.as_tensor(ROWS), (4,), tensors[1], eps=1e-6).numpy()
    assert judged("rmsnorm", out, x=ROWS, weight_=gamma) == ([], [])


@pytest.mark.parametrize("masked", [False, True])
def test_several_heads_of_pytorch(judged, masked):
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(4, 2, batch_first=True).double()
    W, b = layer.in_proj_weight.detach().numpy(), layer.in_proj_bias.detach().numpy()
    hidden = np.triu(np.ones((3, 3), bool), 1)
    x = torch.as_tensor(SEQUENCES)
    mask = torch.as_tensor(hidden) if masked else None
    out, weights = layer(x, x, x, attn_mask=mask, average_attn_weights=False)
    given = {f"{name}_weight_": part for name, part in zip("qkv", np.split(W, 3), strict=True)}
    given |= {f"{name}_bias_": part for name, part in zip("qkv", np.split(b, 3), strict=True)}
    given |= {f"out_{key}_": one.detach().numpy() for key, one in layer.out_proj.named_parameters()}
    if masked:
        given["attn_mask"] = hidden
    outs = (out.detach().numpy(), weights.detach().numpy())
    said, notes = judged("multiheadattention", outs, x=SEQUENCES, num_heads=2, **given)
    assert not said
    assert len(notes) == masked  # that a mask that is true hides
