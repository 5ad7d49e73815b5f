"""Multi-layer perceptrons in the form that scikit-learn gives its estimators.

    from chainrule.sklearn import MLPClassifier, MLPRegressor

They stand wherever scikit-learn's own may stand: in a Pipeline, a search, a cross-validation. The
folder is called `estimators`, because one called `sklearn` would hide scikit-learn in a checkout.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "chainrule.sklearn needs scikit-learn: pip install 'chainrule[sklearn]'"
    ) from error

from chainrule.sklearn.classifier import MLPClassifier
from chainrule.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
