"""Sub-objectives by the names of their terms."""

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
        weights: by term, as in `{"L_x_hat": 1.0, "D_z_tilde": 0.1}`.
        estimator: function that makes the estimator of a stream's D term, given its name.
        views: layers through which estimators see samples, by space.

    Raises:
        ValueError: for a name that is no term, for a D term without estimators, and for views of other
            spaces than x and z.
    """
    if unknown := set(views or {}) - {"x", "z"}:
        raise ValueError(f"views are of x and z, not of {', '.join(map(repr, sorted(unknown)))}")
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
            raise ValueError(f"a term is L or D and a stream, as in 'L_x_hat', not {term!r}")
    return made
