# make demo   runs the main job on real parts, on loopback, in a temporary root
# make test   does all set-up and runs every check
# make bench  prints the figures
# make soak   runs the long forms of the crash tests

GO ?= go
PROGRAMS = apache2 sslscan logrotate openssl diff bash systemd-analyze systemd-sysusers systemd-tmpfiles aws certbot

# The C in it (SQLite) reads what strangers wrote: its stack and its copies are
# checked, the program is loaded at a random place (PIE), and its jump table is
# read-only (full RELRO). An older C library makes a 2 of the 3. One set of flags
# for everything built here: other ones would compile SQLite again, a minute.
HARDENED = CGO_CFLAGS='-O2 -g -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3' \
	$(GO) build -trimpath -buildmode=pie -ldflags='-extldflags "-Wl,-z,relro,-z,now"'
OUT = bin/tlskeeper

build: binary bin/tlskeeper.8

binary:
	$(HARDENED) -o $(OUT) ./cmd/tlskeeper

# Installs under DESTDIR; on the running host it also makes the agent's user
# and the directories. The units name /usr/bin/tlskeeper. Nothing is started,
# and nothing is compiled: that is no work for root.
install:
	@test -x bin/tlskeeper && test -f bin/tlskeeper.8 || { echo "install: bin/tlskeeper or its manual page is missing; run \`make build\` first, as yourself" >&2; exit 1; }
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

bin/tlskeeper.8: cmd/tlskeeper/tlskeeper.8.md
	@mkdir -p bin
	$(GO) run github.com/cpuguy83/go-md2man/v2 -in $< -out $@

demo: build
	internal/testenv/install.sh apache2 logrotate
	$(HARDENED) -o bin/tlskeeper-demo ./cmd/tlskeeper-demo
	bin/tlskeeper-demo -binary bin/tlskeeper

setup:
	internal/testenv/install.sh $(PROGRAMS)

# What the tests need, for REQUIRE_TESTENV; a test compares it with the code.
programs:
	@echo $(PROGRAMS) | tr ' ' ','

# A check that could not be made is said last, where it is read.
test:
	@rm -f $(NOT_RUN)
	@$(MAKE) checks; status=$$?; cat $(NOT_RUN) 2>/dev/null; exit $$status

NOT_RUN = bin/not-run

checks: setup
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	internal/testenv/vulncheck.sh $(NOT_RUN)
	$(GO) test -race -timeout 30m ./...
	$(MAKE) binary
	$(GO) run ./internal/ctlist

# Renews the list of Certificate Transparency logs that the program is built
# with. It needs the network, says so where there is none, and changes nothing
# then. Run the tests of apacheconf/probe afterwards.
ct-logs:
	$(GO) run ./internal/ctlist -renew

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

.PHONY: build binary install uninstall demo setup programs test checks ct-logs bench soak clean
