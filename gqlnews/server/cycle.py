"""A request and its response, where that is whole: written without the two messages that ASGI makes of it.

Uvicorn looks at each header of each response, whether it is one. Ours are, and looking takes longer than the
rest of an answer that is at hand.
"""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gqlnews.server.wire import Headers


class Cycle(RequestResponseCycle):
    def respond(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send a response at once; False where `send` has to: it has begun, or the client reads too slowly.

        The headers are ours, and one of them is the body's length.
        """
        if self.response_started or self.flow.write_paused or self.disconnected:
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        head = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            head += (name, b": ", value, b"\r\n")
        head.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self.transport.write(b"".join(head))
        if body and self.scope["method"] != "HEAD":
            self.transport.write(body)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True
