// What `npm run dev` shows without a node: a made-up record. It is no part of the build.

import type { About } from '../data/about';
import type { Calls, Events, Grant, Me, Row, Sharing, Trend } from '../messages';
import type { CallName, EventName, Transport } from '../data/transport';
import { Refused } from '../data/transport';
import { answers as ofRoles, followSealing, myRoles } from './roles';

const now = Date.now();
const dayLong = 86_400_000;
const ago = (days: number) => new Date(now - days * dayLong).toISOString();
const asked = new URLSearchParams(location.search);

const ruiz = { gid: 'gid1ruizxxxxxxxx', name: 'Dr. A. Ruiz', authority: 'city-hospital' };
const leo = { gid: 'gid1leoxxxxxxxxx', name: 'Leo Marsh', authority: 'fit-club' };
const amara = { gid: 'gid1amaraxxxxxxxxxxxxxxxx', name: 'Amara Osei', me: true };

const grant = (id: string, compartment: string, attribute: string, authority: string, of: string): Grant => ({
	id, compartment, patient: amara, write: attribute !== 'agent', history: true, since: ago(90), until: attribute === 'trainer' ? ago(-87) : undefined, last_opened: ago(0.2),
	to: { kind: 'role', name: '', attribute, authority, of, expression: `${attribute}@${authority}` },
});

const sharing: Sharing = {
	patient: amara,
	compartments: [
		{ name: 'health', class: 'health', records: 412, grants: [grant('g1', 'health', 'doctor', 'city-hospital', 'hospital')] },
		{ name: 'training', class: 'training', records: 120, grants: [grant('g2', 'training', 'trainer', 'fit-club', 'health-club')] },
		{ name: 'journal', class: 'health', records: 20, grants: [] },
	],
};

const me: Me = { ...amara, roles: myRoles, keys: [{ attribute: 'patient', authority: 'phr', version: 1 }], node: 'phr://localhost:4222' };

const row = (id: string, category: string, title: string, detail: string, days: number, compartment = 'health', by: Row['by'] = ruiz, more: Partial<Row> = {}): Row => ({
	id, category, title, detail, date: ago(days), day: true, compartment, by, versions: 1, ...more,
});

const first: Row[] = [
	row('r1', 'lab', 'HbA1c 41 mmol/mol', 'Northside Lab', 4, 'health', ruiz, { new: true }),
	row('r2', 'medicine', 'Atorvastatin 20 mg, once daily', 'Prescription renewed', 10),
	row('r3', 'activity', 'Tempo run, 8.2 km', 'From watch, 46 min, average 151 bpm', 11, 'training', leo),
	row('r4', 'vital', 'Blood pressure 128/82', 'Home cuff', 12, 'journal', amara),
	row('r5', 'note', 'Felt dizzy after the morning run', '', 15, 'journal', amara, { versions: 2 }),
	row('r6', 'condition', 'Raised cholesterol', 'Active', 200),
	row('r7', 'allergy', 'Penicillin', 'Rash', 900, 'health', ruiz),
	row('r8', 'note', '<img src=x onerror=alert(1)> \u202egnp.exe', '', 20, 'health', ruiz, { withdrawn: true }),
];
const kinds = ['lab', 'vital', 'medicine', 'activity', 'visit', 'immunization', 'document', 'heart'];
const rows = [...first, ...Array.from({ length: Number(asked.get('rows') ?? 600) }, (_, i) => row(`m${i}`, kinds[i % kinds.length] ?? 'lab', `Result number ${i}, ${kinds[i % kinds.length]}`, 'Northside Lab', 22 + i * 2, i % 3 ? 'health' : 'training'))];

function trend(code: string, title: string, unit: string, category: string, compartment: string, base: number, wave: number, low?: number, high?: number, second?: number): Trend {
	const points = Array.from({ length: 40 }, (_, i) => {
		const value = Math.round(base + wave * Math.sin(i / 6) + wave * 0.6 * Math.sin(i * 2.1));
		const other = second === undefined ? undefined : Math.round(second + wave * 0.5 * Math.sin(i / 5));
		return { time: ago(52 - i * 1.1 - (i > 25 ? 8 : 0)), value, second: other, text: other ? `${value}/${other}` : String(value), record: `p${i}` };
	});
	return { code, title, unit, category, compartment, usual: low === undefined ? undefined : { low, high, source: 'record' }, points };
}

