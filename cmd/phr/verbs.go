package main

import (
	"context"
	"slices"
	"strings"
)

// verb is one thing that phr does.
type verb struct {
	name    string // as it is typed: "record import"
	role    string // under which help lists it
	takes   string // what follows the name, flags that most calls need among it
	does    string // in a line
	example string // command lines
	run     func(ctx context.Context, e *env, args []string) error
}

// The roles, in the order of help.
const (
	everybody = "Everybody"
	patients  = "Patients"
	readers   = "Whoever keeps or reads records"
	founders  = "Authorities"
	operators = "Operators and auditors"
)

// verbs are all there are, in the order of help.
func verbs() []verb {
	return []verb{
		{
			"demo", everybody, "[--exit | --web] [--data FILE…]", "see all of it work, in one process, with real timings, and then in a browser",
			"phr demo --exit\nphr demo --exit --data bundle.json more.ndjson.gz\nphr demo --web", demoVerb,
		},
		{
			"ui", everybody, "--node URL", "serve the web interface from this program, until interrupted; prints its URL",
			"phr ui --node phr://127.0.0.1:4222/GID", uiVerb,
		},
		{
			"verify-web", everybody, "URL", "compare the web interface that a server serves with this program's own",
			"phr verify-web https://phr.example.org", verifyWeb,
		},
		{
			"id create", everybody, "", "make an identity, and a home for its keys",
			"phr id create --home ~/.phr", idCreate,
		},
		{
			"id show", everybody, "", "print whose home this is",
			"phr id show", idShow,
		},
		{
			"id passphrase", everybody, "", "change the passphrase, or set another one by the recovery words",
			"phr id passphrase\nphr id passphrase --forgotten", idPassphrase,
		},
		{
			"id export", everybody, "FILE", "write a copy of your keys, which opens as your home does now",
			"phr id export /media/stick/keys", idExport,
		},
		{
			"id import", everybody, "FILE", "make a home of a copy of your keys",
			"phr id import /media/stick/keys --home ~/.phr", idImport,
		},
		{
			"device offer", everybody, "", "give your keys to another device of yours, after comparing six words",
			"phr device offer\nphr device offer --out /media/stick/old --in /media/stick/new", deviceOffer,
		},
		{
			"device adopt", everybody, "", "make this device yours too, with the keys that another one offers",
			"phr device adopt\nphr device adopt --out /media/stick/new --in /media/stick/old", deviceAdopt,
		},
		{
			"id recover", everybody, "[--gid GID] [--share-file FILE…] --home NEW", "bring an identity back by its recovery words, after a wait of three days",
			"phr id recover --home ~/.phr-new\nphr id recover --gid GID --share-file one --share-file two --home ~/.phr-new", idRecover,
		},
		{
			"id veto", everybody, "", "refuse the recovery of your identity that somebody else asked for",
			"phr id veto --reason 'my sheet was stolen'", idVeto,
		},
		{
			"id rotate", everybody, "", "replace your keys and your recovery words",
			"phr id rotate", idRotate,
		},
		{
			"id split", everybody, "[--shares N] [--need K]", "make shares of your recovery words, for people whom you trust together",
			"phr id split --shares 5 --need 3", idSplit,
		},
		{
			"agent", everybody, "[--idle TIME]", "keep your home unlocked for your other programs, until interrupted",
			"phr agent --idle 15m", agentVerb,
		},
		{
			"agent lock", everybody, "", "make the agent forget the keys",
			"phr agent lock", agentLock,
		},
		{
			"agent unlock", everybody, "", "give the passphrase to the agent again",
			"phr agent unlock", agentUnlock,
		},
		{
			"agent status", everybody, "", "tell whether an agent holds your keys",
			"phr agent status", agentStatus,
		},
		{
			"enroll", everybody, "[CODE]", "join an authority by an invitation, given as an argument or on standard input",
			"phr enroll --name 'Dr. A. Ruiz' city-hospital-7K3M-9QXD-…", enroll,
		},
		{
			"keys", everybody, "", "fetch the attribute keys issued to you, and list those you hold",
			"phr keys", keys,
		},
		{
			"witness policy", everybody, "[FILE | none]", "say which witnesses must have cosigned the log before you rely on it; without FILE, show it",
			"phr witness policy two-of-three.policy\nphr witness policy none", witnessPolicy,
		},
		{
			"patients", everybody, "", "list what has been shared with you",
			"phr patients", patientsVerb,
		},

		{
			"patient register", patients, "[--name NAME]", "become a patient, with the compartments health and training; prints the patient id",
			"phr patient register --name 'Maria Lopez'", patientRegister,
		},
		{
			"patient erase", patients, "[--export FILE]", "erase your whole record for good",
			"phr patient erase --export record.json --revoke-identity", patientErase,
		},
		{
			"compartment create", patients, "NAME", "add a compartment to your record",
			"phr compartment create dental --class health", compartmentCreate,
		},
		{
			"compartment list", patients, "", "list the compartments of your record",
			"phr compartment list", compartmentList,
		},
		{
			"compartment rotate", patients, "NAME [--reason TEXT]", "go on under new keys, for everybody let in: what a broken key is mended by",
			"phr compartment rotate health --reason 'the insurer can not open epoch 3'", compartmentRotate,
		},
		{
			"compartment erase", patients, "NAME [--export FILE]", "erase a compartment with all that is in it, for good",
			"phr compartment erase training --export training.json", compartmentErase,
		},
		{
			"record erase", patients, "ID… [--export FILE]", "destroy the keys of records, with all their versions, for good",
			"phr record erase 01jd3k6n8v5m2x7q4c9r0w1e2t --export old.json", recordErase,
		},
		{
			"grant", patients, "--to WHOM --compartment NAME", "let someone in; prints the grant id",
			"phr grant --to doctor@city-hospital --compartment health --write\n" +
				"phr grant --to 'gid:GID and agent@acme-insurance' --compartment health --until 30d", grant,
		},
		{
			"grant edit", patients, "GRANT [--until D | --no-end] [--write | --read-only]",
			"give a grant another end or another right; one that has ended is renewed",
			"phr grant edit 01jd3k6n8v5m2x7q4c9r0w1e2t --until 30d --dry-run\nphr grant edit 01jd3k6n8v5m2x7q4c9r0w1e2t --read-only", grantEdit,
		},
		{
			"grants", patients, "", "list who is let in; or write the receipt of a grant",
			"phr grants\nphr grants --consent 01jd3k6n8v5m2x7q4c9r0w1e2t", grants,
		},
		{
			"revoke", patients, "GRANT", "take a grant back: live sessions end, and what is written later stays closed to them",
			"phr revoke 01jd3k6n8v5m2x7q4c9r0w1e2t", revoke,
		},
		{
			"proxy add", patients, "--to gid:GID --compartment NAME… --until DATE", "let a person act for you: a guardian, a deputy; prints a grant id for each compartment",
			"phr proxy add --to gid:GID --compartment health --compartment training --write --until 365d", proxyAdd,
		},
		{
			"proxy list", patients, "", "list who acts for you, and for whom you act",
			"phr proxy list", proxyList,
		},
		{
			"proxy renew", patients, "gid:GID | GRANT --until DATE", "give the right to act for you another end: everywhere, or on one compartment",
			"phr proxy renew gid:GID --until 365d", proxyRenew,
		},
		{
			"proxy end", patients, "gid:GID | GRANT", "take the right to act for you back: everywhere, or on one compartment",
			"phr proxy end gid:GID", proxyEnd,
		},
		{
			"access-log", patients, "", "list who looked at your record, and who tried",
			"phr access-log\nphr access-log --proofs looked", accessLog,
		},
		{
			"disclosures", patients, "[--since D] [--until D] [--format text|csv|fhir] [-o FILE]",
			"write an accounting of disclosures: who was given what, when, why, and under which grant",
			"phr disclosures --since 2026-01\nphr disclosures --format csv -o disclosures.csv", disclosures,
		},
		{
			"breakglass allow", patients, "--compartment NAME --open WHO --approve WHO", "let a compartment be opened in an emergency, by two people; prints the grant id",
			"phr breakglass allow --compartment health --open emergency@city-hospital --approve supervisor@city-hospital", breakglassAllow,
		},
		{
			"breakglass deny", patients, "--compartment NAME", "take that back",
			"phr breakglass deny --compartment health", breakglassDeny,
		},
		{
			"explain", patients, "--compartment NAME [--as WHOM] [--if WHOM [--instead-of GRANT]]",
			"say who can read a compartment today, why, and why not; what a grant would change; what rests on which keys",
			"phr explain --compartment health --as nurse@city-hospital\n" +
				"phr explain --compartment health --if 'doctor@city-hospital or agent@acme-insurance' --instead-of 01jd3k6n8v5m2x7q4c9r0w1e2t", explain,
		},

		{
			"record import", readers, "FILE…", "write the resources of FHIR files: bundles or NDJSON, plain or gzipped",
			"phr record import --dry-run bundle.json\nphr record import bundle.json", recordImport,
		},
		{
			"record add", readers, "[--note TEXT | --file FILE]", "write one record: a note, or a FHIR resource from a file or standard input",
			"phr record add --note 'Slept badly since Monday'", recordAdd,
		},
		{
			"record list", readers, "", "list records",
			"phr record list --type Observation --code 8480-6 --since 2024", recordList,
		},
		{
			"record show", readers, "ID", "show one record with its history",
			"phr record show 01jd3k6n8v5m2x7q4c9r0w1e2t", recordShow,
		},
		{
			"record amend", readers, "ID [--file FILE | --note TEXT]", "write a new version of a record; the earlier ones stay",
			"phr record amend 01jd3k6n8v5m2x7q4c9r0w1e2t --file corrected.json", recordAmend,
		},
		{
			"record retract", readers, "ID --reason TEXT", "mark a record as withdrawn; it stays in its history",
			"phr record retract 01jd3k6n8v5m2x7q4c9r0w1e2t --reason 'wrong patient'", recordRetract,
		},
		{
			"record proof", readers, "ID [-o FILE] | --check FILE", "prove that a record is sealed in the log, and check that later without a node",
			"phr record proof 01jd3k6n8v5m2x7q4c9r0w1e2t -o slept.tlog-proof\nphr record proof --check slept.tlog-proof", recordProof,
		},
		{
			"record export", readers, "[-o FILE]", "write every FHIR resource, as it came in, as one Bundle",
			"phr record export -o record.json", recordExport,
		},
		{
			"breakglass open", readers, "--patient ID --compartment NAME --reason TEXT", "ask to open a compartment in an emergency, and wait for another's approval; prints the request id",
			"phr breakglass open --patient ID --compartment emergency --reason 'unconscious, in resuscitation room 2'", breakglassOpen,
		},
		{
			"breakglass approve", readers, "[REQUEST]", "list what waits for your approval, or approve it",
			"phr breakglass approve\nphr breakglass approve 01jd3k6n8v5m2x7q4c9r0w1e2t", breakglassApprove,
		},
		{
			"breakglass end", readers, "REQUEST", "end an emergency at once: the patient, who asked, or who approved",
			"phr breakglass end 01jd3k6n8v5m2x7q4c9r0w1e2t --reason 'the patient is awake'", breakglassEnd,
		},
		{
			"breakglass review", readers, "REQUEST --finding TEXT", "say what was found about an emergency: the patient, or one who had no part in it; within 72 hours",
			"phr breakglass review 01jd3k6n8v5m2x7q4c9r0w1e2t --finding 'justified'", breakglassReview,
		},
		{
			"breakglass list", readers, "[--watch]", "list the emergencies that concern you, and with --watch those that come: for who may approve",
			"phr breakglass list --watch", breakglassList,
		},
		{
			"watch", readers, "", "follow a record as it grows",
			"phr watch --patient GID", watch,
		},

		{
			"authority init", founders, "NAME --kind KIND", "found an authority; prints the fingerprint for the registry to endorse",
			"phr authority init city-hospital --kind hospital", authorityInit,
		},
		{
			"authority serve", founders, "[--console HOST:PORT]", "answer enrolments, and issue the keys that are owed, until interrupted; a browser may show it",
			"phr authority serve", authorityServe,
		},
		{
			"authority invite", founders, "--attr ATTRIBUTE", "open an invitation; prints its code",
			"phr authority invite --attr doctor --uses 1 --expires 7d", authorityInvite,
		},
		{
			"authority members", founders, "", "list who is enrolled",
			"phr authority members", authorityMembers,
		},
		{
			"authority revoke", founders, "--gid GID [--attr ATTRIBUTES] [--dry-run]", "take attributes from a person; everybody else who holds them gets new keys",
			"phr authority revoke --gid GID --attr doctor --dry-run\n" +
				"phr authority revoke --gid GID --attr doctor --reason 'left' --yes", authorityRevoke,
		},
		{
			"authority rotate", founders, "--attr ATTRIBUTES [--dry-run]", "move attributes to their next versions; everybody who holds them gets new keys",
			"phr authority rotate --attr doctor --yes", authorityRotate,
		},
		{
			"authority rekey", founders, "[--dry-run] [--finish]", "replace the master key, step by step; prints the fingerprint for the registry to endorse",
			"phr authority rekey --yes\nphr authority rekey --finish", authorityRekey,
		},

		{
			"node", operators, "--data DIR", "run the ledger; prints its URL once it is ready",
			"phr node --data /var/lib/phr --listen 127.0.0.1:4222", nodeVerb,
		},
		{
			"node scrub", operators, "--data DIR", "look for damages in everything that a node keeps, while it does not run",
			"phr node scrub --data /var/lib/phr", nodeScrub,
		},
		{
			"node repair", operators, "--data DIR [--dry-run]", "mend what is damaged of a node's storage from what is whole",
			"phr node repair --data /var/lib/phr\nphr node repair --data /var/lib/phr --tree /mnt/other/tree --checkpoint kept", nodeRepair,
		},
		{
			"authority endorse", operators, "NAME FINGERPRINT --data DIR", "give a name to an authority, as the registry that lives in a node's directory",
			"phr authority endorse city-hospital ABCD-… --data /var/lib/phr", authorityEndorse,
		},
		{
			"audit", operators, "[--node URL | --dir DIR] [--tree DIR] [--since FILE]", "replay the log and verify it; one finding a line",
			"phr audit --dir /var/lib/phr\nphr audit --tree copy/tree --node phr://127.0.0.1:4222/… --since last-audit.json", auditVerb,
		},
		{
			"witness", operators, "--data DIR [--log LOG…]", "cosign the checkpoints of logs that only grow; prints its key once it is ready",
			"phr witness --data /var/lib/phr-witness --name witness.example.org/phr --log phr://127.0.0.1:4222/GID", witnessVerb,
		},

		{
			"help", everybody, "[VERB]", "list what phr does, or say more about one verb",
			"phr help grant", help,
		},
		{
			"version", everybody, "", "print the version",
			"phr version", version,
		},
	}
}

// find returns the verb that args begin with, and the rest.
func find(args []string) (*verb, []string, error) {
	if len(args) == 0 || isHelp(args[0]) {
		args = append([]string{"help"}, args[min(1, len(args)):]...)
	}
	all := verbs()
	for words := min(2, len(args)); words > 0; words-- {
		name := strings.Join(args[:words], " ")
		if i := slices.IndexFunc(all, func(v verb) bool { return v.name == name }); i >= 0 {
			return &all[i], args[words:], nil
		}
	}
	var under []string
	for _, v := range all {
		if rest, ok := strings.CutPrefix(v.name, args[0]+" "); ok {
			under = append(under, rest)
		}
	}
	switch {
	case len(under) == 0:
		return nil, nil, &usageError{text: "there is no verb " + quote(args[0]), hint: "phr help lists them"}
	case len(args) > 1 && isHelp(args[1]):
		v := &all[slices.IndexFunc(all, func(v verb) bool { return v.name == "help" })]
		return v, args[:1], nil
	}
	return nil, nil, &usageError{text: args[0] + " needs one of: " + strings.Join(under, ", "), hint: "phr help " + args[0] + " says more"}
}

func isHelp(s string) bool { return s == "-h" || s == "--help" || s == "-help" }
