"""A trained model with the record of its data, and data that fit it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mizoo.datasets import Columns, Samples
from mizoo.evaluation.domain import Domain
from mizoo.export.loader import load
from mizoo.export.onnx_model import OnnxModel
from mizoo.export.pretrained import Pretrained
from mizoo.export.record import read_config
from mizoo.physics import library
from mizoo.physics.process import Process
from mizoo.presets import PRESETS, Preset
from mizoo.presets.data import held_out, read_data, same_files, tell_unused


class Origin:
    """A trained model, and the data that it was trained on.

    Args:
        name: name of a shipped model, or path of a SavedModel or a run.

    Attributes:
        model: a `Pretrained`, an `OnnxModel`, or the `Turbo` of a run.
        config: content of its `config.json`; empty if there is none.
        shapes: shapes of one event by space, as far as they are known.

    Raises:
        ValueError, FileNotFoundError, ConnectionError: as `load` does.
    """

    def __init__(self, name: str | Path) -> None:
        self.model = load(name)
        if isinstance(self.model, Pretrained | OnnxModel):
            self.config = self.model.config
        else:
            self.config = read_config(name)
        self.shapes = self.model.shapes
        self.name = str(Path(name).name if self.config else self.model.name)

    @property
    def record(self) -> dict[str, Any]:
        """Record of the data, see `mizoo.presets.data`; empty if there is none."""
        return self.config.get("data", {})

    @property
    def preset(self) -> Preset | None:
        """The `Preset`; None if it is not known."""
        return PRESETS.get(self.config.get("recipe", {}).get("preset"))

    @property
    def process(self) -> Process | None:
        """The process whose events the model takes; None for one of plain arrays."""
        options = self.config.get("recipe", {}).get("options", {})
        if (process := options.get("process") or self.record.get("process")) is not None:
            return library.find(process)
        if "files" in self.record or self.preset is None or {"x", "z"} & options.keys():
            return None
        return library.get(self.preset.dataset) if self.preset.takes_process else None

    @property
    def columns(self) -> dict[str, Any] | None:
        """Names of the columns of the training files; None if none were given."""
        return self.record.get("columns")

    @property
    def domain(self) -> Domain | None:
        """Domain of the training data; None if it is not known."""
        found = self.config.get("domain")
        return None if found is None else Domain.from_dict(found)

    def truth(
        self,
        paths: Sequence[str | Path] = (),
        split: Literal["train", "validation", "test"] | None = None,
        columns: Columns | Mapping[str, Any] | str | Path | None = None,
        skip_bad: bool = False,
    ) -> Samples:
        """Data to compare the model with.

        Without `paths` this is a split of the model's own data: its files, read again, or its demonstration
        data set. Of the files that the model was trained on, only unseen events are taken; of other files,
        all events.

        Args:
            paths: paths of files.
            split: `"train"`, `"validation"` or `"test"` (the default).
            columns: names of columns of `paths`, see `mizoo.datasets.read`; by default those of the
                training.
            skip_bad: whether to leave out bad events of `paths`.

        Raises:
            FileNotFoundError: if a file does not exist.
            ValueError: if kind or shape of the data differ from the model's; if the model's own data are
                unknown and there are no `paths`; or for a `split` or `skip_bad` that would not be used.
        """
        if split is not None and paths:
            raise ValueError(
                "split (--split) selects from the data the model was trained on, not from files (--data)"
            )
        if skip_bad and not paths:
            raise ValueError("skip_bad (--skip-bad) needs files of events as data (--data)")
        split = split or "test"
        if paths:
            if same_files(self.record, paths):
                if skip_bad != self.record["skip_bad"]:
                    raise ValueError(f"skip_bad was {not skip_bad} in the training on these files")
                samples = held_out(self.record, split, paths)
            else:
                known = self.process is not None
                arrays = False if known else True if self.shapes.get("x") else None
                own = columns or self.columns
                samples = read_data(
                    paths, self.process, own if known else columns, arrays, skip_bad,
                    paired=self.record.get("paired", True),
                )  # fmt: skip
            return self._fitting(samples, paths)
        if "files" in self.record:
            return self._fitting(held_out(self.record, split), [f["name"] for f in self.record["files"]])
        if self.preset is None:
            raise ValueError(f"{self.name} does not say what it was trained on: give files as --data")
        dataset = self.record.get("demonstration", self.preset.dataset)
        return self._fitting(self.preset.truth(split, dataset), [f"the packaged events {dataset}"])

    def _fitting(self, samples: Samples, names: Sequence[str | Path]) -> Samples:
        """The part of the data that the model takes, after a check of the shapes."""
        used, trained = samples, self.record.get("shapes")
        takes_x = self.preset is not None and self.preset.data == "x"
        if samples.x is not None and (takes_x or (trained is not None and "z" not in trained)):
            used = samples.only("x")
        for space, array in used.arrays().items():
            self.check_shape(space, array, " and ".join(map(str, names)))
        tell_unused(self.name, samples, used, names)
        return used

    def check_shape(self, space: str, array: np.ndarray, source: str | Path) -> None:
        """Check that an array (n, …) has the shape that the model takes in a space, as far as it is known.

        Raises:
            ValueError: if it has another shape; it names the source, both shapes and the space.
        """
        own = self.shapes.get(space, found := list(array.shape[1:]))
        if found != own:
            shapes = [f"({', '.join(map(str, ['n', *sizes]))})" for sizes in (found, own)]
            raise ValueError(f"{source}: {space} has shape {shapes[0]}, and {self.name} takes {shapes[1]}")
