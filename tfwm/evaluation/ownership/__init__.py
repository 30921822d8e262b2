"""Whether owners of marked models can prove it, and what attackers can do."""
