"""Single mistakes in assignment 04."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
        "04",
        "plain-block",
        "test-plain-block",
        {
            "PlainBlock: no last ReLU": (
                "return F.relu(self.second(F.relu(self.first(x))))",
                "return self.second(F.relu(self.first(x)))",
            ),
            "PlainBlock: stride in the second": (
                "self.first = conv_norm(in_channels, out_channels, stride=stride)",
                "self.first = conv_norm(in_channels, out_channels)",
                "self.second = conv_norm(out_channels, out_channels)",
                "self.second = conv_norm(out_channels, out_channels, stride=stride)",
            ),
            "PlainBlock: no ReLU between": (
                "self.second(F.relu(self.first(x)))",
                "self.second(self.first(x))",
            ),
            "PlainBlock: stride ignored": (
                "self.first = conv_norm(in_channels, out_channels, stride=stride)",
                "self.first = conv_norm(in_channels, out_channels)",
            ),
        },
    ),
    *in_cell(
        "04",
        "plain-net",
        "test-plain-net",
        {
            "Net18: max instead of mean": ("maps.mean((2, 3))", "maps.amax((2, 3))"),
            "Net18: no ReLU after layer 1": ("F.relu(self.first(images))", "self.first(images)"),
            "Net18: a stride too early": ("(1, 1, 2, 1, 2, 1, 2, 1)", "(1, 2, 1, 1, 2, 1, 2, 1)"),
            "Net18: channels wrong": ("(1, 1, 2, 2, 4, 4, 8, 8)", "(1, 1, 2, 2, 4, 4, 4, 8)"),
            "Net18: log-softmax": (
                "return self.last(maps.mean((2, 3)))",
                "return F.log_softmax(self.last(maps.mean((2, 3))), 1)",
            ),
            "Net18: 10 classes": ("width=64, classes=100", "width=64, classes=10"),
        },
    ),
    *in_cell(
        "04",
        "res-block",
        "test-res-block",
        {
            "ResBlock: a projection that nobody uses": (
                "self.projection = None",
                "self.projection = None\n        self.idle = conv_norm(in_channels, out_channels, 1)",
            ),
            "ResBlock: join after the ReLU": (
                "return F.relu(self.second(F.relu(self.first(x))) + shortcut)",
                "return F.relu(self.second(F.relu(self.first(x)))) + shortcut",
            ),
            "ResBlock: projection without norm": (
                "self.projection = conv_norm(in_channels, out_channels, kernel=1, stride=stride)",
                "self.projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)",
            ),
            "ResBlock: zeros in front": (
                "(0, 0, 0, 0, 0, self.more)",
                "(0, 0, 0, 0, self.more, 0)",
            ),
            "ResBlock: projection where channels differ": (
                "if stride != 1:",
                "if in_channels != out_channels:",
            ),
            "ResBlock: ReLU on the projection": (
                "shortcut = self.projection(x)",
                "shortcut = F.relu(self.projection(x))",
            ),
        },
    ),
    *in_cell(
        "04",
        "conv-dw",
        "test-conv-dw",
        {
            "conv_dw: no last ReLU": (
                "        *conv_norm(in_channels, out_channels, kernel=1),\n        nn.ReLU(),\n",
                "        *conv_norm(in_channels, out_channels, kernel=1),\n",
            ),
            "conv_dw: no groups": (", groups=in_channels", ""),
            "conv_dw: ReLU6": ("nn.ReLU()", "nn.ReLU6()"),
            "conv_dw: stride in the 1x1": (
                "3, stride, 1, groups",
                "3, 1, 1, groups",
                "*conv_norm(in_channels, out_channels, kernel=1)",
                "*conv_norm(in_channels, out_channels, kernel=1, stride=stride)",
            ),
            "conv_dw: no norm between": ("        nn.BatchNorm2d(in_channels),\n", ""),
        },
    ),
    *in_cell(
        "04",
        "mobile-net",
        "test-mobile-net",
        {
            "MobileBlock: stride twice": (
                "self.second = conv_dw(out_channels, out_channels)",
                "self.second = conv_dw(out_channels, out_channels, stride)",
            ),
            "MobileBlock: a ReLU more is none, a sum is one": (
                "return self.second(self.first(x))",
                "return self.second(self.first(x)) + 1",
            ),
        },
    ),
    *in_cell(
        "04",
        "formulas",
        "test-formulas",
        {
            "separable_weights: a product": ("M * D_K**2 + N * M", "M * D_K**2 * N"),
            "remaining_share: the inverse": ("1 / N + 1 / D_K**2", "1 / (1 / N + 1 / D_K**2)"),
        },
    ),
    *in_cell(
        "04",
        "complexity",
        "test-complexity",
        {
            "complexity: order swapped": ("return parameters, macs", "return macs, parameters"),
            "complexity: operations twice": (
                "return parameters, macs",
                "return parameters, 2 * macs",
            ),
        },
    ),
]
