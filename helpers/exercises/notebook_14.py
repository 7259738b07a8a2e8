"""Checks of notebook 14, hand-crafted features."""

import numpy as np

from helpers.exercises.answers import call, exercise, letters_judged, numbers, shown
from helpers.files import CourseError

# --- By hand --------------------------------------------------------------------------

LETTER = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]])


@exercise("14.1")
def _four_numbers(answer):
    wanted = "(a, [four means], (row, column))"
    if isinstance(answer, str) or not hasattr(answer, "__len__") or len(answer) != 3:
        raise CourseError(f"it should be {wanted}, not {shown(answer)}")
    area = float(numbers(answer[0], (), "one number in (a)"))
    profile = numbers(answer[1], (4,), "four means in (b)")
    centre = numbers(answer[2], (2,), "a row and a column in (c)")
    if area == LETTER.sum():
        return "(a) is a share: divide by the number of pixels"
    if not np.isclose(area, LETTER.mean()):
        return "(a) is the number of ink pixels divided by the number of all pixels"
    if np.allclose(profile, LETTER.sum(axis=0)):
        return "(b) asks for means: divide each sum by the height"
    if np.allclose(profile, LETTER.mean(axis=1)):
        return "(b) asks for the columns: that is the profile of the rows"
    if not np.allclose(profile, LETTER.mean(axis=0)):
        return "(b) is the mean of each column, from left to right"
    right = np.argwhere(LETTER).mean(axis=0)
    if np.allclose(centre, right, atol=0.006):
        return None
    if np.allclose(centre, right[::-1], atol=0.006):
        return "(c) gives the row first"
    if np.allclose(centre, right + 1, atol=0.006):
        return "(c) counts rows and columns from 0"
    if np.allclose(centre, 1.5):
        return "(c) is the centre of the ink, not of the image"
    return "(c) is the mean row and the mean column of the six ink pixels"


WHY = {
    "A": "A stays: the same ink on the same sheet",
    "B": "B stays: a mean over a column does not care in which row the ink is",
    "C": "not C: the ink is in other columns",
    "D": "D stays: they are measured from the centre of mass, which moves along",
    "E": "not E: the same ink on a larger sheet is a smaller share",
    "F": "F stays: a mirror changes neither the amount of ink nor the length of its outline",
    "G": "not G: it belongs to the list, not to the image",
}


@exercise("14.2")
def _survives(answer):
    return letters_judged(answer, WHY, "ABDF")


# --- In NumPy -------------------------------------------------------------------------


@exercise("14.3")
def _crossings(crossings):
    random = np.random.default_rng(143)
    ring = np.zeros((7, 9), bool)
    ring[1:6, 2:7] = True
    ring[2:5, 3:6] = False
    edge = np.zeros((3, 6), bool)
    edge[:, :2] = edge[1, 3] = True
    for ink in (ring, edge, np.zeros((2, 5), bool), random.random((12, 10)) < 0.4):
        value = numbers(call(crossings, ink), (len(ink),), "one count for each row")
        right = np.array([len("".join("x" if p else " " for p in row).split()) for row in ink])
        if (value == right).all():
            continue
        left = (~ink[:, :-1] & ink[:, 1:]).sum(axis=1)
        if (value == left).all():
            return "ink that touches the left edge is entered there: it counts"
        if (value == 2 * right).all() or (value == (ink[:, :-1] != ink[:, 1:]).sum(axis=1)).all():
            return "that counts leaving the ink as well as entering it"
        if (value == ink.sum(axis=1)).all():
            return "that counts the ink pixels: a run of them is entered once"
        k = int(np.flatnonzero(value != right)[0])
        row = "".join("1" if p else "0" for p in ink[k])
        return f"the row {row} gave {value[k]:g}, not {right[k]}"
    return None


class _Spy:
    """A model that keeps what it is asked to score; right where column 0 is positive."""

    def __init__(self):
        self.asked = []

    def score(self, X, y):
        self.asked.append((np.array(X), np.array(y)))
        return float(np.mean((np.asarray(X)[:, 0] > 0) == np.asarray(y)))


@exercise("14.4")
def _permuted(permuted_accuracy):
    random = np.random.default_rng(144)
    X = random.normal(size=(60, 5))
    X[:, 1] = X[:, 0]
    y = X[:, 0] > 0
    spy = _Spy()
    value = float(numbers(call(permuted_accuracy, spy, X, y, [0, 1], 4, 7), (), "one number"))
    if len(spy.asked) != 4:
        return f"for 4 repeats it should ask the model 4 times, not {len(spy.asked)}"
    for asked, labels in spy.asked:
        if not np.array_equal(labels, y):
            return "the labels are shuffled: leave y as it is"
        if asked.shape != X.shape:
            return f"the model should be given an array of shape {X.shape}, not {asked.shape}"
        if not (asked[:, 2:] == X[:, 2:]).all():
            return "columns that are not asked for have changed"
        if (asked[:, :2] == X[:, :2]).all():
            return "the columns are not shuffled"
        if not np.array_equal(np.sort(asked[:, 0]), np.sort(X[:, 0])):
            return "a shuffle keeps all values of a column: only their rows change"
        if not (asked[:, 0] == asked[:, 1]).all():
            return "the columns get different orders: one order of rows for all of them"
    if all((asked == spy.asked[0][0]).all() for asked, _ in spy.asked):
        return "each repeat needs an order of its own: make the generator once, before the loop"
    right = np.mean([_Spy().score(*asked) for asked in spy.asked])
    if not np.isclose(value, right):
        return f"it gave {value:.3f}, where the mean accuracy of its repeats is {right:.3f}"
    again, other = _Spy(), _Spy()
    call(permuted_accuracy, again, X, y, [0, 1], 4, 7)
    call(permuted_accuracy, other, X, y, [0, 1], 4, 8)
    first = spy.asked[0][0]
    if not (again.asked[0][0] == first).all() or (other.asked[0][0] == first).all():
        return "the same seed should give the same orders, and another seed others"
    return None


