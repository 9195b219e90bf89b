"""The model's process: `python -m embedded.model_server`, with its settings as JSON on standard input."""

import json
import sys
import threading

import xllamacpp


def main() -> None:
    """Serve until a signal ends the process."""
    plan = json.loads(sys.stdin.readline())
    params = xllamacpp.CommonParams()
    params.model.path = plan["path"]
    params.model_alias = {plan["name"]}
    params.hostnames = [plan["host"]]
    params.port = plan["port"]
    params.api_keys = [plan["key"]]
    params.n_parallel = plan["slots"]
    params.n_ctx = plan["tokens"]
    params.cpuparams.n_threads = plan["threads"]
    # A long prompt is read in batches of this many tokens, between which other answers continue.
    params.n_batch = 512
    # By default its threads spin while they wait, which starves the site on the same cores.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    # Recommended by the model's authors; the seed makes answers repeatable.
    params.sampling.temp = 0.2
    params.sampling.top_p = 0.9
    params.sampling.seed = 7
    # The default prompt cache of 8 GiB is too much for a laptop.
    params.cache_ram_mib = 256
    # Fitting the model into memory would load it twice, and there is no doubt that it fits.
    params.fit_params = False
    params.ui = False
    params.offline = True
    server = xllamacpp.Server(params)
    print(f"Listening on {server.listening_address}")
    threading.Event().wait()


if __name__ == "__main__":
    main()
