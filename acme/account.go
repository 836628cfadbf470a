package acme

import (
	"fmt"
	"slices"
	"time"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

// ensureAccount registers with the CA, or brings the contacts up to date. A
// registration repeated after a kill finds the account of the same key.
func (s *session) ensureAccount(known account) error {
	contact := mailto(s.client.cfg.Contact)
	if known.URL == "" {
		return s.register(contact)
	}
	if slices.Equal(known.Contact, contact) {
		return nil
	}
	update := struct {
		Contact []string `json:"contact"` // an empty list takes the last away (RFC 8555, section 7.3.2); lego leaves it out
	}{append([]string{}, contact...)}
	err := s.call("changing the account's contacts", func() error { return s.post(known.URL, update) })
	if err != nil {
		return s.accountFault(err)
	}
	s.account.Contact = contact
	return s.record().save(s.account)
}

func (s *session) register(contact []string) error {
	meta := s.core.GetDirectory().Meta
	if !s.client.cfg.AgreeTOS {
		err := &TermsError{CA: s.to.ca.Name, URL: meta.TermsOfService}
		return hint.Wrap(err, "read them, then set agree_tos = true under [acme], or add --agree-tos")
	}
	if meta.ExternalAccountRequired && s.to.ca.EAB == nil {
		err := fmt.Errorf("%s wants an external account binding", s.to.ca.Name)
		return hint.Wrap(err, "get a key id and an HMAC key from the CA, then set eab_kid and eab_hmac_file under [acme]")
	}
	var made lego.ExtendedAccount
	err := s.call("creating an account", func() (err error) {
		request := lego.Account{Contact: contact, TermsOfServiceAgreed: true}
		if eab := s.to.ca.EAB; eab != nil {
			made, err = s.core.Accounts.NewEAB(request, eab.KID, eab.HMAC)
		} else {
			made, err = s.core.Accounts.New(request)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.client.step("registered")
	s.client.cfg.Log.Info("account created", "ca", s.to.ca.Name, "account", term.Brief(made.Location))
	s.account = account{URL: made.Location, Directory: s.to.ca.Directory, Contact: contact, Created: time.Now().UTC()}
	return s.record().save(s.account)
}

// accountFault explains a refusal that is for an account which the CA, or
// somebody who has its key, has ended (RFC 8555, section 7.3.6): the same word,
// unauthorized, is said for other reasons too.
func (s *session) accountFault(refusal error) error {
	if !isProblem(refusal, "unauthorized") {
		return refusal
	}
	err := s.call("asking for the account", func() error {
		_, err := s.core.Accounts.Get(s.account.URL)
		return err
	})
	if !isProblem(err, "unauthorized") {
		return refusal
	}
	name := s.to.ca.Name
	return hint.Wrap(fmt.Errorf("%s has ended the account: %w", name, refusal),
		"`tlskeeper account deactivate "+name+"` puts it aside; after that, `tlskeeper issue` makes another one")
}

func mailto(addresses []string) []string {
	var urls []string
	for _, a := range addresses {
		if a != "" {
			urls = append(urls, "mailto:"+a)
		}
	}
	return urls
}
