"""`tfwm job`: embed and extract, for millions of photos."""

from tfwm.cli.embed import add_message, add_signpost, add_strength_or_psnr, message_of
from tfwm.cli.extract import SEARCHES
from tfwm.cli.options import (
    add_command,
    add_false_positive_rate,
    add_format,
    add_json,
    add_key,
    add_network,
    add_over,
    add_register,
    number,
)
from tfwm.cli.output import print_json
from tfwm.console import in_one_line, say, tell

DETAILS = (
    "INPUT and OUTPUT are folders of this computer or of any store that fsspec knows: "
    "s3://bucket/folder, gs://..., memory://... The photos are done in shards by Apache Beam "
    "(extra job). A worker that dies costs its shard, which is done again; a job that is killed "
    "goes on when it is started again. OUTPUT gets tfwm-report.csv, with one row for each photo, "
    "and tfwm-failed.csv. The workers take the key from --key-file, a path there, or from their "
    "environment variable TFWM_KEY; it is neither in the pipeline nor in its logs. "
)


def add_job(subparsers):
    parser = add_command(
        subparsers,
        "job",
        None,
        "marks or reads millions of photos, on many machines",
        f"{DETAILS}Each command has its own --help.",
        [
            "tfwm job embed photos/ marked/ --messages ids.csv --key-file my.key --workers 2",
            "tfwm job embed s3://in/photos s3://out/marked --message Ada --runner FlinkRunner "
            "--option flink_master=host:8081",
            "tfwm job extract found/ read/ --key-file my.key",
        ],
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_embed(commands)
    _add_extract(commands)


def _add_embed(commands):
    example = "tfwm job embed photos/ marked/ --messages ids.csv --key-file my.key"
    parser = _add(commands, "embed", run_embed, "marks all photos of INPUT into OUTPUT", example)
    messages = add_message(parser)
    messages.required = True
    messages.add_argument(
        "--messages",
        metavar="FILE.csv",
        help="a message for each photo, as for tfwm embed; a path or an address",
    )
    add_strength_or_psnr(parser)
    parser.add_argument("--subtle", action="store_true", help="as for tfwm embed")
    add_signpost(parser)
    add_format(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there and differ"
    )
    add_over(parser)
    add_register(parser, marks=True)
    _add_engine(parser)


def _add_extract(commands):
    example = "tfwm job extract found/ read/ --key-file my.key"
    parser = _add(commands, "extract", run_extract, "reads all photos of INPUT", example)
    parser.add_argument("--search", choices=SEARCHES, default="rotate", help="as for tfwm extract")
    add_false_positive_rate(parser, "1e-6")
    add_register(parser, marks=False)
    _add_engine(parser)


def _add(commands, name, run, text, example):
    parser = add_command(commands, name, run, text, DETAILS, [example])
    parser.add_argument("input", metavar="INPUT", help="folder of the photos")
    parser.add_argument("output", metavar="OUTPUT", help="folder of the results")
    add_key(parser)
    return parser


def _add_engine(parser):
    parser.add_argument(
        "--runner",
        default="direct",
        metavar="RUNNER",
        help="direct (the default): processes on this computer; or a runner as Beam calls it: "
        "FlinkRunner, SparkRunner, DataflowRunner, PortableRunner",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of Beam's pipeline, such as flink_master=host:8081; may be repeated",
    )
    parser.add_argument(
        "--workers",
        type=number(1, 1024, "1 to 1024 workers", int),
        metavar="N",
        help="processes of the runner direct; one for each core by default",
    )
    parser.add_argument(
        "--shard",
        type=number(1, 100_000, "1 to 100000 photos", int),
        default=32,
        metavar="N",
        help="photos in a shard, 32 by default: what a worker that dies loses at most",
    )
    add_network(parser)
    add_json(parser)


def run_embed(options):
    how = {"strength": options.strength, "psnr": options.psnr, "subtle": options.subtle}
    how |= {"signpost": options.signpost, "quality": options.quality, "over": options.over}
    settings = _settings(options, "embed", how)
    what = {"message": message_of(options), "messages": options.messages}
    return _run(options, settings, file_format=options.format or "keep", **what)


def run_extract(options):
    how = {"search": options.search, "false_positive_rate": options.false_positive_rate}
    return _run(options, _settings(options, "extract", how))


def _settings(options, action, how):
    from tfwm.checks import need
    from tfwm.databases import is_address
    from tfwm.job.storage import EXTRA
    from tfwm.job.work import Settings

    need("apache_beam", EXTRA)
    if options.key is not None:
        raise ValueError(
            "A job takes its key on the workers: --key-file, or their environment variable "
            "TFWM_KEY. Received: --key, which the pipeline would carry in the open"
        )
    if options.register and is_address(options.register):
        from tfwm.register import Register

        if Register(options.register, create=action == "embed").has_password:
            raise ValueError(
                "Expected the URL of a register without a password, which the pipeline would carry "
                "in the open: let the database's driver find it on the workers (~/.pgpass)."
            )
    if getattr(options, "recipient", None) and not options.register:
        raise ValueError("--recipient goes with --register, which keeps it: add --register PLACE.")
    return Settings(
        *(action, options.input, options.output, options.network, options.trust, options.runtime),
        how=how,
        key_file=options.key_file,
        overwrite=getattr(options, "overwrite", False),
        register=options.register,
        recipient=getattr(options, "recipient", None),
    )


def _run(options, settings, **what):
    from tfwm.job.run import run_job

    result = run_job(
        settings,
        runner=options.runner,
        options=options.option,
        workers=options.workers,
        shard=options.shard,
        progress=lambda line: tell("note", line),
        **what,
    )
    if options.json:
        print_json({"output": options.output, **result})
    else:
        say(
            f"{result['done']} done ({result['before']} before), {result['skipped']} skipped, "
            f"{result['failed']} failed in {result['seconds']:.0f} s; "
            f"{in_one_line(options.output).rstrip('/')}/tfwm-report.csv"
        )
    return 2 if result["failed"] else 0
