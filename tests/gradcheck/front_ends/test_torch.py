"""The checker on PyTorch: Functions, modules, plain callables, in every dtype of floats."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from chainrule.gradcheck.torch import check  # noqa: E402

PLACE = Path(__file__).with_name("torch_functions.py")
SPEC = importlib.util.spec_from_file_location(PLACE.stem, PLACE)
data = importlib.util.module_from_spec(SPEC)
sys.modules[PLACE.stem] = data
SPEC.loader.exec_module(data)

DTYPES = (torch.float64, torch.float32, torch.bfloat16)
CASES = {case.function.__name__: case for case in data.CASES}
MISTAKES = [
    pytest.param(
        *(case, old, new, DTYPES[at % 3]),
        id=f"{case.function.__name__}: {new or 'no' + old}",
        marks=pytest.mark.slow if at > 1 else (),
    )
    for case in data.CASES
    for at, (old, new) in enumerate(case.mistakes)
]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


def options(case):
    return {"surrogate": case.surrogate(*case.make(torch.float64))} if case.surrogate else {}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", data.CASES, ids=CASES)
def test_a_right_function_is_right(case, dtype):
    effort = "full" if dtype == torch.bfloat16 else "quick"  # all is asked in the most critical one
    report = check(case.function, *case.make(dtype), effort=effort, **options(case))
    assert report, report
    assert not report.remarks, report


@pytest.mark.parametrize(("case", "old", "new", "dtype"), MISTAKES)
def test_a_wrong_function_is_wrong(case, old, new, dtype):
    function = data.edited(case.function, old, new)
    assert not check(function, *case.make(dtype), effort="quick", **options(case))


def only(function, dtype):
    """The Function, refusing all dtypes of floats but one."""

    def forward(ctx, x, *others):
        if x.dtype != dtype:
            raise TypeError(f"{x.dtype} is not supported")
        return function.forward(ctx, x, *others)

    return type(function.__name__, (function,), {"forward": staticmethod(forward)})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_a_function_of_one_dtype_is_judged_in_that(dtype):
    case, x = CASES["Mish"], data.numbers(3, 2, dtype=dtype)
    report = check(only(case.function, dtype), x, effort="quick")
    assert report, report
    word = str(dtype).removeprefix("torch.")
    assert report.notes[0].startswith(f"judged in {word}")
    assert "in float64 it raises TypeError" in report.notes[0]
    wrong = only(data.edited(case.function, *case.mistakes[1]), dtype)
    assert not check(wrong, x, effort="quick")
    nothing = only(function_of(keep, lambda ctx, _: 0 * ctx.saved_tensors[0]), dtype)
    assert not check(nothing, x, effort="quick")


@pytest.mark.parametrize(
    ("name", "mistake", "said"),
    [
        ("Mish", 0, "grad_x would agree in every digit with the square of `t` in line 13"),
        ("LayerNorm", 0, "grad_x lacks the path through the row mean"),
        ("Linear", 1, "grad_weight is too small by a factor 5 = N, the batch size"),
        ("Linear", 2, "grad_weight has shape (4, 3), weight has (3, 4): it is the transpose"),
        ("Linear", 5, "backward returns 2 gradients, and forward has the 3 inputs x, weight, bias"),
        ("Embedding", 0, "grad_table holds only the last of the rows with the same ids"),
        ("Attention", 4, "grad_v matches p @ grad_output; it should be pᵀ @ grad_output"),
        ("Celu", 1, "grad_x is too small by a factor 1.25 = alpha where x <= 0 (15 of 30 entries)"),
        ("RoundSTE", 1, "grad_x equals grad_output: every entry passes, none is masked"),
    ],
)
def test_explanations_speak_of_tensors(name, mistake, said):
    case, dtype = CASES[name], torch.float64
    function = data.edited(case.function, *case.mistakes[mistake])
    report = check(function, *case.make(dtype), **options(case))
    assert report.findings[0].message == said


def function_of(forward, backward, **more):
    """A Function made of two functions."""
    own = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Made", (torch.autograd.Function,), own | more)


def keep(ctx, x):
    ctx.save_for_backward(x)
    return x * x


def keep_out(ctx, x):
    out = x.exp()
    ctx.save_for_backward(out)
    return out


def keep_attribute(ctx, x):
    ctx.slope = 2 * x
    return x * x


def writes_saved(ctx, grad_output):
    return ctx.saved_tensors[0].mul_(2).mul(grad_output)


def writes_upstream(ctx, grad_output):
    return grad_output.mul_(2).mul_(ctx.saved_tensors[0])


def writes_saved_out(ctx, grad_output):
    return ctx.saved_tensors[0].mul_(grad_output)


def writes_attribute(ctx, grad_output):
    return ctx.slope.mul_(grad_output)


@pytest.mark.parametrize(
    ("forward", "backward", "what"),
    [
        (keep, writes_saved, "a saved tensor, x"),
        (keep, writes_upstream, "grad_output"),
        (keep_out, writes_saved_out, "a saved tensor, out"),
        (keep_attribute, writes_attribute, "a tensor on ctx"),
    ],
)
def test_what_backward_writes_into_is_named(forward, backward, what):
    (finding,) = check(function_of(forward, backward), torch.randn(4, 3)).findings
    assert finding.kind == "mutation"
    assert finding.message == f"backward writes into {what}, which others may read afterwards"


def test_a_note_of_its_own_on_the_context_is_not_a_mistake():
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.buffer = torch.zeros_like(x)
        return x * x

    def backward(ctx, grad_output):
        torch.mul(grad_output, 2 * ctx.saved_tensors[0], out=ctx.buffer)
        return ctx.buffer.clone()

    report = check(function_of(forward, backward), torch.randn(4, 3))
    assert report, report


def test_forward_that_writes_into_its_input_has_to_say_so():
    def silent(_, x):
        return x.mul_(2) * 1

    def told(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    def backward(_, grad_output):
        return 2 * grad_output

    x = torch.ones(3, 2)
    (finding,) = check(function_of(silent, backward), x).findings
    assert finding.message == "forward changes its input x in place, and does not say so"
    assert check(function_of(told, backward), x)
    assert (x == 1).all()


def test_forward_that_writes_after_it_has_saved_is_told():
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y.add_(1) * 1

    def backward(ctx, grad_output):
        return ctx.saved_tensors[0] * grad_output

    report = check(function_of(forward, backward), torch.randn(4, 3, dtype=torch.float64))
    assert report.findings[0].message == (
        "forward writes into what it has saved: with what that held when it was saved, all "
        "gradients are right"
    )
    assert report.findings[0].kind == "mutation"


def test_outputs_without_a_gradient_are_passed_over():
    def forward(ctx, x):
        values, index = x.sort(-1)
        rounded = values.round()
        ctx.mark_non_differentiable(index, rounded)
        ctx.save_for_backward(index)
        return values, index, rounded

    def backward(ctx, grad_values, _, __):
        (index,) = ctx.saved_tensors
        return torch.zeros_like(grad_values).scatter(-1, index, grad_values)

    report = check(function_of(forward, backward), torch.randn(4, 5))
    assert report, report


def test_a_gradient_that_is_none_counts_where_it_was_asked_for():
    def forward(ctx, x, target):
        ctx.save_for_backward(target)
        return x * target

    def backward(ctx, grad_output):
        return grad_output * ctx.saved_tensors[0], None

    function, x, target = function_of(forward, backward), torch.randn(4, 3), torch.randn(4, 3)
    report = check(function, x, target)
    assert report
    assert report.notes == [
        "no gradient for target (None): taken as meant, target.requires_grad_() asks for it"
    ]
    report = check(function, x, target.requires_grad_(), effort="quick")
    assert report.findings[0].message == "grad_target is 0 everywhere"
    assert "x" not in report.tensors
    assert check(function, x.requires_grad_(), target.detach())


def test_double_backward():
    def constant_slope(ctx, x):
        out = x.exp()
        ctx.out = out.detach()
        return out

    def backward(ctx, grad_output):
        return grad_output * ctx.out

    x = torch.randn(3, 2, dtype=torch.float64)
    function = function_of(constant_slope, backward)
    assert check(function, x)
    report = check(function, x, order=2)
    assert report.findings[0].message == "double backward: grad_x is 0 everywhere"
    assert check(CASES["Mish"].function, x, order=2)
    once = torch.autograd.function.once_differentiable(CASES["Mish"].function.backward)
    marked = function_of(CASES["Mish"].function.forward, once)
    assert check(marked, x)
    assert check(marked, x, order=2).findings[0].message == (
        "double backward: it is marked with once_differentiable, and cannot be differentiated twice"
    )


def test_a_branch_for_one_dtype_is_found_there():
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * x * (1 if x.dtype == torch.float32 else 2)

    function = function_of(keep, backward)
    assert check(function, torch.randn(4, 3, dtype=torch.float64))
    (finding,) = check(function, torch.randn(4, 3)).findings
    assert finding.message == (
        "in float32, grad_x is off by 50% of its largest entry, more than rounding explains; in "
        "float64 it is right"
    )


def test_what_overflows_in_its_dtype_is_a_remark():
    report = check(lambda x: (300 * x) ** 2 / 1e4, torch.randn(4, 3).half() + 1)
    assert report
    assert report.remarks[0].message == "in float16, the output is not finite; in float64 it is"


def test_a_module_is_left_as_it_was():
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Dropout())
    module[2].eval()
    kept = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state = torch.get_rng_state()
    report = check(module, torch.randn(5, 4))
    assert report, report
    assert {"input", "0.weight", "0.bias", "1.weight", "1.bias"} <= {*report.tensors}
    assert all(torch.equal(tensor, kept[name]) for name, tensor in module.state_dict().items())
    assert [part.training for part in module] == [True, True, False]
    assert all(parameter.grad is None for parameter in module.parameters())
    torch.set_rng_state(state)
    torch.randn(5, 4)


def test_random_numbers_are_put_back_and_repeat():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    for module in (torch.nn.Dropout(0.3), lambda x: x * torch.rand_like(x)):
        report = check(module, torch.ones(4, 3))
        assert report, report
        assert not report.remarks
        assert torch.equal(torch.get_rng_state(), state)


def test_a_wrong_parameter_of_a_module_is_named():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

        def forward(self, x):
            return (x * self.scale.detach()) + 0 * self.scale

    report = check(Scaled(), torch.randn(5, 3), effort="quick")
    assert report.findings[0].message == "scale.grad is 0 everywhere"


def test_arguments_of_all_kinds():
    def mixed(parts, settings, dim, *, power):
        return torch.cat(parts, dim).pow(power) * settings["scale"]

    parts = [torch.rand(2, 3) + 1, torch.rand(1, 3) + 1]
    report = check(mixed, parts, {"scale": torch.tensor(2.0)}, 0, power=3)
    assert report, report
    assert {*report.tensors} == {"parts[0]", "parts[1]", "settings[scale]"}


def test_several_outputs_in_a_tree():
    report = check(torch.nn.LSTM(2, 3), torch.randn(2, 2, 2), effort="quick")
    assert report, report


def test_forward_may_do_without_a_context():
    def setup_context(ctx, inputs, output):  # noqa: ARG001
        ctx.factor = inputs[1]

    def forward(x, factor):
        return factor * x

    def backward(ctx, grad_output):
        return ctx.factor * grad_output, None

    function = function_of(forward, backward, setup_context=staticmethod(setup_context))
    assert check(function.apply, torch.randn(4, 3), 3.0)


def test_a_reference_tells_of_a_wrong_forward():
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    def backward(ctx, grad_output):
        return 3 * ctx.saved_tensors[0] ** 2 * grad_output

    function, x = function_of(forward, backward), torch.randn(4, 3)
    assert check(function, x, reference=lambda x: x * x * x)
    assert not check(function, x, reference=lambda x: x**2)


@pytest.mark.parametrize(
    ("thing", "given", "said"),
    [
        (3, (), "3 is no function of tensors"),
        (torch.abs, (torch.randn(3, dtype=torch.complex64),), "x is complex, expected a dense"),
        (torch.sin, (torch.eye(3).to_sparse(),), "x is sparse, expected a dense"),
        (torch.fft.fft, (torch.randn(3),), "it returns complex or sparse tensors"),
        (torch.argmax, (torch.randn(3),), "it returns integers alone"),
        (lambda _: 1, (torch.randn(3),), "it returns int, expected dense tensors"),
        (torch.neg, (torch.tensor([1, 2]),), "no tensor of floats to differentiate among x"),
    ],
)
def test_what_cannot_be_checked_gets_one_sentence(thing, given, said):
    with pytest.raises(TypeError, match=said):
        check(thing, *given)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"order": 3}, ValueError, "order is 3, expected 1 or 2"),
        ({"modes": "test"}, ValueError, "mode 'test', expected 'train' or 'inference'"),
        ({"surrogate": 1}, TypeError, "surrogate is 1, expected a function of tensors"),
        ({"reference": "sin"}, TypeError, "reference is 'sin', expected a function of tensors"),
        ({"wrt": "w"}, ValueError, r"wrt names \['w'\], expected some of \['x'\]"),
        ({"grad_output": torch.ones(2)}, ValueError, "dout has shape"),
    ],
)
def test_options_are_validated(options, error, said):
    with pytest.raises(error, match=said):
        check(lambda x: x.sin(), torch.randn(3), **options)


def test_the_checker_itself_does_not_import_torch():
    code = (
        "import sys, chainrule.gradcheck, chainrule.gradcheck.torch\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
