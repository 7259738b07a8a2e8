"""Answers for assignment 2, the arithmetic of networks."""

from assignment_cases import Case, changed, instead, returning, then, warning

ARRAY = "__import__('numpy').array(result, float)"


def scaled(variable, *names):
    """These networks' numbers in a dictionary made 1 % larger."""
    return then(f"for n in {names}:\n    {variable}[n] = {variable}[n] * 1.01 + 1e-9")


def three(answer, variable, mistakes):
    """A Case for a dictionary with a number for each network, a point each."""
    names = ("alexnet", "lenet", "vgg")
    return Case(
        right={
            "NumPy's numbers": {
                answer: then(
                    f"import numpy as np\n"
                    f"{variable} = {{k: np.float64(v) for k, v in {variable}.items()}}"
                )
            },
            "and a line on standard error": {
                answer: then("import sys\nprint('done', file=sys.stderr)")
            },
        },
        wrong={
            "all one percent too much": {answer: scaled(variable, *names)},
            "one is missing": {answer: then(f"del {variable}['vgg']")},
            **{what: {answer: change} for what, change in mistakes.items()},
        },
        part={
            "one is wrong": ({answer: scaled(variable, "lenet")}, 2),
            "two are wrong": ({answer: scaled(variable, "vgg", "lenet")}, 1),
        },
    )


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
    "flattened": three(
        "answer-flattened",
        "flattened",
        {"after the last layer": changed('layer["kind"] == "flatten"', "True")},
    ),
    "nothing-left-out": Case(
        right={
            "an array": {
                "answer-nothing-left-out": then(
                    "import numpy as np\ngood_heights = np.array(good_heights)[::-1]"
                )
            },
            "floats, one twice": {
                "answer-nothing-left-out": then(
                    "good_heights = [1.0 * n for n in good_heights + good_heights[:1]]"
                )
            },
        },
        wrong={
            "looks at the first layer only": {
                "answer-nothing-left-out": changed('["layers"]:', '["layers"][:1]:')
            },
            "forgets the pools": {
                "answer-nothing-left-out": changed('in ("conv", "pool")', 'in ("conv",)')
            },
            "stops before the last height": {
                "answer-nothing-left-out": then("good_heights = good_heights[:-1]")
            },
            "all heights": {
                "answer-nothing-left-out": instead("good_heights = list(range(150, 331))")
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
    "dense-share": three(
        "answer-dense-share",
        "dense_share",
        {
            "the share of convolutions": changed('counts["dense"] /', 'counts["conv"] /'),
            "in percent": then("dense_share = {k: 100 * v for k, v in dense_share.items()}"),
        },
    ),
    "widest": Case(
        right={
            "a float": {"answer-widest": then("widest = float(widest)")},
            "by trying": {
                "answer-widest": then(
                    "widest = next(u for u in range(widest + 9, 0, -1) if fixed + (volume[0] + 1 + output) * u + output <= 40_000_000)"
                )
            },
        },
        wrong={
            "output does not change": {
                "answer-widest": changed("volume[0] + 1 + output", "volume[0] + 1")
            },
            "without convolutions": {"answer-widest": changed("fixed += ", "fixed += 0 * ")},
            "not a whole number": {"answer-widest": changed(") // (", ") / (")},
            "one too many": {"answer-widest": then("widest += 1")},
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
    "seen-valid": Case(
        right={
            "a list": {"answer-seen": returning("seen", "list(result)")},
            "warns": {"answer-seen": warning("seen")},
        },
        wrong={
            "as if every layer had stride 1": {
                "answer-seen": changed(
                    "steps.append((k, s, before))",
                    "steps.append((k, 1, before))",
                )
            },
            "one row too many": {"answer-seen": changed("+ k - 1", "+ k")},
            "first layer last": {"answer-seen": changed("reversed(steps)", "steps")},
        },
    ),
    "seen-same": Case(
        right={"an array": {"answer-seen": returning("seen", ARRAY)}},
        wrong={
            "not padded": {"answer-seen": changed('== "same"', '== "SAME"')},
            "as at stride 1": {
                "answer-seen": changed("max((places - 1) * s + k - n, 0) // 2", "(k - 1) // 2")
            },
            "the odd row above": {"answer-seen": changed("n, 0) // 2", "n + 1, 0) // 2")},
            "stays inside": {
                "answer-seen": returning(
                    "seen",
                    "(max(result[0], 0), min(result[1], arguments[0] - 1))",
                )
            },
        },
    ),
    "last-field": three(
        "answer-last-field",
        "last_field",
        {"after the first layer": changed(")[-1]", ")[0]")},
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
    "conv-share": three(
        "answer-conv-share",
        "conv_share",
        {
            "the share of dense layers": changed('counts["conv"] /', 'counts["dense"] /'),
            "of parameters": changed("multiplications_of", "parameters_of"),
        },
    ),
    "bottleneck": Case(
        right={
            "a float": {"answer-bottleneck": then("bottleneck = float(bottleneck)")},
            "by trying": {
                "answer-bottleneck": then(
                    "bottleneck = max(m for m in range(999) if m * (channels + 9 * filters) <= alone / 2)"
                )
            },
        },
        wrong={
            "the 1x1 layer is free": {
                "answer-bottleneck": changed("(channels + 9 * filters)", "(9 * filters)")
            },
            "without half": {"answer-bottleneck": changed("alone // 2", "alone")},
            "half of the channels": {
                "answer-bottleneck": instead(
                    'bottleneck = mine["alexnet"]["layers"][4]["filters"] // 2'
                )
            },
        },
    ),
    "wrong-rows": Case(
        right={
            "a set": {"answer-wrong-rows": then("wrong_rows = set(wrong_rows)")},
            "an array": {
                "answer-wrong-rows": then("import numpy as np\nwrong_rows = np.array(wrong_rows)")
            },
        },
        wrong={
            "all rows": {"answer-wrong-rows": then("wrong_rows = [r['name'] for r in summary]")},
            "numbers of rows": {"answer-wrong-rows": then("wrong_rows = [0, 1, 2, 3]")},
            "looks at parameters only": {
                "answer-wrong-rows": changed("true != row", 'count != row["parameters"]')
            },
        },
        part={
            "three of four": (
                {"answer-wrong-rows": then("wrong_rows = wrong_rows[1:]")},
                3,
            ),
            "one right row accused": (
                {"answer-wrong-rows": then("wrong_rows.append('flatten')")},
                3,
            ),
            "one name twice": (
                {"answer-wrong-rows": then("wrong_rows = wrong_rows[:1] * 2")},
                1,
            ),
        },
    ),
    "repaired": Case(
        right={
            "tuples and floats": {
                "answer-repaired": then(
                    "repaired = tuple({'name': r['name'], 'output': tuple(r['output']), 'parameters': r['parameters'] / 1} for r in repaired)"
                )
            },
            "warns": {"answer-repaired": then("import warnings\nwarnings.warn('done')")},
        },
        wrong={
            "as it was": {"answer-repaired": instead("repaired = summary")},
            "the wrong rows only": {
                "answer-repaired": then(
                    "repaired = [r for r in repaired if r['name'] in wrong_rows]"
                )
            },
            "another order": {"answer-repaired": then("repaired = repaired[::-1]")},
        },
        part={
            "one right row is spoiled": (
                {
                    "answer-repaired": then(
                        "repaired = [dict(r) for r in repaired]\nrepaired[6]['parameters'] = 1"
                    )
                },
                3,
            ),
            "one row is as it was": (
                {
                    "answer-repaired": then(
                        "repaired = [s if r['name'] == wrong_rows[0] else r for r, s in zip(repaired, summary)]"
                    )
                },
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
}
