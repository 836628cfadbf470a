package hint

import (
	"errors"
	"fmt"
	"testing"
)

func TestHintSurvivesWrapping(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("outer: %w", Wrap(cause, "type this"))
	if got := Of(err); got != "type this" {
		t.Errorf("Of = %q", got)
	}
	if !errors.Is(err, cause) || err.Error() != "outer: cause" {
		t.Errorf("the error itself changed: %v", err)
	}
}

func TestNoHint(t *testing.T) {
	if Wrap(nil, "x") != nil {
		t.Error("a nil error became one")
	}
	if got := Of(errors.New("plain")); got != "" {
		t.Errorf("Of = %q", got)
	}
}
