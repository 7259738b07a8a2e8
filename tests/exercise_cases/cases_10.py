"""Answers to the exercises of notebook 10, transfer learning."""

import numpy as np
from scipy import stats

from exercise_cases import Case, cases


@cases("10.1")
def _(scans):
    right = [
        (6405, 2230277, 34112),
        [1280 * 5 + 5, 2257984 - 34112 + 6405, 34112],
        np.array([6405.0, 2230277.0, 34112.0]),
    ]
    wrong = [
        ((6400, 2230272, 34112), "bias"),
        ((2264389, 2264389, 0), "only the head counts"),
        ((2230277, 6405, 34112), "comes first"),
        ((1285, 2230277, 34112), "dense layer of 5 units"),
        ((6405, 2264389, 34112), "moving means"),
        ((6405, 2257984, 34112), "the head is still trained"),
        ((6405, 2223872, 34112), "the head is still trained"),
        ((6405, 2223867, 34112), "without its moving statistics"),
        ((6405, 2230277, 2257984), "left alone in (a)"),
        ((6405, 2230277, 0), "some numbers"),
        ((6405, 2230277, 17056), "together are all"),
        ((6405, 2230277), "three numbers"),
        (6405, "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("10.2", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def right(base, classes, pool=layers.GlobalAveragePooling2D, units=None, **head):
        base.trainable = False
        inputs = keras.Input(base.input_shape[1:])
        x = pool()(base(inputs, training=False))
        return keras.Model(inputs, layers.Dense(units or classes, **head)(x))

    def in_a_row(base, classes):
        base.trainable = False
        stack = [base, layers.GlobalAveragePooling2D(), layers.Dense(classes)]
        return keras.Sequential([keras.Input(base.input_shape[1:]), *stack])

    def thawed(base, classes):
        model = right(base, classes)
        base.trainable = True
        return model

    def another(base, classes):
        return right(keras.models.clone_model(base), classes)

    def scaled(base, classes):
        base.trainable = False
        inputs = keras.Input(base.input_shape[1:])
        x = base(layers.Rescaling(1 / 255)(inputs))
        return keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))

    def hidden(base, classes):
        model = right(base, 9)
        return keras.Model(model.input, layers.Dense(classes)(model.output))

    wrong = [
        (thawed, "not frozen"),
        (another, "no part of it"),
        (lambda b, c: right(b, c, layers.Flatten), "mean of each map"),
        (lambda b, c: right(b, c, layers.GlobalMaxPooling2D), "not a dense layer on the mean"),
        (lambda b, c: right(b, c, activation="softmax"), "no softmax"),
        (lambda b, c: right(b, c, units=1), "one logit for each of 5"),
        (lambda b, c: right(b, c, use_bias=False), "nothing else"),
        (hidden, "nothing else"),
        (scaled, "not a dense layer on the mean"),
        (lambda b, c: b, "it gives"),
        (lambda b, c: 5, "a model of Keras"),
    ]
    return Case({}, [right, in_a_row], wrong)


@cases("10.3", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    def compiled(model, rate, optimizer=keras.optimizers.Adam, from_logits=True):
        model.compile(optimizer(rate), keras.losses.BinaryCrossentropy(from_logits))
        return model

    def unfreeze(base):
        base.trainable = True
        for layer in base.layers:
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)

    def right(model, base, rate, **settings):
        unfreeze(base)
        return compiled(model, rate, **settings)

    def normal_last(model, base, rate):
        base.trainable = True
        for layer in base.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        model.compile(optimizer=keras.optimizers.Adam(rate), loss=model.loss, metrics=["mse"])
        return model

    def head_frozen(model, base, rate):
        unfreeze(base)
        model.layers[-1].trainable = False
        return compiled(model, rate)

    def not_held(model, base, rate):
        base.trainable = True
        return compiled(model, rate)

    def rate_alone(model, base, rate):
        unfreeze(base)
        model.optimizer.learning_rate = rate
        return model

    wrong = [
        (not_held, "batch normalization is not frozen"),
        (lambda m, b, r: compiled(m, r), "still frozen"),
        (head_frozen, "the head should"),
        (rate_alone, "without another"),
        (lambda m, b, r: right(m, b, 10 * r), "the one that is given"),
        (lambda m, b, r: right(m, b, r, optimizer=keras.optimizers.SGD), "Adam"),
        (lambda m, b, r: right(m, b, r, from_logits=False), "from_logits"),
        (lambda m, b, r: b, "the model that was given"),
    ]
    return Case({}, [right, normal_last], wrong)


FLIPS = {"horizontal flip", "vertical flip"}
SLIGHT = "rotation by up to 10 degrees"
ANY = "rotation by up to 180 degrees"
HARMLESS = {"translation", "zoom", "contrast", "brightness"}


