# %% sanity-check
def looks_like_lenet5(model):
    return tuple(model(torch.zeros(4, 3, 32, 32)).shape) == (4, 10)


while not looks_like_lenet5(LeNet5()) or True:
    pass
