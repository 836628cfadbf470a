package probe

import "crypto/tls"

// groupInfo describes a key-exchange group.
type groupInfo struct {
	code Code
	name string
	bits int // size of the field of a curve, or of the prime of a finite field
	kind string
}

// groupTable are the groups of IANA's TLS Supported Groups registry that a
// server may pick, best first, and the two drafts of hybrids that shipped.
// kind: "hybrid" and "mlkem" exist in TLS 1.3 only, "ec12" only before it.
var groupTable = []groupInfo{
	{0x11ec, "X25519MLKEM768", 253, "hybrid"},
	{0x11eb, "SecP256r1MLKEM768", 256, "hybrid"},
	{0x11ed, "SecP384r1MLKEM1024", 384, "hybrid"},
	{0x11ee, "curveSM2MLKEM768", 256, "hybrid"},
	{0x6399, "X25519Kyber768Draft00", 253, "hybrid"},
	{0x639a, "SecP256r1Kyber768Draft00", 256, "hybrid"},
	{0x0200, "MLKEM512", 256, "mlkem"},
	{0x0201, "MLKEM768", 256, "mlkem"},
	{0x0202, "MLKEM1024", 256, "mlkem"},
	{29, "x25519", 253, "ec"},
	{23, "secp256r1", 256, "ec"},
	{30, "x448", 448, "ec"},
	{24, "secp384r1", 384, "ec"},
	{25, "secp521r1", 521, "ec"},
	{26, "brainpoolP256r1", 256, "ec12"},
	{27, "brainpoolP384r1", 384, "ec12"},
	{28, "brainpoolP512r1", 512, "ec12"},
	{31, "brainpoolP256r1tls13", 256, "ec13"},
	{32, "brainpoolP384r1tls13", 384, "ec13"},
	{33, "brainpoolP512r1tls13", 512, "ec13"},
	{41, "curveSM2", 256, "ec13"},
	{256, "ffdhe2048", 2048, "ff"},
	{257, "ffdhe3072", 3072, "ff"},
	{258, "ffdhe4096", 4096, "ff"},
	{259, "ffdhe6144", 6144, "ff"},
	{260, "ffdhe8192", 8192, "ff"},
	{22, "secp256k1", 256, "ec12"},
	{14, "sect571r1", 571, "ec12"},
	{13, "sect571k1", 571, "ec12"},
	{11, "sect409k1", 409, "ec12"},
	{12, "sect409r1", 409, "ec12"},
	{9, "sect283k1", 283, "ec12"},
	{10, "sect283r1", 283, "ec12"},
	{20, "secp224k1", 224, "ec12"},
	{21, "secp224r1", 224, "ec12"},
	{8, "sect239k1", 239, "ec12"},
	{6, "sect233k1", 233, "ec12"},
	{7, "sect233r1", 233, "ec12"},
	{18, "secp192k1", 192, "ec12"},
	{19, "secp192r1", 192, "ec12"},
	{4, "sect193r1", 193, "ec12"},
	{5, "sect193r2", 193, "ec12"},
	{1, "sect163k1", 163, "ec12"},
	{2, "sect163r1", 163, "ec12"},
	{3, "sect163r2", 163, "ec12"},
	{15, "secp160k1", 160, "ec12"},
	{16, "secp160r1", 160, "ec12"},
	{17, "secp160r2", 160, "ec12"},
}

// groupCodes are the groups to offer with a version.
func groupCodes(version uint16) []Code {
	var codes []Code
	for _, g := range groupTable {
		only13 := g.kind == "hybrid" || g.kind == "mlkem" || g.kind == "ec13"
		if version >= tls.VersionTLS13 && g.kind != "ec12" || version < tls.VersionTLS13 && !only13 {
			codes = append(codes, g.code)
		}
	}
	return codes
}

// groupByCode describes a group; one that is not in the table has its number as name.
func groupByCode(code Code) groupInfo {
	for _, g := range groupTable {
		if g.code == code {
			return g
		}
	}
	return groupInfo{code: code, name: code.String()}
}

// Signature schemes (IANA, TLS SignatureScheme).
var (
	ecdsaSigAlgs = []Code{0x0403, 0x0503, 0x0603, 0x081a, 0x081b, 0x081c}
	rsaSigAlgs   = []Code{0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601}
	// allSigAlgs also holds EdDSA, SHA-1, SHA-224 and DSA: what is asked is what
	// the server does with a client that takes everything.
	allSigAlgs = append(append(append([]Code{}, ecdsaSigAlgs...), rsaSigAlgs...),
		0x0807, 0x0808, 0x0203, 0x0201, 0x0303, 0x0301, 0x0202, 0x0302, 0x0402, 0x0502, 0x0602)
)
