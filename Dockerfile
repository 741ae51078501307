# The serving image: no compiler, no torch, no root, read-only root possible:
#   docker build -t xiaobao .
#   docker run --read-only --tmpfs /tmp -v xiaobao:/var/lib/xiaobao -p 8000:8000 -e XIAOBAO_MASTER_KEYS=... xiaobao
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY data data
COPY models models
COPY eval eval
COPY training training
COPY serving serving
RUN python -m venv /opt/xiaobao
# --build-arg EXTRAS=[postgres] for a database server.
ARG EXTRAS=""
RUN /opt/xiaobao/bin/pip install --no-cache-dir --disable-pip-version-check ".$EXTRAS"

FROM python:3.12-slim
# A new volume takes its owner from the folder.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin xiaobao \
    && install --directory --owner=10001 --mode=0700 /var/lib/xiaobao
COPY --from=build /opt/xiaobao /opt/xiaobao
# Large pages: look-ups in large dictionaries wait half as long (docs/operations.md).
ENV PATH=/opt/xiaobao/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1 \
    PYTHONMALLOC=malloc GLIBC_TUNABLES=glibc.malloc.hugetlb=1 XIAOBAO_HOST=0.0.0.0 XIAOBAO_PORT=8000
USER 10001
WORKDIR /tmp
VOLUME /var/lib/xiaobao
EXPOSE 8000
# http.client, because urllib would ask the proxy that a bank's Docker puts into every container.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import http.client, os, sys; probe = http.client.HTTPConnection('127.0.0.1', int(os.environ['XIAOBAO_PORT']), timeout=2); probe.request('GET', '/readyz'); sys.exit(probe.getresponse().status != 200)"]
CMD ["xiaobao", "serve"]
