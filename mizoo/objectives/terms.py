"""Sub-objectives from the names of their terms."""

from collections.abc import Callable, Mapping

from mizoo.core.types import Network
from mizoo.objectives.base import Objective
from mizoo.objectives.divergence import Divergence
from mizoo.objectives.estimators import Estimator
from mizoo.objectives.likelihood import Likelihood
from mizoo.objectives.streams import link


def terms(
    weights: Mapping[str, float],
    estimator: Callable[[str], Estimator] | None = None,
    views: Mapping[str, Network] | None = None,
) -> list[Objective]:
    """The L and D terms of a model, one for each weight.

    Args:
        weights: weights by term, such as `{"L_x_hat": 1.0, "D_z_tilde": 0.1}`.
        estimator: function from the name of a stream to the estimator of its D term.
        views: layers applied to samples before the estimators, by space.

    Raises:
        ValueError: for an unknown term, for a D term without `estimator`, and for views of spaces other
            than x and z.
    """
    if unknown := set(views or {}) - {"x", "z"}:
        raise ValueError(f"views must be of x or z, not of {', '.join(map(repr, sorted(unknown)))}")
    made = []
    for term, weight in weights.items():
        letter, _, stream = term.partition("_")
        if letter == "L":
            made.append(Likelihood(stream, weight))
        elif letter == "D":
            if estimator is None:
                raise ValueError(f"{term} needs an estimator")
            view = (views or {}).get(link(stream).target)
            made.append(Divergence(stream, estimator(stream), weight, view=view))
        else:
            raise ValueError(f"a term must be L or D and a stream, such as 'L_x_hat', not {term!r}")
    return made
