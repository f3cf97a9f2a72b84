"""Uvicorn's protocol of WebSockets: every refusal is GraphQL JSON, and who does not read is cut off."""

import logging
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from gqlnews.errors import Code
from gqlnews.server.headers import SECURITY_HEADERS
from gqlnews.server.patience import Unread
from gqlnews.server.refusals import BAD_HANDSHAKE, STOPPING
from gqlnews.server.sliced_input import CLIENT_NOT_READING, SlicedInput, SlicedTransport
from gqlnews.server.wire import JSON, UTF8, error_body

SLICE_BYTES = 2 * 1024  # some hundred frames of the smallest size
CLOSE_SECONDS = 5.0  # for a client to take note that its socket is closed
INVALID_DATA = 1007  # RFC 6455, section 7.4.1

_CODES = {
    405: Code.METHOD_NOT_ALLOWED,
    414: Code.URL_TOO_LONG,
    431: Code.HEADERS_TOO_LARGE,
    500: Code.INTERNAL_ERROR,
}


class Handshakes(ServerProtocol):
    """What is wrong with a handshake is said as GraphQL JSON."""

    def reject(self, status: Any, text: str) -> Response:
        first_line = text.partition("\n")[0]
        body = error_body(_CODES.get(int(status), Code.BAD_REQUEST), first_line).decode()
        response = super().reject(status, body)
        del response.headers["Content-Type"]
        response.headers.update({"Content-Type": JSON + UTF8, **SECURITY_HEADERS})
        return response


class SocketProtocol(WebSocketsSansIOProtocol):
    """It closes at once, also where the client reads nothing, and then cuts it off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = Handshakes(max_size=self.config.ws_max_size, logger=logging.getLogger("uvicorn.error"))
        self._unread = Unread()

    def connection_made(self, transport: Any) -> None:
        self._input = SlicedInput(transport, self._feed, SLICE_BYTES)
        super().connection_made(SlicedTransport(transport, self._input))  # type: ignore[arg-type]

    def pause_writing(self) -> None:
        """Each ping is answered at once: a client that reads no answer is not read from either."""
        super().pause_writing()
        self._input.hold(CLIENT_NOT_READING)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._input.release(CLIENT_NOT_READING)

    @property
    def unread(self) -> int:
        return self._unread.stalled

    def keepalive_timeout(self) -> None:
        """A pong that this side does not read is not late. A client that takes nothing is cut by `look`."""
        if self._input.is_held:
            self.pong_timer = self.loop.call_later(self.config.ws_ping_timeout or 0, self.keepalive_timeout)
        else:
            super().keepalive_timeout()

    def look(self, now: float) -> None:
        if self._unread.is_stuck(self.transport.get_write_buffer_size(), now):
            self.transport.abort()

    def shutdown(self) -> None:
        """Close with 1012, or refuse a handshake that is not answered yet. Idempotent."""
        if self.transport.is_closing():
            return
        if self.handshake_complete:
            super().shutdown()
        else:
            self.handshake_complete = self.close_sent = True
            self.transport.write(STOPPING)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated:
            self._input.receive(data)
        else:  # the handshake, which comes whole
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self.handshake_complete and not self.handshake_initiated:
            return  # it was refused
        try:
            super().data_received(data)
        except UnicodeError:  # a path or a header of the handshake that is no ASCII
            self._refuse()
        else:
            if not self.handshake_initiated:
                self._refuse()

    def send_receive_event_to_app(self) -> None:
        """A text that is no UTF-8 is the client's fault: no line in the log, and no traceback."""
        if self.conn.state is not State.OPEN:
            return  # it is closed already, and nothing that comes then is looked at
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
            raise ClientDisconnected  # it was closed while this waited
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # by a refusal
        if closes and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def _refuse(self) -> None:
        """A handshake that cannot be read; its parser may have said why."""
        self.handshake_complete = self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()) or BAD_HANDSHAKE)
        self.transport.close()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
