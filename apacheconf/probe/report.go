package probe

import "time"

// Report is what Scan found out. It is plain data; its strings come from the
// server and are escaped only where they are printed.
type Report struct {
	Addr     string        `json:"addr"`
	Address  string        `json:"address"` // the IP address of Addr that was asked
	SNI      string        `json:"sni,omitempty"`
	Time     time.Time     `json:"time"`
	Took     time.Duration `json:"took_ns"`
	Versions []Version     `json:"versions"` // oldest first, unsupported ones too
	// Groups are in the order the server picks them in TLS 1.3, then those of
	// TLS 1.2 alone.
	Groups       []Group       `json:"groups"`
	DHBits       int           `json:"dh_bits,omitempty"` // prime of DHE before TLS 1.3
	Certificates []Certificate `json:"certificates"`
	Features     Features      `json:"features"`
	HTTP         *HTTP         `json:"http,omitempty"`     // nil: no HTTP answer over TLS
	Redirect     *Redirect     `json:"redirect,omitempty"` // nil: not asked
	Grade        Grade         `json:"grade"`
	GradeTrusted Grade         `json:"grade_ignoring_trust"`
	// Notes are oddities that leave nothing open.
	Notes []string `json:"notes,omitempty"`
	// Unknown are the questions that the server left open, Next what to do about
	// them. Incomplete tells that there are some; then "not supported" may be
	// "not known", which Version.Answer tells apart.
	Unknown    []Unknown `json:"unknown,omitempty"`
	Next       string    `json:"next,omitempty"`
	Incomplete bool      `json:"incomplete,omitempty"`
	NotTested  []string  `json:"not_tested"`
}

// Version is one protocol version, named as Apache's log names it.
type Version struct {
	Name      string  `json:"name"`
	Code      Code    `json:"code"`
	Supported bool    `json:"supported"`
	Answer    string  `json:"answer"`           // "yes", "no" or "unknown"
	Suites    []Suite `json:"suites,omitempty"` // in the server's order when Order is "server"
	Order     string  `json:"order,omitempty"`  // who chooses: "server", "client"; empty with one suite
}

// Group is a key-exchange group and where it is accepted.
type Group struct {
	Code  Code   `json:"code"`
	Name  string `json:"name"`
	Bits  int    `json:"bits"`
	PQ    bool   `json:"pq"`
	TLS13 bool   `json:"tls13"`
	TLS12 bool   `json:"tls12"` // in the newest version before 1.3
}

// Features are properties of the handshake beside version, suite and group.
// The pointers are nil where no version that has the feature is supported, and
// where the answer is not known, which Report.Unknown tells.
type Features struct {
	Compression         bool     `json:"compression"`
	SecureRenegotiation *bool    `json:"secure_renegotiation,omitempty"`
	ExtendedMaster      *bool    `json:"extended_master_secret,omitempty"`
	Tickets12           *bool    `json:"tickets_tls12,omitempty"`
	Tickets13           *bool    `json:"tickets_tls13,omitempty"`
	SessionIDs          *bool    `json:"session_ids,omitempty"`
	FallbackSCSV        *bool    `json:"fallback_scsv,omitempty"`
	ALPN                []string `json:"alpn"`
	ClientCertificate   bool     `json:"asks_client_certificate"`
}

// Certificate is one of the chains that the server shows for the name.
type Certificate struct {
	Families      []string  `json:"families"` // asked for: "any", "ecdsa", "rsa"
	Subject       string    `json:"subject"`
	Issuer        string    `json:"issuer"`
	Names         []string  `json:"names"`
	Serial        string    `json:"serial"` // hexadecimal
	SHA256        string    `json:"sha256"` // of the certificate, hexadecimal
	Key           string    `json:"key"`    // "ECDSA P-384", "RSA 2048"
	KeyBits       int       `json:"key_bits"`
	Signature     string    `json:"signature"`
	NotBefore     time.Time `json:"not_before"`
	NotAfter      time.Time `json:"not_after"`
	Chain         []Link    `json:"chain"` // what was sent after the leaf
	ChainProblems []string  `json:"chain_problems,omitempty"`
	RootSent      bool      `json:"root_sent"`        // needless: clients use their own
	Incomplete    bool      `json:"chain_incomplete"` // an intermediate is missing
	NameMatches   bool      `json:"name_matches"`
	Trusted       bool      `json:"trusted"` // name aside
	TrustError    string    `json:"trust_error,omitempty"`
	OCSP          []string  `json:"ocsp_responders,omitempty"`
	Stapled       bool      `json:"stapled"`
	MustStaple    bool      `json:"must_staple"` // clients that know it refuse without a staple (RFC 7633)
	Staple        *Staple   `json:"ocsp_staple,omitempty"`
	SCTs          []SCT     `json:"scts,omitempty"`
	CT            *CTPolicy `json:"ct_policy,omitempty"` // nil without SCTs
}

