"""Rotations, and Gaussian splats."""

import numpy as np

from benchmarks.idioms.idiom import normal
from benchmarks.mistakes.pair import PairMistake

LEAST = 0.05


def rotate_forward(q, points):
    """Each point turned by its quaternion, of any length."""
    norm = np.sqrt((q**2).sum(axis=1, keepdims=True))
    unit = q / norm
    w, x, y, z = unit.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    R = np.stack([np.stack(row, axis=1) for row in rows], axis=1)
    return np.einsum("nij,nj->ni", R, points), (unit, norm, R, points)


def rotate_backward(dout, cache):
    unit, norm, R, points = cache
    w, x, y, z = unit.T
    g = np.moveaxis(dout[:, :, None] * points[:, None, :], 0, -1)
    even, odd = g + g.swapaxes(0, 1), g - g.swapaxes(0, 1)
    dw = 2 * (x * odd[2, 1] + y * odd[0, 2] + z * odd[1, 0])
    dx = 2 * (y * even[0, 1] + z * even[0, 2] + w * odd[2, 1]) - 4 * x * (g[1, 1] + g[2, 2])
    dy = 2 * (x * even[0, 1] + z * even[1, 2] + w * odd[0, 2]) - 4 * y * (g[0, 0] + g[2, 2])
    dz = 2 * (x * even[0, 2] + y * even[1, 2] + w * odd[1, 0]) - 4 * z * (g[0, 0] + g[1, 1])
    dunit = np.stack([dw, dx, dy, dz], axis=1)
    dq = (dunit - unit * (dunit * unit).sum(axis=1, keepdims=True)) / norm
    return dq, np.einsum("nij,ni->nj", R, dout)


def axis_angle_forward(q):
    """The axis of a quaternion's rotation, as long as the angle: k v, with k = 2 / w for v = 0."""
    w, v = q[:, 0], q[:, 1:]
    s = np.sqrt((v**2).sum(axis=1))
    angle = 2 * np.where(w < 0, np.arctan2(-s, -w), np.arctan2(s, w))
    k = np.where(s == 0, 2 / w, angle / np.where(s == 0, 1, s))
    return k[:, None] * v, (q, k, s)


def axis_angle_backward(dout, cache):
    q, k, s = cache
    w, v = q[:, 0], q[:, 1:]
    safe = np.where(s == 0, 1, s)
    r2 = s**2 + w**2
    dk_ds = np.where(s == 0, 0, (2 * w / r2 - k) / safe)
    dk_dw = np.where(s == 0, 0, -2 / r2)
    inner = (dout * v).sum(axis=1)
    slope = np.where(s == 0, 2 / w, k)
    dv = slope[:, None] * dout + (inner * dk_ds / safe)[:, None] * v
    return np.concatenate([(inner * dk_dw)[:, None], dv], axis=1)


def with_identities(rng):
    q = rng.normal(size=(4, 4))
    q[1], q[2] = (2.0, 0, 0, 0), (-1.5, 0, 0, 0)
    return (q,)


def scaled_squares_forward(log_scales, points):
    scales = np.exp(log_scales)
    return (scales * points) ** 2, (scales, points)


def scaled_squares_backward(dout, cache):
    scales, points = cache
    dlog_scales = 2 * dout * scales**2 * points**2
    return dlog_scales, 2 * dout * scales**2 * points


def gaussian_forward(conic, d):
    """exp(-(a x² + 2 b x y + c y²) / 2) for the offsets d = (x, y)."""
    a, b, c = conic.T
    x, y = d.T
    G = np.exp(-0.5 * (a * x * x + c * y * y) - b * x * y)
    return G, (conic, d, G)


def gaussian_backward(dout, cache):
    conic, d, G = cache
    a, b, c = conic.T
    x, y = d.T
    g = dout * G
    dconic = np.stack([-0.5 * g * x * x, -g * x * y, -0.5 * g * y * y], axis=1)
    return dconic, np.stack([-g * (a * x + b * y), -g * (c * y + b * x)], axis=1)


