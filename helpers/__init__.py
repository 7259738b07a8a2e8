"""Small, documented helpers for the course; see each module's first lines.

files         where the course keeps its files, their names; atomic writes; clear errors
strokes       the 55 characters as hand-made pen strokes
compounds     300 more characters, made of these, for pretraining
writers       simulated writers who draw those strokes
handwriting   the handwriting data set: real CASIA when it is there, else simulated
simulator     draws the simulated data set, with planted flaws
casia         reads real CASIA: folders, zip archives, .gnt files
archives      one careful reader of zip archives
images        loads folders of images into one array, fast, with a cache
claims        simulated motor claims with known true frequencies
tuning_table  recorded trainings in which samplers search in seconds
training      reuses a fitted model when nothing that it depends on has changed
quiet_keras   Keras without TensorFlow's log lines and pauses between epochs
convolution   convolution, pooling and their size formulas in NumPy
sprites       four images of 16x16 pixels, drawn for this course
photos        photos that come with packages, the student's own, sets in class folders
digits        handwritten digits: MNIST when it is there, else scikit-learn's
imagenet      Keras's pretrained networks: what is published, what can be had here
teachable_machine  reads a model that Google's Teachable Machine exported
explorers     two interactive pages: kernels, and the arithmetic of convolution
pad           a drawing pad: the network's guesses while you write
plots         one figure style, a Chinese font, alt text
scores        intervals and scores that several notebooks use
exercises     the self-checks of the exercises
assignments   graded assignments: data that differ per student, comparisons
assignment_data  characters, costs and scans of assignments 3, 4 and 5
grading       grades what students hand in: `python -m helpers grade`
handouts      notebooks as slides, pages and PDFs that need no network
doctor        `python -m helpers doctor`: is this machine ready?

Importing `helpers` imports neither Keras nor TensorFlow.
"""

__version__ = "1.0.0"
