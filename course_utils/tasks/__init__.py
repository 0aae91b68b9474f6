"""The tasks that the lessons train and grade models on, each with its data, its generator and its grading."""
