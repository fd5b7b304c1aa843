"""Optional dependencies."""

import importlib
from types import ModuleType


def extra(module: str, purpose: str = "this") -> ModuleType:
    """Import a library that only some need.

    Args:
        module: to import.
        purpose: what needs it, as in "reading .lhe files"; it begins the error message.

    Raises:
        ImportError: with the command that installs the library, or with what is wrong with it if it is
            installed.
    """
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == library:
            raise ImportError(f"{purpose} needs {library}: pip install {library}") from error
        cause: ImportError = error
    except ImportError as error:
        cause = error
    why = str(cause).partition("\n")[0]
    message = f"{purpose} needs {library}, which is installed but cannot be imported: {why}"
    raise ImportError(message) from cause
