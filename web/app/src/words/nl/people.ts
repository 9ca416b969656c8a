import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('nl');

export const people: Pick<Words, 'people' | 'reach' | 'stop'> = {
	people: {
		you: 'jij',
		unknown: (id) => `iemand zonder bekende naam (${id})`,
		and: 'en',
		or: 'of',
		emergency: 'Artsen in een noodgeval',
		roleOf: (role, authority) => `${role[0]?.toUpperCase()}${role.slice(1)} van ${authority}`,
		roles: { doctor: 'artsen', nurse: 'verpleegkundigen', trainer: 'trainers', agent: 'medewerkers', hr: 'personeelszaken', auditor: 'controleurs', patient: 'patiënten', emergency: 'spoedartsen', supervisor: 'toezichthouders' },
		parts: { health: 'Gezondheid', training: 'Training', claims: 'Declaraties', work: 'Werk', emergency: 'Noodgeval' },
		by: (name) => `Ondertekend door ${name}`,
		for: (name) => `${name}, namens jou`,
	},
	reach: {
		onlyYou: 'Alleen jij',
		groups: (count) => n(count, { one: '# groep', other: '# groepen' }),
		groupOf: { hospital: 'Zorgteam', 'health-club': 'Trainer', insurer: 'Verzekeraar', employer: 'Werkgever' },
		shared: 'Met jou gedeeld',
		sharedUntil: (date) => `Tot ${date}`,
		opens: (part, who) => `${part}: wie kan dit openen? ${who}`,
		title: (part) => `Wie kan ${part} openen`,
		youAlways: 'Jij altijd. En ook:',
		nobodyElse: 'Alleen jij. Niemand anders kan dit openen.',
		readWrite: 'Mag lezen en toevoegen',
		readOnly: 'Mag lezen',
		fromNow: 'alleen wat nieuw is',
		since: (date) => `Sinds ${date},`,
		until: (date) => `tot ${date}.`,
		noEnd: 'zonder einddatum.',
		openNow: 'Heeft het nu open',
		lastOpened: (when) => `Laatst geopend: ${when}`,
		neverOpened: 'Heeft het nog niet geopend',
		stop: 'Stoppen met delen',
		all: 'Alles wat je deelt',
	},
	stop: {
		waiting: 'Stoppen met delen?',
		title: (name) => `Stoppen met delen met ${name}?`,
		cannot: (name, parts) => `${name} kan niets nieuws meer openen in ${parts}.`,
		keeps: (name) => `${name} kan houden wat al geopend is. Dat kan niemand terughalen.`,
		never: (name) => `${name} heeft nog niets geopend.`,
		sessions: (count) => n(count, { one: 'Eén open scherm sluit meteen.', other: '# open schermen sluiten meteen.' }),
		still: (name, parts) => `Door iets anders dat je deelt kan ${name} nog ${parts} openen.`,
		done: (name) => `Je deelt niet meer met ${name}.`,
	},
};
