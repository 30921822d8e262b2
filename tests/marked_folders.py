"""What lies in folders of marked photos and in the tables beside them."""

import csv


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statuses(rows):
    return {row["file"]: row["status"] for row in rows}
