"""Uvicorn's WebSocket protocol with GraphQL JSON errors, and timeouts for clients that do not read."""

import logging
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from gqlnews.errors import Code
from gqlnews.server.observability.logs import log_rejection
from gqlnews.server.response import JSON, SECURITY_HEADERS, UTF8, WEBSOCKET, error_body
from gqlnews.server.uvicorn.timeouts import BAD_HANDSHAKE, STOPPING, Rejection, WriteStallTimer
from gqlnews.server.uvicorn.transport import CLIENT_NOT_READING, SlicedInput, SlicedTransport

SLICE_BYTES = 2 * 1024  # at most several hundred frames
CLOSE_TIMEOUT = 5.0  # seconds for a client to respond to the close frame
INVALID_DATA, MESSAGE_TOO_BIG = 1007, 1009  # RFC 6455, section 7.4.1

_ERROR_CODES = {
    405: Code.METHOD_NOT_ALLOWED,
    414: Code.URL_TOO_LONG,
    431: Code.HEADERS_TOO_LARGE,
    500: Code.INTERNAL_ERROR,
}


class JsonRejectingServer(ServerProtocol):
    """Server side of the WebSocket protocol that rejects handshakes with a GraphQL JSON error."""

    def reject(self, status: Any, text: str) -> Response:
        code, reason = _ERROR_CODES.get(int(status), Code.BAD_REQUEST), text.partition("\n")[0]
        log_rejection(WEBSOCKET, int(status), code, reason)
        response = super().reject(status, error_body(code, reason).decode())
        del response.headers["Content-Type"]
        response.headers.update({"Content-Type": JSON + UTF8, **SECURITY_HEADERS})
        return response


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket protocol that closes even if writing is paused, and aborts after a timeout."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = JsonRejectingServer(
            max_size=self.config.ws_max_size, logger=logging.getLogger("uvicorn.error")
        )
        self._write_timer = WriteStallTimer()

    def connection_made(self, transport: Any) -> None:
        self._input = SlicedInput(transport, self._feed, SLICE_BYTES)
        super().connection_made(SlicedTransport(transport, self._input))  # type: ignore[arg-type]

    def pause_writing(self) -> None:
        """Pause reading too: each ping queues a pong, even for a client that does not read."""
        super().pause_writing()
        self._input.pause(CLIENT_NOT_READING)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._input.resume(CLIENT_NOT_READING)

    def keepalive_timeout(self) -> None:
        """Extend the pong timeout while input is paused, as the pong may be unread.

        `check_timeouts` aborts a connection that stalls.
        """
        if self._input.is_paused:
            self.pong_timer = self.loop.call_later(self.config.ws_ping_timeout or 0, self.keepalive_timeout)
        else:
            super().keepalive_timeout()

    def check_timeouts(self, now: float) -> int:
        if self._write_timer.is_expired(self.transport.get_write_buffer_size(), now):
            self.transport.abort()
        return self._write_timer.stalled_bytes

    def shutdown(self) -> None:
        """Close with 1012, or reject a handshake that has no response yet. Idempotent."""
        if self.transport.is_closing():
            return
        if self.handshake_complete:
            super().shutdown()
        else:
            self.handshake_complete = self.close_sent = True
            self._reject(STOPPING)

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated:
            self._input.receive(data)
        else:  # the handshake is fed unsliced
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self.handshake_complete and not self.handshake_initiated:
            return  # the handshake was rejected
        try:
            super().data_received(data)
        except UnicodeError:  # a non-ASCII path or header in the handshake
            self._reject_handshake()
        else:
            if not self.handshake_initiated:
                self._reject_handshake()

    def send_receive_event_to_app(self) -> None:
        """Close with 1007 on invalid UTF-8; it is a client error, so no traceback is logged."""
        if self.conn.state is not State.OPEN:
            return  # already closed: ignore further input
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.conn.send_close(INVALID_DATA)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        closes = message["type"] == "websocket.close" and self.handshake_complete
        if closes:
            self.writable.set()
        await self.writable.wait()
        if self.close_sent and self.initial_response is None:
            raise ClientDisconnected  # closed during the wait
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # the handshake was rejected
        if closes and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)

    def _reject_handshake(self) -> None:
        """Reject a malformed handshake, with the parser's own response if there is one."""
        self.handshake_complete = self.close_sent = True
        if response := b"".join(self.conn.data_to_send()):
            self.transport.write(response)
            self.transport.close()
        else:
            self._reject(BAD_HANDSHAKE)

    def _reject(self, rejection: Rejection) -> None:
        rejection.log(WEBSOCKET)
        self.transport.write(rejection.response)
        self.transport.close()

    def handle_parser_exception(self) -> None:
        """Log the message that the parser rejects by closing the connection, then close it."""
        close = self.conn.close_sent
        assert close is not None
        code = Code.BODY_TOO_LARGE if close.code == MESSAGE_TOO_BIG else Code.BAD_REQUEST
        log_rejection(WEBSOCKET, close.code, code, close.reason)
        super().handle_parser_exception()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
