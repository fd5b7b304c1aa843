"""A model with what is known of the data it was made of, and data that fit it."""

from pathlib import Path

from mizoo.datasets import Samples
from mizoo.evaluation.domain import Domain
from mizoo.export.pretrained import Pretrained, load
from mizoo.export.record import read_config
from mizoo.physics import library
from mizoo.physics.process import Process
from mizoo.presets import PRESETS
from mizoo.presets.data import held_out, read_data, same_files, tell_unused


class Origin:
    """A trained model, and the data that it was trained on.

    Args:
        name: of a shipped model, or path of a SavedModel or a run.

    Attributes:
        model: a `Pretrained`, or, of a run, its `Turbo`.
        config: content of its `config.json`; empty if there is none.
        shapes: of one event by space, as far as they are known.

    Raises:
        ValueError, FileNotFoundError, ConnectionError: as `load` does.
    """

    def __init__(self, name):
        self.model = load(name)
        self.config = self.model.config if isinstance(self.model, Pretrained) else read_config(name)
        self.shapes = self.model.shapes
        self.name = str(Path(name).name if self.config else self.model.name)

    @property
    def record(self) -> dict:
        """Of the data, see `mizoo.presets.data`; empty for models without."""
        return self.config.get("data", {})

    @property
    def preset(self):
        """The `Preset`, None if it is not known."""
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
    def columns(self):
        """Names of the columns of the files it was trained on, if they were given; else None."""
        return self.record.get("columns")

    @property
    def domain(self) -> Domain | None:
        """What the training has seen; None if it is not known."""
        found = self.config.get("domain")
        return None if found is None else Domain.from_dict(found)

    def truth(self, paths=(), split=None, columns=None, skip_bad=False) -> Samples:
        """Data that the model is compared with.

        Without `paths` they are a split of what the model was trained on: its files, read again, or its
        demonstration. Of files that the model was trained on only events that it has not seen are taken,
        of any other files all.

        Args:
            paths: of files.
            split: `"train"`, `"validation"` or `"test"`; the last one by default.
            columns: names of columns of `paths`, see `mizoo.datasets.read`; by default those of the
                training.
            skip_bad: leave bad events of `paths` out.

        Raises:
            FileNotFoundError: if a file is not there.
            ValueError: if the data are of another kind or shape than the model's; if nothing is known of
                the data of the model and there are no `paths`; or for `split` or `skip_bad` where they
                would not be used.
        """
        if split is not None and paths:
            raise ValueError(
                "split (--split) is of the data the model was trained on: not for files (--data)"
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
                samples = read_data(paths, self.process, own if known else columns, arrays, skip_bad)
            return self._fitting(samples, paths)
        if "files" in self.record:
            return self._fitting(held_out(self.record, split), [f["name"] for f in self.record["files"]])
        if self.preset is None:
            raise ValueError(f"{self.name} does not say what it was trained on: give files as --data")
        dataset = self.record.get("demonstration", self.preset.dataset)
        return self._fitting(self.preset.truth(split, dataset), [f"the packaged events {dataset}"])

    def _fitting(self, samples, names):
        """What the model takes of data, if their shapes are the model's."""
        used, trained = samples, self.record.get("shapes")
        takes_x = self.preset is not None and self.preset.data == "x"
        if samples.x is not None and (takes_x or (trained is not None and "z" not in trained)):
            used = samples.only("x")
        for space, array in used.arrays().items():
            self.check_shape(space, array, " and ".join(map(str, names)))
        tell_unused(self.name, samples, used, names)
        return used

    def check_shape(self, space, array, source) -> None:
        """Check that an array (n, …) is what the model takes of a space, as far as that is known.

        Raises:
            ValueError: if it has another shape, with the source, both shapes and the space.
        """
        own = self.shapes.get(space, found := list(array.shape[1:]))
        if found != own:
            shapes = [f"({', '.join(map(str, ['n', *sizes]))})" for sizes in (found, own)]
            raise ValueError(f"{source}: {space} has shape {shapes[0]}, and {self.name} takes {shapes[1]}")
