package stream

// An Import is one service of the ledger's account that people may reach at all, subject to their own permissions.
type Import struct {
	Subject string // in the ledger's account, with wildcards
	Local   string // what people call it; the same where empty
	Stream  bool   // one request has many answers
}

// apiPrefix is where people find the two calls of JetStream they may make. It must not be "$JS.API": every account has
// an import of its own there, which answers that JetStream is not enabled.
const apiPrefix = "PHRJS"

// Imports is everything people can reach. What is not in this table does not exist for them, whatever their
// permissions say.
func Imports() []Import {
	next, info := "CONSUMER.MSG.NEXT."+LedgerName+".*", "CONSUMER.INFO."+LedgerName+".*"
	return []Import{
		{Subject: "gate.hello"},
		{Subject: "gate.answer"},
		{Subject: "gate.login"},
		{Subject: "gate.consumer"},
		{Subject: "gate.ticket"},
		{Subject: "register.*.*"},
		{Subject: "enrol.*"},
		{Subject: "enrol.next.*"},
		{Subject: "ingest.*.*.*"},
		{Subject: "keys.*.*.*"},
		{Subject: "breakglass"},
		{Subject: "dir.>"},
		{Subject: "$JS.API." + next, Local: apiPrefix + "." + next, Stream: true},
		{Subject: "$JS.API." + info, Local: apiPrefix + "." + info},
	}
}
