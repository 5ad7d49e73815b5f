"""Whether PyTorch's own operators are called wrong by the checker, each given as a stranger.

    python -m benchmarks.operators [--only abs add …] [--samples 3] [--json FILE]

The operators are those of NAMES, common ones by their names in torch.testing's list, chosen before
any was checked. Each is wrapped in a plain function, so that nothing tells which it is, and checked
on its first few small samples there, in float64 and in float32, on the CPU. All their gradients
are right, but where REASONS says: whatever else is called wrong is a fault of the checker.
Needs expecttest, which torch.testing imports.
"""

import argparse
import time
import warnings
from collections import Counter
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.report import write_json
from chainrule.gradcheck.torch import check

NAMES = """
abs acos acosh add addbmm addcdiv addcmul addmm addmv addr amax amin aminmax asin asinh atan atan2
atanh baddbmm bmm broadcast_to bucketize cat cdist ceil chunk clamp clamp_max clamp_min clone
column_stack cos cosh cross cummax cummin cumprod cumsum deg2rad diag diag_embed diagonal diff dist
dot einsum erf erfc erfinv exp exp2 expand expm1 fft.fft flatten flip floor fmax fmin fmod frac
gather hsplit hstack hypot index_add index_copy index_fill index_select inner kron kthvalue lerp
lgamma linalg.cholesky linalg.cross linalg.det linalg.inv linalg.matrix_norm linalg.norm
linalg.solve linalg.svdvals linalg.vector_norm log log10 log1p log2 log_softmax logaddexp
logcumsumexp logdet logit logsumexp masked_fill masked_scatter masked_select matmul max_binary
max_reduction_with_dim maximum mean median meshgrid min_binary min_reduction_with_dim minimum mm
mode movedim msort mul mv nan_to_num nanmean nansum narrow neg norm ormqr outer permute polar pow
prod put qr quantile rad2deg ravel reciprocal remainder renorm repeat repeat_interleave reshape roll
rot90 round rsqrt rsub scatter scatter_add scatter_reduce select sgn sigmoid sign sin sinc sinh
softmax sort split sqrt square squeeze stack std std_mean sub sum svd t take take_along_dim tan tanh
tensor_split tensordot tile topk trace transpose trapezoid tril triu true_divide trunc unbind unfold
unsqueeze var var_mean vdot view vstack where xlogy
nn.functional.adaptive_avg_pool2d nn.functional.adaptive_max_pool2d nn.functional.avg_pool1d
nn.functional.avg_pool2d nn.functional.batch_norm nn.functional.bilinear
nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
nn.functional.celu nn.functional.conv1d nn.functional.conv2d nn.functional.conv_transpose2d
nn.functional.cosine_embedding_loss nn.functional.cosine_similarity nn.functional.cross_entropy
nn.functional.ctc_loss nn.functional.dropout nn.functional.elu nn.functional.embedding
nn.functional.gaussian_nll_loss nn.functional.gelu nn.functional.glu nn.functional.grid_sample
nn.functional.group_norm nn.functional.hardshrink nn.functional.hardsigmoid
nn.functional.hardswish nn.functional.hardtanh nn.functional.hinge_embedding_loss
nn.functional.huber_loss nn.functional.instance_norm nn.functional.interpolate
nn.functional.kl_div nn.functional.l1_loss nn.functional.layer_norm nn.functional.leaky_relu
nn.functional.linear nn.functional.local_response_norm nn.functional.logsigmoid
nn.functional.margin_ranking_loss nn.functional.max_pool1d nn.functional.max_pool2d
nn.functional.mish nn.functional.mse_loss nn.functional.multi_margin_loss
nn.functional.multilabel_soft_margin_loss nn.functional.nll_loss nn.functional.normalize
nn.functional.pad nn.functional.pairwise_distance nn.functional.pdist
nn.functional.pixel_shuffle nn.functional.poisson_nll_loss nn.functional.prelu
nn.functional.relu nn.functional.relu6 nn.functional.rms_norm
nn.functional.scaled_dot_product_attention nn.functional.selu nn.functional.silu
nn.functional.smooth_l1_loss nn.functional.soft_margin_loss nn.functional.softmin
nn.functional.softplus nn.functional.softshrink nn.functional.softsign nn.functional.tanhshrink
nn.functional.threshold nn.functional.triplet_margin_loss nn.functional.unfold
""".split()  # noqa: SIM905
LARGEST = 120  # numbers that a sample may hold
SECONDS = 8.0  # for the samples of one operator
REASONS = {  # where PyTorch's own gradient is not that of the function as it is called
    "linalg.cholesky": "it reads one triangle, and gives the gradient for symmetric input",
    "nn.functional.embedding": "the row of padding_idx gets no gradient, by convention",
    "scatter": "with reduce= PyTorch has no derivative, and says so",
}


