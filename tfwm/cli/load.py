"""Loads the networks that commands name."""

from tfwm.startup import import_tensorflow


def load_watermarker(name):
    import_tensorflow()
    from tfwm.watermarker import load

    return load(name)


def named_networks(words):
    """Opens networks given as NAME, FOLDER or NAME=FOLDER."""
    from tfwm.networks import load_network

    networks = {}
    for word in words:
        name, equals, folder = word.rpartition("=")
        network = load_network(folder)
        name = name if equals else network.name
        if name in networks:
            raise ValueError(f"Two networks are called {name}: name one, such as other={folder}.")
        networks[name] = network
    return networks
