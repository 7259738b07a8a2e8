"""Checks of notebook 03, padding and stride."""

import math

import numpy as np

from helpers.convolution import centred_padding, output_size, pad
from helpers.convolution import receptive_field as receptive_field_of
from helpers.exercises.answers import call, exercise, numbers, shown
from helpers.files import CourseError

LETTERS = "abcdef"


def _first_wrong(got, wanted):
    """The position and value of the first number that is wrong, or None."""
    for position, (value, right) in enumerate(zip(got, wanted, strict=True)):
        if value != right:
            return position, value
    return None


@exercise("03.1")
def _output_sizes_by_hand(answer):
    cases = [  # n, k, padding, stride, dilation
        (32, 5, "valid", 1, 1),
        (32, 5, "full", 1, 1),
        (28, 3, "same", 2, 1),
        (10, 3, "valid", 3, 1),
        (224, 7, 3, 2, 1),
        (20, 3, "valid", 1, 4),
    ]
    wanted = [output_size(n, k, padding, stride=s, dilation=d) for n, k, padding, s, d in cases]
    got = numbers(answer, (6,), "six numbers")
    if (wrong := _first_wrong(got, wanted)) is None:
        return None
    position, value = wrong
    n, k, padding, s, d = cases[position]
    letter = f"({LETTERS[position]})"
    if not float(value).is_integer():
        return f"{letter} a size is a whole number: round down, then add 1"
    if value == n - k + 1 and d > 1:
        return f"{letter} dilation {d} spreads the kernel over more than {k} pixels"
    if value == wanted[position] - 1:
        return f"{letter} one more: the first place takes no step"
    if value == n and s > 1:
        return f'{letter} "same" keeps the size at stride 1, and here it is {s}'
    return f"{letter} is not {value:g}: put it into the formula"


@exercise("03.2")
def _padding_that_keeps_the_size(answer):
    cases = [(3, 1), (7, 1), (3, 4), (5, 2)]
    wanted = [centred_padding(k, d) for k, d in cases]
    got = numbers(answer, (4,), "four numbers")
    if np.array_equal(got, 2 * np.array(wanted)):
        return "that is both sides together: padding p is added on each side"
    if (wrong := _first_wrong(got, wanted)) is None:
        return None
    position, value = wrong
    k, d = cases[position]
    case = f"({LETTERS[position]})"
    if d > 1 and value == (k - 1) / 2:
        return f"{case} dilation {d} makes the kernel span more than {k} pixels"
    return f"{case} padding {value:g} changes the size: solve 2p = d(k - 1)"


@exercise("03.3")
def _output_size_function(student):
    names = [("valid", "valid"), ("same", "same")]
    names += [(p, f"padding {p}") for p in (0, 1, 2)]
    for padding, words in names:
        for s in (1, 2, 3):
            for d in (1, 2):
                for n, k in ((7, 3), (8, 3), (9, 5), (10, 1), (12, 4)):
                    wanted = output_size(n, k, padding, stride=s, dilation=d)
                    value = call(student, n, k, padding, s, d)
                    value = numbers(value, (), "one number")
                    if value != wanted:
                        case = f"n={n}, k={k}, {words}, s={s}, d={d}"
                        return _why_not(value, wanted, case, padding, d)
    return None


def _why_not(value, wanted, case, padding, d):
    """What is wrong with a size that should be `wanted`."""
    if not float(value).is_integer():
        return f"for {case} it gave {value:.4g}: round down"
    end = f"for {case} it gave {value:g}, not {wanted}"
    if padding == "same":
        return f'{end}: "same" does not depend on the kernel'
    if d > 1:
        return f"{end}: the dilated kernel spans d(k - 1) + 1 pixels"
    return end


@exercise("03.4")
def _count_parameters(answer):
    wanted = [
        3 * 5 * 16 * 32 + 32,
        64 * 10 + 10,
        7 * 7 * 3 * 64,
        3 * 3 * 32 + 32 * 64 + 64,
    ]
    mistakes = [
        {
            3 * 5 * 16 * 32: "each of the 32 filters has a bias",
            3 * 5 * 32 + 32: "each filter reaches through all 16 channels",
            3 * 5 * 16 + 1: "that is one filter, and there are 32",
        },
        {
            64 * 10: "each of the 10 filters has a bias",
            10 + 10: "a 1x1 filter has a weight for each of the 64 channels",
        },
        {
            7 * 7 * 3 * 64 + 64: "use_bias=False leaves out the biases",
            7 * 7 * 64: "each filter reaches through all 3 channels",
        },
        {
            3 * 3 * 32 * 64 + 64: "that is a plain convolution",
            3 * 3 * 32 + 32 * 64: "the 64 filters of the second part have biases",
            3 * 3 * 32 + 32 + 32 * 64 + 64: ("in Keras the first part has no biases of its own"),
            3 * 3 + 32 * 64 + 64: "each of the 32 channels has its own 3x3 filter",
        },
    ]
    got = numbers(answer, (4,), "four numbers")
    if (wrong := _first_wrong(got, wanted)) is None:
        return None
    position, value = wrong
    reason = mistakes[position].get(value, "count the weights of one filter first")
    return f"({LETTERS[position]}) {reason}"


