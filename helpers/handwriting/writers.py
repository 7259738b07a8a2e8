"""Simulated writers: each draws the 55 characters in a hand of their own.

A writer has lasting habits (slant, proportions, size, pen, ink, how hasty, which form
of each character and how it is put together); each sample adds smaller, fresh variation
of the same kinds. The pen moves along one path, partly on the paper and partly above
it. Haste rounds this path, so that strokes join and simplify, and lowers the pen between
strokes, so that it leaves links and flicks. The width of the line and its ink follow the
pressure, speed and direction of the pen. Sizes and ink were matched to real CASIA-HWDB
1.1 scans: see data/README.md. Everything is a function of (seed, writer, character,
sample), so any image can be drawn again, to the byte, on its own.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from helpers.handwriting.strokes import strokes_of

FINE = 6  # points on the curve per pair of control points
IN_AIR = 4  # points above the paper between two strokes
SUPERSAMPLING = 3  # drawn larger by this factor, then averaged down
STEP = 1.6  # pixels from one dot of ink to the next

# Standard deviations in units of the 100 x 100 box, radians or logarithms.
# The first number lasts for a writer and a character; the second is fresh
# in every sample.
STROKE_SHIFT = (2.7, 0.65)
STROKE_TURN = (0.085, 0.0225)
STROKE_LENGTH = (0.14, 0.0325)
POINT_SHIFT = (2.2, 0.55)
PART_CHANGE = (0.12, 0.025)
WARP = (4.0, 0.8)
DOT = 45  # units; the shorter a stroke, the more freely it is turned and lengthened

WAVES = np.array([[1, 0], [0, 1], [1, 1], [2, 0], [0, 2], [1, -1]]) * math.pi / 100
"""Directions of the smooth warp that bends a writer's whole box, per unit."""


class Glyph(NamedTuple):
    """A character prepared for drawing: n control points, f points on the path."""

    points: np.ndarray  # (n, 2) control points
    stroke: np.ndarray  # (n,) stroke number of each control point
    part: np.ndarray  # (strokes,) component number of each stroke
    stroke_centre: np.ndarray  # (strokes, 2)
    part_centre: np.ndarray  # (parts, 2)
    freedom: np.ndarray  # (strokes,) 1, more in strokes shorter than DOT
    level: np.ndarray  # (strokes,) how much the stroke follows an upward slope
    sharp: np.ndarray  # (f, n) weights of the control points in each point of the path
    along: np.ndarray  # (f,) position along the stroke or the gap, 0 start to 1 end
    gap: np.ndarray  # (f,) in the air: number of the stroke that comes next; else 0
    hook: np.ndarray  # (f,) True in a final hook
    ends: tuple  # per stroke (first, last + 1, last + 1 without the final hook)


def spline(corners):
    """Matrix (f, k) of a Catmull-Rom spline through k control points.

    Sharp corners break the curve in two. At the ends the missing neighbour is the
    reflection of the next point.
    """
    k = len(corners)
    breaks = [0, *(i for i in range(1, k - 1) if corners[i]), k - 1]
    rows = []
    for first, last in zip(breaks[:-1], breaks[1:], strict=True):
        for i in range(first, last):
            for t in np.arange(FINE) / FINE:
                before = (-t + 2 * t**2 - t**3) / 2
                here = (2 - 5 * t**2 + 3 * t**3) / 2
                after = (t + 4 * t**2 - 3 * t**3) / 2
                beyond = (-(t**2) + t**3) / 2
                row = np.zeros(k)
                row[i] += here
                row[i + 1] += after
                if i > first:
                    row[i - 1] += before
                else:
                    row[i] += 2 * before
                    row[i + 1] -= before
                if i + 2 <= last:
                    row[i + 2] += beyond
                else:
                    row[i + 1] += 2 * beyond
                    row[i] -= beyond
                rows.append(row)
    rows.append(np.eye(k)[-1])
    return np.array(rows)


