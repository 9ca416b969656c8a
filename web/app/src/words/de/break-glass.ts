import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('de');

export const breakGlass: Pick<Words, 'breakGlass'> = {
	breakGlass: {
		note: 'Für jemanden in Gefahr, den man nicht fragen kann. Zwei von euch müssen einig sein, und die Person sieht es.',
		ask: 'Eine Akte öffnen lassen',
		askText: 'Die Person erfährt es sofort, und auch, wer zustimmen kann.',
		code: 'Code der Patientin oder des Patienten',
		codeHint: 'Lies die Notfallkarte ein und füge den Text ein.',
		notOffered: 'Diese Person lässt dich im Notfall nichts öffnen.',
		part: 'Was brauchst du?',
		agrees: (who) => `Wer zustimmen kann: ${who}.`,
		hours: 'Wie lange?',
		hoursOf: (count) => n(count, { one: '# Stunde', other: '# Stunden' }),
		reason: 'Warum?',
		reasonHint: 'Mindestens 20 Zeichen. Wer das Protokoll führt, kann es für immer lesen. Schreib also keine Namen.',
		short: (count) => n(count, { one: 'Schreib noch # Zeichen.', other: 'Schreib noch # Zeichen.' }),
		send: 'Öffnen lassen',
		asked: 'Gefragt. Jetzt muss eine zweite Person zustimmen.',
		now: 'Jetzt gefragt und offen',
		over: 'Vorbei',
		of: (name) => `Die Akte von ${name}.`,
		approve: 'Ich stimme zu: öffnen',
		approved: 'Du hast zugestimmt. Sie kann jetzt geöffnet werden.',
		endReason: 'Es wird nicht mehr gebraucht',
		openRecord: 'Akte öffnen',
		reviewDue: (when) => `Jemand anders soll es prüfen, bis ${when}.`,
	},
};
