"""Cards of the networks that recipes train."""

from pathlib import Path

from tfwm.networks import KINDS, make_card

# What a key does not do, measured: see docs/limits.md.
REMOVED = (
    "A surrogate network, or a generative model that redraws the photo, may remove it as well."
)
KEY_LIMIT = (
    "The key protects what the message says, not the mark: anybody who has this network can "
    f"detect, copy or remove a mark without the key. {REMOVED}"
)
# Of networks whose bits lie in single cells: see docs/evidence.md.
BOUND_LIMIT = (
    "The key protects what the message says, and binds the mark to what the photo shows. It does "
    "not hide it: anybody who has this network can detect or remove a mark without the key. "
    f"{REMOVED}"
)
# Of networks behind the filter of a key: see docs/private-marks.md.
PRIVATE_LIMIT = (
    "The key shapes the mark and binds it to what the photo shows: without the key, this network "
    "hardly reads it. It is no cipher: the mean of many photos of one key shows the pattern of its "
    f"marks, which can then be subtracted, and a better search may find the filter. {REMOVED}"
)
# Of networks that mark a photo as a whole.
WHOLE_LIMIT = (
    "The mark lies in the whole photo at the network's size: photos of other proportions are "
    "squeezed to a square, and a part much smaller than what it was trained with reads nothing."
)


def recipe_card(config, system, recipe, description, *, paper, geometry, guidance, limits):
    """Return the card of a network that a recipe trained.

    Args:
        config: the recipe's `Config`.
        system: name of the recipe's module; of barriers and keyed hosts also their kind.
        recipe: label of its TOML file, see `registry.label`.
        description: see `tfwm.networks.make_card`, also for `paper`, `geometry` and `limits`.
        guidance: what the strength does, 1 being the default; `None` for a keyed host.
    """
    # Folders are named, not located: a card is read on other machines.
    sources = *config.photos, *getattr(config, "clean_photos", ())
    photos = ", ".join(s if ":" in s else "/".join(Path(s).parts[-2:]) for s in sources)
    return make_card(
        config.name,
        description,
        paper=paper,
        licence={"code": "MIT", "weights": "as whoever trained them decides"},
        training={
            "data": f"{photos}; {config.steps * config.batch_size:,} crops of {config.crop_size} x "
            f"{config.crop_size} pixels seen",
            "recipe": recipe,
            "command": train_command(system, recipe),
        },
        geometry=geometry,
        strength={"default": 1.0, "guidance": guidance} if guidance else None,
        kind=system if system in KINDS else "message",
        limits=limits,
    )


def squeezed(config):
    """Return what a network carries that marks whole photos with `message_length` bits."""
    side = config.crop_size
    return f"{config.message_length} bits in a photo squeezed to {side}x{side} pixels"


def photo_geometry(config):
    """Return a card's geometry for such networks."""
    message = f"{squeezed(config)}; the residual is carried up to the photo's size"
    tile = tile_geometry(config, config.crop_size, config.message_length, message)
    return {**tile, "whole": True}


def tile_geometry(config, side, bits, message):
    """Return a card's geometry for networks of color images in square tiles."""
    sides = [side, side]
    return {
        "patch": sides,
        "block": sides,
        "channels": config.channels,
        "bits": bits,
        "message": message,
    }


def whole_geometry(side, channels, message, **more):
    """Return a card's geometry for networks that mark whole images with a picture."""
    return {
        "patch": [side, side],
        "block": [1, 1],
        "channels": channels,
        "whole": True,
        "message": message,
        **more,
    }


def train_command(system, recipe):
    """Return the command that trains by a TOML file, for cards and tables."""
    return f"tfwm train {system} --config {recipe}"
