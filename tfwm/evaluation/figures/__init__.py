"""The figures of the papers: what there is, and how to draw each.

The table below names figures without importing the modules that draw them, so that
`tfwm figures --help` does not start TensorFlow.
"""

import dataclasses
import importlib
import inspect

from tfwm.checks import by_name


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure that can be drawn from networks, training runs or barriers.

    Args:
        name: name of the figure and of its file. The function `figure_6` of the module `redmark`
            of this folder draws `redmark-fig6`.
        what: what it shows, in a few words.
        takes: `"networks"`, a dict of networks by name; `"runs"`, folders of training runs;
            `"barriers"`, names or folders of barriers, or folders of runs of their recipe.
        matched: if True, it can compare networks at one image quality.
    """

    name: str
    what: str
    takes: str
    matched: bool = False

    @property
    def function(self):
        """The function that draws it."""
        module, _, number = self.name.partition("-")
        function = number.replace("fig", "figure_").replace("table", "table_")
        return getattr(importlib.import_module(f"{__name__}.{module}"), function)

    def __call__(self, things, images=None, output="results", match=None):
        """Draws the figure.

        Args:
            things: what the figure takes. Networks may also be a list of networks with a `name`.
            images: folder, `"bundled:SPLIT"`, list of uint8 arrays, or `Photos`.
            output: folder, or file that ends in .png, .svg or .pdf.
            match: `"psnr=DB"` and the like, see `tfwm.evaluation.evaluate`.

        Returns:
            `pathlib.Path` of the picture.
        """
        from tfwm.images.drawing import save_figure

        if match is not None and not self.matched:
            raise ValueError(
                f"Expected match with {', '.join(_MATCHED)} only. Received: {self.name}"
            )
        if self.takes == "networks":
            things = by_name(things, "network")
        known = inspect.signature(self.function).parameters
        given = {"images": images, "match": match}
        given = {key: value for key, value in given.items() if key in known}
        return save_figure(self.function(things, **given), output, self.name)


_WHAT = {
    "networks": {
        "redmark-fig6": "PSNR and SSIM against strength",
        "redmark-fig7": "marked photo and its difference, enlarged",
        "redmark-fig8": "nine distortions of one photo",
        "redmark-fig9": "how a bit at a patch's corner spreads",
        "redmark-fig10": "where a bit's energy lies",
        "mbrs-table3": "bit error rate against PSNR, for JPEG of five qualities",
        "mbrs-fig4": "cover, marked photo and residual",
        "mbrs-fig6": "where a single bit lies",
        "stegastamp-fig1": "bit accuracy against brightness, contrast and saturation",
        "stegastamp-fig2": "bit accuracies after changes of style",
        "stegastamp-fig3": "bit accuracy against widths of cropping and of a frame",
    },
    "runs": {
        "stegastamp-fig4": "accuracy and loss over the steps, by normalization",
        "stegastamp-fig5": "gradients over the steps, by normalization",
        "stegastamp-fig6": "ratios of the losses' weights over the steps",
    },
    "barriers": {
        "barrier-fig4": "image, marked image, residual and what is read, of barriers",
        "barrier-fig5": "what is read from unmarked images, with the clean loss or not",
        "barrier-fig6": "what is read from a surrogate's output, with the consistency loss or not",
    },
}
_MATCHED = ("stegastamp-fig1", "stegastamp-fig2", "stegastamp-fig3")
FIGURES = {
    name: Figure(name, what, takes, name in _MATCHED)
    for takes, figures in _WHAT.items()
    for name, what in figures.items()
}
