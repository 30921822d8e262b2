"""The actions that the page requests: functions of fields and files, without state."""

import io
import time

from PIL import Image, features

from tfwm.checks import need
from tfwm.demo.sliders import MAX_PIXELS, SERVICES, apply_sliders
from tfwm.files import finite
from tfwm.images import ImageError, claimed_size, decode_photo, encode_photo
from tfwm.images.pictures import amplify
from tfwm.images.quality import large_ssim
from tfwm.marking import STAGES
from tfwm.payload import to_bytes
from tfwm.report.pictures import eight_bit, reduced
from tfwm.report.words import evidence, in_words, power_of_ten
from tfwm.web import check_claim

# Longer side of a photo on the page.
SHOWN = 1024
OUTPUTS = {"png": "PNG", "jpg": "JPEG", "webp": "WebP", "tif": "TIFF", "avif": "AVIF"}
LOSSY = {"jpg": "JPEG", "webp": "WEBP", "avif": "AVIF"}


class Actions:
    """Marks, damages, saves and reads photos for the page.

    Each action takes the fields and the files of a request and returns those of the answer.
    The text of a `ValueError` (such as `ImageError`) is one line for the user: what to change.

    Args:
        watermarker: `tfwm.Watermarker`.
    """

    def __init__(self, watermarker):
        self.watermarker = watermarker
        self.max_bytes = watermarker.codec().max_bytes

    def settings(self):
        """Returns the settings of the page."""
        return {
            "network": self.watermarker.network.name,
            "max_message": self.max_bytes,
            "outputs": [name for name in OUTPUTS if _available(name)],
            "lossy": [name for name in LOSSY if _available(name)],
            "services": {key: label for key, (label, _, _) in SERVICES.items()},
            "search": list(STAGES),
        }

    def example(self):
        """Returns a PNG file to start with: Rachel Michetti's coffee, CC0."""
        return _png(need("skimage.data", "evaluate").coffee())

    def open(self, fields, parts):
        """Opens a chosen photo and returns its size, its notes and a picture of it."""
        photo = _photo(fields, parts)
        height, width = photo.pixels.shape[:2]
        return (
            {"width": width, "height": height, "notes": photo.notes},
            {"view": _png(reduced(eight_bit(photo), SHOWN))},
        )

    def mark(self, fields, parts):
        """Marks a photo and returns it without loss, with all its metadata."""
        photo = _photo(fields, parts)
        message = self._message(fields)
        key = _key(fields)
        earlier = self.watermarker.earlier_mark(photo, key=key)
        mark = self.watermarker.prepare(photo, message, key=key)
        if "psnr" in fields:
            marked, strength = mark.at(psnr=_number(fields, "psnr", 20, 60))
        else:
            marked, strength = mark.at(_number(fields, "strength", 0.05, 5))
        psnr = mark.psnr(marked)
        before, after = eight_bit(photo), eight_bit(marked)
        found = self.watermarker.extract(marked, key=key, search="none")
        answer = {
            "psnr": finite(psnr),
            "ssim": finite(large_ssim(before, after)),
            "strength": strength,
            "readable": found.decision == "present" and found.message == message,
            "notes": [*photo.notes, *([earlier.note(over=True)] if earlier else [])],
        }
        return answer, {
            "marked": encode_photo(marked, "marked.png"),
            "original_view": _png(reduced(before, SHOWN)),
            "marked_view": _png(reduced(after, SHOWN)),
            "residual_view": _png(reduced(amplify(before, after), SHOWN)),
        }

    def save(self, fields, parts):
        """Encodes a marked photo in the requested format and reads that file back."""
        photo = _photo(fields, parts)
        output = _choice(fields, "format", [name for name in OUTPUTS if _available(name)])
        quality = None
        if output in ("jpg", "avif"):
            quality = round(_number(fields, "quality", 1, 100))
        encoded = encode_photo(photo, f"photo.{output}", quality)
        copy = decode_photo(encoded)
        found = self.watermarker.extract(copy, key=_key(fields), search="none")
        return {"decision": found.decision, "size": len(encoded)}, {"file": encoded}

    def damage(self, fields, parts):
        """Damages a photo and encodes it in the requested format."""
        photo = _photo(fields, parts)
        values = fields.get("damages", {})
        if not isinstance(values, dict):
            raise ValueError(f"Expected distortions and their values. Received: {values!r:.60}")
        image = apply_sliders(eight_bit(photo), values, fields.get("service"))
        output = _choice(fields, "format", ["png", *LOSSY])
        if output == "png":
            encoded = _png(image)
        else:
            quality = round(_number(fields, "quality", 1, 100))
            encoded = _lossy(image, LOSSY[output], quality)
        answer = {"width": image.shape[1], "height": image.shape[0], "size": len(encoded)}
        return answer, {"copy": encoded}

    def read(self, fields, parts, progress):
        """Reads a photo; `progress` is called with the share done and the stage."""
        photo = _photo(fields, parts)
        start = time.perf_counter()
        found = self.watermarker.extract(
            photo,
            key=_key(fields),
            search=_choice(fields, "search", STAGES),
            false_positive_rate=_number(fields, "false_positive_rate", 1e-12, 0.5, 1e-6),
            progress=progress,
        )
        sure = found.bit_confidence
        message = found.to_dict()["message"]
        alignment = ""
        if found.decision != "absent":
            alignment = in_words(found.alignment, *photo.pixels.shape[:2])
        return {
            "decision": found.decision,
            "message": None if message is None else str(message),
            "kind": found.kind,
            "reason": found.reason,
            "p_value": found.p_value,
            "p_text": power_of_ten(found.p_value),
            "limit_text": power_of_ten(found.false_positive_rate),
            "evidence": evidence(found.p_value),
            "limit": evidence(found.false_positive_rate),
            "least_confidence": None if sure is None else float(min(sure)),
            "corrected_errors": found.corrected_errors,
            "alignment": alignment,
            "seconds": time.perf_counter() - start,
        }

    def _message(self, fields):
        message = fields.get("message")
        if not isinstance(message, str) or not message:
            raise ValueError("Write a message first: at least one character.")
        size = len(to_bytes(message)[1])
        if size > self.max_bytes:
            raise ValueError(
                f"The message takes {size} bytes, but {self.max_bytes} fit: shorten it by "
                f"{size - self.max_bytes}."
            )
        return message


