package probe

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestSlowScanPassesALimiter(t *testing.T) {
	handle, roots := oldAndNew(t)
	var mu sync.Mutex
	tokens, last := 3.0, time.Now()
	target := listen(t, func(conn net.Conn) {
		mu.Lock()
		tokens = min(3, tokens+float64(time.Since(last))/float64(2*time.Millisecond))
		last = time.Now()
		ok := tokens >= 1
		if ok {
			tokens--
		}
		mu.Unlock()
		if !ok {
			silent(conn)
			return
		}
		handle(conn)
	})
	target.Roots = roots
	target.Pace = Pace{Timeout: defaultTimeout, Pause: 4 * time.Millisecond, Limit: time.Minute, Slow: true}
	r := scan(t, target)
	if r.Grade.Letter != "B" || r.Incomplete {
		t.Errorf("grade %+v, unknown %v", r.Grade, r.Unknown)
	}
	if strings.Contains(advice(target), "--slow") {
		t.Errorf("a slow scan is told to be slow: %s", advice(target))
	}
}

func TestScanHasALimit(t *testing.T) {
	handle, roots := oldAndNew(t)
	var n atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if n.Add(1) > 30 && n.Load()%3 != 0 {
			silent(conn)
			return
		}
		handle(conn)
	})
	target.Roots = roots
	target.Pace = Pace{Timeout: time.Minute, Limit: 200 * time.Millisecond}
	r, err := Scan(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if r.Grade.Letter != answerUnknown || !r.Incomplete {
		t.Errorf("grade %+v", r.Grade)
	}
}
