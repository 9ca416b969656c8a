# A node and nothing else: one static program, run by nobody in particular.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go generate ./web
RUN CGO_ENABLED=0 go build -tags release -buildvcs=false -trimpath -ldflags='-s -w' -o /out/phr ./cmd/phr && mkdir -m 700 /out/data && mkdir /out/tmp

FROM scratch
COPY --from=build --chown=65532:65532 /out /
USER 65532:65532
VOLUME /data
ENTRYPOINT ["/phr"]
CMD ["node", "--data", "/data/node", "--listen", "127.0.0.1:4222"]
