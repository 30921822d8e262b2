"""Numbers and alignments in words, for pages."""

import math

from tfwm.marking import natural_scale
from tfwm.marking.bending import largest_shift

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALLEST = 1e-300
# End of the evidence meter: a p-value of 1e-24 is as good as any smaller one.
METER_END = 24


def power_of_ten(value):
    """Returns a probability as text, with a power of ten if it is small.

    Example:

    >>> power_of_ten(0.0213), power_of_ten(3.2e-17), power_of_ten(0.0)
    ('0.021', '3.2 × 10⁻¹⁷', 'below 10⁻³⁰⁰')
    """
    if value < SMALLEST:
        return f"below {power_of_ten(SMALLEST)}"
    if value >= 1e-3:
        return f"{value:.2g}"
    exponent = math.floor(math.log10(value))
    digits = f"{value / 10.0**exponent:.1f}"
    if digits == "10.0":
        digits, exponent = "1.0", exponent + 1
    power = "10" + str(exponent).translate(SUPERSCRIPTS)
    return power if digits == "1.0" else f"{digits} × {power}"


def evidence(p_value):
    """Returns the share of the evidence meter that a p-value fills, 0 to 1.

    Example:

    >>> evidence(1e-6), evidence(0.0)
    (0.25, 1.0)
    """
    return min(-math.log10(max(p_value, SMALLEST)) / METER_END, 1.0)


def in_words(alignment, height, width):
    """Describes the position of a copy relative to the marked photo.

    Args:
        alignment: `tfwm.marking.Alignment`, or `None`.
        height: of the copy, in pixels.
        width: of the copy, in pixels.

    Returns:
        Text such as `"mirrored, turned by 2.0° clockwise"`; `"in place"` if the copy is
        unchanged or only resized.
    """
    if alignment is None:
        return "none"
    parts = []
    if alignment.flipped:
        parts.append("mirrored")
    if alignment.turns % 4:
        parts.append(f"turned by {90 * (-alignment.turns % 4)}°")
    if abs(alignment.rotation) >= 0.05:
        # The alignment undoes the turn, so it goes the other way.
        way = "clockwise" if alignment.rotation > 0 else "anticlockwise"
        parts.append(f"turned by {abs(alignment.rotation):.1f}° {way}")
    if abs(alignment.stretch - 1) >= 0.0025:
        parts.append(f"its width at {100 / alignment.stretch**2:.1f} % of its height's scale")
    if abs(alignment.shear) >= 0.002:
        parts.append(f"sheared by {abs(math.degrees(math.atan(alignment.shear))):.1f}°")
    if alignment.bend:
        parts.append(f"bent by up to {largest_shift(alignment.bend):.0f} pixels")
    if alignment.whole and alignment.scale < 1:
        parts.append(f"a part, {100 * alignment.scale:.0f} % of the sides")
    elif alignment.whole and alignment.scale > 1:
        parts.append(f"a border around it, the photo {100 / alignment.scale:.0f} % of the sides")
    elif abs(alignment.scale / natural_scale(height, width) - 1) > 0.004 and not alignment.whole:
        parts.append(f"at {1 / alignment.scale:.2f} times the marking size")
    if alignment.offset is not None and not alignment.whole:
        rows, columns = alignment.offset
        parts.append(f"shifted, tile at {columns:+d}, {rows:+d} from the centre")
    return ", ".join(parts).replace("-", "−") or "in place"
