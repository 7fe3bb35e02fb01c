"""02: what `augment` may be made of, whatever the size of the images."""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("02-lenet5-tuning")
LOOP = """
def augment(images, padding=4, flip=0.5):
    {sizes}
    padded = F.pad(images, [padding] * 4)
    rows = torch.randint(2 * padding + 1, (len(images),)).tolist()
    columns = torch.randint(2 * padding + 1, (len(images),)).tolist()
    crops = [p[:, y:y + height, x:x + width] for p, y, x in zip(padded, rows, columns)]
    coins = torch.rand(len(images)).tolist()
    return torch.stack([c.flip(2) if coin < flip else c for c, coin in zip(crops, coins)])
"""
WINDOWS = """
def augment(images, padding=4, flip=0.5):
    n, _, height, width = images.shape
    windows = F.pad(images, [padding] * 4).unfold(2, height, 1).unfold(3, width, 1)
    rows, columns = torch.randint(2 * padding + 1, (2, n))
    crops = windows[torch.arange(n), :, rows, columns].clone()
    heads = torch.rand(n) < flip
    crops[heads] = crops[heads].flip(3)
    return crops
"""
EACH = """
def augment(images, padding=4, flip=0.5):
    from torchvision import transforms

    move = transforms.Compose(
        [
            transforms.RandomCrop(images.shape[2:], padding=padding),
            transforms.RandomHorizontalFlip(flip),
        ]
    )
    return torch.stack([move(image) for image in images])
"""
SIZES = {
    "typed in": "height = width = 32",
    "square": "height = width = images.shape[3]",
    "swapped": "width, height = images.shape[2:]",
}


@pytest.mark.parametrize(
    "code", [LOOP.format(sizes="height, width = images.shape[2:]"), WINDOWS, EACH]
)
def test_crops_are_written_in_many_ways(code: str) -> None:
    TRIAL.accepts("test-augment", {"augment": code})


@pytest.mark.parametrize("story", SIZES)
def test_height_and_width_are_those_of_the_images(story: str) -> None:
    cells = {"augment": LOOP.format(sizes=SIZES[story])}
    assert TRIAL.refuses("test-augment", cells).share > 0.6
    assert not TRIAL.passes_visible("test-augment", cells)
