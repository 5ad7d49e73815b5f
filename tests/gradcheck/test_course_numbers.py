"""The homework files in course/ compute what the courses do: their forward passes meet the numbers
that CS231n, Michigan's EECS 498-007 and UCLA's C147 print in their notebooks, and PyTorch's."""

import numpy as np
import pytest

from tests.gradcheck.course import (
    columns,
    fast_layers,
    layers,
    linear_classifier,
    michigan,
    nndl_conv_layers,
    nndl_layers,
    optim,
)
from tests.gradcheck.course import rnn_layers as rnn
from tests.gradcheck.course import textbook_layers as textbook
from tests.gradcheck.course import textbook_time_layers as steps
from tests.gradcheck.course import transformer_layers as transformer

pytestmark = pytest.mark.slow  # of the files themselves, whatever the library does


def grid(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


# ConvolutionalNetworks, from 2018 on

CONV = [
    [[[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
     [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
     [[0.50813986, 0.54309974], [0.64082444, 0.67101435]]],
    [[[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
     [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
     [[2.36270298, 2.36904306], [2.38090835, 2.38247847]]],
]  # fmt: skip
POOL = [
    [[[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
     [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
     [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]]],
    [[[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
     [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
     [[0.32631579, 0.34105263], [0.38526316, 0.4]]],
]  # fmt: skip


def of_textbook(x, w, b, settings):
    return textbook.Convolution(w, b, **settings).forward(x), None


@pytest.mark.parametrize(
    "forward",
    [
        layers.conv_forward_naive,
        fast_layers.conv_forward_im2col,
        fast_layers.conv_forward_strides,
        nndl_conv_layers.conv_forward_naive,
        michigan.Conv.forward,
        of_textbook,
    ],
)
def test_convolutions_meet_the_notebook(forward):
    x, w, b = grid(-0.1, 0.5, 2, 3, 4, 4), grid(-0.2, 0.3, 3, 3, 4, 4), grid(-0.1, 0.2, 3)
    out, _ = forward(x, w, b, {"stride": 2, "pad": 1})
    np.testing.assert_allclose(out, CONV, atol=1e-8)


@pytest.mark.parametrize(
    "forward",
    [
        layers.max_pool_forward_naive,
        fast_layers.max_pool_forward_reshape,
        fast_layers.max_pool_forward_im2col,
        nndl_conv_layers.max_pool_forward_naive,
        michigan.MaxPool.forward,
        lambda x, _: (textbook.Pooling(2, 2, stride=2).forward(x), None),
    ],
)
def test_poolings_meet_the_notebook(forward):
    settings = {"pool_height": 2, "pool_width": 2, "stride": 2}
    out, _ = forward(grid(-0.3, 0.4, 2, 3, 4, 4), settings)
    np.testing.assert_allclose(out, POOL, atol=1e-8)


# FullyConnectedNets

AFFINE = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
RELU = [
    [0, 0, 0, 0],
    [0, 0, 0.04545455, 0.13636364],
    [0.22727273, 0.31818182, 0.40909091, 0.5],
]


@pytest.mark.parametrize("module", [layers, nndl_layers])
def test_affine_and_relu_meet_the_notebook(module):
    inputs = grid(-0.1, 0.5, 2, 4, 5, 6), grid(-0.2, 0.3, 120, 3), grid(-0.3, 0.1, 3)
    np.testing.assert_allclose(module.affine_forward(*inputs)[0], AFFINE, atol=1e-8)
    np.testing.assert_allclose(module.relu_forward(grid(-0.5, 0.5, 3, 4))[0], RELU, atol=1e-8)
    np.testing.assert_allclose(michigan.Linear.forward(*inputs)[0], AFFINE, atol=1e-8)
    np.testing.assert_allclose(textbook.Affine(*inputs[1:]).forward(inputs[0]), AFFINE, atol=1e-8)


# First and last entry of next_w, and of what the rule keeps, from the notebooks' tables
RULES = [
    (optim.sgd_momentum, 1e-3, "velocity", (0.1406, 1.4096), (0.5406, 0.8096)),
    (optim.sgd_nesterov_momentum, 1e-3, "velocity", (0.08714, 1.32824), (0.5406, 0.8096)),
    (optim.rmsprop, 1e-2, "cache", (-0.39223849, 0.59576619), (0.5976, 0.8926)),
]


@pytest.mark.parametrize(("rule", "rate", "key", "next_w", "kept"), RULES)
def test_update_rules_meet_the_notebooks(rule, rate, key, next_w, kept):
    config = {"learning_rate": rate, key: grid(0.6, 0.9, 4, 5)}
    found, config = rule(grid(-0.4, 0.6, 4, 5), grid(-0.6, 0.4, 4, 5), config)
    np.testing.assert_allclose(found.flat[[0, -1]], next_w, atol=1e-8)
    np.testing.assert_allclose(config[key].flat[[0, -1]], kept, atol=1e-8)


def test_adam_meets_the_notebook():
    config = {"learning_rate": 1e-2, "m": grid(0.6, 0.9, 4, 5), "v": grid(0.7, 0.5, 4, 5), "t": 5}
    w, config = optim.adam(grid(-0.4, 0.6, 4, 5), grid(-0.6, 0.4, 4, 5), config)
    np.testing.assert_allclose(w.flat[[0, 9, -1]], [-0.40094747, 0.0722929, 0.59801459], atol=1e-8)
    np.testing.assert_allclose(config["m"].flat[[0, -1]], [0.48, 0.85], atol=1e-8)
    np.testing.assert_allclose(config["v"].flat[[0, -1]], [0.69966, 0.49966], atol=1e-8)


def test_sgd_and_adagrad_take_the_steps_of_their_formulas():
    w, _ = optim.sgd(np.array([1.0, 2.0]), np.array([3.0, -4.0]), {"learning_rate": 0.5})
    np.testing.assert_array_equal(w, [-0.5, 4.0])
    config = {"learning_rate": 0.5, "epsilon": 1.0, "a": np.array([7.0])}
    w, config = optim.adagrad(np.array([1.0]), np.array([3.0]), config)
    np.testing.assert_array_equal(w, [1 - 0.5 * 3 / (4 + 1)])
    np.testing.assert_array_equal(config["a"], [16])


# RNN_Captioning and LSTM_Captioning


def parameters(*ranges_and_shapes):
    return [grid(*each) for each in ranges_and_shapes]


def test_rnn_meets_the_notebook():
    out, _ = rnn.rnn_step_forward(
        grid(-0.4, 0.7, 3, 10),
        grid(-0.2, 0.5, 3, 4),
        grid(-0.1, 0.9, 10, 4),
        grid(-0.3, 0.7, 4, 4),
        grid(-0.2, 0.4, 4),
    )
    expected = [
        [-0.58172089, -0.50182032, -0.41232771, -0.31410098],
        [0.66854692, 0.79562378, 0.87755553, 0.92795967],
        [0.97934501, 0.99144213, 0.99646691, 0.99854353],
    ]
    np.testing.assert_allclose(out, expected, atol=1e-8)

    x, h0 = grid(-0.1, 0.3, 2, 3, 4), grid(-0.3, 0.1, 2, 5)
    weights = grid(-0.2, 0.4, 4, 5), grid(-0.4, 0.1, 5, 5), grid(-0.7, 0.1, 5)
    out, _ = rnn.rnn_forward(x, h0, *weights)
    expected = [
        [-0.42305111, -0.24223728, -0.04287027, 0.15997045, 0.35014525],
        [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043],
    ]
    np.testing.assert_allclose(out[:, -1], expected, atol=1e-7)

    layer = steps.TimeRNN(*weights, stateful=True)
    layer.set_state(h0)
    np.testing.assert_allclose(layer.forward(x)[:, -1], expected, atol=1e-7)


def test_lstm_meets_the_notebook():
    h, c, _ = rnn.lstm_step_forward(
        grid(-0.4, 1.2, 3, 4),
        grid(-0.3, 0.7, 3, 5),
        grid(-0.4, 0.9, 3, 5),
        grid(-2.1, 1.3, 4, 20),
        grid(-0.7, 2.2, 5, 20),
        grid(0.3, 0.7, 20),
    )
    np.testing.assert_allclose(
        h[1], [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181], atol=1e-8
    )
    np.testing.assert_allclose(
        c[1], [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345], atol=1e-8
    )
    out, _ = rnn.lstm_forward(
        grid(-0.4, 0.6, 2, 3, 5),
        grid(-0.4, 0.8, 2, 4),
        grid(-0.2, 0.9, 5, 16),
        grid(-0.3, 0.6, 4, 16),
        grid(0.2, 0.7, 16),
    )
    expected = [
        [0.31358768, 0.33338627, 0.35304453, 0.37250975],
        [0.81733511, 0.83677871, 0.85403753, 0.86935314],
    ]
    np.testing.assert_allclose(out[:, -1], expected, atol=1e-7)


def test_attention_over_a_map_meets_the_notebook():
    A = grid(-0.4, 1.8, 2, 5, 4, 4)
    out, cache = rnn.attention_forward(grid(-0.4, 0.6, 2, 5), A)
    expected = [
        [-0.29784344, -0.07645979, 0.14492386, 0.36630751, 0.58769115],
        [0.81412643, 1.03551008, 1.25689373, 1.47827738, 1.69966103],
    ]
    np.testing.assert_allclose(out, expected, atol=1e-8)
    first = [0.06511126, 0.06475411, 0.06439892, 0.06404568]
    np.testing.assert_allclose(cache[2][0, :4], first, atol=1e-8)

    h, c, _ = rnn.attention_lstm_step_forward(
        grid(-0.4, 1.2, 3, 4),
        grid(-0.3, 0.7, 3, 5),
        grid(-0.4, 0.9, 3, 5),
        grid(0.6, 1.8, 3, 5),
        grid(-2.1, 1.3, 4, 20),
        grid(-0.7, 2.2, 5, 20),
        grid(1.3, 4.2, 5, 20),
        grid(0.3, 0.7, 20),
    )
    expected = [0.53704256, 0.59980774, 0.6559682, 0.70569729, 0.74932626]
    np.testing.assert_allclose(h[0], expected, atol=1e-8)
    np.testing.assert_allclose(c[2], [1.52857143, 1.62142857, 1.71428571, 1.80714286, 1.9])

    h, _ = rnn.attention_lstm_forward(
        grid(-0.4, 0.6, 2, 3, 5),
        grid(-0.4, 1.8, 2, 4, 4, 4),
        grid(-0.2, 0.9, 5, 16),
        grid(-0.3, 0.6, 4, 16),
        grid(1.3, 4.2, 4, 16),
        grid(0.2, 0.7, 16),
    )
    expected = [
        [0.56141729, 0.70274849, 0.80000386, 0.863494],
        [0.89556391, 0.92856726, 0.94950579, 0.96281018],
        [0.96792077, 0.97535465, 0.98039623, 0.98392994],
    ]
    np.testing.assert_allclose(h[0], expected, atol=1e-8)


def test_word_vectors_meet_the_notebook():
    words, W = np.array([[0, 3, 1, 2], [2, 1, 0, 3]]), grid(0, 1, 5, 3)
    expected = [[0, 0.07142857, 0.14285714], [0.64285714, 0.71428571, 0.78571429]]
    np.testing.assert_allclose(rnn.word_embedding_forward(words, W)[0][0, :2], expected, atol=1e-8)
    np.testing.assert_array_equal(
        steps.TimeEmbedding(W).forward(words), rnn.word_embedding_forward(words, W)[0]
    )


@pytest.mark.parametrize(
    ("sequence", "gates", "features", "expected"),
    [
        (rnn.rnn_forward, 1, grid(-1.5, 0.3, 10, 20), 9.83235591003),
        (rnn.lstm_forward, 4, grid(-0.5, 1.7, 10, 20), 9.82445935443),
    ],
)
def test_the_loss_of_a_captioning_network_meets_the_notebook(sequence, gates, features, expected):
    V, D, H = 3, 30, 40
    made = lambda *shape: grid(-1.4, 1.3, *shape)  # noqa: E731
    captions = (np.arange(130) % V).reshape(10, 13)
    before, after = captions[:, :-1], captions[:, 1:]
    h0, _ = layers.affine_forward(features, made(20, H), made(H))
    vectors, _ = rnn.word_embedding_forward(before, made(V, D))
    h, _ = sequence(vectors, h0, made(D, gates * H), made(H, gates * H), made(gates * H))
    scores, _ = rnn.temporal_affine_forward(h, made(H, V), made(V))
    loss, _ = rnn.temporal_softmax_loss(scores, after, after != 0)
    assert abs(loss - expected) < 1e-10


# Transformers


def test_attention_meets_the_notebooks():
    ranges = [(-0.4, 0.6), (-0.8, 0.5), (-0.3, 0.8)]
    attend = transformer.scaled_dot_product_attention_forward
    out, _ = attend(*(grid(*each, 2, 5, 4) for each in ranges))
    expected = [-0.0960299969, -0.0678199977, -0.0396200009, -0.0114099998]
    np.testing.assert_allclose(out[0, 0], expected, atol=1e-5)
    np.testing.assert_allclose(out[1, 4, 3], 0.607819974, atol=1e-5)

    ranges = [(-0.4, 0.6), (-0.1, 0.2), (0.4, 0.8)]
    out, _ = attend(*(grid(*each, 4, 3, 3) for each in ranges), mask=np.tri(3))
    expected = [
        [0.400000006, 0.411430001, 0.422859997],
        [0.417030007, 0.428460002, 0.439889997],
        [0.434080005, 0.44551, 0.456939995],
    ]
    np.testing.assert_allclose(out[0], expected, atol=1e-5)


def test_a_feed_forward_block_meets_the_notebook():
    made = lambda *shape: grid(-1.4, 1.3, *shape)  # noqa: E731
    x = grid(-0.4, 0.6, 2, 4)[None]
    weights = made(8, 4).T, made(8), made(4, 8).T, made(4)
    out, _ = transformer.feed_forward_forward(x, *weights)
    expected = [
        [-2.46161008, -0.716620028, 1.02838004, 2.77337003],
        [-7.56084013, -1.69556999, 4.16970015, 10.0349703],
    ]
    np.testing.assert_allclose(out[0], expected, atol=1e-5)


def test_positions_meet_the_notebook():
    x = np.array(
        [
            [-1.1105818, 0.00141212, 1.528024, -1.0778338, -0.6963548, 0.14548545],
            [-0.02898829, -0.9705646, 0.45174018, -0.26694688, 1.1358207, 0.5330578],
        ]
    )
    out, _ = transformer.positional_encoding_forward(x[None])
    printed = np.array(
        [
            [-1.234, 1.1127, 1.6978, -0.0865, -0.0, 1.2728],
            [0.9028, -0.4781, 0.5535, 0.8133, 1.2644, 1.7034],
        ]
    )
    kept = printed != 0  # one entry was dropped there, and the others divided by 0.9
    np.testing.assert_allclose((out[0] / 0.9)[kept], printed[kept], atol=1e-4)


# PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


OTHER_DATA = [
    0.79678893, -3.8416378, 0.32457402, 1.5292437, -1.8015834, 1.2095803, -0.113985226, -3.1421766,
    1.11167, -0.6274051, -0.81593907, 0.5021773, 0.56859034, 1.5485797, 0.004679979, 0.2828912,
    -1.3276207, 0.20421953, -1.0594296, 0.57703984, -0.7578852, 1.0589619, -0.7544378, 1.4896368,
]  # fmt: skip


def test_multi_head_attention_meets_the_notebook(torch):
    """Transformer_Captioning of CS231n, with other_data as key and value."""
    with torch.random.fork_rng():
        torch.manual_seed(231)
        key, query, value, proj = (torch.nn.Linear(8, 8) for _ in range(4))
        data = torch.randn(1, 3, 8).numpy().astype(float)
    weights = [
        each.detach().numpy().astype(float).T
        for linear in (query, key, value, proj)
        for each in (linear.weight, linear.bias)
    ]
    other = np.array(OTHER_DATA).reshape(1, 3, 8)
    out, _ = transformer.multi_head_attention_forward(data, other, other, *weights)
    bias = weights[-1]
    out = (out - bias) / 0.9 + bias  # dropout was on, and left all weights of the attention
    expected = [-0.198, 0.4083, 0.1968, -0.3477, 0.0321, 0.4258, -0.8972, -0.2744]
    np.testing.assert_allclose(out[0, 0], expected, atol=1e-4)


def test_patches_meet_the_notebook(torch):
    with torch.random.fork_rng():
        torch.manual_seed(231)
        linear = torch.nn.Linear(192, 8)
        x = torch.randn(2, 3, 16, 16).numpy()
    w, b = linear.weight.detach().numpy().T, linear.bias.detach().numpy()
    out, _ = transformer.patch_embedding_forward(x, w, b, patch_size=8)
    expected = [-0.6312704, 0.02531429, 0.6112642, -0.49089882]
    np.testing.assert_allclose(out[0, 0, :4], expected, atol=1e-5)
    np.testing.assert_allclose(out[1, 3, -2:], [-0.094347, 0.50032747], atol=1e-5)


def spatial(x, gamma, beta):
    return x, gamma.reshape(1, -1, 1, 1), beta.reshape(1, -1, 1, 1), 2, {}


def test_layers_agree_with_pytorch(torch):
    F, rng = torch.nn.functional, np.random.default_rng(0)
    g = lambda *shape: rng.standard_normal(shape)  # noqa: E731
    x, gamma, beta, scores, labels = g(3, 4, 2, 5), g(4), g(4), g(6, 4), rng.integers(0, 4, 6)
    rows, shifts, masks = g(6, 4), g(5, 3, 4), rng.random((5, 3)) > 0.4
    words = rng.integers(0, 4, (5, 3))
    t = torch.from_numpy
    logits, targets = t(shifts).reshape(15, 4), t(np.where(masks, words, -1)).reshape(15)
    summed = F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
    norm = F.batch_norm(t(rows), None, None, t(gamma), t(beta), training=True)
    images = F.batch_norm(t(x), None, None, t(gamma), t(beta), training=True)
    hinge = F.multi_margin_loss(t(scores), t(labels)) * 4
    pairs = [
        (layers.softmax_loss(scores, labels)[0], F.cross_entropy(t(scores), t(labels))),
        (nndl_layers.softmax_loss(scores, labels)[0], F.cross_entropy(t(scores), t(labels))),
        (textbook.SoftmaxWithLoss().forward(scores, labels), F.cross_entropy(t(scores), t(labels))),
        (steps.SoftmaxWithLoss().forward(scores, labels), F.cross_entropy(t(scores), t(labels))),
        (layers.svm_loss(scores, labels)[0], hinge),
        (nndl_layers.svm_loss(scores, labels)[0], hinge),
        (rnn.temporal_softmax_loss(shifts, words, masks)[0], summed / 5),
        (
            steps.TimeSoftmaxWithLoss().forward(shifts, np.where(masks, words, -1)),
            F.cross_entropy(logits, targets, ignore_index=-1),
        ),
        (layers.batchnorm_forward(rows, gamma, beta, {"mode": "train"})[0], norm),
        (nndl_layers.batchnorm_forward(rows, gamma, beta, {"mode": "train"})[0], norm),
        (michigan.BatchNorm.forward(rows, gamma, beta, {"mode": "train"})[0], norm),
        (layers.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})[0], images),
        (nndl_conv_layers.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})[0], images),
        (michigan.SpatialBatchNorm.forward(x, gamma, beta, {"mode": "train"})[0], images),
        (
            layers.layernorm_forward(rows, gamma, beta, {})[0],
            F.layer_norm(t(rows), (4,), t(gamma), t(beta)),
        ),
        (
            layers.spatial_groupnorm_forward(*spatial(x, gamma, beta))[0],
            F.group_norm(t(x), 2, t(gamma), t(beta)),
        ),
        (transformer.gelu_forward(rows)[0], F.gelu(t(rows))),
        (
            steps.SigmoidWithLoss().forward(rows, rows > 0),
            F.binary_cross_entropy_with_logits(t(rows), t((rows > 0).astype(float))),
        ),
        (
            columns.compute_cost(columns.sigmoid(rows[:1])[0], rows[1:2] > 0),
            F.binary_cross_entropy_with_logits(t(rows[:1]), t((rows[1:2] > 0).astype(float))),
        ),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-12)


def of_layer(layer, *names):
    found = dict(layer.named_parameters())
    return [found[name].detach().numpy() for name in names]


def projections(layer, name):
    """Weights and biases of an attention, as the homework has them."""
    stacked, bias, out, out_bias = of_layer(
        layer,
        f"{name}.in_proj_weight",
        f"{name}.in_proj_bias",
        f"{name}.out_proj.weight",
        f"{name}.out_proj.bias",
    )
    W = np.stack([*(w.T for w in np.split(stacked, 3)), out.T])
    return W, np.stack([*np.split(bias, 3), out_bias])


def randomised(torch, layer):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
    return layer


FEED = ("linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias")


def test_encoder_and_decoder_layers_agree_with_pytorch(torch):
    rng = np.random.default_rng(0)
    tgt, memory = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    options = {"dropout": 0.0, "batch_first": True, "dtype": torch.float64}
    t = torch.from_numpy

    layer = randomised(torch, torch.nn.TransformerEncoderLayer(4, 2, 6, **options))
    W1, b1, W2, b2 = of_layer(layer, *FEED)
    norms = of_layer(layer, "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias")
    attention = projections(layer, "self_attn")
    found, _ = transformer.encoder_layer_forward(
        memory, *attention, *norms[:2], W1.T, b1, W2.T, b2, *norms[2:]
    )
    np.testing.assert_allclose(found, layer(t(memory)).detach().numpy(), rtol=1e-9)

    layer = randomised(torch, torch.nn.TransformerDecoderLayer(4, 2, 6, **options))
    W1, b1, W2, b2 = of_layer(layer, *FEED)
    norms = [of_layer(layer, f"norm{number}.weight", f"norm{number}.bias") for number in (1, 2, 3)]
    own, cross = projections(layer, "self_attn"), projections(layer, "multihead_attn")
    found, _ = transformer.decoder_layer_forward(
        tgt,
        memory,
        *own,
        *norms[0],
        *cross,
        *norms[1],
        W1.T,
        b1,
        W2.T,
        b2,
        *norms[2],
        tgt_mask=np.tri(3),
    )
    hidden = t(np.tri(3) == 0)
    theirs = layer(t(tgt), t(memory), tgt_mask=hidden).detach().numpy()
    np.testing.assert_allclose(found, theirs, rtol=1e-9)


def test_lstms_of_the_textbook_are_those_of_the_course_in_another_order():
    rng = np.random.default_rng(0)
    x, h, c, Wx, Wh, b = (
        rng.standard_normal(shape) for shape in [(2, 4), (2, 3), (2, 3), (4, 12), (3, 12), (12,)]
    )
    order = np.arange(12).reshape(4, 3)[[1, 3, 0, 2]].ravel()  # i f o g to f g i o
    layer = steps.LSTM(Wx[:, order], Wh[:, order], b[order])
    found = layer.forward(x, h, c)
    np.testing.assert_allclose(found, rnn.lstm_step_forward(x, h, c, Wx, Wh, b)[:2], rtol=1e-12)


def test_losses_of_linear_classifiers_are_the_same_with_and_without_loops():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((5, 3)), rng.standard_normal((7, 5)), rng.integers(0, 3, 7), 0.1
    for name in ("svm", "softmax"):
        naive, fast = (
            getattr(linear_classifier, f"{name}_loss_{kind}")(*inputs)
            for kind in ("naive", "vectorized")
        )
        for one, other in zip(naive, fast, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
    _, dW = linear_classifier.softmax_loss_naive(*inputs)
    W, X, y, reg = inputs
    np.testing.assert_allclose(dW, X.T @ layers.softmax_loss(X @ W, y)[1] + 2 * reg * W)
