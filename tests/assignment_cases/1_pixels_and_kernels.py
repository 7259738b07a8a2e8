"""Answers for assignment 1, pixels and kernels by hand."""

from assignment_cases import Case, changed, instead, returning, then, warning

LIST = "result.tolist()"
LOOPED_LAYER = """
    import numpy as np
    kh, kw, c, n = filters.shape
    b, height, width, c = images.shape
    result = np.zeros((b, height - kh + 1, width - kw + 1, n))
    for i, r, q in np.ndindex(result.shape[:3]):
        patch = images[i, r : r + kh, q : q + kw]
        result[i, r, q] = np.tensordot(patch, filters, 3) + biases
    return result
"""

REMEMBERED = """
_asked, _known = [], {}
_right = NAME

def NAME(image, *others):
    key = image.shape, np.asarray(image).tobytes()
    if key not in _known:
        for _ in range(image.size):
            pass
        _known[key] = _right(image, *others)
    return _known[key]
"""
"""A loop whose result is kept, for whoever asks again."""

CASES = {
    "source-index-plain": Case(
        right={
            "NumPy's numbers": {
                "source-index": returning(
                    "source_index",
                    "result if result is None else np.int8(result)",
                )
            },
            "floats": {
                "source-index": returning(
                    "source_index", "result if result is None else result / 1"
                )
            },
        },
        wrong={
            "replicate only on the left": {
                "source-index": changed("min(max(i, 0), n - 1)", "max(i, 0)")
            },
            "circular once around only": {
                "source-index": changed(
                    "return i % n",
                    "return i + n if i < 0 else i - n * (i >= n)",
                )
            },
            "zero gives pixel 0": {"source-index": changed("else None", "else 0")},
            "position n is inside": {"source-index": changed("0 <= i < n", "0 <= i <= n")},
        },
    ),
    "source-index-reflect": Case(
        right={
            "walks step by step": {
                "source-index": changed("i = i % period", "i = abs(i) % period")
            },
            "warns": {"source-index": warning("source_index")},
        },
        wrong={
            "repeats the edge": {
                "source-index": changed("2 * (n - 1)", "2 * n", "period - i)", "period - i - 1)")
            },
            "mirrors once only": {
                "source-index": changed(
                    "i = i % period",
                    "return abs(i) if i < n else 2 * n - 2 - i",
                )
            },
            "fails for one pixel": {"source-index": changed("max(2 * (n - 1), 1)", "2 * (n - 1)")},
        },
    ),
    "pad-zero": Case(
        right={
            "a list": {"pad": returning("pad", LIST)},
            "float32": {"pad": returning("pad", "result.astype('float32')")},
            "warns": {"pad": warning("pad")},
        },
        wrong={
            "whole numbers only": {"pad": changed("image.dtype", "int")},
            "the same on both sides": {
                "pad": changed(
                    "(top, bottom), (left, right) = sides",
                    "(top, bottom), (left, right) = sides; bottom = top",
                )
            },
            "left and top swapped": {
                "pad": changed(
                    "(top, bottom), (left, right) = sides",
                    "(left, right), (top, bottom) = sides",
                )
            },
        },
    ),
    "pad-edges": Case(
        right={
            "a list": {"pad": returning("pad", LIST)},
            "by NumPy's indices": {
                "pad": instead(
                    """
                    (top, bottom), (left, right) = sides
                    h, w = image.shape
                    rows = [source_index(r, h, edge) for r in range(-top, h + bottom)]
                    columns = [source_index(c, w, edge) for c in range(-left, w + right)]
                    return image[np.ix_(rows, columns)]
                    """
                )
            },
        },
        wrong={
            "always zero": {
                "pad": changed(
                    "height, edge)",
                    'height, "zero")',
                    "width, edge)",
                    'width, "zero")',
                )
            },
            "columns follow the height": {"pad": changed("left, width,", "left, height,")},
        },
    ),
    "correlate-values": Case(
        right={
            "a list": {"correlate": returning("correlate", LIST)},
            "float32": {"correlate": returning("correlate", "result.astype('float32')")},
            "warns": {"correlate": warning("correlate")},
        },
        wrong={
            "flips the kernel": {
                "correlate": changed("kernel.astype(float)", "kernel.astype(float)[::-1, ::-1]")
            },
            "square kernels only": {
                "correlate": changed("kh, kw = kernel.shape", "kh = kw = len(kernel)")
            },
            "the mean": {"correlate": changed(".sum()", ".mean()")},
            "the last place is missing": {"correlate": changed("stride[0] + 1", "stride[0]")},
        },
    ),
    "correlate-bytes": Case(
        right={
            "a list": {"correlate": returning("correlate", LIST)},
            "float32 inside": {"correlate": changed("astype(float)", "astype('float32')")},
        },
        wrong={
            "in the image's dtype": {
                "correlate": changed("image.astype(float), kernel.astype(float)", "image, kernel")
            },
            "only the image is widened": {
                "correlate": changed(
                    "image.astype(float), kernel.astype(float)",
                    "image.astype(int), kernel.astype(int)",
                )
            },
            "in 16 bits": {"correlate": changed("astype(float)", "astype('int16')")},
        },
    ),
    "correlate-stride": Case(
        right={
            "slices the result of stride 1": {
                "correlate": then(
                    """
                    _one = correlate

                    def correlate(image, kernel, stride=(1, 1)):
                        return _one(image, kernel)[::stride[0], ::stride[1]]
                    """
                )
            },
            "a list": {"correlate": returning("correlate", LIST)},
        },
        wrong={
            "across and down swapped": {
                "correlate": changed("image, kernel =", "stride = stride[::-1]; image, kernel =")
            },
            "ignored": {
                "correlate": changed("image, kernel =", "stride = (1, 1); image, kernel =")
            },
            "one stride for both": {"correlate": changed("stride[1]", "stride[0]")},
        },
    ),
    "same-odd": Case(
        right={
            "a list": {"same": returning("same", LIST)},
            "warns": {"same": warning("same")},
        },
        wrong={
            "always zero": {"same": changed("sides, edge", 'sides, "zero"')},
            "square kernels only": {
                "same": changed("for k in kernel.shape", "for k in kernel.shape[:1] * 2")
            },
            "not padded": {"same": instead("return correlate(image, kernel)")},
        },
    ),
    "same-even": Case(
        right={"a list": {"same": returning("same", LIST)}},
        wrong={
            "the odd pixel before": {
                "same": changed("((k - 1) // 2, k // 2)", "(k // 2, (k - 1) // 2)")
            },
            "half on both sides": {"same": changed("((k - 1) // 2, k // 2)", "(k // 2, k // 2)")},
        },
    ),
    "paint-convolution": Case(
        right={
            "a list": {"paint": returning("paint", LIST)},
            "float32": {"paint": returning("paint", "result.astype('float32')")},
        },
        wrong={
            "a correlation": {"paint": changed("* kernel", "* kernel[::-1, ::-1]")},
            "overwrites": {"paint": changed("+= copy", "= copy")},
            "in the image's dtype": {
                "paint": changed("np.zeros(shape)", "np.zeros(shape, image.dtype)")
            },
            "as large as the image": {
                "paint": returning("paint", "result[:len(arguments[0]), :len(arguments[0][0])]")
            },
        },
    ),
    "paint-stride": Case(
        right={
            "a list": {"paint": returning("paint", LIST)},
            "warns": {"paint": warning("paint")},
        },
        wrong={
            "ignored": {"paint": changed("kernel.shape", "kernel.shape; stride = 1")},
            "too large": {"paint": changed("(height - 1) * stride", "height * stride")},
            "copies side by side": {"paint": changed("c * stride", "c * max(stride, kw)")},
        },
    ),
    "stretch-values": Case(
        right={
            "a list": {"stretch": returning("stretch", LIST)},
            "int64": {"stretch": returning("stretch", "result.astype(int)")},
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
    "edge-strength": Case(
        right={
            "by hypot": {
                "edges": changed("np.sqrt(across**2 + down**2)", "np.hypot(down, across)")
            },
            "a list": {"edges": returning("edge_strength", LIST)},
            "warns": {"edges": warning("edge_strength")},
        },
        wrong={
            "sum of sizes": {
                "edges": changed("np.sqrt(across**2 + down**2)", "abs(across) + abs(down)")
            },
            "one direction": {"edges": changed("+ down**2", "")},
            "always zero": {"edges": changed(", edge)\n", ', "zero")\n')},
        },
    ),
    "rim-strength": Case(
        right={
            "to four digits": {
                "rim": then(
                    "rim_strength = {k: float(f'{v:.4g}') for k, v in rim_strength.items()}"
                )
            },
            "float32": {
                "rim": then("rim_strength = {k: np.float32(v) for k, v in rim_strength.items()}")
            },
        },
        wrong={
            "the mean of all": {"rim": changed("[rim]", "")},
            "the inside": {"rim": changed("[rim]", "[~rim]")},
            "corners twice": {
                "rim": instead(
                    """
                    rim_strength = {}
                    for edge in edges:
                        s = edge_strength(eye, edge)
                        ring = [*s[0], *s[-1], *s[:, 0], *s[:, -1]]
                        rim_strength[edge] = sum(ring) / len(ring)
                    """
                )
            },
            "one is missing": {"rim": then('del rim_strength["reflect"]')},
        },
        part={
            "one of four is wrong": (
                {"rim": then('rim_strength["zero"] *= 2')},
                1.5,
            ),
            "only zero is right": (
                {"rim": then('rim_strength = dict.fromkeys(edges, rim_strength["zero"])')},
                0.5,
            ),
        },
    ),
    "patches-values": Case(
        right={
            "a list": {"patches": returning("patches", LIST)},
            "by indices": {
                "patches": instead(
                    """
                    kh, kw = kernel_shape
                    r = np.arange(0, image.shape[0] - kh + 1, stride)
                    c = np.arange(0, image.shape[1] - kw + 1, stride)
                    u, v = np.arange(kh), np.arange(kw)
                    rows = r[:, None, None, None] + u[:, None]
                    return image[rows, c[:, None, None] + v]
                    """
                )
            },
        },
        wrong={
            "axes swapped": {"patches": returning("patches", "result.swapaxes(2, 3)")},
            "places last": {"patches": returning("patches", "result.transpose(2, 3, 0, 1)")},
            "square kernels only": {
                "patches": changed(
                    "view(image, kernel_shape)",
                    "view(image, kernel_shape[:1] * 2)",
                )
            },
        },
    ),
    "patches-stride": Case(
        right={"a list": {"patches": returning("patches", LIST)}},
        wrong={
            "ignored": {"patches": changed("[::stride, ::stride]", "")},
            "down only": {"patches": changed("[::stride, ::stride]", "[::stride]")},
        },
    ),
    "layer-valid": Case(
        right={
            "a list": {"layer": returning("layer", LIST)},
            "float32": {"layer": returning("layer", "result.astype('float32')")},
            "einsum": {
                "layer": instead(
                    """
                    windows = np.lib.stride_tricks.sliding_window_view(
                        images, filters.shape[:2], axis=(1, 2)
                    )[:, ::stride, ::stride]
                    return np.einsum("bijcuv,uvcn->bijn", windows, filters) + biases
                    """
                )
            },
        },
        wrong={
            "no bias": {"layer": changed("+ biases", "")},
            "first image only": {"layer": changed("kh, kw =", "images = images[:1]; kh, kw =")},
            "flips the kernel": {
                "layer": changed("filters[u, v]", "filters[kh - 1 - u, kw - 1 - v]")
            },
            "stride ignored": {"layer": changed("kh, kw =", "stride = 1; kh, kw =")},
        },
    ),
    "layer-same": Case(
        right={
            "a list": {"layer": returning("layer", LIST)},
            "warns": {"layer": warning("layer")},
        },
        wrong={
            "equal padding, as at stride 1": {
                "layer": changed(
                    "top, left = down // 2, across // 2",
                    "down, across = kh - 1, kw - 1\n"
                    "        padded = np.zeros((b, height + down, width + across, c))\n"
                    "        top, left = down // 2, across // 2",
                )
            },
            "the odd pixel before": {
                "layer": changed(
                    "down // 2, across // 2",
                    "(down + 1) // 2, (across + 1) // 2",
                )
            },
            "sums of bytes": {
                "layer": changed(
                    "np.zeros((b, height + down, width + across, c))",
                    "np.zeros((b, height + down, width + across, c), 'int8')",
                )
            },
            "not padded": {"layer": changed('== "same"', '== "SAME"')},
            "no bias": {"layer": changed("+ biases", "")},
        },
    ),
    "layer-fast": Case(
        right={
            "warns": {"layer": warning("layer")},
            "float32": {"layer": returning("layer", "result.astype('float32')")},
            "windows": {
                "layer": then(
                    """
                    _slices = layer

                    def layer(images, filters, biases, stride=1, padding="valid"):
                        if padding == "same":
                            return _slices(images, filters, biases, stride, padding)
                        shape = filters.shape[:2]
                        view = np.lib.stride_tricks.sliding_window_view
                        seen = view(images, shape, axis=(1, 2))[:, ::stride, ::stride]
                        return np.einsum("brcduv,uvdn->brcn", seen, filters) + biases
                    """
                )
            },
        },
        wrong={
            "a loop over places": {"layer": instead(LOOPED_LAYER)},
            "a loop that is called otherwise": {
                "layer": then(
                    """
                    _slices = layer

                    def layer(images, *others):
                        places = np.arange(images.size)
                        np.vectorize(lambda place: place + 1)(places)
                        return _slices(images, *others)
                    """
                )
            },
            "junk while it is watched": {
                "layer": then(
                    """
                    import sys
                    _slices = layer

                    def layer(images, *others):
                        return 0 if sys.gettrace() else _slices(images, *others)
                    """
                )
            },
            "junk for the first large ones": {
                "layer": then(
                    """
                    _slices, _asked = layer, []

                    def layer(images, *others):
                        _asked.append(images.size > 50_000)
                        return 0 if sum(_asked) <= 5 else _slices(images, *others)
                    """
                )
            },
            "remembered": {"layer": then(REMEMBERED.replace("NAME", "layer"))},
            "the count is switched off": {
                "layer": then(
                    """
                    import sys
                    _slices = layer

                    def layer(*arguments):
                        sys.settrace(None)
                        return _slices(*arguments)
                    """
                )
            },
            "fast and wrong": {"layer": changed("in np.ndindex(kh, kw)", "in [(0, 0)]")},
        },
    ),
    "separate-product": Case(
        right={
            "lists": {
                "separate": returning("separate", "result and [part.tolist() for part in result]")
            },
            "by singular values": {
                "separate": instead(
                    """
                    u, s, v = np.linalg.svd(np.asarray(kernel, float))
                    if (s[1:] > 1e-8 * s[0]).any():
                        return None
                    return u[:, :1] * s[0], v[:1]
                    """
                )
            },
        },
        wrong={
            "divides by the first weight": {
                "separate": changed(
                    "np.unravel_index(np.abs(kernel).argmax(), kernel.shape)",
                    "0, 0",
                )
            },
            "row and column swapped": {
                "separate": changed("return (column, row)", "return (row, column)")
            },
            "the largest, not in size": {
                "separate": changed("np.abs(kernel).argmax()", "0 * kernel.argmax() + 1")
            },
            "flat": {"separate": changed("(column, row)", "(column[:, 0], row[0])")},
        },
    ),
    "separate-none": Case(
        right={
            "warns": {"separate": warning("separate")},
            "lists": {
                "separate": returning("separate", "result and [part.tolist() for part in result]")
            },
        },
        wrong={
            "never": {"separate": changed(" if np.allclose(column * row, kernel) else None", "")},
            "always": {"separate": instead("return None")},
            "symmetric ones": {
                "separate": changed(
                    "np.allclose(column * row, kernel)",
                    "np.allclose(column, row.T) or np.allclose(column * row, kernel)",
                )
            },
        },
    ),
    "box-sums-values": Case(
        right={
            "a list": {"box-sums": returning("box_sums", LIST)},
            "more digits": {"box-sums": changed("dtype=float", "dtype=np.longdouble")},
            "warns": {"box-sums": warning("box_sums")},
        },
        wrong={
            "bytes wrap": {"box-sums": changed("dtype=float", "dtype=image.dtype")},
            "one row and column less": {"box-sums": returning("box_sums", "result[1:, 1:]")},
            "the corner is forgotten": {"box-sums": changed(" + table[:-k, :-k]", "")},
            "means": {"box-sums": returning("box_sums", "result / arguments[1] ** 2")},
        },
    ),
    "box-sums-fast": Case(
        right={
            "two thin kernels": {
                "box-sums": instead(
                    """
                    h, w = image.shape
                    rows = sum(image[u : u + h - k + 1].astype(float) for u in range(k))
                    return sum(rows[:, v : v + w - k + 1] for v in range(k))
                    """
                )
            },
            "warns": {"box-sums": warning("box_sums")},
        },
        wrong={
            "a loop over all weights": {
                "box-sums": instead(
                    """
                    h, w = image.shape
                    return sum(
                        image[u : u + h - k + 1, v : v + w - k + 1].astype(float)
                        for u in range(k)
                        for v in range(k)
                    )
                    """
                )
            },
            "a loop over places": {
                "box-sums": instead(
                    """
                    h, w = image.shape
                    result = np.zeros((h - k + 1, w - k + 1))
                    for r, c in np.ndindex(result.shape):
                        result[r, c] = image[r : r + k, c : c + k].sum()
                    return result
                    """
                )
            },
            "fast and wrong": {"box-sums": instead("return image[k - 1 :, k - 1 :] * k * k")},
            "all windows at once": {
                "box-sums": instead(
                    """
                    view = np.lib.stride_tricks.sliding_window_view(image, (k, k))
                    return view.sum(axis=(2, 3), dtype=float)
                    """
                )
            },
            "junk for the first large ones": {
                "box-sums": then(
                    """
                    _sums, _asked = box_sums, []

                    def box_sums(image, k):
                        _asked.append(k == 101)
                        return 0 if sum(_asked) <= 5 else _sums(image, k)
                    """
                )
            },
            "remembered": {"box-sums": then(REMEMBERED.replace("NAME", "box_sums"))},
        },
    ),
}
