# The serving image. `make image` builds it and tries it out against a real broker; docs/how-to/container.md says how to
# run it. pip.conf and ca.pem are optional: where packages come from another index than PyPI. They stay out of the image.
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
COPY . .
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    python -m venv /pip && python -m venv --without-pip /opt/makiserve \
    && pip="/pip/bin/pip --python /opt/makiserve/bin/python --no-cache-dir --disable-pip-version-check" \
    && /pip/bin/pip install --quiet --no-cache-dir --constraint constraints.txt packaging tomli \
    && /pip/bin/python image/requirements.py > /requirements.txt \
    && $pip install --quiet --no-compile --constraint constraints.txt --requirement /requirements.txt \
    && $pip install --quiet --no-compile --no-deps . \
    && cd /opt/makiserve/lib/python3*/site-packages \
    && find numpy pandas pyarrow scipy sklearn -type d -name tests -prune -exec rm -r {} + \
    && rm -r pyarrow/include \
    && python -m compileall -q .

FROM ${PYTHON}
ARG VERSION=unknown
LABEL org.opencontainers.image.title="makiserve" \
      org.opencontainers.image.description="Serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/makiserve /opt/makiserve
# OMP_NUM_THREADS: a worker is one process on one core; --workers is the way to use more. MAKISERVE_HTTP: what may reach
# a container's port is decided outside of it. HOME: the one place that is written to, with a read-only root a tmpfs.
ENV PATH=/opt/makiserve/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    HOME=/tmp \
    TMPDIR=/tmp \
    MAKISERVE_HTTP=0.0.0.0:8080
WORKDIR /srv
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['MAKISERVE_HTTP'].rpartition(':')[2] + '/healthz', timeout=8)"]
ENTRYPOINT ["makiserve"]
