# One image for Ray's head, its workers and the jobs.
#
#   docker build --build-arg TORCH_INDEX=ADDRESS -t devmind-ml-service:0.1.0 .
#
# TORCH_INDEX is the address of PyTorch's own index of CPU builds, where the default index gives one
# for GPUs: nothing here uses a GPU, and its libraries would be four fifths of the image. PyTorch's
# page "Get started" shows it, after --index-url, when CPU is chosen. ALLOW_GPU=1 takes what the
# default index has.
#
# Another base needs Debian's apt, Python 3.11 or 3.12 on the path, root as its user, and nobody with
# the number 1000. rayproject/ray will not do: its user is 1000, and may install nothing. After an
# update of the base, `docker buildx imagetools inspect python:TAG` prints the digest to write here.
ARG BASE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${BASE} AS builder
ARG TORCH_INDEX=""
ARG ALLOW_GPU=""
ENV PATH=/opt/venv/bin:$PATH \
    PIP_CONSTRAINT=/app/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /opt/venv
# Dependencies first: they change seldom, and are most of the image.
COPY pyproject.toml constraints.txt ./
COPY scripts/image_requirements.py scripts/cpu_only.py scripts/
RUN python scripts/image_requirements.py torch > /tmp/torch.txt \
    && python -m pip install --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r /tmp/torch.txt \
    && python scripts/cpu_only.py
RUN python scripts/image_requirements.py > /tmp/requirements.txt \
    && python -m pip install -r /tmp/requirements.txt
COPY . .
# Nobody can write bytecode later: the root is read-only. It is taken without a look at the source,
# which does not change either.
RUN python -m pip install --no-deps --editable . \
    && python -m compileall -q --invalidation-mode unchecked-hash .

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="devmind-pipeline" \
    org.opencontainers.image.description="Learns from CI history: durations, failures, tests worth running" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
# wget for KubeRay's probes, git for `devmind record` in a checkout. No versions: the base is pinned
# by its digest, and what Debian offers for it are security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bash git wget \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 devmind \
    && useradd --uid 1000 --gid 1000 --create-home devmind \
    && install --directory --owner=1000 --group=1000 /var/lib/devmind \
    && echo "export PATH=/opt/venv/bin:\$PATH" > /etc/profile.d/devmind.sh
# A cluster's token comes from its secret; a head without one does not start open.
ENV PATH=/opt/venv/bin:$PATH \
    DEVMIND_HOME=/var/lib/devmind \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
WORKDIR /app
USER 1000:1000
CMD ["devmind", "--help"]
