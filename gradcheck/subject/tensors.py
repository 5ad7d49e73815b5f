"""A function of PyTorch's tensors, played on arrays of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.subject import Gradients, miscounted
from chainrule.gradcheck.subject.tape import Tape
from chainrule.gradcheck.subject.tensor_graph import is_written, kept_by, nodes

Tensors = dict[str, Any]
# Words of PyTorch for gradients of another shape, or for more or fewer than there are arguments.
REFUSING = "is not differentiable with respect to argument"
REFUSED = ("invalid gradient at index", "incorrect number of gradients")


class Unfit(TypeError):
    """What a function takes or returns is nothing that can be checked."""


def opened(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors in nested lists, tuples and dicts, by name: "x", "xs[0]"."""
    import torch

    if isinstance(tree, torch.Tensor):
        yield name, tree
    elif isinstance(tree, (list, tuple, dict)):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, part in items:
            yield from opened(part, f"{name}[{key}]")


def filled(tree: Any, name: str, tensors: dict[str, Any]) -> Any:
    """The same tree with other tensors, by the names that `opened` gives."""
    if name in tensors:
        return tensors[name]
    if isinstance(tree, dict):
        return {key: filled(part, f"{name}[{key}]", tensors) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        parts = [filled(part, f"{name}[{at}]", tensors) for at, part in enumerate(tree)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree


def array_of(tensor: Any) -> np.ndarray:
    """A copy of a tensor as an array, floats in float64."""
    import torch

    tensor = tensor.detach()
    tensor = tensor.to_dense() if tensor.layout != torch.strided else tensor
    tensor = tensor.to("cpu", torch.float64) if tensor.is_floating_point() else tensor.cpu()
    return np.array(tensor.resolve_neg().numpy())


def like(array: np.ndarray, tensor: Any, dtype: Any) -> Any:
    """A new tensor that holds an array, in its layout, where the other tensor is."""
    import torch

    array = np.asarray(array)
    strides = [step // array.itemsize for step in array.strides]
    whole = torch.from_numpy(np.array(array)).to(tensor.device, dtype)
    if not all(step > 0 for step in strides):  # one that goes backwards, or broadcasts
        return whole
    return torch.empty_strided(array.shape, strides, dtype=dtype, device=whole.device).copy_(whole)


def copy_of(tensor: Any) -> Any:
    """A copy in the same layout, through which gradients pass."""
    import torch

    shape, strides = tensor.shape, tensor.stride()
    fresh = torch.empty_strided(shape, strides, dtype=tensor.dtype, device=tensor.device)
    return fresh.copy_(tensor)


def is_usual(tensor: Any) -> bool:
    """Whether a tensor is dense and holds real numbers."""
    import torch

    return tensor.layout == torch.strided and not tensor.is_complex()


def changed(now: np.ndarray, kept: np.ndarray, array: np.ndarray) -> np.ndarray:
    """What an array holds after its tensor went from `kept` to `now`: the same, where that stayed,
    as the array may have more digits."""
    return array if np.array_equal(now, kept, equal_nan=now.dtype.kind == "f") else now


class Player:
    """A function of tensors with its arguments, which can be played on other numbers.

    call        the function, of the tensors by name, whether it is to train, and its Function
    tensors     all that it takes, parameters and buffers included, by name
    owed        the names of those whose gradients are asked for
    function    the torch.autograd.Function that it is, None for another callable
    places      for each argument of that the name of its tensor, "" for what is none
    zeros       those for which None counts as a gradient of 0, since somebody asked for them
    generators  that it draws from, beside PyTorch's own
    """

    def __init__(
        self,
        call: Callable[[Tensors, bool, Any], Any],
        tensors: Tensors,
        owed: list[str],
        function: Any = None,
        places: Sequence[str] = (),
        zeros: Collection[str] = (),
        generators: Sequence[Any] = (),
    ) -> None:
        import torch

        self.call, self.tensors, self.owed, self.zeros = call, tensors, owed, zeros
        self.function, self.places = function, places
        self.devices = {t.device for t in tensors.values() if t.device.type == "cuda"}
        self.starts = [(g, g.get_state()) for g in generators]
        self.random: Any = torch.get_rng_state()
        self.seed = torch.initial_seed()
        self.variants: dict[tuple[Any, ...], Any] = {}

    def dtype(self, name: str, exact: bool) -> Any:
        import torch

        given = self.tensors[name].dtype
        return torch.float64 if exact and given.is_floating_point else given

    def play(
        self, arrays: Gradients, train: bool, exact: bool, functions: tuple[Any, ...] = ()
    ) -> Tape:
        """One forward pass on these arrays, and on the given tensors for what is not among them."""
        leaves, given = {}, {}
        for name, tensor in self.tensors.items():
            array = arrays[name] if name in arrays else array_of(tensor)
            given[name] = like(array, tensor, self.dtype(name, exact))
            if name in self.owed:
                leaves[name] = given[name].requires_grad_()
                given[name] = copy_of(leaves[name])  # may be changed in place, as no leaf may
        before = {name: (given[name].grad_fn, array_of(given[name])) for name in leaves}
        with self.undisturbed():
            result = self.call(dict(given), train, self.variant(functions))
        found = [tensor for _, tensor in opened(result, "")]
        if not found or any(not is_usual(tensor) for tensor in found):
            what = "complex or sparse tensors" if found else type(result).__name__
            raise Unfit(f"check: it returns {what}, expected dense tensors of real numbers")
        for name, (made_by, kept) in before.items():
            # What says that it writes, by mark_dirty or an operation in place, changes grad_fn.
            if given[name].grad_fn is made_by and name in arrays:
                arrays[name][...] = changed(array_of(given[name]), kept, arrays[name])
        outs = [out for out in found if out.requires_grad]
        outs = outs or [out for out in found if out.is_floating_point()]
        if not outs:
            raise Unfit("check: it returns integers alone, which have no derivative")
        take = Take(self, leaves, given, found, outs)
        return Tape([array_of(out) for out in outs], take.back, take.look)

    def variant(self, functions: tuple[Any, ...]) -> Any:
        """The Function, with these in the place of its forward and backward."""
        if self.function is None or functions in ((), self.functions):
            return self.function
        if functions not in self.variants:
            own = dict(zip(("forward", "backward"), map(staticmethod, functions), strict=True))
            self.variants[functions] = type(self.function.__name__, (self.function,), own)
        return self.variants[functions]

    def able(self) -> list[str]:
        """Those of the tensors whose gradients are asked for that PyTorch can differentiate in."""
        owed, found = self.owed, []
        for name in owed:
            self.owed = [name]
            try:
                self.play({}, True, False)
                found.append(name)
            except RuntimeError as error:
                if REFUSING not in str(error):
                    found.append(name)
        self.owed = owed
        return found

    @property
    def functions(self) -> tuple[Any, ...]:
        """Forward and backward as they were written."""
        if self.function is None:
            return ()
        return (self.function.forward, self.function.backward)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """With gradients on, and random numbers from one point, which are then put back."""
        import torch

        with torch.enable_grad(), torch.random.fork_rng([d.index for d in self.devices]):
            if self.devices:
                torch.cuda.manual_seed_all(self.seed)
            torch.set_rng_state(self.random)
            for generator, state in self.starts:
                generator.set_state(state)
            yield
            for generator, state in self.starts:
                generator.set_state(state)


class Take:
    """One forward pass that a Player made: its tensors, and the way back.

    leaves  the tensors whose gradients are asked for, by name
    given   the copies that the function got
    found   all tensors that it returned, `outs` those with a gradient
    """

    def __init__(
        self, player: Player, leaves: Tensors, given: Tensors, found: list[Any], outs: list[Any]
    ) -> None:
        self.player, self.leaves, self.given = player, leaves, given
        self.found, self.outs = found, outs
        self.watched: list[tuple[Any, np.ndarray]] = []
        self.upstream = np.zeros(1)  # other than 0 once backward has changed grad_output

    def back(self, douts: list[Any]) -> dict[str, Any]:
        """The gradients by name; those that are None are 0 where somebody asked for them, or where
        there is no other."""
        with self.player.undisturbed():
            gradients = self.gradients(douts)
        for tensor, array in self.watched:
            array[...] = array_of(tensor)
        nothing = all(g is None for g in gradients.values())
        for name, leaf in self.leaves.items():
            if gradients.get(name) is None and (nothing or name in self.player.zeros):
                gradients[name] = np.zeros(tuple(leaf.shape))
        return gradients

    def gradients(self, douts: list[Any]) -> dict[str, Any]:
        import torch

        pairs = [
            (out, like(np.asarray(d, np.float64), out, out.dtype))
            for out, d in zip(self.outs, douts, strict=True)
            if d is not None and out.requires_grad
        ]
        if not pairs or not self.leaves:
            return dict.fromkeys(self.leaves)
        outs, upstream = zip(*pairs, strict=True)
        kept = [d.clone() for d in upstream]
        try:
            found = torch.autograd.grad(
                outs, [*self.leaves.values()], upstream, retain_graph=True, allow_unused=True
            )
        except RuntimeError as error:
            if self.player.function is None or not any(word in str(error) for word in REFUSED):
                raise
            return self.refused(dict(zip(map(id, outs), upstream, strict=True)))
        if not all(map(torch.equal, kept, upstream)):
            self.upstream += 1
        return {
            name: None if g is None else array_of(g)
            for name, g in zip(self.leaves, found, strict=True)
        }

    def refused(self, upstream: dict[int, Any]) -> dict[str, Any]:
        """What backward of the Function returns, where PyTorch refuses to take it."""
        import torch

        player = self.player
        given = [upstream.get(id(out), torch.zeros_like(out)) for out in self.found]
        with torch.no_grad():
            returned = player.function.backward(self.outs[0].grad_fn, *given)
        parts = list(returned) if isinstance(returned, tuple) else [returned]
        if len(parts) != len(player.places):
            raise miscounted(len(parts), [*player.places])
        named = zip(player.places, parts, strict=True)
        return {name: g if g is None else array_of(g) for name, g in named if name in self.leaves}

    def look(self) -> tuple[Gradients, Gradients]:
        """What backward reads of the context, and what it must not change."""
        saved: Gradients = {}
        guarded: Gradients = {}
        for node in filter(is_written, nodes(self.outs)):
            for name, tensor, is_attribute in kept_by(node):
                if is_usual(tensor):
                    saved[name] = self.watch(tensor)
                if is_usual(tensor) and not is_attribute:
                    guarded[f"a saved tensor, {name}"] = saved[name]
        for name, tensor in self.given.items():
            guarded[f"its input {name}"] = self.watch(tensor)
        for at, tensor in enumerate(self.found):
            guarded[f"its output{at or ''}"] = self.watch(tensor)
        return saved, {**guarded, "grad_output": self.upstream}

    def watch(self, tensor: Any) -> np.ndarray:
        array = array_of(tensor)
        self.watched.append((tensor, array))
        return array
