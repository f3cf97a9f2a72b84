"""Start the watch-ingest process of a server: `gqlnews ingest FOLDER --watch`, which ends with the server."""

import subprocess
import sys

from gqlnews.cli.content_options import IngestTarget
from gqlnews.config.settings import LogFormat


def start_watcher(source: IngestTarget, log_format: LogFormat, *, poll: bool) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own program, run by our own interpreter
        [sys.executable, "-m", "gqlnews", *_command(source, log_format, poll=poll)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is for the server, which ends this process
    )


def _command(source: IngestTarget, log_format: LogFormat, *, poll: bool) -> list[str]:
    options = source.options
    command = ["ingest", str(source.folder), "--db", str(source.database), "--watch", "--until-eof"]
    command += ["--log-format", log_format]
    if options.base_url is not None:
        command += ["--base-url", options.base_url]
    for host in options.iframe_hosts:
        command += ["--allowed-iframe-host", host]
    if source.processes is not None:
        command += ["--ingest-workers", str(source.processes)]
    return [*command, "--force-polling"] if poll else command
