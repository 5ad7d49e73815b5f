"""The numbers that course notebooks print, against the formulas.

Inputs are grids, as there; sources and the error that each expects stand beside them. CS231n is
github:cs231n/cs231n.github.io, assignments 2018 to 2026; EECS 498 is that of Michigan, A5.
"""

import numpy as np
import pytest


def grid(a, b, *shape):
    return np.linspace(a, b, int(np.prod(shape))).reshape(shape)


# CS231n, ConvolutionalNetworks.ipynb: conv_forward_naive, max_pool_forward_naive
CONV = np.array(
    [
        [
            [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
            [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
            [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
        ],
        [
            [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
            [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
            [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
        ],
    ]
)
MAX_POOL = np.array(
    [
        [
            [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
            [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
            [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
        ],
        [
            [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
            [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
            [[0.32631579, 0.34105263], [0.38526316, 0.4]],
        ],
    ]
)
# CS231n, RNN_Captioning.ipynb: rnn_step_forward, rnn_forward, word_embedding_forward
RNN_STEP = np.array(
    [
        [-0.58172089, -0.50182032, -0.41232771, -0.31410098],
        [0.66854692, 0.79562378, 0.87755553, 0.92795967],
        [0.97934501, 0.99144213, 0.99646691, 0.99854353],
    ]
)
RNN = np.array(
    [
        [
            [-0.42070749, -0.27279261, -0.11074945, 0.05740409, 0.22236251],
            [-0.39525808, -0.22554661, -0.0409454, 0.14649412, 0.32397316],
            [-0.42305111, -0.24223728, -0.04287027, 0.15997045, 0.35014525],
        ],
        [
            [-0.55857474, -0.39065825, -0.19198182, 0.02378408, 0.23735671],
            [-0.27150199, -0.07088804, 0.13562939, 0.33099728, 0.50158768],
            [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043],
        ],
    ]
)
WORDS = np.array(
    [
        [
            [0.0, 0.07142857, 0.14285714],
            [0.64285714, 0.71428571, 0.78571429],
            [0.21428571, 0.28571429, 0.35714286],
            [0.42857143, 0.5, 0.57142857],
        ],
        [
            [0.42857143, 0.5, 0.57142857],
            [0.21428571, 0.28571429, 0.35714286],
            [0.0, 0.07142857, 0.14285714],
            [0.64285714, 0.71428571, 0.78571429],
        ],
    ]
)
# CS231n, LSTM_Captioning.ipynb: lstm_step_forward, lstm_forward
LSTM_STEP_H = np.array(
    [
        [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
        [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
        [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299],
    ]
)
LSTM_STEP_C = np.array(
    [
        [0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407],
        [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345],
        [0.74192008, 0.90592151, 1.07717006, 1.25120233, 1.42395676],
    ]
)
LSTM = np.array(
    [
        [
            [0.01764008, 0.01823233, 0.01882671, 0.0194232],
            [0.11287491, 0.12146228, 0.13018446, 0.13902939],
            [0.31358768, 0.33338627, 0.35304453, 0.37250975],
        ],
        [
            [0.45767879, 0.4761092, 0.4936887, 0.51041945],
            [0.6704845, 0.69350089, 0.71486014, 0.7346449],
            [0.81733511, 0.83677871, 0.85403753, 0.86935314],
        ],
    ]
)
# EECS 498, Transformers.ipynb, cells 30, 31, 64: scaled dot-product attention
ATTENTION = np.array(
    [
        [0.0828299969, 0.140729994, 0.198620006, 0.256520003],
        [0.135179996, 0.193079993, 0.250970006, 0.308869988],
        [0.188480005, 0.246370003, 0.304269999, 0.362159997],
        [0.240909994, 0.298810005, 0.356700003, 0.414600015],
        [0.290809989, 0.348710001, 0.406599998, 0.46450001],
    ]
)
ATTENTION_BATCH = np.array(
    [
        [
            [-0.0960299969, -0.0678199977, -0.0396200009, -0.0114099998],
            [-0.0899100006, -0.0617000014, -0.0335000008, -0.00528999977],
            [-0.0837600008, -0.0555600002, -0.0273499992, 0.000850000011],
            [-0.0776000023, -0.0493899994, -0.0211900007, 0.0070199999],
            [-0.0714299977, -0.0432199985, -0.0150199998, 0.0131900003],
        ],
        [
            [0.498840004, 0.527050018, 0.555249989, 0.583459973],
            [0.504989982, 0.533190012, 0.561399996, 0.589600027],
            [0.511110008, 0.539309978, 0.567520022, 0.595719993],
            [0.517180026, 0.54539001, 0.573589981, 0.601800025],
            [0.523209989, 0.551410019, 0.579620004, 0.607819974],
        ],
    ]
)
ATTENTION_CAUSAL = np.array(
    [
        [
            [0.400000006, 0.411430001, 0.422859997],
            [0.417030007, 0.428460002, 0.439889997],
            [0.434080005, 0.44551, 0.456939995],
        ],
        [
            [0.50286001, 0.514289975, 0.525709987],
            [0.519990027, 0.531419992, 0.542850018],
            [0.537199974, 0.548629999, 0.560060024],
        ],
        [
            [0.60571003, 0.617139995, 0.62857002],
            [0.622940004, 0.634370029, 0.645799994],
            [0.640320003, 0.651750028, 0.663179994],
        ],
        [
            [0.708570004, 0.720000029, 0.731429994],
            [0.725899994, 0.737330019, 0.748759985],
            [0.743439972, 0.754869998, 0.766300023],
        ],
    ]
)
# EECS 498, Transformers.ipynb, cells 39, 43: one head and two, with linear layers
SELF_ATTENTION = np.array(
    [
        [
            [-1.10381997, -0.372189999, 0.359439999, 1.09107995],
            [-1.45791996, -0.500670016, 0.456580013, 1.41384006],
            [-1.74348998, -0.604279995, 0.534929991, 1.67413998],
            [-1.92584002, -0.670440018, 0.58494997, 1.84035003],
        ],
        [
            [-4.59671021, -1.63952005, 1.31766999, 4.27485991],
            [-4.65585995, -1.66097999, 1.33389997, 4.32877016],
            [-4.69005013, -1.67339003, 1.34327996, 4.35994005],
            [-4.71039009, -1.68077004, 1.34886003, 4.37847996],
        ],
    ]
)
MULTI_HEAD = np.array(
    [
        [
            [-0.231040001, 0.501320004, 1.23367, 1.96603],
            [0.683239996, 1.17868996, 1.67412996, 2.16957998],
            [1.40235996, 1.71147001, 2.02058005, 2.32968998],
            [1.77330005, 1.98628998, 2.19928002, 2.41227007],
        ],
        [
            [6.74946022, 5.67301989, 4.59659004, 3.52014995],
            [6.82812977, 5.73130989, 4.63449001, 3.5376699],
            [6.86685991, 5.76000977, 4.65315008, 3.54629993],
            [6.88665009, 5.77466011, 4.66268015, 3.55069995],
        ],
    ]
)
# EECS 498, Transformers.ipynb, cells 48, 75: layer norm; positions by sines
LAYER_NORM = np.array(
    [[-1.34164, -0.447210014, 0.447210014, 1.34164], [-1.34164, -0.447210014, 0.447210014, 1.34164]]
)
POSITIONS = np.array(
    [
        [
            [0.0, 1.0, 0.0, 1.0],
            [0.841470003, 0.540300012, 0.841470003, 0.540300012],
            [0.909300029, -0.416150004, 0.909300029, -0.416150004],
            [0.141120002, -0.989989996, 0.141120002, -0.989989996],
        ]
    ]
)
ODD_POSITIONS = np.array(
    [
        [
            [0.0, 1.0, 0.0],
            [0.841470003, 0.540300012, 0.841470003],
            [0.909300029, -0.416150004, 0.909300029],
            [0.141120002, -0.989989996, 0.141120002],
            [-0.756799996, -0.653639972, -0.756799996],
        ]
    ]
)
# EECS 498, rnn_lstm_captioning.ipynb, cell 61: dot-product attention over a map
MAP = np.array(
    [
        [-0.29784344, -0.07645979, 0.14492386, 0.36630751, 0.58769115],
        [0.81412643, 1.03551008, 1.25689373, 1.47827738, 1.69966103],
    ]
)
MAP_WEIGHTS = np.array(
    [
        [
            [0.06511126, 0.06475411, 0.06439892, 0.06404568],
            [0.06369438, 0.063345, 0.06299754, 0.06265198],
            [0.06230832, 0.06196655, 0.06162665, 0.06128861],
            [0.06095243, 0.06061809, 0.06028559, 0.05995491],
        ],
        [
            [0.05717142, 0.05784357, 0.05852362, 0.05921167],
            [0.05990781, 0.06061213, 0.06132473, 0.06204571],
            [0.06277517, 0.0635132, 0.06425991, 0.0650154],
            [0.06577977, 0.06655312, 0.06733557, 0.06812722],
        ],
    ]
)
# CS231n, Transformer_Captioning.ipynb: cross-attention, nothing dropped; positions, one dropped
OTHER_DATA = np.array(
    [
        [
            [
                0.79678893,
                -3.8416378,
                0.32457402,
                1.5292437,
                -1.8015834,
                1.2095803,
                -0.113985226,
                -3.1421766,
            ],
            [
                1.11167,
                -0.6274051,
                -0.81593907,
                0.5021773,
                0.56859034,
                1.5485797,
                0.004679979,
                0.2828912,
            ],
            [
                -1.3276207,
                0.20421953,
                -1.0594296,
                0.57703984,
                -0.7578852,
                1.0589619,
                -0.7544378,
                1.4896368,
            ],
        ]
    ]
)
CROSS = np.array(
    [
        [
            [-0.198, 0.4083, 0.1968, -0.3477, 0.0321, 0.4258, -0.8972, -0.2744],
            [-0.1603, 0.4155, 0.2295, -0.3485, -0.0341, 0.3929, -0.8248, -0.2767],
            [-0.0908, 0.4113, 0.3017, -0.3539, -0.102, 0.3784, -0.7189, -0.2912],
        ]
    ]
)
PLACED_DATA = np.array(
    [
        [
            [-1.1105818, 0.00141212, 1.528024, -1.0778338, -0.6963548, 0.14548545],
            [-0.02898829, -0.9705646, 0.45174018, -0.26694688, 1.1358207, 0.5330578],
        ]
    ]
)
PLACED = np.array(
    [
        [
            [-1.234, 1.1127, 1.6978, -0.0865, -0.0, 1.2728],
            [0.9028, -0.4781, 0.5535, 0.8133, 1.2644, 1.7034],
        ]
    ]
)


LSTM_STEP = {
    "x": grid(-0.4, 1.2, 3, 4),
    "prev_h": grid(-0.3, 0.7, 3, 5),
    "prev_c": grid(-0.4, 0.9, 3, 5),
    "Wx_": grid(-2.1, 1.3, 4, 20),
    "Wh_": grid(-0.7, 2.2, 5, 20),
    "b_": np.linspace(0.3, 0.7, 20),
}
LSTM_SEQUENCE = {
    "x": grid(-0.4, 0.6, 2, 3, 5),
    "h0": grid(-0.4, 0.8, 2, 4),
    "Wx_": grid(-0.2, 0.9, 5, 16),
    "Wh_": grid(-0.3, 0.6, 4, 16),
    "b_": np.linspace(0.2, 0.7, 16),
}
RNN_STEP_GIVEN = {
    "x": grid(-0.4, 0.7, 3, 10),
    "prev_h": grid(-0.2, 0.5, 3, 4),
    "Wx_": grid(-0.1, 0.9, 10, 4),
    "Wh_": grid(-0.3, 0.7, 4, 4),
    "b_": np.linspace(-0.2, 0.4, 4),
}
RNN_SEQUENCE = {
    "x": grid(-0.1, 0.3, 2, 3, 4),
    "h0": grid(-0.3, 0.1, 2, 5),
    "Wx_": grid(-0.2, 0.4, 4, 5),
    "Wh_": grid(-0.4, 0.1, 5, 5),
    "b_": np.linspace(-0.7, 0.1, 5),
}
QKV = {
    "q": grid(-0.4, 0.6, 2, 5, 4),
    "k": grid(-0.8, 0.5, 2, 5, 4),
    "v": grid(-0.3, 0.8, 2, 5, 4),
}
# Of PyTorch's linear layers: the rows of a weight are outputs. All parameters are grids.
LINEAR = {
    **{f"{one}_weight_": grid(-1.4, 1.3, 4, 4) for one in ("query", "key", "value")},
    **{f"{one}_bias_": grid(-1.4, 1.3, 4) for one in ("query", "key", "value")},
}
SELF = {
    "query": grid(-0.4, 0.6, 2, 4, 4),
    "key": grid(-0.8, 0.5, 2, 4, 4),
    "value": grid(-0.3, 0.8, 2, 4, 4),
}
# Each of two heads has its own layers, from 4 to 8 features.
TWO_HEADS = {
    **{
        f"{one}_weight_": np.tile(grid(-1.4, 1.3, 8, 4), (2, 1))
        for one in ("query", "key", "value")
    },
    **{f"{one}_bias_": np.tile(grid(-1.4, 1.3, 8), 2) for one in ("query", "key", "value")},
    "out_weight_": grid(-1.4, 1.3, 4, 16),
    "out_bias_": grid(-1.4, 1.3, 4),
}
NUMBERS = [
    (
        "conv",
        CONV,
        1e-8,
        {
            "x": grid(-0.1, 0.5, 2, 3, 4, 4),
            "w_": grid(-0.2, 0.3, 3, 3, 4, 4),
            "b_": np.linspace(-0.1, 0.2, 3),
            "stride": 2,
            "pad": 1,
        },
    ),
    (
        "maxpool",
        MAX_POOL,
        1e-8,
        {"x": grid(-0.3, 0.4, 2, 3, 4, 4), "pool_width": 2, "pool_height": 2, "stride": 2},
    ),
    ("rnn", RNN_STEP, 1e-8, RNN_STEP_GIVEN),
    ("rnn", RNN, 1e-7, RNN_SEQUENCE),
    (
        "embedding",
        WORDS,
        1e-8,
        {"x": np.array([[0, 3, 1, 2], [2, 1, 0, 3]]), "W_": grid(0, 1, 5, 3)},
    ),
    ("lstm", (LSTM_STEP_H, LSTM_STEP_C), 1e-8, LSTM_STEP),
    ("lstm", LSTM, 1e-7, LSTM_SEQUENCE),
    (
        "attention",
        ATTENTION,
        1e-5,
        {"q": grid(-0.4, 0.6, 5, 4), "k": grid(-0.8, 0.5, 5, 4), "v": grid(-0.3, 0.8, 5, 4)},
    ),
    ("attention", ATTENTION_BATCH, 1e-5, QKV),
    (
        "causalattention",
        ATTENTION_CAUSAL,
        1e-5,
        {
            "q": grid(-0.4, 0.6, 4, 3, 3),
            "k": grid(-0.1, 0.2, 4, 3, 3),
            "v": grid(0.4, 0.8, 4, 3, 3),
        },
    ),
    ("multiheadattention", SELF_ATTENTION, 1e-5, {**SELF, **LINEAR, "heads": 1}),
    ("multiheadattention", MULTI_HEAD, 1e-5, {**SELF, **TWO_HEADS, "heads": 2}),
    (
        "layernorm",
        LAYER_NORM,
        1e-5,
        {"x": grid(-0.4, 0.6, 2, 4), "gamma_": np.ones(4), "beta_": np.zeros(4), "eps": 1e-10},
    ),
    (
        "attention",
        (MAP, MAP_WEIGHTS),
        1e-8,
        {"prev_h": grid(-0.4, 0.6, 2, 5), "A": grid(-0.4, 1.8, 2, 5, 4, 4)},
    ),
]


@pytest.mark.parametrize(("name", "printed", "error", "given"), NUMBERS)
def test_a_formula_gives_the_numbers_of_a_course(formula, name, printed, error, given):
    outs = formula(name, **given)
    if not isinstance(printed, tuple):
        printed, outs = (printed,), (outs[0] if isinstance(outs, tuple) else outs,)
    for out, right in zip(outs, printed, strict=True):
        assert out.shape == right.shape
        assert abs(out - right).max() < error * max(1, abs(right).max())


def test_positions_of_cs231n_with_what_it_kept_of_them(formula):
    kept = PLACED != 0  # and divided by 0.9
    placed = formula("positionalencoding", x=PLACED_DATA)
    np.testing.assert_allclose(placed[kept], 0.9 * PLACED[kept], atol=1e-4)


@pytest.mark.parametrize("printed", [POSITIONS, ODD_POSITIONS])
def test_positions_of_eecs_498_are_a_convention_of_their_own(judged, printed):
    _, T, D = printed.shape
    step, column = np.indices((T, D))
    right = np.where(column % 2, np.cos(step), np.sin(step))
    np.testing.assert_allclose(right, printed[0], atol=1e-5)
    x = grid(-1, 1, *printed.shape)
    said, notes = judged("positionalencoding", x + right, x=x)
    assert not said
    assert "as in EECS 498" in notes[0]


def grids(**shapes):
    return {f"{name}_": grid(-1.4, 1.3, *shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("cell", "gates", "features", "loss"),
    [("rnn", 1, (-1.5, 0.3), 9.83235591003), ("lstm", 4, (-0.5, 1.7), 9.82445935443)],
)
def test_captioning_has_the_loss_of_the_course(formula, cell, gates, features, loss):
    """CS231n: word_to_idx of 3 words with <NULL> as 0, vectors of 30, states of 40."""
    captions = (np.arange(130) % 3).reshape(10, 13)
    given, wanted = captions[:, :-1], captions[:, 1:]
    h0 = formula("affine", x=grid(*features, 10, 20), **grids(W=(20, 40), b=(40,)))
    words = formula("embedding", x=given, **grids(W=(3, 30)))
    weights = grids(Wx=(30, 40 * gates), Wh=(40, 40 * gates), b=(40 * gates,))
    h = formula(cell, x=words, h0=h0, **weights)
    scores = formula("temporalaffine", x=h, **grids(w=(40, 3), b=(3,)))
    mask = (wanted != 0).astype(float)
    assert abs(formula("temporalsoftmax", x=scores, y=wanted, mask=mask) - loss) < 1e-10


def test_cross_attention_of_two_heads_with_the_weights_that_pytorch_draws(formula):
    torch = pytest.importorskip("torch")
    torch.manual_seed(231)
    layers = {name: torch.nn.Linear(8, 8) for name in ("key", "query", "value", "proj")}
    arrays = {
        f"{name}_{one}_": getattr(layer, one).detach().double().numpy()
        for name, layer in layers.items()
        for one in ("weight", "bias")
    }
    data = torch.randn(1, 3, 8).numpy().astype(np.float64)
    inputs = {"query": data, "key": OTHER_DATA, "value": OTHER_DATA}
    out, _ = formula("multiheadattention", **inputs, **arrays, num_heads=2)
    # Dropout was on: it dropped nothing, and divided the weights by 0.9.
    bias = arrays["proj_bias_"]
    np.testing.assert_allclose((out - bias) / 0.9 + bias, CROSS, atol=1e-3)
