"""A SavedModel laid out as StegaStamp's authors' code writes it, with random weights.

Written with TensorFlow 1's raw operations, since its Keras layers are gone; the names of variables
are those of the original under TensorFlow 1.13.
"""

import numpy as np
import tensorflow as tf

from tfwm.convert.stegastamp import decoder_layers, encoder_layers

tf1 = tf.compat.v1
SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def random_weights(size, bits, change=None):
    """`{our layer of encoder or decoder: [kernel, bias]}`; the map turns, and leaves the image."""
    generator = np.random.default_rng(5)
    weights = {}
    for part, layers in (("encoder", encoder_layers), ("decoder", decoder_layers)):
        for name, shape, _ in layers(size, bits):
            spread = (2 / np.prod(shape[:-1])) ** 0.5
            kernel = generator.normal(0, spread, shape).astype(np.float32)
            bias = generator.normal(0, 0.05, shape[-1:]).astype(np.float32)
            weights[part, name] = [kernel, bias]
    weights["encoder", "conv10"] = [np.ones((3, 3, 32, 32), np.float32), np.ones(32, np.float32)]
    kernel, _ = weights["decoder", "locate_map"]
    bias = np.float32([1.05, 0.04, 0.06, -0.03, 0.98, 0.02])
    weights["decoder", "locate_map"] = [0.1 * kernel, bias]
    weights["decoder", "bits"][0] *= 20
    if change:
        change(weights)
    return weights


def write_released(folder, size=400, bits=100, frozen=False, change=None, weights=None):
    """Writes the SavedModel; returns a function from secret and image to its three outputs.

    Args:
        folder: to write.
        size: side of the image.
        bits: of the secret.
        frozen: whether variables become constants, as in the authors' `train.py`; else they lie
            beside the graph, as in their published folder.
        change: function that changes the weights first.
        weights: by `random_weights` if not given.
    """
    weights = weights or random_weights(size, bits, change)
    with tf.Graph().as_default(), tf1.Session() as session:
        secret = tf1.placeholder(tf.float32, (None, bits), "input_prep")
        image = tf1.placeholder(tf.float32, (None, size, size, 3), "input_hide")
        net = Released(weights, session)
        residual = net.encode(secret, image)
        marked = tf.clip_by_value(residual + image, 0, 1)
        decoded = tf.round(tf.sigmoid(net.decode(image, size), name="Sigmoid"))
        outputs = {"stegastamp": marked, "residual": residual, "decoded": decoded}
        # What training adds, and nobody saves.
        tf1.train.AdamOptimizer().minimize(tf.reduce_mean(marked), name="train")
        session.run(tf1.global_variables_initializer(), net.feeds)
        if frozen:
            names = [tensor.op.name for tensor in outputs.values()]
            graph_def = tf1.graph_util.convert_variables_to_constants(
                session, session.graph_def, names
            )
            with tf.Graph().as_default(), tf1.Session() as session:
                tf.import_graph_def(graph_def, name="")
                _save(session, folder, secret.name, image.name, outputs)
        else:
            _save(session, folder, secret.name, image.name, outputs, tf1.trainable_variables())
    return lambda secret, image: _run(folder, secret, image)


