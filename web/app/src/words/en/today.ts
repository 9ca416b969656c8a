import { counting } from '../plural';

const n = counting('en');

export const today = {
	today: {
		greeting: (hour: number, name: string) => {
			const wish = hour < 5 ? 'Good night' : hour < 12 ? 'Good morning' : hour < 18 ? 'Good afternoon' : 'Good evening';
			return name ? `${wish}, ${name}` : wish;
		},
		share: 'Share access',
		fresh: (count: number) => n(count, { one: '# new entry since you last looked', other: '# new entries since you last looked' }),
		show: 'Show',
		care: 'Care',
		activity: 'Activity',
		none: 'Nothing of this kind lately.',
		whole: 'See the whole timeline',
		opened: 'Who opened your record',
		nobody: 'Nobody but you has opened it.',
		wants: 'For you to look at',
		look: 'Look',
		emergency: (who: string, part: string) => `${who} asked for ${part} in an emergency`,
		ending: (who: string, part: string) => `Sharing ${part} with ${who} ends soon`,
		endingOn: (date: string) => `It ends on ${date} by itself.`,
		empty: 'Your record is ready',
		emptyText: 'Write your first note, add a measurement, or bring in a file from your doctor or hospital.',
		begin: 'Add the first entry',
	},
	timeline: {
		text: 'Everything in your record, newest first.',
		search: 'Search on this device',
		kind: 'Kind',
		everyKind: 'All kinds',
		part: 'Part of the record',
		everyPart: 'All parts',
		found: (count: number) => n(count, { one: '# entry', other: '# entries' }),
		none: 'Nothing found',
		noneText: 'Try another word, or show all kinds and parts.',
		undated: 'Without a date',
	},
	trends: {
		text: 'What was measured over time. The soft band is the usual range.',
		span: 'How far back',
		spans: { month: 'Month', quarter: '3 months', year: 'Year', all: 'All' },
		none: 'Nothing measured yet',
		noneText: 'Measurements that are added or brought in show up here.',
		noneThen: 'Nothing was measured in this time',
		begin: 'Add a measurement',
	},
	sealed: {
		never: (_since: string) => 'Not shared with you.',
		ended: (since: string) => (since ? `Sharing ended on ${since}.` : 'Sharing has ended.'),
		revoked: (since: string) => (since ? `No longer shared with you, since ${since}.` : 'No longer shared with you.'),
		stale: (_since: string) => 'Its keys are being renewed. Nothing new can be opened for now.',
		'from-now': (since: string) => `What was written before ${since} is not shared with you.`,
	},
};
