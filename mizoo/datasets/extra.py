"""Libraries that only readers of physics files need."""

import importlib


def extra(module):
    """Import a library of the extra `hep`.

    Raises:
        ImportError: with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ImportError(f'this needs {name}: pip install "mizoo[hep]"') from error
