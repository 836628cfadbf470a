package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONOnATerminal(t *testing.T) {
	hostile := "\x1b[2J\u009b31m\u202e\U000e0001 Grüße"
	var out bytes.Buffer
	if err := (&app{stdout: &out}).printJSON(map[string]string{"name": hostile}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u009b\u202e\U000e0001") {
		t.Errorf("a terminal would obey %q", out.String())
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["name"] != hostile {
		t.Errorf("a program reads %q, %v", back["name"], err)
	}
}