@cache
def glyph(character: str, haste: float = 0.0) -> Glyph:
    """Prepare a form of a character once; see Glyph, and strokes_of for `haste`."""
    strokes = strokes_of(character, haste)
    points = np.concatenate([s.points for s in strokes])
    stroke = np.repeat(np.arange(len(strokes)), [len(s.points) for s in strokes])
    _, part = np.unique([s.part for s in strokes], return_inverse=True)
    part_of_point = part[stroke]

    sharp, along, gap, hook, ends = [], [], [], [], []
    column = 0
    for i, s in enumerate(strokes):
        k = len(s.points)
        if i:  # through the air, from the last point to the next
            t = np.arange(1, IN_AIR + 1)[:, None] / (IN_AIR + 1)
            flight = np.zeros((IN_AIR, len(points)))
            flight[:, [column - 1]], flight[:, [column]] = 1 - t, t
            sharp += [*flight]
            along += t[:, 0].tolist()
            gap += [i] * IN_AIR
            hook += [False] * IN_AIR
        rows = spline(s.corners)
        block = np.zeros((len(rows), len(points)))
        block[:, column : column + k] = rows
        column += k
        # A short last movement after a corner is a hook, which hasty writers drop.
        tail = np.hypot(*(s.points[-1] - s.points[-2]))
        hooked = FINE if k >= 3 and s.corners[-2] and tail < 20 else 0
        first, end = len(sharp), len(sharp) + len(rows)
        ends.append((first, end, end - hooked))
        sharp += [*block]
        along += [*np.linspace(0, 1, len(rows))]
        gap += [0] * len(rows)
        hook += [False] * (len(rows) - hooked) + [True] * hooked

    spans = np.array([np.abs(s.points[-1] - s.points[0]) for s in strokes])
    return Glyph(
        points=points,
        stroke=stroke,
        part=part,
        stroke_centre=np.array([s.points.mean(0) for s in strokes]),
        part_centre=np.array([points[part_of_point == p].mean(0) for p in range(part.max() + 1)]),
        freedom=np.clip(DOT / np.hypot(*spans.T), 1, 2.2),
        level=np.where(spans[:, 1] < 0.25 * spans[:, 0], 1.0, 0.6),
        sharp=np.array(sharp),
        along=np.array(along),
        gap=np.array(gap),
        hook=np.array(hook),
        ends=tuple(ends),
    )


def variation(random, shape: Glyph, scale, which):
    """Random changes of a character's strokes, points, parts and shape (arrays).

    `which` is 0 for a writer's lasting way with the character, 1 for a sample.
    """
    strokes, parts = len(shape.part), len(shape.part_centre)
    return (
        random.normal(0, STROKE_SHIFT[which] * scale, (strokes, 2)),
        random.normal(0, STROKE_TURN[which] * scale, strokes) * shape.freedom,
        random.normal(0, STROKE_LENGTH[which] * scale, (strokes, 2)) * shape.freedom[:, None],
        random.normal(0, POINT_SHIFT[which] * scale, shape.points.shape),
        random.normal(0, PART_CHANGE[which] * scale, (parts, 4)),
        random.normal(0, WARP[which] * scale, (2, len(WAVES))),
    )


