// Package cmdline is urfave/cli/v2 as this program needs it: flags work before
// and after arguments, a word that was mistyped is met with the right one, help
// is written once for terminal and manual page, and what is said while working
// goes to standard error in one form.
//
// It knows no command of ours. It may import internal/{hint,term}.
package cmdline
