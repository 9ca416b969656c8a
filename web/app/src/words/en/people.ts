import { counting } from '../plural';

const n = counting('en');

export const people = {
	people: {
		you: 'you',
		unknown: (id: string) => `someone without a known name (${id})`,
		emergency: 'Doctors in an emergency',
		roleOf: (role: string, authority: string) => `${role[0]?.toUpperCase()}${role.slice(1)} of ${authority}`,
		roles: { doctor: 'doctors', nurse: 'nurses', trainer: 'trainers', agent: 'agents', hr: 'staff', auditor: 'auditors', patient: 'patients' },
		parts: { health: 'Health', training: 'Training' },
		by: (name: string) => `Signed by ${name}`,
		for: (name: string) => `${name}, for you`,
	},
	reach: {
		onlyYou: 'Only you',
		groups: (count: number) => n(count, { one: '# group', other: '# groups' }),
		groupOf: { hospital: 'Care team', 'health club': 'Trainer', insurer: 'Insurer', employer: 'Employer' },
		shared: 'Shared with you',
		sharedUntil: (date: string) => `Until ${date}`,
		opens: (part: string, who: string) => `${part}: who can open it? ${who}`,
		title: (part: string) => `Who can open ${part}`,
		youAlways: 'You always can. So can:',
		nobodyElse: 'Only you. Nobody else can open this.',
		readWrite: 'Can read and add',
		readOnly: 'Can read',
		fromNow: 'what is new only',
		since: (date: string) => `Since ${date},`,
		until: (date: string) => `until ${date}.`,
		noEnd: 'no end date.',
		openNow: 'Has it open now',
		lastOpened: (when: string) => `Last opened: ${when}`,
		neverOpened: 'Has not opened it yet',
		stop: 'Stop sharing',
		all: 'All sharing',
	},
	stop: {
		waiting: 'Stop sharing?',
		title: (name: string) => `Stop sharing with ${name}?`,
		cannot: (name: string, parts: string) => `${name} cannot open anything new in ${parts}.`,
		keeps: (name: string) => `${name} may keep what was already opened. Nobody can take that back.`,
		never: (name: string) => `${name} has not opened anything yet.`,
		sessions: (count: number) => n(count, { one: 'One open view closes at once.', other: '# open views close at once.' }),
		still: (name: string, parts: string) => `Another share still lets ${name} open ${parts}.`,
		done: (name: string) => `Stopped sharing with ${name}.`,
	},
};
