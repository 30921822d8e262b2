from tfwm.models import redmark

__all__ = ["redmark"]
