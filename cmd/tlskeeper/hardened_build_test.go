package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// built is the program as `make build` makes it.
func built(t *testing.T) *elf.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tlskeeper")
	cmd := exec.CommandContext(t.Context(), "make", "binary", "OUT="+path)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// A line lost from the Makefile would be seen by nobody: the program works.
func TestProgramIsHardened(t *testing.T) {
	file := built(t)
	if file.Type != elf.ET_DYN || !has(t, file, elf.DT_FLAGS_1, uint64(elf.DF_1_PIE)) {
		t.Errorf("%v: it is always loaded at the same place", file.Type)
	}
	if !has(t, file, elf.DT_FLAGS, uint64(elf.DF_BIND_NOW)) || !has(t, file, elf.DT_FLAGS_1, uint64(elf.DF_1_NOW)) || segment(file, elf.PT_GNU_RELRO) == nil {
		t.Error("the jump table can be written")
	}
	if stack := segment(file, elf.PT_GNU_STACK); stack == nil || stack.Flags&elf.PF_X != 0 {
		t.Error("the stack is executable")
	}
	symbols, err := file.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	imports := func(like func(name string) bool) bool {
		return slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool { return like(s.Name) })
	}
	if !imports(func(name string) bool { return name == "__stack_chk_fail" }) {
		t.Error("the C code does not check its stack")
	}
	if !imports(func(name string) bool { return strings.HasSuffix(name, "_chk") }) {
		t.Error("the C code does not check its copies")
	}
}

func has(t *testing.T, file *elf.File, tag elf.DynTag, flag uint64) bool {
	t.Helper()
	values, err := file.DynValue(tag)
	if err != nil {
		t.Fatal(err)
	}
	return len(values) == 1 && values[0]&flag != 0
}

func segment(file *elf.File, kind elf.ProgType) *elf.Prog {
	for _, p := range file.Progs {
		if p.Type == kind {
			return p
		}
	}
	return nil
}
