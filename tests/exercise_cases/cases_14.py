"""Answers to the exercises of notebook 14, hand-crafted features."""

import numpy as np

from exercise_cases import Case, cases


@cases("14.1")
def _(scans):
    profile, centre = [1, 0.25, 0.25, 0], (2, 0.5)
    right = [
        (6 / 16, profile, centre),
        [0.375, np.array(profile), [2.0, 0.5]],
    ]
    wrong = [
        ((6, profile, centre), "a share"),
        ((0.6, profile, centre), "divided by the number of all pixels"),
        ((6 / 16, [4, 1, 1, 0], centre), "divide each sum"),
        ((6 / 16, [0.25, 0.25, 0.25, 0.75], centre), "the profile of the rows"),
        ((6 / 16, [1, 0, 0, 0], centre), "from left to right"),
        ((6 / 16, profile, (0.5, 2)), "the row first"),
        ((6 / 16, profile, (3, 1.5)), "from 0"),
        ((6 / 16, profile, (1.5, 1.5)), "not of the image"),
        ((6 / 16, profile, (3, 0)), "the six ink pixels"),
        ((6 / 16, 1, centre), "four means"),
        ((6 / 16, profile), "it should be"),
    ]
    return Case({}, right, wrong)


@cases("14.2")
def _(scans):
    right = ["ABDF", "f, d, b, a", ["A", "B", "D", "F"], {"A", "B", "D", "F"}]
    wrong = [
        ("BDF", "A stays"),
        ("ADF", "B stays"),
        ("ABCDF", "not C"),
        ("ABF", "D stays"),
        ("ABDEF", "not E"),
        ("ABD", "F stays"),
        ("ABDFG", "not G"),
        ("ABX", "from A to G"),
        ("", "from A to G"),
        (7, "give letters"),
    ]
    return Case({}, right, wrong)


@cases("14.3", is_function=True)
def _(scans):
    def right(ink):
        return (np.diff(ink.astype(int), axis=1, prepend=0) == 1).sum(axis=1)

    def by_loop(ink):
        counts = []
        for row in ink:
            before = [False, *row[:-1]]
            counts.append(sum(now and not old for now, old in zip(row, before, strict=True)))
        return counts

    def changes(ink):
        return (np.diff(ink.astype(int), axis=1) != 0).sum(axis=1)

    wrong = [
        (lambda i: (np.diff(i.astype(int), axis=1) == 1).sum(axis=1), "touches the left edge"),
        (changes, "as well as entering"),
        (lambda i: i.sum(axis=1), "counts the ink pixels"),
        (lambda i: right(i.T), "one count for each row"),
        (lambda i: right(i)[::-1] + 1, "gave"),
        (lambda i: right(i).sum(), "one count for each row"),
    ]
    return Case({}, [right, by_loop], wrong)


@cases("14.4", is_function=True)
def _(scans):
    def right(model, X, y, columns, repeats, seed):
        random, scores = np.random.default_rng(seed), []
        for _ in range(repeats):
            X_new = X.copy()
            X_new[:, columns] = X[random.permutation(len(X))][:, columns]
            scores.append(model.score(X_new, y))
        return np.mean(scores)

    def in_place(model, X, y, columns, repeats, seed):
        random, total = np.random.RandomState(seed), 0
        for _ in range(repeats):
            order = random.permutation(len(X))
            X[:, columns] = X[order][:, columns]
            total += model.score(X, y)
        return total / repeats

    def each(model, X, y, columns, repeats, seed):
        random, scores = np.random.default_rng(seed), []
        for _ in range(repeats):
            X_new = X.copy()
            for column in columns:
                X_new[:, column] = random.permutation(X[:, column])
            scores.append(model.score(X_new, y))
        return np.mean(scores)

    def rows(model, X, y, columns, repeats, seed):
        random = np.random.default_rng(seed)
        return np.mean([model.score(random.permutation(X), y) for _ in range(repeats)])

    def labels(model, X, y, columns, repeats, seed):
        random = np.random.default_rng(seed)
        return np.mean([model.score(X, random.permutation(y)) for _ in range(repeats)])

    def same(model, X, y, columns, repeats, seed):
        return np.mean([right(model, X, y, columns, 1, seed) for _ in range(repeats)])

    def zeros(model, X, y, columns, repeats, seed):
        X_new = X.copy()
        X_new[:, columns] = 0
        return np.mean([model.score(X_new, y) for _ in range(repeats)])

    def drawn(model, X, y, columns, repeats, seed):
        X_new = X.copy()
        k = np.random.default_rng(seed).integers(0, len(X), len(X))
        X_new[:, columns] = X[k][:, columns]
        return np.mean([model.score(X_new, y) for _ in range(repeats)])

    wrong = [
        (each, "one order of rows"),
        (rows, "columns that are not asked for"),
        (labels, "leave y as it is"),
        (same, "an order of its own"),
        (zeros, "keeps all values"),
        (drawn, "keeps all values"),
        (lambda m, X, y, c, r, s: right(m, X, y, c, 1, s), "ask the model 4 times"),
        (lambda m, X, y, c, r, s: right(m, X, y, c, r, 0), "the same seed"),
        (lambda m, X, y, c, r, s: 1 - right(m, X, y, c, r, s), "the mean accuracy of its"),
        (lambda m, X, y, c, r, s: np.mean([m.score(X, y) for _ in range(r)]), "not shuffled"),
        (0.5, "the function itself"),
    ]
    return Case({}, [right, in_place], wrong)


