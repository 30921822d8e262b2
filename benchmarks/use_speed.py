"""How long marking and reading a photo takes, beside invisible-watermark and blind-watermark.

    python benchmarks/use_speed.py
    python benchmarks/use_speed.py --network redmark-mt --repeats 9

Needs `pip install tfwm[bench]` and, without their dependencies, of which torch takes gigabytes,
`pip install --no-deps invisible-watermark blind-watermark`; one that is missing is left out with a
line. Every method puts the same 32 bits into the same uint8 array and reads them back from the
array it made: no file is read or written. Ours includes key, error correction, evidence and the
return to the photo's size. Methods take turns, so that other load on the machine hits all alike;
medians are printed, and written to results/speed/use-speed.csv. The others take color only: they
get the gray photo with three equal channels.
"""

import argparse
import importlib.metadata
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
from peers import peer_markers
from PIL import Image
from skimage import data

import tfwm.networks as tfwm_networks
from tfwm.files import result_head, write_csv
from tfwm.watermarker import Watermarker

MESSAGE = bytes.fromhex("69c5b2a7")
PEERS_TIMED = ("dwtDct", "dwtDctSvd", "blind-watermark")
BITS = np.unpackbits(np.frombuffer(MESSAGE, np.uint8)).tolist()


def main():
    args = parse_args()
    photos = {
        "gray 512x512": data.camera(),
        "colour 768x512": np.asarray(Image.fromarray(data.coffee()).resize((768, 512))),
        "colour 1920x1080": np.asarray(Image.fromarray(data.coffee()).resize((1920, 1080))),
    }
    rows = []
    methods = {**own_methods(args.network, args.threads), **other_methods()}
    for title, photo in photos.items():
        print(f"\n{title}, 32 bits, median of {args.repeats}, {args.threads} threads")
        rows += report(title, measure(methods, photo, args.repeats), args.threads)
    note = f"network {args.network}; medians of {args.repeats}"
    head = result_head(f"scikit-image-samples, {len(photos)} images", note)
    write_csv(rows, args.output, head)
    print(f"\nwritten to {args.output}")


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="photo", help="name or folder (photo)")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for TFLite")
    output = Path(__file__).resolve().parents[1] / "results/speed/use-speed.csv"
    parser.add_argument("--output", type=Path, default=output)
    return parser.parse_args()


def own_methods(network, threads):
    """Returns `{name: (embed, extract)}`: functions from array to array, and to bits."""
    folder = tfwm_networks.network_directory(network)
    card = tfwm_networks.read_card(folder)
    models = tfwm_networks.read_keras_models(folder)
    networks = {
        "tfwm Keras": tfwm_networks.KerasNetwork(*models, card["name"], card),
        "tfwm SavedModel": tfwm_networks.load_network(folder, runtime="tensorflow"),
    }
    for kind in tfwm_networks.TFLITE_FORMATS:
        path = folder / tfwm_networks.tflite_name(card["name"], kind)
        networks[f"tfwm TFLite {kind}"] = tfwm_networks.load_network(path, num_threads=threads)
    return {name: watermark_with(network) for name, network in networks.items()}


def watermark_with(network):
    watermarker = Watermarker(network)

    def extract(photo):
        message = watermarker.extract(photo, key="secret", search="none").message
        return np.unpackbits(np.frombuffer(message or bytes(4), np.uint8))

    return lambda photo: watermarker.embed(photo, MESSAGE, key="secret"), extract


def other_methods():
    """Returns the like of the packages that are installed, at their own strength."""
    markers, reasons = peer_markers(len(BITS), PEERS_TIMED)
    for name, reason in reasons.items():
        print(f"{name} is left out: {reason}")
    methods = {}
    for name, marker in markers.items():
        title = marker.package if name == marker.package else f"{marker.package} {name}"
        methods[title] = (
            lambda photo, marker=marker: marker.embed(as_rgb(photo), MESSAGE),
            lambda photo, marker=marker: marker.read(photo).bits,
        )
    return methods


def as_rgb(photo):
    return np.repeat(photo[..., None], 3, axis=2) if photo.ndim == 2 else photo


def measure(methods, photo, repeats):
    """Returns {name: (embed times, extract times, wrong bits)}, after one run to warm up."""
    results = {name: ([], [], []) for name in methods}
    for turn in range(repeats + 1):
        for name, (embed, extract) in methods.items():
            start = time.perf_counter()
            marked = embed(photo)
            middle = time.perf_counter()
            bits = extract(marked)
            end = time.perf_counter()
            if turn:
                results[name][0].append(middle - start)
                results[name][1].append(end - middle)
            results[name][2].append(int(np.sum(np.asarray(bits) != np.array(BITS))))
    return results


def report(title, results, threads):
    rows = []
    base = [statistics.median(times) for times in results["tfwm SavedModel"][:2]]
    print("ratios are to the SavedModel; above 1 is slower")
    print(f"{'method':32}{'embed ms':>10}{'extract ms':>12}{'ratio':>8}{'ratio':>8}  wrong bits")
    for name, (embed, extract, wrong) in results.items():
        medians = [statistics.median(times) for times in (embed, extract)]
        ratios = [value / reference for value, reference in zip(medians, base, strict=True)]
        print(
            f"{name:32}{1000 * medians[0]:10.1f}{1000 * medians[1]:12.1f}"
            f"{ratios[0]:8.2f}{ratios[1]:8.2f}  {max(wrong)} of {len(BITS)}"
        )
        rows.append(
            {
                "image": title,
                "method": name,
                "version": version(name),
                "embed_ms": round(1000 * medians[0], 2),
                "extract_ms": round(1000 * medians[1], 2),
                "embed_ratio_to_savedmodel": round(ratios[0], 3),
                "extract_ratio_to_savedmodel": round(ratios[1], 3),
                "wrong_bits": max(wrong),
                "repeats": len(embed),
                "threads": threads,
                "cpu": cpu(),
            }
        )
    return rows


def version(method):
    return importlib.metadata.version(method.split()[0])


def cpu():
    path = Path("/proc/cpuinfo")
    names = [x for x in path.read_text().splitlines() if "model name" in x] if path.exists() else []
    return f"{names[0].split(':')[1].strip() if names else platform.machine()}, {os.cpu_count()}"


if __name__ == "__main__":
    main()
