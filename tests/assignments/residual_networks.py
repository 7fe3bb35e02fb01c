"""07, the block and the network: right answers and wrong ones, by what they are."""

from __future__ import annotations

BLOCK = """
class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
"""
PARTS = (
    "self.c1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1); "
    "self.b1 = nn.BatchNorm2d(channels_out); "
    "self.c2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1); "
    "self.b2 = nn.BatchNorm2d(channels_out); "
    "self.stride = stride; "
)
MATCH = "self.match = nn.Conv2d(channels_in, channels_out, 1, stride) if stride != 1 else None"
MAIN = "y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))"
JOIN = f"{MAIN}; return y + (x if self.match is None else self.match(x))"


def block(init: str = PARTS + MATCH, forward: str = JOIN) -> str:
    return BLOCK.format(init=init, forward=forward)


IN_SEQUENCE = """
class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        if stride > 1:
            self.match_dim = nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride)
        self.match_needed = stride > 1
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x):
        shortcut = x
        if self.match_needed:
            shortcut = self.match_dim(x)
        out = self.layers(x)
        out += shortcut
        return out
"""

NETWORK = """
class ResNet(nn.Module):
    def __init__(self, width=32, dropout=0.3, classes=100):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        self.rate = dropout
        for stage, count in enumerate({counts}):
            c = width * 2**stage
            layers = {up}
            layers += [BasicBlock(c, c, {strides}) for at in range(count)]
            self.stages.append(nn.Sequential(*layers))
        self.fc = nn.Linear(8 * width, classes)
        {extra}

    def forward(self, x):
        x = {stem}
        for stage in self.stages:
            x = stage(x)
        return self.fc({head})
"""
USUAL = {
    "counts": "(2, 4, 4, 2)",
    "up": "[nn.Conv2d(c // 2, c, 1)] if stage else []",
    "strides": "2 if stage and not at else 1",
    "extra": "",
    "stem": "F.dropout(F.relu(self.norm(self.stem(x))), self.rate, self.training)",
    "head": "F.adaptive_max_pool2d(x, 1).flatten(1)",
}


def network(**changes: str) -> str:
    return NETWORK.format(**{**USUAL, **changes})


RIGHT = {
    "block with another order of registration": ("test-block", {"block": block()}),
    "block in sequence, as the text's code": ("test-block", {"block": IN_SEQUENCE}),
    "block whose match_dim has no bias": (
        "test-block",
        {
            "block": block(
                PARTS + "self.match = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False) "
                "if stride != 1 else None"
            )
        },
    ),
    "functional network": ("test-network", {"network": network()}),
    "network with ReLU after dropout, which is the same": (
        "test-network",
        {
            "network": network(
                stem="F.relu(F.dropout(self.norm(self.stem(x)), self.rate, self.training))"
            )
        },
    ),
    "network whose head is a product of matrices": (
        "test-network",
        {
            "network": network(
                extra="self.b = nn.Parameter(torch.zeros(classes)); del self.fc; "
                "self.w = nn.Parameter(torch.rand(classes, 8 * width))"
            ).replace("return self.fc(", "return self.b + (lambda x: x @ self.w.T)(")
        },
    ),
    "network on the block in sequence, without biases of 1x1": (
        "test-network",
        {
            "block": IN_SEQUENCE,
            "network": network(
                up="[nn.Conv2d(c // 2, c, 1, bias=False)] if stage else []",
                head="F.max_pool2d(x, 4).reshape(len(x), -1)",
            ),
        },
    ),
}

