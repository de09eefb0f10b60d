package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// askAgain is how long to wait before a coordinator is asked again, when one could not be
// reached or knew of none that leads.
const askAgain = time.Second

// watcher prints a cluster's status, and then what changes.
type watcher struct {
	out, errs io.Writer
	format    output.Format
	// told is what was printed; nil at first. changes prints what is not so any more.
	told    *picture
	changes *output.Printer
}

// watch prints the status and what changes until the command is interrupted. Where the
// coordinator goes, it turns to the others.
func (t *Target) watch(cmd *cobra.Command, request *api.GetClusterStatusRequest) error {
	w := &watcher{out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr(), format: output.Format(t.format)}
	for attempt := 0; ; attempt++ {
		addresses := w.addresses(t.address)
		var ended error
		err := t.at(addresses[attempt%len(addresses)]).operate(cmd.Context(), 0, func(ctx context.Context, c api.OstrakaAdminClient) error {
			stream, err := c.GetClusterStatus(ctx, request)
			if err == nil {
				err = w.follow(stream.Recv)
			}
			ended = err
			return err
		})
		if cmd.Context().Err() != nil {
			return nil
		}
		if w.told == nil || !passes(ended) {
			return fmt.Errorf("watch the cluster: %w", err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%v; asking again\n", err)
		select {
		case <-time.After(askAgain):
		case <-cmd.Context().Done():
			return nil
		}
	}
}

// passes reports whether an error may be gone when another coordinator leads.
func passes(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.Aborted:
		return true
	}
	return errors.Is(err, io.EOF)
}

// addresses are where to ask: as the user said, and where coordinators said that they are.
func (w *watcher) addresses(first string) []string {
	all := []string{first}
	if w.told == nil {
		return all
	}
	for _, c := range w.told.overview.GetCoordinators() {
		if c.GetAddress() != "" && c.GetAddress() != first {
			all = append(all, c.GetAddress())
		}
	}
	return all
}

// follow takes parts until there is an error, and prints what they tell whenever nothing
// is missing.
func (w *watcher) follow(receive func() (*api.GetClusterStatusResponse, error)) error {
	next := newPicture()
	for {
		part, err := receive()
		if err != nil {
			return err
		}
		next.take(part)
		if !part.GetComplete() {
			continue
		}
		if err := w.show(next, part.GetTakenUnixMs()); err != nil {
			return err
		}
		w.told = next.clone()
	}
}

// show prints a picture, or how it differs from the last.
func (w *watcher) show(p *picture, takenUnixMs int64) error {
	if w.told == nil {
		w.changes = output.NewPrinter(w.out, w.format, changeColumns...)
		if err := p.print(w.out, w.format); err != nil {
			return err
		}
		// The headings come with the first changes, which say how wide the columns are.
		fmt.Fprintln(w.errs, "watching for changes; interrupt to end")
		return nil
	}
	changes := difference(w.told, p)
	if len(changes) == 0 {
		return nil
	}
	for _, change := range changes {
		change.Time = moment(takenUnixMs)
		var item output.Item = change
		if w.format != output.Table {
			item = kinds{Change: &change}
		}
		if err := w.changes.Print(item); err != nil {
			return err
		}
	}
	return w.changes.Flush()
}
