"""What changes for larger models and more machines: memory, processes, numbers of fewer bits, serving."""
