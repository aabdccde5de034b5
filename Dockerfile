# SPDX-License-Identifier: Apache-2.0
#
# The scheduler as a static binary in an image without anything else, compiled in an image of Go from a registry. "make image"
# needs none, and makes the same image by Dockerfile.prebuilt.
#   docker build --tag headroom-scheduler .
# On distroless, with time zones, a passwd file and certificates of its own:
#   docker build --build-arg BASE=gcr.io/distroless/static-debian12:nonroot --tag headroom-scheduler .
# For two platforms at once (cross-compiled on the platform of the builder, no emulation):
#   docker buildx build --platform linux/amd64,linux/arm64 --tag headroom-scheduler .
# It writes nothing, so it runs with a read-only root file system.
ARG GO_IMAGE=golang:1.26
ARG BASE=scratch

FROM --platform=${BUILDPLATFORM} ${GO_IMAGE} AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local GOMODCACHE=/cache/mod GOCACHE=/cache/build
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache go mod download
COPY . .
ARG VERSION=v0.1.0-dev
ARG TARGETOS TARGETARCH
# BuildKit sets TARGETOS and TARGETARCH; the builder's own platform stands in where they are empty.
RUN --mount=type=cache,target=/cache \
	GOOS="${TARGETOS}" GOARCH="${TARGETARCH}" \
	go build -trimpath -ldflags "-s -w $(make --silent print-ldflags VERSION="${VERSION}")" \
	-o /out/headroom-scheduler ./cmd/headroom-scheduler

# The final stage is of the target platform.
FROM ${BASE}
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/headroom-scheduler /usr/local/bin/headroom-scheduler
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/headroom-scheduler"]
