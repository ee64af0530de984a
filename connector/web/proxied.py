"""Requests that a platform's storefront leads on to us, signed: they get the shopper a token.

Such a request says who is signed in there. The widgets take the token that it gets them to the
storefront's other routes, as they take the one of a store's plugin elsewhere.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connector.errors import RequestInvalid, StoreUnknown
from connector.sync.stores import Stores
from connector.web.visitors import Visitors
from platforms import visitor
from platforms.errors import Malformed

NO_STORE = {"Cache-Control": "no-store"}


class Proxied:
    """The route behind a platform's proxy."""

    def __init__(self, stores: Stores, visitors: Visitors) -> None:
        self._stores = stores
        self._visitors = visitors

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/proxy/{platform}/visitor", self.visitor, methods=["POST"])]

    async def visitor(self, request: Request) -> Response:
        """Answer with a token for who is signed in at the store, 204 where nobody is."""
        name = request.path_params["platform"]
        query = request.scope["query_string"].decode("latin-1")
        proxy = self._stores.platform(name).proxy
        if proxy is None:
            raise StoreUnknown(f"{name} leads nothing on to here")
        try:
            url = proxy.store_url(query)
        except Malformed as error:
            raise RequestInvalid(str(error)) from error
        signer = await self._stores.signer_at(name, url)
        customer = self._visitors.led_on(signer, query)
        if customer is None:
            return Response(status_code=204, headers=NO_STORE)
        token = self._visitors.token(signer.store, customer)
        return JSONResponse({"token": token, "expires_in": visitor.LIFE_MAX_S}, headers=NO_STORE)
