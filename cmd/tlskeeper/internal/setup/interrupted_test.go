package setup

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// Ctrl-C at a question must end the program, although nobody types a line.
func TestInterruptedQuestion(t *testing.T) {
	terminal, typist := io.Pipe()
	defer typist.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "DocumentRoot") {
			interrupt()
		}
		return len(p), nil
	})
	go io.WriteString(typist, "www.example.org\nyes\n\n")
	var a Answers
	if err := a.Ask(ctx, terminal, out); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("got %v", err)
	}
}

// Ctrl-D is no answer to what is still open.
func TestInputThatEndsBetweenQuestions(t *testing.T) {
	var a Answers
	if err := a.Ask(t.Context(), strings.NewReader("www.example.org\n"), io.Discard); !errors.Is(err, errUnanswered) {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