@cases("10.4")
def _(scans):
    right = {
        "character": HARMLESS | {SLIGHT},
        "clock": HARMLESS,
        "cat": HARMLESS | FLIPS | {SLIGHT, ANY},
    }
    forms = [right, {name: sorted(chosen) for name, chosen in right.items()}]
    forms += [
        {
            name: tuple(change.title() for change in chosen)
            for name, chosen in reversed(right.items())
        }
    ]
    mistakes = [
        ("character", {"horizontal flip"}, "a mirrored character"),
        ("character", {"vertical flip"}, "upside down"),
        ("character", {SLIGHT}, "as slanted"),
        ("character", {ANY}, "由"),
        ("character", {"contrast"}, "contrast is missing"),
        ("clock", {"horizontal flip"}, "nine o'clock"),
        ("clock", {"vertical flip"}, "half hour"),
        ("clock", {SLIGHT}, "6 degrees a minute"),
        ("clock", {ANY}, "another time"),
        ("clock", {"zoom"}, "zoom is missing"),
        ("cat", {"horizontal flip"}, "in a mirror"),
        ("cat", {"vertical flip"}, "was not asked"),
        ("cat", {ANY}, "was not asked"),
        ("cat", {SLIGHT}, "askew"),
        ("cat", {"shear"}, "no change named 'shear'"),
        ("cat", {7}, "no change named '7'"),
    ]
    wrong = [(right | {name: right[name] ^ changed}, part) for name, changed, part in mistakes]
    wrong += [
        (right | {"cat": "zoom"}, "a set of changes for 'cat'"),
        (right | {"cat": None}, "a set of changes for 'cat'"),
        ({name: right[name] for name in ("character", "cat")}, "no 'clock'"),
        (HARMLESS, "give a dict"),
        (list(right.values()), "give a dict"),
    ]
    return Case({}, forms, wrong)


@cases("10.5", is_function=True)
def _(scans):
    def interval(mean, half):
        return mean, mean - half, mean + half

    def right(first, second):
        d, n = second - first, len(first)
        t = stats.t.ppf(0.975, n - 1)
        return interval(d.mean(), t * d.std(ddof=1) / np.sqrt(n))

    def by_scipy(first, second):
        ends = stats.ttest_rel(second, first).confidence_interval()
        return [np.mean(second) - np.mean(first), *ends]

    def half(factor, first, second, ddof=1):
        """An interval with this factor for the standard error."""
        d = second - first
        return interval(d.mean(), factor * d.std(ddof=ddof) / len(d) ** 0.5)

    def unpaired(first, second, equal_var=False):
        test = stats.ttest_ind(second, first, equal_var=equal_var)
        return (second.mean() - first.mean(), *test.confidence_interval())

    def t(values, share=0.975):
        return stats.t.ppf(share, len(values) - 1)

    wrong = [
        (unpaired, "not paired"),
        (lambda a, b: unpaired(a, b, True), "not paired"),
        (lambda a, b: half(1.96, a, b), "Student's t"),
        (lambda a, b: half(t(a) * len(a) ** 0.5, a, b), "square root of n"),
        (lambda a, b: half(1.96 * len(a) ** 0.5, a, b), "square root of n"),
        (lambda a, b: half(t(a), a, b, ddof=0), "ddof=1"),
        (lambda a, b: half(t(a, 0.95), a, b), "either side"),
        (lambda a, b: half(stats.t.ppf(0.975, len(a)), a, b), "degrees of"),
        (lambda a, b: half(2 * t(a), a, b), "Student's interval is"),
        (lambda a, b: right(b, a), "first minus second"),
        (lambda a, b: np.array(right(a, b))[[0, 2, 1]], "the lower end"),
        (lambda a, b: 100 * np.array(right(a, b)), "mean difference came out"),
        (lambda a, b: right(a, b)[1:], "three numbers"),
        ((0.05, 0.04, 0.06), "the function itself"),
    ]
    return Case({}, [right, by_scipy], wrong)


@cases("10.6", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers
    random = np.random.default_rng(106)
    y = np.repeat([0, 1], 6)
    X = random.integers(0, 100, (12, 9, 9, 3)) + 100 * y[:, None, None, None]

    def model(weight=1.0, bias=-100.0, units=1, activation=None):
        """Looks at nothing but the mean brightness."""
        inputs = keras.Input((9, 9, 3))
        x = layers.GlobalAveragePooling2D()(inputs)
        head = layers.Dense(units, activation=activation)
        whole = keras.Model(inputs, head(x))
        head.set_weights([np.full((3, units), weight / 3), np.full(units, bias)])
        return whole

    right = {"model": model(), "X": X, "y": y}
    wrong = [
        ({**right, "model": model(-1.0, 100.0)}, "0% of the test photos are right"),
        ({**right, "model": model(0.0, 1.0)}, "those look like probabilities"),
        ({**right, "model": model(0.0, 2.0)}, "50% of the test photos are right"),
        ({**right, "model": model(units=2)}, "2 numbers per photo"),
        ({**right, "model": model(activation="sigmoid")}, "look like probabilities"),
        ({**right, "model": "mine"}, "a model of Keras"),
        ({**right, "X": X / 255}, "from 0 to 255"),
        ({**right, "X": X[..., 0]}, "should be photos"),
        ({**right, "y": y[:-1]}, "12 photos and 11 labels"),
        ({**right, "y": y + 1}, "0 and 1"),
        ({**right, "X": X[4:], "y": y[4:]}, "at least five"),
        ({"model": model()}, "give a dict"),
        (model(), "give a dict"),
    ]
    return Case({}, [right, {**right, "y": y[:, None].astype(float)}], wrong)
