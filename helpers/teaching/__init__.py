"""What only a teacher or lecturer runs: hand-outs, and the grader of assignments.

Notebooks import nothing of it; `python -m helpers` does, when it is asked to.
"""
