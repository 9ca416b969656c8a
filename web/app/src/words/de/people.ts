import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('de');

export const people: Pick<Words, 'people' | 'reach' | 'stop'> = {
	people: {
		you: 'du',
		unknown: (id) => `jemand ohne bekannten Namen (${id})`,
		and: 'und',
		or: 'oder',
		emergency: 'Ärzte in einem Notfall',
		roleOf: (role, authority) => `${role} von ${authority}`,
		roles: { doctor: 'Ärzte', nurse: 'Pflegekräfte', trainer: 'Trainer', agent: 'Sachbearbeiter', hr: 'Personalstelle', auditor: 'Prüfer', patient: 'Patienten', emergency: 'Notfallpersonal', supervisor: 'Aufsichtführende' },
		parts: { health: 'Gesundheit', training: 'Training', claims: 'Abrechnung', work: 'Arbeit', emergency: 'Notfall' },
		by: (name) => `Unterschrieben von ${name}`,
		for: (name) => `${name}, für dich`,
	},
	reach: {
		onlyYou: 'Nur du',
		groups: (count) => n(count, { one: '# Gruppe', other: '# Gruppen' }),
		groupOf: { hospital: 'Behandlungsteam', 'health-club': 'Trainer', insurer: 'Versicherung', employer: 'Arbeitgeber' },
		shared: 'Mit dir geteilt',
		sharedUntil: (date) => `Bis ${date}`,
		opens: (part, who) => `${part}: Wer kann das öffnen? ${who}`,
		title: (part) => `Wer ${part} öffnen kann`,
		youAlways: 'Du immer. Außerdem:',
		nobodyElse: 'Nur du. Niemand sonst kann das öffnen.',
		readWrite: 'Darf lesen und hinzufügen',
		readOnly: 'Darf lesen',
		fromNow: 'nur Neues',
		since: (date) => `Seit ${date},`,
		until: (date) => `bis ${date}.`,
		noEnd: 'ohne Ende.',
		openNow: 'Hat es gerade offen',
		lastOpened: (when) => `Zuletzt geöffnet: ${when}`,
		neverOpened: 'Hat es noch nicht geöffnet',
		stop: 'Nicht mehr teilen',
		all: 'Alles, was du teilst',
	},
	stop: {
		waiting: 'Nicht mehr teilen?',
		title: (name) => `Mit ${name} nicht mehr teilen?`,
		cannot: (name, parts) => `${name} kann in ${parts} nichts Neues öffnen.`,
		keeps: (name) => `${name} kann behalten, was schon geöffnet wurde. Das kann niemand zurückholen.`,
		never: (name) => `${name} hat noch nichts geöffnet.`,
		sessions: (count) => n(count, { one: 'Eine offene Ansicht schließt sofort.', other: '# offene Ansichten schließen sofort.' }),
		still: (name, parts) => `Durch eine andere Freigabe kann ${name} weiter ${parts} öffnen.`,
		done: (name) => `Du teilst nicht mehr mit ${name}.`,
	},
};
