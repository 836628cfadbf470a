package certbot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/flock"
	"tlskeeper/internal/leaf"
)

// lockWait is how long another run of ours is waited for.
const lockWait = 10 * time.Second

// Apply stores accounts and certificates, and then appends to the
// configuration: what is configured is renewed, so it comes last. After a kill
// in between, the same import does the rest.
func (p *Plan) Apply(ctx context.Context, cfg *config.Config) error {
	dir := cfg.Paths.ACME
	// The one above holds the public state, and is open.
	if err := durable.MkdirBase(dir, 0o700); err != nil {
		return fmt.Errorf("importing from certbot: %w", err)
	}
	lock, err := flock.Acquire(ctx, filepath.Join(dir, "lock"), lockWait)
	if err != nil {
		return err
	}
	defer lock.Release()
	for _, a := range p.accounts {
		if err := p.storeAccount(dir, a); err != nil {
			return err
		}
	}
	store := store.Open(dir)
	for _, l := range p.lineages {
		if err := p.storeVersions(store, l); err != nil {
			return err
		}
	}
	return p.configure()
}

func (p *Plan) storeAccount(dir string, a *Account) error {
	ca := acme.At(a.Server)
	client, err := acme.New(acme.Config{Dir: dir, CAs: []acme.CA{ca}})
	if err != nil {
		return fmt.Errorf("importing the account with %s: %w", ca.Name, err)
	}
	err = client.ImportAccount(ca, a.Key, a.URL, a.Created)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if ours, err := client.Accounts(); err != nil || ours[0].URL != a.URL { // else of an import that was cut off
		p.NotCarried = append(p.NotCarried, "the account "+a.URL+": we have one with "+ca.Name+" already")
	}
	return nil
}

// storeVersions stores what is still valid, the oldest first. A version that
// fails our checks is named; it does not keep the next ones out.
func (p *Plan) storeVersions(store *store.Store, l Lineage) error {
	stored := false
	for _, v := range l.Versions {
		chain, err := leaf.ParseChain(v.Chain)
		if err == nil && !time.Now().Before(chain[0].NotAfter) {
			continue
		}
		if err == nil {
			_, err = store.Import(l.Name, v.Key, v.Chain, metaOf(l, chain[0].NotBefore))
		}
		switch {
		case err == nil, errors.Is(err, fs.ErrExist):
			stored = true
		case errors.Is(err, fs.ErrPermission):
			return err
		default:
			p.NotCarried = append(p.NotCarried, fmt.Sprintf("%s: version %d: %v", l.Name, v.Number, err))
		}
	}
	if !stored {
		p.NotCarried = append(p.NotCarried, l.Name+": no valid certificate: the next `tlskeeper renew` gets one")
	}
	return nil
}

func metaOf(l Lineage, issued time.Time) store.Meta {
	server := l.Settings.Params["server"]
	meta := store.Meta{CA: acme.At(server).Name, Directory: server, Issued: issued.UTC()}
	if l.Account != nil {
		meta.Account = l.Account.URL
	}
	return meta
}

// configure appends to the file as it was read: a change in between is not
// overwritten.
func (p *Plan) configure() error {
	if p.Text == "" {
		return nil
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(p.File); err == nil {
		mode = info.Mode().Perm()
	}
	data, err := os.ReadFile(p.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if string(data) != p.before {
		return fmt.Errorf("writing the configuration: %s was changed in the meantime; run the import again", p.File)
	}
	if err := durable.MkdirAll(filepath.Dir(p.File), 0o755); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return durable.WriteFile(p.File, []byte(p.before+p.Text), mode)
}
