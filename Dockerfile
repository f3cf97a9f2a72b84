# Every download is checked against a hash in a lock file, and no install script runs.
# `make lock` updates the lock files of the Python packages.

FROM node:22-bookworm-slim AS explorer
WORKDIR /src/explorer
COPY explorer/package.json explorer/package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY explorer ./
RUN npm run build

FROM node:22-bookworm-slim AS reader
WORKDIR /src/examples/reader
COPY examples/reader/package.json examples/reader/package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY schema.graphql /src/
COPY examples/reader ./
RUN npm run build

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/build \
    && python -m venv --without-pip /opt/gqlnews
COPY requirements.lock requirements-build.lock ./
RUN /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements-build.lock \
    && /opt/build/bin/pip --python /opt/gqlnews/bin/python install --require-hashes --only-binary :all: -r requirements.lock
COPY . .
COPY --from=explorer /src/gqlnews/server/explorer gqlnews/server/explorer
COPY --from=reader /src/gqlnews/server/reader gqlnews/server/reader
RUN /opt/build/bin/python -m hatchling build -t wheel -d /opt/wheels \
    && /opt/build/bin/pip --python /opt/gqlnews/bin/python install --no-deps --no-index /opt/wheels/*.whl \
    && /opt/gqlnews/bin/python -m compileall -q /opt/gqlnews

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="gqlnews" \
      org.opencontainers.image.description="A folder of Markdown news articles, served as a GraphQL API" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent gqlnews \
    && install -d -o gqlnews -g gqlnews /data /content
COPY --from=build /opt/gqlnews /opt/gqlnews

ENV PATH=/opt/gqlnews/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GQLNEWS_HOST=0.0.0.0 \
    GQLNEWS_PORT=8000 \
    GQLNEWS_DB=/data/gqlnews.db \
    GQLNEWS_LOG_FORMAT=json \
    TMPDIR=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Failed checks during the first ingest of a large folder do not count as unhealthy.
HEALTHCHECK --interval=15s --timeout=3s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['GQLNEWS_PORT']}/health/ready\", timeout=2)"]
ENTRYPOINT ["gqlnews", "serve", "/content"]