class Released:
    """The authors' graph, layer by layer; variables start as `weights` say."""

    def __init__(self, weights, session):
        self.weights, self.session, self.feeds = weights, session, {}
        self.numbers = {"conv2d": 0, "dense": 0}

    def encode(self, secret, image):
        at = "encoder"
        secret, image = secret - 0.5, image - 0.5
        x = self.dense(at, "message_dense", secret)
        side = int(image.shape[1]) // 8
        x = self.enlarge(tf.reshape(x, (-1, side, side, 3)), 8)
        inputs = tf.concat([x, image], -1)
        skips = [self.convolve(at, "conv1", inputs)]
        for i in range(2, 6):
            skips.append(self.convolve(at, f"conv{i}", skips[-1], 2))
        x = skips.pop()
        for i in range(6, 10):
            x = self.convolve(at, f"up{i}", self.enlarge(x, 2))
            x = tf.concat([skips.pop(), x] + [inputs] * (i == 9), 3)
            x = self.convolve(at, f"conv{i}", x)
        self.convolve(at, "conv10", x)
        return self.convolve(at, "residual", x, relu=False)

    def decode(self, image, size):
        at = "decoder/sequential"
        image = image - 0.5
        x = image
        for i in range(1, 4):
            x = self.convolve(at, f"locate_conv{i}", x, 2)
        x = self.dense(at, "locate_dense", tf.reshape(x, (-1, np.prod(x.shape[1:]))))
        kernel, bias = self.weights["decoder", "locate_map"]
        # Made by hand there, and so no resources.
        w, b = (self.variable(k, v, False) for k, v in (("W_fc1", kernel), ("b_fc1", bias)))
        x = spatial_transformer(image, tf.matmul(x, w) + b, size)
        at = "decoder/sequential_1"
        for i, stride in enumerate((2, 1, 2, 1, 2, 2, 2), 1):
            x = self.convolve(at, f"conv{i}", x, stride)
        x = self.dense(at, "dense", tf.reshape(x, (-1, np.prod(x.shape[1:]))))
        return self.dense(at, "bits", x, relu=False)

    def convolve(self, at, name, x, stride=1, relu=True):
        kernel, bias = self.layer(at, "conv2d", name)
        x = tf.nn.bias_add(tf1.nn.conv2d(x, kernel, [1, stride, stride, 1], "SAME"), bias)
        return tf.nn.relu(x) if relu else x

    def dense(self, at, name, x, relu=True):
        kernel, bias = self.layer(at, "dense", name)
        x = tf.nn.bias_add(tf.matmul(x, kernel), bias)
        return tf.nn.relu(x) if relu else x

    def layer(self, at, kind, name):
        number = self.numbers[kind]
        self.numbers[kind] += 1
        part, _, inner = at.partition("/")
        place = f"stega_stamp_{part}/{inner and inner + '/'}{kind}{f'_{number}' if number else ''}"
        arrays = self.weights[part, name]
        return [
            self.variable(f"{place}/{k}", array)
            for k, array in zip(("kernel", "bias"), arrays, strict=True)
        ]

    def variable(self, name, value, use_resource=True):
        # By a feed: a constant of 160 MB has no place in a graph.
        start = tf1.placeholder(tf.float32, value.shape)
        self.feeds[start] = value
        return tf1.get_variable(name, initializer=start, use_resource=use_resource)

    def enlarge(self, x, factor):
        sides = [factor * int(side) for side in x.shape[1:3]]
        return tf1.image.resize_nearest_neighbor(x, sides)


def spatial_transformer(image, theta, size):
    """As the package `stn` computes it: its weights fall to 0 beyond the border."""
    line = tf.linspace(-1.0, 1.0, size)
    x, y = (tf.reshape(side, [-1]) for side in tf.meshgrid(line, line))
    grid = tf.tile(tf.stack([x, y, tf.ones_like(x)])[None], tf.stack([tf.shape(image)[0], 1, 1]))
    places = tf.reshape(tf.matmul(tf.reshape(theta, (-1, 2, 3)), grid), (-1, 2, size, size))
    sides = []
    for place in tf.unstack(places, axis=1):
        place = 0.5 * ((place + 1.0) * tf.cast(size - 2, tf.float32))
        first = tf.cast(tf.floor(place), tf.int32)
        clipped = [tf.clip_by_value(i, 0, size - 1) for i in (first, first + 1)]
        near, far = (tf.cast(i, tf.float32) for i in clipped)
        sides.append(list(zip(clipped, (far - place, place - near), strict=True)))
    batch = tf.reshape(tf.range(tf.shape(image)[0]), (-1, 1, 1))
    batch = tf.tile(batch, (1, size, size))
    return tf.add_n(
        [
            (wide * high)[..., None] * tf.gather_nd(image, tf.stack([batch, row, column], 3))
            for column, wide in sides[0]
            for row, high in sides[1]
        ]
    )


def _save(session, folder, secret, image, outputs, variables=()):
    get = session.graph.get_tensor_by_name
    info = tf1.saved_model.build_tensor_info
    signature = tf1.saved_model.build_signature_def(
        {"secret": info(get(secret)), "image": info(get(image))},
        {name: info(get(tensor.name)) for name, tensor in outputs.items()},
        tf1.saved_model.signature_constants.PREDICT_METHOD_NAME,
    )
    builder = tf1.saved_model.Builder(str(folder))
    builder.add_meta_graph_and_variables(
        session,
        [tf1.saved_model.tag_constants.SERVING],
        {SIGNATURE: signature},
        saver=tf1.train.Saver(list(variables)) if variables else None,
    )
    builder.save()


def _run(folder, secret, image):
    with tf.Graph().as_default(), tf1.Session() as session:
        loaded = tf1.saved_model.load(session, [tf1.saved_model.tag_constants.SERVING], str(folder))
        signature = loaded.signature_def[SIGNATURE]
        fetches = {name: tensor.name for name, tensor in signature.outputs.items()}
        feeds = {signature.inputs["secret"].name: secret, signature.inputs["image"].name: image}
        return session.run(fetches | {"odds": "Sigmoid:0"}, feeds)
