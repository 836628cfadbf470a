package safepath

import "tlskeeper/internal/hint"

// Directory returns an *Error where others than its owner, root and we may
// write the directory at descriptor fd (O_PATH is enough); path is how to name
// it. Whose it is, and whether it is sticky, is the caller's question.
func Directory(fd int, path string) error {
	p, err := stat(fd, path)
	if err != nil {
		return err
	}
	p.uid = 0
	faults := us().judge(p, true)
	if len(faults) == 0 {
		return nil
	}
	return hint.Wrap(&Error{Path: path, Why: tell(faults)}, remedy(faults))
}
