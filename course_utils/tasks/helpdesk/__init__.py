"""The help desk of Wickerby, an online shop that does not exist: the task of the course's scoreboard.

`shop` holds the shop's teams, rules, policy sheet and brand guide, `frames` what customers write, `generate`
the records of data/helpdesk, `surface` how customers write it, `gold` the grading, `trivial_policies` what no
policy should earn, `mixed_quality` the noisy training records, and `prompting` the prompts.
`python -m course_utils.tasks.helpdesk` writes the data.
"""
