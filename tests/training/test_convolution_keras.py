"""Convolution and its arithmetic against Keras, on the random cases of random_images.py."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from random_images import SIDES, cases, images, layers_of_filters

from helpers.convolution import correlate, output_size, parameters, pool, refused_by_keras
from helpers.files import CourseError
from helpers.quiet_keras import keras

layers = keras.layers
KERAS_STEPS = st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)])


@cases(200)
@given(
    layers_of_filters(SIDES),
    st.sampled_from(["valid", "same", 0, 1, 2]),
    KERAS_STEPS,
)
def test_conv2d(arrays, padding, steps):
    image, kernel, bias = (array.astype("float32") for array in arrays)
    stride, dilation = steps
    assert refused_by_keras(stride=stride, dilation=dilation) is None
    arguments = {
        "strides": stride,
        "dilation_rate": dilation,
        "padding": padding if isinstance(padding, str) else "valid",
    }

    def by_keras():
        batch = image[None]
        if not isinstance(padding, str):
            batch = layers.ZeroPadding2D(padding)(batch)
        layer = layers.Conv2D(bias.size, kernel.shape[:2], **arguments)
        layer.build(batch.shape)
        layer.set_weights([kernel, bias])
        maps = layer(batch)
        alone = keras.ops.conv(batch, kernel, **arguments)
        assert_allclose(alone + bias, maps, atol=0.01)
        return maps[0]

    try:
        ours = correlate(image, kernel, bias, padding, stride=stride, dilation=dilation)
    except CourseError as error:
        assert "does not fit" in str(error)
        with pytest.raises(ValueError, match="size would be zero or negative"):
            by_keras()
    else:
        assert ours.dtype == "float32"
        assert_allclose(ours, by_keras(), atol=0.01)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_sizes_and_refusals_of_conv2d(padding):
    for k, stride, dilation in product(range(1, 8), range(1, 5), range(1, 5)):
        refused = refused_by_keras(stride=stride, dilation=dilation)
        try:
            layer = layers.Conv2D(1, (k, 1), stride, padding, dilation_rate=dilation)
        except ValueError:
            assert refused, (k, stride, dilation)
            continue
        assert not refused, (k, stride, dilation)
        for n in range(1, 25):
            try:
                size = output_size(n, k, padding, stride=stride, dilation=dilation)
            except CourseError:
                with pytest.raises(ValueError, match="zero or negative"):
                    layer.compute_output_shape((None, n, 1, 1))
            else:
                shape = layer.compute_output_shape((None, n, 1, 1))
                assert size == shape[1], (n, k, stride, dilation)


@cases(200)
@given(
    images((st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))),
    SIDES,
    st.sampled_from(["max", "average"]),
    st.sampled_from(["valid", "same"]),
    st.none() | SIDES,
)
def test_pool(image, size, how, padding, stride):
    image = image.astype("float32")
    kind = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[how]
    layer = kind(size, strides=stride, padding=padding)
    try:
        ours = pool(image, size, how, padding, stride=stride)
    except CourseError as error:
        assert "does not fit" in str(error)
        with pytest.raises(ValueError, match="zero or negative"):
            layer.compute_output_shape((None, *image.shape))
    else:
        assert ours.dtype == "float32"
        assert_allclose(ours, layer(image[None])[0], rtol=1e-6)
        alone = pool(image[:, :, 0], size, how, padding, stride=stride)
        assert_array_equal(alone, ours[:, :, 0])


@cases(30)
@given(SIDES, SIDES, SIDES, SIDES, st.booleans())
def test_parameters(kh, kw, channels, filters, bias):
    def count(layer):
        layer.build((None, 9, 9, channels))
        return layer.count_params()

    conv = layers.Conv2D(filters, (kh, kw), use_bias=bias)
    assert parameters((kh, kw), channels, filters, bias) == count(conv)
    # Depthwise: each channel has one filter of its own.
    depthwise = layers.DepthwiseConv2D((kh, kw), use_bias=bias)
    assert parameters((kh, kw), 1, channels, bias) == count(depthwise)
    assert parameters(kh, channels, filters) == (parameters((kh, kh), channels, filters))
