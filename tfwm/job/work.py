"""The work on one shard, on whatever machine: photos in, marked photos and rows out."""

import dataclasses
import functools
import hashlib
import json
import time

from tfwm.batch.done import is_key, key_id, settings_of
from tfwm.batch.report import EXTRACT_COLUMNS
from tfwm.batch.rows import embed_row, extract_values, marks_of, measured, recipients_of
from tfwm.batch.run import Pool, run_jobs
from tfwm.images import ImageError, read_any
from tfwm.job.plan import Ledger, read_plan
from tfwm.job.storage import Storage, StorageError
from tfwm.keys import find_key
from tfwm.marking import EmbedOptions
from tfwm.register import open_register
from tfwm.register.keeping import Keeper

# Photos of a shard that are in work at once: reading and writing run beside the network.
THREADS = 2


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all workers of a job are told. There is no secret in it: it travels in the open.

    Args:
        action: `"embed"` or `"extract"`.
        source: path or address of the photos.
        output: path or address of the outputs.
        network: name or path of the network, on the workers.
        trust, runtime: see `tfwm.load`.
        how: dict of the options of `EmbedOptions`, or of `Watermarker.extract`, without the key.
        key_file: path of the key's file on the workers; `None`: their environment's TFWM_KEY.
        key_id: name of the key, see `tfwm.batch.done.key_id`, by which workers notice another one;
            `None` if only they know it.
        salt: of the key's name.
        overwrite: whether existing outputs are replaced.
        register: place of a register that all workers reach, or `None`.
        recipient: for the register.
    """

    action: str
    source: str
    output: str
    network: str = "photo"
    trust: bool = False
    runtime: str = "auto"
    how: dict = dataclasses.field(default_factory=dict)
    key_file: str | None = None
    key_id: str | None = None
    salt: str | None = None
    overwrite: bool = False
    register: str | None = None
    recipient: str | None = None

    def to_text(self):
        """Returns the settings as JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    def asked(self):
        """Returns in one text how photos are marked or read, without the key."""
        if self.action == "embed":
            return settings_of(EmbedOptions(**self.how))
        return " ".join(f"{name}={value}" for name, value in sorted(self.how.items()))


class Worker:
    """Works on shards; it opens network, storages and register once.

    Args:
        settings: `Settings`.
        watermarker: `tfwm.Watermarker`; by default that of the settings' network.
    """

    def __init__(self, settings, watermarker=None):
        from tfwm.watermarker import load

        self.settings = settings
        self.source, self.output = Storage(settings.source), Storage(settings.output)
        self.ledger = Ledger(self.output)
        self.key = find_key(None, settings.key_file)
        if settings.key_id is not None and not is_key(self.key, settings.key_id):
            raise ValueError(
                "Expected the key that the job was started with. Received: another one, or none: "
                "give each worker the key file, or the environment variable TFWM_KEY"
            )
        self.watermarker = watermarker or load(settings.network, settings.trust, settings.runtime)
        self.watermarker.open()
        self._embeds = settings.action == "embed"
        if self._embeds:
            self._options = EmbedOptions(key=self.key, **settings.how)
            self._marks = marks_of(self.watermarker, self._options, settings.salt)
            name = self.watermarker.network.name
            self._keeper = Keeper(settings.register, name, self.key)
        else:
            self._options = {"key": self.key, **settings.how}
            # Not in the report: by these a job that is started again knows what it has read.
            self._marks = {"key_id": key_id(self.key, settings.salt), "settings": settings.asked()}
            register = open_register(settings.register)
            self._find = recipients_of(None, register, self.watermarker, self._options)[1]

    def run(self, shard):
        """Does a shard, unless it is done.

        Args:
            shard: name of its plan.

        Returns:
            The rows of its photos.

        Raises:
            StorageError: the shard is to be done again.
        """
        rows, start = self.ledger.done(shard), (time.perf_counter(), time.process_time())
        if rows is not None:
            return rows
        pool, broken = Pool(THREADS), []

        def work(job):
            try:
                return (self._embed if self._embeds else self._extract)(job, pool)
            except StorageError as error:
                broken.append(error)
                raise

        rows = run_jobs(pool, work, read_plan(self.output, shard), self._row)
        if broken:
            raise broken[0]
        seconds = time.perf_counter() - start[0]
        took = {"shard_seconds": seconds, "cpu_seconds": time.process_time() - start[1]}
        self.ledger.write(shard, rows, took)
        return rows

    def _embed(self, job, pool):
        name = str(job.output)
        data = self.source.read(job.name)
        encoded, done = self.watermarker.mark_file(
            data, name, job.message, self._options, pool.lane
        )
        given = job.details.get("recipient") or self.settings.recipient
        place = self.output.place(name)
        with self._keeper.writing(encoded, job.message, place, given, name), done.written():
            there = self.output.read_if_there(name)
            # A worker that was killed may have written it and not told so in its ledger.
            if there is not None and there != encoded and not self.settings.overwrite:
                raise ImageError(f"{place} exists: add --overwrite, or move it away.")
            if there != encoded:
                self.output.write(name, encoded)
        made_of = {"source_sha256": hashlib.sha256(data).hexdigest()}
        return measured(encoded, done, self.watermarker.columns) | made_of

    def _extract(self, job, pool):
        photo = read_any(self.source.read(job.name))
        with pool.lane():
            found = self.watermarker.extract(photo, **self._options)
            return extract_values(photo, found, self._find)

    def _row(self, job, values):
        job = dataclasses.replace(job, source=self.source.place(job.name))
        if self._embeds:
            return embed_row(job, str(job.output), self._marks, values)
        return dict.fromkeys(EXTRACT_COLUMNS) | values | self._marks | {"photo": job.source}


@functools.lru_cache(maxsize=1)
def worker_of(text):
    """Returns the `Worker` of this process for settings as JSON."""
    return Worker(Settings(**json.loads(text)))
