package store

import (
	"math/rand/v2"
	"testing"
)

// TestALineIsKnownByItsPlace: whatever parts of a file are given again, by
// whom, and in which order, each line is kept once, and equal lines of
// different places are kept each.
func TestALineIsKnownByItsPlace(t *testing.T) {
	line := `[18/Jul/2016:06:25:10 +0200],192.0.2.7,HTTP/1.1,v,p,c,"x"` + "\n"
	text := ""
	for range 200 {
		text += line
	}
	lines, end := content(text)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		s, err := OpenMemory(Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			i, j := rng.IntN(len(lines)), rng.IntN(len(lines))
			i, j = min(i, j), max(i, j)
			f := newFile(text)
			f.Offset = lines[i].Offset
			if err := s.Append(t.Context(), f, lines[i:j], lines[j].Offset, false); err != nil {
				t.Fatal(err)
			}
		}
		appendText(t, s, newFile(text), text, false)
		if n := count(t, s, "SELECT count(*) FROM request"); n != 200 {
			t.Fatalf("%d rows of 200 lines", n)
		}
		if n := count(t, s, "SELECT count(*) FROM ledger"); n != 1 {
			t.Fatalf("%d ranges for one whole file", n)
		}
		if n := count(t, s, "SELECT end FROM ledger"); n != end {
			t.Fatalf("ledger ends at %d of %d", n, end)
		}
		checkRollups(t, s)
		s.Close()
	}
}

func TestTheSameFileUnderAnotherNameIsRecognised(t *testing.T) {
	s := openTemp(t, Options{})
	text := requests(50)
	f := newFile(text[:200])
	lines, end := content(text[:len(text)/2])
	if err := s.Append(t.Context(), f, lines, end, true); err != nil || f.ID == 0 {
		t.Fatal(err)
	}
	gz := &File{Path: "tls.log.2.gz", Dev: 1, Inode: 99}
	if err := s.Identify(t.Context(), gz, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if gz.ID != f.ID || gz.Inode != f.Inode || gz.Offset != end {
		t.Errorf("the compressed file became %+v, want file %d", gz, f.ID)
	}
	other := &File{Path: "other.log", Dev: 1, Inode: 100}
	if err := s.Identify(t.Context(), other, []byte("x"+text)); err != nil || other.ID == f.ID || other.Inode != 0 {
		t.Errorf("another file became %+v, %v", other, err)
	}
}

// TestTwoLogsMayBeginAlike: while they are short, two followed files with the
// same first line are two files.
func TestTwoLogsMayBeginAlike(t *testing.T) {
	s := openTemp(t, Options{})
	text := requests(1)
	for inode := range uint64(2) {
		f := newFile(text)
		f.Inode = 10 + inode
		appendText(t, s, f, text, true)
	}
	if n := count(t, s, "SELECT count(*) FROM request"); n != 2 {
		t.Errorf("%d rows of two files, want 2", n)
	}
}
