// Made by go generate ./web from the structs of web/view: do not edit.

export type Nothing = { [key: string]: never };

export interface Slot {
	kind: string;
	id?: string;
	credential?: string;
	salt?: string;
}

export interface VaultPerson {
	gid: string;
	name: string;
	slots: Slot[];
	created: string;
	sample?: boolean;
}

export interface VaultState {
	open?: string;
	people: VaultPerson[];
}

export interface SetupBegin {
	name: string;
	patient: boolean;
}

export interface SetupWords {
	words: string[];
	ask: number[];
	gid: string;
	node: string;
}

export interface SetupCheck {
	words: string[];
}

export interface Passkey {
	credential: string;
	salt: string;
	secret: string;
	label?: string;
}

export interface SetupFinish {
	passphrase?: string;
	passkey?: Passkey;
}

export interface Unlock {
	gid: string;
	passphrase?: string;
	passkey?: Passkey;
	words?: string;
}

export interface HeldKey {
	attribute: string;
	authority: string;
	kind?: string;
	version: number;
}

export interface KeysState {
	person: VaultPerson;
	keys: HeldKey[];
	unsent: number;
	unsealed: number;
}

export interface Passphrase {
	passphrase: string;
}

export interface SlotName {
	kind: string;
	id?: string;
}

export interface Download {
	name: string;
	media: string;
	bytes: string;
}

export interface KeystoreFile {
	bytes: string;
	name: string;
	passphrase?: string;
	words?: string;
}

export interface Gone {
	gid: string;
}

export interface SamplePerson {
	id: string;
}

export interface Person {
	gid?: string;
	name?: string;
	authority?: string;
	me?: boolean;
}

export interface Recovery {
	since: string;
	until: string;
}

export interface ActsFor {
	patient: Person;
	compartment: string;
	write: boolean;
	until?: string;
}

export interface Me extends Person {
	roles: string[];
	keys: HeldKey[];
	node: string;
	sample?: boolean;
	unproven?: string;
	unproven_why?: string;
	vetoable?: Recovery;
	emergencies?: number;
	acts_for?: ActsFor[];
}

export interface Enrolment {
	code: string;
	name?: string;
}

export interface PersonName {
	name: string;
}

export interface Reason {
	reason: string;
}

export interface Row {
	id: string;
	compartment: string;
	category: string;
	title: string;
	detail?: string;
	date?: string;
	day?: boolean;
	by: Person;
	acting?: boolean;
	new?: boolean;
	versions: number;
	withdrawn?: boolean;
	sealed?: string;
}

export interface Range {
	low?: number;
	high?: number;
	source: string;
}

export interface Point {
	time: string;
	value: number;
	second?: number;
	text: string;
	record: string;
}

export interface Trend {
	code: string;
	title: string;
	unit: string;
	category: string;
	compartment: string;
	usual?: Range;
	points: Point[];
}

export interface Grantee {
	kind: string;
	name: string;
	attribute?: string;
	authority?: string;
	of?: string;
	gid?: string;
	expression: string;
	approval?: string;
}

export interface Grant {
	id: string;
	patient: Person;
	compartment: string;
	to: Grantee;
	write: boolean;
	history: boolean;
	purpose?: string;
	since?: string;
	until?: string;
	ended?: boolean;
	last_opened?: string;
	last_by?: string;
	live?: number;
}

export interface AccessLine {
	time: string;
	until?: string;
	open?: boolean;
	who: Person;
	first?: boolean;
	acting?: boolean;
	operation: string;
	compartment: string;
	outcome: string;
	why?: string;
	count?: number;
	grant?: Grant;
	emergency?: string;
	event: string;
	sequence?: number;
}

export interface Review {
	by: Person;
	time: string;
	finding: string;
}

export interface Emergency {
	id: string;
	patient: Person;
	compartment: string;
	state: string;
	reason: string;
	requester: Person;
	approver: Person;
	asked: string;
	opened?: string;
	expires: string;
	review_due?: string;
	overdue?: boolean;
	reviews?: Review[];
	may_approve?: boolean;
	may_end?: boolean;
	may_review?: boolean;
}

