"""What each command does. Imports stand inside, so that help answers at once."""

import importlib
import json
import sys
import textwrap
from pathlib import Path

from tfwm.startup import import_tensorflow


def run_list(options):
    import_tensorflow()
    from tfwm.export import list_networks

    networks = list_networks()
    if options.json:
        _print_json(list(networks.values()))
        return
    if not networks:
        print("No networks come with this installation.")
    for name, card in networks.items():
        text = textwrap.fill(card["description"], 96, subsequent_indent=" " * 4)
        print(f"{name}\n    {text}\n    strength {card['strength']['default']:g} by default")


def run_train(options):
    import_tensorflow()
    return importlib.import_module(f"tfwm.recipes.{options.system}").main(options.arguments)


def run_evaluate(options):
    import_tensorflow()
    from tfwm.evaluation import run_suite

    networks = _named_networks(options.networks)
    result = run_suite(
        networks,
        options.images,
        options.suite,
        output=options.output,
        command=options.command,
        limit=options.limit,
        report=not options.no_report,
        match=options.match,
        seed=options.seed,
        progress=sys.stderr.isatty(),
        strengths=options.strengths,
        watermarks=options.watermarks,
        placements=options.placements,
    )
    if options.json:
        _print_json(
            {
                "csv": str(result.csv),
                "html": result.html and str(result.html),
                "skipped": result.skipped,
                "summary": result.line,
                "rows": result.rows,
            }
        )
    else:
        print(result.line)
        print("\n".join(str(path) for path in (result.csv, result.html) if path))


def run_figures(options):
    import_tensorflow()
    from tfwm.evaluation.figures import FIGURES

    networks = _named_networks(options.networks)
    print(FIGURES[options.figure](networks, options.images, options.output))


def run_embed(options):
    from tfwm.images import check_output, read_photo, write_photo

    check_output(options.output, options.quality, options.overwrite)
    cover = read_photo(options.photo)
    _print_notes(cover)
    watermarker = _load(options.network)
    marked = watermarker.embed(cover, options.message, bits=options.bits, strength=options.strength)
    path = write_photo(marked, options.output, options.quality, options.overwrite)
    found = watermarker.extract(path, len(options.bits) if options.bits else None)
    wanted = options.bits or options.message
    values = found.to_dict()
    readable = values["bits" if options.bits else "message"] == wanted
    if options.json:
        _print_json(
            {
                "output": str(path),
                "network": options.network,
                "strength": options.strength,
                "readable": readable,
                "confidence": values["confidence"],
                "copies": values["copies"],
            }
        )
    if not readable:
        print(
            f"tfwm: warning: {path} was written, but its mark does not read back: raise "
            "--strength, shorten the message, or save as PNG",
            file=sys.stderr,
        )
    return 0 if readable else 1


def run_extract(options):
    from tfwm.images import read_photo

    photo = read_photo(options.photo)
    found = _load(options.network).extract(photo, options.bits_length)
    values = found.to_dict()
    if options.json:
        _print_json({"photo": options.photo, "network": options.network, **values})
    elif found.message is not None:
        print(_printable(found.message))
    elif found.bits is not None:
        print(values["bits"])
    else:
        print(f"tfwm: no message in {options.photo}: no checksum fits", file=sys.stderr)
    return 1 if found.checksum_ok is False else 0


def run_verify(options):
    import_tensorflow()
    from tfwm.export import list_networks, verify

    names = options.networks or list(list_networks())
    if not names:
        raise ValueError("No networks come with this installation: name the folder of one.")
    reports = [verify(name) for name in names]
    if options.json:
        _print_json([report.to_dict() for report in reports])
    else:
        print("\n".join(line for report in reports for line in report.lines()))
    return 0 if all(report.passed for report in reports) else 1


def run_convert(options):
    _check_new(options.output, options.overwrite)
    import_tensorflow()
    from tfwm.export import convert_redmark

    report = convert_redmark(options.weights, options.output, options.golden)
    if options.json:
        _print_json(report)
        return
    print(f"{report['path']} is written")
    for row in report.get("differences", ()):
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()))


def run_export(options):
    _check_new(options.output, options.overwrite)
    import_tensorflow()
    from tfwm.export import export_saved_model, package_network, read_card
    from tfwm.export.atomic import atomic_directory
    from tfwm.export.read_keras import find_keras_models, read_keras_models

    source = find_keras_models(options.source)
    models = read_keras_models(source)
    if (source / "card.json").is_file():
        path = package_network(*models, options.output, read_card(source))
    else:
        with atomic_directory(Path(options.output)) as draft:
            export_saved_model(*models, draft)
        path = Path(options.output) / "1"
    print(f"{path} is written")


def _named_networks(words):
    """Opens networks given as NAME, FOLDER or NAME=FOLDER."""
    from tfwm.export import load_network

    networks = {}
    for word in words:
        name, equals, folder = word.rpartition("=")
        network = load_network(folder)
        name = name if equals else network.name
        if name in networks:
            raise ValueError(f"Two networks are called {name}: name one, such as other={folder}.")
        networks[name] = network
    return networks


def _load(name):
    import_tensorflow()
    from tfwm.watermarker import load

    return load(name)


def _check_new(folder, overwrite):
    folder = Path(folder)
    if folder.exists() and not overwrite:
        raise ValueError(f"{folder} exists: choose another name, or add --overwrite.")
    # The whole folder is replaced: --overwrite must not cost a run or a photo collection.
    is_network = any((folder / name).exists() for name in ("1", "card.json"))
    if folder.is_dir() and any(folder.iterdir()) and not is_network:
        raise ValueError(f"{folder} holds no exported network, it is kept: choose another name.")


def _printable(text):
    """The text without control characters: a stranger's photo must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def _print_json(values):
    print(json.dumps(_without_nan(values), indent=2, ensure_ascii=False))


def _without_nan(values):
    """JSON has no NaN."""
    if isinstance(values, dict):
        return {key: _without_nan(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_without_nan(value) for value in values]
    return None if values != values else values


def _print_notes(photo):
    for note in photo.notes:
        print(f"tfwm: note: {photo.name}: {note}", file=sys.stderr)
