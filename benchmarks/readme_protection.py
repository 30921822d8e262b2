"""Tables of README.md about marked models; see `readme_tables.py`."""

from readme_markdown import markdown


def barrier_hiding_table(rows):
    """Quality of marked outputs and what is read from them, the paper's in brackets."""
    head = [
        "barrier (paper)",
        "adversarial stage",
        "PSNR",
        "SSIM",
        "NC",
        "NC > 0.95, %",
        "similarity",
    ]
    return markdown(
        head,
        [
            [
                row["run"],
                _stage(row),
                *(_beside(row, key, f".{n}f") for key, n in (("psnr", 2), ("ssim", 4), ("nc", 4))),
                f"{100 * float(row['success_nc']):.0f}",
                f"{float(row['similarity']):.3f}",
            ]
            for row in rows
        ],
    )


def barrier_success_table(rows):
    """Success rates for each surrogate, the paper's in brackets; without the stage and with it."""
    lines = {}
    for row in rows:
        cells = lines.setdefault((row["run"], row["surrogate"]), {})
        paper = row["paper_success_nc"]
        rate = f"{100 * float(row['success_nc']):.0f}"
        rate += f" ({100 * float(paper):.0f})" if paper else ""
        own = f"{100 * float(row['success']):.0f}, {float(row['similarity']):.3f}"
        cells[row["adversarial_stage"]] = [rate, own]
    head = ["NC > 0.95, % (paper)", "surrogate", "without the stage", "with it"]
    head += ["similarity ≥ 0.9, %, and mean, without", "with it"]
    table = []
    for (run, surrogate), cells in lines.items():
        pairs = zip(cells["false"], cells["true"], strict=True)
        table.append([run, surrogate, *(cell for pair in pairs for cell in pair)])
    return markdown(head, table)


def barrier_claims_table(rows):
    """What is read from images that never saw the barrier."""
    head = ["run", "images of", "images", "NC > 0.95, %", "similarity ≥ 0.9, %", "similarity", "p"]
    head.append("claimed")
    return markdown(
        head,
        [
            [
                *(row[key] for key in ("run", "images_of", "images")),
                *(f"{100 * float(row[key]):.1f}" for key in ("success_nc", "success")),
                f"{float(row['similarity']):.3f}",
                _p_value(row["p_value"]),
                {"true": "yes", "false": "no"}[row["proven"]],
            ]
            for row in rows
        ],
    )


def barrier_baseline_table(rows):
    """What is read of traditional watermarks, and of the barrier beside them."""
    head = ["mark", "images of", "PSNR", "all 64 bits right, %", "bits right, %"]
    head += ["right by majority, %", "similarity", "proven"]
    shares = ("exact", "bit_accuracy", "pooled_accuracy")
    return markdown(
        head,
        [
            [
                row["method"],
                row["images_of"],
                f"{float(row['psnr']):.2f}" if row["psnr"] else "",
                *(f"{100 * float(row[key]):.1f}" if row[key] else "" for key in shares),
                f"{float(row['similarity']):.3f}",
                {"true": "yes", "false": "no"}[row["proven"]],
            ]
            for row in rows
        ],
    )


def task_specific_table(rows):
    """How well marked and unmarked networks do their task, the paper's in brackets."""
    head = ["run (paper)", "network", "PSNR", "SSIM", "NC > 0.95, %", "similarity"]
    return markdown(
        head,
        [
            [
                row["run"],
                row["network"],
                *(_beside(row, key, f".{n}f") for key, n in (("psnr", 2), ("ssim", 4))),
                f"{100 * float(row['success_nc']):.0f}",
                f"{float(row['similarity']):.3f}",
            ]
            for row in rows
        ],
    )


def keyed_task_table(rows):
    """How like marked and unmarked outputs are, the paper's in brackets, and the task's quality."""
    head = ["run (paper)", "images", "SSIM", "PSNR", "task PSNR, unmarked", "marked"]
    head += ["share", "task SSIM, share"]
    return markdown(
        head,
        [
            [
                row["run"],
                row["images"],
                _beside(row, "ssim", ".4f"),
                *(f"{float(row[k]):.2f}" for k in ("psnr", "unmarked_psnr", "marked_psnr")),
                *(f"{100 * float(row[k]):.1f} %" for k in ("psnr_share", "ssim_share")),
            ]
            for row in rows
        ],
    )


def keyed_reading_table(rows):
    """What keys read from which images, a column for each run."""
    runs = list(dict.fromkeys(row["run"] for row in rows))
    lines = {}
    for row in rows:
        label = row["damage"] if row["damage"] != "none" else f"key {row['key']}"
        cell = f"{float(row['similarity']):.3f}"
        if row["qr"]:
            cell = f"{100 * float(row['qr']):.1f}, {cell}"
        lines.setdefault((row["images_of"], label), {})[row["run"]] = cell
    return markdown(
        ["images of", "key, or damage", *runs],
        [[*labels, *(cells.get(run, "") for run in runs)] for labels, cells in lines.items()],
    )


def keyed_bench_table(rows):
    """What attacks on a watermarked host leave of its task and of its mark."""
    head = ["attack on the host", "level", "task PSNR", "SSIM to before"]
    head += ["QR codes decoded, %", "similarity", "p"]
    return markdown(
        head,
        [
            [
                *(row[key] for key in ("attack", "level")),
                f"{float(row['task_psnr']):.2f}",
                f"{float(row['ssim']):.3f}",
                f"{100 * float(row['qr']):.1f}" if row["qr"] else "",
                f"{float(row['similarity']):.3f}",
                _p_value(row["p_value"]),
            ]
            for row in rows
        ],
    )


def _p_value(text):
    if not text:
        return ""
    return "< 1e-300" if float(text) == 0 else f"{float(text):.1g}"


def _stage(row):
    return {"true": "with", "false": "without"}[row["adversarial_stage"]]


def _beside(row, key, form):
    """Our value, and the paper's in brackets if it has one."""
    paper = row[f"paper_{key}"]
    return f"{float(row[key]):{form}}" + (f" ({paper})" if paper else "")


PROTECTION = {
    "barrier-table1": barrier_hiding_table,
    "barrier-table2": barrier_success_table,
    "barrier-table3": barrier_success_table,
    "barrier-claims": barrier_claims_table,
    "barrier-baselines-barrier-derain": barrier_baseline_table,
    "barrier-task-specific": task_specific_table,
    "keyed-tasks": keyed_task_table,
    "keyed-readings": keyed_reading_table,
    "keyed-bench-keyed-colorize": keyed_bench_table,
    "keyed-bench-keyed-super-resolve": keyed_bench_table,
}
