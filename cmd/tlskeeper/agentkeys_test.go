package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/logship/logshiptest"
	"tlskeeper/query"
)

// agentHost is a host with a log, a configuration and a CloudWatch of its own.
type agentHost struct {
	t      *testing.T
	root   string
	log    string
	cloud  *logshiptest.Server
	front  *httptest.Server // before cloud; notes the headers of requests
	values map[string]string

	mu      sync.Mutex
	headers []http.Header
}

func newAgentHost(t *testing.T) *agentHost {
	t.Helper()
	h := &agentHost{t: t, root: t.TempDir(), cloud: logshiptest.New(t)}
	h.front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.headers = append(h.headers, r.Header.Clone())
		h.mu.Unlock()
		h.cloud.ServeHTTP(w, r)
	}))
	t.Cleanup(h.front.Close)
	h.log = filepath.Join(h.root, "tls.log")
	h.values = map[string]string{"agent.logs": fmt.Sprintf("[%q]", h.log),
		"cloudwatch.group": `"/tls"`, "cloudwatch.stream": `"host"`, "cloudwatch.endpoint": fmt.Sprintf("%q", h.front.URL)}
	return h
}

// keepHere takes [cloudwatch] away.
func (h *agentHost) keepHere() {
	for key := range h.values {
		if strings.HasPrefix(key, "cloudwatch.") {
			delete(h.values, key)
		}
	}
}

// writes appends lines that ended at a time.
func (h *agentHost) writes(path string, at time.Time, names ...string) {
	h.t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	for _, name := range names {
		fmt.Fprintf(f, "%s,192.0.2.7,HTTP/1.1,%s,TLSv1.3,TLS_AES_256_GCM_SHA384,\"x\"\n", at.Format("[02/Jan/2006:15:04:05 -0700]"), name)
	}
}

// file writes the configuration and returns its path.
func (h *agentHost) file() string {
	h.t.Helper()
	var text strings.Builder
	for _, section := range []string{"agent", "cloudwatch"} {
		head := "[" + section + "]\n"
		for key, value := range h.values {
			if name, ok := strings.CutPrefix(key, section+"."); ok {
				fmt.Fprintf(&text, "%s%s = %s\n", head, name, value)
				head = ""
			}
		}
	}
	path := filepath.Join(h.root, "config.toml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// run is the command as it is typed.
func (h *agentHost) run(ctx context.Context, args ...string) (code int, said string) {
	var out, talk bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &talk}
	code = a.run(ctx, append([]string{"tlskeeper", "agent", "--config", h.file(), "--root", h.root}, args...))
	return code, talk.String()
}

func (h *agentHost) once() {
	h.t.Helper()
	if code, said := h.run(h.t.Context(), "--once"); code != 0 {
		h.t.Fatalf("exit code %d: %s", code, said)
	}
}

// background runs the agent until stop is called.
func (h *agentHost) background() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if code, said := h.run(ctx); code != 0 && ctx.Err() == nil {
			h.t.Errorf("exit code %d: %s", code, said)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	h.t.Cleanup(stop)
	return stop
}

func (h *agentHost) database() string { return filepath.Join(h.root, "var/lib/tlskeeper/log/tls.db") }

// rows answers sql over a database, nil while there is none.
func (h *agentHost) rows(database, sql string) (values []string) {
	db, err := query.Open(context.Background(), database)
	if err != nil {
		return nil
	}
	defer db.Close()
	r, err := db.Run(h.t.Context(), sql, query.Options{})
	if err != nil {
		return nil
	}
	for _, row := range r.Rows {
		values = append(values, fmt.Sprint(row[0]))
	}
	return values
}

func (h *agentHost) vhosts() []string {
	return h.rows(h.database(), "SELECT vhost FROM log ORDER BY vhost")
}

func (h *agentHost) messages(group, stream string) (list []string) {
	for _, ev := range h.cloud.Events(group, stream) {
		list = append(list, ev.Message)
	}
	return list
}

// header is one of the last request.
func (h *agentHost) header(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.headers) == 0 {
		return "no request"
	}
	return h.headers[len(h.headers)-1].Get(name)
}

func (h *agentHost) want(what string, got, want []string) {
	h.t.Helper()
	if !slices.Equal(got, want) {
		h.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (h *agentHost) eventually(what string, cond func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("waited a minute for %s", what)
		}
	}
}

