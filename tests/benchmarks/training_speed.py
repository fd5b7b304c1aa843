"""Optimiser steps per second of Turbo-Sim's original configuration, beside plain PyTorch.

Same networks, three critics with gradient penalty, same optimisers, same batch, data in memory; the two
take turns in one process, and medians of the turns are compared. Needs PyTorch (`pip install torch`).

    python tests/benchmarks/training_speed.py --batch-sizes 100 1000
"""

import argparse
import statistics
import time
from itertools import pairwise

import numpy as np
import tensorflow as tf
import torch

from mizoo import datasets, presets
from mizoo.presets.turbo_sim import ORIGINAL_PENALTIES, ORIGINAL_WEIGHTS


def keras_steps(data, batch_size):
    """A function that trains a number of steps as `fit` does."""
    model = presets.turbosim(original=True)
    model.adapt(data)
    model.make_train_function()
    batches = iter(data.epochs(batch_size))
    per_call = model.steps_per_execution

    def run(steps):
        for _ in range(steps // per_call):
            logs = model.train_function(batches)
        return float(logs["loss"])

    return run


class TorchTurboSim:
    """The step in plain PyTorch, as the original is written."""

    def __init__(self, data, batch_size):
        self.x, self.z = (torch.tensor((a - a.mean()) / a.std()) for a in (data.x, data.z))
        self.batch_size = batch_size
        self.encoder = self.mlp(24, 256, 128, 64, 24)
        self.decoder = self.mlp(24, 64, 128, 256, 24)
        mappers = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.Adam(mappers, 1e-4, (0.9, 0.7), weight_decay=1e-3)
        self.critics = {
            stream: self.mlp(24, 256, 128, 64, 1)
            for stream in ("z_tilde", "x_hat", "x_tilde")
            if f"D_{stream}" in ORIGINAL_WEIGHTS
        }
        self.critic_optimizers = {
            stream: torch.optim.Adam(critic.parameters(), 1e-4, weight_decay=1e-4)
            for stream, critic in self.critics.items()
        }

    @staticmethod
    def mlp(*units):
        layers = []
        for a, b in pairwise(units):
            layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def step(self):
        rows = torch.randint(len(self.x), (self.batch_size,))
        x, z = self.x[rows], self.z[rows]

        def noisy(network, values):
            return network(values + 0.05 * torch.randn_like(values))

        z_tilde = noisy(self.encoder, x)
        x_hat = noisy(self.decoder, z_tilde)
        x_tilde = noisy(self.decoder, z)
        z_hat = noisy(self.encoder, x_tilde)
        real = {"z_tilde": z.roll(1, 0), "x_hat": x.roll(1, 0), "x_tilde": x.roll(1, 0)}
        fake = {"z_tilde": z_tilde, "x_hat": x_hat, "x_tilde": x_tilde}
        for stream, critic in self.critics.items():
            made, true = fake[stream].detach(), real[stream]
            share = torch.rand(len(made), 1)
            between = (share * true + (1 - share) * made).requires_grad_()
            gradient = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
            penalty = ORIGINAL_PENALTIES[stream] * (gradient.norm(2, 1) - 1) ** 2
            loss = (critic(made) - critic(true)).mean() + penalty.mean()
            self.critic_optimizers[stream].zero_grad()
            loss.backward()
            self.critic_optimizers[stream].step()
        error = torch.nn.functional.mse_loss
        loss = (
            ORIGINAL_WEIGHTS["L_z_tilde"] * error(z_tilde, z)
            + ORIGINAL_WEIGHTS["L_x_hat"] * error(x_hat, x)
            + ORIGINAL_WEIGHTS["L_z_hat"] * error(z_hat, z)
        )
        for stream, critic in self.critics.items():
            loss = loss - ORIGINAL_WEIGHTS[f"D_{stream}"] * critic(fake[stream]).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def __call__(self, steps):
        for _ in range(steps):
            loss = self.step()
        return loss


def rate(run, steps):
    """Steps per second of one turn."""
    start = time.perf_counter()
    assert np.isfinite(run(steps))
    return steps / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--steps", type=int, default=200, help="of one turn, a multiple of 20")
    parser.add_argument("--turns", type=int, default=7)
    arguments = parser.parse_args()
    data = datasets.ttbar().train
    print(f"TensorFlow {tf.__version__}, PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    print("batch   mizoo steps/s   PyTorch steps/s   ratio (median, least, largest of turns)")
    for batch_size in arguments.batch_sizes:
        runs = keras_steps(data, batch_size), TorchTurboSim(data, batch_size)
        for run in runs:
            run(40)  # tracing, warm caches
        rates = [[rate(run, arguments.steps) for run in runs] for _ in range(arguments.turns)]
        ours, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
        ratios = [a / b for a, b in rates]
        print(
            f"{batch_size:5}   {ours:13.1f}   {theirs:15.1f}   "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
