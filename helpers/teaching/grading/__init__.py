"""Grades notebooks that strangers have written; `python -m helpers grade`.

run          a whole class: finds, resumes, grades
report       what comes out: tables, the list for a person, pages
engine       one submission: a student's process and a judge, and who waits for whom
notebooks    sources and submissions: what is graded, what runs when
student      runs the cells of a submission, and nothing else
judge        runs the tests, away from the code that they test
luck         the same random numbers for everybody who sets no seed
carry        tables, functions and networks on their way from one to the other
plain        plain data as bytes, never pickle
channel      messages between processes
sandbox      namespaces and limits around these processes
syscalls     a filter of system calls, on top of that
zygote       imports Keras once, then forks
stock        for nbgrader's own commands
release      what students get of a source
course       nbgrader's folder of a course: configuration, sources
gradebook    nbgrader's gradebook, and the notebooks that its formgrader shows
feedback     a page for each student

It needs requirements-grading.txt, and Linux with bubblewrap. Nothing is imported here,
because the processes of a submission would wait for it.
"""
