"""Pure functions on image tensors: blocks, transforms, color, filters, JPEG, geometry, seeds."""
