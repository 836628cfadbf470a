package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxOrdinal is the last millisecond of a second; further lines share it.
const maxOrdinal = 999

// keptSeconds is how many of a file's newest seconds are remembered between
// transactions. Lines that end later than these begin at 0 again, which costs
// only the order among lines of that second.
const keptSeconds = 16

// ordinals count the lines of each second of one file, so that the free
// milliseconds of %t hold their order.
type ordinals map[int64]int

// next returns the unix milliseconds for one more line of second ts.
func (o ordinals) next(ts int64) int64 {
	n := o[ts]
	o[ts] = n + 1
	return ts*1000 + int64(min(n, maxOrdinal))
}

// readOrdinals reads what String wrote. Damage is taken as nothing known.
func readOrdinals(text string) ordinals {
	o := ordinals{}
	for _, word := range strings.Fields(text) {
		var ts int64
		var n int
		if _, err := fmt.Sscanf(word, "%d:%d", &ts, &n); err == nil {
			o[ts] = n
		}
	}
	return o
}

// String writes the newest seconds as "ts:next ts:next".
func (o ordinals) String() string {
	seconds := slices.Sorted(maps.Keys(o))
	seconds = seconds[max(0, len(seconds)-keptSeconds):]
	words := make([]string, len(seconds))
	for i, ts := range seconds {
		words[i] = fmt.Sprintf("%d:%d", ts, o[ts])
	}
	return strings.Join(words, " ")
}
