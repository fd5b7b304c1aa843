"""The container: a pair of mappers and a list of sub-objectives."""

from typing import Any

import keras
import tensorflow as tf

from mizoo import compat
from mizoo.core.prior import Prior
from mizoo.core.serialisation import build, deserialize_shared, serialisable, serialize_shared, unique
from mizoo.distribute import collectives
from mizoo.distribute.resume import Resumable
from mizoo.distribute.workers import AcrossReplicas
from mizoo.model.averages import average
from mizoo.model.endpoints import repeat_draws, signatures, write
from mizoo.model.fitting import Fitting
from mizoo.model.information import information
from mizoo.model.inputs import by_space
from mizoo.model.precision import check_layers, check_optimizer
from mizoo.model.rejection import rejection_sample
from mizoo.model.stages import Staged, check
from mizoo.model.train_step import Steps
from mizoo.objectives.streams import LINKS, Streams, link, with_ancestors

_STATISTICS = 20_000  # pairs that the statistics of mappers are taken from
# What `keras.Model.compile` takes beside, and what stands in its place.
_UNUSED = {
    "loss": "the loss is the weighted sum of the sub-objectives",
    "loss_weights": "set_loss_weights() sets the weights of terms",
    "metrics": "every term is logged; add others by a callback",
    "weighted_metrics": "every term is logged; add others by a callback",
    "auto_scale_loss": "losses are not scaled",
}


