"""What happens to single numbers: under the window of a convolution, and in a shortcut."""

from __future__ import annotations

from skipgrade.lab.draw.canvas import (
    LIGHT_BLUE,
    LIGHT_ORANGE,
    PALE,
    RED,
    SMALL,
    Canvas,
    Drawing,
    plainly,
)

Table = list[list[int]]

# One window ---------------------------------------------------------------------------------------

CHANNELS: list[Table] = [
    [[1, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1], [1, 0, 1, 2]],
    [[0, 1, 1, 0], [2, 0, 1, 3], [0, 2, 0, 1], [1, 1, 0, 0]],
]
FILTER: list[Table] = [
    [[0, 1, 0], [1, 2, 1], [0, 1, 0]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 2]],
]
PLACE = (0, 1)  # row and column of the map that the window in the drawing makes


def padded(channel: Table) -> Table:
    """With a border of zeros, one wide."""
    blank = [0] * (len(channel) + 2)
    return [blank, *([0, *row, 0] for row in channel), blank]


def products(channel: int, row: int, column: int) -> Table:
    """What the numbers under the window give with those of the filter, one by one."""
    under = padded(CHANNELS[channel])
    return [
        [under[row + i][column + j] * weight for j, weight in enumerate(weights)]
        for i, weights in enumerate(FILTER[channel])
    ]


def slid() -> Table:
    """The map: at each place all products of both channels, summed."""
    places = range(len(CHANNELS[0]))
    return [
        [
            sum(sum(map(sum, products(channel, row, column))) for channel in range(len(CHANNELS)))
            for column in places
        ]
        for row in places
    ]


@plainly
def window() -> Drawing:
    """One window of a 3×3 convolution that slides over two padded channels."""
    sheet, centre, (row, column) = Canvas(382), 196, PLACE
    sums = [_under_the_window(sheet, 38 + 184 * channel, channel) for channel in (0, 1)]
    sheet.arrow((434, 116), (434, centre - 13))
    sheet.arrow((434, 276), (434, centre + 13))
    sheet.circle(434, centre, 13, "+")
    sheet.arrow((448, centre), (538, centre))
    sheet.text(492, centre - 13, f"= {sum(sums)}", bold=True)
    left, top, cell = 544, centre - 56, 28
    fills = [["white"] * 4 for _ in range(4)]
    fills[row][column] = LIGHT_ORANGE
    sheet.text(left + 56, top - 13, "the map that comes out")
    sheet.grid(left, top, cell, slid(), fills=fills)
    _windows(sheet, (left + column * cell, top + row * cell), cell, cell)
    _key(sheet)
    return sheet.finish(
        "A 3×3 window over two channels of 4×4 that are padded with zeros. In each channel nine "
        f"numbers are multiplied with nine weights and summed up: {sums[0]} and {sums[1]}. "
        f"Together {sum(sums)}: one number of the 4×4 map that comes out. "
        "The next window lies one step to the right."
    )


def _under_the_window(sheet: Canvas, y: float, channel: int) -> int:
    """One channel, its weights, their products; gives the sum of these."""
    (row, column), cell, middle = PLACE, 22, y + 66
    numbers, weights = padded(CHANNELS[channel]), FILTER[channel]
    inner = range(1, len(numbers) - 1)
    fills = [
        ["white" if i in inner and j in inner else PALE for j in range(len(numbers))]
        for i in range(len(numbers))
    ]
    for i in range(row, row + 3):
        fills[i][column : column + 3] = [LIGHT_ORANGE] * 3
    sheet.text(20 + 3 * cell, y - 13, f"channel {channel + 1}")
    sheet.grid(20, y, cell, numbers, fills=fills)
    _windows(sheet, (20 + column * cell, y + row * cell), cell, 3 * cell)
    sheet.arrow((162, middle), (190, middle))
    sheet.text(231, middle - 47, "its weights")
    sheet.grid(198, middle - 33, cell, weights, fills=LIGHT_BLUE)
    for place in range(3):
        pairs = zip(numbers[row + place][column : column + 3], weights[place], strict=True)
        line = " + ".join(f"{number}·{weight}" for number, weight in pairs)
        start = "+ " if place else "    "
        sheet.text(286, middle - 22 + 22 * place, start + line, align="left")
    total = sum(map(sum, products(channel, row, column)))
    sheet.text(420, middle, f"= {total}", align="left", bold=True)
    return total


def _windows(sheet: Canvas, place: tuple[float, float], step: float, side: float) -> None:
    """A window, and dashed the next one, a step to the right."""
    x, y = place
    sheet.box(x + step, y + 2, side, side - 4, fill="none", edge=RED, dashed=True, thick=1.4)
    sheet.box(x, y, side, side, fill="none", edge=RED, thick=2.2)


def _key(sheet: Canvas) -> None:
    sheet.box(516, 304, 15, 15, fill=PALE)
    sheet.text(540, 312, "padding with zeros", size=SMALL, align="left")
    sheet.box(516, 328, 15, 15, fill=LIGHT_ORANGE, edge=RED, thick=2.2)
    sheet.text(540, 336, "the window", size=SMALL, align="left")
    sheet.box(516, 352, 15, 15, fill="none", edge=RED, dashed=True, thick=1.4)
    sheet.text(540, 360, "the next one, by stride 1", size=SMALL, align="left")


# The shortcut of ResNet-20 ------------------------------------------------------------------------

CHANNELS_IN: list[Table] = [
    [[16 * channel + 4 * row + column for column in range(4)] for row in range(4)]
    for channel in range(2)
]


def every_second(channel: Table) -> Table:
    return [row[::2] for row in channel[::2]]


@plainly
def option_a() -> Drawing:
    """From 2 channels of 4×4 to 4 channels of 2×2, without any parameters."""
    sheet, cell = Canvas(306), 27
    picked = [
        [LIGHT_ORANGE if row % 2 == column % 2 == 0 else "white" for column in range(4)]
        for row in range(4)
    ]
    sheet.text(304, 90, "2 channels of 4×4", align="left")
    sheet.text(160, 182, "every second\nrow and column")
    sheet.text(440, 200, "zeros, behind the others")
    sheet.text(560, 247, "4 channels of 2×2", align="left")
    for number in range(4):
        x = 90 + 140 * number
        sheet.text(x, 290, f"channel {number + 1}", size=SMALL)
        if number < len(CHANNELS_IN):
            sheet.text(x, 20, f"channel {number + 1}", size=SMALL)
            sheet.grid(x - 2 * cell, 36, cell, CHANNELS_IN[number], fills=picked)
            sheet.arrow((x, 36 + 4 * cell + 10), (x, 212))
            numbers, fill = every_second(CHANNELS_IN[number]), LIGHT_ORANGE
        else:
            numbers, fill = [[0, 0], [0, 0]], PALE
        sheet.grid(x - cell, 220, cell, numbers, fills=fill)
    return sheet.finish(
        "Option A, from 2 channels of 4×4 to 4 of 2×2: channels 1 and 2 keep every second row and "
        "column, channels 3 and 4, behind them, are zeros."
    )
