"""Larger models and several devices: memory, data, tensor and pipeline parallelism, serving."""
