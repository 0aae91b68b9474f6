"""Types of options for the commands of this package."""

import argparse


def positive(kind):
    """A type for argparse: a number of this kind (int or float) above 0."""

    def number(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    number.__name__ = kind.__name__  # argparse names it when the text is no number at all
    return number
