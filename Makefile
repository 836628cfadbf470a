# make demo   runs the main job on real parts, on loopback, in a temporary root
# make test   does all set-up and runs every check
# make bench  prints the figures
# make soak   runs the long forms of the crash tests

GO ?= go
PROGRAMS = apache2 sslscan logrotate openssl diff bash systemd-analyze systemd-sysusers systemd-tmpfiles aws certbot

build:
	$(GO) build -trimpath -o bin/tlskeeper ./cmd/tlskeeper

demo: build
	internal/testenv/install.sh apache2 logrotate
	$(GO) build -trimpath -o bin/tlskeeper-demo ./internal/demo
	bin/tlskeeper-demo -binary bin/tlskeeper

setup:
	internal/testenv/install.sh $(PROGRAMS)

# What the tests need, for REQUIRE_TESTENV; a test compares it with the code.
programs:
	@echo $(PROGRAMS) | tr ' ' ','

test: setup
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	internal/testenv/vulncheck.sh
	$(GO) test -race -timeout 20m ./...
	$(GO) build -trimpath -o bin/tlskeeper ./cmd/tlskeeper

# The rivals are compared with where apt has them; lego's CLI where somebody
# has built it, because its 200 modules take minutes (make bin/lego).
bench: setup
	internal/testenv/install.sh testssl
	LEGO=$(wildcard $(CURDIR)/bin/lego) $(GO) test -run '^$$' -bench . -benchtime 2s -timeout 60m ./...

bin/lego:
	cd "$$($(GO) list -m -f '{{.Dir}}' github.com/go-acme/lego/v4)" && $(GO) build -mod=readonly -o $(CURDIR)/bin/lego ./cmd/lego

soak: setup
	TLSKEEPER_SOAK=1 $(GO) test -timeout 60m ./...

clean:
	rm -rf bin

.PHONY: build demo setup programs test bench soak clean
