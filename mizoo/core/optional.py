"""Optional dependencies."""

import importlib
from types import ModuleType


def extra(module: str, purpose: str = "this") -> ModuleType:
    """Import an optional dependency.

    Args:
        module: name of the module.
        purpose: what needs the module, such as "reading .lhe files"; it begins the error message.

    Raises:
        ImportError: if the library is not installed, with the command that installs it, or if it cannot be
            imported, with the reason.
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