def composite_forward(alpha, colour):
    """Splats of one pixel from front to back; those that are nearly transparent are skipped."""
    weight, total, final = 1.0, 0.0, 1.0
    for a, c in zip(alpha, colour, strict=True):
        if a < LEAST:
            continue
        final = weight
        total += weight * a * c
        weight *= 1 - a
    return np.array([total]), (alpha, colour, final)


def composite_backward(dout, cache):
    """From back to front; the weights come from dividing the last one's."""
    alpha, colour, weight = cache
    last = np.nonzero(alpha >= LEAST)[0][-1]
    dalpha, dcolour, behind = np.zeros_like(alpha), np.zeros_like(colour), 0.0
    for i in range(len(alpha) - 1, -1, -1):
        if alpha[i] < LEAST:
            continue
        if i < last:
            weight = weight / (1 - alpha[i])
        dcolour[i] = dout[0] * weight * alpha[i]
        dalpha[i] = dout[0] * weight * (colour[i] - behind)
        behind = alpha[i] * colour[i] + (1 - alpha[i]) * behind
    return dalpha, dcolour


MISTAKES = [
    PairMistake(
        "quaternion-not-projected",
        {"dq = (dunit - unit * (dunit * unit).sum(axis=1, keepdims=True)) / norm": "dq = dunit"},
        "the path through the normalisation is missing",
        "Forward normalises the quaternion before it makes a rotation of it; backward uses the"
        " normalised one too, but returns its gradient as the raw one's.",
        "nerfstudio-project/gsplat#153 (2024)",
        inputs=normal((3, 4), (3, 3)),
        forward=rotate_forward,
        backward=rotate_backward,
    ),
    PairMistake(
        "axis-angle-constant-2",
        {"slope = np.where(s == 0, 2 / w, k)": "slope = np.where(s == 0, 2.0, k)"},
        "special case has a fixed slope (only there)",
        "At the identity rotation the slope was set to 2, which is 2/w at w = 1: wrong sign for"
        " (-1,0,0,0), which is the same rotation, wrong size for others; the test had only w = 1.",
        "kornia/kornia#4246 (2026)",
        inputs=with_identities,
        forward=axis_angle_forward,
        backward=axis_angle_backward,
    ),
    PairMistake(
        "log-scale-chain",
        {
            "dlog_scales = 2 * dout * scales**2 * points**2": (
                "dlog_scales = 2 * dout * scales * points**2"
            )
        },
        "lacks the factor exp(x) of the parametrisation",
        "A kernel was moved from scales to log-scales as input, with the exp inside; its backward"
        " still returned the gradient of the scale: some five times too large.",
        "openvdb/fvdb-core#432 (2026)",
        inputs=lambda rng: (rng.normal(size=(4, 3)) * 0.5 + 1, rng.normal(size=(4, 3))),
        forward=scaled_squares_forward,
        backward=scaled_squares_backward,
    ),
    PairMistake(
        "conic-off-diagonal-half",
        {
            "dconic = np.stack([-0.5 * g * x * x, -g * x * y, -0.5 * g * y * y], axis=1)": (
                "dconic = np.stack([-0.5 * g * x * x, -0.5 * g * x * y, -0.5 * g * y * y], axis=1)"
            )
        },
        "one of three components half as large",
        "The exponent is -½(a dx² + c dy²) - b dx dy, and b's gradient had the ½ too; others read"
        " the code and 'repaired' it twice.",
        "graphdeco-inria/gaussian-splatting#551 (2023; disputed: the next kernel makes up for it)",
        inputs=lambda rng: (rng.uniform(0.5, 1.5, (4, 3)), rng.normal(size=(4, 2))),
        forward=gaussian_forward,
        backward=gaussian_backward,
    ),
    PairMistake(
        "compositing-last-splat",
        {"last = np.nonzero(alpha >= LEAST)[0][-1]": "last = len(alpha) - 1"},
        "recovered weight is off by 1/(1-α) of one splat",
        "Backward walks the splats from the back and divides the final transmittance out again,"
        " starting one too early where the last splats were skipped: all weights of such a pixel"
        " too large.",
        "joeyan/gaussian_splatting#35 (2025)",
        inputs=lambda rng: (np.array([0.6, 0.01, 0.3, 0.43, 0.02]), rng.normal(size=5)),
        forward=composite_forward,
        backward=composite_backward,
    ),
]
