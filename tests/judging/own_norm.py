"""A batch norm written by hand, which computes what torch's own does."""

OWN_NORM = """
class BN(nn.Module):
    def __init__(self, c):
        super().__init__()
        shape = (c,)
        self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))
    def forward(self, x):
        d, s = ((0, 2, 3), (1, -1, 1, 1)) if x.ndim == 4 else ((0,), (1, -1))
        if self.training:
            mean, var = x.mean(d), x.var(d, unbiased=False)
            with torch.no_grad():
                self.running_mean.copy_(0.9 * self.running_mean + 0.1 * mean.detach())
                self.running_var.copy_(0.9 * self.running_var + 0.1 * var.detach())
        else:
            mean, var = self.running_mean, self.running_var
        m, v, w, b = (one.view(s) for one in (mean, var, self.weight, self.bias))
        return (x - m) / torch.sqrt(v + 1e-5) * w + b
"""
