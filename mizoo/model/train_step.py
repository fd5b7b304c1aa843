"""Steps of the container: training, evaluation and prediction on one batch."""

import math
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.types import Batch, Tensor
from mizoo.distribute import collectives
from mizoo.distribute.train_function import Logs
from mizoo.model.averages import update_average
from mizoo.model.inputs import by_shape, by_space
from mizoo.model.staged import Staged
from mizoo.model.terminate_on_nan import step
from mizoo.objectives.streams import Streams


class Steps(Staged):
    """Mixin of `Turbo`: steps of training and of evaluation."""

    def train_step(self, data: Any) -> Logs:
        if not self.active:
            raise ValueError(f"{self.name} has nothing to train: all terms have the weight 0")
        self.announce("training")
        batch = self._batch(data, training=True)
        # The losses are means over this replica's events.
        fraction = collectives.fraction(next(iter(batch.values())))
        for _ in range(self.critic_steps - 1):
            self._train_critics(Streams(self.mappers, batch, self.representations, training=True), fraction)
        with tf.GradientTape() as tape:
            streams = Streams(self.mappers, batch, self.representations, training=True)
            for objective in self.active:
                if objective.critic_variables:
                    for name in objective.draws:
                        _ = streams[name]  # drawn here, so that critics and mappers share the draws
            with tape.stop_recording():
                self._train_critics(streams, fraction)
            loss = self._evaluate(streams) + _penalties(self.encoder, self.decoder)
        self._step(self.optimizer, self.mapper_variables, tape, loss, fraction)
        self._update_averages()
        return self.get_metrics_result()

    def test_step(self, data: Any) -> Logs:
        self.announce("evaluation")
        streams = Streams(
            self.averages, self._batch(data, training=False), self.representations, training=False
        )
        self._evaluate(streams)
        for objective in self.active:
            if objective.critic_variables:
                self._note(objective.critic_term, objective.critic_loss(streams), streams)
        return self.get_metrics_result()

    def get_metrics_result(self) -> Logs:
        logged = {"loss", *(o.term for o in self.active)}
        logged |= {o.critic_term for o in self.active if o.critic_variables}
        return {name: metric.result() for name, metric in self.means.items() if name in logged}

    def predict_step(self, data: Any) -> Batch:
        x, z, _ = keras.utils.unpack_x_y_sample_weight(data)
        streams: Batch = self(by_space(x, z), training=False)
        return streams

    def _batch(self, data: Any, training: bool) -> Batch:
        batch = self._augmented(by_shape(self, data), training)
        return {space: self.representations[space](values) for space, values in batch.items()}

    def _augmented(self, batch: Batch, training: bool = False) -> Batch:
        for layer in keras.tree.flatten(self.augmentation or []):
            batch = layer(batch, training=training)
        return batch

    def _evaluate(self, streams: Streams) -> Tensor:
        """Weighted sum of the active terms, each recorded in its metric."""
        total = 0.0
        for objective in self.active:
            value = tf.cast(objective.loss(streams), tf.float32)
            self._note(objective.term, value, streams)
            total += self.weight(objective) * value
        self._note("loss", total, streams)
        return total

    def _note(self, name: str, value: Tensor, streams: Streams) -> None:
        """Add the mean over a batch to the mean over all events."""
        size = tf.cast(streams.size, tf.float32)  # 0 where there are fewer events than replicas
        self.means[name].update_state(tf.where(size > 0.0, value, 0.0), sample_weight=size)

    def _train_critics(self, streams: Streams, fraction: Tensor) -> None:
        losses = []
        with tf.GradientTape() as tape:
            for objective in self.active:
                if objective.critic_variables:
                    value = tf.cast(objective.critic_loss(streams), tf.float32)
                    self._note(objective.critic_term, value, streams)
                    losses.append(value)
            total = sum(losses) + _penalties(*(o for o in self.active if o.critic_variables))
        if losses:
            self._step(self.critic_optimizer, self.critic_variables, tape, total, fraction)

    def _step(
        self,
        optimizer: keras.optimizers.Optimizer,
        variables: list[keras.Variable],
        tape: tf.GradientTape,
        loss: Tensor,
        fraction: Tensor,
    ) -> None:
        gradients = tape.gradient(loss, variables, output_gradients=tf.cast(fraction, loss.dtype))
        finite = step(optimizer, variables, gradients)
        # Tells `StopWhereNotFinite` where every term is finite but its gradient is not.
        poison = tf.where(finite, 0.0, math.nan)
        self.means["loss"].update_state(poison, sample_weight=tf.where(finite, 0.0, 1.0))

    def _update_averages(self) -> None:
        if not self.ema_momentum:
            return
        for role, mapper in self.mappers.items():
            average = self.averages[role]
            if mapper is not None and average is not None:
                update_average(average, mapper, self.ema_momentum, self.optimizer.iterations)


def _penalties(*layers: keras.layers.Layer | None) -> Tensor:
    """Sum of the regularisers of layers, as Keras adds them to a loss."""
    return sum(penalty for layer in layers if layer is not None for penalty in layer.losses)
