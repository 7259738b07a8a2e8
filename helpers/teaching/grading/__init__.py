"""Grades notebooks that strangers have written; `python -m helpers grade`.

run             a whole class: finds, resumes, grades, and once more alone what is doubtful
report          what comes out: tables, the list for a person, pages
feedback        a page for each student
gradebook       nbgrader's gradebook, and the notebooks that its formgrader shows
rehearsal       five submissions to rehearse with

course          nbgrader's folder of a course: configuration, sources
submissions     sources and submissions: what is graded, what runs when
reading         opens what was handed in, and nothing else does
nbgrader_steps  what students get of a source
release         what each student gets, with the parts that are drawn for one alone

marking         one submission: who waits for whom, and what a zero rests on
outcomes        what marking comes to: marks, doubts, reasons
outputs         outputs of a student's cells, as a notebook may hold them
student         runs the cells of a submission, and nothing else
judge           runs the tests, away from the code that they test
values          tables, functions and networks on their way from one to the other
messages        plain data as bytes, never pickle, and channels that carry them
seeds           the same random numbers for everybody who sets no seed

engine          starts the processes of submissions
launcher        imports Keras once, then forks
processes       a confined process, seen from outside
sandbox         namespaces and limits around these processes
syscalls        a filter of system calls, on top of that

nbgrader_extras  steps of this course's own for nbgrader's commands; apart, since
                importing nbgrader takes seconds, in which the engine starts

It needs requirements-grading.txt, and Linux with bubblewrap. Nothing is imported here,
because the processes of a submission would wait for it.
"""
