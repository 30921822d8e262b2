"""The signatures of a network that take and give the bytes of photos, as TensorFlow functions."""

import tensorflow as tf

from tfwm.marking.strength import STRONGEST
from tfwm.networks.tensorflow_forms import make_endpoints
from tfwm.serving.decode import read_photo
from tfwm.serving.marking_graph import PhotoGraph
from tfwm.serving.signatures import SIGNATURES

# Photos of a batch that are in work at once.
TOGETHER = 4
TRANSPARENT = b"JPEG holds no transparency and the photo has some: ask for png."


def photo_endpoints(network, embedder, extractor):
    """Returns the four signatures of a network for photos, `{name: tf.function}`.

    Only operations of plain TensorFlow are used. A photo that cannot be marked or read has a line
    in `error`, and does no harm to the others of its batch.

    Args:
        network: `tfwm.networks.Network`, whose geometry counts.
        embedder: its Keras model.
        extractor: its Keras model.
    """
    arrays = make_endpoints(embedder, extractor)

    def embed(image, message, strength):
        inputs = {"image": image, "message": message, "strength": strength}
        return arrays["embed"].python_function(**inputs)["watermarked"]

    def extract(image):
        return arrays["extract"].python_function(image)["logits"]

    graph = PhotoGraph(network, embed, extract)
    slots = graph.slots

    def embed_bytes(image_bytes, message, strength, format, quality):
        results = tf.map_fn(
            lambda values: _embed_one(graph, *values),
            (image_bytes, message, strength, format, quality),
            fn_output_signature=(tf.string, tf.float32, tf.string),
            parallel_iterations=TOGETHER,
        )
        return dict(zip(("image_bytes", "psnr", "error"), results, strict=True))

    def extract_bytes(image_bytes):
        votes, error = tf.map_fn(
            lambda data: _extract_one(graph, data),
            image_bytes,
            fn_output_signature=(tf.TensorSpec([slots]), tf.string),
            parallel_iterations=TOGETHER,
        )
        return {"votes": votes, "error": error}

    functions = {"embed_bytes": embed_bytes, "extract_bytes": extract_bytes}
    made = {
        name: tf.function(function, input_signature=_specs(name, slots), autograph=False)
        for name, function in functions.items()
    }
    return made | arrays


def _specs(name, slots):
    return [
        tf.TensorSpec(tensor.sides(slots=slots), tf.as_dtype(tensor.dtype), name=tensor.name)
        for tensor in SIGNATURES[name].inputs
    ]


def _extract_one(graph, data):
    photo = read_photo(data)
    votes = tf.cond(
        photo["error"] == b"",
        lambda: graph.votes(photo["pixels"][..., :3]),
        lambda: tf.fill([graph.slots], float("nan")),
    )
    return votes, photo["error"]


def _embed_one(graph, data, slots, strength, file_format, quality):
    photo = read_photo(data)
    pixels = photo["pixels"]
    jpeg = (file_format == b"jpeg") | ((file_format == b"keep") & photo["jpeg"])
    sheer = photo["clear"] & (tf.reduce_min(tf.cast(pixels[..., 3], tf.int32)) < 255)
    height, width = graph.sides(pixels)
    plain = tf.reduce_all((slots == 0) | (slots == 1))
    known = tf.reduce_any(file_format == [b"png", b"jpeg", b"keep"])
    right = (strength > 0) & (strength <= STRONGEST)
    cases = [
        (photo["error"] != b"", photo["error"]),
        (~known, tf.strings.join(["Expected png, jpeg or keep. Received: format=", file_format])),
        (
            ~right,
            tf.strings.join(
                [
                    f"Expected a strength above 0, up to {STRONGEST:g}. Received: strength=",
                    tf.strings.as_string(strength),
                ]
            ),
        ),
        (~plain, "Expected a message of 0 and 1, as tfwm.payload.encode_slots makes it."),
        (
            jpeg & ((quality < 1) | (quality > 100)),
            tf.strings.join(
                [
                    "Expected a quality from 1 to 100. Received: quality=",
                    tf.strings.as_string(quality),
                ]
            ),
        ),
        (jpeg & sheer, TRANSPARENT),
        ((height == 0) | (width == 0), _too_small(graph.network, pixels)),
    ]
    error = tf.constant(b"")
    for wrong, text in reversed(cases):
        error = tf.where(wrong, text, error)

    def mark():
        marked, off = graph.mark(pixels[..., :3], photo["gray"], slots, strength)
        psnr = 10.0 * tf.math.log(255.0**2 / off) / tf.math.log(tf.constant(10.0, tf.float64))
        samples = tf.concat([marked, pixels[..., 3:]], -1)
        encoded = tf.cond(
            jpeg,
            lambda: _encode_jpeg(samples, photo["gray"], quality),
            lambda: _encode_png(samples, photo["gray"], photo["clear"]),
        )
        return encoded, tf.cast(psnr, tf.float32), tf.constant(b"")

    nothing = tf.constant(b""), tf.constant(float("nan"))
    return tf.cond(error == b"", mark, lambda: (*nothing, error))


def _too_small(network, pixels):
    rows, columns = network.patch_shape
    height, width = (tf.strings.as_string(tf.shape(pixels)[i]) for i in (0, 1))
    return tf.strings.join(
        [
            "The photo has ",
            width,
            " x ",
            height,
            f" pixels: expected at least {columns} x {rows} at the size for marking; take a larger "
            "photo.",
        ]
    )


def _encode_png(samples, gray, clear):
    """Gray or colors, with alpha or without, as the photo was."""
    gray_alpha = tf.concat([samples[..., :1], samples[..., 3:]], -1)
    branches = [
        lambda: tf.io.encode_png(samples[..., :3]),
        lambda: tf.io.encode_png(samples),
        lambda: tf.io.encode_png(samples[..., :1]),
        lambda: tf.io.encode_png(gray_alpha),
    ]
    return tf.switch_case(2 * tf.cast(gray, tf.int32) + tf.cast(clear, tf.int32), branches)


def _encode_jpeg(samples, gray, quality):
    """Chroma at full resolution; its quality is fixed in the operation, so there is one of each."""

    def encode(channels, kind):
        pixels = samples[..., :channels]

        def branch(number):
            return lambda: tf.io.encode_jpeg(pixels, kind, number, chroma_downsampling=False)

        return tf.switch_case(quality - 1, [branch(number) for number in range(1, 101)])

    return tf.cond(gray, lambda: encode(1, "grayscale"), lambda: encode(3, "rgb"))
