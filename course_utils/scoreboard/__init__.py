"""Every technique on the same task: tuned on dev, measured on test, compared."""
