"""Single mistakes in assignment 07."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
        "07",
        "flips",
        "test-flips",
        {
            "random_flips: one coin for both": (
                "upside_down = torch.rand(shape, device=images.device) < vertical",
                "upside_down = sideways",
            ),
            "random_flips: axes swapped": (
                "images.flip(3)",
                "images.flip(9)",
                "images.flip(2)",
                "images.flip(3)",
                "images.flip(9)",
                "images.flip(2)",
            ),
            "random_flips: one coin a batch": (
                "shape = (len(images), 1, 1, 1)",
                "shape = (1, 1, 1, 1)",
            ),
            "random_flips: 0.2 written": ("< vertical", "< 0.2"),
        },
    ),
    *in_cell(
        "07",
        "sizes",
        "test-sizes",
        {
            "linear_inputs: side not squared": ("(size // pool) ** 2", "(size // pool)"),
            "linear_inputs: rounded down": ("(size - 1) // stride + 1", "size // stride"),
            "PRINTED_STRIDES: last stride": (
                "(*STRIDES[:6], 1, *STRIDES[7:])",
                "(*STRIDES[:10], 1, 1)",
            ),
        },
    ),
    *in_cell(
        "07",
        "block",
        "test-block",
        {
            "BasicBlock: match_dim with norm": (
                "self.match_dim = nn.Conv2d(channels_in, channels_out, 1, stride)",
                "self.match_dim = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out))",
            ),
            "BasicBlock: ReLU after the sum": (
                "return self.norm2(self.conv2(inner)) + self.match_dim(maps)",
                "return F.relu(self.norm2(self.conv2(inner)) + self.match_dim(maps))",
            ),
            "BasicBlock: match_dim always": ("if stride != 1:", "if True:"),
            "BasicBlock: no inner ReLU": (
                "inner = F.relu(self.norm1(self.conv1(maps)))",
                "inner = self.norm1(self.conv1(maps))",
            ),
            "BasicBlock: match_dim 3x3": (
                "nn.Conv2d(channels_in, channels_out, 1, stride)",
                "nn.Conv2d(channels_in, channels_out, 3, stride, 1)",
            ),
        },
    ),
    *in_cell(
        "07",
        "network",
        "test-network",
        {
            "ResNet: average pooling at the end": ("nn.MaxPool2d(4)", "nn.AvgPool2d(4)"),
            "ResNet: no dropout": ("            nn.Dropout(dropout),\n", ""),
            "ResNet: dropout 0.2": ("dropout=0.3", "dropout=0.2"),
            "ResNet: Dropout2d": ("nn.Dropout(dropout)", "nn.Dropout2d(dropout)"),
            "ResNet: counts": ("(2, 4, 4, 2)", "(2, 4, 2, 4)"),
            "ResNet: softmax": (
                "return self.head(self.features(images))",
                "return self.head(self.features(images)).softmax(1)",
            ),
        },
    ),
]
