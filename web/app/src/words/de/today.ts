import type { Words } from '../words.svelte';
import { counting } from '../plural';

const n = counting('de');

export const today: Pick<Words, 'today' | 'timeline' | 'trends' | 'sealed'> = {
	today: {
		greeting: (hour, name) => {
			const wish = hour < 5 ? 'Gute Nacht' : hour < 11 ? 'Guten Morgen' : hour < 18 ? 'Guten Tag' : 'Guten Abend';
			return name ? `${wish}, ${name}` : wish;
		},
		share: 'Zugang teilen',
		fresh: (count) => n(count, { one: '# neuer Eintrag, seit du zuletzt hier warst', other: '# neue Einträge, seit du zuletzt hier warst' }),
		show: 'Zeigen',
		care: 'Behandlung',
		activity: 'Bewegung',
		none: 'In letzter Zeit nichts davon.',
		whole: 'Die ganze Zeitleiste ansehen',
		opened: 'Wer deine Akte geöffnet hat',
		nobody: 'Niemand außer dir hat sie geöffnet.',
		wants: 'Bitte ansehen',
		look: 'Ansehen',
		emergency: (who, part) => `${who} hat in einem Notfall ${part} angefragt`,
		ending: (who, part) => `${part} mit ${who} zu teilen endet bald`,
		endingOn: (date) => `Es endet am ${date} von selbst.`,
		empty: 'Deine Akte ist bereit',
		emptyText: 'Schreibe deine erste Notiz, füge eine Messung hinzu oder hole eine Datei von deinem Arzt oder Krankenhaus herein.',
		begin: 'Den ersten Eintrag machen',
	},
	timeline: {
		text: 'Alles in deiner Akte, das Neueste zuerst.',
		search: 'Auf diesem Gerät suchen',
		kind: 'Art',
		everyKind: 'Alle Arten',
		part: 'Teil der Akte',
		everyPart: 'Alle Teile',
		found: (count) => n(count, { one: '# Eintrag', other: '# Einträge' }),
		none: 'Nichts gefunden',
		noneText: 'Versuche ein anderes Wort, oder zeige alle Arten und Teile.',
		undated: 'Ohne Datum',
	},
	trends: {
		text: 'Was über die Zeit gemessen wurde. Das weiche Band ist der übliche Bereich.',
		span: 'Wie weit zurück',
		spans: { month: 'Monat', quarter: '3 Monate', year: 'Jahr', all: 'Alles' },
		none: 'Noch nichts gemessen',
		noneText: 'Messungen, die du hinzufügst oder hereinholst, erscheinen hier.',
		noneThen: 'In dieser Zeit wurde nichts gemessen',
		begin: 'Messung hinzufügen',
	},
	sealed: {
		never: () => 'Nicht mit dir geteilt.',
		ended: (since) => (since ? `Das Teilen endete am ${since}.` : 'Das Teilen ist beendet.'),
		revoked: (since) => (since ? `Seit ${since} nicht mehr mit dir geteilt.` : 'Nicht mehr mit dir geteilt.'),
		stale: () => 'Die Schlüssel werden erneuert. Vorerst geht nichts Neues auf.',
		'from-now': (since) => `Was vor dem ${since} geschrieben wurde, ist nicht mit dir geteilt.`,
	},
};
