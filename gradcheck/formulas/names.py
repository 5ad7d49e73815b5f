"""Which name of a class means which formula."""

from __future__ import annotations

import re

from chainrule.gradcheck.formulas.activations import ACTIVATIONS
from chainrule.gradcheck.formulas.attention import ATTENTION
from chainrule.gradcheck.formulas.dropout import DROPOUTS
from chainrule.gradcheck.formulas.entropies import ENTROPIES
from chainrule.gradcheck.formulas.group_norms import GROUP_NORMS
from chainrule.gradcheck.formulas.heads import TRANSFORMER
from chainrule.gradcheck.formulas.losses import LOSSES
from chainrule.gradcheck.formulas.norms import NORMS
from chainrule.gradcheck.formulas.pooling import POOLINGS
from chainrule.gradcheck.formulas.recurrence import RECURRENT
from chainrule.gradcheck.formulas.reference import Reference
from chainrule.gradcheck.formulas.regressions import REGRESSIONS
from chainrule.gradcheck.formulas.sequences import SEQUENCES
from chainrule.gradcheck.formulas.shapes import SHAPES
from chainrule.gradcheck.formulas.steps import STEPS
from chainrule.gradcheck.formulas.transposed import CONVOLUTIONS
from chainrule.gradcheck.formulas.units import UNITS

GROUPS = (
    *(UNITS, ACTIVATIONS, NORMS, GROUP_NORMS, LOSSES, ENTROPIES, REGRESSIONS),
    *(
        CONVOLUTIONS,
        POOLINGS,
        RECURRENT,
        SEQUENCES,
        ATTENTION,
        TRANSFORMER,
        DROPOUTS,
        SHAPES,
        STEPS,
    ),
)
REFERENCES = {one.name: one for group in GROUPS for one in group}

OTHER_NAMES = {
    "affine": "linear dense fullyconnected fc",
    "attention": "scaleddotproductattention dotproductattention sdpa scaleddotproduct",
    "avgpool": "averagepool meanpool avgpooling averagepooling",
    "batchnorm": "spatialbatchnorm spatialbatchnormalization batchnormalization batchnormalisation",
    "causalattention": "causalselfattention maskedselfattention",
    "conv": "convolution convolve convsame convpadded convfull dilatedconv dilatedconvolution "
    "atrousconv convdilated convatrous groupedconv groupconv groupedconvolution convgrouped "
    "convgroups convgroup depthwiseconv depthwise depthwiseconvolution convdepthwise pointwiseconv "
    "pointwise pointwiseconvolution convx convpointwise stridedconv convstrided",
    "convtranspose": "transposedconv transposedconvolution convtransposed deconv deconvolution "
    "transposeconv",
    "channeldropout": "spatialdropout featuredropout dropchannels dropchannel",
    "concatenate": "concat concatenation channelconcat concatchannels",
    "dropout": "inverteddropout",
    "flatten": "flattening flat",
    "embedding": "wordembedding embed tokenembedding timeembedding",
    "gelu": "gelutanh geluexact gelunew gelufast",
    "globalavgpool": "globalaveragepool gap globalaveragepooling globalavgpooling",
    "groupnorm": "spatialgroupnorm groupnormalization groupnormalisation",
    "hinge": "svm multiclasshinge multiclasssvm",
    "layernorm": "layernormalization layernormalisation",
    "gru": "timegru",
    "instancenorm": "spatialinstancenorm instancenormalization instancenormalisation",
    "lstm": "timelstm",
    "mae": "meanabsoluteerror",
    "max": "maximum elementwisemax",
    "maxpool": "maxpooling",
    "min": "minimum elementwisemin",
    "mse": "meansquarederror meansquareerror",
    "multiply": "mul",
    "multiheadattention": "multihead mha multiheadedattention multiheadselfattention",
    "negate": "neg",
    "pad": "padding zeropad zeropadding constantpad padlayer",
    "pooling": "pool",
    "positionalencoding": "sinusoidalpositionalencoding positionalembedding sinusoidpositions "
    "positionembedding sinusoid positions positionencodingsinusoid sinusoidalpositions",
    "reciprocal": "inverse",
    "relu": "rectifier",
    "reshape": "view",
    "rmsnorm": "rms rmsnormalization rmsnormalisation",
    "rnn": "vanillarnn timernn",
    "rotaryencoding": "rotaryembedding rope rotarypositionalembedding",
    "sigmoid": "logistic",
    "sigmoidcrossentropy": "sigmoidce bcewithlogits binarycrossentropywithlogits",
    "softmaxcrossentropy": "softmaxloss softmaxce softmaxwithloss labelsmoothing smoothce "
    "labelsmoothingcrossentropy smoothcrossentropy smoothedcrossentropy smoothedce weightedce "
    "smoothedsoftmaxcrossentropy smoothedsoftmax labelsmoothingsoftmax softmaxlabelsmoothing "
    "crossentropylabelsmoothing weightedcrossentropy weightedsoftmax classweightedcrossentropy "
    "weightedsoftmaxcrossentropy",
    "smoothl1": "smoothl",  # as digits do not count
    "subtract": "sub",
    "swish": "silu",
    "upsample": "upsampling nearestupsample upsamplenearest upsamplenearestneighbor nearest "
    "nearestneighborupsample nearestupsampling unpool",
    "temporalaffine": "timeaffine",
    "temporalsoftmax": "temporalsoftmaxloss timesoftmaxwithloss timesoftmax maskedsoftmaxloss "
    "temporalsoftmaxcrossentropy",
}
ALIASES = {alias: name for name, aliases in OTHER_NAMES.items() for alias in aliases.split()}
# Words that say nothing about the formula, before and after the one that does.
PREFIXES = "my our simple plain naive slow fast vectorized stable numpy custom student correct the"
SUFFIXES = (
    "layer gate loss function activation forward node module op fn closed naive staged "
    "step cell fast slow imcol reshape strides vectorized loop loops quick"
)
PREFIX, KNOWN, SUFFIX = (
    "|".join(sorted(words, key=len, reverse=True))
    for words in (PREFIXES.split(), [*REFERENCES, *ALIASES], SUFFIXES.split())
)


def find(name: str | type) -> Reference | None:
    """The reference of a layer's name or class, or None where the name does not say for sure.

    Case, underscores, digits ("BatchNorm1d") and words that say nothing ("MyReLULayer", "MaxGate")
    make no difference; "SoftmaxCrossEntropy" is not "softmax", and "TiedAffine" is none.
    """
    word = name if isinstance(name, str) else name.__name__
    word = re.sub(r"(?i)^l_?1(?=_?loss|$)", "mae", word)
    word = re.sub(r"(?i)^dropout_?[23]_?d", "channeldropout", word)
    word = re.sub(r"[\W_]", "", re.sub(r"\d+[dD]?", "", word)).lower()
    if (parts := re.fullmatch(f"(?:{PREFIX})*({KNOWN})((?:{SUFFIX})*)", word)) is None:
        return None
    found = REFERENCES[ALIASES.get(parts[1], parts[1])]
    return found if found.loss or "loss" not in parts[2] else None
