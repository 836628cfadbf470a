package probe

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Scripts read these names: one may be added here, none may go or change.
var jsonNames = strings.Fields(`
addr address certificates certificates.chain certificates.chain.issuer certificates.chain.key
certificates.chain.not_after certificates.chain.signature certificates.chain.subject
certificates.chain_incomplete certificates.chain_problems certificates.ct_policy
certificates.ct_policy.log_list certificates.ct_policy.log_list_stale certificates.ct_policy.met
certificates.ct_policy.need certificates.ct_policy.operators certificates.ct_policy.policy_as_of
certificates.ct_policy.valid certificates.families certificates.issuer certificates.key certificates.key_bits
certificates.must_staple certificates.name_matches certificates.names certificates.not_after
certificates.not_before certificates.ocsp_responders certificates.ocsp_staple
certificates.ocsp_staple.next_update certificates.ocsp_staple.produced_at certificates.ocsp_staple.revoked_at
certificates.ocsp_staple.status certificates.ocsp_staple.this_update certificates.ocsp_staple.why
certificates.root_sent certificates.scts certificates.scts.log certificates.scts.log_id
certificates.scts.log_state certificates.scts.operator certificates.scts.source certificates.scts.time
certificates.scts.verified certificates.scts.why certificates.serial certificates.sha256
certificates.signature certificates.stapled certificates.subject certificates.trust_error certificates.trusted
dh_bits features features.alpn features.asks_client_certificate features.compression
features.extended_master_secret features.fallback_scsv features.secure_renegotiation features.session_ids
features.tickets_tls12 features.tickets_tls13 found grade grade.cipher grade.key_exchange grade.letter
grade.protocol grade.reasons grade.score grade_ignoring_trust grade_ignoring_trust.cipher
grade_ignoring_trust.key_exchange grade_ignoring_trust.letter grade_ignoring_trust.protocol
grade_ignoring_trust.reasons grade_ignoring_trust.score groups groups.bits groups.code groups.name groups.pq
groups.tls12 groups.tls13 http http.hsts http.hsts.headers http.hsts.include_subdomains http.hsts.max_age
http.hsts.preload http.hsts.raw http.hsts.valid http.status id incomplete next not_tested notes redirect
redirect.addr redirect.error redirect.location redirect.status redirect.to_https sni text time took_ns
unknown unknown.decides_grade unknown.id unknown.what unknown.why
versions versions.answer versions.code versions.name versions.order versions.suites versions.suites.aead versions.suites.auth
versions.suites.bits versions.suites.cipher versions.suites.forward_secrecy versions.suites.id
versions.suites.key_exchange versions.suites.name versions.suites.openssl versions.supported want
`)

func TestNamesInJSON(t *testing.T) {
	var got []string
	for _, root := range []reflect.Type{reflect.TypeFor[Report](), reflect.TypeFor[Finding]()} {
		got = append(got, namesIn(root, "")...)
	}
	slices.Sort(got)
	if diff := cmp.Diff(jsonNames, slices.Compact(got)); diff != "" {
		t.Error(diff)
	}
}

// namesIn are the paths of a type's JSON form.
func namesIn(t reflect.Type, prefix string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() == "time" {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("json")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		names = append(append(names, prefix+name), namesIn(t.Field(i).Type, prefix+name+".")...)
	}
	return names
}
