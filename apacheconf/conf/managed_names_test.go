package conf

import "testing"

func TestManagedNames(t *testing.T) {
	t.Parallel()
	conf := ParseOwn([]byte("MDomain a.test auto\nMDomain *.w.test\n<MDomainSet b.test>\nMDMember c.test manual\n</MDomainSet>\n"), "x", nil)
	names := mdNames(conf)
	for name, want := range map[string]bool{"A.test": true, "b.test": true, "c.test": true, "auto": false, "x.w.test": true, "w.test": false, "x.y.w.test": false, "d.test": false} {
		if coveredBy(names, name) != want {
			t.Errorf("%s: want %v (%v)", name, want, names)
		}
	}
}
