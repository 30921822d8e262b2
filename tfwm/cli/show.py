"""Commands that show marks on a page: report, demo, browser."""

from tfwm.cli.embed import add_message, add_strength_or_psnr, message_of
from tfwm.cli.options import (
    DEFAULT_NETWORK,
    NETWORK_HELP,
    add_command,
    add_json,
    add_key,
    add_network,
    load_watermarker,
    number,
    photo_source,
    read_key,
)
from tfwm.cli.output import print_json, show_progress
from tfwm.console import in_one_line, say


def add_report(subparsers):
    parser = add_command(
        subparsers,
        "report",
        run_report,
        "makes a page about photos: what a mark changes and what it survives",
        "With a message, each photo is marked, compared with its original, distorted in all ways "
        "of a suite and read again; no photo is written. Without a message, the photos are read "
        "as they are. The page is one HTML file that contains its pictures.",
        [
            "tfwm report photo.jpg --message '(c) 2026 Ada Lovelace'",
            "tfwm report found.jpg -o found.html --key-file my.key",
        ],
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos to show")
    parser.add_argument(
        "-o", "--output", default="report.html", metavar="FILE", help="report.html by default"
    )
    add_message(parser)
    add_key(parser)
    add_strength_or_psnr(parser)
    parser.add_argument(
        "--suite",
        default="everyday",
        metavar="NAME",
        help="the distortions to try: everyday (the default), or a TOML file",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add_network(parser)
    add_json(parser)


def run_report(options):
    key = read_key(options)
    message = message_of(options)
    watermarker = load_watermarker(options)
    from tfwm.report import write_report

    with show_progress() as progress:
        reports = write_report(
            [photo_source(photo) for photo in options.photos],
            options.output,
            watermarker=watermarker,
            message=message,
            key=key,
            strength=options.strength,
            psnr=options.psnr,
            suite=options.suite,
            overwrite=options.overwrite,
            progress=progress,
        )
    if options.json:
        photos = [report.to_dict() for report in reports]
        print_json({"output": options.output, "network": options.network, "photos": photos})
    else:
        say(in_one_line(options.output))
    return 2 if any(report.error for report in reports) else 0


def add_demo(subparsers):
    parser = add_command(
        subparsers,
        "demo",
        run_demo,
        "opens a page on this computer to mark photos, distort them and read them again",
        "Photos stay on this computer. Ctrl-C stops it.",
        ["tfwm demo", "tfwm demo --port 9000 --no-browser"],
    )
    parser.add_argument(
        "--port",
        type=number(0, 65535, "a port from 0 to 65535", int),
        default=8765,
        metavar="N",
        help="8765 by default; 0 takes a free one",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    add_network(parser)


def run_demo(options):
    watermarker = load_watermarker(options)
    from tfwm.demo import serve

    serve(
        watermarker,
        port=options.port,
        open_browser=not options.no_browser,
        ready=lambda address: say(f"{address} (Ctrl-C ends it)", flush=True),
    )


def add_browser(subparsers):
    parser = add_command(
        subparsers,
        "browser",
        run_browser,
        "writes a page that reads and marks photos in the browser, without a server behind it",
        "FOLDER is static files, 21 MB: any web server can hand them out, for everybody who wants "
        "to check a photo. No photo leaves the visitor's computer. The runtime of the network and "
        "the hash functions, LiteRT.js (Apache-2.0) and @noble/hashes (MIT), do not come with "
        "tfwm: npm downloads them, at pinned versions and checksums.",
        [
            "tfwm browser page",
            "tfwm browser page --network my-network --packages node_modules",
            "python3 -m http.server --directory page",
        ],
    )
    parser.add_argument("output", metavar="FOLDER", help="folder to write")
    parser.add_argument(
        "--packages",
        metavar="NODE_MODULES",
        help="take the packages from this folder, which npm made, and download nothing",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a page that is there")
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        default=DEFAULT_NETWORK,
        help=f"{NETWORK_HELP}, of the kind of photo and with a TFLite file; "
        f"{DEFAULT_NETWORK} by default",
    )


def run_browser(options):
    from tfwm.browser import write_page

    path = write_page(
        options.output,
        options.network,
        packages=options.packages,
        overwrite=options.overwrite,
    )
    say(f"{in_one_line(path)} is written")
