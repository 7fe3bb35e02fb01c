"""Single mistakes in assignment 01."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
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
            "LeNet5: softmax at the end": (
                "nn.Linear(84, 10),",
                "nn.Linear(84, 10), nn.Softmax(1),",
            ),
            "LeNet5: ReLU at the end": ("nn.Linear(84, 10),", "nn.Linear(84, 10), nn.ReLU(),"),
            "LeNet5: a ReLU forgotten": (
                "nn.Linear(16 * 5 * 5, 120), nn.ReLU(),",
                "nn.Linear(16 * 5 * 5, 120),",
            ),
            "LeNet5: average pooling": (
                "nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)",
                "nn.Conv2d(3, 6, 5), nn.ReLU(), nn.AvgPool2d(2)",
            ),
            "LeNet5: sigmoid": (
                "nn.Linear(120, 84), nn.ReLU()",
                "nn.Linear(120, 84), nn.Sigmoid()",
            ),
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
    ),
    *in_cell(
        "01",
        "sanity-check",
        "sanity-check-test",
        {
            "looks_like_lenet5: one image": (
                "torch.zeros(4,",
                "torch.zeros(1,",
                "(4, 10)",
                "(1, 10)",
            ),
            "looks_like_lenet5: frozen ones counted": (" if p.requires_grad", ""),
            "looks_like_lenet5: no count": (" and size == 62_006", ""),
            "looks_like_lenet5: nothing caught": ("except RuntimeError", "except KeyError"),
        },
    ),
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
        "01",
        "device",
        "place-test is-on-test",
        {
            "place: nothing returned": ("return model.to(device)", "model.to(device)"),
            "place: own device": ("return model.to(device)", "return model.to(lab.device())"),
            "is_on: parameters only": (
                "[*model.parameters(), *model.buffers()]",
                "model.parameters()",
            ),
        },
    ),
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
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
    ),
    *in_cell(
        "01",
        "bonus-init",
        "bonus-init-test",
        {
            "init_kaiming: uniform": ("kaiming_normal_", "kaiming_uniform_"),
            "init_kaiming: fan-out": ('"fan_in"', '"fan_out"'),
            "init_kaiming: biases kept": ("            nn.init.zeros_(layer.bias)\n", ""),
            "init_kaiming: convolutions only": ("(nn.Conv2d, nn.Linear)", "nn.Conv2d"),
        },
    ),
]
