"""Writes tfwm/networks/shipped.json: size and SHA-256 of the files of all shipped networks.

    python tools/shipped.py
    python tools/shipped.py --check

tfwm loads a network that comes with it only if its files are these. `--check` writes nothing, and
names the networks that differ (exit code 1).
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tfwm.files import write_whole  # noqa: E402
from tfwm.networks.manifest import SHIPPED, shipped_entries  # noqa: E402

TARGET = ROOT / "tfwm" / "networks" / SHIPPED


def main(arguments=None):
    """Writes or checks the file; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    options = parser.parse_args(arguments)
    networks = entries()
    if not options.check:
        write_whole(TARGET, json.dumps(networks, indent=1) + "\n")
        return 0
    pinned = json.loads(TARGET.read_text(encoding="utf-8"))
    different = sorted(n for n in {*networks, *pinned} if networks.get(n) != pinned.get(n))
    for name in different:
        print(f"{name}: its files are not those in {TARGET.name}; run python tools/shipped.py")
    return int(bool(different))


def entries(root=ROOT / "saved_models"):
    """Returns `{network: {file: {"size", "sha256"}}}` as the manifests in `root` list them."""
    folders = sorted(path.parent for path in root.glob("*/manifest.json"))
    return {folder.name: shipped_entries(folder) for folder in folders}


if __name__ == "__main__":
    sys.exit(main())
