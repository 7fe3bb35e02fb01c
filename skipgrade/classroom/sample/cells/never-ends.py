# %% sanity-check
tries = 0
while tries < 10:
    shape = tuple(LeNet5()(torch.zeros(4, 3, 32, 32)).shape)


def looks_like_lenet5(model):
    return tuple(model(torch.zeros(4, 3, 32, 32)).shape) == shape