// agentKeys gives each key of [agent] and [cloudwatch] a value that is not the
// default, and looks for what it does.
var agentKeys = map[string]func(h *agentHost){
	"agent.logs": func(h *agentHost) {
		other := filepath.Join(h.root, "other.log")
		h.values["agent.logs"] = fmt.Sprintf("[%q, %q]", h.log, other)
		h.writes(h.log, time.Now(), "first")
		h.writes(other, time.Now(), "second")
		h.once()
		h.want("stored", h.vhosts(), []string{"first", "second"})
	},
	"agent.database": func(h *agentHost) {
		path := filepath.Join(h.root, "elsewhere", "own.db")
		h.values["agent.database"] = fmt.Sprintf("%q", path)
		h.writes(h.log, time.Now(), "a")
		h.once()
		h.want("stored", h.rows(path, "SELECT vhost FROM log"), []string{"a"})
	},
	"agent.retention_days": func(h *agentHost) {
		h.values["agent.retention_days"] = "2"
		h.writes(h.log, time.Now().AddDate(0, 0, -4), "old")
		h.writes(h.log, time.Now().AddDate(0, 0, -1), "yesterday")
		h.writes(h.log, time.Now(), "now")
		h.once()
		h.want("stored", h.vhosts(), []string{"now", "old", "yesterday"})
		stop := h.background()
		h.eventually("the pruning", func() bool { return len(h.vhosts()) < 3 })
		stop()
		h.want("kept", h.vhosts(), []string{"now", "yesterday"})
	},
	"agent.client": func(h *agentHost) {
		h.values["agent.client"] = `"none"`
		h.writes(h.log, time.Now(), "a")
		h.once()
		h.want("addresses kept", h.rows(h.database(), "SELECT client FROM log"), []string{"-"})
		if sent := h.messages("/tls", "host"); len(sent) != 1 || !strings.Contains(sent[0], ",-,HTTP") {
			h.t.Errorf("sent: %q", sent)
		}
	},
	"agent.poll": func(h *agentHost) {
		// A second agent that looks at the log as often as is the rule tells when the
		// first one would have seen a line.
		rule := newAgentHost(h.t)
		h.keepHere()
		rule.keepHere()
		rule.values["agent.logs"] = h.values["agent.logs"]
		h.values["agent.poll"] = `"1m"`
		h.writes(h.log, time.Now(), "a")
		h.background()
		h.eventually("the line of before the start", func() bool { return len(h.vhosts()) == 1 })
		rule.background()
		for n, name := range []string{"b", "c", "d"} {
			h.writes(h.log, time.Now(), name)
			h.eventually("the other agent", func() bool { return len(rule.vhosts()) == n+2 })
		}
		h.want("stored", h.vhosts(), []string{"a"})
	},
	"agent.quiet": func(h *agentHost) {
		h.keepHere()
		h.values["agent.quiet"] = `"1s"`
		h.writes(h.log, time.Now(), "a")
		h.background()
		h.eventually("the line", func() bool { return len(h.vhosts()) == 1 })
		if err := os.Rename(h.log, h.log+".1"); err != nil {
			h.t.Fatal(err)
		}
		h.writes(h.log, time.Now(), "b")
		h.eventually("the old file to be closed", func() bool {
			st, err := status.ReadAgent(status.AgentPath(filepath.Dir(h.database())))
			return err == nil && st.Lines == 2 && len(st.Files) == 1
		})
	},
	"agent.max_size": func(h *agentHost) {
		h.keepHere()
		h.values["agent.max_size"] = `"64MiB"`
		h.writes(h.log, time.Now(), "a")
		h.once()
		st, err := status.ReadAgent(status.AgentPath(filepath.Dir(h.database())))
		if err != nil || st.DatabaseMost <= 0 || st.DatabaseMost > 64<<20 {
			h.t.Errorf("the database may have %d bytes, %v", st.DatabaseMost, err)
		}
	},
	"cloudwatch.group": func(h *agentHost) {
		h.values["cloudwatch.group"] = `"/other/group"`
		h.shipsOne("/other/group", "host")
	},
	"cloudwatch.stream": func(h *agentHost) {
		h.values["cloudwatch.stream"] = `"www7"`
		h.shipsOne("/tls", "www7")
	},
	"cloudwatch.region": func(h *agentHost) {
		h.t.Setenv("AWS_REGION", "")
		h.values["cloudwatch.region"] = `"ap-south-7"`
		h.shipsOne("/tls", "host")
		if got := h.header("Authorization"); !strings.Contains(got, "/ap-south-7/logs/") {
			h.t.Errorf("signed for another region: %s", got)
		}
	},
	"cloudwatch.endpoint": func(h *agentHost) {
		h.shipsOne("/tls", "host")
		if got := h.header("X-Amz-Target"); got != "Logs_20140328.PutLogEvents" {
			h.t.Errorf("the endpoint was asked for %s", got)
		}
	},
	"cloudwatch.retention_days": func(h *agentHost) {
		h.values["cloudwatch.retention_days"] = "60"
		h.shipsOne("/tls", "host")
		if got := h.cloud.Retention("/tls"); got != 60 {
			h.t.Errorf("the group keeps lines for %d days", got)
		}
	},
	"cloudwatch.client": func(h *agentHost) {
		h.values["cloudwatch.client"] = `"truncated"`
		h.shipsOne("/tls", "host")
		if sent := h.messages("/tls", "host"); len(sent) == 1 && !strings.Contains(sent[0], ",192.0.2.0,") {
			h.t.Errorf("sent: %q", sent)
		}
		h.want("addresses kept", h.rows(h.database(), "SELECT client FROM log"), []string{"192.0.2.7"})
	},
	"cloudwatch.gzip": func(h *agentHost) {
		h.shipsOne("/tls", "host")
		if got := h.header("Content-Encoding"); got != "gzip" {
			h.t.Errorf("as is the rule, bodies are encoded as %q", got)
		}
		h.values["cloudwatch.gzip"] = "false"
		h.writes(h.log, time.Now(), "b")
		h.once()
		if got := h.header("Content-Encoding"); got == "gzip" {
			h.t.Error("bodies are compressed")
		}
	},
	"cloudwatch.profile": func(h *agentHost) {
		keys := filepath.Join(h.root, "credentials")
		text := fmt.Sprintf("[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = x\n"+
			"[ours]\naws_access_key_id = %s\naws_secret_access_key = %s\n", logshiptest.AccessKey, logshiptest.SecretKey)
		if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
			h.t.Fatal(err)
		}
		for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": keys} {
			h.t.Setenv(name, value)
		}
		h.values["cloudwatch.profile"] = `"ours"`
		h.shipsOne("/tls", "host")
	},
}

