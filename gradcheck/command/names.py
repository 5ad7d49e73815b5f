"""What the names of arguments tell: the one place where they are written down.

A table gives for a pattern of names, in lower case, the values to try, likely ones first, in the
words of `values`; letters are sizes, such as N examples of D features. Which table is asked first,
and how large the sizes are, depends on the words around: `conv` in the name of a function, say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

TARGETS = (
    r"y|t|ts|labels?|targets?|truth|actual|(y|t)_?(true|batch|train|actual|target)?|ground_?truth"
)


@dataclass(frozen=True)
class Words:
    """What names stand for, and sizes, where `within` is found in the words around."""

    within: str
    names: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


# Different letters are different numbers, as far as it goes, so that an axis taken for another one
# shows; and small, since a check makes thousands of calls.
SIZES = {
    "N": 5, "D": 4, "M": 3, "C": 3, "H": 3, "K": 3, "T": 3, "S": 3, "V": 6, "E": 4, "F": 4, "G": 2,
    "W": 3, "HH": 3, "WW": 3, "R": 2,
}  # fmt: skip
SPARE = (6, 7, 2, 8)  # the sizes of letters that are not in the table

NAMES = {
    # what goes in
    TARGETS: "int(N)<C | onehot(N,D) | (N,D) | onehot(N,C) | int(N,D)<2",
    "x[0-9]?|xs|inputs?|data|input_data|features|[auzqkvrgs]|scores?|logits|a_prev|.*_?input|x_.*"
    "|prediction|y_?(pred|hat)|predicted|outputs?|image":
        "(N,D) | positive(N,D) | shares(N,D) | (D,D)",
    "idx|ids|indices|index|words|word_ids|tokens|captions|corpus": "int(N,T)<V | int(N)<V",
    "prev_?[hc]|[hc]_?(prev|0|t)?|h_?in|hidden|state|[ch]s?": "(N,H)",
    "lengths?|lens?": "count(N)<T",
    "counts": "count(N,D)<9",
    "query|queries": "(N,S,E) | (N,T,E)",
    "keys?|values?|memory": "(N,T,E)",
    "(.*_)?mask": "bool(N,D) | bool(N)",
    # parameters
    "table|embeddings?|codebook|lookup": "(V,D)",
    "w|weights?|kernel|theta": "(D,M) | (M,D) | (D) | (D,D)",
    "b|bias(es)?": "(M) | (D)",
    "gamma|beta|shift|scale|running_mean|(.*_)?mean|mu": "(D)",
    "(.*_)?var|sigma|std": "positive(D)",
    "w_?xh?|w_?ih|w_?in": "(D,GH)",
    "w_?h{1,2}|w_?attn": "(H,GH)",
    "w_?[qkvo]": "(E,E)",
    "b_?[qkvo]": "(E)",
}  # fmt: skip
SETTINGS = {
    "(bn|norm)_?params?": '{"mode": "train"}',
    "(ln|gn|rms)_?params?": "{}",
    "dropout_?params?": '{"mode": "train", "p": 0.5, "seed": 1}',
    "conv_?params?": '{"stride": 2, "pad": 1}',
    "pool_?params?": '{"pool_height": 2, "pool_width": 2, "stride": 2}',
    "h(yper)?_?param(eter)?s": '{"stride": 2, "pad": 1, "f": 3}',
    "rate|keep|(keep_|drop(out)?_?)?(prob|rate|ratio|p)?|(p|keep|drop)_.*|.*_prob|momentum|decay":
        "0.5",
    "alpha|slope|scale|negative_slope|reg|reg_strength|l2|lam|lambda?_?|lambd|weight_decay|weight_scale"
    "|temperature|tau|delta|margin|std_?dev": "0.1",
    "eps(ilon)?": "1e-5",
    "lr|learning_?rate|learn_rate": "0.01",
    "stride|strides": "1",
    "pad|padding": "1",
    "pool_?(size|h|w|height|width)|pool_shape": "2",
    "f": "3",
    "pieces|(n|num)_?(heads?|layers)|heads|groups|(n|num)_?groups|h_?heads": "2",
    "(is_?)?train(ing)?(_fla?g)?|train_fl(a)?g": "True",
    "mode": '"train"',
    "verbose|inplace|stateful": "False",
    "reduction": '"mean"',
    "activation": '"relu"',
    "hidden_(dims|sizes|layers|size_list|layer_sizes)|layer_(dims|sizes)|hiddens": "[4, 3]",
    "word_to_idx": '{"<NULL>": 0, "<START>": 1, "<END>": 2, "a": 3, "b": 4}',
    "axis": "-1",
    "seed": "1",
}  # fmt: skip

# For arguments of these names a number: how large a thing is.
LENGTHS = {
    "n|batch(_?size)?|m_?examples|n_ex|(n|num)_(ex|examples|samples)|number of examples|bs": "N",
    "d|(n_?)?in(puts?)?(_?(features?|dims?|size|units|dimension|nodes|neurons|layer))?|n_?features?"
    "|features?|d_in|fan_in|dims?|(n|num)_(in|inputs|features)|size|size of previous layer|n_prev"
    "|d_model|input_layer": "D",
    "m|(n_?)?out(puts?)?(_?(features?|dims?|size|units|dimension|nodes|neurons|layer))?|d_out"
    "|fan_out|(n|num)_(out|outputs|units|neurons)|units|size of current layer|neurons|num_outs?"
    "|dim_feedforward|d_ff|ffn?_dim": "M",
    "(n_?)?hidden(_?(size|dim|units|layer|nodes))?|n_?h|num_hidden|h_dim": "H",
    "(n|num)_(classes|labels)|classes|c": "C",
    "vocab_?(size)?|vocabulary_?size|(n|num)_(embeddings|words)|v": "V",
    "(in|input)_?(channels?|ch|c)|channels?|n_?c_prev|c_in|(n|num)_?channels?": "C",
    "(out|output)_?(channels?|ch|c)|(n|num)_?filters?|filters|n_c|c_out|(n|num)_?kernels": "F",
    "embed(ding)?_?(dim|size)|wordvec_dim|word_dim|e|emb(_dim|_size)?": "E",
    "t|s|(max_?)?(seq|time|sequence)_?(len|length|steps?|size)?|max_len(gth)?|n_steps": "T",
    "f|k|fh|kh|(kernel|filter)(_?(h(eight)?|size))?|h_filter": "HH",
    "fw|kw|(kernel|filter)_?w(idth)?|w_filter": "WW",
    "g": "G",
}
SHAPES = {  # and of these the shape of an example
    "(x|input|in|image|img)_?shape|shape|(x|image|img)_?(dims?|size)":
        "tuple(D) | size(D) | tuple(C,H,W) | tuple(N,C,H,W)",
    "(kernel|filter|window)_?shape": "tuple(HH,WW)",
}  # fmt: skip
LETTERS = "DMHNCTGFES"  # an argument of this name is a length, others of one letter are arrays
MORE_LETTERS = "KV"  # the same for constructors

# The words in a function's name and arguments that say which layout its arrays have.
IMAGES = (
    r"conv(?!erge)|pool|spatial|image|im2col|2d|channel|upsampl|instance_?norm|group_?norm"
    r"|\(\w+,c,h,w\)"
)
SEQUENCES = r"^(?!.*(step|cell)).*(temporal|time|rnn|lstm|gru\b|gru_|seq|length|\(n,t|\(n,s)"
ATTENTION = r"attention|attend|attn|transformer|head|\(q,k|query|position|encoder|decoder|memory"
LAYOUTS = (
    Words(
        IMAGES,
        {
            "x[0-9]?|xs|inputs?|data|input_data|images?|a|z|a_prev": "(N,C,H,W)",
            "w|weights?|kernels?|filters?|filt": "(F,C,HH,WW)",
            "b|bias(es)?": "(F) | (F,1)",
            "gamma|beta|scale|shift": "(C) | (1,C,1,1)",
            "running_mean|(.*_)?mean": "(C)",
            "(.*_)?var": "positive(C)",
        },
        {"N": 2, "C": 4, "H": 5, "W": 7, "D": 4, "F": 3},
    ),
    Words(
        ATTENTION,
        {
            "x[0-9]?|xs|inputs?|src|tgt|data": "(N,S,E)",
            "mask|(.*_)?mask": "bool(S,T) | bool(S,S)",
        },
        {"N": 2, "S": 3, "T": 5, "E": 6, "D": 6, "M": 7},
    ),
    Words(
        SEQUENCES,
        {
            "x[0-9]?|xs|inputs?|data|input_data|a|z": "(N,T,D) | int(N,T)<V",
            TARGETS: "int(N,T)<V | (N,T,D)",
            "(.*_)?mask": "bool(N,T)",
        },
        {"N": 3, "T": 4, "D": 5, "H": 2, "M": 2, "C": 5, "V": 5},
    ),
    Words("", sizes={}),  # rows: examples first, features last
    Words(
        "scalars?",  # a number for each example
        {
            "x[0-9]?|a|z|inputs?|data|scores?|logits|y_?(pred|hat)|predictions?|predicted": "(N)",
            TARGETS: "int(N)<2 | (N)",
        },
    ),
    Words(
        "a_prev|hparam|parameters",  # columns: features first, examples last
        {
            "x[0-9]?|a|a_prev|z|inputs?|data|input_data|al?|xt": "(D,N)",
            "w|weights?": "(M,D)",
            "b|bias(es)?": "(M,1)",
            TARGETS: "int(D,N)<2 | int(1,N)<2",
            "prev_?[hc]|[hc]_?(prev|0|t)?": "(H,N)",
        },
    ),
    Words(
        "single|column",  # one example, as a column
        {
            "x[0-9]?|a|z|inputs?|data|input_data": "(D,1)",
            "w|weights?": "(M,D)",
            "b|bias(es)?": "(M,1)",
            TARGETS: "onehot(1,D)",
        },
    ),
    Words(
        "a_prev|hparam|nhwc|channels_?last",  # images with channels last
        {
            "x[0-9]?|a|a_prev|z|inputs?|data|images?": "(N,H,W,C)",
            "w|weights?|kernels?|filters?": "(HH,WW,C,F)",
            "b|bias(es)?": "(1,1,1,F) | (F)",
            "(x|input|in|image|img)_?(shape|dims?|size)": "tuple(H,W,C)",
        },
        {"N": 2, "C": 2, "H": 5, "W": 7},
    ),
    Words(
        "single|vector",  # one example
        {
            "x[0-9]?|a|z|inputs?|data|input_data|images?": "(D) | (C,H,W) | (H,W)",
            "w|weights?": "(M,D) | (D,M)",
            "b|bias(es)?": "(M)",
        },
        {"H": 4, "W": 6},
    ),
)
# Arguments of which docstrings are known to say something else than courses pass, by words around.
CONTRARY = Words(r"spatial_?group_?norm", {"gamma|beta": "(1,C,1,1)"})
RECURRENT = r"\bw_?xh?\d?\b|\bw_?h{1,2}\d?\b|w_?ih"
# More that words around tell, of whatever layout.
CONTEXTS = (
    Words(r"pool", {"(window_?)?(size|height|width)|f|k": "2"}, {"H": 4, "W": 6}),
    Words(r"loss|entropy|nll", {"p|probs?|probabilities": "shares(N,D)"}),
    Words(r"pool.*hparam|hparam.*pool", {"h(yper)?_?param(eter)?s": '{"f": 2, "stride": 2}'}),
    Words(r"conv.*pool", {"conv_?params?": '{"stride": 1, "pad": 1}'}),
    Words(r"(group|layer|instance|batch|bn|gn)_?norm|norm", sizes={"C": 4, "H": 3, "W": 5}),
    Words(r"group_?norm", {"gamma|beta": "(C) | (1,C,1,1)"}),
    Words(r"^(?!.*gamma)", {"beta": "0.5 | (D)"}),
    Words(r"conv.*(bn|norm)", {"gamma|beta": "(F)"}),
    Words(r"(affine|fc|linear|dense).*(bn|ln|norm)", {"gamma|beta": "(M)"}),
    Words(
        r"mse|square|huber|l1|l2|regress|mae|absolute|distance|cosine|smooth",
        {TARGETS: "(N,D) | int(N)<C"},
    ),
    Words(
        r"binary|bce|sigmoid|logistic",
        {TARGETS: "int(N,D)<2 | int(N)<2 | int(N)<C"},
    ),
    Words(r"^(?!.*patch).*embed", {"x|idx|inputs?|xs": "int(N,T)<V | int(N)<V", "w": "(V,D)"}),
    Words(
        r"\bq\b.*\b(k|memory)\b|\bk\b.*\bv\b",
        {
            "q": "(N,S,E) | (N,T,E) | (S,E) | (T,E)",
            "k|v": "(N,T,E) | (T,E)",
        },
    ),
    Words(r"convnet|cnn", {"input_(dims?|size)": "tuple(C,H,W)"}, {"H": 4, "W": 6}),
    Words(
        r"conv|pool|image|2d",
        {"(x|in(put)?|image|img)_?(shape|dims?)|image_size": "tuple(C,H,W) | tuple(N,C,H,W)"},
    ),
    Words(r"\bhs", {r"hs|hs_\w+": "(N,T,H)", "a": "(N,T)"}),
    Words(r"temporal", {"h": "(N,T,D)"}),
    Words(r"patch", {"x|images?": "(N,C,H,W)"}, {"H": 4, "W": 6}),
    Words(r"^activation", {"name": '"relu"'}),
    Words(r"matmul|dot|gemm", {"w|b|y": "(D,M)"}),
    Words(r"\(a,b\b|\(x,b\b|\(a, b", {"b": "(N,D)"}),
    Words(RECURRENT, {"b|bias|b_?h": "(GH)"}),
    Words(r"\bwattn\b|attention_(step_)?(forward|lstm)", {"a": "(N,H,4,4)"}),
    Words(r"^(?!.*\bw(eights?)?\b)", {"b|bias": "(D)"}),
)
GATES = {"lstm|prev_?c|c_?prev|c0": 4, "gru": 3}  # columns of a weight for each unit of these


def sizes_for(layout: Words, around: str) -> dict[str, int]:
    """How large the letters are in a layout, with these words around."""
    sizes = SIZES | layout.sizes
    for words in CONTEXTS:
        if words.sizes and re.search(words.within, around):
            sizes |= words.sizes
    return {"GH": sizes["H"]} | sizes


def layouts_for(around: str) -> list[Words]:
    """The layouts to try: those that the words around speak of, rows, and the others."""

    def rank(layout: Words) -> int:
        spoken_of = re.search(layout.within, around)
        return 1 if not layout.within else 0 if spoken_of else 2

    likely = [count for word, count in GATES.items() if re.search(word, around)]
    others = [count for count in (1, *GATES.values()) if re.search(RECURRENT, around)]
    return [
        replace(one, sizes=one.sizes | {"GH": gates * (SIZES | one.sizes)["H"]})
        for gates in dict.fromkeys([*likely, *others]) or (1,)
        for one in sorted(LAYOUTS, key=rank)
    ]


def named(
    name: str, layout: Words, around: str, making: bool = False, first: bool = False
) -> list[str]:
    """The values to try for an argument of this name, of a constructor where it is for `making` an
    object; none where the name tells nothing. The `first` of a forward pass is no setting."""
    if len(name) == 1 and not first and name in (LETTERS + MORE_LETTERS if making else LETTERS):
        return [f"size({name})"]
    lengths = {like: f"size({letter})" for like, letter in LENGTHS.items()}
    if len(name) == 1 and not making:  # an array more likely
        lengths = {}
    contexts = [one.names for one in CONTEXTS if re.search(one.within, around)]
    tables = [*contexts, layout.names, SHAPES, NAMES, SETTINGS, lengths]
    if first:
        tables = [*contexts, layout.names, NAMES]
    if making:  # of what is called features or hidden, how many
        tables = [*contexts, SHAPES, lengths, SETTINGS, layout.names, NAMES]
    for word in (name.lower(), re.sub(r"_?\d+$", "", name.lower())):  # Wx1 is another Wx
        for table in tables:
            for like, values in table.items():
                if re.fullmatch(like, word):
                    return values.split(" | ")
    return []


def length(words: str) -> str:
    """The letter of a size that these words stand for, "" for none."""
    return next((to for like, to in LENGTHS.items() if re.fullmatch(like, words.lower())), "")


def contrary(name: str, around: str) -> list[str]:
    """What may be meant although a docstring says something else."""
    known = CONTRARY.names.items() if re.search(CONTRARY.within, around) else ()
    return [value for like, value in known if re.fullmatch(like, name.lower())]
