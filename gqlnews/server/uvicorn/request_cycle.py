"""Request-response cycle that writes a complete response in one call, without the two ASGI messages.

Uvicorn validates each header of each response. Our headers are known to be valid, and the validation would
take longer than the rest of a cached response.
"""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gqlnews.server.http import Headers


class Cycle(RequestResponseCycle):
    def respond(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send a complete response; `headers` are valid and include `Content-Length`.

        Returns False, and sends nothing, if the response has started, the client has disconnected or writing
        is paused: then the caller must use `send`.
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
