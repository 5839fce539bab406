# A static binary on an empty base: no shell, no package, nothing to patch but the binary and the CA bundle.
#   docker build --tag readmit .
#   docker build --tag readmit-sandbox --target sandbox .

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Static on the gnu target. The explicit target keeps the flag away from procedural macros, which must stay dynamic.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    host="$(rustc -vV | sed -n 's/^host: //p')" \
    && cargo build --release --locked --target "$host" --package readmit --package sandbox --bins \
    && mkdir /out && cp "target/$host/release/readmit" "target/$host/release/readmit-sandbox" /out/
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*

FROM scratch AS sandbox
COPY --from=build /out/readmit-sandbox /readmit-sandbox
USER 10001:10001
ENTRYPOINT ["/readmit-sandbox"]

FROM scratch AS readmit
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/readmit /readmit
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["/readmit"]