def smooth(values, sigma):
    """Gaussian mean along the first axis; the first and last values stay."""
    reach = math.ceil(2.5 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    before = 2 * values[0] - values[reach:0:-1]
    after = 2 * values[-1] - values[-2 : -reach - 2 : -1]
    padded = np.concatenate([before, values, after])
    columns = padded.reshape(len(padded), -1).T
    rows = [np.convolve(c, weights / weights.sum(), "valid") for c in columns]
    return np.stack(rows, axis=-1).reshape(values.shape)


class Writer:
    """One simulated person.

    seed, number: which person (the same pair is always the same person).
    messiness: 1 is an ordinary spread of hands; larger is harder to read.
    cursiveness: 0 lifts the pen after each stroke, 1 links many; None draws it.
    unsteadiness: 1 is an ordinary difference of one's own samples; larger is more.
    """

    def __init__(self, seed, number, messiness=1.0, cursiveness=None, unsteadiness=1.0):
        self.key = (seed, number)
        self.unsteadiness = unsteadiness
        random = np.random.default_rng([seed, number, 7])
        normal, uniform = random.normal, random.uniform
        self.slant = normal(0, 0.14) * messiness  # x per unit of y
        self.turn = normal(0, 0.05) * messiness  # radians
        self.upslope = normal(0.12, 0.07)  # of horizontal strokes
        self.aspect = math.exp(normal(0.26, 0.16))  # height over width
        self.height = 71 * math.exp(normal(0, 0.19))  # pixels, before limits
        self.warp = normal(0, 3.3 * messiness, (2, len(WAVES)))
        self.phase = uniform(0, 2 * math.pi, len(WAVES))
        drawn = random.random()
        self.cursiveness = drawn if cursiveness is None else cursiveness
        self.pen = 4.2 * math.exp(normal(0, 0.14))  # width of the line in pixels
        self.press = normal(0.1, 0.2)  # more pressure at the start than at the end
        self.lift = uniform(0.4, 2.5) / (0.3 + self.cursiveness)  # how abruptly
        self.speed = uniform(0.1, 0.4)  # how much thinner a fast line is
        self.nib = uniform(0, 0.15)  # how much the width depends on the direction
        self.angle = normal(0.6, 0.5)  # of the nib, radians
        self.ink = normal(99, 16)  # grey level of full ink
        self.texture = uniform(0.08, 0.22)  # roughness of the ink
        self.blur = uniform(0.5, 0.8)  # pixels
        self.tremor = 0.3 * random.random() * messiness
        self.drops_hooks = random.random() < 0.5 * (0.4 + self.cursiveness)
        self.messiness = messiness * math.exp(normal(0, 0.3))
        self.habits = {}  # lasting form and variation of each character drawn so far

    def write(self, character, sample=0):
        """Draw one character: uint8 (height, width), 255 paper, cropped to the ink.

        Raises KeyError for a character that helpers.handwriting.strokes does not know.
        """
        if character not in self.habits:
            self.habits[character] = self._habit(character)
        shape, lasting, links = self.habits[character]
        random = np.random.default_rng([*self.key, ord(character), sample])
        fresh = variation(random, shape, self.messiness * self.unsteadiness, 1)
        path, pressure = self._path(random, shape, lasting, fresh, links)
        return self._ink(random, self._draw(random, path, pressure))

    def _habit(self, character):
        """What lasts of a character: (its form, variation, readiness to link strokes)."""
        random = np.random.default_rng([*self.key, ord(character)])
        own, drawn = random.random(2)
        haste = (self.cursiveness if own < 0.4 else drawn) ** 1.3
        shape = glyph(character, min(int(12 * haste), 11) / 12)
        lasting = variation(random, shape, self.messiness, 0)
        return shape, lasting, random.random(len(shape.part))

    def _path(self, random, shape, lasting, fresh, links):
        """The pen's path (f, 2) in units of the box, and its pressure (f,).

        Equal times pass from point to point. Pressure is about 1 in a stroke, and
        below 0 where the pen is in the air.
        """
        shift, turn, length, points, parts, warp = map(np.add, lasting, fresh)
        own = shape.stroke
        offset = (shape.points - shape.stroke_centre[own]) * np.exp(length[own])
        cos, sin = np.cos(turn)[own], np.sin(turn)[own]
        turned = np.stack(
            [
                offset[:, 0] * cos - offset[:, 1] * sin,
                offset[:, 0] * sin + offset[:, 1] * cos,
            ],
            axis=1,
        )
        placed = turned + shape.stroke_centre[own] + shift[own] + points
        if len(shape.part_centre) > 1:
            part = shape.part[own]
            centre = shape.part_centre[part]
            placed = centre + (placed - centre) * np.exp(parts[part, :2])
            placed += 30 * parts[part, 2:]
        rise = self.upslope * (placed[:, 0] - shape.stroke_centre[own, 0])
        placed[:, 1] -= shape.level[own] * rise

        path = shape.sharp @ placed
        path += np.sin(path @ WAVES.T + self.phase) @ (self.warp + warp).T / 2

        starts = path[[first for first, _, _ in shape.ends]]
        stops = path[[end - 1 for _, end, _ in shape.ends]]
        gaps = np.hypot(*(starts[1:] - stops[:-1]).T)
        ready = 0.7 * links[1:] + 0.3 * random.random(len(gaps))
        linked = np.append(False, ready < self.cursiveness * np.exp(-gaps / 30))
        held = np.where(linked, random.uniform(0.5, 0.9, len(linked)), -self.lift)
        pressure = 1 + self.press * (0.5 - shape.along)
        pressure = np.where(shape.gap, held[shape.gap], pressure)
        # A pen that is lifted rests at both ends of its flight, and so keeps them.
        resting = (shape.gap > 0) & ~linked[shape.gap]
        after, t = shape.gap[resting], shape.along[resting, None]
        for _ in range(2):
            t = t * t * (3 - 2 * t)
        path[resting] = (1 - t) * stops[after - 1] + t * starts[after]
        if self.drops_hooks:
            path, pressure = path[~shape.hook], pressure[~shape.hook]
        rounding = 0.3 + 1.3 * self.cursiveness * math.exp(random.normal(0, 0.2))
        path = smooth(path, rounding)
        return path + random.normal(0, self.tremor, path.shape), pressure

    def _draw(self, random, path, pressure):
        """Draw the path as dots of ink: a grey Pillow image, 0 paper to 255 ink."""
        slant = self.slant + random.normal(0, 0.03)
        turn = self.turn + random.normal(0, 0.02)
        aspect = self.aspect * math.exp(random.normal(0, 0.08))
        y = (path[:, 1] - 50) * aspect
        x = path[:, 0] - 50 - slant * (path[:, 1] - 50)
        x, y = (
            x * math.cos(turn) - y * math.sin(turn),
            x * math.sin(turn) + y * math.cos(turn),
        )
        down = pressure > 0
        wide, high = float(np.ptp(x[down])), float(np.ptp(y[down]))
        height = self.height * math.exp(random.normal(0, 0.11))
        scale = min(height / max(high, 0.8 * wide, 95), 104 / wide, 124 / high)

        # At equal steps of the way; `time` is the place among the points of the path.
        pace = np.hypot(np.diff(x), np.diff(y)) * scale
        way = np.concatenate([[0], np.cumsum(pace)])
        steps = np.arange(0, way[-1], STEP)
        time = np.interp(steps, way, np.arange(len(way)))
        here = time.astype(int)
        press = np.interp(time, np.arange(len(way)), pressure)
        speed = np.minimum(pace[here] / pace.mean(), 2)
        heading = np.arctan2(np.diff(y), np.diff(x))[here]
        streaks = smooth(random.normal(0, 1, len(steps)), 3.0)
        width = self.pen * math.exp(random.normal(0, 0.06)) * (0.5 + 0.5 * press)
        width *= 1 + self.speed * (0.6 - speed) + self.nib * np.cos(2 * (heading - self.angle))
        width = np.clip(width * (1 + 0.08 * streaks), 1.6, 1.6 * self.pen)
        cover = np.clip(0.75 + 0.25 * press - 0.2 * self.speed * speed + 0.12 * streaks, 0.4, 1)

        # Rounded to a hundredth of a pixel, so that the last bits of floating
        # point, which differ between processors, cannot change an image.
        inked = press > 0
        xs = np.interp(steps, way, x * scale)[inked]
        ys = np.interp(steps, way, y * scale)[inked]
        margin = float(width.max()) / 2 + 0.5
        xs = np.round((xs - xs.min() + margin) * SUPERSAMPLING, 2)
        ys = np.round((ys - ys.min() + margin) * SUPERSAMPLING, 2)
        radii = np.round(width[inked] * SUPERSAMPLING / 2, 2)
        size = [int(v.max() / SUPERSAMPLING + margin + 1) * SUPERSAMPLING for v in (xs, ys)]
        image = Image.new("L", size, 0)
        dot = ImageDraw.Draw(image).ellipse
        boxes = np.stack([xs - radii, ys - radii, xs + radii, ys + radii], 1).tolist()
        for box, ink in zip(boxes, np.rint(255 * cover[inked]).astype(int).tolist(), strict=True):
            dot(box, fill=ink)
        return image.reduce(SUPERSAMPLING)

    def _ink(self, random, image):
        """Turn coverage into grey ink on white paper, cropped to the ink."""
        blurred = image.filter(ImageFilter.GaussianBlur(self.blur))
        cover = np.asarray(blurred, np.float32) / 255
        ink = self.ink * math.exp(random.normal(0, 0.08))
        rough = random.standard_normal(np.add(cover.shape, 1), np.float32)
        rough = (rough[1:, 1:] + rough[:-1, 1:] + rough[1:, :-1] + rough[:-1, :-1]) / 2
        page = np.clip(255 - cover * (1 + self.texture * rough) * (255 - ink), 0, 255)
        page[cover < 0.12] = 255
        rows = np.flatnonzero((page < 255).any(1))
        columns = np.flatnonzero((page < 255).any(0))
        page = page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return np.rint(page).astype(np.uint8)
