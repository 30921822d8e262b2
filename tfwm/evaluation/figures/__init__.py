"""The papers' figures, for any networks, photos and training runs."""
