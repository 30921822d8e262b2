"""Messages into ordinary photos and out of them."""

import contextlib
import dataclasses
import math
import os

from PIL import Image

from tfwm.checks import one_of
from tfwm.images import (
    KEEP,
    Animation,
    Photo,
    PhotoImage,
    check_output,
    is_array,
    psnr,
    read_any,
    read_photo,
)
from tfwm.marking.binding import binds
from tfwm.marking.canvas import Canvas
from tfwm.marking.check import (
    Check,
    EmbedOptions,
    FileReport,
    check_votes,
    resaved,
    warn_unreadable,
)
from tfwm.marking.earlier import EarlierMark, earlier_mark, mark_beside, objection_to
from tfwm.marking.filtered import check_signpost, patterns_tried
from tfwm.marking.frames import frame_readings
from tfwm.marking.judge import Extraction, Judge
from tfwm.marking.mark import Mark
from tfwm.marking.reader import Reader
from tfwm.marking.saved import mark_any
from tfwm.marking.search import STAGES, candidates, hint
from tfwm.marking.subtle import share_seen, told_smooth
from tfwm.marking.tiling import tiling_of
from tfwm.marking.views import readings
from tfwm.networks.lazy import lazy_network
from tfwm.payload import Codec, Key, encode_slots
from tfwm.register.keeping import Keeper
from tfwm.signatures import message_for, read_keys, verified

DEFAULT_NETWORK = "photo"
FALSE_POSITIVE_RATE = 1e-6


