import numpy as np
import pytest

from chainrule import solvers
from chainrule.gradcheck.update_rules import check_update
from chainrule.gradcheck.update_rules.families import family_of


class Rule:
    """One rule with switches, each of which plants a mistake."""

    def __init__(self, **wrong):
        self.lr, self.wrong, self.memory, self.t = 0.1, wrong, {}, 0

    def recall(self, name, w, *, kinds=1):
        return self.memory.setdefault(name, [np.zeros_like(w) for _ in range(kinds)])


class Momentum(Rule):
    momentum = 0.8

    def update(self, params, grads):
        for name, w in params.items():
            (v,) = self.recall(name, w)
            v *= self.wrong.get("keep", self.momentum)
            v -= self.wrong.get("sign", 1) * self.lr * grads[name]
            w += v


class Nesterov(Rule):
    momentum = 0.8

    def update(self, params, grads):
        for name, w in params.items():
            (v,) = self.recall(name, w)
            v *= self.momentum
            v -= self.lr * grads[name]
            w += self.momentum * v
            w += v if self.wrong else -self.lr * grads[name]


class SGD(Rule):
    weight_decay = 0.04

    def update(self, params, grads):
        for name, w in params.items():
            decay = self.wrong.get("decay", self.weight_decay) * w
            w -= self.wrong.get("lr", self.lr) * (grads[name] + decay)


class RMSProp(Rule):
    decay, eps = 0.7, 1e-6

    def update(self, params, grads):
        for name, w in params.items():
            (s,) = self.recall(name, w)
            old = s.copy() + 1e-300
            keep, add = self.wrong.get("weights", (self.decay, 1 - self.decay))
            s *= keep
            s += add * np.abs(grads[name]) ** self.wrong.get("power", 2)
            used = old if "old" in self.wrong else s
            root = np.sqrt(used) + self.eps
            if "inside" in self.wrong:
                root = np.sqrt(used + self.eps)
            if "rootless" in self.wrong:
                root = used + self.eps
            w -= self.lr * grads[name] / root


class AdaGrad(RMSProp):
    def __init__(self, **wrong):
        super().__init__(**{"weights": (1, 1)} | wrong)


class Adam(Rule):
    beta1, beta2, eps = 0.8, 0.95, 1e-7

    def update(self, params, grads):
        self.t += 1
        for name, w in params.items():
            if "t" in self.wrong:
                self.t += 1
            m, v = self.recall(name, w, kinds=2)
            a, b = self.wrong.get("betas", (self.beta1, self.beta2))
            m += (1 - a) * (grads[name] - m)
            v += (1 - b) * (grads[name] ** 2 - v)
            correct = self.wrong.get("correct", lambda x, beta, t: x / (1 - beta**t))
            m, v = correct(m, a, self.t), correct(v, b, self.t)
            w -= self.lr * m / (np.sqrt(v) + self.eps)


class AdamW(Adam):
    weight_decay = 0.02

    def update(self, params, grads):
        for name, w in params.items():
            if name.startswith("W") or "biases" in self.wrong:
                w -= self.wrong.get("decay", self.lr * self.weight_decay) * w
        super().update(params, grads)


RIGHT = [
    *(rule() for rule in (Momentum, Nesterov, SGD, RMSProp, AdaGrad, Adam, AdamW)),
    solvers.SGD(0.1),
    solvers.SGD(0.01, momentum=0.9),
    solvers.SGD(0.3, momentum=0.5, nesterov=True),
    solvers.AdaGrad(),
    solvers.RMSProp(decay=0.9),
    solvers.Adam(),
    solvers.AdamW(lr=0.1, weight_decay=0.3),
]

WRONG = [
    (Momentum(sign=-1), "sign", "uphill"),
    (Momentum(keep=1), "missing-term", "does not decay"),
    (Momentum(keep=0), "overwrite", "overwritten"),
    (Momentum(keep=0.2), "swapped", "momentum and 1 - momentum are exchanged"),
    (Momentum(keep=-0.8), "sign", "sign of momentum"),
    (Nesterov(half=True), "missing-term", "- momentum v_prev"),
    (SGD(decay=0.4), "scale", "1/lr = 10"),
    (SGD(decay=-0.04), "sign", "weights grow"),
    (SGD(decay=0.08), "scale", "factor 2"),
    (SGD(decay=0), "missing-term", "do not decay"),
    (SGD(lr=0.01), "scale", "lr is applied twice"),
    (SGD(lr=1), "scale", "lr is missing"),
    (SGD(lr=0.03), "scale", "off by a factor 0.3"),
    (SGD(lr=-0.1), "sign", "uphill"),
    (AdaGrad(weights=(0, 1)), "overwrite", "overwritten instead of accumulated"),
    (AdaGrad(inside=True), "stability", "eps is inside the square root"),
    (AdaGrad(rootless=True), "missing-term", "square root is missing"),
    (RMSProp(weights=(0.3, 0.7)), "swapped", "decay and 1 - decay"),
    (RMSProp(weights=(1, 1)), "missing-term", "AdaGrad"),
    (RMSProp(weights=(0.7, 1)), "missing-term", "without the factor 1 - decay"),
    (RMSProp(old=True), "stale-cache", "previous average"),
    (RMSProp(power=1), "missing-term", "|g| instead of g²"),
    (Adam(t=True), "stale-cache", "t advances more than once"),
    (Adam(betas=(0.95, 0.8)), "swapped", "beta1 and beta2 are exchanged"),
    (Adam(correct=lambda x, *_: x), "missing-term", "bias correction is missing"),
    (Adam(correct=lambda x, b, t: x * (1 - b**t)), "swapped", "multiplies"),
    (Adam(correct=lambda x, b, _: x / (1 - b)), "missing-term", "ignores t"),
    (AdamW(decay=0.02), "scale", "not scaled by lr"),
]


