"""The repository's prompts. Written by `plue stubs`; their inputs and outputs have no types yet."""
from typing import Any

def __getattr__(name: str) -> Any: ...
