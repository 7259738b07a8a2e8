"""The same random numbers for everybody who sets no seed.

Graded twice, a submission should get the same marks.
"""

import random
import sys


def same_for_all():
    """Seed what is there to be seeded in this process."""
    random.seed(0)
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(0)
    if "keras" in sys.modules:
        import keras

        keras.utils.set_random_seed(0)