@exercise("03.5")
def _receptive_field_function(student):
    stacks = [
        [(3, 1, 1)],
        [(3, 1, 1)] * 3,
        [(7, 1, 1), (1, 1, 1)],
        [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
        [(3, 2, 1), (3, 1, 1)],
        [(5, 3, 1), (3, 2, 1), (2, 1, 1)],
        [(3, 2, 1), (3, 1, 3), (3, 2, 1), (5, 1, 1)],
    ]
    for layers in stacks:
        wanted = receptive_field_of(layers)
        value = numbers(call(student, layers), (), "one number")
        if value == wanted:
            continue
        end = f"for the layers {layers} it gave {value:g}, not {wanted}"
        late, step = 1, 1
        for k, s, d in layers:
            step *= s
            late += d * (k - 1) * step
        if value == late:
            return f"{end}: a layer's stride spreads the layers after it, not itself"
        if value == receptive_field_of([(k, 1, d) for k, _, d in layers]):
            return f"{end}: multiply by the strides of the layers before"
        if value == receptive_field_of([(k, s, 1) for k, s, _ in layers]):
            return f"{end}: a dilated kernel spans d(k - 1) + 1 pixels"
        return end
    return None


@exercise("03.6")
def _pad_by_hand(answer):
    image = np.arange(1, 10).reshape(3, 3)
    edges = ("reflect", "replicate", "circular")
    rows = {edge: pad(image, 1, edge)[0] for edge in edges}
    mirrored = np.pad(image, 1, "symmetric")[0]  # repeats the edge
    got = numbers(answer, (3, 5), "three rows of five numbers")
    for row, (name, wanted) in zip(got, rows.items(), strict=True):
        if np.array_equal(row, wanted):
            continue
        if name == "reflect" and np.array_equal(row, mirrored):
            return "reflect: the edge is the mirror, and is not repeated"
        for other, values in rows.items():
            if np.array_equal(row, values):
                return f"the row for {name} is the one for {other}"
        if np.array_equal(row[1:-1], wanted[1:-1]):
            return f"{name}: the middle is right, the corners are not"
        return f"{name}: the row above 1 2 3 is not {row[1]:g} {row[2]:g} {row[3]:g}"
    return None


@exercise("03.7")
def _share_of_multiplications(answer):
    k, channels, filters = 5, 192, 96
    share = 1 / filters + 1 / k**2
    value = numbers(answer, (), "one share")
    close = {
        share: None,
        1 / share: "that is how many times fewer: turn it over",
        1 - share: "that is the share that is saved",
        100 * share: "that is in percent: divide by 100",
        1 / k**2: "the 1x1 part alone needs that: add the 5x5 filters",
        1 / filters: "the 5x5 part alone needs that: add the 1x1 filters",
        1 / channels + 1 / k**2: "the plain layer has 96 filters, not 192",
    }
    for number, reason in close.items():
        if math.isclose(value, number, rel_tol=2e-3):
            return reason
    return (
        "count both at one place: plain 5 x 5 x 192 for each filter, separable "
        "5 x 5 for each channel and 192 for each filter"
    )


@exercise("03.8")
def _every_pixel_once(answer):
    n = 12
    offered = {(1, 1), (1, 2), (2, 2), (3, 2), (3, 3), (4, 3), (5, 5), (12, 12)}
    chosen = _pairs(answer)
    if strange := chosen - offered:
        return f"{min(strange)} is not one of the eight"
    for k, s in sorted(offered):
        starts = np.arange(0, n - k + 1, s)
        covered = (starts[:, None] + np.arange(k)).ravel()
        uses = np.bincount(covered, minlength=n)
        once = (uses == 1).all()
        if once and (k, s) not in chosen:
            return "one is missing: with it, each place begins where the last ended"
        if once or (k, s) not in chosen:
            continue
        if uses.max() > 1:
            return f"{(k, s)} uses some pixels {uses.max()} times along an axis"
        if uses[-1] == 0 and s == k:
            return f"{(k, s)} leaves the last {n % k} pixels of an axis unused"
        return f"{(k, s)} jumps over pixels: its stride is larger than its kernel"
    return None


def _pairs(answer):
    """A student's list of (kernel, stride) as a set of pairs of int."""
    what = "a list of pairs (kernel, stride)"
    answer = list(answer) if isinstance(answer, set) else answer
    try:
        shape = (len(np.asarray(answer)), 2)
    except (TypeError, ValueError):  # no list, or rows of different lengths
        shape = (1, 2)
    pairs = numbers(answer, shape, what)
    whole = np.isfinite(pairs) & (pairs == np.floor(pairs))
    if not whole.all():
        raise CourseError(f"it should be {what}, not {shown(answer)}")
    return {(int(k), int(s)) for k, s in pairs}
