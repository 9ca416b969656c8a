import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('nl');

export const today: Pick<Words, 'today' | 'timeline' | 'trends' | 'sealed'> = {
	today: {
		greeting: (hour, name) => {
			const wish = hour < 5 ? 'Goedenacht' : hour < 12 ? 'Goedemorgen' : hour < 18 ? 'Goedemiddag' : 'Goedenavond';
			return name ? `${wish}, ${name}` : wish;
		},
		share: 'Toegang delen',
		fresh: (count) => n(count, { one: '# nieuwe notitie sinds je laatst keek', other: '# nieuwe notities sinds je laatst keek' }),
		show: 'Tonen',
		care: 'Zorg',
		activity: 'Beweging',
		none: 'De laatste tijd niets van deze soort.',
		whole: 'De hele tijdlijn bekijken',
		opened: 'Wie opende je dossier',
		nobody: 'Niemand behalve jij heeft het geopend.',
		wants: 'Voor jou om te bekijken',
		look: 'Bekijken',
		emergency: (who, part) => `${who} vroeg in een noodgeval om ${part}`,
		ending: (who, part) => `${part} delen met ${who} eindigt binnenkort`,
		endingOn: (date) => `Het eindigt vanzelf op ${date}.`,
		empty: 'Je dossier is klaar',
		emptyText: 'Schrijf je eerste notitie, voeg een meting toe, of haal een bestand van je arts of ziekenhuis binnen.',
		begin: 'Het eerste toevoegen',
	},
	timeline: {
		text: 'Alles in je dossier, het nieuwste eerst.',
		search: 'Zoeken op dit apparaat',
		kind: 'Soort',
		everyKind: 'Alle soorten',
		part: 'Deel van het dossier',
		everyPart: 'Alle delen',
		found: (count) => n(count, { one: '# notitie', other: '# notities' }),
		none: 'Niets gevonden',
		noneText: 'Probeer een ander woord, of toon alle soorten en delen.',
		undated: 'Zonder datum',
	},
	trends: {
		text: 'Wat in de loop van de tijd is gemeten. De zachte band is het gebruikelijke bereik.',
		span: 'Hoe ver terug',
		spans: { month: 'Maand', quarter: '3 maanden', year: 'Jaar', all: 'Alles' },
		none: 'Nog niets gemeten',
		noneText: 'Metingen die je toevoegt of binnenhaalt, zie je hier.',
		noneThen: 'In deze tijd is niets gemeten',
		begin: 'Meting toevoegen',
	},
	sealed: {
		never: () => 'Niet met jou gedeeld.',
		ended: (since) => (since ? `Het delen eindigde op ${since}.` : 'Het delen is geëindigd.'),
		revoked: (since) => (since ? `Sinds ${since} niet meer met jou gedeeld.` : 'Niet meer met jou gedeeld.'),
		stale: () => 'De sleutels worden vernieuwd. Voorlopig gaat er niets nieuws open.',
		'from-now': (since) => `Wat vóór ${since} is geschreven, is niet met jou gedeeld.`,
	},
};
