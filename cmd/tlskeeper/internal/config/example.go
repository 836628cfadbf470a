package config

import _ "embed"

// Example is the annotated file that `tlskeeper config example` prints. Every
// key is in it; what is commented out shows its default or a likely value.
//
//go:embed config.example.toml
var Example string
