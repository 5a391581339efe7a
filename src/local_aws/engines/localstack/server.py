"""LocalStack's server on one address: its own one listens on every interface of the machine."""

from __future__ import annotations

from localstack.config import HostAndPort
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor


class LoopbackServer(TwistedRuntimeServer):
    """Plain HTTP on the addresses of GATEWAY_LISTEN only."""

    def register(self, gateway: Gateway, listen: list[HostAndPort], ssl_creds: object = None) -> None:
        """Raises twisted's CannotListenError where an address is taken."""
        for address in listen:
            reactor.listenTCP(address.port, TwistedGateway(gateway), interface=address.host)
