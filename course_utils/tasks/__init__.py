"""The tasks that models are trained and tested on: their data, and how a reply is graded."""
