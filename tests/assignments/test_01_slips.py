"""01: slips that run without a complaint, or stop where one does not look: what do they cost, and
what is said of them?
"""

from __future__ import annotations

import pytest

from tests.assignments.variants import Assignment

TRIAL = Assignment("01-lenet5-pipeline")


@pytest.mark.parametrize("story", ["misspelled", "inside __init__"])
def test_a_missing_forward_is_no_stub(story: str) -> None:
    head, body = TRIAL.cells["lenet5"].split("    def forward")
    if story == "misspelled":
        code = f"{head}    def foward{body}"
    else:
        code = f"{head}        def forward" + body.replace("\n", "\n    ")
    verdict = TRIAL.refuses("lenet5-forward", {"lenet5": code})
    (reason,) = verdict.reasons
    assert "stub" not in reason
    assert "is it spelled `forward`, and indented as a method" in reason


def test_what_torch_lacks_is_no_stub() -> None:
    swapped = TRIAL.edited(
        "train-step",
        ("model(images.to(device)), labels.to(device)", "labels, model(images.to(device))"),
    )
    (reason, *_) = TRIAL.refuses("train-step-test", swapped).reasons
    assert "stub" not in reason
    assert "Long" in reason
    stub = {"train-step": "def train_step(*given):\n    raise NotImplementedError()"}
    assert "a stub that is not filled in" in TRIAL.refuses("train-step-test", stub).reasons[0]


STEP = """
def train_step(model, images, labels, loss_fn, optimizer):
    {first}
    model.train()
    scores = model({images})
    loss = loss_fn(scores, {labels})
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
"""
HOME = "device = next(model.parameters()).device"
LAB = "device = lab.device()"
TO_IMAGES, TO_LABELS = "images.to(device)", "labels.to(device)"
MOVED_STEPS = {
    "the usual": (HOME, TO_IMAGES, TO_LABELS),
    "as a batch": (f"{HOME}; images, labels = (t.to(device) for t in (images, labels))", "images", "labels"),
    "a set of devices": ("(device,) = {p.device for p in model.parameters()}", TO_IMAGES, TO_LABELS),
    "like a parameter": ("p = next(model.parameters())", "images.to(p)", "labels.to(p.device)"),
    "the model to where it is": (f"{HOME}; model = model.to(device)", TO_IMAGES, TO_LABELS),
    "only where it must": (
        f"{HOME}\n    if images.device != device: images, labels = {TO_IMAGES}, {TO_LABELS}",
        "images", "labels"),
    "a look at the images": (f"{HOME}; print(float(images.mean()))", TO_IMAGES, TO_LABELS),
    "autocast": (
        f"{HOME}\n    torch.autocast(device.type, enabled=False).__enter__()", TO_IMAGES, TO_LABELS),
}  # fmt: skip
LEFT_STEPS = {
    "nothing moved": ("", "images", "labels"),
    "labels left": (HOME, TO_IMAGES, "labels"),
    "images left": (HOME, "images", TO_LABELS),
    "the usual device": (LAB, TO_IMAGES, TO_LABELS),
    "the model to the usual device": (f"{LAB}; model.to(device)", TO_IMAGES, TO_LABELS),
    "the model, then its device": (f"model.to(lab.device()); {HOME}", TO_IMAGES, TO_LABELS),
    "only to a GPU": ("device = 'cuda' if torch.cuda.is_available() else 'cpu'", TO_IMAGES, TO_LABELS),
}  # fmt: skip
EVALUATE = """
def evaluate(model, loader, loss_fn):
    {first}
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            scores = model({images})
            {then}
            right += (scores.argmax(1) == {labels}).sum().item()
            total += loss_fn(scores, {labels}).item() * len(labels)
            count += len(labels)
    return total / count, right / count
"""
MOVED_EVALUATIONS = {
    "the usual": (HOME, TO_IMAGES, "", TO_LABELS),
    "scores back": (HOME, TO_IMAGES, "scores = scores.cpu()", "labels"),
    "as numpy": (HOME, TO_IMAGES, "scores = torch.tensor(scores.cpu().numpy())", "labels"),
    "as lists": (HOME, TO_IMAGES, "scores = torch.tensor(scores.tolist())", "labels"),
}
LEFT_EVALUATIONS = {
    "nothing moved": ("", "images", "", "labels"),
    "images left": (HOME, "images", "", TO_LABELS),
    "the usual device": (LAB, TO_IMAGES, "", TO_LABELS),
    "the model to the usual device": (f"{LAB}; model.to(device)", TO_IMAGES, "", TO_LABELS),
}


def step(first: str, images: str, labels: str) -> dict[str, str]:
    return {"train-step": STEP.format(first=first, images=images, labels=labels)}


def evaluation(first: str, images: str, then: str, labels: str) -> dict[str, str]:
    return {"evaluate": EVALUATE.format(first=first, images=images, then=then, labels=labels)}


@pytest.mark.parametrize("story", MOVED_STEPS)
def test_a_batch_is_moved_in_many_ways(story: str) -> None:
    TRIAL.accepts("train-step-test", step(*MOVED_STEPS[story]))


@pytest.mark.parametrize("story", LEFT_STEPS)
def test_a_batch_that_is_left_behind_costs_a_quarter(story: str) -> None:
    verdict = TRIAL.refuses("train-step-test", step(*LEFT_STEPS[story]))
    assert verdict.share == 0.75
    assert "on the device of the model's parameters" in verdict.reasons[0]


@pytest.mark.parametrize("story", MOVED_EVALUATIONS)
def test_an_evaluation_moves_images_in_many_ways(story: str) -> None:
    TRIAL.accepts("evaluate-test", evaluation(*MOVED_EVALUATIONS[story]))


