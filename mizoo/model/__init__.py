"""The container of mappers and sub-objectives, with training and export."""

from mizoo.model.generative import GenerativeModel
from mizoo.model.precision import dtype_policy
from mizoo.model.stages import Stage
from mizoo.model.terminate_on_nan import NotFiniteError
from mizoo.model.turbo import Turbo

__all__ = ["GenerativeModel", "NotFiniteError", "Stage", "Turbo", "dtype_policy"]
