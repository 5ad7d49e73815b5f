"""Update rules, and mistakes in them."""

import numpy as np

from benchmarks.mistakes.mistake import Mistake


class Rule:
    """`update(params, grads)` changes the arrays of `params` in place."""

    def __init__(self):
        self.state = {}

    def kept(self, key, like):
        return self.state.setdefault(key, np.zeros(like.shape))

    @classmethod
    def examples(cls, rng):
        def draw():
            return {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}

        yield "plain", cls(), draw(), [draw() for _ in range(5)]


class SGD(Rule):
    def __init__(self, rate=0.1, decay=0.05):
        super().__init__()
        self.rate = rate
        self.decay = decay

    def update(self, params, grads):
        for key, w in params.items():
            step = grads[key] + self.decay * w
            w -= self.rate * step


class Momentum(Rule):
    def __init__(self, rate=0.1, mu=0.9):
        super().__init__()
        self.rate = rate
        self.mu = mu

    def update(self, params, grads):
        for key, w in params.items():
            v = self.kept(key, w)
            v *= self.mu
            v -= self.rate * grads[key]
            w += v


class Nesterov(Rule):
    def __init__(self, rate=0.1, mu=0.9):
        super().__init__()
        self.rate = rate
        self.mu = mu

    def update(self, params, grads):
        for key, w in params.items():
            v = self.kept(key, w)
            before = v.copy()
            v[...] = self.mu * v - self.rate * grads[key]
            w += v + self.mu * (v - before)


class AdaGrad(Rule):
    def __init__(self, rate=0.1, eps=1e-8):
        super().__init__()
        self.rate = rate
        self.eps = eps

    def update(self, params, grads):
        for key, w in params.items():
            seen = self.kept(key, w)
            seen += grads[key] ** 2
            w -= self.rate * grads[key] / (np.sqrt(seen) + self.eps)


class RMSProp(Rule):
    def __init__(self, rate=0.01, decay=0.9, eps=1e-8):
        super().__init__()
        self.rate = rate
        self.decay = decay
        self.eps = eps

    def update(self, params, grads):
        for key, w in params.items():
            mean = self.kept(key, w)
            mean[...] = self.decay * mean + (1 - self.decay) * grads[key] ** 2
            size = np.sqrt(mean)
            w -= self.rate * grads[key] / (size + self.eps)


