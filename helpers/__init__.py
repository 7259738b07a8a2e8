"""Small, documented helpers for the course; see each module's first lines.

files         where the course keeps its files, their names; atomic writes; clear errors
archives      one careful reader of zip archives
handwriting/  the handwriting data set: real CASIA when it is there, else simulated writers
images        loads folders of images into one array, fast, with a cache
photos        photos that come with packages, the student's own, sets in class folders
sprites       four images of 16x16 pixels, drawn for this course
claims        simulated motor claims with known true frequencies
tuning_table  recorded trainings in which samplers search in seconds
convolution   convolution, pooling and their size formulas in NumPy
scores        intervals and scores that several notebooks use
quiet_keras   Keras without TensorFlow's log lines and pauses between epochs
training      reuses a fitted model when nothing that it depends on has changed
imagenet      networks trained on ImageNet: three that come with the course, and Keras's
teachable_machine  reads a model that Google's Teachable Machine exported
plots         one figure style, a Chinese font, alt text, networks as volumes
explorers/    four interactive pages, and a drawing pad
exercises/    the self-checks of the exercises
assignments/  what graded assignments import: data that differ per student, comparisons
settings/     how JupyterLab and its kernels start in this course
teaching/     what only teachers and lecturers run: hand-outs, live slides, the grader
doctor        `python -m helpers doctor`: is this machine ready?

Importing `helpers` imports neither Keras nor TensorFlow. It changes one thing: Python looks
into the working directory last, so that your keras.py or random.py beside a notebook hides
no package.
"""

import os
import sys
from contextlib import suppress

__version__ = "1.0.0"

with suppress(OSError):  # a working directory that has been deleted
    for _place in ("", os.getcwd()):  # noqa: PTH109 (pathlib takes time)
        if _place in sys.path:
            sys.path.remove(_place)
            sys.path.append(_place)
