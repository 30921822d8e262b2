import keras
import tensorflow as tf

from tfwm.ops.warp import pixel_centres, sample_bilinear


@keras.saving.register_keras_serializable(package="tfwm")
class SpatialTransformer(keras.layers.Layer):
    """Resamples each image along an affine map, bilinearly, with gradients to image and map.

    The pixel at `(x, y)` of the result, with -1 and 1 for the outer edges of the image, comes from
    `(a x + b y + c, d x + e y + f)`; beyond the border the edge pixel repeats.

    References: Jaderberg, Simonyan, Zisserman and Kavukcuoglu, "Spatial transformer networks",
    NIPS 2015, Eq. 1 and 5.

    Call arguments:
        inputs: `[image, parameters]`: `(batch, height, width, channels)` and
            `(batch, 6)` with `a, b, c, d, e, f`.

    Output shape:
        That of the image.

    Example:

    >>> image = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    >>> mirror = np.array([[-1, 0, 0, 0, 1, 0]], "float32")
    >>> SpatialTransformer()([image, mirror]).numpy().ravel().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """

    def call(self, inputs):
        image, parameters = inputs
        if parameters.shape[-1] != 6:
            raise ValueError(
                f"Expected parameters (batch, 6). Received: parameters of shape {parameters.shape}"
            )
        height, width = (image.shape[i] or tf.shape(image)[i] for i in (1, 2))
        y, x = (2 * pixel_centres(side) - 1 for side in (height, width))
        x, y = tf.reshape(x, (1, 1, -1)), tf.reshape(y, (1, -1, 1))
        parameters = tf.cast(parameters, tf.float32)
        a, b, c, d, e, f = (tf.reshape(p, (-1, 1, 1)) for p in tf.unstack(parameters, 6, axis=1))
        columns = (a * x + b * y + c + 1.0) * (tf.cast(width, tf.float32) / 2) - 0.5
        rows = (d * x + e * y + f + 1.0) * (tf.cast(height, tf.float32) / 2) - 0.5
        sampled = sample_bilinear(tf.cast(image, tf.float32), rows, columns)
        return tf.cast(sampled, image.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]
