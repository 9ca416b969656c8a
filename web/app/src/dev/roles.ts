// What `npm run dev` answers to those who aren't patients, and of sharing: made up, and no part of the build. ?as=doctor says who
// looks, ?sealed=3 stops sharing after so many seconds.

import type { Calls, Changed, Emergency, Grant, LogLine, Person, Row, Sealed, Trend } from '../messages';
import type { CallName } from '../data/transport';
import { Refused } from '../data/transport';

const dayLong = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * dayLong).toISOString();
const asked = new URLSearchParams(location.search);
const as = (asked.get('as') ?? 'patient').split(',');
const from = Date.now();
const isSealed = () => asked.has('sealed') && Date.now() - from > Number(asked.get('sealed')) * 1000;

const people: Record<string, Person> = {
	patient: { gid: 'a'.repeat(32), name: 'Amara Osei' },
	doctor: { gid: 'b'.repeat(32), name: 'Dr. A. Ruiz', authority: 'city-hospital' },
	trainer: { gid: 'c'.repeat(32), name: 'Leo Marsh', authority: 'iron-gym' },
	insurer: { gid: 'd'.repeat(32), name: 'Ida Berg', authority: 'acme-insurance' },
};
const amara = { ...people.patient, me: as.includes('patient') || undefined };

export const myRoles = as;

/** Tells every listener in a while, as when a patient stops sharing. */
export function followSealing(told: (changed: Changed) => void): void {
	if (asked.has('sealed')) setTimeout(() => told({ what: 'shared', patient: amara.gid }), Number(asked.get('sealed')) * 1000 + 50);
}

const grant = (id: string, compartment: string, attribute: string, authority: string, of: string, more: Partial<Grant> = {}): Grant => ({
	id, compartment, patient: amara, write: attribute === 'doctor', history: true, since: ago(90), until: ago(-87), last_opened: ago(0.2),
	to: { kind: 'role', name: '', attribute, authority, of, expression: `${attribute}@${authority}` }, ...more,
});

const mine: Record<string, Grant[]> = {
	doctor: [grant('g1', 'health', 'doctor', 'city-hospital', 'hospital')],
	trainer: [grant('g2', 'training', 'trainer', 'iron-gym', 'health-club', { write: true })],
	insurer: [grant('g3', 'training', 'agent', 'acme-insurance', 'insurer', { purpose: 'Fit and well bonus' })],
	employer: [grant('g4', 'training', 'hr', 'globex', 'employer')],
};
const myGrants = () => as.flatMap((role) => mine[role] ?? []);

const row = (id: string, category: string, title: string, days: number, compartment: string, by: Person, detail = ''): Row => ({ id, category, title, detail, date: ago(days), day: true, compartment, by, versions: 1 });
const doctor = people.doctor ?? {};
const rows: Row[] = [
	row('p1', 'condition', 'Raised cholesterol', 400, 'health', doctor, 'Active'),
	row('p2', 'condition', 'Asthma', 4000, 'health', doctor, 'Active, mild'),
	row('m1', 'medicine', 'Atorvastatin 20 mg, once daily', 12, 'health', doctor, 'Prescription renewed'),
	row('a1', 'allergy', 'Penicillin', 900, 'health', doctor, 'Rash'),
	row('l1', 'lab', 'HbA1c 41 mmol/mol', 4, 'health', doctor, 'Northside Lab'),
	row('l2', 'lab', 'Total cholesterol 5.1 mmol/L', 4, 'health', doctor, 'Northside Lab'),
	row('n1', 'note', 'Well. Blood pressure at home is good. Come back in six months.', 4, 'health', doctor),
	row('t1', 'activity', 'Tempo run, 8.2 km', 3, 'training', amara, '46 min, average 151 bpm'),
	row('t2', 'plan', 'Plan for December: two easy runs, one tempo run', 6, 'training', people.trainer ?? {}),
];

const trend = (code: string, title: string, unit: string, category: string, compartment: string, base: number, low?: number, high?: number): Trend => ({
	code, title, unit, category, compartment, usual: low === undefined ? undefined : { low, high, source: 'record' },
	points: Array.from({ length: 30 }, (_, i) => {
		const value = Math.round(base + 5 * Math.sin(i / 3) + 2 * Math.sin(i * 2));
		return { time: ago(60 - i * 2), value, text: String(value), record: `p${i}` };
	}),
});
const trends = [trend('40443-4', 'Resting heart rate', 'bpm', 'heart', 'training', 60, 52, 68), trend('8480-6', 'Systolic pressure', 'mmHg', 'vital', 'health', 124, 105, 130), trend('41950-7', 'Steps a day', 'steps', 'activity', 'training', 9000)];

