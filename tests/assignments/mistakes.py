"""Single mistakes, as students make them: which cell of which notebook says what instead.

Each changes one thing in the solution. The bank serves two ends: `test_one_loss.py` counts what a
mistake costs in which cell, `messages.py` writes down what a student is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMES = {
    "01": "01-lenet5-pipeline",
    "02": "02-lenet5-tuning",
    "03": "03-cnn-design",
    "04": "04-plain-residual-mobile",
    "05": "05-resnet20-tuning",
    "06": "06-depth-and-shortcuts",
    "07": "07-resnet-cifar100",
    "08": "08-transfer-learning",
}


@dataclass(frozen=True)
class Mistake:
    number: str
    story: str
    cell: str
    pairs: tuple[tuple[str, str], ...]
    own: tuple[str, ...]  # the test cells that look at this very thing

    @property
    def assignment(self) -> str:
        return NAMES[self.number]

    def __str__(self) -> str:
        return f"{self.number} {self.story}"


BANK: list[Mistake] = []


def _bank(number: str, cell: str, own: str, table: dict[str, tuple[str, ...]]) -> None:
    """Old and new text, in turn, of each mistake in one cell of one notebook."""
    for story, texts in table.items():
        pairs = tuple(zip(texts[::2], texts[1::2], strict=True))
        BANK.append(Mistake(number, story, cell, pairs, tuple(own.split())))


_bank(
    "01",
    "lenet5",
    "lenet5-size lenet5-forward",
    {
        "LeNet5: first convolution padded": (
            "nn.Conv2d(3, 6, 5)",
            "nn.Conv2d(3, 6, 5, padding=2)",
            "16 * 5 * 5",
            "16 * 6 * 6",
        ),
        "LeNet5: softmax at the end": ("nn.Linear(84, 10),", "nn.Linear(84, 10), nn.Softmax(1),"),
        "LeNet5: ReLU at the end": ("nn.Linear(84, 10),", "nn.Linear(84, 10), nn.ReLU(),"),
        "LeNet5: a ReLU forgotten": (
            "nn.Linear(16 * 5 * 5, 120), nn.ReLU(),",
            "nn.Linear(16 * 5 * 5, 120),",
        ),
        "LeNet5: average pooling": (
            "nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)",
            "nn.Conv2d(3, 6, 5), nn.ReLU(), nn.AvgPool2d(2)",
        ),
        "LeNet5: sigmoid": ("nn.Linear(120, 84), nn.ReLU()", "nn.Linear(120, 84), nn.Sigmoid()"),
        "LeNet5: 100 units": (
            "16 * 5 * 5, 120",
            "16 * 5 * 5, 100",
            "nn.Linear(120, 84)",
            "nn.Linear(100, 84)",
        ),
        "LeNet5: a layer that does not fit": ("16 * 5 * 5", "16 * 4 * 4"),
        "LeNet5: dropout": (
            "nn.Linear(120, 84), nn.ReLU()",
            "nn.Linear(120, 84), nn.ReLU(), nn.Dropout()",
        ),
        "LeNet5: forward returns nothing": ("return self.classifier", "self.classifier"),
        "LeNet5: super().__init__ forgotten": ("super().__init__()", "pass"),
        "LeNet5: a syntax error": ("super().__init__()", "super().__init__("),
    },
)
_bank(
    "01",
    "sanity-check",
    "sanity-check-test",
    {
        "looks_like_lenet5: one image": ("torch.zeros(4,", "torch.zeros(1,", "(4, 10)", "(1, 10)"),
        "looks_like_lenet5: frozen ones counted": (" if p.requires_grad", ""),
        "looks_like_lenet5: no count": (" and size == 62_006", ""),
        "looks_like_lenet5: nothing caught": ("except RuntimeError", "except KeyError"),
    },
)
_bank(
    "01",
    "transform",
    "transform-plain transform-augment",
    {
        "make_transform: the usual std": (
            '*lab.normalisation("cifar10")',
            "(0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)",
        ),
        "make_transform: not normalised": (
            ', transforms.Normalize(*lab.normalisation("cifar10"))',
            "",
        ),
        "make_transform: ImageNet's numbers": (
            '*lab.normalisation("cifar10")',
            "(0.485, 0.456, 0.406), (0.229, 0.224, 0.225)",
        ),
        "make_transform: std and mean swapped": (
            '*lab.normalisation("cifar10")',
            '*lab.normalisation("cifar10")[::-1]',
        ),
        "make_transform: no flip": (", transforms.RandomHorizontalFlip()", ""),
        "make_transform: padding 2": ("padding=4", "padding=2"),
        "make_transform: crop half of the time": (
            "transforms.RandomCrop(32, padding=4)",
            "transforms.RandomApply([transforms.RandomCrop(32, padding=4)], 0.5)",
        ),
        "make_transform: augment ignored": ("random + fixed if augment else fixed", "fixed"),
        "make_transform: upside down": ("RandomHorizontalFlip()", "RandomVerticalFlip()"),
    },
)
_bank(
    "01",
    "loaders",
    "loaders-contents loaders-order",
    {
        "make_loaders: not shuffled": (", shuffle=True", ""),
        "make_loaders: validation shuffled": (
            "DataLoader(val, batch_size=batch_size)",
            "DataLoader(val, batch_size=batch_size, shuffle=True)",
        ),
        "make_loaders: last batch dropped": (
            "DataLoader(val, batch_size=batch_size)",
            "DataLoader(val, batch_size=batch_size, drop_last=True)",
        ),
        "make_loaders: validation augmented": (
            "make_transform(augment=False)",
            "make_transform(augment)",
        ),
        "make_loaders: test split": ('"val"', '"test"'),
        "make_loaders: batches of 64": ("batch_size=batch_size", "batch_size=64"),
    },
)
_bank(
    "01",
    "device",
    "place-test is-on-test",
    {
        "place: nothing returned": ("return model.to(device)", "model.to(device)"),
        "place: own device": ("return model.to(device)", "return model.to(lab.device())"),
        "is_on: parameters only": ("[*model.parameters(), *model.buffers()]", "model.parameters()"),
    },
)
_bank(
    "01",
    "loss",
    "loss-test optimizer-test",
    {
        "make_loss: a sum": ("nn.CrossEntropyLoss()", 'nn.CrossEntropyLoss(reduction="sum")'),
        "make_loss: NLL": ("nn.CrossEntropyLoss()", "nn.NLLLoss()"),
        "make_optimizer: no momentum": ("momentum=0.9, ", ""),
        "make_optimizer: no decay": (", weight_decay=5e-4", ""),
        "make_optimizer: Adam": (
            "torch.optim.SGD(parameters, lr=0.02, momentum=0.9, weight_decay=5e-4)",
            "torch.optim.Adam(parameters, lr=0.001, weight_decay=5e-4)",
        ),
    },
)
_bank(
    "01",
    "train-step",
    "train-step-test",
    {
        "train_step: no zero_grad": ("    optimizer.zero_grad()\n", ""),
        "train_step: no step": ("    optimizer.step()\n", ""),
        "train_step: zero_grad after backward": (
            "    optimizer.zero_grad()\n",
            "",
            "    loss.backward()\n",
            "    loss.backward()\n    optimizer.zero_grad()\n",
        ),
        "train_step: eval mode": ("model.train()", "model.eval()"),
        "train_step: a tensor": ("return loss.item()", "return loss"),
        "train_step: cross entropy": ("loss_fn(model", "nn.functional.cross_entropy(model"),
        "train_step: the loss after the step": (
            "return loss.item()",
            "return loss_fn(model(images.to(device)), labels.to(device)).item()",
        ),
    },
)
_bank(
    "01",
    "evaluate",
    "evaluate-test",
    {
        "evaluate: gradients recorded": ("with torch.no_grad():", "if True:"),
        "evaluate: train mode": ("    model.eval()\n", ""),
        "evaluate: mean of means": (
            ".item() * len(labels)",
            ".item()",
            "count += len(labels)",
            "count += len(labels); batches = len(loader)",
            "total_loss / count",
            "total_loss / batches",
        ),
        "evaluate: cross entropy": ("loss_fn(scores", "nn.functional.cross_entropy(scores"),
        "evaluate: percent": ("right / count", "100 * right / count"),
        "evaluate: order swapped": (
            "return total_loss / count, right / count",
            "return right / count, total_loss / count",
        ),
    },
)
_bank(
    "01",
    "bonus-init",
    "bonus-init-test",
    {
        "init_kaiming: uniform": ("kaiming_normal_", "kaiming_uniform_"),
        "init_kaiming: fan-out": ('"fan_in"', '"fan_out"'),
        "init_kaiming: biases kept": ("            nn.init.zeros_(layer.bias)\n", ""),
        "init_kaiming: convolutions only": ("(nn.Conv2d, nn.Linear)", "nn.Conv2d"),
    },
)
_bank(
    "02",
    "augment",
    "test-augment",
    {
        "augment: offsets too small": (
            "torch.randint(2 * padding + 1,",
            "torch.randint(max(1, 2 * padding),",
        ),
        "augment: one coin a batch": ("torch.rand(count)", "torch.rand(1)"),
        "augment: upside down": ("crops.flip(3)", "crops.flip(2)"),
        "augment: padding of 4 always": ("[padding] * 4", "[4] * 4"),
        "augment: border mirrored": (
            "F.pad(images, [padding] * 4)",
            'F.pad(images, [padding] * 4, mode="reflect")',
        ),
        "augment: one window a batch": (
            "torch.randint(2 * padding + 1, (2, count)).tolist()",
            "[[n] * count for n in torch.randint(2 * padding + 1, (2,)).tolist()]",
        ),
    },
)
_bank(
    "02",
    "augmented-step",
    "test-augmented-step",
    {
        "augmented_step: not augmented": ("augment(images, padding, flip)", "images"),
        "augmented_step: settings not handed on": (
            "augment(images, padding, flip)",
            "augment(images)",
        ),
    },
)
_bank(
    "02",
    "lenet-bn",
    "test-lenet-bn",
    {
        "LeNet5BN: norm after ReLU": (
            "self.activation(self.norm1(self.conv1(images)))",
            "self.norm1(self.activation(self.conv1(images)))",
        ),
        "LeNet5BN: one norm forgotten": ("self.norm4(self.fc2(hidden))", "self.fc2(hidden)"),
        "LeNet5BN: a norm after the last layer": (
            "return self.fc3(self.activation(self.norm4(self.fc2(hidden))))",
            "return self.norm5(self.fc3(self.activation(self.norm4(self.fc2(hidden)))))",
            "self.activation = F.relu",
            "self.activation = F.relu\n        self.norm5 = nn.BatchNorm1d(10)",
        ),
        "LeNet5BN: momentum changed": ("nn.BatchNorm2d(6)", "nn.BatchNorm2d(6, momentum=0.01)"),
    },
)
_bank(
    "02",
    "swish",
    "test-swish",
    {
        "swish: sigmoid alone": ("return x * torch.sigmoid(x)", "return torch.sigmoid(x)"),
        "swish: in place": (
            "return x * torch.sigmoid(x)",
            "return x.mul_(torch.sigmoid(x)) if not x.is_leaf else x * torch.sigmoid(x)",
        ),
        "swish: into its input": (
            "return x * torch.sigmoid(x)",
            "share = torch.sigmoid(x)\n    x *= share\n    return x",
        ),
        "swish: hard": ("return x * torch.sigmoid(x)", "return F.hardswish(x)"),
    },
)
_bank(
    "02",
    "lenet-swish",
    "test-lenet-swish",
    {
        "LeNet5Swish: still ReLU": ("self.activation = swish", "pass"),
    },
)
_bank(
    "02",
    "bonus-penalty",
    "test-bonus-penalty",
    {
        "l1_step: the loss without the penalty returned": (
            "    return augmented_step(model, images, labels, penalised, optimizer)",
            "    seen = []\n\n    def noted(scores, labels):\n"
            "        seen.append(loss_fn(scores, labels).item())\n"
            "        return penalised(scores, labels)\n\n"
            "    augmented_step(model, images, labels, noted, optimizer)\n    return seen[-1]",
        ),
    },
)
_bank(
    "03",
    "output-size",
    "test-output-size",
    {
        "output_size: rounded up": (
            "// stride + 1",
            "// stride + 1 + ((size + 2 * padding - kernel) % stride > 0)",
        ),
        "output_size: padding once": (
            "size + 2 * padding - kernel) //",
            "size + padding - kernel) //",
        ),
        "output_size: a float": ("// stride", "/ stride"),
        "output_size: no error": ("    if kernel > size + 2 * padding:\n", "    if False:\n"),
    },
)
_bank(
    "03",
    "output-shape",
    "test-output-shape",
    {
        "output_shape: pairs swapped": (
            "kernel[0], padding[0], stride[0]",
            "kernel[1], padding[1], stride[1]",
            "output_size(width, kernel[1], padding[1], stride[1])",
            "output_size(width, kernel[0], padding[0], stride[0])",
        ),
        "output_shape: channels of the input": (
            "height, width, _ = shape",
            "height, width, filters = shape",
        ),
    },
)
_bank(
    "03",
    "parameters",
    "test-parameters",
    {
        "conv_parameters: no bias": (" + (filters if bias else 0)", ""),
        "conv_parameters: square filters": ("kernel[0] * kernel[1]", "kernel[0] ** 2"),
        "linear_parameters: bias per input": ("(outputs if bias", "(inputs if bias"),
    },
)
_bank(
    "03",
    "by-hand",
    "test-by-hand",
    {
        "by_hand: pool forgotten": ("4 * 4 * 128 * 64 + 64", "8 * 8 * 128 * 64 + 64"),
        "by_hand: no biases": ("5 * 5 * 3 * 32 + 32", "5 * 5 * 3 * 32"),
    },
)
_bank(
    "03",
    "by-code",
    "test-by-code",
    {
        "count_parameters: top level only": (
            "sum(parameter.numel() for parameter in net.parameters())",
            "sum(p.numel() for p in net._parameters.values()) or sum(p.numel() for m in net.children() for p in m._parameters.values() if p is not None)",
        ),
    },
)
_bank(
    "03",
    "three-conv",
    "test-three-conv",
    {
        "ThreeConvNet: softmax": (
            "return self.dense2(",
            "return F.softmax(self.dense2(",
            "maps.flatten(1))))",
            "maps.flatten(1)))), 1)",
        ),
        "ThreeConvNet: pool before ReLU is the same, average is not": (
            "F.max_pool2d(",
            "F.avg_pool2d(",
        ),
        "ThreeConvNet: ReLU forgotten": (
            "F.relu(self.dense1(maps.flatten(1)))",
            "self.dense1(maps.flatten(1))",
        ),
    },
)
_bank(
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
)
_bank(
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
)
_bank(
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
        "ResBlock: zeros in front": ("(0, 0, 0, 0, 0, self.more)", "(0, 0, 0, 0, self.more, 0)"),
        "ResBlock: projection where channels differ": (
            "if stride != 1:",
            "if in_channels != out_channels:",
        ),
        "ResBlock: ReLU on the projection": (
            "shortcut = self.projection(x)",
            "shortcut = F.relu(self.projection(x))",
        ),
    },
)
_bank(
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
)
_bank(
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
)
_bank(
    "04",
    "formulas",
    "test-formulas",
    {
        "separable_weights: a product": ("M * D_K**2 + N * M", "M * D_K**2 * N"),
        "remaining_share: the inverse": ("1 / N + 1 / D_K**2", "1 / (1 / N + 1 / D_K**2)"),
    },
)
_bank(
    "04",
    "complexity",
    "test-complexity",
    {
        "complexity: order swapped": ("return parameters, macs", "return macs, parameters"),
        "complexity: operations twice": ("return parameters, macs", "return parameters, 2 * macs"),
    },
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
    "06",
    "recipe",
    "test-recipe",
    {
        "initialise: uniform": ("kaiming_normal_", "kaiming_uniform_"),
        "make_optimizer: decay 5e-4": ("weight_decay=1e-4", "weight_decay=5e-4"),
        "step_down: at 50 and 75 %": ("(81, 122)", "(82, 123)"),
    },
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
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
)
_bank(
    "08",
    "prepare",
    "test-prepare",
    {
        "prepare: CIFAR's numbers": (
            "transforms.Normalize(expected.mean, expected.std)",
            'transforms.Normalize(*lab.normalisation("cifar10"))',
        ),
        "prepare: not normalised": (", transforms.Normalize(expected.mean, expected.std)", ""),
    },
)
_bank(
    "08",
    "net",
    "test-net",
    {
        "TransferNet: not enlarged": (
            "F.interpolate(images, size=(self.size, self.size), mode=self.mode)",
            "images",
        ),
        "TransferNet: mode ignored": ("mode=self.mode", 'mode="nearest"'),
        "TransferNet: head of 1000 kept": (
            "        self.resnet.fc = nn.Linear(self.resnet.fc.in_features, num_classes)\n",
            "",
        ),
        "TransferNet: softmax": (
            "return self.resnet(F.interpolate(images, size=(self.size, self.size), mode=self.mode))",
            "return self.resnet(F.interpolate(images, size=(self.size, self.size), mode=self.mode)).softmax(1)",
        ),
    },
)
_bank(
    "08",
    "freeze",
    "test-freeze",
    {
        "freeze: head only": ("    model.resnet.layer4.requires_grad_(True)\n", ""),
        "freeze: nothing frozen": ("model.requires_grad_(False)", "model.requires_grad_(True)"),
        "freeze: nothing returned": ("    return model\n", ""),
    },
)
# fmt: on

# What stands on a part of its own, and is to be judged as if that part were right.
MADE_OF = {
    ("03", "output-size"): ["test-output-shape"],
    ("04", "plain-block"): ["test-plain-net"],
    ("04", "res-block"): ["test-resnet"],
    ("04", "conv-dw"): ["test-mobile-net"],
    ("05", "shortcut"): ["test-block", "test-resnet20"],
    ("05", "block"): ["test-resnet20"],
    ("06", "basic-block"): ["test-resnet18"],
    ("06", "bottleneck"): ["test-resnet50"],
    ("07", "block"): ["test-network"],
    ("01", "transform"): ["transform-augment", "loaders-contents", "loaders-order"],
    ("01", "device"): ["initial-loss-test"],
    ("01", "loss"): ["initial-loss-test"],
    ("01", "evaluate"): ["initial-loss-test"],
    ("01", "lenet5"): ["sanity-check-test", "initial-loss-test", "bonus-init-test"],
}
# Cells that take time and decide nothing here.
IDLE = {"04": ("blocks-figure", "gradient-figure", "share-figure", "complexity")}
