"""Simulated writers: each draws the 55 characters in a hand of their own.

A writer has lasting habits (slant, proportions, size, pen, ink, how cursive, how
each character is put together); each sample adds smaller, fresh variation of the
same kinds. Sizes and ink were matched to real CASIA-HWDB 1.1 scans: see
data/README.md. Everything is a function of (seed, writer, character, sample), so
any image can be drawn again, to the byte, on its own.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from helpers.handwriting.strokes import strokes_of

FINE = 6  # points on the curve per pair of control points
SUPERSAMPLING = 3  # drawn larger by this factor, then averaged down

# Standard deviations in units of the 100 x 100 box, radians or logarithms.
# The first number lasts for a writer and a character; the second is fresh
# in every sample.
STROKE_SHIFT = (2.6, 1.9)
STROKE_TURN = (0.075, 0.055)
STROKE_LENGTH = (0.09, 0.065)
POINT_SHIFT = (1.5, 1.1)
PART_CHANGE = (0.09, 0.05)

WAVES = np.array([[1, 0], [0, 1], [1, 1], [2, 0], [0, 2], [1, -1]]) * math.pi / 100
"""Directions of the smooth warp that bends a writer's whole box, per unit."""


class Glyph(NamedTuple):
    """A character prepared for drawing: n control points, f points on the curve."""

    points: np.ndarray  # (n, 2) control points
    stroke: np.ndarray  # (n,) stroke number of each control point
    part: np.ndarray  # (strokes,) component number of each stroke
    stroke_centre: np.ndarray  # (strokes, 2)
    part_centre: np.ndarray  # (parts, 2)
    level: np.ndarray  # (strokes,) how much the stroke follows an upward slope
    sharp: np.ndarray  # (f, n) spline that keeps sharp corners
    rounded: np.ndarray  # (f, n) spline that rounds them
    along: np.ndarray  # (f,) position along the stroke, 0 start to 1 end
    fine_stroke: np.ndarray  # (f,) stroke number of each point on the curve
    ends: tuple  # per stroke (first, last + 1, last + 1 without the final hook)


def spline(corners, rounded):
    """Matrix (f, k) of a Catmull-Rom spline through k control points.

    Sharp corners break the curve in two, unless `rounded`. At the ends the
    missing neighbour is the reflection of the next point.
    """
    k = len(corners)
    inner = [] if rounded else [i for i in range(1, k - 1) if corners[i]]
    breaks = [0, *inner, k - 1]
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
def glyph(character: str) -> Glyph:
    """Prepare a character once; see Glyph."""
    strokes = strokes_of(character)
    points = np.concatenate([s.points for s in strokes])
    stroke = np.repeat(np.arange(len(strokes)), [len(s.points) for s in strokes])
    _, part = np.unique([s.part for s in strokes], return_inverse=True)
    part_of_point = part[stroke]

    lengths = [(len(s.points) - 1) * FINE + 1 for s in strokes]
    first = np.concatenate([[0], np.cumsum(lengths)])
    sharp = np.zeros((first[-1], len(points)))
    rounded = np.zeros_like(sharp)
    ends, column = [], 0
    for i, s in enumerate(strokes):
        k = len(s.points)
        block = np.s_[first[i] : first[i + 1], column : column + k]
        sharp[block] = spline(s.corners, rounded=False)
        rounded[block] = spline(s.corners, rounded=True)
        column += k
        # A short last movement after a corner is a hook, which hasty writers drop.
        tail = np.hypot(*(s.points[-1] - s.points[-2]))
        hook = FINE if k >= 3 and s.corners[-2] and tail < 20 else 0
        ends.append((int(first[i]), int(first[i + 1]), int(first[i + 1]) - hook))

    spans = np.array([np.abs(s.points[-1] - s.points[0]) for s in strokes])
    return Glyph(
        points=points,
        stroke=stroke,
        part=part,
        stroke_centre=np.array([s.points.mean(0) for s in strokes]),
        part_centre=np.array([points[part_of_point == p].mean(0) for p in range(part.max() + 1)]),
        level=np.where(spans[:, 1] < 0.25 * spans[:, 0], 1.0, 0.5),
        sharp=sharp,
        rounded=rounded,
        along=np.concatenate([np.linspace(0, 1, n) for n in lengths]),
        fine_stroke=np.repeat(np.arange(len(strokes)), lengths),
        ends=tuple(ends),
    )


