"""How much signal a message needs: frame errors of `tfwm.payload` under Gaussian noise.

    python benchmarks/payload_code.py [--trials 200] [--slots 1024] [--compare]

Each vote is +-amplitude plus noise of deviation 1. Per size of message, amplitudes around the
one at which the best code is expected to lose one frame in a thousand (`bound`: normal
approximation of Polyanskiy, Poor and Verdu); `quick` is `decode(votes, thorough=False)`. Pilots,
scale estimate and the search for the size take part, as in a real reading. The column `dB` is
how much more signal the code takes than the best one for the same frame error rate. Times are
milliseconds of CPU a reading. `--compare` adds convolutional codes with zero termination, read
by soft Viterbi (pip install komm).
"""

import argparse
import math
import time

import numpy as np

from tfwm.payload import Codec, Key
from tfwm.payload.signal import bound_snr, frame_error_bound

COMPARED = {8: (0o463, 0o535, 0o733, 0o745), 10: (0o2327, 0o2353, 0o2671, 0o3175)}


def frame_errors(codec, data, amplitude, trials, thorough, rng):
    signs = 2.0 * codec.encode(data) - 1
    lost, spent = 0, 0.0
    for _ in range(trials):
        votes = amplitude * signs + rng.standard_normal(codec.slots)
        start = time.process_time()
        decoded = codec.decode(votes, thorough)
        spent += time.process_time() - start
        lost += decoded is None or decoded.message != data
    return lost / trials, 1000 * spent / trials


def measure(codec, frame, trials, rng):
    length = codec.slots - np.count_nonzero(codec.pilot)
    data = bytes(rng.integers(0, 256, frame.size, np.uint8))
    codec.decode(codec.encode(data) - 0.5)  # builds the codes
    edge = math.sqrt(bound_snr(frame.bits, length, 1e-3))
    for factor in (0.85, 0.95, 1.0, 1.05, 1.1, 1.15):
        amplitude = factor * edge
        quick, quick_ms = frame_errors(codec, data, amplitude, trials, False, rng)
        full, full_ms = frame_errors(codec, data, amplitude, trials, True, rng)
        bound = frame_error_bound(frame.bits, length, amplitude**2)
        loss = "-"
        if 0 < full < 1:
            best = bound_snr(frame.bits, length, full)
            loss = f"{10 * math.log10(amplitude**2 / best):.2f}"
        print(
            f"{frame.size:5d} {frame.bits:5d} {length:6d} {amplitude:9.3f} {bound:9.2e} "
            f"{quick:7.3f} {full:7.3f} {loss:>5s} {quick_ms:8.1f} {full_ms:8.1f}",
            flush=True,
        )


def compare(bits, length, trials, rng):
    import komm

    for memory, polynomials in COMPARED.items():
        convolutional = komm.ConvolutionalCode([list(polynomials)])
        code = komm.TerminatedConvolutionalCode(convolutional, num_blocks=bits)
        decoder = komm.ViterbiDecoder(code, input_type="soft")
        source = np.arange(length) * code.length // length
        edge = math.sqrt(bound_snr(bits, length, 1e-3))
        for factor in (0.85, 0.95, 1.0, 1.05, 1.1, 1.15):
            lost, start = 0, time.process_time()
            for _ in range(trials):
                word = rng.integers(0, 2, bits)
                sent = 1 - 2.0 * code.encode(word)[source]
                votes = factor * edge * sent + rng.standard_normal(length)
                soft = np.bincount(source, votes, code.length)
                lost += not np.array_equal(decoder.decode(soft), word)
            spent = 1000 * (time.process_time() - start) / trials
            print(
                f"Viterbi, memory {memory}, {bits} bits in {length}: amplitude "
                f"{factor * edge:.3f}, lost {lost / trials:.3f}, {spent:.1f} ms",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--slots", type=int, default=1024)
    parser.add_argument("--sizes", type=int, nargs="*", help="bytes; default: all that fit")
    parser.add_argument("--compare", action="store_true")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    codec = Codec(arguments.slots, Key("benchmark"))
    print("bytes  bits length amplitude     bound   quick    full    dB quick ms  full ms")
    for frame in codec.frames:
        if not arguments.sizes or frame.size in arguments.sizes:
            measure(codec, frame, arguments.trials, rng)
    if arguments.compare:
        compare(100, codec.slots - np.count_nonzero(codec.pilot), arguments.trials, rng)


if __name__ == "__main__":
    main()
