"""Answers for assignment 1, pixels and kernels."""

from assignment_cases import Case, changed, instead, returning, then, warning

LIST = "__import__('numpy').asarray(result).tolist()"
FLOAT32 = "__import__('numpy').asarray(result, 'float32')"
AGAIN = 'assignments.truth("1_pixels_and_kernels", student)["_again"]'
BEFORE = 'assignments.truth("1_pixels_and_kernels", student)["_before"]'
THE_OTHER_MIRROR = changed(AGAIN, f"not {AGAIN}")

CASES = {
    "index-plain": Case(
        right={
            "NumPy's numbers": {
                "source-index": returning(
                    "source_index", "None if result is None else __import__('numpy').int64(result)"
                )
            },
            "warns": {"source-index": warning("source_index")},
        },
        wrong={
            "zero gives a pixel": {
                "source-index": changed('edge == "zero"', 'edge == "zero" and i < 0')
            },
            "circular from the wrong end": {"source-index": changed("i % n", "-i % n")},
            "replicate one too far": {"source-index": changed("else n - 1\n", "else n - 2\n")},
        },
    ),
    "index-mirror": Case(
        right={
            "a float": {
                "source-index": returning(
                    "source_index", "None if result is None else 1.0 * result"
                )
            },
            "by a period": {
                "source-index": changed(
                    "return -i - again if i < 0 else 2 * (n - 1) - i + again",
                    "period = 2 * (n - 1 + again)\n"
                    "    return min(i % period, (-i - again) % period)",
                )
            },
        },
        wrong={
            "a friend's mirror": {"source-index": THE_OTHER_MIRROR},
            "the right side repeats, the left does not": {
                "source-index": changed(
                    "-i - again if i < 0 else 2 * (n - 1) - i + again",
                    "-i if i < 0 else 2 * n - 1 - i",
                )
            },
            "for four pixels only": {"source-index": changed("2 * (n - 1)", "6")},
        },
    ),
    "pad-zero": Case(
        right={
            "a list": {"pad": returning("pad", LIST)},
            "float32": {"pad": returning("pad", FLOAT32)},
        },
        wrong={
            "top and bottom swapped": {
                "pad": changed("(top, bottom), (left, right)", "(bottom, top), (left, right)")
            },
            "as many on each side": {"pad": changed("sides\n", "((sides[0][0],) * 2, sides[1])\n")},
            "bytes": {"pad": changed("image.dtype", "'uint8'")},
        },
    ),
    "pad-edges": Case(
        right={
            "a list": {"pad": returning("pad", LIST)},
            "consistent with a friend's mirror": {"source-index": THE_OTHER_MIRROR},
        },
        wrong={
            "replicates always": {"pad": changed("width, edge)", 'width, "replicate")')},
            "the first row again": {
                "pad": returning(
                    "pad",
                    "result if arguments[2] == 'zero' else result[[0, *range(1, len(result))]] * 0 + result[0]",
                )
            },
        },
        part={
            "no mirror": (
                {
                    "source-index": changed(
                        "return -i - again if i < 0 else 2 * (n - 1) - i + again", "return 99"
                    )
                },
                1,
            ),
            "only the mirror is right": (
                {
                    "pad": changed(
                        "(top, bottom), (left, right) = sides",
                        "(top, bottom), (left, right) = sides\n"
                        "    if edge != 'mirror' and right > 1:\n"
                        "        edge = 'zero'",
                    )
                },
                1,
            ),
        },
    ),
    "correlate-values": Case(
        right={
            "a list": {"correlate": returning("correlate", LIST)},
            "warns": {"correlate": warning("correlate")},
        },
        wrong={
            "flips the kernel": {
                "correlate": changed(
                    "kh, kw = kernel.shape", "kernel = kernel[::-1, ::-1]; kh, kw = kernel.shape"
                )
            },
            "square kernels only": {
                "correlate": changed(
                    "kh, kw = kernel.shape",
                    "kh = kw = kernel.shape[0]; kernel = np.resize(kernel, (kh, kw))",
                )
            },
        },
    ),
    "correlate-bytes": Case(
        right={"float32": {"correlate": returning("correlate", FLOAT32)}},
        wrong={
            "in the array's dtype": {
                "correlate": changed(
                    "image, kernel = image.astype(float), kernel.astype(float)\n", "\n"
                )
            },
            "the kernel stays bytes": {
                "correlate": changed("kernel.astype(float)", "kernel.astype('int8')")
            },
            "whole numbers": {"correlate": changed("kernel.astype(float)", "kernel.astype(int)")},
        },
    ),
    "correlate-stride": Case(
        right={"a list": {"correlate": returning("correlate", LIST)}},
        wrong={
            "the same stride for both": {"correlate": changed("c * stride[1]", "c * stride[0]")},
            "rounds up": {
                "correlate": changed(
                    "(image.shape[0] - kh) // stride[0] + 1",
                    "-(-(image.shape[0] - kh) // stride[0]) + 1",
                )
            },
            "ignored": {
                "correlate": changed(
                    "kh, kw = kernel.shape", "stride = (1, 1); kh, kw = kernel.shape"
                )
            },
        },
    ),
    "same-odd": Case(
        right={
            "a list": {"same": returning("same", LIST)},
            "consistent with a friend's mirror": {"source-index": THE_OTHER_MIRROR},
        },
        wrong={
            "always zeros": {"same": changed("sides, edge)", 'sides, "zero")')},
            "not padded": {"same": changed("pad(image, sides, edge)", "image")},
        },
    ),
    "same-even": Case(
        right={"float32": {"same": returning("same", FLOAT32)}},
        wrong={
            "a friend's side": {"same": changed(BEFORE, f"not {BEFORE}")},
            "one too many": {"same": changed("(k - before) // 2)", "(k + 1) // 2)")},
        },
    ),
    "stretch-values": Case(
        right={
            "a list": {"stretch": returning("stretch", LIST)},
            "another order": {"stretch": changed("/ span * 255", "* (255 / span)")},
        },
        wrong={
            "cut off": {"stretch": changed("np.rint", "np.floor")},
            "by the largest": {"stretch": changed("values.max() - values.min()", "values.max()")},
            "in the array's dtype": {"stretch": changed("values.astype(float)", "values.copy()")},
        },
    ),
    "stretch-keeps-its-argument": Case(
        right={
            "a copy by another name": {"stretch": changed("values.astype(float)", "1.0 * values")},
            "a list": {"stretch": returning("stretch", LIST)},
        },
        wrong={
            "in place": {
                "stretch": changed(
                    "values = values.astype(float)",
                    "values -= values.min(); values = values.astype(float)",
                )
            },
            "in place, floats only": {
                "stretch": changed(
                    "values = values.astype(float)",
                    "values = values.astype(float, copy=False); values -= values.min()",
                )
            },
        },
    ),
    "rim-strength": Case(
        right={
            "to one digit": {
                "rim": then("rim_strength = {k: round(v, 1) for k, v in rim_strength.items()}")
            },
            "consistent with a friend's mirror": {"source-index": THE_OTHER_MIRROR},
        },
        wrong={
            "the mean of all": {"rim": changed("[rim]", "")},
            "the inside": {"rim": changed("[rim]", "[~rim]")},
            "corners twice": {
                "rim": instead(
                    """
                    rim_strength = {}
                    for edge in edges:
                        s = strength(picture, edge)
                        ring = [*s[0], *s[-1], *s[:, 0], *s[:, -1]]
                        rim_strength[edge] = sum(ring) / len(ring)
                    """
                )
            },
            "one is missing": {"rim": then('del rim_strength["mirror"]')},
        },
        part={
            "one of four is wrong": ({"rim": then('rim_strength["zero"] *= 2')}, 1.5),
            "only zero is right": (
                {"rim": then('rim_strength = dict.fromkeys(edges, rim_strength["zero"])')},
                0.5,
            ),
        },
    ),
    "recovered-weights": Case(
        right={
            "not rounded": {
                "recover": changed(
                    "np.round(found[:9] * 4).reshape(3, 3, 1, 2) / 4",
                    "(found[:9] + 0.02).reshape(3, 3, 1, 2).astype('float32')",
                )
            },
            "from a pile of windows": {
                "recover": instead(
                    """
                    A, b = [], []
                    for r in range(38):
                        for c in range(46):
                            A.append([*picture[r : r + 3, c : c + 3].ravel(), 1])
                            b.append(answers[r, c])
                    x = np.linalg.pinv(np.array(A, float)) @ np.array(b)
                    kernel, biases = x[:9].reshape(3, 3, 1, 2).round(2), x[9].tolist()
                    """
                )
            },
        },
        wrong={
            "flipped": {"recover": then("kernel = kernel[::-1, ::-1]")},
            "the filters are swapped": {"recover": then("kernel = kernel[..., ::-1]")},
            "no bias": {
                "recover": changed(
                    "np.ones(answers[:, :, 0].size)", "np.zeros(answers[:, :, 0].size)"
                )
            },
            "transposed": {"recover": then("kernel = kernel.transpose(1, 0, 2, 3)")},
        },
        part={
            "no biases": ({"recover": then("biases = [0, 99]")}, 4),
            "one filter": ({"recover": then("kernel[..., 1] = 0")}, 3),
        },
    ),
    "loaded-layer": Case(
        right={
            "functional": {
                "load": instead(
                    """
                    inputs = keras.Input((None, None, 1))
                    layer = keras.layers.Conv2D(2, (3, 3), padding="valid")
                    mystery = keras.Model(inputs, layer(inputs))
                    layer.set_weights([kernel, biases])
                    """
                )
            },
            "consistent with wrong weights": {"recover": then("kernel = kernel * 0 + 1.5")},
        },
        wrong={
            "no weights set": {"load": changed("mystery.set_weights([kernel, biases])", "")},
            "padded": {"load": changed("kernel_size=3", 'kernel_size=3, padding="same"')},
            "weights transposed": {
                "load": changed("[kernel, biases]", "[kernel.transpose(1, 0, 2, 3), biases]")
            },
        },
        part={
            "the biases are forgotten": (
                {"load": changed("[kernel, biases]", "[kernel, 0 * biases]")},
                1,
            ),
            "two layers": (
                {
                    "load": changed(
                        "kernel_size=3)]", "kernel_size=3), keras.layers.Activation('linear')]"
                    )
                },
                1,
            ),
        },
    ),
    "own-filters": Case(
        right={
            "consistent with zeros on the other side": {
                "own-photo": changed("np.full((9, 9), 1 / 81)", "np.full((4, 6), 1 / 24)"),
                "same": changed(BEFORE, f"not {BEFORE}"),
            },
            "lists": {"own-photo": then("my_maps = {n: m.tolist() for n, m in my_maps.items()}")},
        },
        wrong={
            "a multiple of another": {
                "own-photo": changed(
                    "np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2]])", "-2 * sobel_x.T"
                )
            },
            "nothing: a black photo, kernels and maps of zeros": {
                "own-photo": instead(
                    """
                    photo = np.zeros((100, 90, 3), "uint8")
                    my_kernels = {name: np.zeros((3, 3)) for name in "abc"}
                    my_maps = {name: np.zeros((100, 90)) for name in "abc"}
                    """
                )
            },
            "a plain photo": {
                "own-photo": changed("grey = photo", "photo = photo // 32 + 90\ngrey = photo")
            },
            "maps of a red photo": {"own-photo": changed("photo.mean(axis=2)", "photo[:, :, 0]")},
            "stretched": {
                "own-photo": then("my_maps = {n: stretch(m) for n, m in my_maps.items()}")
            },
        },
        part={
            "a kernel of one row": (
                {"own-photo": changed("np.full((9, 9), 1 / 81)", "np.full((1, 9), 1 / 9)")},
                2.5,
            ),
            "a multiple of another, with zeros around it": (
                {
                    "own-photo": changed(
                        "np.full((9, 9), 1 / 81)", "np.pad(-2 * sobel_x.T, ((1, 1), (2, 2)))"
                    )
                },
                2.5,
            ),
            "a multiple of another, of even size": (
                {
                    "own-photo": changed(
                        "np.full((9, 9), 1 / 81)",
                        f"np.pad(sobel_x.T, (int({BEFORE}), int(not {BEFORE})))",
                    )
                },
                2.5,
            ),
            "three kernels of zeros": (
                {
                    "own-photo": changed(
                        "grey = photo",
                        "my_kernels = {name: np.zeros((3, 3)) for name in my_kernels}\ngrey = photo",
                    )
                },
                0.5,
            ),
            "the same weights, shifted": (
                {
                    "own-photo": changed(
                        "np.full((9, 9), 1 / 81)", "np.pad(sobel_x.T, ((0, 2), (2, 0)))"
                    )
                },
                3,
            ),
            "maps of another photo": (
                {"own-photo": then("my_maps = {n: m + 1 for n, m in my_maps.items()}")},
                1,
            ),
        },
    ),
}
