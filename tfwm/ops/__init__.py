"""Pure functions on image tensors: blocks, transforms, color, filters, JPEG, geometry, seeds."""

from tfwm.startup import need_tensorflow

need_tensorflow()
