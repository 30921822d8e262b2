"""`tfwm serve`: networks behind REST and gRPC."""

import os

from tfwm.cli.options import (
    DEFAULT_NETWORK,
    add_command,
    add_runtime,
    add_trust,
    named_networks,
    number,
)
from tfwm.console import say

MEGA = 1e6


def add_serve(subparsers):
    parser = add_command(
        subparsers,
        "serve",
        run_serve,
        "marks and reads photos for other programs, by TensorFlow Serving's REST and gRPC",
        "Photos come and go as files, JPEG, PNG and what else `tfwm embed` reads. Messages come "
        "as bits, which the client makes with the key: the key never gets here. Bodies, pixels, "
        "memory and work at a time are bounded; who finds no room is told to come back (503). "
        "It speaks HTTP and listens on this computer only: for the world, put a proxy with TLS "
        "before it. SIGTERM or Ctrl-C end it once what is in work is answered.",
        [
            "tfwm serve",
            "tfwm serve photo redmark-mt --port 8501 --grpc-port 8500",
            "tfwm serve --host 0.0.0.0 --token-file my.token",
        ],
    )
    parser.add_argument(
        "networks",
        nargs="*",
        default=[DEFAULT_NETWORK],
        metavar="NETWORK",
        help="names of networks (tfwm list), folders of exported ones, or NAME=FOLDER; "
        f"{DEFAULT_NETWORK} by default",
    )
    add_trust(parser)
    add_runtime(parser)
    _add_ports(parser)
    _add_access(parser)
    _add_limits(parser)


def _add_ports(parser):
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="address to listen at: 127.0.0.1 (the default) is this computer only, 0.0.0.0 all",
    )
    port = number(0, 65535, "a port from 0 to 65535", int)
    parser.add_argument(
        "--port", type=port, default=8501, metavar="N", help="of REST, 8501; 0 takes a free one"
    )
    grpc = parser.add_mutually_exclusive_group()
    grpc.add_argument(
        "--grpc-port",
        type=port,
        default=8500,
        metavar="N",
        help="of gRPC, 8500; 0 takes a free one",
    )
    grpc.add_argument("--no-grpc", action="store_true", help="REST only")


def _add_access(parser):
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="clients must send the token in FILE (Authorization: Bearer TOKEN), or else the one "
        "in the environment variable TFWM_TOKEN. Health is told without it",
    )
    parser.add_argument(
        "--no-access-log", action="store_true", help="no line of JSON on stderr for each request"
    )


def _add_limits(parser):
    for name, low, high, default, text in (
        ("workers", 1, 256, os.cpu_count() or 1, "photos in work at once, one for each core"),
        ("waiting", 0, 10_000, 128, "requests that may wait for that"),
        ("max-items", 1, 1024, 64, "photos in a request"),
        ("max-batch", 1, 256, 8, "images in one call of the network; 1 for no batching"),
    ):
        parser.add_argument(
            f"--{name}",
            type=number(low, high, f"{low} to {high}", int),
            default=default,
            metavar="N",
            help=f"{text}; {default} here by default",
        )
    for name, low, high, default, text in (
        ("max-wait", 0, 1000, 0, "milliseconds to wait until a batch is full; none by default"),
        ("patience", 0.1, 3600, 30, "seconds that a photo waits, 30 by default"),
        ("max-body", 0.01, 1000, 32, "MB of a request, 32 by default"),
        ("max-pixels", 0.01, 90, 50, "megapixels of all photos in a request, 50 by default"),
        ("memory", 10, 1e6, 1000, "MB for photos in work, 1000 by default"),
    ):
        parser.add_argument(
            f"--{name}",
            type=number(low, high, f"a number from {low:g} to {high:g}"),
            default=default,
            metavar="N",
            help=text,
        )


def run_serve(options):
    from tfwm.serving.models import Limits
    from tfwm.serving.serve import serve
    from tfwm.serving.token import read_token

    token = read_token(options.token_file)
    networks = named_networks(options.networks, options.trust, options.runtime)
    limits = Limits(
        workers=options.workers,
        waiting=options.waiting,
        patience=options.patience,
        items=options.max_items,
        body=int(options.max_body * MEGA),
        pixels=int(options.max_pixels * MEGA),
        memory=int(options.memory * MEGA),
    )

    def ready(rest, grpc):
        where = rest if grpc is None else f"{rest}, gRPC {grpc}"
        say(f"{where} serve {', '.join(networks)} (Ctrl-C ends it)", flush=True)

    serve(
        networks,
        host=options.host,
        port=options.port,
        grpc_port=None if options.no_grpc else options.grpc_port,
        limits=limits,
        max_batch=options.max_batch,
        max_wait=options.max_wait / 1000,
        token=token,
        access_log=not options.no_access_log,
        ready=ready,
    )
