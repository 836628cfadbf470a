# make demo   runs the main job on real parts, on loopback, in a temporary root
# make test   does all set-up and runs every check
# make bench  prints the figures
# make soak   runs the long forms of the crash tests

GO ?= go
PROGRAMS = apache2 sslscan logrotate openssl diff bash systemd-analyze systemd-sysusers systemd-tmpfiles aws certbot

build:
	$(GO) build -trimpath -o bin/tlskeeper ./cmd/tlskeeper

# Installs under DESTDIR; on the running host it also makes the agent's user
# and the directories. The units name /usr/bin/tlskeeper. Nothing is started.
install: bin/tlskeeper bin/tlskeeper.8
	install -D -m 755 bin/tlskeeper $(DESTDIR)/usr/bin/tlskeeper
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/system systemd/tlskeeper.service systemd/tlskeeper-renew.service systemd/tlskeeper-renew.timer
	install -D -m 644 systemd/sysusers.d/tlskeeper.conf $(DESTDIR)/usr/lib/sysusers.d/tlskeeper.conf
	install -D -m 644 systemd/tmpfiles.d/tlskeeper.conf $(DESTDIR)/usr/lib/tmpfiles.d/tlskeeper.conf
	install -D -m 644 bin/tlskeeper.8 $(DESTDIR)/usr/share/man/man8/tlskeeper.8
	if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then \
		systemd-sysusers && systemd-tmpfiles --create tlskeeper.conf && systemctl daemon-reload; fi

# Takes away what install put there; configuration and state stay.
uninstall:
	cd $(DESTDIR)/usr && rm -f bin/tlskeeper lib/systemd/system/tlskeeper.service lib/systemd/system/tlskeeper-renew.service \
		lib/systemd/system/tlskeeper-renew.timer lib/sysusers.d/tlskeeper.conf lib/tmpfiles.d/tlskeeper.conf share/man/man8/tlskeeper.8

# sudo often has no Go on its path: `make build` first, then `sudo make install`.
bin/tlskeeper:
	$(MAKE) build

build: bin/tlskeeper.8

bin/tlskeeper.8: cmd/tlskeeper/tlskeeper.8.md
	@mkdir -p bin
	$(GO) run github.com/cpuguy83/go-md2man/v2 -in $< -out $@

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
	$(GO) test -race -timeout 30m ./...
	$(GO) build -trimpath -o bin/tlskeeper ./cmd/tlskeeper

# The rivals: certbot, sslscan and testssl.sh from apt, and lego's CLI, whose
# 200 modules take a while the first time.
bench: setup bin/lego
	internal/testenv/install.sh testssl
	LEGO=$(CURDIR)/bin/lego $(GO) test -run '^$$' -bench . -benchtime 2s -timeout 60m ./...

bin/lego:
	cd "$$($(GO) list -m -f '{{.Dir}}' github.com/go-acme/lego/v4)" && $(GO) build -mod=readonly -o $(CURDIR)/bin/lego ./cmd/lego

soak: setup
	TLSKEEPER_SOAK=1 $(GO) test -timeout 60m ./...

clean:
	rm -rf bin

.PHONY: build install uninstall demo setup programs test bench soak clean
