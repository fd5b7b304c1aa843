"""Libraries that only some need."""

import importlib


def extra(module, name="hep"):
    """Import a library of an extra.

    Raises:
        ImportError: with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise ImportError(f'this needs {library}: pip install "mizoo[{name}]"') from error
