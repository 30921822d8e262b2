"""TensorFlow's own JPEG codec (libjpeg-turbo), for tensors on the host."""

import tensorflow as tf


def encode_and_decode_jpeg(image, quality, subsampling):
    """Compresses every image of a batch by `tf.io.encode_jpeg` and decodes it.

    The encoder of `tf.io` supports chroma subsampling 4:2:0 or none, and takes a tensor as
    quality only with 4:2:0. So 4:4:4 with a quality per image needs a `tf.switch_case` over the
    qualities. There is no gradient, and XLA cannot compile it.

    Args:
        image: `(batch, height, width, 1 or 3)` in [0, 1].
        quality: 1 to 100, a number, or int32 `(batch,)`.
        subsampling: `"4:2:0"` or `"4:4:4"`, for color.

    Returns:
        float32 of the shape of `image`, multiples of 1/255.
    """
    levels = tf.cast(tf.round(tf.clip_by_value(image, 0, 1) * 255), tf.uint8)
    channels = image.shape[-1]
    whole = channels == 3 and subsampling == "4:4:4"

    def at_quality(number):
        return lambda pixels: tf.io.encode_jpeg(pixels, quality=number, chroma_downsampling=False)

    def encode(pixels, number):
        if not whole:
            return tf.raw_ops.EncodeJpegVariableQuality(images=pixels, quality=number)
        if isinstance(quality, int):
            return at_quality(quality)(pixels)
        branches = [lambda q=q: at_quality(q)(pixels) for q in range(1, 101)]
        return tf.switch_case(number - 1, branches)

    def one(arguments):
        pixels, number = arguments
        encoded = encode(pixels, number)
        return tf.io.decode_jpeg(encoded, channels, dct_method="INTEGER_ACCURATE")

    numbers = tf.broadcast_to(tf.cast(quality, tf.int32), tf.shape(image)[:1])
    spec = tf.TensorSpec((None, None, channels), tf.uint8)
    decoded = tf.map_fn(one, (levels, numbers), fn_output_signature=spec)
    decoded = tf.ensure_shape(decoded, image.shape)
    return tf.cast(decoded, tf.float32) / 255
