"""A server of networks for one machine: REST and gRPC as TensorFlow Serving has them."""

import time

from tfwm.checks import check_number, need
from tfwm.console import tell_json
from tfwm.serving.batching import MAX_BATCH, MAX_WAIT
from tfwm.serving.models import Limits, Model
from tfwm.serving.token import LEAST_TOKEN, check_token
from tfwm.web import Busy, Gate, NotFound, Room, Turns
from tfwm.web.address import host_port
from tfwm.web.app import EXTRA

PORT, GRPC_PORT = 8501, 8500  # those of TensorFlow Serving
# Threads for requests that ask for little, however many photos wait.
CHEAP = 8
DRAIN = 25.0


class Served:
    """The models of a server and what they share: turns, memory, counters.

    Args:
        networks: dict of names and `tfwm.networks.Network`s of the kind `"message"`.
        limits: `Limits`.
        max_batch: see `Model`, also for `max_wait`.
    """

    def __init__(self, networks, limits=None, *, max_batch=MAX_BATCH, max_wait=MAX_WAIT):
        from tfwm.serving.metrics import Metrics

        self.limits, self.ready = limits or Limits(), False
        limits = self.limits
        # Requests that are let in; what they wait with is what is in them.
        self.gate = Gate(limits.workers + limits.waiting)
        turns = Turns(limits.workers, self.gate.most * limits.items, limits.patience)
        room = Room(limits.memory, limits.patience)
        self.metrics = Metrics(turns, room)
        how = {"turns": turns, "room": room, "tell": self.metrics.batch}
        how |= {"max_batch": max_batch, "max_wait": max_wait}
        self.models = {
            name: Model(network, name, limits, **how) for name, network in networks.items()
        }
        for model in self.models.values():
            model.warm_up()
        self.ready = True

    def model(self, name, version=None):
        """Returns a model that takes requests; raises `NotFound` or `Busy`."""
        model = self.models.get(name)
        if model is None or version not in (None, model.version):
            wanted = "Latest" if version is None else version
            raise NotFound(
                f"Servable not found for request: {wanted}({name:.100}); "
                f"served: {', '.join(self.models)}"
            )
        if not self.ready:
            raise Busy("This server stops: ask another one, or try again.")
        return model


def serve(
    networks,
    *,
    host="127.0.0.1",
    port=PORT,
    grpc_port=GRPC_PORT,
    limits=None,
    max_batch=MAX_BATCH,
    max_wait=MAX_WAIT,
    token=None,
    access_log=True,
    ready=None,
):
    """Serves networks until SIGTERM or Ctrl-C; what is in work is answered before it ends.

    Args:
        networks: dict of names and `tfwm.networks.Network`s of the kind `"message"`.
        host: address to listen at; `"0.0.0.0"` is all of this computer's.
        port: number of the port of REST; 0 takes any free one.
        grpc_port: that of gRPC; `None` for no gRPC.
        limits: `Limits`.
        max_batch: see `Model`, also for `max_wait`.
        token: secret that clients must send, see `tfwm.serving.token.read_token`.
        access_log: whether to write one line of JSON on stderr for each request.
        ready: called with the address of REST, and that of gRPC or `None`, once both answer.
    """
    need("waitress", EXTRA)
    from tfwm.serving.rest import make_rest
    from tfwm.web.server import make_server, stopped_by_signals

    port = check_number("port", port, 0, 65535, "a port from 0 to 65535", kind=int)
    token = check_token(token, least=LEAST_TOKEN)
    served = Served(networks, limits, max_batch=max_batch, max_wait=max_wait)
    threads = served.gate.most + CHEAP
    observe = _observer(served.metrics, access_log)
    app = make_rest(served, served.metrics, token)
    http = make_server(app, host, port, threads, served.limits.body, observe)
    rpc = health = None
    try:
        address = None
        if grpc_port is not None:
            from tfwm.serving.rpc import make_rpc

            how = {"threads": threads, "token": token, "observe": observe}
            rpc, grpc_port, health = make_rpc(served, host, grpc_port, **how)
            _tell_health(health, served, True)
            address = host_port(host, grpc_port)

        def stop():
            served.ready = False
            http.stop(DRAIN)
            if rpc is not None:
                _tell_health(health, served, False)
                rpc.stop(DRAIN)

        with stopped_by_signals(stop):
            if ready is not None:
                where = host_port(http.effective_host, http.effective_port)
                ready(f"http://{where}", address)
            http.run()
    finally:
        served.ready = False
        if rpc is not None:
            _tell_health(health, served, False)
            rpc.stop(max(http.ends - time.time(), 0) if http.ends else DRAIN).wait()
        http.close()


def _tell_health(health, served, ready):
    from grpc_health.v1 import health_pb2

    states = health_pb2.HealthCheckResponse
    for name in ("", *served.models):
        health.set(name, states.SERVING if ready else states.NOT_SERVING)


def _observer(metrics, access_log):
    def observe(record):
        metrics.request(record)
        if access_log:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            seconds = round(record.get("seconds", 0), 4)
            tell_json({"time": now, "protocol": "http", **record, "seconds": seconds})

    return observe