export interface Stale {
	compartment: string;
	why: string;
	since: string;
}

export interface Today {
	new: Row[];
	recent: Row[];
	trends: Trend[];
	opened: AccessLine[];
	sessions?: AccessLine[];
	emergencies?: Emergency[];
	ending?: Grant[];
	stale?: Stale[];
}

export interface TimelineQuery {
	patient?: string;
	category?: string;
	compartment?: string;
	text?: string;
	offset?: number;
	limit?: number;
}

export interface Sealed {
	compartment: string;
	why: string;
	since?: string;
}

export interface Timeline {
	rows: Row[];
	total: number;
	sealed?: Sealed[];
}

export interface Of {
	patient?: string;
}

export interface Trends {
	trends: Trend[];
	sealed?: Sealed[];
}

export interface Summary {
	patient: Person;
	may?: Grant[];
	problems: Row[];
	medicines: Row[];
	allergies: Row[];
	results: Row[];
	notes: Row[];
	trends: Trend[];
	sealed?: Sealed[];
	write?: string[];
}

export interface RecordQuery {
	patient?: string;
	id: string;
}

export interface Field {
	label: string;
	value: string;
}

export interface Version {
	id: string;
	kind: string;
	by: Person;
	acting?: boolean;
	time: string;
	title: string;
	text?: string;
}

export interface Signature {
	valid: boolean;
	level: string;
	leaf?: number;
	event: string;
	hash: string;
	epoch: number;
	number: number;
}

export interface Record extends Row {
	patient: Person;
	fields: Field[];
	text?: string;
	source?: string;
	media: string;
	image?: string;
	image_type?: string;
	history: Version[];
	signature: Signature;
	may_write?: boolean;
	may_erase?: boolean;
}

export interface Measurable {
	code: string;
	title: string;
	unit: string;
	compartment: string;
	pair?: boolean;
}

export interface Draft {
	patient?: string;
	compartment: string;
	refers?: string;
	note?: string;
	code?: string;
	value?: string;
	second?: string;
	date?: string;
}

export interface Written {
	ids: string[];
	queued?: boolean;
}

export interface Withdrawal {
	patient?: string;
	id: string;
	reason: string;
}

export interface Erasure {
	ids: string[];
}

export interface Erased {
	records: number;
	versions: number;
}

export interface File {
	patient?: string;
	name: string;
	bytes: string;
	compartment?: string;
}

export interface ImportCount {
	compartment: string;
	type: string;
	n: number;
}

export interface ImportPreview {
	token: string;
	total: number;
	sorted: ImportCount[];
	sample: Row[];
	bad?: string[];
	bad_total?: number;
}

export interface Token {
	token: string;
}

export interface Compartment {
	name: string;
	class: string;
	records: number;
	grants: Grant[];
	stale?: Stale;
}

export interface Sharing {
	patient: Person;
	compartments: Compartment[];
}

export interface Attribute {
	name: string;
	version: number;
}

export interface KnownAuthority {
	name: string;
	kind: string;
	attributes: Attribute[];
	heard?: string;
	asleep?: boolean;
}

export interface Circle {
	authorities: KnownAuthority[];
	people: Person[];
}

export interface GrantDraft {
	grant?: string;
	to?: string;
	compartments?: string[];
	write?: boolean;
	from_now?: boolean;
	until?: string;
	purpose?: string;
	proxy?: boolean;
}

export interface GrantPreview {
	token: string;
	to: Grantee;
	open: string[];
	write: string[];
	cannot: string[];
	records: number;
	until?: string;
	also?: string[];
	warnings?: string[];
	refused?: string;
	new_epoch?: boolean;
	sessions?: number;
}

export interface GrantNames {
	grants: string[];
}

export interface RevokePreview {
	token: string;
	to: Grantee;
	compartments: string[];
	sessions: number;
	opened: boolean;
	last_opened?: string;
	still_open?: Grant[];
}