@cases("14.5", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def built(across, down, bias=0, padding="same", size=3, more=()):
        use_bias = bool(bias)
        conv = layers.Conv2D(2, size, padding=padding, use_bias=use_bias)
        model = keras.Sequential([keras.Input((40, 30, 1)), conv, *more])
        kernel = np.stack([across, down], axis=-1)[:, :, None, :]
        conv.set_weights([kernel, np.full(2, bias)][: 1 + use_bias])
        return model

    across, down = np.zeros((3, 3)), np.zeros((3, 3))
    across[1], down[:, 1] = [-1, 0, 1], [-1, 0, 1]
    wide = [np.pad(kernel, 1) for kernel in (across, down)]
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    wrong = [
        (built(down, across), "the other order"),
        (built(-across, down), "a sign is wrong"),
        (built(across, down, bias=0.5), "it has a bias"),
        (built(across, down, padding="valid"), "two maps of 40 x 30"),
        (built(across, down, more=[layers.ReLU()]), "one Conv2D layer"),
        (built(sobel, sobel.T), "the first map is not the difference"),
        (built(across, down / 2), "the second map is not the difference"),
        (across, "the model itself"),
        ("hog", "the model itself"),
    ]
    return Case({}, [built(across, down), built(*wide, size=5)], wrong)


@cases("14.6", is_function=True)
def _(scans):
    from scipy.ndimage import gaussian_filter
    from skimage.measure import perimeter

    def rough(photo):
        return [np.abs(np.diff(photo, axis=axis)).mean() for axis in (0, 1)]

    def outline(photo):
        return [perimeter(photo < 0.5)]

    drawing = np.zeros((25, 25))
    drawing[2:7, 7:19] = drawing[9:14, 11:14] = 1  # forehead, nose
    drawing[12:16, 5:9] = drawing[12:16, 16:20] = 1  # cheeks
    drawing[8:11, 5:10] = drawing[8:11, 15:20] = drawing[17:20, 9:16] = -1  # eyes, mouth

    def right(photo):
        blurred = gaussian_filter(photo, 1.5) - photo.mean()
        like = (blurred * drawing).sum() / (np.linalg.norm(blurred) + 0.03)
        return [like, np.abs(photo - gaussian_filter(photo, 1)).mean()]

    def in_other_units(photo):
        like, fine = right(photo)
        return np.array([[-5 * like], [100 * fine + 3]])

    wrong = [
        (lambda p: [p.mean(), p.std()], "the perimeter alone has"),
        (outline, "the perimeter alone has"),
        (lambda p: outline(p) + rough(p), "become faces"),
        (lambda p: np.ravel(p), "it gives 625 numbers"),
        (lambda p: [], "it gives 0 numbers"),
        (lambda p: [np.random.random()], "the second time"),
        (lambda p: np.log(p.min() - 1), "not finite"),
        (lambda p: [1] * (1 + int(p.mean() > 0.5)), "as many each time"),
        ([1, 2], "the function itself"),
    ]
    return Case({}, [right, in_other_units], wrong)
