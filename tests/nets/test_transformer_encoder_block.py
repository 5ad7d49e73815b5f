import numpy as np
import pytest

from chainrule.layers import LayerNorm, ReLU, RMSNorm
from chainrule.nets import TransformerEncoderBlock


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_it_agrees_with_pytorch(norm_first, causal):
    torch = pytest.importorskip("torch")
    block = TransformerEncoderBlock(
        8, 2, hidden=12, causal=causal, activation=ReLU(), norm_first=norm_first, rng=0
    )
    rng = np.random.default_rng(1)
    for array in block.params.values():
        array[...] = rng.standard_normal(array.shape) / 2
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, 12, 0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    ours = {name.rpartition(".")[2]: {} for name in block.params}
    for name, array in block.params.items():
        ours[name.rpartition(".")[2]][name] = torch.tensor(array)

    def one(key, place=0):
        return [*ours[key].values()][place]

    with torch.no_grad():
        mha = theirs.self_attn
        mha.in_proj_weight[...] = torch.cat([one(f"W{name}").T for name in "qkv"])
        mha.in_proj_bias[...] = torch.cat([one(f"b{name}") for name in "qkv"])
        mha.out_proj.weight[...], mha.out_proj.bias[...] = one("Wo").T, one("bo")
        for place, linear in enumerate((theirs.linear1, theirs.linear2)):
            linear.weight[...], linear.bias[...] = one("W", place).T, one("b", place)
        for place, norm in enumerate((theirs.norm1, theirs.norm2)):
            norm.weight[...], norm.bias[...] = one("gamma", place), one("beta", place)
    x = rng.standard_normal((2, 5, 8))
    out, cache = block.forward(x)
    tensor = torch.tensor(x, requires_grad=True)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    other = theirs(tensor, mask if causal else None, is_causal=causal)
    np.testing.assert_allclose(out, other.detach().numpy(), rtol=1e-11, atol=1e-11)
    dout = rng.standard_normal(out.shape)
    dx, grads = block.backward(dout, cache)
    (other * torch.tensor(dout)).sum().backward()
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-11, atol=1e-11)
    first = next(name for name in block.params if name.endswith(".W"))
    np.testing.assert_allclose(
        grads[first], theirs.linear1.weight.grad.numpy().T, rtol=1e-11, atol=1e-11
    )


def test_a_causal_block_does_not_look_ahead():
    block = TransformerEncoderBlock(6, 3, causal=True, norm=RMSNorm, rng=0)
    x = np.random.default_rng(0).standard_normal((1, 5, 6))
    out, _ = block.forward(x)
    x[:, 3:] = 9
    changed, _ = block.forward(x)
    np.testing.assert_array_equal(changed[:, :3], out[:, :3])
    assert not np.allclose(changed[:, 3], out[:, 3])


def test_dropout_stands_behind_attention_and_feed_forward():
    block = TransformerEncoderBlock(4, 2, keep=0.5, rng=0)
    assert repr(block).count("Dropout") == 2
    with pytest.raises(TypeError, match=r"norm is LayerNorm.*, expected a class such as BatchNorm"):
        TransformerEncoderBlock(4, 2, norm=LayerNorm(4))
