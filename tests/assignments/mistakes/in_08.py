"""Single mistakes in assignment 08."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
        "08",
        "freeze",
        "test-freeze",
        {
            "freeze: head only": ("    model.resnet.layer4.requires_grad_(True)\n", ""),
            "freeze: nothing frozen": ("model.requires_grad_(False)", "model.requires_grad_(True)"),
            "freeze: nothing returned": ("    return model\n", ""),
        },
    ),
]
