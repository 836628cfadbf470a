package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store"
)

// maxMemory is how many bytes the rows of files may take that are asked without
// a database, but for the last block: some twenty million usual requests.
const maxMemory = 512 << 20

// Memory loads files into a database in memory, to be asked and forgotten. What
// takes more than maxMemory is an error.
func Memory(ctx context.Context, paths []string, log *slog.Logger) (*store.Store, error) {
	return memory(ctx, paths, maxMemory, log)
}

func memory(ctx context.Context, paths []string, most int64, log *slog.Logger) (*store.Store, error) {
	s, err := store.OpenMemory(store.Options{Log: log})
	if err != nil {
		return nil, err
	}
	if err = s.Limit(most); err == nil {
		_, err = take(ctx, s, Source{}, paths, "reading", log)
	}
	if errors.As(err, new(*store.FullError)) {
		err = hint.Wrap(fmt.Errorf("what the files hold takes more than %d MiB of memory", most>>20),
			"tlskeeper import --db ./trial.db FILE..., and ask that: tlskeeper query --db ./trial.db QUESTION")
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}