export interface SeeAsQuery {
	as: string;
}

export interface SeeAs {
	open: string[];
	write: string[];
	rows: Row[];
	trends: Trend[];
	sealed: Sealed[];
	lacks?: string[];
}

export interface NewCompartment {
	name: string;
	class: string;
}

export interface CompartmentName {
	compartment: string;
}

export interface ProxyEnd {
	gid: string;
}

export interface AccessQuery {
	compartment?: string;
	gid?: string;
	since?: string;
}

export interface AccessLog {
	lines: AccessLine[];
	proven: boolean;
	as_of?: string;
}

export interface Format {
	format: string;
}

export interface PatientsQuery {
	open: boolean;
}

export interface SharedPatient {
	patient: Person;
	grants: Grant[];
	last_change?: string;
	unread?: number;
	emergency?: boolean;
	load?: Point[];
	resting?: Point;
}

export interface Patients {
	patients: SharedPatient[];
}

export interface Emergencies {
	emergencies: Emergency[];
	offers: Grant[];
}

export interface EmergencyRequest {
	patient: string;
	compartment: string;
	reason: string;
	hours?: number;
}

export interface EmergencyAct {
	patient?: string;
	id: string;
	text?: string;
}

export interface EmergencyTerms {
	compartment: string;
	open: string;
	approve: string;
}

export interface EmergencyCard {
	patient: Person;
	allergies: Row[];
	medicines: Row[];
	problems: Row[];
	address: string;
	terms: Grant[];
}

export interface Member extends Person {
	since: string;
	attributes: HeldKey[];
	recovered?: string;
	due?: string[];
}

export interface Invitation {
	id: string;
	attributes: string[];
	uses: number;
	taken: number;
	expires: string;
	note?: string;
}

export interface AuthorityState {
	name: string;
	kind: string;
	fingerprint: string;
	endorsed: boolean;
	serving: boolean;
	heard?: string;
	versions: Attribute[];
	members: Member[];
	invitations: Invitation[];
	owed: number;
	rekeying?: boolean;
}

export interface Offer {
	attributes: string[];
	uses?: number;
	days?: number;
	note?: string;
}

export interface Invited extends Invitation {
	code: string;
}

export interface Revocation {
	gid?: string;
	attributes?: string[];
	reason?: string;
}

export interface MovingKey {
	name: string;
	version: number;
	holders: number;
}

export interface Impact {
	token: string;
	member?: Member;
	moving: MovingKey[];
	holders: number;
	patients: number;
	compartments: number;
}

export interface Revoked {
	attributes: string[];
	issued: number;
}

export interface Kind {
	kind: string;
	n: number;
}

export interface LogLine {
	sequence: number;
	time: string;
	kind: string;
	author: string;
	chain: string;
	number: number;
	event: string;
	valid: boolean;
	why?: string;
}

export interface LogState {
	origin: string;
	size: number;
	root: string;
	time?: string;
	note: string;
	consistent: boolean;
	before: number;
	witnesses: string[];
	witnessed: number;
	events?: Kind[];
	log?: LogLine[];
}

export interface LogQuery {
	text: string;
	max?: number;
}

export interface LogLines {
	lines: LogLine[];
	total: number;
}

export interface ProofQuery {
	sequence: number;
}

export interface ProofStep {
	what: string;
	hash: string;
	with?: string;
	valid: boolean;
}

export interface VerifiedProof {
	line: LogLine;
	steps: ProofStep[];
	valid: boolean;
	proof: string;
}

export interface Finding {
	severity: string;
	sequence?: number;
	text: string;
}

export interface Audit {
	entries: number;
	ok: boolean;
	findings: Finding[];
	kinds: Kind[];
	report: string;
}

export interface Changed {
	what: string;
	patient?: string;
	compartment?: string;
	text?: string;
}

export interface Connection {
	state: string;
	queued: number;
}

export interface Locked {
	why: string;
}

export interface Progress {
	call: string;
	done: number;
	total?: number;
}

export interface Error {
	code: string;
	message: string;
	safe?: string;
	todo?: string;
}

