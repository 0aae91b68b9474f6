"""Commands for those who keep the course: notebooks, book, bundle, checks."""
