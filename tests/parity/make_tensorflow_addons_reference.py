"""Makes `tensorflow_addons_reference.npz`, the outputs of tensorflow-addons 0.23.

The package has ended and runs only with old TensorFlow, so in an environment of its own:

    python3.11 -m venv addons
    addons/bin/pip install "tensorflow<2.16" tensorflow-addons==0.23.0
    addons/bin/python tests/parity/make_tensorflow_addons_reference.py
"""

import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

# Output (x, y) to input (x, y), row by row without the last 1.
TRANSFORMS = {
    "identity": [1, 0, 0, 0, 1, 0, 0, 0],
    "shift": [1, 0, 2.25, 0, 1, -1.5, 0, 0],
    "affine": [0.9, 0.2, 1.3, -0.15, 1.1, -0.7, 0, 0],
    "projective": [1.1, 0.1, -2.0, 0.05, 0.95, 0.5, 0.004, -0.006],
}
PADDINGS = ("REFLECT", "SYMMETRIC", "CONSTANT")


def main():
    rng = np.random.default_rng(5)
    image = rng.uniform(size=(2, 13, 18, 3)).astype(np.float32)
    points = rng.uniform((-2, -2), (20, 15), (2, 9, 11, 2)).astype(np.float32)
    gain = rng.normal(size=(2, 9, 11, 3)).astype(np.float32)
    gamma, beta = rng.normal(size=(2, 3)).astype(np.float32)
    arrays = {"image": image, "points": points, "gain": gain, "gamma": gamma, "beta": beta}

    layer = tfa.layers.InstanceNormalization(
        beta_initializer=tf.constant_initializer(beta),
        gamma_initializer=tf.constant_initializer(gamma),
    )
    arrays["instance_normalization"] = layer(image)
    plain = tfa.layers.InstanceNormalization(center=False, scale=False, epsilon=1e-5)
    arrays["instance_normalization_plain"] = plain(image)

    for name, row in TRANSFORMS.items():
        arrays[f"transform_row_{name}"] = np.float32(row)
        for mode, value in (("CONSTANT", 0.75), ("NEAREST", 0.0)):
            arrays[f"transform_{mode}_{name}"] = tfa.image.transform(
                image, row, "BILINEAR", fill_mode=mode, fill_value=value
            )

    for padding in PADDINGS:
        for size, sigma in ((3, 1.0), (7, 2.0)):
            arrays[f"gaussian_{size}_{sigma}_{padding}"] = tfa.image.gaussian_filter2d(
                image, (size, size), sigma, padding
            )
        for size in (3, 5):
            arrays[f"median_{size}_{padding}"] = tfa.image.median_filter2d(
                image, (size, size), padding
            )

    data, warp = tf.constant(image), tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch([data, warp])
        sampled = tfa.image.resampler(data, warp)
        loss = tf.reduce_sum(sampled * gain)
    arrays["resampler"] = sampled
    arrays["resampler_image_slope"], arrays["resampler_points_slope"] = tape.gradient(
        loss, [data, warp]
    )

    arrays["versions"] = np.array(
        [f"tensorflow-addons {tfa.__version__}", f"tensorflow {tf.__version__}"]
    )
    path = pathlib.Path(__file__).parent / "tensorflow_addons_reference.npz"
    np.savez_compressed(path, **{name: np.asarray(value) for name, value in arrays.items()})


if __name__ == "__main__":
    main()
