"""What is quoted of pretrained networks is what Keras builds.

Notebook 04 counts ten of them itself, and a cell there compares with the table.
"""

import pytest

from helpers.imagenet import PUBLISHED


@pytest.mark.parametrize("name", ["VGG19", "EfficientNetB3"])
def test_quoted_parameters(name):
    from helpers.quiet_keras import keras

    keras.utils.clear_session()
    network = getattr(keras.applications, name)(weights=None)
    assert network.count_params() == PUBLISHED[name].parameters


def test_accuracies_are_shares_and_top5_is_above_top1():
    for row in PUBLISHED.values():
        assert 0.7 < row.top1 < 0.9
        assert row.top5 is None or row.top1 < row.top5 < 1
