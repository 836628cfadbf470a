package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Size is a number of bytes, written "8GiB".
type Size int64

// leastSize leaves room for a write-ahead log that is emptied now and then.
const leastSize Size = 64 << 20

var units = []struct {
	name  string
	bytes Size
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// parseSize reads a whole number and its unit: KiB, MiB, GiB or TiB, or 0 alone.
func parseSize(text string) (Size, error) {
	if text == "0" {
		return 0, nil
	}
	for _, u := range units {
		number, found := strings.CutSuffix(text, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 63)
		if err == nil && n <= math.MaxInt64/uint64(u.bytes) {
			return Size(n) * u.bytes, nil
		}
	}
	return 0, fmt.Errorf("%q is not a size such as 8GiB", text)
}

// String is s in the largest unit that it is a whole number of.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && s%u.bytes == 0 {
			return fmt.Sprintf("%d%s", s/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

func setSize(field reflect.Value, value any) bool {
	text, ok := value.(string)
	if !ok {
		return false
	}
	size, err := parseSize(text)
	field.SetInt(int64(size))
	return err == nil
}