func (h *agentHost) shipsOne(group, stream string) {
	h.t.Helper()
	h.writes(h.log, time.Now(), "a")
	h.once()
	if sent := h.messages(group, stream); len(sent) != 1 {
		h.t.Errorf("%d lines are in %s/%s", len(sent), group, stream)
	}
}

// Every key of the two sections does what it says, through the command. A key
// that is added needs a case here.
func TestEveryKeyOfTheAgentReachesItsMechanism(t *testing.T) {
	known := map[string]bool{}
	for section, of := range map[string]reflect.Type{"agent": reflect.TypeFor[config.Agent](), "cloudwatch": reflect.TypeFor[config.CloudWatch]()} {
		for i := range of.NumField() {
			known[section+"."+of.Field(i).Tag.Get("toml")] = true
		}
	}
	for key := range known {
		try := agentKeys[key]
		if try == nil {
			t.Errorf("%s is not tried", key)
			continue
		}
		t.Run(key, func(t *testing.T) { try(newAgentHost(t)) })
	}
	for key := range agentKeys {
		if !known[key] {
			t.Errorf("there is no key %s", key)
		}
	}
}

// Two agents on one database would read each line twice as often as they could
// tell: the second is refused, and goes on when the first has ended.
func TestSecondAgentOfOneDatabase(t *testing.T) {
	h := newAgentHost(t)
	h.keepHere()
	h.writes(h.log, time.Now(), "a")
	stop := h.background()
	h.eventually("the first agent", func() bool { return len(h.vhosts()) == 1 })
	code, said := h.run(t.Context(), "--once")
	if code != exitLocked || !strings.Contains(said, "another agent fills") {
		t.Errorf("exit code %d: %s", code, said)
	}
	stop()
	h.once()
}
