"""08: slips that one picture, one size or one call does not show, and what they cost elsewhere."""

from __future__ import annotations

import pytest

from tests.assignments.transfer import as_in_grading, trial  # noqa: F401 (a fixture)

NORMALISED = "transforms.Normalize(WEIGHTS.transforms().mean, WEIGHTS.transforms().std)"
COMPOSED = "prepare = transforms.Compose([{}])"
WRITTEN = """
def prepare(picture):
    tensor = {}
    weights = WEIGHTS.transforms()
    return transforms.functional.normalize(tensor, weights.mean, weights.std){}
"""
TENSOR = "transforms.functional.to_tensor(picture)"
PIXELS = "torch.tensor(np.array(picture))"
PREPARE_SLIPS = {
    "resized to 32": COMPOSED.format(
        f"transforms.Resize((32, 32)), transforms.ToTensor(), {NORMALISED}"
    ),
    "cropped to a square": COMPOSED.format(
        f"transforms.CenterCrop(32), transforms.ToTensor(), {NORMALISED}"
    ),
    "mirrored at times": COMPOSED.format(
        f"transforms.RandomHorizontalFlip(), transforms.ToTensor(), {NORMALISED}"
    ),
    "partly erased at times": COMPOSED.format(
        f"transforms.ToTensor(), {NORMALISED}, transforms.RandomErasing()"
    ),
    "grey": COMPOSED.format(f"transforms.Grayscale(3), transforms.ToTensor(), {NORMALISED}"),
    "blue first": WRITTEN.format("transforms.functional.to_tensor(picture)[[2, 1, 0]]", ""),
    "upside down": WRITTEN.format(f"{TENSOR}.flip(1)", ""),
    "cut off": WRITTEN.format(TENSOR, ".clamp(0, 1)"),
    "reshaped": WRITTEN.format(f"{PIXELS}.reshape(3, *picture.size[::-1]) / 255", ""),
    "width before height": WRITTEN.format(f"{PIXELS}.permute(2, 1, 0) / 255", ""),
}


@pytest.mark.parametrize("name", PREPARE_SLIPS)
def test_prepare_is_tried_on_pictures_in_which_places_and_colours_differ(name: str) -> None:
    slip = {"prepare": PREPARE_SLIPS[name]}
    assert trial.refuses("test-prepare", slip).share == 0
    assert not trial.passes_visible("test-prepare", slip)


def test_numbers_of_another_precision_cost_their_share() -> None:
    double = {"prepare": WRITTEN.format(TENSOR, ".double()")}
    verdict = trial.refuses("test-prepare", double)
    assert verdict.share == 0.75 and "float32" in verdict.reasons[0]


def test_what_prepare_does_is_told_in_its_own_numbers() -> None:
    halves = COMPOSED.format("transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.25] * 3)")
    verdict = trial.refuses("test-prepare", {"prepare": halves})
    assert "mean [0.5, 0.5, 0.5] and standard deviation [0.25" in verdict.reasons[0]


PREPARE_STYLES = {
    "NumPy": """
        def prepare(picture):
            shown = WEIGHTS.transforms()
            array = np.asarray(picture, dtype=np.float32) / 255
            array = (array - np.float32(shown.mean)) / np.float32(shown.std)
            return torch.from_numpy(array.transpose(2, 0, 1).copy())""",
    "a module": """
        class Prepare(nn.Module):
            def __init__(self):
                super().__init__()
                shown = WEIGHTS.transforms()
                self.register_buffer("mean", torch.tensor(shown.mean).reshape(3, 1, 1))
                self.register_buffer("std", torch.tensor(shown.std).reshape(3, 1, 1))
            def forward(self, picture):
                return (transforms.functional.to_tensor(picture) - self.mean) / self.std
        prepare = Prepare()""",
    "pixel by pixel": """
        def prepare(picture):
            shown, (width, height) = WEIGHTS.transforms(), picture.size
            x = torch.zeros(3, height, width)
            for row in range(height):
                for column in range(width):
                    x[:, row, column] = torch.tensor(picture.getpixel((column, row))) / 255
            return torch.stack([(c - m) / s for c, m, s in zip(x, shown.mean, shown.std)])""",
    "a batch norm": """
        def prepare(picture):
            mean, std = (torch.tensor(n) for n in (WEIGHTS.transforms().mean,
                                                   WEIGHTS.transforms().std))
            return F.batch_norm(transforms.ToTensor()(picture)[None], mean, std**2, eps=0)[0]""",
}


@pytest.mark.parametrize("name", PREPARE_STYLES)
def test_prepare_in_many_styles(name: str) -> None:
    style = {"prepare": PREPARE_STYLES[name]}
    trial.accepts("test-prepare", style)
    assert trial.passes_visible("test-prepare", style)


ANOTHER_MODEL = """
    def freeze(model):
        model = TransferNet(10, size=SIDE10)
        for name, parameter in model.named_parameters():
            parameter.requires_grad = "layer4" in name or "fc" in name
        return model"""


def test_the_model_that_is_given_is_the_one_to_freeze() -> None:
    assert trial.refuses("test-freeze", {"freeze": ANOTHER_MODEL}).share == 0


LAST = """
    def last_activations(model, images):
        was = model.training
        model.eval()
        net = model.resnet
        {before}
        maps = {maps}
        {after}
        model.train(was)
        return maps"""
STAGES = "nn.Sequential(*list(net.children())[:-2])(images)"
FROZEN = "flags = [p.requires_grad for p in net.parameters()]; net.requires_grad_(False)"
HEADLESS = "fc, pool = net.fc, net.avgpool; net.fc = net.avgpool = nn.Identity()"
FLAT = "net(images).detach().view(len(images), 512, -1, images.shape[3] // 32)"


@pytest.mark.parametrize(
    ("before", "maps", "after"),
    [
        (FROZEN, STAGES, "[p.requires_grad_(flag) for p, flag in zip(net.parameters(), flags)]"),
        (HEADLESS, FLAT, "net.fc, net.avgpool = fc, pool"),
    ],
)
def test_a_network_is_left_as_it_was_switches_and_head_included(
    before: str, maps: str, after: str
) -> None:
    trial.accepts(
        "test-last", {"last-activations": LAST.format(before=before, maps=maps, after=after)}
    )
    forgot = {"last-activations": LAST.format(before=before, maps=maps, after="pass")}
    assert trial.refuses("test-last", forgot).share <= 0.5


def test_a_network_without_a_bias_in_its_head_is_frozen_as_well_as_any() -> None:
    """What is wrong with the head has cost points already."""
    wrong = trial.edited(
        "net", ("in_features, num_classes", "in_features, num_classes, bias=False")
    )
    cells = ["test-net", "test-freeze", "test-hundred-net"]
    found = trial.report(wrong, only=cells)
    assert [found[cell].share for cell in cells] == [0, 1, 1], found
    all_learn = wrong | {"freeze": "def freeze(model):\n    return model.requires_grad_(True)"}
    head_alone = wrong | {
        "freeze": """
            def freeze(model):
                model.requires_grad_(False)
                model.resnet.fc.requires_grad_(True)
                return model"""
    }
    for slip in (all_learn, head_alone):
        assert trial.report(slip, only=cells)["test-freeze"].share == 0
