from .efficiency import Efficiency as Efficiency
from .generative import GenerativeModel as GenerativeModel
from .precision import dtype_policy as dtype_policy
from .stages import Stage as Stage
from .terminate_on_nan import NotFiniteError as NotFiniteError
from .turbo import Turbo as Turbo
