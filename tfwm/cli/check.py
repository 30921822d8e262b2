"""`tfwm embed --check`: tells which photos can carry a message."""

from tfwm.cli.options import photo_source
from tfwm.cli.output import counts, print_json, print_notes, show_progress
from tfwm.console import in_one_line, say


def check_one(options, message, how):
    from tfwm.batch.rows import check_values
    from tfwm.images import read_any

    photo = read_any(photo_source(options.photos[0]))
    print_notes(photo.name, photo.notes)
    watermarker = options.open_watermarker(options)
    check = check_values(watermarker, photo, message, how)
    print_notes(photo.name, check.get("notes", ()))
    if options.json:
        print_json({"photo": options.photos[0], "network": options.network, **check})
    else:
        say(_check_line(options.photos[0], check))
    return 0 if check["fits"] else 1


def check_many(options, message, how):
    from tfwm.batch.folders import check_folder

    watermarker = options.open_watermarker(options)
    with show_progress() as progress:
        rows = check_folder(
            watermarker,
            options.photos,
            message,
            messages=options.messages,
            progress=progress,
            workers=options.workers,
            **how,
        )
    checked = [row for row in rows if row["status"] == "done"]
    fit = sum(row["fits"] for row in checked)
    failed = counts(rows)["failed"]
    if options.json:
        print_json({"fit": fit, "unfit": len(checked) - fit, "failed": failed, "files": rows})
    else:
        for row in checked:
            say(_check_line(row["source"], row))
    return 2 if failed else 0 if fit == len(checked) else 1


def _check_line(name, check):
    figures = ""
    if check.get("psnr") is not None:
        figures = f" ({check['psnr']:.1f} dB at strength {check['strength']:.3g})"
    return f"{in_one_line(name)}: {'yes' if check['fits'] else 'no'}, {check['reason']}{figures}"
