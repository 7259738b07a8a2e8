"""nbgrader's settings for this course; nbgrader reads them when it is started here."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "computer_vision"

# What students find where the solution was.
c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("Write your answer here.")'
}
c.ClearSolutions.text_stub = "Write your answer here."

# The grader of this course, `python -m helpers grade`, has limits of its own. These
# are for plain `nbgrader autograde`.
c.Execute.timeout = 120
c.Execute.interrupt_on_timeout = True
