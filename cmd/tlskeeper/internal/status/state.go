// Package status holds what the host tells about itself to whoever may look:
// the public state file that a renewal run publishes, the one the agent
// publishes, and the rules that turn both into findings. Neither file holds a
// secret, so both are world-readable and `tlskeeper status` needs no root.
//
// It imports internal/durable and nothing else of this module. It does not
// look at certificates, Apache or the database itself: whoever knows writes it
// here.
package status

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tlskeeper/internal/durable"
)

// Version is the format both files are written in. A reader refuses a newer
// one: a field whose meaning it does not know could be the one that matters.
const Version = 1

// publicMode is the mode of both files: readable by everyone, because they
// hold no secret and monitoring should not run as root.
const publicMode fs.FileMode = 0o644

// maxFile bounds what a reader loads: about a thousand times an ordinary file.
const maxFile = 4 << 20

// State is what the last run of `renew` (or `issue`) knew about each
// certificate.
type State struct {
	Version      int           `json:"version"`
	WrittenAt    time.Time     `json:"written_at"` // end of the run that wrote it
	Certificates []Certificate `json:"certificates"`
	// Server is what keeps the server from being asked, "" where it could be:
	// it is dead, or cannot read its configuration.
	Server string `json:"server,omitempty"`
}

// Certificate is one managed certificate: its newest generation, or the one
// that the user went back to.
type Certificate struct {
	Name       string    `json:"name"`
	Names      []string  `json:"names"`
	KeyType    string    `json:"key_type"` // "secp384r1", "rsa2048", ...
	Issuer     string    `json:"issuer"`
	Serial     string    `json:"serial,omitempty"` // hexadecimal, lower case
	CA         string    `json:"ca"`               // name of the CA that issued it
	NotBefore  time.Time `json:"not_before,omitzero"`
	NotAfter   time.Time `json:"not_after,omitzero"`
	RenewAt    time.Time `json:"renew_at,omitzero"`
	Generation int       `json:"generation"` // 0: none was issued yet
	// Held is the newest generation, where the user went back from it.
	Held int `json:"held,omitempty"`
	// DeployedAt is when a handshake first showed this generation being served;
	// zero as long as none did.
	DeployedAt time.Time `json:"deployed_at,omitzero"`
	Revoked    bool      `json:"revoked,omitempty"` // this generation, by us
	// KeyElsewhere: the user keeps the key of their CSR, and nothing is served here.
	KeyElsewhere bool `json:"key_elsewhere,omitempty"`
	// LastError is the last failure of an issuance since the last success, ""
	// after a success.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	// DeployError is why this generation is not served, "" where it is.
	DeployError   string    `json:"deploy_error,omitempty"`
	DeployErrorAt time.Time `json:"deploy_error_at,omitzero"`
}

// StatePath is where a host with this ACME directory publishes its State: beside
// that directory, because the directory itself is closed to everyone but root.
func StatePath(acmeDir string) string {
	return filepath.Join(filepath.Dir(acmeDir), "state.json")
}

// Write publishes s at path, whole or not at all.
func Write(path string, s State) error {
	s.Version = Version
	return write(path, s)
}

// Read loads a published state. A missing file is fs.ErrNotExist (errors.Is).
func Read(path string) (State, error) {
	var s State
	err := read(path, &s)
	if err == nil && s.Version > Version {
		err = newer(path, s.Version)
	}
	return s, err
}

func write(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %v", path, err)
	}
	return durable.WriteFile(path, append(data, '\n'), publicMode)
}

func read(path string, v any) error {
	data, err := readOwn(path)
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading the state %s: %v", path, err)
	}
	return nil
}

// readOwn reads a file of at most maxFile bytes without following a link and
// without waiting: the agent's lies in a directory of the agent's user, and root
// reads it.
func readOwn(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a state file (%d bytes)", path, info.Size())
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func newer(path string, version int) error {
	return fmt.Errorf("reading the state %s: format %d is newer than this tlskeeper knows (%d)", path, version, Version)
}
