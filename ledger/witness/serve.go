//go:build !js

package witness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// sizeType is the content type of an answer that is nothing but a size.
const sizeType = "text/x.tlog.size"

// refusal is an answer other than a cosignature.
type refusal struct {
	status int
	text   string
	newest *uint64 // the size that the proof has to begin at, instead of a text
}

func (r *refusal) Error() string { return r.text }

func (r *refusal) write(rw http.ResponseWriter) {
	if r.newest == nil {
		http.Error(rw, r.text, r.status)
		return
	}
	rw.Header().Set("Content-Type", sizeType)
	rw.WriteHeader(r.status)
	fmt.Fprintf(rw, "%d\n", *r.newest)
}

// ServeHTTP answers POST /add-checkpoint.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.mux.ServeHTTP(rw, r) }

func (w *Witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		status := http.StatusBadRequest
		if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(rw, "the request could not be read", status)
		return
	}
	line, err := w.cosign(body)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		refused.write(rw)
	case err != nil:
		w.log.Error("not_cosigned", "error", err)
		http.Error(rw, "the witness has failed", http.StatusInternalServerError)
	default:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write(line) // who does not get it asks again
	}
}

// Run answers requests at l until ctx ends, and returns when the last one is answered.
func (w *Witness) Run(ctx context.Context, l net.Listener) error {
	const patience = 10 * time.Second
	s := &http.Server{
		Handler: w, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelWarn),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return s.Shutdown(grace)
	})
	return g.Wait()
}
