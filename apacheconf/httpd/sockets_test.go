package httpd

import "testing"

func TestKernelAddr(t *testing.T) {
	t.Parallel()
	if got := kernelAddr("0100007F:1F90"); got != "127.0.0.1:8080" {
		t.Error(got)
	}
	if got := kernelAddr("00000000000000000000000001000000:01BB"); got != "[::1]:443" {
		t.Error(got)
	}
}
