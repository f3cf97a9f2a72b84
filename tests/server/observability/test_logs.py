"""The log: one line per event, whatever it contains."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gqlnews.config.values import LogFormat, PostgresUrl
from gqlnews.server.observability.logs import JsonFormatter, TextFormatter, configure, log, log_event
from tests.server.support import TOKEN

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The stream that the log is written to; the former handlers are restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def record(message: str, fields: dict[str, object]) -> logging.LogRecord:
    made = logging.LogRecord("gqlnews", logging.INFO, __file__, 1, message, None, None)
    made.fields = fields
    return made


def test_text_is_time_level_message_and_fields(stream: io.StringIO) -> None:
    configure(LogFormat.TEXT, stream)
    log_event("operation", name="FrontPage", ms=1.9, rows=10, code=None)
    assert re.fullmatch(f"{TIME} info operation name=FrontPage ms=1.9 rows=10 code=-\n", stream.getvalue())


def test_json_is_one_object_per_line(stream: io.StringIO) -> None:
    configure(LogFormat.JSON, stream)
    log_event("operation", name=None, ms=1.9)
    entry = json.loads(stream.getvalue())
    assert re.fullmatch(TIME, entry.pop("time"))
    assert entry == {
        "level": "info", "logger": "gqlnews", "message": "operation", "name": None, "ms": 1.9,
    }  # fmt: skip


@pytest.mark.parametrize(("format", "one_line"), [(LogFormat.TEXT, False), (LogFormat.JSON, True)])
def test_an_exception_brings_its_traceback(stream: io.StringIO, format: LogFormat, one_line: bool) -> None:
    configure(format, stream)
    try:
        raise ValueError("of the test")
    except ValueError:
        log.exception("failed")
    assert "ValueError: of the test" in stream.getvalue()
    assert (len(stream.getvalue().splitlines()) == 1) is one_line


def test_other_loggers_log_only_warnings(stream: io.StringIO) -> None:
    configure(LogFormat.TEXT, stream)
    logging.getLogger("uvicorn.error").info("chatter")
    logging.getLogger("uvicorn.error").warning("a warning")
    assert stream.getvalue().endswith(" warning a warning\n")
    assert "chatter" not in stream.getvalue()


def test_a_record_for_several_handlers_has_each_field_once(stream: io.StringIO) -> None:
    configure(LogFormat.TEXT, stream)
    logging.getLogger().addHandler(logging.NullHandler())
    log_event("operation", name="Front", ms=1.9)
    assert re.fullmatch(f"{TIME} info operation name=Front ms=1.9\n", stream.getvalue())


def test_a_stream_that_cannot_be_written_causes_no_error(stream: io.StringIO) -> None:
    with io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True) as full:
        configure(LogFormat.TEXT, full)
        log_event("operation", name="Front")
    log_event("operation", name="after it was closed")


@given(value=st.text())
def test_no_value_breaks_out_of_its_field_or_line(value: str) -> None:
    line = TextFormatter().format(record("operation", {"name": value, "last": 1}))
    found = re.fullmatch(rf'{TIME} info operation name=([\w.:/+@%-]+|".*") last=1', line)
    assert found
    assert (json.loads(found[1]) if found[1].startswith('"') else found[1]) == value


@given(message=st.text())
def test_no_message_breaks_its_line(message: str) -> None:
    assert TextFormatter().format(record(message, {})).isprintable()


def test_a_database_url_is_logged_without_its_password() -> None:
    url = PostgresUrl("postgresql://ann:s3cret@db/news")
    entry = json.loads(JsonFormatter().format(record("leading", {"database": url})))
    assert entry["database"] == "postgresql://ann@db/news"
    assert "s3cret" not in TextFormatter().format(record("leading", {"database": url}))


@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_json_round_trips_the_logged_fields(value: str) -> None:
    assert json.loads(JsonFormatter().format(record("operation", {"name": value})))["name"] == value


def test_an_operation_is_one_line(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gqlnews")
    query = "query Front { articles { nodes { slug } } }"
    response = client.post("/graphql", json={"query": query})
    (line,) = caplog.records
    fields = line.__dict__["fields"]
    assert fields.pop("ms") > 0
    assert fields.pop("rows") >= 1
    assert fields.pop("id") == response.headers["x-request-id"]
    assert (line.__dict__["event"], fields) == (
        "operation", {"name": "Front", "bytes": len(response.content), "status": 200, "cached": False},
    )  # fmt: skip
    assert line.getMessage().startswith("operation name=Front ms=")  # for the formatters of other programs


@pytest.mark.parametrize("token", [TOKEN, "of-nobody"])
def test_no_token_is_logged(client: TestClient, caplog: pytest.LogCaptureFixture, token: str) -> None:
    caplog.set_level(logging.DEBUG)
    client.post(
        "/graphql", json={"query": "{ site { version } }"}, headers={"authorization": f"Bearer {token}"}
    )
    assert [line.__dict__["fields"]["status"] for line in caplog.records if line.name == "gqlnews"]
    assert token not in caplog.text + repr([line.__dict__ for line in caplog.records])
