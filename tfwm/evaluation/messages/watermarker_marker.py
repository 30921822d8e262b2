from tfwm.evaluation.messages.reading import Reading


class WatermarkerMarker:
    """Lets `evaluate_messages` measure a `tfwm.Watermarker` with a key.

    Args:
        watermarker: `tfwm.Watermarker`.
        key: secret text or bytes; None for the public key.
        name: what tables call it; by default the network's name.
        **reading: arguments of `Watermarker.extract`, such as `search="none"`.

    Example:

    >>> marker = WatermarkerMarker(tfwm.load("photo"), key="secret")  # doctest: +SKIP
    >>> rows = evaluate_messages([marker], "photos/")  # doctest: +SKIP
    """

    def __init__(self, watermarker, key=None, name=None, **reading):
        self.watermarker = watermarker
        self.key = key
        self.name = name or watermarker.network.name
        self.reading = reading

    def prepare(self, image, payload):
        """Returns a function from a strength to the marked photo; the network runs once."""
        mark = self.watermarker.prepare(image, payload, key=self.key)
        return lambda strength: mark.apply(strength).to_array(image)

    def embed(self, image, payload, strength=1.0):
        return self.prepare(image, payload)(strength)

    def read(self, image):
        found = self.watermarker.extract(image, key=self.key, **self.reading)
        payload = found.message if isinstance(found.message, bytes) else None
        return Reading(payload, None, found.p_value)