def tensors_in(tree):
    if isinstance(tree, torch.Tensor):
        yield tree
    elif isinstance(tree, (list, tuple)):
        for part in tree:
            yield from tensors_in(part)


def samples(operator, dtype, count):
    """The first small samples of an operator that can be differentiated."""
    torch.manual_seed(0)
    found = operator.sample_inputs("cpu", dtype, requires_grad=False)
    for sample in found:
        tensors = [*tensors_in([sample.input, *sample.args, *sample.kwargs.values()])]
        size = sum(t.numel() for t in tensors)
        usual = all(not t.is_complex() and t.layout == torch.strided for t in tensors)
        floats = any(t.is_floating_point() and t.numel() for t in tensors_in([sample.input]))
        if usual and floats and size <= LARGEST:
            yield sample
            count -= 1
        if not count:
            return


def stranger(operator, keywords):
    """The operator in a function that does not tell which it is."""
    return lambda *given: operator(*given, **keywords)


def check_operator(operator, dtype, count):
    """The verdicts on its samples: "right", "wrong" with a finding, or "not checked" and why."""
    started = time.perf_counter()
    for at, sample in enumerate(samples(operator, dtype, count)):
        if time.perf_counter() - started > SECONDS:
            return
        given = [sample.input, *sample.args]
        told = {"operator": operator.full_name, "dtype": str(dtype).split(".")[1], "sample": at}
        try:
            report = check(stranger(operator, sample.kwargs), *given)
        except TypeError as error:
            yield told | {"verdict": "not checked", "why": str(error)[:100]}
            continue
        verdict = "right" if report else "wrong"
        why = "" if report else report.findings[0].message
        remarks = [remark.message for remark in report.remarks]
        yield told | {"verdict": verdict, "why": why, "remarks": remarks}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operators")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME")
    parser.add_argument("--samples", type=int, default=3, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the results, as JSON")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

    torch.set_num_threads(1)
    known = {operator.full_name: operator for operator in reversed(op_db)}  # the first of a name
    results = []
    for name in tqdm([name for name in given.only if name in known], disable=None):
        operator = known[name]
        for dtype in (torch.float64, torch.float32):
            if operator.supports_autograd and operator.supports_dtype(dtype, "cpu"):
                results += check_operator(operator, dtype, given.samples)
    counts = Counter(result["verdict"] for result in results)
    print(f"{len({r['operator'] for r in results})} operators, {len(results)} samples: "
          + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))  # fmt: skip
    for result in results:
        if result["verdict"] == "wrong":
            reason = REASONS.get(result["operator"], "no reason")
            print("{operator} {dtype} {sample}: {why}".format(**result), f"({reason})")
    if given.json:
        told = {
            "machine": machine(),
            "torch": torch.__version__,
            "operators": sorted({result["operator"] for result in results}),
            "counts": dict(counts),
            "remarks": sum(bool(result.get("remarks")) for result in results),
            "others": [result for result in results if result["verdict"] != "right"],
            "reasons": REASONS,
        }
        write_json(given.json, told)


if __name__ == "__main__":
    main()
