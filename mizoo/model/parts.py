"""The parts of a `Turbo`."""

from typing import Any

import keras

from mizoo.core.prior import Prior
from mizoo.core.serialisation import unique
from mizoo.core.types import Network, Shape
from mizoo.mappers.base import Mapper
from mizoo.model.stages import Stage
from mizoo.networks.conditioning import joined_shape
from mizoo.objectives.base import Objective
from mizoo.representations.base import Representation


class Parts(keras.Model):
    """Mixin of `Turbo`: its parts, for other mixins and for functions of a model."""

    name: str
    encoder: Mapper | None
    decoder: Mapper | None
    encoder_average: Mapper | None
    decoder_average: Mapper | None
    objectives: list[Objective]
    x_representation: Representation
    z_representation: Representation
    condition: Representation | None
    augmentation: Network | list[Network] | None
    ema_momentum: float | None
    stages: list[Stage]
    critic_optimizer: keras.optimizers.Optimizer
    critic_steps: int
    means: dict[str, keras.metrics.Mean]

    @property
    def representations(self) -> dict[str, Representation]:
        """The representations by space, with that of the condition, "c", if there is one."""
        spaces = {"x": self.x_representation, "z": self.z_representation}
        return spaces if self.condition is None else {**spaces, "c": self.condition}

    def input_shape_of(self, role: str) -> Shape:
        """Shape of the input of a mapper, "encoder" or "decoder": a space, joined with the condition."""
        space = self.x_representation if role == "encoder" else self.z_representation
        return joined_shape(space.shape, None if self.condition is None else self.condition.shape)

    @property
    def mappers(self) -> dict[str, Mapper | None]:
        """The mappers by role."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    @property
    def averages(self) -> dict[str, Mapper | None]:
        """The mappers that samples come from, by role: their averages, if there are any."""
        return {"encoder": self.encoder_average, "decoder": self.decoder_average}

    @property
    def has_prior(self) -> bool:
        """Whether z can be drawn if the data have none."""
        return isinstance(self.z_representation, Prior)

    @property
    def mapper_variables(self) -> list[keras.Variable]:
        """Trainable variables of the mappers, and of a learnt prior."""
        parts = [self.encoder, self.decoder, *self.representations.values()]
        return unique(v for part in parts if part is not None for v in part.trainable_variables)

    @property
    def critic_variables(self) -> list[keras.Variable]:
        """Trainable variables of all critics."""
        return unique(v for objective in self.objectives for v in objective.critic_variables)

    @property
    def metrics(self) -> list[Any]:
        """Means of all terms, which Keras resets between epochs."""
        return list(self.means.values())
