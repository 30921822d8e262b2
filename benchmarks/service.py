"""What the recovery service stands: hostile pictures, crowds, slow senders, random requests.

    python benchmarks/service.py
    python benchmarks/service.py --nginx nginx    # and behind a proxy

Serves a small store by `tfwm store serve`, with a key, and asks it over HTTP. `peak_mb` is the most
memory that the service had during a case, and `over_idle_mb` what that is above its memory before
the first picture (Linux). `slowest` is in seconds, of all answers of a case; `status_slowest` of
status requests made meanwhile, behind the proxy from another address. The proxy is set up as
docs/recovery.md says. Writes results/provenance/service.csv.
"""

import argparse
import collections
import contextlib
import http.client
import io
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from tfwm.files import result_head, write_csv
from tfwm.images.containers import PNG_START, png_chunk
from tfwm.provenance import ManifestStore, make_test_signer, sign
from tfwm.provenance.certificates import make_test_certificate

ROOT = Path(__file__).resolve().parents[1]
VERDICT, BINDING = "/v1/verdict", "/v1/matches/byBinding"
STATUS = "/v1/services/status"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--random", type=int, default=1000, help="random requests")
    parser.add_argument("--slow", type=int, default=205, help="slow senders")
    parser.add_argument("--seconds", type=float, default=60, help="for which they send")
    parser.add_argument("--nginx", help="program of the proxy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "results/provenance")
    args = parser.parse_args()
    rows = []
    with service() as (asked, signed):
        asked.post(VERDICT, signed)  # the networks are open
        idle = asked.peak()
        for name, case in cases(args, signed):
            asked.forget_peak()
            answers, waits = case(asked)
            peak = asked.peak()
            count = collections.Counter(status for status, _ in answers)
            row = {"case": name, "requests": len(answers)}
            row |= {"ok": sum(count[s] for s in count if s and 200 <= s < 300)}
            row |= {"refused": sum(count[s] for s in count if s and 400 <= s < 500)}
            row |= {"busy": count[503], "failed": count[500], "closed": count[None]}
            row |= {"slowest": max(seconds for _, seconds in answers)}
            row |= {"status_slowest": max(waits, default=None)}
            rows.append({**row, "peak_mb": peak, "over_idle_mb": peak - idle})
            print(rows[-1], flush=True)
    about = f"seed {args.seed}, slow senders for {args.seconds:g} s"
    write_csv(rows, args.output / "service.csv", result_head("made here", about))


class Asked:
    """A service that runs as a process of its own, asked at a port of it or of its proxy."""

    def __init__(self, port, process, tls=None):
        self.port, self.process, self.tls = port, process, tls

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), 3)
        return self.tls.wrap_socket(plain) if self.tls else plain

    def ask(self, method, path, body=None, headers=None, patience=120):
        """Returns status, `None` if the connection was closed, and the seconds that it took."""
        start = time.perf_counter()
        try:
            where = {"host": "127.0.0.1", "port": self.port, "timeout": patience}
            kind = http.client.HTTPConnection
            if self.tls:
                kind = http.client.HTTPSConnection
                where |= {"context": self.tls, "source_address": ("127.0.0.2", 0)}
            with contextlib.closing(kind(**where)) as connection:
                connection.request(method, path, body, headers or {})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
        except (OSError, http.client.HTTPException):
            status = None
        return status, time.perf_counter() - start

    def post(self, path, body):
        return self.ask("POST", path, body, {"Content-Type": "image/png"})

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak(self):
        """The most memory since `forget_peak`, MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM"))


@contextlib.contextmanager
def service():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "my.key").write_text("secret")
        plain, signed = io.BytesIO(), io.BytesIO()
        Image.fromarray(data.coffee()).save(plain, "JPEG", quality=95)
        store = ManifestStore(folder / "manifests.db", create=True)
        sign(
            plain.getvalue(),
            signed,
            signer=make_test_signer(folder / "test"),
            key="secret",
            store=store,
        )
        command = [sys.executable, "-m", "tfwm", "store", "serve", str(store.path), "--port", "0"]
        command += ["--key-file", str(folder / "my.key")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                port = int(process.stdout.readline().split()[0].rsplit(":", 1)[1])
                yield Asked(port, process), signed.getvalue()
            finally:
                process.terminate()


def cases(args, signed):
    """Yields name and function of each case, which returns answers and times of status requests."""
    for name, picture in pictures():
        yield name, lambda asked, picture=picture: ([asked.post(VERDICT, picture)], [])
    noise = saved(np.random.default_rng(args.seed).integers(0, 255, (1500, 2000, 3), np.uint8))
    yield "50 pictures at once", lambda asked: crowd(asked, noise)
    large = bytes(31 << 20)
    yield "100 large bodies at once", lambda asked: crowd(asked, large, 100)
    yield f"{args.slow} slow senders", lambda asked: drips(asked, args.slow, args.seconds)
    if args.nginx:
        yield f"{args.slow} slow senders, behind nginx", lambda asked: proxied(asked, args)
    yield "random requests", lambda asked: at_random(asked, args, signed)


def pictures():
    """Small files of large pictures, up to what is allowed and above."""
    yield "PNG, RGB, 49 MP", flat_png(7000, 7000, 8, 2)
    yield "PNG, RGBA 16 bit, 49 MP", flat_png(7000, 7000, 16, 6)
    yield "PNG, RGBA 16 bit, 18 MP", flat_png(4300, 4300, 16, 6)
    yield "PNG, RGB 16 bit, 24 MP", flat_png(4990, 4990, 16, 2)
    yield "PNG, gray 16 bit, 49 MP", flat_png(7000, 7000, 16, 0)
    yield "PNG, gray 1 bit, 49 MP", flat_png(7000, 7000, 1, 0)
    yield "PNG, RGBA, 37 MP", flat_png(6100, 6100, 8, 6)
    yield "JPEG, CMYK, 37 MP", saved(Image.new("CMYK", (6100, 6100)))
    yield "WebP, RGB, 49 MP", saved(Image.new("RGB", (7000, 7000)), "WEBP")
    yield "TIFF, RGB, 49 MP", saved(Image.new("RGB", (7000, 7000)), "TIFF", compression="jpeg")
    yield "AVIF, RGB, 49 MP", saved(Image.new("RGB", (7000, 7000)), "AVIF", speed=10)
    frames = [Image.new("P", (500, 500), i % 255) for i in range(200)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)
    yield "GIF, 200 frames, 50 MP", gif
    frames = [Image.new("P", (500, 480), i % 255) for i in range(150)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)
    yield "GIF, 150 frames, 36 MP", gif
    yield "JPEG of 20000 scans", many_scans(20000)


def flat_png(width, height, depth, kind):
    row = (width * depth * {0: 1, 2: 3, 6: 4}[kind] + 7) // 8
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    deflate = zlib.compressobj(9)
    pixels = b"".join([*(deflate.compress(bytes(row + 1)) for _ in range(height)), deflate.flush()])
    chunks = (b"IHDR", head), (b"IDAT", pixels), (b"IEND", b"")
    return PNG_START + b"".join(png_chunk(*chunk) for chunk in chunks)


def saved(image, file_format="JPEG", **options):
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def many_scans(count):
    """A progressive JPEG whose last scan comes again and again."""
    encoded = saved(Image.new("RGB", (6000, 6000)), progressive=True)
    last = encoded[encoded.rindex(b"\xff\xda") : -2]
    return encoded[:-2] + last * count + b"\xff\xd9"


def crowd(asked, body, count=50):
    answers, waits = [], []
    work = [
        threading.Thread(target=lambda: answers.append(asked.post(VERDICT, body)))
        for _ in range(count)
    ]
    for thread in work:
        thread.start()
    while any(thread.is_alive() for thread in work):
        waits.append(asked.ask("GET", STATUS)[1])
        time.sleep(0.2)
    return answers, waits


def drips(asked, count, seconds):
    """Senders that open as many connections as they can, and send a byte every few seconds."""
    answers, waits, senders = [], [], []
    head = b"POST /v1/verdict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    end = time.monotonic() + seconds

    def begin():
        sender = asked.connect()
        sender.sendall(head + b"Content-Length: 30000000\r\n\r\n")
        return sender

    def send():
        for number in range(count):
            if number >= len(senders):
                senders.append(begin())
            try:
                senders[number].sendall(b".")
            except OSError:
                senders[number] = begin()

    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            send()
        answers.append(asked.ask("GET", STATUS, patience=20))
        waits.append(answers[-1][1])
        time.sleep(1)
    for sender in senders:
        sender.close()
    return answers, waits


def proxied(asked, args):
    """Slow senders again, with nginx before the service."""
    site = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/recovery.md").read_text(), re.S)[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in zip(("chain.pem", "key.pem"), make_test_certificate(), strict=True):
            (Path(folder) / name).write_bytes(text)
        for before, after in (
            ("listen 443", f"listen 127.0.0.1:{port}"),
            ("127.0.0.1:8766", f"127.0.0.1:{asked.port}"),
            ("/etc/ssl/c2pa.example.org.pem", f"{folder}/chain.pem"),
            ("/etc/ssl/c2pa.example.org.key", f"{folder}/key.pem"),
        ):
            if before not in site:
                raise ValueError(f"docs/recovery.md has no {before} any more")
            site = site.replace(before, after)
        kinds = "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
        places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (Path(folder) / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
            f"http {{ access_log off; {places}\n{site} }}\n"
        )
        command = [args.nginx, "-p", folder, "-c", f"{folder}/nginx.conf"]
        with subprocess.Popen(command) as process:
            try:
                time.sleep(1)
                tls = ssl._create_unverified_context()
                return drips(Asked(port, asked.process, tls), args.slow, args.seconds)
            finally:
                process.terminate()


def at_random(asked, args, signed):
    """Requests that are wrong in one way or another."""
    dice, answers, waits = random.Random(args.seed), [], []
    for number in range(args.random):
        answers.append(asked.ask(*hostile(dice, signed)))
        if number % 50 == 0:
            waits.append(asked.ask("GET", STATUS)[1])
    return answers, waits


def hostile(dice, signed):
    """Method, path, body and headers of a random request."""
    junk = dice.randbytes(dice.choice([0, 1, 30, 3000]))
    word = dice.choice(
        ["%00", "%ff", "../" * 9, "x" * 3000, "%ed%a0%80", "-1", "urn:c2pa:1", "org.tfwm.photo.1"]
    )
    damaged = bytearray(signed)
    for _ in range(dice.randrange(30)):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    body = dice.choice(
        [
            *(b"[" * 60000, b'{"alg":' * 9000, b'{"alg": "\\ud800", "value": "\\ud800"}', junk),
            *(b'{"alg": "a", "value": "' + junk + b'"}', b'{"alg":' + b"1" * 6000 + b"}"),
            *(bytes(damaged), bytes(damaged[: dice.randrange(len(damaged))]), None),
        ]
    )
    path = dice.choice(
        [
            *(VERDICT, BINDING, "/v1/matches/byContent", f"/v1/matches/byContent?alg={word}"),
            *(f"{BINDING}?alg={word}&value={word}", f"{BINDING}?alg=a&value=b&maxResults={word}"),
            *(f"{BINDING}?alg=org.tfwm.fingerprint.1&value={word}", f"/v1/manifests/{word}"),
            *(f"/{word}", "/.well-known/c2pa-soft-binding-resolution", STATUS),
        ]
    )
    kinds = (
        "image/png",
        "image/jpeg",
        "application/json",
        "text/plain",
        "multipart/form-data",
        "\xff",
    )
    headers = {"Content-Type": dice.choice(kinds)}
    headers |= dice.choice([{}, {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}])
    return dice.choice(["GET", "POST", "POST", "POST", "PUT", "HEAD"]), path, body, headers


if __name__ == "__main__":
    main()
