# syntax=docker/dockerfile:1

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/chatfold
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY chatfold chatfold
COPY streams streams
COPY projections projections
COPY providers providers
COPY schemas schemas
COPY migrations migrations
RUN /opt/chatfold/bin/pip install '.[analysis]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/chatfold --create-home chatfold \
 && install -d -o chatfold -g chatfold /var/lib/chatfold/media \
    /var/lib/chatfold/archive
COPY --from=build /opt/chatfold /opt/chatfold
ENV PATH=/opt/chatfold/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHATFOLD_HOME=/var/lib/chatfold
USER 10001
WORKDIR /var/lib/chatfold
EXPOSE 18080
ENTRYPOINT ["chatfold"]
CMD ["--help"]
