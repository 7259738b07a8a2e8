"""Answers to the exercises of notebook 13, latent space."""

import numpy as np

from exercise_cases import Case, cases


@cases("13.1")
def _(scans):
    right = [(1, 0.6, 0.4), [1.0, 3 / 5, 4 / 10], np.array([1, 0.6, 0.4])]
    wrong = [
        ((1, 3, 4), "at most 1"),
        ((0.25, 0.6, 0.4), "first image alone"),
        ((1, 0.75, 0.4), "divide by k"),
        ((1, 0.4, 0.4), "among the first five"),
        ((1, 0.6, 1), "ten right ones"),
        ((1, 0.6, 0.5), "a perfect search"),
        ((1, 0.6), "three numbers"),
        (0.6, "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("13.2")
def _(scans):
    right = ["ADF", "f, d, a", ["A", "D", "F"], {"A", "D", "F"}]
    wrong = [
        ("DF", "A may be said"),
        ("ABDF", "not B"),
        ("ACDF", "not C"),
        ("AF", "D may be said"),
        ("ADEF", "not E"),
        ("AD", "F may be said"),
        ("AXE", "from A to F"),
        ("", "from A to F"),
        (7, "give letters"),
        ([1, 2], "give letters"),
    ]
    return Case({}, right, wrong)


@cases("13.3", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def dense(model, back=1):
        return [layer for layer in model.layers if isinstance(layer, layers.Dense)][-back]

    def right(model):
        return keras.Model(model.inputs, dense(model).input)

    def from_the_end(model):
        for layer in reversed(model.layers):
            if isinstance(layer, layers.Dense):
                return keras.Model(model.inputs[0], layer.input)

    def copied(model):
        return right(keras.models.clone_model(model))

    def popped(model):
        if isinstance(model, keras.Sequential):
            model.pop()
        return model

    def first(model):
        layer = next(layer for layer in model.layers if isinstance(layer, layers.Dense))
        return keras.Model(model.inputs, layer.input)

    def doubled(model):
        return keras.Model(model.inputs, 2.0 * dense(model).input)

    wrong = [
        (lambda m: keras.Model(m.inputs, m.layers[-1].input), "is still in it"),
        (lambda m: keras.Model(m.inputs, dense(m).output), "is still in it"),
        (lambda m: keras.Model(m.inputs, m.layers[-2].input), "it gives"),
        (first, "it gives (48,)"),
        (copied, "weights of its own"),
        (popped, "has been changed"),
        (doubled, "are not those"),
        (lambda m: m, "the network itself"),
        (lambda m: keras.Model(dense(m).input, dense(m).output), "where the network takes"),
        (lambda m: dense(m).name, "a model of Keras"),
    ]
    return Case({}, [right, from_the_end], wrong)


@cases("13.4", is_function=True)
def _(scans):
    def at_k(ranking):
        return np.cumsum(ranking) / np.arange(1, len(ranking) + 1)

    def right(ranking, in_gallery):
        return (at_k(ranking) * ranking).sum() / in_gallery

    def by_loop(ranking, in_gallery):
        total, hits = 0.0, 0
        for place, is_right in enumerate(ranking, start=1):
            if is_right:
                hits += 1
                total += hits / place
        return total / in_gallery

    def of_found(ranking, in_gallery):
        return (at_k(ranking) * ranking).sum() / max(ranking.sum(), 1)

    wrong = [
        (of_found, "the others were missed"),
        (lambda r, n: at_k(r).mean(), "not at all places"),
        (lambda r, n: (at_k(r) * r).sum() / len(r), "not by the length"),
        (lambda r, n: r.mean(), "places do not count"),
        (lambda r, n: (at_k(r) * r).sum() / n if r.any() else np.nan, "nothing found"),
        (lambda r, n: r.sum() / n, "it gave 1.000, not 0.806"),
        (lambda r, n: at_k(r), "one number"),
        (0.8, "the function itself"),
    ]
    return Case({}, [right, by_loop], wrong)


@cases("13.5", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def built(kernel, bias, use_bias=True):
        dense = layers.Dense(kernel.shape[1], use_bias=use_bias)
        model = keras.Sequential([keras.Input((kernel.shape[0],)), dense])
        dense.set_weights([kernel, bias][: 1 + use_bias])
        return model

    def right(means):
        return built(2 * means.T, -(means**2).sum(axis=1))

    def halved(means):
        return built(means.T, -0.5 * np.square(means).sum(axis=1))

    def named(means):
        inputs = keras.Input((means.shape[1],))
        dense = layers.Dense(len(means))
        model = keras.Model(inputs, dense(inputs))
        dense.set_weights([means.T, -np.square(means).sum(1) / 2])
        return model

    def angle(means):
        kernel = means.T / np.linalg.norm(means, axis=1)
        return built(kernel, np.zeros(len(means)))

    def two(means):
        model = halved(means)
        model.add(layers.Dense(len(means)))
        return model

    wrong = [
        (lambda m: built(m.T, np.zeros(len(m))), "in the biases"),
        (lambda m: built(m.T, None, use_bias=False), "in the biases"),
        (lambda m: built(-2 * m.T, (m**2).sum(axis=1)), "its smallest output"),
        (lambda m: built(m.T, -np.square(m).sum(axis=1)), "not for all"),
        (lambda m: built(m.T, 0.5 * np.square(m).sum(axis=1)), "not for all"),
        (angle, "smallest angle"),
        (two, "one Dense layer"),
        (lambda m: built(np.ones((m.shape[1], 2)), np.zeros(2)), "it should take"),
        (lambda m: m, "a model of Keras"),
    ]
    return Case({}, [right, halved, named], wrong)


@cases("13.6", with_keras=True)
def _(scans):
    from PIL import Image

    from helpers import imagenet
    from helpers.handwriting import simulator
    from helpers.handwriting.strokes import CLASSES
    from helpers.handwriting.writers import Writer
    from helpers.quiet_keras import keras

    layers = keras.layers
    writer, some = Writer(simulator.SEED, 3, 1.3), list(CLASSES)[::4]
    pages = [Image.fromarray(writer.write(name, n)) for name in some for n in range(7)]
    X = np.stack([np.asarray(page.resize((60, 80))) for page in pages])[..., None]
    given = {"X": X, "y": np.repeat(np.arange(len(some)), 7)}
    lite = imagenet.efficientnet_lite(0, include_top=False, input_shape=(96, 96, 3))

    def up_to(name, pool=layers.GlobalAveragePooling2D):
        maps = lite.get_layer(name).output
        return keras.Model(lite.input, pool()(maps) if pool else maps)

    def small():
        base = imagenet.efficientnet_lite(0, include_top=False, input_shape=(80, 80, 3))
        maps = base.get_layer("block11").output
        return keras.Model(base.input, layers.GlobalMaxPooling2D()(maps))

    grey = keras.Sequential([keras.Input((80, 60, 1)), layers.Flatten()])
    broken = keras.Sequential(
        [keras.Input((32, 32, 3)), layers.GlobalAveragePooling2D(), layers.Rescaling(float("nan"))]
    )
    wrong = [
        (up_to("head"), "is to beat"),
        (up_to("block1"), "is to beat"),
        (up_to("block11", None), "pool the maps"),
        (grey, "a network of photos"),
        (broken, "not finite"),
        ("block11", "the model itself"),
    ]
    return Case(given, [up_to("block11"), small()], wrong)
