"""Makes tfwm/losses/lpips_heads.npz from the wheel of the package lpips; needs no PyTorch.

Fetch the wheel first:

    pip download lpips==0.1.4 --no-deps
    python tools/convert_lpips_heads.py lpips-0.1.4-py3-none-any.whl
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from tfwm.losses.lpips import HEADS
from tfwm.losses.torch_weights import read_state_dict


def main(wheel):
    heads = {}
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        for trunk in ("alex", "vgg", "squeeze"):
            path = archive.extract(f"lpips/weights/v0.1/{trunk}.pth", folder)
            for key, value in read_state_dict(path).items():
                layer = key.split(".")[0].removeprefix("lin")
                heads[f"{trunk}{layer}"] = value.reshape(-1)
        licence = archive.read("lpips-0.1.4.dist-info/LICENSE").decode()
    np.savez_compressed(HEADS, **heads)
    notice = (
        "lpips_heads.npz holds the linear heads (version 0.1) of the Python package lpips 0.1.4,\n"
        "https://github.com/richzhang/PerceptualSimilarity, converted without change of values by\n"
        "tools/convert_lpips_heads.py, under this licence (BSD-2-Clause):\n\n"
    )
    Path(HEADS).with_suffix(".LICENSE").write_text(notice + licence.strip() + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
