"""Writes the tables of README.md from results/*.csv; run it after `tfwm evaluate`.

    python benchmarks/readme_tables.py

Each table stands between `<!-- table: NAME -->` and `<!-- end -->` and is made from
`results/NAME.csv`.
"""

import csv
import re
from pathlib import Path

from readme_markdown import markdown
from readme_protection import PROTECTION

ROOT = Path(__file__).resolve().parents[1]
PAPER_WAY = {"placement": "paper", "vote": "majority"}
BEST_WAY = {"placement": "spread", "vote": "soft"}


def main():
    """Replaces every table whose result file exists."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    for name in re.findall(r"<!-- table: (\S+) -->", text):
        path = ROOT / "results" / f"{name}.csv"
        if path.is_file():
            with open(path, newline="") as file:
                rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
            table = MAKERS[name](rows)
            pattern = rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)"
            text = re.sub(pattern, lambda m, t=table: m[1] + t + m[2], text, flags=re.DOTALL)
    readme.write_text(text)


def attack_table(rows):
    """PSNR, SSIM and mean BER of each network, the paper's way of reading and the best."""
    lines = []
    for name in dict.fromkeys(row["network"] for row in rows):
        mine = [r for r in rows if r["network"] == name and float(r["strength"]) == 1]
        paper, best = (
            [r for r in mine if all(r[k] == v for k, v in way.items())]
            for way in (PAPER_WAY, BEST_WAY)
        )
        means = [_percent([r for r in way if r["counted"] == "true"]) for way in (paper, best)]
        groups = [
            "/".join(_short(r["ber"]) for r in paper if r["attack"] == attack)
            for attack in ("gaussian_noise", "grid_crop", "jpeg", "gaussian_blur", "resizing")
        ]
        quality = [f"{float(paper[0]['psnr']):.2f}", f"{float(paper[0]['ssim']):.4f}"]
        lines.append([name, *quality, f"**{means[0]}**", *groups, means[1]])
    images = rows[0]["images"]
    head = [
        f"{images} images",
        "PSNR",
        "SSIM",
        "mean BER % of 27 attacks",
        "noise 5/15/25",
        "grid crop 20/30/40 %",
        "JPEG 90/70/50",
        "blur 1/1.6/2",
        "resize .5/.75/1.5",
        "mean, spread and soft",
    ]
    return markdown(head, lines)


def paper_table(rows):
    """BER of each network and strength, the paper's in brackets where it prints one."""
    lines = {}
    for row in rows:
        line = lines.setdefault((row["network"], row["strength"]), {})
        line["PSNR"] = f"{float(row['psnr']):.2f}"
        ours, paper = _percentage(row["ber"]), _percentage(row["paper_ber"])
        column = f"{row['label']} {row['shown']}".strip()
        line[column] = f"{ours} ({paper})" if paper else ours
    columns = list(dict.fromkeys(key for line in lines.values() for key in line))
    head = [f"BER %, {rows[0]['images']} images (paper)", "strength", *columns]
    table = [
        [name, f"{float(strength):.2f}", *(line.get(c, "") for c in columns)]
        for (name, strength), line in lines.items()
    ]
    return markdown(head, table)


def accuracy_table(rows):
    """Bit accuracy of each damage and network, and whole messages; the paper's in brackets.

    Of the sweeps it shows a few levels.
    """
    networks = list(dict.fromkeys(row["network"] for row in rows))
    psnr = {row["network"]: f"{float(row['psnr']):.2f}" for row in rows}
    lines = {"PSNR, dB": psnr}
    for row in rows:
        shown = SHOWN_LEVELS.get(row["attack"])
        if shown and row["level"] not in shown:
            continue
        cell = f"{100 - 100 * float(row['ber']):.1f}"
        if row["paper_ber"]:
            cell += f" ({100 - 100 * float(row['paper_ber']):.0f})"
        name = f"{row['label']} {row['shown']}".strip()
        lines.setdefault(name, {})[row["network"]] = f"{cell}, {100 * float(row['exact']):.0f}"
    head = [f"bit accuracy (paper), all bits right, %; {rows[0]['images']} images", *networks]
    return markdown(head, [[n, *(c.get(m, "") for m in networks)] for n, c in lines.items()])


