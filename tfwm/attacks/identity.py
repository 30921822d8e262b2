import keras

from tfwm.attacks.base import Attack


@keras.saving.register_keras_serializable(package="tfwm")
class Identity(Attack):
    """Leaves the image as it is: "no attack" for `RandomChoice`.

    Example:

    >>> Identity()(tf.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    def apply(self, image, seed, cover=None):
        return image
