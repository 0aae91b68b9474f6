"""The techniques of the scoreboard, one family a file: each learns from records and can then reply."""
