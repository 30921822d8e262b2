"""A network without training or TensorFlow, for tests of what is around it."""

import time

import numpy as np

CHECKS = ((np.indices((8, 8)) // 2).sum(axis=0) % 2 * 2 - 1).astype(np.float32)


class CheckerNetwork:
    """Each bit is the sign of a 2x2 checkerboard in a block of 8x8 pixels."""

    name = "checker"
    patch_shape = (32, 32)
    block_shape = (8, 8)
    channels = 1
    bits = 1
    whole = False
    card = {}

    def __init__(self, seconds=0.0, amplitude=8 / 255):
        self.seconds = seconds
        self.amplitude = amplitude

    def message_shape(self, height, width):
        return (height // 8, width // 8, 1)

    def embed(self, image, message, strength=1.0):
        time.sleep(self.seconds)
        strength = np.reshape(strength, (-1, 1, 1))
        signs = (2 * np.asarray(message)[..., 0] - 1) * strength * self.amplitude
        change = np.kron(signs, CHECKS[None])[..., None]
        return (image + change).clip(0, 1).astype(np.float32)

    def extract(self, image):
        number, height, width, _ = image.shape
        blocks = image.reshape(number, height // 8, 8, width // 8, 8)
        return (np.einsum("niajb,ab->nij", blocks, CHECKS) * 8)[..., None].astype(np.float32)