def _photo(fields, parts):
    """Opens the photo of a request, with the file name that the browser gives."""
    file = parts.get("photo")
    name = str(fields.get("name") or "The photo")[:200]
    if not file:
        raise ImageError(f"{name} is empty (0 bytes): choose a photo.")
    if claimed_size(file)[0] > MAX_PIXELS:
        raise ImageError(
            f"{name} is too large for this page: at most {MAX_PIXELS / 1e6:.0f} megapixels; "
            "use the command tfwm embed, or scale it down."
        )
    check_claim(file, MAX_PIXELS)
    return decode_photo(file, name)


def _key(fields):
    key = fields.get("key") or None
    if key is not None and (not isinstance(key, str) or len(key) > 10_000):
        raise ValueError("Expected a key of at most 10,000 characters: shorten it.")
    return key


def _number(fields, name, low, high, default=None):
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"Expected {name.replace('_', ' ')} from {low:g} to {high:g}.")
    return value


def _choice(fields, name, known):
    value = fields.get(name)
    if value not in known:
        raise ValueError(f"Expected as {name} one of {', '.join(known)}. Received: {value!r:.40}")
    return value


def _available(output):
    return output not in ("webp", "avif") or features.check(output)


def _lossy(image, file_format, quality):
    options = {} if file_format == "WEBP" else {"subsampling": "4:2:0"}
    buffer = io.BytesIO()
    try:
        Image.fromarray(image).save(buffer, file_format, quality=quality, **options)
    except Exception as error:  # such as a side longer than the format allows
        raise ImageError(f"The copy cannot be saved as {file_format} ({error}).") from error
    return buffer.getvalue()


def _png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
