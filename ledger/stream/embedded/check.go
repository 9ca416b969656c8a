package embedded

import (
	"fmt"
	"net"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/phrledger/phr/ledger/stream"
)

// CheckOptions says whether a server configured like this can be trusted with the ledger. It returns a
// *stream.UnsafeError that lists everything wrong.
func CheckOptions(o *server.Options) error {
	var f faults
	f.add(!o.SyncAlways, "sync_interval is not always: acknowledged messages would be lost with the power")
	f.add(!o.JetStream || o.StoreDir == "", "JetStream has no directory")
	f.add(o.JetStreamLimits.MaxBatchSize > 0 && o.JetStreamLimits.MaxBatchSize < stream.MaxBatch, "atomic batches are too small")
	f.add(len(o.TrustedOperators) == 0 || o.AccountResolver == nil, "it does not run in operator mode")
	f.add(o.SystemAccount == "", "there is no system account")
	f.add(o.DefaultSentinel == "", "there is no guest")
	f.add(o.NoAuthUser != "" || len(o.Users)+len(o.Nkeys)+len(o.Accounts) > 0 || o.Username != "" || o.Authorization != "",
		"it has users of its own")
	f.add(o.AuthCallout != nil || o.CustomClientAuthentication != nil, "authentication is delegated")
	f.add(o.NoHeaderSupport, "headers are off")
	f.add(o.Trace || o.Debug || o.TraceVerbose, "it would log what people send")
	f.add(o.HTTPPort != 0 || o.HTTPSPort != 0 || o.ProfPort != 0, "monitoring is open to everybody")
	f.add(o.Cluster.Port != 0 || o.Gateway.Port != 0 || o.LeafNode.Port != 0 || len(o.LeafNode.Remotes) > 0 ||
		o.MQTT.Port != 0 || o.Websocket.Port != 0, "it listens for more than clients")
	f.add(!o.DontListen && !loopback(o.Host), fmt.Sprintf("it listens on %q, without TLS: only a loopback address may", o.Host))
	return f.err("server")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// CheckAccounts says whether the two accounts keep people away from the ledger and let the ledger grow. It returns a
// *stream.UnsafeError that lists everything wrong.
func CheckAccounts(ledger, clients *jwt.AccountClaims) error {
	var f faults
	table := make(map[string]string)
	for _, i := range stream.Imports() {
		table[i.Subject] = i.Local
	}
	js := ledger.Limits.JetStreamLimits
	f.add(js.DiskStorage != jwt.NoLimit || js.DiskMaxStreamBytes > 0 || js.MaxBytesRequired || len(ledger.Limits.JetStreamTieredLimits) > 0,
		"the ledger's storage is limited")
	f.add(len(ledger.Imports) > 0 || len(ledger.Mappings) > 0, "the ledger's account imports or maps subjects")
	for _, e := range ledger.Exports {
		_, known := table[string(e.Subject)]
		f.add(!known || e.Type != jwt.Service, "the ledger's account exports "+string(e.Subject))
	}
	f.add(clients.Limits.IsJSEnabled(), "people's account has JetStream")
	f.add(len(clients.Exports) > 0 || len(clients.Mappings) > 0, "people's account exports or maps subjects")
	for _, i := range clients.Imports {
		local, known := table[string(i.Subject)]
		f.add(!known || i.Type != jwt.Service || i.Account != ledger.Subject || string(i.LocalSubject) != local,
			"people's account imports "+string(i.Subject))
		f.add(!i.Share, "services are not told who calls "+string(i.Subject))
	}
	return f.err("accounts")
}

// faults collects what is wrong with one thing.
type faults []string

func (f *faults) add(wrong bool, what string) {
	if wrong {
		*f = append(*f, what)
	}
}

func (f faults) err(what string) error {
	if len(f) == 0 {
		return nil
	}
	return &stream.UnsafeError{What: what, Faults: f}
}
