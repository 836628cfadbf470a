package probe

import (
	"crypto/tls"
	"encoding/json"
	"strings"
	"testing"

	"time"
	"tlskeeper/internal/child"
	"tlskeeper/internal/testenv"
)

// The table is written from IANA's registry; OpenSSL and Go are two
// independent readings of it.
func TestSuiteTableAgreesWithOpenSSL(t *testing.T) {
	testenv.Need(t, "openssl")
	out, err := child.Run(t.Context(), child.Cmd{
		Argv:    []string{"openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"},
		Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out.Stdout)), "\n")
	if len(lines) < 30 {
		t.Fatalf("openssl names only %d suites", len(lines))
	}
	for _, line := range lines {
		f := strings.Fields(line) // 0xC0,0x2C - IANA - OPENSSL VERSION Kx= Au= Enc= Mac=
		var id Code
		if err := id.UnmarshalText([]byte("0x" + f[0][2:4] + f[0][7:9])); err != nil {
			t.Fatal(err)
		}
		s := suiteByID(id)
		if s.Name != f[2] || s.Label() != f[4] {
			t.Errorf("%v is %s, %s; openssl says %s, %s", id, s.Name, s.Label(), f[2], f[4])
		}
		if aead := f[9] == "Mac=AEAD"; s.AEAD != aead {
			t.Errorf("%s: AEAD is %v", s.Name, s.AEAD)
		}
	}
}

func TestSuiteTableAgreesWithGo(t *testing.T) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if got := suiteByID(Code(s.ID)).Name; got != s.Name {
			t.Errorf("%04x is %s, Go says %s", s.ID, got, s.Name)
		}
	}
}

func TestSuiteProperties(t *testing.T) {
	for name, want := range map[string]Suite{
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384":         {KeyExchange: "ECDHE", Auth: "ECDSA", Cipher: "AES_256_GCM", Bits: 256, AEAD: true, ForwardSecrecy: true},
		"TLS_RSA_WITH_3DES_EDE_CBC_SHA":                   {KeyExchange: "RSA", Auth: "RSA", Cipher: "3DES_EDE_CBC", Bits: 112},
		"TLS_RSA_EXPORT_WITH_RC4_40_MD5":                  {KeyExchange: "RSA", Auth: "RSA", Cipher: "RC4_40", Bits: 40},
		"TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA":           {KeyExchange: "DHE", Auth: "RSA", Cipher: "CAMELLIA_256_CBC", Bits: 256, ForwardSecrecy: true},
		"TLS_DH_anon_WITH_RC4_128_MD5":                    {KeyExchange: "DHE", Auth: "anon", Cipher: "RC4_128", Bits: 128},
		"TLS_ECDH_RSA_WITH_NULL_SHA":                      {KeyExchange: "ECDH", Auth: "RSA", Cipher: "NULL", Bits: 0},
		"TLS_PSK_DHE_WITH_AES_128_CCM_8":                  {KeyExchange: "DHE", Auth: "PSK", Cipher: "AES_128_CCM_8", Bits: 128, AEAD: true, ForwardSecrecy: true},
		"TLS_CHACHA20_POLY1305_SHA256":                    {KeyExchange: "any", Auth: "any", Cipher: "CHACHA20_POLY1305", Bits: 256, AEAD: true, ForwardSecrecy: true},
		"TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA":             {KeyExchange: "RSA", Auth: "RSA", Cipher: "DES_CBC", Bits: 56},
		"TLS_SHA256_SHA256":                               {KeyExchange: "any", Auth: "any", Cipher: "SHA256", Bits: 0, ForwardSecrecy: true},
		"TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA":            {KeyExchange: "SRP", Auth: "RSA", Cipher: "AES_128_CBC", Bits: 128},
		"SSL_RSA_FIPS_WITH_DES_CBC_SHA":                   {KeyExchange: "RSA", Auth: "RSA", Cipher: "DES_CBC", Bits: 56},
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256_OLD": {KeyExchange: "ECDHE", Auth: "RSA", Cipher: "CHACHA20_POLY1305", Bits: 256, AEAD: true, ForwardSecrecy: true},
		"TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC":    {KeyExchange: "GOSTR341112", Auth: "256", Cipher: "KUZNYECHIK_CTR", Bits: 256},
	} {
		got := describeSuite(0, name, "")
		got.Name = ""
		if got != want {
			t.Errorf("%s is\n%+v, want\n%+v", name, got, want)
		}
	}
}

func TestCodeInJSON(t *testing.T) {
	text, err := json.Marshal(Code(0xc02b))
	if err != nil || string(text) != `"0xc02b"` {
		t.Fatalf("%s, %v", text, err)
	}
	var back Code
	if err := json.Unmarshal(text, &back); err != nil || back != 0xc02b {
		t.Errorf("%v, %v", back, err)
	}
	if json.Unmarshal([]byte(`"c02b"`), &back) == nil {
		t.Error("no error for a code without 0x")
	}
}
