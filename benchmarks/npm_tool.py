"""Tools from npm packages, installed into a temporary folder, never into the project."""

import shutil
import subprocess
from pathlib import Path


def installed(package: str, folder: Path) -> Path | None:
    """The folder of the package, such as `lighthouse@13.5.0`; None, with a message, if it cannot be installed."""
    if shutil.which("npm") is None:
        print(f"npm is missing, so {package} can't be had.")
        return None
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    if subprocess.run([*command, package], check=False, capture_output=True).returncode:
        print(f"npm could not install {package}.")
        return None
    return folder / "node_modules" / package.rpartition("@")[0]
