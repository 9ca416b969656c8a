package stream_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/phrledger/phr/ledger/stream"
)

// cluster is three servers in this process that keep the two streams three times.
type cluster struct {
	testing.TB
	servers []*server.Server
	options []*server.Options
	dirs    []string
	ledger  *stream.Ledger
	conn    *nats.Conn
}

// startCluster runs three servers, joined over the loopback address, until the test ends.
func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{TB: t}
	ports, routes := freePorts(t, 3)
	for i, port := range ports {
		dir := t.TempDir()
		opts := &server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: dir, SyncAlways: true, Routes: routes,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port, PoolSize: -1},
		}
		c.options, c.dirs = append(c.options, opts), append(c.dirs, dir)
	}
	c.start()
	return c
}

// start starts the servers, and opens the ledger.
func (c *cluster) start() {
	c.Helper()
	c.servers = nil
	for _, opts := range c.options {
		s, err := server.NewServer(opts.Clone())
		if err != nil {
			c.Fatal(err)
		}
		s.Start()
		c.Cleanup(func() { stop(s) })
		c.servers = append(c.servers, s)
	}
	for _, s := range c.servers {
		if !s.ReadyForConnections(10 * time.Second) {
			c.Fatal("a server does not start")
		}
	}
	c.open()
}

// stop stops all servers.
func (c *cluster) stop() {
	c.conn.Close()
	for _, s := range c.servers {
		stop(s)
	}
}

// freePorts returns ports that nobody listens at, and the routes to servers that will.
func freePorts(t testing.TB, n int) (ports []int, routes []*url.URL) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
	}
	return ports, routes
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// open makes the streams with three replicas and opens the ledger on them.
func (c *cluster) open() {
	c.Helper()
	var err error
	if c.conn, err = nats.Connect(c.servers[0].ClientURL()); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(c.conn.Close)
	js, err := jetstream.New(c.conn)
	if err != nil {
		c.Fatal(err)
	}
	common := jetstream.StreamConfig{MaxConsumers: 100, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage, Replicas: 3, MaxMsgsPerSubject: -1}
	entries, keys := common, common
	entries.Name, entries.Subjects = stream.LedgerName, []string{"phr.>", "id.>", "auth.>", "node.>"}
	entries.DenyDelete, entries.DenyPurge, entries.AllowAtomicPublish = true, true, true
	keys.Name, keys.Subjects, keys.MaxMsgsPerSubject, keys.DiscardNewPerSubject = stream.KeysName, []string{"key.>"}, 1, true
	for _, config := range []jetstream.StreamConfig{entries, keys} {
		c.until("a stream", func() bool {
			ctx, cancel := context.WithTimeout(c.Context(), time.Second) // without a leader the servers never answer
			defer cancel()
			_, err = js.CreateStream(ctx, config)
			return err == nil
		})
	}
	c.until("the ledger", func() bool {
		ctx, cancel := context.WithTimeout(c.Context(), time.Second)
		defer cancel()
		c.ledger, err = stream.OpenLedger(ctx, c.conn, stream.Config{Clients: "A"})
		return err == nil
	})
}

// until waits for what the servers agree on by themselves.
func (c *cluster) until(what string, met func() bool) {
	c.Helper()
	for !met() {
		if c.Context().Err() != nil {
			c.Fatalf("%s did not come about", what)
		}
	}
}

// where returns the files in which some bytes stand, without what differs between servers: those of the streams, and those of
// the logs by which the servers agree.
func (c *cluster) where(what []byte) (streams, logs []string) {
	c.Helper()
	for _, dir := range c.dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // files come and go
			}
			contents, err := os.ReadFile(path)
			switch {
			case err != nil || !bytes.Contains(contents, what):
			case strings.Contains(path, "/$SYS/"):
				logs = append(logs, path)
			default:
				streams = append(streams, path)
			}
			return nil
		})
		if err != nil {
			c.Fatal(err)
		}
	}
	return streams, logs
}

// On three nodes a part that is erased is overwritten in the stream of each. The log by which they agree on it keeps a copy, until
// it is compacted: by every server a few minutes later, and when it is stopped in an orderly way.
func TestErasedOnThree(t *testing.T) {
	c := startCluster(t)
	secret := make([]byte, 4<<10)
	rand.Read(secret)
	needle := secret[1000:1064]
	if err := c.ledger.PutParts(t.Context(), stream.Part{Subject: "key.aa.alice.health.1.shred.x", Data: secret}); err != nil {
		t.Fatal(err)
	}
	c.until("a copy on each", func() bool { streams, _ := c.where(needle); return len(streams) == 3 })
	if err := c.ledger.DeletePart(t.Context(), "key.aa.alice.health.1.shred.x"); err != nil {
		t.Fatal(err)
	}
	c.until("its erasure on each", func() bool { streams, _ := c.where(needle); return len(streams) == 0 })
	_, logs := c.where(needle)
	t.Logf("after the erasure %d logs hold a copy", len(logs))
	if len(logs) == 0 {
		t.Error("no log holds a copy any more: say so in docs/security.md")
	}
	began, written := time.Now(), 0
	c.until("the compaction of all logs", func() bool {
		filler := make([]byte, 256<<10)
		rand.Read(filler)
		subject := fmt.Sprint("key.aa.alice.health.1.filler.", written)
		if err := c.ledger.PutParts(t.Context(), stream.Part{Subject: subject, Data: filler}); err != nil {
			t.Fatal(err)
		}
		if err := c.ledger.DeletePart(t.Context(), subject); err != nil {
			t.Fatal(err)
		}
		written += len(filler)
		_, logs := c.where(needle)
		return len(logs) == 0
	})
	t.Logf("compacted after %d MiB more in %s", written>>20, time.Since(began))
}
