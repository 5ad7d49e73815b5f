import numpy as np
import pytest

from chainrule.training.metrics import f1_scores, log_loss, roc_auc

metrics = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_they_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    y = rng.integers(0, classes, 200)
    p = rng.dirichlet(np.ones(classes), 200).round(2) + 1e-9  # with ties
    p /= p.sum(axis=1, keepdims=True)
    predicted = p.argmax(axis=1)
    np.testing.assert_allclose(
        f1_scores(y, predicted, classes), metrics.f1_score(y, predicted, average=None)
    )
    assert log_loss(y, p) == pytest.approx(metrics.log_loss(y, p))
    scores = p[:, 1] if classes == 2 else p
    auc = metrics.roc_auc_score(y, scores, multi_class="ovr")
    assert roc_auc(y, p) == pytest.approx(auc)
