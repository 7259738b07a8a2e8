"""Answers for assignment 2, the arithmetic of networks."""

from assignment_cases import Case, changed, instead, returning, then, warning

ARRAY = "__import__('numpy').array(result, float)"
ROUNDS_DOWN = changed("-(-n // s)", "n // s")
NO_BIAS = changed("(weights + 1)", "weights")

CASES = {
    "sizes-valid": Case(
        right={
            "an array of floats": {"answer-volume-after": returning("volume_after", ARRAY)},
            "a tuple": {"answer-volume-after": returning("volume_after", "tuple(result)")},
            "warns": {"answer-volume-after": warning("volume_after")},
        },
        wrong={
            "rounds up": {
                "answer-volume-after": changed("(n - k) // s + 1", "-((k - n) // s) + 1")
            },
            "no place at the start": {
                "answer-volume-after": changed("(n - k) // s + 1", "(n - k) // s")
            },
            "square images only": {
                "answer-volume-after": changed(
                    "for n in (height, width)]\n    return",
                    "for n in (height, height)]\n    return",
                )
            },
            "pooling leaves one channel": {
                "answer-volume-after": changed('"filters", channels', '"filters", 1')
            },
        },
    ),
    "sizes-same": Case(
        right={"an array": {"answer-volume-after": returning("volume_after", ARRAY)}},
        wrong={
            "keeps the size with any stride": {
                "answer-volume-after": changed("-(-n // s) for", "n for")
            },
            "rounds down": {"answer-volume-after": changed("-(-n // s)", "n // s")},
        },
    ),
    "sizes-dense": Case(
        right={
            "one number in a tuple": {
                "answer-volume-after": returning("volume_after", "tuple(result)")
            }
        },
        wrong={
            "forgets the channels": {
                "answer-volume-after": changed("math.prod(volume)", "math.prod(volume[:2])")
            },
            "dense keeps the size": {"answer-volume-after": changed('[layer["units"]]', "volume")},
            "numbers without a list": {
                "answer-volume-after": changed("[math.prod(volume)]", "math.prod(volume)")
            },
        },
    ),
    "parameters-conv": Case(
        right={
            "a float": {"answer-parameters-of": returning("parameters_of", "1.0 * result")},
            "warns": {"answer-parameters-of": warning("parameters_of")},
        },
        wrong={
            "no bias": {"answer-parameters-of": changed("(weights + 1)", "weights")},
            "one bias": {
                "answer-parameters-of": changed(
                    '(weights + 1) * layer["filters"]',
                    'weights * layer["filters"] + 1',
                )
            },
            "one channel": {"answer-parameters-of": changed(" * volume[-1]", "")},
            "kernel not squared": {
                "answer-parameters-of": changed('["kernel"] ** 2', '["kernel"] * 3')
            },
        },
    ),
    "parameters-other": Case(
        right={
            "a NumPy number": {
                "answer-parameters-of": returning(
                    "parameters_of", "__import__('numpy').int64(result)"
                )
            }
        },
        wrong={
            "no bias": {"answer-parameters-of": changed("(volume[0] + 1)", "volume[0]")},
            "pooling has weights": {
                "answer-parameters-of": changed("return 0", 'return layer.get("kernel", 0) ** 2')
            },
            "nothing for the others": {"answer-parameters-of": changed("return 0", "return None")},
        },
    ),
    "fields-plain": Case(
        right={
            "an array": {"answer-fields": returning("fields", ARRAY)},
            "warns": {"answer-fields": warning("fields")},
        },
        wrong={
            "adds kernels": {"answer-fields": changed('(layer["kernel"] - 1)', 'layer["kernel"]')},
            "the last only": {"answer-fields": returning("fields", "result[-1]")},
            "starts from nothing": {
                "answer-fields": changed("size, step, sizes = 1, 1", "size, step, sizes = 0, 1")
            },
        },
    ),
    "fields-stride": Case(
        right={"a tuple": {"answer-fields": returning("fields", "tuple(result)")}},
        wrong={
            "ignores strides": {"answer-fields": changed("step *= ", "step = 1 + 0 * ")},
            "the layer's own stride first": {
                "answer-fields": changed(
                    "size += ",
                    'size += (layer["stride"] - 1) * (layer["kernel"] - 1) * step; size += ',
                )
            },
            "the last stride only": {"answer-fields": changed("step *= ", "step = ")},
        },
    ),
    "multiplications-conv": Case(
        right={
            "a float": {
                "answer-multiplications-of": returning("multiplications_of", "1.0 * result")
            },
            "warns": {"answer-multiplications-of": warning("multiplications_of")},
        },
        wrong={
            "places of the input": {
                "answer-multiplications-of": changed(
                    "height, width, filters = volume_after(volume, layer)",
                    'height, width, filters = *volume[:2], layer["filters"]',
                )
            },
            "with biases": {
                "answer-multiplications-of": changed(
                    " * volume[2]", " * volume[2] + height * width * filters"
                )
            },
            "one channel": {"answer-multiplications-of": changed(" * volume[2]", "")},
        },
    ),
    "multiplications-other": Case(
        right={
            "a NumPy number": {
                "answer-multiplications-of": returning(
                    "multiplications_of", "__import__('numpy').int32(result)"
                )
            }
        },
        wrong={
            "with biases": {
                "answer-multiplications-of": changed("volume[0] *", "(volume[0] + 1) *")
            },
            "pooling multiplies": {
                "answer-multiplications-of": changed(
                    "return 0", 'return layer.get("kernel", 0) ** 2'
                )
            },
        },
    ),
    "rows": Case(
        right={
            "tuples": {
                "answer-rows": returning(
                    "rows_of", "[(n, tuple(o), p, m) for n, o, p, m in result]"
                )
            },
            "arrays": {
                "answer-rows": returning(
                    "rows_of",
                    "[[n, __import__('numpy').array(o), 1.0 * p, m] for n, o, p, m in result]",
                )
            },
            "consistent with a slip in same": {"answer-volume-after": ROUNDS_DOWN},
            "consistent with forgotten biases": {
                "answer-parameters-of": changed("(weights + 1)", "weights")
            },
        },
        wrong={
            "volumes before the layers": {
                "answer-rows": changed(
                    "    volume = volume_after(volume, layer)\n"
                    '        rows.append([layer["name"], volume, *counts])',
                    '    rows.append([layer["name"], volume, *counts])\n'
                    "        volume = volume_after(volume, layer)",
                )
            },
            "counts after the layers": {
                "answer-rows": changed(
                    "        counts = parameters_of(volume, layer), multiplications_of(volume, layer)\n"
                    "        volume = volume_after(volume, layer)\n",
                    "        volume, before = volume_after(volume, layer), volume\n"
                    "        counts = parameters_of(before, layer), 0\n",
                )
            },
            "the first three layers": {"answer-rows": returning("rows_of", "result[:3]")},
        },
        part={
            "nothing deep": (
                {"answer-rows": returning("rows_of", "result[:12]")},
                3,
            ),
        },
    ),
    "largest": Case(
        right={
            "tuples": {
                "answer-largest": then("heaviest, busiest = map(tuple, (heaviest, busiest))")
            },
            "to four digits": {"answer-largest": then("heaviest[1] = round(heaviest[1], 4)")},
            "consistent with pools that multiply": {
                "answer-multiplications-of": changed(
                    "return 0", 'return layer.get("kernel", 0) ** 2 * 10**8'
                )
            },
        },
        wrong={
            "in percent": {"answer-largest": then("heaviest[1] = min(100 * heaviest[1], 0.99)")},
            "of the VGG": {"answer-largest": changed('mine["alexnet"]', 'mine["vgg"]')},
            "swapped": {"answer-largest": then("heaviest, busiest = busiest, heaviest")},
        },
        part={
            "one is wrong": ({"answer-largest": then("busiest[1] += 0.01")}, 1),
        },
    ),
    "repaired": Case(
        right={
            "tuples and floats": {
                "answer-repaired": then(
                    "repaired = {k: (tuple(o), 1.0 * p) for k, (o, p) in repaired.items()}"
                )
            },
            "warns": {"answer-repaired": then("import warnings\nwarnings.warn('done')")},
            "consistent with valid that rounds up": {
                "answer-volume-after": changed("(n - k) // s + 1", "-((k - n) // s) + 1")
            },
            "consistent with valid without + 1": {
                "answer-volume-after": changed("(n - k) // s + 1", "(n - k) // s")
            },
            "consistent with same that rounds down": {"answer-volume-after": ROUNDS_DOWN},
            "by hand, without functions": {
                "answer-repaired": then(
                    "def volume_after(*_): raise NotImplementedError\n"
                    "parameters_of = rows_of = volume_after"
                )
            },
        },
        wrong={
            "as it was": {
                "answer-repaired": then(
                    "repaired = {r['name']: [r['output'], r['parameters']] for r in summary if r['name'] in repaired}"
                )
            },
            "all rows": {
                "answer-repaired": instead(
                    "repaired = {name: [output, count] for name, output, count, _ in rows_of(network)}"
                )
            },
            "looks at parameters only": {
                "answer-repaired": changed(
                    '(output, count) != (row["output"], row["parameters"])',
                    'count != row["parameters"]',
                )
            },
        },
        part={
            "three of four": ({"answer-repaired": then("repaired.popitem()")}, 3),
            "a slip that hides the row without biases": ({"answer-parameters-of": NO_BIAS}, 3),
            "a slip that hides the row that is rounded down": (
                {"answer-volume-after": changed("-(-n // s)", "(n - k) // s + 1")},
                3,
            ),
            "three by hand, without functions": (
                {
                    "answer-repaired": then(
                        "repaired.popitem()\ndef volume_after(*_): raise NotImplementedError\n"
                        "parameters_of = rows_of = volume_after"
                    )
                },
                3,
            ),
            "functions that give anything": (
                {
                    "answer-volume-after": instead("return [7, 7, 7]"),
                    "answer-parameters-of": instead("return 7"),
                    "answer-multiplications-of": instead("return 7"),
                },
                0,
            ),
            "one right row accused": (
                {"answer-repaired": then("repaired['flatten'] = [[1], 0]")},
                3,
            ),
        },
    ),
    "recovered": Case(
        right={
            "tuples and floats": {
                "answer-recovered": then(
                    "recovered = tuple((1.0 * k, s, f) for k, s, f in recovered)"
                )
            },
            "an array": {
                "answer-recovered": then("import numpy as np\nrecovered = np.array(recovered)")
            },
        },
        wrong={
            "as many channels as the image": {
                "answer-recovered": changed('    volume = row["output"]', "")
            },
            "stride 1": {
                "answer-recovered": then("recovered = [[k, 1, f] for k, s, f in recovered]")
            },
            "the square of the kernel": {"answer-recovered": changed("math.isqrt(", "int(")},
            "three layers": {"answer-recovered": then("recovered = recovered[:3]")},
        },
        part={
            "one kernel is wrong": (
                {"answer-recovered": then("recovered[2][0] += 1")},
                3,
            ),
        },
    ),
    "far": Case(
        right={
            "dilated": {
                "answer-far": instead(
                    """
                    L = keras.layers
                    far_model = keras.Sequential(
                        [
                            keras.Input(far["input"]),
                            L.Conv2D(6, 3, padding="same"),
                            L.MaxPooling2D(2),
                            L.Conv2D(6, 3, padding="same"),
                            L.BatchNormalization(),
                            L.ReLU(),
                            L.AveragePooling2D(2),
                            L.Conv2D(8, 3, padding="same", dilation_rate=3),
                            L.MaxPooling2D(2),
                            L.Conv2D(far["filters"], 3, padding="same", dilation_rate=3),
                        ]
                    )
                    """
                )
            },
            "one layer more": {
                "answer-far": changed('seen + 16 < far["rows"]', 'seen < far["rows"]')
            },
        },
        wrong={
            "one layer less": {
                "answer-far": changed('seen + 16 < far["rows"]', 'seen + 33 < far["rows"]')
            },
            "wide": {"answer-far": changed("Conv2D(10, 3, padding", "Conv2D(40, 3, padding")},
            "another image": {
                "answer-far": changed('keras.Input(far["input"])', "keras.Input((99, 99, 3))")
            },
            "one pool, larger than is allowed": {
                "answer-far": instead(
                    """
                    far_model = keras.Sequential(
                        [
                            keras.Input(far["input"]),
                            keras.layers.AveragePooling2D(80, strides=8, padding="same"),
                            keras.layers.Conv2D(far["filters"], 1),
                        ]
                    )
                    """
                )
            },
            "one kernel, larger than is allowed": {
                "answer-far": instead(
                    """
                    far_model = keras.Sequential(
                        [
                            keras.Input(far["input"]),
                            keras.layers.AveragePooling2D(2),
                            keras.layers.Conv2D(1, 45, 2, padding="same"),
                            keras.layers.Conv2D(far["filters"], 1),
                        ]
                    )
                    """
                )
            },
            "a dilation larger than is allowed": {
                "answer-far": instead(
                    """
                    far_model = keras.Sequential(
                        [
                            keras.Input(far["input"]),
                            keras.layers.Conv2D(far["filters"], 3, padding="same", dilation_rate=40),
                        ]
                    )
                    """
                )
            },
            "rows only": {
                "answer-far": changed("Conv2D(10, 3, padding", "Conv2D(10, (3, 1), padding")
            },
        },
        part={
            "too many parameters": (
                {"answer-far": changed("Conv2D(10, 3, padding", "Conv2D(40, 3, padding")},
                3,
            ),
            "too few places": (
                {"answer-far": then("far_model.add(keras.layers.MaxPooling2D(2))")},
                3,
            ),
            "a single layer": (
                {
                    "answer-far": instead(
                        'far_model = keras.Sequential([keras.Input(far["input"]), keras.layers.Conv2D(far["filters"], 3, padding="same")])'
                    )
                },
                1,
            ),
        },
    ),
    "cheap": Case(
        right={
            "three layers": {
                "answer-cheap": changed(
                    'keras.layers.Conv2D(f, k, padding="same"),',
                    'keras.layers.Conv2D(cheap["least"], k, padding="same"),\n'
                    "        keras.layers.Conv2D(f, 1),",
                )
            },
            "with an activation of its own": {
                "answer-cheap": changed(', activation="relu"),', "),\n        keras.layers.ReLU(),")
            },
        },
        wrong={
            "the layer itself": {
                "answer-cheap": changed(
                    'keras.layers.Conv2D(cheap["least"], 1, activation="relu"),', ""
                )
            },
            "too few filters": {"answer-cheap": changed('cheap["least"]', "3")},
            "1x1 only": {"answer-cheap": changed("Conv2D(f, k,", "Conv2D(f, 1,")},
            "not padded": {"answer-cheap": changed(', padding="same"', "")},
        },
        part={
            "the layer itself": (
                {
                    "answer-cheap": changed(
                        'keras.layers.Conv2D(cheap["least"], 1, activation="relu"),', ""
                    )
                },
                1,
            ),
            "too few filters": ({"answer-cheap": changed('cheap["least"]', "3")}, 2),
        },
    ),
}
