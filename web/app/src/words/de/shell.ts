import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('de');

export const shell: Pick<Words, 'shell' | 'nav' | 'banner' | 'theme' | 'language' | 'shortcuts' | 'errors'> = {
	shell: {
		brand: 'Akte',
		skip: 'Zum Inhalt',
		navigation: 'Hauptmenü',
		opening: 'Wird geöffnet',
		opened: 'Deine Akte ist offen.',
		sealed: 'Geschlossen. Hier ist nichts zu lesen, bis du sie wieder öffnest.',
		offline: 'Keine Verbindung.',
		reconnected: 'Wieder verbunden.',
		here: 'Auf diesem Gerät geöffnet. Der Server hat nur versiegelte Daten.',
		lock: 'Meine Akte schließen',
		more: 'Mehr',
		lost: 'Diese Seite gibt es nicht',
		lostText: 'Die Adresse ist vielleicht alt oder falsch getippt.',
		home: 'Zur ersten Seite',
		sample: 'Beispielperson: Nichts hier ist echt.',
	},
	nav: { today: 'Heute', timeline: 'Zeitleiste', trends: 'Verläufe', sharing: 'Teilen', access: 'Zugriffe', emergency: 'Notfall', patients: 'Patienten', clients: 'Kunden', shared: 'Mit mir geteilt', breakGlass: 'Notzugriff', audit: 'Prüfung', auditSearch: 'Protokoll durchsuchen', authority: 'Organisation', members: 'Personen', versions: 'Versionen', keys: 'Schlüssel', about: 'Über diese Kopie', add: 'Hinzufügen' },
	banner: {
		offline: 'Keine Verbindung. Was hier offen ist, kannst du lesen.',
		queued: (count) => n(count, { one: '# Eintrag wartet versiegelt auf diesem Gerät. Er wird gesendet, sobald die Verbindung wieder da ist.', other: '# Einträge warten versiegelt auf diesem Gerät. Sie werden gesendet, sobald die Verbindung wieder da ist.' }),
		emergency: (count) => n(count, { one: 'Deine Akte wurde in einem Notfall angefragt oder geöffnet.', other: 'Deine Akte wurde in # Notfällen angefragt oder geöffnet.' }),
		look: 'Ansehen',
		veto: 'Jemand will deine Schlüssel ersetzen.',
		vetoText: (until) => `Wenn du das nicht warst, halte es vor dem ${until} an. Bis dahin bleibt deine Akte für sie zu.`,
		vetoStop: 'Das war ich nicht: anhalten',
		vetoDone: 'Angehalten. Deine Schlüssel bleiben, wie sie sind.',
		vetoReason: 'Das habe ich nicht verlangt',
		unproven: (since) => `Seit ${since} hat der Server nicht bewiesen, dass er alles zeigt. Lesen und Schreiben geht. Neues zu teilen wartet.`,
	},
	theme: { label: 'Hell oder dunkel', auto: 'Wie das Gerät', light: 'Hell', dark: 'Dunkel' },
	language: 'Sprache',
	shortcuts: {
		title: 'Tastenkürzel',
		go: (to) => `Zu: ${to}`,
		search: 'In der Zeitleiste suchen',
		add: 'Etwas hinzufügen',
		help: 'Diese Liste zeigen',
		then: 'dann',
		lock: 'Meine Akte schließen',
	},
	errors: {
		signature: 'Das ist nicht unterschrieben, wie es sein muss. Es wird nicht gezeigt.',
		lost: 'Der Server hat etwas verloren oder verbirgt es.',
	},
};