def seeds_table(rows):
    """How many seeds of each kind leave chance, and after how many epochs the slowest does."""
    runs = {}
    for row in rows:
        kind, _, seed = row["run"].rpartition("-")
        accuracy = 1 - float(row["val_logits_bit_error_rate"])
        runs.setdefault(kind, {}).setdefault(seed, []).append(accuracy)
    lines = []
    for kind, seeds in runs.items():
        epochs = [next((i for i, a in enumerate(s, 1) if a > 0.95), None) for s in seeds.values()]
        learned = [epoch for epoch in epochs if epoch]
        worst = min(max(accuracies) for accuracies in seeds.values())
        share = f"{len(learned)} of {len(seeds)}"
        slowest = str(100 * max(learned)) if len(learned) == len(seeds) else "never"
        lines.append([kind, share, slowest, f"{100 * worst:.1f}"])
    head = ["kind", "seeds above 95 %", "steps of the slowest", "least best accuracy, %"]
    return markdown(head, lines)


def forms_table(rows):
    """Messages that came back, for each format."""
    lines = [
        [r["network"], f"{float(r['psnr_mean']):.2f}", r["form"], f"{100 * float(r['exact']):.1f}"]
        for r in rows
    ]
    head = [f"{rows[0]['images']} photographs, {rows[0]['bytes']} bytes", "PSNR", "saved as"]
    return markdown([*head, "read, %"], lines)


def rectify_table(rows):
    """Share of prints and screens whose corners were found, for each scene and level."""
    lines = {}
    for row in rows:
        found = f"{100 * float(row['found']):.0f} ({100 * float(row['found_first']):.0f})"
        lines.setdefault(row["scene"], {})[row["level"]] = found
    levels = list(dict.fromkeys(row["level"] for row in rows))
    head = ["found, %", *(f"level {level}" for level in levels)]
    return markdown(head, [[scene, *(c[level] for level in levels)] for scene, c in lines.items()])


def curves_table(rows):
    """Validation in the last two epochs of each run."""
    lines = {}
    for row in rows:
        lines.setdefault(row["run"], []).append(row)
    table = [
        [
            name,
            last["epoch"],
            *(_percentage(row["val_logits_bit_error_rate"]) for row in (before, last)),
            *(f"{float(row['val_loss']):.4f}" for row in (before, last)),
            f"{float(last['val_watermarked_psnr']):.2f}",
        ]
        for name, (*_, before, last) in lines.items()
    ]
    head = ["run", "epoch", "BER before, %", "BER, %", "loss before", "loss", "PSNR"]
    return markdown([*head[:2], *(f"validation {name}" for name in head[2:])], table)


def ways_table(rows):
    """Images a second of each way of training."""
    keys = ("images_per_second", "ratio", "images_per_cpu_second", "cpu_ratio")
    head = ["way", "images/s", "ratio", "images per CPU second", "ratio"]
    return markdown(head, [[row["way"], *(row[key] for key in keys)] for row in rows])


