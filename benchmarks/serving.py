r"""What `tfwm serve` answers: photos a second, waiting times, memory, with and without batches.

    python benchmarks/serving.py --seconds 3 --clients 1 4    # to try it out
    python benchmarks/serving.py                              # the published tables
    python benchmarks/serving.py --name networks --seconds 30 --clients 16 \
        --cases "64 x 64, LiteRT" "64 x 64, TensorFlow" "512 x 768, LiteRT"
    python benchmarks/serving.py --memory

For each case, number of clients and size of batches, a server runs as a process of its own and is
asked over gRPC; each client waits for its answer before it asks again. Photos are those that come
with tfwm at seven sizes, 0.08 to 6 megapixels, upright and lying. A case:

- `mark`: JPEG in, marked JPEG out; `mark as PNG`; `read`: JPEG in, votes out; all by LiteRT.
- `64 x 64, LiteRT` and others: arrays of that size to the embedder alone, by that runtime.

`p50`, `p95`, `p99` are seconds. `growth` is that of the server's memory, from a quarter of the run
to its end. `load` is the machine's load before a row: what ran beside it. `--memory` tells the
most memory that the demo and the server take for six small requests of
40 megapixels at once. Writes results/serving/serve.csv, networks.csv and memory.csv.
"""

import argparse
import collections
import contextlib
import http.client
import io
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import grpc
import numpy as np
from PIL import Image

from tfwm.data import read_photos
from tfwm.demo.envelope import pack
from tfwm.files import result_head, write_csv
from tfwm.payload import encode_slots
from tfwm.serving import wire
from tfwm.serving.signatures import SIGNATURES
from tfwm.watermarker import load

