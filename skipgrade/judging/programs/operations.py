"""[judge's kernel] The operations a recorded forward pass may be made of.

All are arithmetic on tensors: none opens a file, runs Python or looks at what a number is to
decide what comes next, so a program takes the same steps for every image.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import torch

LAYERS = """
    convolution _convolution conv2d conv1d linear addmm mm bmm baddbmm matmul dot mv addmv
    native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
    _batch_norm_with_update _batch_norm_no_update batch_norm cudnn_batch_norm
    native_layer_norm native_group_norm max_pool2d_with_indices max_pool2d avg_pool2d
    _adaptive_avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d max_pool1d avg_pool1d
    _adaptive_avg_pool1d upsample_nearest2d upsample_bilinear2d upsample_bicubic2d
    _upsample_nearest_exact2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa constant_pad_nd
    reflection_pad2d replication_pad2d im2col col2im pixel_shuffle pixel_unshuffle
    channel_shuffle native_channel_shuffle _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_attention_math _weight_norm_interface vdot _trilinear embedding
    max_pool3d_with_indices avg_pool3d _adaptive_avg_pool3d adaptive_max_pool3d
    reflection_pad1d reflection_pad3d replication_pad1d replication_pad3d upsample_nearest1d
    upsample_nearest3d upsample_linear1d upsample_trilinear3d _upsample_nearest_exact1d
    _upsample_nearest_exact3d
"""
ACTIVATIONS = """
    relu leaky_relu elu selu celu gelu silu mish hardtanh hardswish hardsigmoid softplus
    sigmoid tanh log_sigmoid log_sigmoid_forward threshold prelu _prelu_kernel
    rrelu_with_noise glu _softmax _safe_softmax _log_softmax softmax log_softmax relu6
    softshrink hardshrink
"""
ARITHMETIC = """
    add sub rsub mul div neg abs sqrt rsqrt pow exp expm1 exp2 log log1p log2 reciprocal
    square sin cos erf clamp clamp_min clamp_max maximum minimum lerp addcmul addcdiv sign
    sgn where gt ge lt le eq ne logical_and logical_or logical_xor logical_not bitwise_and
    bitwise_not bitwise_or masked_fill heaviside tan asin acos atan atan2 sinh cosh asinh acosh
    atanh erfc logit logaddexp hypot floor ceil round trunc frac fmod remainder nan_to_num
    floor_divide isnan
"""
REDUCTIONS = """
    sum mean amax amin max min var var_mean std std_mean logsumexp norm linalg_vector_norm
    prod cumsum cumprod nansum
"""
SHAPES = """
    view reshape _unsafe_view _reshape_alias flatten unflatten squeeze unsqueeze t transpose
    permute expand expand_as view_as cat stack split split_with_sizes chunk unbind select
    slice narrow flip roll repeat diagonal clone contiguous alias detach detach_ _to_copy
    copy lift_fresh lift_fresh_copy slice_scatter select_scatter constant_pad movedim
    swapaxes unfold tril triu view_as_real index index_select index_put _unsafe_index
    repeat_interleave resolve_conj resolve_neg unsafe_split unsafe_chunk rot90 gather
    index_copy index_add index_fill scatter scatter_add
"""
MADE = """
    zeros ones full empty empty_like zeros_like ones_like full_like new_zeros new_ones
    new_full new_empty new_empty_strided empty_strided arange eye linspace scalar_tensor
    zero fill bernoulli rand rand_like randn randn_like uniform normal native_dropout
    dropout alpha_dropout feature_dropout
"""

ALLOWED = frozenset(" ".join([LAYERS, ACTIVATIONS, ARITHMETIC, REDUCTIONS, SHAPES, MADE]).split())
PLACES = """
    index index_select index_put _unsafe_index embedding gather index_copy index_add index_fill
    scatter scatter_add
"""
LOOK_UPS = frozenset(PLACES.split())
_NAME = re.compile(r"aten\.([a-zA-Z0-9_]+)\.([a-zA-Z0-9_]+)")


def base_name(op: str) -> str:
    """`relu` for `aten.relu_.default`: what an operation is, in place or not."""
    found = _NAME.fullmatch(op)
    if found is None:
        return op[:60]
    name = found.group(1)
    return name if name in ALLOWED else name.removesuffix("_")


@functools.cache
def operation(op: str) -> Any:
    """The operation of that name; None if it is not one of those allowed."""
    found = _NAME.fullmatch(op)
    if found is None or base_name(op) not in ALLOWED:
        return None
    packet = getattr(torch.ops.aten, found.group(1), None)
    return getattr(packet, found.group(2), None)


@functools.cache
def parameter_names(op: str) -> list[str]:
    return [argument.name for argument in operation(op)._schema.arguments]


@functools.cache
def changes(op: str) -> bool:
    """Whether it works in place on something it was given."""
    return bool(operation(op)._schema.is_mutable)


@functools.cache
def written_names(op: str) -> list[str]:
    """Which of its arguments those are."""
    return [
        argument.name
        for argument in operation(op)._schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write
    ]


@functools.cache
def is_view(op: str) -> bool:
    """Whether what comes out shares its numbers with what went in."""
    return any(
        argument.alias_info is not None and not argument.alias_info.is_write
        for argument in operation(op)._schema.arguments
    )
