"""A small hand-made build of the reader, with the files that `npm run build` in `examples/reader/` writes."""

import json
from hashlib import sha256
from pathlib import Path

DOCUMENT = "query FrontPage { site { articleCount } }"
DOCUMENT_ID = f"sha256:{sha256(DOCUMENT.encode()).hexdigest()}"
SCRIPT, STYLE = "reader-dK_9-x0Z.js", "reader-4E5f6A7b.css"

# Shows the first message of a WebSocket, and the response to the persisted document.
_START = f"""\
const root = document.getElementById("reader");
const endpoint = root.dataset.endpoint;
const url = new URL(endpoint, location.href).href.replace("http", "ws");
const socket = new WebSocket(url, "graphql-transport-ws");
socket.onopen = () => socket.send('{{"type": "connection_init"}}');
socket.onmessage = async (message) => {{
  const response = await fetch(`${{endpoint}}?documentId={DOCUMENT_ID}`);
  root.textContent = message.data + await response.text();
}};
"""


def write_reader(folder: Path, documents: dict[str, str] | None = None) -> Path:
    """Write the build into `folder`; by default it has one document."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCRIPT).write_text(_START)
    (folder / STYLE).write_text("#reader { color: rgb(0, 128, 0) }")
    (folder / "LICENSES.txt").write_text("MIT")
    (folder / "documents.json").write_text(json.dumps(documents or {DOCUMENT_ID: DOCUMENT}))
    (folder / "manifest.json").write_text(json.dumps({"script": SCRIPT, "style": STYLE}))
    return folder
