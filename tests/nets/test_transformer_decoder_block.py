import numpy as np
import pytest

from chainrule.layers import ReLU
from chainrule.nets import TransformerDecoderBlock, load


@pytest.mark.parametrize("norm_first", [False, True])
def test_it_agrees_with_pytorch(norm_first):
    torch = pytest.importorskip("torch")
    block = TransformerDecoderBlock(
        8, 2, hidden=12, activation=ReLU(), norm_first=norm_first, rng=0
    )
    rng = np.random.default_rng(1)
    for array in block.params.values():
        array[...] = rng.standard_normal(array.shape) / 2
    theirs = torch.nn.TransformerDecoderLayer(
        8, 2, 12, 0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )

    def ours(name):
        return torch.tensor(block.params[name])

    with torch.no_grad():
        for name, mha in {
            "selfattention": theirs.self_attn,
            "attention": theirs.multihead_attn,
        }.items():
            mha.in_proj_weight[...] = torch.cat([ours(f"{name}.W{one}").T for one in "qkv"])
            mha.in_proj_bias[...] = torch.cat([ours(f"{name}.b{one}") for one in "qkv"])
            mha.out_proj.weight[...] = ours(f"{name}.Wo").T
            mha.out_proj.bias[...] = ours(f"{name}.bo")
        for name, linear in {"widen": theirs.linear1, "narrow": theirs.linear2}.items():
            linear.weight[...], linear.bias[...] = ours(f"{name}.W").T, ours(f"{name}.b")
        for place in (1, 2, 3):
            norm = getattr(theirs, f"norm{place}")
            norm.weight[...] = ours(f"norm{place}.gamma")
            norm.bias[...] = ours(f"norm{place}.beta")
    x, memory = rng.standard_normal((2, 5, 8)), rng.standard_normal((2, 4, 8))
    out, cache = block.forward(x, memory)
    tensors = [torch.tensor(one, requires_grad=True) for one in (x, memory)]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    other = theirs(*tensors, tgt_mask=mask, tgt_is_causal=True)
    np.testing.assert_allclose(out, other.detach().numpy(), rtol=1e-11, atol=1e-11)
    dout = rng.standard_normal(out.shape)
    dinputs, grads = block.backward(dout, cache)
    (other * torch.tensor(dout)).sum().backward()
    for one, tensor in zip(dinputs, tensors, strict=True):
        np.testing.assert_allclose(one, tensor.grad.numpy(), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        grads["widen.W"], theirs.linear1.weight.grad.numpy().T, rtol=1e-11, atol=1e-11
    )


def test_it_comes_back_from_a_file_and_drops_in_training_alone(tmp_path):
    block = TransformerDecoderBlock(4, 2, keep=0.5, rng=0)
    block.save(tmp_path / "net.safetensors")
    rng = np.random.default_rng(0)
    x, memory = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    again = load(tmp_path / "net.safetensors")
    out, _ = block.forward(x, memory, train=False)
    np.testing.assert_array_equal(again.forward(x, memory, train=False)[0], out)
    assert not np.allclose(block.forward(x, memory)[0], out)
