"""What is known of Keras's ImageNet networks without building them.

Source of the accuracies: the table at https://keras.io/api/applications/ (on the
ImageNet validation set, one crop an image), read in 2026.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """What is known of one network."""

    parameters: int  # with the classifier, counted with Keras 3.15
    top1: float  # accuracy, 0 to 1
    top5: float  # None where none is published


PUBLISHED = {
    "Xception": Published(22_910_480, 0.790, 0.945),
    "VGG16": Published(138_357_544, 0.713, 0.901),
    "VGG19": Published(143_667_240, 0.713, 0.900),
    "ResNet50": Published(25_636_712, 0.749, 0.921),
    "ResNet50V2": Published(25_613_800, 0.760, 0.930),
    "ResNet152V2": Published(60_380_648, 0.780, 0.942),
    "InceptionV3": Published(23_851_784, 0.779, 0.937),
    "InceptionResNetV2": Published(55_873_736, 0.803, 0.953),
    "MobileNet": Published(4_253_864, 0.704, 0.895),
    "MobileNetV2": Published(3_538_984, 0.713, 0.901),
    "DenseNet121": Published(8_062_504, 0.750, 0.923),
    "NASNetMobile": Published(5_326_716, 0.744, 0.919),
    "NASNetLarge": Published(88_949_818, 0.825, 0.960),
    "EfficientNetB0": Published(5_330_571, 0.771, 0.933),
    "EfficientNetB3": Published(12_320_535, 0.816, 0.957),
    "EfficientNetB7": Published(66_658_687, 0.843, 0.970),
    "EfficientNetV2S": Published(21_612_360, 0.839, 0.967),
    "ConvNeXtBase": Published(88_591_464, 0.853, None),
}
