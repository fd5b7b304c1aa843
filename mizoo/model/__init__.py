"""The container of mappers and sub-objectives, and how it is trained and saved."""

from mizoo.model.stages import Stage
from mizoo.model.terminate_on_nan import NotFiniteError
from mizoo.model.turbo import Turbo

__all__ = ["NotFiniteError", "Stage", "Turbo"]
