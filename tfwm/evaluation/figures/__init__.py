"""The figures of the papers: what there is, and how to draw each.

The table below names functions without importing them, so that `tfwm figures --help` does not
start TensorFlow.
"""

import dataclasses
import importlib
import inspect


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure that can be drawn from networks, training runs or barriers.

    Args:
        name: name of the figure and of its file.
        what: what it shows, in a few words.
        takes: `"networks"`, a dict of networks by name; `"runs"`, folders of training runs;
            `"barriers"`, names or folders of barriers, or folders of runs of their recipe.
        function: `module:function` below `tfwm.evaluation.figures`.
        matched: if True, it can compare networks at one image quality.
    """

    name: str
    what: str
    takes: str
    function: str
    matched: bool = False

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
        if match is not None and not self.matched:
            matched = ", ".join(figure.name for figure in FIGURES.values() if figure.matched)
            raise ValueError(f"Expected match with {matched} only. Received: {self.name}")
        module, _, function = self.function.partition(":")
        draw = getattr(importlib.import_module(f"{__name__}.{module}"), function)
        given = {"images": images, "match": match}
        known = inspect.signature(draw).parameters
        given = {key: value for key, value in given.items() if key in known}
        return draw(things, output=output, **given)


def _figures(takes, module, matched=False, **figures):
    return {
        name: Figure(name, what, takes, f"{module}:{function}", matched)
        for function, (name, what) in figures.items()
    }


FIGURES = {
    **_figures(
        "networks",
        "redmark",
        figure_6=("redmark-fig6", "PSNR and SSIM against strength"),
        figure_7=("redmark-fig7", "marked photo and its difference, enlarged"),
        figure_8=("redmark-fig8", "nine distortions of one photo"),
        figure_9=("redmark-fig9", "how a bit at a patch's corner spreads"),
        figure_10=("redmark-fig10", "where a bit's energy lies"),
    ),
    **_figures(
        "networks",
        "mbrs",
        table_3=("mbrs-table3", "bit error rate against PSNR, for JPEG of five qualities"),
        figure_4=("mbrs-fig4", "cover, marked photo and residual"),
        figure_6=("mbrs-fig6", "where a single bit lies"),
    ),
    **_figures(
        "networks",
        "stegastamp",
        matched=True,
        figure_1=("stegastamp-fig1", "bit accuracy against brightness, contrast and saturation"),
        figure_2=("stegastamp-fig2", "bit accuracies after changes of style"),
        figure_3=("stegastamp-fig3", "bit accuracy against widths of cropping and of a frame"),
    ),
    **_figures(
        "runs",
        "training",
        figure_4=("stegastamp-fig4", "accuracy and loss over the steps, by normalization"),
        figure_5=("stegastamp-fig5", "gradients over the steps, by normalization"),
        figure_6=("stegastamp-fig6", "ratios of the losses' weights over the steps"),
    ),
    **_figures(
        "barriers",
        "barrier",
        figure_4=("barrier-fig4", "image, marked image, residual and what is read, of barriers"),
        figure_5=("barrier-fig5", "what is read from unmarked images, with the clean loss or not"),
        figure_6=(
            "barrier-fig6",
            "what is read from a surrogate's output, with the consistency loss or not",
        ),
    ),
}
