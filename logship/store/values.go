package store

import (
	"database/sql/driver"
	"fmt"

	"tlskeeper/internal/hint"
)

// read copies the values of a row to dest, in order: *int64, *string or *[]byte.
// SQLite lets any column hold any type, and a database may have been written by
// anybody; a value of another type is an error, and so is a NULL. A nil dest
// leaves a value aside.
func read(row []driver.Value, dest ...any) error {
	for i, to := range dest {
		if !assign(to, row[i]) {
			return hint.Wrap(fmt.Errorf("the database is damaged: value %d of a row is %s where this program writes %s",
				i+1, kind(row[i]), want(to)), damagedHint)
		}
	}
	return nil
}

func assign(to any, v driver.Value) (ok bool) {
	switch to := to.(type) {
	case nil:
		return true
	case *int64:
		*to, ok = v.(int64)
	case *string:
		*to, ok = v.(string)
	case *[]byte:
		*to = blob(v)
		_, isBytes := v.([]byte)
		ok = isBytes || v == nil // the driver gives nil for an empty one
	}
	return ok
}

func want(to any) string {
	switch to.(type) {
	case *int64:
		return "a number"
	case *string:
		return "a text"
	}
	return "bytes"
}

func kind(v driver.Value) string {
	switch v.(type) {
	case nil:
		return "NULL"
	case int64:
		return "a number"
	case string:
		return "a text"
	case []byte:
		return "bytes"
	}
	return fmt.Sprintf("a %T", v)
}