class Watermarker:
    """Marks photos of any size and mode, reads them again, and says how sure it is.

    A photo is marked in its luminance, or by a network with three channels in R, G and B, at
    the size at which it has about 512 x 768 pixels (smaller ones at their own), and the change
    is scaled back up. A network for whole photos gets them squeezed to its own size. The message is
    repeated over the whole photo. Without the key, nobody can read it or compose another one; where
    single cells carry single bits, the key also binds the mark to what the photo shows. It does not
    hide the mark: who has photo and network can remove it, if less easily that of `photo-private`.

    Args:
        network: a network that carries messages, see `tfwm.networks.load_network`, or its name or
            path. On disk it is opened at its first use.

    Example:

    >>> watermarker = tfwm.load()
    >>> marked = watermarker.embed("photo.jpg", "(c) 2026 Ada Lovelace", key="secret")
    >>> watermarker.extract(marked, key="secret").message
    '(c) 2026 Ada Lovelace'
    """

    settings, columns = "", ()  # what else the report of a folder run tells of its files

    def __init__(self, network):
        if network is None or isinstance(network, str | os.PathLike):
            network = lazy_network(network)
        missing = [name for name in ("embed", "extract") if not hasattr(network, name)]
        if missing:
            raise ValueError(
                "Expected a network, its name or its path. Received: an object of type "
                f"{type(network).__name__}, which has no {missing[0]}"
            )
        kind = getattr(network, "kind", "message")
        if kind != "message":
            raise ValueError(
                f"Expected a network that carries messages. Received: {network.name}, a "
                f"{kind} network, which `tfwm {kind}` and tfwm.load take"
            )
        self.network = network

    def open(self):
        """Opens the network now instead of at its first use; returns the watermarker."""
        getattr(self.network, "open", lambda: None)()
        return self

    def codec(self, key=None, bound=False) -> Codec:
        """Returns the `tfwm.payload.Codec` for a key; `bound` if it writes as `embed` does."""
        key = key if isinstance(key, Key) else Key(key)
        return Codec(tiling_of(self.network).slots, key, bound and binds(self.network, key))

    def embed(
        self,
        photo,
        message,
        *,
        key=None,
        strength=1.0,
        psnr=None,
        subtle=False,
        signpost=None,
        over=False,
    ):
        """Marks a photo.

        Args:
            photo: path, bytes of a file, file object, `PIL.Image.Image`, `tfwm.images.Photo`, or
                an array or tensor (`tfwm.images.read_photo`; of batches `tfwm.images.to_photos`).
            message: text, bytes, an integer of at least 0, a `uuid.UUID`, or a
                `tfwm.signatures.Signer`, whose mark everybody can check and nobody else make.
            key: secret text or bytes; with `None` everybody can read the mark.
            strength: factor on the mark, above 0; 1 is that of training. More is seen more easily.
            psnr: instead of a strength, the PSNR wanted, in dB, over all channels.
            subtle: whether smooth and clipped parts, such as a sky, get less of the mark, which is
                harder to see and harder to read.
            signpost: name of the host to ask about the photo, such as `"c2pa.example.org"`, which
                everybody can read (`tfwm.provenance.read_signpost`); up to 24 characters. It leaves
                fewer bits to the message, and goes not with networks that ask for the key's filter.
            over: what becomes of a mark that is there (`earlier_mark`): `False` refuses the photo
                (`tfwm.marking.MarkedError`), `True` erases it, `"beside"` keeps a short one.

        Warns:
            UserWarning: the message will not be read, as the photo is too small or too flat for
                it. `check` tells that beforehand; `embed_file` writes no such photo.

        Returns:
            The marked photo: a NumPy array for an array or tensor, a `Photo` for a `Photo`, a
            `tfwm.images.Animation` with all frames marked for an animation, else a
            `tfwm.images.PhotoImage`, a `PIL.Image.Image` whose `save` keeps all metadata.
        """
        cover = read_any(photo)
        earlier = mark_beside(self, cover, key, over)
        how = {"key": key, "subtle": subtle, "signpost": signpost, "over": over}
        message = message_for(message, cover)
        if isinstance(cover, Animation):
            marks = (self.prepare(frame, message, **how) for frame in cover.frames)
            marked = cover.with_frames(mark.at(strength, psnr)[0] for mark in marks)
        else:
            mark = self.prepare(cover, message, **how)
            marked, strength = mark.at(strength, psnr)
        if earlier:
            earlier.check_kept(self, marked, cover.name)
        votes = self.read_votes(marked, key) if isinstance(marked, Photo) else None
        if votes is not None and self.codec(key).decode(votes) is None:
            warn_unreadable(cover.name, strength, mark.psnr(marked))
        if photo is cover or isinstance(cover, Animation):
            return marked
        array = is_array(photo) and not isinstance(photo, Image.Image)
        return marked.to_array(photo) if array else PhotoImage.of(marked)

    def earlier_mark(self, photo, *, key=None) -> EarlierMark | None:
        """Returns the `EarlierMark` of this network that a photo carries, as far as it shows.

        It is read once, as it is, without a search: a copy that was cropped, turned or mirrored is
        taken for unmarked, and so is one that was resized, unless both have 0.4 megapixels or more.
        A mark of another key shows by its repetition, in photos from about 320 pixels a side on,
        not of whole photos, nor behind a key's filter. One unmarked photo in a million is taken so.

        Args: as for `embed`.

        >>> watermarker = tfwm.load()
        >>> marked = watermarker.embed("photo.jpg", "Ada", key="secret")
        >>> watermarker.earlier_mark(marked, key="another").whose
        'unknown'
        """
        return earlier_mark(self.network, read_any(photo), key)

    def prepare(self, photo, message, *, key=None, signpost=None, bound=True, **how) -> Mark:
        """Returns the `Mark` for a photo, see `embed` and `Mark.of`; `bound=False` frees it."""
        check_signpost(self.network, signpost)
        cover, codec = read_photo(photo), self.codec(key, bound)
        slots = encode_slots(codec, message, signpost)
        return Mark.of(self.network, cover, slots, codec=codec, **how)

    def extract(
        self,
        photo,
        *,
        key=None,
        corners=None,
        search="rotate",
        false_positive_rate=FALSE_POSITIVE_RATE,
        damaged=False,
        public_keys=None,
        progress=None,
    ) -> Extraction:
        """Reads a message, with the evidence for it.

        Args:
            photo: as for `embed`.
            key: the key that the photo was marked with.
            corners: those of a marked print or screen that the photo shows, `(4, 2)`: `(x, y)` in
                pixels, clockwise from the picture's top left, which is made upright. `"find"` reads
                the photo and the likeliest quadrilaterals in it, up to 6 times as long.
            search: how far to look for a mark in a changed copy, one of `tfwm.marking.STAGES`:
                `"none"`, `"crop"`, `"scale"`, `"rotate"`, `"all"`. An intact or plainly resized
                copy is read at once in any case.
            false_positive_rate: share of unmarked photos that may be called marked.
            damaged: whether to read what is there of a file that is cut off, see `rows_read`.
            public_keys: file of OpenSSH public keys, of which one must have signed what the photo
                shows, see `tfwm.signatures.verified`.
            progress: called with the share done (0 to 1) and the name of the stage.
        """
        one_of("search", search, STAGES)
        public_keys = read_keys(public_keys, key)
        copy = read_any(photo, damaged)
        codec = self.codec(key)
        judge = Judge(codec, false_positive_rate, self.network)
        if isinstance(copy, Animation) and corners is None:
            found = frame_readings(self.network, codec, copy, search, progress)
        else:
            seen = copy.frames[0] if isinstance(copy, Animation) else copy
            found = readings(self.network, codec, seen, corners, search, progress)
        for reading in found:
            judge.add(*reading)
            if judge.decoded is not None:
                break
        found = judge.extraction()
        reason = found.reason + (hint(search) if found.message is None else "")
        found = dataclasses.replace(found, reason=reason, rows_read=copy.rows_read)
        return verified(found, copy, public_keys)

    def read_votes(self, photo, key=None):
        """Returns the votes `(slots,)` of a photo as it is; a key matters to networks that ask."""
        reader = Reader(self.network, Canvas.of(self.network, read_photo(photo)), self.codec(key))
        return reader.votes(next(candidates(reader, "none"))[1])

    def check(
        self,
        photo,
        message,
        *,
        key=None,
        strength=1.0,
        psnr=None,
        subtle=False,
        signpost=None,
        over=False,
    ) -> Check:
        """Tells whether a photo can carry a message, without writing anything.

        The strength is raised as by `embed_file`. The marked photo must read with the room to spare
        that `embed_file` asks for, and at all after it was saved as JPEG of quality 75. Of an
        animation, this is the frame in the middle.

        Args: as for `embed`.
        """
        cover = read_any(photo)
        message = message_for(message, cover)
        if isinstance(cover, Animation):
            cover = cover.middle
        mark = self.prepare(cover, message, key=key, subtle=subtle, signpost=signpost, over=over)

        def read(marked, tried):
            what = tried, message, key, signpost
            room = self.check_copy(cover, marked, marked, *what).margin
            check = self.check_copy(cover, marked, resaved(marked), *what)
            return check.with_room(room, EmbedOptions(over=over).room)

        _, check = mark.until(read, strength, psnr)
        seen = share_seen(self.network, cover)
        check = check.without(objection_to(self, cover, key, over))
        notes = *told_smooth(seen, subtle), *mark.notes
        return dataclasses.replace(check, smooth=seen, notes=notes)

    def embed_file(
        self,
        source,
        output,
        message,
        *,
        file_format=KEEP,
        overwrite=False,
        dry_run=False,
        progress=None,
        register=None,
        recipient=None,
        **options,
    ) -> FileReport:
        """Marks a file and reads the result back before it is put in place.

        If the encoded file does not read with enough room to spare, the strength is raised step
        by step, up to 2.5 times; if that fails, nothing is written. All frames of an animation are
        marked; at least half of them must read.

        Args:
            source: path of a photo, bytes of a file, or binary file object.
            output: path of the file to write, whose ending chooses the format; or binary file
                object, whose format is `file_format`.
            message: see `embed`.
            file_format: `"png"`, `"jpg"`, `"webp"`, `"avif"`, `"heic"`, `"jxl"`, `"gif"`, or
                `"keep"` for the photo's own, and PNG if that cannot be written.
            overwrite: whether an existing file, the source too, may be replaced; where both are one
                link, the photo that it names.
            dry_run: does everything but write.
            progress: called with the share done (0 to 1) and a line, for an animation.
            register: `tfwm.register.Register`, or its place, that keeps what the message means.
            recipient: to whom this copy is given, for the register.
            **options: see `tfwm.marking.EmbedOptions`: `key`, `strength`, `psnr`, `margin`,
                `quality`, `subtle`, `signpost` and `over`.

        Raises:
            ImageError: the photo cannot carry the message, or cannot be read or written.
        """
        options = EmbedOptions(**options)
        stream = hasattr(output, "write")
        if not stream:
            check_output(output, options.quality, overwrite)
            if file_format != KEEP:
                why = "A file_format goes with a file object: the ending of a path sets its format."
                raise ValueError(why)
        how = {"file_format": file_format, "progress": progress}
        target = None if stream else output
        keeper = Keeper(None if dry_run else register, self.network.name, options.key, target)
        marker = self.rehearsing() if dry_run else self
        encoded, report = marker.mark_file(source, target, message, options, **how)
        if dry_run:
            return dataclasses.replace(report, output=None)
        with keeper.writing(encoded, report.message, output, recipient):
            return report.put(encoded, source, output, overwrite)

    def embed_bytes(self, encoded, message, *, file_format=KEEP, **options) -> bytes:
        """Marks a photo in memory, as `embed_file` does: bytes of a file in, bytes of one out.

        Args:
            encoded: bytes of a photo's file.
            message: see `embed`.
            file_format: see `embed_file`.
            **options: see `embed_file`.

        Returns:
            Bytes of the marked photo's file.

        Example:

        >>> watermarker = tfwm.load()
        >>> marked = watermarker.embed_bytes(open("photo.jpg", "rb").read(), "Ada", key="secret")
        >>> watermarker.extract_bytes(marked, key="secret").message
        'Ada'
        """
        how = EmbedOptions(**options)
        return self.mark_file(encoded, None, message, how, file_format=file_format)[0]

    def extract_bytes(self, encoded, **options) -> Extraction:
        """Reads a message from the bytes of a photo's file; see `extract`."""
        return self.extract(bytes(encoded), **options)

    def rehearsing(self):
        """Returns the watermarker of a dry run, which keeps nothing of what it does."""
        return self

    def mark_file(
        self,
        source,
        output,
        message,
        options,
        lane=contextlib.nullcontext,
        *,
        file_format=KEEP,
        progress=None,
    ):
        """Does what `embed_file` does, up to writing.

        Args:
            source: see `embed_file`, also for `message`, `file_format` and `progress`.
            output: path of the file; `None` for one that has no name.
            options: `tfwm.marking.EmbedOptions`.
            lane: makes a context manager in which the network is used, which may not serve
                two threads at once; photos are read and encoded outside of it.

        Returns:
            `(encoded, report)`: the bytes of the file, and its `FileReport`.
        """
        cover, how = read_any(source), {"file_format": file_format, "progress": progress}
        return mark_any(self, cover, output, message_for(message, cover), options, lane, **how)

    def check_copy(self, cover, marked, copy, strength, message, key=None, signpost=None):
        """Returns the `tfwm.marking.Check` of a marked photo, read from a saved copy of it."""
        votes = self.read_votes(copy, key)
        quality = psnr(cover.pixels, marked.pixels, identical=math.inf)
        what = self.codec(key, bound=True), votes, message, strength, quality, signpost
        return check_votes(*what, trials=patterns_tried(self.network))


def load(name: str = DEFAULT_NETWORK, trust: bool = False, runtime: str = "auto") -> Watermarker:
    """Returns the `Watermarker` of a network; `tfwm.load` takes networks of all kinds."""
    return Watermarker(lazy_network(name, trust, runtime))
