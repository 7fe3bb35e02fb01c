"""torch's own layers: can a network of each be recorded, run and compared?"""

from __future__ import annotations

import pytest

from tests.judging.trial import judge

MAPS = (
    "nn.Conv2d(3, 4, 3, padding=1, padding_mode='reflect')", "nn.ConvTranspose2d(3, 4, 2, 2)",
    "nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))",
    "nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))",
    "nn.utils.weight_norm(nn.Conv2d(3, 4, 3))", "nn.utils.spectral_norm(nn.Conv2d(3, 4, 3))",
    "nn.BatchNorm2d(3, momentum=None)", "nn.BatchNorm2d(3, affine=False)",
    "nn.InstanceNorm2d(3, affine=True, track_running_stats=True)", "nn.GroupNorm(3, 3)",
    "nn.LayerNorm([3, 8, 8])", "nn.RMSNorm(8)", "nn.LocalResponseNorm(2)", "nn.PReLU(3)",
    "nn.Softplus()", "nn.Softsign()", "nn.Tanhshrink()", "nn.GELU('tanh')", "nn.Mish()",
    "nn.RReLU()", "nn.Softmin(1)", "nn.Dropout2d()", "nn.FeatureAlphaDropout()",
    "nn.MaxPool2d(3, 2, ceil_mode=True)", "nn.LPPool2d(2, 2)", "nn.AdaptiveMaxPool2d(2)",
    "nn.AdaptiveAvgPool2d(3)", "nn.ReflectionPad2d(1)", "nn.CircularPad2d(1)",
    "nn.PixelUnshuffle(2)", "nn.Upsample(scale_factor=2, mode='bicubic')",
    "nn.Sequential(nn.Unfold(2, stride=2), nn.Fold((8, 8), 2, stride=2))",
)  # fmt: skip
MORE = (
    "torchvision.ops.SqueezeExcitation(3, 2)", "torchvision.ops.StochasticDepth(0.3, 'row')",
    "torchvision.ops.Conv2dNormActivation(3, 4)", "torchvision.ops.FrozenBatchNorm2d(3)",
    "torchvision.ops.DropBlock2d(0.3, 3)",
)  # fmt: skip
ROWS = (
    "nn.Bilinear(8, 8, 2)", "nn.LSTM(8, 4, 2, bidirectional=True, batch_first=True)",
    "nn.GRU(8, 4, batch_first=True)", "nn.RNN(8, 4, batch_first=True)",
    "nn.MultiheadAttention(8, 2, batch_first=True)",
    "nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)",
    "nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)",
    "nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)",
    "nn.Conv1d(24, 4, 3)", "nn.ReflectionPad1d(1)", "nn.ReplicationPad1d(1)",
    "nn.Upsample(scale_factor=2)", "nn.Upsample(scale_factor=2, mode='linear')",
    "nn.AdaptiveMaxPool1d(2)", "nn.Dropout1d()", "nn.Embedding(24, 8)",
)  # fmt: skip
NET = """
import torchvision
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = {}
    def forward(self, x):
        return {}
"""
TWICE = ("nn.Bilinear", "nn.TransformerDecoder")
FUNCTIONS = (
    "x.rot90(1, (2, 3))", "x.atan()",
    "torch.logaddexp(x, x * 2)", "x * (x != 0)", "x - x.floor()", "x.cumprod(1)",
    "torch.zeros(len(x), 6, 8, 8).to(x).index_copy(1, torch.tensor([0, 2, 4]), x)",
    "torch.ones(len(x), 6, 8, 8).to(x).index_add(1, torch.arange(3), x)",
    "x.nanmean((2, 3))", "torch.where(torch.arange(8) % 2 == 0, x, x * 2)",
    "torch.ones(len(x), 6, 8, 8).to(x).index_put((torch.arange(len(x)),), x.repeat(1, 2, 1, 1))",
    "x.gather(1, torch.zeros(len(x), 1, 8, 8, dtype=torch.long))",
)  # fmt: skip


def share(layer: str, call: str) -> float:
    code = NET.format(layer, call)
    verdict = judge("check.function('Net()', x=images(4, size=8))", code, code)
    assert not verdict.internal_error and not verdict.notes, verdict
    return verdict.share


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the old weight_norm is to go
@pytest.mark.parametrize("layer", [*MAPS, *MORE])
def test_layers_on_maps(layer: str) -> None:
    assert share(layer, "self.layer(x)") == 1.0


@pytest.mark.parametrize("layer", ROWS)
def test_layers_on_rows(layer: str) -> None:
    calls = {
        "nn.Multihead": "self.layer(x, x, x)[0]",
        "nn.Embedding": "x + self.layer(torch.arange(24))",
    }
    calls |= {f"nn.{name}": "self.layer(x)[0]" for name in ("LSTM", "GRU", "RNN")}
    calls |= dict.fromkeys(TWICE, "self.layer(x, x)")
    call = next((told for kind, told in calls.items() if layer.startswith(kind)), "self.layer(x)")
    assert share(layer, f"(lambda x: {call})(x.flatten(1, 2))") == 1.0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions(function: str) -> None:
    assert share("nn.Identity()", function) == 1.0


@pytest.mark.parametrize(
    "call",
    [
        "self.layer(x[:, 0, 0, :4].abs().long())",
        "x.flatten(1).gather(1, (x[:, 0, 0, :1] > 0).long())",
    ],
)
def test_no_look_up_by_what_the_images_show(call: str) -> None:
    code = NET.format("nn.Embedding(24, 8)", call)
    verdict = judge("check.function('Net()', x=images(4, size=8))", code, code)
    assert "look-up by what the images show" in str(verdict)
