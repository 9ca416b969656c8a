import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('nl');

export const breakGlass: Pick<Words, 'breakGlass'> = {
	breakGlass: {
		note: 'Voor iemand in gevaar aan wie je het niet kan vragen. Jullie moeten het met zijn tweeën eens zijn, en de patiënt ziet het.',
		ask: 'Vragen om een dossier te openen',
		askText: 'De patiënt krijgt meteen bericht, en ook wie ermee kan instemmen.',
		code: 'Code van de patiënt',
		codeHint: 'Scan de noodkaart en plak de tekst.',
		notOffered: 'Bij deze patiënt mag je in een noodgeval niets openen.',
		part: 'Wat heb je nodig?',
		agrees: (who) => `Wie kan instemmen: ${who}.`,
		hours: 'Hoe lang?',
		hoursOf: (count) => n(count, { one: '# uur', other: '# uur' }),
		reason: 'Waarom?',
		reasonHint: 'Ten minste 20 tekens. Iedereen die het logboek bijhoudt kan dit voorgoed lezen, dus schrijf geen namen.',
		short: (count) => n(count, { one: 'Schrijf nog # teken.', other: 'Schrijf nog # tekens.' }),
		send: 'Vragen om te openen',
		asked: 'Gevraagd. Nu moet een tweede persoon instemmen.',
		now: 'Nu gevraagd en open',
		over: 'Voorbij',
		of: (name) => `Het dossier van ${name}.`,
		approve: 'Ik stem in: openen',
		approved: 'Je hebt ingestemd. Het kan nu geopend worden.',
		endReason: 'Het is niet meer nodig',
		openRecord: 'Dossier openen',
		reviewDue: (when) => `Iemand anders moet het nakijken voor ${when}.`,
	},
};