/** What may be asked, with what is answered. */
export interface Calls {
	'vault.state': { args: Nothing; result: VaultState };
	'vault.begin': { args: SetupBegin; result: SetupWords };
	'vault.check': { args: SetupCheck; result: Nothing };
	'vault.finish': { args: SetupFinish; result: VaultPerson };
	'vault.unlock': { args: Unlock; result: VaultPerson };
	'vault.lock': { args: Nothing; result: Nothing };
	'vault.used': { args: Nothing; result: Nothing };
	'vault.keys': { args: Nothing; result: KeysState };
	'vault.addPasskey': { args: Passkey; result: KeysState };
	'vault.setPassphrase': { args: Passphrase; result: KeysState };
	'vault.removeSlot': { args: SlotName; result: KeysState };
	'vault.export': { args: Nothing; result: Download };
	'vault.import': { args: KeystoreFile; result: VaultPerson };
	'vault.remove': { args: Gone; result: VaultState };
	'vault.sample': { args: SamplePerson; result: VaultPerson };
	'me': { args: Nothing; result: Me };
	'enrol': { args: Enrolment; result: Me };
	'name.set': { args: PersonName; result: Nothing };
	'veto': { args: Reason; result: Nothing };
	'today': { args: Nothing; result: Today };
	'timeline': { args: TimelineQuery; result: Timeline };
	'trends': { args: Of; result: Trends };
	'summary': { args: Of; result: Summary };
	'record': { args: RecordQuery; result: Record };
	'record.proof': { args: RecordQuery; result: Download };
	'measurables': { args: Nothing; result: Measurable[] };
	'write': { args: Draft; result: Written };
	'withdraw': { args: Withdrawal; result: Nothing };
	'erase': { args: Erasure; result: Erased };
	'import.preview': { args: File; result: ImportPreview };
	'import.make': { args: Token; result: Written };
	'export': { args: Of; result: Download };
	'sharing': { args: Of; result: Sharing };
	'circle': { args: Nothing; result: Circle };
	'grant.preview': { args: GrantDraft; result: GrantPreview };
	'grant.make': { args: Token; result: Sharing };
	'grant.receipt': { args: GrantNames; result: Download };
	'revoke.preview': { args: GrantNames; result: RevokePreview };
	'revoke.make': { args: Token; result: Sharing };
	'seeAs': { args: SeeAsQuery; result: SeeAs };
	'compartment.create': { args: NewCompartment; result: Sharing };
	'compartment.renew': { args: CompartmentName; result: Sharing };
	'proxy.end': { args: ProxyEnd; result: Sharing };
	'access': { args: AccessQuery; result: AccessLog };
	'access.export': { args: Format; result: Download };
	'patients': { args: PatientsQuery; result: Patients };
	'emergencies': { args: Of; result: Emergencies };
	'emergency.request': { args: EmergencyRequest; result: Emergency };
	'emergency.approve': { args: EmergencyAct; result: Emergency };
	'emergency.end': { args: EmergencyAct; result: Emergency };
	'emergency.review': { args: EmergencyAct; result: Emergency };
	'emergency.allow': { args: EmergencyTerms; result: Emergencies };
	'emergency.deny': { args: CompartmentName; result: Emergencies };
	'emergency.card': { args: Nothing; result: EmergencyCard };
	'authority': { args: Nothing; result: AuthorityState };
	'authority.invite': { args: Offer; result: Invited };
	'authority.impact': { args: Revocation; result: Impact };
	'authority.revoke': { args: Token; result: Revoked };
	'authority.reissue': { args: Nothing; result: AuthorityState };
	'log': { args: Nothing; result: LogState };
	'log.find': { args: LogQuery; result: LogLines };
	'log.proof': { args: ProofQuery; result: VerifiedProof };
	'log.audit': { args: Nothing; result: Audit };
}

/** What is told unasked. */
export interface Events {
	'changed': Changed;
	'connection': Connection;
	'locked': Locked;
	'progress': Progress;
}