const open = () => new Set(myGrants().map(({ compartment }) => compartment));
const sealed = (): Sealed[] => ['health', 'training', 'journal'].filter((name) => !open().has(name)).map((compartment) => ({ compartment, why: 'never' }));
function shut(): void {
	if (isSealed()) throw new Refused({ code: 'sealed', message: 'This is not shared with you, or not any more.', todo: 'Ask the patient to share it with you.' });
}

const emergency: Emergency = {
	id: 'em1', patient: { ...people.patient, name: undefined }, compartment: 'health', state: 'open', reason: 'Unconscious after a fall, no history known', requester: { ...doctor, me: true },
	approver: { name: 'Dr. B. Chen', authority: 'city-hospital' }, asked: ago(0.05), opened: ago(0.04), expires: ago(-0.1), may_end: true,
};

const line = (sequence: number, kind: string, valid = true): LogLine => ({ sequence, time: ago(0.01 * (2000 - sequence)), kind, author: people.doctor?.gid ?? '', chain: `phr.${'a'.repeat(8)}.health`, number: sequence - 1200, event: 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184', valid, why: valid ? undefined : 'signature does not hold' });
const hash = 'b1946ac92492d2347c6235b4d2611184c6235b4d2611184b1946ac92492d2347';

export const answers: { [N in CallName]?: (args: Calls[N]['args']) => Calls[N]['result'] } = {
	circle: () => ({
		authorities: [
			{ name: 'city-hospital', kind: 'hospital', attributes: [{ name: 'doctor', version: 2 }, { name: 'nurse', version: 1 }], heard: ago(0.01) },
			{ name: 'iron-gym', kind: 'health-club', attributes: [{ name: 'trainer', version: 1 }], heard: ago(0.01) },
			{ name: 'acme-insurance', kind: 'insurer', attributes: [{ name: 'agent', version: 1 }], heard: ago(3), asleep: true },
		],
		people: Object.values(people).slice(1),
	}),
	'grant.preview': (draft) => ({
		token: 'x', open: draft.compartments ?? ['training'], write: draft.write ? (draft.compartments ?? ['training']) : [], cannot: ['health', 'training', 'journal'].filter((name) => !(draft.compartments ?? ['training']).includes(name)), records: 120, until: draft.until,
		to: draft.to?.startsWith('gid:') ? { kind: 'person', name: 'Leo Marsh', gid: 'c'.repeat(32), expression: draft.to } : { kind: 'role', name: '', attribute: draft.to?.split('@')[0] ?? 'trainer', authority: draft.to?.split('@')[1] ?? 'iron-gym', expression: draft.to ?? '' },
		also: ['iron-gym'],
		refused: draft.to?.startsWith('agent@') && draft.write ? 'An insurer may not add to a record.' : undefined, warnings: draft.write ? ['write-refused'] : [],
	}),
	'grant.receipt': () => ({ name: 'consent.json', media: 'application/fhir+json', bytes: btoa('{}') }),
	seeAs: ({ as: who }) => ({ open: who.startsWith('trainer') ? ['training'] : ['health'], write: [], rows: rows.filter(({ compartment }) => compartment === (who.startsWith('trainer') ? 'training' : 'health')), trends: trends.filter(({ compartment }) => compartment === (who.startsWith('trainer') ? 'training' : 'health')), sealed: [{ compartment: 'journal', why: 'never' }, { compartment: who.startsWith('trainer') ? 'health' : 'training', why: 'never' }], lacks: ['nurse@city-hospital'] }),
	'emergency.deny': () => ({ emergencies: [], offers: [] }),
	'emergency.allow': () => ({ emergencies: [], offers: [] }),
	patients: () => ({
		patients: isSealed() ? [] : [
			{ patient: amara, grants: myGrants(), last_change: ago(0.3), unread: 2, load: [120, 180, 150, 210, 90, 200, 240, 160].map((value, i) => ({ time: ago(56 - i * 7), value, text: `${value}`, record: '' })), resting: trends[0]?.points.at(-1) },
			{ patient: { gid: 'f'.repeat(32) }, grants: myGrants().map((one) => ({ ...one, id: `${one.id}f`, until: ago(-3), patient: { gid: 'f'.repeat(32) } })), last_change: ago(30) },
			{ patient: { gid: 'g'.repeat(32), name: 'Maria Lindqvist' }, grants: myGrants().map((one) => ({ ...one, id: `${one.id}g`, until: undefined, patient: { gid: 'g'.repeat(32) } })), emergency: as.includes('doctor') },
		],
	}),
	summary: () => {
		shut();
		const shown = rows.filter(({ compartment }) => open().has(compartment));
		const of = (...categories: string[]) => shown.filter(({ category }) => categories.includes(category));
		return { patient: amara, may: myGrants(), problems: of('condition'), medicines: of('medicine'), allergies: of('allergy'), results: of('lab', 'activity'), notes: of('note', 'plan'), trends: trends.filter(({ compartment }) => open().has(compartment)), sealed: sealed(), write: myGrants().filter(({ write }) => write).map(({ compartment }) => compartment) };
	},
	emergencies: ({ patient }) => ({
		emergencies: as.includes('doctor') || asked.has('emergency') ? [emergency, { ...emergency, id: 'em2', state: 'asked', requester: { name: 'Nurse P. Adams', authority: 'city-hospital' }, may_approve: true, may_end: false, opened: undefined }, { ...emergency, id: 'em3', state: 'over', compartment: 'training', may_end: false, may_review: true, review_due: ago(-2) }] : [],
		offers: [grant('o1', 'health', 'doctor', 'city-hospital', 'hospital', { patient: { gid: patient ?? amara.gid, name: amara.name }, to: { kind: 'emergency', name: '', expression: 'doctor@city-hospital', approval: 'doctor@city-hospital or nurse@city-hospital' } })],
	}),
	'emergency.request': (request) => ({ ...emergency, id: 'em4', state: 'asked', reason: request.reason }),
	'emergency.approve': () => emergency,
	'emergency.end': () => ({ ...emergency, state: 'ended' }),
	'emergency.review': () => emergency,
	authority: () => ({
		name: 'city-hospital', kind: 'hospital', fingerprint: '7F3A 91C2 0B5E 44D1 9A60', endorsed: true, serving: true, heard: ago(0.001), versions: [{ name: 'doctor', version: 2 }, { name: 'nurse', version: 1 }], owed: 3,
		members: [
			{ ...doctor, since: ago(200), attributes: [{ attribute: 'doctor', authority: 'city-hospital', version: 2 }] },
			{ gid: 'e'.repeat(32), name: 'Nurse P. Adams', since: ago(40), attributes: [{ attribute: 'nurse', authority: 'city-hospital', version: 1 }], recovered: ago(1), due: ['nurse'] },
		],
		invitations: [{ id: 'i1', attributes: ['doctor'], uses: 3, taken: 1, expires: ago(-6), note: 'Emergency room, new colleagues' }],
	}),
	'authority.invite': (offer) => ({ id: 'i2', attributes: offer.attributes, uses: offer.uses ?? 1, taken: 0, expires: ago(-(offer.days ?? 7)), note: offer.note, code: 'phr-invite-4KQ7-XMPD-9V2R-H8TC' }),
	'authority.impact': ({ gid, attributes }) => ({ token: 'x', member: gid ? { ...doctor, since: ago(200), attributes: [] } : undefined, moving: (attributes ?? ['doctor']).map((name) => ({ name, version: 3, holders: 11 })), holders: 11, patients: 40, compartments: 52 }),
	'authority.revoke': () => ({ attributes: ['doctor'], issued: 11 }),
	log: () => ({
		origin: 'phr.example/log', size: 18_432, root: hash, time: ago(0.001), note: `phr.example/log\n18432\n${hash}\n\n— phr.example/log Az3grl…\n`, consistent: !asked.has('fork'), before: 18_200, witnesses: ['witness.city', 'witness.university'], witnessed: 18_420,
		events: [{ kind: 'record.appended', n: 12_000 }, { kind: 'session.opened', n: 4000 }], log: [line(1999, 'session.opened'), line(1998, 'record.appended'), line(1997, 'policy.set')],
	}),
	'log.find': () => ({ total: 3, lines: [line(1999, 'session.opened'), line(1998, 'record.appended'), line(1990, 'policy.set', false)] }),
	'log.proof': ({ sequence }) => ({ line: line(sequence, 'record.appended'), valid: true, proof: 'c2sp.org/tlog-proof@v1\nindex 1998\n…', steps: ['leaf', 'left', 'right', 'right', 'root', 'checkpoint'].map((what) => ({ what, hash, with: what === 'left' || what === 'right' ? hash : undefined, valid: true })) }),
	'log.audit': () => ({ entries: 18_432, ok: false, findings: [{ severity: 'warning', sequence: 1990, text: 'An event by an author whose attribute had ended.' }], kinds: [{ kind: 'record.appended', n: 12_000 }, { kind: 'session.opened', n: 4000 }], report: btoa('{}') }),
};
