"""Single mistakes in assignment 06."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
        "06",
        "transforms",
        "test-transforms",
        {
            "transforms: the usual std": (
                "transforms.Normalize(MEAN, STD)",
                "transforms.Normalize(MEAN, (0.2023, 0.1994, 0.2010))",
            ),
            "transforms: no flip": (", transforms.RandomHorizontalFlip()", ""),
            "transforms: test images augmented": (
                "[transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), test_transform]\n)",
                "[transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), test_transform]\n)\ntest_transform = train_transform",
            ),
        },
    ),
    *in_cell(
        "06",
        "basic-block",
        "test-basic-block",
        {
            "BasicBlock: projection without norm": (
                "            self.shortcut = nn.Sequential(\n                nn.Conv2d(in_channels, channels, 1, stride, bias=False),\n                nn.BatchNorm2d(channels),\n            )",
                "            self.shortcut = nn.Conv2d(in_channels, channels, 1, stride, bias=False)",
            ),
            "BasicBlock: no last ReLU": ("return F.relu(changed)", "return changed"),
            "BasicBlock: projection always": (
                "if shortcut and (stride != 1 or in_channels != channels):",
                "if shortcut:",
            ),
            "BasicBlock: stride in the second": (
                "nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)",
                "nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)",
                "nn.Conv2d(channels, channels, 3, padding=1, bias=False)",
                "nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)",
            ),
        },
    ),
    *in_cell(
        "06",
        "resnet18",
        "test-resnet18 test-resnet50",
        {
            "network: stride in stage 1": (
                "stride = 2 if stage > 0 and number == 0 else 1",
                "stride = 2 if number == 0 else 1",
            ),
            "network: max pool at the entrance": (
                "nn.BatchNorm2d(width), nn.ReLU()]",
                "nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]",
            ),
            "network: shortcut not handed on": (
                "layers.append(block(in_channels, channels, stride, shortcut))",
                "layers.append(block(in_channels, channels, stride))",
            ),
        },
    ),
    *in_cell(
        "06",
        "bottleneck",
        "test-bottleneck",
        {
            "Bottleneck: stride in the first 1x1": (
                "nn.Conv2d(in_channels, channels, 1, bias=False)",
                "nn.Conv2d(in_channels, channels, 1, stride, bias=False)",
                "nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)",
                "nn.Conv2d(channels, channels, 3, padding=1, bias=False)",
            ),
            "Bottleneck: one ReLU forgotten": (
                "            nn.ReLU(),\n            nn.Conv2d(channels, 4 * channels, 1, bias=False)",
                "            nn.Conv2d(channels, 4 * channels, 1, bias=False)",
            ),
            "Bottleneck: projection without norm": (
                "            self.shortcut = nn.Sequential(\n                nn.Conv2d(in_channels, 4 * channels, 1, stride, bias=False),\n                nn.BatchNorm2d(4 * channels),\n            )",
                "            self.shortcut = nn.Conv2d(in_channels, 4 * channels, 1, stride, bias=False)",
            ),
        },
    ),
    *in_cell(
        "06",
        "recipe",
        "test-recipe",
        {
            "initialise: uniform": ("kaiming_normal_", "kaiming_uniform_"),
            "make_optimizer: decay 5e-4": ("weight_decay=1e-4", "weight_decay=5e-4"),
            "step_down: at 50 and 75%": ("(81, 122)", "(82, 123)"),
        },
    ),
]