const trends = [
	trend('40443-4', 'Resting heart rate', 'bpm', 'heart', 'training', 60, 6, 52, 68),
	trend('85354-9', 'Blood pressure', 'mmHg', 'vital', 'health', 124, 7, 105, 130, 80),
	trend('29463-7', 'Weight', 'kg', 'vital', 'training', 71, 1.5),
	trend('2093-3', 'Cholesterol', 'mmol/L', 'lab', 'health', 5, 1, undefined, 5),
];

const answers: { [N in CallName]?: (args: Calls[N]['args']) => Calls[N]['result'] } = {
	'vault.state': () => ({
		open: asked.has('locked') ? undefined : amara.gid,
		people: asked.has('new') ? [] : [
			{ gid: amara.gid, name: amara.name, created: ago(300), slots: [{ kind: 'passphrase' }, { kind: 'recovery' }] },
			{ gid: ruiz.gid, name: ruiz.name, created: ago(100), slots: [{ kind: 'passkey', credential: 'AAAA', salt: 'AAAA' }, { kind: 'passphrase' }] },
		],
	}),
	'vault.unlock': ({ passphrase }) => {
		if (passphrase !== 'correct') throw new Refused({ code: 'passphrase', message: 'This passphrase does not open it.', safe: 'Nothing was changed.', todo: 'Type it again, or use the recovery words.' });
		return { gid: amara.gid, name: amara.name, created: ago(300), slots: [] };
	},
	'vault.begin': () => ({ words: 'abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act action actor actress actual'.split(' '), ask: [3, 11, 20], gid: amara.gid, node: me.node }),
	'vault.check': ({ words }) => {
		if (words.join(' ') !== 'able access actor') throw new Refused({ code: 'input', message: 'These are not the words on the sheet.', todo: 'Look at the numbers and type them again.' });
		return {};
	},
	'vault.finish': () => ({ gid: amara.gid, name: amara.name, created: ago(0), slots: [] }),
	'vault.lock': () => ({}),
	'vault.used': () => ({}),
	'vault.keys': () => ({ person: { gid: amara.gid, name: amara.name, created: ago(300), slots: [{ kind: 'passkey', id: 'p1' }, { kind: 'passphrase' }, { kind: 'recovery' }] }, keys: me.keys, unsent: 0, unsealed: 2 }),
	me: () => ({ ...me, emergencies: asked.has('emergency') ? 1 : undefined, unproven: asked.has('unproven') ? ago(0.1) : undefined }),
	sharing: () => sharing,
	today: () => ({
		me, new: first.slice(0, 1), recent: first.slice(0, 6), trends: trends.slice(0, 2),
		opened: [
			{ time: ago(0.2), until: ago(0.19), who: ruiz, operation: 'read', compartment: 'health', outcome: 'opened', event: 'e1' },
			{ time: ago(1.2), who: leo, operation: 'read', compartment: 'training', outcome: 'opened', first: true, event: 'e2' },
			{ time: ago(2.2), who: { name: 'I. Berg', authority: 'safe-insurance', gid: 'gid1ida' }, operation: 'read', compartment: 'health', outcome: 'refused', why: 'not shared', count: 2, event: 'e3' },
		],
		ending: sharing.compartments[1]?.grants,
	}),
	timeline: ({ category, compartment, text }) => {
		const found = rows.filter((one) => (!category || one.category === category) && (!compartment || one.compartment === compartment) && (!text || one.title.toLowerCase().includes(text.toLowerCase())));
		return { rows: found, total: found.length };
	},
	trends: () => ({ trends, sealed: asked.has('sealed') ? [{ compartment: 'journal', why: 'never' }] : [] }),
	record: ({ id }) => {
		const found = rows.find((one) => one.id === id) ?? first[0];
		if (!found) throw new Error('no record');
		return {
			...found, patient: amara, media: 'fhir', may_write: true, may_erase: true,
			fields: [{ label: 'code', value: 'HbA1c' }, { label: 'value', value: '41 mmol/mol' }, { label: 'referenceRange', value: '20 – 42' }, { label: 'performer', value: 'Northside Lab' }],
			text: found.category === 'note' ? `${found.title}\nIt went away after half an hour.` : undefined,
			source: JSON.stringify({ resourceType: 'Observation', status: 'final' }, null, 2),
			history: [{ id: found.id, kind: 'written', by: found.by, time: found.date ?? '', title: found.title }],
			signature: { valid: true, level: 'witnessed', leaf: 1234, event: '01jx3v0n7m', hash: 'b1946ac92492d2347c6235b4d2611184', epoch: 4, number: 88 },
		};
	},
	measurables: () => [
		{ code: '85354-9', title: 'Blood pressure', unit: 'mmHg', compartment: 'health', pair: true },
		{ code: '8867-4', title: 'Heart rate', unit: 'bpm', compartment: 'training' },
		{ code: '29463-7', title: 'Weight', unit: 'kg', compartment: 'training' },
	],
	write: () => ({ ids: ['new'] }),
	withdraw: () => ({}),
	erase: () => ({ records: 1, versions: 2 }),
	'import.preview': () => ({ token: 'x', total: 12, sorted: [{ compartment: 'health', type: 'Observation', n: 10 }, { compartment: 'training', type: 'Procedure', n: 2 }], sample: first.slice(0, 3) }),
	'import.make': () => ({ ids: ['a', 'b'] }),
	access: () => ({
		proven: true, as_of: ago(0),
		lines: Array.from({ length: 40 }, (_, i) => ({ time: ago(i * 1.3), until: ago(i * 1.3 - 0.01), who: i % 3 ? ruiz : leo, operation: i % 5 ? 'read' : 'write', compartment: i % 3 ? 'health' : 'training', outcome: i % 7 === 6 ? 'refused' : 'opened', why: i % 7 === 6 ? 'no grant' : undefined, count: i % 7 === 6 ? 3 : undefined, event: `a${i}`, open: i === 0, first: i === 9, grant: grant('g1', 'health', 'doctor', 'city-hospital', 'hospital') })),
	}),
	'revoke.preview': ({ grants }) => ({ token: 'x', to: sharing.compartments[grants[0] === 'g2' ? 1 : 0]?.grants[0]?.to ?? { kind: 'person', name: '', expression: '' }, compartments: ['health'], sessions: 1, opened: true }),
	'revoke.make': () => sharing,
	'emergency.card': () => ({ patient: amara, allergies: [first[6]!], medicines: [first[1]!], problems: [first[5]!], address: 'phr://localhost:4222#gid1amara', terms: [] }),
};