def variation(random, shape: Glyph, scale, which):
    """Random changes of a character's strokes, points and parts (arrays).

    `which` is 0 for a writer's lasting way with the character, 1 for a sample.
    """
    strokes, parts = len(shape.part), len(shape.part_centre)
    return (
        random.normal(0, STROKE_SHIFT[which] * scale, (strokes, 2)),
        random.normal(0, STROKE_TURN[which] * scale, strokes),
        random.normal(0, STROKE_LENGTH[which] * scale, (strokes, 2)),
        random.normal(0, POINT_SHIFT[which] * scale, shape.points.shape),
        random.normal(0, PART_CHANGE[which] * scale, (parts, 4)),
    )


class Writer:
    """One simulated person.

    seed, number: which person (the same pair is always the same person).
    messiness: 1 is an ordinary spread of hands; larger is harder to read.
    cursiveness: 0 lifts the pen after each stroke, 1 links many; None draws it.
    """

    def __init__(self, seed, number, messiness=1.0, cursiveness=None):
        self.key = (seed, number)
        random = np.random.default_rng([seed, number, 7])
        normal, uniform = random.normal, random.uniform
        self.slant = normal(0, 0.12) * messiness  # x per unit of y
        self.turn = normal(0, 0.05) * messiness  # radians
        self.upslope = abs(normal(0.06, 0.04))  # of horizontal strokes
        self.aspect = math.exp(normal(0.26, 0.16))  # height over width
        self.height = 71 * math.exp(normal(0, 0.19))  # pixels, before limits
        self.warp = normal(0, 3.0 * messiness, (2, len(WAVES)))
        self.phase = uniform(0, 2 * math.pi, len(WAVES))
        drawn = random.random() ** 1.6
        self.cursiveness = drawn if cursiveness is None else cursiveness
        self.pen = uniform(2.8, 6.2)  # width of the line in units
        self.taper = 0.5 * random.random()  # how thin strokes end
        self.pressure = normal(0, 0.15)
        self.ink = 60 + 110 * random.random() ** 1.3  # grey level of full ink
        self.texture = uniform(0.05, 0.2)  # roughness of the ink
        self.blur = uniform(0.35, 0.8)  # pixels
        self.tremor = 0.35 * random.random() * messiness
        self.drops_hooks = random.random() < 0.5 * (0.4 + self.cursiveness)
        self.messiness = messiness * math.exp(normal(0, 0.3))
        self.habits = {}  # lasting variation of each character drawn so far

    def write(self, character, sample=0):
        """Draw one character: uint8 (height, width), 255 paper, cropped to the ink.

        Raises KeyError for a character that helpers.handwriting.strokes does not know.
        """
        shape = glyph(character)
        if character not in self.habits:
            lasting = np.random.default_rng([*self.key, ord(character)])
            self.habits[character] = variation(lasting, shape, self.messiness, 0)
        random = np.random.default_rng([*self.key, ord(character), sample])
        fresh = variation(random, shape, self.messiness, 1)
        curve = self._curve(random, shape, self.habits[character], fresh)
        return self._ink(random, *self._draw(random, shape, curve))

    def _curve(self, random, shape, lasting, fresh):
        """Points of the pen's path, (f, 2), in units of the box."""
        shift, turn, length, points, parts = map(np.add, lasting, fresh)
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

        rounding = np.clip(1.3 * self.cursiveness - 0.1 + random.normal(0, 0.12), 0, 1)
        curve = (1 - rounding) * (shape.sharp @ placed)
        curve += rounding * (shape.rounded @ placed)
        warp = self.warp + random.normal(0, 1.6, self.warp.shape)
        curve += np.sin(curve @ WAVES.T + self.phase) @ warp.T / 2
        return curve + random.normal(0, self.tremor, curve.shape)

    def _draw(self, random, shape, curve):
        """Draw the path: a grey Pillow image, 0 paper to 255 ink, and its scale."""
        slant = self.slant + random.normal(0, 0.03)
        turn = self.turn + random.normal(0, 0.02)
        aspect = self.aspect * math.exp(random.normal(0, 0.08))
        y = (curve[:, 1] - 50) * aspect
        x = curve[:, 0] - 50 - slant * (curve[:, 1] - 50)
        x, y = (
            x * math.cos(turn) - y * math.sin(turn),
            x * math.sin(turn) + y * math.cos(turn),
        )
        x, y = x - x.min(), y - y.min()
        wide, high = float(x.max()), float(y.max())
        height = self.height * math.exp(random.normal(0, 0.11))
        scale = min(height / max(high, 0.8 * wide, 95), 104 / wide, 124 / high)

        strokes = len(shape.part)
        pen = self.pen * math.exp(random.normal(0, 0.1)) * scale
        width = 1 + self.pressure * (1 - 2 * shape.along)
        width += random.normal(0, 0.08, strokes)[shape.fine_stroke]
        width *= 1 - self.taper * np.clip((shape.along - 0.6) / 0.4, 0, 1)
        width = np.maximum(pen * width, 1.15)

        # Rounded to a hundredth of a pixel, so that the last bits of floating
        # point, which differ between processors, cannot change an image.
        margin = float(width.max()) / 2 + 0.3
        xs = np.round((x * scale + margin) * SUPERSAMPLING, 2).tolist()
        ys = np.round((y * scale + margin) * SUPERSAMPLING, 2).tolist()
        radii = np.round(width * SUPERSAMPLING / 2, 2).tolist()
        size = (
            int(wide * scale + 2 * margin + 1) * SUPERSAMPLING,
            int(high * scale + 2 * margin + 1) * SUPERSAMPLING,
        )
        image = Image.new("L", size, 0)
        pencil = ImageDraw.Draw(image)
        links = random.random(strokes).tolist()
        bend = random.normal(0, 3 * scale * SUPERSAMPLING, (strokes, 2)).tolist()
        thinner = random.uniform(0.35, 0.8, strokes).tolist()
        last = None
        for i, (first, end, end_without_hook) in enumerate(shape.ends):
            if last is not None:
                start, stop = (xs[last], ys[last]), (xs[first], ys[first])
                gap = math.dist(start, stop) / (scale * SUPERSAMPLING)
                if links[i] < 0.75 * self.cursiveness * math.exp(-gap / 45):
                    link = bow(start, stop, bend[i])
                    thin = max(2, round(2 * radii[first] * thinner[i]))
                    pencil.line(link, fill=255, width=thin, joint="curve")
            if self.drops_hooks:
                end = end_without_hook
            for j in range(first, end):
                cx, cy, r = xs[j], ys[j], radii[j]
                pencil.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
                if j + 1 < end:
                    thick = max(2, round(r + radii[j + 1]))
                    pencil.line((cx, cy, xs[j + 1], ys[j + 1]), 255, thick)
            last = end - 1
        return image.reduce(SUPERSAMPLING), min(1.0, height / 60)

    def _ink(self, random, image, sharpness):
        """Turn coverage into grey ink on white paper, cropped to the ink."""
        blurred = image.filter(ImageFilter.GaussianBlur(self.blur * sharpness))
        cover = np.asarray(blurred, np.float32) / 255
        ink = min(210, self.ink * math.exp(random.normal(0, 0.1)))
        rough = random.standard_normal(cover.shape, np.float32)
        cover = np.clip(1.12 * cover, 0, 1) * (1 + self.texture * rough)
        page = np.clip(255 - cover * (255 - ink), 0, 255)
        page[cover < 0.06] = 255
        rows = np.flatnonzero((page < 255).any(1))
        columns = np.flatnonzero((page < 255).any(0))
        page = page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return np.rint(page).astype(np.uint8)


def bow(start, stop, bend):
    """Seven points of a quadratic curve from `start` to `stop`, bent by `bend`."""
    (x0, y0), (x2, y2) = start, stop
    x1, y1 = (x0 + x2) / 2 + bend[0], (y0 + y2) / 2 + bend[1]
    return [
        (
            (1 - t) ** 2 * x0 + 2 * t * (1 - t) * x1 + t**2 * x2,
            (1 - t) ** 2 * y0 + 2 * t * (1 - t) * y1 + t**2 * y2,
        )
        for t in (0, 0.17, 0.33, 0.5, 0.67, 0.83, 1)
    ]
