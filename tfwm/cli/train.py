"""Commands that train networks, and that prepare photos for it: train, data."""

import argparse
from pathlib import Path

from tfwm.cli.options import add_command
from tfwm.console import in_one_line, say
from tfwm.startup import import_tensorflow


def add_train(subparsers):
    from tfwm.resources import resource_directory

    names = sorted(path.name for path in resource_directory("recipes").iterdir() if path.is_dir())
    parser = add_command(
        subparsers,
        "train",
        run_train,
        "trains a network by a recipe, measures it, and exports it",
        "--config names a variant that comes with tfwm, or a TOML file; key=value changes a "
        "setting. `tfwm train RECIPE --help` explains all settings and lists the variants. A "
        "killed run goes on with --resume, or from the checkpoint before the last, where that is "
        "damaged, with --resume=previous.",
        [
            "tfwm train redmark output=runs/first",
            "tfwm train redmark --config cpu-mt photos=my/photos output=runs/mt",
            "tfwm train redmark --resume output=runs/mt steps=20000",
            "tfwm train keyed --config cpu-colorize key_file=my.key photos=my/photos",
            "tfwm train mbrs --help",
        ],
    )
    parser.description += "\n\nrecipes:" + "".join(f"\n  {x:<12} {_summary(x)}" for x in names)
    parser.takes_settings = True
    parser.add_argument("recipe", choices=names, metavar="RECIPE", help="one of these recipes")
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="--config NAME, --resume[=previous], key=value; handed to the recipe",
    )


def _summary(recipe):
    # The first line of its module, which starts TensorFlow where it is imported.
    with (Path(__file__).parents[1] / "recipes" / f"{recipe}.py").open(encoding="utf-8") as module:
        return module.readline().strip('"\n')


def run_train(options):
    import_tensorflow()
    from tfwm.recipes import find_recipe

    return find_recipe(options.recipe).main(options.words, f"tfwm train {options.recipe}")


def add_data(subparsers):
    parser = add_command(
        subparsers,
        "data",
        run_data,
        "prepares photos for training: fetches a public data set, or packs a folder into shards",
        "Read the terms first: --list shows them. Where the archive cannot be fetched, the command "
        "says what to download; --from takes that file. `shards` packs the photos of the folder "
        "after --from into a few large files, which are read like a folder of photos.",
        [
            "tfwm data --list",
            "tfwm data bsds500 photos",
            "tfwm data bsds500 --from BSR_bsds500.tgz photos",
            "tfwm data shards --from my/photos my/shards",
        ],
    )
    parser.add_argument("name", metavar="NAME", help="the data set, see --list, or shards")
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="folder in which NAME is made; of shards, the folder itself",
    )
    parser.add_argument(
        "--from",
        dest="archive",
        metavar="ARCHIVE",
        help="the downloaded archive on this computer; the folder of photos for shards",
    )
    parser.add_argument("--list", action=_List, nargs=0, help="list the data sets and their terms")


class _List(argparse.Action):
    """Lists the data sets, and ends as --help does."""

    def __call__(self, parser, *_):
        from tfwm.data.sets import SETS

        for one in SETS.values():
            say(f"{one.name}\n    {one.what}\n    {one.page}\n    terms: {one.terms}")
        parser.exit()


def run_data(options):
    from tfwm.data.sets import SETS, prepare
    from tfwm.data.shards import write_shards

    if options.name == "shards":
        if options.archive is None:
            raise ValueError("Expected --from and the folder of photos. Received: none")
        count = write_shards(options.archive, options.folder)
        say(f"{in_one_line(options.folder)}: {count} photos")
        return
    for path, count in prepare(options.name, options.folder, options.archive).items():
        say(f"{in_one_line(path)}: {count} photos")
    say(f"terms: {SETS[options.name].terms}")
