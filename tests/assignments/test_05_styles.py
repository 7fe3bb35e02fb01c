"""Assignment 05: answers in many styles earn everything; mistakes that only some calls show."""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("05-resnet20-tuning")

SHORTCUT = "def shortcut(x, channels, stride):\n    c = x.shape[1]\n    y = "
PADDED = "\n    return F.pad(y, (0, 0, 0, 0, 0, channels - c))\n"
RIGHT_SHORTCUTS = {
    "a 1x1 convolution that picks channels": """
        def shortcut(x, channels, stride):
            eye = torch.eye(channels, x.shape[1], dtype=x.dtype, device=x.device)
            return F.conv2d(x, eye[:, :, None, None], stride=stride)
        """,
    "einsum": """
        def shortcut(x, channels, stride):
            eye = torch.eye(channels, x.size(1)).to(x)
            return torch.einsum("oc,nchw->nohw", eye, x[:, :, ::stride, ::stride])
        """,
    "rows and columns by their numbers": """
        def shortcut(x, channels, stride):
            rows = torch.arange(0, x.shape[2], stride, device=x.device)
            columns = torch.arange(0, x.shape[3], stride, device=x.device)
            y = x.index_select(2, rows).index_select(3, columns)
            zeros = torch.zeros(len(y), channels - y.shape[1], *y.shape[2:], device=x.device)
            return torch.cat((y, zeros), 1)
        """,
    "map by map": """
        def shortcut(x, channels, stride):
            maps = list(x[:, :, ::stride, ::stride].unbind(1))
            while len(maps) < channels:
                maps.append(torch.zeros_like(maps[0]))
            return torch.stack(maps, dim=1)
        """,
    "channels last": """
        def shortcut(x, channels, stride):
            y = x[:, :, ::stride, ::stride].permute(0, 2, 3, 1)
            return F.pad(y, (0, channels - x.shape[1])).permute(0, 3, 1, 2)
        """,
    "pixels unshuffled": f"{SHORTCUT}F.pixel_unshuffle(x, stride)[:, :: stride * stride]{PADDED}",
    "windows of one pixel": f"{SHORTCUT}x.unfold(2, 1, stride).unfold(3, 1, stride)[..., 0, 0]{PADDED}",
    "a module": """
        class Shortcut(nn.Module):
            def __init__(self, channels, stride):
                super().__init__()
                self.channels, self.pool = channels, nn.MaxPool2d(1, stride)

            def forward(self, x):
                x = self.pool(x)
                return nn.ConstantPad3d((0, 0, 0, 0, 0, self.channels - x.shape[1]), 0.0)(x)

        def shortcut(x, channels, stride, **unused):
            return Shortcut(channels, stride)(x)
        """,
    "copied into zeros": """
        def shortcut(x, channels, stride):
            y = x[:, :, ::stride, ::stride]
            out = y.new_zeros(y.shape[0], channels, y.shape[2], y.shape[3])
            out.narrow(1, 0, y.shape[1]).copy_(y)
            return out
        """,
}  # fmt: skip
SLICED = "x[:, :, ::stride, ::stride]"
WRONG_SHORTCUTS = {
    "stride 2, whatever is asked": f"{SHORTCUT}x[:, :, ::2, ::2] if stride > 1 else x{PADDED}",
    "a stride alone changes nothing": f"{SHORTCUT}{SLICED} if channels > c else x{PADDED}",
    "square maps alone": """
        def shortcut(x, channels, stride):
            side = x.shape[2] // stride
            out = torch.zeros(x.shape[0], channels, side, side, dtype=x.dtype)
            out[:, :x.shape[1]] = x[:, :, ::stride, ::stride]
            return out
        """,
    "twice the channels": f"{SHORTCUT}{SLICED}\n    return torch.cat([y, 0 * y], 1)\n",
    "ReLU": f"{SHORTCUT}F.relu({SLICED}){PADDED}",
    "transposed": f"{SHORTCUT}{SLICED}.transpose(2, 3){PADDED}",
}


@pytest.mark.parametrize("code", RIGHT_SHORTCUTS.values(), ids=RIGHT_SHORTCUTS.keys())
def test_right_shortcuts(code: str) -> None:
    TRIAL.accepts("test-shortcut", {"shortcut": code})
    assert "test-shortcut" not in TRIAL.errors


@pytest.mark.parametrize("code", WRONG_SHORTCUTS.values(), ids=WRONG_SHORTCUTS.keys())
def test_wrong_shortcuts_also_in_the_notebook(code: str) -> None:
    TRIAL.refuses("test-shortcut", {"shortcut": code})
    assert "test-shortcut" in TRIAL.errors


def test_a_stride_that_is_always_2_keeps_most_of_its_point() -> None:
    code = WRONG_SHORTCUTS["stride 2, whatever is asked"]
    assert TRIAL.refuses("test-shortcut", {"shortcut": code}).share == pytest.approx(0.75)


BLOCK = """
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.out_channels, self.stride = out_channels, stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        out = F.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return F.relu(out + shortcut(x, self.out_channels, self.stride))
"""
FUNCTIONAL_NORM = """
class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(make(channels)) for make in (torch.ones, torch.zeros))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.gamma, self.beta, self.training)
"""
LAZY = """
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.LazyConv2d(out_channels, 3, padding=1, stride=stride), nn.LazyBatchNorm2d(),
            nn.ReLU(), nn.LazyConv2d(out_channels, 3, padding=1), nn.LazyBatchNorm2d())
        self.c, self.s = out_channels, stride
        self.body(torch.zeros(2, in_channels, 8, 8))

    def forward(self, x):
        return F.relu(self.body(x) + shortcut(x, self.c, self.s))
"""
RIGHT_BLOCKS = {
    "F.batch_norm": FUNCTIONAL_NORM + BLOCK.replace("nn.BatchNorm2d", "Norm"),
    "lazy layers": LAZY,
    "a ReLU by comparison": BLOCK.replace("F.relu(", "(lambda y: y * (y > 0))("),
}
WRONG_BLOCKS = {
    "ReLU6": BLOCK.replace("F.relu", "F.relu6"),
    "stride 2 wherever channels change": BLOCK.replace(
        "super().__init__()",
        "super().__init__()\n        stride = 1 + (out_channels > in_channels)",
    ),
    "stride 2 if nothing is said": BLOCK.replace("stride=1)", "stride=2)"),
    "a shortcut only where the shape changes": BLOCK.replace(
        "out + shortcut(", "out if self.stride == 1 else out + shortcut("
    ),
    "one norm for both": BLOCK.replace("self.norm2(self", "self.norm1(self"),
}


@pytest.mark.parametrize("code", RIGHT_BLOCKS.values(), ids=RIGHT_BLOCKS.keys())
def test_right_blocks(code: str) -> None:
    TRIAL.accepts("test-block", {"block": code})
    assert "test-block" not in TRIAL.errors


@pytest.mark.parametrize("code", WRONG_BLOCKS.values(), ids=WRONG_BLOCKS.keys())
def test_wrong_blocks_also_in_the_notebook(code: str) -> None:
    assert code != BLOCK
    TRIAL.refuses("test-block", {"block": code})
    assert "test-block" in TRIAL.errors


def test_a_block_takes_any_stride() -> None:
    """One that knows 1 and 2 alone loses as much as one that minds the channels."""
    code = BLOCK.replace(
        "self.stride = out_channels, stride", "self.stride = out_channels, min(stride, 2)"
    )
    code = code.replace("3, stride, padding", "3, self.stride, padding")
    assert code != BLOCK
    assert TRIAL.refuses("test-block", {"block": code}).share == pytest.approx(0.75)
