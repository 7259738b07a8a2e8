"""Random images and kernels for tests of convolution, the same in every run."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

STEPS = st.integers(1, 3)
SIDES = st.integers(1, 4)
ODD = st.sampled_from([1, 3, 5])


def cases(number):
    """A decorator: try so many cases, the same ones each time."""
    return settings(max_examples=number, derandomize=True, deadline=None)


@st.composite
def images(draw, shape):
    """Whole numbers from -9 to 9 in an array of a random shape."""
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    return rng.integers(-9, 10, [draw(side) for side in shape])


@st.composite
def layers_of_filters(draw, sides):
    """(image, kernel, bias) of matching random shapes, as a Conv2D takes them."""
    channels = st.just(draw(st.integers(1, 3)))
    kernel = draw(images((sides, sides, channels, st.integers(1, 3))))
    image = draw(images((st.integers(1, 9), st.integers(1, 9), channels)))
    return image, kernel, draw(images((st.just(kernel.shape[3]),)))