@serialisable
class Turbo(Fitting, Steps, Resumable, Staged, AcrossReplicas, compat.BuiltAtConstruction, keras.Model):
    """A generative model: an encoder q(z|x), a decoder p(x|z) and what they are trained for.

    Data are dictionaries with `"x"`, `"z"` or both, in physical units; everything between lives in
    the coordinates of the two representations. A space that is missing is drawn from its prior, if its
    representation has one (`Latent`). Only the streams that the sub-objectives ask for are
    computed, and each term is logged under its name in the papers (arXiv 2112.10629, 2311.06527).

    Args:
        encoder, decoder: the mappers; one may be None.
        objectives: the sub-objectives, no two with the same term.
        x_representation, z_representation: of the two spaces.
        augmentation: layer applied to batches in physical units, if any, or list of layers, applied in
            turn; what they do at random they do with `training=True` only.
        ema_momentum: if given, samples come from the exponential moving average of the
            mappers' weights, with this momentum.
        stages: of the training, `Stage`s, if terms or parts change in its course.

    Raises:
        ValueError: if two sub-objectives have the same term, or one needs a missing mapper; if a stage has
            what the model has not; or for a part that computes in float16.
    """

    def __init__(
        self,
        encoder,
        decoder,
        objectives,
        x_representation,
        z_representation,
        augmentation=None,
        ema_momentum=None,
        stages=(),
        **kwargs,
    ):
        super().__init__(**kwargs, autocast=False)  # its parts decide about their precision
        check_layers([self])
        self.dtype_policy = "float32"  # of its own computations; its networks have theirs
        self.encoder = encoder
        self.decoder = decoder
        self.objectives = list(objectives)
        self.x_representation = x_representation
        self.z_representation = z_representation
        self.augmentation = augmentation
        self.ema_momentum = ema_momentum
        self.stages = list(stages)
        self.critic_optimizer = None
        self.critic_steps = 1
        terms = [objective.term for objective in self.objectives]
        if len(set(terms)) < len(terms):
            raise ValueError(f"every term may appear once, got {', '.join(sorted(terms))}")
        self._check_mappers()
        for representation in self.representations.values():
            build(representation, (None, *representation.physical_shape))
        self.encoder_average = self._built(encoder, "x")
        self.decoder_average = self._built(decoder, "z")
        for objective in self.objectives:
            build(objective, (None, *x_representation.shape), (None, *z_representation.shape))
        critics = [o.critic_term for o in self.objectives if o.critic_variables]
        check_layers([self, *compat.all_layers(self)])
        check(self.stages, self)
        self.means = {name: keras.metrics.Mean(name=name) for name in ("loss", *terms, *critics)}
        self.built = True

    def _check_mappers(self):
        for objective in self.objectives:
            for stream in with_ancestors([objective.stream, *objective.draws]):
                if getattr(self, role := link(stream).mapper) is None:
                    raise ValueError(f"{objective.term} needs a mapper that is missing: the {role}")

    def _built(self, mapper, space):
        """Build a mapper; return what samples come from, its average or itself."""
        if mapper is None:
            return None
        shape = (None, *self.representations[space].shape)
        build(mapper, shape)
        return average(mapper, shape) if self.ema_momentum else mapper

    # ---------------------------------------------------------------- configuration

    def get_config(self):
        names = ("encoder", "decoder", "objectives", "x_representation", "z_representation", "augmentation")
        parts = {name: getattr(self, name) for name in (*names, "stages")}
        return {"name": self.name, "ema_momentum": self.ema_momentum, **serialize_shared(parts)}

    @classmethod
    def from_config(cls, config):
        """A model of what `get_config` gave, with new weights."""
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
            optimizer: of the mappers.
            critic_optimizer: of the critics, if there are any.
            critic_steps: updates of the critics for one of the mappers, 1 or more.
            run_eagerly, steps_per_execution, jit_compile: see `keras.Model.compile`.
            kwargs: further arguments of `keras.Model.compile` if they are None; none is used.

        Raises:
            ValueError: for what Keras takes and a `Turbo` has no use for, such as a `loss`; for optimisers
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
        for name in ("optimizer", "critic_optimizer"):
            check_optimizer(getattr(self, name), name)
        self.optimizer.build(self.mapper_variables)
        self.critic_optimizer.build(self.critic_variables)
        for its in (self.optimizer, self.critic_optimizer):
            compat.take_summed_gradients(its)

    def schedule(self, learning_rate, steps, final=0.01):
        """Let both learning rates fall along a cosine, from `learning_rate` to its part `final`."""
        for optimizer in (self.optimizer, self.critic_optimizer):
            optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(
                learning_rate, steps, alpha=final
            )

    def get_compile_config(self):
        return {
            "optimizer": keras.optimizers.serialize(self.optimizer),
            "critic_optimizer": keras.optimizers.serialize(self.critic_optimizer),
            "critic_steps": self.critic_steps,
            "jit_compile": self.jit_compile,
            "steps_per_execution": self._executions,
        }

    def compile_from_config(self, config):
        config = dict(config)
        for key in ("optimizer", "critic_optimizer"):
            config[key] = keras.optimizers.deserialize(config[key])
        self.compile(**config)

    # ---------------------------------------------------------------- what there is

    @property
    def representations(self):
        """The representations by space."""
        return {"x": self.x_representation, "z": self.z_representation}

    @property
    def mappers(self):
        """The mappers by role."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    @property
    def averages(self):
        """What samples come from, by role: the averages of the mappers, if there are any."""
        return {"encoder": self.encoder_average, "decoder": self.decoder_average}

    @property
    def has_prior(self):
        """Whether z can be drawn where the data have none."""
        return isinstance(self.z_representation, Prior)

    @property
    def endpoints(self):
        """What the model can be asked for, of `encode`, `decode`, `reconstruct` and `sample`."""
        return list(signatures(self))

    @property
    def streams(self):
        """Names of the streams that training computes."""
        return with_ancestors(name for objective in self.active for name in objective.draws)

    @property
    def mapper_variables(self):
        """Trainable variables of the mappers, and of a prior that is learnt."""
        parts = [self.encoder, self.decoder, *self.representations.values()]
        return unique(v for part in parts if part is not None for v in part.trainable_variables)

    @property
    def critic_variables(self):
        """Trainable variables of all critics."""
        return unique(v for objective in self.objectives for v in objective.critic_variables)

    @property
    def metrics(self):
        return list(self.means.values())

    def __repr__(self):
        terms = " + ".join(f"{o.weight:g}·{o.term}" for o in self.objectives if o.weight)
        return f"<{self.name}: {terms}>"

    # ---------------------------------------------------------------- use

    def encode(self, x, noise=None, num_samples=None, seed=None):
        """Draw z given x, in physical units: (n, …) to (n, …), or to (n, num_samples, …) given
        `num_samples`.

        `noise`, standard normal numbers of `noise_shape` for each draw, is drawn if not given, and repeated
        by `seed`, a whole number.
        """
        with collectives.seed_scope(seed):
            return repeat_draws(lambda x: self._map("z_tilde", x, noise), x, num_samples)

    def decode(self, z, noise=None, num_samples=None, seed=None):
        """Draw x given z, in physical units: (n, …) to (n, …), or to (n, num_samples, …) given
        `num_samples`.

        `noise`, standard normal numbers of `noise_shape` for each draw, is drawn if not given, and repeated
        by `seed`, a whole number.
        """
        with collectives.seed_scope(seed):
            return repeat_draws(lambda z: self._map("x_tilde", z, noise), z, num_samples)

    def reconstruct(self, x=None, seed=None, z=None):
        """Draw x again by way of z, or z by way of x; by way of the latent space, if the mappers share one.

        Raises:
            ValueError: if the model has no cycle, or not one of x and z is given.
        """
        if None in self.averages.values():
            raise ValueError(f"{self.name} has no cycle: one of its mappers is missing")
        if (x is None) == (z is None):
            raise ValueError("reconstruct takes either x or z")
        data, stream = ({"x": x}, "x_hat") if z is None else ({"z": z}, "z_hat")
        with collectives.seed_scope(seed):
            return self._streams(data).physical(stream)

    def noise_shape(self, role):
        """Shape of the noise per event, for `encode` ("encoder") or `decode` ("decoder"); None if none."""
        representation = self.x_representation if role == "encoder" else self.z_representation
        count, shape = representation.assignment_noise, self.mappers[role].noise_shape(representation.shape)
        shape = (count + shape[0], *shape[1:]) if shape else (count,) if count else None
        return shape if representation.max_attempts == 1 else (representation.max_attempts, *shape)

    def latents(self, data):
        """Where events lie in the latent space that the mappers share, (n, d) by space."""
        streams, there = self._streams(data), {"x": "z_tilde", "z": "x_tilde"}
        return {space: streams.distribution(there[space]).latent for space in data}

    def sample(self, count, seed=None):
        """Draw `count` new x from the prior of z, in physical units.

        Raises:
            ValueError: if the model has no prior or no decoder.
        """
        if not self.has_prior:
            raise ValueError(f"{self.name} has no prior to draw z from; decode(z) draws x given z")
        with collectives.seed_scope(seed):
            return self.decode(self.z_representation.sample(count))

    def information(self, data, **kwargs):
        """What the terms say of mutual information, in nats: see `mizoo.model.information.information`."""
        return information(self, data, **kwargs)

    def call(self, data, training=None):
        """The streams that can be made from `data`, a dictionary with "x", "z" or both; an array is x."""
        data = by_space(data)
        streams, there = self._streams(data), {*data, *(["z"] if self.has_prior else [])}
        for name, (role, condition, _) in LINKS.items():
            if condition in there and self.averages[role] is not None:
                there.add(name)
        if not (made := [name for name in LINKS if name in there]):
            raise ValueError(f"{self.name} makes nothing from {', '.join(data)}: a mapper is missing")
        return {name: streams.physical(name) for name in made}

    def _streams(self, data):
        batch = {space: self._coordinates(space, values) for space, values in data.items()}
        return Streams(self.averages, batch, self.representations, training=False)

    def _map(self, stream, data, noise):
        role, source, target = LINKS[stream]
        mapper, representation = self.averages[role], self.representations[source]
        if mapper is None:
            raise ValueError(f"{self.name} has no mapper from {source} to {target}")

        def draw(events, noise):
            first, rest = None, None
            if noise is not None:
                first, rest = tf.split(noise, [representation.assignment_noise, -1], axis=1)
            assigned = representation.assign(events, first)
            drawn = mapper(representation(assigned), noise=rest)
            return assigned, self.representations[target].inverse(drawn)

        data = self._checked(source, data)
        if noise is not None:
            noise = self._checked_noise(role, noise, data.shape[0])
        if representation.max_attempts == 1:
            return draw(data, noise)[1]
        if noise is None:
            noise = collectives.normal((tf.shape(data)[0], *self.noise_shape(role)), mapper.seed_generator)
        return rejection_sample(
            representation.accept, draw, data, noise, self.representations[target].physical_shape
        )

    def _coordinates(self, space, data):
        """Coordinates of data from outside."""
        representation = self.representations[space]
        return representation(representation.assign(self._checked(space, data)))

    def _checked(self, space, data):
        return _of_shape(space, data, self.representations[space].physical_shape)

    def _checked_noise(self, role, noise, count):
        shape = self.noise_shape(role)
        if shape is None:
            raise ValueError(f"the {role} of {self.name} takes no noise")
        return _of_shape("noise", noise, shape, count)

    def export(self, filepath, **kwargs):
        """Write a SavedModel that works in physical units: see `mizoo.model.endpoints.write`."""
        write(self, filepath, **kwargs)

    # ---------------------------------------------------------------- training

    def adapt(self, data):
        """Set the statistics of representations and mappers that have none yet, from arrays x and z.

        Args:
            data: `Samples`, or a dictionary of arrays by space; mappers between the two need pairs.

        Raises:
            ValueError: if the data have not what is needed.
        """
        arrays = data.arrays() if hasattr(data, "arrays") else data
        for space, representation in self.representations.items():
            if not representation.is_adapted:
                if (array := arrays.get(space)) is None:
                    raise ValueError(
                        f"the statistics of {space} are not known: call adapt() with arrays first"
                    )
                representation.adapt(array)
        for role, source, target in (("encoder", "x", "z"), ("decoder", "z", "x")):
            mapper = self.mappers[role]
            if mapper is None or mapper.is_adapted:
                continue
            if not {"x", "z"} <= set(arrays) or len(arrays["x"]) != len(arrays["z"]):
                raise ValueError(f"the {role} takes statistics from pairs: call adapt() with x and z first")
            pairs = self._batch(
                {space: array[:_STATISTICS] for space, array in arrays.items()}, training=False
            )
            for one in unique([mapper, self.averages[role]]):
                one.adapt(pairs[source], pairs[target])


def _of_shape(name, values, shape, count=None):
    """Values (n, *shape) as a tensor, of `count` events if that is known."""
    values = tf.convert_to_tensor(values)
    if tuple(values.shape[1:]) != shape or not values.shape[:1].is_compatible_with([count]):
        expected = ", ".join(map(str, ("n" if count is None else count, *shape)))
        raise ValueError(f"{name} must have shape ({expected}), got {tuple(values.shape)}")
    return values
