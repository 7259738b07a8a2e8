"""Checks of notebook 15, a photo project."""

import base64
import re
from collections.abc import Mapping
from html.parser import HTMLParser

import numpy as np

from helpers.exercises.answers import call, exercise, network, numbers, shown
from helpers.files import CourseError

LEAKS, CHAIN = {2, 6, 7}, 7
"""Test photos with a copy among those to train on; 7 is a copy of a copy."""


@exercise("15.1")
def _who_leaks(answer):
    answer = _a_dict(answer, ("leaks", "groups", "honest"), '{"leaks": {...}, ...}')
    value = answer["leaks"]
    if isinstance(value, str) or not np.iterable(value):
        return f"{shown(value)} is not a set of numbers of photos"
    leaks = {n.item() if isinstance(n, np.generic) else n for n in value}
    if CHAIN not in leaks and leaks == LEAKS - {CHAIN}:
        return "follow the pairs on: a copy of a copy is a copy"
    if leaks & {9, 4, 10, 11}:
        return "two copies that are both in the test part leak nothing from training"
    if leaks & {1, 3, 5, 8, 12}:
        return "photos of the training part do not leak: those of the test part do"
    if leaks != LEAKS:
        return "not these photos: look up each test photo in the list of pairs"
    groups = numbers(answer["groups"], (), "one number for 'groups'")
    if groups == 12 - 5:
        pass
    elif groups == 4:
        return "a photo without a copy is a group, too"
    elif groups == 8:
        return "1, 2 and 7 are one group, not two"
    else:
        return "that is not the number of groups: photos and all of their copies are one"
    honest = numbers(answer["honest"], (), "one number for 'honest'")
    if np.isclose(honest, 6 / 7, atol=6e-3):
        return "that is the share of all seven test photos, those with copies among them"
    if np.isclose(honest, 2 / 3, atol=6e-3):
        return "4 and 9 are one group, and so are 10 and 11: count photos, not groups"
    if np.isclose(honest, 75, atol=0.6):
        return "give a share between 0 and 1, not a percentage"
    if not np.isclose(honest, 3 / 4, atol=6e-3):
        return "the honest share counts the test photos without a copy in training, all of them"


@exercise("15.2")
def _difference_hash(difference_hash):
    grey = np.random.default_rng(15).integers(0, 200, (16, 18)).astype("uint8")
    grey[:2, 2:4] = grey[:2, :2]  # two equal neighbours
    small = grey.reshape(8, 2, 9, 2).mean(axis=(1, 3))
    bits = numbers(call(difference_hash, grey), (64,), "64 numbers 0 or 1")
    right = (small[:, 1:] > small[:, :-1]).ravel()

    def same(other):
        return np.array_equal(bits, np.asarray(other).ravel())

    if same(right):
        if np.array_equal(np.asarray(call(difference_hash, grey + np.uint8(50))), right):
            return None
        return "a brighter photo must have the same bits"
    if same(small[:, 1:] < small[:, :-1]) or same(small[:, 1:] <= small[:, :-1]):
        return "1 is where the right one of two neighbours is brighter"
    if same(small[:, 1:] >= small[:, :-1]):
        return "equal neighbours give 0"
    columns = grey[::2, ::2].astype(float)
    if same(columns[:, 1:] > columns[:, :-1]):
        return "each of the 8 x 9 values is the mean of its pixels, not one of them"
    if same(np.diff(grey.reshape(8, 2, 9, 2).mean(axis=(1, 3)).astype("uint8")) > 0):
        return "bytes wrap around when they are subtracted: compare, or take floats"
    if same((small[:, 1:] > small[:, :-1]).T):
        return "the bits go row by row"
    if not set(np.unique(bits)) <= {0.0, 1.0}:
        return "each bit is 0 or 1"
    return "compare each of the 8 x 9 means with its neighbour to the left"


@exercise("15.3")
def _split_by_groups(test_part):
    sizes = np.array([1, 1, 1, 2, 2, 3, 4, 6])
    groups = np.random.default_rng(3).permutation(np.repeat(np.arange(8) * 3 + 5, sizes))
    n, seen = len(groups), set()
    for seed in range(20):
        part = numbers(call(test_part, groups, 0.25, seed), (n,), "(n,) of True and False")
        if not set(np.unique(part)) <= {0.0, 1.0}:
            return "each photo is in the test part or not: True or False"
        part = part.astype(bool)
        torn = [g for g in np.unique(groups) if 0 < part[groups == g].mean() < 1]
        if torn:
            return f"seed {seed} tears group {torn[0]}: some of its photos train, some test"
        if part.mean() < 0.25:
            return f"seed {seed} puts {part.sum()} of {n} photos into test, less than the share"
        inside = np.unique(groups[part])
        counts = [(groups == g).sum() for g in inside]
        if (part.sum() - max(counts)) / n >= 0.25:
            return f"seed {seed} goes on after the share is reached: {part.sum()} of {n} photos"
        again = np.asarray(call(test_part, groups, 0.25, seed), bool)
        if not np.array_equal(part, again):
            return "the same seed must give the same split"
        seen.add(tuple(part))
    if len(seen) < 5:
        return "other seeds must give other splits"


