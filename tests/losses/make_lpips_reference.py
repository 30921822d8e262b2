"""Makes lpips_reference.npz with the package lpips: its distances with random trunks.

    pip install torch torchvision lpips==0.1.4
    python tests/losses/make_lpips_reference.py

The trunks' weights are drawn from their names, so that the test can draw them again.
"""

import json
import zlib
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).with_name("lpips_reference.npz")
TRUNKS = ("alex", "vgg", "squeeze")


def random_weights(shapes):
    """Arrays for names and shapes, of a size that keeps features alive through the layers."""
    weights = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        scale = 0.1 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[1:]))
        weights[name] = (rng.standard_normal(shape, np.float32) * scale).astype(np.float32)
    return weights


def image_pairs():
    """Two pairs `(1, height, width, 3)` in [0, 1]; the odd sides meet rounding in pools."""
    rng = np.random.default_rng(0)
    for height, width in ((64, 64), (65, 79)):
        rough = rng.random((1, height // 8 + 1, width // 8 + 1, 3))
        smooth = np.kron(rough, np.ones((1, 8, 8, 1)))[:, :height, :width]
        image = 0.8 * smooth + 0.2 * rng.random(smooth.shape)
        other = np.clip(image + rng.normal(0, 0.1, image.shape), 0, 1)
        yield image.astype(np.float32), other.astype(np.float32)


def main():
    import lpips
    import torch

    stored = {"torch": torch.__version__, "lpips": "0.1.4"}
    for trunk in TRUNKS:
        model = lpips.LPIPS(net=trunk, pnet_rand=True, verbose=False)
        own = {
            key: key.replace(key.split(".")[1], "features", 1).removeprefix("net.")
            for key in model.state_dict()
            if key.startswith("net.")
        }
        shapes = {own[key]: tuple(model.state_dict()[key].shape) for key in own}
        weights = random_weights(shapes)
        state = {key: torch.from_numpy(weights[own[key]]) for key in own}
        model.load_state_dict(state, strict=False)
        stored[f"{trunk}_shapes"] = json.dumps(shapes)
        for i, pair in enumerate(image_pairs()):
            image, other = (torch.from_numpy(x.transpose(0, 3, 1, 2)) for x in pair)
            other.requires_grad_(True)
            distance = model(image, other, normalize=True)
            distance.sum().backward()
            gradient = other.grad.numpy().transpose(0, 2, 3, 1)
            stored[f"{trunk}_{i}"] = distance.detach().numpy().reshape(-1)
            stored[f"{trunk}_{i}_gradient"] = gradient[:, ::5, ::5]
    np.savez_compressed(REFERENCE, **stored)


if __name__ == "__main__":
    main()