@pytest.mark.parametrize("story", LEFT_EVALUATIONS)
def test_an_evaluation_that_leaves_images_behind_loses_a_quarter(story: str) -> None:
    verdict = TRIAL.refuses("evaluate-test", evaluation(*LEFT_EVALUATIONS[story]))
    assert verdict.share == 0.75
    assert "on the device of the model's parameters" in verdict.reasons[0]


def test_labels_that_an_evaluation_leaves_behind_cost_as_much() -> None:
    changed = TRIAL.edited("evaluate", ("labels = labels.to(device)", "pass"))
    verdict = TRIAL.refuses("evaluate-test", changed)
    assert verdict.share == 0.75
    assert "labels on another device" in verdict.reasons[0]


def test_gradients_stay_on_for_all_that_follows() -> None:
    for_good = "with torch.no_grad():", "torch.set_grad_enabled(False)\n    if True:"
    changed = TRIAL.edited("evaluate", for_good)
    verdict = TRIAL.refuses("evaluate-test", changed)
    assert verdict.share == 0.75
    assert "recorded again" in verdict.reasons[0]
    TRIAL.accepts("train-step-test", changed)
    only = ["train-step-test", "evaluate-test", "initial-loss-test", "bonus-init-test"]
    found = TRIAL.report(changed, only=only)
    assert [verdict.share for verdict in found.values()] == [1.0, 0.75, 1.0, 1.0]


@pytest.mark.parametrize(
    "ways",
    [
        [("with torch.no_grad():", "with torch.set_grad_enabled(False):")],
        [("with torch.no_grad():", "with torch.inference_mode():")],
        [("def evaluate", "@torch.no_grad()\ndef evaluate"), ("with torch.no_grad():", "if True:")],
        [
            ("with torch.no_grad():", "torch.set_grad_enabled(False)\n    if True:"),
            ("    return", "    torch.set_grad_enabled(True)\n    return"),
        ],
    ],
)
def test_gradients_are_switched_off_in_many_ways(ways: list[tuple[str, str]]) -> None:
    TRIAL.accepts("evaluate-test", TRIAL.edited("evaluate", *ways))


VIEW = """
def make_transform(augment):
    plain = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(*lab.normalisation("cifar10"))]
    )

    def view(image):
        x = plain(image)
        if not augment:
            return x
        i, j = torch.randint(9, (2,)).tolist()
        {cut}
        return {mirror}

    return view
"""
CUT = "x = nn.functional.pad(x[None], [4] * 4{how})[0, :, i : i + 32, j : j + 32]"
COIN = "x.flip(2) if torch.rand(()) < 0.5 else x"
VIEWS = {
    "zeros": (CUT.format(how=""), COIN),
    "black": (f"x = x + 9; {CUT.format(how='')}; x = x - 9", COIN),
    "a mirror image": (CUT.format(how=", mode='reflect'"), COIN),
    "its edge": (CUT.format(how=", mode='replicate'"), COIN),
}
POOR_VIEWS = {
    "the diagonal": (f"j = i; {CUT.format(how='')}", COIN, 0.5),
    "the other diagonal": (f"j = 8 - i; {CUT.format(how='')}", COIN, 0.5),
    "a mirror tied to the shift": (
        CUT.format(how=""), "x.flip(2) if i > 4 or (i == 4 and j > 4) else x", 0.5),
    "a mirror tied to the column": (CUT.format(how=""), "x.flip(2) if j % 2 else x", 0.5),
    "rolled": ("x = x.roll((i - 4, j - 4), (1, 2))", COIN, 0.75),
    "circular": (CUT.format(how=", mode='circular'"), COIN, 0.75),
    "never mirrored": (CUT.format(how=""), "x", 0.5),
    "rows alone": (f"j = 4; {CUT.format(how='')}", COIN, 0.5),
    "not moved": ("pass", COIN, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("story", VIEWS)
def test_views_may_be_padded_in_many_ways(story: str) -> None:
    cut, mirror = VIEWS[story]
    TRIAL.accepts("transform-augment", {"transform": VIEW.format(cut=cut, mirror=mirror)})


@pytest.mark.parametrize("story", POOR_VIEWS)
def test_views_that_are_fewer_than_they_should_be_lose_once(story: str) -> None:
    cut, mirror, share = POOR_VIEWS[story]
    code = {"transform": VIEW.format(cut=cut, mirror=mirror)}
    verdict = TRIAL.refuses("transform-augment", code)
    assert verdict.share == share, verdict.reasons
    assert len(verdict.reasons) == 1


@pytest.mark.parametrize(
    ("size", "share"),
    [("500", 0.75), ("len(val)", 0.75), ("2 * batch_size", 0.75), ("7", 0.75)],
)
def test_another_batch_size_for_validation_costs_a_quarter(size: str, share: float) -> None:
    last = "DataLoader(val, batch_size=batch_size)"
    changed = TRIAL.edited("loaders", (last, last.replace("=batch_size", f"={size}")))
    verdict = TRIAL.refuses("loaders-contents", changed)
    assert verdict.share == share, verdict.reasons
    (reason,) = verdict.reasons
    assert "from the val loader when batch_size is" in reason
    assert "Got: batches of [" in reason
    TRIAL.accepts("loaders-order", changed)


@pytest.mark.parametrize("size", ["50", "len(train)"])
def test_another_batch_size_for_training_is_told_by_its_number(size: str) -> None:
    first = "DataLoader(train, batch_size=batch_size"
    changed = TRIAL.edited("loaders", (first, first.replace("=batch_size", f"={size}")))
    verdict = TRIAL.refuses("loaders-contents", changed)
    assert verdict.share == 0
    assert "Got: batches of [" in verdict.reasons[0]
