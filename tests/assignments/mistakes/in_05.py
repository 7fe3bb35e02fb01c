"""Single mistakes in assignment 05."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
        "05",
        "shortcut",
        "test-shortcut",
        {
            "shortcut: zeros in front": (
                "(0, 0, 0, 0, 0, channels - x.shape[1])",
                "(0, 0, 0, 0, channels - x.shape[1], 0)",
            ),
            "shortcut: half before, half behind": (
                "(0, 0, 0, 0, 0, channels - x.shape[1])",
                "(0, 0, 0, 0, (channels - x.shape[1]) // 2, (channels - x.shape[1] + 1) // 2)",
            ),
            "shortcut: average pool": (
                "x = x[:, :, ::stride, ::stride]",
                "x = F.avg_pool2d(x, stride)",
            ),
        },
    ),
    *in_cell(
        "05",
        "block",
        "test-block",
        {
            "BasicBlock: no last ReLU": (
                "return F.relu(out + shortcut(x, self.out_channels, self.stride))",
                "return out + shortcut(x, self.out_channels, self.stride)",
            ),
            "BasicBlock: no ReLU between": (
                "out = F.relu(self.norm1(self.conv1(x)))",
                "out = self.norm1(self.conv1(x))",
            ),
            "BasicBlock: x multiplied": ("out + shortcut(", "out * shortcut("),
            "BasicBlock: a projection made and unused": (
                "self.norm2 = nn.BatchNorm2d(out_channels)",
                "self.norm2 = nn.BatchNorm2d(out_channels)\n        self.extra = nn.Conv2d(in_channels, out_channels, 1)",
            ),
            "BasicBlock: one norm for both": (
                "out = self.norm2(self.conv2(out))",
                "out = self.norm1(self.conv2(out))",
            ),
        },
    ),
    *in_cell(
        "05",
        "resnet",
        "test-resnet20",
        {
            "ResNet20: log-softmax": (
                "return self.linear(maps.mean((2, 3)))",
                "return F.log_softmax(self.linear(maps.mean((2, 3))), 1)",
            ),
            "ResNet20: max of the maps": ("maps.mean((2, 3))", "maps.amax((2, 3))"),
            "ResNet20: no ReLU after layer 1": (
                "F.relu(self.norm(self.conv(images)))",
                "self.norm(self.conv(images))",
            ),
            "ResNet20: four blocks in a stage": ("[width] * 3 +", "[width] * 4 +"),
            "ResNet20: default width of 8": ("width=16", "width=8"),
        },
    ),
]