class Adam(Rule):
    def __init__(self, rate=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__()
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.steps = 0

    def update(self, params, grads):
        self.steps += 1
        for key, w in params.items():
            m = self.kept(f"{key}.m", w)
            v = self.kept(f"{key}.v", w)
            m[...] = self.beta1 * m + (1 - self.beta1) * grads[key]
            v[...] = self.beta2 * v + (1 - self.beta2) * grads[key] ** 2
            mean = m / (1 - self.beta1**self.steps)
            square = v / (1 - self.beta2**self.steps)
            w -= self.rate * mean / (np.sqrt(square) + self.eps)


def wrong(name, rule, kind, patch, says, also=()):
    return Mistake(name, rule, kind, ("W", "b"), patch, says, shows="five updates", also=also)


MISTAKES = [
    wrong(
        "sgd-decay-no-lr",
        SGD,
        "scale",
        {"w -= self.rate * step": "w -= self.rate * grads[key] + self.decay * w"},
        "The decay is not multiplied by the learning rate.",
    ),
    wrong(
        "momentum-sign",
        Momentum,
        "sign",
        {"v -= self.rate * grads[key]": "v += self.rate * grads[key]"},
        "The velocity points uphill.",
    ),
    wrong(
        "momentum-missing-mu",
        Momentum,
        "missing-term",
        {"v *= self.mu": ""},
        "The velocity never decays.",
    ),
    wrong(
        "nesterov-plain",
        Nesterov,
        "missing-term",
        {"w += v + self.mu * (v - before)": "w += v"},
        "The step does not look ahead: this is plain momentum.",
    ),
    wrong(
        "nesterov-new-v-twice",
        Nesterov,
        "swapped",
        {"before = v.copy()": "before = v"},
        "The old velocity is the same array as the new one, and the look-ahead vanishes.",
        also=("missing-term",),
    ),
    wrong(
        "adagrad-overwrites",
        AdaGrad,
        "overwrite",
        {"seen += grads[key] ** 2": "seen[...] = grads[key] ** 2"},
        "The squares replace those seen before instead of adding to them.",
    ),
    wrong(
        "adagrad-eps-inside",
        AdaGrad,
        "stability",
        {
            "w -= self.rate * grads[key] / (np.sqrt(seen) + self.eps)": (
                "w -= self.rate * grads[key] / np.sqrt(seen + self.eps)"
            )
        },
        "eps stands under the root, where it is ten thousand times larger.",
    ),
    wrong(
        "rmsprop-decay-swapped",
        RMSProp,
        "swapped",
        {
            "mean[...] = self.decay * mean + (1 - self.decay) * grads[key] ** 2": (
                "mean[...] = (1 - self.decay) * mean + self.decay * grads[key] ** 2"
            )
        },
        "The weights of the old average and of the new square are exchanged.",
    ),
    wrong(
        "rmsprop-old-average",
        RMSProp,
        "stale-cache",
        {
            "mean = self.kept(key, w)": "mean = self.kept(key, w)\nold = mean + 1",
            "size = np.sqrt(mean)": "size = np.sqrt(old)",
        },
        "The step is divided by the average of before this gradient.",
    ),
    wrong(
        "adam-no-correction",
        Adam,
        "missing-term",
        {
            "mean = m / (1 - self.beta1**self.steps)": "mean = m",
            "square = v / (1 - self.beta2**self.steps)": "square = v",
        },
        "The averages that started at 0 are not corrected for it.",
    ),
    wrong(
        "adam-correction-multiplied",
        Adam,
        "swapped",
        {
            "mean = m / (1 - self.beta1**self.steps)": "mean = m * (1 - self.beta1**self.steps)",
            "square = v / (1 - self.beta2**self.steps)": (
                "square = v * (1 - self.beta2**self.steps)"
            ),
        },
        "The correction is multiplied where it divides.",
        also=("scale",),
    ),
    wrong(
        "adam-no-power",
        Adam,
        "missing-term",
        {
            "mean = m / (1 - self.beta1**self.steps)": "mean = m / (1 - self.beta1)",
            "square = v / (1 - self.beta2**self.steps)": "square = v / (1 - self.beta2)",
        },
        "The correction is that of the first step for ever.",
    ),
    wrong(
        "adam-t-per-parameter",
        Adam,
        "stale-cache",
        {'m = self.kept(f"{key}.m", w)': 'self.steps += 1\nm = self.kept(f"{key}.m", w)'},
        "The steps are counted once more for every parameter.",
    ),
    wrong(
        "adam-v-not-squared",
        Adam,
        "missing-term",
        {
            "v[...] = self.beta2 * v + (1 - self.beta2) * grads[key] ** 2": (
                "v[...] = self.beta2 * v + (1 - self.beta2) * abs(grads[key])"
            )
        },
        "The second moment averages absolute values.",
    ),
    wrong(
        "adam-betas-swapped",
        Adam,
        "swapped",
        {
            "m[...] = self.beta1 * m + (1 - self.beta1) * grads[key]": (
                "m[...] = self.beta2 * m + (1 - self.beta2) * grads[key]"
            ),
            "v[...] = self.beta2 * v + (1 - self.beta2) * grads[key] ** 2": (
                "v[...] = self.beta1 * v + (1 - self.beta1) * grads[key] ** 2"
            ),
        },
        "Each average decays at the other's rate.",
    ),
    wrong(
        "adam-eps-inside",
        Adam,
        "stability",
        {
            "w -= self.rate * mean / (np.sqrt(square) + self.eps)": (
                "w -= self.rate * mean / np.sqrt(square + self.eps)"
            )
        },
        "eps stands under the root.",
    ),
]
