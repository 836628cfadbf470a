package logshiptest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/testenv"
)

// awscli runs Amazon's own command line, whose model of the service (botocore)
// we did not write, against s.
func awscli(t *testing.T, s *Server, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "aws", append([]string{"logs", "--endpoint-url", s.URL, "--region", Region, "--output", "json"}, args...)...)
	cmd.Env = append(s.Env(), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustAWS(t *testing.T, s *Server, args ...string) string {
	t.Helper()
	out, err := awscli(t, s, args...)
	if err != nil {
		t.Fatalf("aws logs %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// The double is held to an independent reading of the protocol: what botocore's
// model says of names, types, errors and signatures must fit what it answers.
func TestAmazonsOwnCommandLine(t *testing.T) {
	testenv.Need(t, "aws")
	s := New(t)
	mustAWS(t, s, "create-log-group", "--log-group-name", "/tls/cli")
	mustAWS(t, s, "create-log-stream", "--log-group-name", "/tls/cli", "--log-stream-name", "host-1")
	mustAWS(t, s, "put-retention-policy", "--log-group-name", "/tls/cli", "--retention-in-days", "30")
	now := time.Now().UnixMilli()
	events := fmt.Sprintf(`[{"timestamp": %d, "message": "first \"é\" line"}, {"timestamp": %d, "message": "second"}]`, now, now+1)
	path := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(path, []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--log-group-name", "/tls/cli", "--log-stream-name", "host-1"}
	put := mustAWS(t, s, append([]string{"put-log-events", "--log-events", "file://" + path}, at...)...)
	if !strings.Contains(put, "nextSequenceToken") {
		t.Error(put)
	}
	var got struct {
		Events []struct {
			Timestamp, IngestionTime int64
			Message                  string
		}
		NextForwardToken, NextBackwardToken string
	}
	if err := json.Unmarshal([]byte(mustAWS(t, s, append([]string{"get-log-events", "--start-from-head"}, at...)...)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 2 || got.Events[0].Message != `first "é" line` || got.Events[1].Timestamp != now+1 ||
		got.Events[0].IngestionTime < now || got.NextForwardToken == "" || got.NextBackwardToken == "" {
		t.Errorf("%+v", got)
	}
	for command, want := range map[string]string{"describe-log-groups": `"retentionInDays": 30`, "describe-log-streams": `"logStreamName": "host-1"`} {
		args := []string{command}
		if command == "describe-log-streams" {
			args = append(args, "--log-group-name", "/tls/cli")
		}
		if out := mustAWS(t, s, args...); !strings.Contains(out, want) || !strings.Contains(out, `"arn": "arn:aws:logs:`) || !strings.Contains(out, `"creationTime": 1`) {
			t.Errorf("%s: %s", command, out)
		}
	}
}

// Errors are what botocore knows under the name that the double gives them.
func TestErrorsThatAmazonsCommandLineUnderstands(t *testing.T) {
	testenv.Need(t, "aws")
	s := New(t)
	s.MakeGroup("g")
	for want, args := range map[string][]string{
		"ResourceAlreadyExistsException": {"create-log-group", "--log-group-name", "g"},
		"ResourceNotFoundException":      {"put-log-events", "--log-group-name", "g", "--log-stream-name", "none", "--log-events", "timestamp=1,message=x"},
		"InvalidParameterException":      {"put-retention-policy", "--log-group-name", "g", "--retention-in-days", "2"},
	} {
		out, err := awscli(t, s, args...)
		if err == nil || !strings.Contains(out, "("+want+")") {
			t.Errorf("%s: %v\n%s", args[0], err, out)
		}
	}
}
