"""The service desk of Ombly, a firm that does not exist: the one task of all lessons.

`company` says what is true of the firm, `frames` what its customers write, `generate` makes the
records of data/toy_desk, and `gold` reads, grades and rewards replies. `python -m
course_utils.tasks.toy_desk` writes the data.
"""
