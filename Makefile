# make demo   runs the main job on real parts, on loopback, in a temporary root
# make test   does all set-up and runs every check
# make bench  prints the figures
# make soak   runs the long forms of the crash tests

GO ?= go
PROGRAMS = apache2 sslscan logrotate systemd-analyze bash setpriv

build:
	$(GO) build -trimpath -o bin/tlskeeper ./cmd/tlskeeper

demo: build
	internal/testenv/install.sh apache2 logrotate
	$(GO) build -trimpath -o bin/tlskeeper-demo ./internal/demo
	bin/tlskeeper-demo -binary bin/tlskeeper

setup:
	internal/testenv/install.sh $(PROGRAMS)

test: setup
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	internal/testenv/vulncheck.sh
	$(GO) test -race -timeout 20m ./...
	$(GO) build -trimpath -o bin/tlskeeper ./cmd/tlskeeper

bench: setup
	$(GO) test -run '^$$' -bench . -benchtime 2s ./...

soak: setup
	TLSKEEPER_SOAK=1 $(GO) test -timeout 60m ./...

clean:
	rm -rf bin

.PHONY: build demo setup test bench soak clean
