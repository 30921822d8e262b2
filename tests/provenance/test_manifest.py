"""What a manifest says."""

import pytest

from tfwm.provenance import Claims
from tfwm.provenance.manifest import ACTIONS, PARENT, definition
from tfwm.provenance.source_types import BASE


@pytest.mark.parametrize("written", ["digitalCapture", BASE + "digitalCapture"])
@pytest.mark.parametrize("parent, edited", [("digitalCapture", False), ("print", True)])
def test_a_source_type_is_that_of_the_parent_however_it_is_written(written, parent, edited):
    content = definition([], Claims(written), [(PARENT, "a", parent)], "image/png")
    (actions,) = [a["data"]["actions"] for a in content["assertions"] if a["label"] == ACTIONS]
    assert ("c2pa.edited" in [action["action"] for action in actions]) == edited
