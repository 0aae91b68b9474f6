"""Programs for those who make or check the course: each is run by `python -m course_utils.tools.NAME`."""
