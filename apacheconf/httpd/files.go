package httpd

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/regular"
)

// Resolved follows links, so that an edit reaches the file and the link stays.
func Resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// Exists tells whether there is something at path, links followed.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ReadConf reads a configuration file's logical lines: continuation lines are
// joined as httpd does. It never blocks on a FIFO.
func ReadConf(path string) ([]conf.Line, error) {
	text, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return conf.Lines(text), nil
}

const maxConfFile = 32 << 20

// ReadFile reads a file of a configuration. It never blocks on a FIFO.
func ReadFile(path string) ([]byte, error) { return regular.Read(path, maxConfFile) }

// IsDir tells whether path is a directory, links followed.
func IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// ReadChain reads the certificates of a PEM file, leaf first.
func ReadChain(path string) ([]*x509.Certificate, error) {
	text, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("reading %s: no certificate in it", path)
	}
	return chain, nil
}