# --- In Keras -------------------------------------------------------------------------


@exercise("14.5")
def _gradients(answer):
    from helpers.exercises.answers import network
    from helpers.quiet_keras import keras

    model = network(answer, (40, 30, 1))
    convolutions = [la for la in model.layers if isinstance(la, keras.layers.Conv2D)]
    if len(convolutions) != 1 or len(model.layers) > 1:
        return "one Conv2D layer is all that it may have"
    if model.output_shape != (None, 40, 30, 2):
        return f"it should give two maps of 40 x 30, not {model.output_shape[1:]}"
    X = np.random.default_rng(145).random((3, 40, 30, 1)).astype("float32")
    maps = np.asarray(model(X))[:, 1:-1, 1:-1]
    across = (X[:, :, 2:] - X[:, :, :-2])[:, 1:-1, :, 0]
    down = (X[:, 2:] - X[:, :-2])[:, :, 1:-1, 0]
    right = np.stack([across, down], axis=-1)
    if np.allclose(maps, right, atol=1e-5):
        return None
    if np.allclose(maps, right[..., ::-1], atol=1e-5):
        return "the maps are in the other order: first across, then down"
    if np.allclose(np.abs(maps), np.abs(right), atol=1e-5):
        return "a sign is wrong: the right, or lower, neighbour counts +1, the other one -1"
    if np.allclose(maps - maps.mean((0, 1, 2)), right - right.mean((0, 1, 2)), atol=0.02):
        return "it has a bias: set it to 0, or use_bias=False"
    for k, name in enumerate(("first", "second")):
        if not np.allclose(maps[..., k], right[..., k], atol=1e-5):
            return f"the {name} map is not the difference of the two neighbours of each pixel"


# --- Ten numbers ----------------------------------------------------------------------

KNOWN = 5
"""Photos of each kind that the classifier of exercise 14.6 is trained on."""

MOST_FACES = 0.5
"""Of the textures that may be called faces in exercise 14.6."""


def _textures():
    """Ninety crops of gravel, brick and grass, 25 x 25, black 0 to white 1."""
    from skimage import data

    random, crops = np.random.default_rng(14), []
    for photo in (data.gravel(), data.brick(), data.grass()):
        for row, column in random.integers(0, 512 - 25, (30, 2)):
            crops.append(photo[row : row + 25, column : column + 25])
    return np.array(crops, "float32") / 255


def _judge(F, labels, strangers):
    """(accuracy, share of strangers called a face), means over twenty draws."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        order = [random.permutation(np.flatnonzero(labels == c)) for c in (0, 1)]
        known, new = (np.concatenate([o[part] for o in order]) for part in
                      (slice(KNOWN), slice(KNOWN, None)))  # fmt: skip
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(F[known], labels[known])
        scores.append((model.score(F[new], labels[new]), model.predict(strangers).mean()))
    return np.mean(scores, axis=0)


@exercise("14.6")
def _ten_numbers(ten_numbers):
    from skimage.data import lfw_subset
    from skimage.measure import perimeter

    photos = lfw_subset().astype("float32")
    order = np.random.default_rng(146).permutation(200)  # the place in the list tells nothing
    photos, labels = photos[order], np.repeat([1, 0], 100)[order]
    strangers = _textures()
    first = np.ravel(call(ten_numbers, photos[0]))
    numbers(first, first.shape, "at most ten numbers")
    if not 1 <= len(first) <= 10:
        return f"it gives {len(first)} numbers; one to ten are asked for"
    F, S = (
        np.array(
            [numbers(np.ravel(call(ten_numbers, p)), first.shape, "as many each time") for p in X]
        )
        for X in (photos, strangers)
    )
    if not (np.isfinite(F).all() and np.isfinite(S).all()):
        return "some of its numbers are not finite"
    if (np.ravel(call(ten_numbers, photos[0])) != F[0]).any():
        return "the same photo gives other numbers the second time"
    alone = np.array([[perimeter(photo < 0.5)] for photo in photos])
    goal, _ = _judge(alone, labels, alone)
    value, faces = _judge(F, labels, S)
    if value <= goal:
        return f"accuracy {value:.3f}; the perimeter alone has {goal:.3f}"
    if faces >= MOST_FACES:
        return f"accuracy {value:.3f}, but {faces:.0%} of gravel, brick and grass become faces"
    return None
