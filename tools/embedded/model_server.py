"""The process of the model: `python -m embedded.model_server`, with its plan as JSON on standard input."""

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
    # A long prompt is read in pieces of so many tokens, between which the answers of others go on.
    params.n_batch = 512
    # By default its threads spin while they wait, which starves the site that shares these cores with it.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    # What its makers recommend for a model this small; the seed makes the same question answer the same.
    params.sampling.temp = 0.2
    params.sampling.top_p = 0.9
    params.sampling.seed = 7
    # Without this a model this small says one sentence for ever.
    params.sampling.penalty_freq = 0.6
    params.sampling.penalty_last_n = 256
    # Prompts kept for reuse may fill 8 GiB otherwise, which is much for a laptop.
    params.cache_ram_mib = 256
    params.ui = False
    params.offline = True
    server = xllamacpp.Server(params)
    print(f"Listening on {server.listening_address}")
    threading.Event().wait()


if __name__ == "__main__":
    main()