// Link is an issuer's certificate as sent.
type Link struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Key       string    `json:"key"`
	Signature string    `json:"signature"`
	NotAfter  time.Time `json:"not_after"`
}

// SCT is a signed certificate timestamp (RFC 6962, 3.2).
type SCT struct {
	LogID    string    `json:"log_id"`              // base64, as in the lists of logs
	Log      string    `json:"log,omitempty"`       // its name; empty for an unknown log
	Operator string    `json:"operator,omitempty"`  // of the log
	LogState string    `json:"log_state,omitempty"` // by the list, "usable", "retired" and so on
	Time     time.Time `json:"time"`
	Source   string    `json:"source"`        // "certificate", "tls" or "ocsp"
	Verified string    `json:"verified"`      // "valid", "invalid", "unknown_log" or "unchecked"
	Why      string    `json:"why,omitempty"` // for invalid and unchecked

	counts bool // towards a browser's policy, if it is valid
}

// CTPolicy is what Chrome's policy on Certificate Transparency says of the
// SCTs, by a list of logs of a certain date. It is about certificates of
// public CAs; no browser asks it of a private one.
type CTPolicy struct {
	Met       string    `json:"met"`       // "yes", "no", or "unknown" where the list is too old or cannot tell
	Need      int       `json:"need"`      // valid SCTs of different logs
	Valid     int       `json:"valid"`     // that count
	Operators int       `json:"operators"` // different ones; two are needed
	LogList   time.Time `json:"log_list"`  // date of the list of logs
	Stale     bool      `json:"log_list_stale"`
	AsOf      string    `json:"policy_as_of"`
}

// Staple is a stapled OCSP response (RFC 6960).
type Staple struct {
	Status     string    `json:"status"` // "good", "revoked", "unknown", "unverified" or "invalid"
	Why        string    `json:"why,omitempty"`
	ProducedAt time.Time `json:"produced_at,omitzero"`
	ThisUpdate time.Time `json:"this_update,omitzero"`
	NextUpdate time.Time `json:"next_update,omitzero"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
}

// HTTP is the answer to GET / over TLS.
type HTTP struct {
	Status int   `json:"status"`
	HSTS   *HSTS `json:"hsts,omitempty"`
}

// HSTS is the Strict-Transport-Security header (RFC 6797).
type HSTS struct {
	Raw               string `json:"raw"`     // the first header, which is the one that counts
	Headers           int    `json:"headers"` // how often it was sent
	Valid             bool   `json:"valid"`
	MaxAge            int64  `json:"max_age"` // seconds
	IncludeSubDomains bool   `json:"include_subdomains"`
	Preload           bool   `json:"preload"`
}

// Redirect is the answer of the plain HTTP port.
type Redirect struct {
	Addr     string `json:"addr"`
	Status   int    `json:"status,omitempty"`
	Location string `json:"location,omitempty"`
	ToHTTPS  bool   `json:"to_https"`
	Error    string `json:"error,omitempty"`
}

// notTested are checks that graders elsewhere make and this one does not.
var notTested = []string{
	"SSLv2 and DROWN", "Heartbleed, CCS injection, ROBOT, POODLE over TLS and other active attacks",
	"client-initiated renegotiation", "revocation, except by a stapled OCSP response", "the HSTS preload list", "CAA and TLSA records",
}

// version finds a supported version by its code.
func (r *Report) version(code uint16) *Version {
	for i := range r.Versions {
		if v := &r.Versions[i]; v.Code == Code(code) && v.Supported {
			return v
		}
	}
	return nil
}

// suites calls yield for every suite of every supported version.
func (r *Report) suites(yield func(Version, Suite) bool) {
	for _, v := range r.Versions {
		for _, s := range v.Suites {
			if !yield(v, s) {
				return
			}
		}
	}
}
