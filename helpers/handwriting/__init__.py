"""The handwriting data set: real CASIA where it is, else drawn by simulated writers.

dataset    which of them is at hand, in which folder (`get`, `small_set`, `count_found`)
casia      reads real CASIA: folders, zip archives, .gnt files
simulator  draws the simulated data set, with planted flaws
writers    simulated writers who draw characters stroke by stroke
strokes    the 55 characters as hand-made pen strokes
compounds  300 more characters, made of these, for pretraining
"""

from helpers.handwriting.dataset import Handwriting, count_found, get, small_set

__all__ = ["Handwriting", "count_found", "get", "small_set"]
