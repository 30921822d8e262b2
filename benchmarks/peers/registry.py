"""The names of the methods that tfwm is compared with."""

PEERS = {}


def peer(*names):
    """Registers a function from a number of bits to a marker, or a class of markers.

    Args:
        *names: names of the method. With several, the function gets the name as well.

    Example:

    >>> @peer("nothing")  # doctest: +SKIP
    ... class Nothing(Marker):
    ...     ...
    """

    def register(make):
        for name in names:
            PEERS[name] = make if len(names) == 1 else _Named(make, name)
        return make

    return register


class _Named:
    """A function for several names; `pickle` can send it to a process."""

    def __init__(self, make, name):
        self.make, self.name = make, name

    def __call__(self, bits):
        return self.make(bits, self.name)
