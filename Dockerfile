# syntax=docker/dockerfile:1
# Node 26.10.0. A tag alone may be another image tomorrow.
FROM node:26-trixie-slim@sha256:930557a230abacbc3f4fd9b8648abf8f4bee1e17cb72195dcdfb2f709bc85b33 AS base

FROM base AS dependencies
WORKDIR /kelvin
COPY package.json package-lock.json ./
COPY src/client/package.json ./src/client/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# The page is bundled by a tool that the server does not need.
FROM base AS page
WORKDIR /kelvin
COPY package.json package-lock.json ./
COPY src/client/package.json ./src/client/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY .config ./.config
COPY src ./src
RUN node .config/bundle-page.ts built

FROM base
# What this is built from; only who builds it knows.
ARG SOURCE=""
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="Kelvin" \
      org.opencontainers.image.description="A sampling sidecar for language models" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=27315
# What is freed goes back to the system, which a small container needs sooner than a large machine.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=8192 MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /kelvin
COPY --from=dependencies /kelvin/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY --from=page /kelvin/built ./src/playground/built
# Where a socket may go: a volume mounted here takes this owner over.
RUN install -d -o 65532 -g 65532 /run/kelvin
# Start once, so that the image contains the compiled code. Node keeps one folder for each user. It belongs to root
# afterwards, so that the server cannot change what it runs.
ENV NODE_COMPILE_CACHE=/kelvin/.cache
RUN install -d -o 65532 -g 65532 .cache \
 && setpriv --reuid=65532 --regid=65532 --clear-groups timeout --preserve-status 10 node src/server.ts \
 && chown -R root:root .cache && chmod -R a+rX .cache
# Numeric, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 27315
STOPSIGNAL SIGTERM
# perl is in every Debian image, and a tenth of Node.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --start-interval=1s \
  CMD ["perl", "src/healthcheck.pl"]
CMD ["node", "src/server.ts"]