@pytest.mark.parametrize("rule", RIGHT, ids=lambda rule: f"{type(rule).__module__[:8]}-{rule}"[:30])
def test_right_rules_pass_on_every_seed(rule):
    for seed in range(10):
        report = check_update(rule, seed=seed)
        assert report, report.findings
        assert {probe.outcome for probe in report.probes.values()} == {"passed"}


@pytest.mark.parametrize(("rule", "kind", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_rule_is_told_its_mistake_on_every_seed(rule, kind, words):
    for seed in range(3):
        (finding,) = check_update(rule, seed=seed).findings
        assert finding.kind == kind
        assert words in finding.message
        assert finding.tensor in ("W", "b")
        assert "should be" in finding.example


def test_a_nesterov_step_without_its_look_ahead_is_told_why():
    class Nesterov(Momentum):
        pass

    class NAG(Momentum):
        def update(self, params, grads):
            for name, w in params.items():
                (v_prev,) = self.recall(name, w)
                v = self.momentum * v_prev - self.lr * grads[name]
                v_prev[...] = v
                w += -self.momentum * v + (1 + self.momentum) * v

    (finding,) = check_update(Nesterov()).findings
    assert finding.kind == "missing-term"
    assert "plain momentum" in finding.message
    assert not check_update(Nesterov(), "nesterov")
    (finding,) = check_update(NAG()).findings
    assert "missing or cancels" in finding.message
    assert "which is v where v_prev is the new v" in finding.hint


@pytest.mark.parametrize("lost", ["lr", "decay", "unknown"])
def test_a_rule_with_unknown_settings_is_not_compared_with_a_formula(lost):
    class RMSProp(Rule):
        def __init__(self):
            self.lr, self.decay, self.memory, self.wrong = 0.1, 0.7, {}, {}
            vars(self).pop(lost, None)
            if lost == "unknown":
                self.warmth = 0.5

        def update(self, params, grads):
            for name, w in params.items():
                (s,) = self.recall(name, w)
                s += 0.4 * (grads[name] ** 2 - s)
                w -= 0.3 * grads[name] / (np.sqrt(s) + 1e-8)

    report = check_update(RMSProp())
    assert report
    assert report.probes["values"].outcome == "not applicable"
    assert "warmth" in report.notes[0] or f"no {lost}" in report.notes[0]


def test_decay_of_sgd_may_be_that_of_the_weights_or_of_the_learning_rate():
    class SGD(Rule):
        decay = 0.05

        def update(self, params, grads):
            self.t += 1
            for name, w in params.items():
                if self.wrong.get("weights"):
                    w -= self.lr * (grads[name] + self.decay * w)
                else:
                    w -= self.lr / (1 + self.decay * (self.t - 1)) * grads[name]

    assert not check_update(SGD(weights=True)).notes
    report = check_update(SGD())
    assert report
    assert "as in Keras" in report.notes[0]


def test_biases_may_decay_in_adamw_as_they_do_in_pytorch():
    report = check_update(AdamW(biases=True))
    assert report
    assert "as in PyTorch" in report.notes[0]


def test_two_mistakes_are_told_as_two():
    report = check_update(Adam(betas=(0.95, 0.8), t=True))
    assert [finding.kind for finding in report.findings] == ["swapped", "stale-cache"]


def test_what_no_mistake_explains_is_told_with_the_step_at_which_rules_part():
    class Adam(solvers.Adam):
        def begin_step(self, params):
            super().begin_step(params)
            self._rate *= 1 if self.state["t"] < 3 else 0.77

    (finding,) = check_update(Adam()).findings
    assert finding.kind == "unknown"
    assert "at step 3" in finding.message
    assert "The first step is right" in finding.hint


def test_a_rule_that_rebinds_or_does_nothing_is_told_so():
    class SGD(Rule):
        def update(self, params, grads):
            for name, w in params.items():
                params[name] = w - self.lr * grads[name]

    class Sgd(Rule):
        def update(self, params, grads):
            for name, w in params.items():
                w = w - self.lr * grads[name]

    (finding,) = check_update(SGD()).findings
    assert finding.kind == "mutation"
    assert "rebound" in finding.message
    (finding,) = check_update(Sgd()).findings
    assert (finding.kind, finding.message) == (
        "mutation",
        "update leaves the parameters as they are",
    )


def test_writing_into_gradients_is_a_mistake():
    class SGD(Rule):
        def update(self, params, grads):
            for name, w in params.items():
                grads[name] *= self.lr
                w -= grads[name]

    (finding,) = check_update(SGD()).findings
    assert (finding.kind, finding.tensor) == ("mutation", "W")


def test_memory_shared_between_rules_and_gradients_kept_are_mistakes():
    class Shared(Momentum):
        shared: dict = {}  # noqa: RUF012

        def recall(self, name, w, *, kinds=1):
            return self.shared.setdefault(name, [np.zeros_like(w)])

    class Keeps(Rule):
        momentum = 0.9

        def update(self, params, grads):
            for name, w in params.items():
                last = self.memory.get(name, 0)
                w -= self.lr * (grads[name] + 0.5 * last)
                self.memory[name] = grads[name]

    class Right(Keeps):
        def update(self, params, grads):
            super().update(params, {name: g.copy() for name, g in grads.items()})

    (finding,) = check_update(Shared(), "momentum").findings
    assert "rules share their memory" in finding.message
    assert check_update(Right(), Right())
    (finding,) = check_update(Keeps(), Right()).findings
    assert finding.kind == "stale-cache"
    assert "keeps the array of a gradient" in finding.message


def test_a_rule_that_raises_is_reported_and_an_unknown_one_needs_a_reference():
    class SGD(Rule):
        def update(self, params, grads):
            raise KeyError("W1")

    (finding,) = check_update(SGD()).findings
    assert "update raises KeyError: 'W1'" in finding.message
    with pytest.raises(ValueError, match="no formula is known for 'Rule'; pass reference="):
        check_update(Rule())


def test_the_rule_that_was_checked_has_taken_no_step():
    rule = solvers.Adam()
    check_update(rule)
    assert rule.state["t"] == 0


@pytest.mark.parametrize(
    ("rule", "family"),
    [
        (solvers.SGD(0.1), "sgd"),
        (solvers.SGD(0.1, momentum=0.9), "momentum"),
        (solvers.SGD(0.1, momentum=0.9, nesterov=True), "nesterov"),
        (solvers.AdamW(), "adamw"),
        (object(), None),
    ],
)
def test_the_formula_follows_from_class_and_settings(rule, family):
    assert family_of(rule, None) == family


def hard_coded(eps=1e-7, betas=(0.9, 0.999), name="Adam", **wrong):
    """A rule `name` that has its eps and its betas in the code alone."""

    class Rule:
        def __init__(self):
            self.lr, self.memory, self.t = 0.1, {}, 0

        def update(self, params, grads):
            there = Adam(betas=betas, **wrong)
            there.eps, there.lr, there.memory, there.t = eps, self.lr, self.memory, self.t
            there.update(params, grads)
            self.t = there.t

    Rule.__name__ = name
    return Rule()


@pytest.mark.parametrize("eps", [1e-8, 1e-7, 1e-6, 1e-10, 1e-16])
def test_an_eps_that_is_no_attribute_may_have_any_usual_value(eps):
    report = check_update(hard_coded(eps))
    assert report
    assert report.probes["values"].outcome == "passed"
    assert report.notes == [
        "the rule keeps no beta1 and no beta2 and no eps, and fits with "
        f"beta1 = 0.9, beta2 = 0.999, eps = {eps:g}"
    ]


def test_a_right_rule_with_an_unusual_eps_in_its_code_is_not_compared():
    for rule in (hard_coded(3e-5), hard_coded(betas=(0.77, 0.9))):
        report = check_update(rule)
        assert report
        assert report.probes["values"].outcome == "not applicable"
        assert "keeps no beta1 and no beta2 and no eps" in report.notes[0]


def test_a_mistake_that_has_nothing_to_do_with_what_is_not_known_is_told():
    (finding,) = check_update(hard_coded(correct=lambda x, *_: x)).findings
    assert finding.message == "the bias correction is missing"
    assert finding.cause == "update-bias-correction"
    (finding,) = check_update(hard_coded(t=True)).findings
    assert "t advances more than once" in finding.message
    # Betas that are exchanged may be meant so where nobody says what they are.
    assert check_update(hard_coded(betas=(0.999, 0.9)))


def test_the_evidence_is_what_the_mistake_leaves_unexplained():
    (finding,) = check_update(Momentum(sign=-1)).findings
    assert finding.cause == "update-sign"
    assert 0 <= finding.evidence < 1e-12
    assert finding.values["mistake"] == finding.message

    class SGD(Rule):
        def update(self, params, grads):
            for name, w in params.items():
                w += self.lr * (1 + 1e-11) * grads[name]

    (finding,) = check_update(SGD()).findings
    assert 5e-12 < finding.evidence < 2e-11
