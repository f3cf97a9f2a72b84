"""PostgreSQL servers that ask for a password, and that have a certificate."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.postgresql import DEBIAN, Cluster, PostgresProcess, installed_programs, unprivileged_user

PASSWORD = "s3cret"  # noqa: S105 - opens nothing
# The first line is for the tests: all other logins need the password.
_RULES = """\
local all postgres trust
local all all scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
"""
_RIGHTS = f"""
CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}';
GRANT CREATE ON DATABASE news TO writer;
ALTER DEFAULT PRIVILEGES FOR ROLE writer GRANT USAGE ON SCHEMAS TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE writer GRANT SELECT ON TABLES TO reader;
"""


@contextmanager
def server_with_password(
    programs: Path | None = None, port: int = 5432, certificate: Path | None = None
) -> Iterator[PostgresProcess]:
    """Run a server with the database `news` and the roles `writer` and `reader`, on a Unix domain socket.

    With a certificate, whose key is beside it, also by TLS on a port of 127.0.0.1.
    """
    with TemporaryDirectory(prefix="gqlnews-pg-") as name:
        server = PostgresProcess(Path(name), programs or installed_programs())
        server.create()
        (server.folder / "data" / "pg_hba.conf").write_text(
            _RULES if certificate else _RULES[: _RULES.index("hostssl")]
        )
        options = ["-c", f"port={port}", "-c", "log_statement=all", "-c", "log_connections=on"]
        if certificate is not None:
            options += ["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"]
            for setting, suffix in (("ssl_cert_file", ".crt"), ("ssl_key_file", ".key")):
                copy = server.folder / f"server{suffix}"
                shutil.copyfile(certificate.with_suffix(suffix), copy)
                copy.chmod(0o600)
                if user := unprivileged_user():
                    shutil.chown(copy, user)
                options += ["-c", f"{setting}={copy}"]
        server.start(options)
        try:
            cluster = Cluster(f"{server.url}&port={port}", server)
            cluster.execute("CREATE DATABASE news TEMPLATE template0")
            cluster.execute(_RIGHTS, cluster.url_of("news"))
            server.log.clear()
            yield server
        finally:
            server.stop()


def programs_with_tls() -> Path | None:
    """Return the folder of PostgreSQL's programs that were built with OpenSSL; pgserver's are not."""
    for programs in (installed_programs(), DEBIAN):
        command = [str(programs / "pg_config"), "--configure"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - as above
        except FileNotFoundError:
            continue
        if "openssl" in done.stdout:
            return programs
    return None


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def create_authority(folder: Path, name: str) -> Path:
    """Create a certificate authority; return its certificate, beside which its key is."""
    return _create_certificate(
        folder / f"{name}.crt", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"
    )


def create_certificate(authority: Path, host: str) -> Path:
    """Create a certificate for a host, signed by an authority; return its path, beside which its key is."""
    signed = ("-CA", str(authority), "-CAkey", str(authority.with_suffix(".key")))
    extensions = ("-addext", f"subjectAltName=DNS:{host}", "-addext", "basicConstraints=critical,CA:FALSE")
    return _create_certificate(authority.with_name(f"{host}.crt"), f"/CN={host}", *signed, *extensions)


def _create_certificate(path: Path, subject: str, *options: str) -> Path:
    key = str(path.with_suffix(".key"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", subject, "-keyout", key, "-out", str(path), *options]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the options are ours
    return path
