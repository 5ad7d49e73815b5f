"""What is used of the options that are left out, by the network and the data."""

import dataclasses

#: By the network, the options that not all networks take.
TAKEN: dict[str, tuple[str, ...]] = {
    "mlp": ("hidden", "dropout"),
    "cnn": ("channels", "hidden", "dropout"),
    "lenet5": ("dropout",),
    "resnet": ("channels",),
    "rnn": ("hidden", "dropout", "sequence"),
    "lstm": ("hidden", "dropout", "sequence"),
    "gru": ("hidden", "dropout", "sequence"),
    "vit": ("dropout",),
}
#: By the network, the activations and the norms that it takes, where not all.
UNITS = {
    "rnn": (("tanh", "relu"), ("none",)),
    "lstm": (("tanh",), ("none",)),
    "gru": (("tanh",), ("none",)),
}


def taken_by(option: str) -> list[str]:
    """The networks that take an option; all of them where it is one for all."""
    return [net for net, taken in TAKEN.items() if option in taken] or [*TAKEN]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What is used for an option that is left out."""

    channels: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    dropout: float | None = None
    epochs: int = 40
    batch_size: int = 32
    l2: float = 1e-4
    norm: str = "batchnorm"
    activation: str = "relu"


#: Of a small file of one's own: so many steps, in a number of epochs within these bounds.
STEPS, MOST_EPOCHS = 2000, 500
#: By the network and the data set, "" for any other one. That for tables is the best of twelve on
#: those of `benchmarks/tables.py`, with other seeds than its own.
RECIPES = {
    ("mlp", "digits"): Recipe(hidden=(128,), dropout=0.8),
    ("mlp", "mnist"): Recipe(hidden=(512, 512), dropout=0.6, epochs=15, batch_size=128, l2=0.0),
    ("mlp", "cifar10"): Recipe(hidden=(512, 256), dropout=0.7, epochs=15, batch_size=128),
    ("mlp", "a table"): Recipe(hidden=(128, 64), l2=0.01, norm="none"),
    ("mlp", ""): Recipe(hidden=(128,)),
    ("cnn", "digits"): Recipe(
        channels=(32, 64), hidden=(128,), dropout=0.7, epochs=30, batch_size=64
    ),
    ("cnn", "mnist"): Recipe(
        channels=(16, 32), hidden=(128,), dropout=0.7, epochs=10, batch_size=128
    ),
    ("cnn", "cifar10"): Recipe(
        channels=(32, 64, 128), hidden=(128,), dropout=0.7, epochs=15, batch_size=128
    ),
    ("cnn", ""): Recipe(channels=(16, 32), hidden=(128,), dropout=0.7),
    ("lenet5", "mnist"): Recipe(dropout=0.8, epochs=20, batch_size=128),
    ("lenet5", ""): Recipe(dropout=0.8),
    ("resnet", "mnist"): Recipe(channels=(8, 16, 32), epochs=10, batch_size=128),
    ("resnet", "cifar10"): Recipe(channels=(16, 32, 64), epochs=15, batch_size=128),
    ("resnet", ""): Recipe(channels=(16, 32, 64)),
    **{
        (net, data): dataclasses.replace(recipe, norm="none", activation="tanh", l2=0.0)
        for net in ("rnn", "lstm", "gru")
        for data, recipe in {
            "digits": Recipe(hidden=(64,), epochs=30),
            "mnist": Recipe(hidden=(128,), epochs=12, batch_size=128),
            "": Recipe(hidden=(64,)),
        }.items()
    },
    ("vit", "mnist"): Recipe(norm="layernorm", activation="gelu", epochs=12, batch_size=128),
    ("vit", ""): Recipe(norm="layernorm", activation="gelu"),
}


def recipe_for(net: str, dataset: str) -> Recipe:
    """What is used of the options that are left out, with this network on this data set."""
    return RECIPES.get((net, dataset), RECIPES[net, ""])


def recipes() -> str:
    """What the recipes say, a line each."""
    lines = [
        f"  {dataset or 'other data':<11} {options_of(net, recipe)}"
        for (net, dataset), recipe in RECIPES.items()
    ]
    return "\n".join(lines) + (
        f"\nA file of your own gets more epochs if it is small: {STEPS:,} steps, "
        f"{MOST_EPOCHS} epochs at most."
    )


def options_of(net: str, recipe: Recipe) -> str:
    """A recipe as one would type it."""
    words = [] if net == "mlp" else [f"--net {net}"]
    for name in ("channels", "hidden"):
        if name in TAKEN[net]:
            words.append(f"--{name} {','.join(map(str, getattr(recipe, name)))}")
    if "dropout" in TAKEN[net]:
        words.append(f"--dropout {recipe.dropout or 1}")
    words += [f"--epochs {recipe.epochs}", f"--batch-size {recipe.batch_size}"]
    words += [] if recipe.norm == Recipe.norm else [f"--norm {recipe.norm}"]
    words += [] if recipe.activation == Recipe.activation else [f"--activation {recipe.activation}"]
    return " ".join([*words, f"--l2 {recipe.l2:g}"])
