package owner

import "errors"

var (
	// ErrNotRegular is a FIFO, a device or a directory where a file was meant.
	ErrNotRegular = errors.New("not a regular file")
	// ErrSecondName is a file in another user's directory that has a second
	// name: whose it is cannot be told.
	ErrSecondName = errors.New("it lies in a directory of another user and has a second name somewhere")
)
