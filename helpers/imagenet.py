"""What Keras publishes about its pretrained ImageNet networks.

Source: the table at https://keras.io/api/applications/ (accuracy on the ImageNet
validation set, one crop an image), read in 2026.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """One row of that table."""

    millions: float  # of parameters, with the classifier
    top1: float  # accuracy, 0 to 1
    top5: float  # None where none is published


PUBLISHED = {
    "Xception": Published(22.9, 0.790, 0.945),
    "VGG16": Published(138.4, 0.713, 0.901),
    "VGG19": Published(143.7, 0.713, 0.900),
    "ResNet50": Published(25.6, 0.749, 0.921),
    "ResNet50V2": Published(25.6, 0.760, 0.930),
    "ResNet152V2": Published(60.4, 0.780, 0.942),
    "InceptionV3": Published(23.9, 0.779, 0.937),
    "InceptionResNetV2": Published(55.9, 0.803, 0.953),
    "MobileNet": Published(4.3, 0.704, 0.895),
    "MobileNetV2": Published(3.5, 0.713, 0.901),
    "DenseNet121": Published(8.1, 0.750, 0.923),
    "NASNetMobile": Published(5.3, 0.744, 0.919),
    "NASNetLarge": Published(88.9, 0.825, 0.960),
    "EfficientNetB0": Published(5.3, 0.771, 0.933),
    "EfficientNetB3": Published(12.3, 0.816, 0.957),
    "EfficientNetB7": Published(66.7, 0.843, 0.970),
    "EfficientNetV2S": Published(21.6, 0.839, 0.967),
    "ConvNeXtBase": Published(88.5, 0.853, None),
}