ROOT = Path(__file__).resolve().parents[1]
SIZES = (320, 240), (640, 480), (1024, 768), (768, 1024), (1600, 1200), (1200, 1600), (3000, 2000)
LITE, TENSORFLOW = str(ROOT / "saved_models/photo/photo.tflite"), "photo"
CASES = {
    "mark": (LITE, "embed_bytes", "jpeg"),
    "mark as PNG": (LITE, "embed_bytes", "png"),
    "read": (LITE, "extract_bytes", None),
    "64 x 64, LiteRT": (LITE, "embed", (64, 64)),
    "64 x 64, TensorFlow": (TENSORFLOW, "embed", (64, 64)),
    "512 x 768, LiteRT": (LITE, "embed", (512, 768)),
    "512 x 768, TensorFlow": (TENSORFLOW, "embed", (512, 768)),
}
ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
BOMB = (7000, 5700)
# A busy machine may let the last of 64 clients wait for longer than the 30 seconds of the default.
PATIENT = "--patience", "110"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="of each row")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=["mark"])
    parser.add_argument("--name", default="serve", help="of the table")
    parser.add_argument("--memory", action="store_true", help="six requests of 40 megapixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "results/serving")
    args = parser.parse_args()
    if args.memory:
        rows = [{"server": name, **peak(name)} for name in ("tfwm demo", "tfwm serve")]
        head = result_head("a PNG of 40 megapixels, made here", what="memory")
        write_csv(rows, args.output / "memory.csv", head)
        print(*rows, sep="\n")
        return
    rows = []
    for case in args.cases:
        network, signature, what = CASES[case]
        requests = make_requests(signature, what)
        for clients in args.clients:
            for batch in args.batches:
                before = os.getloadavg()[0]
                with server("serve", network, "--max-batch", str(batch), *PATIENT) as found:
                    row = asked(found, requests, clients, args)
                rows.append({"case": case, "clients": clients, "max_batch": batch, **row})
                rows[-1]["load"] = before
                print(rows[-1], flush=True)
    about = f"{args.seconds:g} s a row, seed {args.seed}, {os.cpu_count()} cores"
    data = f"the photos that come with tfwm at {len(SIZES)} sizes"
    write_csv(rows, args.output / f"{args.name}.csv", result_head(data, about, what="tfwm serve"))


@contextlib.contextmanager
def server(name, *words):
    """A server in a process of its own: yields the process, and the addresses that it tells."""
    command = [sys.executable, "-m", "tfwm", name, *words, "--port", "0"]
    if name == "serve":
        command += ["--grpc-port", "0", "--no-access-log"]
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                yield process, re.findall(r"127\.0\.0\.1:\d+", process.stdout.readline())
            finally:
                process.terminate()


def make_requests(signature, what):
    """Requests as bytes, one for each photo and size.

    Args:
        signature: its name.
        what: format of the answers, or sides of an array.
    """
    watermarker, dice = load(LITE), np.random.default_rng(0)
    if signature == "embed":
        network = watermarker.network
        message = dice.integers(0, 2, (1, *network.message_shape(*what)))
        image = dice.random((1, *what, 1), np.float32)
        inputs = [{"image": image, "message": message, "strength": [1.0]}]
    else:
        slots = encode_slots(watermarker.codec("secret"), "(c) 2026 Ada Lovelace")
        more = {"message": slots[None], "strength": [1.0], "format": [what], "quality": [90]}
        files = map(jpeg, read_photos("bundled:train"), SIZES * 2)
        inputs = [{"image_bytes": [file], **(more if what else {})} for file in files]
    name = "photo"
    return [
        wire.predict_request(name, SIGNATURES[signature], one).SerializeToString() for one in inputs
    ]


def jpeg(pixels, size):
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def asked(found, requests, clients, args):
    """Asks a server from several threads; returns a row."""
    (process, (rest, rpc)), waits, failed, memory = found, [], [], []
    begin = time.monotonic() + 1
    end = begin + args.seconds

    def client(number):
        dice = random.Random(args.seed * 1000 + number)
        with grpc.insecure_channel(
            rpc, [*ANY_SIZE, ("grpc.use_local_subchannel_pool", 1)]
        ) as where:
            ask = where.unary_unary(wire.PREDICT)
            while time.monotonic() < end:
                start = time.monotonic()
                try:
                    answer = wire.PredictResponse.FromString(
                        ask(dice.choice(requests), timeout=120)
                    )
                    bad = "error" in answer.outputs and answer.outputs["error"].string_val[0]
                    if bad:
                        failed.append(bad)
                except grpc.RpcError as error:
                    failed.append(error.code().name)
                    time.sleep(0.1)
                    continue
                if start >= begin:
                    waits.append(time.monotonic() - start)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        memory.append(resident(process))
        time.sleep(0.2)
    metrics = urllib.request.urlopen(f"http://{rest}/metrics").read().decode()
    calls, images = (
        sum(float(x) for x in re.findall(rf"tfwm_batch_size_{kind}\{{.*}} (\S+)", metrics))
        for kind in ("count", "sum")
    )
    seconds = max(time.monotonic() - begin, args.seconds)
    row = {"answered": len(waits), "failed": len(failed), "per_second": len(waits) / seconds}
    if failed:
        print(collections.Counter(failed), file=sys.stderr)
    row |= {f"p{p}": float(np.percentile(waits or [np.nan], p)) for p in (50, 95, 99)}
    row |= {"mean_batch": images / calls if calls else 1.0, "memory_mb": max(memory)}
    return row | {"growth": memory[-1] / memory[len(memory) // 4] - 1}


def resident(process, name="VmRSS"):
    """MB of memory that a process has."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))


def peak(name):
    """The most memory that a server takes for six small requests of large photos at once."""
    buffer = io.BytesIO()
    Image.new("RGB", BOMB, (90, 120, 150)).save(buffer, "PNG")
    photo = buffer.getvalue()
    options = ["--no-browser"] if name == "tfwm demo" else [LITE]
    kind = {"Content-Type": "application/octet-stream"}
    path, body = "/v1/models/photo:embed?message=a&format=jpeg", photo
    if name == "tfwm demo":
        fields = {"message": "a", "strength": 1, "name": "large"}
        path, body = "/api/mark", pack(fields, {"photo": photo})
    with server(name.split()[1], *options) as (process, (address, *_)):
        first = resident(process)
        answers = []

        def ask():
            connection = http.client.HTTPConnection(address, timeout=600)
            connection.request("POST", path, body, kind)
            answers.append(connection.getresponse().status)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = " ".join(map(str, sorted(answers)))
        row = {"body_kb": len(body) / 1000, "statuses": told}
        return row | {"before_mb": first, "peak_mb": resident(process, "VmHWM")}


if __name__ == "__main__":
    main()
