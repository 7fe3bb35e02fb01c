"""`lab.backbone`: only who asks for one waits for torchvision, as slow to import as torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchvision.models.resnet import ResNet


def backbone() -> "ResNet":
    """torchvision's ResNet-18 with pretrained weights; replace its head `fc`.

    SKIPGRADE_BACKBONE says which: "imagenet" (downloaded by torchvision), or "builtin" (trained
    here, on drawn images of 100 classes enlarged to 64 by 64). Unset, it goes with the images in
    force. Both want images with ImageNet's mean and standard deviation. While nbgrader grades, the
    weights are random and cost nothing: those handed in are about to be loaded.
    """
    from skipgrade.lab import pretrained

    return pretrained.resnet()
