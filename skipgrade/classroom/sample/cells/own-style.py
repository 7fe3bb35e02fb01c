# %% claim-01-answer
import warnings

import torch.nn.functional as F
from torchvision.transforms import v2

warnings.warn("this notebook prints a lot")
print("claim 1 ...")
answer_1 = not True

# %% lenet5
class LeNet5(nn.Module):
    """The same network, its layers registered from the last to the first."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Linear(84, 10)
        self.squeeze = nn.Linear(120, 84)
        self.mix = nn.Linear(400, 120)
        self.c2 = nn.Conv2d(6, 16, kernel_size=(5, 5))
        self.c1 = nn.Conv2d(3, 6, kernel_size=(5, 5))

    def forward(self, photos):
        h = F.max_pool2d(self.c1(photos), 2).relu()
        h = F.max_pool2d(self.c2(h), 2).relu()
        h = F.relu(self.mix(torch.flatten(h, start_dim=1)))
        return self.scores(F.relu(self.squeeze(h)))


warnings.warn("pooling before ReLU is the same as ReLU before pooling")
print(LeNet5())

# %% sanity-check
EXPECTED = 62_006


def looks_like_lenet5(model):
    try:
        with torch.no_grad():
            out = model(torch.randn(3, 3, 32, 32))
    except Exception as error:
        print("cannot be called:", type(error).__name__)
        return False
    trainable = [p for p in model.parameters() if p.requires_grad]
    return list(out.shape) == [3, 10] and sum(map(torch.numel, trainable)) == EXPECTED

# %% transform
MEAN, STD = lab.normalisation("cifar10")


def make_transform(augment):
    steps = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    if augment:
        steps += [v2.RandomHorizontalFlip(0.5), v2.RandomCrop((32, 32), padding=4)]
    return v2.Compose(steps)

# %% loaders
def make_loaders(batch_size, augment=False):
    loaders = []
    for split in ("train", "val"):
        training = split == "train"
        images = lab.dataset("cifar10", split, transform=make_transform(augment and training))
        loaders.append(DataLoader(images, batch_size, shuffle=training))
    return loaders

# %% device
def place(model, device):
    for layer in model.children():
        layer.to(device)
    return model.to(device)


def is_on(model, device):
    wanted = torch.device(device).type
    for tensor in model.state_dict().values():
        if tensor.device.type != wanted:
            return False
    return True

# %% loss
def make_loss():
    def cross_entropy(scores, labels):
        log_shares = scores - scores.logsumexp(dim=1, keepdim=True)
        return -log_shares[torch.arange(len(labels), device=labels.device), labels].mean()

    return cross_entropy


def make_optimizer(parameters):
    decayed, free = [], []
    for parameter in parameters:
        (decayed if parameter.ndim > 1 else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=0.02, momentum=0.9)

# %% train-step
def train_step(model, images, labels, loss_fn, optimizer):
    model.train(True)
    home = next(iter(model.parameters())).device
    for parameter in model.parameters():
        parameter.grad = None
    batch_loss = loss_fn(model(images.to(home)), labels.to(home))
    batch_loss.backward()
    optimizer.step()
    return float(batch_loss.detach())

# %% evaluate
@torch.no_grad()
def evaluate(model, loader, loss_fn):
    was_training = model.training
    model.eval()
    home = next(iter(model.parameters())).device
    parts = [(model(x.to(home)), y.to(home)) for x, y in loader]
    scores, labels = (torch.cat(column) for column in zip(*parts))
    model.train(was_training)
    return float(loss_fn(scores, labels)), float((scores.argmax(1) == labels).float().mean())

# %% initial-loss
guessing_loss = lambda num_classes: -math.log(1 / num_classes)
_, val_loader = make_loaders(256)
initial_loss = evaluate(place(LeNet5(), lab.device()), val_loader, make_loss())[0]
train_loader, val_loader = make_loaders(64, augment=True)

# %% curves
def plot_accuracy(history):
    figure = plt.figure()
    for kind, key in (("train", "train_accuracy"), ("val", "val_accuracy")):
        plt.plot(range(1, len(history) + 1), history[key], label=kind)
    plt.xlabel("epoch")
    plt.ylabel("accuracy")
    plt.legend()
    return figure

# %% bonus-init
def init_kaiming(model):
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim == 1:
                p.zero_()
            else:
                p.normal_(0, (2 / p[0].numel()) ** 0.5)
    return model

# %% bonus-plot
def plot_starts(default, kaiming):
    figure, axes = plt.subplots()
    for name, run in {"Kaiming": kaiming, "default": default}.items():
        axes.plot(run["epoch"], run["val_accuracy"], marker="o", label=name)
    axes.legend(title="start")
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy")
    return figure
