package view

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// A Call is one thing that a screen may ask for, by its name.
type Call struct {
	Name   string
	Args   reflect.Type
	Result reflect.Type
	answer func(*View, context.Context, json.RawMessage) (any, error) // nil: the vault answers, in the worker
}

// Events are what is told without being asked: the name of each, and what comes with it.
func Events() map[string]reflect.Type {
	return map[string]reflect.Type{
		"connection": reflect.TypeFor[Connection](),
		"changed":    reflect.TypeFor[Changed](),
		"progress":   reflect.TypeFor[Progress](),
		"locked":     reflect.TypeFor[Locked](),
	}
}

// Locked says why a vault was locked. It is an event.
type Locked struct {
	Why string `json:"why"` // idle, asked, elsewhere, panic
}

// answered is a call that a View answers.
func answered[A, R any](name string, answer func(*View, context.Context, A) (R, error)) Call {
	return Call{name, reflect.TypeFor[A](), reflect.TypeFor[R](), func(v *View, ctx context.Context, raw json.RawMessage) (any, error) {
		args, err := Args[A](raw)
		if err != nil {
			return nil, err
		}
		return answer(v, ctx, args)
	}}
}

// ofVault is a call that the vault answers: also while nobody is logged in.
func ofVault[A, R any](name string) Call {
	return Call{Name: name, Args: reflect.TypeFor[A](), Result: reflect.TypeFor[R]()}
}

// Args reads the arguments of a call. Fields that it does not know are an error.
func Args[A any](raw json.RawMessage) (args A, err error) {
	if len(raw) == 0 {
		return args, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&args); err != nil {
		return args, &Error{Code: CodeInput, Message: fmt.Sprintf("reading what was asked: %v", err)}
	}
	return args, nil
}

// Calls are all that a screen may ask for.
func Calls() []Call {
	return []Call{
		ofVault[Nothing, VaultState]("vault.state"),
		ofVault[SetupBegin, SetupWords]("vault.begin"),
		ofVault[SetupCheck, Nothing]("vault.check"),
		ofVault[SetupFinish, VaultPerson]("vault.finish"),
		ofVault[Unlock, VaultPerson]("vault.unlock"),
		ofVault[Nothing, Nothing]("vault.lock"),
		ofVault[Nothing, Nothing]("vault.used"), // the person is there: puts off the lock on idle
		ofVault[Nothing, KeysState]("vault.keys"),
		ofVault[Passkey, KeysState]("vault.addPasskey"),
		ofVault[Passphrase, KeysState]("vault.setPassphrase"),
		ofVault[SlotName, KeysState]("vault.removeSlot"),
		ofVault[Nothing, Download]("vault.export"),
		ofVault[KeystoreFile, VaultPerson]("vault.import"),
		ofVault[Gone, VaultState]("vault.remove"),
		ofVault[SamplePerson, VaultPerson]("vault.sample"),

		answered("me", (*View).Me),
		answered("enrol", (*View).Enrol),
		answered("name.set", (*View).SetName),
		answered("veto", (*View).Veto),
		answered("today", (*View).Today),
		answered("timeline", (*View).Timeline),
		answered("trends", (*View).Trends),
		answered("summary", (*View).Summary),
		answered("record", (*View).Record),
		answered("record.proof", (*View).RecordProof),
		answered("measurables", (*View).Measurables),
		answered("write", (*View).Write),
		answered("withdraw", (*View).Withdraw),
		answered("erase", (*View).Erase),
		answered("import.preview", (*View).PreviewImport),
		answered("import.make", (*View).MakeImport),
		answered("export", (*View).Export),

		answered("sharing", (*View).Sharing),
		answered("circle", (*View).Circle),
		answered("grant.preview", (*View).PreviewGrant),
		answered("grant.make", (*View).MakeGrant),
		answered("grant.receipt", (*View).GrantReceipt),
		answered("revoke.preview", (*View).PreviewRevoke),
		answered("revoke.make", (*View).MakeRevoke),
		answered("seeAs", (*View).SeeAs),
		answered("compartment.create", (*View).CreateCompartment),
		answered("compartment.renew", (*View).RenewCompartment),
		answered("proxy.end", (*View).EndProxy),
		answered("access", (*View).AccessLog),
		answered("access.export", (*View).ExportAccess),

		answered("patients", (*View).Patients),
		answered("emergencies", (*View).Emergencies),
		answered("emergency.request", (*View).RequestEmergency),
		answered("emergency.approve", (*View).ApproveEmergency),
		answered("emergency.end", (*View).EndEmergency),
		answered("emergency.review", (*View).ReviewEmergency),
		answered("emergency.allow", (*View).AllowEmergency),
		answered("emergency.deny", (*View).DenyEmergency),
		answered("emergency.card", (*View).EmergencyCard),

		answered("authority", (*View).Authority),
		answered("authority.invite", (*View).Invite),
		answered("authority.impact", (*View).Impact),
		answered("authority.revoke", (*View).RevokeAttributes),
		answered("authority.reissue", (*View).Reissue),

		answered("log", (*View).Log),
		answered("log.find", (*View).FindInLog),
		answered("log.proof", (*View).VerifyProof),
		answered("log.audit", (*View).AuditLog),
	}
}