WRONG = {
    "ReLU after the addition": (
        "test-block",
        {"block": block(forward=JOIN.replace("return y + (", "return F.relu(y + (") + ")")},
    ),
    "no shortcut": ("test-block", {"block": block(forward=f"{MAIN}; return y")}),
    "no second batch norm": (
        "test-block",
        {"block": block(forward=JOIN.replace("self.b2(self.c2", "(self.c2"))},
    ),
    "one batch norm for two places": (
        "test-block",
        {"block": block(forward=JOIN.replace("self.b2", "self.b1"))},
    ),
    "no inner ReLU": ("test-block", {"block": block(forward=JOIN.replace("F.relu", ""))}),
    "shortcut by slicing": (
        "test-block",
        {
            "block": block(
                PARTS, f"{MAIN}; x = x[:, :, :: self.stride, :: self.stride]; return y + x"
            )
        },
    ),
    "batch norm in the shortcut": (
        "test-block",
        {
            "block": block(
                PARTS + "self.match = None if stride == 1 else nn.Sequential("
                "nn.Conv2d(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out))"
            )
        },
    ),
    "match_dim at stride 1 too": (
        "test-block",
        {"block": block(PARTS + MATCH.replace("if stride != 1 else None", ""))},
    ),
    "match_dim at stride 1, never used": (
        "test-block",
        {
            "block": block(
                PARTS + "self.match = nn.Conv2d(channels_in, channels_out, 1, stride)",
                f"{MAIN}; return y + (x if self.stride == 1 else self.match(x))",
            )
        },
    ),
    "match_dim at stride 2 alone": (
        "test-block",
        {
            "block": block(
                PARTS + MATCH.replace("stride != 1", "stride == 2"),
                f"{MAIN}; s = 1 if self.match else self.stride; "
                "return y + (self.match or nn.Identity())(x)[:, :, ::s, ::s]",
            )
        },
    ),
    "match_dim with padding": (
        "test-block",
        {"block": block(PARTS + MATCH.replace("1, stride)", "1, stride, padding=1)"))},
    ),
    "stride in the second convolution": (
        "test-block",
        {
            "block": block(
                PARTS.replace("3, stride, 1)", "3, 1, 1)").replace(
                    "channels_out, 3, 1, 1); self.b2", "channels_out, 3, stride, 1); self.b2"
                )
                + MATCH
            )
        },
    ),
    "ReLU before batch norm in the stem": (
        "test-network",
        {
            "network": network(
                stem="F.dropout(self.norm(F.relu(self.stem(x))), self.rate, self.training)"
            )
        },
    ),
    "no batch norm in the stem": (
        "test-network",
        {"network": network(stem="F.dropout(F.relu(self.stem(x)), self.rate, self.training)")},
    ),
    "no dropout": ("test-network", {"network": network(stem="F.relu(self.norm(self.stem(x)))")}),
    "dropout in eval mode": (
        "test-network",
        {"network": network(stem="F.dropout(F.relu(self.norm(self.stem(x))), self.rate)")},
    ),
    "dropout of 0.2": (
        "test-network",
        {"network": network().replace("dropout=0.3", "dropout=0.2")},
    ),
    "dropout hard-coded": (
        "test-network",
        {"network": network().replace("self.rate = dropout", "self.rate = 0.3")},
    ),
    "whole maps dropped": (
        "test-network",
        {"network": network(stem=USUAL["stem"].replace("F.dropout", "F.dropout2d"))},
    ),
    "classes hard-coded": ("test-network", {"network": network().replace("classes)", "100)")}),
    "width hard-coded": (
        "test-network",
        {
            "network": network().replace(
                "super().__init__()", "super().__init__()\n        width = 32"
            )
        },
    ),
    "eleven blocks": ("test-network", {"network": network(counts="(2, 3, 4, 2)")}),
    "1x1 after the first block": (
        "test-network",
        {
            "network": network().replace(
                "layers += [BasicBlock(c, c, 2 if stage and not at else 1) for at in range(count)]",
                "layers = [BasicBlock(c // 2, c // 2, 2), *layers] if stage else []; "
                "layers += [BasicBlock(c, c) for at in range(count - bool(stage))]",
            )
        },
    ),
    "blocks that widen, no 1x1": (
        "test-network",
        {
            "network": network(up="[]").replace(
                "BasicBlock(c, c, 2", "BasicBlock(c if at or not stage else c // 2, c, 2"
            )
        },
    ),
    "stride in the last block of a stage": (
        "test-network",
        {"network": network(strides="2 if stage and at == count - 1 else 1")},
    ),
    "average pool": (
        "test-network",
        {"network": network(head="F.adaptive_avg_pool2d(x, 1).flatten(1)")},
    ),
    "ReLU before the pool": (
        "test-network",
        {"network": network(head="F.adaptive_max_pool2d(x.relu(), 1).flatten(1)")},
    ),
    "softmax at the end": (
        "test-network",
        {
            "network": network().replace("return self.fc(", "return F.softmax(self.fc(")[:-1]
            + ", 1)\n"
        },
    ),
    "a layer never used": (
        "test-network",
        {"network": network(extra="self.old = nn.Linear(4 * 8 * width, classes)")},
    ),
}
