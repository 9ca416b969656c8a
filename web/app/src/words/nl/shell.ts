import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('nl');

export const shell: Pick<Words, 'shell' | 'nav' | 'banner' | 'theme' | 'language' | 'shortcuts' | 'errors'> = {
	shell: {
		brand: 'Dossier',
		skip: 'Naar de inhoud',
		navigation: 'Hoofdmenu',
		opening: 'Wordt geopend',
		opened: 'Je dossier is open.',
		sealed: 'Gesloten. Hier is niets te lezen tot je het weer opent.',
		offline: 'Geen verbinding.',
		reconnected: 'Weer verbonden.',
		here: 'Geopend op dit apparaat. De server heeft alleen verzegelde gegevens.',
		lock: 'Mijn dossier sluiten',
		more: 'Meer',
		lost: 'Deze pagina is er niet',
		lostText: 'Het adres is misschien oud, of verkeerd getypt.',
		home: 'Naar de eerste pagina',
		sample: 'Voorbeeldpersoon: niets hier is echt.',
	},
	nav: { today: 'Vandaag', timeline: 'Tijdlijn', trends: 'Trends', sharing: 'Delen', access: 'Inzagelog', emergency: 'Noodgeval', patients: 'Patiënten', clients: 'Cliënten', shared: 'Met mij gedeeld', breakGlass: 'Noodtoegang', audit: 'Controle', auditSearch: 'Logboek doorzoeken', authority: 'Organisatie', members: 'Mensen', versions: 'Versies', keys: 'Sleutels en herstel', about: 'Over deze kopie', add: 'Toevoegen' },
	banner: {
		offline: 'Geen verbinding. Wat hier open is, kun je lezen.',
		queued: (count) => n(count, { one: '# notitie wacht verzegeld op dit apparaat. Ze wordt verstuurd zodra er weer verbinding is.', other: '# notities wachten verzegeld op dit apparaat. Ze worden verstuurd zodra er weer verbinding is.' }),
		emergency: (count) => n(count, { one: 'Je dossier is in een noodgeval gevraagd of geopend.', other: 'Je dossier is in # noodgevallen gevraagd of geopend.' }),
		look: 'Bekijken',
		veto: 'Iemand vraagt om je sleutels te vervangen.',
		vetoText: (until) => `Was jij dat niet? Stop het dan vóór ${until}. Tot dan blijft je dossier voor hen gesloten.`,
		vetoStop: 'Dat was ik niet: stop het',
		vetoDone: 'Gestopt. Je sleutels blijven zoals ze zijn.',
		vetoReason: 'Hier heb ik niet om gevraagd',
		unproven: (since) => `Sinds ${since} heeft de server niet bewezen dat hij alles toont. Lezen en schrijven kan. Iets nieuws delen wacht.`,
	},
	theme: { label: 'Licht of donker', auto: 'Zoals het apparaat', light: 'Licht', dark: 'Donker' },
	language: 'Taal',
	shortcuts: {
		title: 'Sneltoetsen',
		go: (to) => `Naar ${to}`,
		search: 'Zoeken in de tijdlijn',
		add: 'Iets toevoegen',
		help: 'Deze lijst tonen',
		then: 'dan',
		lock: 'Mijn dossier sluiten',
	},
	errors: {
		signature: 'Dit is niet ondertekend zoals het hoort. Het wordt niet getoond.',
		lost: 'De server is iets kwijt, of verbergt het.',
	},
};