const copy: About = {
	node: me.node, version: '0.3.0', go: 'go1.26.8', files: { '/index.html': '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '/phr.wasm': '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752' },
	people: asked.has('demo') ? [{ id: 'maria', name: 'Amara Osei', role: 'patient' }, { id: 'ruiz', name: 'Dr. A. Ruiz', role: 'doctor' }, { id: 'leo', name: 'Leo Marsh', role: 'trainer' }, { id: 'ida', name: 'Ida Berg', role: 'insurer' }] : undefined,
};

export function sample(): Transport {
	const real = globalThis.fetch;
	globalThis.fetch = async (what, how) => (what === '/about.json' ? Response.json(copy) : real(what, how));
	return {
		async call<N extends CallName>(name: N, args: Calls[N]['args']): Promise<Calls[N]['result']> {
			await new Promise((resolve) => setTimeout(resolve, Number(asked.get('slow') ?? 0)));
			const answer = { ...answers, ...ofRoles }[name] as ((args: Calls[N]['args']) => Calls[N]['result']) | undefined;
			if (!answer) throw new Refused({ code: 'other', message: `The sample has no ${name}.` });
			return answer(args);
		},
		on<N extends EventName>(name: N, told: (data: Events[N]) => void): () => void {
			if (name === 'connection' && asked.has('offline')) setTimeout(() => told({ state: 'offline', queued: 2 } as Events[N]));
			if (name === 'changed') followSealing((changed) => told(changed as Events[N]));
			return () => {};
		},
	};
}