@exercise("15.4")
def _a_network_of_your_own(answer):
    from helpers.quiet_keras import keras

    model = network(answer, (64, 64, 3))
    if model.output_shape != (None, 16):
        return f"it gives {model.output_shape[1:]}, not 16 numbers for each photo"
    if model.count_params() > 50_000:
        return f"it has {model.count_params():,} parameters, more than 50,000"
    kinds = [type(layer).__name__ for layer in model.layers]
    if "Flatten" in kinds:
        return "flattening ties it to one size: pool each map to its mean"
    if not any(kind.startswith("BatchNorm") for kind in kinds):
        return "there is no batch normalization"
    scaling = next((x for x in model.layers if isinstance(x, keras.layers.Rescaling)), None)
    if scaling is None:
        return "the network gets values from 0 to 255: begin with a layer that scales them"
    if abs(255 * scaling.scale + scaling.offset) > 3:
        return "Rescaling should bring 0 to 255 near -1 to 1, or 0 to 1"
    keras.utils.set_random_seed(15)
    photo = np.random.default_rng(15).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
    photo[:, :, :32] /= 4
    X = np.repeat(photo, 16, axis=0)
    quiet = np.asarray(model(X, training=False))
    if not np.allclose(quiet, quiet[0], atol=1e-3):
        return "when it predicts, chance must play no part"
    if np.allclose(quiet.sum(axis=1), 1, atol=1e-4) and quiet.min() >= 0:
        return "these are probabilities: give logits, without a softmax"
    if not any(isinstance(x, keras.layers.RandomFlip) for x in _all_layers(model)):
        return "no layer mirrors photos while it trains"


def _all_layers(model):
    """The layers of a model, those of models inside it too."""
    for layer in model.layers:
        yield from _all_layers(layer) if hasattr(layer, "layers") else [layer]


@exercise("15.5")
def _one_figure(img):
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    alt = 'Recall < 50 % for "cup" & "mug"'
    text = call(img, png, alt)
    if not isinstance(text, str):
        return f"it should return text, not {shown(text)}"
    page = _Page(text)
    if len(page.images) != 1 or text.count("<") != 1:
        return "it should be one <img> tag and nothing else; escape what alt contains"
    found = page.images[0]
    if set(found) - {"src", "alt", "width", "height", "style", "class"}:
        return "the alt text is not escaped: its quotation marks end the attribute"
    if found.get("alt") != alt:
        return f"a browser reads {shown(found.get('alt'))} as alt text"
    start = "data:image/png;base64,"
    if not (found.get("src") or "").startswith(start):
        return f"src should begin with {start}"
    try:
        content = base64.b64decode(found["src"].removeprefix(start), validate=True)
    except ValueError:
        return "what follows is not base64: b64encode gives bytes, so decode them to text"
    if content != png:
        return "the picture in it is another one"


@exercise("15.6")
def _a_report_of_your_own(answer):
    answer = _a_dict(answer, ("model", "X", "y", "html"), '{"model": ..., "X": ..., ...}')
    X, y, html = np.asarray(answer["X"]), np.asarray(answer["y"]), answer["html"]
    if X.ndim != 4 or len(X) != len(y) or y.ndim != 1 or len(np.unique(y)) < 2:
        return "X is (n, height, width, 3), and y has n labels of two classes or more"
    if len(y) < 10:
        return f"{len(y)} test photos are too few: take ten or more"
    model = network(answer["model"], X.shape[1:])
    out = model.predict(X.astype("float32"), verbose=0)
    right = (out[:, 0] > 0) == y if out.shape[1] == 1 else out.argmax(axis=1) == y
    if right.mean() < 0.7:
        return f"{right.mean():.0%} of the test photos are right, less than 70 %"
    if not isinstance(html, str):
        return "give the text of the report, as in path.read_text(encoding='utf-8')"
    return _report(html, right.mean())


def _report(html, accuracy):
    """What is wrong with a report, or None."""
    page = _Page(html)
    if "html" not in page.tags or not page.attributes.get("html", {}).get("lang"):
        return 'the report does not say its language: <html lang="en">'
    if "title" not in page.tags:
        return "the report has no <title>"
    if page.outside:
        return f"the report does not stand alone: it needs {shown(page.outside[0])}"
    if len(page.images) < 2:
        return f"the report has {len(page.images)} figures: show at least two"
    if not all(len((image.get("alt") or "").strip()) >= 15 for image in page.images):
        return "a figure has no alt text, or one of a few letters"
    if "limit" not in page.text.lower() or page.tags.count("li") < 2:
        return "where are the limits? Give a list of two or more"
    quoted = {int(value) for value in re.findall(r"(\d+)(?:\.\d+)? ?%", page.text)}
    if not quoted & {int(100 * accuracy), round(100 * accuracy)}:
        return f"the report does not quote the accuracy of this model, {accuracy:.0%}"


class _Page(HTMLParser):
    """What a browser would find: tags, images, text, and what it would have to fetch."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.images, self.attributes, self.outside = [], [], {}, []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.attributes.setdefault(tag, attributes)
        if tag == "img":
            self.images.append(attributes)
        needed = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        if needed and not needed.startswith(("data:", "#")):
            self.outside.append(needed)

    def handle_data(self, data):
        self.text += data


def _a_dict(answer, names, form):
    if not isinstance(answer, Mapping):
        raise CourseError(f"give a dict, {form}")
    for name in names:
        if name not in answer:
            raise CourseError(f"the dict has no {name!r}")
    return answer
