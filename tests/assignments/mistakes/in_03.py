"""Single mistakes in assignment 03."""

from tests.assignments.mistakes.mistake import in_cell

BANK = [
    *in_cell(
        "03",
        "output-size",
        "test-output-size",
        {
            "output_size: rounded up": (
                "// stride + 1",
                "// stride + 1 + ((size + 2 * padding - kernel) % stride > 0)",
            ),
            "output_size: padding once": (
                "size + 2 * padding - kernel) //",
                "size + padding - kernel) //",
            ),
            "output_size: a float": ("// stride", "/ stride"),
            "output_size: no error": ("    if kernel > size + 2 * padding:\n", "    if False:\n"),
        },
    ),
    *in_cell(
        "03",
        "output-shape",
        "test-output-shape",
        {
            "output_shape: pairs swapped": (
                "kernel[0], padding[0], stride[0]",
                "kernel[1], padding[1], stride[1]",
                "output_size(width, kernel[1], padding[1], stride[1])",
                "output_size(width, kernel[0], padding[0], stride[0])",
            ),
            "output_shape: channels of the input": (
                "height, width, _ = shape",
                "height, width, filters = shape",
            ),
        },
    ),
    *in_cell(
        "03",
        "parameters",
        "test-parameters",
        {
            "conv_parameters: no bias": (" + (filters if bias else 0)", ""),
            "conv_parameters: square filters": ("kernel[0] * kernel[1]", "kernel[0] ** 2"),
            "linear_parameters: bias per input": ("(outputs if bias", "(inputs if bias"),
        },
    ),
    *in_cell(
        "03",
        "by-hand",
        "test-by-hand",
        {
            "by_hand: pool forgotten": ("4 * 4 * 128 * 64 + 64", "8 * 8 * 128 * 64 + 64"),
            "by_hand: no biases": ("5 * 5 * 3 * 32 + 32", "5 * 5 * 3 * 32"),
        },
    ),
    *in_cell(
        "03",
        "by-code",
        "test-by-code",
        {
            "count_parameters: top level only": (
                "sum(parameter.numel() for parameter in net.parameters())",
                "sum(p.numel() for p in net._parameters.values()) or sum(p.numel() for m in net.children() for p in m._parameters.values() if p is not None)",
            ),
        },
    ),
    *in_cell(
        "03",
        "three-conv",
        "test-three-conv",
        {
            "ThreeConvNet: softmax": (
                "return self.dense2(",
                "return F.softmax(self.dense2(",
                "maps.flatten(1))))",
                "maps.flatten(1)))), 1)",
            ),
            "ThreeConvNet: pool before ReLU is the same, average is not": (
                "F.max_pool2d(",
                "F.avg_pool2d(",
            ),
            "ThreeConvNet: ReLU forgotten": (
                "F.relu(self.dense1(maps.flatten(1)))",
                "self.dense1(maps.flatten(1))",
            ),
        },
    ),
]
