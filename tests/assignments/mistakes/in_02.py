"""Single mistakes in assignment 02."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
        "02",
        "lenet-swish",
        "test-lenet-swish",
        {
            "LeNet5Swish: still ReLU": ("self.activation = swish", "pass"),
        },
    ),
    *in_cell(
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
    ),
]