def jpeg_table(rows):
    """Mean PSNR over the qualities for each method and kind of image."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = []
        for kind in kinds:
            mine = [r for r in rows if r["method"] == method and r["kind"] == kind]
            equal = all(r["equal"] == r["images"] for r in mine)
            mean = sum(float(r["psnr_mean"]) for r in mine) / len(mine)
            cells.append("equal" if equal else f"{mean:.2f}")
        lines.append([method.replace("baseline", "the photo before JPEG"), *cells])
    return markdown(["method", *kinds], lines)


def training_table(rows):
    """Patches a second of both ways and their ratio."""
    head = ["reference, patches/s", "this package, patches/s", "ratio"]
    return markdown(head, [[rows[0][key] for key in ("reference", "package", "ratio")]])


def speed_table(rows):
    """Milliseconds of each way for both pictures."""
    lines = {}
    for row in rows:
        cells = lines.setdefault(row["method"], {})
        cells[row["image"]] = f"{float(row['embed_ms']):.1f} / {float(row['extract_ms']):.1f}"
    images = list(dict.fromkeys(row["image"] for row in rows))
    table = [[name, *(cells.get(image, "") for image in images)] for name, cells in lines.items()]
    return markdown(["", *images], table)


def everyday_table(rows):
    """Share of whole messages for each edit and method."""
    markers = list(dict.fromkeys(row["marker"] for row in rows))
    lines = {}
    for row in rows:
        name = f"{row['label']} {row['shown']}".strip()
        if row["counted"] == "false" and row["attack"] not in NO_EDITS:
            name += " (not counted)"
        share = row["detected"] if row["attack"] == "unmarked" else row["exact"]
        lines.setdefault(name, {})[row["marker"]] = f"{100 * float(share):.1f}"
    psnr = {row["marker"]: row["psnr"] for row in rows if row["psnr"]}
    quality = ["PSNR, dB", *(f"{float(psnr[marker]):.2f}" for marker in markers)]
    table = [quality, *([name, *(c.get(m, "") for m in markers)] for name, c in lines.items())]
    return markdown([f"{rows[0]['images']} photographs", *markers], table)


def alarms_table(rows):
    """Readings, false alarms and the test of the p-values."""
    keys = ("kind", "readings", "present", "smallest_p_value", "below_0.01", "ks_p_value")
    head = ["readings of", "number", "present at 1e-6", "least p", "p below 0.01", "KS test, p"]
    return markdown(head, [[_number(row[key]) for key in keys] for row in rows])


def memory_table(rows):
    """Memory and seconds of each size."""
    lines = {}
    for row in rows:
        lines.setdefault(row["pixels"], []).append(
            f"{row['megabytes_above_model']} MB, {row['seconds_with_file']} s"
        )
    return markdown(["photo", "embed", "extract"], [[n, *cells] for n, cells in lines.items()])


SHOWN_LEVELS = {
    "brightness": ("0.1", "0.5", "1.5", "3"),
    "contrast": ("0.1", "0.5", "1.5", "3"),
    "saturation": ("0", "0.5", "1.5", "3"),
    "centre_crop": ("0.025", "0.075", "0.125", "0.175"),
    "frame": ("0.025", "0.075", "0.125", "0.175"),
}
NO_EDITS = ("identity", "unmarked", "mean", "mean of all")
MAKERS = {
    **PROTECTION,
    "everyday-bsds500-test-768x512": everyday_table,
    "false_alarms": alarms_table,
    "large_photo": memory_table,
    "redmark-bsds500-test": attack_table,
    "redmark-bundled-all": attack_table,
    "mbrs_diffusion": curves_table,
    "mbrs_training": ways_table,
    "mbrs-bsds500-test": paper_table,
    "mbrs-table2-bsds500-test": paper_table,
    "mbrs-table3-bsds500-test": paper_table,
    "mbrs-table4-bsds500-test": paper_table,
    "mbrs-table5-bsds500-test": paper_table,
    "mbrs-table6-bsds500-test": paper_table,
    "jpeg_fidelity": jpeg_table,
    "rectify": rectify_table,
    "redmark_training": training_table,
    "round_trip-stegastamp-crop-bsds500-test": forms_table,
    "stegastamp-bsds500-test": accuracy_table,
    "stegastamp_seeds": seeds_table,
    "use_speed": speed_table,
}


def _percent(rows):
    return f"{100 * sum(float(row['ber']) for row in rows) / len(rows):.2f}"


def _percentage(text):
    """A fraction in %, small ones with two digits."""
    if not text:
        return ""
    percent = 100 * float(text)
    return f"{percent:.2g}" if percent < 1 else f"{percent:.2f}"


def _number(text):
    try:
        return f"{float(text):.3g}" if "." in text or "e" in text else text
    except ValueError:
        return text


def _short(ber):
    return f"{100 * float(ber):.1f}"


if __name__ == "__main__":
    main()
