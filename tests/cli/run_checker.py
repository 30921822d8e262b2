"""The command `tfwm` in a process of its own, with the network without training."""

import os
import runpy
import sys
from pathlib import Path

import tfwm.cli
import tfwm.cli.options
import tfwm.networks.lazy
import tfwm.watermarker

CHECKER = Path(__file__).with_name("checker_network.py")

if __name__ == "__main__":
    make = runpy.run_path(str(CHECKER))["CheckerNetwork"]
    network = make(seconds=float(os.environ.get("CHECKER_SECONDS", "0")))
    tfwm.watermarker.load = lambda *_: tfwm.watermarker.Watermarker(network)
    tfwm.networks.lazy.lazy_network = lambda *_: network
    tfwm.cli.options.start_for = lambda *_: None
    sys.exit(tfwm.cli.main())
