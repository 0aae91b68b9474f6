"""The exercises and predictions of each lesson: l00.py for lesson 00, l01.py for 01, and so on.

A module holds `Exercise` and `Prediction` objects under short names (q1, q2, p1); a notebook imports
them by name. `course_utils.lessons.exercise.in_lessons()` finds them all, and one test tries every one.
"""
