"""The container: a pair of mappers and a list of sub-objectives."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Self

import keras
import pandas as pd
import tensorflow as tf

from mizoo import compat
from mizoo.core.prior import Prior
from mizoo.core.serialisation import build, deserialize_shared, serialisable, serialize_shared
from mizoo.core.types import Array, Batch, BatchShape, Config, Network, Shape, Tensor
from mizoo.datasets.samples import Samples
from mizoo.distribute import collectives
from mizoo.mappers.base import Mapper
from mizoo.mappers.transcoder import Transcoder
from mizoo.model.averages import average
from mizoo.model.codes import Codes
from mizoo.model.endpoints import scores, signatures, write
from mizoo.model.fitting import Fitting
from mizoo.model.information import information
from mizoo.model.inputs import (
    by_space,
    check_condition,
    coordinates,
    of_shape,
    takes_condition,
    with_condition,
)
from mizoo.model.precision import check_layers, check_optimizer
from mizoo.model.rejection import rejection_sample
from mizoo.model.scores import Scores
from mizoo.model.staged import check
from mizoo.model.stages import Stage
from mizoo.model.tensors import TensorModel
from mizoo.model.train_step import Steps
from mizoo.networks.conditioning import joined
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import LINKS, Streams, link, with_ancestors
from mizoo.physics.process import Process
from mizoo.representations.base import Representation

# Arguments of `keras.Model.compile` that are not used, and what replaces them.
_UNUSED = {
    "loss": "the loss is the weighted sum of the sub-objectives",
    "loss_weights": "set_loss_weights() sets the weights of terms",
    "metrics": "every term is logged; add others by a callback",
    "weighted_metrics": "every term is logged; add others by a callback",
    "auto_scale_loss": "losses are not scaled",
}


@serialisable
class Turbo(Codes, Scores, Fitting, Steps, compat.BuiltAtConstruction, TensorModel, keras.Model):
    """A generative model: an encoder q(z|x), a decoder p(x|z) and their sub-objectives.

    Data are dictionaries with `"x"`, `"z"` or both, in physical units. All computations use the coordinates
    of the two representations. A missing space is drawn from its prior, if its representation has one
    (`Latent`). Only the streams that the sub-objectives need are computed. Each term is logged under its
    name in the papers (arXiv 2112.10629, 2311.06527).

    Args:
        encoder, decoder: mappers; one may be None.
        objectives: sub-objectives, no two with the same term.
        x_representation, z_representation: representations of the two spaces.
        augmentation: layer applied to batches in physical units, if any, or list of layers, applied in
            turn. Random ones act with `training=True` only.
        ema_momentum: momentum of the exponential moving average of the mappers' weights that samples come
            from; None for no average.
        stages: stages of the training, `Stage` objects, if terms or parts change in its course.
        condition: representation of a condition c of all events, if any: data have a third array `"c"`,
            which is joined with the inputs of all mappers and estimators, see `mizoo.networks.joined`.

    Raises:
        ValueError: if two sub-objectives have the same term, or one needs a missing mapper; if a stage has
            a term or part that the model does not have; or for a part that computes in float16.
    """

    def __init__(
        self,
        encoder: Mapper | None,
        decoder: Mapper | None,
        objectives: Iterable[Objective],
        x_representation: Representation,
        z_representation: Representation,
        augmentation: Network | Sequence[Network] | None = None,
        ema_momentum: float | None = None,
        stages: Sequence[Stage] = (),
        condition: Representation | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)  # its parts set their own precision
        check_layers([self])
        self.dtype_policy = "float32"  # of its own computations; its networks have their own
        self.encoder = encoder
        self.decoder = decoder
        self.objectives = list(objectives)
        self.x_representation = x_representation
        self.z_representation = z_representation
        self.augmentation = augmentation
        self.ema_momentum = ema_momentum
        self.stages = list(stages)
        self.condition = condition
        self.critic_optimizer = None
        self.critic_steps = 1
        terms = [objective.term for objective in self.objectives]
        if len(set(terms)) < len(terms):
            raise ValueError(f"every term may appear once, got {', '.join(sorted(terms))}")
        self._check_mappers()
        for representation in self.representations.values():
            build(representation, (None, *representation.physical_shape))
        self.encoder_average = self._built("encoder")
        self.decoder_average = self._built("decoder")
        shapes: list[BatchShape] = [(None, *r.shape) for r in self.representations.values()]
        for objective in self.objectives:
            build(objective, *shapes)
        critics = [o.critic_term for o in self.objectives if o.critic_variables]
        check_layers([self, *compat.all_layers(self)])
        check(self.stages, self)
        self.means = {name: keras.metrics.Mean(name=name) for name in ("loss", *terms, *critics)}
        self.built = True

    def _check_mappers(self) -> None:
        for objective in self.objectives:
            for stream in with_ancestors([objective.stream, *objective.draws]):
                if self.mappers[role := link(stream).mapper] is None:
                    raise ValueError(f"{objective.term} needs a mapper that is missing: the {role}")

    def _built(self, role: str) -> Mapper | None:
        """Build a mapper; return the mapper that samples come from, its average or itself."""
        if (mapper := self.mappers[role]) is None:
            return None
        if self.condition is not None and not takes_condition(mapper):
            raise ValueError(
                f"{self.name} takes no condition: its {role} is {mapper.kind}, with a fixed input"
            )
        shape: BatchShape = (None, *self.input_shape_of(role))
        build(mapper, shape)
        return average(mapper, shape) if self.ema_momentum else mapper

    # ---------------------------------------------------------------- configuration

    def get_config(self) -> Config:
        parts = {
            # First, as `keras.Sequential` copies configurations: it recognises an object that other parts
            # share only if that occurs outside of it before.
            "x_representation": self.x_representation,
            "z_representation": self.z_representation,
            "encoder": self.encoder,
            "decoder": self.decoder,
            "objectives": self.objectives,
            "augmentation": self.augmentation,
            "stages": self.stages,
            **({} if self.condition is None else {"condition": self.condition}),
        }
        return {"name": self.name, "ema_momentum": self.ema_momentum, **serialize_shared(parts)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A model from its configuration, with new weights."""
        return cls(**deserialize_shared(config))

    def compile(
        self,
        optimizer: Any = "adam",
        critic_optimizer: Any = "adam",
        critic_steps: int = 1,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Configure training.

        Args:
            optimizer: optimiser of the mappers.
            critic_optimizer: optimiser of the critics, if there are any.
            critic_steps: updates of the critics per update of the mappers, 1 or more.
            run_eagerly, steps_per_execution, jit_compile: see `keras.Model.compile`.
            kwargs: further arguments of `keras.Model.compile`, which must be None.

        Raises:
            ValueError: for arguments of Keras that a `Turbo` does not use, such as a `loss`; for optimisers
                that need a scaled loss or keep averages; or for a part that computes in float16.
        """
        for name, value in kwargs.items():
            if name in _UNUSED and value is not None:
                raise ValueError(f"{name} is not used: {_UNUSED[name]}")
            if name not in _UNUSED:
                raise TypeError(f"compile() got an unexpected argument {name!r}")
        if not isinstance(critic_steps, int) or critic_steps < 1:
            raise ValueError(f"critic_steps must be a whole number of 1 or more, got {critic_steps!r}")
        check_layers([self, *compat.all_layers(self)])
        super().compile(
            optimizer=optimizer, run_eagerly=run_eagerly, steps_per_execution=steps_per_execution,
            jit_compile=jit_compile, auto_scale_loss=False,
        )  # fmt: skip
        self._executions = steps_per_execution
        self.critic_optimizer = keras.optimizers.get(critic_optimizer)
        self.critic_steps = critic_steps
        check_optimizer(self.optimizer, "optimizer")
        check_optimizer(self.critic_optimizer, "critic_optimizer")
        self.optimizer.build(self.mapper_variables)
        self.critic_optimizer.build(self.critic_variables)
        for its in (self.optimizer, self.critic_optimizer):
            compat.take_summed_gradients(its)

    def schedule(self, learning_rate: float, steps: int, final: float = 0.01) -> None:
        """Set a cosine decay of both learning rates, from `learning_rate` to its fraction `final`."""
        for optimizer in (self.optimizer, self.critic_optimizer):
            optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
                learning_rate, steps, alpha=final
            )

    def get_compile_config(self) -> Config:
        return {
            "optimizer": keras.optimizers.serialize(self.optimizer),
            "critic_optimizer": keras.optimizers.serialize(self.critic_optimizer),
            "critic_steps": self.critic_steps,
            "jit_compile": self.jit_compile,
            "steps_per_execution": self._executions,
        }

    def compile_from_config(self, config: Config) -> None:
        config = dict(config)
        for key in ("optimizer", "critic_optimizer"):
            config[key] = keras.optimizers.deserialize(config[key])
        self.compile(**config)

    # ---------------------------------------------------------------- properties

    @property
    def endpoints(self) -> list[str]:
        """The supported ones of `encode`, `decode`, `reconstruct` and `sample`."""
        return list(signatures(self))

    @property
    def shapes(self) -> dict[str, list[int]]:
        """Shapes of one event by space, in physical units."""
        return {space: list(r.physical_shape) for space, r in self.representations.items()}

    @property
    def process(self) -> Process | None:
        """The process whose events the model takes, as its representations have it; None without one."""
        found = [r.process_of_events for r in self.representations.values()]
        return next((process for process in found if process is not None), None)

    @property
    def streams(self) -> list[str]:
        """Names of the streams that training computes."""
        return with_ancestors(name for objective in self.active for name in objective.draws)

    def __repr__(self) -> str:
        terms = " + ".join(f"{o.weight:g}·{o.term}" for o in self.objectives if o.weight)
        return f"<{self.name}: {terms}>"

    # ---------------------------------------------------------------- use

    def noise_shape(self, role: str) -> Shape | None:
        """Shape of the noise per event, for `encode` ("encoder") or `decode` ("decoder"); None if none.

        Raises:
            ValueError: if the mapper is missing.
        """
        mapper = self.mappers[role]
        if mapper is None:
            raise ValueError(f"{self.name} has no {role}")
        representation = self.x_representation if role == "encoder" else self.z_representation
        count, shape = representation.assignment_noise, mapper.noise_shape(self.input_shape_of(role))
        shape = (count + shape[0], *shape[1:]) if shape else (count,) if count else None
        if shape is None or representation.max_attempts == 1:
            return shape
        return (representation.max_attempts, *shape)

    def decode_latent(
        self, latent: Array, to: str, source: str | None = None, seed: int | None = None
    ) -> Tensor:
        """Draw x or z, in physical units, from latents (n, d), as returned by `latents`.

        After `latents`, this transcodes or reconstructs: `decode(z)` draws like
        `decode_latent(latents({"z": z})["z"], to="x", source="z")`.

        Args:
            latent: latents (n, d).
            to: space to draw in, `"x"` or `"z"`.
            source: space that the latents come from; by default `to`, for a reconstruction.
            seed: seed of the draws.

        Raises:
            ValueError: for other spaces, or if a mapper needs more of an event than its latent.
        """
        for space in (to, source or to):
            if space not in ("x", "z"):
                raise ValueError(f"space must be 'x' or 'z', not {space!r}")
        mapper = self.averages["decoder" if to == "x" else "encoder"]
        if not isinstance(mapper, Transcoder):
            raise ValueError(f"{self.name} needs more than a latent to draw {to}: encode or decode events")
        with collectives.seed_scope(seed):
            latent = tf.convert_to_tensor(latent, tf.float32)
            drawn = mapper.decode(latent, crosses=source not in (None, to)).sample()
            return self.representations[to].inverse(drawn)

    def information(self, data: Samples | Mapping[str, Array], **kwargs: Any) -> pd.DataFrame:
        """Bounds on and estimates of mutual information: see `mizoo.model.information.information`."""
        return information(self, data, **kwargs)

    def call(self, data: Array | Mapping[str, Array], training: bool | None = None) -> Batch:
        """The streams that can be made from `data`, a dictionary with "x", "z" or both; an array is x."""
        data = by_space(data)
        check_condition(self, data)
        streams, there = self._streams(data), {*data, *(["z"] if self.has_prior else [])}
        for name, (role, condition, _) in LINKS.items():
            if condition in there and self.averages[role] is not None:
                there.add(name)
        if not (made := [name for name in LINKS if name in there]):
            raise ValueError(f"{self.name} makes nothing from {', '.join(data)}: a mapper is missing")
        return {name: streams.physical(name) for name in made}

    def _streams(self, data: Mapping[str, Array]) -> Streams:
        batch = {space: coordinates(self, space, values) for space, values in data.items()}
        return Streams(self.averages, batch, self.representations, training=False)

    def _reconstruct(self, space: str, events: Array, seed: int | None, condition: Array | None) -> Tensor:
        with collectives.seed_scope(seed):
            data = with_condition(self, {space: events}, condition)
            return self._streams(data).physical(f"{space}_hat")

    def _sample(self, count: int | Tensor, seed: int | None, condition: Array | None) -> Tensor:
        prior = self.z_representation
        assert isinstance(prior, Prior)  # else `sample` is not an endpoint
        with collectives.seed_scope(seed):
            return self.decode(prior.sample(count), condition=condition)

    def _map(
        self, endpoint: str, events: Array, noise: Array | None, seed: int | None, condition: Array | None
    ) -> Tensor:
        stream = "z_tilde" if endpoint == "encode" else "x_tilde"
        with collectives.seed_scope(seed):
            return self._drawn(stream, events, noise, condition)

    def _drawn(self, stream: str, data: Array, noise: Array | None, condition: Array | None) -> Tensor:
        role, source, target = LINKS[stream]
        mapper, representation = self.averages[role], self.representations[source]
        assert mapper is not None  # else there is no such endpoint

        def draw(events: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
            first, rest = None, None
            if noise is not None:
                first, rest = tf.split(noise, [representation.assignment_noise, -1], axis=1)
            assigned = representation.assign(events, first)
            drawn = mapper(joined(representation(assigned), given), noise=rest)
            return assigned, self.representations[target].inverse(drawn)

        data = of_shape(source, data, representation.physical_shape)
        whole = with_condition(self, {source: data}, condition)
        given = coordinates(self, "c", whole["c"]) if "c" in whole else None
        shape = self.noise_shape(role)
        if noise is not None:
            if shape is None:
                raise ValueError(f"the {role} of {self.name} takes no noise")
            noise = of_shape("noise", noise, shape, data.shape[0])
        if representation.max_attempts == 1:
            return draw(data, noise)[1]
        if noise is None:
            noise = collectives.normal((tf.shape(data)[0], *(shape or ())), mapper.seed_generator)
        return rejection_sample(
            representation.accept, draw, data, noise, self.representations[target].physical_shape
        )

    def export(self, filepath: str | PathLike[str], **kwargs: Any) -> None:
        """Write a SavedModel that works in physical units: see `mizoo.model.endpoints.write`."""
        write(self, {**signatures(self), **scores(self)}, filepath, **kwargs)
