"""01: which losses and loaders are those that the text asks for?"""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("01-lenet5-pipeline")
LOSS = """
def make_loss():
    return {loss}


def make_optimizer(parameters):
    return torch.optim.SGD(parameters, lr=0.02, momentum=0.9, weight_decay=5e-4)
"""
RIGHT_LOSSES = {
    "logsumexp": "lambda z, y: (z.logsumexp(1) - z[torch.arange(len(y)), y]).mean()",
    "the formula": "lambda z, y: -torch.log(z.exp()[range(len(z)), y] / z.exp().sum(1)).mean()",
    "with an epsilon": "lambda z, y: -(z.softmax(1)[range(len(y)), y] + 1e-12).log().mean()",
    "one-hot": "lambda z, y: -(nn.functional.one_hot(y, 10) * z.log_softmax(1)).sum(1).mean()",
}
WRONG_LOSSES = {
    "batches of 24 alone": "lambda z, y: nn.CrossEntropyLoss(reduction='sum')(z, y) / 24",
    "a class for its object": "nn.CrossEntropyLoss",
    "a class left out": "nn.CrossEntropyLoss(ignore_index=9)",
    "a float": "lambda z, y: nn.functional.cross_entropy(z, y).item()",
    "detached": "lambda z, y: nn.functional.cross_entropy(z.detach(), y)",
    "smoothed": "nn.CrossEntropyLoss(label_smoothing=0.01)",
    "over the batch": "lambda z, y: nn.functional.nll_loss(z.log_softmax(0), y)",
}
LOADERS = """
def make_loaders(batch_size, augment=False):
    train = lab.dataset("cifar10", "train", transform=make_transform(augment))
    val = lab.dataset("cifar10", "val", transform=make_transform(augment=False))
    return DataLoader(train, {training}), DataLoader(val, batch_size=batch_size)


class ShuffledBatches:
    def __init__(self, images, size):
        self.batches = torch.arange(len(images)).split(size)

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return (self.batches[i].tolist() for i in torch.randperm(len(self)))
"""
RANDOM = "torch.utils.data.RandomSampler(train{more})"
RIGHT_LOADERS = {
    "a sampler": f"batch_size, sampler={RANDOM.format(more='')}",
    "batches drawn": f"batch_sampler=torch.utils.data.BatchSampler("
    f"{RANDOM.format(more='')}, batch_size, drop_last=False)",
    "the last one left out": "batch_size, shuffle=True, drop_last=True",
    "a generator": "batch_size, shuffle=True, generator=torch.Generator().manual_seed(0)",
}
WRONG_LOADERS = {
    "with replacement": f"batch_size, sampler={RANDOM.format(more=', replacement=True')}",
    "half": f"batch_size, sampler={RANDOM.format(more=', num_samples=len(train) // 2')}",
    "the same batches": "batch_sampler=ShuffledBatches(train, batch_size)",
}


@pytest.mark.parametrize("story", RIGHT_LOSSES)
def test_cross_entropy_is_written_in_many_ways(story: str) -> None:
    TRIAL.accepts("loss-test", {"loss": LOSS.format(loss=RIGHT_LOSSES[story])})


@pytest.mark.parametrize("story", WRONG_LOSSES)
def test_a_loss_is_the_mean_over_all_classes_and_has_gradients(story: str) -> None:
    TRIAL.refuses("loss-test", {"loss": LOSS.format(loss=WRONG_LOSSES[story])})


def test_a_class_called_with_tensors_is_told_from_its_object() -> None:
    verdict = TRIAL.refuses("loss-test", {"loss": LOSS.format(loss="nn.CrossEntropyLoss")})
    assert "Make one first: nn.CrossEntropyLoss()." in verdict.reasons[0]


@pytest.mark.parametrize("story", RIGHT_LOADERS)
def test_training_images_are_shuffled_in_many_ways(story: str) -> None:
    TRIAL.accepts("loaders-order", {"loaders": LOADERS.format(training=RIGHT_LOADERS[story])})


@pytest.mark.parametrize("story", WRONG_LOADERS)
def test_an_epoch_holds_each_training_image_once_in_new_batches(story: str) -> None:
    TRIAL.refuses("loaders-order", {"loaders": LOADERS.format(training=WRONG_LOADERS[story])})
