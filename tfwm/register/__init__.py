"""A register of ids: what each id that was marked into a photo meant, and who got that copy."""

from tfwm.startup import on_first_use

_HOMES = {
    "entry": "Entry",
    "finding": "Owner find_owner",
    "keeping": "Keeper",
    "register": "Register open_register",
}
__all__, __getattr__, __dir__ = on_first_use(__name__, _HOMES)
